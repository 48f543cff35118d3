/* sync_record.h - the record in table.lock by which every process that has a table open learns that it changed
 * (docs/formats.md, "table.lock"). */
#ifndef MSIO_IO_SYNC_RECORD_H
#define MSIO_IO_SYNC_RECORD_H

#include "msio/core.h"

#include <stdint.h>

/* Largest record that is handled: one page of the file, so that a process that is killed leaves the old or the new. */
#define MSIO_SYNC_RECORD_MOST 3836

/* What a table's record says when there is none yet. */
typedef struct msio_sync_facts {
    int64_t rows;
    int columns, managers;
} msio_sync_facts;

/* Counts one change in a record: `record` is the bytes of table.lock from 260 on (u32 length, the object), *length of
 * them are there, 0: none, then a whole one is made from facts. manager[i], i < managers, of the table's list of data
 * managers are counted, as is the table's own counter; everything else stays. The bytes grow by at most a record.
 * path: for messages. Errors: MSIO_E_FORMAT (the record is not one, or counts fewer managers), MSIO_E_UNSUPPORTED
 * (more bytes than a page holds), MSIO_E_MEMORY. */
msio_status msio_sync_record_count(uint8_t record[MSIO_SYNC_RECORD_MOST], int64_t *length, const int *manager,
                                   int managers, const msio_sync_facts *facts, const char *path);

/* The same for every data manager that the record counts. */
msio_status msio_sync_record_count_all(uint8_t *record, int64_t length, const char *path);

#endif
