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

#endif
