/* verify_subbands.c - the target of `msio verify` that loading all subbands of an observation time is held against. */
#include "cli/measure/verify.h"

#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/input/opening.h"
#include "cli/load/load_run.h"
#include "cli/output/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLI_TRIES 3 /* after one that warms up */

static cli_path *find(cli_paths *paths) {
    for (int i = 0; i < paths->count; i++)
        if (paths->list[i].is_target && strcmp(paths->list[i].name, "subband-loading") == 0) return &paths->list[i];
    return NULL;
}

/* What the tries of one input came to. */
typedef struct outcome {
    cli_tries tries;
    double roofline;
    int64_t bytes;
    int subbands, missing;
    int64_t rows, all_rows; /* loaded, and there */
} outcome;

static void keep_best(double *best, double seconds) {
    if (seconds >= 0 && (*best < 0 || seconds < *best)) *best = seconds;
}

/* Cuts the rows to what fits in memory: three arrays of the largest types. */
static void fit_memory(const msio_subbands *all, msio_load_opts *opts, outcome *found) {
    double row_bytes = (double)all->channels * (double)all->pols * 13;
    if (all->visdata_type == MSIO_DCOMPLEX) row_bytes += (double)all->channels * (double)all->pols * 8;
    double most = row_bytes > 0 ? (double)cli_verify_memory() / row_bytes : 0;
    found->all_rows = all->rows;
    if (most < (double)all->rows) opts->rows = most < 1 ? 1 : (int64_t)most;
}

/* Loads once to warm up, then in turns with the raw reads of the same bytes. */
static msio_status race(const cli_context *cli, const cli_load_input *input, msio_load_opts *opts, outcome *found) {
    unsigned what = cli_load_input_arrays(cli, input);
    msio_subbands first = {0}, again = {0};
    double seconds;
    msio_status status = cli_load_input_read(input, 0, opts, &again);
    if (status) return status;
    fit_memory(&again, opts, found);
    found->subbands = again.subbands;
    found->missing = again.missing;
    msio_subbands_free(&again);
    status = cli_load_input_read_into(input, what, opts, &again, &first, &seconds);
    found->bytes = cli_load_bytes(&first);
    found->rows = first.rows;
    cli_tries_begin(&found->tries);
    while (!status && !cli_interrupted() && cli_tries_more(&found->tries, CLI_TRIES)) {
        status = cli_load_input_read_into(input, what, opts, &first, &again, &seconds);
        msio_subbands_free(&again);
        if (status) break;
        cli_tries_add(&found->tries, seconds);
        keep_best(&found->roofline, cli_load_roofline(cli, opts, &first));
    }
    cli_tries_end(&found->tries);
    msio_subbands_free(&first);
    return status;
}

static void describe(const outcome *found, cli_path *path) {
    int at =
        snprintf(path->reason, sizeof path->reason, "%d subband%s", found->subbands, found->subbands == 1 ? "" : "s");
    if (found->missing)
        at += snprintf(path->reason + at, sizeof path->reason - (size_t)at, " (%d missing)", found->missing);
    if (found->rows < found->all_rows)
        at += snprintf(path->reason + at, sizeof path->reason - (size_t)at, ", only the first %s of %s rows",
                       cli_count(found->rows).text, cli_count(found->all_rows).text);
    snprintf(path->reason + at, sizeof path->reason - (size_t)at, ": best of %d, opening included, files cached",
             found->tries.count);
}

/* Times one input; of several the slowest counts. */
static msio_status time_input(const cli_context *cli, const cli_load_input *input, cli_path *path) {
    outcome found = {.tries = CLI_TRIES_INIT, .roofline = -1};
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    cli_progress progress;
    opts.native = cli->native;
    opts.missing = MSIO_MISSING_SKIP;
    opts.read.threads = cli->threads;
    opts.read.progress = cli_progress_update;
    opts.read.user = &progress;
    cli_progress_begin(&progress, cli, "timing subband-loading", 0);
    msio_status status = race(cli, input, &opts, &found);
    cli_progress_end(&progress);
    if (status && path->measured < 0) snprintf(path->reason, sizeof path->reason, "%s", msio_last_error()->message);
    if (status || path->measured >= found.tries.best) {
        cli_tries_free(&found.tries);
        return status;
    }
    cli_tries_free(&path->tries);
    path->tries = found.tries;
    path->table = cli_load_input_name(input);
    path->measured = found.tries.best;
    path->roofline = found.roofline;
    path->bytes = found.bytes;
    describe(&found, path);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the kinds of inputs */

/* The first complete group of a folder, or the first. Returns 0, or an exit code after telling. */
static int choose_group(const cli_context *cli, const char *const *folder, cli_load_input *input) {
    input->paths = folder;
    input->count = 1;
    if (msio_group_find(1, folder, NULL, &input->groups)) return cli_fail_status(cli, *folder);
    for (int i = 0; i < input->groups->groups; i++) {
        const msio_group *group = &input->groups->group[i];
        if (!input->group || (group->complete && !input->group->complete)) input->group = group;
    }
    if (input->group) return 0;
    return cli_fail(cli, MSIO_E_NOT_FOUND, *folder, "this folder is no table, and no subband files like %s stand in it",
                    MSIO_GROUP_PATTERN);
}

int cli_verify_folder(const cli_context *cli, const char *const *folder, cli_paths *paths) {
    cli_load_input input = {0};
    cli_path *path = find(paths);
    int code = choose_group(cli, folder, &input);
    if (!code && path && time_input(cli, &input, path)) code = cli_fail_status(cli, *folder);
    cli_load_input_free(&input);
    return code;
}

int cli_verify_files(const cli_context *cli, int count, const char *const *files, cli_paths *paths) {
    cli_load_input input = {.count = count, .paths = files};
    cli_path *path = find(paths);
    if (!count || !path) return 0;
    return time_input(cli, &input, path) ? cli_fail_status(cli, files[0]) : 0;
}

void cli_verify_windows(const cli_context *cli, const char *const *table, cli_paths *paths) {
    cli_load_input input = {.count = 1, .paths = table, .tables = 1};
    msio_open_opts opts = cli_open_opts(cli);
    cli_path *path = find(paths);
    msio_table *opened;
    if (!path || msio_table_open(*table, &opts, &opened)) return;
    int is_ms = cli_table_is_ms(opened);
    msio_table_close(opened);
    if (is_ms) time_input(cli, &input, path);
}
