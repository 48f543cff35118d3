/* test_box.c - box copies against a loop over single elements. */
#include "core/box.h"

#include "trio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SPACE ((size_t)1 << 17)

static int make_memory(void **state) {
    (void)state;
    return make_trio(SPACE, SPACE, 3);
}

/* ---------------------------------------------------------------- the oracle */

static void slow_element(uint8_t *dst, const uint8_t *src, int64_t bit, msio_codec codec, int elem, int unit) {
    if (codec == MSIO_CODEC_BITS) {
        *dst = src[bit / 8] >> (bit % 8) & 1;
        return;
    }
    if (codec == MSIO_CODEC_COPY) unit = 1;
    for (int i = 0; i < elem; i++) dst[i] = src[bit + i / unit * unit + (unit - 1 - i % unit)];
}

/* `at` and the box's src strides are bits for MSIO_CODEC_BITS, else bytes. */
static void slow_copy(const msio_box *box, int axis, msio_codec codec, int elem, int unit, const uint8_t *src,
                      int64_t at, uint8_t *dst) {
    if (axis < 0) {
        slow_element(dst, src, at, codec, elem, unit);
        return;
    }
    for (int64_t i = 0; i < box->count[axis]; i++)
        slow_copy(box, axis - 1, codec, elem, unit, src, at + i * box->src[axis], dst + i * box->dst[axis]);
}

/* Bytes from the lowest element's begin to the highest one's end; strides count what elem counts. */
static int64_t extent(const msio_box *box, const int64_t *stride, int64_t elem) {
    int64_t end = elem;
    for (int k = 0; k < box->ndim; k++) end += (box->count[k] - 1) * llabs(stride[k]);
    return end;
}

/* How far element 0 lies from the lowest. */
static int64_t before_first(const msio_box *box, const int64_t *stride) {
    int64_t before = 0;
    for (int k = 0; k < box->ndim; k++)
        if (stride[k] < 0) before -= (box->count[k] - 1) * stride[k];
    return before;
}

/* Copies and streams. Source and result end where memory ends; nothing else may change. */
static void check_copy(const msio_box *box, msio_codec codec, int elem, int unit, int64_t bit) {
    bool bits = codec == MSIO_CODEC_BITS;
    int64_t src_extent = extent(box, box->src, bits ? 1 : elem);
    size_t src_bytes = (size_t)(bits ? (bit + src_extent + 7) / 8 : src_extent);
    size_t dst_bytes = (size_t)extent(box, box->dst, elem);
    assert_true(src_bytes <= SPACE && dst_bytes <= SPACE);
    const uint8_t *from = guarded_tail(source, src_bytes);
    int64_t first = before_first(box, box->dst);
    uint8_t *to = guarded_tail(target, dst_bytes) + first, *should = guarded_tail(expected, dst_bytes) + first;
    memset(target.bytes, MARK, SPACE);
    memset(expected.bytes, MARK, SPACE);
    slow_copy(box, box->ndim - 1, codec, elem, unit, from, bits ? bit : 0, should);
    msio_box_copy(box, codec, elem, unit, from, bit, to);
    assert_memory_equal(target.bytes, expected.bytes, SPACE);

    memset(target.bytes, MARK, SPACE);
    msio_box_stream(box, codec, elem, unit, from, bit, to);
    assert_memory_equal(target.bytes, expected.bytes, SPACE);
}

/* Strides of an array that holds the box and, where gaps are wanted, more. */
static void random_strides(uint64_t *seed, const msio_box *box, int64_t elem, int64_t *stride) {
    int64_t step = elem;
    for (int k = 0; k < box->ndim; k++) {
        if (random_below(seed, 3) == 0) step += elem * random_below(seed, 4);
        stride[k] = step;
        step *= box->count[k];
    }
}

static msio_box random_box(uint64_t *seed, int64_t src_elem, int64_t dst_elem) {
    msio_box box = {.ndim = (int)random_below(seed, 7)};
    int64_t room = 400;
    for (int k = 0; k < box.ndim; k++) {
        box.count[k] = 1 + random_below(seed, room < 40 ? room : 40);
        room /= box.count[k];
        if (room < 1) room = 1;
    }
    random_strides(seed, &box, src_elem, box.src);
    random_strides(seed, &box, dst_elem, box.dst);
    if (box.ndim > 0 && random_below(seed, 6) == 0) box.src[random_below(seed, box.ndim)] = 0;
    return box;
}

/* ---------------------------------------------------------------- copies */

/* Turns the order of some axes in the result round. */
static void reverse_some(uint64_t *seed, msio_box *box) {
    for (int k = 0; k < box->ndim; k++)
        if (random_below(seed, 2)) box->dst[k] = -box->dst[k];
}

