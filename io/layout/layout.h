/* layout.h - what every storage manager's layout provides: shapes of cells, and pieces.
 *
 * A layout reads headers and indices, never bulk data. Its loaded state is immutable and shared by all threads.
 * Shapes inside io/ are in casacore's order, axis 0 fastest; the public API turns them round.
 */
#ifndef MSIO_IO_LAYOUT_H
#define MSIO_IO_LAYOUT_H

#include "io/aipsio/table_dat.h"
#include "io/plan/plan.h"
#include "io/plan/rows.h"

/* A part of each cell axis: elements start, start + step, ... */
typedef struct msio_range {
    int64_t start, count, step;
} msio_range;

/* What is wanted of one column: rows whose cells all have this shape, all defined. */
typedef struct msio_want {
    const msio_rows *rows;
    int64_t place_elements; /* result elements per unit of msio_rows_place */
    int ndim;               /* of the cell; 0: scalar */
    int64_t shape[MSIO_MAX_NDIM];
    msio_range axis[MSIO_MAX_NDIM];
    int64_t row_elements; /* wanted of one cell: product of axis counts, 1 for a scalar */
} msio_want;

/* Told for rows [index, index + count) of the set, in order: their cells' shape; ndim -1: never written. */
typedef msio_status (*msio_shape_sink)(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape);

/* Told for each row of the set, in order: the cell's strings (length[i] bytes at text[i]), axis 0 fastest; ndim -1:
 * never written. They live until it returns. */
typedef msio_status (*msio_text_sink)(void *user, int64_t index, int ndim, const int64_t *shape, int64_t elements,
                                      const char *const *text, const int64_t *length);

/* Told for rows [index, index + count) of the set, in order: they have one stored value; whole: no other row has it. */
typedef msio_status (*msio_share_sink)(void *user, int64_t index, int64_t count, bool whole);

/* Told for rows [index, index + count) of the set, in order: they lie in row number `tile` of tiles of that cube. */
typedef msio_status (*msio_tile_sink)(void *user, int64_t index, int64_t count, int64_t cube, int64_t tile);

/* How a manager stores a string in the cell of a scalar. */
typedef struct msio_text_form {
    int64_t bytes; /* of a cell */
    int64_t most;  /* of a string that the cell holds; a longer one lies elsewhere, or nowhere */
    bool counted;  /* the cell's last 4 bytes are the string's length, in the table's byte order; else a NUL ends it */
} msio_text_form;

/* A data manager of one snapshot of a table, as a layout sees it. */
typedef struct msio_manager {
    const struct msio_table_dat *dat;
    int index;             /* in dat's list of managers */
    int64_t rows;          /* of the table, by the sync record */
    const char *directory; /* the table's */
    const struct msio_layout *layout;
    void *state; /* the layout's own, from load */
    /* the manager's data files, opened by msio_manager_file and closed with the manager */
    int files;
    msio_file **file;
    const struct msio_left *left; /* see msio_file */
} msio_manager;

typedef struct msio_layout_facts {
    const char *name; /* the manager's own name, "" where it has none */
    int tile_ndim;
    int64_t tile[MSIO_MAX_NDIM + 1];
    int ndim;                     /* of all cells, or -1 */
    int64_t shape[MSIO_MAX_NDIM]; /* of all cells, valid when ndim >= 0 */
    bool undefined;               /* some rows, or all, have no place: even a scalar there was never written */
} msio_layout_facts;

