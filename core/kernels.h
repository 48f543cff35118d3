/* kernels.h - the vectorised inner loops, chosen once for the processor that runs them.
 *
 * No pointer needs alignment; source and destination may not overlap. Every implementation gives the same bytes.
 */
#ifndef MSIO_CORE_KERNELS_H
#define MSIO_CORE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* n units of 2, 4 or 8 bytes with their bytes reversed. */
void msio_swap_copy(void *dst, const void *src, size_t n, int unit);

/* n bits from bit `bit` (least significant first) of src, to one byte each, 0 or 1. Reads no byte of src that holds
 * none of them. */
void msio_bits_expand(uint8_t *dst, const uint8_t *src, int64_t bit, size_t n);

/* n bytes to one bit each (any byte but 0 is a 1), from bit `bit` (least significant first) of dst on. The other bits
 * of the first and the last byte stay; writes no byte of dst that holds none of the n. */
void msio_bits_pack(uint8_t *dst, int64_t bit, const uint8_t *src, size_t n);

/* n elements of elem bytes (1, 2, 4, 8, 16), src_stride bytes apart in src (0 repeats one), dst_stride in dst; each
 * swapped in units of `unit` bytes unless unit is 1 (or 0). */
void msio_gather(void *dst, int64_t dst_stride, const void *src, int64_t src_stride, size_t n, int elem, int unit);

/* Runs of equal length, contiguous in both places, on up to three axes: run (i0, i1, i2) begins at sum(ik * src[k]) and
 * goes to sum(ik * dst[k]). Axis 0 is the innermost; an axis that is not needed has count 1. */
#define MSIO_RUNS_NDIM 3
typedef struct msio_runs {
    int64_t length; /* of one run: bytes, for msio_runs_expand bits */
    int64_t count[MSIO_RUNS_NDIM];
    int64_t src[MSIO_RUNS_NDIM]; /* bytes, for msio_runs_expand bits */
    int64_t dst[MSIO_RUNS_NDIM]; /* bytes */
} msio_runs;

void msio_runs_copy(void *dst, const void *src, const msio_runs *runs);
/* Swaps units of 2, 4 or 8 bytes; the length is a multiple of it. */
void msio_runs_swap(void *dst, const void *src, const msio_runs *runs, int unit);
/* Run (0, 0, 0) begins at bit `bit` of src. Reads no byte that holds none of the bits. */
void msio_runs_expand(uint8_t *dst, const uint8_t *src, int64_t bit, const msio_runs *runs);

/* Lanes that are put side by side: element i of lane l goes to place i * lanes + l of its row, or, reversed, element
 * n - 1 - i does. */
typedef struct msio_lanes {
    int lanes; /* 2 or 4 */
    int elem;  /* bytes of an element: 1, 2, 4, 8 */
    int reversed;
    const uint8_t *src[4];
    int64_t n, rows;          /* elements of a row, of each lane */
    int64_t src_row, dst_row; /* bytes from one row to the next */
} msio_lanes;
void msio_weave(uint8_t *dst, const msio_lanes *lanes);

/* Eight rows of n bytes, one behind the other at src, of which row k holds the bits k of 8 * n bytes (least significant
 * first): those bytes. Bit k of byte 8 * j + i of dst is bit i of byte j of row k. */
void msio_bits_join(uint8_t *dst, const uint8_t *src, size_t n);

/* Copies of long runs of results that no cache can hold: where the processor can, whole cache lines are written past
 * the caches, which saves reading them first and keeps what is cached there. Other threads may see these stores only
 * after msio_stream_end. Lengths are bytes, for msio_stream_expand bits. */
void msio_stream_copy(void *dst, const void *src, size_t length);
void msio_stream_swap(void *dst, const void *src, size_t length, int unit);
void msio_stream_expand(uint8_t *dst, const uint8_t *src, int64_t bit, size_t length);
void msio_stream_end(void);

/* Bytes of a whole result from which on streaming pays: what the last cache holds. */
int64_t msio_stream_least(void);

/* Name of the instruction set in use: "avx512", "avx2", "generic". Static. */
const char *msio_kernels_name(void);

/* For tests: use "generic", "avx2", "avx512", or NULL for the best. 0 when the processor has it. Not thread-safe. */
int msio_kernels_force(const char *name);

#endif
