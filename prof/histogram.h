/* histogram.h - the log buckets of call times: each power of two in 8 parts, so that a bucket's width is at most 1/8 of
 * its values. */
#ifndef MSIO_PROF_HISTOGRAM_H
#define MSIO_PROF_HISTOGRAM_H

#include <stdint.h>

#define MSIO_HISTOGRAM_SUB_BITS 3
#define MSIO_HISTOGRAM_SUBS (1 << MSIO_HISTOGRAM_SUB_BITS)
/* Values below 8 have a bucket each; then 8 for each power of two from 2^3 to 2^63. */
#define MSIO_HISTOGRAM_BUCKETS ((64 - MSIO_HISTOGRAM_SUB_BITS + 1) * MSIO_HISTOGRAM_SUBS)

static inline unsigned msio_histogram_bucket(uint64_t value) {
    if (value < MSIO_HISTOGRAM_SUBS) return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - MSIO_HISTOGRAM_SUB_BITS;
    return (shift + 1) * MSIO_HISTOGRAM_SUBS + (unsigned)((value >> shift) & (MSIO_HISTOGRAM_SUBS - 1));
}

/* The largest value that falls into the bucket. */
static inline uint64_t msio_histogram_highest(unsigned bucket) {
    if (bucket < MSIO_HISTOGRAM_SUBS) return bucket;
    unsigned shift = bucket / MSIO_HISTOGRAM_SUBS - 1;
    uint64_t lowest = (uint64_t)(MSIO_HISTOGRAM_SUBS + bucket % MSIO_HISTOGRAM_SUBS) << shift;
    return lowest + (((uint64_t)1 << shift) - 1);
}

/* A value that at least the given share (0 to 1) of the counted values do not exceed: the highest of the lowest bucket
 * for which that is so. 0 when nothing was counted. */
uint64_t msio_histogram_quantile(const uint64_t counts[MSIO_HISTOGRAM_BUCKETS], double share);

#endif
