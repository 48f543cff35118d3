/* span.c - beginning and ending spans, and the shards they are counted in. */
#include "prof/span.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "prof/clock.h"
#include "prof/shard.h"

atomic_int msio_prof_enabled;

static void nothing(void) {}
_Atomic uint64_t msio_span_due = UINT64_MAX;
_Atomic(msio_span_listener) msio_span_when_due = nothing;

#define RELAXED memory_order_relaxed
#define CACHE_LINE 64

static _Thread_local msio_shard *own_shard;
static _Atomic(msio_shard *) first_shard;
static _Atomic uint64_t lost;
static _Atomic uint64_t generation = 1; /* 0 marks what was never used */
static _Atomic uint64_t since;          /* ticks: spans begun before are void */
static pthread_key_t shard_key;
static atomic_bool shard_key_made;

/* Only the owner writes, so no read-modify-write is needed. */
static inline void count(_Atomic uint64_t *counter, uint64_t more) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, RELAXED) + more, RELAXED);
}

static inline void count_work(_Atomic int64_t *counter, int64_t more) {
    if (more != 0) atomic_store_explicit(counter, atomic_load_explicit(counter, RELAXED) + more, RELAXED);
}

static inline void lower(_Atomic uint64_t *counter, uint64_t value) {
    if (value < atomic_load_explicit(counter, RELAXED)) atomic_store_explicit(counter, value, RELAXED);
}

static inline void raise_to(_Atomic uint64_t *counter, uint64_t value) {
    if (value > atomic_load_explicit(counter, RELAXED)) atomic_store_explicit(counter, value, RELAXED);
}

static inline void clear(_Atomic uint64_t *counter) { atomic_store_explicit(counter, 0, RELAXED); }

static void path_clear(msio_shard_path *path) {
    clear(&path->self);
    atomic_store_explicit(&path->min, UINT64_MAX, RELAXED);
    clear(&path->max);
    atomic_store_explicit(&path->bytes, 0, RELAXED);
    atomic_store_explicit(&path->bytes_read, 0, RELAXED);
    atomic_store_explicit(&path->rows, 0, RELAXED);
    atomic_store_explicit(&path->pieces, 0, RELAXED);
    for (int i = 0; i <= PROF_PATHS; i++) {
        clear(&path->callers[i].ncalls);
        clear(&path->callers[i].inclusive);
    }
    for (int i = 0; i < MSIO_HISTOGRAM_BUCKETS; i++) clear(&path->histogram[i]);
}

static void threads_clear(msio_shard_threads *threads) {
    clear(&threads->spans);
    clear(&threads->busy);
    clear(&threads->ended);
    clear(&threads->ended_sum);
    atomic_store_explicit(&threads->ended_min, UINT64_MAX, RELAXED);
    clear(&threads->ended_max);
    clear(&threads->dropped);
}

/* The path's counters, of this generation. Readers see the generation only after the clearing. */
static inline msio_shard_path *path_of(msio_shard *shard, prof_path path, uint64_t now) {
    if (__builtin_expect(atomic_load_explicit(&shard->generation[path], RELAXED) != now, 0)) {
        path_clear(&shard->paths[path]);
        atomic_store_explicit(&shard->generation[path], now, memory_order_release);
    }
    return &shard->paths[path];
}

static inline msio_shard_threads *threads_of(msio_shard *shard, uint64_t now) {
    if (__builtin_expect(atomic_load_explicit(&shard->threads_generation, RELAXED) != now, 0)) {
        threads_clear(&shard->threads);
        atomic_store_explicit(&shard->threads_generation, now, memory_order_release);
    }
    return &shard->threads;
}

static void drop(msio_shard *shard, uint64_t spans) {
    if (spans > 0) count(&threads_of(shard, atomic_load_explicit(&generation, memory_order_acquire))->dropped, spans);
}

/* ---------------------------------------------------------------- shards */

