/* bench_span.c - what a span costs, with the profiler on and off: one JSON line each.
 *
 * Batches with and without spans alternate. "ns" is the difference between the least disturbed batch of either kind;
 * "ns_median" that between their medians; "loop_ns" what the loop costs without a span.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "msio/prof.h"
#include "prof/span.h"

#define BATCHES 301
#define SPANS 10000

/* Keeps the compiler from leaving the work out, or moving it. */
#define KEEP(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double loop_ns(void) {
    double start = now_ns();
    for (int64_t i = 0; i < SPANS; i++) {
        prof_work work = {i, i, 1, 1};
        KEEP(&work);
    }
    return (now_ns() - start) / SPANS;
}

static double span_ns(void) {
    double start = now_ns();
    for (int64_t i = 0; i < SPANS; i++) {
        prof_span span;
        prof_work work = {i, i, 1, 1};
        prof_begin(&span, PROF_PATH_FETCH);
        KEEP(&work);
        prof_end(&span, &work);
    }
    return (now_ns() - start) / SPANS;
}

static void variant_run(const char *variant) {
    double spans[BATCHES], loops[BATCHES];
    msio_prof_process process = MSIO_PROF_PROCESS_INIT;
    span_ns();
    for (int i = 0; i < BATCHES; i++) {
        spans[i] = span_ns();
        loops[i] = loop_ns();
    }
    qsort(spans, BATCHES, sizeof *spans, compare);
    qsort(loops, BATCHES, sizeof *loops, compare);
    if (msio_prof_process_stats(&process) != MSIO_OK) exit(1);
    printf("{\"work\": \"span\", \"reader\": \"msio\", \"variant\": \"%s\", \"threads\": 1, \"clock\": \"%s\", "
           "\"ns\": %.3f, \"ns_median\": %.3f, \"loop_ns\": %.3f, \"batches\": %d, \"spans\": %d}\n",
           variant, process.clock, spans[0] - loops[0], spans[BATCHES / 2] - loops[BATCHES / 2], loops[0], BATCHES,
           SPANS);
}

int main(void) {
    msio_prof_stop();
    variant_run("off");
    msio_prof_start();
    variant_run("on");
    msio_prof_stop();
    return 0;
}
