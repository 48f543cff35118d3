/* flags_sample.h - the flagged fraction from a sample of tiles: which are drawn, and how well it is then known. */
#ifndef MSIO_CACHE_FLAGS_SAMPLE_H
#define MSIO_CACHE_FLAGS_SAMPLE_H

#include "cache/flags_tally.h"

/* Sums over the tiles drawn; x: a tile's elements, y: those flagged. */
typedef struct msio_flags_drawn {
    int64_t tiles, all_tiles;
    double elements_of_all; /* of all tiles, where it is known, else 0 */
    double x, y, xx, xy, yy;
} msio_flags_drawn;

typedef struct msio_flags_interval {
    double fraction, low, high;
} msio_flags_interval;

void msio_flags_drawn_add(msio_flags_drawn *drawn, double elements, double flagged);

/* The fraction of all tiles' elements that is flagged, and an interval that holds it in 95 of 100 samples, also where
 * flags come in clusters. */
msio_flags_interval msio_flags_estimate(const msio_flags_drawn *drawn);

/* Whether so many tiles are enough: all, or an interval whose half width is at most `width`. */
int msio_flags_enough(const msio_flags_drawn *drawn, double width);

/* Tiles to draw before the interval is looked at next. */
int64_t msio_flags_next_look(const msio_flags_drawn *drawn);

/* Draws of numbers below `n` without replacement. */
typedef struct msio_flags_draws {
    uint64_t state;
    int64_t n, drawn;
    msio_flags_tally moved; /* a shuffled list, of which only what moved is kept */
} msio_flags_draws;

void msio_flags_draws_start(msio_flags_draws *draws, uint64_t seed, int64_t n);
/* -1 when all were drawn, or without memory. */
int64_t msio_flags_draws_next(msio_flags_draws *draws);
void msio_flags_draws_free(msio_flags_draws *draws);

#endif
