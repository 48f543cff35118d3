/* density_loops.h - the loops themselves: to be included by density_generic.c, density_avx2.c and density_avx512.c,
 * with MSIO_TARGET (the function attribute) defined. They are written so that compilers make vectors of them, and
 * compiled so that products and sums are rounded one after the other: bins are the same everywhere. */
#include "visibility/density_kernel.h"

#include <float.h>
#include <math.h>

#define DEGREES 57.29577951308232087680

/* The angle of (x, y) in radians: atan of the smaller by the larger part, which lies between 0 and 1, by the rational
 * approximation of the Cephes library (S. L. Moshier, atan.c), then put into its octant. */
static MSIO_TARGET inline double angle(double x, double y) {
    const double ax = fabs(x), ay = fabs(y), more = ax > ay ? ax : ay, less = ax > ay ? ay : ax;
    const bool upper = less > 0.66 * more;
    const double over = upper ? less - more : less, under = upper ? less + more : more;
    const double t = under > 0.0 ? over / under : 0.0, z = t * t;
    const double p =
        (((-8.750608600031904122785e-1 * z - 1.615753718733365076637e1) * z - 7.500855792314704667340e1) * z -
         1.228866684490136173410e2) *
            z -
        6.485021904942025371773e1;
    const double q =
        ((((z + 2.485846490142306297962e1) * z + 1.650270098316988542046e2) * z + 4.328810604912902668951e2) * z +
         4.853903996359136964868e2) *
            z +
        1.945506571482613964425e2;
    double a = t + t * (z * (p / q));
    a = upper ? a + 0.78539816339744830962 : a;
    a = ay > ax ? 1.57079632679489661923 - a : a;
    a = x < 0.0 ? 3.14159265358979323846 - a : a;
    return copysign(a, y);
}

static MSIO_TARGET inline double larger(double a, double b) { return a > b ? a : b; }

/* One loop for each axis: SHOWN tells what it shows of x, y. */
#define EACH(SHOWN)                                                                                                    \
    for (int64_t e = 0; e < n; e++) {                                                                                  \
        const double x = (double)value[2 * e], y = (double)value[2 * e + 1];                                           \
        const bool ok = used[e] & (x * x + y * y <= DBL_MAX);                                                          \
        const double shown = (SHOWN);                                                                                  \
        out[e] = ok ? shown : (double)NAN;                                                                             \
    }

static MSIO_TARGET double values(msio_axis axis, const float *restrict value, bool complex,
                                 const uint8_t *restrict used, int64_t n, double *restrict out) {
    if (!complex) {
        const bool size = axis == MSIO_AXIS_AMPLITUDE;
        for (int64_t e = 0; e < n; e++) {
            const double x = (double)value[e], shown = size ? fabs(x) : x;
            out[e] = (used[e] & (fabs(x) <= DBL_MAX)) ? shown : (double)NAN;
        }
    } else if (axis == MSIO_AXIS_AMPLITUDE) {
        EACH(sqrt(x * x + y * y))
    } else if (axis == MSIO_AXIS_PHASE) {
        EACH(angle(x, y) * DEGREES)
    } else if (axis == MSIO_AXIS_REAL) {
        EACH(x)
    } else {
        EACH(y)
    }
    double most[8] = {0};
    int64_t e = 0;
    for (; e + 8 <= n; e += 8)
        for (int j = 0; j < 8; j++) most[j] = fabs(out[e + j]) > most[j] ? fabs(out[e + j]) : most[j];
    for (; e < n; e++) most[0] = fabs(out[e]) > most[0] ? fabs(out[e]) : most[0];
    for (int j = 1; j < 8; j++) most[0] = larger(most[0], most[j]);
    return most[0];
}

/* The bin of one value. The product may miss by one at an edge, so it is held against the edges themselves. */
static MSIO_TARGET inline int32_t bin_of(double v, double low, double width, double per_bin, double count) {
    double at = floor((v - low) * per_bin);
    at = at > -2.0 ? at : -2.0;
    at = at < count ? at : count;
    at = v < low + at * width ? at - 1.0 : at;
    at = v >= low + (at + 1.0) * width ? at + 1.0 : at;
    at = v == low + count * width ? count - 1.0 : at;
    at = ((at >= 0.0) & (at < count)) ? at : (double)MSIO_BIN_OUTSIDE;
    return (int32_t)(fabs(v) <= DBL_MAX ? at : (double)MSIO_BIN_NOT_FINITE);
}

