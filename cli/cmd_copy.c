/* cmd_copy.c - `msio copy`: a column's cells, or what is computed of them, into another column of the table. */
#include "cli/change/change.h"
#include "cli/change/same_shape.h"
#include "cli/change/value.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/input/options.h"
#include "cli/output/values.h"
#include "msio/visibility.h"

#include <stdio.h>
#include <string.h>

typedef struct wishes {
    cli_change change; /* of the column that is written */
    const char *from_name;
    const msio_column *from;
    int calls; /* rows of one shape go in one call */
    int make;  /* a target that is not there is made like the source */
    msio_copy_opts computed;
    int computes, stats; /* whether values are computed; whether statistics are wanted */
    msio_copied *copied; /* NULL: they are not */
} wishes;

static int take_scale(const wishes *wish, const char *text, double scale[2]) {
    cli_value value;
    const char *wrong = cli_value_parse(text, MSIO_DCOMPLEX, &value);
    if (wrong) return cli_usage(wish->change.cli, "--scale: %s %s", text, wrong);
    memcpy(scale, value.bytes, 2 * sizeof *scale);
    return 0;
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    int code = cli_change_take(&wish->change, name, value);
    if (code >= 0) return code;
    if (strcmp(name, "make") == 0) return wish->make = 1, 0;
    if (strcmp(name, "stats") == 0) return wish->stats = 1, 0;
    if (strcmp(name, "no-flag-row") == 0) return wish->computed.ignore_flag_row = 1, 0;
    if (strcmp(name, "minus") == 0) return wish->computed.minus = value, wish->computes = 1, 0;
    if (strcmp(name, "conjugate") == 0) return wish->computed.conjugate = wish->computes = 1, 0;
    if (strcmp(name, "scale") == 0) return wish->computes = 1, take_scale(wish, value, wish->computed.scale);
    return code < 0 ? cli_usage(cli, "--%s is not for copying", name) : code;
}

/* Both must hold one type. */
static int find_source(wishes *wish) {
    const cli_change *change = &wish->change;
    char message[300];
    if (msio_table_column(change->table, wish->from_name, &wish->from))
        return cli_fail_status(change->cli, change->path);
    const msio_column_info *info = msio_column_describe(wish->from);
    if (!info) return cli_fail_status(change->cli, change->path);
    if (strcmp(wish->from_name, change->name) == 0 && !wish->computes)
        return cli_usage(change->cli, "a column is copied into another one, not into itself");
    if (info->type == change->info->type) return 0;
    snprintf(message, sizeof message, "%.60s holds %s and %.60s %s: columns of one type are copied", wish->from_name,
             msio_type_name(info->type), change->name, msio_type_name(change->info->type));
    return cli_change_refuse(change->cli, MSIO_E_ARGUMENT, change->path, message);
}

static int undefined(const wishes *wish) {
    return cli_fail(wish->change.cli, MSIO_E_UNDEFINED, wish->change.path,
                    "some of the selected cells of %s were never written: leave them out", wish->from_name);
}

/* Rows whose source cells have one shape: those of the target must have it too, or none. */
static int plan_rows(void *user, const cli_same_shape *same) {
    wishes *wish = user;
    cli_change *change = &wish->change;
    char message[300];
    int64_t shape[MSIO_MAX_NDIM + 1];
    int ndim;
    size_t bytes;
    if (same->ndim < 0) return undefined(wish);
    msio_select whole = same->select;
    whole.chan = whole.corr = 0, whole.chans = whole.corrs = -1, whole.chan_step = whole.corr_step = 1;
    msio_status status = msio_read_shape(change->column, &whole, &ndim, shape, &bytes);
    if (status == MSIO_E_UNDEFINED) {
        change->opts.cell_ndim = same->ndim;
        memcpy(change->opts.cell_shape, same->shape, sizeof same->shape);
    } else if (status && status != MSIO_E_SHAPE) {
        return cli_fail_status(change->cli, change->path);
    } else if (status || ndim - 1 != same->ndim ||
               memcmp(shape + 1, same->shape, (size_t)same->ndim * sizeof *shape) != 0) {
        snprintf(message, sizeof message, "cells of %.60s and %.60s differ in shape in the selected rows",
                 wish->from_name, change->name);
        return cli_change_refuse(change->cli, MSIO_E_SHAPE, change->path, message);
    }
    wish->calls++;
    return cli_change_plan(change, change->column, &same->select);
}

