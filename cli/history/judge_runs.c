/* judge_runs.c - msio history check and accept: what rose, where levels changed, and that it is meant so. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/history/kept.h"
#include "cli/output/grid.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *word_of(const history_held *k) {
    if (k->risen) return "RISEN";
    if (k->value < 0) return "not told any more";
    if (k->baseline < 0) return "first";
    return k->value < k->baseline ? "fallen" : "same";
}

static const char *word_of_change(const history_change *k) {
    if (k->standing) return "SLOWER";
    if (k->accepted) return "accepted";
    return k->magnitude > 0 ? "slower, made good since" : "faster";
}

static void print_counts(const history_judgement *all) {
    static const char *const titles[] = {"series", "count", ">baseline", ">run", ">value", "", NULL};
    int listed = 0;
    cli_grid grid;
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < all->helds; i++) {
        const history_held *k = &all->held[i];
        char run[32];
        const char *word = word_of(k);
        if (strcmp(word, "same") == 0 || strcmp(word, "first") == 0) continue;
        snprintf(run, sizeof run, "%lld", (long long)k->run);
        cli_grid_row(&grid, (const char *const[]){k->series, k->name, cli_count(k->baseline).text, run,
                                                  k->value < 0 ? "-" : cli_count(k->value).text, word});
        listed++;
    }
    if (listed) cli_grid_print(&grid, stdout);
    if (listed) putchar('\n');
}

static void print_changes(const history_judgement *all) {
    static const char *const titles[] = {"series", "ratio",   ">run", "commit", ">before",
                                         ">after", ">change", ">p",   "",       NULL};
    cli_grid grid;
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < all->changes; i++) {
        const history_change *k = &all->change[i];
        char run[32], change[32], commit[16];
        snprintf(run, sizeof run, "%lld", (long long)k->run);
        snprintf(change, sizeof change, "%+.1f%%", 100 * k->magnitude);
        snprintf(commit, sizeof commit, "%.10s", k->commit);
        cli_grid_row(&grid, (const char *const[]){k->series, k->name, run, commit, cli_number(k->before, 4).text,
                                                  cli_number(k->after, 4).text, change, cli_number(k->p, 2).text,
                                                  word_of_change(k)});
    }
    if (all->changes) cli_grid_print(&grid, stdout);
    if (all->changes) putchar('\n');
}

static void print_text(const cli_history *wish, const history_judgement *all) {
    print_counts(all);
    print_changes(all);
    printf("%d series, %d counts held against baselines, %d changes of level: ", all->series, all->helds, all->changes);
    if (!all->regressions)
        printf("no regression\n");
    else
        printf("%d regression%s; where it is meant so: msio history accept --reason TEXT --db %s\n", all->regressions,
               all->regressions == 1 ? "" : "s", wish->db);
}

static void put_held(cli_json *json, const history_held *k) {
    cli_json_flat_object(json);
    cli_json_put_string(json, "series", k->series);
    cli_json_put_string(json, "name", k->name);
    cli_json_put_int(json, "run", k->run);
    cli_json_put_int_or_null(json, "baseline", k->baseline >= 0, k->baseline);
    cli_json_put_int_or_null(json, "value", k->value >= 0, k->value);
    cli_json_put_bool(json, "exact", k->exact == HISTORY_EXACT);
    cli_json_put_string(json, "accepted", k->reason[0] ? k->reason : NULL);
    cli_json_put_string(json, "verdict", word_of(k));
    cli_json_end(json);
}

static void put_change(cli_json *json, const history_change *k) {
    cli_json_flat_object(json);
    cli_json_put_string(json, "series", k->series);
    cli_json_put_string(json, "name", k->name);
    cli_json_put_int(json, "run", k->run);
    cli_json_put_double(json, "time", k->time);
    cli_json_put_string(json, "commit", k->commit);
    cli_json_put_double(json, "before", k->before);
    cli_json_put_double(json, "after", k->after);
    cli_json_put_double(json, "magnitude", k->magnitude);
    cli_json_put_double(json, "p", k->p);
    cli_json_put_string(json, "accepted", k->reason[0] ? k->reason : NULL);
    cli_json_put_string(json, "verdict", word_of_change(k));
    cli_json_end(json);
}

static void print_json(const history_judgement *all) {
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_int(&json, "series", all->series);
    cli_json_put_int(&json, "regressions", all->regressions);
    cli_json_open_list(&json, "counts");
    for (int i = 0; i < all->helds; i++) put_held(&json, &all->held[i]);
    cli_json_end(&json);
    cli_json_open_list(&json, "changes");
    for (int i = 0; i < all->changes; i++) put_change(&json, &all->change[i]);
    cli_json_end(&json);
    cli_json_end(&json);
    cli_json_finish(&json);
}

int cli_history_check(const cli_context *cli, const cli_history *wish) {
    history *h = NULL;
    history_error error;
    history_judgement all = {0};
    int code = cli_history_open(cli, wish, 0, &h);
    if (code) return code;
    if (history_sound(h, &error) || history_judge(h, wish->series, &all, &error))
        code = cli_history_fail(cli, wish, &error);
    else if (!all.series)
        code = cli_fail(cli, MSIO_E_NOT_FOUND, wish->db, "no run of %s is kept",
                        wish->series ? wish->series : "any series");
    if (!code) {
        if (cli->json)
            print_json(&all);
        else
            print_text(wish, &all);
        code = all.regressions ? CLI_NEGATIVE : CLI_OK;
    }
    history_judgement_free(&all);
    history_close(h);
    return code;
}

int cli_history_accept(const cli_context *cli, const cli_history *wish) {
    history *h = NULL;
    history_error error;
    int64_t moved = 0;
    if (!wish->reason || !wish->reason[0]) return cli_usage(cli, "why? --reason TEXT is kept with the new baseline");
    int code = cli_history_open(cli, wish, 1, &h);
    if (!code && history_accept(h, wish->series, wish->reason, (double)time(NULL), &moved, &error))
        code = cli_history_fail(cli, wish, &error);
    if (!code && cli->json) {
        cli_json json = CLI_JSON_INIT(stdout);
        cli_json_object(&json);
        cli_json_put_int(&json, "accepted", moved);
        cli_json_end(&json);
        cli_json_finish(&json);
    }
    if (!code) cli_note(cli, "msio history: %lld regressions accepted", (long long)moved);
    history_close(h);
    return code;
}
