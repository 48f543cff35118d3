/* cmd_history.c - msio history: runs that are kept, and what became of them. */
#include "cli/common/failure.h"
#include "cli/history/kept.h"
#include "cli/input/options.h"

#include <math.h>
#include <string.h>

static int take_time(const cli_context *cli, cli_history *wish, const char *value) {
    int64_t seconds = 0;
    int code = cli_option_integer(cli, "time", value, 0, 99999999999, &seconds);
    if (!code) wish->time = (double)seconds;
    return code;
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    cli_history *wish = state;
    const struct {
        const char *name, **to;
    } texts[] = {{"db", &wish->db},         {"series", &wish->series},   {"kind", &wish->kind},
                 {"commit", &wish->commit}, {"machine", &wish->machine}, {"note", &wish->note},
                 {"reason", &wish->reason}, {"csv", &wish->csv},         {"out", &wish->out}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].to = value;
            return 0;
        }
    if (strcmp(name, "time") == 0) return take_time(cli, wish, value);
    if (strcmp(name, "keep") == 0) return cli_option_integer(cli, name, value, 1, 1000000, &wish->keep);
    return cli_option_integer(cli, name, value, 0, INT32_MAX, &wish->newest);
}

static int show(const cli_context *cli, const cli_history *wish, int n, char **words) {
    int64_t run = 0;
    if (n > 1) return cli_usage(cli, "show takes the number of one run");
    int code = n ? cli_option_integer(cli, "show", words[0], 1, INT64_MAX, &run) : 0;
    return code ? code : cli_history_show(cli, wish, run);
}

static int run(cli_context *cli, int argc, char **argv) {
    cli_history wish = {.db = CLI_HISTORY_FILE, .time = NAN, .newest = -1, .keep = 20};
    int first, code = cli_options_parse(cli, &cli_command_history, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    const char *verb = first < argc ? argv[first] : "";
    char **words = argv + first + 1;
    int n = argc - first - 1;
    if (strcmp(verb, "record") == 0)
        return n ? cli_history_record(cli, &wish, n, words) : cli_usage(cli, "which reports? - is standard input");
    if (wish.newest < 0) wish.newest = strcmp(verb, "show") == 0 ? 20 : 0;
    if (strcmp(verb, "show") == 0) return show(cli, &wish, n, words);
    if (n) return cli_usage(cli, "\"%s\" is one word too many", words[0]);
    if (strcmp(verb, "check") == 0) return cli_history_check(cli, &wish);
    if (strcmp(verb, "accept") == 0) return cli_history_accept(cli, &wish);
    if (strcmp(verb, "export") == 0) return cli_history_export(cli, &wish);
    return cli_usage(cli, "record, show, check, accept or export is wanted: msio history record REPORT.json");
}

static const cli_option options[] = {
    {"db", "FILE", 0, "the history; by default " CLI_HISTORY_FILE " in the current folder"},
    {"series", "NAME", 0,
     "record: what the run is compared with; by default its kind and what\n"
     "was run; else: of this series alone"},
    {"kind", "KIND", 0, "of verify, profile, bench, compare or counts alone"},
    {"newest", "N", 0, "show, export: that many runs; show's default is 20; 0: all"},
    {"commit", "TEXT", 0,
     "record: of the sources that were measured; by default GITHUB_SHA,\nCI_COMMIT_SHA or what git says here"},
    {"machine", "TEXT", 0, "record: by default the processor's model and how many there are"},
    {"note", "TEXT", 0, "record: anything"},
    {"time", "SECONDS", 0, "record: since 1970, UTC; by default the report's"},
    {"reason", "TEXT", 0, "accept: why; kept with the new baseline"},
    {"csv", "TABLE", 0,
     "export: one table as CSV: runs, targets, counts, times, ratios, moments,\nstacks, columns, loops, findings or accepted"},
    {"out", "FILE", 0, "export: by default standard output"},
    {"keep", "N", 0, "record: curves and stacks are kept of the newest N runs of a series;\nby default 20"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_history = {
    .name = "history",
    .summary = "keeps runs of verify, profile, bench and compare in a file",
    .usage = "record REPORT.json|FOLDER|-... | show [RUN] | check | accept | export  [options]",
    .words = "accept|check|export|record|show",
    .text = "record takes what verify, bench and compare print with --json, a profile's folder or report.json,\n"
            "and counts of your own, {\"name\": \"...\", \"counts\": {\"NAME\": n}}, and keeps them in an SQLite\n"
            "file with machine, versions, commit and load. A run is recorded whole or not at all, several may be\n"
            "recorded at once, and the same report twice is one run. show lists runs, or tells all of one.\n\n"
            "check holds the newest run of each series against those before. Counts are a hard gate: a rise of\n"
            "bytes, calls or allocations is a regression, of instructions one above 1%; the baseline is the\n"
            "least value since the count was last accepted. Times are judged as ratios within a run (of a\n"
            "comparison, to the roofline, to casacore) where enough runs of one machine are there: a change of\n"
            "their level of 5% or more that a permutation test finds (E-divisive, p at most 0.001) is a\n"
            "regression when it goes up, stands, and was not accepted. accept moves the baselines of what rose,\n"
            "and keeps the reason. export writes all as JSON, also what can be read of a damaged file.",
    .options = options,
    .negative = "check: a count rose, or the level of a ratio did",
    .examples = "  msio verify obs.ms --json | msio history record - --db runs.db\n"
                "  msio history record msio-profile --series nightly\n"
                "  msio history show --newest 50\n"
                "  msio history show 12 --json\n"
                "  msio history check --db runs.db\n"
                "  msio history accept --reason 'reads the flags of every row now' --db runs.db\n"
                "  msio history export --csv times --out times.csv\n",
    .run = run,
};
