/* kernels_set.h - one implementation of the kernels, and what all are built from; for kernels*.c alone. */
#ifndef MSIO_CORE_KERNELS_SET_H
#define MSIO_CORE_KERNELS_SET_H

#include "core/kernels.h"

#include <string.h>

#define MSIO_INLINE static inline __attribute__((always_inline))

/* What differs between instruction sets. Lengths are bytes (bits for expand), as in msio_runs. */
typedef struct msio_kernels {
    const char *name;
    void (*swap)(uint8_t *dst, const uint8_t *src, size_t length, int unit);
    void (*expand)(uint8_t *dst, const uint8_t *src, int64_t bit, size_t length);
    void (*pack)(uint8_t *dst, int64_t bit, const uint8_t *src, size_t n);
    void (*runs_swap)(uint8_t *dst, const uint8_t *src, const msio_runs *runs, int unit);
    void (*runs_expand)(uint8_t *dst, const uint8_t *src, int64_t bit, const msio_runs *runs);
    void (*stream_copy)(uint8_t *dst, const uint8_t *src, size_t length);
    void (*stream_swap)(uint8_t *dst, const uint8_t *src, size_t length, int unit);
    void (*stream_expand)(uint8_t *dst, const uint8_t *src, int64_t bit, size_t length);
    void (*stream_end)(void);
    void (*weave)(uint8_t *dst, const msio_lanes *lanes);
    void (*bits_join)(uint8_t *dst, const uint8_t *src, size_t n);
} msio_kernels;

#if defined(__x86_64__) && defined(__GNUC__)
#define MSIO_KERNELS_X86 1
extern const msio_kernels msio_kernels_avx2;
extern const msio_kernels msio_kernels_avx512;
void msio_pack_avx2(uint8_t *dst, int64_t bit, const uint8_t *src, size_t n);
void msio_weave_avx2(uint8_t *dst, const msio_lanes *lanes);
void msio_bits_join_avx2(uint8_t *dst, const uint8_t *src, size_t n);
#endif

MSIO_INLINE int msio_runs_empty(const msio_runs *runs) {
    return runs->length <= 0 || runs->count[0] <= 0 || runs->count[1] <= 0 || runs->count[2] <= 0;
}

/* Runs (0, i1, i2) are in place: repeats each of them along axis 0, whose places follow each other. */
void msio_runs_repeat(uint8_t *dst, const msio_runs *runs);

/* Runs the statement for every run; its place is in the pointers (or, for bits, the offset) d and s. */
#define MSIO_RUNS_EACH(runs, type, d0, s0, statement)                                                                  \
    for (int64_t i2_ = 0; i2_ < (runs)->count[2]; i2_++)                                                               \
        for (int64_t i1_ = 0; i1_ < (runs)->count[1]; i1_++) {                                                         \
            uint8_t *d = (d0) + i2_ * (runs)->dst[2] + i1_ * (runs)->dst[1];                                           \
            type s = (s0) + i2_ * (runs)->src[2] + i1_ * (runs)->src[1];                                               \
            for (int64_t i0_ = 0; i0_ < (runs)->count[0]; i0_++) {                                                     \
                statement;                                                                                             \
                d += (runs)->dst[0];                                                                                   \
                s += (runs)->src[0];                                                                                   \
            }                                                                                                          \
        }

/* ---------------------------------------------------------------- swapping: up to 15 bytes, and the generic set */

MSIO_INLINE uint64_t msio_swap_word(uint64_t w, int unit) {
    if (unit == 2) return (w & UINT64_C(0x00ff00ff00ff00ff)) << 8 | (w >> 8 & UINT64_C(0x00ff00ff00ff00ff));
    w = __builtin_bswap64(w);
    return unit == 8 ? w : w << 32 | w >> 32;
}

MSIO_INLINE void msio_swap_8(uint8_t *dst, const uint8_t *src, int unit) {
    uint64_t w;
    memcpy(&w, src, 8);
    w = msio_swap_word(w, unit);
    memcpy(dst, &w, 8);
}

/* Less than 8 bytes: units of 4 and 2. */
MSIO_INLINE void msio_swap_rest(uint8_t *dst, const uint8_t *src, size_t length, int unit) {
    if (length & 4) {
        uint32_t w;
        memcpy(&w, src, 4);
        w = __builtin_bswap32(w);
        if (unit == 2) w = w << 16 | w >> 16;
        memcpy(dst, &w, 4);
        dst += 4;
        src += 4;
    }
    if (length & 2) {
        uint8_t first = src[0];
        dst[0] = src[1];
        dst[1] = first;
    }
}

MSIO_INLINE void msio_swap_short(uint8_t *dst, const uint8_t *src, size_t length, int unit) {
    for (; length >= 8; length -= 8, dst += 8, src += 8) msio_swap_8(dst, src, unit);
    msio_swap_rest(dst, src, length, unit);
}

/* ---------------------------------------------------------------- bits: up to 8, and the generic set */

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define MSIO_LITTLE(w) __builtin_bswap64(w)
#else
#define MSIO_LITTLE(w) (w)
#endif

