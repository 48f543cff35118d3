/* simulate_uvh5_values.c - the closed formulas of simulated subband files (docs/simulation.md).
 *
 * Visibilities are those of three point sources that drift over the meridian. Along the channels their phases turn by
 * one complex factor a channel, in double precision.
 */
#include "io/simulate/simulate_uvh5.h"

#include "core/checked.h"
#include "core/threads.h"

#include <math.h>
#include <string.h>

#define LIGHT 299792458.0 /* m/s */
#define TURN 7.2921159e-5 /* rad/s: of the Earth */
#define TWO_PI 6.283185307179586476925
#define UNIX_EPOCH 2440587.5 /* as a Julian date */
/* Rows that a thread takes at a time. */
#define TILE_ROWS 64

#define SOURCES 3
static const struct source {
    double flux;       /* Jy: Stokes I */
    double q, u, v;    /* parts of it */
    double hour_angle; /* rad, at the middle of integration 0 */
    double offset;     /* rad: its declination less the phase centre's */
} sources[SOURCES] = {
    {4.0, 0.05, 0.02, 0.01, -0.011, 0.003},
    {2.0, -0.10, 0.05, -0.02, 0.004, -0.006},
    {1.0, 0.20, -0.10, 0.05, -0.020, 0.010},
};

/* ---------------------------------------------------------------- axes */

double msio_sim_julian(const msio_sim_uvh5 *group, int64_t t) {
    const double middle = (double)(12885 * (2 * t + 1)) / 2000.0;
    return UNIX_EPOCH + ((double)group->begin + middle) / 86400.0;
}

double msio_sim_subband_frequency(const msio_sim_uvh5 *group, int subband, int channel) {
    const msio_sim *sim = &group->sim;
    return msio_sim_frequency(sim, sim->spws - 1 - subband, sim->channels - 1 - channel);
}

const int64_t *msio_sim_polarizations(const msio_sim_uvh5 *group) {
    static const int64_t two[] = {-5, -6}, four[] = {-5, -7, -8, -6};
    return group->sim.corrs == 4 ? four : two;
}

/* ---------------------------------------------------------------- scalars of rows */

void msio_sim_uvh5_time(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, void *out) {
    (void)subband;
    double *values = out;
    for (int64_t i = 0; i < rows; i++) values[i] = msio_sim_julian(group, (row + i) / group->sim.baselines);
}

void msio_sim_uvh5_integration(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, void *out) {
    (void)subband;
    msio_sim_fill_interval(&group->sim, row, rows, out);
}

/* Goes through the rows' baselines. */
typedef struct walk {
    const msio_sim *sim;
    int32_t first, second;
} walk;

static walk walk_from(const msio_sim *sim, int64_t row) {
    walk w = {.sim = sim};
    w.first = msio_sim_baseline_antennas(sim, row % sim->baselines, &w.second);
    return w;
}

static void walk_on(walk *w) {
    if (++w->second < w->sim->antennas) return;
    if (++w->first == w->sim->antennas) w->first = 0;
    w->second = w->first;
}

void msio_sim_uvh5_antenna1(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, void *out) {
    (void)subband;
    int64_t *values = out;
    walk w = walk_from(&group->sim, row);
    for (int64_t i = 0; i < rows; i++, walk_on(&w)) values[i] = w.first;
}

void msio_sim_uvh5_antenna2(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, void *out) {
    (void)subband;
    int64_t *values = out;
    walk w = walk_from(&group->sim, row);
    for (int64_t i = 0; i < rows; i++, walk_on(&w)) values[i] = w.second;
}

/* ---------------------------------------------------------------- baselines */

/* Turns ITRF differences to u, v, w of a phase centre on the meridian. */
typedef struct frame {
    double cos_longitude, sin_longitude, cos_declination, sin_declination;
} frame;

static frame make_frame(void) {
    const double longitude = MSIO_SIM_LONGITUDE * TWO_PI / 360.0;
    return (frame){cos(longitude), sin(longitude), cos(MSIO_SIM_DECLINATION), sin(MSIO_SIM_DECLINATION)};
}

