/* test_kernels.c - the kernels of each instruction set against loops over single bytes and bits. */
#include "kernel_sets.h"
#include "trio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MARGIN 96

#define NEEDS_SET(state)                                                                                               \
    do {                                                                                                               \
        if (!*(state)) skip();                                                                                         \
    } while (0)

static int make_memory(void **state) {
    (void)state;
    return make_trio(1 << 16, 1 << 19, 1);
}

/* ---------------------------------------------------------------- the oracle */

static void slow_swap(uint8_t *dst, const uint8_t *src, size_t length, size_t unit) {
    for (size_t i = 0; i < length; i++) dst[i] = src[i / unit * unit + (unit - 1 - i % unit)];
}

static void slow_expand(uint8_t *dst, const uint8_t *src, int64_t bit, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t b = (size_t)bit + i;
        dst[i] = src[b / 8] >> (b % 8) & 1;
    }
}

/* Marks the memory around a result; afterwards both must be equal as a whole. */
static void mark(size_t length) {
    memset(target.bytes, MARK, length);
    memset(expected.bytes, MARK, length);
}

/* ---------------------------------------------------------------- swapping */

/* The source lies at the end of its pages, and at their beginning. */
static void check_swap(size_t n, size_t unit, size_t to) {
    size_t length = n * unit;
    const uint8_t *places[2] = {guarded_tail(source, length), source.bytes};
    for (int i = 0; i < 2; i++) {
        mark(to + length + MARGIN);
        slow_swap(expected.bytes + to, places[i], length, unit);
        msio_swap_copy(target.bytes + to, places[i], n, (int)unit);
        assert_memory_equal(target.bytes, expected.bytes, to + length + MARGIN);
    }
}

static void swap_copy_swaps_every_length(void **state) {
    NEEDS_SET(state);
    for (size_t unit = 2; unit <= 8; unit *= 2) {
        for (size_t n = 0; n <= 300; n++) check_swap(n, unit, MARGIN);
        for (size_t to = 0; to < 64; to++) check_swap(37, unit, to);
        check_swap(source.length / unit, unit, 3);
    }
}

static void swap_copy_writes_up_to_the_end_of_memory(void **state) {
    NEEDS_SET(state);
    for (size_t unit = 2; unit <= 8; unit *= 2)
        for (size_t n = 0; n <= 100; n++) {
            uint8_t *to = guarded_tail(target, n * unit);
            slow_swap(expected.bytes, source.bytes, n * unit, unit);
            msio_swap_copy(to, source.bytes, n, (int)unit);
            assert_memory_equal(to, expected.bytes, n * unit);
        }
}

/* ---------------------------------------------------------------- bits */

/* The bytes that hold the bits are the last before a page that may not be read, and the first behind one. */
static void check_expand(size_t n, size_t bit, size_t to) {
    size_t first = bit / 8, bytes = n ? (bit + n - 1) / 8 - first + 1 : 0;
    const uint8_t *places[2] = {guarded_tail(source, bytes) - first, source.bytes - first};
    for (int i = 0; i < 2; i++) {
        mark(to + n + MARGIN);
        slow_expand(expected.bytes + to, places[i], (int64_t)bit, n);
        msio_bits_expand(target.bytes + to, places[i], (int64_t)bit, n);
        assert_memory_equal(target.bytes, expected.bytes, to + n + MARGIN);
    }
}

static void bits_expand_takes_every_length_and_offset(void **state) {
    NEEDS_SET(state);
    for (size_t n = 0; n <= 330; n++)
        for (size_t bit = 0; bit < 19; bit++) check_expand(n, bit, MARGIN);
}

static void bits_expand_writes_to_every_alignment(void **state) {
    NEEDS_SET(state);
    for (size_t to = 0; to < 130; to++)
        for (size_t n = 100; n < 400; n += 37) check_expand(n, to % 11, to);
}

static void bits_expand_takes_many_bits(void **state) {
    NEEDS_SET(state);
    for (size_t bit = 0; bit < 8; bit++) check_expand(8 * 40000 - bit, bit, 5);
    check_expand(777, 8 * 50000 + 3, 1);
}

static void bits_expand_writes_up_to_the_end_of_memory(void **state) {
    NEEDS_SET(state);
    for (size_t n = 0; n <= 200; n++)
        for (int64_t bit = 0; bit < 8; bit++) {
            uint8_t *to = guarded_tail(target, n);
            slow_expand(expected.bytes, source.bytes, bit, n);
            msio_bits_expand(to, source.bytes, bit, n);
            assert_memory_equal(to, expected.bytes, n);
        }
}

