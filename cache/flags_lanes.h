/* flags_lanes.h - counts of set bits by their position in a row, many rows at once: bit-sliced counters. */
#ifndef MSIO_CACHE_FLAGS_LANES_H
#define MSIO_CACHE_FLAGS_LANES_H

#include <stdbool.h>
#include <stdint.h>

/* One thread's counters of a part of some rows: its bits belong to positions pos, pos + pos_step, ... */
typedef struct msio_flags_lanes {
    struct msio_flags_lanes *next;
    int64_t pos, width, pos_step;
    int64_t together; /* rows that are counted as one line of bits when they follow each other without gaps */
    int64_t words;    /* of such a line */
    int64_t pending;  /* the largest number that the planes may hold now */
    uint64_t *plane;  /* [words][MSIO_FLAGS_PLANES]: binary digits of 64 counters each */
    int64_t *count;   /* [words * 64] */
} msio_flags_lanes;

#define MSIO_FLAGS_PLANES 16

/* NULL without memory. */
msio_flags_lanes *msio_flags_lanes_new(int64_t pos, int64_t width, int64_t pos_step);
void msio_flags_lanes_free(msio_flags_lanes *lanes); /* the whole list; takes NULL */

/* Adds `rows` rows of `width` bits, `step` bits apart; bytes at `end` and behind are not touched. */
void msio_flags_lanes_add(msio_flags_lanes *lanes, const uint8_t *src, int64_t bit, int64_t step, int64_t rows,
                          const uint8_t *end);
/* Adds one row so many times. */
void msio_flags_lanes_repeat(msio_flags_lanes *lanes, const uint8_t *src, int64_t bit, int64_t times,
                             const uint8_t *end);
/* Adds what was counted to sums[position]. */
void msio_flags_lanes_sum(msio_flags_lanes *lanes, int64_t *sums);

#endif
