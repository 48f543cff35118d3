/* samples_names.h - what functions and lines of the source places in code are of (samples_names.c). */
#ifndef MSIO_CLI_SAMPLES_NAMES_H
#define MSIO_CLI_SAMPLES_NAMES_H

#include <stdint.h>

/* A place's function and line. */
typedef struct code_name {
    char *function; /* as people write it; "+0x1a2b" where no name is known: the address in the file's own numbering at
                       which it begins, where that is told to unwinders, else that of the place */
    char *source;   /* the file of its line; NULL: unknown */
    int line;
} code_name;

typedef struct names names;

names *names_new(void);
void names_free(names *n);

/* The name of the code at an offset in a library or program; its members are the caller's to free. Never fails: what
 * is not known, as no libdw is there, or the file is gone or stripped, is told so. */
code_name names_find(names *n, const char *path, uint64_t offset);
/* The same of a place that stands so many bytes behind where the file begins in memory. */
code_name names_find_loaded(names *n, const char *path, uint64_t behind);

#endif
