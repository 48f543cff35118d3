/* test_predict.c - the direct sum against the textbook's in long double, for every instruction set that runs here. */
#include "core/random.h"
#include "visibility/predict.h"

#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIGHT 299792458.0L
#define ROWS 37
#define MOST_CHANNELS 150

static const char *const sets[] = {"generic", "avx2", "avx512"};

static double uniform(uint64_t *state) { return (double)(msio_random_bits(state) >> 11) * 0x1p-53; }

/* A sky of n components within some degrees of (1, 0.5) rad. */
static msio_sky *make_sky(int n, int polarised, int gaussians) {
    char *text = malloc(200 * (size_t)n + 300), *at = text;
    uint64_t state = 5;
    at += sprintf(at, "Format = Type, Ra, Dec, I, Q, U, V, ReferenceFrequency, SpectralIndex, MajorAxis, MinorAxis, "
                      "Orientation\n");
    for (int k = 0; k < n; k++) {
        const double ra = 1.0 + 0.1 * (uniform(&state) - 0.5), dec = 0.5 + 0.1 * (uniform(&state) - 0.5);
        at += sprintf(at, "%s, %.17grad, %.17grad, %.17g", gaussians && k % 2 ? "GAUSSIAN" : "POINT", ra, dec,
                      0.5 + uniform(&state));
        at += polarised ? sprintf(at, ", 0.1, -0.2, %.17g", 0.1 * uniform(&state)) : sprintf(at, ",,,");
        at += sprintf(at, ", 1.4e9, [%g], %g, %g, %g\n", k % 3 ? -0.7 : 0.0, 4.0 * k, 1.5 * k, 17.0 * k);
    }
    msio_sky *sky = NULL;
    assert_int_equal(msio_sky_parse(text, strlen(text), "sky", &sky), MSIO_OK);
    free(text);
    return sky;
}

static long double sinc(long double turns) {
    const long double x = acosl(-1.0L) * turns;
    return x == 0 ? 1 : sinl(x) / x;
}

/* u, v, w turned by an angle about the pole, which lies to the north of (1, 0.5) rad. */
static void turn(const double uvw[3], long double angle, long double turned[3]) {
    const long double pole[3] = {0, cosl(0.5L), sinl(0.5L)}, c = cosl(angle), s = sinl(angle);
    const long double along = uvw[1] * pole[1] + uvw[2] * pole[2];
    const long double cross[3] = {pole[1] * uvw[2] - pole[2] * uvw[1], pole[2] * uvw[0], -pole[1] * uvw[0]};
    for (int i = 0; i < 3; i++) turned[i] = uvw[i] * c + cross[i] * s + pole[i] * along * (1 - c);
}

/* The textbook's sum: I Q U V of one row and channel; width (Hz) and interval (s) that smear, 0: none. */
static void stokes_of(const msio_sky *sky, const double uvw[3], double frequency, double width, double interval,
                      long double complex sum[4]) {
    const long double pi = acosl(-1.0L), ra0 = 1.0L, dec0 = 0.5L, angle = 7.292115146e-5L * interval / 2;
    long double early[3], late[3];
    turn(uvw, angle, early);
    turn(uvw, -angle, late);
    memset(sum, 0, 4 * sizeof *sum);
    for (int64_t k = 0; k < msio_sky_count(sky); k++) {
        const msio_sky_component *c = msio_sky_at(sky, k);
        const long double ra = (long double)c->ra - ra0, dec = c->dec, s = frequency / LIGHT;
        const long double l = cosl(dec) * sinl(ra), m = sinl(dec) * cosl(dec0) - cosl(dec) * sinl(dec0) * cosl(ra);
        const long double n = sqrtl(1 - l * l - m * m), u = uvw[0] * s, v = uvw[1] * s, w = uvw[2] * s;
        const long double turns = u * l + v * m + w * (n - 1);
        const long double along = u * sinl(c->angle) + v * cosl(c->angle),
                          across = u * cosl(c->angle) - v * sinl(c->angle);
        const long double a = c->major * along, b = c->minor * across;
        const long double across_time =
            s * ((late[0] - early[0]) * l + (late[1] - early[1]) * m + (late[2] - early[2]) * (n - 1));
        const long double envelope =
            sinc(turns / frequency * width) * sinc(across_time) *
            (c->shape == MSIO_SKY_GAUSSIAN ? expl(-pi * pi / (4 * logl(2)) * (a * a + b * b)) : 1);
        double stokes[4];
        msio_sky_stokes(c, frequency, stokes);
        for (int p = 0; p < 4; p++) sum[p] += stokes[p] * envelope * cexpl(2 * pi * I * (turns - rintl(turns)));
    }
}

