/* cmd_convert.c - `msio convert`: UVH5 files to a Measurement Set. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/input/options.h"
#include "cli/load/load_input.h"
#include "cli/output/progress.h"
#include "msio/convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What was asked for. */
typedef struct wishes {
    const char *out;
    cli_load_source source;
    msio_convert_opts opts;
} wishes;

/* ---------------------------------------------------------------- options */

/* Degrees between a comma; or a word. Returns 0, or an exit code after telling. */
static int take_phase(const cli_context *cli, const char *text, msio_convert_opts *opts) {
    static const char *const words[] = {"auto", "meridian", "", "zenith", "none"};
    char *comma, *end;
    for (int i = 0; i < 5; i++)
        if (*text && strcmp(text, words[i]) == 0) {
            opts->phase = (msio_convert_phase)i;
            return 0;
        }
    opts->phase = MSIO_PHASE_CENTRE;
    opts->ra = strtod(text, &comma) * (M_PI / 180);
    opts->dec = comma != text && *comma == ',' ? strtod(comma + 1, &end) * (M_PI / 180) : (double)NAN;
    if (isfinite(opts->ra) && fabs(opts->dec) <= M_PI / 2 && end != comma + 1 && !*end) return 0;
    return cli_usage(cli, "--phase wants meridian, zenith, none, or RA,DEC in degrees, not \"%s\"", text);
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    static const char *const missing[] = {"error", "skip", "flag", NULL}, *const imaging[] = {"none", "zeros", "data",
                                                                                              NULL};
    wishes *w = state;
    int index = 0, code = 0;
    if (strcmp(name, "phase") == 0) return take_phase(cli, value, &w->opts);
    if (strcmp(name, "memory") == 0) return cli_option_bytes(cli, name, value, &w->opts.memory);
    if (strcmp(name, "tile-rows") == 0) return cli_option_integer(cli, name, value, 1, 1 << 24, &w->opts.tile_rows);
    if (strcmp(name, "missing") == 0) {
        code = cli_option_word(cli, name, value, missing, &index);
        w->opts.missing = (msio_load_missing)index;
    } else if (strcmp(name, "imaging") == 0) {
        code = cli_option_word(cli, name, value, imaging, &index);
        w->opts.imaging = (msio_convert_imaging)index;
    } else if (strcmp(name, "out") == 0) {
        w->out = value;
    } else if (strcmp(name, "eop") == 0) {
        w->opts.earth_orientation = value;
    } else if (strcmp(name, "telescope") == 0) {
        w->opts.telescope = value;
    } else if (strcmp(name, "like-pyuvdata") == 0) {
        w->opts.like_pyuvdata = 1;
    } else if (strcmp(name, "pattern") == 0) {
        w->source.pattern = value;
    } else if (strcmp(name, "time") == 0) {
        w->source.time = value;
    } else {
        w->opts.overwrite = 1;
    }
    return code;
}

/* ---------------------------------------------------------------- reports */

static const char *const phase_names[] = {"auto", "meridian", "centre", "zenith", "none"};

static void report_json(const wishes *w, const msio_converted *made, double seconds) {
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_string(&json, "path", w->out);
    cli_json_put_int(&json, "rows", made->rows);
    cli_json_put_int(&json, "spws", made->spectral_windows);
    cli_json_put_int(&json, "missing", made->missing);
    cli_json_put_string(&json, "phase", phase_names[made->phase]);
    cli_json_put_bool(&json, "earth_orientation", made->earth_orientation);
    cli_json_put_int(&json, "bytes_read", made->bytes_read);
    cli_json_put_int(&json, "bytes_written", made->bytes_written);
    cli_json_key(&json, "seconds");
    cli_json_double(&json, seconds);
    cli_json_end(&json);
    cli_json_finish(&json);
}

static void report(const cli_context *cli, const wishes *w, const msio_converted *made, double seconds) {
    if (!made->earth_orientation)
        cli_note(cli,
                 "UT1 was taken for UTC, so that places are wrong by up to 13.5 arcsec; --eop FILE names a table of "
                 "the Earth's orientation");
    if (cli->json)
        report_json(w, made, seconds);
    else if (!cli->quiet)
        printf("%s: %s rows, %d spectral windows, %s written in %s (%s)\n", w->out, cli_count(made->rows).text,
               made->spectral_windows, cli_size(made->bytes_written).text, cli_duration(seconds).text,
               cli_rate((double)made->bytes_written, seconds).text);
}

