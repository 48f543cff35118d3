/* cmd_info.c - `msio info`: what a table or a Measurement Set holds. */
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/summary.h"

#include <stdio.h>

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    (void)cli;
    (void)name;
    (void)value;
    *(int *)state = 1; /* --all is the only one */
    return 0;
}

static int run(cli_context *cli, int argc, char **argv) {
    int all = 0, first;
    cli_summary summary;
    int code = cli_options_parse(cli, &cli_command_info, argc, argv, take, &all, &first);
    if (code >= 0) return code;
    if (argc - first != 1) return cli_usage(cli, first == argc ? "which table?" : "one table at a time");
    code = cli_summary_load(cli, argv[first], &summary);
    if (!code && !cli_interrupted()) {
        if (cli->json)
            cli_summary_json(&summary, stdout);
        else
            cli_summary_text(&summary, all, stdout);
        if (summary.error.code) code = cli_error_tell(cli, &summary.error);
    }
    cli_summary_free(&summary);
    return code;
}

static const cli_option options[] = {
    {"all", NULL, 0, "long lists whole"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_info = {
    .name = "info",
    .summary = "what a table or a Measurement Set holds",
    .usage = "PATH [options]",
    .text = "Tells the rows, columns, data managers and subtables of a table, which columns are read natively\n"
            "and why the others are not; of a Measurement Set also the observation, spectral windows, fields,\n"
            "antennas and polarizations. PATH is a table's folder; obs.ms::ANTENNA is the subtable ANTENNA of\n"
            "obs.ms. Where a part is damaged the rest is told all the same, and the exit code is 3.",
    .options = options,
    .negative = NULL,
    .examples = "  msio info obs.ms\n"
                "  msio info obs.ms::SPECTRAL_WINDOW\n"
                "  msio info obs.ms --json | jq '.columns[] | select(.native | not) | .name'\n",
    .run = run,
};
