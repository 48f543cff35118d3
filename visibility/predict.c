/* predict.c - the direct sum over the components of a sky: what is prepared, and rows group by group. */
#include "visibility/predict.h"

#include "core/checked.h"
#include "core/error.h"
#include "visibility/predict_kernel.h"
#include "visibility/sky.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LIGHT 299792458.0    /* m/s */
#define EARTH 7.292115146e-5 /* rad/s: the Earth's rotation (IERS Conventions 2010, table 1.1) */
#define SCRATCH_UVW 6        /* what predict_group keeps of each lane beside the sums */

/* ---------------------------------------------------------------- spectra */

struct msio_spectra {
    int channels, planes;
    int stokes[4]; /* [planes]: which each plane is */
    bool even;
    double step;
    double *frequency; /* [channels] */
    double *flux;      /* [component][plane][channel] */
    int64_t components;
};

int64_t msio_spectra_bytes(const msio_spectra *spectra) {
    return spectra->components * spectra->planes * spectra->channels * (int64_t)sizeof(double);
}

/* Whether channels are equally far apart, as nearly as doubles of their size can say: a phase of 1e6 turns then stays
 * right to 1e-8. */
static bool are_even(int channels, const double *frequency, double *step) {
    *step = channels > 1 ? (frequency[channels - 1] - frequency[0]) / (channels - 1) : 0.0;
    for (int c = 0; c < channels; c++)
        if (fabs(frequency[0] + c * *step - frequency[c]) > 4e-16 * frequency[c]) return false;
    return true;
}

/* The Stokes parameters that some component has; I at least. */
static int find_planes(const msio_sky *sky, int stokes[4]) {
    bool has[4] = {true, false, false, false};
    int planes = 0;
    for (int64_t k = 0; k < sky->components; k++)
        for (int p = 1; p < 4; p++) has[p] |= sky->component[k].stokes[p] != 0.0;
    for (int p = 0; p < 4; p++)
        if (has[p]) stokes[planes++] = p;
    return planes;
}

static void fill_flux(const msio_sky *sky, msio_spectra *s) {
    double *flux = s->flux;
    for (int64_t k = 0; k < sky->components; k++, flux += s->planes * s->channels)
        for (int c = 0; c < s->channels; c++) {
            double stokes[4];
            msio_sky_stokes(&sky->component[k], s->frequency[c], stokes);
            for (int p = 0; p < s->planes; p++) flux[p * s->channels + c] = stokes[s->stokes[p]];
        }
}

static msio_status check_frequencies(int channels, const double *frequency) {
    for (int c = 0; c < channels; c++)
        if (!(frequency[c] > 0.0) || !isfinite(frequency[c]))
            return msio_error_set(MSIO_E_FORMAT, NULL, "channel %d has the frequency %g Hz: nothing can be predicted",
                                  c, frequency[c]);
    return MSIO_OK;
}

msio_status msio_spectra_make(const msio_sky *sky, int channels, const double *frequency, size_t memory,
                              msio_spectra **spectra) {
    msio_status status = check_frequencies(channels, frequency);
    if (status) return status;
    msio_spectra *s = calloc(1, sizeof *s);
    if (!s) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for spectra");
    s->channels = channels;
    s->components = sky->components;
    s->planes = find_planes(sky, s->stokes);
    const int64_t factors[] = {sky->components, s->planes, channels, (int64_t)sizeof(double)};
    int64_t bytes = 0;
    if (!msio_product_checked(4, factors, &bytes) || bytes > (int64_t)memory) {
        msio_spectra_free(s);
        return msio_error_set(MSIO_E_SIZE, NULL,
                              "the spectra of %lld components in %d channels take more than %zu bytes: allow more "
                              "memory, or predict a part of the sky at a time (--add)",
                              (long long)sky->components, channels, memory);
    }
    s->frequency = malloc(((size_t)channels + 1) * sizeof *s->frequency);
    s->flux = malloc((size_t)bytes + 1);
    if (!s->frequency || !s->flux) {
        msio_spectra_free(s);
        return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for spectra");
    }
    if (channels) memcpy(s->frequency, frequency, (size_t)channels * sizeof *frequency);
    s->even = are_even(channels, frequency, &s->step);
    fill_flux(sky, s);
    *spectra = s;
    return MSIO_OK;
}