static void random_boxes_in_order(msio_codec codec, int elem, int unit, uint64_t seed, bool reversed) {
    int64_t src_elem = codec == MSIO_CODEC_BITS ? 1 : elem;
    for (int i = 0; i < 300; i++) {
        msio_box box = random_box(&seed, src_elem, elem);
        if (reversed) reverse_some(&seed, &box);
        if (extent(&box, box.src, src_elem) + 64 > (int64_t)SPACE || extent(&box, box.dst, elem) > (int64_t)SPACE)
            continue;
        int64_t bit = random_below(&seed, 20);
        check_copy(&box, codec, elem, unit, bit);
        msio_box_simplify(&box);
        check_copy(&box, codec, elem, unit, bit);
    }
}

static void random_boxes(msio_codec codec, int elem, int unit, uint64_t seed) {
    random_boxes_in_order(codec, elem, unit, seed, false);
    random_boxes_in_order(codec, elem, unit, seed + 1000, true);
}

static void copy_takes_elements_of_every_size(void **state) {
    (void)state;
    for (int elem = 1; elem <= 16; elem *= 2) random_boxes(MSIO_CODEC_COPY, elem, elem, 11 + (uint64_t)elem);
}

static void copy_swaps_elements_and_their_halves(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 2}, {4, 4}, {8, 8}, {8, 4}, {16, 8}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        random_boxes(MSIO_CODEC_SWAP, sizes[i][0], sizes[i][1], 31 + i);
}

static void copy_expands_bits(void **state) {
    (void)state;
    for (uint64_t seed = 50; seed < 55; seed++) random_boxes(MSIO_CODEC_BITS, 1, 1, seed);
}

/* Tile [2, 48, n] of which 12 channels are wanted. */
static void copy_takes_channels_of_a_tile(void **state) {
    (void)state;
    msio_box data = {3, {2, 12, 90}, {8, 16, 768}, {8, 16, 192}};
    check_copy(&data, MSIO_CODEC_COPY, 8, 8, 0);
    check_copy(&data, MSIO_CODEC_SWAP, 8, 4, 0);
    msio_box flag = {3, {2, 12, 90}, {1, 2, 96}, {1, 2, 24}};
    for (int64_t bit = 0; bit < 96; bit += 7) check_copy(&flag, MSIO_CODEC_BITS, 1, 1, bit);
}

/* As many axes as a box can have, no two of which merge. */
static void copy_takes_all_axes(void **state) {
    (void)state;
    msio_box box = {.ndim = MSIO_BOX_NDIM};
    int64_t src = 8, dst = 8;
    for (int k = 0; k < MSIO_BOX_NDIM; k++) {
        box.count[k] = 2;
        box.src[k] = src;
        box.dst[k] = dst;
        src = 2 * src + 8;
        dst = 2 * dst;
    }
    check_copy(&box, MSIO_CODEC_COPY, 8, 8, 0);
    check_copy(&box, MSIO_CODEC_SWAP, 8, 4, 0);
}

static void copy_takes_axes_in_any_order(void **state) {
    (void)state;
    msio_box box = {3, {5, 7, 3}, {4 * 21, 4, 4 * 7}, {4, 4 * 5, 4 * 35}};
    check_copy(&box, MSIO_CODEC_COPY, 4, 4, 0);
    check_copy(&box, MSIO_CODEC_SWAP, 4, 4, 0);
}

static void copy_fills_many_rows_with_one_value(void **state) {
    (void)state;
    for (int elem = 1; elem <= 16; elem *= 2) {
        msio_box row = {1, {3000}, {0}, {elem}}, cell = {2, {24, 200}, {elem, 0}, {elem, 24 * elem}};
        check_copy(&row, MSIO_CODEC_COPY, elem, elem, 0);
        check_copy(&cell, MSIO_CODEC_COPY, elem, elem, 0);
        if (elem > 1) check_copy(&row, MSIO_CODEC_SWAP, elem, elem > 8 ? 8 : elem, 0);
        if (elem > 1) check_copy(&cell, MSIO_CODEC_SWAP, elem, elem > 8 ? 8 : elem, 0);
    }
    msio_box bits = {1, {3000}, {0}, {1}};
    check_copy(&bits, MSIO_CODEC_BITS, 1, 1, 13);
}

