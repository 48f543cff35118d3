/* put_blocks.h - the engine the other way: gathers pieces from memory into blocks, and puts these into their files.
 *
 * A block is a stretch of one file, at most as long as a slot of the journal, and belongs to one thread. Bytes of a
 * block that no piece covers are read first and stay as they are; pieces that need no change go straight from the
 * caller's memory. Where a layout says in which units it stores (msio_source.unit: tiles), blocks end at their borders.
 */
#ifndef MSIO_IO_PUT_BLOCKS_H
#define MSIO_IO_PUT_BLOCKS_H

#include "io/lock/journal.h"
#include "io/plan/plan.h"

#include <stdatomic.h>

/* A block's usual and largest size: larger tiles are kept whole up to this. Old bytes and the image of a usual one stay
 * in a processor's own cache between being read and being stored (docs/benchmarks.md, "Writing"). */
#define MSIO_BLOCK_BYTES ((int64_t)256 << 10)
#define MSIO_BLOCK_MOST ((int64_t)16 << 20)
/* Tiles that are larger than a block are stored block by block, but their old bytes are kept as one, up to this. */
#define MSIO_UNIT_MOST MSIO_JOURNAL_SLOT_MOST

/* Values that are made by the thread that stores them: rows [place, place + rows) of the result, into memory. */
typedef struct msio_put_maker {
    msio_status (*make)(void *user, int thread, int64_t place, int64_t rows, void *memory);
    void *user;
    int64_t row_bytes;
} msio_put_maker;

typedef struct msio_put_opts {
    int threads;                 /* as in msio_read_opts */
    int journal;                 /* 0: none; else an msio_journal_mode */
    int store;                   /* an msio_store */
    int64_t total;               /* bytes of the caller's that the whole call stores */
    const msio_put_maker *maker; /* of one column; NULL: values are in memory. Blocks are then stored by calls. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_put_opts;

typedef struct msio_put_thread msio_put_thread;

/* A table's folder: files in it are written, and the journal is kept there. */
typedef struct msio_put_place {
    const char *directory;
    msio_journal_facts facts;
    const uint8_t *record; /* the sync record as this write set it */
    int64_t record_bytes;
    bool alone;            /* nobody else has the table open: files of it may be exchanged */
    msio_journal *journal; /* made when the first block needs it */
    int64_t slot_bytes;    /* of its slots */
    int slots;             /* and how many it has, where each is a thread's */
} msio_put_place;

/* One write call's engine; lives on the caller's stack between _start and _finish. */
typedef struct msio_put {
    msio_put_opts opts;
    int threads;
    msio_put_thread *thread; /* [threads] */
    int places;
    msio_put_place *place;
    int files;
    struct msio_put_file *file;         /* opened for writing */
    atomic_llong done;                  /* bytes of the caller's */
    atomic_llong written, writes, read; /* bytes and calls; bytes read of blocks that are not covered whole */
    int64_t blocks, pieces;
    int64_t block_bytes, kept_bytes; /* of all blocks; of those that are not covered whole */
    bool counts_only;                /* plans */
    bool prepared;                   /* msio_put_prepare has seen to it that all or nothing is stored */
    unsigned forks;                  /* msio_forks() when it started */
} msio_put;

msio_status msio_put_start(msio_put *store, const msio_put_opts *opts);
/* One more folder; what place points to lives as long as the store. MSIO_E_MEMORY. */
msio_status msio_put_add_place(msio_put *store, const msio_put_place *place);
/* All or nothing: everything is stored, and is to stay; left to be done is that NAME_tmp becomes NAME for n paths of
 * headers in `directory`, and for those that were exchanged. *decided: a journal says so, and msio_repair does it if
 * this process ends before. MSIO_E_IO, MSIO_E_UNSUPPORTED (too many), MSIO_E_MEMORY. */
msio_status msio_put_commit(msio_put *store, const char *directory, int n, const char *const *header, bool *decided);
/* How many files of the folder (NULL: of all) were stored as new ones beside the old; and these take the places of
 * those, after msio_put_commit. MSIO_E_IO. */
int msio_put_exchanged(const msio_put *store, const char *directory);
msio_status msio_put_exchange(msio_put *store, const char *directory);
/* status: of the call. A failure puts back what the journal keeps. Returns it. */
msio_status msio_put_finish(msio_put *store, msio_status status);

/* The sink's flush: user is the msio_put. Targets' out is the caller's memory, which is read; target.repeats:
 * one element that goes everywhere.
 * Errors: MSIO_E_IO (with errno: ENOSPC, EDQUOT, EFBIG, EIO, EROFS), MSIO_E_CHANGED (a file is no longer the one that
 * was planned for), MSIO_E_CANCELLED, MSIO_E_MEMORY. */
msio_status msio_put_run(void *user, msio_piece_batch *batch);
/* All or nothing whose values come later: what the call will store, of all its pieces. Files are made anew, and old
 * bytes kept, for everything that msio_put_run stores afterwards. What targets' out points to is not read. Errors: as
 * msio_put_run, and MSIO_E_UNSUPPORTED where so much is not kept. */
msio_status msio_put_prepare(void *user, msio_piece_batch *batch);

/* Everything is stored: files are no longer mapped, and their times of change tell it. MSIO_E_IO. */
msio_status msio_put_settle(msio_put *store);
/* fdatasync of every file that was written. */
msio_status msio_put_sync(msio_put *store);

#endif
