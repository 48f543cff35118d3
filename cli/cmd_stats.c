/* cmd_stats.c - `msio stats`: statistics of columns by any keys, and chi-squared, in one read. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/input/breakdown.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"
#include "cli/output/grid.h"
#include "cli/output/progress.h"
#include "cli/output/values.h"
#include "msio/cache.h"
#include "msio/visibility.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_COLUMNS 12

typedef struct wishes {
    msio_stats_opts opts;
    char *columns, *chi2; /* copies, cut at their commas */
    const char *column[MOST_COLUMNS];
    int all;
} wishes;

/* ---------------------------------------------------------------- options */

/* Names between commas; the text is cut. Returns how many, or most + 1 where there are more. */
static int cut(char *text, const char **names, int most) {
    int n = 0;
    for (char *at = text; at; n++) {
        if (n == most) return most + 1;
        names[n] = at;
        at = strchr(at, ',');
        if (at) *at++ = '\0';
    }
    return n;
}

static int take_columns(const cli_context *cli, wishes *wish, const char *value) {
    free(wish->columns);
    wish->columns = cli_copy(value);
    if (strcmp(value, "none") == 0) {
        wish->opts.columns = MSIO_STATS_NO_COLUMNS;
        return 0;
    }
    wish->opts.columns = cut(wish->columns, wish->column, MOST_COLUMNS);
    wish->opts.column = wish->column;
    if (wish->opts.columns > MOST_COLUMNS) return cli_usage(cli, "--columns takes at most %d names", MOST_COLUMNS);
    return 0;
}

static int take_chi2(const cli_context *cli, wishes *wish, const char *value) {
    const char *names[2];
    free(wish->chi2);
    wish->chi2 = cli_copy(value);
    if (cut(wish->chi2, names, 2) != 2 || !*names[0] || !*names[1])
        return cli_usage(cli, "--chi2 wants two columns, as CORRECTED_DATA,MODEL_DATA, not \"%s\"", value);
    wish->opts.data = names[0];
    wish->opts.model = names[1];
    return 0;
}

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    if (strcmp(name, "columns") == 0) return take_columns(cli, wish, value);
    if (strcmp(name, "by") == 0) return cli_breakdowns_take(cli, value, &wish->opts.by);
    if (strcmp(name, "chi2") == 0) return take_chi2(cli, wish, value);
    if (strcmp(name, "no-flag-row") == 0) wish->opts.ignore_flag_row = 1;
    if (strcmp(name, "no-medians") == 0) wish->opts.no_medians = 1;
    if (strcmp(name, "all") == 0) wish->all = 1;
    return 0;
}

/* ---------------------------------------------------------------- JSON */

static void put_columns(cli_json *json, const msio_stats *stats, const msio_stats_values *values, int whole) {
    cli_json_key(json, "columns");
    if (whole)
        cli_json_object(json);
    else
        cli_json_flat_object(json);
    for (int c = 0; c < stats->columns; c++) {
        cli_json_key(json, stats->column[c]);
        cli_values_put(json, &values[c], whole);
    }
    cli_json_end(json);
}

static void put_chi2(cli_json *json, const msio_stats *stats, const msio_stats_chi2 *chi2) {
    if (!stats->has_chi2) return;
    cli_json_open_flat_object(json, "chi2");
    cli_json_put_double(json, "value", chi2->value);
    cli_json_put_int(json, "dof", chi2->dof);
    cli_json_end(json);
}

static void put_entry(cli_json *json, const msio_stats *stats, unsigned by, const msio_stats_entry *entry) {
    cli_json_flat_object(json);
    cli_breakdown_put_keys(json, by, entry->key, entry->time);
    put_columns(json, stats, entry->values, 0);
    put_chi2(json, stats, &entry->chi2);
    cli_json_end(json);
}

