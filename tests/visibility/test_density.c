/* test_density.c - the loops of density grids, for every instruction set that runs here, and the folding of grids. */
#include "core/random.h"
#include "visibility/density.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 1003 /* no multiple of any vector's length */

static const msio_density_kernel *kernels[3];
static int sets;

static int find_sets(void **state) {
    (void)state;
    kernels[sets++] = &msio_density_generic;
#if defined(MSIO_DENSITY_X86)
    if (__builtin_cpu_supports("avx2")) kernels[sets++] = &msio_density_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        kernels[sets++] = &msio_density_avx512;
#endif
    return 0;
}

/* Values of all sizes, and those whose angles are known exactly. */
static void make_values(float *value, uint8_t *used) {
    static const float known[][2] = {{0, 0},
                                     {1, 0},
                                     {0, 1},
                                     {-1, 0},
                                     {0, -1},
                                     {3, 3},
                                     {-2, 2},
                                     {-5, -5},
                                     {7, -7},
                                     {-1, -0.0f},
                                     {FLT_MAX, FLT_MAX},
                                     {FLT_MIN / 8, -FLT_MIN},
                                     {NAN, 1},
                                     {1, INFINITY},
                                     {-INFINITY, NAN}};
    uint64_t state = 3;
    for (int i = 0; i < MANY; i++) {
        const double a = (double)(msio_random_bits(&state) >> 11) * 0x1p-53,
                     b = (double)(msio_random_bits(&state) >> 11) * 0x1p-53;
        const double size = exp((double)(i % 160) - 80.0);
        value[2 * i] = (float)((a - 0.5) * size);
        value[2 * i + 1] = (float)((b - 0.5) * size);
        used[i] = i % 7 != 3;
    }
    memcpy(value, known, sizeof known);
    memset(used, 1, sizeof known / sizeof *known);
}

static double shown(msio_axis axis, float x, float y, bool complex) {
    if (!isfinite(x) || (complex && !isfinite(y))) return NAN;
    if (!complex) return axis == MSIO_AXIS_AMPLITUDE ? fabs((double)x) : (double)x;
    switch (axis) {
    case MSIO_AXIS_AMPLITUDE: return sqrt((double)x * x + (double)y * y);
    case MSIO_AXIS_PHASE: return (double)(atan2l(y, x) * 180.0L / acosl(-1.0L));
    case MSIO_AXIS_REAL: return x;
    default: return y;
    }
}

static void values_are_those_of_the_textbook(void **state) {
    static const msio_axis axes[] = {MSIO_AXIS_AMPLITUDE, MSIO_AXIS_PHASE, MSIO_AXIS_REAL, MSIO_AXIS_IMAGINARY};
    float value[2 * MANY];
    uint8_t used[MANY];
    double got[MANY], first[MANY];
    (void)state;
    make_values(value, used);
    for (int complex = 0; complex < 2; complex++)
        for (int a = 0; a < 4; a++) {
            if (!complex && (a == 1 || a == 3)) continue;
            for (int k = 0; k < sets; k++) {
                const double most = kernels[k]->values(axes[a], value, complex, used, MANY, got);
                double expected_most = 0.0;
                for (int i = 0; i < MANY; i++) {
                    const double want =
                        used[i] ? shown(axes[a], value[complex ? 2 * i : i], value[2 * i + 1], complex) : NAN;
                    if (isnan(want) != isnan(got[i]) || (!isnan(want) && fabs(got[i] - want) > 4e-16 * fabs(want)))
                        fail_msg("%s: value %d is %.17g instead of %.17g", kernels[k]->name, i, got[i], want);
                    if (!isnan(got[i])) expected_most = fmax(expected_most, fabs(got[i]));
                }
                assert_true(most == expected_most);
                if (k == 0) memcpy(first, got, sizeof got);
                for (int i = 0; i < MANY; i++) assert_true(got[i] == first[i] || (isnan(got[i]) && isnan(first[i])));
            }
        }
}

static void known_angles_are_exact(void **state) {
    static const double angles[] = {0, 0, 90, 180, -90, 45, 135, -135, -45, -180};
    float value[2 * MANY];
    uint8_t used[MANY];
    double got[MANY];
    (void)state;
    make_values(value, used);
    for (int k = 0; k < sets; k++) {
        kernels[k]->values(MSIO_AXIS_PHASE, value, true, used, MANY, got);
        for (size_t i = 0; i < sizeof angles / sizeof *angles; i++) assert_true(got[i] == angles[i]);
    }
}

/* The bin by looking at all edges. */
static int32_t bin_of(const msio_scale *s, double value) {
    if (!isfinite(value)) return MSIO_BIN_NOT_FINITE;
    for (int64_t i = 0; i < s->bins; i++) {
        const double from = s->low + (double)i * s->width, to = s->low + (double)(i + 1) * s->width;
        if (value >= from && (value < to || (i == s->bins - 1 && value == to))) return (int32_t)i;
    }
    return MSIO_BIN_OUTSIDE;
}