void msio_spectra_free(msio_spectra *spectra) {
    if (!spectra) return;
    free(spectra->frequency);
    free(spectra->flux);
    free(spectra);
}

/* ---------------------------------------------------------------- places */

struct msio_sky_seen {
    double (*lmn)[3];
    double (*gauss)[3];
};

/* Direction cosines from the phase centre; n - 1 without the loss of a difference of near equals. */
static void find_lmn(const msio_sky_component *c, double ra, double dec, double lmn[3]) {
    const double across = c->ra - ra, s = sin(c->dec), k = cos(c->dec), s0 = sin(dec), k0 = cos(dec);
    const double l = k * sin(across), half = sin(across / 2.0);
    const double m = sin(c->dec - dec) + 2.0 * k * s0 * half * half, n = s * s0 + k * k0 * cos(across);
    lmn[0] = l;
    lmn[1] = m;
    lmn[2] = n > 0.0 ? -(l * l + m * m) / (1.0 + n) : n - 1.0;
}

/* A Gaussian of full widths a, b and position angle t has the envelope exp(-pi^2 / (4 ln 2) ((a (u sin t + v cos t))^2
 * + (b (u cos t - v sin t))^2)), u and v in wavelengths: its three factors of u u, u v and v v. */
static void make_gauss(const msio_sky_component *c, double g[3]) {
    if (c->shape != MSIO_SKY_GAUSSIAN) {
        g[0] = g[1] = g[2] = 0.0;
        return;
    }
    const double factor = 9.86960440108935861883 / (4.0 * 0.69314718055994530942);
    const double a = factor * c->major * c->major, b = factor * c->minor * c->minor;
    const double s = sin(c->angle), k = cos(c->angle);
    g[0] = a * s * s + b * k * k;
    g[1] = 2.0 * (a - b) * s * k;
    g[2] = a * k * k + b * s * s;
}

msio_status msio_sky_seen_new(const msio_sky *sky, msio_sky_seen **seen) {
    msio_sky_seen *s = calloc(1, sizeof *s);
    const size_t n = (size_t)sky->components + 1;
    if (s) s->lmn = malloc(n * sizeof *s->lmn);
    if (s) s->gauss = malloc(n * sizeof *s->gauss);
    if (!s || !s->lmn || !s->gauss) {
        msio_sky_seen_free(s);
        return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for %lld components", (long long)sky->components);
    }
    for (int64_t k = 0; k < sky->components; k++) make_gauss(&sky->component[k], s->gauss[k]);
    *seen = s;
    return MSIO_OK;
}

void msio_sky_seen_from(msio_sky_seen *seen, const msio_sky *sky, double ra, double dec) {
    for (int64_t k = 0; k < sky->components; k++) find_lmn(&sky->component[k], ra, dec, seen->lmn[k]);
}

double (*msio_sky_seen_lmn(msio_sky_seen *seen))[3] { return seen->lmn; }

void msio_sky_seen_free(msio_sky_seen *seen) {
    if (!seen) return;
    free(seen->lmn);
    free(seen->gauss);
    free(seen);
}

/* ---------------------------------------------------------------- correlations */

/* A correlation is one Stokes parameter and another one, the latter times a factor: 1, -1, i, -i. */
typedef struct blend {
    int first, second; /* Stokes parameters; second -1: none */
    int sign;
    bool turned; /* the factor is imaginary */
} blend;

static const blend blends[13] = {
    [1] = {0, -1, 0, false}, [2] = {1, -1, 0, false}, [3] = {2, -1, 0, false}, [4] = {3, -1, 0, false},
    [5] = {0, 3, 1, false},  [6] = {1, 2, 1, true},   [7] = {1, 2, -1, true},  [8] = {0, 3, -1, false},
    [9] = {0, 1, 1, false},  [10] = {2, 3, 1, true},  [11] = {2, 3, -1, true}, [12] = {0, 1, -1, false},
};

bool msio_predict_knows(int32_t correlation) { return correlation >= 1 && correlation <= 12; }

