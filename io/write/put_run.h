/* put_run.h - one batch of the write engine: put_blocks.c stores it, whole.c sees to it that all or nothing of it is.
 */
#ifndef MSIO_IO_PUT_RUN_H
#define MSIO_IO_PUT_RUN_H

#include "core/error.h"
#include "io/write/blocks.h"
#include "io/write/put_blocks.h"

/* How blocks come into a file. */
typedef enum msio_put_way { MSIO_PUT_UNDECIDED, MSIO_PUT_BY_CALLS, MSIO_PUT_MAPPED } msio_put_way;

/* A file that is written. */
typedef struct msio_put_file {
    const msio_file *as; /* what the plan was made from */
    int fd;
    int place;      /* the folder that it lies in */
    bool looked_at; /* all or nothing: it was decided whether the file is exchanged */
    bool exchanged;
    msio_file *made; /* what takes its place; fd is of this one */
    msio_put_way way;
    msio_mapping map; /* of `mapped` bytes; made for the call where blocks are, or may be, stored through it */
    int64_t mapped;
    bool was_mapped;
} msio_put_file;

/* Blocks [next, end) of one file, which are taken in order. */
typedef struct msio_put_range {
    atomic_llong next; /* block to be taken; chained ones are taken with the one before */
    int64_t end;
    atomic_int threads; /* that take from it */
} msio_put_range;
#define MSIO_PUT_RANGES 64

struct msio_put_thread {
    const msio_put_range *range; /* that it takes blocks from */
    uint8_t *scratch;
    int64_t scratch_bytes;
    int filled;    /* the scratch is full of this repeated target's element, -1: of none */
    uint8_t *made; /* values that were made for a block, from this byte of the result on */
    int64_t made_at, made_bytes;
    int64_t stored; /* bytes of the caller's */
    double rate;    /* of them a second, in what was stored last */
};

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
/* Gathers a block's pieces into its image, or into the file's own pages: `image` is the block's first byte. */
void msio_put_gather(const msio_batch_run *run, const msio_put_thread *mine, const msio_block *block, uint8_t *image);
/* Where a block's bytes lie in the caller's memory, or in what was made, as the file has them; NULL: they must be
 * gathered. */
const uint8_t *msio_put_as_it_lies(const msio_batch_run *run, const msio_put_thread *mine, const msio_block *block);
/* The bytes that are to be stored, in the caller's memory or in the thread's scratch. old: what is there now, which may
 * be in the scratch; NULL when that is not known. Where it is, and other threads store to the same file, these take
 * turns, and the new bytes are brought into this processor's cache, so that none waits for memory in its turn. Errors:
 * as msio_put_get, msio_put_scratch, and those of a maker. */
msio_status msio_put_image(const msio_batch_run *run, msio_put_thread *mine, const msio_block *block,
                           const uint8_t *old, const uint8_t **image);
/* Whether the block's pieces are equal runs with as much or more between them; *runs are changed only if so. */
bool msio_put_runs(const msio_batch_run *run, const msio_block *block, msio_journal_runs *runs);
/* Such runs into the slot, from the block's first byte on; and the same with the block read into the scratch first,
 * where it stays. Errors: as msio_put_get, msio_put_scratch. */
void msio_put_copy_runs(uint8_t *slot, const uint8_t *from, const msio_journal_runs *runs);
msio_status msio_put_keep_runs(const msio_batch_run *run, msio_put_thread *mine, const msio_block *block,
                               const msio_journal_runs *runs, uint8_t *slot);
/* MSIO_E_MEMORY. */
msio_status msio_put_scratch(msio_put_thread *mine, int64_t bytes);
/* Whether the block's old bytes are kept in a slot, its own or its large unit's: one within a page is never torn by a
 * kill where it is stored by a call, and needs none. */
bool msio_put_needs_slot(const msio_batch_run *run, const msio_block *block);
/* The folder's journal, made or made anew where the one that is there does not serve. */
msio_status msio_put_journal(msio_put_place *place, msio_journal_mode mode, int slots, int64_t slot_bytes);

/* Stores a block through its file's mapping: old bytes in the journal's slot (NULL: none is kept), new ones in their
 * place. *stored false: it cannot be so, or not safely, and nothing has changed. MSIO_E_IO (the file was cut, or the
 * disk failed), MSIO_E_MEMORY, MSIO_E_FORMAT. */
msio_status msio_put_block_mapped(msio_batch_run *run, int thread, const msio_block *block, msio_journal *journal,
                                  bool *stored);
/* Before a batch is stored: maps the files that are to be stored to so, all of them or the one whose way is to be found
 * out by a probe, which is returned, else NULL. */
msio_put_file *msio_put_map_files(msio_batch_run *run);
/* The file is no longer mapped, and its time of change tells what was stored. MSIO_E_IO. */
msio_status msio_put_unmap(msio_put_file *file);

/* Before the first block is stored: files to be exchanged are made, the old bytes of the others kept.
 * MSIO_E_UNSUPPORTED (too many), MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_put_prepare_whole(msio_batch_run *run);

#endif
