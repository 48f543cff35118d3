/* put_run.h - one batch of the write engine: put_blocks.c stores it, whole.c sees to it that all or nothing of it is.
 */
#ifndef MSIO_IO_PUT_RUN_H
#define MSIO_IO_PUT_RUN_H

#include "core/error.h"
#include "io/write/blocks.h"
#include "io/write/put_blocks.h"

/* A file that is written. */
typedef struct msio_put_file {
    const msio_file *as; /* what the plan was made from */
    int fd;
    int place;      /* the folder that it lies in */
    bool looked_at; /* all or nothing: it was decided whether the file is exchanged */
    bool exchanged;
    msio_file *made; /* what takes its place; fd is of this one */
} msio_put_file;

struct msio_put_thread {
    uint8_t *scratch;
    int64_t scratch_bytes;
    int filled; /* the scratch is full of this repeated target's element, -1: of none */
};

/* Blocks [next, end) of one file, which are taken in order. */
typedef struct msio_put_range {
    atomic_llong next; /* block to be taken; chained ones are taken with the one before */
    int64_t end;
    atomic_int threads; /* that take from it */
} msio_put_range;
#define MSIO_PUT_RANGES 64

/* What the threads of one batch share. */
typedef struct msio_batch_run {
    msio_put *store;
    const msio_piece_batch *batch;
    const msio_blocks *blocks;
    int ranges;
    msio_put_range range[MSIO_PUT_RANGES];
    atomic_flag choosing; /* held while a thread looks for its range, some nanoseconds */
    atomic_int failed;
    atomic_flag error_taken;
    bool keeps; /* a slot is filled before a block is stored, and emptied after */
    int64_t reported;
    msio_error_copy error;
} msio_batch_run;

const msio_source *msio_batch_source(const msio_batch_run *run, const msio_block *block);
/* Files of a batch were opened before its blocks are stored. */
const msio_put_file *msio_put_opened(const msio_put *store, const msio_file *file);
/* Reads what stands in the file, or in the one that takes its place. MSIO_E_IO, MSIO_E_FORMAT. */
msio_status msio_put_get(msio_put *store, const msio_file *file, uint8_t *bytes, int64_t length, int64_t offset);
/* MSIO_E_MEMORY. */
msio_status msio_put_scratch(msio_put_thread *mine, int64_t bytes);
/* The folder's journal, made or made anew where the one that is there does not serve. */
msio_status msio_put_journal(msio_put_place *place, msio_journal_mode mode, int slots, int64_t slot_bytes);

/* Before the first block is stored: files to be exchanged are made, the old bytes of the others kept.
 * MSIO_E_UNSUPPORTED (too many), MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_put_prepare_whole(msio_batch_run *run);

#endif
