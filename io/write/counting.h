/* counting.h - a change told to everybody who has the table open. */
#ifndef MSIO_IO_COUNTING_H
#define MSIO_IO_COUNTING_H

#include "io/lock/sync_record.h"
#include "io/table/table.h"

/* Counts one change of n data managers in the sync record of a plain table's access, which writes. Before the data: a
 * process that has the table open and is told nothing would go on with what it has in memory, and write it back; after:
 * readers without lock compare. record: as it is now. MSIO_E_IO, MSIO_E_FORMAT, MSIO_E_UNSUPPORTED, MSIO_E_MEMORY. */
msio_status msio_count_change(msio_access *access, int n, const int *manager, uint8_t record[MSIO_SYNC_RECORD_MOST],
                              int64_t *record_bytes);

/* After counting, where the handle holds the table: what it knows stays true where only values in place changed; new
 * cells come with a new header. Whoever relies on the hold looks again. */
msio_status msio_count_seen(msio_access *access, bool headers);

#endif
