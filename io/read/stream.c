/* stream.c - a selection in batches of rows: the next one is read while the caller works on this one. */
#include "core/checked.h"
#include "core/error.h"
#include "core/pool.h"
#include "io/engine/ahead.h"
#include "io/read/dense.h"

#include <stdlib.h>
#include <string.h>

/* Two batches: the caller's, and the one that is being read. */
typedef struct half {
    msio_batch batch;
    msio_array *array; /* [columns] */
    void **memory;     /* [columns], of full batches */
    size_t *bytes;
} half;

struct msio_stream {
    msio_table *table;
    int columns;
    const msio_column **column;
    msio_array *shape; /* [columns]: type and shape of one row's part; shape[0] is replaced per batch */
    msio_select select;
    int64_t *list; /* the caller's row list, copied */
    int64_t rows, batch_rows, next_row;
    msio_read_opts opts;
    half half[2];
    msio_ahead ahead;
};

/* ---------------------------------------------------------------- filling a half */

static msio_status fill(void *stream, int which) {
    msio_stream *s = stream;
    half *h = &s->half[which];
    int64_t rows = msio_min(s->batch_rows, s->rows - s->next_row);
    if (rows <= 0) return MSIO_END;
    msio_select part = msio_select_part(&s->select, s->next_row, rows);
    msio_status status = msio_read_many(s->columns, s->column, &part, h->memory, h->bytes, &s->opts);
    if (status) return status;
    h->batch = (msio_batch){.row = s->next_row, .rows = rows, .columns = s->columns, .arrays = h->array};
    for (int i = 0; i < s->columns; i++) {
        h->array[i] = s->shape[i];
        h->array[i].shape[0] = rows;
        h->array[i].data = h->memory[i];
        h->array[i].bytes = h->bytes[i] / (size_t)s->batch_rows * (size_t)rows;
    }
    s->next_row += rows;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- opening */

static msio_status find_columns(msio_stream *s, const char *const *names) {
    s->column = calloc((size_t)s->columns, sizeof *s->column);
    s->shape = calloc((size_t)s->columns, sizeof *s->shape);
    if (!s->column || !s->shape) return msio_error_set(MSIO_E_MEMORY, s->table->path, "no memory for a stream");
    for (int i = 0; i < s->columns; i++) {
        msio_status status = msio_table_column(s->table, names[i], &s->column[i]);
        if (status) return status;
    }
    return MSIO_OK;
}

static msio_status take_memory(msio_stream *s) {
    for (int h = 0; h < 2; h++) {
        s->half[h].array = calloc((size_t)s->columns, sizeof *s->half[h].array);
        s->half[h].memory = calloc((size_t)s->columns, sizeof *s->half[h].memory);
        s->half[h].bytes = calloc((size_t)s->columns, sizeof *s->half[h].bytes);
        if (!s->half[h].array || !s->half[h].memory || !s->half[h].bytes)
            return msio_error_set(MSIO_E_MEMORY, s->table->path, "no memory for a stream");
        for (int i = 0; i < s->columns; i++) {
            s->half[h].bytes[i] = s->shape[i].bytes * (size_t)s->batch_rows;
            if (s->half[h].bytes[i] == 0) continue;
            s->half[h].memory[i] = msio_pool_take(s->half[h].bytes[i]);
            if (!s->half[h].memory[i])
                return msio_error_set(MSIO_E_MEMORY, s->table->path, "no memory for batches of %lld rows",
                                      (long long)s->batch_rows);
        }
    }
    return MSIO_OK;
}

static msio_status copy_selection(msio_stream *s, const msio_select *select) {
    s->select = select ? *select : (msio_select)MSIO_SELECT_ALL;
    if (!s->select.row_list) return MSIO_OK;
    if (s->select.rows_in_list < 0)
        return msio_error_set(MSIO_E_ARGUMENT, s->table->path, "a row list of negative length");
    s->list = malloc(((size_t)s->select.rows_in_list + 1) * sizeof *s->list);
    if (!s->list) return msio_error_set(MSIO_E_MEMORY, s->table->path, "no memory for a row list");
    memcpy(s->list, s->select.row_list, (size_t)s->select.rows_in_list * sizeof *s->list);
    s->select.row_list = s->list;
    return MSIO_OK;
}

static msio_status prepare(msio_stream *s, const char *const *columns, const msio_select *select,
                           const msio_stream_opts *o) {
    int64_t row_bytes = 0;
    msio_status status = find_columns(s, columns);
    if (!status) status = copy_selection(s, select);
    if (!status) status = msio_dense_measure(s->table, s->columns, s->column, &s->select, &s->opts, s->shape, &s->rows);
    if (status) return status;
    for (int i = 0; i < s->columns; i++) row_bytes += (int64_t)s->shape[i].bytes;
    int64_t fits = row_bytes ? (int64_t)(o->memory / 2) / row_bytes : msio_max(s->rows, 1);
    if (fits < 1)
        return msio_error_set(MSIO_E_SIZE, s->table->path, "two rows take %lld bytes, the stream may take %zu",
                              (long long)row_bytes * 2, o->memory);
    s->batch_rows = o->rows_per_batch > 0 ? msio_min(o->rows_per_batch, fits) : fits;
    s->batch_rows = msio_max(1, msio_min(s->batch_rows, s->rows));
    return take_memory(s);
}

msio_status msio_stream_open(msio_table *table, int n, const char *const *columns, const msio_select *select,
                             const msio_stream_opts *opts, msio_stream **stream) {
    msio_stream_opts o = MSIO_STREAM_OPTS_INIT;
    if (!table || !columns || !stream) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no table, columns or stream");
    if (n < 1) return msio_error_set(MSIO_E_ARGUMENT, NULL, "%d columns asked for: name one at least", n);
    if (opts && opts->struct_size != sizeof o)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "options of %zu bytes, this version knows %zu: use MSIO_STREAM_OPTS_INIT",
                              opts->struct_size, sizeof o);
    if (opts) o = *opts;
    msio_status status = msio_check_sizes(select, &o.read);
    if (status) return status;
    msio_stream *s = calloc(1, sizeof *s);
    if (!s) return msio_error_set(MSIO_E_MEMORY, table->path, "no memory for a stream");
    s->table = table;
    s->columns = n;
    s->opts = o.read;
    s->opts.once = 1;
    status = prepare(s, columns, select, &o);
    if (status) {
        msio_stream_close(s);
        return status;
    }
    msio_ahead_start(&s->ahead, fill, s);
    *stream = s;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- next, close */

msio_status msio_stream_next(msio_stream *stream, const msio_batch **batch) {
    int which;
    msio_status status = msio_ahead_next(&stream->ahead, &which);
    if (!status) *batch = &stream->half[which].batch;
    return status;
}

void msio_stream_close(msio_stream *stream) {
    if (!stream) return;
    if (!msio_ahead_stop(&stream->ahead)) return;
    for (int h = 0; h < 2; h++) {
        for (int i = 0; stream->half[h].memory && i < stream->columns; i++) msio_pool_give(stream->half[h].memory[i]);
        free(stream->half[h].memory);
        free(stream->half[h].array);
        free(stream->half[h].bytes);
    }
    free(stream->column);
    free(stream->shape);
    free(stream->list);
    free(stream);
}
