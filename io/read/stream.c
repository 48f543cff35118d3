/* stream.c - a selection in batches of rows: the next one is read while the caller works on this one. */
#include "core/checked.h"
#include "core/error.h"
#include "core/pool.h"
#include "io/engine/ahead.h"
#include "io/read/batches.h"
#include "io/read/dense.h"
#include "prof/call.h"

#include <stdlib.h>

/* Two batches: the caller's, and the one that is being read. */
typedef struct half {
    msio_batch batch;
    msio_array *array; /* [columns] */
    void **memory;     /* [columns], of full batches */
    size_t *bytes;
} half;

struct msio_stream {
    msio_batches all;
    msio_read_opts opts;
    half half[2];
    msio_ahead ahead;
};

/* ---------------------------------------------------------------- filling a half */

static msio_status fill(void *stream, int which) {
    msio_stream *s = stream;
    half *h = &s->half[which];
    int64_t rows = msio_batches_rows(&s->all);
    if (rows <= 0) return MSIO_END;
    msio_select part = msio_select_part(&s->all.select, s->all.next_row, rows);
    msio_status status = msio_read_many(s->all.columns, s->all.column, &part, h->memory, h->bytes, &s->opts);
    if (status) return status;
    h->batch = (msio_batch){.row = s->all.next_row, .rows = rows, .columns = s->all.columns, .arrays = h->array};
    for (int i = 0; i < s->all.columns; i++) {
        h->array[i] = s->all.shape[i];
        h->array[i].shape[0] = rows;
        h->array[i].data = h->memory[i];
        h->array[i].bytes = h->bytes[i] / (size_t)s->all.batch_rows * (size_t)rows;
    }
    s->all.next_row += rows;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- opening */

static msio_status take_memory(msio_stream *s) {
    for (int h = 0; h < 2; h++) {
        s->half[h].array = calloc((size_t)s->all.columns, sizeof *s->half[h].array);
        s->half[h].memory = calloc((size_t)s->all.columns, sizeof *s->half[h].memory);
        s->half[h].bytes = calloc((size_t)s->all.columns, sizeof *s->half[h].bytes);
        if (!s->half[h].array || !s->half[h].memory || !s->half[h].bytes)
            return msio_error_set(MSIO_E_MEMORY, s->all.table->path, "no memory for a stream");
        for (int i = 0; i < s->all.columns; i++) {
            s->half[h].bytes[i] = s->all.shape[i].bytes * (size_t)s->all.batch_rows;
            if (s->half[h].bytes[i] == 0) continue;
            s->half[h].memory[i] = msio_pool_take(s->half[h].bytes[i]);
            if (!s->half[h].memory[i])
                return msio_error_set(MSIO_E_MEMORY, s->all.table->path, "no memory for batches of %lld rows",
                                      (long long)s->all.batch_rows);
        }
    }
    return MSIO_OK;
}

msio_status msio_stream_open(msio_table *table, int n, const char *const *columns, const msio_select *select,
                             const msio_stream_opts *opts, msio_stream **stream) {
    PROF_CALL_OF(table ? table->path : NULL, n > 0 && columns ? columns[0] : NULL, n);
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
    s->opts = o.read;
    s->opts.once = 1;
    status = msio_batches_begin(&s->all, table, n, columns, select);
    if (!status)
        status = msio_dense_measure(table, n, s->all.column, &s->all.select, &s->opts, s->all.shape, &s->all.rows);
    if (!status) status = msio_batches_measure(&s->all, o.memory, o.rows_per_batch);
    if (!status) status = take_memory(s);
    if (!status)
        prof_hold(&s->all.told, table->path, MSIO_HELD_BATCHES, 2 * s->all.batch_rows * msio_batches_row(&s->all));
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
    PROF_CALL_OF(stream->all.table->path, stream->all.column[0]->name, stream->all.columns);
    int which;
    msio_status status = msio_ahead_next(&stream->ahead, &which);
    if (!status) {
        *batch = &stream->half[which].batch;
        msio_batches_did((*batch)->columns, (*batch)->arrays, (*batch)->rows);
    }
    return status;
}

void msio_stream_close(msio_stream *stream) {
    PROF_CALL_OF(stream && stream->all.table ? stream->all.table->path : NULL, NULL, 0);
    if (!stream) return;
    if (!msio_ahead_stop(&stream->ahead)) return;
    if (stream->all.told.bytes) prof_hold(&stream->all.told, stream->all.table->path, MSIO_HELD_BATCHES, 0);
    for (int h = 0; h < 2; h++) {
        for (int i = 0; stream->half[h].memory && i < stream->all.columns; i++)
            msio_pool_give(stream->half[h].memory[i]);
        free(stream->half[h].memory);
        free(stream->half[h].array);
        free(stream->half[h].bytes);
    }
    msio_batches_free(&stream->all);
    free(stream);
}