static void bins_keep_to_their_edges(void **state) {
    static const msio_scale scales[] = {
        {MSIO_AXIS_REAL, 10, -1.0, 0.2, ""},           {MSIO_AXIS_REAL, 7, 0.1, 0.1, ""},
        {MSIO_AXIS_TIME, 24, 5.2e9 - 6.4, 12.885, ""}, {MSIO_AXIS_PHASE, 512, -180, 0.703125, ""},
        {MSIO_AXIS_U, 6, -3e300, 1e300, ""},           {MSIO_AXIS_U, 5, -1e-300, 4e-301, ""}};
    double value[MANY];
    int32_t got[MANY];
    uint64_t random = 11;
    (void)state;
    for (size_t n = 0; n < sizeof scales / sizeof *scales; n++) {
        const msio_scale *s = &scales[n];
        for (int i = 0; i < MANY; i++) {
            const double edge = s->low + (double)(i / 3 % (s->bins + 1)) * s->width;
            value[i] = i % 3 == 0 ? edge : nextafter(edge, i % 3 == 1 ? -INFINITY : INFINITY);
            if (i > MANY / 2)
                value[i] = s->low + ((double)(msio_random_bits(&random) >> 11) * 0x1p-53 * 1.4 - 0.2) *
                                        (double)s->bins * s->width;
        }
        value[1] = NAN, value[2] = INFINITY, value[3] = -INFINITY, value[4] = DBL_MAX, value[5] = -DBL_MAX,
        value[6] = 0.0;
        for (int k = 0; k < sets; k++) {
            kernels[k]->bins(s, value, MANY, got);
            for (int i = 0; i < MANY; i++)
                if (got[i] != bin_of(s, value[i]))
                    fail_msg("%s: scale %zu, %.17g is in bin %d instead of %d", kernels[k]->name, n, value[i], got[i],
                             bin_of(s, value[i]));
        }
    }
}

/* Amplitudes that lie on edges of the scale, one single beside them, and anywhere. */
static void make_amplitudes(const msio_scale *s, float *value, uint8_t *used) {
    uint64_t random = 17;
    make_values(value, used);
    for (int i = 200; i < MANY; i++) {
        const double edge = s->low + (double)(i % (s->bins + 1)) * s->width,
                     turn = (double)(i % 16) * 0.3926990816987241, span = (double)s->bins * s->width;
        const double size = i % 3 ? edge : s->low + (double)(msio_random_bits(&random) >> 11) * 0x1p-53 * span * 1.01;
        value[2 * i] = (float)(size * cos(turn));
        value[2 * i + 1] = i % 16 ? nextafterf((float)(size * sin(turn)), i % 3 == 1 ? 0.0f : FLT_MAX) : 0.0f;
    }
}

/* By the loops of singles the same as by those of doubles, and told where one lies beyond. */
static void amplitudes_are_counted_where_they_lie(void **state) {
    static const msio_scale scales[] = {
        {MSIO_AXIS_AMPLITUDE, 512, 0.0, 0.03125, ""}, {MSIO_AXIS_AMPLITUDE, 512, 0.0, 1.0 / 3, ""},
        {MSIO_AXIS_AMPLITUDE, 8192, 0.0, 1e-3, ""},   {MSIO_AXIS_AMPLITUDE, 100, 3.3, 0.01, ""},
        {MSIO_AXIS_AMPLITUDE, 9, 1e6, 1e-5, ""},      {MSIO_AXIS_AMPLITUDE, 10, 0.0, 1e38, ""},
        {MSIO_AXIS_AMPLITUDE, 64, 0.0, 1e-42, ""},    {MSIO_AXIS_AMPLITUDE, 2, -1e300, 1e300, ""},
        {MSIO_AXIS_AMPLITUDE, 7, 0.0, 0x1p-200, ""},  {MSIO_AXIS_AMPLITUDE, 6, 1e-42, 1e-3, ""}};
    float value[2 * MANY];
    uint8_t used[MANY], all[MANY];
    double shown_as[MANY];
    int32_t want[MANY], got[MANY];
    (void)state;
    memset(all, 1, sizeof all);
    for (size_t n = 0; n < sizeof scales / sizeof *scales; n++)
        for (int k = 0; k < sets; k++) {
            bool beyond = false;
            make_amplitudes(&scales[n], value, used);
            kernels[k]->values(MSIO_AXIS_AMPLITUDE, value, true, all, MANY, shown_as);
            kernels[k]->bins(&scales[n], shown_as, MANY, want);
            for (int i = 0; i < MANY; i++) beyond |= used[i] && want[i] == MSIO_BIN_OUTSIDE;
            assert_true(kernels[k]->amplitudes(&scales[n], value, used, MANY, got) == !beyond);
            for (int i = 0; i < MANY; i++)
                if (got[i] != want[i])
                    fail_msg("%s: scale %zu, |%.9g, %.9g| is in bin %d instead of %d", kernels[k]->name, n,
                             value[2 * i], value[2 * i + 1], got[i], want[i]);
        }
}

