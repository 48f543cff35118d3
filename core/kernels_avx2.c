/* kernels_avx2.c - the kernels for x86-64 processors with AVX2. */
#include "core/kernels_set.h"
#include "core/kernels_weave.h"

#if defined(MSIO_KERNELS_X86)
#include <immintrin.h>

#define MSIO_AVX2 __attribute__((target("avx2,bmi2")))
#define MSIO_AVX2_INLINE static inline __attribute__((always_inline, target("avx2,bmi2")))

/* ---------------------------------------------------------------- swapping */

/* For each unit, the byte that goes to each place of 16. */
MSIO_AVX2_INLINE __m128i swap_order(int unit) {
    if (unit == 2) return _mm_setr_epi8(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    if (unit == 4) return _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    return _mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
}

MSIO_AVX2_INLINE void swap_16(uint8_t *dst, const uint8_t *src, __m128i order) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)src);
    _mm_storeu_si128((__m128i *)(void *)dst, _mm_shuffle_epi8(v, order));
}

MSIO_AVX2_INLINE void swap_32(uint8_t *dst, const uint8_t *src, __m256i order) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)src);
    _mm256_storeu_si256((__m256i *)(void *)dst, _mm256_shuffle_epi8(v, order));
}

/* The last vector overlaps the one before it, so that no length needs a loop of single units. */
MSIO_AVX2_INLINE void swap_run(uint8_t *dst, const uint8_t *src, size_t length, int unit, __m128i order) {
    if (length >= 32) {
        __m256i wide = _mm256_broadcastsi128_si256(order);
        size_t i = 0;
        for (; i + 128 <= length; i += 128) {
            swap_32(dst + i, src + i, wide);
            swap_32(dst + i + 32, src + i + 32, wide);
            swap_32(dst + i + 64, src + i + 64, wide);
            swap_32(dst + i + 96, src + i + 96, wide);
        }
        for (; i + 32 <= length; i += 32) swap_32(dst + i, src + i, wide);
        if (i < length) swap_32(dst + length - 32, src + length - 32, wide);
    } else if (length >= 16) {
        swap_16(dst, src, order);
        if (length > 16) swap_16(dst + length - 16, src + length - 16, order);
    } else {
        msio_swap_short(dst, src, length, unit);
    }
}

MSIO_AVX2 static void swap(uint8_t *dst, const uint8_t *src, size_t length, int unit) {
    if (unit == 2)
        swap_run(dst, src, length, 2, swap_order(2));
    else if (unit == 4)
        swap_run(dst, src, length, 4, swap_order(4));
    else
        swap_run(dst, src, length, 8, swap_order(8));
}

/* A loop for each length that selections of few correlations give, and one for all others. */
MSIO_AVX2_INLINE void runs_swap_unit(uint8_t *dst, const uint8_t *src, const msio_runs *runs, int unit) {
    const size_t length = (size_t)runs->length;
    const __m128i order = swap_order(unit);
    switch (length) {
    case 2: MSIO_RUNS_EACH(runs, const uint8_t *, dst, src, msio_swap_rest(d, s, 2, unit)) break;
    case 4: MSIO_RUNS_EACH(runs, const uint8_t *, dst, src, msio_swap_rest(d, s, 4, unit)) break;
    case 8: MSIO_RUNS_EACH(runs, const uint8_t *, dst, src, msio_swap_8(d, s, unit)) break;
    case 16: MSIO_RUNS_EACH(runs, const uint8_t *, dst, src, swap_16(d, s, order)) break;
    case 32: MSIO_RUNS_EACH(runs, const uint8_t *, dst, src, swap_run(d, s, 32, unit, order)) break;
    default: MSIO_RUNS_EACH(runs, const uint8_t *, dst, src, swap_run(d, s, length, unit, order))
    }
}

MSIO_AVX2 static void runs_swap(uint8_t *dst, const uint8_t *src, const msio_runs *runs, int unit) {
    if (unit == 2)
        runs_swap_unit(dst, src, runs, 2);
    else if (unit == 4)
        runs_swap_unit(dst, src, runs, 4);
    else
        runs_swap_unit(dst, src, runs, 8);
}

/* ---------------------------------------------------------------- bits */

