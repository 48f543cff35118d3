/* test_phasing.c - visibilities turned, conjugated and put in order, by each instruction set, against long doubles. */
#include "../../core/guarded.h"

#include "io/convert/phasing_kernel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MOST_CHANNELS 100
#define MARK 0x5a
#define BYTES ((size_t)(MOST_CHANNELS * MSIO_PHASING_POLS * 8))

static guarded source, target, other, frequencies;
static bool skipped; /* a set that this processor does not have */

static int make_memory(void **state) {
    (void)state;
    source = guarded_new(BYTES);
    target = guarded_new(BYTES);
    other = guarded_new(BYTES);
    frequencies = guarded_new(MOST_CHANNELS * sizeof(double));
    return source.bytes && target.bytes && other.bytes && frequencies.bytes ? 0 : -1;
}

static int free_memory(void **state) {
    (void)state;
    guarded_free(source);
    guarded_free(target);
    guarded_free(other);
    guarded_free(frequencies);
    return 0;
}

static int find_set(void **state) {
    const char *name = *state;
    *state = (void *)(uintptr_t)msio_phasing_named(name);
    if (*state) return 0;
    skipped = true;
    printf("skipped: this processor does not have %s\n", name);
    return 0;
}

#define NEEDS_SET(state)                                                                                               \
    do {                                                                                                               \
        if (!*(state)) skip();                                                                                         \
    } while (0)

/* ---------------------------------------------------------------- rows */

static double uniform(uint64_t *seed) { return (double)(random_next(seed) >> 11) * 0x1p-53; }

/* All orders of up to four polarizations in which each stands once. */
static int orders(int pols, int order[24][MSIO_PHASING_POLS]) {
    int n = 0, all = 1;
    for (int p = 0; p < pols; p++) all *= pols;
    for (int code = 0; code < all; code++) {
        int seen = 0, rest = code, one[MSIO_PHASING_POLS];
        for (int p = 0; p < pols; p++, rest /= pols) {
            one[p] = rest % pols;
            seen |= 1 << one[p];
        }
        if (seen == (1 << pols) - 1) memcpy(order[n++], one, (size_t)pols * sizeof *one);
    }
    return n;
}

/* Rows end where their guarded pages do, and so do the frequencies. */
static msio_phasing make_row(int64_t channels, int pols, const int *from, bool conjugate) {
    const size_t bytes = (size_t)channels * (size_t)pols * 8;
    msio_phasing row = {.channels = channels, .pols = pols, .conjugate = conjugate};
    memcpy(row.from, from, (size_t)pols * sizeof *from);
    row.in = (const float(*)[2])(const void *)guarded_tail(source, bytes);
    row.out = (float(*)[2])(void *)guarded_tail(target, bytes);
    return row;
}

static void fill_values(uint64_t *seed) {
    float *value = (float *)(void *)source.bytes;
    for (size_t i = 0; i < source.length / sizeof *value; i++) value[i] = (float)(uniform(seed) * 20 - 10);
}

static void set_frequencies(msio_phasing *row, uint64_t *seed, bool even) {
    double *frequency = (double *)(void *)guarded_tail(frequencies, (size_t)row->channels * sizeof(double));
    for (int64_t c = 0; c < row->channels; c++)
        frequency[c] = 1.311e9 + (even ? 30517.578125 * (double)c : 1e8 * uniform(seed));
    row->frequency = frequency;
}

static void run(const msio_phasing_kernel *kernel, const msio_phasing *row) {
    memset(target.bytes, MARK, target.length);
    kernel->row(row);
    for (const uint8_t *at = target.bytes; at < (const uint8_t *)row->out; at++) assert_int_equal(*at, MARK);
}

/* ---------------------------------------------------------------- not turned */

/* Every bit of every value stays, of NaNs that signal as well, but for the sign of the imaginary part. */
static void values_that_are_not_turned_stay(void **state) {
    NEEDS_SET(state);
    uint64_t seed = 3;
    int order[24][MSIO_PHASING_POLS];
    random_fill(&seed, source.bytes, source.length);
    for (int pols = 1; pols <= MSIO_PHASING_POLS; pols++)
        for (int k = orders(pols, order) - 1; k >= 0; k--)
            for (int64_t channels = 0; channels <= 50; channels++)
                for (int conjugate = 0; conjugate < 2; conjugate++) {
                    const msio_phasing row = make_row(channels, pols, order[k], conjugate);
                    run(*state, &row);
                    for (int64_t c = 0; c < channels; c++)
                        for (int p = 0; p < pols; p++) {
                            uint32_t was[2], is[2];
                            memcpy(was, row.in[c * pols + order[k][p]], sizeof was);
                            memcpy(is, row.out[c * pols + p], sizeof is);
                            assert_int_equal(is[0], was[0]);
                            assert_int_equal(is[1], was[1] ^ (conjugate ? (uint32_t)1 << 31 : 0));
                        }
                }
}

