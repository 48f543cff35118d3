/* cmd_addcols.c - `msio addcols`: imaging columns, or a column like another one, added to a table. */
#include "cli/change/same_shape.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"
#include "cli/output/grid.h"
#include "cli/output/progress.h"
#include "msio/write.h"

#include <stdio.h>
#include <string.h>

typedef struct wishes {
    msio_columns_opts opts;
    int imaging, dry_run;
    const char *like, *name;
    msio_columns_added plan;
    int64_t rows;
    int64_t cell_bytes, channel_bytes; /* of all cells like `like`'s, and of a float a channel of them */
    int64_t bytes;                     /* of all columns that are to be added */
} wishes;

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    (void)cli;
    if (strcmp(name, "imaging") == 0) wish->imaging = 1;
    if (strcmp(name, "dry-run") == 0) wish->dry_run = 1;
    if (strcmp(name, "like") == 0) wish->like = value;
    if (strcmp(name, "allocate") == 0) wish->opts.allocate = 1;
    if (strcmp(name, "copy-data") == 0) wish->opts.copy_data = 1;
    return 0;
}

/* ---------------------------------------------------------------- what will be */

static int add_size(void *user, const cli_same_shape *same) {
    wishes *wish = user;
    int64_t elements = same->rows;
    if (same->ndim < 0) return 0; /* never written; nor will the new cells be */
    for (int i = 0; i < same->ndim; i++) elements *= same->shape[i];
    wish->cell_bytes += elements;
    wish->channel_bytes += same->ndim == 2 ? same->rows * same->shape[0] * 4 : 0;
    return 0;
}

static void plan_one(wishes *wish, msio_table *table, const char *name, int64_t bytes) {
    const msio_column *column;
    char *list = wish->plan.there;
    if (msio_table_column(table, name, &column) == MSIO_E_NO_COLUMN) {
        list = wish->plan.added;
        wish->bytes += bytes;
    }
    const size_t length = strlen(list);
    snprintf(list + length, sizeof wish->plan.added - length, "%s%s", length ? ", " : "", name);
}

static int plan_columns(const cli_context *cli, wishes *wish, msio_table *table, const char *path) {
    const char *like = wish->like ? wish->like : "DATA";
    cli_selection all = CLI_SELECTION_INIT;
    const msio_column *column;
    wish->rows = msio_table_rows(table);
    int code = cli_selection_rows(cli, &all, wish->rows, path);
    if (code) return code;
    if (msio_table_column(table, like, &column)) return cli_fail_status(cli, path);
    const msio_column_info *info = msio_column_describe(column);
    if (!info) return cli_fail_status(cli, path);
    if (info->type != MSIO_STRING) code = cli_same_shapes(cli, &all, column, like, add_size, wish);
    wish->cell_bytes *= (int64_t)msio_type_size(info->type);
    cli_selection_free(&all);
    if (code) return code;
    if (wish->like) {
        plan_one(wish, table, wish->name, wish->cell_bytes);
        return 0;
    }
    plan_one(wish, table, "MODEL_DATA", wish->cell_bytes);
    plan_one(wish, table, "CORRECTED_DATA", wish->cell_bytes);
    plan_one(wish, table, "IMAGING_WEIGHT", wish->channel_bytes);
    return 0;
}

static int plan(const cli_context *cli, wishes *wish, const char *path) {
    msio_table *table;
    int code = cli_table_open(cli, path, &table);
    if (code) return code;
    code = plan_columns(cli, wish, table, path);
    msio_table_close(table);
    return code;
}

static void tell(const cli_context *cli, const wishes *wish, const char *path) {
    char shown[512];
    const char *dry = wish->dry_run ? "; --dry-run: nothing is changed" : "";
    cli_printable(shown, sizeof shown, path, strlen(path));
    if (!wish->plan.added[0])
        cli_note(cli, "%s: %s is there already, nothing is added%s", shown, wish->plan.there, dry);
    else
        cli_note(cli, "%s: %s for %s rows: %s of zeros%s%s", shown, wish->plan.added, cli_count(wish->rows).text,
                 cli_size(wish->bytes).text, wish->opts.allocate ? ", allocated" : ", as holes that take no room", dry);
}