static long double complex corr_of(const long double complex s[4], int32_t corr) {
    const long double complex all[13] = {0,
                                         s[0],
                                         s[1],
                                         s[2],
                                         s[3],
                                         s[0] + s[3],
                                         s[1] + I * s[2],
                                         s[1] - I * s[2],
                                         s[0] - s[3],
                                         s[0] + s[1],
                                         s[2] + I * s[3],
                                         s[2] - I * s[3],
                                         s[0] - s[1]};
    return all[corr];
}

/* Baselines to 1e6 wavelengths. */
static void make_rows(double uvw[ROWS][3], float *out, int64_t values) {
    uint64_t state = 9;
    for (int r = 0; r < ROWS; r++)
        for (int axis = 0; axis < 3; axis++)
            uvw[r][axis] = (r == 3 ? 0.0 : 1.0) * 3e5 / (1 + r % 7) * (uniform(&state) - 0.5);
    for (int64_t i = 0; i < values; i++) out[i] = 10.0f * (float)uniform(&state);
}

typedef struct trial {
    int components, channels, corrs, polarised, gaussians, uneven; /* 2: descending */
    int32_t corr[4];
    msio_predict_mode mode;
    bool conjugate;
    double width, interval; /* 0: no smearing */
} trial;

static void check(const trial *t, const char *set) {
    double frequency[MOST_CHANNELS], uvw[ROWS][3];
    const int64_t values = 2 * (int64_t)ROWS * t->channels * t->corrs;
    float *out = malloc((size_t)values * sizeof *out), *before = malloc((size_t)values * sizeof *before);
    msio_sky *sky = make_sky(t->components, t->polarised, t->gaussians);
    msio_spectra *spectra = NULL;
    msio_sky_seen *seen = NULL;
    double flux = 0.0;
    for (int c = 0; c < t->channels; c++)
        frequency[c] = 1.3e9 + (t->uneven == 2 ? -1 : 1) * 244140.625 * c + (t->uneven == 1 ? 1e4 * (c % 3) : 0.0);
    make_rows(uvw, out, values);
    memcpy(before, out, (size_t)values * sizeof *out);
    for (int k = 0; k < t->components; k++) flux += 1.3 * msio_sky_at(sky, k)->stokes[0];
    assert_int_equal(msio_spectra_make(sky, t->channels, frequency, 1 << 20, &spectra), MSIO_OK);
    assert_int_equal(msio_sky_seen_new(sky, &seen), MSIO_OK);
    msio_sky_seen_from(seen, sky, 1.0, 0.5);
    double widths[MOST_CHANNELS], intervals[ROWS];
    for (int c = 0; c < t->channels; c++) widths[c] = t->width * (1 + c % 2);
    for (int r = 0; r < ROWS; r++) intervals[r] = t->interval * (1 + r % 3);
    const msio_predict_job job = {spectra,
                                  seen,
                                  t->corrs,
                                  t->corr,
                                  t->mode,
                                  t->conjugate,
                                  t->width != 0.0 ? widths : NULL,
                                  t->interval != 0.0 ? intervals : NULL,
                                  0.5};
    void *scratch = aligned_alloc(64, (msio_predict_scratch(&job) + 63) / 64 * 64);
    msio_predict_rows(&job, ROWS, uvw[0], out, scratch);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < t->channels; c++) {
            long double complex sum[4];
            stokes_of(sky, uvw[r], frequency[c], widths[c], intervals[r], sum);
            for (int p = 0; p < t->corrs; p++) {
                const int64_t at = 2 * (((int64_t)r * t->channels + c) * t->corrs + p);
                long double complex want = corr_of(sum, t->corr[p]);
                if (t->conjugate) want = conjl(want);
                const long double complex old = before[at] + I * (long double)before[at + 1];
                if (t->mode == MSIO_PREDICT_ADD) want = old + want;
                if (t->mode == MSIO_PREDICT_SUBTRACT) want = old - want;
                const long double complex got = out[at] + I * (long double)out[at + 1];
                if (!(cabsl(got - want) <= 1e-7 * (flux + cabsl(old))))
                    fail_msg("%s: row %d channel %d corr %d: %Lg %Lg instead of %Lg %Lg", set, r, c, p, creall(got),
                             cimagl(got), creall(want), cimagl(want));
            }
        }
    free(scratch);
    msio_sky_seen_free(seen);
    msio_spectra_free(spectra);
    msio_sky_free(sky);
    free(before);
    free(out);
}

