/* cursor.c - one cell after the other, served from what was read ahead where the calls follow a pattern. */
#include "cache/cursor.h"

#include "cache/cursor_window.h"
#include "core/checked.h"
#include "core/pool.h"
#include "io/read/dense.h"
#include "io/table/pending.h"
#include "io/write/gathered.h"
#include "prof/advice.h"
#include "prof/call.h"
#include "prof/clock.h"
#include "prof/span.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is read ahead stays in the processor's cache; larger tiles are taken whole where the memory allows. */
#define BLOCK_BYTES ((int64_t)1 << 20)
/* The first block of a column without tiles. */
#define UNTILED_BYTES ((int64_t)32 << 10)
/* The first block of a stepping pattern, at least, and of cells whose size is not known. */
#define FEW_ROWS 16
/* What a cell takes beside its elements where cells differ in shape. */
#define RAGGED_BYTES 96
#define LEAST_PAGE 4096
#define CACHE_LINE 64
#define CELLS_AHEAD 4
/* No tile has more rows that matter. */
#define MOST_TILE_ROWS ((int64_t)1 << 40)

typedef enum pattern { FORWARD, BACKWARD, STEPPING, RANDOM, PATTERNS } pattern;
static const char *const pattern_name[PATTERNS] = {"forward", "backward", "stepping", "random"};

struct msio_cursor {
    msio_cursor_window window;
    int64_t calls, served, reads, bytes_read;
    int64_t last, difference; /* row of the last call, and its distance from the one before; 0: none */
    int64_t run;              /* calls in succession that had that distance */
    int64_t seen[PATTERNS];   /* calls of the runs before */
    bool started;             /* last is a row */
    bool hold;
    size_t memory;
    int64_t tile_rows;   /* 0: not tiled */
    int64_t ahead;       /* rows of the last block */
    int64_t cell;        /* bytes of the cell that was read last */
    msio_gathered *puts; /* NULL: nothing was put yet */
    uint8_t *own;        /* a cell to peek at that was not read ahead */
    size_t own_bytes;
    prof_holding told; /* own_bytes */
    /* for the profiler's advice, while it is on */
    const void *opened_by;
    char *place; /* the file that loops, instead of opened_by; NULL: not told */
    int line;
    uint64_t opened_at, reading; /* ns; 0: not timed */
};

/* ---------------------------------------------------------------- opening, closing */

static msio_status prepare(msio_cursor *c, const msio_column *column, const msio_cursor_opts *opts) {
    const msio_column_info *info = msio_column_describe(column);
    if (!info) return msio_last_error()->code;
    if (info->type == MSIO_STRING)
        return msio_error_set(MSIO_E_ARGUMENT, column->table->path, "column %s holds strings: read it ragged",
                              column->name);
    c->memory = opts->memory;
    c->hold = opts->hold != 0;
    c->tile_rows = info->tile_ndim > 0 ? msio_min(msio_max(info->tile[0], 1), MOST_TILE_ROWS) : 0;
    c->window.column = column;
    c->window.memory = opts->memory;
    c->window.glance = opts->glance;
    c->window.unchecked = c->hold || column->table->opts.freshness == MSIO_AS_OPENED;
    return MSIO_OK;
}

msio_status msio_cursor_open(const msio_column *column, const msio_cursor_opts *opts, msio_cursor **cursor) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    static const msio_cursor_opts defaults = MSIO_CURSOR_OPTS_INIT;
    if (!column || !cursor) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column, or nowhere to put the cursor");
    if (!opts) opts = &defaults;
    if (opts->struct_size != sizeof *opts)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "struct_size is %zu, not that of msio_cursor_opts: %zu",
                              opts->struct_size, sizeof *opts);
    msio_cursor *c = calloc(1, sizeof *c);
    if (!c) return msio_error_set(MSIO_E_MEMORY, column->table->path, "no memory for a cursor");
    msio_status status = opts->hold ? msio_table_hold(column->table) : MSIO_OK;
    if (!status && (status = prepare(c, column, opts)) && opts->hold) msio_table_release(column->table);
    if (status) {
        free(c);
        return status;
    }
    if (msio_advice_wanted()) {
        c->opened_by = __builtin_return_address(0);
        c->opened_at = msio_clock_monotonic_ns();
    }
    *cursor = c;
    return MSIO_OK;
}

static void leave_advice(const msio_cursor *c) {
    char text[MSIO_ADVICE_BYTES];
    if (c->opened_at && msio_cursor_advice(c, text, sizeof text) > 0) msio_advice_give(text);
}

