/* change_points.c - E-divisive by windows, with a permutation test. */
#include "prof/compare/change_points.h"

#include "prof/compare/pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PERMUTATIONS 1999
#define SEED 19840612u
#define HALF (CHANGE_WINDOW / 2)

/* The energy statistic of the first m of n values against the others, from the three sums of distances. */
static double energy(double between, double within_first, double within_last, int m, int n) {
    double a = m, b = n - m;
    double value = 2 * between / (a * b) - 2 * within_first / (a * (a - 1)) - 2 * within_last / (b * (b - 1));
    return value * a * b / (a + b);
}

/* Where n values are divided best, and the statistic there; sums are moved on from one place to the next. */
static double divide(const double *x, int n, int *at) {
    double first = 0, between = 0, last = 0, best = -INFINITY;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++) last += fabs(x[i] - x[j]);
    *at = 0;
    for (int m = 1; m <= n - CHANGE_SHORTEST; m++) { /* x[m - 1] goes from the last to the first */
        double to_first = 0, to_last = 0;
        for (int i = 0; i < m - 1; i++) to_first += fabs(x[i] - x[m - 1]);
        for (int j = m; j < n; j++) to_last += fabs(x[j] - x[m - 1]);
        first += to_first;
        last -= to_last;
        between += to_last - to_first;
        if (m < CHANGE_SHORTEST) continue;
        double q = energy(between, first, last, m, n);
        if (q > best) best = q, *at = m;
    }
    return best;
}

/* The statistic of a division that is given. */
static double divided(const double *x, int n, int m) {
    double first = 0, between = 0, last = 0;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++) *(j < m ? &first : i < m ? &between : &last) += fabs(x[i] - x[j]);
    return energy(between, first, last, m, n);
}

/* p of a statistic among those of shuffled values: of their best divisions (m 0), or of division m. It need not be
 * exact where it is too large anyway. */
static double p_of(const double *x, int n, int m, double statistic) {
    double shuffled[CHANGE_WINDOW];
    uint64_t state = SEED;
    int above = 0, at;
    memcpy(shuffled, x, (size_t)n * sizeof *x);
    for (int k = 0; k < PERMUTATIONS; k++) {
        for (int i = n - 1; i > 0; i--) {
            int j = (int)pairs_random_below(&state, (uint32_t)i + 1);
            double kept = shuffled[i];
            shuffled[i] = shuffled[j];
            shuffled[j] = kept;
        }
        above += (m ? divided(shuffled, n, m) : divide(shuffled, n, &at)) >= statistic;
        if (above + 1 > 4 * CHANGE_P * (PERMUTATIONS + 1)) return (above + 1) / (double)(k + 2);
    }
    return (above + 1) / (double)(PERMUTATIONS + 1);
}

/* Marks the changes among n values of a window, by dividing on and on. */
static void divide_window(const double *x, int n, unsigned char *mark) {
    int at;
    if (n < 2 * CHANGE_SHORTEST) return;
    double statistic = divide(x, n, &at);
    if (!(statistic > 0) || p_of(x, n, 0, statistic) > CHANGE_P) return;
    mark[at] = 1;
    divide_window(x, at, mark);
    divide_window(x + at, n - at, mark + at);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(const double *x, int n) {
    double sorted[CHANGE_WINDOW];
    memcpy(sorted, x, (size_t)n * sizeof *x);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* A point tested between its neighbours, of whose levels half a window each is looked at. */
static change_point test_point(const double *x, int before, int at, int after) {
    int m = at - before < HALF ? at - before : HALF, last = after - at < HALF ? after - at : HALF;
    const double *from = x + at - m;
    double low = median_of(from, m), high = median_of(x + at, last), statistic = divided(from, m + last, m);
    change_point p = {at, exp(low), exp(high), exp(high - low) - 1, 1};
    if (m >= CHANGE_SHORTEST && last >= CHANGE_SHORTEST && statistic > 0) p.p = p_of(from, m + last, m, statistic);
    return p;
}

/* How large a change is, the same up and down. */
static double size_of(const change_point *p) { return fabs(log(p->after / p->before)); }

static int is_sound(const change_point *p) {
    return p->p <= CHANGE_P && (p->magnitude >= CHANGE_MAGNITUDE || 1 / (1 + p->magnitude) - 1 >= CHANGE_MAGNITUDE);
}

/* Tests the points marked; the weakest that is not sound goes. Returns how many there are, -1 - that where one went. */
static int weed(const double *x, int n, unsigned char *mark, change_point *found, int most) {
    int count = 0, before = 0, weakest = -1;
    double least = INFINITY;
    for (int at = 1; at < n; at++) {
        int after = at + 1;
        if (!mark[at]) continue;
        while (after < n && !mark[after]) after++;
        change_point p = test_point(x, before, at, after);
        if (!is_sound(&p) && size_of(&p) < least) least = size_of(&p), weakest = at;
        if (count < most) found[count++] = p;
        before = at;
    }
    if (weakest < 0) return count;
    mark[weakest] = 0;
    return -1 - count;
}

int change_points_find(int n, const double *value, change_point *found, int most) {
    if (n < 2 * CHANGE_SHORTEST || n > CHANGE_SERIES_MOST) return 0;
    double *x = malloc((size_t)n * sizeof *x);
    unsigned char *mark = calloc((size_t)n, 1);
    int count = -1;
    if (x && mark) {
        for (int i = 0; i < n; i++) x[i] = value[i] > 0 && isfinite(value[i]) ? log(value[i]) : i ? x[i - 1] : 0;
        for (int from = 0; from < n; from += HALF) {
            divide_window(x + from, n - from < CHANGE_WINDOW ? n - from : CHANGE_WINDOW, mark + from);
            if (from + CHANGE_WINDOW >= n) break;
        }
        do count = weed(x, n, mark, found, most);
        while (count < 0);
    }
    free(mark);
    free(x);
    return count;
}
