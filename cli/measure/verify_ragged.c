/* verify_ragged.c - `msio verify` of columns whose cells differ in shape, or were not all written: read ragged. */
#include "cli/measure/verify.h"

#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/measure/roofline.h"
#include "cli/output/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLI_TRIES 3     /* after one that warms up */
#define CLI_SHAPES 256  /* as many have a roofline */
#define CLI_SAMPLES 256 /* rows that tell how large the others are */
#define CLI_SPARE 1.25  /* the others may be larger */

/* The rows whose cells have one shape. */
typedef struct shape_rows {
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];
    int64_t *rows;
    int64_t count, room;
} shape_rows;

typedef struct shapes {
    shape_rows list[CLI_SHAPES];
    int count;    /* CLI_SHAPES + 1: more than are kept */
    int64_t none; /* cells never written */
} shapes;

static void say_failure(cli_path *path) {
    snprintf(path->reason, sizeof path->reason, "%s", msio_last_error()->message);
}

/* ---------------------------------------------------------------- shapes */

static shape_rows *find_shape(shapes *all, const msio_ragged *cells, int64_t cell) {
    const int64_t *shape = cells->shapes + cell * MSIO_MAX_NDIM;
    int ndim = cells->ndims[cell];
    for (int i = all->count - 1; i >= 0; i--) /* the last that came is likely the next */
        if (all->list[i].ndim == ndim && memcmp(all->list[i].shape, shape, (size_t)ndim * sizeof *shape) == 0)
            return &all->list[i];
    if (all->count == CLI_SHAPES) return NULL;
    shape_rows *made = &all->list[all->count++];
    made->ndim = ndim;
    memcpy(made->shape, shape, (size_t)ndim * sizeof *shape);
    return made;
}

static void add_row(shape_rows *of, int64_t row) {
    if (of->count == of->room) {
        of->room = of->room ? 2 * of->room : 256;
        of->rows = cli_resize(of->rows, (size_t)of->room, sizeof *of->rows);
    }
    of->rows[of->count++] = row;
}

/* Rows are those of the table: the selection begins at its first. */
static void sort_shapes(const msio_ragged *cells, shapes *all) {
    for (int64_t i = 0; i < cells->cells; i++) {
        if (!cells->defined[i]) {
            all->none++;
            continue;
        }
        shape_rows *of = find_shape(all, cells, i);
        if (!of) {
            all->count = CLI_SHAPES + 1;
            return;
        }
        add_row(of, i);
    }
}

static void shapes_free(shapes *all) {
    for (int i = 0; i < CLI_SHAPES; i++) free(all->list[i].rows);
    free(all);
}

static int is_empty(const shape_rows *of) {
    for (int axis = 0; axis < of->ndim; axis++)
        if (of->shape[axis] == 0) return 1;
    return 0;
}

/* The stored bytes of all cells: of each shape's rows what a plan of these tells. Returns 0, or -1 where there is none.
 */
static int prepare(const msio_column *column, const shapes *all, cli_roofline *roofline) {
    memset(roofline, 0, sizeof *roofline);
    if (all->count > CLI_SHAPES) return -1;
    int straight = 1;
    for (int i = 0; i < all->count; i++) {
        msio_select select = MSIO_SELECT_ALL;
        msio_plan *plan = NULL;
        cli_roofline part = {0};
        if (is_empty(&all->list[i])) continue;
        select.row_list = all->list[i].rows;
        select.rows_in_list = all->list[i].count;
        int unknown = msio_plan_make(column, &select, &plan) || cli_roofline_prepare(plan, 0, &part);
        if (!unknown) {
            straight &= part.straight;
            cli_roofline_append(roofline, &part);
        }
        cli_roofline_free(&part);
        msio_plan_free(plan);
        if (unknown) return -1;
    }
    roofline->straight = straight;
    return roofline->count ? 0 : -1;
}

/* ---------------------------------------------------------------- timing */

