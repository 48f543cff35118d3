/* change_points.h - where the level of a series changed: E-divisive, in the form of Hunter.
 *
 * Deterministic: the same series gives the same answer. No state; any thread.
 */
#ifndef MSIO_PROF_CHANGE_POINTS_H
#define MSIO_PROF_CHANGE_POINTS_H

#define CHANGE_WINDOW 50      /* values that are looked at together */
#define CHANGE_SHORTEST 4     /* values of a level before it can be one */
#define CHANGE_P 0.001        /* largest p of the permutation test */
#define CHANGE_MAGNITUDE 0.05 /* smallest change of the level, as a share of it */
#define CHANGE_SERIES_MOST 20000

typedef struct change_point {
    int at;               /* the first value of the new level */
    double before, after; /* the levels: medians of the values up to the neighbouring change points */
    double magnitude;     /* after / before - 1 */
    double p;             /* of the permutation test of both levels' values */
} change_point;

/* The change points of n values above 0 (ratios), in order; at most `most`. Others among the values are taken as the
 * one before. Returns how many, -1 without memory.
 *
 * Windows of CHANGE_WINDOW values, each beginning half a window after the one before, are divided where the energy
 * statistic of the logarithms is largest (Matteson and James 2014, eqs. 5-7, alpha 1), as long as a permutation test
 * calls that significant; then, as in Hunter (Fleming et al. 2023), each point is tested again between its neighbours,
 * and the weakest goes until all are significant and large enough. */
int change_points_find(int n, const double *value, change_point *found, int most);

#endif
