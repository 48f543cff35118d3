/* cell_json.h - the values of cells as JSON. */
#ifndef MSIO_CLI_CELL_JSON_H
#define MSIO_CLI_CELL_JSON_H

#include "cli/common/json.h"
#include "cli/common/slice.h"

/* What of each cell to write: slices of its last axis but one and of its last; NULL is all. */
typedef struct cli_cut {
    const cli_slice *chans, *corrs;
} cli_cut;

/* A cell's axes as they are to be walked. */
typedef struct cli_walk {
    const msio_ragged *ragged;
    int ndim;
    cli_range ranges[MSIO_MAX_NDIM];
    int64_t strides[MSIO_MAX_NDIM]; /* in elements */
} cli_walk;

/* Cell 0 <= index < ragged->cells, one that was written. Returns 0, or -1 when the cut names an axis that the cell
 * lacks, or a single index that is not there. cut may be NULL. */
int cli_walk_begin(cli_walk *walk, const msio_ragged *ragged, int64_t index, const cli_cut *cut);

/* Writes cell 0 <= index < ragged->cells: null where it was never written, a value, or arrays nested in numpy's order;
 * complex values are [re, im]. Returns 0, or -1 when the cut names an axis that the cell lacks, or a single index that
 * is not there: nothing is written then. cut may be NULL. */
int cli_cell_json(cli_json *json, const msio_ragged *ragged, int64_t index, const cli_cut *cut);

/* Element of a numeric type as a double: of the values at `data`, the index-th. 0 for other types. */
double cli_element(msio_type type, const void *data, int64_t index);

#endif