/* Antenna 2 less antenna 1, in metres, as the file holds it. */
static void baseline_uvw(const frame *f, const walk *w, float uvw[3]) {
    double one[3], two[3];
    msio_sim_antenna_offset(w->first, one);
    msio_sim_antenna_offset(w->second, two);
    for (int axis = 0; axis < 3; axis++) two[axis] -= one[axis];
    const double out = two[0] * f->cos_longitude + two[1] * f->sin_longitude;
    uvw[0] = (float)(two[1] * f->cos_longitude - two[0] * f->sin_longitude);
    uvw[1] = (float)(two[2] * f->cos_declination - out * f->sin_declination);
    uvw[2] = (float)(two[2] * f->sin_declination + out * f->cos_declination);
}

void msio_sim_uvh5_uvw(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, void *out) {
    (void)subband;
    float *values = out;
    const frame f = make_frame();
    walk w = walk_from(&group->sim, row);
    for (int64_t i = 0; i < rows; i++, walk_on(&w)) baseline_uvw(&f, &w, values + 3 * i);
}

/* ---------------------------------------------------------------- visibilities */

/* A source at one time: its direction cosines, and its part in each polarization. */
typedef struct lit {
    double l, m, n_less_1;
    double real[4], imag[4];
} lit;

/* XX and YY are I + Q and I - Q, XY and YX are U - iV and U + iV: a UVH5 file holds the complex conjugate of what a
 * Measurement Set holds of the same antennas. */
static void light(const struct source *s, int64_t t, const int64_t *polarization, int polarizations, lit *seen) {
    const double h = s->hour_angle + TURN * (double)(12885 * t) / 1000.0, at = MSIO_SIM_DECLINATION + s->offset;
    const double up = cos(at) * cos(h), sin0 = sin(MSIO_SIM_DECLINATION), cos0 = cos(MSIO_SIM_DECLINATION);
    seen->l = -cos(at) * sin(h);
    seen->m = sin(at) * cos0 - up * sin0;
    seen->n_less_1 = sin(at) * sin0 + up * cos0 - 1.0;
    for (int p = 0; p < polarizations; p++) {
        const bool crossed = polarization[p] <= -7;
        const double sign = polarization[p] == -5 || polarization[p] == -7 ? 1.0 : -1.0;
        seen->real[p] = s->flux * (crossed ? s->u : 1.0 + sign * s->q);
        seen->imag[p] = crossed ? -s->flux * sign * s->v : 0.0;
    }
}

/* What the visibilities of one integration share. */
typedef struct sky {
    const msio_sim_uvh5 *group;
    frame frame;
    double frequency; /* of channel 0 */
    lit source[SOURCES];
} sky;

static sky make_sky(const msio_sim_uvh5 *group, int subband, int64_t t) {
    sky s = {.group = group, .frame = make_frame(), .frequency = msio_sim_subband_frequency(group, subband, 0)};
    for (int k = 0; k < SOURCES; k++)
        light(&sources[k], t, msio_sim_polarizations(group), group->sim.corrs, &s.source[k]);
    return s;
}

/* One row: [channel][polarization], real and imaginary. */
static void row_visibilities(const sky *s, const float uvw[3], float *out) {
    const int channels = s->group->sim.channels, polarizations = s->group->sim.corrs;
    double real[SOURCES], imag[SOURCES], turn_real[SOURCES], turn_imag[SOURCES];
    for (int k = 0; k < SOURCES; k++) {
        const lit *seen = &s->source[k];
        const double delay =
            ((double)uvw[0] * seen->l + (double)uvw[1] * seen->m + (double)uvw[2] * seen->n_less_1) / LIGHT;
        const double phase = TWO_PI * delay * s->frequency, turn = -TWO_PI * delay * MSIO_SIM_CHANNEL_WIDTH;
        real[k] = cos(phase);
        imag[k] = sin(phase);
        turn_real[k] = cos(turn);
        turn_imag[k] = sin(turn);
    }
    for (int c = 0; c < channels; c++) {
        for (int p = 0; p < polarizations; p++) {
            double sum_real = 0.0, sum_imag = 0.0;
            for (int k = 0; k < SOURCES; k++) {
                sum_real += s->source[k].real[p] * real[k] - s->source[k].imag[p] * imag[k];
                sum_imag += s->source[k].real[p] * imag[k] + s->source[k].imag[p] * real[k];
            }
            *out++ = (float)sum_real;
            *out++ = (float)sum_imag;
        }
        for (int k = 0; k < SOURCES; k++) {
            const double next = real[k] * turn_real[k] - imag[k] * turn_imag[k];
            imag[k] = real[k] * turn_imag[k] + imag[k] * turn_real[k];
            real[k] = next;
        }
    }
}

