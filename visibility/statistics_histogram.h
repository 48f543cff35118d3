/* statistics_histogram.h - amplitudes counted by their leading bits: medians without keeping values. */
#ifndef MSIO_VISIBILITY_STATISTICS_HISTOGRAM_H
#define MSIO_VISIBILITY_STATISTICS_HISTOGRAM_H

#include <stdint.h>
#include <string.h>

/* Bins of a float's exponent and its first 9 bits behind the point: each is 1/512 of its own size wide, so its middle
 * is right to 1/1024. */
#define MSIO_HISTOGRAM_SHIFT 14
#define MSIO_HISTOGRAM_BINS ((int64_t)1 << (31 - MSIO_HISTOGRAM_SHIFT))

static inline void msio_histogram_count(int64_t *bins, double amplitude) {
    const float a = (float)amplitude;
    uint32_t bits;
    memcpy(&bits, &a, sizeof bits);
    bins[bits >> MSIO_HISTOGRAM_SHIFT]++;
}

/* Median and median distance from it of all that was counted, between least and most; NaN without any. room:
 * [MSIO_HISTOGRAM_BINS] of pairs, scratch. */
void msio_histogram_medians(const int64_t *bins, double least, double most, double (*room)[2], double *median,
                            double *distance);

#endif
