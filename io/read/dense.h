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
    void *out;
    size_t out_bytes;
    bool owned; /* out is ours, from the pool */
} msio_dense_column;

/* Where a whole result lies as it is wanted, in the order and form of memory: in a file that is mapped. */
typedef struct msio_located {
    const msio_file *file; /* lives as long as the access's snapshot */
    const uint8_t *data;   /* NULL: nowhere. What was copied from there is good while msio_file_map_failed is false */
} msio_located;

typedef struct msio_dense {
    int n;
    msio_dense_column *column;
    const msio_select *select;
    const msio_read_opts *opts;
    msio_rows rows;
    bool lenient;          /* channels and correlations apply to cells that have those axes */
    bool own_results;      /* results come from the pool */
    bool measure_only;     /* shapes, no results */
    msio_plan *plan;       /* not NULL: plan into it, read nothing */
    msio_located *locate;  /* not NULL: find the one column's result there, read nothing */
    int64_t rows_selected; /* after the read */
    /* while a column is read */
    msio_engine engine;
    msio_sink sink;
    int current;
} msio_dense;

/* Resolves and reads (or plans, or measures) within an access. Results that are ours are given back on failure. */
msio_status msio_dense_read(void *dense, msio_access *access);

/* The parts of each cell axis that a selection means for cells of this shape (casacore order). lenient: axes that the
 * cell lacks are left out; otherwise asking for a part of one is MSIO_E_RANGE. */
msio_status msio_select_axes(const msio_select *select, const char *column, int ndim, const int64_t *shape,
                             bool lenient, msio_range axis[MSIO_MAX_NDIM], int64_t *elements);

/* The row of the table that goes to a place of the result; for messages. */
int64_t msio_select_row(const msio_select *select, int64_t place);

/* Checks options and selection for their size. */
msio_status msio_check_sizes(const msio_select *select, const msio_read_opts *opts);

#endif
