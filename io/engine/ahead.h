/* ahead.h - two batches that take turns: one is the caller's, the other is filled meanwhile by a thread. */
#ifndef MSIO_IO_AHEAD_H
#define MSIO_IO_AHEAD_H

#include "core/error.h"

#include <pthread.h>
#include <stdbool.h>

/* Fills batch `half` (0 or 1) with what comes next: MSIO_OK, MSIO_END, or a failure, whose error is set. Called in
 * turn, by one thread at a time; not again after MSIO_END or a failure. */
typedef msio_status (*msio_ahead_fill)(void *user, int half);

typedef struct msio_ahead {
    msio_ahead_fill fill;
    void *user;
    struct {
        bool filled; /* and not yet given back by the caller */
        msio_status status;
        msio_error_copy error;
    } half[2];
    int turn;   /* the half that the next batch comes from */
    bool given; /* the caller has the other one */
    pthread_t thread;
    bool begun, threaded, stop;
    unsigned forks; /* msio_forks() when it was prepared */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} msio_ahead;

/* Begins to fill. Without a thread (a child of fork, no room for one) batches are filled when they are asked for. */
void msio_ahead_start(msio_ahead *ahead, msio_ahead_fill fill, void *user);

/* The same in two steps: filling begins with msio_ahead_begin, or with the first msio_ahead_next. MSIO_E_UNSUPPORTED:
 * as there. */
void msio_ahead_prepare(msio_ahead *ahead, msio_ahead_fill fill, void *user);
msio_status msio_ahead_begin(msio_ahead *ahead);

/* Waits for the next batch, and takes back the one before: *half. MSIO_END or the failure stays what it is.
 * MSIO_E_UNSUPPORTED in a child of fork, for what was started or prepared before: the thread is the parent's. */
msio_status msio_ahead_next(msio_ahead *ahead, int *half);

/* Ends the thread. Nothing else is called afterwards; what was never started may be stopped. False where it was started
 * before a fork: then the parent's thread may have been in the middle of changing the caller's state, which must be
 * left as it is, and not be freed. */
bool msio_ahead_stop(msio_ahead *ahead);

#endif
