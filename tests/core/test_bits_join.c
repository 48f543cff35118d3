/* test_bits_join.c - rows of bits joined to bytes, by each instruction set, against a loop over single bits. */
#include "kernel_sets.h"
#include "trio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MOST 300

static int make_memory(void **state) {
    (void)state;
    return make_trio(8 * MOST + 64, 8 * MOST + 64, 11);
}

/* Bit by bit. */
static void slow_join(uint8_t *dst, const uint8_t *src, size_t n) {
    memset(dst, 0, 8 * n);
    for (size_t k = 0; k < 8; k++)
        for (size_t b = 0; b < 8 * n; b++) dst[b] = (uint8_t)(dst[b] | (src[k * n + b / 8] >> b % 8 & 1) << k);
}

/* Source and result lie at the end of their pages, and `off` bytes behind the beginning. */
static void check(size_t n, size_t off) {
    memset(target.bytes, MARK, target.length);
    memset(expected.bytes, MARK, expected.length);
    msio_bits_join(target.bytes + off, source.bytes + off, n);
    slow_join(expected.bytes + off, source.bytes + off, n);
    assert_memory_equal(target.bytes, expected.bytes, expected.length);
    const uint8_t *last = guarded_tail(source, 8 * n);
    msio_bits_join(guarded_tail(target, 8 * n), last, n);
    slow_join(guarded_tail(expected, 8 * n), last, n);
    assert_memory_equal(guarded_tail(target, 8 * n), guarded_tail(expected, 8 * n), 8 * n);
}

static void every_length_is_joined(void **state) {
    if (!*state) skip();
    for (size_t n = 0; n <= MOST; n++) check(n, 0);
}

static void any_alignment_is_taken(void **state) {
    if (!*state) skip();
    for (size_t off = 1; off < 64; off++) {
        check(31, off);
        check(96, off);
        check(257, off);
    }
}

#define SET_TEST(test, set)                                                                                            \
    { #test "_" set, test, use_set, use_best, (void *)(set) }
#define SET_TESTS(test) SET_TEST(test, "generic"), SET_TEST(test, "avx2"), SET_TEST(test, "avx512")

int main(void) {
    const struct CMUnitTest tests[] = {
        SET_TESTS(every_length_is_joined),
        SET_TESTS(any_alignment_is_taken),
    };
    int failed = cmocka_run_group_tests(tests, make_memory, free_memory);
    return failed ? failed : skipped ? 77 : 0;
}