typedef struct msio_layout {
    const char *type; /* "StandardStMan" */
    /* Reads and cross-checks the header; *state is freed by unload. Called once, under a lock. */
    msio_status (*load)(msio_manager *manager, void **state);
    void (*unload)(void *state);
    /* Why a column cannot be read natively ("record column"), or NULL. */
    const char *(*refuses)(const msio_manager *manager, const msio_column_dat *column);
    /* Why cells that have a place cannot be written there, or NULL: then their pieces may be run the other way. */
    const char *(*keeps)(const msio_manager *manager, const msio_column_dat *column);
    /* Where cells lie in tiles: tells which rows share them, of rows whose cells have a shape; NULL: they do not. */
    msio_status (*tiles)(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                         msio_tile_sink sink, void *user);
    /* Where a stored value may hold for several rows: tells which of the set have one, and NULL where each row has its
     * own. A value is written where it lies only when all its rows are, and get the same. Ends early with what the sink
     * returns. */
    msio_status (*shares)(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                          msio_share_sink sink, void *user);
    /* Tells shapes of cells; of scalars only where describe says that some may be undefined. */
    msio_status (*shapes)(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                          msio_shape_sink sink, void *user);
    /* Pushes the pieces of numeric and Bool columns. */
    msio_status (*pieces)(const msio_manager *manager, const msio_column_dat *column, const msio_want *want,
                          msio_sink *sink);
    /* Tells strings; NULL where the manager holds none. Scalars have ndim 0 and one element. */
    msio_status (*texts)(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                         msio_text_sink sink, void *user);
    /* Whether strings lie in the cells of a column, as long as they are short: then `pieces` takes such cells as arrays
     * of so many uChar. NULL: never. */
    bool (*text_form)(const msio_column_dat *column, msio_text_form *form);
    /* Fills name, tile of the first hypercube (casacore order), and whether all rows are known to share one shape. */
    void (*describe)(const msio_manager *manager, const msio_column_dat *column, msio_layout_facts *facts);
    /* Whether files behind the loaded state changed on disk; NULL: msio_manager_changed does. */
    bool (*changed)(const msio_manager *manager);
    /* Bytes that the loaded state takes. */
    size_t (*held)(const void *state);
} msio_layout;

extern const msio_layout msio_tiled_column_layout, msio_tiled_shape_layout, msio_tiled_cell_layout,
    msio_tiled_data_layout, msio_ssm_layout, msio_ism_layout;

/* Why cells of a column that have a place there are not written natively, or NULL. */
static inline const char *msio_column_keeps(const msio_layout *layout, const msio_manager *manager,
                                            const msio_column_dat *column) {
    msio_text_form form;
    if (column->type == MSIO_STRING && !(layout->text_form && layout->text_form(column, &form)))
        return "strings are written by casacore alone";
    return layout->keeps ? layout->keeps(manager, column) : NULL;
}

/* Why it depends on the rows and what they get whether those are, or NULL: msio_layout.shares tells. */
static inline const char *msio_column_shares(const msio_layout *layout, const msio_manager *manager,
                                             const msio_column_dat *column) {
    if (!layout->shares || msio_column_keeps(layout, manager, column)) return NULL;
    return "rows that have one stored value are written natively where all of them are, and get the same";
}

/* Why only some puts of such cells are made natively, or NULL. */
static inline const char *msio_column_partly(const msio_layout *layout, const msio_manager *manager,
                                             const msio_column_dat *column) {
    msio_text_form form;
    if (column->type == MSIO_STRING && layout->text_form && layout->text_form(column, &form) && form.counted)
        return "strings of more than 8 bytes, before or after, are written by casacore";
    return msio_column_shares(layout, manager, column);
}

/* Opens table.f<N><suffix> ("", "i", "_TSM1") of the manager, keeps it in manager->file. Only from load, or under the
 * layout's own lock. MSIO_E_FORMAT where the file is missing. */
msio_status msio_manager_file(msio_manager *manager, const char *suffix, msio_file **file);

/* The path of such a file, in a buffer of the caller's; returns the buffer. */
const char *msio_manager_path(const msio_manager *manager, const char *suffix, char *buffer, size_t size);

/* Whether one of manager->file is no longer what it was when it was opened. */
bool msio_manager_changed(const msio_manager *manager);

/* Bytes of one stored element: 0 for Bool and strings. */
int msio_stored_size(msio_type type);

/* Fills the box of one row (no row axis) for cells stored contiguously with the wanted axis ranges of want; strides in
 * bytes, bits for Bool. *first: where the first wanted element lies from the cell's start (bytes, or bits). */
void msio_want_box(const msio_want *want, msio_type type, msio_box *box, int64_t *first);

#endif
