/* json.h - writing JSON to a stream. */
#ifndef MSIO_CLI_JSON_H
#define MSIO_CLI_JSON_H

#include "cli/common/failure.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_JSON_DEPTH 24

/* A document being written. Errors of the stream are its own: look at it at the end. */
typedef struct cli_json {
    FILE *out;
    int depth;
    int after_key;
    int in_page; /* '<' is written as an escape: the document stands within HTML */
    struct {
        char close;
        unsigned char tall; /* one element a line */
        unsigned char used; /* has an element */
    } level[CLI_JSON_DEPTH];
} cli_json;
#define CLI_JSON_INIT(stream)                                                                                          \
    {                                                                                                                  \
        (stream), 0, 0, 0, {                                                                                           \
            { 0, 0, 0 }                                                                                                \
        }                                                                                                              \
    }

void cli_json_object(cli_json *json);      /* one member a line */
void cli_json_flat_object(cli_json *json); /* all in one line */
void cli_json_array(cli_json *json);       /* in one line, for numbers */
void cli_json_list(cli_json *json);        /* one element a line, for objects */
void cli_json_end(cli_json *json);         /* the innermost object or array */
void cli_json_key(cli_json *json, const char *key);

/* NULL is null. Bytes that are no UTF-8 become U+FFFD. */
void cli_json_string(cli_json *json, const char *text);
void cli_json_bytes(cli_json *json, const char *text, size_t length);
void cli_json_int(cli_json *json, int64_t value);
void cli_json_uint(cli_json *json, uint64_t value);
/* The shortest digits that give the same double; "nan", "inf" and "-inf" as strings. */
void cli_json_double(cli_json *json, double value);
void cli_json_bool(cli_json *json, int value);
void cli_json_null(cli_json *json);
void cli_json_error(cli_json *json, const cli_error *error);

/* Members of an object: a key, and what the function without it begins; cli_json_end closes it. */
void cli_json_open_object(cli_json *json, const char *key);
void cli_json_open_flat_object(cli_json *json, const char *key);
void cli_json_open_array(cli_json *json, const char *key);
void cli_json_open_list(cli_json *json, const char *key);

/* Members of an object: a key and its value; "_or_null": null where the value is not known; a row is an array of n. */
void cli_json_put_string(cli_json *json, const char *key, const char *text);
void cli_json_put_int(cli_json *json, const char *key, int64_t value);
void cli_json_put_int_or_null(cli_json *json, const char *key, int known, int64_t value);
void cli_json_put_double(cli_json *json, const char *key, double value);
void cli_json_put_double_or_null(cli_json *json, const char *key, int known, double value);
void cli_json_put_bool(cli_json *json, const char *key, int value);
void cli_json_put_null(cli_json *json, const char *key);
void cli_json_put_error(cli_json *json, const char *key, const cli_error *error);
/* The names of a list "A, B", as the library gives them, as an array of strings. */
void cli_json_put_names(cli_json *json, const char *key, const char *list);
void cli_json_put_ints(cli_json *json, const char *key, int64_t n, const int64_t *values);
void cli_json_put_ints_or_null(cli_json *json, const char *key, int known, int64_t n, const int64_t *values);
void cli_json_put_int32s(cli_json *json, const char *key, int64_t n, const int32_t *values);
void cli_json_put_doubles(cli_json *json, const char *key, int64_t n, const double *values);

/* Members of a struct as members of an object: const char *, char[], double, int64_t and int. */
typedef enum cli_json_kind {
    CLI_JSON_TEXT, /* const char * */
    CLI_JSON_LINE, /* char[] */
    CLI_JSON_DOUBLE,
    CLI_JSON_INT64,
    CLI_JSON_INT
} cli_json_kind;
typedef struct cli_json_member {
    const char *key;
    cli_json_kind kind;
    size_t offset;
} cli_json_member;
#define CLI_JSON_KIND_OF(value)                                                                                        \
    _Generic((value), const char * : CLI_JSON_TEXT, char * : CLI_JSON_LINE, double : CLI_JSON_DOUBLE, int64_t          \
             : CLI_JSON_INT64, int : CLI_JSON_INT)
#define CLI_JSON_MEMBER(type, key, name)                                                                               \
    { (key), CLI_JSON_KIND_OF(((type *)0)->name), offsetof(type, name) }
#define CLI_JSON_PUT_MEMBERS(json, from, members)                                                                      \
    cli_json_put_members((json), (from), sizeof(members) / sizeof *(members), (members))
void cli_json_put_members(cli_json *json, const void *from, size_t n, const cli_json_member *members);

/* Ends the document, or a line of several, with a newline. */
void cli_json_finish(cli_json *json);

#endif
