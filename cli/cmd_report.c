/* cmd_report.c - msio report: what a profile found, as a document to hand to a team. */
#include "cli/common/failure.h"
#include "cli/handing/handing.h"
#include "cli/history/kept.h"
#include "cli/input/options.h"
#include "msio/files.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct wishes {
    cli_history history;
    const char *out, *before, *folder;
    int64_t run;
} wishes;

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    if (strcmp(name, "run") == 0) return cli_option_integer(cli, name, value, 1, INT64_MAX, &wish->run);
    if (strcmp(name, "db") == 0)
        wish->history.db = value;
    else if (strcmp(name, "series") == 0)
        wish->history.series = value;
    else if (strcmp(name, "before") == 0)
        wish->before = value;
    else
        wish->out = value;
    return 0;
}

/* ---------------------------------------------------------------- which runs */

/* The newest profile, or run where there is no profile, and the one before it of its series. */
typedef struct choosing {
    int64_t wanted; /* 0: the newest */
    int64_t run, before;
    bool profile;
    char *series, *machine;
} choosing;

static int choose(void *user, const void *row) {
    choosing *c = user;
    const history_run *r = row;
    bool profile = strcmp(r->kind, "profile") == 0;
    if (c->wanted ? r->id != c->wanted : c->profile && !profile) return 0;
    c->run = r->id;
    c->profile = profile;
    free(c->series);
    free(c->machine);
    c->series = cli_copy(r->series);
    c->machine = cli_copy(r->machine);
    return 0;
}

static int choose_before(void *user, const void *row) {
    choosing *c = user;
    const history_run *r = row;
    if (r->id == c->run) return 1;
    if (strcmp(r->machine, c->machine) == 0) c->before = r->id;
    return 0;
}

/* Both runs' ids; run 0: there is none, before 0: there is none. */
static msio_status choose_runs(history *h, const wishes *wish, int64_t *run, int64_t *before, history_error *error) {
    choosing c = {.wanted = wish->run};
    msio_status status = history_each_of(h, HISTORY_RUNS, wish->history.series, NULL, 0, choose, &c, error);
    if (!status && c.run) status = history_each_of(h, HISTORY_RUNS, c.series, NULL, 0, choose_before, &c, error);
    *run = c.run;
    if (!*before) *before = c.before;
    free(c.series);
    free(c.machine);
    return status;
}

/* ---------------------------------------------------------------- writing */

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), k = strlen(end);
    return n >= k && strcmp(text + n - k, end) == 0;
}

/* What is told: a run, beside one before or NULL; or a folder's profiles. */
typedef struct document {
    const handing_run *of, *before;
    handing_kept *kept;
    int64_t n;
    const char *from;
} document;

static void put(FILE *out, bool html, const document *told) {
    if (told->kept)
        handing_folder_write(out, html, told->kept, told->n, told->from);
    else
        handing_write(out, html, told->of, told->before, told->from);
}

static int write_to(const cli_context *cli, const wishes *wish, const document *told) {
    msio_making *making = NULL;
    if (!wish->out || strcmp(wish->out, "-") == 0) {
        put(stdout, false, told);
        return 0;
    }
    if (msio_making_begin(wish->out, &making)) return cli_fail_status(cli, wish->out);
    FILE *out = fopen(msio_making_place(making), "we");
    int code = out ? 0 : cli_fail_system(cli, wish->out, "the report cannot be written");
    if (out) {
        put(out, ends_with(wish->out, ".html"), told);
        int bad = ferror(out);
        bad |= fclose(out) != 0;
        if (bad) code = cli_fail_write(cli, wish->out);
    }
    if (!code && msio_making_finish(making, 1)) code = cli_fail_status(cli, wish->out);
    msio_making_free(making);
    if (!code) cli_note(cli, "msio report: %s", wish->out);
    return code;
}

static int tell(const cli_context *cli, history *h, const wishes *wish, int64_t before_id, const char *from) {
    handing_run of = {0}, before = {0};
    history_error error = {MSIO_OK, ""};
    bool there = false, there_before = false;
    int64_t id = 0;
    msio_status status = choose_runs(h, wish, &id, &before_id, &error);
    if (!status) status = handing_read(h, id, &of, &there, &error);
    if (!status) status = handing_read(h, before_id, &before, &there_before, &error);
    int code = status ? cli_history_fail(cli, &wish->history, &error) : 0;
    if (!code && !there)
        code = wish->run ? cli_fail(cli, MSIO_E_NOT_FOUND, from, "there is no run %lld", (long long)wish->run)
                         : cli_fail(cli, MSIO_E_NOT_FOUND, from, "there is no run to tell of");
    if (!code && wish->before && !there_before)
        code = cli_fail(cli, MSIO_E_NOT_FOUND, from, "there is no run %s to hold it against", wish->before);
    const document told = {.of = &of, .before = there_before ? &before : NULL, .from = from};
    if (!code) code = write_to(cli, wish, &told);
    handing_free(&of);
    handing_free(&before);
    return code;
}

