/* same_shape.c - the rows of a selection, by the shape of their cells. */
#include "cli/change/same_shape.h"

#include "cli/common/failure.h"
#include "cli/common/interrupt.h"

#include <stdlib.h>
#include <string.h>

/* Cells that are read to learn their shapes: rows, and bytes. */
#define MOST_ROWS 16384
#define LEAST_ROWS 16
#define MOST_BYTES ((int64_t)16 << 20)

/* One walk. */
typedef struct walk {
    const cli_context *cli;
    const cli_selection *selection;
    const msio_column *column;
    const char *name;
    cli_same_shape_use use;
    void *user;
} walk;

/* The rows, with all of every cell. */
static msio_select whole_cells(const walk *w, int64_t first, int64_t count) {
    const msio_select all = MSIO_SELECT_ALL;
    msio_select part = cli_selection_part(w->selection, first, count);
    part.chan = all.chan, part.chans = all.chans, part.chan_step = all.chan_step;
    part.corr = all.corr, part.corrs = all.corrs, part.corr_step = all.corr_step;
    return part;
}

/* Hands on rows of one shape; with channels and correlations as they are counted in cells of that shape. */
static int hand_on(const walk *w, const msio_select *rows, int64_t count, int ndim, const int64_t *shape) {
    cli_same_shape same = {.rows = count, .ndim = ndim};
    cli_selection part = *w->selection;
    part.select = *rows;
    if (ndim > 0) memcpy(same.shape, shape, (size_t)ndim * sizeof *shape);
    if (ndim >= 0) {
        int code = cli_selection_cells(w->cli, &part, ndim, shape, w->name);
        if (code) return code;
    }
    same.select = part.select;
    return w->use(w->user, &same);
}

/* One call for the rows from `first` on when they have one shape. Returns 0 or an exit code; -1: they differ. */
static int of_one_shape(const walk *w, int64_t first, int64_t count, int64_t *row_bytes) {
    msio_select rows = whole_cells(w, first, count);
    int64_t shape[MSIO_MAX_NDIM + 1];
    int ndim;
    size_t bytes;
    msio_status status = msio_read_shape(w->column, &rows, &ndim, shape, &bytes);
    if (status == MSIO_E_SHAPE || status == MSIO_E_UNDEFINED) return -1;
    if (status) return cli_fail_status(w->cli, w->selection->path);
    *row_bytes = count ? (int64_t)bytes / count : 0;
    return hand_on(w, &rows, count, ndim - 1, shape + 1);
}

static int like(const msio_ragged *cells, int64_t a, int64_t b) {
    if (cells->defined[a] != cells->defined[b] || cells->ndims[a] != cells->ndims[b]) return 0;
    return memcmp(cells->shapes + a * MSIO_MAX_NDIM, cells->shapes + b * MSIO_MAX_NDIM,
                  (size_t)cells->ndims[a] * sizeof *cells->shapes) == 0;
}

/* The rows from `first` on, sorted by their cells' shapes. */
static int of_many_shapes(const walk *w, int64_t first, int64_t count) {
    msio_select rows = whole_cells(w, first, count);
    msio_ragged cells;
    if (msio_read_ragged(w->column, &rows, &cells, NULL)) return cli_fail_status(w->cli, w->selection->path);
    int64_t *list = cli_alloc_many((size_t)count, sizeof *list);
    char *taken = memset(cli_alloc((size_t)count), 0, (size_t)count);
    int code = 0;
    for (int64_t i = 0; i < count && !code; i++) {
        int64_t found = 0;
        if (taken[i]) continue;
        for (int64_t k = i; k < count; k++) {
            if (taken[k] || !like(&cells, i, k)) continue;
            taken[k] = 1;
            list[found++] = cli_selection_row(w->selection, first + k);
        }
        rows.row_list = list;
        rows.rows_in_list = found;
        code = hand_on(w, &rows, found, cells.defined[i] ? cells.ndims[i] : -1, cells.shapes + i * MSIO_MAX_NDIM);
    }
    free(taken);
    free(list);
    msio_ragged_free(&cells);
    return code;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

int cli_same_shapes(const cli_context *cli, const cli_selection *selection, const msio_column *column, const char *name,
                    cli_same_shape_use use, void *user) {
    walk w = {cli, selection, column, name, use, user};
    int64_t rows = selection->count, row_bytes = 1024, most = rows;
    if (rows == 0) return 0;
    for (int64_t at = 0; at < rows;) {
        int64_t count = most < rows - at ? most : rows - at, sorted = MOST_BYTES / (row_bytes > 0 ? row_bytes : 1);
        if (cli_interrupted()) return CLI_INPUT;
        int code = of_one_shape(&w, at, count, &row_bytes);
        sorted = clamp(sorted, LEAST_ROWS, MOST_ROWS);
        if (code < 0 && count > sorted) { /* fewer rows may have one */
            most = clamp(count / 8, sorted, rows);
            continue;
        }
        if (code < 0) code = of_many_shapes(&w, at, count);
        if (code) return code;
        at += count;
        most = clamp(most * 2, 1, rows);
    }
    return 0;
}
