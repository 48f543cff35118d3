/* subtable.h - columns of small tables, read whole: what metadata is made of. */
#ifndef MSIO_CACHE_SUBTABLE_H
#define MSIO_CACHE_SUBTABLE_H

#include "core/arena.h"
#include "msio/cache.h"

#include <stdbool.h>

/* A small table that is being read; what its readers return lives in the arena. The first failure stays in status, and
 * all calls after it do nothing. */
typedef struct msio_subtable {
    msio_table *table;
    msio_arena *arena;
    int64_t rows;
    msio_status status;
} msio_subtable;

/* Zeroed memory for one item a row; NULL without memory. */
void *msio_subtable_items(msio_subtable *t, size_t size);

/* One column's cells; all undefined where the table lacks the column. To be freed by msio_ragged_free. */
msio_ragged msio_subtable_cells(msio_subtable *t, const char *column);
/* Element i of row's cell as a number; `otherwise` where the cell has none. */
double msio_cell_number(const msio_ragged *cells, int64_t row, int64_t i, double otherwise);
int32_t msio_cell_int(const msio_ragged *cells, int64_t row, int32_t otherwise);
int64_t msio_cell_length(const msio_ragged *cells, int64_t row);
/* The cell's text, in the arena; "" where it was never written. */
const char *msio_cell_text(msio_subtable *t, const msio_ragged *cells, int64_t row);
/* All elements of the cell as doubles, in the arena; NULL where there are none. */
const double *msio_cell_doubles(msio_subtable *t, const msio_ragged *cells, int64_t row);

/* The directions of all rows: directions[row * step bytes]. Unit and frame come from the column's keywords, the frame
 * from another column where they say so (MEASINFO of the Measurement Set definition, casacore note 229). */
void msio_subtable_directions(msio_subtable *t, const char *column, msio_direction *directions, size_t step);

#endif
