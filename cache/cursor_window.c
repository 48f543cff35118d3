/* cursor_window.c - what a cursor read ahead: cells of some rows in memory, and whether they still are true. */
#include "cache/cursor_window.h"

#include "core/checked.h"
#include "core/pool.h"
#include "io/read/dense.h"
#include "prof/clock.h"
#include "prof/span.h"

#include <string.h>

/* ---------------------------------------------------------------- giving up what was read */

static void unpin(msio_cursor_window *w) {
    if (w->pinned) msio_access_end(&w->pin, MSIO_OK);
    w->pinned = false;
}

static void tell(msio_cursor_window *w) {
    prof_hold(&w->told, w->column->table->path, "cells read ahead", (int64_t)(w->capacity + w->cells.bytes));
}

/* Keeps the memory of dense cells, and the state: the next rows are likely to be read in the same one. */
static void empty(msio_cursor_window *w) {
    msio_ragged_free(&w->cells);
    w->rows = w->served = 0;
    w->plain = false;
    w->dense = w->data;
    w->mapped = NULL;
    tell(w);
}

static void forget(msio_cursor_window *w) {
    empty(w);
    unpin(w);
    msio_state_free(w->state);
    w->state = NULL;
    w->ragged = false;
    msio_lock_close(w->lock);
    w->lock = NULL;
}

void msio_cursor_window_free(msio_cursor_window *w) {
    forget(w);
    msio_pool_give(w->data);
    w->data = NULL;
    w->capacity = 0;
    tell(w);
}

/* ---------------------------------------------------------------- reading ahead */

typedef struct ahead_job {
    msio_cursor_window *window;
    const msio_ahead *ahead;
    msio_select select;
    msio_dense_column column;
    int64_t file_bytes;
} ahead_job;

/* The rows that there are, whole tiles where that leaves any. */
static void place(const msio_ahead *a, int64_t table_rows, msio_select *select) {
    int64_t step = a->difference < 0 ? -a->difference : a->difference, rows = a->rows;
    int64_t left = a->difference < 0 ? a->row / step : (table_rows - 1 - a->row) / step; /* rows beyond this one */
    rows = msio_min(rows, left + 1);
    int64_t first = a->difference < 0 ? a->row - (rows - 1) * step : a->row, last = first + (rows - 1) * step;
    if (step == 1 && a->difference > 0 && last + 1 < table_rows) {
        int64_t end = (last + 1) / a->unit * a->unit;
        if (end > a->row) last = end - 1;
    } else if (step == 1 && a->difference < 0) {
        int64_t past = (a->unit - first % a->unit) % a->unit; /* the part of a tile below */
        if (past <= a->row - first) first += past;
    }
    *select = (msio_select)MSIO_SELECT_ALL;
    select->row = first;
    select->row_step = step;
    select->rows = (last - first) / step + 1;
}

static msio_status read_dense(ahead_job *job, msio_access *access) {
    msio_cursor_window *w = job->window;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = 1;
    job->column = (msio_dense_column){.name = w->column->name, .out = w->data, .out_bytes = w->capacity};
    msio_dense dense = {.n = 1, .column = &job->column, .select = &job->select, .opts = &opts};
    msio_status status = msio_dense_read(&dense, access);
    job->file_bytes += atomic_load(&dense.engine.bytes_read);
    return status;
}

/* Cells that lie in a mapped file as they are wanted are taken from there, without a copy: while nobody may change the
 * table, whose snapshot is kept so that the file stays open. */
static msio_status find_mapped(ahead_job *job, msio_access *access) {
    msio_cursor_window *w = job->window;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    msio_located found = {NULL, NULL};
    msio_status status = MSIO_OK;
    opts.threads = 1;
    job->column = (msio_dense_column){.name = w->column->name};
    msio_dense dense = {.n = 1, .column = &job->column, .select = &job->select, .opts = &opts, .locate = &found};
    if (!w->unchecked || w->copies || access->children) return MSIO_OK;
    if (w->pinned && w->pin.snapshot != access->snapshot) unpin(w);
    if (!w->pinned && !(status = msio_access_begin(w->column->table, &w->pin))) w->pinned = true;
    if (!status) status = msio_dense_read(&dense, access);
    if (status || !found.data || w->pin.snapshot != access->snapshot) return status;
    w->dense = found.data;
    w->mapped = found.file;
    return MSIO_OK;
}