/* Plane of a Stokes parameter; -1: it is zero everywhere. */
static int plane_of(const msio_spectra *s, int stokes) {
    for (int p = 0; p < s->planes; p++)
        if (s->stokes[p] == stokes) return p;
    return -1;
}

/* One correlation of the group's sums, [channel][2][lane] each; zero: what a plane that is not there stands for. */
static void put_value(const msio_predict_job *job, float *to, double real, double imag) {
    if (job->conjugate) imag = -imag;
    if (job->mode == MSIO_PREDICT_REPLACE) {
        to[0] = (float)real;
        to[1] = (float)imag;
    } else if (job->mode == MSIO_PREDICT_ADD) {
        to[0] = (float)((double)to[0] + real);
        to[1] = (float)((double)to[1] + imag);
    } else {
        to[0] = (float)((double)to[0] - real);
        to[1] = (float)((double)to[1] - imag);
    }
}

/* Puts one correlation of the rows' stretch of channels; out: of the first row, first channel, this correlation. */
static void put_corr(const msio_predict_job *job, int32_t corr, const double *sum, int channels, int rows, float *out) {
    static const double zeros[2 * MSIO_LANES];
    const msio_spectra *s = job->spectra;
    const blend *b = &blends[corr];
    const int first = plane_of(s, b->first), second = b->second < 0 ? -1 : plane_of(s, b->second);
    const int64_t chan = 2 * (int64_t)job->corrs, row = chan * s->channels;
    for (int c = 0; c < channels; c++) {
        const double *one = first < 0 ? zeros : sum + ((int64_t)first * channels + c) * 2 * MSIO_LANES;
        const double *two = second < 0 ? NULL : sum + ((int64_t)second * channels + c) * 2 * MSIO_LANES;
        float *to = out + c * chan;
        for (int r = 0; r < rows; r++, to += row) {
            double real = one[r], imag = one[MSIO_LANES + r];
            if (two && b->turned) {
                real -= b->sign * two[MSIO_LANES + r];
                imag += b->sign * two[r];
            } else if (two) {
                real += b->sign * two[r];
                imag += b->sign * two[MSIO_LANES + r];
            }
            put_value(job, to, real, imag);
        }
    }
}

/* ---------------------------------------------------------------- the choice of a kernel */

static const msio_predict_kernel *const kernels[] = {
#if defined(MSIO_PREDICT_X86)
    &msio_predict_avx512,
    &msio_predict_avx2,
#endif
    &msio_predict_generic,
};

