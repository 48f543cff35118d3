/* cmd_compare.c - msio compare: which of two commands is faster, where times are noisy. */
#include "cli/common/failure.h"
#include "cli/compare/comparing.h"
#include "cli/input/options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    cli_comparison *c = state;
    if (strcmp(name, "runs") == 0) return cli_option_integer(cli, name, value, PAIRS_LEAST, PAIRS_MOST / 2, &c->pairs);
    if (strcmp(name, "time-limit") == 0) return cli_option_seconds(cli, name, value, &c->limit);
    if (strcmp(name, "prepare") == 0)
        c->prepare = value;
    else
        c->command[strcmp(name, "b") == 0] = value;
    return 0;
}

/* -a and -b are written with one dash: as other commands' options are. */
static void lengthen(int argc, char **argv) {
    static char a[] = "--a", b[] = "--b";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) return;
        if (strcmp(argv[i], "-a") == 0) argv[i] = a;
        if (strcmp(argv[i], "-b") == 0) argv[i] = b;
    }
}

static int compare(cli_context *cli, cli_comparison *c) {
    int code = cli_compare_measure(cli, c);
    if (!code) {
        snprintf(c->why_no_instructions, sizeof c->why_no_instructions, "%s", cli_compared_no_instructions());
        if (cli->json)
            cli_compare_json(c);
        else
            cli_compare_text(c);
        code = c->verdict == PAIRS_SLOWER ? CLI_NEGATIVE : c->verdict == PAIRS_UNSURE ? CLI_UNSURE : CLI_OK;
    }
    cli_compare_free(c);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    cli_comparison c = {.pairs = 30, .limit = INFINITY, .repeats = 1};
    int first, code;
    lengthen(argc, argv);
    code = cli_options_parse(cli, &cli_command_compare, argc, argv, take, &c, &first);
    if (code >= 0) return code;
    if (first < argc)
        return cli_usage(cli, "\"%s\" belongs to no option: a command is one word, in quotes", argv[first]);
    if (!c.command[0] || !c.command[1]) return cli_usage(cli, "two commands are wanted: -a 'COMMAND' -b 'COMMAND'");
    return compare(cli, &c);
}

static const cli_option options[] = {
    {"a", "COMMAND", 0, "what b is held against; as the shell takes it. Also -a"},
    {"b", "COMMAND", 0, "what is judged. Also -b"},
    {"runs", "N", 0, "pairs of times, 10 to 5000; by default 30"},
    {"time-limit", "S", 0,
     "end after that time, once there are 10 pairs: fewer pairs tell less.\nWhat looks slower or faster is given that time once more"},
    {"prepare", "COMMAND", 0, "run this before each run, not timed: as one that drops the caches, for\ncold runs"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_compare = {
    .name = "compare",
    .summary = "which of two commands is faster, with how sure that is",
    .usage = "-a COMMAND -b COMMAND [options]",
    .text = "Runs both in turns, a b b a, so that whatever else the machine does meets both alike; the first run\n"
            "of each is dropped. Commands shorter than 0.1 s are run several times for each time, in turns too.\n"
            "The ratio is the middle of the pairs' own ratios, its 90% interval comes from 2000 resamplings.\n\n"
            "SLOWER: the interval lies above 1.03, so does the ratio of a second measuring, and the interval of\n"
            "both together. FASTER: the same, below 1/1.03. SAME: between the two. Else NOT ENOUGH EVIDENCE: more\n"
            "pairs, or a quieter machine, tell more.\n\n"
            "Beside the times stand counts of the last run of each time, with all processes that the command\n"
            "waited for, as the kernel keeps them (/proc/PID/io): bytes and calls of read and write, bytes from\n"
            "and to the disk, the largest process's memory; and instructions, where the machine counts them.\n"
            "What files mapped into memory bring is in the bytes from disk alone.",
    .options = options,
    .negative = "b is slower",
    .unsure = "not enough evidence",
    .examples = "  msio compare -a 'old/msio stats obs.ms' -b 'new/msio stats obs.ms'\n"
                "  msio compare --runs 100 -a 'python3 before.py' -b 'python3 after.py' --json\n"
                "  msio compare --prepare 'sync; echo 3 > /proc/sys/vm/drop_caches' -a './a' -b './b'\n",
    .run = run,
};
