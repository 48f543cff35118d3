/* npy.h - numpy's .npy files (format version 1.0). */
#ifndef MSIO_CLI_NPY_H
#define MSIO_CLI_NPY_H

#include "cli/output/output.h"

/* numpy's name of a type in this machine's order: "<c8"; width: characters of a string type, "<U12". "" where numpy has
 * none. */
typedef struct cli_dtype {
    char text[24];
} cli_dtype;
cli_dtype cli_npy_dtype(msio_type type, size_t width);

/* Writes the header of an array in C order. Returns 0, or an exit code after telling. */
int cli_npy_header(const cli_context *cli, cli_output *output, const char *dtype, int ndim, const int64_t *shape);

#endif
