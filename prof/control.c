/* control.c - turning the profiler on and off, its targets, and what fork does to it. */
#include "prof/control.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/lock.h"
#include "prof/advice.h"
#include "prof/clock.h"
#include "prof/paths.h"
#include "prof/shard.h"

/* MSIO_LOCK_PROFILER guards all below, the clock's set-up and the generation of the shards. Spans never take it. */
static uint64_t on_ns;          /* spent on before the present stretch */
static uint64_t on_since;       /* CLOCK_MONOTONIC when the present stretch began */
static msio_process_io on_io;   /* read while on before the present stretch */
static msio_process_io io_then; /* the process's numbers when it began */
static bool forked;
static double span_ticks; /* 0: not yet measured */
static double targets[PROF_PATHS] = {
#define MSIO_PATH(id, name, unit, target, what) target,
#include "prof/paths.def"
#undef MSIO_PATH
};

void msio_control_lock(void) { msio_lock_brief(MSIO_LOCK_PROFILER); }

void msio_control_unlock(void) { msio_unlock_brief(MSIO_LOCK_PROFILER); }

/* ---------------------------------------------------------------- stretches of being on */

static int64_t io_plus(int64_t sum, int64_t now, int64_t then) {
    if (sum == MSIO_UNKNOWN || now == MSIO_UNKNOWN || then == MSIO_UNKNOWN) return MSIO_UNKNOWN;
    return now > then ? sum + (now - then) : sum;
}

static msio_process_io io_until_now(void) {
    msio_process_io now = msio_process_io_now();
    msio_process_io sum = {io_plus(on_io.read, now.read, io_then.read), io_plus(on_io.disk, now.disk, io_then.disk)};
    return sum;
}

static bool is_on(void) { return atomic_load_explicit(&msio_prof_enabled, memory_order_relaxed) != 0; }

static void stretch_begin(void) {
    on_since = msio_clock_monotonic_ns();
    io_then = msio_process_io_now();
}

static void stretch_end(void) {
    on_ns += msio_clock_monotonic_ns() - on_since;
    on_io = io_until_now();
}

static void forget(void) {
    msio_clock_init();
    msio_shard_reset();
    msio_advice_reset();
    on_ns = 0;
    on_io.read = on_io.disk = 0;
    if (is_on()) stretch_begin();
}

void msio_prof_start(void) {
    msio_control_lock();
    if (!is_on()) {
        msio_clock_init();
        stretch_begin();
        /* Pairs with msio_span_begin: who sees it on sees the clock chosen. */
        atomic_store_explicit(&msio_prof_enabled, 1, memory_order_release);
    }
    msio_control_unlock();
}

void msio_prof_stop(void) {
    msio_control_lock();
    if (is_on()) {
        atomic_store_explicit(&msio_prof_enabled, 0, memory_order_relaxed);
        stretch_end();
    }
    msio_control_unlock();
}

void msio_prof_reset(void) {
    msio_control_lock();
    forget();
    msio_control_unlock();
}

int msio_prof_running(void) { return is_on(); }

/* ---------------------------------------------------------------- targets and snapshots */

msio_status msio_prof_set_target(const char *name, double seconds) {
    int path = msio_path_find(name);
    if (path < 0) return MSIO_E_ARGUMENT;
    if (!isfinite(seconds) || seconds < 0)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "the target of path %s is %g seconds; give a positive number, or 0 for none", name,
                              seconds);
    msio_control_lock();
    targets[path] = seconds;
    msio_control_unlock();
    return MSIO_OK;
}

/* Under the profiler's lock. NULL without memory. */
static msio_totals *snapshot(void) {
    msio_totals *totals = msio_totals_add_up();
    if (totals == NULL) return NULL;
    totals->tick_seconds = msio_clock_tick_seconds();
    msio_clock_describe(totals->clock, sizeof totals->clock);
    if (span_ticks <= 0) span_ticks = msio_shard_span_ticks();
    totals->span_seconds = span_ticks * totals->tick_seconds;
    uint64_t ns = is_on() ? on_ns + (msio_clock_monotonic_ns() - on_since) : on_ns;
    totals->on_seconds = (double)ns * 1e-9;
    totals->io = is_on() ? io_until_now() : on_io;
    totals->peak_rss = msio_process_peak_rss();
    memcpy(totals->targets, targets, sizeof targets);
    return totals;
}

static msio_status snapshot_give(msio_totals *totals, msio_totals **result) {
    if (totals == NULL)
        return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the profiler's report (%zu bytes)", sizeof *totals);
    *result = totals;
    return MSIO_OK;
}

msio_status msio_control_snapshot(msio_totals **result) {
    msio_control_lock();
    msio_totals *totals = snapshot();
    msio_control_unlock();
    return snapshot_give(totals, result);
}

msio_status msio_control_try_snapshot(msio_totals **result) {
    *result = NULL;
    if (!msio_try_brief(MSIO_LOCK_PROFILER)) return MSIO_OK;
    msio_totals *totals = snapshot();
    msio_control_unlock();
    return snapshot_give(totals, result);
}

/* ---------------------------------------------------------------- process */

int msio_control_forked(void) {
    msio_control_lock();
    int answer = forked;
    msio_control_unlock();
    return answer;
}

void msio_control_in_child(void) {
    msio_control_lock();
    forked = true;
    msio_shard_forked();
    forget();
    msio_control_unlock();
}
