/* pairs.h - what paired times of two programs tell: a ratio, its interval, and a verdict.
 *
 * Deterministic: the same pairs give the same answer, on every machine. No state; any thread.
 */
#ifndef MSIO_PROF_PAIRS_H
#define MSIO_PROF_PAIRS_H

#include <stdint.h>

#define PAIRS_MOST 10000
#define PAIRS_LEAST 10       /* fewer are never enough */
#define PAIRS_RESAMPLES 2000 /* of the bootstrap */
#define PAIRS_MARGIN 1.03    /* ratios between its inverse and it are the same */

typedef enum pairs_verdict { PAIRS_SAME, PAIRS_FASTER, PAIRS_SLOWER, PAIRS_UNSURE } pairs_verdict;

/* "SAME", "FASTER", "SLOWER", "NOT ENOUGH EVIDENCE". Static. */
const char *pairs_verdict_name(pairs_verdict verdict);

typedef struct pairs_ratio {
    double ratio;     /* b against a: exp of the midmean of log(b / a), that is of its middle half */
    double low, high; /* the bootstrap's percentile interval of it, 90%: two tests of 5% (Schuirmann 1987) */
    int pairs;
} pairs_ratio;

/* Of 1 to PAIRS_MOST pairs of times above 0; pairs with others are left out. */
pairs_ratio pairs_of(int n, const double *a, const double *b);
/* SLOWER: the interval lies above PAIRS_MARGIN; FASTER: below its inverse; SAME: between; UNSURE: none of these, or
 * fewer than PAIRS_LEAST pairs. */
pairs_verdict pairs_judge(const pairs_ratio *ratio);
/* The verdict after a repetition of what looked SLOWER or FASTER: that only where the repetition's own ratio, of
 * PAIRS_LEAST pairs or more, lies beyond PAIRS_MARGIN on the same side, and the interval of all pairs together does;
 * else SAME where all together look so, or UNSURE. */
pairs_verdict pairs_confirm(pairs_verdict first, const pairs_ratio *again, const pairs_ratio *all);

/* Numbers that look random: splitmix64 (Steele, Lea and Flood 2014). */
uint64_t pairs_random(uint64_t *state);
/* One of 0 .. n - 1. */
uint32_t pairs_random_below(uint64_t *state, uint32_t n);

#endif