static MSIO_TARGET void bins(const msio_scale *scale, const double *restrict value, int64_t n, int32_t *restrict bin) {
    const double low = scale->low, width = scale->width, per_bin = 1.0 / width, count = (double)scale->bins;
    for (int64_t e = 0; e < n; e++) bin[e] = bin_of(value[e], low, width, per_bin, count);
}

/* A scale for singles. near: so close to an edge (in bins) their rounding may reach; negative: not to be had. */
typedef struct singles {
    float low, per_bin, count, near;
} singles;

/* Squares, their sum, the root, the difference and the product are rounded by 2^-24 each, as are both numbers of the
 * scale; none of them is larger than the larger end of the axis, or counted in bins the number of these. */
static MSIO_TARGET singles as_singles(const msio_scale *scale) {
    const double count = (double)scale->bins, high = scale->low + count * scale->width,
                 near = 8 * 0x1p-24 * (larger(fabs(scale->low), fabs(high)) / scale->width + count);
    singles s = {(float)scale->low, (float)(1.0 / scale->width), (float)count, (float)near};
    if (!(near < 0.0625) || !isnormal(s.per_bin) || (s.low != 0.0f && !isnormal(s.low))) s.near = -1.0f;
    return s;
}

#define FEW 32 /* elements whose bins are found by doubles when that of one is in doubt */

/* Bins of FEW amplitudes. True: an edge is near, or a size that singles have not. */
static MSIO_TARGET inline bool amplitudes_by_singles(const singles *s, const float *restrict value,
                                                     int32_t *restrict bin) {
    const float low = s->low, per_bin = s->per_bin, count = s->count, near = s->near, far = 1.0f - near;
    int32_t doubt = 0;
    for (int e = 0; e < FEW; e++) {
        const float x = value[2 * e], y = value[2 * e + 1], square = x * x + y * y;
        const float at = (sqrtf(square) - low) * per_bin, down = floorf(at), off = at - down;
        const bool clear = (off > near) & (off < far) & (square >= 0x1p-100f) & (square <= FLT_MAX);
        const float on = ((down >= 0.0f) & (down < count)) ? down : (float)MSIO_BIN_OUTSIDE;
        bin[e] = (int32_t)on;
        doubt |= !clear;
    }
    return doubt != 0;
}

static MSIO_TARGET bool amplitudes(const msio_scale *scale, const float *restrict value, const uint8_t *restrict used,
                                   int64_t n, int32_t *restrict bin) {
    const singles s = as_singles(scale);
    const double low = scale->low, width = scale->width, per_bin = 1.0 / width, count = (double)scale->bins;
    int32_t outside = 0;
    for (int64_t first = 0, few; first < n; first += few) {
        few = n - first < FEW ? n - first : FEW;
        if (few < FEW || s.near < 0.0f || amplitudes_by_singles(&s, value + 2 * first, bin + first))
            for (int64_t e = first; e < first + few; e++) {
                const double x = (double)value[2 * e], y = (double)value[2 * e + 1];
                bin[e] = bin_of(sqrt(x * x + y * y), low, width, per_bin, count);
            }
    }
    for (int64_t e = 0; e < n; e++) outside |= (used[e] != 0) & (bin[e] == MSIO_BIN_OUTSIDE);
    return outside == 0;
}

static MSIO_TARGET void cells(const int32_t *restrict x, const int32_t *restrict y, const uint8_t *restrict used,
                              int64_t n, int32_t y_bins, int32_t all, int32_t *restrict cell) {
    for (int64_t e = 0; e < n; e++) {
        const int32_t i = x[e], j = y[e], less = i < j ? i : j, counts = used[e];
        const int32_t behind = all + (less == MSIO_BIN_NOT_FINITE ? MSIO_CELL_NOT_FINITE : MSIO_CELL_OUTSIDE);
        const int32_t at = less >= 0 ? i * y_bins + j : behind;
        cell[e] = counts ? at : all + MSIO_CELL_UNUSED;
    }
}