/* ---------------------------------------------------------------- gathering */

static void check_gather(size_t n, size_t elem, size_t unit, int64_t src_stride, int64_t dst_stride) {
    size_t from_length = n ? (n - 1) * (size_t)src_stride + elem : 0;
    size_t to_length = n ? (n - 1) * (size_t)dst_stride + elem : 0;
    const uint8_t *from = guarded_tail(source, from_length);
    uint8_t *to = guarded_tail(target, to_length);
    size_t all = to_length + MARGIN;
    memset(to - MARGIN, MARK, all);
    memset(expected.bytes, MARK, all);
    for (size_t i = 0; i < n; i++)
        slow_swap(expected.bytes + MARGIN + i * (size_t)dst_stride, from + i * (size_t)src_stride, elem,
                  unit ? unit : 1);
    msio_gather(to, dst_stride, from, src_stride, n, (int)elem, (int)unit);
    assert_memory_equal(to - MARGIN, expected.bytes, all);
}

static void gather_takes_every_element_size(void **state) {
    NEEDS_SET(state);
    static const int64_t more[] = {0, 1, 3, 8, 24, 100};
    for (size_t elem = 1; elem <= 16; elem *= 2)
        for (size_t unit = 0; unit <= 8 && unit <= elem; unit = unit ? 2 * unit : 1)
            for (size_t s = 0; s < 6; s++)
                for (size_t d = 0; d < 3; d++)
                    for (size_t n = 0; n < 70; n += 1 + n / 8)
                        check_gather(n, elem, unit, (int64_t)elem + more[s], (int64_t)elem + more[d]);
}

static void gather_repeats_with_stride_zero(void **state) {
    NEEDS_SET(state);
    for (size_t elem = 1; elem <= 16; elem *= 2)
        for (size_t unit = 1; unit <= 8 && unit <= elem; unit *= 2)
            for (size_t n = 0; n < 6000; n += 1 + n / 2) {
                check_gather(n, elem, unit, 0, (int64_t)elem);
                check_gather(n, elem, unit, 0, (int64_t)elem + 5);
            }
}

/* ---------------------------------------------------------------- runs */

/* Strides that leave room for what is inside; gaps at random. Returns the bytes from the first to the last. */
static int64_t random_strides(uint64_t *seed, int64_t length, const int64_t *count, int64_t *stride) {
    int64_t extent = length;
    for (int k = 0; k < MSIO_RUNS_NDIM; k++) {
        stride[k] = extent + (random_below(seed, 2) ? random_below(seed, 20) : 0);
        extent += stride[k] * (count[k] - 1);
    }
    return extent;
}

static msio_runs random_runs(uint64_t *seed, int64_t length, int64_t *src_extent, int64_t *dst_extent) {
    msio_runs runs = {.length = length};
    for (int k = 0; k < MSIO_RUNS_NDIM; k++) runs.count[k] = 1 + random_below(seed, k == 0 ? 5 : 3);
    *src_extent = random_strides(seed, length, runs.count, runs.src);
    *dst_extent = random_strides(seed, length, runs.count, runs.dst);
    return runs;
}

/* Calls one(d, s) with the offsets of each run. */
static void each_run(const msio_runs *runs, void (*one)(size_t d, size_t s, const void *of), const void *of) {
    for (int64_t k = 0; k < runs->count[2]; k++)
        for (int64_t j = 0; j < runs->count[1]; j++)
            for (int64_t i = 0; i < runs->count[0]; i++)
                one((size_t)(i * runs->dst[0] + j * runs->dst[1] + k * runs->dst[2]),
                    (size_t)(i * runs->src[0] + j * runs->src[1] + k * runs->src[2]), of);
}

typedef struct slow_job {
    const uint8_t *src;
    int64_t bit;
    size_t length, unit;
} slow_job;

static void slow_swap_run(size_t d, size_t s, const void *of) {
    const slow_job *job = of;
    slow_swap(expected.bytes + MARGIN + d, job->src + s, job->length, job->unit);
}

static void slow_expand_run(size_t d, size_t s, const void *of) {
    const slow_job *job = of;
    slow_expand(expected.bytes + MARGIN + d, job->src, job->bit + (int64_t)s, job->length);
}