/* ---------------------------------------------------------------- of folders: through a history of their own */

static int record(const cli_context *cli, const wishes *wish, char *folder) {
    cli_context silent = *cli;
    silent.quiet = 1;
    silent.json = 0;
    return cli_history_record(&silent, &wish->history, 1, &folder);
}

static void remove_history(const char *folder, const char *db) {
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char path[200];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", db, ends[i]);
        unlink(path);
    }
    rmdir(folder);
}

static int tell_folder(const cli_context *cli, const wishes *given) {
    char place[128], db[160];
    const char *temporary = getenv("TMPDIR");
    wishes wish = *given;
    history *h = NULL;
    snprintf(place, sizeof place, "%.80s/msio-report-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(place)) return cli_fail_system(cli, place, "a folder for a while cannot be made");
    snprintf(db, sizeof db, "%s/runs.db", place);
    wish.history = (cli_history){.db = db, .series = "report", .time = NAN, .keep = 20};
    char *folder = cli_copy(given->folder), *before = given->before ? cli_copy(given->before) : NULL;
    int code = before ? record(cli, &wish, before) : 0;
    if (!code) code = record(cli, &wish, folder);
    if (!code) code = cli_history_open(cli, &wish.history, 0, &h);
    wish.before = NULL;
    wish.run = before ? 2 : 1;
    if (!code) code = tell(cli, h, &wish, before ? 1 : 0, given->folder);
    history_close(h);
    remove_history(place, db);
    free(folder);
    free(before);
    return code;
}

/* A folder of every run's profiles; -1: it is none. */
static int tell_kept(const cli_context *cli, const wishes *wish) {
    document told = {.from = wish->folder};
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/report.json", wish->folder);
    if (access(path, F_OK) == 0) return -1;
    told.n = handing_folder_find(wish->folder, &told.kept);
    int code = -1;
    if (told.n && wish->before)
        code = cli_usage(cli, "--before is for the folder of one profile");
    else if (told.n)
        code = write_to(cli, wish, &told);
    free(told.kept);
    return code;
}

static int tell_history(const cli_context *cli, const wishes *wish) {
    history *h = NULL;
    int64_t before = 0;
    int code = wish->before ? cli_option_integer(cli, "before", wish->before, 1, INT64_MAX, &before) : 0;
    if (!code) code = cli_history_open(cli, &wish->history, 0, &h);
    if (!code) code = tell(cli, h, wish, before, wish->history.db);
    history_close(h);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.history = {.time = NAN}};
    int first, code = cli_options_parse(cli, &cli_command_report, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (argc - first > 1 || (argc > first && wish.history.db) || (argc == first && !wish.history.db))
        return cli_usage(cli, "one profile's folder, or --db FILE, is wanted");
    if (wish.out && strcmp(wish.out, "-") != 0 && !ends_with(wish.out, ".html") && !ends_with(wish.out, ".md"))
        return cli_usage(cli, "--out takes a name that ends with .md or .html, not \"%s\"", wish.out);
    if (argc > first && (wish.run || wish.history.series))
        return cli_usage(cli, "--run and --series choose among the runs of --db");
    wish.folder = argc > first ? argv[first] : NULL;
    code = wish.folder ? tell_kept(cli, &wish) : -1;
    if (code >= 0) return code;
    return wish.folder ? tell_folder(cli, &wish) : tell_history(cli, &wish);
}

static const cli_option options[] = {
    {"db", "FILE", 0, "a history: its newest profile, beside the one before of its series"},
    {"out", "FILE.md|FILE.html", 0, "Markdown or HTML; by default Markdown on standard output"},
    {"run", "RUN", 0, "this run of the history"},
    {"series", "NAME", 0, "the newest profile of this series of the history"},
    {"before", "FOLDER|RUN", 0, "what it is held against: another profile's folder, or a run of\nthe history"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_report = {
    .name = "report",
    .summary = "what a profile found, as Markdown or HTML to hand to a team",
    .usage = "FOLDER | --db FILE  [--out FILE.md|FILE.html] [options]",
    .text = "Writes one document of a folder that `msio profile` made, or of a run that `msio history` keeps:\n"
            "a checklist, what was profiled, findings, the ten functions with most time, in themselves and with\n"
            "all that they call, hot lines, loops over cells, columns, memory, and what changed since before. Of a\n"
            "folder that MSIO_PROF=auto:FOLDER keeps: each program's runs, and which of them were slow.",
    .options = options,
    .negative = NULL,
    .examples = "  msio report msio-profile --out findings.md\n"
                "  msio report after --before before --out findings.html\n"
                "  msio report --db runs.db --series nightly\n",
    .run = run,
};
