/* show_runs.c - msio history show: the runs, or all that is kept of one. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/history/kept.h"
#include "cli/history/kept_rows.h"
#include "cli/output/grid.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* "2026-11-30T12:00:00Z" of a run's time. */
static const char *when(double seconds, char text[32]) {
    time_t whole = (time_t)(isfinite(seconds) && fabs(seconds) < 2e11 ? seconds : 0);
    struct tm parts;
    if (!gmtime_r(&whole, &parts) || !strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts)) strcpy(text, "-");
    return text;
}

static int show_run(void *user, const void *row) {
    const history_run *r = row;
    char id[32], commit[16], time[32];
    snprintf(id, sizeof id, "%lld", (long long)r->id);
    snprintf(commit, sizeof commit, "%.10s", r->commit);
    cli_grid_row(user, (const char *const[]){id, when(r->time, time), r->kind, r->series, commit,
                                             r->seconds >= 0 ? cli_duration(r->seconds).text : "-",
                                             r->load >= 0 ? cli_number(r->load, 3).text : "-", r->verdict});
    return 0;
}

static int list(const cli_context *cli, const cli_history *wish, history *h) {
    static const char *const titles[] = {">run", "time", "kind", "series", "commit", ">wall", ">load", "verdict", NULL};
    history_error error;
    cli_grid grid;
    cli_grid_begin(&grid, titles);
    msio_status status =
        history_each_of(h, HISTORY_RUNS, wish->series, wish->kind, wish->newest, show_run, &grid, &error);
    cli_grid_print(&grid, stdout);
    return status ? cli_history_fail(cli, wish, &error) : CLI_OK;
}

static int list_json(const cli_context *cli, const cli_history *wish, history *h) {
    history_error error;
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    msio_status status = cli_history_put_rows(&json, h, HISTORY_RUNS, 0, wish, &error);
    cli_json_end(&json);
    cli_json_finish(&json);
    return status ? cli_history_fail(cli, wish, &error) : CLI_OK;
}

/* ---------------------------------------------------------------- one run */

static int one_json(const cli_context *cli, const cli_history *wish, history *h, int64_t run) {
    history_error error;
    cli_json json = CLI_JSON_INIT(stdout);
    msio_status status = MSIO_OK;
    cli_json_object(&json);
    for (int t = 0; t < HISTORY_ACCEPTED && !status; t++)
        status = cli_history_put_rows(&json, h, (history_table)t, run, wish, &error);
    cli_json_end(&json);
    cli_json_finish(&json);
    return status ? cli_history_fail(cli, wish, &error) : CLI_OK;
}

static int tell_run(void *user, const void *row) {
    const history_run *r = row;
    char text[600], time[32];
    const struct {
        const char *name, *value;
    } lines[] = {{"series", r->series},   {"program", r->program}, {"commit", r->commit},
                 {"machine", r->machine}, {"host", r->host},       {"system", r->system},
                 {"folder", r->folder},   {"note", r->note},       {"verdict", r->verdict}};
    printf("run %lld: %s, %s, msio %s\n", (long long)r->id, r->kind, when(r->time, time),
           cli_printable(text, sizeof text, r->version, strlen(r->version)));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (lines[i].value[0])
            printf("  %-8s %s\n", lines[i].name,
                   cli_printable(text, sizeof text, lines[i].value, strlen(lines[i].value)));
    *(int *)user = 1;
    return 0;
}

static int tell_target(void *user, const void *row) {
    const history_target *t = row;
    cli_grid_row(user,
                 (const char *const[]){t->name, cli_duration(t->target > 0 ? t->target : -1).text,
                                       cli_duration(t->measured).text, cli_duration(t->roofline).text, t->verdict});
    return 0;
}

static int tell_count(void *user, const void *row) {
    const history_count *c = row;
    cli_grid_row(user, (const char *const[]){c->name, cli_count(c->value).text,
                                             c->exact == HISTORY_EXACT    ? "exact"
                                             : c->exact == HISTORY_WITHIN ? "within 1%"
                                                                          : "shown"});
    return 0;
}

static int tell_time(void *user, const void *row) {
    const history_time *t = row;
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)t->repetition);
    cli_grid_row(user, (const char *const[]){t->name, number, cli_duration(t->seconds).text});
    return 0;
}

static int tell_ratio(void *user, const void *row) {
    const history_ratio *r = row;
    char interval[200] = "-";
    if (isfinite(r->low))
        snprintf(interval, sizeof interval, "%s to %s", cli_number(r->low, 4).text, cli_number(r->high, 4).text);
    cli_grid_row(user, (const char *const[]){r->name, cli_number(r->ratio, 4).text, interval, r->verdict});
    return 0;
}

static int tell_finding(void *user, const void *row) {
    const history_finding *f = row;
    cli_grid_row(user, (const char *const[]){f->kind, f->what});
    return 0;
}

static int one(const cli_context *cli, const cli_history *wish, history *h, int64_t run) {
    static const struct {
        history_table table;
        history_visit tell;
        const char *titles[6];
    } parts[] = {
        {HISTORY_TARGETS, tell_target, {"path", ">target", ">measured", ">roofline", "verdict"}},
        {HISTORY_RATIOS, tell_ratio, {"ratio", ">median", "interval", "verdict"}},
        {HISTORY_COUNTS, tell_count, {"count", ">value", "kept"}},
        {HISTORY_TIMES, tell_time, {"time", ">repetition", ">seconds"}},
        {HISTORY_FINDINGS_OF, tell_finding, {"finding", "what"}},
    };
    history_error error;
    int there = 0;
    msio_status status = history_each(h, HISTORY_RUNS, run, tell_run, &there, &error);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !status && there; i++) {
        cli_grid grid;
        cli_grid_begin(&grid, parts[i].titles);
        status = history_each(h, parts[i].table, run, parts[i].tell, &grid, &error);
        if (!grid.rows) continue; /* nothing was allocated for it */
        putchar('\n');
        cli_grid_print(&grid, stdout);
    }
    if (status) return cli_history_fail(cli, wish, &error);
    return there ? CLI_OK : cli_fail(cli, MSIO_E_NOT_FOUND, wish->db, "there is no run %lld", (long long)run);
}

int cli_history_show(const cli_context *cli, const cli_history *wish, int64_t run) {
    history *h = NULL;
    int code = cli_history_open(cli, wish, 0, &h);
    if (!code && run) code = cli->json ? one_json(cli, wish, h, run) : one(cli, wish, h, run);
    if (!code && !run) code = cli->json ? list_json(cli, wish, h) : list(cli, wish, h);
    history_close(h);
    return code;
}