/* 32 bits: each byte is spread over 8 places, and each place keeps its own bit. */
MSIO_AVX2_INLINE __m256i bytes_of_32(uint32_t bits) {
    const __m256i from = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3,
                                          3, 3, 3, 3, 3, 3);
    const __m256i own = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i v = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), from), own);
    return _mm256_min_epu8(v, _mm256_set1_epi8(1));
}

MSIO_AVX2_INLINE void store_32(uint8_t *dst, uint32_t bits) {
    _mm256_storeu_si256((__m256i *)(void *)dst, bytes_of_32(bits));
}

MSIO_AVX2_INLINE void store_16(uint8_t *dst, uint32_t bits) {
    const __m128i from = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    const __m128i own = _mm_set1_epi64x((long long)0x8040201008040201);
    __m128i v = _mm_and_si128(_mm_shuffle_epi8(_mm_set1_epi32((int)bits), from), own);
    _mm_storeu_si128((__m128i *)(void *)dst, _mm_min_epu8(v, _mm_set1_epi8(1)));
}

MSIO_AVX2_INLINE void expand_upto32(uint8_t *dst, const uint8_t *src, int64_t bit, size_t n) {
    int64_t rest = (int64_t)n;
    if (n >= 16) {
        store_16(dst, (uint32_t)msio_bits_load(src, bit, 16));
        store_16(dst + n - 16, (uint32_t)msio_bits_load(src, bit + rest - 16, 16));
    } else if (n >= 8) {
        msio_bits_store(dst, (unsigned)msio_bits_load(src, bit, 8), 8);
        msio_bits_store(dst + n - 8, (unsigned)msio_bits_load(src, bit + rest - 8, 8), 8);
    } else if (n) {
        msio_bits_upto8(dst, src, bit, n);
    }
}

/* The last words overlap those before them; see swap_run. */
MSIO_AVX2_INLINE void expand_run(uint8_t *dst, const uint8_t *src, int64_t bit, size_t n) {
    if (n < 32) {
        expand_upto32(dst, src, bit, n);
        return;
    }
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t w = msio_bits_load64(src, bit + (int64_t)i);
        store_32(dst + i, (uint32_t)w);
        store_32(dst + i + 32, (uint32_t)(w >> 32));
    }
    if (i + 32 <= n) store_32(dst + i, (uint32_t)msio_bits_load(src, bit + (int64_t)i, 32));
    if (n % 32) store_32(dst + n - 32, (uint32_t)msio_bits_load(src, bit + (int64_t)n - 32, 32));
}

MSIO_AVX2 static void expand(uint8_t *dst, const uint8_t *src, int64_t bit, size_t length) {
    expand_run(dst, src, bit, length);
}

/* Bits of each run in a word that holds as many whole steps as fit; the rest is 0. */
static uint64_t step_mask(int64_t length, int64_t step) {
    uint64_t mask = 0;
    for (int64_t at = 0; at + step <= 64; at += step) mask |= ((UINT64_C(1) << length) - 1) << at;
    return mask;
}

/* n bits, 1 to 64. Stores that overlap make any length. */
MSIO_AVX2_INLINE void store_some(uint8_t *dst, uint64_t bits, size_t n) {
    if (n >= 32) {
        store_32(dst, (uint32_t)bits);
        store_32(dst + n - 32, (uint32_t)(bits >> (n - 32)));
    } else if (n >= 16) {
        store_16(dst, (uint32_t)bits);
        store_16(dst + n - 16, (uint32_t)(bits >> (n - 16)));
    } else if (n >= 8) {
        msio_bits_store(dst, (unsigned)bits, 8);
        msio_bits_store(dst + n - 8, (unsigned)(bits >> (n - 8)), 8);
    } else {
        msio_bits_few(dst, (unsigned)bits, n);
    }
}

/* Runs of less than a step, whose places follow each other (one correlation of two): the wanted bits of a word are
 * packed, then expanded as one run. Words are stored whole while there is room: the next overwrites what is too much.
 */
