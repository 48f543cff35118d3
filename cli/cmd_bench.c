/* cmd_bench.c - `msio bench`: hands over to the benchmark program, which may use what the command may not. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cli/command.h"
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/input/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the program stands when installed, from the command's folder on. */
#ifndef MSIO_LIBEXEC
#define MSIO_LIBEXEC "../libexec/msio"
#endif

typedef struct wishes {
    const char *on;
    int quick;
} wishes;

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    (void)cli;
    if (strcmp(name, "on") == 0)
        wish->on = value;
    else
        wish->quick = 1;
    return 0;
}

/* Finds msio-bench beside the command or where it is installed. Returns 0, or -1 with the places looked at. */
static int find_program(char path[2][PATH_MAX], int *found) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0) length = 0;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) *slash = '\0';
    int fits = snprintf(path[0], PATH_MAX, "%s/msio-bench", self) < PATH_MAX &&
               snprintf(path[1], PATH_MAX, "%s/%s/msio-bench", self, MSIO_LIBEXEC) < PATH_MAX;
    for (*found = 0; fits && *found < 2; ++*found)
        if (access(path[*found], X_OK) == 0) return 0;
    return -1;
}

/* The program's arguments: works, then options. */
static char **arguments(const cli_context *cli, char *program, const wishes *wish, char **works, int count,
                        char *threads) {
    char **list = cli_alloc_many((size_t)count + 10, sizeof *list);
    int at = 0;
    list[at++] = program;
    for (int i = 0; i < count; i++) list[at++] = works[i];
    if (wish->on) {
        list[at++] = cli_copy("--on");
        list[at++] = cli_copy(wish->on);
    }
    if (wish->quick) list[at++] = cli_copy("--quick");
    if (cli->json) list[at++] = cli_copy("--json");
    if (cli->quiet) list[at++] = cli_copy("--quiet");
    if (cli->threads) {
        list[at++] = cli_copy("--threads");
        list[at++] = threads;
    }
    list[at] = NULL;
    return list;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {NULL, 0};
    char paths[2][PATH_MAX], threads[16];
    int first, found, code = cli_options_parse(cli, &cli_command_bench, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (cli->nolock || cli->native != MSIO_NATIVE_AUTO)
        return cli_usage(cli, "--nolock and --native have no meaning here: the benchmarks set them themselves");
    if (find_program(paths, &found))
        return cli_fail(cli, MSIO_E_NOT_FOUND, NULL,
                        "msio-bench, which is built with the benchmarks, is neither at %s nor at %s", paths[0],
                        paths[1]);
    if (cli->prof) setenv("MSIO_PROF", cli->prof, 1);
    snprintf(threads, sizeof threads, "%d", cli->threads);
    char **list = arguments(cli, paths[found], &wish, argv + first, argc - first, threads);
    fflush(stdout);
    cli_interrupt_restore();
    execv(paths[found], list);
    return cli_fail_system(cli, paths[found], "the benchmark program cannot be started");
}

static const cli_option options[] = {
    {"on", "PATH", 0,
     "measure on this Measurement Set, or on the group in this folder, not on\n"
     "simulated ones"},
    {"quick", NULL, 0, "fewer tries on a smaller data set"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_bench = {
    .name = "bench",
    .summary = "msio beside casacore and other readers, on this machine",
    .usage = "[WORK...] [options]",
    .text = "Times works with msio, casacore, python-casacore and arcae, or h5py and pyuvdata, where they are\n"
            "installed, and the roofline, in turns within one run; what all read is compared. Works on a\n"
            "Measurement Set: data data-new data-flag-weight spw-rows channels wide-channels\n"
            "wide-channels-default default-tiles stride random flag uvw time antenna1 open open-all cell\n"
            "cell-three cell-random flag-fraction metadata metadata-first threads cold span growth. On a group\n"
            "of UVH5 files: group group-cold group-lzf group-part; conversions: convert, or convert-meridian\n"
            "convert-centre convert-imaging convert-export. Without any, all that this version has are run;\n"
            "with --on those that fit what stands there. Who is absent, and why, is told.",
    .options = options,
    .negative = "what the benchmark program judged, if it was asked to",
    .examples = "  msio bench --quick\n"
                "  msio bench data channels --on obs.ms\n"
                "  msio bench group group-cold --on 2025-10-05\n"
                "  msio bench data --json > results.json\n",
    .run = run,
};
