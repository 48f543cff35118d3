/* test_pairs.c - pairs whose truth is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "prof/compare/pairs.h"

#define N 30

/* Pairs of which b takes `ratio` times as long, with noise of both up to a share, and one stray of each. */
static pairs_ratio made(double ratio, double noise, uint64_t seed) {
    double a[N], b[N];
    for (int i = 0; i < N; i++) {
        a[i] = 1 + noise * ((double)pairs_random_below(&seed, 1000) / 1000 - 0.5);
        b[i] = ratio * (1 + noise * ((double)pairs_random_below(&seed, 1000) / 1000 - 0.5));
    }
    a[3] *= 4;
    b[17] *= 6;
    return pairs_of(N, a, b);
}

static void each_verdict_of_its_truth(void **state) {
    (void)state;
    static const struct {
        double ratio, noise;
        pairs_verdict verdict;
    } cases[] = {{1, 0.02, PAIRS_SAME},     {1.01, 0.02, PAIRS_SAME},      {1.10, 0.05, PAIRS_SLOWER},
                 {1.25, 0.3, PAIRS_SLOWER}, {1 / 1.1, 0.05, PAIRS_FASTER}, {0.5, 0.3, PAIRS_FASTER},
                 {1, 0.3, PAIRS_UNSURE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            pairs_ratio r = made(cases[i].ratio, cases[i].noise, seed);
            assert_int_equal(pairs_judge(&r), cases[i].verdict);
            assert_true(r.low <= r.ratio && r.ratio <= r.high);
            assert_int_equal(r.pairs, N);
        }
}

static void the_same_pairs_give_the_same_answer(void **state) {
    (void)state;
    pairs_ratio once = made(1.1, 0.3, 5), again = made(1.1, 0.3, 5);
    assert_memory_equal(&once, &again, sizeof once);
}

static void few_pairs_are_no_evidence(void **state) {
    (void)state;
    double a[PAIRS_LEAST], b[PAIRS_LEAST];
    for (int i = 0; i < PAIRS_LEAST; i++) a[i] = 1, b[i] = 2;
    pairs_ratio r = pairs_of(PAIRS_LEAST, a, b);
    assert_int_equal(pairs_judge(&r), PAIRS_SLOWER);
    a[0] = 0; /* no time */
    r = pairs_of(PAIRS_LEAST, a, b);
    assert_int_equal(r.pairs, PAIRS_LEAST - 1);
    assert_int_equal(pairs_judge(&r), PAIRS_UNSURE);
    r = pairs_of(0, a, b);
    assert_int_equal(pairs_judge(&r), PAIRS_UNSURE);
}

static void slower_and_faster_want_to_be_seen_twice(void **state) {
    (void)state;
    pairs_ratio slow = {1.2, 1.1, 1.3, 60}, fast = {0.8, 0.7, 0.9, 60}, same = {1, 0.99, 1.01, 60};
    pairs_ratio wide = {1.2, 0.9, 1.5, 30}, little = {1.02, 0.9, 1.2, 30};
    assert_int_equal(pairs_confirm(PAIRS_SLOWER, &slow, &slow), PAIRS_SLOWER);
    assert_int_equal(pairs_confirm(PAIRS_FASTER, &fast, &fast), PAIRS_FASTER);
    assert_int_equal(pairs_confirm(PAIRS_SLOWER, &wide, &slow), PAIRS_SLOWER); /* both together are sure */
    assert_int_equal(pairs_confirm(PAIRS_SLOWER, &slow, &wide), PAIRS_UNSURE);
    assert_int_equal(pairs_confirm(PAIRS_SLOWER, &little, &slow), PAIRS_UNSURE);
    assert_int_equal(pairs_confirm(PAIRS_SLOWER, &fast, &slow), PAIRS_UNSURE);
    assert_int_equal(pairs_confirm(PAIRS_FASTER, &slow, &slow), PAIRS_UNSURE);
    assert_int_equal(pairs_confirm(PAIRS_FASTER, &same, &same), PAIRS_SAME);
}

/* The same program twice, as often twice as slow as not, by chance: at most 1% of comparisons may call that a change.
 */
static void wild_noise_raises_few_false_alarms(void **state) {
    (void)state;
    uint64_t seed = 5;
    int alarms = 0;
    for (int i = 0; i < 2000; i++) {
        double side[2][2 * N];
        for (int k = 0; k < 4 * N; k++) side[k % 2][k / 2] = 1 + pairs_random_below(&seed, 2);
        const pairs_ratio one = pairs_of(N, side[0], side[1]), again = pairs_of(N, side[0] + N, side[1] + N),
                          all = pairs_of(2 * N, side[0], side[1]);
        const pairs_verdict looked = pairs_judge(&one);
        if (looked == PAIRS_SLOWER || looked == PAIRS_FASTER) alarms += pairs_confirm(looked, &again, &all) == looked;
    }
    assert_in_range(alarms, 0, 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verdict_of_its_truth),          cmocka_unit_test(the_same_pairs_give_the_same_answer),
        cmocka_unit_test(few_pairs_are_no_evidence),          cmocka_unit_test(slower_and_faster_want_to_be_seen_twice),
        cmocka_unit_test(wild_noise_raises_few_false_alarms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
