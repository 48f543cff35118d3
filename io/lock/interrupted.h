/* interrupted.h - writes that were cut short: found, and put back before the next one. */
#ifndef MSIO_IO_INTERRUPTED_H
#define MSIO_IO_INTERRUPTED_H

#include "io/lock/journal.h"
#include "io/lock/lock_registry.h"

/* What was found in a table's folder. */
typedef struct msio_interrupted {
    msio_leftover left; /* MSIO_LEFT_NOTHING: no write was cut short */
    msio_journal_facts facts;
    int restored; /* blocks put back */
} msio_interrupted;

/* Puts back what an interrupted write left in the table's folder, and counts that as a change of every data manager,
 * so that no process that has the table open goes on with what it had read. Under the write lock `lock`. A stat where
 * there is nothing. MSIO_E_FORMAT, MSIO_E_IO, MSIO_E_UNSUPPORTED, MSIO_E_MEMORY. */
msio_status msio_interrupted_repair(const char *directory, msio_lock *lock, msio_interrupted *found);

/* What an interrupted write left, for readers, who change nothing. */
typedef struct msio_left {
    msio_leftover what;
    msio_journal_facts facts;
    int blocks;
    msio_left_block *block; /* stretches of files that may hold old and new values */
    char path[];            /* of the table */
} msio_left;

/* Looks for it in the table's folder, at the cost of one stat where there is nothing: then NULL, as well as where it
 * cannot be told (no memory, a file that is none of ours). record: the table's sync record now. */
msio_left *msio_left_find(const char *directory, const uint8_t *record, int64_t record_bytes);
void msio_left_free(msio_left *left); /* takes NULL */

/* Whether bytes [offset, offset + length) of a file of the table, whose `left` is set, are whole; MSIO_E_INTERRUPTED
 * names the write and what to do. */
msio_status msio_left_check(const msio_file *file, int64_t offset, int64_t length);

#endif
