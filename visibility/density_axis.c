/* density_axis.c - the scales of density grids: known beforehand, or growing with what is found. */
#include "visibility/density.h"

#include "core/checked.h"
#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- names */

static const char *const names[] = {"time",  "freq", "chan", "uvdist", "baseline", "antenna", "amp",
                                    "phase", "real", "imag", "flag",   "u",        "v"};

const char *msio_axis_name(msio_axis axis) { return (int)axis >= 0 && axis < MSIO_AXES ? names[axis] : NULL; }

msio_axis msio_axis_by_name(const char *name) {
    int axis = 0;
    while (axis < MSIO_AXES && (!name || strcmp(name, names[axis]) != 0)) axis++;
    return (msio_axis)axis;
}

/* ---------------------------------------------------------------- scales that are known beforehand */

/* Values at equal distances, each in the middle of a bin, or as many in a bin as make all fit. */
static void set_even(msio_scale *s, int64_t most, double first, double last, double step) {
    const double span = last - first;
    if (!(step > 0.0) || !(span / step < 0x1p52)) step = span > 0.0 ? span / (double)most * (1.0 + 1e-9) : 1.0;
    const int64_t values = (int64_t)floor(span / step + 0.5) + 1, together = msio_div_up(values, most);
    s->bins = msio_div_up(values, together);
    s->low = first - step / 2.0;
    s->width = step * (double)together;
}

/* A range that was asked for: as many bins, but no narrower ones than values that are known to be a step apart need. */
static msio_status set_range(const char *path, msio_scale *s, int64_t most, const double range[2], double step) {
    const double span = range[1] - range[0];
    s->bins = most;
    if (step > 0.0 && span / step < (double)most) s->bins = msio_max(1, (int64_t)floor(span / step + 0.5));
    s->low = range[0];
    s->width = span / (double)s->bins;
    if (!isfinite(range[0]) || !(span > 0.0) || !isnormal(s->width) || !isnormal(1.0 / s->width) ||
        s->low + s->width == s->low)
        return msio_error_set(MSIO_E_ARGUMENT, path,
                              "the range of %s is %g to %g: it must go up, by more than rounding", names[s->axis],
                              range[0], range[1]);
    return MSIO_OK;
}

/* Values are whole numbers, 0 to n - 1. */
static void set_whole(msio_scale *s, int64_t most, int64_t n) {
    set_even(s, most, 0.0, (double)msio_max(n, 1) - 1.0, 1.0);
}

/* How far apart values are known to lie; 0: anywhere. */
static double step_of(msio_axis axis, const msio_density_facts *f) {
    switch (axis) {
    case MSIO_AXIS_TIME: return f->interval;
    case MSIO_AXIS_FREQUENCY: return f->step;
    case MSIO_AXIS_CHANNEL:
    case MSIO_AXIS_BASELINE:
    case MSIO_AXIS_ANTENNA:
    case MSIO_AXIS_FLAG: return 1.0;
    default: return 0.0;
    }
}

static void set_known(msio_density_axis *a, int64_t most, const msio_density_facts *f) {
    msio_scale *s = &a->scale;
    const int64_t antennas = f->antennas;
    switch (s->axis) {
    case MSIO_AXIS_TIME: set_even(s, most, f->time[0], f->time[1], f->interval); break;
    case MSIO_AXIS_FREQUENCY: set_even(s, most, f->frequency[0], f->frequency[1], f->step); break;
    case MSIO_AXIS_CHANNEL: set_whole(s, most, f->channels); break;
    case MSIO_AXIS_BASELINE: set_whole(s, most, antennas * (antennas + 1) / 2); break;
    case MSIO_AXIS_ANTENNA: set_whole(s, most, antennas); break;
    case MSIO_AXIS_FLAG: set_whole(s, most, 2); break;
    case MSIO_AXIS_PHASE: *s = (msio_scale){s->axis, most, -180.0, 360.0 / (double)most, s->unit}; break;
    default:
        a->grows = true;
        a->has_sign = s->axis != MSIO_AXIS_AMPLITUDE && s->axis != MSIO_AXIS_UVDIST;
        s->bins = a->has_sign ? most / 2 * 2 : most;
        s->width = 1.0;
        s->low = a->has_sign ? -(double)(s->bins / 2) : 0.0;
    }
}

static const char *unit_of(msio_axis axis, bool wavelengths) {
    switch (axis) {
    case MSIO_AXIS_TIME: return "s";
    case MSIO_AXIS_FREQUENCY: return "Hz";
    case MSIO_AXIS_PHASE: return "deg";
    case MSIO_AXIS_UVDIST:
    case MSIO_AXIS_U:
    case MSIO_AXIS_V: return wavelengths ? "wavelengths" : "m";
    default: return "";
    }
}

static msio_axis_of depends_on(msio_axis axis, bool wavelengths) {
    switch (axis) {
    case MSIO_AXIS_FREQUENCY:
    case MSIO_AXIS_CHANNEL: return MSIO_OF_CHANNEL;
    case MSIO_AXIS_UVDIST:
    case MSIO_AXIS_U:
    case MSIO_AXIS_V: return wavelengths ? MSIO_OF_BOTH : MSIO_OF_ROW;
    case MSIO_AXIS_AMPLITUDE:
    case MSIO_AXIS_PHASE:
    case MSIO_AXIS_REAL:
    case MSIO_AXIS_IMAGINARY: return MSIO_OF_VALUE;
    case MSIO_AXIS_FLAG: return MSIO_OF_FLAG;
    default: return MSIO_OF_ROW;
    }
}

