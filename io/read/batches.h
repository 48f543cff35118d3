/* batches.h - what streams that read and streams that write share: columns and a selection, taken batch by batch. */
#ifndef MSIO_IO_BATCHES_H
#define MSIO_IO_BATCHES_H

#include "io/table/table.h"
#include "msio/io.h"
#include "prof/call.h"

typedef struct msio_batches {
    msio_table *table;
    int columns;
    const msio_column **column;
    msio_array *shape; /* [columns]: type and shape of one row's part; shape[0] is replaced per batch */
    msio_select select;
    int64_t *list; /* the caller's row list, copied */
    int64_t rows, batch_rows, next_row;
    prof_holding told; /* the memory of two batches */
    int64_t tile_rows; /* batches end where so many rows do, counted from the table's first; 1: anywhere */
} msio_batches;

/* Looks up the columns and copies the selection. What it took is freed by msio_batches_free, also when it failed. */
msio_status msio_batches_begin(msio_batches *batches, msio_table *table, int columns, const char *const *names,
                               const msio_select *select);

/* Sets batch_rows, once rows and shape are known: two batches take at most so many bytes. rows_per_batch: of every
 * batch but the last (or as many as fit); 0: as many as fit, ending at the border of a tile where rows follow each
 * other, so that no tile is read, or written, twice. MSIO_E_SIZE where two rows take more. */
msio_status msio_batches_measure(msio_batches *batches, size_t memory, int64_t rows_per_batch);
/* Rows of the next batch, from next_row on; 0: there is none. */
int64_t msio_batches_rows(const msio_batches *batches);

/* For `msio profile`: what a call delivers or takes, and what a stream's batches hold. */
int64_t msio_batches_row(const msio_batches *batches); /* bytes of a row */
void msio_batches_did(int columns, const msio_array *arrays, int64_t rows);
#define MSIO_HELD_BATCHES "batches"

void msio_batches_free(msio_batches *batches);

#endif