static void print_json(const char *path, const msio_stats *stats, double seconds) {
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_string(&json, "path", path);
    cli_json_put_int(&json, "rows", stats->rows);
    put_columns(&json, stats, stats->values, 1);
    put_chi2(&json, stats, &stats->chi2);
    if (stats->has_chi2) cli_json_put_string(&json, "weights", stats->weights);
    cli_json_open_object(&json, "by");
    for (int i = 0; i < stats->breakdowns; i++) {
        const msio_stats_breakdown *b = &stats->breakdown[i];
        cli_json_open_list(&json, cli_breakdown_of(b->by)->name);
        for (int64_t e = 0; e < b->entries; e++) put_entry(&json, stats, b->by, &b->entry[e]);
        cli_json_end(&json);
    }
    cli_json_end(&json);
    cli_json_put_double(&json, "seconds", seconds);
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* ---------------------------------------------------------------- text */

static void key_text(unsigned by, const msio_stats_entry *e, char *text, size_t size) {
    if (by == MSIO_FLAGS_BY_TIME)
        snprintf(text, size, "%s", cli_iso_time(e->time, "Z").text);
    else if (cli_breakdown_of(by)->keys[1])
        snprintf(text, size, "%d, %d", e->key[0], e->key[1]);
    else
        snprintf(text, size, "%d", e->key[0]);
}

static void print_breakdown(const msio_stats *stats, const msio_stats_breakdown *b, int c, int all) {
    static const char *const titles[] = {">key", ">count", ">mean amplitude", ">rms", ">min", ">max", ">NaN",
                                         ">inf", NULL};
    const int64_t shown = cli_listed(b->entries, all);
    cli_grid grid;
    printf("\n  %s by %s\n", stats->column[c], cli_breakdown_of(b->by)->name);
    cli_grid_begin(&grid, titles);
    for (int64_t i = 0; i < shown; i++) {
        const msio_stats_values *v = &b->entry[i].values[c];
        char key[96];
        key_text(b->by, &b->entry[i], key, sizeof key);
        cli_words count = cli_count(v->count), amplitude = cli_number(v->amplitude, 6), rms = cli_number(v->rms, 6),
                  least = cli_number(v->min, 6), most = cli_number(v->max, 6), nan = cli_count(v->nan),
                  inf = cli_count(v->inf);
        const char *cells[] = {key, count.text, amplitude.text, rms.text, least.text, most.text, nan.text, inf.text};
        cli_grid_row(&grid, cells);
    }
    cli_grid_print(&grid, stdout);
    cli_tell_rest(stdout, b->entries, all);
}

static void print_chi2(const msio_stats *stats, int all) {
    static const char *const titles[] = {">key", ">chi-squared", ">degrees of freedom", ">reduced", NULL};
    const double dof = (double)stats->chi2.dof;
    printf("\n  chi-squared    %s of %s degrees of freedom: %s each, weighted by %s\n",
           cli_number(stats->chi2.value, 6).text, cli_count(stats->chi2.dof).text,
           dof > 0 ? cli_number(stats->chi2.value / dof, 6).text : "-", stats->weights[0] ? stats->weights : "1");
    for (int i = 0; i < stats->breakdowns; i++) {
        const msio_stats_breakdown *b = &stats->breakdown[i];
        cli_grid grid;
        printf("\n  chi-squared by %s\n", cli_breakdown_of(b->by)->name);
        cli_grid_begin(&grid, titles);
        for (int64_t e = 0; e < cli_listed(b->entries, all); e++) {
            const msio_stats_chi2 *chi2 = &b->entry[e].chi2;
            char key[96];
            key_text(b->by, &b->entry[e], key, sizeof key);
            cli_words value = cli_number(chi2->value, 6), count = cli_count(chi2->dof),
                      each = cli_number(chi2->dof ? chi2->value / (double)chi2->dof : 0, 6);
            const char *cells[] = {key, value.text, count.text, chi2->dof ? each.text : "-"};
            cli_grid_row(&grid, cells);
        }
        cli_grid_print(&grid, stdout);
        cli_tell_rest(stdout, b->entries, all);
    }
}

static void print_text(const char *path, const msio_stats *stats, int all) {
    char text[1024];
    printf("%s: %s rows\n", cli_printable(text, sizeof text, path, strlen(path)), cli_count(stats->rows).text);
    for (int c = 0; c < stats->columns; c++) {
        cli_values_print(stdout, stats->column[c], &stats->values[c]);
        for (int i = 0; i < stats->breakdowns; i++) print_breakdown(stats, &stats->breakdown[i], c, all);
    }
    if (stats->has_chi2) print_chi2(stats, all);
}

/* ---------------------------------------------------------------- the command */

static int tell(const cli_context *cli, wishes *wish, const char *path) {
    msio_stats *stats = NULL;
    cli_progress progress;
    const double began = cli_now();
    cli_progress_begin(&progress, cli, "reading", 0);
    wish->opts.progress = cli_progress_update;
    wish->opts.user = &progress;
    wish->opts.threads = cli->threads;
    wish->opts.open = cli_open_opts(cli);
    msio_status status = msio_stats_make(path, &wish->opts, &stats);
    cli_progress_end(&progress);
    if (status) return cli_fail_status(cli, path);
    if (cli->json)
        print_json(path, stats, cli_now() - began);
    else
        print_text(path, stats, wish->all);
    msio_stats_free(stats);
    return CLI_OK;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.opts = MSIO_STATS_OPTS_INIT};
    int first, code = cli_options_parse(cli, &cli_command_stats, argc, argv, take, &wish, &first);
    if (code < 0 && argc - first != 1) code = cli_usage(cli, "a Measurement Set is wanted: msio stats PATH");
    if (code < 0) code = tell(cli, &wish, argv[first]);
    free(wish.columns);
    free(wish.chi2);
    return code;
}

static const cli_option options[] = {
    {"columns", "LIST", 0, "columns between commas (default DATA), or none: chi-squared alone"},
    CLI_BREAKDOWN_OPTION,
    {"chi2", "DATA,MODEL", 0, "chi-squared of the difference of two columns, weighted"},
    {"no-medians", NULL, 0, "leave medians out, and the time that they take"},
    {"no-flag-row", NULL, 0, "heed FLAG alone, a set FLAG_ROW flags nothing"},
    {"all", NULL, 0, "print long breakdowns whole"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_stats = {
    .name = "stats",
    .summary = "statistics of columns by any keys, and chi-squared, in one read",
    .usage = "PATH [options]",
    .text = "Counts, means, rms, extremes and medians of what is not flagged, NaN or infinite; NaN and infinite\n"
            "values are counted. rms, extremes and medians are of amplitudes; medians come from a histogram and are\n"
            "right to 1 in 1000. Chi-squared is the sum of weight x |data - model|^2, with WEIGHT_SPECTRUM, or\n"
            "WEIGHT where there is none; a visibility has two degrees of freedom. An antenna counts every row that\n"
            "it takes part in, an autocorrelation once.",
    .options = options,
    .negative = NULL,
    .examples = "  msio stats obs.ms\n"
                "  msio stats obs.ms --columns DATA,CORRECTED_DATA --by antenna,spw\n"
                "  msio stats obs.ms --chi2 CORRECTED_DATA,MODEL_DATA --by field --json\n",
    .run = run,
};
