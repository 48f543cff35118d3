/* test_histogram.c - the log buckets against sorted samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "prof/histogram.h"

static uint64_t random_next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 11;
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void every_value_lies_in_its_bucket(void **state) {
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        uint64_t value = (random_next(&seed) << 11) >> (i % 64);
        unsigned bucket = msio_histogram_bucket(value);
        assert_true(bucket < MSIO_HISTOGRAM_BUCKETS);
        assert_true(value <= msio_histogram_highest(bucket));
        if (bucket > 0) assert_true(value > msio_histogram_highest(bucket - 1));
    }
}

static void edges_of_buckets_follow_each_other(void **state) {
    (void)state;
    for (unsigned i = 0; i + 1 < MSIO_HISTOGRAM_BUCKETS; i++) {
        uint64_t highest = msio_histogram_highest(i);
        assert_int_equal(msio_histogram_bucket(highest), i);
        assert_int_equal(msio_histogram_bucket(highest + 1), i + 1);
    }
}

static void the_last_bucket_ends_at_the_largest_value(void **state) {
    (void)state;
    assert_int_equal(msio_histogram_bucket(UINT64_MAX), MSIO_HISTOGRAM_BUCKETS - 1);
    assert_true(msio_histogram_highest(MSIO_HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

static void check_quantiles(uint64_t *samples, size_t n) {
    static const double shares[] = {0.0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0};
    uint64_t counts[MSIO_HISTOGRAM_BUCKETS] = {0};
    for (size_t i = 0; i < n; i++) counts[msio_histogram_bucket(samples[i])]++;
    qsort(samples, n, sizeof *samples, compare);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        /* the smallest sample that at least this share of all does not exceed */
        size_t rank = 0;
        while (rank + 1 < n && (double)(rank + 1) < shares[i] * (double)n) rank++;
        uint64_t wanted = samples[rank], got = msio_histogram_quantile(counts, shares[i]);
        assert_true(got >= wanted);
        assert_true(got - wanted <= wanted / 8);
    }
}

static void quantiles_are_at_most_an_eighth_above_the_sorted_samples(void **state) {
    (void)state;
    enum { SAMPLES = 20000 };
    uint64_t *samples = malloc(SAMPLES * sizeof *samples);
    uint64_t seed = 2;
    assert_non_null(samples);
    for (int width = 1; width <= 52; width += 3) {
        for (int i = 0; i < SAMPLES; i++) samples[i] = random_next(&seed) & (((uint64_t)1 << width) - 1);
        check_quantiles(samples, SAMPLES);
    }
    for (int i = 0; i < SAMPLES; i++) samples[i] = ((uint64_t)1 << 20) >> (random_next(&seed) % 21);
    check_quantiles(samples, SAMPLES);
    free(samples);
}

static void few_samples_have_quantiles_too(void **state) {
    (void)state;
    uint64_t samples[] = {1000, 7, 123456789};
    for (size_t n = 1; n <= 3; n++) check_quantiles(samples, n);
}

static void nothing_counted_is_zero(void **state) {
    (void)state;
    uint64_t counts[MSIO_HISTOGRAM_BUCKETS] = {0};
    assert_true(msio_histogram_quantile(counts, 0.5) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_lies_in_its_bucket),
        cmocka_unit_test(edges_of_buckets_follow_each_other),
        cmocka_unit_test(the_last_bucket_ends_at_the_largest_value),
        cmocka_unit_test(quantiles_are_at_most_an_eighth_above_the_sorted_samples),
        cmocka_unit_test(few_samples_have_quantiles_too),
        cmocka_unit_test(nothing_counted_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