/* More than one filling of the memory that streams are staged in; also with a step that leaves gaps in the result. */
static void streams_cut_large_boxes(void **state) {
    (void)state;
    msio_box wide = {3, {2, 300, 9}, {8, 24, 7300}, {8, 16, 4800}}, gaps = {2, {700, 5}, {16, 0}, {8, 5608}};
    msio_box run = {2, {3000, 2}, {8, 24008}, {8, 24000}}, bits = {2, {7000, 5}, {3, 21001}, {1, 7000}};
    for (int swap = 0; swap < 2; swap++) {
        msio_codec codec = swap ? MSIO_CODEC_SWAP : MSIO_CODEC_COPY;
        check_copy(&wide, codec, 8, 4, 0);
        check_copy(&gaps, codec, 8, 8, 0);
        check_copy(&run, codec, 8, 4, 0);
    }
    check_copy(&bits, MSIO_CODEC_BITS, 1, 1, 3);
    bits.src[0] = 1;
    check_copy(&bits, MSIO_CODEC_BITS, 1, 1, 6);
}

/* Runs of whole cache lines, and long ones that are not; more and fewer of them than are asked for ahead. */
static void streams_copy_runs_of_lines(void **state) {
    (void)state;
    for (int64_t rows = 1; rows < 40; rows += 7)
        for (int swap = 0; swap < 2; swap++) {
            msio_codec codec = swap ? MSIO_CODEC_SWAP : MSIO_CODEC_COPY;
            msio_box lines = {3, {24, rows, 2}, {8, 768, 768 * rows}, {8, 192, 192 * rows}};
            msio_box gaps = {2, {8, rows}, {8, 96}, {8, 128}}, longer = {2, {77, rows}, {8, 800}, {8, 680}};
            check_copy(&lines, codec, 8, 4, 0);
            check_copy(&gaps, codec, 8, 8, 0);
            check_copy(&longer, codec, 8, 4, 0);
        }
}

/* Channels of descending frequency, delivered ascending: few and many correlations, all channels and some; every way
 * that a stream can take, with the reversed axis innermost, in the middle and outermost. */
static void copy_reverses_channels(void **state) {
    (void)state;
    for (int64_t corrs = 1; corrs <= 128; corrs *= 2)
        for (int64_t elem = 1; elem <= 16 && corrs * elem < 1500; elem *= 2)
            for (int swap = 0; swap <= (elem > 1); swap++) {
                int64_t run = corrs * elem, unit = elem > 8 ? 8 : elem;
                msio_codec codec = swap ? MSIO_CODEC_SWAP : MSIO_CODEC_COPY;
                msio_box all = {3, {corrs, 12, 5}, {elem, run, 12 * run}, {elem, -run, 12 * run}};
                msio_box some = {3, {corrs, 12, 5}, {elem, 2 * run, 24 * run}, {elem, -run, 12 * run}};
                msio_box rows = {3, {corrs, 12, 5}, {elem, run, 14 * run}, {elem, run, -12 * run}};
                check_copy(&all, codec, (int)elem, (int)unit, 0);
                check_copy(&some, codec, (int)elem, (int)unit, 0);
                check_copy(&rows, codec, (int)elem, (int)unit, 0);
            }
    for (int64_t corrs = 1; corrs <= 700; corrs = 3 * corrs + 1) {
        msio_box bits = {3, {corrs, 12, 5}, {1, corrs, 12 * corrs}, {1, -corrs, 12 * corrs}};
        msio_box rows = {3, {corrs, 12, 5}, {1, corrs, 14 * corrs}, {1, corrs, -12 * corrs}};
        check_copy(&bits, MSIO_CODEC_BITS, 1, 1, 5);
        check_copy(&rows, MSIO_CODEC_BITS, 1, 1, 5);
    }
}

static void streams_reverse_runs_of_lines(void **state) {
    (void)state;
    for (int swap = 0; swap < 2; swap++) {
        msio_codec codec = swap ? MSIO_CODEC_SWAP : MSIO_CODEC_COPY;
        msio_box lines = {3, {24, 20, 2}, {8, 768, 768 * 20}, {8, -192, 192 * 20}};
        msio_box last = {3, {24, 20, 2}, {8, 768, 768 * 20}, {8, 192, -192 * 20}};
        msio_box longer = {2, {77, 20}, {8, 800}, {8, -680}}, staged = {3, {2, 300, 9}, {8, 24, 7300}, {8, 16, -4800}};
        check_copy(&lines, codec, 8, 4, 0);
        check_copy(&last, codec, 8, 4, 0);
        check_copy(&longer, codec, 8, 4, 0);
        check_copy(&staged, codec, 8, 4, 0);
    }
}

static void copy_of_an_empty_box_touches_nothing(void **state) {
    (void)state;
    msio_box box = {2, {5, 0}, {8, 40}, {8, 40}};
    msio_box_copy(&box, MSIO_CODEC_COPY, 8, 8, NULL, 0, NULL);
    msio_box_copy(&box, MSIO_CODEC_SWAP, 8, 8, NULL, 0, NULL);
    msio_box_copy(&box, MSIO_CODEC_BITS, 1, 1, NULL, 0, NULL);
}