msio_status msio_density_axis_make(const char *path, const msio_density_opts *opts, msio_axis axis, int64_t bins,
                                   const double range[2], const msio_density_facts *facts, msio_density_axis *made) {
    if ((int)axis < 0 || axis >= MSIO_AXES)
        return msio_error_set(MSIO_E_ARGUMENT, path, "there is no axis %d", (int)axis);
    if (bins < 2 || bins > 8192)
        return msio_error_set(MSIO_E_ARGUMENT, path, "%lld bins of %s: from 2 to 8192 are made", (long long)bins,
                              names[axis]);
    *made = (msio_density_axis){.of = depends_on(axis, opts->wavelengths)};
    made->scale = (msio_scale){axis, bins, 0.0, 1.0, unit_of(axis, opts->wavelengths)};
    if (range[0] != 0.0 || range[1] != 0.0) return set_range(path, &made->scale, bins, range, step_of(axis, facts));
    set_known(made, bins, facts);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- scales that grow */

msio_scale msio_density_scale(const msio_density_axis *axis, int exponent) {
    msio_scale s = axis->scale;
    if (!axis->grows) return s;
    s.width = ldexp(s.width, exponent);
    s.low = ldexp(s.low, exponent);
    return s;
}

int msio_density_exponent(const msio_density_axis *axis, int exponent, double size) {
    const double half = (double)(axis->has_sign ? axis->scale.bins / 2 : axis->scale.bins);
    while (size >= ldexp(half, exponent)) exponent++;
    return exponent;
}

/* The bin that a bin's points go to. */
static int64_t folded(int64_t bin, int64_t middle, int times) {
    const int64_t from_middle = bin - middle, by = (int64_t)1 << msio_min(times, 40);
    return middle + (from_middle >= 0 ? from_middle / by : -msio_div_up(-from_middle, by));
}

static void move(int64_t *grid, int64_t from, int64_t to, int64_t count, int64_t step) {
    if (from == to) return;
    for (int64_t i = 0; i < count; i++) {
        grid[to + i * step] += grid[from + i * step];
        grid[from + i * step] = 0;
    }
}

void msio_density_fold(int64_t *grid, const msio_density_axis *x, const msio_density_axis *y, bool of_x, int times) {
    const msio_density_axis *axis = of_x ? x : y;
    const int64_t bins = axis->scale.bins, middle = axis->has_sign ? bins / 2 : 0;
    const int64_t stride = of_x ? y->scale.bins : 1, step = of_x ? 1 : y->scale.bins;
    const int64_t count = of_x ? y->scale.bins : x->scale.bins;
    /* outwards, so that none is moved twice */
    for (int64_t b = middle; b < bins; b++) move(grid, b * stride, folded(b, middle, times) * stride, count, step);
    for (int64_t b = middle - 1; b >= 0; b--) move(grid, b * stride, folded(b, middle, times) * stride, count, step);
}

/* ---------------------------------------------------------------- what remains */

static bool is_empty(const int64_t *grid, int64_t from, int64_t count, int64_t step) {
    for (int64_t i = 0; i < count; i++)
        if (grid[from + i * step]) return false;
    return true;
}

int64_t msio_density_used(const int64_t *grid, const msio_density_axis *x, const msio_density_axis *y, bool of_x,
                          int64_t *from) {
    const msio_density_axis *axis = of_x ? x : y;
    const int64_t stride = of_x ? y->scale.bins : 1, step = of_x ? 1 : y->scale.bins;
    const int64_t count = of_x ? y->scale.bins : x->scale.bins;
    int64_t first = 0, end = axis->scale.bins;
    *from = 0;
    if (!axis->grows) return end;
    while (end > 1 && is_empty(grid, (end - 1) * stride, count, step)) end--;
    if (!axis->has_sign) return end;
    while (first < end - 1 && is_empty(grid, first * stride, count, step)) first++;
    if (end == 1 && is_empty(grid, 0, count, step))
        first = axis->scale.bins / 2, end = first + 1;                        /* no points at all */
    if (axis->scale.axis == MSIO_AXIS_U || axis->scale.axis == MSIO_AXIS_V) { /* as far to both sides */
        const int64_t middle = axis->scale.bins / 2, out = msio_max(middle - first, end - middle);
        first = middle - out;
        end = middle + out;
    }
    *from = first;
    return end - first;
}

msio_status msio_density_cut(const int64_t *grid, int64_t y_bins, const msio_scale *x, const int64_t from[2],
                             const msio_scale *y, int64_t **told) {
    int64_t *cells = malloc((size_t)(x->bins * y->bins) * sizeof *cells);
    if (!cells)
        return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a grid of %lld x %lld", (long long)x->bins,
                              (long long)y->bins);
    for (int64_t j = 0; j < y->bins; j++)
        for (int64_t i = 0; i < x->bins; i++) cells[j * x->bins + i] = grid[(from[0] + i) * y_bins + from[1] + j];
    *told = cells;
    return MSIO_OK;
}
