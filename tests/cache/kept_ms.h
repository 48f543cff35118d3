/* kept_ms.h - for tests of kept answers: one Measurement Set, and a memory of answers that ends with it. */
#ifndef MSIO_TESTS_KEPT_MS_H
#define MSIO_TESTS_KEPT_MS_H

#include "msio/cache.h"

#include "tests/io/simulate/simulated.h"

static char folder[64], path[96];

static inline int make_small(const msio_simulate_ms_opts *opts) {
    return simulate_or_skip(opts, folder, "small.ms", path, sizeof path) ? 0 : -1;
}

static inline int finish(void **state) {
    (void)state;
    msio_cache_clear(NULL);
    pack_remove(folder);
    return 0;
}

/* Questions that kept answers served, so far. */
static inline int64_t hits(void) {
    msio_cache_stats stats;
    msio_cache_describe(&stats);
    return stats.hits;
}

#endif