/* ---------------------------------------------------------------- what was done */

static void print_json(const msio_columns_added *result, const wishes *wish) {
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_names(&json, "added", result->added);
    cli_json_put_names(&json, "there", result->there);
    if (wish->dry_run) {
        cli_json_put_int(&json, "rows", wish->rows);
        cli_json_put_int(&json, "bytes", wish->bytes);
        cli_json_put_bool(&json, "dry_run", 1);
    }
    cli_json_end(&json);
    cli_json_finish(&json);
}

static void print_text(const msio_columns_added *result, const wishes *wish) {
    const char *values = wish->opts.allocate ? "" : "; zeros take no room on the disk until something is written";
    if (result->added[0]) printf("added: %s%s\n", result->added, values);
    if (result->there[0]) printf("there already: %s\n", result->there);
}

static int add(const cli_context *cli, wishes *wish, const char *path, msio_columns_added *result) {
    cli_progress progress;
    cli_progress_begin(&progress, cli, "copying", 0);
    wish->opts.progress = cli_progress_update;
    wish->opts.user = &progress;
    msio_status status = wish->like ? msio_column_add_like(path, wish->name, wish->like, &wish->opts, result)
                                    : msio_imaging_columns_add(path, &wish->opts, result);
    cli_progress_end(&progress);
    return status ? cli_fail_status(cli, path) : 0;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.opts = MSIO_COLUMNS_OPTS_INIT, .plan = MSIO_COLUMNS_ADDED_INIT};
    msio_columns_added result = MSIO_COLUMNS_ADDED_INIT;
    int first, code = cli_options_parse(cli, &cli_command_addcols, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    const int given = argc - first;
    if (given != (wish.like ? 2 : 1) || wish.imaging == (wish.like != NULL))
        return cli_usage(cli, "which columns? msio addcols PATH --imaging, or msio addcols PATH NAME --like COLUMN");
    if (cli->nolock) return cli_usage(cli, "--nolock is for reading: nothing is added without the table's lock");
    if (cli->lock_seconds >= 0) wish.opts.lock_seconds = cli->lock_seconds;
    wish.name = given == 2 ? argv[first + 1] : NULL;
    code = plan(cli, &wish, argv[first]);
    if (code) return code;
    tell(cli, &wish, argv[first]);
    if (!wish.dry_run) code = add(cli, &wish, argv[first], &result);
    if (code) return code;
    if (cli->json)
        print_json(wish.dry_run ? &wish.plan : &result, &wish);
    else if (!wish.dry_run)
        print_text(&result, &wish);
    return CLI_OK;
}

static const cli_option options[] = {
    {"imaging", NULL, 0, "add MODEL_DATA, CORRECTED_DATA and IMAGING_WEIGHT, those that are not there"},
    {"like", "COLUMN", 0, "add NAME with this column's description, shapes and tiles"},
    {"dry-run", NULL, 0, "only tell what would be added, and how large: nothing is changed"},
    {"allocate", NULL, 0, "zeros take their room on the disk at once"},
    {"copy-data", NULL, 0, "CORRECTED_DATA, where it is added, becomes a copy of DATA"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_addcols = {
    .name = "addcols",
    .summary = "adds imaging columns, or a column like another one",
    .usage = "PATH --imaging | PATH NAME --like COLUMN",
    .text = "Columns are added by casacore, under its write lock, and filled with zeros natively: a header and a\n"
            "hole where cells have no shape yet. Programs that have the table open fail at their next lock:\n"
            "close it there first. Where MODEL_DATA is added, virtual models of CASA's are removed.",
    .options = options,
    .negative = NULL,
    .examples = "  msio addcols obs.ms --imaging\n"
                "  msio addcols obs.ms --imaging --copy-data\n"
                "  msio addcols obs.ms RESIDUAL_DATA --like DATA\n",
    .run = run,
};
