/* cmd_repair.c - `msio repair`: puts back what an interrupted write left. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"
#include "cli/output/grid.h"
#include "msio/write.h"

#include <stdio.h>
#include <string.h>

static int take(const cli_context *cli, void *dry_run, const char *name, const char *value) {
    (void)cli, (void)name, (void)value;
    *(int *)dry_run = 1;
    return 0;
}

static void print_json(const char *path, const msio_repaired *found, int dry_run) {
    const int64_t rows[] = {found->first_row, found->last_row};
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_string(&json, "path", path);
    cli_json_put_bool(&json, "interrupted", found->interrupted);
    cli_json_put_int(&json, "repaired", found->blocks);
    cli_json_put_names(&json, "columns", found->columns);
    cli_json_put_ints_or_null(&json, "rows", found->interrupted, 2, rows);
    cli_json_put_bool(&json, "may_be_mixed", found->may_be_mixed);
    cli_json_put_bool(&json, "dry_run", dry_run);
    cli_json_end(&json);
    cli_json_finish(&json);
}

static void print_text(const char *path, const msio_repaired *found, int dry_run) {
    char shown[512];
    cli_printable(shown, sizeof shown, path, strlen(path));
    if (!found->interrupted)
        printf("%s: no write was cut short; nothing was changed\n", shown);
    else if (found->may_be_mixed)
        printf("%s: a write of %s was cut short, and another writer came since: nothing was put back; rows %lld to "
               "%lld may hold old and new values\n",
               shown, found->columns, (long long)found->first_row, (long long)found->last_row);
    else
        printf("%s: a write of %s, rows %lld to %lld, was cut short: %s block%s %sput back to what they were%s\n",
               shown, found->columns, (long long)found->first_row, (long long)found->last_row,
               cli_count(found->blocks).text, found->blocks == 1 ? "" : "s", dry_run ? "would be " : "",
               dry_run ? "; --dry-run: nothing is changed" : "");
}

/* What a repair would find. Returns 0, or an exit code after telling. */
static int look(const cli_context *cli, const char *path, msio_repaired *found) {
    msio_table *table;
    int code = cli_table_open(cli, path, &table);
    if (code) return code;
    if (msio_table_interrupted(table, found)) code = cli_fail_status(cli, path);
    msio_table_close(table);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    msio_repaired found = MSIO_REPAIRED_INIT;
    int first, dry_run = 0, code = cli_options_parse(cli, &cli_command_repair, argc, argv, take, &dry_run, &first);
    if (code >= 0) return code;
    if (argc - first != 1) return cli_usage(cli, first == argc ? "which table?" : "one table at a time");
    if (cli->nolock) return cli_usage(cli, "--nolock is for reading: nothing is put back without the table's lock");
    if (cli->lock_seconds >= 0) found.lock_seconds = cli->lock_seconds;
    code = 0;
    if (dry_run)
        code = look(cli, argv[first], &found);
    else if (msio_repair(argv[first], &found))
        code = cli_fail_status(cli, argv[first]);
    if (code) return code;
    if (cli->json)
        print_json(argv[first], &found, dry_run);
    else
        print_text(argv[first], &found, dry_run);
    return found.may_be_mixed ? CLI_NEGATIVE : CLI_OK;
}

static const cli_option options[] = {
    {"dry-run", NULL, 0, "only tell what would be put back: nothing is changed"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_repair = {
    .name = "repair",
    .summary = "puts back what a write that was cut short left in a table",
    .usage = "PATH [options]",
    .text = "A write that was killed leaves some blocks of its column half old, half new, and what they were, in\n"
            "the table's folder (table.msio_write). This puts them back under the table's write lock, as the next\n"
            "write through msio does too, and says of which column and rows they were. Where another writer came\n"
            "between nothing is put back, and the rows are named. A table without leftovers is left alone.",
    .options = options,
    .negative = "another writer came between: the rows named may hold old and new values",
    .examples = "  msio repair obs.ms\n"
                "  msio repair obs.ms --json | jq .repaired\n",
    .run = run,
};