/* ---------------------------------------------------------------- the command */

static int convert(const cli_context *cli, wishes *w, const cli_load_input *input) {
    msio_converted made = MSIO_CONVERTED_INIT;
    cli_progress progress;
    if (input->tables) return cli_usage(cli, "UVH5 files become a Measurement Set, and %s is one", input->paths[0]);
    w->opts.threads = cli->threads;
    w->opts.progress = cli_progress_update;
    w->opts.user = &progress;
    cli_progress_begin(&progress, cli, "converting", 0);
    const double began = cli_now();
    msio_status status = input->group ? msio_convert(input->group, w->out, &w->opts, &made)
                                      : msio_convert_paths(input->count, input->paths, w->out, &w->opts, &made);
    cli_progress_end(&progress);
    if (status) return cli_fail_status(cli, w->out);
    report(cli, w, &made, cli_now() - began);
    return 0;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes w = {.opts = MSIO_CONVERT_OPTS_INIT};
    cli_load_input input = {0};
    int first, code = cli_options_parse(cli, &cli_command_convert, argc, argv, take, &w, &first);
    if (code >= 0) return code;
    code = 0;
    if (first == argc) code = cli_usage(cli, "what is to be converted? msio convert GROUP... --out obs.ms");
    if (!code && !(w.out && *w.out)) code = cli_usage(cli, "--out PATH is wanted");
    if (!code) code = cli_load_input_find(cli, argc - first, (const char *const *)argv + first, &w.source, &input);
    if (!code) code = convert(cli, &w, &input);
    cli_load_input_free(&input);
    return code;
}

static const cli_option options[] = {
    {"out", "FILE", 0, "the Measurement Set to be; it appears under its name when it is whole"},
    {"phase", "PHASE", 0,
     "meridian: each integration a field at hour angle 0; RA,DEC: one field\nat that place (degrees, ICRS); zenith: one "
     "field; none: as the files\nare. Default: none where the files name phase centres, else meridian"},
    {"eop", "FILE", 0,
     "a table of the Earth's orientation, IERS's eopc04.1962-now or\nfinals2000A.all; without one UT1 is taken for UTC"},
    {"imaging", "none|zeros|data", 0,
     "MODEL_DATA, CORRECTED_DATA and IMAGING_WEIGHT, of zeros, or\nCORRECTED_DATA as DATA"},
    {"like-pyuvdata", NULL, 0, "as pyuvdata writes it, where the default differs"},
    {"missing", "error|skip|flag", 0,
     "what becomes of subbands that a group lacks: an error, the default;\nleft out; or windows that are flagged"},
    {"telescope", "NAME", 0, "TELESCOPE_NAME, in place of the files'"},
    {"tile-rows", "N", 0, "rows of a tile; default: as casacore chooses"},
    {"memory", "BYTES", 0, "what the conversion may take: 2GiB, 512MiB, ...; default 256MiB"},
    {"time", "TIME", 0, "which group of the folder, as msio groups names it"},
    {"pattern", "P", 0, "the files' names, as msio groups takes them; default\n" MSIO_GROUP_PATTERN},
    {"force", NULL, 0, "replace a table that stands there"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_convert = {
    .name = "convert",
    .summary = "a group of subbands, or UVH5 files, to one Measurement Set",
    .usage = "GROUP... --out obs.ms [options]",
    .text = "Converts the group of a folder (several folders are one pool), or UVH5 files, into one Measurement\n"
            "Set with a spectral window a subband, ascending in frequency. All files are compared before\n"
            "anything is written, and the room on the disk is asked for.\n",
    .options = options,
    .negative = NULL,
    .examples = "  msio convert /data/incoming --time 2025-10-05T13:27:52 --out obs.ms --eop finals2000A.all\n"
                "  msio convert *_sb0[0-3].hdf5 --out part.ms --phase 83.63,22.01 --imaging zeros\n",
    .run = run,
};