msio_status msio_cursor_close(msio_cursor *c) {
    PROF_CALL_OF(c ? c->window.column->table->path : NULL, c ? c->window.column->name : NULL, 1);
    if (!c) return MSIO_OK;
    msio_table *table = c->window.column->table;
    leave_advice(c);
    msio_status status = msio_gathered_close(c->puts);
    msio_cursor_window_free(&c->window);
    if (c->hold) msio_table_release(table);
    prof_hold(&c->told, table->path, "cells read ahead", 0);
    msio_pool_give(c->own);
    free(c->place);
    free(c);
    return status;
}

void msio_cursor_place(msio_cursor *c, const char *file, int line) {
    if (!c->opened_at || !file) return;
    char *copy = strdup(file);
    if (!copy) return;
    free(c->place);
    c->place = copy;
    c->line = line;
}

/* ---------------------------------------------------------------- patterns */

static pattern pattern_of(int64_t difference, int64_t run) {
    return difference == 1 ? FORWARD : difference == -1 ? BACKWARD : run > 1 ? STEPPING : RANDOM;
}

/* The same row again belongs to the pattern that there is. */
static void change_pattern(msio_cursor *c, int64_t row) {
    if (!c->started) {
        c->started = true;
        c->last = row;
        return;
    }
    int64_t difference = (int64_t)((uint64_t)row - (uint64_t)c->last);
    if (difference == 0) return;
    if (c->run) c->seen[pattern_of(c->difference, c->run)] += c->run;
    c->difference = difference;
    c->run = 1;
    c->last = row;
}

static inline void see_call(msio_cursor *c, int64_t row) {
    c->calls++;
    if (c->run && (uint64_t)row - (uint64_t)c->last == (uint64_t)c->difference) {
        c->run++;
        c->last = row;
    } else {
        change_pattern(c, row);
    }
}

/* Reading ahead was of no use, or the row is none: a pattern has to show itself anew. */
static void break_pattern(msio_cursor *c) {
    if (c->run) c->seen[pattern_of(c->difference, c->run)] += c->run;
    c->run = 0;
    c->started = false;
}

/* A row without a cell, or a result without room, is part of a walk all the same. */
static void see_failure(msio_cursor *c, msio_status status) {
    if (status && status != MSIO_E_UNDEFINED && status != MSIO_E_SIZE) break_pattern(c);
}

/* ---------------------------------------------------------------- reading ahead */

/* How many rows: those of a tile at first, twice as many each time that more than half of them were asked for. */
static bool choose_ahead(msio_cursor *c, int64_t row, msio_ahead *ahead) {
    const msio_cursor_window *w = &c->window;
    int64_t cell = msio_max(c->cell, 1), step = c->difference < 0 ? -c->difference : c->difference, block;
    int64_t unit = c->tile_rows ? c->tile_rows : msio_max(UNTILED_BYTES / cell, 1);
    if (c->run < 2) return false;
    if (!msio_mul_checked(unit, cell, &block) || block < BLOCK_BYTES) block = BLOCK_BYTES;
    int64_t most = (int64_t)((uint64_t)block < c->memory ? (uint64_t)block : c->memory) / cell;
    int64_t first = !c->cell ? FEW_ROWS : step == 1 ? unit : msio_max(unit / step, FEW_ROWS);
    bool goes_on = w->rows > 0 && w->step == step && 2 * w->served >= w->rows;
    c->ahead = msio_min(goes_on ? 2 * c->ahead : first, most);
    if (w->ragged) c->ahead = msio_min(c->ahead, most * cell / (2 * (cell + RAGGED_BYTES)));
    *ahead = (msio_ahead){row, c->difference, c->ahead, unit};
    return c->ahead > 1;
}

/* A failure is not the caller's: the row alone may well be read, and is; but nobody waits for a lock twice. */
static msio_status read_ahead(msio_cursor *c, int64_t row) {
    msio_ahead ahead;
    if (!choose_ahead(c, row, &ahead)) return MSIO_OK;
    uint64_t began = c->opened_at ? msio_clock_monotonic_ns() : 0;
    msio_status status = msio_cursor_window_read(&c->window, &ahead);
    if (status) {
        break_pattern(c);
        return status == MSIO_E_LOCKED || status == MSIO_E_CANCELLED ? status : MSIO_OK;
    }
    c->reads++;
    c->bytes_read += (int64_t)msio_cursor_window_bytes(&c->window);
    if (began) c->reading += msio_clock_monotonic_ns() - began;
    return MSIO_OK;
}

