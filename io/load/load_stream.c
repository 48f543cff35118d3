/* load_stream.c - groups larger than memory: all subbands of a span of rows at a time, read ahead. */
#include "core/checked.h"
#include "core/pool.h"
#include "core/threads.h"
#include "io/engine/ahead.h"
#include "io/load/loader.h"
#include "prof/call.h"

#include <stdlib.h>

/* One batch: its arrays, and what describes its rows. */
typedef struct half {
    msio_subbands batch;
    msio_arena arena;
    void *memory[MSIO_LOAD_ARRAYS];
    int64_t first;
} half;

struct msio_load_stream {
    msio_loader *loader;
    int64_t batch_rows, next_row;
    half half[2];
    prof_holding told; /* the halves' memory */
    msio_ahead ahead;
    bool begun;
    msio_subbands whole; /* of no subbands: not described yet */
    msio_arena whole_arena;
};

static msio_status fill(void *stream, int which) {
    msio_load_stream *s = stream;
    half *h = &s->half[which];
    int64_t rows = msio_min(s->batch_rows, s->loader->rows - s->next_row);
    if (rows <= 0) return MSIO_END;
    msio_arena_free(&h->arena);
    msio_status status = msio_loader_describe(s->loader, s->next_row, rows, &h->arena, &h->batch);
    if (!status) status = msio_loader_read(s->loader, s->next_row, rows, h->memory);
    if (status) return status;
    h->batch.visdata = h->memory[0];
    h->batch.flags = h->memory[1];
    h->batch.nsamples = h->memory[2];
    h->first = s->next_row;
    s->next_row += rows;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- opening */

/* Rows from the first on that have one time: what a batch should be a multiple of. */
static int64_t rows_of_time(const msio_loader *l) {
    int64_t n = 1;
    while (n < l->rows && l->reference.time[msio_loader_row(l, n)] == l->reference.time[msio_loader_row(l, 0)]) n++;
    return n;
}

/* Half of the memory is for batches, of which two are under way. */
static msio_status choose_rows(msio_load_stream *s, int64_t rows_per_batch) {
    const msio_loader *l = s->loader;
    int64_t row_bytes = 9 * (int64_t)sizeof(double);
    for (int i = 0; i < MSIO_LOAD_ARRAYS; i++)
        if (l->what & 1u << i) row_bytes += msio_loader_row_bytes(l, i);
    int64_t room = (int64_t)(l->opts.memory / 2), fits = room / 2 / row_bytes;
    if (fits < 1)
        return msio_error_set(MSIO_E_SIZE, l->file[0].path,
                              "two rows of all subbands take %lld bytes, batches may take %lld: half of the memory",
                              (long long)(2 * row_bytes), (long long)room);
    int64_t time = l->rows ? rows_of_time(l) : 1;
    if (rows_per_batch > 0)
        fits = msio_min(fits, rows_per_batch);
    else if (fits > time)
        fits -= fits % time;
    s->batch_rows = msio_max(1, msio_min(fits, l->rows));
    return MSIO_OK;
}

static msio_status take_memory(msio_load_stream *s) {
    for (int h = 0; h < 2; h++)
        for (int i = 0; i < MSIO_LOAD_ARRAYS; i++) {
            if (!(s->loader->what & 1u << i)) continue;
            int64_t bytes = s->batch_rows * msio_loader_row_bytes(s->loader, i);
            s->half[h].memory[i] = msio_pool_take((size_t)msio_max(bytes, 1));
            if (!s->half[h].memory[i])
                return msio_error_set(MSIO_E_MEMORY, s->loader->file[0].path, "no memory for batches of %lld rows",
                                      (long long)s->batch_rows);
            prof_hold(&s->told, s->loader->file[0].path, "batches", s->told.bytes + bytes);
        }
    return MSIO_OK;
}

static msio_status open_stream(const msio_group *group, int n, const char *const *paths, unsigned what,
                               const msio_load_opts *opts, int64_t rows_per_batch, msio_load_stream **stream) {
    if (!stream) return msio_error_set(MSIO_E_ARGUMENT, NULL, "nowhere to put the stream");
    msio_load_stream *s = calloc(1, sizeof *s);
    if (!s) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a stream");
    msio_status status = msio_loader_open(group, n, paths, what, opts, false, &s->loader);
    if (!status) s->loader->opts.read.once = 1; /* as msio_read_opts promises: maps do not fill the process's memory */
    if (!status) status = choose_rows(s, rows_per_batch);
    if (!status) status = take_memory(s);
    if (status) {
        msio_load_stream_close(s);
        return status;
    }
    msio_ahead_prepare(&s->ahead, fill, s);
    *stream = s;
    return MSIO_OK;
}

msio_status msio_load_stream_open(const msio_group *group, unsigned what, const msio_load_opts *opts,
                                  int64_t rows_per_batch, msio_load_stream **stream) {
    PROF_CALL(group && group->files > 0 ? group->file[0].path : NULL);
    if (!group) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no group to load");
    return open_stream(group, 0, NULL, what, opts, rows_per_batch, stream);
}

msio_status msio_load_stream_open_paths(int n, const char *const *paths, unsigned what, const msio_load_opts *opts,
                                        int64_t rows_per_batch, msio_load_stream **stream) {
    PROF_CALL(n > 0 && paths ? paths[0] : NULL);
    return open_stream(NULL, n, paths, what, opts, rows_per_batch, stream);
}

/* ---------------------------------------------------------------- before the first batch */

msio_status msio_load_stream_describe(msio_load_stream *stream, const msio_subbands **whole) {
    PROF_WITHIN;
    const msio_loader *l = stream->loader;
    if (stream->whole.subbands == 0) {
        msio_status status = msio_loader_describe(l, 0, l->rows, &stream->whole_arena, &stream->whole);
        if (status) return status;
    }
    *whole = &stream->whole;
    return MSIO_OK;
}

msio_status msio_load_stream_begin(msio_load_stream *stream, msio_load_layout layout, int threads) {
    PROF_WITHIN;
    msio_loader *l = stream->loader;
    msio_status status = msio_threads_check(threads);
    if (status) return status;
    if (stream->begun) return msio_error_set(MSIO_E_ARGUMENT, l->file[0].path, "this stream is being read already");
    if (layout < MSIO_ROW_CHAN_POL || layout > MSIO_SUBBAND_ROW_CHAN_POL)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "layout %d: there is no such choice", (int)layout);
    for (int i = 1; i < l->segments && layout == MSIO_SUBBAND_ROW_CHAN_POL; i++)
        if (l->chan[i].count != l->chan[0].count)
            return msio_error_set(MSIO_E_SHAPE, l->file[0].path,
                                  "subbands of different sizes fill no array of subbands");
    l->opts.layout = layout;
    l->opts.read.threads = threads;
    stream->begun = true;
    return msio_ahead_begin(&stream->ahead);
}

