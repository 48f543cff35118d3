/* cmd_simulate.c - `msio simulate`: its options, and which kind of data set is made. */
#include "cli/input/options.h"
#include "cli/simulate/making.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- options */

/* What is made, and the last option that was given of those that only one kind has. */
typedef struct wishes {
    cli_making making;
    int32_t *missing;
    const char *only_ms, *only_uvh5;
    const char *only_sky; /* an option that ms has with a sky alone */
} wishes;

static int is_one_of(const char *name, const char *const names[]) {
    for (int i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0) return 1;
    return 0;
}

static void note_kind(wishes *wish, const char *name) {
    static const char *const of_ms[] = {"corrs", "layout", "byte-order", "imaging", NULL};
    static const char *const of_uvh5[] = {"pols", "compression", "flags", "missing", "jitter", "time", NULL};
    static const char *const of_sky[] = {"noise", "seed", NULL};
    if (is_one_of(name, of_ms)) wish->only_ms = name;
    if (is_one_of(name, of_uvh5)) wish->only_uvh5 = name;
    if (is_one_of(name, of_sky)) wish->only_sky = name;
}

/* An option whose value is a whole number. Returns -1 where it is none, else 0 or an exit code after telling. */
static int take_number(const cli_context *cli, wishes *wish, const char *name, const char *value) {
    msio_simulate_ms_opts *ms = &wish->making.ms;
    msio_simulate_uvh5_opts *uvh5 = &wish->making.uvh5;
    const struct {
        const char *name;
        int *of_ms, *of_uvh5;
        int low, high;
    } numbers[] = {{"antennas", &ms->antennas, &uvh5->antennas, 1, 100000},
                   {"times", &ms->times, &uvh5->times, 1, 100000000},
                   {"subbands", &ms->subbands, &uvh5->subbands, 1, 100000},
                   {"channels", &ms->channels, &uvh5->channels, 1, 10000000},
                   {"corrs", &ms->corrs, NULL, 1, 4},
                   {"pols", NULL, &uvh5->polarizations, 1, 4},
                   {"jitter", NULL, &uvh5->jitter, 0, 3600}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) != 0) continue;
        int64_t number = 0;
        int code = cli_option_integer(cli, name, value, numbers[i].low, numbers[i].high, &number);
        if (code) return code;
        if (number == 3 && numbers[i].high == 4) return cli_usage(cli, "--%s is 1, 2 or 4", name);
        if (numbers[i].of_ms) *numbers[i].of_ms = (int)number;
        if (numbers[i].of_uvh5) *numbers[i].of_uvh5 = (int)number;
        return 0;
    }
    return -1;
}

/* An option whose value is a word of a list; returns as take_number. */
static int take_word(const cli_context *cli, wishes *wish, const char *name, const char *value) {
    static const char *const layouts[] = {"dsa110", "default", "wide", NULL}, *const orders[] = {"little", "big", NULL},
                             *const compressions[] = {"none", "lzf", "gzip", NULL},
                             *const flags[] = {"pattern", "none", NULL};
    const struct {
        const char *name;
        const char *const *words;
        const char **chosen;
    } choices[] = {{"layout", layouts, &wish->making.ms.layout},
                   {"byte-order", orders, &wish->making.ms.byte_order},
                   {"compression", compressions, &wish->making.uvh5.compression},
                   {"flags", flags, &wish->making.uvh5.flags}};
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (strcmp(name, choices[i].name) != 0) continue;
        int index = 0, code = cli_option_word(cli, name, value, choices[i].words, &index);
        if (!code) *choices[i].chosen = choices[i].words[index];
        return code;
    }
    return -1;
}