/* The cell from what was read ahead, before this call or in it; *found is false when it has to be read alone. */
static msio_status find_cell(msio_cursor *c, int64_t row, bool may_read, msio_cell *cell, bool *found) {
    msio_cursor_window *w = &c->window;
    int64_t index = 0;
    msio_status status = MSIO_OK;
    *found = msio_cursor_window_has(w, row, &index);
    if (*found) {
        status = msio_cursor_window_check(w, found);
        if (*found) {
            c->served++;
            w->served++;
        } else {
            break_pattern(c);
        }
    } else if (may_read) {
        status = read_ahead(c, row);
        *found = msio_cursor_window_has(w, row, &index);
        w->served += *found;
    }
    if (status || !*found) return status;
    msio_cursor_window_cell(w, index, cell);
    c->cell = msio_max(c->cell, (int64_t)cell->bytes);
    if (cell->defined) return MSIO_OK;
    return msio_error_set(MSIO_E_UNDEFINED, w->column->table->path,
                          "the cell of row %" PRId64 " of column %s was never written; read it ragged, which tells",
                          row, w->column->name);
}

/* ---------------------------------------------------------------- one cell */

/* Reads one cell; *bytes is its size, also when it did not fit. */
static msio_status read_cell(msio_cursor *c, int64_t row, void *out, size_t out_bytes, size_t *bytes) {
    msio_select select = MSIO_SELECT_ALL;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    msio_dense_column column = {.name = c->window.column->name, .out = out, .out_bytes = out ? out_bytes : 0};
    msio_dense dense = {.n = 1, .column = &column, .select = &select, .opts = &opts};
    prof_span span;
    select.row = row;
    select.rows = 1;
    opts.threads = 1;
    prof_begin(&span, PROF_PATH_READ);
    msio_status status = msio_access_run(c->window.column->table, msio_dense_read, &dense);
    prof_end(&span, &(prof_work){.bytes = status ? 0 : column.bytes,
                                 .rows = !status,
                                 .bytes_read = atomic_load(&dense.engine.bytes_read)});
    *bytes = (size_t)column.bytes;
    if (!status) {
        c->reads++;
        c->bytes_read += column.bytes;
        c->cell = c->window.ragged ? msio_max(c->cell, column.bytes) : column.bytes;
    }
    return status;
}

/* Into memory of the cursor's, which grows with the cells. */
static msio_status read_own_cell(msio_cursor *c, int64_t row, size_t *bytes) {
    msio_status status = read_cell(c, row, c->own, c->own_bytes, bytes);
    for (int i = 0; i < 3 && status == MSIO_E_SIZE; i++) { /* it may change meanwhile */
        size_t wanted = *bytes;
        msio_pool_give(c->own);
        c->own = msio_pool_take(wanted);
        c->own_bytes = c->own ? wanted : 0;
        prof_hold(&c->told, c->window.column->table->path, "cells read ahead", (int64_t)c->own_bytes);
        if (!c->own)
            return msio_error_set(MSIO_E_MEMORY, c->window.column->table->path, "no memory for a cell of %zu bytes",
                                  wanted);
        status = read_cell(c, row, c->own, c->own_bytes, bytes);
    }
    return status;
}

static msio_status too_small(const msio_cursor *c, int64_t row, size_t needed, size_t given) {
    return msio_error_set(MSIO_E_SIZE, c->window.column->table->path,
                          "the cell of row %" PRId64 " of column %s needs %zu bytes, %zu were given", row,
                          c->window.column->name, needed, given);
}

static msio_status unsound(const msio_cursor *c) {
    return msio_error_set(MSIO_E_IO, c->window.mapped->path,
                          "pages of the file could not be read: it was cut while it was read, or the disk failed");
}

static msio_status get_any(msio_cursor *c, int64_t row, void *out, size_t out_bytes) {
    msio_cell cell;
    bool found;
    size_t bytes;
    msio_status status = find_cell(c, row, true, &cell, &found);
    if (!status && !found) {
        status = read_cell(c, row, out, out_bytes, &bytes);
        see_failure(c, status);
        if (!status) prof_call_did((int64_t)bytes, 1);
        return status;
    }
    if (status) return status;
    if (cell.bytes > (out ? out_bytes : 0)) return too_small(c, row, cell.bytes, out_bytes);
    if (cell.bytes) memcpy(out, cell.data, cell.bytes);
    prof_call_did((int64_t)cell.bytes, 1);
    return msio_cursor_window_sound(&c->window) ? MSIO_OK : unsound(c);
}