static void check_runs(const msio_runs *runs, size_t unit, size_t src_extent, size_t dst_extent) {
    slow_job job = {guarded_tail(source, src_extent), 0, (size_t)runs->length, unit};
    uint8_t *to = guarded_tail(target, dst_extent);
    memset(to - MARGIN, MARK, dst_extent + MARGIN);
    memset(expected.bytes, MARK, dst_extent + MARGIN);
    each_run(runs, slow_swap_run, &job);
    if (unit > 1)
        msio_runs_swap(to, job.src, runs, (int)unit);
    else
        msio_runs_copy(to, job.src, runs);
    assert_memory_equal(to - MARGIN, expected.bytes, dst_extent + MARGIN);
}

static void runs_of_every_length_are_copied_and_swapped(void **state) {
    NEEDS_SET(state);
    uint64_t seed = 7;
    for (int64_t length = 1; length <= 700; length++)
        for (int64_t unit = 1; unit <= 8; unit *= 2) {
            int64_t src_extent, dst_extent;
            if (length % unit) continue;
            msio_runs runs = random_runs(&seed, length, &src_extent, &dst_extent);
            check_runs(&runs, (size_t)unit, (size_t)src_extent, (size_t)dst_extent);
        }
}

static void a_run_is_repeated_on_the_inner_axis(void **state) {
    NEEDS_SET(state);
    static const int64_t lengths[] = {2, 8, 24, 96, 768, 9000};
    for (int i = 0; i < 6; i++)
        for (size_t unit = 1; unit <= 2; unit++) {
            int64_t n = lengths[i];
            msio_runs runs = {n, {40, 3, 1}, {0, n, 0}, {n, 40 * n + 7, 0}};
            if (n > 2000) runs.count[0] = 7, runs.dst[1] = 7 * n;
            check_runs(&runs, unit, (size_t)(3 * n), (size_t)(2 * runs.dst[1] + runs.count[0] * n));
        }
}

static void check_runs_expand(const msio_runs *runs, int64_t bit, size_t src_extent, size_t dst_extent) {
    size_t bytes = ((size_t)bit + src_extent + 7) / 8;
    slow_job job = {guarded_tail(source, bytes), bit, (size_t)runs->length, 0};
    uint8_t *to = guarded_tail(target, dst_extent);
    memset(to - MARGIN, MARK, dst_extent + MARGIN);
    memset(expected.bytes, MARK, dst_extent + MARGIN);
    each_run(runs, slow_expand_run, &job);
    msio_runs_expand(to, job.src, bit, runs);
    assert_memory_equal(to - MARGIN, expected.bytes, dst_extent + MARGIN);
}

static void runs_of_bits_of_every_length_are_expanded(void **state) {
    NEEDS_SET(state);
    uint64_t seed = 9;
    for (int64_t length = 1; length <= 300; length++)
        for (int64_t bit = 0; bit < 12; bit++) {
            int64_t src_extent, dst_extent;
            msio_runs runs = random_runs(&seed, length, &src_extent, &dst_extent);
            check_runs_expand(&runs, bit, (size_t)src_extent, (size_t)dst_extent);
        }
}

/* One correlation of two, two of four, ...: bits at a fixed step, places that follow each other. */
static void bits_at_a_step_are_expanded(void **state) {
    NEEDS_SET(state);
    for (int64_t step = 2; step <= 9; step++)
        for (int64_t length = 1; length < step; length++)
            for (int64_t n = 1; n < 300; n += 1 + n / 4)
                for (int64_t bit = 0; bit < 9; bit += 2) {
                    msio_runs runs = {length, {n, 2, 1}, {step, step * n + 3, 0}, {length, length * n, 0}};
                    size_t src_extent = (size_t)(step * n + 3 + step * (n - 1) + length);
                    check_runs_expand(&runs, bit, src_extent, (size_t)(2 * length * n));
                }
}

static void runs_of_no_length_or_number_touch_nothing(void **state) {
    NEEDS_SET(state);
    msio_runs runs = {0, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}};
    for (int i = 0; i < 4; i++) {
        if (i > 0) {
            msio_runs some = {8, {3, 3, 3}, {8, 24, 72}, {8, 24, 72}};
            runs = some;
            runs.count[i - 1] = 0;
        }
        msio_runs_copy(NULL, NULL, &runs);
        msio_runs_swap(NULL, NULL, &runs, 4);
        msio_runs_expand(NULL, NULL, 0, &runs);
    }
}

