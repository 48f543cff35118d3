/* test_weave.c - lanes put side by side, by each instruction set, against a loop over single elements. */
#include "guarded.h"
#include "kernel_sets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MARK 0xa5

static guarded source[4], target, expected;

static int make_memory(void **state) {
    (void)state;
    uint64_t seed = 7;
    target = guarded_new(1 << 16);
    expected = guarded_new(1 << 16);
    if (!target.bytes || !expected.bytes) return -1;
    for (int l = 0; l < 4; l++) {
        source[l] = guarded_new(1 << 14);
        if (!source[l].bytes) return -1;
        random_fill(&seed, source[l].bytes, source[l].length);
    }
    return 0;
}

static int free_memory(void **state) {
    (void)state;
    guarded_free(target);
    guarded_free(expected);
    for (int l = 0; l < 4; l++) guarded_free(source[l]);
    return 0;
}

/* ---------------------------------------------------------------- the oracle */

static void slow_weave(uint8_t *dst, const msio_lanes *lanes) {
    for (int64_t r = 0; r < lanes->rows; r++)
        for (int64_t i = 0; i < lanes->n; i++)
            for (int l = 0; l < lanes->lanes; l++)
                memcpy(dst + r * lanes->dst_row + (i * lanes->lanes + l) * lanes->elem,
                       lanes->src[l] + r * lanes->src_row + (lanes->reversed ? lanes->n - 1 - i : i) * lanes->elem,
                       (size_t)lanes->elem);
}

/* Lanes and result end where their guarded pages do, or begin where they begin. Rows lie apart by what is given. */
static void check(msio_lanes lanes, bool at_end, int64_t src_gap, int64_t dst_gap) {
    int64_t row = lanes.n * lanes.elem, last = lanes.rows > 0 ? lanes.rows - 1 : 0;
    lanes.src_row = row + src_gap;
    lanes.dst_row = lanes.lanes * row + dst_gap;
    size_t in = (size_t)(last * lanes.src_row + row), out = (size_t)(last * lanes.dst_row + lanes.lanes * row);
    assert_true(in <= source[0].length && out <= target.length);
    for (int l = 0; l < lanes.lanes; l++) lanes.src[l] = at_end ? guarded_tail(source[l], in) : source[l].bytes;
    memset(target.bytes, MARK, target.length);
    memset(expected.bytes, MARK, expected.length);
    msio_weave(at_end ? guarded_tail(target, out) : target.bytes, &lanes);
    slow_weave(at_end ? guarded_tail(expected, out) : expected.bytes, &lanes);
    if (memcmp(target.bytes, expected.bytes, target.length) != 0)
        fail_msg("%d lanes of %lld elements of %d bytes, %lld rows, reversed %d, gaps of %lld and %lld", lanes.lanes,
                 (long long)lanes.n, lanes.elem, (long long)lanes.rows, lanes.reversed, (long long)src_gap,
                 (long long)dst_gap);
}

/* Each number of lanes, size of elements and direction. */
static void check_all(int64_t n, int64_t rows, int64_t src_gap, int64_t dst_gap) {
    for (int lanes = 2; lanes <= 4; lanes += 2)
        for (int elem = 1; elem <= 8; elem *= 2)
            for (int reversed = 0; reversed < 2; reversed++)
                for (int at_end = 0; at_end < 2; at_end++) {
                    msio_lanes l = {.lanes = lanes, .elem = elem, .reversed = reversed, .n = n, .rows = rows};
                    check(l, at_end, src_gap, dst_gap);
                }
}

/* ---------------------------------------------------------------- tests */

#define NEEDS_SET(state)                                                                                               \
    do {                                                                                                               \
        if (!*(state)) skip();                                                                                         \
    } while (0)

static void every_length_of_a_row_is_woven(void **state) {
    NEEDS_SET(state);
    for (int64_t n = 0; n <= 100; n++) check_all(n, 1, 0, 0);
}

static void dense_rows_are_woven(void **state) {
    NEEDS_SET(state);
    for (int64_t n = 1; n <= 40; n++) check_all(n, 5, 0, 0);
}

static void no_rows_write_nothing(void **state) {
    NEEDS_SET(state);
    check_all(20, 0, 0, 0);
}

/* What lies between rows stays as it was; distances need not be whole elements. */
static void rows_may_lie_apart(void **state) {
    NEEDS_SET(state);
    uint64_t seed = 3;
    for (int i = 0; i < 300; i++)
        check_all(random_below(&seed, 60), random_below(&seed, 12), random_below(&seed, 70), random_below(&seed, 70));
}

/* The same row again and again, and rows from last to first. */
static void sources_may_stand_still_or_go_back(void **state) {
    NEEDS_SET(state);
    for (int64_t n = 1; n < 70; n += 3)
        for (int elem = 1; elem <= 8; elem *= 2) {
            msio_lanes still = {.lanes = 4, .elem = elem, .n = n, .rows = 4, .src_row = 0, .dst_row = 4 * n * elem};
            for (int l = 0; l < 4; l++) still.src[l] = guarded_tail(source[l], (size_t)(n * elem));
            msio_lanes back = still;
            back.src_row = -n * elem;
            size_t out = (size_t)(4 * still.dst_row);
            msio_weave(target.bytes, &still);
            slow_weave(expected.bytes, &still);
            assert_memory_equal(target.bytes, expected.bytes, out);
            msio_weave(target.bytes, &back);
            slow_weave(expected.bytes, &back);
            assert_memory_equal(target.bytes, expected.bytes, out);
        }
}

/* ---------------------------------------------------------------- the run */

#define SET_TEST(test, set)                                                                                            \
    { #test " (" set ")", test, use_set, use_best, (void *)(uintptr_t)set }
#define SET_TESTS(test) SET_TEST(test, "generic"), SET_TEST(test, "avx2"), SET_TEST(test, "avx512")

int main(void) {
    const struct CMUnitTest tests[] = {
        SET_TESTS(every_length_of_a_row_is_woven),
        SET_TESTS(dense_rows_are_woven),
        SET_TESTS(no_rows_write_nothing),
        SET_TESTS(rows_may_lie_apart),
        SET_TESTS(sources_may_stand_still_or_go_back),
    };
    int failed = cmocka_run_group_tests(tests, make_memory, free_memory);
    return failed ? failed : skipped ? 77 : 0;
}
