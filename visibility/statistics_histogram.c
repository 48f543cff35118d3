/* statistics_histogram.c - medians from amplitudes that were counted by their leading bits. */
#include "visibility/statistics_histogram.h"

#include <math.h>
#include <stdlib.h>

static double middle(int64_t bin, double least, double most) {
    const uint32_t bits = ((uint32_t)bin << MSIO_HISTOGRAM_SHIFT) | (1u << (MSIO_HISTOGRAM_SHIFT - 1));
    float value;
    memcpy(&value, &bits, sizeof value);
    return fmin(fmax((double)value, least), most);
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value of pairs [value, count], ascending, in the middle: of an even number the mean of both. */
static double weighted(int64_t n, const double (*pair)[2], double count) {
    const double low = floor((count - 1.0) / 2.0), high = floor(count / 2.0);
    double before = 0.0, first = NAN;
    for (int64_t i = 0; i < n; i++) {
        before += pair[i][1];
        if (isnan(first) && before > low) first = pair[i][0];
        if (before > high) return (first + pair[i][0]) / 2.0;
    }
    return NAN;
}

void msio_histogram_medians(const int64_t *bins, double least, double most, double (*room)[2], double *median,
                            double *distance) {
    int64_t n = 0;
    double count = 0.0;
    for (int64_t b = 0; b < MSIO_HISTOGRAM_BINS; b++) {
        if (!bins[b]) continue;
        room[n][0] = middle(b, least, most);
        room[n++][1] = (double)bins[b];
        count += (double)bins[b];
    }
    *median = weighted(n, (const double(*)[2])room, count);
    for (int64_t i = 0; i < n; i++) room[i][0] = fabs(room[i][0] - *median);
    qsort(room, (size_t)n, sizeof *room, by_value);
    *distance = weighted(n, (const double(*)[2])room, count);
}
