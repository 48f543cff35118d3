/* bench_caches.h - the works of the benchmarks that ask msio's caches. */
#ifndef MSIO_BENCH_CACHES_H
#define MSIO_BENCH_CACHES_H

#include <msio/msio.h>

/* Seconds of one question: variants warm (kept, checked), opened, held, anew, index. -1: failed. */
double bench_metadata(const char *path, const char *variant);
/* Seconds of the whole MS's count: variants warm (counted anew), kept, all (with every breakdown). */
double bench_flags(const char *path, const char *variant, int threads, size_t *bytes);
/* Seconds a row of a loop over cells, of DATA ("cell", "cell-random") or of DATA, FLAG and WEIGHT_SPECTRUM in turn
 * ("cell-three"): variants warm (cursors, held), peek, checked, read (msio_read of one row), getcol. */
double bench_cells(msio_table *table, const char *work, const char *variant, size_t *bytes);

#endif
