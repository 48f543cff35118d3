/* density.h - what the counting of points on a grid and the scales of its axes share. */
#ifndef MSIO_VISIBILITY_DENSITY_H
#define MSIO_VISIBILITY_DENSITY_H

#include "msio/cache.h"
#include "visibility/density_kernel.h"

/* What of a point an axis depends on. */
typedef enum msio_axis_of { MSIO_OF_ROW, MSIO_OF_CHANNEL, MSIO_OF_BOTH, MSIO_OF_VALUE, MSIO_OF_FLAG } msio_axis_of;

/* An axis and its scale. Where it grows, the scale is that of width 1, and each grid has an exponent of its own. */
typedef struct msio_density_axis {
    msio_scale scale;
    msio_axis_of of;
    bool grows, has_sign; /* has_sign: zero lies in the middle, else at the low end */
} msio_density_axis;

/* What is known before anything is read, of the rows that are chosen. */
typedef struct msio_density_facts {
    double time[2], interval;  /* s: first and last, between two */
    double frequency[2], step; /* Hz: lowest and highest, the narrowest channel */
    int64_t channels;          /* of the widest window */
    int antennas;
} msio_density_facts;

#define MSIO_LEAST_EXPONENT (-200) /* all singles but 0 lie beyond such an axis: nothing has been counted yet */

/* The axis that was asked for. MSIO_E_ARGUMENT: bins or a range that are none. */
msio_status msio_density_axis_make(const char *path, const msio_density_opts *opts, msio_axis axis, int64_t bins,
                                   const double range[2], const msio_density_facts *facts, msio_density_axis *made);
/* The scale at an exponent; of an axis that does not grow its only one. */
msio_scale msio_density_scale(const msio_density_axis *axis, int exponent);
/* The least exponent, from the given one on, at which a value of that size lies on the axis. */
int msio_density_exponent(const msio_density_axis *axis, int exponent, double size);

/* Doubles the width of the bins of x (or else y) of a grid [x bins][y bins] so many times. */
void msio_density_fold(int64_t *grid, const msio_density_axis *x, const msio_density_axis *y, bool of_x, int times);
/* The grid as it is told: its scales, without the bins that growing left empty, [y bins][x bins]. *told is to be freed.
 * MSIO_E_MEMORY. */
msio_status msio_density_cut(const int64_t *grid, int64_t y_bins, const msio_scale *x, const int64_t from[2],
                             const msio_scale *y, int64_t **told);
/* The bins of an axis that remain: *from, and how many. grid [x bins][y bins]. */
int64_t msio_density_used(const int64_t *grid, const msio_density_axis *x, const msio_density_axis *y, bool of_x,
                          int64_t *from);

#endif
