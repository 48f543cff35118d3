/* flag_marks.c - the loops over one row of flags; written so that compilers make vectors of them. */
#include "visibility/flag_marks.h"

#include <float.h>
#include <string.h>

msio_flag_limits msio_flag_limits_make(double below, double above) {
    const double high = above < 0.0 || above * above > DBL_MAX ? DBL_MAX : above * above;
    return (msio_flag_limits){below < 0.0 ? 0.0 : below * below, high};
}

/* Comparisons with NaN are false: so it is beyond. */
static bool beyond(const msio_flag_limits *limits, double square) {
    return !((square >= limits->low) & (square <= limits->high));
}

void msio_flag_mark_amplitudes(const float *value, bool complex, const msio_flag_limits *limits, int64_t elements,
                               uint8_t *mark) {
    const msio_flag_limits own = *limits;
    if (complex)
        for (int64_t e = 0; e < elements; e++) {
            const double x = (double)value[2 * e], y = (double)value[2 * e + 1];
            mark[e] |= beyond(&own, x * x + y * y);
        }
    else
        for (int64_t e = 0; e < elements; e++) mark[e] |= beyond(&own, (double)value[e] * (double)value[e]);
}

void msio_flag_mark_chi2(const float *data, const float *model, bool complex, const float *weight, int corrs,
                         double above, int64_t elements, uint8_t *mark) {
    for (int64_t e = 0, corr = 0; e < elements; e++) {
        const int64_t at = complex ? 2 * e : e;
        const double x = (double)data[at] - (double)model[at],
                     y = complex ? (double)data[at + 1] - (double)model[at + 1] : 0.0;
        const double w = !weight ? 1.0 : (double)weight[corrs ? corr : e];
        const bool counts = (w >= 0.0) & (w <= FLT_MAX);
        mark[e] |= counts & !(w * (x * x + y * y) <= above);
        if (++corr == corrs) corr = 0;
    }
}

void msio_flag_mark_distances(const double uvw[3], const double *per_metre, const msio_flag_limits *limits,
                              int channels, int corrs, uint8_t *mark) {
    const double square = uvw[0] * uvw[0] + uvw[1] * uvw[1];
    if (!per_metre) {
        if (beyond(limits, square)) memset(mark, 1, (size_t)channels * (size_t)corrs);
        return;
    }
    for (int c = 0; c < channels; c++)
        if (beyond(limits, square * per_metre[c] * per_metre[c])) memset(mark + (int64_t)c * corrs, 1, (size_t)corrs);
}

void msio_flag_extend_correlations(double fraction, int channels, int corrs, uint8_t *mark) {
    for (int c = 0; c < channels; c++, mark += corrs) {
        int sum = 0;
        for (int p = 0; p < corrs; p++) sum += mark[p];
        if (sum > fraction * corrs) memset(mark, 1, (size_t)corrs);
    }
}

void msio_flag_extend_channels(double fraction, int channels, int corrs, uint32_t *sums, uint8_t *mark) {
    memset(sums, 0, (size_t)corrs * sizeof *sums);
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < corrs; p++) sums[p] += mark[(int64_t)c * corrs + p];
    for (int p = 0; p < corrs; p++)
        if (sums[p] > fraction * channels)
            for (int c = 0; c < channels; c++) mark[(int64_t)c * corrs + p] = 1;
}

int64_t msio_flag_count(const uint8_t *mark, int64_t elements) {
    int64_t sum = 0;
    for (int64_t e = 0; e < elements; e++) sum += mark[e];
    return sum;
}