/* The usual case first: a dense block that needs no check. */
msio_status msio_cursor_get(msio_cursor *c, int64_t row, void *out, size_t out_bytes) {
    PROF_CALL_OF(c ? c->window.column->table->path : NULL, c ? c->window.column->name : NULL, 1);
    if (!c) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no cursor");
    see_call(c, row);
    msio_cursor_window *w = &c->window;
    int64_t index = 0;
    if (w->plain && out && out_bytes >= w->cell && msio_cursor_window_has(w, row, &index)) {
        c->served++;
        w->served++;
        memcpy(out, w->dense + (size_t)index * w->cell, w->cell);
        prof_call_did((int64_t)w->cell, 1);
        return msio_cursor_window_sound(w) ? MSIO_OK : unsound(c);
    }
    return get_any(c, row, out, out_bytes);
}

/* Looks at each page of a mapped cell, so that one that cannot be read is known before the caller looks; and asks for
 * the cells that the walk comes to next, since looking here and there shows no processor the way. */
static void touch(const msio_cursor *c, const msio_cell *cell) {
    const volatile uint8_t *bytes = cell->data;
    ptrdiff_t ahead = (ptrdiff_t)cell->bytes * (c->difference < 0 ? -CELLS_AHEAD : CELLS_AHEAD);
    for (size_t at = 0; at < cell->bytes; at += LEAST_PAGE) (void)bytes[at];
    if (cell->bytes) (void)bytes[cell->bytes - 1];
    for (ptrdiff_t at = 0; at < (ptrdiff_t)msio_min((int64_t)cell->bytes, LEAST_PAGE); at += CACHE_LINE)
        __builtin_prefetch((const void *)((uintptr_t)cell->data + (uintptr_t)ahead + (uintptr_t)at));
}

msio_status msio_cursor_peek(msio_cursor *c, int64_t row, const void **data, size_t *bytes) {
    PROF_CALL_OF(c ? c->window.column->table->path : NULL, c ? c->window.column->name : NULL, 1);
    msio_cell cell;
    bool found;
    if (!c || !data) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no cursor, or nowhere to put the cell");
    see_call(c, row);
    msio_status status = find_cell(c, row, true, &cell, &found);
    if (!status && !found) {
        status = read_own_cell(c, row, &cell.bytes);
        see_failure(c, status);
        cell.data = c->own;
    }
    if (status) return status;
    if (found && c->window.mapped) touch(c, &cell);
    if (!msio_cursor_window_sound(&c->window)) return unsound(c);
    *data = cell.data;
    prof_call_did((int64_t)cell.bytes, 1);
    if (bytes) *bytes = cell.bytes;
    return MSIO_OK;
}

int msio_cursor_has(const msio_cursor *c, int64_t row) {
    int64_t index;
    return c && msio_cursor_window_has(&c->window, row, &index);
}