static void equals_the_textbook(void **state) {
    (void)state;
    const trial trials[] = {
        {1, 48, 2, 0, 0, 0, {9, 12}, MSIO_PREDICT_REPLACE, false, 0, 0},
        {7, 48, 2, 0, 1, 0, {9, 12}, MSIO_PREDICT_REPLACE, false, 0, 0},
        {7, 48, 4, 1, 1, 0, {9, 10, 11, 12}, MSIO_PREDICT_REPLACE, false, 0, 0},
        {7, 33, 4, 1, 1, 0, {5, 6, 7, 8}, MSIO_PREDICT_ADD, false, 0, 0},
        {5, 20, 4, 1, 0, 0, {1, 2, 3, 4}, MSIO_PREDICT_SUBTRACT, false, 0, 0},
        {5, MOST_CHANNELS, 1, 1, 1, 0, {10}, MSIO_PREDICT_REPLACE, true, 0, 0},
        {6, MOST_CHANNELS, 2, 0, 1, 1, {12, 9}, MSIO_PREDICT_REPLACE, false, 0, 0},
        {3, 1, 2, 1, 1, 0, {5, 8}, MSIO_PREDICT_REPLACE, false, 0, 0},
        {40, MOST_CHANNELS, 2, 0, 1, 2, {9, 12}, MSIO_PREDICT_REPLACE, false, 0, 0},
        {7, 48, 2, 0, 1, 0, {9, 12}, MSIO_PREDICT_REPLACE, false, 2e4, 0},
        {7, 70, 4, 1, 1, 0, {9, 10, 11, 12}, MSIO_PREDICT_ADD, false, 0, 4},
        {6, 33, 2, 1, 1, 1, {5, 8}, MSIO_PREDICT_SUBTRACT, true, 3e3, 0.5},
        {4, 20, 1, 0, 0, 2, {9}, MSIO_PREDICT_REPLACE, false, 1e-3, 1e-6},
    };
    int sets_run = 0;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        if (msio_predict_force(sets[s])) continue;
        sets_run++;
        for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) check(&trials[i], sets[s]);
    }
    assert_true(sets_run >= 1);
    msio_predict_force(NULL);
}

/* However rows are taken together, each has the same bytes. */
static void rows_do_not_depend_on_others(void **state) {
    (void)state;
    enum { CHANNELS = 70 };
    static double uvw[ROWS][3], frequency[CHANNELS];
    static float all[ROWS][CHANNELS][2][2], one[ROWS][CHANNELS][2][2];
    static const int32_t corr[2] = {9, 12};
    msio_sky *sky = make_sky(4, 1, 1);
    msio_spectra *spectra = NULL;
    msio_sky_seen *seen = NULL;
    for (int c = 0; c < CHANNELS; c++) frequency[c] = 1.3e9 + 244140.625 * c;
    make_rows(uvw, &all[0][0][0][0], ROWS * CHANNELS * 4);
    assert_int_equal(msio_spectra_make(sky, CHANNELS, frequency, 1 << 20, &spectra), MSIO_OK);
    assert_int_equal(msio_sky_seen_new(sky, &seen), MSIO_OK);
    msio_sky_seen_from(seen, sky, 1.0, 0.5);
    const msio_predict_job job = {.spectra = spectra, .seen = seen, .corrs = 2, .corr = corr};
    void *scratch = aligned_alloc(64, (msio_predict_scratch(&job) + 63) / 64 * 64);
    msio_predict_rows(&job, ROWS, uvw[0], &all[0][0][0][0], scratch);
    for (int r = 0; r < ROWS; r++) msio_predict_rows(&job, 1, uvw[r], &one[r][0][0][0], scratch);
    assert_memory_equal(all, one, sizeof all);
    free(scratch);
    msio_sky_seen_free(seen);
    msio_spectra_free(spectra);
    msio_sky_free(sky);
}

static void refused(void **state) {
    (void)state;
    msio_sky *sky = make_sky(10, 1, 0);
    msio_spectra *spectra = NULL;
    const double good[2] = {1e9, 2e9}, bad[2] = {1e9, 0.0};
    assert_int_equal(msio_spectra_make(sky, 2, bad, 1 << 20, &spectra), MSIO_E_FORMAT);
    assert_int_equal(msio_spectra_make(sky, 2, good, 100, &spectra), MSIO_E_SIZE);
    assert_null(spectra);
    assert_false(msio_predict_knows(13) || msio_predict_knows(0) || msio_predict_knows(-1));
    msio_sky_free(sky);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_textbook),
        cmocka_unit_test(rows_do_not_depend_on_others),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
