/* bench_verdicts.c - how often the verdict of `msio compare` is right: over recorded pairs of a command with itself,
 * drawn again and again, as they are and with one side made longer.
 *
 * usage: bench_verdicts FILE [--check]    FILE of bench/record_pairs.py; --check: exit code 1 where one is missed
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
static pairs_ratio draw(const series *s, uint64_t *state, double *a, double *b) {
    int from = (int)pairs_random_below(state, (uint32_t)(s->n - DRAWN + 1));
    for (int i = 0; i < DRAWN; i++) {
        int pair = from + (int)pairs_random_below(state, DRAWN), other = (int)pairs_random_below(state, 2);
        a[i] = other ? s->b[pair] : s->a[pair];
        b[i] = other ? s->a[pair] : s->b[pair];
    }
    return pairs_of(DRAWN, a, b);
}

/* A measuring and its repetition. */
typedef struct drawing {
    double a[2 * DRAWN], b[2 * DRAWN];
    pairs_ratio first, again, all; /* all.pairs 0: not asked for yet */
} drawing;

/* What is found where every b takes longer: the same, by that factor, as all of it is made of logarithms. */
static pairs_ratio lengthened(pairs_ratio r, double longer) {
    r.ratio *= longer, r.low *= longer, r.high *= longer;
    return r;
}

/* The verdict as compare comes to it. */
static pairs_verdict verdict_of(drawing *d, double longer) {
    pairs_ratio first = lengthened(d->first, longer), again = lengthened(d->again, longer);
    pairs_verdict looked = pairs_judge(&first);
    if (looked != PAIRS_SLOWER && looked != PAIRS_FASTER) return looked;
    if (!d->all.pairs) d->all = pairs_of(2 * DRAWN, d->a, d->b);
    pairs_ratio all = lengthened(d->all, longer);
    return pairs_confirm(looked, &again, &all);
}

typedef struct shares {
    double slower, faster, same, unsure;
} shares;

static shares shares_of(drawing *drawn, double longer) {
    int count[4] = {0};
    for (int i = 0; i < DRAWS; i++) count[verdict_of(&drawn[i], longer)]++;
    return (shares){(double)count[PAIRS_SLOWER] / DRAWS, (double)count[PAIRS_FASTER] / DRAWS,
                    (double)count[PAIRS_SAME] / DRAWS, (double)count[PAIRS_UNSURE] / DRAWS};
}

static void print_row(const char *load, const char *work, int pairs, const shares *same, double ten, double more) {
    printf("| %s | %s | %d | %.1f%% | %.1f%% | %.1f%% | %.1f%% | %.1f%% | %.1f%% |\n", load, work, pairs,
           100 * same->slower, 100 * same->faster, 100 * same->same, 100 * same->unsure, 100 * ten, 100 * more);
}

/* What the series of one machine's state come to. */
typedef struct figures {
    const char *load;
    int series;
    shares same; /* sums */
    double ten, more;
} figures;

static figures *figures_of(figures *all, int *n, const char *load) {
    for (int i = 0; i < *n; i++)
        if (strcmp(all[i].load, load) == 0) return &all[i];
    all[*n] = (figures){.load = load};
    return &all[(*n)++];
}

static void add(figures *f, const shares *same, double ten, double more) {
    f->same.slower += same->slower, f->same.faster += same->faster;
    f->same.same += same->same, f->same.unsure += same->unsure;
    f->ten += ten, f->more += more;
    f->series++;
}

/* Prints whether the figures are met. Returns 1 where one is missed. */
static int judge(const figures *f) {
    double n = f->series, alarms = (f->same.slower + f->same.faster) / n;
    int few = alarms <= FALSE_ALARMS, found = f->ten / n >= FOUND_10, sure = f->more / n >= FOUND_25;
    printf(
        "%s: false alarms at most 1%%: %s (%.2f%%); +10%% found in at least 80%%: %s (%.1f%%); +25%% in at least 99%%: "
        "%s (%.1f%%)\n",
        f->load, few ? "met" : "MISSED", 100 * alarms, found ? "met" : "MISSED", 100 * f->ten / n,
        sure ? "met" : "MISSED", 100 * f->more / n);
    return !(few && found && sure);
}

int main(int argc, char **argv) {
    series *all = calloc(SERIES_MOST, sizeof *all);
    static drawing drawn[DRAWS];
    figures found[SERIES_MOST];
    int check = argc > 2 && strcmp(argv[2], "--check") == 0, missed = 0, loads = 0,
        n = argc > 1 && all ? read_pairs(argv[1], all) : 0;
    printf(
        "| machine | work | pairs | said SLOWER | said FASTER | said SAME | not enough evidence | +10%% found | +25%% "
        "found |\n|---|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < n; i++) {
        if (all[i].n < 2 * DRAWN) continue;
        uint64_t state = 1;
        for (drawing *d = drawn; d < drawn + DRAWS; d++) {
            d->first = draw(&all[i], &state, d->a, d->b);
            d->again = draw(&all[i], &state, d->a + DRAWN, d->b + DRAWN);
            d->all.pairs = 0;
        }
        shares same = shares_of(drawn, 1);
        double ten = shares_of(drawn, 1.10).slower, more = shares_of(drawn, 1.25).slower;
        print_row(all[i].load, all[i].work, all[i].n, &same, ten, more);
        add(figures_of(found, &loads, all[i].load), &same, ten, more);
    }
    putchar('\n');
    for (int i = 0; i < loads; i++) missed |= judge(&found[i]);
    free(all);
    if (!loads) fprintf(stderr, "bench_verdicts: no pairs: bench_verdicts FILE\n");
    return loads ? check && missed : 2;
}
