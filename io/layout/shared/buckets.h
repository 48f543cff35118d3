/* buckets.h - the buckets of StandardStMan and IncrementalStMan: which rows each holds, and a walk over those that a
 * set of rows needs. */
#ifndef MSIO_IO_BUCKETS_H
#define MSIO_IO_BUCKETS_H

#include "io/plan/rows.h"

#include <stdbool.h>

/* Bytes of a file before bucket 0. */
#define MSIO_BUCKETS_AT 512

/* Interval i holds the rows behind last[i-1] (or from row 0) up to last[i], in bucket number[i]. 16 bytes each. */
typedef struct msio_buckets {
    int64_t size; /* bytes of a bucket */
    int64_t n;
    const int64_t *last, *number;
} msio_buckets;

/* Rows of the table that an index covers. */
static inline int64_t msio_buckets_rows(const msio_buckets *buckets) {
    return buckets->n ? buckets->last[buckets->n - 1] + 1 : 0;
}

/* Checks an index as it came from a file of so many buckets: rows rise, buckets exist. least: rows of an interval at
 * least, most: at most. Whether it covers the table's rows is not asked, nor by casacore: table.lock may be of another
 * state, and rows that both know can be read. MSIO_E_FORMAT. */
msio_status msio_buckets_check(const msio_buckets *buckets, int64_t in_file, int64_t least, int64_t most,
                               const char *path);

/* Whether places in so many buckets can be computed. Whether the file has them is seen when they are read: casacore
 * looks no earlier. MSIO_E_FORMAT. */
msio_status msio_buckets_fit(int64_t size, int64_t in_file, const char *path);

/* Rows [from, from + count) of a set lie in one bucket, which begins at byte `address`. */
typedef struct msio_bucket_walk {
    const msio_buckets *buckets;
    const msio_rows *rows;
    int64_t from, count;
    int64_t interval;
    int64_t start, last; /* rows of the table in the bucket */
    int64_t address;
} msio_bucket_walk;

/* Begins before the first row. MSIO_E_FORMAT where the index does not cover the set. */
msio_status msio_bucket_walk_start(msio_bucket_walk *walk, const msio_buckets *buckets, const msio_rows *rows,
                                   const char *path);
/* Goes on to the next bucket; false behind the last row. */
bool msio_bucket_walk_next(msio_bucket_walk *walk);

#endif
