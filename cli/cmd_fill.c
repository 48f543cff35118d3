/* cmd_fill.c - `msio fill`: one value into all selected elements of a column. */
#include "cli/change/change.h"
#include "cli/change/same_shape.h"
#include "cli/change/value.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/input/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct wishes {
    cli_change change;
    const char *text;
    cli_value value;
    int shape_given;
    int at_once; /* cells that were never written: all in one call */
    int calls;   /* rows of one shape go in one call */
} wishes;

/* The shape of cells that were never written, numpy order: "48,2". */
static int take_shape(const cli_context *cli, wishes *wish, const char *text) {
    msio_write_opts *opts = &wish->change.opts;
    opts->cell_ndim = 0;
    for (const char *at = text;;) {
        char *end;
        errno = 0;
        long long length = strtoll(at, &end, 10);
        if (end == at || errno || length < 1 || opts->cell_ndim == MSIO_MAX_NDIM || (*end && *end != ','))
            return cli_usage(cli, "--shape wants lengths between commas, as 48,2, not \"%s\"", text);
        opts->cell_shape[opts->cell_ndim++] = length;
        if (!*end) break;
        at = end + 1;
    }
    wish->shape_given = 1;
    return 0;
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    int code = cli_change_take(&wish->change, name, value);
    if (code >= 0) return code;
    if (strcmp(name, "shape") == 0) return take_shape(cli, wish, value);
    wish->change.opts.allocate = 1; /* --allocate */
    return 0;
}

/* ---------------------------------------------------------------- cells that were never written */

/* They get the shape of DATA's or FLAG's cells in the same rows; a column of one axis that of their channels. */
static void borrow_shape(wishes *wish) {
    static const char *const models[] = {"DATA", "FLOAT_DATA", "FLAG"};
    cli_change *change = &wish->change;
    int wanted = change->info->ndim;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        const msio_column *column;
        int64_t shape[MSIO_MAX_NDIM + 1];
        int ndim;
        size_t bytes;
        if (msio_table_column(change->table, models[i], &column) ||
            msio_read_shape(column, &change->selection.select, &ndim, shape, &bytes))
            continue;
        if (wanted > ndim - 1) continue;
        change->opts.cell_ndim = wanted > 0 ? wanted : ndim - 1;
        memcpy(change->opts.cell_shape, shape + 1, (size_t)change->opts.cell_ndim * sizeof *shape);
        return;
    }
}

/* Whether none of the selected cells was ever written. Returns 0, or an exit code after telling. */
static int look_for_new(wishes *wish) {
    cli_change *change = &wish->change;
    int64_t shape[MSIO_MAX_NDIM + 1];
    int ndim;
    size_t bytes;
    msio_status status = msio_read_shape(change->column, &change->selection.select, &ndim, shape, &bytes);
    if (status != MSIO_E_UNDEFINED) return 0;
    if (!wish->shape_given) borrow_shape(wish);
    if (change->opts.cell_ndim < 0)
        return cli_usage(change->cli, "cells of %s were never written, and have no shape yet: --shape gives it",
                         change->name);
    msio_write_plan plan = MSIO_WRITE_PLAN_INIT;
    status = msio_write_plan_make(change->column, &change->selection.select, &change->opts, &plan);
    wish->at_once = status == MSIO_OK && plan.makes_cells;
    return 0;
}

/* ---------------------------------------------------------------- planning and filling */

static int plan_rows(void *user, const cli_same_shape *same) {
    wishes *wish = user;
    cli_change *change = &wish->change;
    if (same->ndim < 0)
        return cli_fail(change->cli, MSIO_E_UNDEFINED, change->path,
                        "some of the selected cells of %s were never written: select them alone, or leave them out",
                        change->name);
    wish->calls++;
    return cli_change_plan(change, change->column, &same->select);
}

static int fill_rows(void *user, const cli_same_shape *same) {
    wishes *wish = user;
    cli_change *change = &wish->change;
    size_t bytes = msio_type_size(change->info->type);
    if (msio_write_value(change->column, &same->select, wish->value.bytes, bytes, &change->opts))
        return cli_fail_status(change->cli, change->path);
    int64_t elements = same->rows;
    for (int i = 0; i < same->ndim; i++) elements *= same->shape[i];
    change->before += elements * (int64_t)bytes;
    return 0;
}

/* All rows through one of the two. */
static int each(wishes *wish, cli_same_shape_use use) {
    const cli_change *change = &wish->change;
    const cli_same_shape all = {.select = change->selection.select, .rows = change->selection.count};
    if (wish->at_once) return use(wish, &all);
    return cli_same_shapes(change->cli, &change->selection, change->column, change->name, use, wish);
}

/* Zeros into new cells are a hole in a file, which reads as zeros. */
static int is_hole(const wishes *wish) {
    static const cli_value zero;
    return wish->change.plan.makes_cells && !wish->change.opts.allocate &&
           memcmp(&wish->value, &zero, sizeof zero) == 0;
}

