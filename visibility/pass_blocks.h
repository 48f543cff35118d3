/* pass_blocks.h - what the two ways of going through a table share: the blocks of a pass. */
#ifndef MSIO_VISIBILITY_PASS_BLOCKS_H
#define MSIO_VISIBILITY_PASS_BLOCKS_H

#include "core/error.h"
#include "msio/visibility.h"

#include <stdatomic.h>
#include <stdbool.h>

/* For up to so many columns of each kind nothing is allocated. */
#define MSIO_PASS_COLUMNS 32

typedef struct msio_passing {
    msio_table *table;
    const char *path;
    const msio_pass *pass;
    const msio_pass_opts *opts;
    int64_t rows;                    /* of the selection */
    int64_t row_bytes;               /* of all columns */
    int64_t chunk, block, per_chunk; /* rows of a chunk (whole tiles) and of a block; blocks of a chunk */
    int64_t batch;                   /* rows: whole chunks */
    int64_t in_bytes, out_bytes;     /* of a row */
    bool native;                     /* all columns, of a plain table */
    bool rows_alone;                 /* msio_pass_run_rows */
    bool whole_rows;                 /* a row's cell of the last output lies in one tile */
    char *state;                     /* [lane][kernel] */
    size_t *state_at;                /* [kernel]: within a lane's */
    size_t state_bytes;              /* of a lane */
    /* The failure of the first block that failed. */
    _Atomic int64_t failed; /* its number; -1: none */
    msio_error_copy error;
} msio_passing;

/* The first row of a block, by its number, and the one behind its last, in the selection; the same behind the end. */
void msio_pass_place(const msio_passing *p, int64_t number, int64_t *from, int64_t *to);
/* Runs all kernels on a block whose arrays are there. A failure is noted; which status it is comes from `failed`. */
void msio_pass_block(msio_passing *p, int64_t number, const msio_block *block);
/* Notes this thread's last error as the block's: the first block's is kept, whichever thread was first. */
void msio_pass_note(msio_passing *p, int64_t number);
/* Tells the caller's progress function of the rows that are done. MSIO_E_CANCELLED. */
msio_status msio_pass_tell(const msio_passing *p, int64_t done);

/* How far ahead the system is asked for what is not in memory, in bytes that are delivered. */
#define MSIO_PASS_AHEAD ((int64_t)16 << 20)

/* The input columns, where threads read what they work on themselves. */
typedef struct msio_pass_inputs {
    const msio_passing *pass;
    msio_select select;
    const msio_column *column[MSIO_PASS_COLUMNS];
    msio_array shape[MSIO_PASS_COLUMNS]; /* of one row */
} msio_pass_inputs;

/* Errors: as msio_read_many, MSIO_E_CHANGED. */
msio_status msio_pass_inputs_find(const msio_passing *p, msio_pass_inputs *inputs);
/* Rows [from, from + rows) of the selection, by the calling thread alone: memory and in have one an input. Errors: as
 * msio_read_many. */
msio_status msio_pass_inputs_read(const msio_pass_inputs *inputs, int64_t from, int64_t rows, void *const *memory,
                                  msio_array *in);
/* These rows are wanted soon. That they cannot be asked for is no failure: they are read all the same. */
void msio_pass_inputs_ask(const msio_pass_inputs *inputs, int64_t from, int64_t rows);

/* As msio_pass_run, for one output and a kernel whose rows do not depend on each other, and which keeps nothing in a
 * lane but scratch. */
msio_status msio_pass_run_rows(msio_table *table, const msio_pass *pass, const msio_pass_opts *opts, int64_t *rows);

/* Such a pass: each thread reads, computes and stores the blocks that the writer's engine has. *refused: it cannot be
 * so, and nothing was stored. Errors: as msio_write, msio_read_many, those of kernels. */
msio_status msio_pass_storing(msio_passing *p, int64_t *done, bool *refused);

/* A pass that writes nothing: each thread reads the blocks that it works on into memory that stays in its own cache.
 * *done: rows. Errors: as msio_read_many, those of kernels. */
msio_status msio_pass_reading(msio_passing *p, int64_t *done);

#endif
