/* cells.h - what managers share that store a row's cell in one stretch: pushing cells, telling shapes and strings. */
#ifndef MSIO_IO_CELLS_H
#define MSIO_IO_CELLS_H

#include "io/layout/layout.h"

/* Elements of a cell whose shape the column fixes: 1 for a scalar, 0 for an array without axes; -1 where the column
 * has no shape or its size cannot be represented. */
int64_t msio_cell_elements(const msio_column_dat *column);

/* The same of any shape of an array. */
int64_t msio_shape_elements(int ndim, const int64_t *shape);

/* Whether cells lie inside the manager's own file, rather than in its file of indirect arrays. */
static inline bool msio_column_is_direct(const msio_column_dat *column) {
    return column->kind == MSIO_KIND_SCALAR ||
           (column->kind == MSIO_KIND_ARRAY && (column->option & MSIO_OPTION_DIRECT));
}

/* Why a column of such a manager is not read natively, or NULL. */
const char *msio_cell_refuses(const msio_column_dat *column);

/* What such a manager, of that name, says of a column. */
void msio_cell_describe(const msio_column_dat *column, const char *manager_name, msio_layout_facts *facts);

/* ---------------------------------------------------------------- pieces */

/* Pushes the wanted part of cells into a sink. Rows at equal distances are gathered before they are pushed. Positions
 * in the file are in bytes, for Bool in bits. */
typedef struct msio_cells {
    const msio_want *want;
    msio_sink *sink;
    msio_source source;
    msio_box box;
    bool bits;
    int64_t first; /* from a cell's start to its first wanted element */
    int64_t place; /* bytes of the result per unit of msio_rows_place */
    int64_t far;   /* rows farther apart are not gathered: a read would fetch what lies between */
    int64_t at, out, rows, row_src, row_dst; /* gathered, not pushed yet; rows 0: none */
} msio_cells;

void msio_cells_start(msio_cells *cells, const msio_want *want, msio_type type, msio_file *file, msio_sink *sink);

/* Rows [from, from + count) of the set: the first one's cell begins at `where`, others lie `stride` farther for each
 * row of the table (0: all are that one cell). */
msio_status msio_cells_push(msio_cells *cells, int64_t from, int64_t count, int64_t where, int64_t stride);

/* Pushes what is left. */
msio_status msio_cells_finish(msio_cells *cells);

/* ---------------------------------------------------------------- shapes */

/* Gathers neighbouring rows of one shape before they are told. */
typedef struct msio_shape_run {
    msio_shape_sink sink;
    void *user;
    int64_t index, count;
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];
} msio_shape_run;

/* The next count rows of the set have this shape; ndim -1: never written. */
msio_status msio_shape_run_add(msio_shape_run *run, int64_t count, int ndim, const int64_t *shape);
msio_status msio_shape_run_finish(msio_shape_run *run);

/* Shape of an array as it is told: one without axes is empty, which only an axis of length 0 can say. */
int msio_shape_told(int ndim, const int64_t *shape, int64_t told[MSIO_MAX_NDIM]);

/* ---------------------------------------------------------------- strings */

/* More strings than this in one cell are taken for damage. */
#define MSIO_CELL_STRINGS_MOST ((int64_t)1 << 24)

/* The strings of one cell, being gathered; memory is kept from cell to cell. Starts all zero. */
typedef struct msio_text_cell {
    const char *path; /* for messages */
    char *bytes;
    int64_t used, capacity;
    int64_t n, room;
    int64_t *start, *length; /* [room] */
    const char **text;       /* [room] */
} msio_text_cell;

/* Empties the cell and makes room for `strings` strings. MSIO_E_FORMAT, MSIO_E_MEMORY. */
msio_status msio_text_cell_reset(msio_text_cell *cell, int64_t strings);
/* Appends room for bytes, which the caller fills; NULL without memory, with the error set. */
char *msio_text_cell_bytes(msio_text_cell *cell, int64_t bytes);
/* The next string is these bytes, copied. */
msio_status msio_text_cell_add(msio_text_cell *cell, const void *bytes, int64_t length);
/* The next string is length of the cell's own bytes from start on. */
void msio_text_cell_slice(msio_text_cell *cell, int64_t start, int64_t length);
/* Cuts n strings, each behind its 32-bit length, out of the cell's own bytes [from, to). MSIO_E_FORMAT. */
msio_status msio_text_cell_split(msio_text_cell *cell, int64_t from, int64_t to, int64_t n, bool big);
/* Tells rows [from, from + count) of a set that these are their strings. */
msio_status msio_text_cell_tell(msio_text_cell *cell, msio_text_sink sink, void *user, int64_t from, int64_t count,
                                int ndim, const int64_t *shape);
void msio_text_cell_free(msio_text_cell *cell);

#endif