/* ---------------------------------------------------------------- turned */

/* Furthest that a part is from the exact one, in parts of the visibility's size. */
static double furthest(const msio_phasing *row) {
    const long double turn = 2 * acosl(-1);
    double most = 0;
    for (int64_t c = 0; c < row->channels; c++) {
        const long double turns = (long double)row->seconds * row->frequency[c], angle = turn * (turns - rintl(turns));
        for (int p = 0; p < row->pols; p++) {
            const float *in = row->in[c * row->pols + row->from[p]], *out = row->out[c * row->pols + p];
            const long double re = in[0] * cosl(angle) + in[1] * sinl(angle);
            const long double im = (in[1] * cosl(angle) - in[0] * sinl(angle)) * (row->conjugate ? -1 : 1);
            const long double size = hypotl(in[0], in[1]);
            const double far = (double)(fmaxl(fabsl(out[0] - re), fabsl(out[1] - im)) / size);
            if (!(far <= most)) most = far;
            if (isnan(most)) return most;
        }
    }
    return most;
}

/* Half of a float's last place, and what the phase of so many turns lacks in doubles. */
static double bound(double turns) { return 0x1p-24 + (2 * M_PI * fabs(turns) + 4) * 0x1p-52; }

static void check_turned(const msio_phasing_kernel *kernel, int64_t channels, int pols, const int *from, bool even,
                         double turns, uint64_t *seed) {
    msio_phasing row = make_row(channels, pols, from, random_below(seed, 2));
    set_frequencies(&row, seed, even);
    row.seconds = turns / 1.311e9;
    run(kernel, &row);
    const double far = furthest(&row), most = bound(turns * 1.1);
    if (!(far <= most))
        fail_msg("%lld channels, %d polarizations, %g turns: %g away, %g expected", (long long)channels, pols, turns,
                 far, most);
}

static void every_shape_is_turned(void **state) {
    NEEDS_SET(state);
    uint64_t seed = 5;
    int order[24][MSIO_PHASING_POLS];
    fill_values(&seed);
    for (int pols = 1; pols <= MSIO_PHASING_POLS; pols++)
        for (int k = orders(pols, order) - 1; k >= 0; k--)
            for (int64_t channels = 0; channels <= MOST_CHANNELS; channels += channels < 36 ? 1 : 16)
                for (int even = 0; even < 2; even++)
                    check_turned(*state, channels, pols, order[k], even, 2000 * (uniform(&seed) - 0.5), &seed);
}

/* Up to what baselines on Earth make of it, of either sign. */
static void delays_of_any_length_are_turned_by(void **state) {
    NEEDS_SET(state);
    static const int from[MSIO_PHASING_POLS] = {0, 2, 3, 1};
    static const double turns[] = {0, 1e-12, 0.125, 0.25, 0.375, 0.5, 1, 3.75, 1e3, 4e4, 5e7};
    uint64_t seed = 7;
    fill_values(&seed);
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++)
        for (int sign = -1; sign < 2; sign += 2) check_turned(*state, 96, 4, from, true, sign * turns[i], &seed);
}

static void no_delay_changes_nothing(void **state) {
    NEEDS_SET(state);
    static const int from[MSIO_PHASING_POLS] = {1, 0};
    uint64_t seed = 11;
    fill_values(&seed);
    msio_phasing row = make_row(48, 2, from, true);
    set_frequencies(&row, &seed, true);
    run(*state, &row);
    for (int64_t c = 0; c < 48; c++)
        for (int p = 0; p < 2; p++) {
            assert_true(row.out[2 * c + p][0] == row.in[2 * c + 1 - p][0]);
            assert_true(row.out[2 * c + p][1] == -row.in[2 * c + 1 - p][1]);
        }
}