/* What the pass tells, as bytes that are stored: of all that the change stores, this call's part follows. */
static int computed_progress(void *user, int64_t done, int64_t total) {
    cli_change *change = user;
    const double part = total ? (double)done / (double)total : 1.0;
    return cli_change_progress(change, (int64_t)(part * (double)(change->plan.bytes - change->before)), 0);
}

static msio_status copy_computed(wishes *wish, const msio_select *select) {
    cli_change *change = &wish->change;
    wish->computed.threads = change->cli->threads;
    wish->computed.progress = computed_progress;
    wish->computed.user = change;
    return msio_visibilities_copy(change->table, wish->from_name, change->name, select, &wish->computed, wish->copied);
}

static int copy_rows(void *user, const cli_same_shape *same) {
    wishes *wish = user;
    cli_change *change = &wish->change;
    int64_t elements = same->rows;
    const msio_status status = wish->computes || wish->copied
                                   ? copy_computed(wish, &same->select)
                                   : msio_column_copy(wish->from, change->column, &same->select, &change->opts);
    if (status) return cli_fail_status(change->cli, change->path);
    for (int i = 0; i < same->ndim; i++) elements *= same->shape[i];
    change->before += elements * (int64_t)msio_type_size(change->info->type);
    return 0;
}

static int each(wishes *wish, cli_same_shape_use use) {
    return cli_same_shapes(wish->change.cli, &wish->change.selection, wish->from, wish->from_name, use, wish);
}

static int check_atomic(const wishes *wish) {
    if (!wish->change.atomic || wish->calls < 2) return 0;
    return cli_usage(wish->change.cli, "--atomic: the cells differ in shape, which takes several writes; select rows "
                                       "of one shape");
}

/* ---------------------------------------------------------------- a target that is not there */

/* The target will have the source's tiles: writing it is as writing the source would be. */
static int plan_like_source(void *user, const cli_same_shape *same) {
    wishes *wish = user;
    if (same->ndim < 0) return undefined(wish);
    wish->calls++;
    return cli_change_plan(&wish->change, wish->from, &same->select);
}

static int is_missing(const cli_change *change) {
    const msio_column *column;
    return msio_table_column(change->table, change->name, &column) == MSIO_E_NO_COLUMN;
}

static int make(wishes *wish) {
    cli_change *change = &wish->change;
    msio_columns_opts opts = MSIO_COLUMNS_OPTS_INIT;
    opts.allocate = 1; /* a full disk is found before anything is copied */
    if (change->cli->lock_seconds >= 0) opts.lock_seconds = change->cli->lock_seconds;
    if (msio_column_add_like(change->path, change->name, wish->from_name, &opts, NULL))
        return cli_fail_status(change->cli, change->path);
    return 0;
}

/* With the table open at the source's column: whatever can be wrong is told before the target is made. */
static int make_missing(wishes *wish) {
    cli_change *change = &wish->change;
    const char *target = change->name;
    char what[512];
    change->name = wish->from_name;
    int code = cli_change_open(change);
    wish->from = change->column;
    change->name = target;
    if (code) return code;
    if (!is_missing(change)) return cli_change_reopen(change);
    change->made = 1;
    code = each(wish, plan_like_source);
    if (!code) code = check_atomic(wish);
    if (code) return code;
    if (change->dry_run) change->plan.makes_cells = 1;
    snprintf(what, sizeof what, "%.100s is made like %.100s, and %s rows are copied into it", target, wish->from_name,
             cli_count(change->selection.count).text);
    cli_change_tell(change, what);
    if (change->dry_run) return 0;
    code = make(wish);
    if (code) return code;
    const msio_write_plan none = MSIO_WRITE_PLAN_INIT;
    change->plan = none;
    wish->calls = 0;
    return cli_change_reopen(change);
}

/* ---------------------------------------------------------------- all of it */

static int check_computed(const wishes *wish) {
    const cli_change *change = &wish->change;
    if (!wish->computes && !wish->stats) return 0;
    if (change->atomic || change->sync)
        return cli_usage(change->cli, "--%s is for plain copies: without --minus, --conjugate, --scale and --stats",
                         change->atomic ? "atomic" : "sync");
    return 0;
}

