/* gathered.h - puts of single cells, gathered in memory and stored together.
 *
 * The first put takes the table's write lock and counts the change, as every writer does; from then on puts only copy,
 * until the cells are stored: when 16 MiB are there, when this process looks at the table by whatever call, when the
 * handle's lock is released, or when it is asked for. Then the lock goes. In a child of fork they are dropped.
 */
#ifndef MSIO_IO_GATHERED_H
#define MSIO_IO_GATHERED_H

#include "io/table/table.h"

#define MSIO_GATHERED_BYTES ((int64_t)16 << 20)

typedef struct msio_gathered msio_gathered;

/* For puts into one column. MSIO_E_MEMORY. */
msio_status msio_gathered_new(const msio_column *column, msio_gathered **gathered);
/* One cell, whole. *taken false: nothing has begun, or what was gathered has just been stored; begin, and try again.
 * MSIO_E_RANGE, MSIO_E_SIZE, MSIO_E_UNDEFINED (it was never written), MSIO_E_MEMORY, and those of storing. */
msio_status msio_gathered_put(msio_gathered *gathered, int64_t row, const void *in, size_t in_bytes, bool *taken);
/* Takes the write lock; nobody else changes the table from now on. Errors: as msio_table_hold_write. */
msio_status msio_gathered_begin(msio_gathered *gathered);
/* After _begin: counts the change, and lists what is to come. A failure ends what was begun. */
msio_status msio_gathered_announce(msio_gathered *gathered);
/* Stores what there is and gives the lock back. On a failure it stays, to be tried again. Errors: as msio_write. */
msio_status msio_gathered_flush(msio_gathered *gathered);
/* Stores, and frees in any case: what could not be stored is lost. Takes NULL. Errors: as msio_write. */
msio_status msio_gathered_close(msio_gathered *gathered);

#endif
