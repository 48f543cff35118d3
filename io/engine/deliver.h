/* deliver.h - from the bytes of a stretch of a file to the result: pieces decoded, woven, scattered. */
#ifndef MSIO_IO_DELIVER_H
#define MSIO_IO_DELIVER_H

#include "io/engine/schedule.h"
#include "io/filters/hdf5_filters.h"
#include "prof/span.h"

/* One thread's. */
typedef struct msio_deliver {
    int thread;
    bool streams;     /* the results are larger than the caches */
    uint8_t *decoded; /* chunks of one unit of work, one after the other; grows */
    int64_t decoded_bytes;
    msio_decode_scratch scratch;
} msio_deliver;

/* Delivers work->pieces pieces from work->first on; of a single one only its rows [row, row + rows). bytes: the stretch
 * of the file from work->offset on. path: what the time is booked under.
 * Errors: MSIO_E_FORMAT (a chunk that cannot be decoded), MSIO_E_MEMORY. */
msio_status msio_deliver_work(msio_deliver *deliver, const msio_piece_batch *batch, const msio_work *work,
                              const uint8_t *bytes, prof_path path);

/* Delivers one box of a target from its stored elements. */
void msio_deliver_box(const msio_deliver *deliver, const msio_target *target, const msio_box *box, const void *src,
                      int64_t bit, int64_t out, prof_path path);

void msio_deliver_free(msio_deliver *deliver);

#endif
