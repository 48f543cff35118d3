/* test_numbers.c - stored numbers as they are delivered, against a loop over single elements. */
#include "core/numbers.h"

#include "trio.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SPACE ((size_t)1 << 17)

static int make_memory(void **state) {
    (void)state;
    return make_trio(SPACE, SPACE, 0);
}

static const msio_type all_types[] = {MSIO_BOOL,  MSIO_CHAR,   MSIO_UCHAR,    MSIO_SHORT,  MSIO_USHORT,
                                      MSIO_INT,   MSIO_UINT,   MSIO_FLOAT,    MSIO_DOUBLE, MSIO_COMPLEX,
                                      MSIO_INT64, MSIO_UINT64, MSIO_DCOMPLEX, MSIO_STRING, MSIO_RECORD};
#define TYPES (sizeof all_types / sizeof all_types[0])

/* Every number that there can be, one after the other; false behind the last. */
static bool next_number(int *place, msio_number *number) {
    static const msio_number_kind kinds[] = {MSIO_NUMBER_SIGNED, MSIO_NUMBER_UNSIGNED, MSIO_NUMBER_FLOAT};
    for (; *place < 3 * 4 * 2 * 2 * 2; (*place)++) {
        int p = *place;
        *number = (msio_number){.kind = kinds[p % 3],
                                .bytes = 1 << p / 3 % 4,
                                .parts = 1 + p / 12 % 2,
                                .swapped = p / 24 % 2 == 1,
                                .is_truth = p / 48 == 1};
        if (number->kind == MSIO_NUMBER_FLOAT && (number->bytes < 4 || number->is_truth)) continue;
        if (number->is_truth && number->parts == 2) continue;
        (*place)++;
        return true;
    }
    return false;
}

/* ---------------------------------------------------------------- the oracle */

/* A stored number in this machine's order. */
typedef union value {
    int64_t i;
    uint64_t u;
    double f;
} value;

static value slow_value(const msio_number *number, const uint8_t *stored) {
    uint8_t b[8];
    value v = {0};
    for (int i = 0; i < number->bytes; i++) b[i] = stored[number->swapped ? number->bytes - 1 - i : i];
    if (number->kind == MSIO_NUMBER_FLOAT) {
        float single;
        memcpy(number->bytes == 4 ? (void *)&single : (void *)&v.f, b, (size_t)number->bytes);
        if (number->bytes == 4) v.f = (double)single;
        return v;
    }
    for (int i = number->bytes - 1; i >= 0; i--) v.u = v.u << 8 | b[i]; /* little endian: see main */
    int unused = 64 - 8 * number->bytes;
    if (number->kind == MSIO_NUMBER_SIGNED) v.i = (int64_t)(v.u << unused) >> unused;
    if (number->is_truth) v.u = v.u != 0;
    return v;
}

static void slow_real(const msio_number *number, bool single, const uint8_t *stored, uint8_t *dst) {
    value v = slow_value(number, stored);
    bool is_signed = number->kind == MSIO_NUMBER_SIGNED, is_float = number->kind == MSIO_NUMBER_FLOAT;
    if (single) {
        float f = is_float ? (float)v.f : is_signed ? (float)v.i : (float)v.u;
        memcpy(dst, &f, sizeof f);
    } else {
        double f = is_float ? v.f : is_signed ? (double)v.i : (double)v.u;
        memcpy(dst, &f, sizeof f);
    }
}

static void slow_element(const msio_number *number, msio_type type, const uint8_t *stored, uint8_t *dst) {
    bool single = type == MSIO_FLOAT || type == MSIO_COMPLEX;
    if (type == MSIO_BOOL) {
        *dst = slow_value(number, stored).u != 0;
    } else if (single || type == MSIO_DOUBLE || type == MSIO_DCOMPLEX) {
        for (int part = 0; part < number->parts; part++)
            slow_real(number, single, stored + part * number->bytes, dst + part * (single ? 4 : 8));
    } else {
        value v = slow_value(number, stored);
        memcpy(dst, &v, (size_t)number->bytes);
    }
}

static void slow_convert(const msio_box *box, int axis, const msio_number *number, msio_type type, const uint8_t *src,
                         uint8_t *dst) {
    if (axis < 0) {
        slow_element(number, type, src, dst);
        return;
    }
    for (int64_t i = 0; i < box->count[axis]; i++)
        slow_convert(box, axis - 1, number, type, src + i * box->src[axis], dst + i * box->dst[axis]);
}

