/* test_packing.c - values on their way into files: bits packed, boxes stored, by each instruction set, against loops
 * over single bits and bytes. */
#include "core/box.h"
#include "core/kernels.h"

#include "trio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 4000

static const char *const sets[] = {"generic", "avx2", "avx512"};

static int make_memory(void **state) {
    (void)state;
    return make_trio(1 << 16, 1 << 16, 7);
}

static int free_all(void **state) {
    free_memory(state);
    return msio_kernels_force(NULL);
}

/* Runs check under every set that the processor has. */
static void with_every_set(void (*check)(void)) {
    int used = 0;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (msio_kernels_force(sets[i])) continue;
        check();
        used++;
    }
    assert_true(used >= 1);
}

/* ---------------------------------------------------------------- bits */

static void slow_pack(uint8_t *dst, int64_t bit, const uint8_t *src, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        int64_t b = bit + i;
        dst[b / 8] = (uint8_t)((dst[b / 8] & ~(1u << b % 8)) | (unsigned)(src[i] != 0) << b % 8);
    }
}

/* Both ends lie at pages that may not be touched; the bits around keep what they were. */
static void check_pack(int64_t n, int64_t bit, uint8_t around) {
    int64_t first = bit / 8, bytes = n ? (bit + n - 1) / 8 - first + 1 : 0;
    uint8_t *places[2] = {guarded_tail(target, (size_t)bytes) - first, target.bytes - first};
    const uint8_t *from = guarded_tail(source, (size_t)n);
    for (int i = 0; i < 2; i++) {
        memset(target.bytes, around, target.length);
        memset(expected.bytes, around, expected.length);
        slow_pack(expected.bytes + (places[i] - target.bytes), bit, from, n);
        msio_bits_pack(places[i], bit, from, (size_t)n);
        assert_memory_equal(target.bytes, expected.bytes, target.length);
    }
}

static void pack_lengths(void) {
    for (int64_t n = 0; n <= 200; n++) check_pack(n, n % 19, n % 2 ? 0xff : 0);
    for (int64_t bit = 0; bit < 19; bit++)
        for (int64_t n = 1; n < 700; n += 113) check_pack(n, bit, 0xa5);
    check_pack((int64_t)source.length, 3, 0x5a);
}

static void bits_are_packed_and_no_others_touched(void **state) {
    (void)state;
    with_every_set(pack_lengths);
}

/* ---------------------------------------------------------------- boxes */

typedef struct sample {
    msio_box box;
    msio_codec codec;
    int elem, unit;
    int64_t bit;
    int64_t memory_bytes, stored_bytes;
} sample;

/* Strides that keep elements apart, with room between some; now and then one value for a whole axis. */
static sample random_sample(uint64_t *seed) {
    static const int sizes[] = {1, 2, 4, 8, 16};
    sample s = {.codec = (msio_codec)random_below(seed, 3)};
    s.elem = s.codec == MSIO_CODEC_BITS ? 1 : sizes[random_below(seed, 5)];
    if (s.codec == MSIO_CODEC_SWAP && s.elem == 1) s.elem = 4;
    s.unit = s.codec == MSIO_CODEC_SWAP ? (s.elem == 16                           ? 8
                                           : s.elem == 8 && random_below(seed, 2) ? 4
                                                                                  : s.elem)
                                        : s.elem;
    s.bit = s.codec == MSIO_CODEC_BITS ? random_below(seed, 20) : 0;
    int64_t stored = s.codec == MSIO_CODEC_BITS ? 1 : s.elem, memory = s.elem;
    s.box.ndim = (int)random_below(seed, 4);
    for (int k = 0; k < s.box.ndim; k++) {
        s.box.count[k] = 1 + random_below(seed, k == 0 ? 40 : 5);
        s.box.src[k] = stored + (random_below(seed, 2) ? 0 : random_below(seed, 9) * (k ? 1 : stored));
        s.box.dst[k] = random_below(seed, 8) == 0 ? 0 : memory + (random_below(seed, 2) ? 0 : random_below(seed, 7));
        stored = s.box.src[k] * s.box.count[k];
        if (s.box.dst[k]) memory = s.box.dst[k] * s.box.count[k];
    }
    s.memory_bytes = s.elem;
    s.stored_bytes = s.codec == MSIO_CODEC_BITS ? 1 : s.elem;
    for (int k = 0; k < s.box.ndim; k++) {
        s.memory_bytes += (s.box.count[k] - 1) * s.box.dst[k];
        s.stored_bytes += (s.box.count[k] - 1) * s.box.src[k];
    }
    if (s.codec == MSIO_CODEC_BITS) s.stored_bytes = (s.bit + s.stored_bytes + 7) / 8;
    return s;
}

static void slow_store(const sample *s, const uint8_t *memory, uint8_t *stored) {
    int64_t at[MSIO_BOX_NDIM] = {0};
    for (int64_t i = 0; i < msio_box_elements(&s->box); i++) {
        int64_t from = 0, to = 0;
        for (int k = 0; k < s->box.ndim; k++) from += at[k] * s->box.dst[k], to += at[k] * s->box.src[k];
        if (s->codec == MSIO_CODEC_BITS) slow_pack(stored, s->bit + to, memory + from, 1);
        for (int b = 0; b < s->elem && s->codec != MSIO_CODEC_BITS; b++) {
            int whence = s->codec == MSIO_CODEC_SWAP ? b / s->unit * s->unit + s->unit - 1 - b % s->unit : b;
            stored[to + b] = memory[from + whence];
        }
        for (int k = 0; k < s->box.ndim && ++at[k] == s->box.count[k]; k++) at[k] = 0;
    }
}

static void store_boxes(void) {
    uint64_t seed = 99;
    for (int round = 0; round < ROUNDS; round++) {
        sample s = random_sample(&seed);
        if (s.memory_bytes > (int64_t)source.length || s.stored_bytes > (int64_t)target.length) continue;
        int64_t skipped = s.bit / 8; /* bytes before the first bit are not there */
        uint8_t *to = guarded_tail(target, (size_t)(s.stored_bytes - skipped)) - skipped;
        const uint8_t *from = guarded_tail(source, (size_t)s.memory_bytes);
        msio_box simple = s.box;
        memset(target.bytes, 0xa5, target.length);
        memset(expected.bytes, 0xa5, expected.length);
        slow_store(&s, from, expected.bytes + (to - target.bytes));
        if (round % 2) msio_box_simplify(&simple);
        msio_box_store(&simple, s.codec, s.elem, s.unit, from, s.bit, to);
        assert_memory_equal(target.bytes, expected.bytes, target.length);
    }
}

static void boxes_are_stored_and_nothing_beside_them(void **state) {
    (void)state;
    with_every_set(store_boxes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_packed_and_no_others_touched),
        cmocka_unit_test(boxes_are_stored_and_nothing_beside_them),
    };
    return cmocka_run_group_tests(tests, make_memory, free_all);
}
