/* write_stream.c - a selection written in batches of rows: one is filled while the one before is written. */
#include "core/checked.h"
#include "core/error.h"
#include "core/pool.h"
#include "io/engine/ahead.h"
#include "io/read/batches.h"
#include "io/read/dense.h"
#include "io/write/seams.h"
#include "msio/write.h"
#include "prof/call.h"

#include <stdlib.h>
#include <string.h>

/* Two batches: the caller's, and the one that is being written. */
typedef struct half {
    msio_write_batch batch;
    bool filled; /* rows that are to be written */
    msio_array *array;
    const void **memory;
    size_t *bytes;
} half;

struct msio_write_stream {
    msio_batches all;
    msio_write_opts opts;
    half half[2];
    int current; /* the half that the caller fills, -1: none */
    bool held;   /* the table's lock */
    msio_seams seams;
    msio_ahead ahead;
    msio_status status;
    msio_error_copy error;
};

static msio_status write_half(msio_write_stream *s, half *h) {
    if (!h->filled) return MSIO_OK;
    h->filled = false;
    return msio_seams_put(&s->seams, h->batch.row, h->batch.rows, h->memory, h->bytes);
}

/* Writes what a half holds, and gives it the next rows. */
static msio_status turn_over(void *stream, int which) {
    msio_write_stream *s = stream;
    half *h = &s->half[which];
    msio_status status = write_half(s, h);
    if (status) return status;
    int64_t rows = msio_batches_rows(&s->all);
    if (rows <= 0) return MSIO_END;
    h->batch = (msio_write_batch){.row = s->all.next_row, .rows = rows, .columns = s->all.columns, .arrays = h->array};
    for (int i = 0; i < s->all.columns; i++) {
        void *memory = h->array[i].data;
        h->array[i] = s->all.shape[i];
        h->array[i].shape[0] = rows;
        h->array[i].data = memory;
        h->array[i].bytes = h->bytes[i] = s->all.shape[i].bytes * (size_t)rows;
    }
    s->all.next_row += rows;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- opening */

static msio_status no_memory(const msio_write_stream *s) {
    return msio_error_set(MSIO_E_MEMORY, s->all.table->path, "no memory for batches of %lld rows",
                          (long long)s->all.batch_rows);
}

static msio_status take_memory(msio_write_stream *s) {
    for (int k = 0; k < 2; k++) {
        half *h = &s->half[k];
        h->array = calloc((size_t)s->all.columns, sizeof *h->array);
        h->memory = calloc((size_t)s->all.columns, sizeof *h->memory);
        h->bytes = calloc((size_t)s->all.columns, sizeof *h->bytes);
        if (!h->array || !h->memory || !h->bytes) return no_memory(s);
        for (int i = 0; i < s->all.columns; i++) {
            size_t bytes = s->all.shape[i].bytes * (size_t)s->all.batch_rows;
            if (bytes) h->memory[i] = h->array[i].data = msio_pool_take(bytes);
            if (bytes && !h->array[i].data) return no_memory(s);
        }
    }
    return MSIO_OK;
}

/* Cells that were never written get their shape now, so that batches can be put into them one after the other. */
static msio_status measure(msio_write_stream *s) {
    static const uint8_t zero[16];
    msio_status status = msio_dense_measure(s->all.table, s->all.columns, s->all.column, &s->all.select, NULL,
                                            s->all.shape, &s->all.rows);
    if (status != MSIO_E_UNDEFINED || s->opts.cell_ndim < 0) return status;
    msio_write_opts make = s->opts;
    make.allocate = 1;
    make.progress = NULL;
    status = MSIO_OK;
    for (int i = 0; i < s->all.columns && !status; i++) {
        msio_array one;
        status = msio_dense_measure(s->all.table, 1, &s->all.column[i], &s->all.select, NULL, &one, &s->all.rows);
        const msio_column_info *info = status == MSIO_E_UNDEFINED ? msio_column_describe(s->all.column[i]) : NULL;
        if (info) status = msio_write_value(s->all.column[i], &s->all.select, zero, msio_type_size(info->type), &make);
    }
    return status ? status
                  : msio_dense_measure(s->all.table, s->all.columns, s->all.column, &s->all.select, NULL, s->all.shape,
                                       &s->all.rows);
}

static msio_status prepare(msio_write_stream *s, const msio_write_stream_opts *o) {
    msio_status status = msio_table_hold_write(s->all.table);
    if (status) return status;
    s->held = true;
    status = measure(s);
    if (!status) status = msio_batches_measure(&s->all, o->memory, o->rows_per_batch);
    if (!status)
        status = msio_seams_start(&s->seams, s->all.columns, s->all.column, &s->all.select, s->all.rows, &s->opts);
    return status ? status : take_memory(s);
}

msio_status msio_write_stream_open(msio_table *table, int n, const char *const *columns, const msio_select *select,
                                   const msio_write_stream_opts *opts, msio_write_stream **stream) {
    PROF_CALL_OF(table ? table->path : NULL, n > 0 && columns ? columns[0] : NULL, n);
    msio_write_stream_opts o = MSIO_WRITE_STREAM_OPTS_INIT;
    if (!table || !columns || !stream || n < 1)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no table, columns or stream");
    if (opts && (opts->struct_size != sizeof o || opts->write.struct_size != sizeof o.write))
        return msio_error_set(MSIO_E_ARGUMENT, table->path,
                              "options of another version: use "
                              "MSIO_WRITE_STREAM_OPTS_INIT");
    if (opts) o = *opts;
    if (o.write.atomic)
        return msio_error_set(MSIO_E_ARGUMENT, table->path,
                              "a stream's batches are written one by one: all or nothing is for one msio_write");
    msio_status status = msio_check_sizes(select, NULL);
    if (status) return status;
    msio_write_stream *s = calloc(1, sizeof *s);
    if (!s) return msio_error_set(MSIO_E_MEMORY, table->path, "no memory for a stream");
    s->opts = o.write;
    s->current = -1;
    status = msio_batches_begin(&s->all, table, n, columns, select);
    if (!status) status = prepare(s, &o);
    if (!status)
        prof_hold(&s->all.told, table->path, MSIO_HELD_BATCHES, 2 * s->all.batch_rows * msio_batches_row(&s->all));
    if (status) {
        s->status = status;
        msio_error_save(&s->error);
        return msio_write_stream_close(s);
    }
    msio_ahead_start(&s->ahead, turn_over, s);
    *stream = s;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- next, close */

static msio_status note(msio_write_stream *s, msio_status status) {
    if (status && status != MSIO_END && !s->status) {
        s->status = status;
        msio_error_save(&s->error);
    }
    return status;
}

msio_status msio_write_stream_next(msio_write_stream *stream, msio_write_batch **batch) {
    PROF_CALL_OF(stream->all.table->path, stream->all.column[0]->name, stream->all.columns);
    int which;
    if (stream->status) return msio_error_restore(&stream->error);
    if (stream->current >= 0) stream->half[stream->current].filled = true;
    msio_status status = msio_ahead_next(&stream->ahead, &which);
    if (status == MSIO_END && stream->current >= 0) { /* the last one is nobody's turn */
        msio_status last = write_half(stream, &stream->half[stream->current]);
        if (last) status = last;
    }
    stream->current = status ? -1 : which;
    if (!status) {
        *batch = &stream->half[which].batch;
        msio_batches_did((*batch)->columns, (*batch)->arrays, (*batch)->rows);
    }
    return note(stream, status);
}

/* What the stream had taken and not yet written when it is closed before its end, in the order of rows; and a failure
 * of which nobody was told yet. */
static void write_rest(msio_write_stream *s) {
    int first = s->half[0].batch.row <= s->half[1].batch.row ? 0 : 1;
    for (int i = 0; i < 2 && !s->status; i++) {
        msio_status failed = s->ahead.half[i].status;
        if (failed && failed != MSIO_END) note(s, msio_error_restore(&s->ahead.half[i].error));
    }
    for (int i = 0; i < 2 && !s->status; i++) note(s, write_half(s, &s->half[first ^ i]));
    if (!s->status) note(s, msio_seams_flush(&s->seams));
}

msio_status msio_write_stream_close(msio_write_stream *stream) {
    PROF_CALL(stream && stream->all.table ? stream->all.table->path : NULL);
    if (!stream) return MSIO_OK;
    if (!msio_ahead_stop(&stream->ahead)) return MSIO_OK; /* in a child of fork: the parent goes on with it */
    if (stream->held) write_rest(stream);
    for (int k = 0; k < 2; k++) {
        half *h = &stream->half[k];
        for (int i = 0; h->array && i < stream->all.columns; i++) msio_pool_give(h->array[i].data);
        free(h->array);
        free(h->memory);
        free(h->bytes);
    }
    if (stream->all.told.bytes) prof_hold(&stream->all.told, stream->all.table->path, MSIO_HELD_BATCHES, 0);
    msio_seams_free(&stream->seams);
    if (stream->held) msio_table_release(stream->all.table);
    msio_status status = stream->status;
    msio_error_copy error = stream->error;
    msio_batches_free(&stream->all);
    free(stream);
    return status ? msio_error_restore(&error) : MSIO_OK;
}