/* ---------------------------------------------------------------- boxes */

static int64_t extent(const msio_box *box, const int64_t *stride, int64_t elem) {
    int64_t end = elem;
    for (int k = 0; k < box->ndim; k++) end += (box->count[k] - 1) * llabs(stride[k]);
    return end;
}

static int64_t before_first(const msio_box *box) {
    int64_t before = 0;
    for (int k = 0; k < box->ndim; k++)
        if (box->dst[k] < 0) before -= (box->count[k] - 1) * box->dst[k];
    return before;
}

/* A third of the numbers is 0, some floats are small integers: random bits alone would be neither. */
static void fill_source(uint64_t *seed, const msio_number *number, uint8_t *bytes, size_t length) {
    random_fill(seed, bytes, length);
    size_t elem = (size_t)number->bytes;
    for (size_t i = 0; i + elem <= length; i += elem)
        if (random_below(seed, 3) == 0) memset(bytes + i, 0, elem);
}

/* NaNs keep their place, not their bits: not where a float becomes another. */
static void quieten(const msio_number *number, uint8_t *bytes, size_t length) {
    if (number->kind != MSIO_NUMBER_FLOAT) return;
    size_t elem = (size_t)number->bytes;
    for (size_t i = 0; i + elem <= length; i += elem)
        if (isnan(slow_value(number, bytes + i).f)) memset(bytes + i, 0, elem);
}

/* Source and result end where memory ends; nothing else may change. */
static void check_convert(uint64_t *seed, const msio_box *box, const msio_number *number, msio_type type) {
    size_t src_bytes = (size_t)extent(box, box->src, number->bytes * number->parts);
    size_t dst_bytes = (size_t)extent(box, box->dst, (int64_t)msio_type_size(type));
    assert_true(src_bytes <= SPACE && dst_bytes <= SPACE);
    uint8_t *from = guarded_tail(source, src_bytes);
    uint8_t *to = guarded_tail(target, dst_bytes) + before_first(box);
    uint8_t *should = guarded_tail(expected, dst_bytes) + before_first(box);
    fill_source(seed, number, from, src_bytes);
    quieten(number, from, src_bytes);
    memset(target.bytes, MARK, SPACE);
    memset(expected.bytes, MARK, SPACE);
    slow_convert(box, box->ndim - 1, number, type, from, should);
    msio_box_convert(box, number, type, from, to);
    assert_memory_equal(target.bytes, expected.bytes, SPACE);
}

static void check_all_numbers(uint64_t seed, void (*make)(uint64_t *seed, int64_t src, int64_t dst, msio_box *box)) {
    msio_number number;
    int conversions = 0;
    for (int place = 0; next_number(&place, &number);)
        for (size_t i = 0; i < TYPES; i++) {
            msio_box box;
            if (!msio_number_becomes(&number, all_types[i])) continue;
            make(&seed, number.bytes * number.parts, (int64_t)msio_type_size(all_types[i]), &box);
            check_convert(&seed, &box, &number, all_types[i]);
            conversions++;
        }
    assert_true(conversions > 100);
}

static void dense_box(uint64_t *seed, int64_t src, int64_t dst, msio_box *box) {
    *box = (msio_box){.ndim = 1, .count = {1 + random_below(seed, 1500)}, .src = {src}, .dst = {dst}};
}

static void random_strides(uint64_t *seed, const msio_box *box, int64_t elem, int64_t *stride) {
    int64_t step = elem;
    for (int k = 0; k < box->ndim; k++) {
        if (random_below(seed, 3) == 0) step += elem * random_below(seed, 3);
        stride[k] = step;
        step *= box->count[k];
    }
}

/* Gaps on either side, axes that run backwards in the result, sometimes one value for many. */
static void random_box(uint64_t *seed, int64_t src, int64_t dst, msio_box *box) {
    *box = (msio_box){.ndim = (int)random_below(seed, 6)};
    int64_t room = 600;
    for (int k = 0; k < box->ndim; k++) {
        box->count[k] = 1 + random_below(seed, room < 150 ? room : 150);
        room /= box->count[k];
        if (room < 1) room = 1;
    }
    random_strides(seed, box, src, box->src);
    random_strides(seed, box, dst, box->dst);
    for (int k = 0; k < box->ndim; k++)
        if (random_below(seed, 4) == 0) box->dst[k] = -box->dst[k];
    if (box->ndim > 0 && random_below(seed, 6) == 0) box->src[random_below(seed, box->ndim)] = 0;
    /* what is too large for the test's memory is made small */
    if (extent(box, box->src, src) > (int64_t)SPACE || extent(box, box->dst, dst) > (int64_t)SPACE) box->ndim = 0;
}

