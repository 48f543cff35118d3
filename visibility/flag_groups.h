/* flag_groups.h - rows that belong together: the times of a baseline, the baselines of a time; and how many of their
 * flags are set. */
#ifndef MSIO_VISIBILITY_FLAG_GROUPS_H
#define MSIO_VISIBILITY_FLAG_GROUPS_H

#include "visibility/shapes.h"

#include <stdatomic.h>

typedef enum msio_flag_together {
    MSIO_FLAG_TIMES,    /* of one baseline, spectral window, field and scan */
    MSIO_FLAG_BASELINES /* of one time, spectral window and field */
} msio_flag_together;

/* Zeros: none yet. */
typedef struct msio_flag_groups {
    int64_t elements, groups;
    int32_t *of;             /* [rows]: the group of each row, by its place in the selection */
    uint32_t *rows;          /* [groups] */
    _Atomic uint32_t *count; /* [groups][elements]; NULL once it is decided */
    uint8_t *decided;        /* [groups][elements]: 1: more than the fraction of its rows is flagged */
} msio_flag_groups;

/* The groups of the rows of one shape, counts at zero. To be freed, on an error too. The row index is the metadata's:
 * the table's lock is to be held since that was made. MSIO_E_SIZE (counts of more than 1 GiB), MSIO_E_MEMORY,
 * MSIO_E_CHANGED, those of msio_read_many. */
msio_status msio_flag_groups_make(msio_table *table, const msio_metadata *metadata, const msio_shape_group *shape,
                                  msio_flag_together together, msio_flag_groups *groups);
/* Adds what rows of one group have set, [elements]; any thread. */
void msio_flag_groups_add(msio_flag_groups *groups, int32_t group, const uint32_t *set);
/* After all rows were added. MSIO_E_MEMORY. */
msio_status msio_flag_groups_decide(msio_flag_groups *groups, double fraction);
void msio_flag_groups_free(msio_flag_groups *groups);

#endif
