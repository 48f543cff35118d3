/* cmd_groups.c - `msio groups`: groups of subband files in folders, those that stand there and those that come. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/common/json.h"
#include "cli/input/options.h"
#include "cli/output/grid.h"
#include "msio/subbands.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct wishes {
    msio_group_opts opts;
    int follow;
} wishes;

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    int code = 0;
    if (strcmp(name, "pattern") == 0) {
        wish->opts.pattern = value;
    } else if (strcmp(name, "follow") == 0) {
        wish->follow = 1;
    } else if (strcmp(name, "subbands") == 0) {
        int64_t number = 0;
        code = cli_option_integer(cli, name, value, 1, MSIO_GROUP_MAX_SUBBANDS, &number);
        wish->opts.subbands = (int)number;
    } else if (strcmp(name, "frequencies") == 0) {
        char *end, *rest;
        wish->opts.first_frequency = strtod(value, &end);
        wish->opts.frequency_step = *end == ':' ? strtod(end + 1, &rest) : 0;
        if (end == value || *end != ':' || rest == end + 1 || *rest || !(wish->opts.first_frequency > 0) ||
            !(wish->opts.frequency_step > 0))
            code = cli_usage(cli, "--frequencies wants FIRST:STEP in Hz, as in 1492.7e6:11.72e6, not \"%s\"", value);
    } else {
        char *end;
        wish->opts.window = strtod(value, &end);
        if (end == value || *end || !isfinite(wish->opts.window) || wish->opts.window < 0)
            code = cli_usage(cli, "--window wants seconds, 0 or more, not \"%s\"", value);
    }
    return code;
}

/* ---------------------------------------------------------------- JSON */

static void put_files(cli_json *json, const char *key, const msio_group_file *files, int n) {
    cli_json_open_array(json, key);
    for (int i = 0; i < n; i++) {
        cli_json_flat_object(json);
        cli_json_put_int(json, "subband", files[i].subband);
        cli_json_put_string(json, "path", files[i].path);
        cli_json_end(json);
    }
    cli_json_end(json);
}

/* A group, in one line. */
static void put_group(cli_json *json, const msio_group *group) {
    cli_json_flat_object(json);
    cli_json_put_string(json, "time", group->time);
    cli_json_put_bool(json, "complete", group->complete);
    put_files(json, "files", group->file, group->files);
    cli_json_put_int32s(json, "missing", group->missing, group->missing_subband);
    put_files(json, "duplicate", group->duplicate, group->duplicates);
    put_files(json, "late", group->late, group->lates);
    cli_json_end(json);
}

static void put_paths(cli_json *json, const char *key, const msio_group_file *files, int n) {
    cli_json_open_list(json, key);
    for (int i = 0; i < n; i++) cli_json_string(json, files[i].path);
    cli_json_end(json);
}

