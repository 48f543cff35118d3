/* histogram.c - quantiles of a histogram. */
#include "prof/histogram.h"

#include <math.h>

uint64_t msio_histogram_quantile(const uint64_t counts[MSIO_HISTOGRAM_BUCKETS], double share) {
    uint64_t total = 0;
    for (unsigned i = 0; i < MSIO_HISTOGRAM_BUCKETS; i++) total += counts[i];
    if (total == 0) return 0;
    uint64_t rank = (uint64_t)ceil(share * (double)total);
    if (rank < 1) rank = 1;
    if (rank > total) rank = total;
    uint64_t seen = 0;
    unsigned bucket = 0;
    for (; bucket < MSIO_HISTOGRAM_BUCKETS - 1; bucket++) {
        seen += counts[bucket];
        if (seen >= rank) break;
    }
    return msio_histogram_highest(bucket);
}