/* ---------------------------------------------------------------- streams */

static void streams_give_the_same_bytes(void **state) {
    NEEDS_SET(state);
    for (size_t to = 0; to < 66; to++)
        for (size_t n = 0; n < 1200; n += 8 + n / 16 * 8) {
            const uint8_t *from = guarded_tail(source, n);
            for (size_t unit = 1; unit <= 8; unit *= 2) {
                mark(to + n + MARGIN);
                slow_swap(expected.bytes + to, from, n, unit);
                if (unit == 1)
                    msio_stream_copy(target.bytes + to, from, n);
                else
                    msio_stream_swap(target.bytes + to, from, n, (int)unit);
                msio_stream_end();
                assert_memory_equal(target.bytes, expected.bytes, to + n + MARGIN);
            }
        }
}

static void streams_expand_every_length_and_offset(void **state) {
    NEEDS_SET(state);
    for (size_t n = 0; n <= 400; n++)
        for (size_t bit = 0; bit < 9; bit++) {
            size_t to = n * 7 % 67, bytes = n ? (bit + n - 1) / 8 - bit / 8 + 1 : 0;
            const uint8_t *from = guarded_tail(source, bytes) - bit / 8;
            mark(to + n + MARGIN);
            slow_expand(expected.bytes + to, from, (int64_t)bit, n);
            msio_stream_expand(target.bytes + to, from, (int64_t)bit, n);
            msio_stream_end();
            assert_memory_equal(target.bytes, expected.bytes, to + n + MARGIN);
        }
}

static void streams_begin_at_some_megabytes(void **state) {
    (void)state;
    assert_true(msio_stream_least() >= (int64_t)4 << 20);
    assert_true(msio_stream_least() <= (int64_t)64 << 20);
    assert_int_equal(msio_stream_least(), msio_stream_least());
}

/* ---------------------------------------------------------------- the choice */

static void the_best_set_is_chosen_and_named(void **state) {
    (void)state;
    static const char *const names[] = {"avx512", "avx2", "generic"};
    const char *best = NULL;
    for (int i = 0; i < 3 && !best; i++)
        if (msio_kernels_force(names[i]) == 0) best = names[i];
    assert_int_equal(msio_kernels_force(NULL), 0);
    assert_string_equal(msio_kernels_name(), best);
}

static void an_unknown_set_is_refused(void **state) {
    (void)state;
    assert_int_equal(msio_kernels_force("generic"), 0);
    assert_int_not_equal(msio_kernels_force("abacus"), 0);
    assert_string_equal(msio_kernels_name(), "generic");
}

#define SET_TEST(test, set)                                                                                            \
    { #test " (" set ")", test, use_set, use_best, (void *)(uintptr_t)set }
#define SET_TESTS(test) SET_TEST(test, "generic"), SET_TEST(test, "avx2"), SET_TEST(test, "avx512")

int main(void) {
    const struct CMUnitTest tests[] = {
        SET_TESTS(swap_copy_swaps_every_length),
        SET_TESTS(swap_copy_writes_up_to_the_end_of_memory),
        SET_TESTS(bits_expand_takes_every_length_and_offset),
        SET_TESTS(bits_expand_writes_to_every_alignment),
        SET_TESTS(bits_expand_takes_many_bits),
        SET_TESTS(bits_expand_writes_up_to_the_end_of_memory),
        SET_TESTS(gather_takes_every_element_size),
        SET_TESTS(gather_repeats_with_stride_zero),
        SET_TESTS(runs_of_every_length_are_copied_and_swapped),
        SET_TESTS(a_run_is_repeated_on_the_inner_axis),
        SET_TESTS(runs_of_bits_of_every_length_are_expanded),
        SET_TESTS(bits_at_a_step_are_expanded),
        SET_TESTS(runs_of_no_length_or_number_touch_nothing),
        SET_TESTS(streams_give_the_same_bytes),
        SET_TESTS(streams_expand_every_length_and_offset),
        cmocka_unit_test(streams_begin_at_some_megabytes),
        cmocka_unit_test_teardown(the_best_set_is_chosen_and_named, use_best),
        cmocka_unit_test_teardown(an_unknown_set_is_refused, use_best),
    };
    int failed = cmocka_run_group_tests(tests, make_memory, free_memory);
    return failed ? failed : skipped ? 77 : 0;
}
