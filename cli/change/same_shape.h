/* same_shape.h - the rows of a selection, by the shape of their cells. */
#ifndef MSIO_CLI_SAME_SHAPE_H
#define MSIO_CLI_SAME_SHAPE_H

#include "cli/input/selection.h"

/* Rows whose cells have one shape. */
typedef struct cli_same_shape {
    msio_select select; /* those rows, and the channels and correlations that are wanted of such cells */
    int64_t rows;
    int ndim;                     /* -1: cells that were never written */
    int64_t shape[MSIO_MAX_NDIM]; /* of a whole cell, numpy order */
} cli_same_shape;

/* Called for all rows, some at a time; where all cells have one shape, once. Row lists in the selections live until it
 * returns. Returns 0, or an exit code after telling. */
typedef int (*cli_same_shape_use)(void *user, const cli_same_shape *same);

/* Returns 0, or an exit code after telling: also what `use` returned. */
int cli_same_shapes(const cli_context *cli, const cli_selection *selection, const msio_column *column, const char *name,
                    cli_same_shape_use use, void *user);

#endif
