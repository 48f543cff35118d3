/* cmd_convert.c - `msio convert`: UVH5 files to a Measurement Set, and back. */
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/convert/converting.h"
#include "cli/input/options.h"
#include "cli/measure/convert_roofline.h"
#include "cli/output/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
    static const char *const imaging[] = {"none", "zeros", "data", NULL};
    cli_converting *w = state;
    int index = 0, code = 0;
    if (strcmp(name, "phase") == 0) return take_phase(cli, value, &w->opts);
    if (strcmp(name, "memory") == 0) return cli_option_bytes(cli, name, value, &w->opts.memory);
    if (strcmp(name, "tile-rows") == 0) return cli_option_integer(cli, name, value, 1, 1 << 24, &w->opts.tile_rows);
    if (strcmp(name, "tile-channels") == 0)
        return cli_option_integer(cli, name, value, 1, 1 << 24, &w->opts.tile_channels);
    if (strcmp(name, "missing") == 0) return cli_load_missing_take(cli, value, &w->opts.missing);
    if (cli_load_source_take(&w->source, name, value)) return 0;
    if (strcmp(name, "imaging") == 0) {
        code = cli_option_word(cli, name, value, imaging, &index);
        w->opts.imaging = (msio_convert_imaging)index;
    } else if (strcmp(name, "out") == 0) {
        w->out = value;
    } else if (strcmp(name, "eop") == 0) {
        w->opts.earth_orientation = value;
    } else if (strcmp(name, "telescope") == 0) {
        w->opts.telescope = value;
    } else if (strcmp(name, "antennas") == 0) {
        w->opts.antenna_file = value;
    } else if (strcmp(name, "follow") == 0) {
        w->follow = value;
    } else if (strcmp(name, "out-dir") == 0) {
        w->out_dir = value;
    } else if (strcmp(name, "wait") == 0) {
        code = cli_option_seconds(cli, name, value, &w->wait);
    } else if (strcmp(name, "subbands") == 0) {
        int64_t number = 0;
        code = cli_option_integer(cli, name, value, 1, MSIO_GROUP_MAX_SUBBANDS, &number);
        w->source.expected = (int)number;
    } else if (strcmp(name, "like-pyuvdata") == 0) {
        w->opts.like_pyuvdata = 1;
    } else if (strcmp(name, "no-roofline") == 0) {
        w->roofline_left = 1;
    } else {
        w->opts.overwrite = 1;
    }
    return code;
}

/* ---------------------------------------------------------------- the command */

static void note_earth(const cli_context *cli, const msio_converted *made) {
    if (!made->earth_orientation)
        cli_note(cli,
                 "UT1 was taken for UTC, so that places are wrong by up to 13.5 arcsec; --eop FILE names a table of "
                 "the Earth's orientation");
}

static int ends_in(const char *path, const char *ending) {
    const size_t length = strlen(path), n = strlen(ending);
    return length > n && strcmp(path + length - n, ending) == 0;
}

/* An MS becomes one file, or, where --out has no ending of one, a folder of a file a window. */
static msio_status export(const cli_converting *w, const char *ms, msio_converted *made) {
    msio_export_opts opts = MSIO_EXPORT_OPTS_INIT;
    opts.file_a_window = !ends_in(w->out, ".uvh5") && !ends_in(w->out, ".hdf5") && !ends_in(w->out, ".h5");
    opts.earth_orientation = w->opts.earth_orientation;
    opts.threads = w->opts.threads;
    opts.memory = w->opts.memory;
    opts.overwrite = w->opts.overwrite;
    opts.progress = w->opts.progress;
    opts.user = w->opts.user;
    return msio_export_uvh5(ms, w->out, &opts, made);
}

static msio_status convert_input(const cli_converting *w, const cli_load_input *input, msio_converted *made) {
    if (input->tables) return export(w, input->paths[0], made);
    if (input->group) return msio_convert(input->group, w->out, &w->opts, made);
    return msio_convert_paths(input->count, input->paths, w->out, &w->opts, made);
}

static int convert(const cli_context *cli, cli_converting *w, const cli_load_input *input) {
    msio_converted made = MSIO_CONVERTED_INIT;
    cli_progress progress;
    if (input->tables && input->count > 1)
        return cli_usage(cli, "one Measurement Set becomes UVH5 at a time, and %d operands are given", input->count);
    w->opts.progress = cli_progress_update;
    w->opts.user = &progress;
    cli_progress_begin(&progress, cli, "converting", 0);
    const double began = cli_now();
    msio_status status = convert_input(w, input, &made);
    cli_progress_end(&progress);
    if (status) return cli_fail_status(cli, w->out);
    note_earth(cli, &made);
    const double seconds = cli_now() - began;
    const int measured = cli->json && !w->roofline_left && !cli_interrupted();
    const double roofline = measured ? cli_convert_roofline(cli, w->out, input, made.bytes_written) : -1;
    cli_convert_report(cli, w->out, NULL, &made, seconds, roofline);
    return 0;
}

