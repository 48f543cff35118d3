/* cmd_completion.c - `msio completion`: the scripts with which bash and zsh complete msio's command lines. */
#include "cli/common/failure.h"
#include "cli/completion/completion.h"
#include "cli/input/opening.h"
#include "msio/io.h"

#include <string.h>

/* For the scripts: a column's name a line. */
static int print_columns(const cli_context *cli, const char *path) {
    msio_table *table;
    int code = cli_table_open(cli, path, &table);
    if (code) return code;
    const char *name;
    for (int i = 0; (name = msio_table_column_name(table, i)); i++) printf("%s\n", name);
    msio_table_close(table);
    return CLI_OK;
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    (void)cli, (void)state, (void)name, (void)value;
    return 0;
}

static int run(cli_context *cli, int argc, char **argv) {
    int first, code = cli_options_parse(cli, &cli_command_completion, argc, argv, take, NULL, &first);
    if (code >= 0) return code;
    const char *what = first < argc ? argv[first] : "";
    if (strcmp(what, "columns") == 0 && argc - first == 2) return print_columns(cli, argv[first + 1]);
    if (argc - first == 1 && strcmp(what, "bash") == 0)
        cli_completion_bash(stdout, cli->sections);
    else if (argc - first == 1 && strcmp(what, "zsh") == 0)
        cli_completion_zsh(stdout, cli->sections);
    else
        return cli_usage(cli, "a shell is wanted: msio completion bash, or zsh");
    return CLI_OK;
}

static const cli_option options[] = {
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_completion = {
    .name = "completion",
    .summary = "the script with which bash or zsh completes these command lines",
    .usage = "bash|zsh",
    .words = "bash|zsh",
    .text = "Prints a script made from the commands' own tables of options. It offers commands, options, their\n"
            "values, files, and the columns of the table that the command line names. An installed msio has it\n"
            "in place already, where the shell looks for such scripts.",
    .options = options,
    .negative = NULL,
    .examples = "  . <(msio completion bash)\n"
                "  msio completion zsh > ~/.zfunc/_msio     # a folder of $fpath, before compinit\n",
    .run = run,
};