static msio_shard *shard_new(void) {
    size_t size = (sizeof(msio_shard) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    msio_shard *shard = aligned_alloc(CACHE_LINE, size);
    if (shard == NULL) return NULL;
    /* The counters stay untouched, so that a path which a thread never uses costs it no page. */
    memset(shard, 0, offsetof(msio_shard, threads));
    atomic_store_explicit(&shard->owned, 1, RELAXED);
    return shard;
}

/* A shard whose thread has ended, or a new one on the list; NULL without memory. */
static msio_shard *shard_take(void) {
    for (msio_shard *shard = msio_shard_first(); shard != NULL; shard = shard->next) {
        int free_one = 0;
        if (atomic_load_explicit(&shard->owned, RELAXED) == 0 &&
            atomic_compare_exchange_strong_explicit(&shard->owned, &free_one, 1, memory_order_acquire, RELAXED))
            return shard;
    }
    msio_shard *shard = shard_new();
    if (shard == NULL) return NULL;
    msio_shard *head = atomic_load_explicit(&first_shard, RELAXED);
    do shard->next = head;
    while (!atomic_compare_exchange_weak_explicit(&first_shard, &head, shard, memory_order_release, RELAXED));
    return shard;
}

/* Turns the present thread's time into that of a thread that ended, and frees the shard for another. */
static void shard_give(msio_shard *shard) {
    uint64_t now = atomic_load_explicit(&generation, memory_order_acquire);
    drop(shard, shard->depth);
    shard->depth = 0;
    memset(shard->active, 0, sizeof shard->active);
    msio_shard_threads *threads = threads_of(shard, now);
    if (atomic_load_explicit(&threads->spans, RELAXED) > 0) {
        uint64_t busy = atomic_load_explicit(&threads->busy, RELAXED);
        clear(&threads->spans);
        clear(&threads->busy);
        count(&threads->ended, 1);
        count(&threads->ended_sum, busy);
        lower(&threads->ended_min, busy);
        raise_to(&threads->ended_max, busy);
    }
    atomic_store_explicit(&shard->owned, 0, memory_order_release);
}

static void thread_ended(void *shard) {
    own_shard = NULL;
    shard_give(shard);
}

static msio_shard *own_shard_take(void) {
    msio_shard *shard = shard_take();
    if (shard == NULL) {
        atomic_fetch_add_explicit(&lost, 1, RELAXED);
        return NULL;
    }
    own_shard = shard;
    /* Where this fails, the shard stays the ended thread's: its counts are right all the same. */
    if (shard_key_made) pthread_setspecific(shard_key, shard);
    return shard;
}

msio_shard *msio_shard_first(void) { return atomic_load_explicit(&first_shard, memory_order_acquire); }

uint64_t msio_shard_lost(void) { return atomic_load_explicit(&lost, RELAXED); }

uint64_t msio_shard_generation(void) { return atomic_load_explicit(&generation, memory_order_acquire); }

void msio_shard_reset(void) {
    atomic_store_explicit(&lost, 0, RELAXED);
    atomic_store_explicit(&since, msio_clock_ticks(), RELAXED);
    atomic_fetch_add_explicit(&generation, 1, memory_order_release);
}

void msio_shard_forked(void) {
    for (msio_shard *shard = msio_shard_first(); shard != NULL; shard = shard->next) {
        if (shard == own_shard) continue;
        shard->depth = 0;
        memset(shard->active, 0, sizeof shard->active);
        atomic_store_explicit(&shard->owned, 0, memory_order_release);
    }
}

void msio_shard_setup(void) { shard_key_made = pthread_key_create(&shard_key, thread_ended) == 0; }

/* Threads that end after the library was unloaded must not call into it. */
void msio_shard_teardown(void) {
    if (shard_key_made) pthread_key_delete(shard_key);
    shard_key_made = false;
}

/* ---------------------------------------------------------------- spans */

static inline void span_begin(msio_shard *shard, prof_span *span, prof_path path) {
    uint32_t depth = shard->depth;
    if (__builtin_expect(depth >= MSIO_SPAN_DEPTH, 0)) {
        drop(shard, 1);
        return;
    }
    msio_shard_frame *frame = &shard->frames[depth];
    frame->path = path;
    frame->children = 0;
    shard->active[path]++;
    shard->depth = depth + 1;
    span->depth = depth;
    span->path = path;
    frame->start = span->start = msio_clock_ticks();
}

static inline void span_count(msio_shard *shard, const msio_shard_frame *frame, prof_path caller, uint64_t ticks,
                              const prof_work *work) {
    uint64_t now = atomic_load_explicit(&generation, memory_order_acquire);
    if (__builtin_expect(frame->start < atomic_load_explicit(&since, RELAXED), 0)) return;
    msio_shard_path *path = path_of(shard, frame->path, now);
    uint64_t self = ticks > frame->children ? ticks - frame->children : 0;
    uint64_t inclusive = shard->active[frame->path] == 0 ? ticks : 0;
    if (caller == MSIO_NO_CALLER) {
        msio_shard_threads *threads = threads_of(shard, now);
        count(&threads->spans, 1);
        count(&threads->busy, ticks);
    }
    count(&path->self, self);
    lower(&path->min, ticks);
    raise_to(&path->max, ticks);
    count(&path->callers[caller].ncalls, 1);
    count(&path->callers[caller].inclusive, inclusive);
    count(&path->histogram[msio_histogram_bucket(ticks)], 1);
    if (work == NULL) return;
    count_work(&path->bytes, work->bytes);
    count_work(&path->bytes_read, work->bytes_read);
    count_work(&path->rows, work->rows);
    count_work(&path->pieces, work->pieces);
}

/* Closes frames above `depth`, which were never ended. */
static void frames_unwind(msio_shard *shard, uint32_t depth) {
    drop(shard, shard->depth - depth);
    while (shard->depth > depth) {
        shard->depth--;
        shard->active[shard->frames[shard->depth].path]--;
    }
}

static inline void span_end(msio_shard *shard, prof_span *span, const prof_work *work) {
    uint64_t end = msio_clock_ticks();
    uint32_t depth = span->depth;
    msio_shard_frame *frame = &shard->frames[depth];
    /* The frame is gone when a span round this one ended first; it was counted as dropped then. */
    if (__builtin_expect(depth >= shard->depth || frame->start != span->start || frame->path != span->path, 0)) return;
    if (__builtin_expect(depth + 1 != shard->depth, 0)) frames_unwind(shard, depth + 1);
    uint64_t ticks = end > frame->start ? end - frame->start : 0;
    shard->depth = depth;
    shard->active[frame->path]--;
    prof_path caller = MSIO_NO_CALLER;
    if (depth > 0) {
        frame[-1].children += ticks;
        caller = frame[-1].path;
    }
    span_count(shard, frame, caller, ticks, work);
}

void msio_span_begin(prof_span *span, prof_path path) {
    /* Pairs with the store that turned the profiler on: the clock was chosen before. */
    if (!atomic_load_explicit(&msio_prof_enabled, memory_order_acquire)) return;
    msio_shard *shard = own_shard;
    if (__builtin_expect(shard == NULL, 0)) shard = own_shard_take();
    if (shard != NULL) span_begin(shard, span, path);
}

/* Whether a path is one of the calls of the library's users: these end with no lock held. */
static bool is_call(prof_path path) {
    return path == PROF_PATH_READ || path == PROF_PATH_WRITE || path == PROF_PATH_STREAM_WAIT ||
           path == PROF_PATH_METADATA || path == PROF_PATH_FLAG_VALIDATION || path == PROF_PATH_SUBBAND_LOADING;
}

void msio_span_end(prof_span *span, const prof_work *work) {
    msio_shard *shard = own_shard;
    if (__builtin_expect(shard != NULL, 1)) span_end(shard, span, work);
    span->start = 0;
    if (__builtin_expect(atomic_load_explicit(&msio_span_due, RELAXED) == UINT64_MAX, 1)) return;
    if (shard != NULL && shard->depth == 0 && is_call(span->path))
        atomic_load_explicit(&msio_span_when_due, memory_order_acquire)();
}

double msio_shard_span_ticks(void) {
    enum { BATCHES = 8, SPANS = 256 };
    double best = 0;
    msio_shard *shard = shard_new();
    if (shard == NULL) return 0;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t start = msio_clock_ticks();
        for (int i = 0; i < SPANS; i++) {
            prof_span span = {0, 0, PROF_PATH_FETCH};
            prof_work work = {1, 1, 1, 1};
            span_begin(shard, &span, PROF_PATH_FETCH);
            span_end(shard, &span, &work);
        }
        double ticks = (double)(msio_clock_ticks() - start) / SPANS;
        if (batch == 0 || ticks < best) best = ticks;
    }
    free(shard);
    return best;
}
