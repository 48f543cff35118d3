/* kernels_copy.c - copies of many runs of equal length.
 *
 * Short runs dominate selections of channels and correlations (16 bytes are two correlations of complex numbers), and
 * a call of memcpy for each would cost more than the bytes: the loops are built for each length that is common. */
#include "core/kernels.h"

#include "core/kernels_set.h"

/* Beyond, the call of memcpy costs nothing. */
#define MSIO_INLINE_MOST 8192
/* Fewer equal runs are copied one by one. */
#define MSIO_REPEAT_LEAST 32

#define MSIO_COPY_LOOP(name, copy)                                                                                     \
    static void name(uint8_t *dst, const uint8_t *src, const msio_runs *runs) {                                        \
        const size_t n = (size_t)runs->length;                                                                         \
        (void)n;                                                                                                       \
        MSIO_RUNS_EACH(runs, const uint8_t *, dst, src, copy)                                                          \
    }

/* Two moves that overlap cover every length from one to two times theirs. */
MSIO_INLINE void copy_ends(uint8_t *d, const uint8_t *s, size_t n, size_t move) {
    uint8_t first[16], last[16];
    memcpy(first, s, move);
    memcpy(last, s + n - move, move);
    memcpy(d, first, move);
    memcpy(d + n - move, last, move);
}

/* 32 bytes and more. */
MSIO_INLINE void copy_blocks(uint8_t *d, const uint8_t *s, size_t n) {
    size_t i = 0;
    for (; i + 32 <= n; i += 32) memcpy(d + i, s + i, 32);
    if (i < n) memcpy(d + n - 32, s + n - 32, 32);
}

MSIO_COPY_LOOP(copy_1, *d = *s)
MSIO_COPY_LOOP(copy_2, memcpy(d, s, 2))
MSIO_COPY_LOOP(copy_3, (memcpy(d, s, 2), d[2] = s[2]))
MSIO_COPY_LOOP(copy_4, memcpy(d, s, 4))
MSIO_COPY_LOOP(copy_8, memcpy(d, s, 8))
MSIO_COPY_LOOP(copy_12, (memcpy(d, s, 8), memcpy(d + 8, s + 8, 4)))
MSIO_COPY_LOOP(copy_16, memcpy(d, s, 16))
MSIO_COPY_LOOP(copy_24, (memcpy(d, s, 16), memcpy(d + 16, s + 16, 8)))
MSIO_COPY_LOOP(copy_32, memcpy(d, s, 32))
MSIO_COPY_LOOP(copy_64, memcpy(d, s, 64))
MSIO_COPY_LOOP(copy_5_to_7, copy_ends(d, s, n, 4))
MSIO_COPY_LOOP(copy_9_to_15, copy_ends(d, s, n, 8))
MSIO_COPY_LOOP(copy_17_to_31, copy_ends(d, s, n, 16))
MSIO_COPY_LOOP(copy_middle, copy_blocks(d, s, n))
MSIO_COPY_LOOP(copy_long, memcpy(d, s, n))

/* Repeats the run at dst until there are n. What is there is doubled, but kept within a first-level cache. */
static void repeat(uint8_t *dst, size_t length, size_t n) {
    size_t done = length, total = length * n, most = length < 8192 ? 8192 / length * length : length;
    if (length == 1) {
        memset(dst, *dst, n);
        return;
    }
    while (done < total) {
        size_t next = done < most ? done : most;
        if (next > total - done) next = total - done;
        memcpy(dst + done, dst, next);
        done += next;
    }
}

void msio_runs_repeat(uint8_t *dst, const msio_runs *runs) {
    for (int64_t i2 = 0; i2 < runs->count[2]; i2++)
        for (int64_t i1 = 0; i1 < runs->count[1]; i1++)
            repeat(dst + i2 * runs->dst[2] + i1 * runs->dst[1], (size_t)runs->length, (size_t)runs->count[0]);
}

static void copy_repeated(uint8_t *dst, const uint8_t *src, const msio_runs *runs) {
    msio_runs first = *runs;
    first.count[0] = 1;
    msio_runs_copy(dst, src, &first);
    msio_runs_repeat(dst, runs);
}

void msio_runs_copy(void *dst, const void *src, const msio_runs *runs) {
    int64_t n = runs->length;
    if (msio_runs_empty(runs)) return;
    if (runs->count[0] >= MSIO_REPEAT_LEAST && runs->src[0] == 0 && runs->dst[0] == n)
        copy_repeated(dst, src, runs);
    else if (n == 1)
        copy_1(dst, src, runs);
    else if (n == 2)
        copy_2(dst, src, runs);
    else if (n == 3)
        copy_3(dst, src, runs);
    else if (n == 4)
        copy_4(dst, src, runs);
    else if (n == 8)
        copy_8(dst, src, runs);
    else if (n == 12)
        copy_12(dst, src, runs);
    else if (n == 16)
        copy_16(dst, src, runs);
    else if (n == 24)
        copy_24(dst, src, runs);
    else if (n == 32)
        copy_32(dst, src, runs);
    else if (n == 64)
        copy_64(dst, src, runs);
    else if (n < 8)
        copy_5_to_7(dst, src, runs);
    else if (n < 16)
        copy_9_to_15(dst, src, runs);
    else if (n < 32)
        copy_17_to_31(dst, src, runs);
    else if (n <= MSIO_INLINE_MOST)
        copy_middle(dst, src, runs);
    else
        copy_long(dst, src, runs);
}
