/* call.c - calls by the library's users, told to the library that `msio profile` puts in front of a program. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_DEFAULT */
#endif
#include "prof/call.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/lock.h"
#include "msio/core.h"
#include "msio/prof.h"
#include "prof/clock.h"
#include "prof/preload/profile_listener.h"

atomic_int msio_calls_told;
static const profile_listener *listener; /* set before msio_calls_told */

static _Thread_local int depth;
static _Thread_local prof_call *outermost;

/* ---------------------------------------------------------------- calls */

void msio_call_enter(prof_call *call, const char *function, const char *path, const char *column, int n,
                     const void *from) {
    char names[300];
    call->entered = true;
    call->counted = NULL;
    if (depth++ > 0 || !path) return; /* nothing was named, and nothing will be done */
    if (column && n > 1) {
        snprintf(names, sizeof names, "%.250s and %d more", column, n - 1);
        column = names;
    }
    outermost = call;
    call->bytes = call->rows = 0;
    call->counted = listener->begin(&(profile_told_call){function, path, column, from});
    call->start = msio_clock_monotonic_ns();
}

/* Results that were given back and are kept for others are no path's. */
static void tell_pool(void) {
    static prof_holding pool;
    static atomic_uint telling; /* msio_forks() + 1 while a thread is at it, which a fork may leave behind */
    unsigned mine = msio_forks() + 1, seen = atomic_load(&telling);
    if (seen == mine || !atomic_compare_exchange_strong(&telling, &seen, mine)) return;
    msio_holding_change(&pool, "", "results given back", (int64_t)msio_pool_kept());
    atomic_store(&telling, 0);
}

void msio_call_leave(prof_call *call) {
    call->entered = false;
    if (--depth > 0) return;
    outermost = NULL;
    uint64_t now = msio_clock_monotonic_ns();
    if (call->counted) listener->end(call->counted, now - call->start, call->bytes, call->rows);
    tell_pool();
}

void msio_call_add(int64_t bytes, int64_t rows) {
    if (depth != 1 || !outermost) return;
    outermost->bytes += bytes;
    outermost->rows += rows;
}

void msio_call_within(int more) { depth += more; }

/* ---------------------------------------------------------------- what is held */

void msio_holding_change(prof_holding *holding, const char *path, const char *kind, int64_t bytes) {
    if (holding->forks != msio_forks()) *holding = (prof_holding){0, msio_forks()};
    int64_t grew = bytes - holding->bytes;
    if (grew == 0 || !path) return;
    holding->bytes = bytes;
    listener->held(path, kind, grew);
}

/* ---------------------------------------------------------------- places */

uint64_t msio_prof_place(void) { return prof_calls_told() ? listener->place(__builtin_return_address(0)) : 0; }

void msio_prof_set_place(uint64_t place) {
    if (prof_calls_told()) listener->at(place);
}

/* ---------------------------------------------------------------- begin */

void msio_calls_begin(void) {
    void *found = dlsym(RTLD_DEFAULT, PROFILE_LISTENER);
    profile_listener_function ask = NULL;
    memcpy(&ask, &found, sizeof ask);
    if (!ask || !(listener = ask(&msio_calls_told))) return;
    atomic_store_explicit(&msio_calls_told, 1, memory_order_release);
}
