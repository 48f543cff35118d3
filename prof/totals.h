/* totals.h - the counters of all shards, added up: what every report is made from. */
#ifndef MSIO_PROF_TOTALS_H
#define MSIO_PROF_TOTALS_H

#include <stdint.h>

#include "msio/prof.h"
#include "prof/histogram.h"
#include "prof/process.h"
#include "prof/span.h"

/* One path; times in ticks. Without calls min is UINT64_MAX and max 0. */
typedef struct msio_totals_path {
    uint64_t ncalls;
    uint64_t self;
    uint64_t inclusive;
    uint64_t min, max;
    int64_t bytes, bytes_read, rows, pieces;
    struct {
        uint64_t ncalls;
        uint64_t inclusive;
    } callers[PROF_PATHS + 1];
    uint64_t histogram[MSIO_HISTOGRAM_BUCKETS];
} msio_totals_path;

typedef struct msio_totals {
    double tick_seconds;
    double on_seconds;
    double span_seconds;
    char clock[48];
    msio_process_io io;
    int64_t peak_rss;
    double targets[PROF_PATHS];
    uint64_t spans, dropped;
    uint64_t generation; /* a reset raises it: counts of two snapshots of one generation may be subtracted */
    /* threads that ended an outermost span, and their ticks within those */
    uint64_t threads, thread_min, thread_max, thread_sum;
    msio_totals_path paths[PROF_PATHS];
} msio_totals;

/* Adds up all shards as they are now. The result is freed with free. NULL without memory. The caller holds the
 * profiler's lock. */
msio_totals *msio_totals_add_up(void);

#endif