/* The memory is taken when it is known how much is needed: the reader tells. */
static msio_status read_dense_fitting(ahead_job *job, msio_access *access) {
    msio_cursor_window *w = job->window;
    msio_status status = read_dense(job, access);
    if (status != MSIO_E_SIZE || (uint64_t)job->column.bytes > w->memory) return status;
    msio_pool_give(w->data);
    w->capacity = 0;
    w->data = msio_pool_take((size_t)job->column.bytes);
    if (!w->data)
        return msio_error_set(MSIO_E_MEMORY, access->table->path, "no memory to read %lld bytes ahead",
                              (long long)job->column.bytes);
    w->capacity = (size_t)job->column.bytes;
    return read_dense(job, access);
}

/* Cells may be far larger than those before: memory that is not written to costs nothing, so the read is stopped. */
static int stop_when_large(void *user, int64_t done, int64_t total) {
    const msio_cursor_window *w = user;
    (void)done;
    return (uint64_t)total > w->memory;
}

static msio_status read_ragged(ahead_job *job) {
    msio_cursor_window *w = job->window;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = 1;
    opts.progress = stop_when_large;
    opts.user = w;
    msio_status status = msio_read_ragged(w->column, &job->select, &w->cells, &opts);
    if (status || w->cells.bytes <= w->memory) return status;
    msio_ragged_free(&w->cells);
    return msio_error_set(MSIO_E_SIZE, NULL, "the cells of column %s are too large to be read ahead", w->column->name);
}

/* Notes the sync record that glances compare with. The tables behind a reference have records of their own. */
static void note_sync(msio_cursor_window *w, const msio_access *access) {
    msio_lock_close(w->lock);
    w->lock = NULL;
    if (w->glance <= 0 || access->children || !access->lock) return;
    if (msio_lock_sync_bytes(access->lock, w->sync, sizeof w->sync, &w->sync_length) || !w->sync_length) return;
    w->live = msio_lock_sync_view(access->lock, w->sync_length);
    if (!w->live) return;
    w->lock = msio_lock_share(access->lock);
    w->checked = msio_clock_coarse_ns();
}

/* Notes the state before the cells are read; it is compared after. */
static msio_status note_state(msio_cursor_window *w, msio_access *access) {
    const char *name = w->column->name;
    note_sync(w, access);
    if (w->unchecked || (w->state && msio_state_holds_in(w->state, access))) return MSIO_OK;
    forget(w);
    return msio_state_note(access, MSIO_DEPENDS_VALUES, 1, &name, &w->state);
}

static void take_dense(ahead_job *job) {
    msio_cursor_window *w = job->window;
    int n = job->column.ndim > 0 ? job->column.ndim : 0;
    for (int k = 0; k < n; k++) w->shape[k] = job->column.axis[n - 1 - k].count;
    w->ndim = n;
    w->cell = (size_t)(job->column.bytes / job->select.rows);
}

static msio_status read_ahead(void *user, msio_access *access) {
    ahead_job *job = user;
    msio_cursor_window *w = job->window;
    if (job->ahead->row < 0 || job->ahead->row >= access->rows)
        return msio_error_set(MSIO_E_RANGE, access->table->path, "row %lld is asked for; the table has %lld rows",
                              (long long)job->ahead->row, (long long)access->rows);
    empty(w);
    place(job->ahead, access->rows, &job->select);
    msio_status status = note_state(w, access);
    if (!status && !w->ragged) {
        status = find_mapped(job, access);
        if (!status && !w->mapped) status = read_dense_fitting(job, access);
        if (!w->mapped) w->dense = w->data;
        if (!status) take_dense(job);
        w->ragged = status == MSIO_E_SHAPE || status == MSIO_E_UNDEFINED;
    }
    if (w->ragged) status = read_ragged(job);
    if (!status && !w->unchecked && !msio_state_holds_in(w->state, access))
        status = msio_error_set(MSIO_E_CHANGED, access->table->path, "column %s changed while it was read ahead",
                                w->column->name);
    if (status) {
        empty(w);
        return status;
    }
    w->first = job->select.row;
    w->step = job->select.row_step;
    w->rows = job->select.rows;
    w->plain = w->unchecked && !w->ragged && w->cell > 0;
    return MSIO_OK;
}

