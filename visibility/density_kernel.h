/* density_kernel.h - the inner loops of density grids, for density*.c alone: compiled once for each instruction set. */
#ifndef MSIO_VISIBILITY_DENSITY_KERNEL_H
#define MSIO_VISIBILITY_DENSITY_KERNEL_H

#include "msio/visibility.h"

#include <stdbool.h>
#include <stdint.h>

/* Bins that are none: the value lies beyond the axis, or is NaN or infinite. */
enum { MSIO_BIN_OUTSIDE = -1, MSIO_BIN_NOT_FINITE = -2 };

/* Cells of a grid, and where points go that are in none: [bins of x][bins of y], behind them those that do not count,
 * those outside, those that are not finite. */
enum { MSIO_CELL_UNUSED, MSIO_CELL_OUTSIDE, MSIO_CELL_NOT_FINITE, MSIO_CELLS_BEHIND };

typedef struct msio_density_kernel {
    const char *name;
    /* What an axis of values (amplitude, phase in degrees, real, imaginary) shows of n elements: NaN where an element
     * is not used or a part of it is not finite. Returns the largest size of those that are not NaN, 0 without any. */
    double (*values)(msio_axis axis, const float *value, bool complex, const uint8_t *used, int64_t n, double *out);
    /* Their bins on a scale. */
    void (*bins)(const msio_scale *scale, const double *value, int64_t n, int32_t *bin);
    /* The bins of the amplitudes of n complex elements, as the two above find them. False: some that is used lies
     * beyond the axis. */
    bool (*amplitudes)(const msio_scale *scale, const float *value, const uint8_t *used, int64_t n, int32_t *bin);
    /* Their cells: those of y_bins to a bin of x, `all` in the whole grid. */
    void (*cells)(const int32_t *x, const int32_t *y, const uint8_t *used, int64_t n, int32_t y_bins, int32_t all,
                  int32_t *cell);
} msio_density_kernel;

#if defined(__x86_64__) && defined(__GNUC__)
#define MSIO_DENSITY_X86 1
extern const msio_density_kernel msio_density_avx2, msio_density_avx512;
#endif
extern const msio_density_kernel msio_density_generic;

#endif
