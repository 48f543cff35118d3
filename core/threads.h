/* threads.h - how many threads a call may use. */
#ifndef MSIO_CORE_THREADS_H
#define MSIO_CORE_THREADS_H

#include "core/error.h"

/* Threads for a call that was asked to use `wanted` (0: all it may): at most what OMP_NUM_THREADS and the affinity mask
 * allow when wanted is 0; 1 inside an OpenMP parallel region; 1 in a child of fork whose parent used OpenMP, where
 * gcc's run-time would hang. Never below 1. */
int msio_threads_for(int wanted);

/* MSIO_E_ARGUMENT where fewer than 0 threads are wanted. */
msio_status msio_threads_check(int wanted);

/* To be called before every parallel region that really starts threads: from then on children of fork read alone. */
void msio_threads_used(void);

/* Calls work(user, 0 .. threads - 1), each in a thread of its own where OpenMP is there, and returns when all have;
 * with one thread, or without OpenMP, work(user, 0) alone: so each call is to take what is left of the work. */
void msio_threads_run(int threads, void (*work)(void *user, int thread), void *user);

/* 1 in a child process made by fork after msio_threads_used. */
int msio_threads_forked(void);

#endif