static void copy_without_axes_takes_one_element(void **state) {
    (void)state;
    msio_box box = {.ndim = 0};
    check_copy(&box, MSIO_CODEC_COPY, 16, 16, 0);
    check_copy(&box, MSIO_CODEC_SWAP, 16, 8, 0);
    check_copy(&box, MSIO_CODEC_BITS, 1, 1, 11);
}

/* ---------------------------------------------------------------- simplify */

static void simplify_merges_a_contiguous_box(void **state) {
    (void)state;
    msio_box box = {4, {2, 1, 48, 10}, {8, 999, 16, 768}, {8, 5, 16, 768}};
    msio_box_simplify(&box);
    assert_int_equal(box.ndim, 1);
    assert_int_equal(box.count[0], 960);
    assert_int_equal(box.src[0], 8);
    assert_int_equal(box.dst[0], 8);
    assert_true(msio_box_is_run(&box, 8, 8));
    assert_false(msio_box_is_run(&box, 4, 8));
}

static void simplify_keeps_axes_with_gaps(void **state) {
    (void)state;
    msio_box box = {3, {2, 12, 10}, {8, 16, 768}, {8, 16, 192}};
    msio_box_simplify(&box);
    assert_int_equal(box.ndim, 2);
    assert_int_equal(box.count[0], 24);
    assert_int_equal(box.count[1], 10);
    assert_int_equal(box.src[1], 768);
    assert_int_equal(box.dst[1], 192);
    assert_false(msio_box_is_run(&box, 8, 8));
}

static void simplify_merges_repeated_axes(void **state) {
    (void)state;
    msio_box box = {2, {3, 4}, {0, 0}, {8, 24}};
    msio_box_simplify(&box);
    assert_int_equal(box.ndim, 1);
    assert_int_equal(box.count[0], 12);
    assert_int_equal(box.src[0], 0);
    assert_false(msio_box_is_run(&box, 8, 8));
}

static void simplify_merges_axes_that_run_backwards_together(void **state) {
    (void)state;
    msio_box box = {3, {3, 4, 5}, {8, 24, 96}, {-8, -24, 96}};
    msio_box_simplify(&box);
    assert_int_equal(box.ndim, 2);
    assert_int_equal(box.count[0], 12);
    assert_int_equal(box.src[0], 8);
    assert_int_equal(box.dst[0], -8);
    assert_int_equal(box.dst[1], 96);
    box = (msio_box){1, {12}, {8}, {-8}};
    assert_false(msio_box_is_run(&box, 8, 8));
}

static void simplify_of_one_element_leaves_no_axis(void **state) {
    (void)state;
    msio_box box = {2, {1, 1}, {7, 9}, {8, 24}};
    msio_box_simplify(&box);
    assert_int_equal(box.ndim, 0);
    assert_int_equal(msio_box_elements(&box), 1);
    assert_true(msio_box_is_run(&box, 8, 8));
}

static void simplify_of_an_empty_box_leaves_an_empty_axis(void **state) {
    (void)state;
    msio_box box = {3, {4, 0, 3}, {8, 32, 64}, {8, 32, 64}};
    msio_box_simplify(&box);
    assert_int_equal(box.ndim, 1);
    assert_int_equal(box.count[0], 0);
    assert_int_equal(msio_box_elements(&box), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_takes_elements_of_every_size),
        cmocka_unit_test(copy_swaps_elements_and_their_halves),
        cmocka_unit_test(copy_expands_bits),
        cmocka_unit_test(copy_takes_channels_of_a_tile),
        cmocka_unit_test(copy_takes_all_axes),
        cmocka_unit_test(copy_takes_axes_in_any_order),
        cmocka_unit_test(copy_fills_many_rows_with_one_value),
        cmocka_unit_test(streams_cut_large_boxes),
        cmocka_unit_test(streams_copy_runs_of_lines),
        cmocka_unit_test(copy_reverses_channels),
        cmocka_unit_test(streams_reverse_runs_of_lines),
        cmocka_unit_test(copy_of_an_empty_box_touches_nothing),
        cmocka_unit_test(copy_without_axes_takes_one_element),
        cmocka_unit_test(simplify_merges_a_contiguous_box),
        cmocka_unit_test(simplify_keeps_axes_with_gaps),
        cmocka_unit_test(simplify_merges_repeated_axes),
        cmocka_unit_test(simplify_merges_axes_that_run_backwards_together),
        cmocka_unit_test(simplify_of_one_element_leaves_no_axis),
        cmocka_unit_test(simplify_of_an_empty_box_leaves_an_empty_axis),
    };
    return cmocka_run_group_tests(tests, make_memory, free_memory);
}