/* Cuts the selection to rows that fit in memory, as some rows all over the column tell. */
static msio_status fit_memory(const msio_column *column, int64_t rows, msio_select *select) {
    int64_t list[CLI_SAMPLES], count = rows < CLI_SAMPLES ? rows : CLI_SAMPLES;
    msio_select sample = MSIO_SELECT_ALL;
    msio_ragged cells = {0};
    for (int64_t i = 0; i < count; i++) list[i] = (int64_t)((double)i / (double)count * (double)rows);
    sample.row_list = list;
    sample.rows_in_list = count;
    msio_status status = msio_read_ragged(column, &sample, &cells, NULL);
    if (status) return status;
    double a_row = CLI_SPARE * (double)cells.bytes / (double)count + sizeof(int64_t) * (MSIO_MAX_NDIM + 1);
    double most = (double)cli_verify_memory() / a_row;
    if (most < (double)rows) select->rows = most < 1 ? 1 : (int64_t)most;
    msio_ragged_free(&cells);
    return MSIO_OK;
}

static void describe(const shapes *all, const msio_select *select, int64_t rows, cli_path *path) {
    char part[288] = "", none[160] = "", many[32];
    snprintf(many, sizeof many, all->count > CLI_SHAPES ? "more than %d" : "%d",
             all->count > CLI_SHAPES ? CLI_SHAPES : all->count);
    if (select->rows >= 0)
        snprintf(part, sizeof part, " on the first %s of %s rows: all are more than half of the free memory",
                 cli_count(select->rows).text, cli_count(rows).text);
    if (all->none) snprintf(none, sizeof none, ", %s cells never written", cli_count(all->none).text);
    snprintf(path->reason, sizeof path->reason,
             "best of %d%s, read ragged: cells of %s shape%s%s; file in the page cache", path->tries.count, part, many,
             all->count == 1 ? "" : "s", none);
}

/* Reads once to warm up and to learn the shapes, then in turns with the raw reads of the same bytes, which go to the
 * memory that the cells came in. */
static void race(const cli_context *cli, const msio_column *column, const msio_select *select, shapes *all,
                 cli_path *path) {
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    cli_roofline roofline = {0};
    cli_progress progress;
    char title[64];
    int raw = 0;
    opts.threads = cli->threads;
    opts.progress = cli_progress_update;
    opts.user = &progress;
    snprintf(title, sizeof title, "timing %.48s", path->name);
    cli_progress_begin(&progress, cli, title, 0);
    for (int i = 0; (i == 0 || cli_tries_more(&path->tries, CLI_TRIES)) && !cli_interrupted(); i++) {
        msio_ragged cells = {0};
        double began = cli_now();
        msio_status status = msio_read_ragged(column, select, &cells, &opts);
        double seconds = cli_now() - began;
        if (status != MSIO_OK) {
            say_failure(path);
            path->measured = -1;
            break;
        }
        path->bytes = (int64_t)cells.bytes;
        if (i == 0) {
            sort_shapes(&cells, all);
            raw = cells.data && prepare(column, all, &roofline) == 0;
            cli_tries_begin(&path->tries);
        } else {
            cli_tries_add(&path->tries, seconds);
            path->measured = path->tries.best;
        }
        seconds = raw ? cli_roofline_run(&roofline, cli_threads(cli->threads), cells.data, cells.bytes) : -1;
        if (i && seconds >= 0 && (path->roofline < 0 || seconds < path->roofline)) path->roofline = seconds;
        msio_ragged_free(&cells);
    }
    cli_tries_end(&path->tries);
    cli_progress_end(&progress);
    cli_roofline_free(&roofline);
}

void cli_verify_ragged(const cli_context *cli, const msio_column *column, int64_t rows, cli_path *path) {
    msio_select select = MSIO_SELECT_ALL;
    shapes *all = cli_zeros(1, sizeof *all);
    if (fit_memory(column, rows, &select)) {
        say_failure(path);
    } else {
        race(cli, column, &select, all, path);
        if (path->measured >= 0) describe(all, &select, rows, path);
        if (path->measured >= 0 && !path->bytes) {
            snprintf(path->reason, sizeof path->reason, "no cell was ever written, or all are empty");
            path->measured = path->roofline = -1;
        }
    }
    shapes_free(all);
}