/* ---------------------------------------------------------------- arrays of rows */

/* Number of a row's first element, counted over all files. */
static int64_t first_element(const msio_sim_uvh5 *group, int subband, int64_t row) {
    return (subband * group->rows + row) * group->sim.channels * group->sim.corrs;
}

/* Rows of one integration: row, row + 1, ... */
static void some_visibilities(const sky *s, int subband, int64_t row, int64_t rows, float *out) {
    const msio_sim_uvh5 *group = s->group;
    const int64_t cell = (int64_t)group->sim.channels * group->sim.corrs;
    walk w = walk_from(&group->sim, row);
    for (int64_t i = 0; i < rows; i++, walk_on(&w)) {
        float uvw[3];
        baseline_uvw(&s->frame, &w, uvw);
        row_visibilities(s, uvw, out + 2 * cell * i);
    }
    if (group->noise > 0.0)
        msio_sim_add_noise(group->noise, group->seed, first_element(group, subband, row), rows * cell, out);
}

/* The same by several threads. */
static void many_visibilities(const sky *s, int subband, int64_t row, int64_t rows, float *out) {
    const int64_t cell = (int64_t)s->group->sim.channels * s->group->sim.corrs, tiles = msio_div_up(rows, TILE_ROWS);
#ifdef _OPENMP
    const int threads = (int)msio_min(msio_threads_for(0), tiles);
    if (threads > 1) msio_threads_used();
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
#endif
    for (int64_t tile = 0; tile < tiles; tile++) {
        const int64_t from = tile * TILE_ROWS;
        some_visibilities(s, subband, row + from, msio_min(TILE_ROWS, rows - from), out + 2 * cell * from);
    }
}

static void sky_visibilities(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, float *out) {
    const int64_t cell = (int64_t)group->sim.channels * group->sim.corrs;
    group->sky->visdata(group, subband, row, rows, out);
    if (group->noise > 0.0)
        msio_sim_add_noise(group->noise, group->seed, first_element(group, subband, row), rows * cell, out);
}

void msio_sim_uvh5_visdata(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, void *out) {
    const int64_t cell = (int64_t)group->sim.channels * group->sim.corrs, baselines = group->sim.baselines;
    if (group->sky) {
        sky_visibilities(group, subband, row, rows, out);
        return;
    }
    float *values = out;
    while (rows > 0) {
        const int64_t t = row / baselines, run = msio_min(rows, (t + 1) * baselines - row);
        const sky s = make_sky(group, subband, t);
        many_visibilities(&s, subband, row, run, values);
        row += run;
        rows -= run;
        values += 2 * cell * run;
    }
}

void msio_sim_uvh5_flags(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, void *out) {
    if (group->flags)
        msio_sim_fill_flag(&group->sim, subband * group->rows + row, rows, out);
    else
        memset(out, 0, (size_t)(rows * group->sim.channels * group->sim.corrs));
}

void msio_sim_uvh5_nsamples(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, void *out) {
    if (group->sky) {
        float *values = out;
        for (int64_t i = 0; i < rows * group->sim.channels * group->sim.corrs; i++) values[i] = 1.0f;
        return;
    }
    msio_sim_fill_weight_spectrum(&group->sim, subband * group->rows + row, rows, out);
}