static bool runs_here(const msio_predict_kernel *k) {
#if defined(MSIO_PREDICT_X86)
    if (k == &msio_predict_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
    if (k == &msio_predict_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return k == &msio_predict_generic;
}

static const msio_predict_kernel *pick(const char *name) {
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if ((!name || strcmp(name, kernels[i]->name) == 0) && runs_here(kernels[i])) return kernels[i];
    return NULL;
}

static const msio_predict_kernel *_Atomic chosen;

/* Threads that come at once choose the same. */
static const msio_predict_kernel *kernel(void) {
    const msio_predict_kernel *k = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!k) {
        k = pick(NULL);
        atomic_store_explicit(&chosen, k, memory_order_release);
    }
    return k;
}

int msio_predict_force(const char *name) {
    const msio_predict_kernel *k = pick(name);
    if (!k) return -1;
    atomic_store(&chosen, k);
    return 0;
}

/* ---------------------------------------------------------------- rows */

/* All correlations of the rows' stretch of channels where they replace what is there; out: of the first row and the
 * first channel. */
static void replace_corrs(const msio_predict_job *job, const double *sum, int channels, int rows, float *out) {
    const msio_spectra *s = job->spectra;
    const int64_t plane = (int64_t)channels * 2 * MSIO_LANES;
    msio_cells cells = {.corrs = job->corrs,
                        .channels = channels,
                        .rows = rows,
                        .conjugate = job->conjugate,
                        .row = 2 * (int64_t)job->corrs * s->channels,
                        .out = out};
    for (int p = 0; p < job->corrs; p++) {
        const blend *b = &blends[job->corr[p]];
        const int first = plane_of(s, b->first), second = b->second < 0 ? -1 : plane_of(s, b->second);
        cells.mix[p] = (msio_mix){.one = first < 0 ? NULL : sum + first * plane,
                                  .two = second < 0 ? NULL : sum + second * plane,
                                  .sign = b->sign,
                                  .turned = b->turned};
    }
    kernel()->replace(&cells);
}

static size_t sum_doubles(const msio_spectra *s) {
    return (size_t)s->planes * (size_t)msio_min(s->channels, MSIO_STRETCH) * 2 * MSIO_LANES;
}

size_t msio_predict_scratch(const msio_predict_job *job) {
    return (sum_doubles(job->spectra) + SCRATCH_UVW * MSIO_LANES) * sizeof(double);
}

/* What u, v, w change by in an integration: they turn about the Earth's axis, which the phase centre's north points to
 * (Thompson, Moran and Swenson, Interferometry and Synthesis in Radio Astronomy, 4.1, derived by the hour angle). */
static void find_spans(const msio_predict_job *job, int rows, const double *interval, const double *seconds,
                       double *span) {
    const double s = sin(job->dec), k = cos(job->dec), *u = seconds, *v = u + MSIO_LANES, *w = v + MSIO_LANES;
    for (int r = 0; r < MSIO_LANES; r++) {
        const double angle = EARTH * interval[r < rows ? r : rows - 1];
        span[r] = angle * (w[r] * k - v[r] * s);
        span[MSIO_LANES + r] = angle * u[r] * s;
        span[2 * MSIO_LANES + r] = -angle * u[r] * k;
    }
}

/* At most MSIO_LANES rows; lanes that are left over repeat the last one. */
static void predict_group(const msio_predict_job *job, int rows, const double *uvw, const double *interval, float *out,
                          double *scratch) {
    const msio_spectra *s = job->spectra;
    double *seconds = scratch, *span = scratch + 3 * MSIO_LANES, *sum = scratch + SCRATCH_UVW * MSIO_LANES;
    for (int r = 0; r < MSIO_LANES; r++)
        for (int axis = 0; axis < 3; axis++)
            seconds[axis * MSIO_LANES + r] = uvw[3 * (r < rows ? r : rows - 1) + axis] / LIGHT;
    if (interval) find_spans(job, rows, interval, seconds, span);
    for (int first = 0; first < s->channels; first += MSIO_STRETCH) {
        const int channels = (int)msio_min(MSIO_STRETCH, s->channels - first);
        memset(sum, 0, (size_t)s->planes * (size_t)channels * 2 * MSIO_LANES * sizeof *sum);
        const msio_stretch stretch = {
            .channels = channels,
            .planes = s->planes,
            .even = s->even,
            .frequency = s->frequency + first,
            .step = s->step,
            .components = s->components,
            .lmn = (const double(*)[3])job->seen->lmn,
            .gauss = (const double(*)[3])job->seen->gauss,
            .flux = s->flux + first,
            .flux_component = (int64_t)s->planes * s->channels,
            .flux_plane = s->channels,
            .u = seconds,
            .v = seconds + MSIO_LANES,
            .w = seconds + 2 * MSIO_LANES,
            .width = job->width ? job->width + first : NULL,
            .u_span = interval ? span : NULL,
            .v_span = span + MSIO_LANES,
            .w_span = span + 2 * MSIO_LANES,
            .sum = sum,
        };
        kernel()->stretch(&stretch);
        if (job->mode == MSIO_PREDICT_REPLACE && job->corrs <= MSIO_MOST_CORRS)
            replace_corrs(job, sum, channels, rows, out + 2 * (int64_t)first * job->corrs);
        else
            for (int p = 0; p < job->corrs; p++)
                put_corr(job, job->corr[p], sum, channels, rows, out + 2 * ((int64_t)first * job->corrs + p));
    }
}

void msio_predict_rows(const msio_predict_job *job, int64_t rows, const double *uvw, float *out, void *scratch) {
    const int64_t cell = 2 * (int64_t)job->spectra->channels * job->corrs;
    for (int64_t r = 0; r < rows; r += MSIO_LANES)
        predict_group(job, (int)msio_min(MSIO_LANES, rows - r), uvw + 3 * r, job->interval ? job->interval + r : NULL,
                      out + r * cell, scratch);
}
