/* pass.c - one pass over a table: read, compute, written. */
#include "core/checked.h"
#include "core/error.h"
#include "core/threads.h"
#include "io/read/dense.h"
#include "prof/call.h"
#include "visibility/pass_blocks.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdlib.h>
#include <string.h>

#define STATE_ALIGN 64

msio_status msio_kernel_fail(msio_status status, const char *message) {
    return msio_error_set(status, NULL, "%s", message);
}

/* ---------------------------------------------------------------- sizes */

/* Bytes of one row's part, and rows of a tile (0: not tiled). */
static msio_status measure(msio_passing *r, const char *name, int64_t *bytes, int64_t *tile) {
    /* a fill value would be needed to read undefined cells, but the others have a shape all the same */
    static const uint8_t any[16];
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    const msio_column *column;
    msio_array one;
    opts.fill = any;
    msio_status status = msio_table_column(r->table, name, &column);
    if (!status) status = msio_dense_measure(r->table, 1, &column, r->pass->select, &opts, &one, &r->rows);
    if (status) return status;
    const msio_column_info *info = msio_column_describe(column);
    if (!info) return msio_last_error()->code;
    *bytes = (int64_t)one.bytes;
    *tile = info->tile_ndim > 0 ? info->tile[0] : 0;
    r->whole_rows = info->tile_ndim == one.ndim;
    for (int k = 1; k < one.ndim && r->whole_rows; k++) r->whole_rows = info->tile[k] >= one.shape[k];
    r->native &= info->native != 0;
    return MSIO_OK;
}

/* The sum of the columns' rows, and the tile of the largest. */
static msio_status measure_all(msio_passing *r, int n, const char *const *names, int64_t *bytes, int64_t *tile) {
    int64_t largest = -1;
    msio_status status = MSIO_OK;
    for (int i = 0; i < n && !status; i++) {
        int64_t one = 0, rows = 0;
        status = measure(r, names[i], &one, &rows);
        *bytes += one;
        if (one > largest) *tile = rows;
        largest = msio_max(largest, one);
    }
    return status;
}

/* Blocks of a few whole tiles, or tiles of a few blocks. */
static msio_status plan(msio_passing *r) {
    int64_t in_tile = 0, out_tile = 0;
    r->native = msio_table_parts(r->table) == 0;
    msio_status status = measure_all(r, r->pass->inputs, r->pass->input, &r->in_bytes, &in_tile);
    if (!status) status = measure_all(r, r->pass->outputs, r->pass->output, &r->out_bytes, &out_tile);
    if (status) return status;
    r->row_bytes = msio_max(1, r->in_bytes + r->out_bytes);
    const int64_t most = (int64_t)(r->opts->memory / 2) / r->row_bytes,
                  fit = msio_max(1, (int64_t)r->opts->block / r->row_bytes);
    if (most < 1)
        return msio_error_set(MSIO_E_SIZE, r->path, "two rows take %lld bytes, the pass may take %zu",
                              (long long)r->row_bytes * 2, r->opts->memory);
    const int64_t tile = msio_max(1, msio_min(out_tile ? out_tile : in_tile, most));
    r->chunk = tile >= fit ? tile : fit / tile * tile;
    r->chunk = msio_min(r->chunk, most);
    r->per_chunk = msio_div_up(r->chunk, fit);
    r->block = msio_div_up(r->chunk, r->per_chunk);
    r->per_chunk = msio_div_up(r->chunk, r->block);
    r->batch = most / r->chunk * r->chunk;
    return MSIO_OK;
}

