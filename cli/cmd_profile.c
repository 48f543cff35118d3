/* cmd_profile.c - msio profile: any program, as it is, with what it does to tables told by column, row and line. */
#include "cli/common/failure.h"
#include "cli/input/options.h"
#include "cli/profile/profile.h"

#include <stdio.h>
#include <string.h>

typedef struct wishes {
    char lines[1000]; /* NAME,NAME... */
    const char *out;
    int print_library, no_estimate, no_stacks, calls, trace;
    int64_t hz;
    double seconds; /* of attach */
    cli_profile_targets targets;
} wishes;

/* One of --lines. */
static int take_function(const cli_context *cli, wishes *wish, const char *name) {
    size_t used = strlen(wish->lines);
    if (!*name || strpbrk(name, ":,"))
        return cli_usage(cli, "--lines takes the name of one function, not \"%s\"", name);
    int length = snprintf(wish->lines + used, sizeof wish->lines - used, "%s%s", used ? "," : "", name);
    return used + (size_t)length < sizeof wish->lines ? 0 : cli_usage(cli, "--lines: too many names");
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    if (strcmp(name, "sample") == 0) return cli_option_integer(cli, name, value, 0, 1000, &wish->hz);
    if (strcmp(name, "seconds") == 0) return cli_option_seconds(cli, name, value, &wish->seconds);
    if (strcmp(name, "lines") == 0) return take_function(cli, wish, value);
    if (strcmp(name, "judge") == 0) return cli_profile_take_target(cli, &wish->targets, value);
    if (strcmp(name, "out") == 0)
        wish->out = value;
    else if (strcmp(name, "no-estimate") == 0)
        wish->no_estimate = 1;
    else if (strcmp(name, "calls") == 0)
        wish->calls = 1;
    else if (strcmp(name, "trace") == 0)
        wish->trace = 1;
    else if (strcmp(name, "no-stacks") == 0)
        wish->no_stacks = 1;
    else
        wish->print_library = 1;
    return 0;
}

static int profile(cli_context *cli, const wishes *wish, char **program) {
    cli_profile_run run = {.program = program,
                           .load = -1,
                           .sample_hz = (int)wish->hz,
                           .stack_hz = wish->no_stacks ? 0 : (int)wish->hz,
                           .every_call = wish->calls,
                           .trace = wish->trace,
                           .targets = wish->targets};
    prof_found found = {0};
    memcpy(run.lines_of, wish->lines, sizeof run.lines_of);
    int code = cli_profile_prepare(cli, wish->out, &run);
    if (!code) code = cli_profile_execute(cli, &run);
    if (!code) code = cli_profile_find(cli, run.folder, &found);
    if (!code) {
        if (!wish->no_estimate) cli_profile_estimate(cli, &found);
        cli_profile_judge(&run, &found);
        cli_profile_measure_targets(&run, &found);
        code = cli_profile_write(cli, &run, &found);
    }
    if (!code) cli_profile_end(&run);
    if (!code) {
        if (cli->json)
            cli_profile_json(stdout, &run, &found);
        else if (!cli->quiet)
            cli_profile_text(stderr, &run, &found);
        cli_note(cli, "msio profile: the report is in %s", run.folder);
        code = run.code ? run.code : cli_profile_targets_met(&run.targets) ? CLI_OK : CLI_NEGATIVE;
    }
    cli_profile_found_free(&found);
    cli_profile_run_free(&run);
    return code;
}

static int attach(const cli_context *cli, const wishes *wish, const char *pid) {
    cli_profile_run run = {.load = -1};
    int code = wish->out ? cli_profile_folder(cli, wish->out, &run) : 0;
    int hz = wish->no_stacks ? 0 : (int)wish->hz;
    return code ? code : cli_profile_attach(cli, pid, wish->seconds, hz, wish->out ? run.folder : NULL);
}

