/* clock.c - choosing and calibrating the profiler's clock. */
#include "prof/clock.h"

#include <stdio.h>

#if MSIO_CLOCK_HAS_TSC
#include <cpuid.h>
#endif

/* A pair is off by some 20 ns, so the rate by 10 ppm; a shorter process waits for it at its end. */
#define CALIBRATION_NS 2000000u
#define PAIR_TRIES 8

int msio_clock_tsc;

/* One moment on both clocks. */
typedef struct clock_pair {
    uint64_t ticks;
    uint64_t ns;
} clock_pair;

static clock_pair start;
static double tick_seconds;

int msio_clock_tsc_sound(void) {
#if MSIO_CLOCK_HAS_TSC
    const unsigned has_tsc = 1u << 4;       /* leaf 1, EDX */
    const unsigned invariant_tsc = 1u << 8; /* leaf 0x80000007, EDX: constant and non-stop */
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(d & has_tsc)) return 0;
    return __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d & invariant_tsc);
#else
    return 0;
#endif
}

/* Reads both clocks; of several tries, the one that was interrupted least. */
static clock_pair clock_pair_read(void) {
    clock_pair best = {0, 0};
    uint64_t best_gap = UINT64_MAX;
    for (int i = 0; i < PAIR_TRIES; i++) {
        uint64_t before = msio_clock_ticks();
        uint64_t ns = msio_clock_monotonic_ns();
        uint64_t gap = msio_clock_ticks() - before;
        if (gap >= best_gap) continue;
        best_gap = gap;
        best.ticks = before + gap / 2;
        best.ns = ns;
    }
    return best;
}

void msio_clock_init(void) {
    if (start.ticks != 0) return;
    msio_clock_tsc = msio_clock_tsc_sound();
    start = clock_pair_read();
}

static void wait_until(uint64_t ns) {
    for (uint64_t now = msio_clock_monotonic_ns(); now < ns; now = msio_clock_monotonic_ns()) {
        struct timespec rest = {0, (long)(ns - now)};
        nanosleep(&rest, NULL);
    }
}

double msio_clock_tick_seconds(void) {
    if (tick_seconds > 0) return tick_seconds;
    msio_clock_init();
    if (!msio_clock_tsc) {
        tick_seconds = 1e-9;
        return tick_seconds;
    }
    wait_until(start.ns + CALIBRATION_NS);
    clock_pair end = clock_pair_read();
    tick_seconds = (double)(end.ns - start.ns) * 1e-9 / (double)(end.ticks - start.ticks);
    return tick_seconds;
}

void msio_clock_describe(char *text, size_t size) {
    unsigned mhz = (unsigned)(1e-6 / msio_clock_tick_seconds() + 0.5);
    /* Whole numbers: the program's locale may write a comma for the point. */
    if (msio_clock_tsc)
        snprintf(text, size, "tsc %u.%03u GHz", mhz / 1000, mhz % 1000);
    else
        snprintf(text, size, "monotonic");
}