static void cells_tell_what_is_nowhere(void **state) {
    int32_t x[MANY], y[MANY], cell[MANY];
    uint8_t used[MANY];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        x[i] = i % 6 - 2;
        y[i] = i / 6 % 7 - 2;
        used[i] = i % 11 != 0;
    }
    for (int k = 0; k < sets; k++) {
        kernels[k]->cells(x, y, used, MANY, 5, 20, cell);
        for (int i = 0; i < MANY; i++) {
            const int32_t want = !used[i]                   ? 20 + MSIO_CELL_UNUSED
                                 : x[i] == -2 || y[i] == -2 ? 20 + MSIO_CELL_NOT_FINITE
                                 : x[i] == -1 || y[i] == -1 ? 20 + MSIO_CELL_OUTSIDE
                                                            : x[i] * 5 + y[i];
            assert_int_equal(cell[i], want);
        }
    }
}

/* A grid that was folded holds what counting on the wider scale would have given. */
static void folding_is_counting_with_wider_bins(void **state) {
    (void)state;
    for (int has_sign = 0; has_sign < 2; has_sign++)
        for (int of_x = 0; of_x < 2; of_x++)
            for (int times = 0; times < 9; times += times < 5 ? 1 : 3) {
                const int64_t bins = 22, other = 3;
                msio_density_axis growing = {
                    {MSIO_AXIS_REAL, bins, has_sign ? -11.0 : 0.0, 1.0, ""}, MSIO_OF_VALUE, true, has_sign};
                msio_density_axis fixed = {{MSIO_AXIS_FLAG, other, 0.0, 1.0, ""}, MSIO_OF_FLAG, false, false};
                const msio_density_axis *x = of_x ? &growing : &fixed, *y = of_x ? &fixed : &growing;
                int64_t grid[66] = {0}, want[66] = {0};
                const msio_scale wide = msio_density_scale(&growing, times);
                for (int64_t b = 0; b < bins; b++)
                    for (int64_t o = 0; o < other; o++) {
                        const int32_t to = bin_of(&wide, growing.scale.low + (double)b + 0.25);
                        const int64_t points = 1 + b * b + 1000 * o;
                        assert_true(to >= 0);
                        grid[of_x ? b * other + o : o * bins + b] += points;
                        want[of_x ? to * other + o : o * bins + to] += points;
                    }
                msio_density_fold(grid, x, y, of_x, times);
                assert_memory_equal(grid, want, sizeof grid);
            }
}

static void exponents_are_the_least_that_fit(void **state) {
    (void)state;
    for (int has_sign = 0; has_sign < 2; has_sign++) {
        const msio_density_axis axis = {{MSIO_AXIS_REAL, 100, 0.0, 1.0, ""}, MSIO_OF_VALUE, true, has_sign};
        const double half = has_sign ? 50 : 100;
        assert_int_equal(msio_density_exponent(&axis, MSIO_LEAST_EXPONENT, 0.0), MSIO_LEAST_EXPONENT);
        assert_int_equal(msio_density_exponent(&axis, MSIO_LEAST_EXPONENT, half * 8), 4);
        assert_int_equal(msio_density_exponent(&axis, MSIO_LEAST_EXPONENT, nextafter(half * 8, 0)), 3);
        assert_int_equal(msio_density_exponent(&axis, 5, half), 5);
        assert_true(msio_density_exponent(&axis, 5, DBL_MAX) > 1000);
    }
}

static void axes_have_names(void **state) {
    (void)state;
    for (int a = 0; a < MSIO_AXES; a++) assert_int_equal(msio_axis_by_name(msio_axis_name((msio_axis)a)), a);
    assert_int_equal(msio_axis_by_name("colour"), MSIO_AXES);
    assert_int_equal(msio_axis_by_name(NULL), MSIO_AXES);
    assert_null(msio_axis_name(MSIO_AXES));
}

static void options_are_checked(void **state) {
    msio_density_opts opts = MSIO_DENSITY_OPTS_INIT;
    msio_density *density = NULL;
    (void)state;
    assert_int_equal(msio_density_make(NULL, NULL, &density), MSIO_E_ARGUMENT);
    assert_int_equal(msio_density_make("/nowhere.ms", NULL, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_density_make("/nowhere.ms", NULL, &density), MSIO_E_NOT_FOUND);
    opts.correlation = -3;
    assert_int_equal(msio_density_make("/nowhere.ms", &opts, &density), MSIO_E_ARGUMENT);
    opts.struct_size = 8;
    assert_int_equal(msio_density_make("/nowhere.ms", &opts, &density), MSIO_E_ARGUMENT);
    assert_null(density);
    msio_density_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_those_of_the_textbook),
                                       cmocka_unit_test(known_angles_are_exact),
                                       cmocka_unit_test(bins_keep_to_their_edges),
                                       cmocka_unit_test(amplitudes_are_counted_where_they_lie),
                                       cmocka_unit_test(cells_tell_what_is_nowhere),
                                       cmocka_unit_test(folding_is_counting_with_wider_bins),
                                       cmocka_unit_test(exponents_are_the_least_that_fit),
                                       cmocka_unit_test(axes_have_names),
                                       cmocka_unit_test(options_are_checked)};
    return cmocka_run_group_tests(tests, find_sets, NULL);
}
