/* change.c - what the commands that change a column share: what is to change, and whether it may. */
#include "cli/change/change.h"

#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/input/opening.h"
#include "cli/output/grid.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int cli_change_take(cli_change *change, const char *name, const char *value) {
    const struct {
        const char *name;
        int *flag;
    } flags[] = {
        {"sync", &change->sync}, {"dry-run", &change->dry_run}, {"force", &change->force}, {"atomic", &change->atomic}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(name, flags[i].name) != 0) continue;
        *flags[i].flag = 1;
        return 0;
    }
    if (strcmp(name, "rows") == 0 || strcmp(name, "chans") == 0 || strcmp(name, "corrs") == 0)
        return cli_selection_take(change->cli, &change->selection, name, value);
    return -1;
}

int cli_change_refuse(const cli_context *cli, msio_status code, const char *path, const char *message) {
    int found = cli_fail(cli, code, path, "%s", message);
    return cli_interrupted() ? found : CLI_USAGE;
}

/* ---------------------------------------------------------------- opening */

static int find_column(cli_change *change) {
    const cli_context *cli = change->cli;
    if (msio_table_column(change->table, change->name, &change->column)) return cli_fail_status(cli, change->path);
    change->info = msio_column_describe(change->column);
    if (!change->info) return cli_fail_status(cli, change->path);
    if (change->info->type != MSIO_STRING) return 0;
    return cli_usage(cli, "%s holds strings, which msio does not write", change->name);
}

int cli_change_open(cli_change *change) {
    const cli_context *cli = change->cli;
    if (cli->nolock) return cli_usage(cli, "--nolock is for reading: nothing is written without the table's lock");
    if (cli_is_hdf5(change->path))
        return cli_fail(cli, MSIO_E_UNSUPPORTED, change->path,
                        "this is an HDF5 file, and msio %s changes casacore tables only", cli->command);
    msio_open_opts opts = cli_open_opts(cli);
    opts.writable = !change->dry_run;
    if (msio_table_open(change->path, &opts, &change->table)) return cli_fail_status(cli, change->path);
    change->opts.threads = cli->threads;
    change->opts.atomic = change->atomic;
    change->opts.sync = change->sync;
    change->opts.progress = cli_change_progress;
    change->opts.user = change;
    int code = change->name ? find_column(change) : 0;
    if (code) return code;
    return cli_selection_rows(cli, &change->selection, msio_table_rows(change->table), change->path);
}

static void leave_table(cli_change *change) {
    msio_table_close(change->table);
    change->table = NULL;
    change->column = NULL;
    change->info = NULL;
}

int cli_change_reopen(cli_change *change) {
    leave_table(change);
    return cli_change_open(change);
}

void cli_change_close(cli_change *change) {
    cli_progress_end(&change->progress);
    if (change->held) msio_table_release(change->table);
    cli_selection_free(&change->selection);
    leave_table(change);
}

/* ---------------------------------------------------------------- the plan */

int cli_change_plan(cli_change *change, const msio_column *column, const msio_select *select) {
    msio_write_plan part = MSIO_WRITE_PLAN_INIT, *sum = &change->plan;
    if (msio_write_plan_make(column, select, &change->opts, &part)) return cli_fail_status(change->cli, change->path);
    sum->rows += part.rows;
    sum->bytes += part.bytes;
    sum->pieces += part.pieces;
    sum->blocks += part.blocks;
    sum->bytes_stored += part.bytes_stored;
    sum->bytes_kept += part.bytes_kept;
    sum->makes_cells |= part.makes_cells;
    if (sum->native && !part.native) {
        sum->native = 0;
        memcpy(sum->why_not, part.why_not, sizeof sum->why_not);
    }
    if (!sum->read_only[0]) memcpy(sum->read_only, part.read_only, sizeof sum->read_only);
    return 0;
}

/* ---------------------------------------------------------------- whether it may be */

/* A column that holds what a telescope took, of the main table of a Measurement Set. */
static int is_observed(const cli_change *change) {
    static const char *const names[] = {"DATA", "FLOAT_DATA", "LAG_DATA"};
    if (!change->name || !cli_table_is_ms(change->table)) return 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(change->name, names[i]) == 0) return 1;
    return 0;
}

static int ask(const cli_change *change) {
    char answer[16], path[512];
    fprintf(stderr, "%s of %s is what the telescope took. Change %s rows of it? [y/N] ", change->name,
            cli_printable(path, sizeof path, change->path, strlen(change->path)), cli_count(change->plan.rows).text);
    fflush(stderr);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

int cli_change_allowed(cli_change *change) {
    const cli_context *cli = change->cli;
    if (change->dry_run) return 0;
    if (change->plan.read_only[0])
        return cli_fail(cli, MSIO_E_IO, change->plan.read_only,
                        "this may not be written (its permissions, or a file system mounted read-only); nothing was "
                        "changed");
    if (!is_observed(change) || change->plan.rows == 0 || change->made) return 0;
    int yes = change->force;
    if (!yes && isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) yes = ask(change);
    if (cli_interrupted()) return CLI_INPUT;
    if (yes) return 0;
    return cli_usage(cli, "%s holds what the telescope took, and stays as it is; --force changes it", change->name);
}

/* ---------------------------------------------------------------- doing it */

int cli_change_begin(cli_change *change, const char *title) {
    const cli_context *cli = change->cli;
    int64_t rows = msio_table_rows(change->table);
    if (msio_table_hold_write(change->table)) return cli_fail_status(cli, change->path);
    change->held = 1;
    if (msio_table_rows(change->table) != rows)
        return cli_fail(cli, MSIO_E_CHANGED, change->path,
                        "the table had %" PRId64 " rows and has %" PRId64 " now; nothing was changed, try again", rows,
                        msio_table_rows(change->table));
    change->before = 0;
    change->began = cli_now();
    cli_progress_begin(&change->progress, cli, title, 0);
    return 0;
}

int cli_change_progress(void *user, int64_t done, int64_t total) {
    cli_change *change = user;
    (void)total;
    return cli_progress_update(&change->progress, change->before + done, change->plan.bytes);
}

int cli_change_end(cli_change *change, int code) {
    cli_progress_end(&change->progress);
    change->seconds = cli_now() - change->began;
    if (!change->held) return code;
    change->held = 0;
    if (msio_table_release(change->table) && !code) code = cli_fail_status(change->cli, change->path);
    return code;
}
