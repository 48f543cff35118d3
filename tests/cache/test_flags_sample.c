/* test_flags_sample.c - the sampled fraction: its interval holds the truth in 95 of 100 samples, whatever the pattern
 * of flags; draws are without replacement. */
#include "cache/flags_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#define SEEDS 400
#define ELEMENTS 98304.0 /* of a tile: 1024 rows of 48 channels and 2 correlations */

/* ---------------------------------------------------------------- patterns of flags */

static double uniform(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Flagged fraction of tile i of n. */
typedef double (*pattern)(int64_t i, int64_t n, uint64_t *state);

static double independent(int64_t i, int64_t n, uint64_t *state) {
    double sum = 0;
    (void)i;
    (void)n;
    for (int k = 0; k < 12; k++) sum += uniform(state); /* nearly normal */
    return 0.035 + (sum - 6) * sqrt(0.035 * 0.965 / ELEMENTS);
}
static double whole_tiles(int64_t i, int64_t n, uint64_t *state) {
    (void)i;
    (void)n;
    return uniform(state) < 0.2;
}
static double some_in_all(int64_t i, int64_t n, uint64_t *state) {
    (void)i;
    (void)n;
    return uniform(state) < 0.1 ? uniform(state) : 0.02;
}
static double time_blocks(int64_t i, int64_t n, uint64_t *state) {
    (void)state;
    return i * 24 / n % 8 == 3 ? 0.9 : 0.01;
}
static double rare_bursts(int64_t i, int64_t n, uint64_t *state) {
    (void)n;
    (void)state;
    return i % 100 == 17;
}
static double very_rare_bursts(int64_t i, int64_t n, uint64_t *state) {
    (void)n;
    (void)state;
    return i % 400 == 17;
}
static double few_clean(int64_t i, int64_t n, uint64_t *state) {
    (void)n;
    (void)state;
    return i % 70 != 5;
}
static double clean(int64_t i, int64_t n, uint64_t *state) {
    (void)i;
    (void)n;
    (void)state;
    return 0;
}
static double growing(int64_t i, int64_t n, uint64_t *state) {
    (void)state;
    double t = (double)i / (double)n;
    return t * t * t * t;
}

/* ---------------------------------------------------------------- sampling them */

typedef struct table {
    int64_t n;
    double *x, *y, all_x, truth;
} table;

static table make_table(pattern flags, int64_t n, bool ragged) {
    table t = {.n = n, .x = calloc((size_t)n, sizeof(double)), .y = calloc((size_t)n, sizeof(double))};
    uint64_t state = 7;
    double all_y = 0;
    for (int64_t i = 0; i < n; i++) {
        t.x[i] = ragged ? floor(ELEMENTS * (i % 5 == 0 ? 0.1 : i == n - 1 ? 0.3 : 1)) : ELEMENTS;
        t.y[i] = floor(t.x[i] * fmin(1, fmax(0, flags(i, n, &state))));
        t.all_x += t.x[i];
        all_y += t.y[i];
    }
    t.truth = all_y / t.all_x;
    return t;
}

static msio_flags_drawn sample(const table *t, uint64_t seed, double width) {
    msio_flags_drawn drawn = {.all_tiles = t->n, .elements_of_all = t->all_x};
    msio_flags_draws draws;
    msio_flags_draws_start(&draws, seed, t->n);
    while (!msio_flags_enough(&drawn, width))
        for (int64_t k = msio_flags_next_look(&drawn); k > 0; k--) {
            int64_t tile = msio_flags_draws_next(&draws);
            assert_true(tile >= 0 && tile < t->n);
            msio_flags_drawn_add(&drawn, t->x[tile], t->y[tile]);
        }
    msio_flags_draws_free(&draws);
    return drawn;
}

/* The share of samples whose interval holds the truth must not lie below 95% by more than chance explains. */
static void check_coverage(pattern flags, const char *name) {
    static const struct {
        int64_t n;
        double width;
    } cases[] = {{100, 0.05}, {1746, 0.01}, {1746, 0.03}, {1746, 0.1}, {20000, 0.02}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
        for (int ragged = 0; ragged < 2; ragged++) {
            table t = make_table(flags, cases[c].n, ragged);
            int held = 0;
            double tiles = 0;
            for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                msio_flags_drawn drawn = sample(&t, seed * 1000003, cases[c].width);
                msio_flags_interval i = msio_flags_estimate(&drawn);
                held += i.low <= t.truth + 1e-12 && t.truth <= i.high + 1e-12;
                tiles += (double)drawn.tiles / SEEDS;
                assert_true((i.high - i.low) / 2 <= cases[c].width);
                assert_true(i.low <= i.fraction && i.fraction <= i.high);
            }
            print_message("%s, %lld tiles%s, width %g: %.1f%% hold, %.0f tiles drawn\n", name, (long long)t.n,
                          ragged ? " of many sizes" : "", cases[c].width, 100.0 * held / SEEDS, tiles);
            assert_true(held >= SEEDS * 0.93);
            free(t.x);
            free(t.y);
        }
}

#define COVERAGE(pattern)                                                                                              \
    static void holds_for_##pattern(void **state) {                                                                    \
        (void)state;                                                                                                   \
        check_coverage(pattern, #pattern);                                                                             \
    }
COVERAGE(independent)
COVERAGE(whole_tiles)
COVERAGE(some_in_all)
COVERAGE(time_blocks)
COVERAGE(rare_bursts)
COVERAGE(very_rare_bursts)
COVERAGE(few_clean)
COVERAGE(clean)
COVERAGE(growing)

/* ---------------------------------------------------------------- the rest */

static void a_clean_sample_leaves_doubt(void **state) {
    (void)state;
    msio_flags_drawn drawn = {.all_tiles = 10000};
    for (int i = 0; i < 100; i++) msio_flags_drawn_add(&drawn, ELEMENTS, 0);
    msio_flags_interval i = msio_flags_estimate(&drawn);
    assert_true(i.fraction == 0 && i.low == 0);
    assert_true(i.high > 0.025); /* 3 in 100 tiles may be flagged, and the sample miss them: (1 - 0.03)^100 is 5% */
    assert_true(i.high < 0.07);
}

static void all_tiles_are_exact(void **state) {
    (void)state;
    msio_flags_drawn drawn = {.all_tiles = 3};
    msio_flags_drawn_add(&drawn, 100, 10);
    msio_flags_drawn_add(&drawn, 300, 0);
    msio_flags_drawn_add(&drawn, 100, 100);
    msio_flags_interval i = msio_flags_estimate(&drawn);
    assert_true(i.fraction == 0.22 && i.low == i.fraction && i.high == i.fraction);
    assert_true(msio_flags_enough(&drawn, 1e-9));
}

static void nothing_drawn_is_nothing_known(void **state) {
    (void)state;
    msio_flags_drawn drawn = {.all_tiles = 3}, empty = {0};
    msio_flags_interval i = msio_flags_estimate(&drawn);
    assert_true(i.low == 0 && i.high == 1);
    assert_false(msio_flags_enough(&drawn, 0.4));
    i = msio_flags_estimate(&empty);
    assert_true(i.fraction == 0 && i.high == 0);
    assert_true(msio_flags_enough(&empty, 0.4));
}

static void draws_take_each_once(void **state) {
    (void)state;
    enum { N = 5000 };
    static bool seen[N];
    msio_flags_draws draws;
    msio_flags_draws_start(&draws, 42, N);
    for (int i = 0; i < N; i++) {
        int64_t tile = msio_flags_draws_next(&draws);
        assert_true(tile >= 0 && tile < N && !seen[tile]);
        seen[tile] = true;
    }
    assert_int_equal(msio_flags_draws_next(&draws), -1);
    msio_flags_draws_free(&draws);
}

static void draws_favour_no_tile(void **state) {
    (void)state;
    enum { N = 10, TRIES = 20000 };
    int first[N] = {0}, third[N] = {0};
    for (uint64_t seed = 0; seed < TRIES; seed++) {
        msio_flags_draws draws;
        msio_flags_draws_start(&draws, seed, N);
        first[msio_flags_draws_next(&draws)]++;
        msio_flags_draws_next(&draws);
        third[msio_flags_draws_next(&draws)]++;
        msio_flags_draws_free(&draws);
    }
    for (int i = 0; i < N; i++) { /* 5 standard deviations */
        assert_true(abs(first[i] - TRIES / N) < 5 * 43);
        assert_true(abs(third[i] - TRIES / N) < 5 * 43);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_for_independent), cmocka_unit_test(holds_for_whole_tiles),
        cmocka_unit_test(holds_for_some_in_all), cmocka_unit_test(holds_for_time_blocks),
        cmocka_unit_test(holds_for_rare_bursts), cmocka_unit_test(holds_for_very_rare_bursts),
        cmocka_unit_test(holds_for_few_clean),   cmocka_unit_test(holds_for_clean),
        cmocka_unit_test(holds_for_growing),     cmocka_unit_test(a_clean_sample_leaves_doubt),
        cmocka_unit_test(all_tiles_are_exact),   cmocka_unit_test(nothing_drawn_is_nothing_known),
        cmocka_unit_test(draws_take_each_once),  cmocka_unit_test(draws_favour_no_tile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