/* The first `bytes` bytes of the word whose byte i is bit i of b. */
MSIO_INLINE void msio_bits_store(uint8_t *dst, unsigned b, size_t bytes) {
    uint64_t w = (b & 0xff) * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
    w = (w + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
    w = MSIO_LITTLE(w);
    memcpy(dst, &w, bytes);
}

/* n <= 8 bits, the first of them bit 0 of b. Two stores that overlap make any length. */
MSIO_INLINE void msio_bits_few(uint8_t *dst, unsigned b, size_t n) {
    if (n >= 4) {
        msio_bits_store(dst, b, 4);
        msio_bits_store(dst + n - 4, b >> (n - 4), 4);
    } else if (n >= 2) {
        msio_bits_store(dst, b, 2);
        msio_bits_store(dst + n - 2, b >> (n - 2), 2);
    } else if (n) {
        *dst = b & 1;
    }
}

/* `bits` bits (8, 16 or 32) from bit `at` on, and undefined ones above. The last byte that holds some of them is read
 * by itself: it is the one behind the word, or the word's last once more. */
MSIO_INLINE uint64_t msio_bits_load(const uint8_t *src, int64_t at, unsigned bits) {
    const uint8_t *p = src + (at >> 3);
    unsigned last = ((unsigned)(at & 7) + bits - 1) >> 3;
    uint64_t w = 0;
    memcpy(&w, p, bits / 8);
    return (MSIO_LITTLE(w) | (uint64_t)p[last] << 8 * last) >> (at & 7);
}

/* 64 bits from bit `at` on. */
MSIO_INLINE uint64_t msio_bits_load64(const uint8_t *src, int64_t at) {
    const uint8_t *p = src + (at >> 3);
    unsigned shift = (unsigned)(at & 7);
    uint64_t w, last = p[(shift + 63) >> 3];
    memcpy(&w, p, 8);
    return MSIO_LITTLE(w) >> shift | last << 1 << (63 - shift);
}

/* n bits, 1 to 64, from bit `at` on, and undefined ones above. Words that overlap make any length. */
MSIO_INLINE uint64_t msio_bits_load_some(const uint8_t *src, int64_t at, size_t n) {
    const uint8_t *p = src + (at >> 3);
    unsigned shift = (unsigned)(at & 7), bytes = (shift + (unsigned)n + 7) >> 3;
    uint64_t first = 0, last = 0;
    if (bytes > 8) return msio_bits_load64(src, at);
    if (bytes >= 4) {
        memcpy(&first, p, 4);
        memcpy(&last, p + bytes - 4, 4);
        return (MSIO_LITTLE(first) | MSIO_LITTLE(last) << 8 * (bytes - 4)) >> shift;
    }
    first = p[0] | (uint64_t)p[bytes >> 1] << 8 * (bytes >> 1);
    last = (uint64_t)p[bytes - 1] << 8 * (bytes - 1);
    return (first | last) >> shift;
}

/* n bits, 1 to 8, from bit `at` on. */
MSIO_INLINE void msio_bits_upto8(uint8_t *dst, const uint8_t *src, int64_t at, size_t n) {
    const uint8_t *p = src + (at >> 3);
    unsigned shift = (unsigned)(at & 7), last = (shift + (unsigned)n - 1) >> 3;
    msio_bits_few(dst, ((unsigned)*p | (unsigned)p[last] << 8 * last) >> shift, n);
}

/* ---------------------------------------------------------------- squares of 8 by 8 bits */

/* Bit i of byte k becomes bit k of byte i. */
MSIO_INLINE uint64_t msio_bits_turn(uint64_t w) {
    uint64_t t = (w ^ w >> 7) & UINT64_C(0x00aa00aa00aa00aa);
    w ^= t ^ t << 7;
    t = (w ^ w >> 14) & UINT64_C(0x0000cccc0000cccc);
    w ^= t ^ t << 14;
    t = (w ^ w >> 28) & UINT64_C(0x00000000f0f0f0f0);
    return w ^ t ^ t << 28;
}

/* msio_bits_join for bytes [from, n) of each row. */
MSIO_INLINE void msio_bits_join_from(uint8_t *dst, const uint8_t *src, size_t n, size_t from) {
    for (size_t j = from; j < n; j++) {
        uint64_t w = 0;
        for (size_t k = 0; k < 8; k++) w |= (uint64_t)src[k * n + j] << 8 * k;
        w = MSIO_LITTLE(msio_bits_turn(w));
        memcpy(dst + 8 * j, &w, 8);
    }
}

/* ---------------------------------------------------------------- packing: borders, and the generic set */

/* 8 bytes to the 8 bits of a byte: a byte that is not 0 leaves its highest bit set, which a product gathers. */
MSIO_INLINE uint8_t msio_pack_8(const uint8_t *src) {
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t w;
    memcpy(&w, src, 8);
    w = MSIO_LITTLE(w);
    w = (((w & low) + low) | w) >> 7 & UINT64_C(0x0101010101010101);
    return (uint8_t)(w * UINT64_C(0x0102040810204080) >> 56);
}

/* n bytes, at most 8 less `bit`, into the byte at dst from its bit `bit` on. */
MSIO_INLINE void msio_pack_border(uint8_t *dst, unsigned bit, const uint8_t *src, size_t n) {
    unsigned bits = 0, mask = (1u << n) - 1;
    for (size_t i = 0; i < n; i++) bits |= (unsigned)(src[i] != 0) << i;
    *dst = (uint8_t)((*dst & ~(mask << bit)) | bits << bit);
}

/* What lies before the first whole byte of dst: how many of the n bytes were packed. */
MSIO_INLINE size_t msio_pack_head(uint8_t *dst, unsigned bit, const uint8_t *src, size_t n) {
    size_t head = bit ? 8 - bit : 0;
    if (head > n) head = n;
    if (head) msio_pack_border(dst, bit, src, head);
    return head;
}

/* Whole bytes by 8, and what is left. */
MSIO_INLINE void msio_pack_short(uint8_t *dst, const uint8_t *src, size_t n) {
    for (; n >= 8; n -= 8, src += 8) *dst++ = msio_pack_8(src);
    if (n) msio_pack_border(dst, 0, src, n);
}

#endif
