/* flags_bits.h - counts packed bits where the engine has them in memory: of rows, of positions in rows, or all. */
#ifndef MSIO_CACHE_FLAGS_BITS_H
#define MSIO_CACHE_FLAGS_BITS_H

#include "cache/flags_lanes.h"
#include "io/plan/plan.h"

#include <stdatomic.h>

/* One thread's part. */
typedef struct msio_flags_thread {
    int64_t set; /* bits */
    int64_t groups;
    msio_flags_lanes **lanes; /* [groups]: a list for each */
    bool no_memory;
    char apart[64];
} msio_flags_thread;

/* What is counted. Row r of a block goes to result elements r * stride + position. */
typedef struct msio_flags_bits {
    int64_t stride;
    atomic_uint *row;     /* [rows of the block]: set bits are added; NULL: not wanted */
    const int32_t *group; /* [rows of the block]: rows whose positions are counted together; NULL: not wanted */
    int threads;
    msio_flags_thread *thread;
} msio_flags_bits;

/* MSIO_E_MEMORY */
msio_status msio_flags_bits_start(msio_flags_bits *bits, int threads);
void msio_flags_bits_free(msio_flags_bits *bits);

/* The target's `look`; user is the msio_flags_bits. */
void msio_flags_bits_look(void *user, const msio_seen *seen);

/* All set bits so far. MSIO_E_MEMORY when a thread had none. */
msio_status msio_flags_bits_total(const msio_flags_bits *bits, int64_t *set);
/* Adds the counts of a group to sums[position]; they start at 0 again. */
void msio_flags_bits_sum(msio_flags_bits *bits, int64_t group, int64_t *sums);

#endif
