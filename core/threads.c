/* threads.c - how many threads a call may use, and work done by several. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/threads.h"

#include "core/lock.h"

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

#if defined(_OPENMP)
#include <omp.h>
#endif

/* Nothing gains from more; a mistyped number must not exhaust the system. */
#define MSIO_THREADS_MOST 1024

static atomic_uint used_in; /* one more than msio_forks() of the first process that started threads; 0: none did */

void msio_threads_used(void) {
    unsigned none = 0;
    if (atomic_load_explicit(&used_in, memory_order_relaxed)) return;
    atomic_compare_exchange_strong(&used_in, &none, msio_forks() + 1);
}

void msio_threads_run(int threads, void (*work)(void *user, int thread), void *user) {
#if defined(_OPENMP)
    if (threads > 1) {
        msio_threads_used();
#pragma omp parallel num_threads(threads)
        work(user, omp_get_thread_num());
        return;
    }
#endif
    (void)threads;
    work(user, 0);
}

msio_status msio_threads_check(int wanted) {
    if (wanted >= 0) return MSIO_OK;
    return msio_error_set(MSIO_E_ARGUMENT, NULL, "%d threads asked for: say how many, or 0 for all that there may be",
                          wanted);
}

int msio_threads_forked(void) {
    unsigned in = atomic_load_explicit(&used_in, memory_order_relaxed);
    return in && in != msio_forks() + 1;
}

#if defined(_OPENMP)
/* Processors that this thread may run on; 0 where the system does not tell. */
static int processors_allowed(void) {
    int count = 0;
#if defined(__linux__)
    for (int most = 1024; most <= 65536 && count == 0; most *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)most);
        if (!set) break;
        if (sched_getaffinity(0, CPU_ALLOC_SIZE((size_t)most), set) == 0)
            count = CPU_COUNT_S(CPU_ALLOC_SIZE((size_t)most), set);
        CPU_FREE(set);
    }
#endif
    return count;
}

int msio_threads_for(int wanted) {
    if (msio_threads_forked() || omp_in_parallel()) return 1;
    int threads = wanted;
    if (wanted <= 0) {
        int allowed = processors_allowed();
        threads = omp_get_max_threads();
        if (allowed > 0 && allowed < threads) threads = allowed;
    }
    int limit = omp_get_thread_limit();
    if (limit > MSIO_THREADS_MOST) limit = MSIO_THREADS_MOST;
    if (threads > limit) threads = limit;
    return threads < 1 ? 1 : threads;
}
#else
int msio_threads_for(int wanted) {
    (void)wanted;
    return 1;
}
#endif