static void what_is_no_number_stays_none(void **state) {
    NEEDS_SET(state);
    static const int from[MSIO_PHASING_POLS] = {0};
    uint64_t seed = 13;
    fill_values(&seed);
    msio_phasing row = make_row(40, 1, from, true);
    set_frequencies(&row, &seed, true);
    row.seconds = 1e-8;
    float nan = NAN;
    memcpy(guarded_tail(source, 40 * 8) + 17 * 8, &nan, sizeof nan);
    run(*state, &row);
    for (int64_t c = 0; c < 40; c++) assert_int_equal(isnan(row.out[c][0]) && isnan(row.out[c][1]), c == 17);
}

/* ---------------------------------------------------------------- antenna by antenna */

static double phasors[2][2 * MOST_CHANNELS + 2 * MSIO_PHASING_GROUP];

/* Phasors of two antennas whose delays differ by the row's. */
static void set_antennas(const msio_phasing_kernel *kernel, msio_phasing *row, double turns) {
    const double delay = turns / 1.311e9, one = row->seconds + delay;
    row->seconds = one - delay;
    kernel->phasors(row->channels, row->frequency, delay, phasors[0]);
    kernel->phasors(row->channels, row->frequency, one, phasors[1]);
    row->first = phasors[0];
    row->second = phasors[1];
}

static void products_of_antennas_turn_as_well(void **state) {
    NEEDS_SET(state);
    static const double turns[] = {0, 0.125, 0.5, 3.75, 1e3, 4e4, 1e6};
    uint64_t seed = 19;
    int order[24][MSIO_PHASING_POLS];
    fill_values(&seed);
    for (int i = 0; i < 3000; i++) {
        const int pols = 1 + (int)random_below(&seed, MSIO_PHASING_POLS), n = orders(pols, order);
        const double far = turns[random_below(&seed, (int64_t)(sizeof turns / sizeof *turns))];
        msio_phasing row =
            make_row(random_below(&seed, MOST_CHANNELS), pols, order[random_below(&seed, n)], random_below(&seed, 2));
        set_frequencies(&row, &seed, random_below(&seed, 2));
        row.seconds = (uniform(&seed) - 0.5) * far / 1.311e9;
        set_antennas(*state, &row, far);
        run(*state, &row);
        if (row.channels == 0) continue;
        const double most = 0x1p-24 + (2 * M_PI * 1.1 * 2.5 * far + 12) * 0x1p-52, found = furthest(&row);
        if (!(found <= most)) fail_msg("%g turns: %g away, %g expected", far, found, most);
    }
}

/* ---------------------------------------------------------------- all the same */

static void all_sets_give_the_same_bytes(void **state) {
    NEEDS_SET(state);
    uint64_t seed = 17;
    int order[24][MSIO_PHASING_POLS];
    fill_values(&seed);
    for (int i = 0; i < 2000; i++) {
        const int pols = 1 + (int)random_below(&seed, MSIO_PHASING_POLS), n = orders(pols, order);
        msio_phasing row = make_row(random_below(&seed, MOST_CHANNELS), pols, order[random_below(&seed, n)], true);
        set_frequencies(&row, &seed, random_below(&seed, 2));
        row.seconds = (uniform(&seed) - 0.5) * 1e-4;
        const double seconds = row.seconds;
        if (random_below(&seed, 2)) set_antennas(*state, &row, 1000);
        run(*state, &row);
        const size_t bytes = (size_t)row.channels * (size_t)pols * 8;
        const void *made = row.out;
        row.out = (float(*)[2])(void *)guarded_tail(other, bytes);
        row.seconds = seconds;
        if (row.first) set_antennas(msio_phasing_named("generic"), &row, 1000);
        msio_phasing_named("generic")->row(&row);
        assert_memory_equal(made, row.out, bytes);
    }
}

/* ---------------------------------------------------------------- the run */

#define SET_TEST(test, set)                                                                                            \
    { #test " (" set ")", test, find_set, NULL, (void *)(uintptr_t)set }
#define SET_TESTS(test) SET_TEST(test, "generic"), SET_TEST(test, "avx2"), SET_TEST(test, "avx512")

int main(void) {
    const struct CMUnitTest tests[] = {
        SET_TESTS(values_that_are_not_turned_stay),    SET_TESTS(every_shape_is_turned),
        SET_TESTS(delays_of_any_length_are_turned_by), SET_TESTS(no_delay_changes_nothing),
        SET_TESTS(what_is_no_number_stays_none),       SET_TESTS(products_of_antennas_turn_as_well),
        SET_TESTS(all_sets_give_the_same_bytes),
    };
    int failed = cmocka_run_group_tests(tests, make_memory, free_memory);
    return failed ? failed : skipped ? 77 : 0;
}