MSIO_AVX2_INLINE void expand_steps(uint8_t *dst, const uint8_t *src, int64_t bit, const msio_runs *runs,
                                   uint64_t mask) {
    const int64_t length = runs->length, step = runs->src[0], per_word = 64 / step;
    int64_t left = runs->count[0];
    /* Room for 64 means that two more runs follow the word's: as steps are at most a byte, each byte of the word then
     * holds a wanted bit, and it may be read whole. */
    for (; left * length >= 64; left -= per_word) {
        uint64_t w = _pext_u64(msio_bits_load64(src, bit), mask);
        store_32(dst, (uint32_t)w);
        store_32(dst + 32, (uint32_t)(w >> 32));
        dst += per_word * length;
        bit += per_word * step;
    }
    for (int64_t n; left > 0; left -= n) {
        n = left < per_word ? left : per_word;
        uint64_t w = msio_bits_load_some(src, bit, (size_t)((n - 1) * step + length));
        store_some(dst, _pext_u64(w, mask), (size_t)(n * length));
        dst += n * length;
        bit += n * step;
    }
}

/* 32 bytes to 32 bits. */
MSIO_AVX2_INLINE uint32_t pack_32(const uint8_t *src) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)src);
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_setzero_si256()));
}

MSIO_AVX2 void msio_pack_avx2(uint8_t *dst, int64_t bit, const uint8_t *src, size_t n) {
    uint8_t *to = dst + (bit >> 3);
    size_t i = msio_pack_head(to, (unsigned)(bit & 7), src, n);
    if (i || (bit & 7)) to++;
    for (; i + 64 <= n; i += 64, to += 8) {
        uint64_t w = pack_32(src + i) | (uint64_t)pack_32(src + i + 32) << 32;
        memcpy(to, &w, 8);
    }
    if (i + 32 <= n) {
        uint32_t w = pack_32(src + i);
        memcpy(to, &w, 4);
        i += 32;
        to += 4;
    }
    msio_pack_short(to, src + i, n - i);
}

MSIO_AVX2 static void runs_expand(uint8_t *dst, const uint8_t *src, int64_t bit, const msio_runs *runs) {
    const size_t length = (size_t)runs->length;
    if (runs->dst[0] == runs->length && runs->src[0] > runs->length && runs->src[0] <= 8) {
        const uint64_t mask = step_mask(runs->length, runs->src[0]);
        for (int64_t i2 = 0; i2 < runs->count[2]; i2++)
            for (int64_t i1 = 0; i1 < runs->count[1]; i1++)
                expand_steps(dst + i2 * runs->dst[2] + i1 * runs->dst[1], src,
                             bit + i2 * runs->src[2] + i1 * runs->src[1], runs, mask);
        return;
    }
    MSIO_RUNS_EACH(runs, int64_t, dst, bit, expand_run(d, src, s, length))
}

/* ---------------------------------------------------------------- past the caches: whole lines of 64 bytes */

/* Bytes up to the next line; all of them when there is no whole one. */
static size_t head_of(const uint8_t *dst, size_t length) {
    size_t head = (64 - ((uintptr_t)dst & 63)) & 63;
    return length < head + 64 ? length : head;
}

MSIO_AVX2 static void stream_copy(uint8_t *dst, const uint8_t *src, size_t length) {
    size_t i = head_of(dst, length);
    memcpy(dst, src, i);
    for (; i + 64 <= length; i += 64) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(src + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(src + i + 32));
        _mm256_stream_si256((__m256i *)(void *)(dst + i), a);
        _mm256_stream_si256((__m256i *)(void *)(dst + i + 32), b);
    }
    memcpy(dst + i, src + i, length - i);
}

MSIO_AVX2 static void stream_swap(uint8_t *dst, const uint8_t *src, size_t length, int unit) {
    const __m256i order = _mm256_broadcastsi128_si256(swap_order(unit));
    size_t i = head_of(dst, length);
    if (i % (size_t)unit) i = length; /* lines would cut units */
    swap(dst, src, i, unit);
    for (; i + 64 <= length; i += 64) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(src + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(src + i + 32));
        _mm256_stream_si256((__m256i *)(void *)(dst + i), _mm256_shuffle_epi8(a, order));
        _mm256_stream_si256((__m256i *)(void *)(dst + i + 32), _mm256_shuffle_epi8(b, order));
    }
    swap(dst + i, src + i, length - i, unit);
}

