/* shard.h - one thread's counters.
 *
 * A shard is written by one thread, its owner, with relaxed atomic stores, and read by any. All shards stay on one list
 * for good: when a thread ends, its shard keeps its counts and waits for the next thread, so nothing has to be copied
 * and no sum is ever lost. Counts belong to a generation; a reset only raises the process's generation, and an owner
 * clears its counters of a path when it next uses them.
 */
#ifndef MSIO_PROF_SHARD_H
#define MSIO_PROF_SHARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "prof/histogram.h"
#include "prof/span.h"

/* Spans deeper than this are dropped. */
#define MSIO_SPAN_DEPTH 64
/* The caller of a span that no other surrounds. */
#define MSIO_NO_CALLER PROF_PATHS

typedef struct msio_shard_caller {
    _Atomic uint64_t ncalls;
    _Atomic uint64_t inclusive; /* of the outermost one where a path is inside itself */
} msio_shard_caller;

/* Counters of one path; times in ticks. Calls and inclusive time of the path are the sums over its callers. */
typedef struct msio_shard_path {
    _Atomic uint64_t self;
    _Atomic uint64_t min, max;
    _Atomic int64_t bytes, bytes_read, rows, pieces;
    msio_shard_caller callers[PROF_PATHS + 1];
    _Atomic uint64_t histogram[MSIO_HISTOGRAM_BUCKETS];
} msio_shard_path;

/* Counters of the threads that had the shard: the present one, and those that ended. */
typedef struct msio_shard_threads {
    _Atomic uint64_t spans; /* of the present one, those that no other surrounds */
    _Atomic uint64_t busy;  /* ticks in them */
    _Atomic uint64_t ended; /* threads, and the same of each */
    _Atomic uint64_t ended_sum, ended_min, ended_max;
    _Atomic uint64_t dropped;
} msio_shard_threads;

/* An open span. */
typedef struct msio_shard_frame {
    uint64_t start;
    uint64_t children; /* ticks of ended spans inside it */
    prof_path path;
} msio_shard_frame;

typedef struct msio_shard {
    struct msio_shard *next; /* set before the shard is on the list, then constant */
    atomic_int owned;
    /* the owner's alone */
    uint32_t depth;
    uint32_t active[PROF_PATHS]; /* open spans by path */
    msio_shard_frame frames[MSIO_SPAN_DEPTH];
    /* read by all; what is of another generation than the process's is void */
    _Atomic uint64_t threads_generation;
    _Atomic uint64_t generation[PROF_PATHS];
    msio_shard_threads threads;
    msio_shard_path paths[PROF_PATHS];
} msio_shard;

/* Head of the list of all shards; NULL while there is none. */
msio_shard *msio_shard_first(void);

/* Spans of threads for which there was no memory, since the last reset. */
uint64_t msio_shard_lost(void);

/* Voids all counts, and every span that began before now. The caller holds the profiler's lock. */
void msio_shard_reset(void);

/* The present generation; steady while the caller holds the profiler's lock. */
uint64_t msio_shard_generation(void);

/* In a child of fork: gives back the shards of the threads that are not there. */
void msio_shard_forked(void);

/* Makes threads give their shard back when they end. To be called once, at load. */
void msio_shard_setup(void);
void msio_shard_teardown(void);

/* Ticks that one span costs, measured on a shard apart from the list; 0 without memory. */
double msio_shard_span_ticks(void);

#endif
