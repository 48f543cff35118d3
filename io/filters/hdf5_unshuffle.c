/* hdf5_unshuffle.c - the transpositions behind the filters shuffle and bitshuffle, undone. */
#include "io/filters/hdf5_unshuffle.h"

#include "core/kernels.h"

#include <string.h>

/* ---------------------------------------------------------------- bytes */

/* Byte k of element i stands at k * n + i. */
static void unshuffle_some(uint8_t *restrict dst, const uint8_t *restrict src, size_t n, size_t size, size_t from) {
    for (size_t k = 0; k < size; k++)
        for (size_t i = from; i < n; i++) dst[i * size + k] = src[k * n + i];
}

#define VECTOR 16
typedef uint8_t vector __attribute__((vector_size(VECTOR)));

static inline vector zip_low(vector a, vector b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

static inline vector zip_high(vector a, vector b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/* Zips the first half of the vectors with the second. */
static inline __attribute__((always_inline)) void zip_halves(vector *to, const vector *from, size_t size) {
    for (size_t k = 0; k < size / 2; k++) {
        to[2 * k] = zip_low(from[k], from[k + size / 2]);
        to[2 * k + 1] = zip_high(from[k], from[k + size / 2]);
    }
}

/* 16 elements at a time: a vector of each byte, zipped as often as the size, 2 to 16, can be halved. */
static inline __attribute__((always_inline)) void unshuffle_vectors(uint8_t *restrict dst, const uint8_t *restrict src,
                                                                    size_t n, size_t size) {
    size_t i = 0;
    for (; i + VECTOR <= n; i += VECTOR) {
        vector v[16], w[16];
        for (size_t k = 0; k < size; k++) memcpy(&v[k], src + k * n + i, VECTOR);
        for (size_t round = size; round > 1; round /= 4) {
            zip_halves(w, v, size);
            if (round > 2)
                zip_halves(v, w, size);
            else
                memcpy(v, w, sizeof v);
        }
        for (size_t k = 0; k < size; k++) memcpy(dst + i * size + k * VECTOR, &v[k], VECTOR);
    }
    unshuffle_some(dst, src, n, size, i);
}

/* The sizes are written out, so that each gets a loop of its own. */
void msio_unshuffle(uint8_t *restrict dst, const uint8_t *restrict src, size_t n, size_t size) {
    switch (size) {
    case 2: unshuffle_vectors(dst, src, n, 2); break;
    case 4: unshuffle_vectors(dst, src, n, 4); break;
    case 8: unshuffle_vectors(dst, src, n, 8); break;
    case 16: unshuffle_vectors(dst, src, n, 16); break;
    default: unshuffle_some(dst, src, n, size, 0);
    }
}

/* ---------------------------------------------------------------- bits */

void msio_unshuffle_bits(uint8_t *dst, const uint8_t *src, size_t n, size_t size, uint8_t *between) {
    if (size == 1) {
        msio_bits_join(dst, src, n / 8);
        return;
    }
    for (size_t k = 0; k < size; k++) msio_bits_join(between + k * n, src + k * n, n / 8);
    msio_unshuffle(dst, between, n, size);
}