MSIO_AVX2 static void stream_expand(uint8_t *dst, const uint8_t *src, int64_t bit, size_t length) {
    size_t i = head_of(dst, length);
    expand_run(dst, src, bit, i);
    for (; i + 64 <= length; i += 64) {
        uint64_t w = msio_bits_load64(src, bit + (int64_t)i);
        _mm256_stream_si256((__m256i *)(void *)(dst + i), bytes_of_32((uint32_t)w));
        _mm256_stream_si256((__m256i *)(void *)(dst + i + 32), bytes_of_32((uint32_t)(w >> 32)));
    }
    expand_run(dst + i, src, bit + (int64_t)i, length - i);
}

static void stream_end(void) { _mm_sfence(); }

MSIO_AVX2 void msio_weave_avx2(uint8_t *dst, const msio_lanes *lanes) { msio_weave_any(dst, lanes); }

/* ---------------------------------------------------------------- bits joined to bytes */

MSIO_AVX2_INLINE __m256i turn_step(__m256i w, __m256i mask, int by) {
    __m256i t = _mm256_and_si256(_mm256_xor_si256(w, _mm256_srli_epi64(w, by)), mask);
    return _mm256_xor_si256(w, _mm256_xor_si256(t, _mm256_slli_epi64(t, by)));
}

/* msio_bits_turn of four squares. */
MSIO_AVX2_INLINE __m256i turn(__m256i w) {
    w = turn_step(w, _mm256_set1_epi64x(0x00aa00aa00aa00aa), 7);
    w = turn_step(w, _mm256_set1_epi64x(0x0000cccc0000cccc), 14);
    return turn_step(w, _mm256_set1_epi64x(0x00000000f0f0f0f0), 28);
}

/* 32 bytes of each row, zipped three times to 32 squares: in[m] ends with numbers 2m, 2m + 1, 2m + 16, 2m + 17. */
MSIO_AVX2_INLINE void zip_rows(__m256i *in) {
    __m256i pairs[8], fours[8];
    for (int k = 0; k < 4; k++) {
        pairs[k] = _mm256_unpacklo_epi8(in[2 * k], in[2 * k + 1]);
        pairs[4 + k] = _mm256_unpackhi_epi8(in[2 * k], in[2 * k + 1]);
    }
    for (int h = 0; h < 2; h++)
        for (int k = 0; k < 2; k++) {
            fours[4 * h + k] = _mm256_unpacklo_epi16(pairs[4 * h + 2 * k], pairs[4 * h + 2 * k + 1]);
            fours[4 * h + 2 + k] = _mm256_unpackhi_epi16(pairs[4 * h + 2 * k], pairs[4 * h + 2 * k + 1]);
        }
    for (int q = 0; q < 4; q++) {
        in[2 * q] = _mm256_unpacklo_epi32(fours[2 * q], fours[2 * q + 1]);
        in[2 * q + 1] = _mm256_unpackhi_epi32(fours[2 * q], fours[2 * q + 1]);
    }
}

MSIO_AVX2 void msio_bits_join_avx2(uint8_t *dst, const uint8_t *src, size_t n) {
    size_t j = 0;
    for (; j + 32 <= n; j += 32) {
        __m256i w[8];
        for (size_t k = 0; k < 8; k++) w[k] = _mm256_loadu_si256((const __m256i *)(const void *)(src + k * n + j));
        zip_rows(w);
        for (size_t m = 0; m < 8; m += 2) {
            __m256i a = turn(w[m]), b = turn(w[m + 1]);
            uint8_t *to = dst + 8 * j + 16 * m;
            _mm256_storeu_si256((__m256i *)(void *)to, _mm256_permute2x128_si256(a, b, 0x20));
            _mm256_storeu_si256((__m256i *)(void *)(to + 128), _mm256_permute2x128_si256(a, b, 0x31));
        }
    }
    msio_bits_join_from(dst, src, n, j);
}

const msio_kernels msio_kernels_avx2 = {
    .name = "avx2",
    .swap = swap,
    .expand = expand,
    .pack = msio_pack_avx2,
    .runs_swap = runs_swap,
    .runs_expand = runs_expand,
    .stream_copy = stream_copy,
    .stream_swap = stream_swap,
    .stream_expand = stream_expand,
    .stream_end = stream_end,
    .weave = msio_weave_avx2,
    .bits_join = msio_bits_join_avx2,
};

#else
typedef int msio_kernels_avx2_unused; /* a translation unit must not be empty */
#endif
