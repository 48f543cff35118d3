/* clock.h - the profiler's clock: ticks that cost little to read, and what a tick is in seconds. */
#ifndef MSIO_PROF_CLOCK_H
#define MSIO_PROF_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#define MSIO_CLOCK_HAS_TSC 1
#include <x86intrin.h>
#else
#define MSIO_CLOCK_HAS_TSC 0
#endif

/* 1: ticks are the time stamp counter's; 0: nanoseconds of CLOCK_MONOTONIC. Fixed by msio_clock_init. */
extern int msio_clock_tsc;

/* Chooses the clock and remembers where it stood, for the calibration. The first call counts. Not thread-safe: the
 * profiler's control calls it under its lock, before any span is timed. */
void msio_clock_init(void);

/* Seconds of one tick; calibrates the first time, which waits until 2 ms have passed since msio_clock_init. Not
 * thread-safe, as above. */
double msio_clock_tick_seconds(void);

/* "tsc 2.596 GHz" or "monotonic"; calibrates. Not thread-safe, as above. */
void msio_clock_describe(char *text, size_t size);

/* 1 where CPUID says that the time stamp counter runs at one rate always, also while the processor sleeps. */
int msio_clock_tsc_sound(void);

static inline uint64_t msio_clock_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The same to a few milliseconds, without asking the hardware. */
static inline uint64_t msio_clock_coarse_ns(void) {
    struct timespec now;
#ifdef CLOCK_MONOTONIC_COARSE
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
#else
    clock_gettime(CLOCK_MONOTONIC, &now);
#endif
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Ticks now; never 0. */
static inline uint64_t msio_clock_ticks(void) {
#if MSIO_CLOCK_HAS_TSC
    if (__builtin_expect(msio_clock_tsc, 1)) return __rdtsc() | 1u;
#endif
    return msio_clock_monotonic_ns() | 1u;
}

#endif
