/* cmd_simulate.c - `msio simulate ms`: makes a Measurement Set whose values follow closed formulas. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cli/failure.h"
#include "cli/human.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/opening.h"
#include "cli/options.h"
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

typedef struct wishes {
    msio_simulate_ms_opts ms;
    const char *out;
    int force;
} wishes;

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    static const char *const layouts[] = {"dsa110", "default", "wide", NULL}, *const orders[] = {"little", "big", NULL};
    wishes *wish = state;
    struct {
        const char *name;
        int *value;
        int high;
    } numbers[] = {{"antennas", &wish->ms.antennas, 100000},
                   {"times", &wish->ms.times, 100000000},
                   {"subbands", &wish->ms.subbands, 100000},
                   {"channels", &wish->ms.channels, 10000000},
                   {"corrs", &wish->ms.corrs, 4}};
    int64_t number = 0;
    int index = 0, code = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) != 0) continue;
        code = cli_option_integer(cli, name, value, 1, numbers[i].high, &number);
        if (!code && number == 3 && strcmp(name, "corrs") == 0) code = cli_usage(cli, "--corrs is 1, 2 or 4");
        *numbers[i].value = (int)number;
        return code;
    }
    if (strcmp(name, "out") == 0) {
        wish->out = value;
    } else if (strcmp(name, "layout") == 0) {
        code = cli_option_word(cli, name, value, layouts, &index);
        wish->ms.layout = layouts[index];
    } else if (strcmp(name, "byte-order") == 0) {
        code = cli_option_word(cli, name, value, orders, &index);
        wish->ms.byte_order = orders[index];
    } else if (strcmp(name, "imaging") == 0) {
        wish->ms.imaging_columns = 1;
    } else {
        wish->force = 1;
    }
    return code;
}

/* Asks on the terminal. Returns 1 for yes. */
static int ask(const char *path) {
    char answer[16];
    fprintf(stderr, "%s exists (%s). Replace it? [y/N] ", path, cli_size(cli_folder_bytes(path)).text);
    fflush(stderr);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* Whether what stands at the path may go. Returns 0, or an exit code after telling. */
static int may_write(const cli_context *cli, wishes *wish) {
    struct stat there;
    if (lstat(wish->out, &there)) return 0;
    if (!wish->force && isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) wish->force = ask(wish->out);
    if (cli_interrupted()) return CLI_INPUT;
    if (!wish->force) return cli_usage(cli, "%s exists, and stays as it is; --force replaces it", wish->out);
    wish->ms.overwrite = 1;
    return 0;
}

/* A data set that cannot fit is refused before it is begun. Returns 0, or an exit code after telling. */
static int check_space(const cli_context *cli, const char *path, int64_t bytes) {
    char *folder = cli_copy(path);
    struct statvfs space;
    char *end = folder + strlen(folder);
    while (end > folder && end[-1] == '/') *--end = '\0';
    while (end > folder && end[-1] != '/') *--end = '\0';
    int known = statvfs(folder[0] ? folder : ".", &space) == 0;
    free(folder);
    if (!known) return 0;
    uint64_t room = (uint64_t)space.f_bavail * (uint64_t)space.f_frsize;
    if (room > INT64_MAX || (int64_t)room >= bytes) return 0;
    return cli_fail(cli, MSIO_E_IO, path, "about %s are needed, and %s are free", cli_size(bytes).text,
                    cli_size((int64_t)room).text);
}

static void report(const cli_context *cli, const wishes *wish, int64_t rows, double seconds) {
    int64_t bytes = cli_folder_bytes(wish->out);
    if (!cli->json) {
        if (!cli->quiet) printf("%s: %s written in %s\n", wish->out, cli_size(bytes).text, cli_duration(seconds).text);
        return;
    }
    struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"rows", rows},
                   {"bytes", bytes},
                   {"antennas", wish->ms.antennas},
                   {"times", wish->ms.times},
                   {"subbands", wish->ms.subbands},
                   {"channels", wish->ms.channels},
                   {"corrs", wish->ms.corrs}};
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_key(&json, "path");
    cli_json_string(&json, wish->out);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        cli_json_key(&json, numbers[i].key);
        cli_json_int(&json, numbers[i].value);
    }
    cli_json_key(&json, "layout");
    cli_json_string(&json, wish->ms.layout);
    cli_json_key(&json, "seconds");
    cli_json_double(&json, seconds);
    cli_json_end(&json);
    cli_json_finish(&json);
}

static int simulate(const cli_context *cli, wishes *wish) {
    int64_t rows = 0, bytes = msio_simulate_ms_bytes(&wish->ms, &rows);
    cli_progress progress;
    if (bytes < 0) return cli_usage(cli, "a data set of these dimensions is too large for any disk");
    cli_note(cli, "%s: %s rows, about %s", wish->out, cli_count(rows).text, cli_size(bytes).text);
    int code = may_write(cli, wish);
    if (!code) code = check_space(cli, wish->out, bytes);
    if (code) return code;
    double began = cli_now();
    cli_progress_begin(&progress, cli, "writing", 0);
    wish->ms.progress = cli_progress_update;
    wish->ms.user = &progress;
    msio_status status = msio_simulate_ms(wish->out, &wish->ms);
    cli_progress_end(&progress);
    if (status != MSIO_OK) return cli_fail_status(cli, wish->out);
    report(cli, wish, rows, cli_now() - began);
    return 0;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.ms = MSIO_SIMULATE_MS_OPTS_INIT};
    int first, code = cli_options_parse(cli, &cli_command_simulate, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (first == argc) return cli_usage(cli, "what is to be made? This version makes ms");
    if (strcmp(argv[first], "ms") != 0) return cli_usage(cli, "this version makes ms, not \"%s\"", argv[first]);
    if (argc - first > 1) return cli_usage(cli, "\"%s\" is one too many", argv[first + 1]);
    if (!wish.out || !wish.out[0]) return cli_usage(cli, "--out PATH is wanted");
    return simulate(cli, &wish);
}

static const cli_option options[] = {
    {"out", "PATH", 0, "the data set to make; it appears under this name when it is whole"},
    {"antennas", "N", 0, "antennas; baselines are N (N + 1) / 2, autocorrelations included\n(default 96)"},
    {"times", "N", 0, "integrations (default 24)"},
    {"subbands", "N", 0, "spectral windows (default 16)"},
    {"channels", "N", 0, "channels of each (default 48)"},
    {"corrs", "1|2|4", 0, "correlations (default 2)"},
    {"layout", "dsa110|default|wide", 0,
     "tiles and managers: DSA-110's, casacore's own, or one wide spectral\nwindow (default dsa110)"},
    {"byte-order", "little|big", 0, "of the data files (default: this machine's)"},
    {"imaging", NULL, 0, "MODEL_DATA, CORRECTED_DATA and IMAGING_WEIGHT too"},
    {"force", NULL, 0, "replace a table that stands there, unasked"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_simulate = {
    .name = "simulate",
    .summary = "makes a Measurement Set whose every value is known",
    .usage = "ms --out PATH [options]",
    .text = "Makes a whole Measurement Set through casacore. Every value follows a closed formula, told in\n"
            "docs/simulation.md, so that any reader can be checked against it. The size is told first. What\n"
            "stands at PATH is replaced only after a yes on the terminal, or with --force, and only if it is a\n"
            "table.",
    .options = options,
    .negative = NULL,
    .examples = "  msio simulate ms --out obs.ms\n"
                "  msio simulate ms --out small.ms --antennas 10 --times 4 --subbands 2 --channels 16\n"
                "  msio simulate ms --out wide.ms --layout wide --imaging --force\n",
    .run = run,
};