/* Subbands between commas. Returns 0, or an exit code after telling. */
static int take_missing(const cli_context *cli, wishes *wish, const char *text) {
    size_t most = strlen(text) / 2 + 1;
    int n = 0;
    free(wish->missing);
    wish->missing = cli_alloc_many(most, sizeof *wish->missing);
    for (const char *at = text;; at++) {
        char *end;
        errno = 0;
        long long number = strtoll(at, &end, 10);
        if (end == at || errno || number < 0 || number >= MSIO_GROUP_MAX_SUBBANDS || (*end && *end != ','))
            return cli_usage(cli, "--missing wants subbands between commas, as 3,7, not \"%s\"", text);
        wish->missing[n++] = (int32_t)number;
        if (!*end) break;
        at = end;
    }
    wish->making.uvh5.missing = n;
    wish->making.uvh5.missing_subband = wish->missing;
    return 0;
}

static int take_noise(const cli_context *cli, wishes *wish, const char *text) {
    char *end;
    wish->making.uvh5.noise = wish->making.sky.noise = strtod(text, &end);
    if (end == text || *end || !isfinite(wish->making.uvh5.noise) || wish->making.uvh5.noise < 0)
        return cli_usage(cli, "--noise wants Jy, 0 or more, not \"%s\"", text);
    return 0;
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    int64_t seed = 0;
    note_kind(wish, name);
    int code = take_number(cli, wish, name, value);
    if (code < 0) code = take_word(cli, wish, name, value);
    if (code >= 0) return code;
    code = 0;
    if (strcmp(name, "out") == 0) {
        wish->making.out = value;
    } else if (strcmp(name, "missing") == 0) {
        code = take_missing(cli, wish, value);
    } else if (strcmp(name, "noise") == 0) {
        code = take_noise(cli, wish, value);
    } else if (strcmp(name, "seed") == 0) {
        code = cli_option_integer(cli, name, value, 0, INT64_MAX, &seed);
        wish->making.uvh5.seed = wish->making.sky.noise_seed = (uint64_t)seed;
    } else if (strcmp(name, "gains") == 0) {
        code = cli_option_integer(cli, name, value, 0, INT64_MAX, &seed);
        wish->making.sky.gains_seed = (uint64_t)seed;
        wish->making.sky.gains = 1;
    } else if (strcmp(name, "sky") == 0) {
        wish->making.sky_path = value;
    } else if (strcmp(name, "time") == 0) {
        wish->making.uvh5.time = value;
    } else if (strcmp(name, "imaging") == 0) {
        wish->making.ms.imaging_columns = 1;
    } else {
        wish->making.force = 1;
    }
    return code;
}

/* ---------------------------------------------------------------- the command */

/* Reads the sky, and makes the data set that shows it. */
static int make_sky(const cli_context *cli, cli_making *making, int is_ms) {
    msio_sky *sky = NULL;
    if (msio_sky_open(making->sky_path, &sky)) return cli_fail_status(cli, making->sky_path);
    making->sky.sky = sky;
    making->uvh5.noise = 0; /* the sky's options tell it */
    int code = is_ms ? cli_making_ms(cli, making) : cli_making_uvh5(cli, making);
    msio_sky_free(sky);
    return code;
}

static int make(const cli_context *cli, wishes *wish, int operands, char **operand) {
    if (operands == 0) return cli_usage(cli, "what is to be made, ms or uvh5?");
    int is_ms = strcmp(operand[0], "ms") == 0;
    if (!is_ms && strcmp(operand[0], "uvh5") != 0)
        return cli_usage(cli, "ms or uvh5 can be made, not \"%s\"", operand[0]);
    if (operands > 1) return cli_usage(cli, "\"%s\" is one too many", operand[1]);
    const char *foreign = is_ms ? wish->only_uvh5 : wish->only_ms;
    if (foreign) return cli_usage(cli, "--%s is not for %s", foreign, operand[0]);
    if (is_ms && !wish->making.sky_path && wish->only_sky)
        return cli_usage(cli, "--%s is not for ms without --sky", wish->only_sky);
    if (!wish->making.sky_path && wish->making.sky.gains) return cli_usage(cli, "--gains wants a sky: --sky FILE");
    if (!wish->making.out || !wish->making.out[0]) return cli_usage(cli, "--out PATH is wanted");
    if (wish->making.sky_path) return make_sky(cli, &wish->making, is_ms);
    return is_ms ? cli_making_ms(cli, &wish->making) : cli_making_uvh5(cli, &wish->making);
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.making = {.ms = MSIO_SIMULATE_MS_OPTS_INIT,
                              .uvh5 = MSIO_SIMULATE_UVH5_OPTS_INIT,
                              .sky = MSIO_SIMULATE_SKY_OPTS_INIT}};
    int first, code = cli_options_parse(cli, &cli_command_simulate, argc, argv, take, &wish, &first);
    if (code < 0) code = make(cli, &wish, argc - first, argv + first);
    free(wish.missing);
    return code;
}

