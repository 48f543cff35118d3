/* verify.c - timing the paths of `msio verify` on the user's tables. */
#include "cli/measure/verify.h"

#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/input/opening.h"
#include "cli/measure/roofline.h"
#include "cli/output/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLI_TRIES 3       /* of a read, after one that warms up */
#define CLI_OPEN_TRIES 10 /* of an opening */

cli_path *cli_paths_add(cli_paths *paths, const char *name, const char *table) {
    if (paths->count == paths->room) {
        paths->room = paths->room ? 2 * paths->room : 16;
        paths->list = cli_resize(paths->list, (size_t)paths->room, sizeof *paths->list);
    }
    cli_path *path = &paths->list[paths->count++];
    memset(path, 0, sizeof *path);
    snprintf(path->name, sizeof path->name, "%s", name);
    path->table = table;
    path->measured = path->roofline = path->uncached = -1;
    path->bytes = -1;
    path->tries = (cli_tries)CLI_TRIES_INIT;
    return path;
}

void cli_paths_free(cli_paths *paths) {
    for (int i = 0; i < paths->count; i++) cli_tries_free(&paths->list[i].tries);
    free(paths->list);
    memset(paths, 0, sizeof *paths);
}

static void say_failure(cli_path *path) {
    snprintf(path->reason, sizeof path->reason, "%s", msio_last_error()->message);
}

/* Opens and closes a table, and its subtables with it. */
static msio_status open_once(const cli_context *cli, const char *path, int all) {
    msio_open_opts opts = cli_open_opts(cli);
    msio_table *table, *below;
    msio_status status = msio_table_open(path, &opts, &table);
    if (status != MSIO_OK) return status;
    for (int i = 0; all && i < msio_table_subtables(table); i++) {
        msio_status one = msio_table_open(msio_table_subtable_path(table, i), &opts, &below);
        if (one == MSIO_OK)
            msio_table_close(below);
        else if (one != MSIO_E_NOT_FOUND)
            status = one;
    }
    msio_table_close(table);
    return status;
}

static void time_opening(const cli_context *cli, const char *path, int all, cli_paths *paths) {
    cli_path *result = cli_paths_add(paths, all ? "open-all" : "open", path);
    cli_tries *tries = &result->tries;
    for (int i = 0; (i == 0 || cli_tries_more(tries, CLI_OPEN_TRIES)) && !cli_interrupted(); i++) {
        double began = cli_now();
        if (open_once(cli, path, all)) {
            say_failure(result);
            return;
        }
        if (i)
            cli_tries_add(tries, cli_now() - began);
        else
            cli_tries_begin(tries);
    }
    cli_tries_end(tries);
    result->measured = tries->best;
    snprintf(result->reason, sizeof result->reason, "best of %d, %s", tries->count,
             all ? "with all subtables" : "the main table");
}

/* Reads a selection once to warm up, then in turns with the raw reads of the same bytes. */
static void race(const cli_context *cli, const msio_column *column, const msio_select *select, void *out, size_t bytes,
                 const cli_roofline *roofline, cli_path *result) {
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    cli_progress progress;
    char title[64];
    int threads = cli_threads(cli->threads);
    opts.threads = cli->threads;
    opts.progress = cli_progress_update;
    opts.user = &progress;
    snprintf(title, sizeof title, "timing %.48s", result->name);
    for (int i = 0; (i == 0 || cli_tries_more(&result->tries, CLI_TRIES)) && !cli_interrupted(); i++) {
        cli_progress_begin(&progress, cli, title, 0);
        double began = cli_now();
        msio_status status = msio_read(column, select, out, bytes, &opts);
        double seconds = cli_now() - began;
        cli_progress_end(&progress);
        if (status != MSIO_OK) {
            say_failure(result);
            result->measured = -1;
            return;
        }
        if (i)
            cli_tries_add(&result->tries, seconds);
        else
            cli_tries_begin(&result->tries);
        result->measured = result->tries.best;
        if (!roofline) continue;
        seconds = cli_roofline_run(roofline, threads, out, bytes);
        if (i && seconds >= 0 && (result->roofline < 0 || seconds < result->roofline)) result->roofline = seconds;
    }
    cli_tries_end(&result->tries);
}

/* Cuts the selection to rows that fit in memory, and the bytes to theirs. */
static void fit_memory(int64_t rows, msio_select *select, size_t *bytes) {
    int64_t allowed = cli_verify_memory();
    if ((int64_t)*bytes <= allowed) return;
    int64_t row_bytes = (int64_t)*bytes / rows;
    select->rows = allowed / row_bytes;
    *bytes = (size_t)(select->rows * row_bytes);
}

static void describe(const msio_select *select, int64_t rows, cli_path *result) {
    if (select->rows < 0)
        snprintf(result->reason, sizeof result->reason, "best of %d, file in the page cache, memory touched",
                 result->tries.count);
    else
        snprintf(result->reason, sizeof result->reason,
                 "best of %d on the first %s of %s rows: all are more than half of the free memory",
                 result->tries.count, cli_count(select->rows).text, cli_count(rows).text);
}