static void put_stats(void *user, cli_json *json) {
    const wishes *wish = user;
    msio_stats_values values;
    if (msio_copied_values(wish->copied, &values)) return;
    if (!json) {
        cli_values_print(stdout, wish->change.name, &values);
        return;
    }
    cli_json_key(json, "statistics");
    cli_values_put(json, &values, 1);
}

static int copy(wishes *wish) {
    cli_change *change = &wish->change;
    char what[512];
    int code = wish->make ? make_missing(wish) : cli_change_open(change);
    if (!code && change->made && change->dry_run) {
        cli_change_report(change);
        return 0;
    }
    if (!code) code = find_source(wish);
    if (!code) code = each(wish, plan_rows);
    if (!code && change->plan.makes_cells && wish->calls > 1)
        code = cli_fail(change->cli, MSIO_E_UNSUPPORTED, change->path,
                        "cells of %s that were never written, of several shapes: msio makes cells of one shape at a "
                        "time; select rows of one shape",
                        change->name);
    if (!code) code = check_atomic(wish);
    if (!code) code = cli_change_allowed(change);
    if (code) return code;
    snprintf(what, sizeof what, "%s rows of %.100s are copied into %.100s", cli_count(change->selection.count).text,
             wish->from_name, change->name);
    if (!change->made) cli_change_tell(change, what);
    if (wish->stats && !change->dry_run && msio_copied_new(&wish->copied))
        return cli_fail_status(change->cli, change->path);
    if (!change->dry_run && change->plan.bytes) {
        code = cli_change_begin(change, "copying");
        if (!code) code = each(wish, copy_rows);
        code = cli_change_end(change, code);
    }
    if (!code) cli_change_report_with(change, wish->copied ? put_stats : NULL, wish);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.change = CLI_CHANGE_INIT(cli), .computed = MSIO_COPY_OPTS_INIT};
    int first, code = cli_options_parse(cli, &cli_command_copy, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (argc - first != 3) return cli_usage(cli, "a table and two columns are wanted: msio copy PATH FROM TO");
    wish.change.path = argv[first];
    wish.from_name = argv[first + 1];
    wish.change.name = argv[first + 2];
    code = check_computed(&wish);
    if (!code) code = copy(&wish);
    msio_copied_free(wish.copied);
    cli_change_close(&wish.change);
    return code;
}

static const cli_option options[] = {
    CLI_CHANGE_OPTIONS,
    CLI_CHANGE_ATOMIC,
    {"make", NULL, 0, "make TO like FROM (description, shapes, tiles) where it is not there"},
    {"minus", "COLUMN", 0, "FROM without what this column holds: TO = FROM - COLUMN"},
    {"conjugate", NULL, 0, "the conjugates of that"},
    {"scale", "FACTOR", 0, "times this number: 2, -1, 1+2j"},
    {"stats", NULL, 0, "statistics of what is written, as of msio stats, in the same pass"},
    {"no-flag-row", NULL, 0, "statistics heed FLAG alone, a set FLAG_ROW flags nothing"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_copy = {
    .name = "copy",
    .summary = "a column's cells, or a part of them, into another column of the table",
    .usage = "PATH FROM TO [options]",
    .text = "Copies the selected cells of one column into the same rows, channels and correlations of another one\n"
            "of the same type, batch by batch. Cells of TO that were never written get the shape of FROM's.\n"
            "--minus, --conjugate and --scale put what is computed of arrays of Complex, or Float, into TO, which\n"
            "may be FROM: read, computed and written in one pass, in double precision rounded once.\n"
            "With --make a column TO that is not there is added as msio addcols does it: what is not selected\n"
            "holds zeros.\n\n"
            "Locks, kills and DATA: as msio write --help tells.",
    .options = options,
    .negative = NULL,
    .examples = "  msio copy obs.ms DATA CORRECTED_DATA\n"
                "  msio copy obs.ms DATA SAVED_DATA --make\n"
                "  msio copy obs.ms DATA CORRECTED_DATA --minus MODEL_DATA --stats\n"
                "  msio copy obs.ms CORRECTED_DATA DATA --rows 0:1000 --force\n",
    .run = run,
};
