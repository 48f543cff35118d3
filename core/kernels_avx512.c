/* kernels_avx512.c - the kernels for x86-64 processors with AVX-512BW. */
#include "core/kernels_set.h"

#if defined(MSIO_KERNELS_X86)
#include <immintrin.h>

#define MSIO_AVX512 __attribute__((target("avx512f,avx512bw,avx2,bmi2")))
#define MSIO_AVX512_INLINE static inline __attribute__((always_inline, target("avx512f,avx512bw,avx2,bmi2")))

/* Byte swaps gain nothing from longer vectors: they wait for memory. */
static void swap(uint8_t *dst, const uint8_t *src, size_t length, int unit) {
    msio_kernels_avx2.swap(dst, src, length, unit);
}

static void runs_swap(uint8_t *dst, const uint8_t *src, const msio_runs *runs, int unit) {
    msio_kernels_avx2.runs_swap(dst, src, runs, unit);
}

/* 64 bits are a mask over 64 bytes. */
MSIO_AVX512_INLINE void store_64(uint8_t *dst, uint64_t bits) {
    _mm512_storeu_si512(dst, _mm512_maskz_set1_epi8((__mmask64)bits, 1));
}

MSIO_AVX512_INLINE void store_32(uint8_t *dst, uint64_t bits) {
    __m512i v = _mm512_maskz_set1_epi8((__mmask64)bits, 1);
    _mm256_storeu_si256((__m256i *)(void *)dst, _mm512_castsi512_si256(v));
}

MSIO_AVX512_INLINE void store_16(uint8_t *dst, uint64_t bits) {
    __m512i v = _mm512_maskz_set1_epi8((__mmask64)bits, 1);
    _mm_storeu_si128((__m128i *)(void *)dst, _mm512_castsi512_si128(v));
}

/* Two stores that overlap make any length up to 64. */
MSIO_AVX512_INLINE void expand_upto64(uint8_t *dst, const uint8_t *src, int64_t bit, size_t n) {
    int64_t rest = (int64_t)n;
    if (n >= 32) {
        store_32(dst, msio_bits_load(src, bit, 32));
        store_32(dst + n - 32, msio_bits_load(src, bit + rest - 32, 32));
    } else if (n >= 16) {
        store_16(dst, msio_bits_load(src, bit, 16));
        store_16(dst + n - 16, msio_bits_load(src, bit + rest - 16, 16));
    } else if (n >= 8) {
        msio_bits_store(dst, (unsigned)msio_bits_load(src, bit, 8), 8);
        msio_bits_store(dst + n - 8, (unsigned)msio_bits_load(src, bit + rest - 8, 8), 8);
    } else if (n) {
        msio_bits_upto8(dst, src, bit, n);
    }
}

/* The first word ends where stores become aligned; the last overlaps the one before it. */
MSIO_AVX512_INLINE void expand_run(uint8_t *dst, const uint8_t *src, int64_t bit, size_t n) {
    if (n < 64) {
        expand_upto64(dst, src, bit, n);
        return;
    }
    store_64(dst, msio_bits_load64(src, bit));
    for (size_t i = 64 - ((uintptr_t)dst & 63); i + 64 <= n; i += 64)
        store_64(dst + i, msio_bits_load64(src, bit + (int64_t)i));
    store_64(dst + n - 64, msio_bits_load64(src, bit + (int64_t)n - 64));
}

MSIO_AVX512 static void expand(uint8_t *dst, const uint8_t *src, int64_t bit, size_t length) {
    expand_run(dst, src, bit, length);
}

MSIO_AVX512 static void runs_expand(uint8_t *dst, const uint8_t *src, int64_t bit, const msio_runs *runs) {
    const size_t length = (size_t)runs->length;
    if (length < 32) {
        msio_kernels_avx2.runs_expand(dst, src, bit, runs);
        return;
    }
    MSIO_RUNS_EACH(runs, int64_t, dst, bit, expand_run(d, src, s, length))
}

static void stream_copy(uint8_t *dst, const uint8_t *src, size_t length) {
    msio_kernels_avx2.stream_copy(dst, src, length);
}

static void stream_swap(uint8_t *dst, const uint8_t *src, size_t length, int unit) {
    msio_kernels_avx2.stream_swap(dst, src, length, unit);
}

MSIO_AVX512 static void stream_expand(uint8_t *dst, const uint8_t *src, int64_t bit, size_t length) {
    size_t i = (64 - ((uintptr_t)dst & 63)) & 63;
    if (length < i + 64) i = length;
    expand_run(dst, src, bit, i);
    for (; i + 64 <= length; i += 64) {
        __mmask64 w = (__mmask64)msio_bits_load64(src, bit + (int64_t)i);
        _mm512_stream_si512((void *)(dst + i), _mm512_maskz_set1_epi8(w, 1));
    }
    expand_run(dst + i, src, bit + (int64_t)i, length - i);
}

static void stream_end(void) { _mm_sfence(); }

const msio_kernels msio_kernels_avx512 = {
    .name = "avx512",
    .swap = swap,
    .expand = expand,
    .pack = msio_pack_avx2, /* memory sets its pace */
    .runs_swap = runs_swap,
    .runs_expand = runs_expand,
    .stream_copy = stream_copy,
    .stream_swap = stream_swap,
    .stream_expand = stream_expand,
    .stream_end = stream_end,
    .bits_join = msio_bits_join_avx2,
    .weave = msio_weave_avx2, /* wider vectors than a chunk's channels would not pay */
};

#else
typedef int msio_kernels_avx512_unused; /* a translation unit must not be empty */
#endif
