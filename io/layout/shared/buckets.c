/* buckets.c - which rows a bucket holds, and a walk over the buckets that a set of rows needs. */
#include "io/layout/shared/buckets.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/lock/lock_registry.h"

#include <inttypes.h>

msio_status msio_buckets_fit(int64_t size, int64_t in_file, const char *path) {
    int64_t bytes;
    if (size >= 0 && in_file >= 0 && msio_mul_checked(size, in_file, &bytes) &&
        msio_add_checked(bytes, MSIO_BUCKETS_AT, &bytes))
        return MSIO_OK;
    return msio_error_set(MSIO_E_FORMAT, path,
                          "%" PRId64 " buckets of %" PRId64 " bytes cannot be: the header is damaged", in_file, size);
}

msio_status msio_buckets_check(const msio_buckets *buckets, int64_t in_file, int64_t least, int64_t most,
                               const char *path) {
    int64_t before = -1;
    for (int64_t i = 0; i < buckets->n; before = buckets->last[i++]) {
        int64_t number = buckets->number[i], held;
        if (number < 0 || number >= in_file)
            return msio_error_set(MSIO_E_FORMAT, path,
                                  "interval %" PRId64 " of the rows lies in bucket %" PRId64 ", the file has %" PRId64
                                  ": the index is damaged",
                                  i, number, in_file);
        if (buckets->last[i] < -1 || buckets->last[i] == INT64_MAX ||
            !msio_add_checked(buckets->last[i], -before, &held) || held < least || held > most)
            return msio_error_set(MSIO_E_FORMAT, path,
                                  "interval %" PRId64 " of the rows ends at row %" PRId64 ", the one before at %" PRId64
                                  ", and a bucket holds %" PRId64 " to %" PRId64 ": the index is damaged",
                                  i, buckets->last[i], before, least, most);
    }
    return MSIO_OK;
}

msio_status msio_bucket_walk_start(msio_bucket_walk *walk, const msio_buckets *buckets, const msio_rows *rows,
                                   const char *path) {
    *walk = (msio_bucket_walk){.buckets = buckets, .rows = rows, .interval = -1};
    if (rows->count == 0) return MSIO_OK;
    int64_t first = msio_rows_row(rows, 0), last = msio_rows_row(rows, rows->count - 1);
    if (first >= 0 && first <= last && last < msio_buckets_rows(buckets)) return MSIO_OK;
    return msio_error_set(MSIO_E_FORMAT, path,
                          "rows %" PRId64 " to %" PRId64 " are wanted, the index covers %" PRId64
                          " rows: " MSIO_OTHER_LOCK_ADVICE,
                          first, last, msio_buckets_rows(buckets));
}

/* The first interval from `low` on that ends at row or behind it; there is one. */
static int64_t find_interval(const msio_buckets *buckets, int64_t low, int64_t row) {
    if (buckets->last[low] >= row) return low;
    int64_t step = 1; /* gallop: mostly it is near */
    while (low + step < buckets->n && buckets->last[low + step] < row) low += step, step *= 2;
    int64_t high = msio_min(low + step, buckets->n - 1);
    while (low + 1 < high) {
        int64_t middle = low + (high - low) / 2;
        if (buckets->last[middle] < row)
            low = middle;
        else
            high = middle;
    }
    return high;
}

bool msio_bucket_walk_next(msio_bucket_walk *walk) {
    const msio_buckets *b = walk->buckets;
    const msio_rows *rows = walk->rows;
    walk->from += walk->count;
    if (walk->from >= rows->count) return false;
    int64_t row = msio_rows_row(rows, walk->from), i = find_interval(b, walk->interval + 1, row);
    walk->interval = i;
    walk->start = i ? b->last[i - 1] + 1 : 0;
    walk->last = b->last[i];
    walk->address = MSIO_BUCKETS_AT + b->number[i] * b->size;
    if (!rows->row && rows->step == 1)
        walk->count = msio_min(walk->last - row + 1, rows->count - walk->from);
    else
        walk->count = msio_rows_after(rows, walk->from, walk->last) - walk->from;
    return true;
}