msio_status msio_cursor_window_read(msio_cursor_window *w, const msio_ahead *ahead) {
    ahead_job job = {.window = w, .ahead = ahead};
    prof_span span;
    prof_begin(&span, PROF_PATH_READ);
    msio_status status = msio_access_run(w->column->table, read_ahead, &job);
    if (status) empty(w);
    tell(w);
    prof_end(&span, &(prof_work){
                        .bytes = (int64_t)msio_cursor_window_bytes(w), .rows = w->rows, .bytes_read = job.file_bytes});
    return status;
}

/* ---------------------------------------------------------------- checking */

static bool is_held(const msio_access *access) {
    for (int i = 0; i < access->children; i++)
        if (!is_held(&access->child[i])) return false;
    return !access->check_files;
}

/* Whether the hold in which the access began goes on. */
static bool still_held(const msio_access *access) {
    msio_table *t = access->table;
    for (int i = 0; i < access->children; i++)
        if (!still_held(&access->child[i])) return false;
    msio_table_lock(t);
    bool held = msio_table_is_held(t) && !t->stale && t->hold_number == access->hold_number;
    msio_table_unlock(t);
    return held;
}

/* Whether the last full check is recent, and no writer that locks has finished since. */
static bool glance(const msio_cursor_window *w) {
    return w->lock && memcmp(w->live, w->sync, (size_t)w->sync_length) == 0 &&
           (double)(msio_clock_coarse_ns() - w->checked) <= w->glance * 1e9;
}

msio_status msio_cursor_window_check(msio_cursor_window *w, bool *holds) {
    *holds = w->unchecked || (w->pinned && still_held(&w->pin)) || glance(w);
    if (*holds) return MSIO_OK;
    unpin(w);
    msio_access access;
    msio_status status = msio_access_begin(w->column->table, &access);
    if (status == MSIO_E_LOCKED || status == MSIO_E_CANCELLED) return status;
    bool same = !status && msio_state_holds_in(w->state, &access);
    if (same) note_sync(w, &access);
    if (!status && same && is_held(&access)) {
        w->pin = access;
        w->pinned = true;
    } else if (!status) {
        status = msio_access_end(&access, MSIO_OK);
    }
    *holds = same && !status;
    if (!*holds) forget(w);
    return MSIO_OK; /* what failed is told by the read that follows */
}

/* ---------------------------------------------------------------- cells that the cursor puts */

void msio_cursor_window_put(msio_cursor_window *w, int64_t index, const void *cell, size_t bytes) {
    if (w->mapped || w->ragged || w->cell != bytes)
        empty(w);
    else if (bytes)
        memcpy(w->data + (size_t)index * bytes, cell, bytes);
}

static void follow(msio_access *access) {
    for (int i = 0; i < access->children; i++) follow(&access->child[i]);
    msio_table_lock(access->table);
    access->hold_number = access->table->hold_number;
    msio_table_unlock(access->table);
}

void msio_cursor_window_follow(msio_cursor_window *w) {
    if (w->pinned) follow(&w->pin);
}

/* ---------------------------------------------------------------- cells */

size_t msio_cursor_window_bytes(const msio_cursor_window *w) {
    return w->cells.cells ? w->cells.bytes : w->cell * (size_t)w->rows;
}

void msio_cursor_window_cell(const msio_cursor_window *w, int64_t index, msio_cell *cell) {
    const msio_ragged *r = &w->cells;
    if (!r->cells) {
        *cell = (msio_cell){w->dense + (size_t)index * w->cell, w->cell, w->ndim, w->shape, true};
        return;
    }
    size_t element = msio_type_size(r->type);
    cell->data = r->data ? (const uint8_t *)r->data + (size_t)r->offsets[index] * element : NULL;
    cell->bytes = (size_t)(r->offsets[index + 1] - r->offsets[index]) * element;
    cell->ndim = r->ndims[index];
    cell->shape = &r->shapes[index * MSIO_MAX_NDIM];
    cell->defined = r->defined[index];
}
