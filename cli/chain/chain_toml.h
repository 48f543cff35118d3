/* chain_toml.h - TOML as files of steps need it: tables, arrays of tables, and values, each with its place in the file.
 *
 * A subset of TOML 1.0, taken strictly: what is taken means what TOML says. Texts of several lines, dotted keys, dates,
 * infinities and numbers that are not decimal are refused by name; so are NULs within texts.
 */
#ifndef MSIO_CLI_CHAIN_TOML_H
#define MSIO_CLI_CHAIN_TOML_H

#include <stddef.h>
#include <stdint.h>

#define CHAIN_TOML_DEPTH 8   /* of values within values, and of names in a header */
#define CHAIN_TOML_KEYS 1000 /* of one table */
#define CHAIN_TOML_MESSAGE 400

typedef enum chain_toml_kind {
    CHAIN_TOML_TABLE,
    CHAIN_TOML_ARRAY,
    CHAIN_TOML_TEXT,
    CHAIN_TOML_INTEGER,
    CHAIN_TOML_FLOAT,
    CHAIN_TOML_BOOLEAN
} chain_toml_kind;

typedef struct chain_toml {
    chain_toml_kind kind;
    int line, column; /* where it begins, from 1; columns count characters */
    char *key;        /* within a table; else NULL */
    char *text;       /* UTF-8 without NUL */
    int64_t whole;    /* also of a boolean */
    double number;    /* of a float, finite */
    int n;            /* values within */
    int written;      /* by a header of its own, or as a value: no other header may write it again */
    int closed;       /* a value: nothing can be added by headers */
    struct chain_toml *first, *last, *next; /* within a table or array, in their order */
} chain_toml;

/* What is wrong with a file. */
typedef struct chain_fault {
    int line, column; /* 0: of no place */
    char message[CHAIN_TOML_MESSAGE];
} chain_fault;

/* Reads a file's text, which may be anything. Returns its table, to be freed; NULL after telling what is wrong. */
chain_toml *chain_toml_parse(const char *text, size_t length, chain_fault *fault);
void chain_toml_free(chain_toml *value);
/* A key of a table; NULL: it has none. */
const chain_toml *chain_toml_find(const chain_toml *table, const char *key);

#endif
