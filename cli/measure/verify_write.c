/* verify_write.c - the timing of writing: on a scratch copy of the table, each column's own values over themselves. */
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/input/opening.h"
#include "cli/measure/roofline.h"
#include "cli/measure/scratch_copy.h"
#include "cli/measure/verify.h"
#include "cli/output/progress.h"
#include "msio/files.h"
#include "msio/write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLI_TRIES 3

/* ---------------------------------------------------------------- the scratch copy */

/* Refuses a copy that takes more than half of what is free there. */
static int has_room(const char *table, const char *copy, cli_path *path) {
    int64_t bytes = cli_folder_bytes(table), room = cli_scratch_room(copy);
    if (room < 0 || bytes <= room / 2) return 1; /* of an unknown room: making it tells */
    const char *slash = strrchr(copy, '/');
    snprintf(path->reason, sizeof path->reason,
             "a scratch copy of %s is more than half of what is free in %.*s (%s); --scratch DIR names another folder",
             cli_size(bytes).text, slash ? (int)(slash - copy > 300 ? 300 : slash - copy) : 1, slash ? copy : ".",
             cli_size(room).text);
    return 0;
}

/* ---------------------------------------------------------------- one column */

typedef struct column_race {
    const cli_context *cli;
    const msio_column *column;
    const msio_select *select;
    uint8_t *values;
    size_t bytes;
    const cli_roofline *roofline; /* NULL: none */
} column_race;

static void say_failure(cli_path *path) {
    snprintf(path->reason, sizeof path->reason, "%s", msio_last_error()->message);
    path->measured = -1;
}

/* Writes once to warm up, then in turns with the raw writes of the same bytes. Returns 0, or -1 after saying why. */
static int race(const column_race *r, cli_path *path) {
    msio_write_opts opts = MSIO_WRITE_OPTS_INIT;
    cli_progress progress;
    char title[64];
    opts.threads = r->cli->threads;
    opts.progress = cli_progress_update;
    opts.user = &progress;
    snprintf(title, sizeof title, "timing %.48s", path->name);
    for (int i = 0; (i == 0 || cli_tries_more(&path->tries, CLI_TRIES)) && !cli_interrupted(); i++) {
        double raw =
            i && r->roofline ? cli_roofline_run(r->roofline, cli_threads(r->cli->threads), r->values, r->bytes) : -1;
        if (raw >= 0 && (path->roofline < 0 || raw < path->roofline)) path->roofline = raw;
        cli_progress_begin(&progress, r->cli, title, 0);
        double began = cli_now();
        msio_status status = msio_write(r->column, r->select, r->values, r->bytes, &opts);
        double seconds = cli_now() - began;
        cli_progress_end(&progress);
        if (status) {
            say_failure(path);
            return -1;
        }
        if (i)
            cli_tries_add(&path->tries, seconds);
        else
            cli_tries_begin(&path->tries);
    }
    cli_tries_end(&path->tries);
    path->measured = path->tries.best;
    return 0;
}

/* What was written last is read again. */
static void read_again(const column_race *r, cli_path *path) {
    uint8_t *found = msio_pool_take(r->bytes);
    if (!found || msio_read(r->column, r->select, found, r->bytes, NULL)) {
        say_failure(path);
    } else if (memcmp(found, r->values, r->bytes) != 0) {
        path->measured = -1;
        snprintf(path->reason, sizeof path->reason, "other values were read than had been written");
    }
    msio_pool_give(found);
}

/* As many rows as half of the free memory holds twice. */
static void fit_memory(int64_t rows, msio_select *select, size_t *bytes) {
    int64_t allowed = cli_verify_memory() / 2;
    if ((int64_t)*bytes <= allowed) return;
    int64_t row_bytes = (int64_t)*bytes / rows;
    select->rows = allowed / row_bytes;
    *bytes = (size_t)(select->rows * row_bytes);
}

