/* span.h - spans: timed stretches of the library's own work. */
#ifndef MSIO_PROF_SPAN_H
#define MSIO_PROF_SPAN_H

#include <stdatomic.h>
#include <stdint.h>

/* PROF_PATH_OPEN, ... : one id a line of paths.def. */
typedef enum prof_path {
#define MSIO_PATH(id, name, unit, target, what) PROF_PATH_##id,
#include "prof/paths.def"
#undef MSIO_PATH
    PROF_PATHS
} prof_path;

/* What a span did, added up per path; all zero where unknown. */
typedef struct prof_work {
    int64_t bytes;      /* delivered */
    int64_t bytes_read; /* fetched from files */
    int64_t rows;
    int64_t pieces;
} prof_work;

/* An open span. It only names its frame in its thread's shard: when one is never ended, nothing points to a dead stack
 * frame, and the span is counted as dropped. */
typedef struct prof_span {
    uint64_t start; /* ticks; 0: the profiler was off when it began */
    uint32_t depth; /* of its frame; set while start is not 0 */
    prof_path path;
} prof_span;

extern atomic_int msio_prof_enabled;

void msio_span_begin(prof_span *span, prof_path path);
void msio_span_end(prof_span *span, const prof_work *work);

/* Off, both cost one relaxed load and a branch. Spans nest properly within a thread, and end in the thread they began
 * in. work may be NULL. Ending a span twice does nothing. */
static inline void prof_begin(prof_span *span, prof_path path) {
    span->start = 0;
    int on = atomic_load_explicit(&msio_prof_enabled, memory_order_relaxed);
    if (__builtin_expect(on, 0)) msio_span_begin(span, path);
}
static inline void prof_end(prof_span *span, const prof_work *work) {
    if (__builtin_expect(span->start != 0, 0)) msio_span_end(span, work);
}

/* Called as a call of the library's users ends that is in no other, while msio_span_due is not UINT64_MAX: what is
 * written from time to time looks whether it is due. It may not wait: the caller may be anywhere. */
typedef void (*msio_span_listener)(void);
extern _Atomic uint64_t msio_span_due; /* nanoseconds of the coarse clock (clock.h) */
extern _Atomic(msio_span_listener) msio_span_when_due;

#endif
