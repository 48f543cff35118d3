/* lock.h - the library's locks, and what fork does with them.
 *
 * A child of fork has one thread, the one that forked; what another thread had locked stays locked there for ever, and
 * what it was changing stays as it was. So every lock of the library is one of three kinds, and no other mutex is used:
 *
 * - Brief locks guard changes in memory that take no longer than a few system calls. Nobody waits for anything slow, or
 *   calls back, while holding one. fork takes all of them, so that what they guard is whole in the child. There is a
 *   fixed number, in one order: who holds one takes only later ones.
 * - Lengthy locks are held over reading a file, so that one thread reads what several want. fork does not wait for
 *   them. The first to take one in a child makes it anew, so what they guard has to be safe to find in the middle of a
 *   change: the holder works on memory of its own, and its last store shows the result, or what it guards is only used
 *   by whoever holds it and is begun anew. What a thread of the parent had in hand is not freed in the child.
 * - Libraries' locks let one thread at a time into casacore and into HDF5. fork waits a second for these; a library
 * that a thread was still in is lost to the child, where calls into it fail.
 *
 * Order: lengthy locks, then libraries', then brief ones.
 */
#ifndef MSIO_CORE_LOCK_H
#define MSIO_CORE_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* ---------------------------------------------------------------- brief locks, in the order in which they are taken */

#define MSIO_ANSWER_LOCKS 16
#define MSIO_TABLE_LOCKS 32

enum {
    MSIO_LOCK_PROFILER,
    MSIO_LOCK_ADVICE,
    MSIO_LOCK_ANSWERS, /* the first of MSIO_ANSWER_LOCKS */
    MSIO_LOCK_HELD = MSIO_LOCK_ANSWERS + MSIO_ANSWER_LOCKS,
    MSIO_LOCK_TABLES, /* the first of MSIO_TABLE_LOCKS, which tables share; nobody holds two of them */
    MSIO_LOCK_REGISTRY = MSIO_LOCK_TABLES + MSIO_TABLE_LOCKS,
    MSIO_LOCK_PENDING,
    MSIO_LOCK_MAPS,
    MSIO_LOCK_DESCRIPTORS,
    MSIO_LOCK_POOL,
    MSIO_LOCK_RENEWING,
    MSIO_LOCKS
};

/* Each in a cache line of its own. */
typedef struct msio_brief_lock {
    _Alignas(64) pthread_mutex_t mutex;
} msio_brief_lock;
extern msio_brief_lock msio_brief[MSIO_LOCKS];

static inline void msio_lock_brief(int which) { pthread_mutex_lock(&msio_brief[which].mutex); }
/* False, with nothing held, where somebody holds it: for work that can wait. */
static inline bool msio_try_brief(int which) { return pthread_mutex_trylock(&msio_brief[which].mutex) == 0; }
static inline void msio_unlock_brief(int which) { pthread_mutex_unlock(&msio_brief[which].mutex); }

/* Which of the tables' locks the next table shares. */
int msio_lock_of_table(void);

/* ---------------------------------------------------------------- lengthy locks */

typedef struct msio_lengthy {
    pthread_mutex_t mutex;
    atomic_uint born; /* msio_forks() when it was made */
} msio_lengthy;
#define MSIO_LENGTHY_INIT                                                                                              \
    { PTHREAD_MUTEX_INITIALIZER, 0 }

void msio_lengthy_init(msio_lengthy *lock);
void msio_lengthy_destroy(msio_lengthy *lock); /* nobody holds it, but for threads that a fork left behind */
void msio_lengthy_lock(msio_lengthy *lock);
void msio_lengthy_unlock(msio_lengthy *lock);

/* ---------------------------------------------------------------- libraries' locks */

typedef enum msio_library { MSIO_LIBRARY_CASACORE, MSIO_LIBRARY_HDF5, MSIO_LIBRARIES } msio_library;

/* False, with nothing held, where the library is lost to this process. */
bool msio_library_enter(msio_library library);
void msio_library_leave(msio_library library);

/* ---------------------------------------------------------------- fork */

/* How many forks lie between the first process that loaded the library and this one. What was made under another number
 * was made by a parent. */
extern atomic_uint msio_fork_number;
static inline unsigned msio_forks(void) { return atomic_load_explicit(&msio_fork_number, memory_order_relaxed); }

/* Whether this thread is the one that made this process by fork, or its copy. */
bool msio_fork_by(pthread_t thread);

/* Has a function called in each child, with every brief lock free: to be told when the library is loaded. A few only.
 */
void msio_fork_tell(void (*in_child)(void));

#endif
