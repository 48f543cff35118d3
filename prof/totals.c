/* totals.c - adding up the shards. */
#include "prof/totals.h"

#include <stdlib.h>

#include "prof/shard.h"

static uint64_t get(const _Atomic uint64_t *counter) { return atomic_load_explicit(counter, memory_order_relaxed); }

static int64_t get_work(const _Atomic int64_t *counter) { return atomic_load_explicit(counter, memory_order_relaxed); }

static void path_add(msio_totals_path *total, const msio_shard_path *path) {
    uint64_t min = get(&path->min), max = get(&path->max);
    total->self += get(&path->self);
    if (min < total->min) total->min = min;
    if (max > total->max) total->max = max;
    total->bytes += get_work(&path->bytes);
    total->bytes_read += get_work(&path->bytes_read);
    total->rows += get_work(&path->rows);
    total->pieces += get_work(&path->pieces);
    for (int i = 0; i <= PROF_PATHS; i++) {
        uint64_t ncalls = get(&path->callers[i].ncalls), inclusive = get(&path->callers[i].inclusive);
        total->callers[i].ncalls += ncalls;
        total->callers[i].inclusive += inclusive;
        total->ncalls += ncalls;
        total->inclusive += inclusive;
    }
    for (int i = 0; i < MSIO_HISTOGRAM_BUCKETS; i++) total->histogram[i] += get(&path->histogram[i]);
}

static void threads_add(msio_totals *totals, uint64_t count, uint64_t sum, uint64_t min, uint64_t max) {
    if (count == 0) return;
    totals->threads += count;
    totals->thread_sum += sum;
    if (min < totals->thread_min) totals->thread_min = min;
    if (max > totals->thread_max) totals->thread_max = max;
}

msio_totals *msio_totals_add_up(void) {
    msio_totals *totals = calloc(1, sizeof *totals);
    if (totals == NULL) return NULL;
    uint64_t now = msio_shard_generation();
    totals->generation = now;
    totals->dropped = msio_shard_lost();
    totals->thread_min = UINT64_MAX;
    for (int i = 0; i < PROF_PATHS; i++) totals->paths[i].min = UINT64_MAX;
    for (const msio_shard *shard = msio_shard_first(); shard != NULL; shard = shard->next) {
        for (int i = 0; i < PROF_PATHS; i++)
            if (atomic_load_explicit(&shard->generation[i], memory_order_acquire) == now)
                path_add(&totals->paths[i], &shard->paths[i]);
        if (atomic_load_explicit(&shard->threads_generation, memory_order_acquire) != now) continue;
        const msio_shard_threads *threads = &shard->threads;
        uint64_t busy = get(&threads->busy);
        totals->dropped += get(&threads->dropped);
        threads_add(totals, get(&threads->spans) > 0, busy, busy, busy);
        threads_add(totals, get(&threads->ended), get(&threads->ended_sum), get(&threads->ended_min),
                    get(&threads->ended_max));
    }
    for (int i = 0; i < PROF_PATHS; i++) totals->spans += totals->paths[i].ncalls;
    return totals;
}
