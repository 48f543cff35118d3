/* cursor_window.h - what a cursor read ahead: cells of some rows in memory, and whether they still are true. */
#ifndef MSIO_CACHE_CURSOR_WINDOW_H
#define MSIO_CACHE_CURSOR_WINDOW_H

#include "cache/state.h"
#include "io/lock/lock_registry.h"
#include "io/table/snapshot.h"

/* A cell in memory. defined is false for one that was never written. */
typedef struct msio_cell {
    const uint8_t *data;
    size_t bytes;
    int ndim;
    const int64_t *shape; /* numpy order */
    bool defined;
} msio_cell;

typedef struct msio_cursor_window {
    const msio_column *column;
    bool unchecked;            /* nothing can change: the cursor holds the table, or it was opened as such */
    size_t memory;             /* most bytes of cells */
    int64_t first, step, rows; /* it has rows first, first + step, ...; rows is 0 when it has none */
    int64_t served;            /* calls that it answered */
    bool plain;                /* it has dense cells that need no check */
    /* dense, while cells.cells is 0: in `data`, or in a file of a held table that is mapped */
    const uint8_t *dense;
    const msio_file *mapped; /* NULL: in `data` */
    uint8_t *data;
    size_t capacity, cell; /* bytes of data, and of each cell */
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];
    /* cells that differ in shape, or some of which were never written */
    msio_ragged cells;
    bool ragged; /* they did, so that the next are read the same way */
    /* when it has to be checked */
    msio_state *state;
    double glance;    /* s: for so long after a full check the sync record tells enough; 0: never */
    uint64_t checked; /* ns: when the last full check was */
    msio_lock *lock;  /* whose sync record it is; NULL: there is none to look at */
    int64_t sync_length;
    const uint8_t *live; /* the record as it is now, in the mapped file */
    uint8_t sync[MSIO_SYNC_BYTES];
    msio_access pin; /* keeps the snapshot of a table that its owner holds, to tell that hold from the next */
    bool pinned;
    prof_holding told; /* bytes of `data` and of cells */
    bool copies; /* cells are not taken from a mapped file: the cursor puts, and what it has is changed with that */
} msio_cursor_window;

/* Which rows to read ahead: row, and on from there by difference, `rows` at most; up to a multiple of `unit` rows where
 * rows follow each other. */
typedef struct msio_ahead {
    int64_t row, difference, rows, unit;
} msio_ahead;

/* Reads ahead in place of what the window had. On a failure, or when the cells do not fit the memory, it has nothing.
 * Errors: as msio_read. */
msio_status msio_cursor_window_read(msio_cursor_window *window, const msio_ahead *ahead);

/* Tells whether what the window has is true now; it has nothing any more when it is not. MSIO_E_LOCKED. */
msio_status msio_cursor_window_check(msio_cursor_window *window, bool *holds);

/* Whether the window has a row, and which of its cells that is. */
static inline bool msio_cursor_window_has(const msio_cursor_window *window, int64_t row, int64_t *index) {
    uint64_t distance = (uint64_t)row - (uint64_t)window->first, step = (uint64_t)window->step;
    if (step > 1) {
        if (distance % step) return false;
        distance /= step;
    }
    *index = (int64_t)distance;
    return distance < (uint64_t)window->rows;
}

/* Whether a mapped file could be read so far: asked after every use of its cells. */
static inline bool msio_cursor_window_sound(const msio_cursor_window *window) {
    return !window->mapped || !msio_file_map_failed(window->mapped);
}

/* Cell 0 <= index < rows. */
void msio_cursor_window_cell(const msio_cursor_window *window, int64_t index, msio_cell *cell);

/* Bytes of the cells that it has. */
size_t msio_cursor_window_bytes(const msio_cursor_window *window);

/* Cell `index` as it was just put; a window that cannot take it has nothing any more. */
void msio_cursor_window_put(msio_cursor_window *window, int64_t index, const void *cell, size_t bytes);

/* The cursor itself has counted a change of its table, which it holds, before any value changed: what the window has is
 * as true as it was. */
void msio_cursor_window_follow(msio_cursor_window *window);

void msio_cursor_window_free(msio_cursor_window *window);

#endif
