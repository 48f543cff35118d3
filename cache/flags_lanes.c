/* flags_lanes.c - bit-sliced counters: carry-save adders add sixteen words at once into the digits of 64 counters. */
#include "cache/flags_lanes.h"

#include "cache/flags_words.h"
#include "core/checked.h"

#include <stdlib.h>

#define LINE_BITS 4096 /* about: rows are put together up to here */
#define MOST ((1 << MSIO_FLAGS_PLANES) - 1)
#define AT_ONCE 16

msio_flags_lanes *msio_flags_lanes_new(int64_t pos, int64_t width, int64_t pos_step) {
    msio_flags_lanes *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    int64_t whole = 64; /* rows that fill whole words */
    while (whole > 1 && whole / 2 * width % 64 == 0) whole /= 2;
    l->together = whole * width <= LINE_BITS ? whole : msio_max(1, LINE_BITS / width);
    l->words = msio_div_up(l->together * width, 64);
    l->pos = pos;
    l->width = width;
    l->pos_step = pos_step;
    l->plane = calloc((size_t)l->words, MSIO_FLAGS_PLANES * sizeof *l->plane);
    l->count = calloc((size_t)l->words, 64 * sizeof *l->count);
    if (l->plane && l->count) return l;
    msio_flags_lanes_free(l);
    return NULL;
}

void msio_flags_lanes_free(msio_flags_lanes *lanes) {
    while (lanes) {
        msio_flags_lanes *next = lanes->next;
        free(lanes->plane);
        free(lanes->count);
        free(lanes);
        lanes = next;
    }
}

/* ---------------------------------------------------------------- adding */

MSIO_FLAGS_INLINE void ripple(uint64_t *plane, int from, uint64_t carry) {
    for (int p = from; carry && p < MSIO_FLAGS_PLANES; p++) {
        uint64_t next = plane[p] & carry;
        plane[p] ^= carry;
        carry = next;
    }
}

/* low and high digit of a + b + c. */
MSIO_FLAGS_INLINE uint64_t add3(uint64_t *low, uint64_t b, uint64_t c) {
    uint64_t a = *low, u = a ^ b;
    *low = u ^ c;
    return (a & b) | (u & c);
}

static void add_sixteen(uint64_t *plane, const uint64_t x[AT_ONCE]) {
    uint64_t ones = plane[0], twos = plane[1], fours = plane[2], eights = plane[3], eight[2];
    for (int i = 0; i < 2; i++) {
        uint64_t four[2];
        for (int k = 0; k < 2; k++) {
            const uint64_t *y = x + 8 * i + 4 * k;
            uint64_t a = add3(&ones, y[0], y[1]), b = add3(&ones, y[2], y[3]);
            four[k] = add3(&twos, a, b);
        }
        eight[i] = add3(&fours, four[0], four[1]);
    }
    uint64_t sixteens = add3(&eights, eight[0], eight[1]);
    plane[0] = ones;
    plane[1] = twos;
    plane[2] = fours;
    plane[3] = eights;
    ripple(plane, 4, sixteens);
}

static void carry_to_counts(msio_flags_lanes *l) {
    for (int64_t w = 0; w < l->words; w++) {
        uint64_t *plane = l->plane + w * MSIO_FLAGS_PLANES;
        for (int p = 0; p < MSIO_FLAGS_PLANES; p++) {
            for (uint64_t rest = plane[p]; rest; rest &= rest - 1)
                l->count[w * 64 + __builtin_ctzll(rest)] += (int64_t)1 << p;
            plane[p] = 0;
        }
    }
    l->pending = 0;
}

/* n lines of so many bits, each `step` bits behind the one before. */
static void add_lines(msio_flags_lanes *l, const uint8_t *src, int64_t bit, int64_t bits, int64_t step, int64_t n,
                      const uint8_t *end) {
    while (n > 0) {
        int64_t now = msio_min(n, MOST - l->pending), i = 0;
        for (; i + AT_ONCE <= now; i += AT_ONCE, bit += AT_ONCE * step)
            for (int64_t at = 0; at < bits; at += 64) {
                uint64_t x[AT_ONCE];
                for (int k = 0; k < AT_ONCE; k++)
                    x[k] = msio_flags_load(src, bit + k * step + at, msio_min(64, bits - at), end);
                add_sixteen(l->plane + at / 64 * MSIO_FLAGS_PLANES, x);
            }
        for (; i < now; i++, bit += step)
            for (int64_t at = 0; at < bits; at += 64)
                ripple(l->plane + at / 64 * MSIO_FLAGS_PLANES, 0,
                       msio_flags_load(src, bit + at, msio_min(64, bits - at), end));
        n -= now;
        l->pending += now;
        if (l->pending == MOST) carry_to_counts(l);
    }
}

void msio_flags_lanes_add(msio_flags_lanes *l, const uint8_t *src, int64_t bit, int64_t step, int64_t rows,
                          const uint8_t *end) {
    if (step == l->width && l->together > 1) {
        int64_t lines = rows / l->together, bits = l->together * l->width;
        add_lines(l, src, bit, bits, bits, lines, end);
        bit += lines * bits;
        rows -= lines * l->together;
    }
    add_lines(l, src, bit, l->width, step, rows, end);
}

void msio_flags_lanes_repeat(msio_flags_lanes *l, const uint8_t *src, int64_t bit, int64_t times, const uint8_t *end) {
    for (int64_t at = 0; at < l->width; at += 64)
        for (uint64_t rest = msio_flags_load(src, bit + at, msio_min(64, l->width - at), end); rest; rest &= rest - 1)
            l->count[at + __builtin_ctzll(rest)] += times;
}

void msio_flags_lanes_sum(msio_flags_lanes *l, int64_t *sums) {
    carry_to_counts(l);
    for (int64_t i = 0; i < l->words * 64; i++) sums[l->pos + i % l->width * l->pos_step] += l->count[i];
    memset(l->count, 0, (size_t)l->words * 64 * sizeof *l->count);
}
