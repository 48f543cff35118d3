/* cmd_dashboard.c - msio dashboard: a history as one page that needs no network. */
#include "cli/common/failure.h"
#include "cli/dashboard/dashboard.h"
#include "cli/history/kept.h"
#include "cli/input/options.h"
#include "cli/page/page.h"
#include "msio/files.h"

#include <string.h>
#include <time.h>

typedef struct wishes {
    cli_history history;
    const char *out;
} wishes;

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    if (strcmp(name, "newest") == 0) return cli_option_integer(cli, name, value, 0, INT32_MAX, &wish->history.newest);
    if (strcmp(name, "db") == 0)
        wish->history.db = value;
    else if (strcmp(name, "series") == 0)
        wish->history.series = value;
    else
        wish->out = value;
    return 0;
}

static msio_status put_data(FILE *out, history *h, const wishes *wish, history_error *error) {
    dashboard board;
    history_judgement judged = {0};
    cli_json json = CLI_JSON_INIT(out);
    json.in_page = 1;
    msio_status status = dashboard_read(h, wish->history.series, wish->history.newest, &board, error);
    fputs("<script type=\"application/json\" id=\"data\">\n", out);
    cli_json_object(&json);
    cli_json_put_string(&json, "file", wish->history.db);
    cli_json_put_int(&json, "made", (int64_t)time(NULL));
    cli_json_put_int(&json, "runs", board.runs);
    cli_json_put_double(&json, "first", board.first);
    cli_json_put_double(&json, "last", board.last);
    if (!status) status = history_judge(h, wish->history.series, &judged, error);
    if (!status) {
        dashboard_put_changes(&json, &board, &judged);
        dashboard_put_paths(&json, &board);
        status = dashboard_put_profiles(&json, h, &board, error);
    }
    cli_json_end(&json);
    cli_json_finish(&json);
    fputs("</script>\n", out);
    history_judgement_free(&judged);
    dashboard_free(&board);
    return status;
}

/* Written under another name first: a page that was there stays until the new one is whole. */
static int write_page(const cli_context *cli, history *h, const wishes *wish) {
    msio_making *making = NULL;
    history_error error = {MSIO_OK, ""};
    if (msio_making_begin(wish->out, &making)) return cli_fail_status(cli, wish->out);
    FILE *out = fopen(msio_making_place(making), "we");
    int code = out ? 0 : cli_fail_system(cli, wish->out, "the page cannot be written");
    if (out) {
        page_begin(out, "msio dashboard");
        fputs("<main id=\"board\"></main>\n<noscript><p>This page is drawn by its own script.</p></noscript>\n", out);
        if (put_data(out, h, wish, &error)) code = cli_history_fail(cli, &wish->history, &error);
        page_end(out, page_dashboard_js);
        int bad = ferror(out);
        bad |= fclose(out) != 0;
        if (!code && bad) code = cli_fail_write(cli, wish->out);
    }
    if (!code && msio_making_finish(making, 1)) code = cli_fail_status(cli, wish->out);
    msio_making_free(making);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.history = {.db = CLI_HISTORY_FILE}, .out = "msio-dashboard.html"};
    history *h = NULL;
    int first, code = cli_options_parse(cli, &cli_command_dashboard, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (first < argc) return cli_usage(cli, "\"%s\" is not wanted: the history is named by --db", argv[first]);
    code = cli_history_open(cli, &wish.history, 0, &h);
    if (!code) code = write_page(cli, h, &wish);
    history_close(h);
    if (!code) cli_note(cli, "msio dashboard: %s", wish.out);
    return code;
}

static const cli_option options[] = {
    {"db", "FILE", 0, "the history; by default " CLI_HISTORY_FILE " in the current folder"},
    {"out", "FILE.html", 0, "the page; by default msio-dashboard.html"},
    {"series", "NAME", 0, "of this series alone"},
    {"newest", "N", 0, "of that many runs; by default 0: all"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_dashboard = {
    .name = "dashboard",
    .summary = "a history as one page: targets over time, what took long, memory, flame graph",
    .usage = "[--db FILE] [--out FILE.html] [options]",
    .text = "Makes one HTML file of the runs that `msio history record` kept: it needs no network and no other\n"
            "file. Paths over time with their targets and verdicts, how their times are distributed, memory,\n"
            "columns, loops and the flame graph of the newest profiles, the machine's load. The page filters by\n"
            "series, machine, text and time, works by keyboard, follows the reader's dark or light, and prints.",
    .options = options,
    .negative = NULL,
    .examples = "  msio dashboard --db runs.db --out page.html\n"
                "  msio dashboard --db runs.db --series nightly --newest 500\n",
    .run = run,
};
