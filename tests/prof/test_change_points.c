/* test_change_points.c - series whose changes are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "prof/compare/change_points.h"
#include "prof/compare/pairs.h"

#define N 120

/* A standard normal number, by Box and Muller. */
static double normal(uint64_t *state) {
    double u = ((double)(pairs_random(state) >> 11) + 1) / 9007199254740993.0, v = (double)(pairs_random(state) >> 11);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v / 9007199254740992.0);
}

/* Values about 1, of that noise, times `step` from `at` on. */
static void make(double *x, int n, double noise, int at, double step, uint64_t seed) {
    for (int i = 0; i < n; i++) x[i] = exp(noise * normal(&seed)) * (i >= at ? step : 1);
}

static void a_step_is_found_where_it_is(void **state) {
    (void)state;
    const double steps[] = {1.10, 1.25, 0.85};
    change_point found[8];
    double x[N];
    for (int s = 0; s < 3; s++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            make(x, N, 0.02, 70, steps[s], seed);
            assert_int_equal(change_points_find(N, x, found, 8), 1);
            assert_in_range(found[0].at, 69, 71);
            assert_true(fabs(found[0].magnitude - (steps[s] - 1)) < 0.03);
            assert_true(found[0].p <= CHANGE_P);
            assert_true(fabs(found[0].before - 1) < 0.02);
        }
}

static void noise_alone_has_none(void **state) {
    (void)state;
    change_point found[8];
    double x[N];
    int alarms = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        make(x, N, seed % 2 ? 0.02 : 0.2, N, 1, seed);
        alarms += change_points_find(N, x, found, 8) > 0;
    }
    assert_true(alarms <= 1); /* of 100 series, each of five windows at p 0.001 */
}

static void small_steps_are_none(void **state) {
    (void)state;
    change_point found[8];
    double x[N];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        make(x, N, 0.002, 60, 1.03, seed); /* as clear as can be, but of 3% */
        assert_int_equal(change_points_find(N, x, found, 8), 0);
    }
}

static void outliers_are_none(void **state) {
    (void)state;
    change_point found[8];
    double x[N];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        make(x, N, 0.02, N, 1, seed);
        for (int i = 7; i < N; i += 19) x[i] *= 3;
        x[40] = x[41] = 5;
        assert_int_equal(change_points_find(N, x, found, 8), 0);
    }
}

static void a_step_among_outliers_is_found(void **state) {
    (void)state;
    change_point found[8];
    double x[N];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        make(x, N, 0.02, 60, 1.2, seed);
        for (int i = 7; i < N; i += 19) x[i] *= 3;
        assert_int_equal(change_points_find(N, x, found, 8), 1);
        assert_in_range(found[0].at, 58, 62);
    }
}

static void two_steps_are_two(void **state) {
    (void)state;
    change_point found[8];
    double x[N];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        make(x, N, 0.02, 40, 1.2, seed);
        for (int i = 80; i < N; i++) x[i] /= 1.2;
        assert_int_equal(change_points_find(N, x, found, 8), 2);
        assert_in_range(found[0].at, 39, 41);
        assert_in_range(found[1].at, 79, 81);
        assert_true(found[0].magnitude > 0 && found[1].magnitude < 0);
    }
}

/* What creeps is no step anywhere, but after enough of it the level is another one: found by and by, never at once. */
static void drift_is_told_by_its_size(void **state) {
    (void)state;
    change_point found[8];
    double x[N];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        make(x, N, 0.02, N, 1, seed);
        for (int i = 0; i < N; i++) x[i] *= exp(0.03 * i / N); /* 3% over all of it */
        assert_int_equal(change_points_find(N, x, found, 8), 0);
        for (int i = 0; i < N; i++) x[i] *= exp(0.3 * i / N); /* a third more */
        int n = change_points_find(N, x, found, 8);
        assert_in_range(n, 1, 8);
        for (int k = 0; k < n; k++) assert_true(found[k].magnitude > 0);
    }
}

static void the_newest_step_needs_a_few_values(void **state) {
    (void)state;
    change_point found[8];
    double x[N];
    for (int after = 0; after <= 8; after++) {
        make(x, N, 0.01, N - after, 1.3, 3);
        int n = change_points_find(N, x, found, 8);
        if (after < CHANGE_SHORTEST - 1) assert_int_equal(n, 0);
        if (after >= CHANGE_SHORTEST) assert_int_equal(n, 1);
    }
}

static void odd_series(void **state) {
    (void)state;
    change_point found[2];
    double x[N] = {0};
    assert_int_equal(change_points_find(0, x, found, 2), 0);
    assert_int_equal(change_points_find(N, x, found, 2), 0); /* nothing above 0 */
    for (int i = 0; i < N; i++) x[i] = 2;
    assert_int_equal(change_points_find(N, x, found, 2), 0);
    x[5] = NAN, x[6] = INFINITY, x[7] = -1, x[8] = 1e-300, x[9] = 1e300;
    assert_int_equal(change_points_find(N, x, found, 2), 0);
    for (int i = 60; i < N; i++) x[i] = 4; /* without noise */
    assert_int_equal(change_points_find(N, x, found, 2), 1);
    assert_int_equal(found[0].at, 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_found_where_it_is),
        cmocka_unit_test(noise_alone_has_none),
        cmocka_unit_test(small_steps_are_none),
        cmocka_unit_test(outliers_are_none),
        cmocka_unit_test(a_step_among_outliers_is_found),
        cmocka_unit_test(two_steps_are_two),
        cmocka_unit_test(drift_is_told_by_its_size),
        cmocka_unit_test(the_newest_step_needs_a_few_values),
        cmocka_unit_test(odd_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
