/* schedule.h - from the pieces of a batch to units of work: sorted, merged into reads, cut for threads. */
#ifndef MSIO_IO_SCHEDULE_H
#define MSIO_IO_SCHEDULE_H

#include "io/plan/plan.h"

/* Scratch of a thread: small enough to stay in its L2 cache. */
#define MSIO_SCRATCH_BYTES ((int64_t)256 << 10)

/* One unit of work, done by one thread: a part of a contiguous piece (rows 0: `length` bytes from byte `run` on), rows
 * [row, row + rows) of piece `first`, or `pieces` whole pieces that are read together. offset and length: the stretch
 * of the file it needs. */
typedef struct msio_work {
    int64_t first, pieces;
    int64_t row, rows;
    int64_t offset, length;
    int64_t run;
    int64_t out_bytes; /* delivered */
    msio_way way;
} msio_work;

typedef struct msio_schedule {
    int64_t n, capacity;
    msio_work *work;
    int64_t out_bytes, stored_bytes, read_bytes;
    int64_t way_bytes[MSIO_WAY_CASACORE + 1]; /* delivered by each way */
} msio_schedule;

/* Sorts the batch's pieces by file and offset, and fills the schedule (whose memory is reused). force: MSIO_WAY_AUTO,
 * or the one to use. threads: how many will share the work. MSIO_E_MEMORY. */
msio_status msio_schedule_make(msio_schedule *schedule, msio_piece_batch *batch, msio_way force, int threads,
                               bool once);
void msio_schedule_free(msio_schedule *schedule);

/* Sorts a batch's pieces by source, by offset, and by where they go. */
void msio_pieces_sort(msio_piece_batch *batch);

/* The whole box of a piece's rows [row, row + rows), rows outermost, simplified; *offset, *bit: where it begins (of an
 * encoded piece: in its decoded chunk), *out: where it goes. */
void msio_piece_box(const msio_piece_batch *batch, const msio_piece *piece, int64_t row, int64_t rows, msio_box *box,
                    int64_t *offset, int64_t *bit, int64_t *out);

/* Leaves of a piece that is not encoded its rows [row, row + rows). */
void msio_piece_part(const msio_piece_batch *batch, msio_piece *piece, int64_t row, int64_t rows);

/* Whether two pieces deliver to the same rows of the same result, side by side. */
bool msio_piece_beside(const msio_piece *a, const msio_piece *b);

/* Bytes of the file that a box covers from its first byte on. */
int64_t msio_box_extent(const msio_box *box, const msio_target *target, int64_t bit);

#endif