/* [row, channel, correlation] of which some channels are wanted, delivered the other way round. */
static void channels_box(uint64_t *seed, int64_t src, int64_t dst, msio_box *box) {
    int64_t corrs = 1 + random_below(seed, 4), step = 1 + random_below(seed, 3);
    *box = (msio_box){.ndim = 3,
                      .count = {corrs, 48, 7},
                      .src = {src, corrs * src * step, corrs * src * step * 50},
                      .dst = {dst, -corrs * dst, corrs * dst * 48}};
}

/* ---------------------------------------------------------------- tests */

static void every_conversion_of_a_dense_run(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 8; seed++) check_all_numbers(seed, dense_box);
}

static void every_conversion_of_a_box(void **state) {
    (void)state;
    for (uint64_t seed = 100; seed < 160; seed++) check_all_numbers(seed, random_box);
}

static void every_conversion_of_reversed_channels(void **state) {
    (void)state;
    for (uint64_t seed = 300; seed < 305; seed++) check_all_numbers(seed, channels_box);
}

static void a_convert_of_an_empty_box_touches_nothing(void **state) {
    (void)state;
    const msio_number number = {.kind = MSIO_NUMBER_SIGNED, .bytes = 4, .parts = 1};
    const msio_box box = {2, {5, 0}, {4, 20}, {8, 40}};
    msio_box_convert(&box, &number, MSIO_DOUBLE, NULL, NULL);
    msio_box_convert(&box, &number, MSIO_INT, NULL, NULL);
}

static void truths_are_0_or_1_whatever_is_stored(void **state) {
    (void)state;
    const uint8_t stored[6] = {0, 1, 2, 128, 255, 0}, truths[6] = {0, 1, 1, 1, 1, 0};
    const msio_number number = {.kind = MSIO_NUMBER_SIGNED, .bytes = 1, .parts = 1, .is_truth = true};
    const msio_box box = {1, {6}, {1}, {1}};
    uint8_t out[6];
    assert_false(msio_number_copies(&number, MSIO_BOOL));
    msio_box_convert(&box, &number, MSIO_BOOL, stored, out);
    assert_memory_equal(out, truths, 6);
}

/* 2^24 + 1 lies between two floats, and goes to the even one; so do the largest integers. */
static void integers_are_rounded_to_nearest(void **state) {
    (void)state;
    const int32_t stored[4] = {16777217, 16777219, -16777217, INT32_MAX};
    const float rounded[4] = {16777216.0f, 16777220.0f, -16777216.0f, 2147483648.0f};
    const uint64_t large[2] = {UINT64_MAX, (UINT64_C(1) << 53) + 1};
    const double rounded_large[2] = {18446744073709551616.0, 9007199254740992.0};
    const msio_number number = {.kind = MSIO_NUMBER_SIGNED, .bytes = 4, .parts = 1};
    const msio_number wide = {.kind = MSIO_NUMBER_UNSIGNED, .bytes = 8, .parts = 1};
    const msio_box box = {1, {4}, {4}, {4}}, two = {1, {2}, {8}, {8}};
    float out[4];
    double out_large[2];
    msio_box_convert(&box, &number, MSIO_FLOAT, stored, out);
    msio_box_convert(&two, &wide, MSIO_DOUBLE, large, out_large);
    assert_memory_equal(out, rounded, sizeof out);
    assert_memory_equal(out_large, rounded_large, sizeof out_large);
}

static void infinities_and_nans_stay(void **state) {
    (void)state;
    const double stored[4] = {(double)INFINITY, (double)-INFINITY, (double)NAN, 1e300};
    const msio_number number = {.kind = MSIO_NUMBER_FLOAT, .bytes = 8, .parts = 2};
    const msio_box box = {1, {2}, {16}, {8}};
    float out[4];
    msio_box_convert(&box, &number, MSIO_COMPLEX, stored, out);
    assert_true(isinf(out[0]) && out[0] > 0);
    assert_true(isinf(out[1]) && out[1] < 0);
    assert_true(isnan(out[2]));
    assert_true(isinf(out[3]));
}

