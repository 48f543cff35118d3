/* lock.c - the library's locks, and what fork does with them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/lock.h"

#include <stdlib.h>
#include <time.h>

#define LISTENERS 8
#define LIBRARY_WAIT 1.0 /* s: the most that fork waits for calls into casacore and HDF5 to end */

#define ONE                                                                                                            \
    { PTHREAD_MUTEX_INITIALIZER }
#define FOUR ONE, ONE, ONE, ONE
#define SIXTEEN FOUR, FOUR, FOUR, FOUR
msio_brief_lock msio_brief[] = {SIXTEEN, SIXTEEN, SIXTEEN, FOUR, FOUR, ONE};
_Static_assert(sizeof msio_brief / sizeof *msio_brief == MSIO_LOCKS, "one initializer for each lock");

atomic_uint msio_fork_number;
static pthread_t forker; /* the thread that made this process */
static void (*listener[LISTENERS])(void);
static int listeners;

/* ---------------------------------------------------------------- brief locks */

int msio_lock_of_table(void) {
    static atomic_uint next;
    return MSIO_LOCK_TABLES + (int)(atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % MSIO_TABLE_LOCKS);
}

/* ---------------------------------------------------------------- lengthy locks */

void msio_lengthy_init(msio_lengthy *lock) {
    pthread_mutex_init(&lock->mutex, NULL);
    atomic_init(&lock->born, msio_forks());
}

static bool is_inherited(msio_lengthy *lock) {
    return atomic_load_explicit(&lock->born, memory_order_acquire) != msio_forks();
}

void msio_lengthy_destroy(msio_lengthy *lock) {
    if (!is_inherited(lock)) pthread_mutex_destroy(&lock->mutex);
}

void msio_lengthy_lock(msio_lengthy *lock) {
    if (is_inherited(lock)) {
        msio_lock_brief(MSIO_LOCK_RENEWING);
        if (is_inherited(lock)) {
            pthread_mutex_init(&lock->mutex, NULL);
            atomic_store_explicit(&lock->born, msio_forks(), memory_order_release);
        }
        msio_unlock_brief(MSIO_LOCK_RENEWING);
    }
    pthread_mutex_lock(&lock->mutex);
}

void msio_lengthy_unlock(msio_lengthy *lock) { pthread_mutex_unlock(&lock->mutex); }

/* ---------------------------------------------------------------- libraries' locks */

static struct {
    pthread_mutex_t mutex;
    atomic_bool lost;
} library[MSIO_LIBRARIES] = {{.mutex = PTHREAD_MUTEX_INITIALIZER}, {.mutex = PTHREAD_MUTEX_INITIALIZER}};
static _Thread_local bool taken[MSIO_LIBRARIES]; /* by a fork of this thread */
static atomic_int forking; /* forks that want the libraries' locks: calls that have not begun let them go first */

static void sleep_for(double seconds) {
    struct timespec interval = {0, (long)(seconds * 1e9)};
    nanosleep(&interval, NULL);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool msio_library_enter(msio_library which) {
    double until = 0;
    if (atomic_load(&library[which].lost)) return false;
    while (atomic_load_explicit(&forking, memory_order_relaxed)) {
        double t = now();
        if (until == 0) until = t + 2 * LIBRARY_WAIT;
        if (t > until) break;
        sleep_for(1e-4);
    }
    pthread_mutex_lock(&library[which].mutex);
    return true;
}

void msio_library_leave(msio_library which) { pthread_mutex_unlock(&library[which].mutex); }

static void take_libraries(void) {
    double until = 0;
    atomic_fetch_add(&forking, 1);
    for (int i = 0; i < MSIO_LIBRARIES; i++)
        while (!(taken[i] = pthread_mutex_trylock(&library[i].mutex) == 0)) {
            double t = now();
            if (until == 0) until = t + LIBRARY_WAIT;
            if (t > until) break;
            sleep_for(1e-4);
        }
}

static void give_libraries(bool in_child) {
    for (int i = 0; i < MSIO_LIBRARIES; i++) {
        if (taken[i]) {
            pthread_mutex_unlock(&library[i].mutex);
        } else if (in_child) {
            pthread_mutex_init(&library[i].mutex, NULL);
            atomic_store(&library[i].lost, true);
        }
    }
    if (in_child)
        atomic_store(&forking, 0);
    else
        atomic_fetch_sub(&forking, 1);
}

/* ---------------------------------------------------------------- fork */

bool msio_fork_by(pthread_t thread) { return pthread_equal(thread, forker); }

void msio_fork_tell(void (*in_child)(void)) {
    if (listeners == LISTENERS) abort(); /* a mistake in the library: seen when it is loaded */
    listener[listeners++] = in_child;
}

static void before_fork(void) {
    take_libraries();
    for (int i = 0; i < MSIO_LOCKS; i++) msio_lock_brief(i);
}

static void give_all(bool in_child) {
    for (int i = MSIO_LOCKS; i-- > 0;) msio_unlock_brief(i);
    give_libraries(in_child);
}

static void in_parent(void) { give_all(false); }

static void in_child(void) {
    forker = pthread_self();
    atomic_fetch_add(&msio_fork_number, 1);
    give_all(true);
    for (int i = 0; i < listeners; i++) listener[i]();
}

__attribute__((constructor)) static void watch_forks(void) { (void)pthread_atfork(before_fork, in_parent, in_child); }
