/* read.c - the dense read calls of the public API. */
#include "core/error.h"
#include "core/pool.h"
#include "io/read/dense.h"
#include "prof/call.h"
#include "prof/span.h"

#include <stdlib.h>
#include <string.h>

static msio_status run(msio_table *table, msio_dense *dense) {
    prof_span span;
    prof_work done = {0};
    msio_status status = msio_check_sizes(dense->select, dense->opts);
    if (status) return status;
    prof_begin(&span, PROF_PATH_READ);
    status = msio_access_run(table, msio_dense_read, dense);
    for (int i = 0; i < dense->n && !status; i++) done.bytes += dense->column[i].bytes;
    done.bytes_read = atomic_load(&dense->engine.bytes_read);
    done.rows = dense->rows_selected;
    done.pieces = dense->engine.pieces;
    prof_end(&span, &done);
    if (!status && !dense->measure_only) prof_call_did(done.bytes, done.rows);
    return status;
}

static void result_shape(const msio_dense *dense, int64_t rows, int *ndim, int64_t shape[MSIO_MAX_NDIM + 1]) {
    const msio_dense_column *c = &dense->column[0];
    int n = c->ndim > 0 ? c->ndim : 0;
    shape[0] = rows;
    for (int k = 0; k < n; k++) shape[1 + k] = c->axis[n - 1 - k].count;
    *ndim = n + 1;
}

msio_status msio_read_shape(const msio_column *column, const msio_select *select, int *ndim,
                            int64_t shape[MSIO_MAX_NDIM + 1], size_t *bytes) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    if (!column) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column");
    msio_dense_column c = {.name = column->name};
    msio_dense dense = {.n = 1, .column = &c, .select = select, .measure_only = true};
    /* a fill value would be needed to read undefined cells, but the others have a shape all the same */
    static const uint8_t any[16];
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.fill = any;
    dense.opts = &opts;
    msio_status status = run(column->table, &dense);
    if (status) return status;
    int n;
    int64_t s[MSIO_MAX_NDIM + 1] = {0};
    result_shape(&dense, dense.rows_selected, &n, s);
    if (ndim) *ndim = n;
    if (shape) memcpy(shape, s, sizeof s);
    if (bytes) *bytes = (size_t)c.bytes;
    return MSIO_OK;
}

msio_status msio_read_many(int n, const msio_column *const *columns, const msio_select *select, void *const *outs,
                           const size_t *out_bytes, const msio_read_opts *opts) {
    PROF_CALL_OF(n > 0 && columns ? columns[0]->table->path : NULL, n > 0 && columns ? columns[0]->name : NULL, n);
    if (n < 1 || !columns || !outs || !out_bytes)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no columns, or no memory for them");
    msio_dense_column *c = calloc((size_t)n, sizeof *c);
    if (!c) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for %d columns", n);
    msio_status status = MSIO_OK;
    for (int i = 0; i < n && !status; i++) {
        c[i] = (msio_dense_column){.name = columns[i]->name, .out = outs[i], .out_bytes = outs[i] ? out_bytes[i] : 0};
        if (columns[i]->table != columns[0]->table)
            status = msio_error_set(MSIO_E_ARGUMENT, columns[i]->table->path,
                                    "columns of different tables: read each table by a call of its own");
    }
    msio_dense dense = {.n = n, .column = c, .select = select, .opts = opts, .lenient = true};
    if (!status) status = run(columns[0]->table, &dense);
    free(c);
    return status;
}

msio_status msio_read(const msio_column *column, const msio_select *select, void *out, size_t out_bytes,
                      const msio_read_opts *opts) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    if (!column) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column");
    msio_dense_column c = {.name = column->name, .out = out, .out_bytes = out ? out_bytes : 0};
    msio_dense dense = {.n = 1, .column = &c, .select = select, .opts = opts};
    return run(column->table, &dense);
}

msio_status msio_read_new(const msio_column *column, const msio_select *select, msio_array *array,
                          const msio_read_opts *opts) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    if (!column || !array) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column, or nowhere to put the array");
    msio_dense_column c = {.name = column->name};
    msio_dense dense = {.n = 1, .column = &c, .select = select, .opts = opts, .own_results = true};
    msio_status status = run(column->table, &dense);
    if (status) return status;
    *array = (msio_array){.type = c.type, .bytes = (size_t)c.bytes, .data = c.out};
    result_shape(&dense, dense.rows_selected, &array->ndim, array->shape);
    return MSIO_OK;
}

void msio_array_free(msio_array *array) {
    if (!array) return;
    msio_pool_give(array->data);
    *array = (msio_array){0};
}