static msio_status make_states(msio_passing *r) {
    size_t bytes = 0;
    r->state_at = calloc((size_t)r->pass->kernels + 1, sizeof *r->state_at);
    if (!r->state_at) return msio_error_set(MSIO_E_MEMORY, r->path, "no memory for a pass");
    for (int k = 0; k < r->pass->kernels; k++) {
        r->state_at[k] = bytes;
        const size_t own = r->pass->kernel[k].state_bytes;
        if (own > SIZE_MAX / (2 * MSIO_PASS_LANES) - bytes - STATE_ALIGN)
            return msio_error_set(MSIO_E_MEMORY, r->path, "a kernel's state of %zu bytes", own);
        bytes += (own + STATE_ALIGN - 1) / STATE_ALIGN * STATE_ALIGN;
    }
    r->state_bytes = bytes;
    r->state = aligned_alloc(STATE_ALIGN, MSIO_PASS_LANES * bytes + STATE_ALIGN);
    if (!r->state) return msio_error_set(MSIO_E_MEMORY, r->path, "no memory for the kernels' states");
    memset(r->state, 0, MSIO_PASS_LANES * bytes);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- blocks */

typedef struct batch {
    msio_passing *pass;
    int64_t row, rows; /* places in the selection */
    const msio_array *in, *out;
} batch;

static void cut(const msio_array *whole, int64_t from, int64_t rows, msio_array *part) {
    *part = *whole;
    const size_t row = whole->shape[0] ? whole->bytes / (size_t)whole->shape[0] : 0;
    part->shape[0] = rows;
    part->bytes = row * (size_t)rows;
    part->data = whole->data ? (char *)whole->data + row * (size_t)from : NULL;
}

static void run_block(const batch *b, int64_t number, int lane) {
    msio_passing *r = b->pass;
    msio_array in[MSIO_PASS_COLUMNS], out[MSIO_PASS_COLUMNS];
    int64_t from, to;
    msio_pass_place(r, number, &from, &to);
    to = msio_min(to, b->row + b->rows);
    if (from >= to) return;
    for (int i = 0; i < r->pass->inputs; i++) cut(&b->in[i], from - b->row, to - from, &in[i]);
    for (int i = 0; i < r->pass->outputs; i++) cut(&b->out[i], from - b->row, to - from, &out[i]);
    const msio_block block = {from, to - from, lane, in, out};
    msio_pass_block(r, number, &block);
}

/* The lane's blocks of the batch, in order. */
static void run_lane(const batch *b, int lane) {
    const msio_passing *r = b->pass;
    const int64_t first = b->row / r->chunk * r->per_chunk,
                  end = msio_div_up(b->row + b->rows, r->chunk) * r->per_chunk;
    int64_t number = first + ((lane - first) % MSIO_PASS_LANES + MSIO_PASS_LANES) % MSIO_PASS_LANES;
    for (; number < end && r->failed < 0; number += MSIO_PASS_LANES) run_block(b, number, lane);
}

static msio_status run_batch(const batch *b) {
    msio_passing *r = b->pass;
#ifdef _OPENMP
    const int threads = (int)msio_min(msio_threads_for(r->opts->threads), MSIO_PASS_LANES);
    if (threads > 1) {
        msio_threads_used();
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
        for (int lane = 0; lane < MSIO_PASS_LANES; lane++) run_lane(b, lane);
        return r->failed < 0 ? MSIO_OK : msio_error_restore(&r->error);
    }
#endif
    for (int lane = 0; lane < MSIO_PASS_LANES; lane++) run_lane(b, lane);
    return r->failed < 0 ? MSIO_OK : msio_error_restore(&r->error);
}

/* ---------------------------------------------------------------- the pass */

static msio_status open_streams(msio_passing *r, msio_stream **in, msio_write_stream **out) {
    msio_stream_opts reading = MSIO_STREAM_OPTS_INIT;
    msio_write_stream_opts writing = MSIO_WRITE_STREAM_OPTS_INIT;
    reading.rows_per_batch = writing.rows_per_batch = r->batch;
    reading.read.threads = writing.write.threads = r->opts->threads;
    reading.memory = 2 * (size_t)msio_max(1, r->in_bytes) * (size_t)r->batch;
    writing.memory = 2 * (size_t)msio_max(1, r->out_bytes) * (size_t)r->batch;
    msio_status status = MSIO_OK;
    /* first the write lock: it may not be had while the read lock is held */
    if (r->pass->outputs)
        status = msio_write_stream_open(r->table, r->pass->outputs, r->pass->output, r->pass->select, &writing, out);
    if (!status && r->pass->inputs)
        status = msio_stream_open(r->table, r->pass->inputs, r->pass->input, r->pass->select, &reading, in);
    return status;
}

/* The next batch of both streams, which have the same rows. */
static msio_status next(msio_passing *r, msio_stream *in, msio_write_stream *out, batch *b) {
    const msio_batch *got = NULL;
    msio_write_batch *wanted = NULL;
    msio_status status = in ? msio_stream_next(in, &got) : MSIO_OK;
    if (!status || (status == MSIO_END && out)) {
        const msio_status other = out ? msio_write_stream_next(out, &wanted) : status;
        if (other) status = other;
    }
    if (status) return status;
    *b = (batch){.pass = r,
                 .row = got ? got->row : wanted->row,
                 .rows = got ? got->rows : wanted->rows,
                 .in = got ? got->arrays : NULL,
                 .out = wanted ? wanted->arrays : NULL};
    if (got && wanted && (got->row != wanted->row || got->rows != wanted->rows))
        return msio_error_set(MSIO_E_CHANGED, r->path, "the selection has other rows than when the pass began");
    return MSIO_OK;
}

/* Batches that are read ahead and written behind. */
static msio_status go_through(msio_passing *r, int64_t *done) {
    msio_stream *in = NULL;
    msio_write_stream *out = NULL;
    batch b;
    msio_status status = open_streams(r, &in, &out);
    if (!status) status = msio_pass_tell(r, 0);
    while (!status && !(status = next(r, in, out, &b))) {
        status = run_batch(&b);
        if (!status) status = msio_pass_tell(r, *done = b.row + b.rows);
    }
    if (status == MSIO_END) status = MSIO_OK;
    msio_error_copy error;
    msio_error_save(&error);
    msio_stream_close(in);
    const msio_status closed = msio_write_stream_close(out);
    if (status) return msio_error_restore(&error);
    return closed;
}

static msio_status reduce_all(const msio_passing *r) {
    msio_status status = MSIO_OK;
    for (int k = 0; k < r->pass->kernels && !status; k++) {
        const msio_kernel *kernel = &r->pass->kernel[k];
        for (int lane = 0; lane < MSIO_PASS_LANES && kernel->reduce && !status; lane++)
            status = kernel->reduce(kernel->user, r->state + (size_t)lane * r->state_bytes + r->state_at[k]);
    }
    return status;
}

static msio_status check(const msio_pass *pass, const msio_pass_opts *opts) {
    if (!pass || pass->struct_size != sizeof *pass || (opts && opts->struct_size != sizeof *opts))
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "a pass, or options, of another version: use MSIO_PASS_INIT and "
                              "MSIO_PASS_OPTS_INIT");
    if (pass->inputs < 0 || pass->outputs < 0 || pass->inputs + pass->outputs < 1 || pass->inputs > MSIO_PASS_COLUMNS ||
        pass->outputs > MSIO_PASS_COLUMNS || pass->kernels < 1)
        return msio_error_set(
            MSIO_E_ARGUMENT, NULL,
            "%d inputs, %d outputs, %d kernels: a pass has from 1 to %d columns of each, and a kernel", pass->inputs,
            pass->outputs, pass->kernels, MSIO_PASS_COLUMNS);
    return opts ? msio_threads_check(opts->threads) : MSIO_OK;
}

