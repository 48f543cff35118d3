/* test_statistics_kernels.c - the loops of every instruction set that runs here, on rows of all lengths, against sums
 * of element after element in long double. */
#include "core/random.h"
#include "visibility/statistics_kernel.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 40 /* elements */

typedef struct values {
    float a[2 * MOST], b[2 * MOST], weight[MOST];
    uint8_t flag[MOST];
} values;

static float value(uint64_t *state) {
    static const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, FLT_MAX};
    const uint64_t bits = msio_random_bits(state);
    return bits % 11 == 0 ? odd[bits / 11 % 6] : (float)((double)(bits >> 40) * 0x1p-20 - 8.0);
}

/* Arrays are as long as the row, so that a sanitizer sees what lies beyond. */
static void *copy(const void *from, size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    assert_non_null(made);
    return memcpy(made, from, bytes);
}

static void fill(values *v, uint64_t seed) {
    for (int i = 0; i < 2 * MOST; i++) {
        v->a[i] = value(&seed);
        v->b[i] = value(&seed);
    }
    for (int i = 0; i < MOST; i++) {
        v->weight[i] = i % 5 == 1 ? value(&seed) : fabsf((float)i - 3.5f);
        v->flag[i] = msio_random_bits(&seed) % 4 == 0;
    }
}

static void assert_near(long double wanted, double found) {
    assert_true(fabsl(wanted - found) <= 1e-13L * fabsl(wanted) + 1e-25L);
}

static void check_tally(const msio_stats_kernel *k, const values *v, int n, bool complex, bool flags) {
    const int each = complex ? 2 : 1;
    float *a = copy(v->a, (size_t)(n * each) * sizeof *a);
    uint8_t *flag = copy(v->flag, (size_t)n);
    msio_sums sums = {.least = INFINITY, .most = -1.0};
    msio_stats_row row = {.elements = n, .value = a, .complex = complex, .flag = flags ? flag : NULL};
    long double amplitude = 0, square = 0;
    double least = INFINITY, most = -1.0;
    int64_t count = 0, bad = 0;
    for (int e = 0; e < n; e++) {
        const double x = (double)a[each * e], y = complex ? (double)a[each * e + 1] : 0.0, s = x * x + y * y;
        if (flags && flag[e]) continue;
        if (!isfinite(x) || !isfinite(y)) {
            bad++;
            continue;
        }
        count++;
        amplitude += sqrtl(s);
        square += s;
        least = fmin(least, sqrt(s));
        most = fmax(most, sqrt(s));
    }
    k->tally(&row, &sums);
    assert_int_equal(sums.count, count);
    assert_int_equal(row.bad, bad);
    assert_near(amplitude, sums.amplitude);
    assert_near(square, sums.square);
    assert_near(count ? least : 0, count ? sums.least : 0);
    assert_near(count ? most : 0, count ? sums.most : 0);
    free(a);
    free(flag);
}

/* corrs: of weights that come in turns; 0: one each; -1: none. */
static void check_chi(const msio_stats_kernel *k, const values *v, int n, bool complex, bool flags, int corrs,
                      bool keeps) {
    const int each = complex ? 2 : 1, weights = corrs < 0 ? 0 : corrs ? corrs : n;
    float *a = copy(v->a, (size_t)(n * each) * sizeof *a), *b = copy(v->b, (size_t)(n * each) * sizeof *b),
          *weight = copy(v->weight, (size_t)weights * sizeof *weight), room[MOST];
    uint8_t *flag = copy(v->flag, (size_t)n);
    const msio_stats_row data = {.elements = n, .value = a, .complex = complex, .flag = flags ? flag : NULL},
                         model = {.elements = n, .value = b, .complex = complex};
    double power[MOST + 8], ok[MOST + 8];
    msio_chi chi = {0};
    k->chi_raw(&data, &model, corrs < 0 ? NULL : weight, corrs < 0 ? 0 : corrs, room, keeps ? power : NULL,
               keeps ? ok : NULL, &chi);
    long double sum = 0;
    int64_t count = 0;
    for (int e = 0; e < n; e++) {
        const double w = corrs < 0 ? 1.0 : (double)(corrs ? weight[e % corrs] : weight[e]);
        const double x = (double)a[each * e] - (double)b[each * e],
                     y = complex ? (double)a[each * e + 1] - (double)b[each * e + 1] : 0.0;
        const bool good = isfinite(x) && isfinite(y) && w >= 0.0 && isfinite(w) && !(flags && flag[e]);
        count += good;
        if (good) sum += (long double)w * ((long double)x * x + (long double)y * y);
        if (!keeps) continue;
        assert_true(ok[e] == (good ? 1.0 : 0.0));
        assert_near(good ? (long double)w * ((long double)x * x + (long double)y * y) : 0, power[e]);
    }
    assert_int_equal(chi.count, count);
    assert_near(sum, chi.sum);
    free(a);
    free(b);
    free(weight);
    free(flag);
}

static void equals_elements_added_up(void **state) {
    (void)state;
    const msio_stats_kernel *kernels[3] = {&msio_stats_generic};
    int n_kernels = 1;
#if defined(MSIO_STATS_X86)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) kernels[n_kernels++] = &msio_stats_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
        kernels[n_kernels++] = &msio_stats_avx512;
#endif
    for (int n = 0; n <= MOST; n++) {
        values v;
        fill(&v, 100 + (uint64_t)n);
        for (int k = 0; k < n_kernels; k++)
            for (int way = 0; way < 8; way++) {
                check_tally(kernels[k], &v, n, way & 1, way & 2);
                for (int corrs = -1; corrs <= 4; corrs++)
                    check_chi(kernels[k], &v, n, way & 1, way & 2, corrs, way & 4);
            }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equals_elements_added_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