/* Asking for shapes is no walk over cells: nothing is read ahead for it. */
msio_status msio_cursor_shape(msio_cursor *c, int64_t row, int *ndim, int64_t shape[MSIO_MAX_NDIM]) {
    PROF_CALL_OF(c ? c->window.column->table->path : NULL, c ? c->window.column->name : NULL, 1);
    msio_cell cell;
    bool found;
    if (!c || !ndim || !shape) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no cursor, or nowhere to put the shape");
    c->calls++;
    msio_status status = find_cell(c, row, false, &cell, &found);
    if (status) return status;
    if (found) {
        *ndim = cell.ndim;
        memcpy(shape, cell.shape, (size_t)cell.ndim * sizeof *shape);
        return MSIO_OK;
    }
    msio_select select = MSIO_SELECT_ALL;
    int64_t whole[MSIO_MAX_NDIM + 1];
    int axes;
    select.row = row;
    select.rows = 1;
    if ((status = msio_read_shape(c->window.column, &select, &axes, whole, NULL))) return status;
    c->reads++;
    *ndim = axes - 1;
    memcpy(shape, whole + 1, (size_t)(axes - 1) * sizeof *shape);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- putting */

/* Takes the lock. What was read ahead is compared with the table once more, before this cursor's own change is counted;
 * from then on nobody else changes it. */
static msio_status begin_puts(msio_cursor *c) {
    msio_cursor_window *w = &c->window;
    bool holds = true;
    msio_status status = msio_gathered_begin(c->puts);
    if (status) return status;
    w->copies = true;
    bool before = msio_pending_quiet(true);
    if (w->rows > 0) (void)msio_cursor_window_check(w, &holds);
    msio_pending_quiet(before);
    status = msio_gathered_announce(c->puts);
    msio_cursor_window_follow(w);
    return status;
}

msio_status msio_cursor_put(msio_cursor *c, int64_t row, const void *in, size_t in_bytes) {
    PROF_CALL_OF(c ? c->window.column->table->path : NULL, c ? c->window.column->name : NULL, 1);
    if (!c || (!in && in_bytes)) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no cursor, or nothing to put");
    msio_status status = c->puts ? MSIO_OK : msio_gathered_new(c->window.column, &c->puts);
    for (bool taken = false; !status && !taken;) {
        status = msio_gathered_put(c->puts, row, in, in_bytes, &taken);
        if (!status && !taken) status = begin_puts(c);
    }
    int64_t index;
    if (!status && msio_cursor_window_has(&c->window, row, &index))
        msio_cursor_window_put(&c->window, index, in, in_bytes);
    if (!status) prof_call_did((int64_t)in_bytes, 1);
    return status;
}

msio_status msio_cursor_flush(msio_cursor *c) {
    PROF_CALL_OF(c ? c->window.column->table->path : NULL, c ? c->window.column->name : NULL, 1);
    if (!c) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no cursor");
    return c->puts ? msio_gathered_flush(c->puts) : MSIO_OK;
}

/* ---------------------------------------------------------------- what it saw */

/* The pattern of most calls, and how many those are. */
static pattern main_pattern(const msio_cursor *c, int64_t *calls) {
    int64_t seen[PATTERNS];
    pattern most = PATTERNS;
    memcpy(seen, c->seen, sizeof seen);
    if (c->run) seen[pattern_of(c->difference, c->run)] += c->run;
    *calls = 0;
    for (int p = 0; p < PATTERNS; p++)
        if (seen[p] > *calls) {
            *calls = seen[p];
            most = (pattern)p;
        }
    return most;
}

void msio_cursor_describe(const msio_cursor *c, msio_cursor_stats *stats) {
    int64_t calls;
    pattern p = main_pattern(c, &calls);
    *stats = (msio_cursor_stats){c->calls, c->served, c->reads, c->bytes_read, p < PATTERNS ? pattern_name[p] : ""};
}

/* What the blocks took that were read ahead is what one read of these rows would take, or less; and who loops. */
static int tell_times(const msio_cursor *c, char *text, size_t size) {
    Dl_info info;
    double spent = (double)(msio_clock_monotonic_ns() - c->opened_at) * 1e-9, read = (double)c->reading * 1e-9;
    bool known = dladdr(c->opened_by, &info) && info.dli_fname;
    int n = c->reading ? snprintf(text, size, ", would take %.3g s instead of %.3g s", read, spent) : 0;
    if (n < 0 || (size_t)n >= size) return n;
    if (c->place) return n + snprintf(text + n, size - (size_t)n, " (the loop is at %s:%d)", c->place, c->line);
    if (!known) return n;
    const char *base = info.dli_saddr ? info.dli_saddr : info.dli_fbase;
    return n + snprintf(text + n, size - (size_t)n, " (the cursor was opened at %s+0x%zx of %s)",
                        info.dli_sname ? info.dli_sname : "", (size_t)((const char *)c->opened_by - base),
                        info.dli_fname);
}

int msio_cursor_advice(const msio_cursor *c, char *text, size_t size) {
    static const char *const instead[PATTERNS] = {"msio_read (getcol)", "msio_read (getcol)",
                                                  "msio_read (getcol) with a row_step",
                                                  "msio_read (getcol) with a row_list"};
    int64_t calls;
    pattern p = main_pattern(c, &calls);
    if (size) *text = 0;
    if (p == PATTERNS || calls + 1 < MSIO_CURSOR_ADVICE_CALLS) return 0;
    int n = snprintf(text, size, "getcell loop over %" PRId64 " rows of %s, %s: use %s", calls + 1,
                     c->window.column->name, pattern_name[p], instead[p]);
    if (!c->opened_at || n < 0 || (size_t)n >= size) return n;
    return n + tell_times(c, text + n, size - (size_t)n);
}