static void the_type_of_a_number_holds_it(void **state) {
    (void)state;
    static const struct {
        msio_number number;
        msio_type type;
        bool copies;
    } cases[] = {
        {{MSIO_NUMBER_SIGNED, 1, 1, false, false}, MSIO_CHAR, true},
        {{MSIO_NUMBER_UNSIGNED, 1, 1, false, false}, MSIO_UCHAR, true},
        {{MSIO_NUMBER_SIGNED, 2, 1, true, false}, MSIO_SHORT, true},
        {{MSIO_NUMBER_UNSIGNED, 2, 1, false, false}, MSIO_USHORT, true},
        {{MSIO_NUMBER_SIGNED, 4, 1, false, false}, MSIO_INT, true},
        {{MSIO_NUMBER_UNSIGNED, 4, 1, false, false}, MSIO_UINT, true},
        {{MSIO_NUMBER_SIGNED, 8, 1, false, false}, MSIO_INT64, true},
        {{MSIO_NUMBER_UNSIGNED, 8, 1, true, false}, MSIO_UINT64, true},
        {{MSIO_NUMBER_FLOAT, 4, 1, false, false}, MSIO_FLOAT, true},
        {{MSIO_NUMBER_FLOAT, 8, 1, true, false}, MSIO_DOUBLE, true},
        {{MSIO_NUMBER_FLOAT, 4, 2, true, false}, MSIO_COMPLEX, true},
        {{MSIO_NUMBER_FLOAT, 8, 2, false, false}, MSIO_DCOMPLEX, true},
        {{MSIO_NUMBER_SIGNED, 2, 2, false, false}, MSIO_COMPLEX, false},
        {{MSIO_NUMBER_SIGNED, 4, 2, false, false}, MSIO_DCOMPLEX, false},
        {{MSIO_NUMBER_UNSIGNED, 8, 2, false, false}, MSIO_DCOMPLEX, false},
        {{MSIO_NUMBER_SIGNED, 1, 1, false, true}, MSIO_BOOL, false},
        {{MSIO_NUMBER_UNSIGNED, 4, 1, false, true}, MSIO_BOOL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(msio_number_type(&cases[i].number), cases[i].type);
        assert_true(msio_number_becomes(&cases[i].number, cases[i].type));
        assert_int_equal(msio_number_copies(&cases[i].number, cases[i].type), cases[i].copies);
    }
}

static void numbers_do_not_become_what_cannot_hold_them(void **state) {
    (void)state;
    const msio_number real = {.kind = MSIO_NUMBER_FLOAT, .bytes = 4, .parts = 1};
    const msio_number pair = {.kind = MSIO_NUMBER_SIGNED, .bytes = 4, .parts = 2};
    const msio_number integer = {.kind = MSIO_NUMBER_SIGNED, .bytes = 4, .parts = 1};
    assert_false(msio_number_becomes(&real, MSIO_BOOL));
    assert_false(msio_number_becomes(&real, MSIO_INT));
    assert_false(msio_number_becomes(&real, MSIO_COMPLEX));
    assert_false(msio_number_becomes(&real, MSIO_STRING));
    assert_false(msio_number_becomes(&pair, MSIO_DOUBLE));
    assert_false(msio_number_becomes(&pair, MSIO_BOOL));
    assert_false(msio_number_becomes(&integer, MSIO_INT64));
    assert_false(msio_number_becomes(&integer, MSIO_UINT));
    assert_true(msio_number_becomes(&integer, MSIO_BOOL));
    assert_true(msio_number_becomes(&pair, MSIO_COMPLEX));
    assert_false(msio_number_copies(&integer, MSIO_FLOAT));
    assert_false(msio_number_copies(&integer, MSIO_BOOL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_conversion_of_a_dense_run),
        cmocka_unit_test(every_conversion_of_a_box),
        cmocka_unit_test(every_conversion_of_reversed_channels),
        cmocka_unit_test(a_convert_of_an_empty_box_touches_nothing),
        cmocka_unit_test(truths_are_0_or_1_whatever_is_stored),
        cmocka_unit_test(integers_are_rounded_to_nearest),
        cmocka_unit_test(infinities_and_nans_stay),
        cmocka_unit_test(the_type_of_a_number_holds_it),
        cmocka_unit_test(numbers_do_not_become_what_cannot_hold_them),
    };
    const uint16_t one = 1;
    if (*(const uint8_t *)&one != 1) {
        print_message("skipped: the oracle knows little-endian machines only\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, make_memory, free_memory);
}
