/* flags_words.h - words of 64 bits from any place of packed bits. */
#ifndef MSIO_CACHE_FLAGS_WORDS_H
#define MSIO_CACHE_FLAGS_WORDS_H

#include <stdint.h>
#include <string.h>

#define MSIO_FLAGS_INLINE static inline __attribute__((always_inline))

MSIO_FLAGS_INLINE uint64_t msio_flags_word(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* n bits (1 to 64) from a bit offset on, the others 0. No byte at `end` or behind is touched. */
MSIO_FLAGS_INLINE uint64_t msio_flags_load(const uint8_t *src, int64_t bit, int64_t n, const uint8_t *end) {
    const uint8_t *p = src + (bit >> 3);
    int shift = (int)(bit & 7);
    uint64_t word = 0;
    if (__builtin_expect(end - p >= 9, 1)) {
        word = msio_flags_word(p) >> shift | (uint64_t)p[8] << 1 << (63 - shift);
    } else {
        for (int k = 0; k < 8 && p + k < end; k++) word |= (uint64_t)p[k] << (8 * k);
        word >>= shift;
        if (shift && p + 8 < end) word |= (uint64_t)p[8] << (64 - shift);
    }
    return n < 64 ? word & (((uint64_t)1 << n) - 1) : word;
}

#endif
