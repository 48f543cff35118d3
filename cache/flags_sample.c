/* flags_sample.c - the flagged fraction from a sample of tiles.
 *
 * Tiles are the sampling unit: flags come in clusters (a baseline, a time, a burst), so that elements of one tile tell
 * much less than as many elements drawn one by one. The estimate is the ratio of sums over the tiles drawn; its
 * variance that of a ratio under simple random sampling without replacement (Cochran, Sampling Techniques, 3rd edition,
 * section 6.3), with Student's t. Rare bursts that no drawn tile has would leave that variance at 0: so the interval is
 * that of the sample with two tiles added that are wholly flagged and two that are clean, which is how Agresti and
 * Coull (The American Statistician 52, 1998) mend the interval of a proportion. */
#include "cache/flags_sample.h"

#include "core/random.h"

#include <math.h>

#define FEWEST 30 /* tiles, unless there are fewer */
#define ADDED 2.0 /* tiles of each kind */

void msio_flags_drawn_add(msio_flags_drawn *d, double x, double y) {
    d->tiles++;
    d->x += x;
    d->y += y;
    d->xx += x * x;
    d->xy += x * y;
    d->yy += y * y;
}

/* Student's t that 98.5% lie below; Cornish-Fisher expansion, good to 1e-3 from 7 degrees of freedom on. An interval of
 * 97% pays for the bias of ratios and for stopping as soon as it is narrow: together they cost up to 2%. */
static double student(double freedom) {
    const double z = 2.1700903775845606, z3 = z * z * z, z5 = z3 * z * z;
    return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom);
}

static double within(double value, double low, double high) { return fmax(low, fmin(high, value)); }

msio_flags_interval msio_flags_estimate(const msio_flags_drawn *d) {
    msio_flags_interval i = {0, 0, 1};
    double n = (double)d->tiles, left = d->all_tiles > 0 ? 1 - n / (double)d->all_tiles : 0;
    if (d->tiles == d->all_tiles || (d->x > 0 && d->x == d->elements_of_all)) { /* nothing is left */
        i.fraction = d->x > 0 ? d->y / d->x : 0;
        i.low = i.high = i.fraction;
        return i;
    }
    if (d->x <= 0 || d->tiles < 2) return i;
    i.fraction = d->y / d->x;
    double added = ADDED * left, mean = d->x / n, all = n + 2 * added;
    double ratio = (d->y + added * mean) / (d->x + 2 * added * mean);
    double xx = d->xx + 2 * added * mean * mean, xy = d->xy + added * mean * mean, yy = d->yy + added * mean * mean;
    double squares = fmax(0, yy - 2 * ratio * xy + ratio * ratio * xx);
    double half = student(n - 1) * sqrt(left * squares / (all - 1) / all) / mean;
    double least = 0, most = 1; /* whatever the other tiles hold */
    if (d->elements_of_all > d->x) {
        least = d->y / d->elements_of_all;
        most = (d->y + d->elements_of_all - d->x) / d->elements_of_all;
    }
    i.low = within(fmin(ratio - half, i.fraction), least, most);
    i.high = within(fmax(ratio + half, i.fraction), least, most);
    return i;
}

int msio_flags_enough(const msio_flags_drawn *d, double width) {
    msio_flags_interval i = msio_flags_estimate(d);
    if (d->tiles >= d->all_tiles) return 1;
    return d->tiles >= FEWEST && (i.high - i.low) / 2 <= width;
}

/* Looking after every draw would stop too often where the interval is narrow by chance. */
int64_t msio_flags_next_look(const msio_flags_drawn *d) {
    int64_t more = d->tiles / 3 < FEWEST ? FEWEST : d->tiles / 3;
    return more < d->all_tiles - d->tiles ? more : d->all_tiles - d->tiles;
}

/* ---------------------------------------------------------------- draws */

/* Below n, each alike: what would favour the small ones is drawn again. */
static int64_t random_below(uint64_t *state, int64_t n) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % (uint64_t)n, bits;
    do bits = msio_random_bits(state);
    while (bits >= limit);
    return (int64_t)(bits % (uint64_t)n);
}

void msio_flags_draws_start(msio_flags_draws *draws, uint64_t seed, int64_t n) {
    *draws = (msio_flags_draws){.state = seed, .n = n};
}

void msio_flags_draws_free(msio_flags_draws *draws) { msio_flags_tally_free(&draws->moved); }

/* What stands at a place of the list: its number, unless something else was moved there. */
static int64_t place(msio_flags_draws *draws, int64_t at) {
    int64_t index = msio_flags_tally_search(&draws->moved, at, 0);
    if (index < 0) return -1;
    msio_flags_sums *kept = &draws->moved.entry[index].sums;
    if (!kept->total) *kept = (msio_flags_sums){.flagged = at, .total = 1};
    return index;
}

int64_t msio_flags_draws_next(msio_flags_draws *draws) {
    if (draws->drawn >= draws->n) return -1;
    int64_t here = place(draws, draws->drawn);
    int64_t there = place(draws, draws->drawn + random_below(&draws->state, draws->n - draws->drawn));
    if (here < 0 || there < 0) return -1;
    msio_flags_tallied *entry = draws->moved.entry;
    int64_t drawn = entry[there].sums.flagged;
    entry[there].sums.flagged = entry[here].sums.flagged;
    draws->drawn++;
    return drawn;
}
