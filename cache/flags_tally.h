/* flags_tally.h - sums of flags by key. */
#ifndef MSIO_CACHE_FLAGS_TALLY_H
#define MSIO_CACHE_FLAGS_TALLY_H

#include <stdint.h>

typedef struct msio_flags_sums {
    int64_t flagged, total, from_flag_row;
} msio_flags_sums;

typedef struct msio_flags_tallied {
    int64_t key[2];
    msio_flags_sums sums;
} msio_flags_tallied;

/* Entries in the order in which their keys came first. */
typedef struct msio_flags_tally {
    int64_t n, capacity;
    msio_flags_tallied *entry;
    int64_t slots; /* a power of 2 */
    int32_t *slot; /* hash table: index + 1; 0 is empty */
    int64_t next;  /* where the key that comes next is looked for first */
} msio_flags_tally;

/* The index of a key, which is made with sums of 0 where it is new; -1 without memory. */
int64_t msio_flags_tally_search(msio_flags_tally *tally, int64_t a, int64_t b);
void msio_flags_tally_free(msio_flags_tally *tally);

/* The same as _search: keys mostly come again, or in the order in which they came before. */
static inline int64_t msio_flags_tally_find(msio_flags_tally *t, int64_t a, int64_t b) {
    int64_t at = t->next < t->n ? t->next : 0;
    if (at >= t->n || t->entry[at].key[0] != a || t->entry[at].key[1] != b) at = msio_flags_tally_search(t, a, b);
    t->next = at + 1;
    return at;
}

static inline void msio_flags_sums_add(msio_flags_sums *to, const msio_flags_sums *more) {
    to->flagged += more->flagged;
    to->total += more->total;
    to->from_flag_row += more->from_flag_row;
}

#endif