static const cli_option options[] = {
    {"out", "PATH", 0,
     "the Measurement Set, or the folder for the UVH5 files (made where it is\nmissing); nothing "
     "appears there under its name before it is whole"},
    {"antennas", "N", 0, "antennas; baselines are N (N + 1) / 2, autocorrelations included\n(default 96)"},
    {"times", "N", 0, "integrations (default 24)"},
    {"subbands", "N", 0, "spectral windows, or files (default 16)"},
    {"channels", "N", 0, "channels of each (default 48)"},
    {"force", NULL, 0, "replace what stands there, unasked"},
    {"corrs", "1|2|4", 0, "ms: correlations (default 2)"},
    {"layout", "dsa110|default|wide", 0,
     "ms: tiles and managers: DSA-110's, casacore's own, or one wide spectral\nwindow (default dsa110)"},
    {"byte-order", "little|big", 0, "ms: of the data files (default: this machine's)"},
    {"imaging", NULL, 0, "ms: MODEL_DATA, CORRECTED_DATA and IMAGING_WEIGHT too"},
    {"pols", "1|2|4", 0, "uvh5: polarizations (default 2)"},
    {"compression", "none|lzf|gzip", 0, "uvh5: of visdata, flags and nsamples (default none)"},
    {"flags", "pattern|none", 0, "uvh5: flagged by the formula, or nothing (default pattern)"},
    {"missing", "N,...", 0, "uvh5: subbands that are left out"},
    {"time", "TIME", 0, "uvh5: of the first name, UTC (default 2025-10-05T13:27:52)"},
    {"jitter", "SECONDS", 0, "uvh5: the times in the names are up to so much later (default 6)"},
    {"sky", "FILE", 0,
     "visibilities of this sky (text as of makesourcedb, points and Gaussians),\nnothing flagged, weights that fit the "
     "noise; ms: uvw of the antennas too"},
    {"gains", "SEED", 0, "with --sky: antennas have gains, told in PATH.gains.npy"},
    {"noise", "JY", 0, "uvh5, and ms with --sky: standard deviation of each part of a visibility\n(default 0)"},
    {"seed", "N", 0, "of the noise (default 0)"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_simulate = {
    .name = "simulate",
    .summary = "makes a Measurement Set, or UVH5 files, whose every value is known",
    .usage = "ms|uvh5 --out PATH [options]",
    .words = "ms|uvh5",
    .text = "ms makes a whole Measurement Set through casacore; uvh5 the files of one group, one a subband, laid\n"
            "out as DSA-110's correlator writes them, through the HDF5 library. Every value follows a closed\n"
            "formula, told in docs/simulation.md, so that any reader can be checked against it. The size is told\n"
            "first. What stands there is replaced only after a yes on the terminal, or with --force: at PATH a\n"
            "table and nothing else, in the folder PATH files of the same names. With --sky the values are those\n"
            "of an observation: gains x sky + noise.",
    .options = options,
    .negative = NULL,
    .examples = "  msio simulate ms --out obs.ms\n"
                "  msio simulate ms --out small.ms --antennas 10 --times 4 --subbands 2 --channels 16\n"
                "  msio simulate ms --out wide.ms --layout wide --imaging --force\n"
                "  msio simulate ms --out sky.ms --sky sources.txt --noise 0.1 --gains 1\n"
                "  msio simulate uvh5 --out group\n"
                "  msio simulate uvh5 --out gaps --missing 3,7 --compression lzf --noise 0.5\n",
    .run = run,
};