/* show FOLDER, compare FOLDER FOLDER, attach PID. */
static int again(const cli_context *cli, const wishes *wish, int n, char **words) {
    if (n == 2 && strcmp(words[0], "attach") == 0) return attach(cli, wish, words[1]);
    if (n == 2 && strcmp(words[0], "show") == 0) return cli_profile_show(cli, words[1]);
    if (n == 3 && strcmp(words[0], "compare") == 0) return cli_profile_compare(cli, words[1], words[2]);
    return cli_usage(cli, "a program is wanted behind --: msio profile -- PROGRAM ARGS..., or show FOLDER, or compare "
                          "FOLDER FOLDER, or attach PID");
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.hz = 100, .seconds = 10};
    char library[PATH_MAX];
    int own = 0, first;
    while (own < argc && strcmp(argv[own], "--") != 0) own++;
    char **program = own < argc ? argv + own + 1 : NULL;
    int code = cli_options_parse(cli, &cli_command_profile, own, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (wish.print_library) {
        code = cli_profile_library(cli, library);
        if (!code) printf("%s\n", library);
        return code;
    }
    if (!program) return again(cli, &wish, own - first, argv + first);
    if (own > first)
        return cli_usage(cli, "\"%s\" stands before --: the program and its arguments follow it", argv[first]);
    if (!program[0]) return cli_usage(cli, "no program stands behind --");
    return profile(cli, &wish, program);
}

static const cli_option options[] = {
    {"out", "FOLDER", 0,
     "where the report goes; by default msio-profile, or msio-profile-2\nand so on; a former profile's folder is used again"},
    {"sample", "HZ", 0,
     "samples of processor time a second of each processor, with the stacks of\nnative code, and of the stacks of Python's threads; by default 100; 0: none"},
    {"no-stacks", NULL, 0, "of these, none of the stacks of Python's threads"},
    {"calls", NULL, 0,
     "count and time every call of a function of Python, and of C by Python,\nin all threads and processes, as cProfile does; the program takes longer"},
    {"lines", "FUNCTION", 0,
     "time every line of this function of Python, NAME or CLASS.NAME, by\nline_profiler, where the program's Python has it; may be repeated"},
    {"trace", NULL, 0,
     "log single accesses and file calls, the last million of them, for Chrome's\ntracing or Perfetto: trace.json"},
    {"judge", "NAME=SECONDS", 0,
     "exit with 1 where the program succeeded but took longer: wall, calibration\nor imaging (the whole run), cpu, or a task of CASA as gaincal; may be\nrepeated"},
    {"no-estimate", NULL, 0, "do not time msio on the cells that loops asked for"},
    {"seconds", "S", 0, "how long attach looks; by default 10"},
    {"print-library", NULL, 0,
     "print the path of the library for LD_PRELOAD, for programs that are\nnot started by hand"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_profile = {
    .name = "profile",
    .summary = "runs a program as it is: what it read and wrote, by column, row and line",
    .usage = "[options] -- PROGRAM ARGS... | show FOLDER | compare FOLDER FOLDER | attach PID",
    .words = "attach|compare|show",
    .text = "Runs CASA, WSClean, AOFlagger, DP3, a Python script or any other program with a library in front of\n"
            "it that counts its file calls, casacore's accesses of columns and calls of msio, and ends with the\n"
            "program's own exit code (128 and the signal's number where one ended it). The report is printed on\n"
            "standard error and kept in a folder that only its owner can read: report.txt, report.json,\n"
            "report.html, and files for pstats, speedscope, flame graphs and Chrome's tracing. It says first how\n"
            "much of the time the tables are, then what was read how often over, which loops go cell by cell and\n"
            "on which line of Python, what msio takes for the same cells (measured), which lines took time and\n"
            "memory, and what could not be seen.\n\n"
            "With --json the report goes to standard output, and the program's output to standard error. Where\n"
            "nobody starts the program by hand, set LD_PRELOAD=$(msio profile --print-library) and\n"
            "MSIO_PROF=profile:FOLDER in its environment, FOLDER being there, and ask `msio profile show\n"
            "FOLDER` afterwards.\n"
            "compare judges counts (any that rose by more than 1%); times of single runs are shown only.\n"
            "attach looks at a running process from outside, without stopping it: which columns and rows its files'\n"
            "positions pass; with --out FOLDER the stacks of Python too, where py-spy is installed.",
    .options = options,
    .negative =
        "a target of --judge was missed or not seen; compare: a count rose by more than 1%;\nelse what the program returned",
    .examples = "  msio profile -- python3 check.py obs.ms\n"
                "  msio profile --out before -- wsclean -size 512 512 -scale 12asec obs.ms\n"
                "  msio profile show before\n"
                "  msio profile compare before after\n"
                "  msio profile attach 4711 --seconds 30\n",
    .run = run,
};
