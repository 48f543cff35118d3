/* npy_read.h - numpy's .npy files, read by rows: of either order and byte order. */
#ifndef MSIO_CLI_NPY_READ_H
#define MSIO_CLI_NPY_READ_H

#include "cli/command.h"

#include <stddef.h>

typedef struct cli_npy {
    const char *path;
    int fd; /* -1: not open */
    char dtype[32];
    int fortran;
    int ndim;
    int64_t shape[MSIO_MAX_NDIM + 1];
    int64_t data; /* where the elements begin */
    /* once the type is known to be the wanted one: */
    size_t element, unit; /* bytes of an element, and of what is swapped as one */
    int swapped;
    msio_type type;
} cli_npy;
#define CLI_NPY_INIT                                                                                                   \
    { .fd = -1 }

/* Reads the dictionary of a header. Returns NULL, or what is wrong with it. */
const char *cli_npy_parse(const char *text, cli_npy *npy);

/* Opens the file and reads its header. Returns 0, or an exit code after telling: 3 when it cannot be read. */
int cli_npy_open(const cli_context *cli, const char *path, cli_npy *npy);
/* The elements must be of that type, in either byte order, and all be there. Returns 0, or an exit code after telling:
 * 2 when they are not. column: for the message. */
int cli_npy_wants(const cli_context *cli, cli_npy *npy, msio_type type, const char *column);
/* Rows first .. first + rows of the array (of at least one axis) in C order and this machine's byte order. */
int cli_npy_rows(const cli_context *cli, const cli_npy *npy, int64_t first, int64_t rows, void *out);
void cli_npy_close(cli_npy *npy);

#endif