static void time_dense(column_race *r, int64_t rows, cli_path *path) {
    msio_select select = MSIO_SELECT_ALL;
    msio_plan *plan = NULL;
    cli_roofline roofline = {0};
    fit_memory(rows, &select, &r->bytes);
    r->select = &select;
    r->values = msio_pool_take(r->bytes);
    if (!r->values) {
        snprintf(path->reason, sizeof path->reason, "there is no memory for %zu bytes", r->bytes);
        return;
    }
    int failed = msio_read(r->column, &select, r->values, r->bytes, NULL) != MSIO_OK;
    if (!failed && msio_plan_make(r->column, &select, &plan) == MSIO_OK &&
        cli_roofline_prepare(plan, 1, &roofline) == 0)
        r->roofline = &roofline;
    if (failed) say_failure(path);
    path->bytes = (int64_t)r->bytes;
    if (!failed && race(r, path) == 0) {
        snprintf(path->reason, sizeof path->reason,
                 "best of %d, its values over themselves in a copy in the page cache%s", path->tries.count,
                 select.rows < 0 ? "" : ", of its first rows");
        read_again(r, path);
    }
    cli_roofline_free(&roofline);
    msio_plan_free(plan);
    msio_pool_give(r->values);
}

static void time_column(const cli_context *cli, const char *path, msio_table *table, const char *name,
                        cli_paths *paths) {
    char title[96];
    column_race r = {.cli = cli};
    msio_write_plan plan = MSIO_WRITE_PLAN_INIT;
    snprintf(title, sizeof title, "write-%s", name);
    cli_path *result = cli_paths_add(paths, title, path);
    if (msio_table_column(table, name, &r.column) || msio_read_shape(r.column, NULL, NULL, NULL, &r.bytes) ||
        msio_write_plan_make(r.column, NULL, NULL, &plan))
        say_failure(result);
    else if (!plan.native)
        snprintf(result->reason, sizeof result->reason, "it is not written natively: %s", plan.why_not);
    else if (!r.bytes)
        snprintf(result->reason, sizeof result->reason, "the column is empty");
    else
        time_dense(&r, msio_table_rows(table), result);
}

/* ---------------------------------------------------------------- one table */

static void time_copy(const cli_context *cli, const char *path, const char *copy, const char *const *extra, int extras,
                      cli_paths *paths) {
    msio_open_opts opts = cli_open_opts(cli);
    const char *names[CLI_COLUMNS_MOST] = {NULL};
    msio_table *table = NULL;
    opts.writable = 1;
    if (msio_table_open(copy, &opts, &table)) {
        say_failure(cli_paths_add(paths, "write", path));
        return;
    }
    int count = cli_verify_columns(table, extra, extras, names);
    for (int i = 0; i < count && !cli_interrupted(); i++) time_column(cli, path, table, names[i], paths);
    msio_table_close(table);
}

void cli_verify_write(const cli_context *cli, const char *path, const char *scratch, const char *const *extra,
                      int extras, cli_paths *paths) {
    char copy[4096];
    msio_making *making = NULL;
    cli_path none = {.measured = -1};
    cli_scratch_name(path, scratch, "verify", copy, sizeof copy);
    int made = has_room(path, copy, &none);
    if (made && msio_making_begin(copy, &making)) {
        snprintf(none.reason, sizeof none.reason,
                 "no scratch copy can be made: %.500s; --scratch DIR names another folder", msio_last_error()->message);
        made = 0;
    }
    if (made && cli_scratch_copy(path, msio_making_place(making), 0)) {
        snprintf(none.reason, sizeof none.reason, "no scratch copy could be made: %s", strerror(errno));
        made = 0;
    }
    if (made)
        time_copy(cli, path, msio_making_place(making), extra, extras, paths);
    else if (!cli_interrupted())
        snprintf(cli_paths_add(paths, "write", path)->reason, sizeof none.reason, "%s", none.reason);
    msio_making_free(making);
}
