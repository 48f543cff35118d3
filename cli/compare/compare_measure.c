/* compare_measure.c - the order of the runs: a b b a, after one of each that is not counted. */
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/compare/comparing.h"
#include "cli/output/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST 0.1 /* seconds that one time is taken of: shorter commands are run several times for it */
#define REPEATS_MOST 100

static const char *const names[2] = {"command a", "command b"};

static int run_prepared(const cli_context *cli, const cli_comparison *c, int side, cli_compared_run *run) {
    cli_compared_run unused;
    int code = c->prepare ? cli_compared_run_once(cli, "the command of --prepare", c->prepare, &unused) : 0;
    return code ? code : cli_compared_run_once(cli, names[side], c->command[side], run);
}

/* The times of a pair, each the mean of its repeats: in turns all the same, so that a mood of the machine that lasts
 * for a few runs meets both. */
static int time_pair(const cli_context *cli, cli_comparison *c) {
    double sum[2] = {0};
    for (int64_t turn = (int64_t)c->made * c->repeats, end = turn + c->repeats; turn < end; turn++)
        for (int k = 0; k < 2; k++) {
            cli_compared_run run;
            int side = (int)(turn % 2) ^ k, code = run_prepared(cli, c, side, &run);
            if (code) return code;
            sum[side] += run.seconds;
            memcpy(c->count[side] + (size_t)c->made * CLI_COMPARED_COUNTS, run.count, sizeof run.count);
        }
    for (int side = 0; side < 2; side++) c->seconds[side][c->made] = sum[side] / c->repeats;
    c->made++;
    return 0;
}

/* The first run of each: into the caches, and how long they take. */
static int warm_up(const cli_context *cli, cli_comparison *c) {
    double shortest = INFINITY;
    for (int side = 0; side < 2; side++) {
        cli_compared_run run;
        int code = run_prepared(cli, c, side, &run);
        if (code) return code;
        if (run.seconds < shortest) shortest = run.seconds;
    }
    double wanted = c->prepare ? 1 : ceil(SHORTEST / shortest);
    c->repeats = wanted < 1 ? 1 : wanted > REPEATS_MOST ? REPEATS_MOST : (int)wanted;
    return 0;
}

/* Pairs until there are `until`, or the time is over: a b, then b a, and so on. */
static int measure_pairs(const cli_context *cli, cli_comparison *c, int until, double began) {
    cli_progress progress;
    int code = 0, from = c->made;
    cli_progress_begin(&progress, cli, "comparing", 0);
    while (c->made < until && !code) {
        if (c->made >= from + PAIRS_LEAST && cli_now() - began > c->limit) break;
        if (c->made > from && cli_now() - began > 2 * c->limit) break; /* too few are no evidence, and that is told */
        code = time_pair(cli, c);
        cli_progress_update(&progress, c->made - from, until - from);
    }
    cli_progress_end(&progress);
    return code;
}

int cli_compare_measure(const cli_context *cli, cli_comparison *c) {
    size_t room = 2 * (size_t)c->pairs;
    double began = cli_now();
    for (int side = 0; side < 2; side++) {
        c->seconds[side] = cli_alloc_many(room, sizeof **c->seconds);
        c->count[side] = cli_alloc_many(room * CLI_COMPARED_COUNTS, sizeof **c->count);
    }
    int code = warm_up(cli, c);
    if (!code) code = measure_pairs(cli, c, (int)c->pairs, cli_now());
    if (code) return code;
    c->ratio = pairs_of(c->made, c->seconds[0], c->seconds[1]);
    c->verdict = pairs_judge(&c->ratio);
    if (c->verdict == PAIRS_SLOWER || c->verdict == PAIRS_FASTER) { /* nobody is told so by one measuring */
        int first = c->made;
        pairs_verdict looked = c->verdict;
        cli_note(cli, "msio compare: b looks %s: measuring once more",
                 c->verdict == PAIRS_SLOWER ? "slower" : "faster");
        code = measure_pairs(cli, c, first + (int)c->pairs, cli_now());
        if (code) return code;
        pairs_ratio again = pairs_of(c->made - first, c->seconds[0] + first, c->seconds[1] + first);
        c->ratio = pairs_of(c->made, c->seconds[0], c->seconds[1]);
        c->verdict = pairs_confirm(looked, &again, &c->ratio);
        c->confirmed = c->verdict == looked;
    }
    c->took = cli_now() - began;
    if (getloadavg(&c->load, 1) != 1) c->load = -1;
    return 0;
}

void cli_compare_free(cli_comparison *c) {
    for (int side = 0; side < 2; side++) {
        free(c->seconds[side]);
        free(c->count[side]);
    }
}

static int by_count(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void cli_compared_count(const cli_comparison *c, int side, int which, int64_t *least, int64_t *median, int64_t *most) {
    int64_t *all = cli_alloc_many((size_t)c->made, sizeof *all);
    for (int i = 0; i < c->made; i++) all[i] = c->count[side][(size_t)i * CLI_COMPARED_COUNTS + (size_t)which];
    qsort(all, (size_t)c->made, sizeof *all, by_count);
    *least = all[0];
    *median = all[c->made / 2];
    *most = all[c->made - 1];
    free(all);
}
