/* flag_marks.h - what is marked in one row: elements beyond limits, and neighbours of marked ones. Marks are 0 or 1, in
 * the order [channel][correlation]. */
#ifndef MSIO_VISIBILITY_FLAG_MARKS_H
#define MSIO_VISIBILITY_FLAG_MARKS_H

#include <stdbool.h>
#include <stdint.h>

/* Squares of limits: what is not from low to high is marked, and so is what is not finite. */
typedef struct msio_flag_limits {
    double low, high;
} msio_flag_limits;

/* The squares of two limits; negative ones: none. */
msio_flag_limits msio_flag_limits_make(double below, double above);

/* Marks values by their amplitudes. */
void msio_flag_mark_amplitudes(const float *value, bool complex, const msio_flag_limits *limits, int64_t elements,
                               uint8_t *mark);
/* Marks what has weight x |data - model|^2 above a limit, or not finite. weight: [elements], or, where corrs is not 0,
 * [corrs]; NULL: 1. A weight that is negative or not finite marks nothing. */
void msio_flag_mark_chi2(const float *data, const float *model, bool complex, const float *weight, int corrs,
                         double above, int64_t elements, uint8_t *mark);
/* Marks whole channels by their uv distances: per_metre, [channels], are wavelengths a metre; NULL: in metres. */
void msio_flag_mark_distances(const double uvw[3], const double *per_metre, const msio_flag_limits *limits,
                              int channels, int corrs, uint8_t *mark);
/* Marks all correlations of channels, or all channels of correlations, of which more than the fraction is marked;
 * sums: [corrs], scratch. */
void msio_flag_extend_correlations(double fraction, int channels, int corrs, uint8_t *mark);
void msio_flag_extend_channels(double fraction, int channels, int corrs, uint32_t *sums, uint8_t *mark);

int64_t msio_flag_count(const uint8_t *mark, int64_t elements);

#endif
