/* pending.h - what was put and is not in its files yet: settled before this process looks at the table.
 *
 * Puts of single cells are gathered in memory (io/write/gathered.h). A list of the process says of which tables there
 * are any, so that whoever begins to read or write such a table has them stored first.
 */
#ifndef MSIO_IO_PENDING_H
#define MSIO_IO_PENDING_H

#include "io/lock/lock_registry.h"
#include "msio/io.h"

#include <stdatomic.h>

/* Part of whatever gathers. */
typedef struct msio_pending {
    /* given before _add */
    const msio_table *table; /* the handle that puts */
    int places;              /* the columns of plain tables that it puts to */
    struct msio_pending_place {
        msio_lock *lock;
        const char *column;
    } * place;
    /* Stores what there is, and has it off the list then. Called by any thread. */
    msio_status (*settle)(struct msio_pending *pending);
    /* the list's */
    struct msio_pending *next;
    bool listed;
    int users;      /* threads that are about to settle it */
    unsigned forks; /* msio_forks() when it was listed */
} msio_pending;

extern atomic_int msio_pendings; /* how many are listed */

static inline bool msio_pending_any(void) { return atomic_load_explicit(&msio_pendings, memory_order_acquire) > 0; }

void msio_pending_add(msio_pending *pending);
void msio_pending_remove(msio_pending *pending); /* does nothing when it is not listed */
/* Waits until no other thread is about to settle it, so that its memory may go. It is not listed any more. */
void msio_pending_leave(const msio_pending *pending);

/* Settles one, which stays listed when that fails. */
msio_status msio_pending_settle(msio_pending *pending);
/* Settles what concerns a plain table's lock file (NULL: it is not known which, so everything), of any column or one,
 * or all that one handle put. Within a settling nothing is done. Returns the first error of settling. */
msio_status msio_pending_settle_lock(const msio_lock *lock, const char *column);
msio_status msio_pending_settle_table(const msio_table *table);
/* Whether this thread's looking at tables settles nothing. Returns what it was before. */
bool msio_pending_quiet(bool quiet);

#endif