/* Which of the two forms was asked for, and whether it is whole. Returns -1 for a conversion, else an exit code. */
static int choose_form(const cli_context *cli, const cli_converting *w, int operands) {
    if (w->follow) {
        if (operands || w->out)
            return cli_usage(cli, "--follow takes its groups from its folder, and names its results");
        if (!(w->out_dir && *w->out_dir)) return cli_usage(cli, "--follow wants --out-dir DIR for its results");
        return cli_convert_follow(cli, w);
    }
    if (w->out_dir || w->wait > 0) return cli_usage(cli, "--out-dir and --wait belong to --follow");
    if (operands == 0) return cli_usage(cli, "what is to be converted? msio convert GROUP... --out obs.ms");
    return w->out && *w->out ? -1 : cli_usage(cli, "--out PATH is wanted");
}

static int run(cli_context *cli, int argc, char **argv) {
    cli_converting w = {.opts = MSIO_CONVERT_OPTS_INIT};
    cli_load_input input = {0};
    int first, code = cli_options_parse(cli, &cli_command_convert, argc, argv, take, &w, &first);
    if (code >= 0) return code;
    w.opts.threads = cli->threads;
    code = choose_form(cli, &w, argc - first);
    if (code >= 0) return code;
    code = cli_load_input_find(cli, argc - first, (const char *const *)argv + first, &w.source, &input);
    if (!code) code = convert(cli, &w, &input);
    cli_load_input_free(&input);
    return code;
}

static const cli_option options[] = {
    {"out", "FILE", 0, "the Measurement Set to be; it appears under its name when it is whole"},
    {"phase", "PHASE", 0,
     "meridian: each integration a field at hour angle 0; RA,DEC: one field\nat that place (degrees, ICRS); zenith: one "
     "field; none: as the files\nare. Default: none where the files name phase centres, else meridian, or\nzenith where "
     "they are unprojected and name no declination"},
    {"eop", "FILE", 0,
     "a table of the Earth's orientation, IERS's eopc04.1962-now or\nfinals2000A.all; without one UT1 is taken for UTC"},
    {"imaging", "none|zeros|data", 0,
     "MODEL_DATA, CORRECTED_DATA and IMAGING_WEIGHT, of zeros, or\nCORRECTED_DATA as DATA"},
    {"like-pyuvdata", NULL, 0, "as pyuvdata writes it, where the default differs"},
    {"missing", "error|skip|flag", 0,
     "what becomes of subbands that a group lacks: an error, the default;\nleft out; or windows that are flagged"},
    {"telescope", "NAME", 0, "TELESCOPE_NAME, in place of the files'"},
    {"antennas", "FILE", 0,
     "where antennas stand, in place of what the files say: a line each,\nname,x,y,z[,diameter], ITRF metres"},
    {"tile-rows", "N", 0, "rows of a tile; default: as casacore chooses"},
    {"tile-channels", "N", 0, "channels of a tile; default: as casacore chooses"},
    {"memory", "BYTES", 0, "what the conversion may take: 2GiB, 512MiB, ...; default 256MiB"},
    CLI_LOAD_SOURCE_OPTIONS,
    {"no-roofline", NULL, 0,
     "with --json: leave roofline_seconds unknown, for which as many bytes\nare read and written once more, raw"},
    {"force", NULL, 0, "replace a table, or a file, that stands there"},
    {"follow", "DIR", 0,
     "convert the groups of a folder as they become complete, until a\nsignal comes: a line each; what stands in --out-dir "
     "is finished"},
    {"out-dir", "DIR", 0, "with --follow: where the Measurement Sets go, named TIME.ms"},
    {"wait", "SECONDS", 0,
     "with --follow: how long an incomplete group waits, before it is\nconverted as --missing says"},
    {"subbands", "N", 0, "subbands that make a group complete; default 16"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_convert = {
    .name = "convert",
    .summary = "UVH5 files to a Measurement Set, and back",
    .usage = "GROUP...|obs.ms --out PATH [options]",
    .text = "Converts the group of a folder (several folders are one pool), or UVH5 files, into one Measurement\n"
            "Set with a spectral window a subband, ascending in frequency. All files are compared before\n"
            "anything is written, and the room on the disk is asked for. A Measurement Set becomes UVH5: one\n"
            "file where --out ends in .uvh5, .hdf5 or .h5, else a folder with a file a spectral window.",
    .options = options,
    .negative = NULL,
    .examples = "  msio convert /data/incoming --time 2025-10-05T13:27:52 --out obs.ms --eop finals2000A.all\n"
                "  msio convert *_sb0[0-3].hdf5 --out part.ms --phase 83.63,22.01 --imaging zeros\n"
                "  msio convert --follow /data/incoming --out-dir /data/ms --wait 300 --missing flag\n"
                "  msio convert obs.ms --out obs.uvh5\n",
    .run = run,
};
