/* kernels_weave.h - lanes put side by side: what kernels_weave.c and kernels_avx2.c build for their instructions. */
#ifndef MSIO_CORE_KERNELS_WEAVE_H
#define MSIO_CORE_KERNELS_WEAVE_H

#include "core/kernels_set.h"

typedef uint8_t msio_bytes16 __attribute__((vector_size(16)));

MSIO_INLINE msio_bytes16 msio_load16(const uint8_t *src) {
    msio_bytes16 v;
    memcpy(&v, src, sizeof v);
    return v;
}

MSIO_INLINE void msio_store16(uint8_t *dst, msio_bytes16 v) { memcpy(dst, &v, sizeof v); }

/* The elements of a vector from last to first. */
MSIO_INLINE msio_bytes16 msio_reverse16(msio_bytes16 v, int elem) {
    if (elem == 1) return __builtin_shufflevector(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    if (elem == 2) return __builtin_shufflevector(v, v, 14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1);
    if (elem == 4) return __builtin_shufflevector(v, v, 12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    if (elem == 8) return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    return v;
}

/* Elements of a and b in turn: those of the lower halves, those of the upper ones. */
MSIO_INLINE msio_bytes16 msio_lower16(msio_bytes16 a, msio_bytes16 b, int elem) {
    if (elem == 1) return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    if (elem == 2) return __builtin_shufflevector(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
    if (elem == 4) return __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    if (elem == 8) return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    return a;
}

MSIO_INLINE msio_bytes16 msio_upper16(msio_bytes16 a, msio_bytes16 b, int elem) {
    if (elem == 1) return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    if (elem == 2) return __builtin_shufflevector(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
    if (elem == 4) return __builtin_shufflevector(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
    if (elem == 8) return __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    return b;
}

/* As many elements of every lane as a vector holds, from element `from` of the sources on. */
MSIO_INLINE void msio_weave_block(uint8_t *dst, const uint8_t *const *src, int64_t from, int elem, int lanes,
                                  int reversed) {
    msio_bytes16 v[4], w[4];
    for (int l = 0; l < lanes; l++) {
        v[l] = msio_load16(src[l] + from * elem);
        if (reversed) v[l] = msio_reverse16(v[l], elem);
    }
    w[0] = msio_lower16(v[0], v[1], elem);
    w[1] = msio_upper16(v[0], v[1], elem);
    if (lanes == 2) {
        msio_store16(dst, w[0]);
        msio_store16(dst + 16, w[1]);
        return;
    }
    w[2] = msio_lower16(v[2], v[3], elem);
    w[3] = msio_upper16(v[2], v[3], elem);
    msio_store16(dst, msio_lower16(w[0], w[2], 2 * elem));
    msio_store16(dst + 16, msio_upper16(w[0], w[2], 2 * elem));
    msio_store16(dst + 32, msio_lower16(w[1], w[3], 2 * elem));
    msio_store16(dst + 48, msio_upper16(w[1], w[3], 2 * elem));
}

/* One row of every lane. The last block may write again what the one before it wrote. */
MSIO_INLINE void msio_weave_row(uint8_t *dst, const uint8_t *const *src, int64_t n, int elem, int lanes, int reversed) {
    const int64_t per = 16 / elem;
    if (n < per) {
        for (int64_t i = 0; i < n; i++)
            for (int l = 0; l < lanes; l++)
                memcpy(dst + (i * lanes + l) * elem, src[l] + (reversed ? n - 1 - i : i) * elem, (size_t)elem);
        return;
    }
    for (int64_t i = 0; i < n; i += per) {
        if (i > n - per) i = n - per;
        msio_weave_block(dst + i * lanes * elem, src, reversed ? n - per - i : i, elem, lanes, reversed);
    }
}

MSIO_INLINE void msio_weave_rows(uint8_t *dst, const msio_lanes *lanes, int elem, int n_lanes, int reversed) {
    const uint8_t *src[4];
    for (int l = 0; l < n_lanes; l++) src[l] = lanes->src[l];
    for (int64_t r = 0; r < lanes->rows; r++) {
        msio_weave_row(dst + r * lanes->dst_row, src, lanes->n, elem, n_lanes, reversed);
        for (int l = 0; l < n_lanes; l++) src[l] += lanes->src_row;
    }
}

/* A body for each element size, number of lanes and direction: each is a loop without decisions. */
MSIO_INLINE void msio_weave_any(uint8_t *dst, const msio_lanes *lanes) {
    int key = lanes->elem * 4 + (lanes->lanes == 4) * 2 + lanes->reversed;
    switch (key) {
#define MSIO_WEAVE_CASES(elem)                                                                                         \
    case (elem)*4: msio_weave_rows(dst, lanes, elem, 2, 0); break;                                                     \
    case (elem)*4 + 1: msio_weave_rows(dst, lanes, elem, 2, 1); break;                                                 \
    case (elem)*4 + 2: msio_weave_rows(dst, lanes, elem, 4, 0); break;                                                 \
    case (elem)*4 + 3: msio_weave_rows(dst, lanes, elem, 4, 1); break;
        MSIO_WEAVE_CASES(1)
        MSIO_WEAVE_CASES(2)
        MSIO_WEAVE_CASES(4)
        MSIO_WEAVE_CASES(8)
#undef MSIO_WEAVE_CASES
    }
}

#endif