static int check_atomic(const wishes *wish) {
    if (!wish->change.atomic || wish->calls < 2) return 0;
    return cli_usage(wish->change.cli, "--atomic: the cells differ in shape, which takes several writes; select rows "
                                       "of one shape");
}

static int fill(wishes *wish) {
    cli_change *change = &wish->change;
    char what[512];
    int code = cli_change_open(change);
    if (code) return code;
    const char *wrong = cli_value_parse(wish->text, change->info->type, &wish->value);
    if (wrong)
        return cli_usage(change->cli, "\"%s\" %s; %s holds %s", wish->text, wrong, change->name,
                         msio_type_name(change->info->type));
    if (change->selection.count) code = look_for_new(wish);
    if (!code && wish->at_once && (change->selection.chans.given || change->selection.corrs.given))
        code = cli_usage(change->cli,
                         "the selected cells of %s were never written: they are filled whole at first, "
                         "without --chans and --corrs",
                         change->name);
    if (!code) code = each(wish, plan_rows);
    if (!code) code = cli_change_allowed(change);
    if (!code) code = check_atomic(wish);
    if (code) return code;
    snprintf(what, sizeof what, "%s rows of %.100s become %.40s%s", cli_count(change->selection.count).text,
             change->name, wish->text, is_hole(wish) ? ", as a hole that takes no room on the disk" : "");
    cli_change_tell(change, what);
    if (!change->dry_run && change->plan.bytes) {
        code = cli_change_begin(change, "filling");
        if (!code) code = each(wish, fill_rows);
        code = cli_change_end(change, code);
    }
    if (!code) cli_change_report(change);
    return code;
}

/* ---------------------------------------------------------------- the command */

/* Whether an argument is the value of the option before it. */
static int is_value(const char *before) {
    static const char *const with_value[] = {"--rows",    "--chans",        "--corrs", "--shape",
                                             "--threads", "--lock-seconds", "--native"};
    for (size_t i = 0; i < sizeof with_value / sizeof with_value[0]; i++)
        if (strcmp(before, with_value[i]) == 0) return 1;
    return 0;
}

/* A negative number is no option: a space before it says so. Returns the copies, to be freed with their list. */
static char **shield_numbers(int argc, char **argv) {
    char **copy = cli_alloc_many((size_t)argc + 1, sizeof *copy);
    for (int i = 0; i < argc; i++) {
        int number = i > 0 && argv[i][0] == '-' && !is_value(argv[i - 1]) && cli_value_is_number(argv[i]);
        size_t bytes = strlen(argv[i]) + 2;
        copy[i] = cli_alloc(bytes);
        snprintf(copy[i], bytes, "%s%s", number ? " " : "", argv[i]);
    }
    copy[argc] = NULL;
    return copy;
}

static int run_shielded(cli_context *cli, int argc, char **argv) {
    wishes wish = {.change = CLI_CHANGE_INIT(cli)};
    wish.change.one_value = 1;
    int first, code = cli_options_parse(cli, &cli_command_fill, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (argc - first != 3) return cli_usage(cli, "a table, a column and a value are wanted: msio fill PATH COLUMN 0");
    wish.change.path = argv[first];
    wish.change.name = argv[first + 1];
    wish.text = argv[first + 2] + (argv[first + 2][0] == ' ');
    code = fill(&wish);
    cli_change_close(&wish.change);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    char **copy = shield_numbers(argc, argv), **list = cli_alloc_many((size_t)argc + 1, sizeof *list);
    memcpy(list, copy, ((size_t)argc + 1) * sizeof *list); /* getopt moves the arguments about */
    int code = run_shielded(cli, argc, list);
    for (int i = 0; i < argc; i++) free(copy[i]);
    free(copy);
    free(list);
    return code;
}

static const cli_option options[] = {
    CLI_CHANGE_OPTIONS,
    CLI_CHANGE_ATOMIC,
    {"shape", "N,...", 0,
     "of cells that were never written, as numpy counts axes: 48,2; by default\nthat of DATA's "
     "cells in the same rows"},
    {"allocate", NULL, 0, "zeros in cells that were never written take their room on the disk now"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_fill = {
    .name = "fill",
    .summary = "one value into a column, or a part of it: zeros, flags",
    .usage = "PATH COLUMN VALUE [options]",
    .text = "Puts one value into all selected elements: a whole number, 1.5, nan, inf, 1+2j, true, false, as the\n"
            "column's type has it; a value beyond the type's is refused. Cells may differ in shape.\n"
            "Zeros in cells that were never written (a column that was just added) are a file that is one hole:\n"
            "it reads as zeros, and takes no room until something else is put there; --allocate takes it now.\n\n"
            "Locks, kills and DATA: as msio write --help tells.",
    .options = options,
    .negative = NULL,
    .examples = "  msio fill obs.ms MODEL_DATA 0\n"
                "  msio fill obs.ms MODEL_DATA 1+0j --chans 10:20\n"
                "  msio fill obs.ms WEIGHT_SPECTRUM -1.5 --rows 0:100 --dry-run\n",
    .run = run,
};
