/* flags_groups.h - breakdowns: flags by the keys of rows, and by their positions in cells. */
#ifndef MSIO_CACHE_FLAGS_GROUPS_H
#define MSIO_CACHE_FLAGS_GROUPS_H

#include "cache/flags_bits.h"
#include "cache/flags_tally.h"
#include "io/table/table.h"
#include "msio/cache.h"

/* The columns whose values are keys. */
enum {
    MSIO_FLAGS_KEY_DATA_DESC_ID,
    MSIO_FLAGS_KEY_FIELD_ID,
    MSIO_FLAGS_KEY_SCAN_NUMBER,
    MSIO_FLAGS_KEY_ANTENNA1,
    MSIO_FLAGS_KEY_ANTENNA2,
    MSIO_FLAGS_KEY_TIME,
    MSIO_FLAGS_KEYS
};
extern const char *const msio_flags_key_column[MSIO_FLAGS_KEYS];

/* Values of a block of rows; NULL where not wanted. */
typedef struct msio_flags_keys {
    void *value[MSIO_FLAGS_KEYS]; /* int32_t, of TIME double */
} msio_flags_keys;

typedef struct msio_flags_groups {
    unsigned by;
    int64_t data_descriptions;
    int32_t *window_of; /* [data_descriptions]: SPECTRAL_WINDOW_ID; NULL: not wanted */
    msio_flags_tally window, field, scan, baseline, time;
    msio_flags_tally shape; /* keys: corrs + (chans << 32), elements */
    msio_flags_tally group; /* of rows whose positions are counted together. Keys: spectral window (-1: none; 0 where it
                               does not matter), 2 * shape + 1 where FLAG_ROW is set; total: rows */
} msio_flags_groups;

/* Whether a key's values are needed. */
bool msio_flags_needs_key(unsigned by, int key);

/* The index of a shape (casacore order); -1 without memory or when a cell is too large. */
int32_t msio_flags_shape_index(msio_flags_groups *groups, int ndim, const int64_t *shape);

/* Finds the group of each row of a block; -1 for rows without a cell. flag_row may be NULL. MSIO_E_MEMORY. */
msio_status msio_flags_groups_assign(msio_flags_groups *groups, const msio_flags_keys *keys, const int32_t *shape_of,
                                     const uint8_t *flag_row, int64_t rows, int32_t *group_of);

/* Adds the rows of a block to the breakdowns by rows' keys; sum[i]: of the rows before row i. */
msio_status msio_flags_groups_add(msio_flags_groups *groups, const msio_flags_keys *keys, const msio_flags_sums *sum,
                                  int64_t rows);

/* The breakdowns that were asked for, in the arena. bits: what was counted by position. */
msio_status msio_flags_groups_finish(msio_flags_groups *groups, msio_flags_bits *bits, msio_arena *arena,
                                     msio_flags_breakdown **breakdown, int *breakdowns);
void msio_flags_groups_free(msio_flags_groups *groups);

#endif
