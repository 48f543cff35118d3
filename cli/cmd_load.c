/* cmd_load.c - `msio load`: the subbands of one observation time, loaded into one array. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"
#include "cli/load/load_run.h"
#include "cli/output/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Loads once, told meanwhile. */
static msio_status load_once(const cli_context *cli, const cli_load_wishes *wishes, const cli_load_input *input,
                             unsigned what, const msio_subbands *first, msio_subbands *loaded, cli_load_try *try) {
    msio_load_opts opts = wishes->opts;
    cli_progress progress;
    opts.read.progress = cli_progress_update;
    opts.read.user = &progress;
    cli_progress_begin(&progress, cli, "loading", 0);
    msio_status status = cli_load_input_read_into(input, what, &opts, first, loaded, &try->seconds);
    cli_progress_end(&progress);
    try->index_seconds = status ? 0 : loaded->index_seconds;
    try->read_seconds = status ? 0 : loaded->read_seconds;
    return status;
}

/* All loadings; the first one's result is kept. Returns 0, or an exit code after telling. */
static int load_all(const cli_context *cli, const cli_load_wishes *wishes, const cli_load_input *input, unsigned what,
                    msio_subbands *loaded, cli_load_try *tries) {
    static const msio_subbands nothing;
    for (int i = 0; i < wishes->repeat; i++) {
        msio_subbands again = {0};
        if (cli_interrupted()) return CLI_INPUT;
        if (load_once(cli, wishes, input, what, i ? loaded : &nothing, i ? &again : loaded, &tries[i]))
            return cli_fail_status(cli, cli_load_input_name(input));
        msio_subbands_free(&again);
    }
    return 0;
}

/* Writes what was loaded, then tells of it: the roofline is measured into the same memory. */
static int deliver(const cli_context *cli, const cli_load_wishes *wishes, const cli_load_input *input, unsigned what,
                   const msio_subbands *loaded, const cli_load_try *tries) {
    int code = wishes->out ? cli_load_out_write(cli, wishes, what, loaded) : 0;
    if (code || cli_interrupted()) return code;
    if (wishes->out && !cli->json) {
        cli_note(cli, "%s: %s loaded in %s, written to %s", cli_load_input_name(input),
                 cli_shape(loaded->ndim, loaded->shape).text, cli_duration(tries[0].seconds).text, wishes->out);
        return 0;
    }
    double roofline = cli_load_roofline(cli, &wishes->opts, loaded);
    if (cli_interrupted()) return CLI_INPUT;
    if (cli->json)
        cli_load_report_json(wishes, loaded, what, tries, roofline);
    else
        cli_load_report_text(wishes, input, loaded, tries, roofline);
    return 0;
}

static int load(const cli_context *cli, cli_load_wishes *wishes, const cli_load_input *input) {
    unsigned what = wishes->what ? wishes->what : cli_load_input_arrays(cli, input);
    msio_subbands loaded = {0};
    int code = wishes->out ? cli_load_out_check(cli, wishes, what) : 0;
    if (!code) code = cli_load_part_resolve(cli, input, &wishes->part, &wishes->opts);
    if (code) return code;
    cli_load_try *tries = cli_alloc_many((size_t)wishes->repeat, sizeof *tries);
    code = load_all(cli, wishes, input, what, &loaded, tries);
    if (!code) code = deliver(cli, wishes, input, what, &loaded, tries);
    msio_subbands_free(&loaded);
    free(tries);
    return code;
}

static int check(const cli_context *cli, const cli_load_wishes *wishes, const cli_load_input *input) {
    msio_load_report *report = NULL;
    if (cli_load_input_check(input, &wishes->opts, &report)) return cli_fail_status(cli, cli_load_input_name(input));
    int code = cli_load_report_check(cli, input, report);
    msio_load_report_free(report);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    cli_load_wishes wishes = {.repeat = 1, .part = CLI_LOAD_PART_INIT, .opts = MSIO_LOAD_OPTS_INIT};
    cli_load_input input = {0};
    int first, code = cli_options_parse(cli, &cli_command_load, argc, argv, cli_load_take, &wishes, &first);
    if (code < 0) {
        wishes.opts.native = cli->native;
        wishes.opts.nolock = cli->nolock;
        wishes.opts.read.threads = cli->threads;
        code = first == argc ? cli_usage(cli, "what is to be loaded? msio load GROUP...") : 0;
        if (!code && wishes.check && wishes.out)
            code = cli_usage(cli, "--check compares and loads nothing; there is nothing for --out");
        if (!code)
            code = cli_load_input_find(cli, argc - first, (const char *const *)argv + first, &wishes.source, &input);
        if (!code) code = wishes.check ? check(cli, &wishes, &input) : load(cli, &wishes, &input);
    }
    cli_load_input_free(&input);
    cli_load_part_free(&wishes.part);
    free(wishes.subbands);
    return code;
}

static const cli_option options[] = {
    {"what", "LIST", 0, "visdata, flags, nsamples, separated by commas; all is the default (of an\nMS what it has)"},
    {"out", "FILE", 0,
     "where to: x.npy for one array, of several x.visdata.npy and so on;\nx.h5 for all, with frequencies, times, "
     "antennas and uvw. A file appears\nunder its name when it is whole"},
    {"force", NULL, 0, "replace files that stand there"},
    {"missing", "error|skip|flag", 0,
     "what becomes of subbands that a group lacks: an error, the default;\nleft out; or zeros, flagged"},
    {"layout", "LAYOUT", 0, "row-chan-pol, the default, or subband-row-chan-pol"},
    {"subbands", "LIST", 0, "of a group only these: 0-3,7"},
    {"rows", "A:B[:S]", 0, "baseline-times of the first subband, as numpy slices them"},
    {"times", "A:B", 0, "integrations, in place of rows"},
    {"chans", "A:B[:S]", 0, "channels of each subband, ascending in frequency"},
    {"corrs", "A:B[:S]", 0, "polarizations"},
    CLI_LOAD_SOURCE_OPTIONS,
    {"memory", "BYTES", 0, "what loading may take beyond the arrays: 2GiB, 512MiB, ...; default\n256MiB"},
    {"repeat", "N", 0, "load so many times; all but the first into memory that is there"},
    {"uvw-tolerance", "M|any", 0,
     "how far u, v, w of the same baseline and time may differ between\nsubbands, in metres; default 0.001; any: they are "
     "not compared"},
    {"check", NULL, 0, "compare the files, and load nothing"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_load = {
    .name = "load",
    .summary = "the subbands of one observation time as one array",
    .usage = "GROUP... [options]",
    .text = "Loads a group of subbands: that of a folder (several folders are one pool), UVH5 files, or the\n"
            "spectral windows of Measurement Sets. Rows are baseline-times in the first subband's order;\n"
            "channels ascend in frequency over all subbands. Visibilities are complex64, or complex128 where\n"
            "the files hold doubles, halves or integers. All files are compared before anything is read.\n"
            "Without --out the report tells the times, beside the roofline: the same bytes read raw by as many\n"
            "threads.",
    .options = options,
    .negative = "--check found a difference that keeps the subbands from being loaded together",
    .examples = "  msio load /data/incoming --time 2025-10-05T13:27:52\n"
                "  msio load /data/group --out obs.h5 --missing flag\n"
                "  msio load *_sb0[0-3].hdf5 --what visdata --times 0:1 --out first.npy\n"
                "  msio load obs.ms --layout subband-row-chan-pol --json\n"
                "  msio load /data/group --check\n",
    .run = run,
};
