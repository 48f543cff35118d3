/* lock_registry.h - read locks on tables that casacore respects, and that leave casacore's own locks alone.
 *
 * POSIX drops every lock that a process holds on a file when any descriptor of that file is closed, casacore's too. So
 * all descriptors of table.lock files live in one process-wide table, one a file, and are closed only when the system
 * shows no lock of this process on it: when no table uses them, or when descriptors run short (core/descriptors.h). The
 * locks are open-file-description locks: they never replace casacore's.
 */
#ifndef MSIO_IO_LOCK_REGISTRY_H
#define MSIO_IO_LOCK_REGISTRY_H

#include "core/file.h"

typedef struct msio_lock msio_lock;

/* What to do where table.lock cannot be read, or a manager knows of other rows than it says. */
#define MSIO_OTHER_LOCK_ADVICE                                                                                          \
    "the table is being changed, or its table.lock is that of an older or newer state: restore it, or remove it while " \
    "nobody writes (rows are those of table.dat then)"

/* The lock file of the table in `directory`; *lock is NULL, and MSIO_OK is returned, where it has none or it may not be
 * opened. MSIO_E_FORMAT: something else than a file stands there. MSIO_E_MEMORY; MSIO_E_IO: the process has no
 * descriptor left. */
msio_status msio_lock_open(const char *directory, msio_lock **lock);
/* One more user of an open lock file (NULL is let through), to be given up by msio_lock_close as well. */
msio_lock *msio_lock_share(msio_lock *lock);
/* Takes NULL. */
void msio_lock_close(msio_lock *lock);

/* Whether table.lock in `directory` still is the file behind lock (NULL: there still is none). */
bool msio_lock_current(const msio_lock *lock, const char *directory);

/* Takes a read lock on byte 0, waiting for another process's write lock up to so many seconds. *locked is false, and
 * MSIO_OK returned, where no lock can be had that would mean anything: the write lock is this very process's own, or
 * the file system knows no locks. Then the caller compares signatures. MSIO_E_LOCKED names the holder;
 * MSIO_E_CANCELLED: see msio_waits_ask; MSIO_E_CHANGED, MSIO_E_IO: its descriptor was given back, and the file is
 * another one now, or cannot be opened. */
msio_status msio_lock_take(msio_lock *lock, double seconds, bool *locked);
/* forks: msio_forks() when it was taken; in a child of fork that is no lock of this process, and nothing is done. */
void msio_lock_give(msio_lock *lock, unsigned forks);
/* Whether what this thread gave to msio_waits_ask says stop. */
bool msio_waits_asked(void);

/* Reads the sync record region (from byte 260 on) into buffer: its bytes, 0 where there is none. MSIO_E_IO,
 * MSIO_E_CHANGED (as above). */
msio_status msio_lock_sync_bytes(msio_lock *lock, uint8_t *buffer, int64_t size, int64_t *length);

/* The first bytes of the sync record region as the file has them at any moment, mapped; NULL where that cannot be. They
 * live as long as the lock is open, and read as zeros once the file was cut. */
const uint8_t *msio_lock_sync_view(msio_lock *lock, int64_t length);

/* ---------------------------------------------------------------- writing */

/* Makes the lock file of a table that has none, as casacore does when it opens one: 260 bytes, no requests, no sync
 * record. MSIO_E_IO where the folder may not be written. */
msio_status msio_lock_make(const char *directory);

typedef msio_status msio_lock_settle(const msio_lock *lock);
/* Takes casacore's write lock (byte 0), waiting up to so many seconds for readers and writers to let go: it files
 * casacore's request, and waits in the system, since a holder that looks after its requests gives the lock away for
 * microseconds only. Where the file system knows no locks it goes on, as casacore does. Other threads of this process
 * that write the same table wait, and call `settle` meanwhile, which has stored what only waits to be stored under the
 * lock of another one; its error ends the wait. *locked: what is to be given back.
 * MSIO_E_LOCKED names who is in the way, and what helps; MSIO_E_IO: the file may not be written; MSIO_E_CANCELLED: see
 * msio_waits_ask. */
msio_status msio_lock_take_write(msio_lock *lock, double seconds, msio_lock_settle *settle, bool *locked);
/* The same where casacore in this process has the write lock already: only this process's other threads are waited for,
 * and nothing is locked. MSIO_E_LOCKED: casacore has it not. */
msio_status msio_lock_join_write(msio_lock *lock, double seconds, msio_lock_settle *settle, bool *locked);
/* What is locked stays so over many calls: reads of this process through other handles do not wait for it. */
void msio_lock_hold_write(msio_lock *lock);
/* The descriptor that has the write lock, while it is held; -1: it is not, or casacore in this process has it. */
int msio_lock_write_descriptor(const msio_lock *lock);
/* forks: msio_forks() when it was taken; a child of fork has nothing to give. */
void msio_lock_give_write(msio_lock *lock, unsigned forks);

/* Puts bytes into the sync record region (from byte 260 on) by one write. Under the write lock. MSIO_E_IO. */
msio_status msio_lock_put_sync(msio_lock *lock, const uint8_t *bytes, int64_t length);
/* Brings table.lock to the disk. MSIO_E_IO. */
msio_status msio_lock_sync_file(msio_lock *lock);

/* Whether another process, or casacore in this one, has the table open (its lock on byte 1). */
bool msio_lock_open_elsewhere(msio_lock *lock);

/* For tests: descriptors now open. */
int msio_lock_descriptors(void);

#endif