static void put_unreadable(cli_json *json, const msio_groups *groups) {
    cli_json_open_list(json, "unreadable");
    for (int i = 0; i < groups->unreadables; i++) {
        cli_json_flat_object(json);
        cli_json_put_string(json, "path", groups->unreadable[i].path);
        cli_json_put_string(json, "reason", groups->unreadable[i].reason);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void print_json(const msio_groups *groups) {
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_open_list(&json, "groups");
    for (int i = 0; i < groups->groups; i++) put_group(&json, &groups->group[i]);
    cli_json_end(&json);
    put_paths(&json, "incomplete", groups->incomplete, groups->incompletes);
    put_paths(&json, "unexpected", groups->unexpected_file, groups->unexpected);
    put_unreadable(&json, groups);
    cli_json_put_int(&json, "ignored", groups->ignored);
    cli_json_put_int(&json, "impossible", groups->impossible);
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* ---------------------------------------------------------------- text */

/* "3, 7-9" of missing subbands; "-" for none. What has no room ends in dots. */
static cli_words missing_words(const msio_group *group) {
    cli_words words = {"-"};
    size_t at = 0;
    for (int i = 0, end; i < group->missing && at + 20 < sizeof words.text; i = end) {
        for (end = i + 1; end < group->missing && group->missing_subband[end] == group->missing_subband[end - 1] + 1;)
            end++;
        int first = group->missing_subband[i], last = group->missing_subband[end - 1];
        const char *comma = at ? ", " : "";
        at +=
            (size_t)(last == first ? snprintf(words.text + at, sizeof words.text - at, "%s%d", comma, first)
                                   : snprintf(words.text + at, sizeof words.text - at, "%s%d-%d", comma, first, last));
        if (end < group->missing && at + 20 >= sizeof words.text)
            snprintf(words.text + at, sizeof words.text - at, ", ...");
    }
    return words;
}

static cli_words count_or_dash(int count) { return count ? cli_count(count) : (cli_words){"-"}; }

static void print_grid(const msio_groups *groups) {
    static const char *const titles[] = {"group", ">files", "complete", "missing", ">duplicate", ">late", NULL};
    cli_grid grid;
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < groups->groups; i++) {
        const msio_group *group = &groups->group[i];
        cli_words files = cli_count(group->files), missing = missing_words(group),
                  duplicates = count_or_dash(group->duplicates), lates = count_or_dash(group->lates);
        cli_grid_row(&grid, (const char *const[]){group->time, files.text, group->complete ? "yes" : "no", missing.text,
                                                  duplicates.text, lates.text});
    }
    cli_grid_print(&grid, stdout);
}

static void print_path(const char *what, const char *path) {
    char text[1024];
    printf("  %-18s%s\n", what, cli_printable(text, sizeof text, path, strlen(path)));
}

static void print_unreadable(const msio_group_unreadable *file) {
    char text[1024];
    print_path("unreadable", file->path);
    printf("  %-18s%s\n", "", cli_printable(text, sizeof text, file->reason, strlen(file->reason)));
}

/* The files that a user may want to look after. */
static void print_files(const msio_groups *groups) {
    for (int i = 0; i < groups->groups; i++) {
        const msio_group *group = &groups->group[i];
        for (int k = 0; k < group->duplicates; k++)
            print_path(group->duplicate[k].used ? "duplicate, used" : "duplicate", group->duplicate[k].path);
        for (int k = 0; k < group->lates; k++) print_path("late", group->late[k].path);
    }
    for (int i = 0; i < groups->unexpected; i++) print_path("unexpected", groups->unexpected_file[i].path);
    for (int i = 0; i < groups->unreadables; i++) print_unreadable(&groups->unreadable[i]);
    for (int i = 0; i < groups->incompletes; i++) print_path("still written", groups->incomplete[i].path);
}

static const char *plural(int64_t count) { return count == 1 ? "" : "s"; }

static void print_text(const msio_groups *groups, int subbands) {
    int complete = 0;
    for (int i = 0; i < groups->groups; i++) complete += groups->group[i].complete;
    if (groups->groups) print_grid(groups), putchar('\n');
    print_files(groups);
    printf("%s group%s, %s complete (of %d subband%s)", cli_count(groups->groups).text, plural(groups->groups),
           cli_count(complete).text, subbands, plural(subbands));
    if (groups->incompletes)
        printf("; %s file%s still written", cli_count(groups->incompletes).text, plural(groups->incompletes));
    if (groups->unexpected)
        printf("; %s file%s of subbands beyond (see --subbands)", cli_count(groups->unexpected).text,
               plural(groups->unexpected));
    if (groups->unreadables)
        printf("; %s file%s unreadable", cli_count(groups->unreadables).text, plural(groups->unreadables));
    if (groups->ignored) printf("; %s other name%s ignored", cli_count(groups->ignored).text, plural(groups->ignored));
    if (groups->impossible) printf(", %s of a date or time that is none", cli_count(groups->impossible).text);
    putchar('\n');
}

/* A group that came, in one line. */
static void print_line(const msio_group *group) {
    char text[1024];
    const char *path = group->file[0].path, *slash = strrchr(path, '/');
    printf("%s  %d of %d subbands", group->time, group->files, group->subbands);
    if (group->missing) printf(", missing %s", missing_words(group).text);
    if (group->duplicates) printf(", %d duplicate%s", group->duplicates, plural(group->duplicates));
    if (group->lates) printf(", %d late", group->lates);
    printf("  %s\n", cli_printable(text, sizeof text, path, slash > path ? (size_t)(slash - path) : 1));
}

/* ---------------------------------------------------------------- running */

static int find(const cli_context *cli, const wishes *wish, int n, char **dirs) {
    msio_groups *groups = NULL;
    if (msio_group_find(n, (const char *const *)dirs, &wish->opts, &groups)) return cli_fail_status(cli, NULL);
    if (cli->json)
        print_json(groups);
    else
        print_text(groups, wish->opts.subbands);
    msio_groups_free(groups);
    return CLI_OK;
}

static volatile sig_atomic_t stop_asked;

static void ask_stop(int number) {
    (void)number;
    stop_asked = 1;
}

/* Ctrl-C is the way to end --follow, and no failure. Where it is ignored, as in background jobs, it stays so. */
static void heed_stop(void) {
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = ask_stop;
    action.sa_flags = (int)SA_RESETHAND;
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(SIGINT, &action, NULL);
}

static int follow(const cli_context *cli, const wishes *wish, int n, char **dirs) {
    const double slice = 0.5; /* s: a signal that comes just before the wait begins is seen after it */
    msio_group_watch *watch = NULL;
    int code = CLI_OK;
    heed_stop();
    if (msio_group_watch_open(n, (const char *const *)dirs, &wish->opts, &watch)) return cli_fail_status(cli, NULL);
    cli_note(cli, "watching %d folder%s; Ctrl-C ends it", n, plural(n));
    while (!code && !stop_asked && !cli_interrupted()) {
        const msio_group *group = NULL;
        msio_status status = msio_group_watch_next(watch, slice, &group);
        if (status < 0) code = cli_fail_status(cli, NULL);
        if (status != MSIO_OK) continue;
        if (cli->json) {
            cli_json json = CLI_JSON_INIT(stdout);
            put_group(&json, group);
            cli_json_finish(&json);
        } else {
            print_line(group);
        }
        if (fflush(stdout) || ferror(stdout)) code = cli_fail_write(cli, "standard output");
    }
    msio_group_watch_close(watch);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {MSIO_GROUP_OPTS_INIT, 0};
    int first, code = cli_options_parse(cli, &cli_command_groups, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (first == argc) return cli_usage(cli, "which folders? msio groups DIR...");
    return (wish.follow ? follow : find)(cli, &wish, argc - first, argv + first);
}

static const cli_option options[] = {
    {"pattern", "P", 0,
     "the files' names, with {time} for YYYY-MM-DDTHH:MM:SS, {subband} for\nthe number, * for any text; default " MSIO_GROUP_PATTERN},
    {"frequencies", "FIRST:STEP", 0,
     "Hz: the middle of subband 0, and how far each lies below the one\nbefore; where the pattern has no {subband}; "
     "default: found from the files"},
    {"window", "SECONDS", 0, "how far a group's files may lie from its first; default 60"},
    {"subbands", "N", 0, "subbands that make a group complete, counted from 0; default 16"},
    {"follow", NULL, 0,
     "watch the folders: a line for each group (with --json an object) as\nit becomes complete, or has waited for two "
     "windows; Ctrl-C ends it"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_groups = {
    .name = "groups",
    .summary = "groups of subband files in folders, and as they come",
    .usage = "DIR... [options]",
    .text = "Tells which subband files belong together, by their names alone: no file is opened, unless the\n"
            "pattern leaves out {time} or {subband}, which the UVH5 headers tell then. All folders are one\n"
            "pool of files. A group is what lies within the window from its first file on. Of several files\n"
            "of one subband (duplicate) the one nearest to the median time is used. A file past the window\n"
            "but within two is late, and not used. Names with _incomplete before the ending are of files that\n"
            "are still written. Times are UTC.",
    .options = options,
    .negative = NULL,
    .examples = "  msio groups /data/incoming\n"
                "  msio groups /data/a /data/b --json\n"
                "  msio groups . --pattern '{time}_sb{subband}.uvh5' --subbands 8\n"
                "  msio groups . --pattern '*.uvh5'\n"
                "  msio groups /data/incoming --follow --json\n",
    .run = run,
};
