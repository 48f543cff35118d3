/* cmd_addcols.c - `msio addcols`: imaging columns, or a column like another one, added to a table. */
#include "cli/common/failure.h"
#include "cli/common/json.h"
#include "cli/input/options.h"
#include "msio/write.h"

#include <stdio.h>
#include <string.h>

typedef struct wishes {
    msio_columns_opts opts;
    int imaging;
    const char *like;
} wishes;

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    (void)cli;
    if (strcmp(name, "imaging") == 0) wish->imaging = 1;
    if (strcmp(name, "like") == 0) wish->like = value;
    if (strcmp(name, "allocate") == 0) wish->opts.allocate = 1;
    if (strcmp(name, "copy-data") == 0) wish->opts.copy_data = 1;
    return 0;
}

/* The names of a list "A, B". */
static void put_names(cli_json *json, const char *key, const char *list) {
    cli_json_key(json, key);
    cli_json_array(json);
    while (*list) {
        char name[256];
        size_t length = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, list);
        cli_json_string(json, name);
        list += length;
        list += strspn(list, ", ");
    }
    cli_json_end(json);
}

static void print_json(const msio_columns_added *result) {
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    put_names(&json, "added", result->added);
    put_names(&json, "there", result->there);
    cli_json_end(&json);
    cli_json_finish(&json);
}

static void print_text(const msio_columns_added *result, const wishes *wish) {
    const char *values = wish->opts.allocate ? "" : "; zeros take no room on the disk until something is written";
    if (result->added[0]) printf("added: %s%s\n", result->added, values);
    if (result->there[0]) printf("there already: %s\n", result->there);
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {MSIO_COLUMNS_OPTS_INIT, 0, NULL};
    msio_columns_added result = MSIO_COLUMNS_ADDED_INIT;
    int first, code = cli_options_parse(cli, &cli_command_addcols, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    const int given = argc - first;
    if (given != (wish.like ? 2 : 1) || wish.imaging == (wish.like != NULL))
        return cli_usage(cli, "which columns? msio addcols PATH --imaging, or msio addcols PATH NAME --like COLUMN");
    msio_status status = wish.like ? msio_column_add_like(argv[first], argv[first + 1], wish.like, &wish.opts, &result)
                                   : msio_imaging_columns_add(argv[first], &wish.opts, &result);
    if (status) return cli_fail_status(cli, argv[first]);
    if (cli->json)
        print_json(&result);
    else
        print_text(&result, &wish);
    return CLI_OK;
}

static const cli_option options[] = {
    {"imaging", NULL, 0, "add MODEL_DATA, CORRECTED_DATA and IMAGING_WEIGHT, those that are not there"},
    {"like", "COLUMN", 0, "add NAME with this column's description, shapes and tiles"},
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
