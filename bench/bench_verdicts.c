/* bench_verdicts.c - how often the verdict of `msio compare` is right: over recorded pairs of a command with itself,
 * drawn again and again, as they are and with one side made longer.
 *
 * usage: bench_verdicts FILE [--check]    FILE of bench/record_pairs.py; --check: exit code 1 where a figure is missed
 *
 * The same file gives the same figures. A draw is 30 neighbouring pairs of one series, in an order of its own, with a
 * and b exchanged by chance; the repetition that SLOWER and FASTER want is another draw. */
#include "prof/compare/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_MOST 32
#define PAIRS_ROOM 4000
#define DRAWN 30
#define DRAWS 1000
#define FALSE_ALARMS 0.01 /* at most */
#define FOUND_10 0.80     /* at least */
#define FOUND_25 0.99

typedef struct series {
    char load[32], work[32];
    int n;
    double a[PAIRS_ROOM], b[PAIRS_ROOM];
} series;

static series *series_of(series *all, int *n, const char *load, const char *work) {
    for (int i = 0; i < *n; i++)
        if (strcmp(all[i].load, load) == 0 && strcmp(all[i].work, work) == 0) return &all[i];
    if (*n == SERIES_MOST) return NULL;
    series *s = &all[(*n)++];
    snprintf(s->load, sizeof s->load, "%s", load);
    snprintf(s->work, sizeof s->work, "%s", work);
    return s;
}

static int read_pairs(const char *path, series *all) {
    char line[256], load[32], work[32];
    double a, b;
    int n = 0;
    FILE *in = fopen(path, "r");
    while (in && fgets(line, sizeof line, in)) {
        if (line[0] == '#' || sscanf(line, "%31s %31s %lf %lf", load, work, &a, &b) != 4) continue;
        series *s = series_of(all, &n, load, work);
        if (!s || s->n == PAIRS_ROOM) continue;
        s->a[s->n] = a;
        s->b[s->n++] = b;
    }
    if (in) fclose(in);
    return n;
}

/* One measuring: neighbours, as a machine's mood lasts longer than a pair. */
static pairs_ratio draw(const series *s, double longer, uint64_t *state, double *a, double *b) {
    int from = (int)pairs_random_below(state, (uint32_t)(s->n - DRAWN + 1));
    for (int i = 0; i < DRAWN; i++) {
        int pair = from + (int)pairs_random_below(state, DRAWN), other = (int)pairs_random_below(state, 2);
        a[i] = other ? s->b[pair] : s->a[pair];
        b[i] = (other ? s->a[pair] : s->b[pair]) * longer;
    }
    return pairs_of(DRAWN, a, b);
}

/* The verdict as compare comes to it. */
static pairs_verdict verdict_of(const series *s, double longer, uint64_t *state) {
    double a[2 * DRAWN], b[2 * DRAWN];
    pairs_ratio first = draw(s, longer, state, a, b);
    pairs_verdict verdict = pairs_judge(&first);
    if (verdict != PAIRS_SLOWER && verdict != PAIRS_FASTER) return verdict;
    pairs_ratio again = draw(s, longer, state, a + DRAWN, b + DRAWN), all = pairs_of(2 * DRAWN, a, b);
    return pairs_confirm(verdict, pairs_judge(&again), &all);
}

typedef struct shares {
    double slower, faster, same, unsure;
} shares;

static shares shares_of(const series *s, double longer) {
    int count[4] = {0};
    uint64_t state = 1;
    for (int i = 0; i < DRAWS; i++) count[verdict_of(s, longer, &state)]++;
    return (shares){(double)count[PAIRS_SLOWER] / DRAWS, (double)count[PAIRS_FASTER] / DRAWS,
                    (double)count[PAIRS_SAME] / DRAWS, (double)count[PAIRS_UNSURE] / DRAWS};
}

static void print_row(const char *load, const char *work, int pairs, const shares *same, double ten, double more) {
    printf("| %s | %s | %d | %.1f%% | %.1f%% | %.1f%% | %.1f%% | %.1f%% | %.1f%% |\n", load, work, pairs,
           100 * same->slower, 100 * same->faster, 100 * same->same, 100 * same->unsure, 100 * ten, 100 * more);
}

int main(int argc, char **argv) {
    series *all = calloc(SERIES_MOST, sizeof *all);
    int check = argc > 2 && strcmp(argv[2], "--check") == 0, n = argc > 1 && all ? read_pairs(argv[1], all) : 0,
        used = 0;
    shares sum = {0, 0, 0, 0};
    double ten_sum = 0, more_sum = 0;
    printf(
        "| machine | work | pairs | said SLOWER | said FASTER | said SAME | not enough evidence | +10%% found | +25%% found |\n"
        "|---|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < n; i++) {
        if (all[i].n < 2 * DRAWN) continue;
        shares same = shares_of(&all[i], 1);
        double ten = shares_of(&all[i], 1.10).slower, more = shares_of(&all[i], 1.25).slower;
        print_row(all[i].load, all[i].work, all[i].n, &same, ten, more);
        sum.slower += same.slower, sum.faster += same.faster, sum.same += same.same, sum.unsure += same.unsure;
        ten_sum += ten, more_sum += more;
        used++;
    }
    free(all);
    if (!used) {
        fprintf(stderr, "bench_verdicts: no pairs: bench_verdicts FILE\n");
        return 2;
    }
    shares mean = {sum.slower / used, sum.faster / used, sum.same / used, sum.unsure / used};
    double ten = ten_sum / used, more = more_sum / used;
    print_row("all", "the mean of these", DRAWN, &mean, ten, more);
    int alarms = mean.slower + mean.faster <= FALSE_ALARMS, found = ten >= FOUND_10, sure = more >= FOUND_25;
    printf("\nfalse alarms at most 1%%: %s; +10%% found in at least 80%%: %s; +25%% in at least 99%%: %s\n",
           alarms ? "met" : "missed", found ? "met" : "missed", sure ? "met" : "missed");
    return check && !(alarms && found && sure);
}
