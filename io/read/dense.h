/* dense.h - dense reads: selections resolved to shapes, and columns read together into dense results. */
#ifndef MSIO_IO_DENSE_H
#define MSIO_IO_DENSE_H

#include "io/engine/engine.h"
#include "io/table/table.h"

/* One column of a dense read. */
typedef struct msio_dense_column {
    const char *name;
    msio_type type;
    msio_codec codec;
    bool array;                   /* cells are arrays */
    int ndim;                     /* of the wanted rows' cells; -1: no row was seen yet, or all are undefined */
    int64_t shape[MSIO_MAX_NDIM]; /* casacore order */
    msio_range axis[MSIO_MAX_NDIM];
    int64_t row_elements; /* wanted of each cell */
    int64_t apart;        /* elements of the result from one row to the next; 0: row_elements */
    int64_t bytes;        /* of the whole result */
    int64_t undefined;    /* rows never written, and the first place of one */
    int64_t undefined_place;
    int64_t shape_place; /* a place that has `shape` */
    bool fresh;          /* none of the wanted cells was ever written, and a use gives them their shape */
    void *out;
    size_t out_bytes;
    bool owned;     /* out is ours, from the pool */
    bool as_stored; /* strings, as the bytes of their cells (msio_text_form): arrays of uChar */
} msio_dense_column;

/* Where a whole result lies as it is wanted, in the order and form of memory: in a file that is mapped. */
typedef struct msio_located {
    const msio_file *file; /* lives as long as the access's snapshot */
    const uint8_t *data;   /* NULL: nowhere. What was copied from there is good while msio_file_map_failed is false */
} msio_located;

/* What is done with a plan in place of reading: it is handed to somebody else, who may run it the other way. */
typedef struct msio_dense_use {
    /* Each plain table's leaf, with its rows, before anything is planned; then all columns' shapes are known. */
    msio_status (*leaf)(void *user, int column, const msio_leaf *leaf, const msio_rows *rows);
    msio_status (*prepare)(void *user, msio_access *access);
    /* Pieces of what is native; target.out is the column's out. */
    msio_status (*flush)(void *user, msio_piece_batch *batch);
    /* Of cells none of which was ever written: the shape that they are to have (casacore order). */
    msio_status (*shape)(void *user, int column, int *ndim, int64_t shape[MSIO_MAX_NDIM]);
    /* Makes such cells, and pushes their pieces. */
    msio_status (*make)(void *user, int column, const msio_leaf *leaf, const msio_want *want, msio_sink *sink);
    /* Whether the pieces of a leaf that is read natively are run; else it is foreign, too. */
    bool (*native)(void *user, int column, const msio_leaf *leaf);
    /* What only casacore knows. */
    msio_status (*foreign)(void *user, int column, const msio_leaf *leaf, const msio_want *want);
    void *user;
    bool repeats; /* each column's out is one element */
    bool looks;   /* results have no memory; one piece is looked at, as a sink's `whole` has it, more end the plan */
    bool makes;   /* the other way: values are made when they are stored; out is no memory */
} msio_dense_use;

typedef struct msio_dense {
    int n;
    msio_dense_column *column;
    const msio_select *select;
    const msio_read_opts *opts;
    msio_rows rows;
    bool lenient;         /* channels and correlations apply to cells that have those axes */
    bool own_results;     /* results come from the pool */
    bool measure_only;    /* shapes, no results */
    msio_plan *plan;      /* not NULL: plan into it, read nothing */
    bool asks_ahead;      /* only asks the system for what is not in memory, reads nothing */
    msio_located *locate; /* not NULL: find the one column's result there, read nothing */
    const msio_dense_use *use;
    int64_t rows_selected; /* after the read */
    /* while a column is read */
    msio_engine engine;
    msio_sink sink;
    int current;
} msio_dense;

/* Resolves and reads (or plans, or measures) within an access. Results that are ours are given back on failure. */
msio_status msio_dense_read(void *dense, msio_access *access);

/* What msio_read_many of these columns would give, without reading: array[i] gets the type and shape of one row's part,
 * its bytes, and no data; shape[0] is left 0. *rows: the rows selected. Errors: as msio_read_many. */
msio_status msio_dense_measure(msio_table *table, int n, const msio_column *const *columns, const msio_select *select,
                               const msio_read_opts *opts, msio_array *array, int64_t *rows);

/* Asks the system to bring what msio_read_many of these columns would read into its cache, where it is not there.
 * Errors: as msio_read_many. */
msio_status msio_dense_ask_ahead(msio_table *table, int n, const msio_column *const *columns,
                                 const msio_select *select);

/* The parts of each cell axis that a selection means for cells of this shape (casacore order). lenient: axes that the
 * cell lacks are left out; otherwise asking for a part of one is MSIO_E_RANGE. */
msio_status msio_select_axes(const msio_select *select, const char *column, int ndim, const int64_t *shape,
                             bool lenient, msio_range axis[MSIO_MAX_NDIM], int64_t *elements);

/* The row of the table that goes to a place of the result; for messages. */
int64_t msio_select_row(const msio_select *select, int64_t place);

/* The part [place, place + rows) of a selection's rows; borrows its list. */
msio_select msio_select_part(const msio_select *select, int64_t place, int64_t rows);

/* Checks options and selection for their size. */
msio_status msio_check_sizes(const msio_select *select, const msio_read_opts *opts);

#endif
