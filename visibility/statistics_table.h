/* statistics_table.h - sums by key: a table of entries that grows, looked up by a number. */
#ifndef MSIO_VISIBILITY_STATISTICS_TABLE_H
#define MSIO_VISIBILITY_STATISTICS_TABLE_H

#include "msio/core.h"
#include "visibility/statistics_kernel.h"

#include <stddef.h>

/* An entry: its key, and the sums of all columns. */
typedef struct msio_tally {
    int64_t key;
    msio_chi chi;
    msio_sums sums[]; /* [columns] */
} msio_tally;

typedef struct msio_tallies {
    int columns;
    int64_t entries, room;
    char *entry;    /* [room] of msio_tally_bytes */
    int32_t *place; /* [places]: entry + 1 by the key's hash, 0: free; places: a power of two */
    int64_t places;
} msio_tallies;

static inline size_t msio_tally_bytes(int columns) { return sizeof(msio_tally) + (size_t)columns * sizeof(msio_sums); }
static inline msio_tally *msio_tally_at(const msio_tallies *t, int64_t i) {
    return (msio_tally *)(void *)(t->entry + (size_t)i * msio_tally_bytes(t->columns));
}

/* Sums of nothing. */
void msio_sums_clear(msio_sums *sums);
void msio_sums_add(msio_sums *to, const msio_sums *from);

/* The key's entry, made where it is new; valid until the next call. NULL (and the error set) without memory. */
msio_tally *msio_tallies_find(msio_tallies *t, int64_t key);
/* Adds all entries of another table to this one's. MSIO_E_MEMORY. */
msio_status msio_tallies_merge(msio_tallies *to, const msio_tallies *from);
/* Puts entries in the order of their keys: afterwards nothing can be looked up. */
void msio_tallies_sort(msio_tallies *t);
void msio_tallies_free(msio_tallies *t);

#endif