/* ---------------------------------------------------------------- next, close */

msio_status msio_load_stream_next(msio_load_stream *stream, const msio_subbands **batch, int64_t *first_row) {
    PROF_CALL(stream->loader->file[0].path);
    int which;
    stream->begun = true;
    msio_status status = msio_ahead_next(&stream->ahead, &which);
    if (status) return status;
    *batch = &stream->half[which].batch;
    prof_call_did((int64_t)((*batch)->visdata_bytes + (*batch)->flags_bytes + (*batch)->nsamples_bytes),
                  (*batch)->rows);
    if (first_row) *first_row = stream->half[which].first;
    return MSIO_OK;
}

void msio_load_stream_close(msio_load_stream *stream) {
    PROF_CALL(stream ? stream->loader->file[0].path : NULL);
    if (!stream) return;
    if (!msio_ahead_stop(&stream->ahead)) return;
    if (stream->told.bytes) prof_hold(&stream->told, stream->loader->file[0].path, "batches", 0);
    for (int h = 0; h < 2; h++) {
        for (int i = 0; i < MSIO_LOAD_ARRAYS; i++) msio_pool_give(stream->half[h].memory[i]);
        msio_arena_free(&stream->half[h].arena);
    }
    msio_arena_free(&stream->whole_arena);
    msio_loader_close(stream->loader);
    free(stream);
}
