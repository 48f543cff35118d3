/* cmd_info.c - `msio info`: what a table, a Measurement Set, or a UVH5 or HDF5 file holds. */
#include "cli/command.h"
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/info/hdf5_summary.h"
#include "cli/info/summary.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"

#include <stdio.h>

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    (void)cli;
    (void)name;
    (void)value;
    *(int *)state = 1; /* --all is the only one */
    return 0;
}

static int tell_table(const cli_context *cli, const char *path, int all) {
    cli_summary summary;
    int code = cli_summary_load(cli, path, &summary);
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

static int tell_hdf5(const cli_context *cli, const char *path, int all) {
    cli_hdf5_summary summary;
    int code = cli_hdf5_summary_load(cli, path, &summary);
    if (!code && !cli_interrupted()) {
        if (cli->json)
            cli_hdf5_summary_json(&summary, stdout);
        else
            cli_hdf5_summary_text(&summary, all, stdout);
        if (summary.error.code) code = cli_error_tell(cli, &summary.error);
    }
    cli_hdf5_summary_free(&summary);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    int all = 0, first;
    int code = cli_options_parse(cli, &cli_command_info, argc, argv, take, &all, &first);
    if (code >= 0) return code;
    if (argc - first != 1)
        return cli_usage(cli, first == argc ? "which table or file?" : "one table or file at a time");
    return cli_is_hdf5(argv[first]) ? tell_hdf5(cli, argv[first], all) : tell_table(cli, argv[first], all);
}

static const cli_option options[] = {
    {"all", NULL, 0, "long lists whole"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_info = {
    .name = "info",
    .summary = "what a Measurement Set, a table or a UVH5 or HDF5 file holds",
    .usage = "PATH [options]",
    .text = "Tells the rows, columns, data managers and subtables of a table, which columns are read natively\n"
            "and why the others are not; of a Measurement Set also the observation, spectral windows, fields,\n"
            "antennas and polarizations. Of a UVH5 file it tells the same, with the order of the rows; of another\n"
            "HDF5 file its datasets. PATH is a table's folder or a file; obs.ms::ANTENNA is the subtable ANTENNA\n"
            "of obs.ms. Where a part is damaged the rest is told all the same, and the exit code is 3.",
    .options = options,
    .negative = NULL,
    .examples = "  msio info obs.ms\n"
                "  msio info obs.ms::SPECTRAL_WINDOW\n"
                "  msio info 2025-10-05T13:27:52_sb00.hdf5\n"
                "  msio info obs.ms --json | jq '.columns[] | select(.native | not) | .name'\n",
    .run = run,
};
