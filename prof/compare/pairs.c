/* pairs.c - the bootstrap over pairs, and the verdict. */
#include "prof/compare/pairs.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SEED 20240229u
#define TAIL 0.05 /* on either side; a verdict wants a repetition besides (pairs_confirm) */

const char *pairs_verdict_name(pairs_verdict verdict) {
    static const char *const names[] = {"SAME", "FASTER", "SLOWER", "NOT ENOUGH EVIDENCE"};
    return names[verdict];
}

uint64_t pairs_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t pairs_random_below(uint64_t *state, uint32_t n) { return (uint32_t)(((pairs_random(state) >> 32) * n) >> 32); }

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The mean of the middle half: what few strays move little, and yet nearly as sharp as a mean. Of values in ascending
 * order, each `times` over (NULL: once), n with these. */
static double midmean(const double *value, const uint32_t *times, int n) {
    int cut = n / 4, end = n - cut, place = 0, from = cut;
    double sum = 0;
    for (int i = 0; from < end; i++) {
        place += times ? (int)times[i] : 1;
        int to = place < cut ? cut : place < end ? place : end;
        sum += (to - from) * value[i];
        from = to;
    }
    return sum / (n - 2 * cut);
}

/* The middles of resamples, which need no sorting: they are told by how often each of the sorted values was drawn. */
static void bootstrap(int n, const double *sorted, double *low, double *high) {
    static const int last = PAIRS_RESAMPLES - 1;
    uint32_t *times = malloc((size_t)n * sizeof *times);
    double *middle = malloc(PAIRS_RESAMPLES * sizeof *middle);
    uint64_t state = SEED;
    if (times && middle) {
        for (int k = 0; k < PAIRS_RESAMPLES; k++) {
            memset(times, 0, (size_t)n * sizeof *times);
            for (int i = 0; i < n; i++) times[pairs_random_below(&state, (uint32_t)n)]++;
            middle[k] = midmean(sorted, times, n);
        }
        qsort(middle, PAIRS_RESAMPLES, sizeof *middle, by_value);
        *low = middle[(int)(TAIL * last)];
        *high = middle[last - (int)(TAIL * last)];
    }
    free(times);
    free(middle);
}

pairs_ratio pairs_of(int n, const double *a, const double *b) {
    pairs_ratio found = {NAN, NAN, NAN, 0};
    double *log_ratio = malloc((size_t)(n > 0 ? n : 1) * sizeof *log_ratio), low = -INFINITY, high = INFINITY;
    for (int i = 0; log_ratio && i < n && i < PAIRS_MOST; i++)
        if (a[i] > 0 && b[i] > 0 && isfinite(a[i]) && isfinite(b[i])) log_ratio[found.pairs++] = log(b[i] / a[i]);
    if (found.pairs > 0) {
        qsort(log_ratio, (size_t)found.pairs, sizeof *log_ratio, by_value);
        bootstrap(found.pairs, log_ratio, &low, &high);
        found.low = exp(low);
        found.high = exp(high);
        found.ratio = exp(midmean(log_ratio, NULL, found.pairs));
    }
    free(log_ratio);
    return found;
}

pairs_verdict pairs_judge(const pairs_ratio *ratio) {
    if (ratio->pairs < PAIRS_LEAST) return PAIRS_UNSURE;
    if (ratio->low > PAIRS_MARGIN) return PAIRS_SLOWER;
    if (ratio->high < 1 / PAIRS_MARGIN) return PAIRS_FASTER;
    return ratio->low >= 1 / PAIRS_MARGIN && ratio->high <= PAIRS_MARGIN ? PAIRS_SAME : PAIRS_UNSURE;
}

pairs_verdict pairs_confirm(pairs_verdict first, const pairs_ratio *again, const pairs_ratio *all) {
    const bool beyond = first == PAIRS_SLOWER ? again->ratio > PAIRS_MARGIN : again->ratio < 1 / PAIRS_MARGIN;
    const pairs_verdict together = pairs_judge(all);
    if (together == first && beyond && again->pairs >= PAIRS_LEAST) return first;
    return together == PAIRS_SAME ? PAIRS_SAME : PAIRS_UNSURE;
}