/* By the way that serves. */
static msio_status go(msio_passing *r, int64_t *done) {
    const msio_pass *pass = r->pass;
    bool refused = true;
    if (r->native && !pass->outputs) return msio_pass_reading(r, done);
    if (r->native && r->rows_alone && r->whole_rows && pass->outputs == 1) {
        const msio_status status = msio_pass_storing(r, done, &refused);
        if (!refused) return status;
    }
    return go_through(r, done);
}

static msio_status run_pass(msio_table *table, const msio_pass *pass, const msio_pass_opts *given, bool rows_alone,
                            int64_t *rows) {
    static const msio_pass_opts defaults = MSIO_PASS_OPTS_INIT;
    if (!table) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no table to go through");
    msio_status status = check(pass, given);
    if (status) return status;
    msio_table_info info;
    msio_table_describe(table, &info);
    msio_passing r = {.table = table,
                      .path = info.path,
                      .pass = pass,
                      .opts = given ? given : &defaults,
                      .rows_alone = rows_alone,
                      .failed = -1};
    int64_t done = 0;
    bool held = false;
    status = pass->outputs ? msio_table_hold_write(table) : msio_table_hold(table);
    held = !status;
    if (!status) status = plan(&r);
    if (!status) status = make_states(&r);
    if (!status && r.rows > 0) status = go(&r, &done);
    if (!status) status = reduce_all(&r);
    msio_error_copy error;
    if (status) msio_error_save(&error);
    if (held) {
        const msio_status released = msio_table_release(table);
        if (!status && released)
            status = released;
        else if (status)
            msio_error_restore(&error);
    }
    free(r.state_at);
    free(r.state);
    if (!status && rows) *rows = done;
    return status;
}

msio_status msio_pass_run(msio_table *table, const msio_pass *pass, const msio_pass_opts *opts, int64_t *rows) {
    PROF_CALL(table ? table->path : NULL);
    return run_pass(table, pass, opts, false, rows);
}

msio_status msio_pass_run_rows(msio_table *table, const msio_pass *pass, const msio_pass_opts *opts, int64_t *rows) {
    return run_pass(table, pass, opts, true, rows);
}