/* Cells of one shape, all written. */
static void time_dense(const cli_context *cli, const msio_column *column, int64_t rows, size_t bytes,
                       cli_path *result) {
    msio_select select = MSIO_SELECT_ALL;
    msio_plan *plan = NULL;
    cli_roofline roofline = {0};
    fit_memory(rows, &select, &bytes);
    void *out = msio_pool_take(bytes);
    if (!out) {
        snprintf(result->reason, sizeof result->reason, "there is no memory for %zu bytes", bytes);
        return;
    }
    memset(out, 0, bytes);
    result->bytes = (int64_t)bytes;
    int raw = msio_plan_make(column, &select, &plan) == MSIO_OK && cli_roofline_prepare(plan, 0, &roofline) == 0;
    race(cli, column, &select, out, bytes, raw ? &roofline : NULL, result);
    if (result->measured >= 0) describe(&select, rows, result);
    cli_roofline_free(&roofline);
    msio_plan_free(plan);
    msio_pool_give(out);
}

static void time_column(const cli_context *cli, const char *path, msio_table *table, const char *name,
                        cli_paths *paths) {
    char title[96];
    const msio_column *column;
    int ndim;
    int64_t shape[MSIO_MAX_NDIM + 1], rows = msio_table_rows(table);
    size_t bytes = 0;
    snprintf(title, sizeof title, "read-%s", name);
    cli_path *result = cli_paths_add(paths, title, path);
    if (msio_table_column(table, name, &column)) {
        say_failure(result);
        return;
    }
    const msio_column_info *info = msio_column_describe(column);
    msio_status status = info ? MSIO_OK : msio_last_error()->code;
    int strings = info && info->type == MSIO_STRING;
    if (info && !strings) status = msio_read_shape(column, NULL, &ndim, shape, &bytes);
    if (rows && (strings || status == MSIO_E_SHAPE || status == MSIO_E_UNDEFINED))
        cli_verify_ragged(cli, column, rows, result);
    else if (status)
        say_failure(result);
    else if (!bytes)
        snprintf(result->reason, sizeof result->reason, "the column is empty");
    else
        time_dense(cli, column, rows, bytes, result);
}

/* The three largest columns of a table that is no Measurement Set. */
static int largest_columns(msio_table *table, const char *names[3]) {
    size_t sizes[3] = {0, 0, 0};
    const char *name;
    for (int i = 0; (name = msio_table_column_name(table, i)); i++) {
        const msio_column *column;
        int ndim, place = 3;
        int64_t shape[MSIO_MAX_NDIM + 1];
        size_t bytes;
        if (msio_table_column(table, name, &column) || msio_read_shape(column, NULL, &ndim, shape, &bytes)) continue;
        while (place > 0 && bytes > sizes[place - 1]) place--;
        if (place == 3) continue;
        memmove(sizes + place + 1, sizes + place, (size_t)(2 - place) * sizeof sizes[0]);
        memmove(names + place + 1, names + place, (size_t)(2 - place) * sizeof names[0]);
        sizes[place] = bytes;
        names[place] = name;
    }
    return sizes[0] == 0 ? 0 : sizes[1] == 0 ? 1 : sizes[2] == 0 ? 2 : 3;
}

int cli_verify_columns(msio_table *table, const char *const *extra, int extras, const char *names[CLI_COLUMNS_MOST]) {
    static const char *const usual[] = {"DATA", "FLOAT_DATA", "FLAG",     "WEIGHT_SPECTRUM",
                                        "UVW",  "TIME",       "ANTENNA1", NULL};
    const msio_column *column;
    int count = 0;
    if (!cli_table_is_ms(table)) count = largest_columns(table, names);
    for (int i = 0; cli_table_is_ms(table) && usual[i]; i++)
        if (msio_table_column(table, usual[i], &column) == MSIO_OK) names[count++] = usual[i];
    for (int i = 0; i < extras && count < CLI_COLUMNS_MOST; i++) {
        int known = 0;
        for (int k = 0; k < count; k++) known |= strcmp(names[k], extra[i]) == 0;
        if (!known) names[count++] = extra[i];
    }
    return count;
}

int cli_verify_table(const cli_context *cli, const char *path, const char *const *extra, int extras, cli_paths *paths) {
    const char *names[CLI_COLUMNS_MOST] = {NULL};
    msio_table *table = NULL;
    int code = cli_table_open(cli, path, &table);
    if (code) return code;
    time_opening(cli, path, 0, paths);
    time_opening(cli, path, 1, paths);
    if (cli_table_is_ms(table) && !cli_interrupted()) cli_verify_caches(cli, path, paths);
    int count = cli_verify_columns(table, extra, extras, names);
    for (int i = 0; i < count && !cli_interrupted(); i++) time_column(cli, path, table, names[i], paths);
    msio_table_close(table);
    return 0;
}
