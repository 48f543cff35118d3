/* simulate_sky.c - simulated data sets that show a sky: Measurement Sets and groups of UVH5 files. */
#include "core/checked.h"
#include "core/error.h"
#include "core/threads.h"
#include "io/simulate/simulate_uvh5.h"
#include "prof/call.h"
#include "visibility/gains.h"
#include "visibility/meridian.h"
#include "visibility/predict.h"
#include "visibility/sky.h"

#include <errno.h>
#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define UNIX_EPOCH 2440587.5 /* Julian dates */
#define MJD_EPOCH 2400000.5
#define SPECTRA_BYTES ((size_t)256 << 20) /* that all spectra together may take */
/* Rows that a thread takes at a time. */
#define TILE_ROWS 64

/* An observation of the sky. */
typedef struct show {
    const msio_sky *sky;
    double noise;
    uint64_t seed;
    bool has_gains;
    msio_gains gains;
    int windows, times, threads;
    msio_spectra **spectra;  /* [windows], the lowest first */
    msio_meridian *meridian; /* [times] */
    msio_sky_seen *seen;     /* from the direction of the integration that is being computed */
    char *scratch;           /* [threads] */
    size_t scratch_bytes;
    int32_t corr[4];
} show;

/* ---------------------------------------------------------------- what is prepared */

static msio_status make_spectra(show *s, const msio_sim *sim) {
    size_t left = SPECTRA_BYTES;
    double *frequency = malloc((size_t)sim->channels * sizeof *frequency);
    s->spectra = calloc((size_t)sim->spws, sizeof *s->spectra);
    msio_status status = MSIO_OK;
    if (!frequency || !s->spectra) status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for spectra");
    for (int w = 0; w < sim->spws && !status; w++) {
        for (int c = 0; c < sim->channels; c++) frequency[c] = msio_sim_frequency(sim, w, c);
        status = msio_spectra_make(s->sky, sim->channels, frequency, left, &s->spectra[w]);
        if (!status) left -= (size_t)msio_spectra_bytes(s->spectra[w]);
    }
    free(frequency);
    return status;
}

/* Days from `epoch` to the middle of integration t, as that kind of data set counts them. */
typedef double show_days(const void *set, int64_t t);

static double ms_days(const void *set, int64_t t) {
    (void)set;
    return msio_sim_time(t) / 86400.0;
}

static double uvh5_days(const void *set, int64_t t) { return msio_sim_julian(set, t) - UNIX_EPOCH; }

static msio_status make_meridians(show *s, double epoch, show_days *days, const void *set) {
    static const double middle[3] = {MSIO_SIM_X, MSIO_SIM_Y, MSIO_SIM_Z};
    s->meridian = malloc((size_t)s->times * sizeof *s->meridian);
    if (!s->meridian) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for %d integrations", s->times);
    msio_status status = MSIO_OK;
    for (int t = 0; t < s->times && !status; t++)
        status = msio_meridian_find(middle, epoch, days(set, t), MSIO_SIM_DECLINATION, &s->meridian[t]);
    return status;
}

static msio_status make_scratch(show *s, int corrs) {
    const msio_predict_job job = {.spectra = s->spectra[0], .corrs = corrs};
    s->threads = msio_threads_for(0);
    s->scratch_bytes = (msio_predict_scratch(&job) + 3 * TILE_ROWS * sizeof(double) + 63) / 64 * 64;
    s->scratch = aligned_alloc(64, s->scratch_bytes * (size_t)s->threads);
    return s->scratch ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory for %d threads", s->threads);
}

static msio_status check(const msio_simulate_sky_opts *o) {
    if (!o || o->struct_size != sizeof *o || !o->sky)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "no sky, or options that do not begin with MSIO_SIMULATE_SKY_OPTS_INIT");
    if (!isfinite(o->noise) || o->noise < 0.0)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "a noise of %g: it must be 0 or more", o->noise);
    return MSIO_OK;
}

/* Everything that does not depend on the kind of data set. */
static msio_status prepare(show *s, const msio_simulate_sky_opts *o, const msio_sim *sim) {
    static const int32_t linear[3][4] = {{9}, {9, 12}, {9, 10, 11, 12}};
    *s = (show){.sky = o->sky, .noise = o->noise, .seed = o->noise_seed, .has_gains = o->gains != 0};
    s->windows = sim->spws;
    s->times = sim->times;
    memcpy(s->corr, linear[sim->corrs / 2], sizeof s->corr);
    msio_status status = make_spectra(s, sim);
    if (!status) status = make_scratch(s, sim->corrs);
    if (!status) status = msio_sky_seen_new(s->sky, &s->seen);
    if (!status && s->has_gains)
        status = msio_gains_make(sim->antennas, sim->corrs > 1 ? 2 : 1, (int64_t)sim->spws * sim->channels,
                                 o->gains_seed, &s->gains);
    return status;
}

static void give_up(show *s) {
    for (int w = 0; s->spectra && w < s->windows; w++) msio_spectra_free(s->spectra[w]);
    free(s->spectra);
    free(s->meridian);
    free(s->scratch);
    msio_sky_seen_free(s->seen);
    msio_gains_free(&s->gains);
}

/* ", sky of 3 components, noise 0.5, seed 1, gains 7" */
static void tell(const msio_simulate_sky_opts *o, char told[160]) {
    int n = snprintf(told, 160, ", sky of %lld components, noise %.17g, noise seed %llu",
                     (long long)msio_sky_count(o->sky), o->noise, (unsigned long long)o->noise_seed);
    if (o->gains) snprintf(told + n, (size_t)(160 - n), ", gains seed %llu", (unsigned long long)o->gains_seed);
}

/* ---------------------------------------------------------------- baselines */

/* Antenna 2 less antenna 1 in the frame of the meridian; apparent: in the apparent frame, else ICRS. */
static void baseline(const msio_sim *sim, const msio_meridian *m, int64_t row, double uvw[3]) {
    double one[3], two[3];
    int32_t second;
    const int32_t first = msio_sim_baseline_antennas(sim, row % sim->baselines, &second);
    msio_sim_antenna_offset(first, one);
    msio_sim_antenna_offset(second, two);
    for (int axis = 0; axis < 3; axis++) two[axis] -= one[axis];
    msio_meridian_uvw(m, two, uvw);
}

static void fill_uvw(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    const show *s = sim->sky->user;
    double(*uvw)[3] = out;
    for (int64_t i = 0; i < rows; i++)
        baseline(sim, &s->meridian[(row + i) / sim->baselines % sim->times], row + i, uvw[i]);
}

static void direction(const msio_sim *sim, int64_t t, double to[2]) {
    const show *s = sim->sky->user;
    to[0] = s->meridian[t].ra_icrs;
    to[1] = s->meridian[t].dec_icrs;
}

/* ---------------------------------------------------------------- visibilities */

/* Rows of one spectral window and integration. */
typedef struct part {
    const show *show;
    const msio_sim *sim;
    msio_predict_job job;
    int64_t row;     /* the first: of the data set, or of the file */
    int window;      /* the lowest is 0 */
    bool descending; /* channels, as the data set has them */
    bool corrupt;    /* by gains */
    /* u, v, w of rows as the sum wants them */
    void (*uvw)(const struct part *p, int64_t row, int64_t rows, double *uvw);
} part;

/* out *= g1 conj(g2), or its conjugate. */
static void apply_gain(const part *p, const double *one, const double *two, float *out) {
    const double real = one[0] * two[0] + one[1] * two[1], imag = one[1] * two[0] - one[0] * two[1];
    const double turned = p->job.conjugate ? -imag : imag, x = out[0], y = out[1];
    out[0] = (float)(x * real - y * turned);
    out[1] = (float)(x * turned + y * real);
}

static void apply_gains(const part *p, int64_t row, float *out) {
    const msio_gains *g = &p->show->gains;
    const int channels = p->sim->channels, corrs = p->sim->corrs;
    int32_t second;
    const int32_t first = msio_sim_baseline_antennas(p->sim, row % p->sim->baselines, &second);
    for (int c = 0; c < channels; c++) {
        const int64_t at = (int64_t)p->window * channels + (p->descending ? channels - 1 - c : c);
        for (int k = 0; k < corrs; k++, out += 2) {
            const int32_t corr = p->show->corr[k];
            apply_gain(p, msio_gain_at(g, first, corr >= 11, at), msio_gain_at(g, second, corr == 10 || corr == 12, at),
                       out);
        }
    }
}

static void reverse_channels(const msio_sim *sim, float *row) {
    const size_t bytes = 2 * (size_t)sim->corrs * sizeof *row;
    for (int a = 0, b = sim->channels - 1; a < b; a++, b--) {
        float swap[8], *low = row + 2 * (size_t)a * (size_t)sim->corrs,
                       *high = row + 2 * (size_t)b * (size_t)sim->corrs;
        memcpy(swap, low, bytes);
        memcpy(low, high, bytes);
        memcpy(high, swap, bytes);
    }
}

static void some_rows(const part *p, int64_t first, int64_t rows, float *out, char *scratch) {
    const int64_t cell = 2 * (int64_t)p->sim->channels * p->sim->corrs;
    double *uvw = (double *)(void *)scratch;
    p->uvw(p, p->row + first, rows, uvw);
    msio_predict_rows(&p->job, rows, uvw, out, scratch + 3 * TILE_ROWS * sizeof(double));
    for (int64_t i = 0; i < rows; i++) {
        if (p->descending) reverse_channels(p->sim, out + i * cell);
        if (p->corrupt) apply_gains(p, p->row + first + i, out + i * cell);
    }
}

/* Every `step`th tile from the first on. */
static void some_tiles(const part *p, int64_t rows, float *out, int first, int step) {
    const int64_t cell = 2 * (int64_t)p->sim->channels * p->sim->corrs;
    for (int64_t from = first * TILE_ROWS; from < rows; from += step * TILE_ROWS)
        some_rows(p, from, msio_min(TILE_ROWS, rows - from), out + cell * from,
                  p->show->scratch + p->show->scratch_bytes * (size_t)first);
}

static void all_rows(const part *p, int64_t rows, float *out) {
#ifdef _OPENMP
    const int threads = (int)msio_min(p->show->threads, msio_div_up(rows, TILE_ROWS));
    if (threads > 1) {
        msio_threads_used();
#pragma omp parallel num_threads(threads)
        some_tiles(p, rows, out, omp_get_thread_num(), omp_get_num_threads());
        return;
    }
#endif
    some_tiles(p, rows, out, 0, 1);
}

static void ms_uvw(const part *p, int64_t row, int64_t rows, double *uvw) { fill_uvw(p->sim, row, rows, uvw); }

/* Rows row, row + 1, ... of the Measurement Set: window by window, integration by integration. */
static void fill_visibilities(const msio_sim *sim, int64_t row, int64_t rows, bool corrupt, float *out) {
    show *s = sim->sky->user;
    while (rows > 0) {
        const int64_t t = row / sim->baselines % sim->times,
                      run = msio_min(rows, sim->baselines - row % sim->baselines);
        const int window = (int)(row / sim->baselines / sim->times);
        const part p = {.show = s,
                        .sim = sim,
                        .job = {.spectra = s->spectra[window], .seen = s->seen, .corrs = sim->corrs, .corr = s->corr},
                        .row = row,
                        .window = window,
                        .corrupt = corrupt && s->has_gains,
                        .uvw = ms_uvw};
        msio_sky_seen_from(s->seen, s->sky, s->meridian[t].ra_icrs, s->meridian[t].dec_icrs);
        all_rows(&p, run, out);
        row += run;
        rows -= run;
        out += 2 * run * sim->channels * sim->corrs;
    }
}

static void fill_data(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    const show *s = sim->sky->user;
    const int64_t cell = (int64_t)sim->channels * sim->corrs;
    fill_visibilities(sim, row, rows, true, out);
    if (s->noise > 0.0) msio_sim_add_noise(s->noise, s->seed, row * cell, rows * cell, out);
}

static void fill_model(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    fill_visibilities(sim, row, rows, false, out);
}

/* The file's own, turned round: a UVH5 file holds the complex conjugate of what these have. */
static void uvh5_uvw(const part *p, int64_t row, int64_t rows, double *uvw) {
    float stored[3 * TILE_ROWS];
    msio_sim_uvh5 group = {.sim = *p->sim};
    msio_sim_uvh5_uvw(&group, 0, row, rows, stored);
    for (int64_t i = 0; i < 3 * rows; i++) uvw[i] = -(double)stored[i];
}

static void fill_visdata(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, void *to) {
    show *s = group->sky->user;
    const msio_sim *sim = &group->sim;
    const int window = sim->spws - 1 - subband;
    float *out = to;
    while (rows > 0) {
        const int64_t t = row / sim->baselines, run = msio_min(rows, (t + 1) * sim->baselines - row);
        double(*lmn)[3] = msio_sky_seen_lmn(s->seen);
        for (int64_t k = 0; k < s->sky->components; k++) /* cannot fail: this time's meridian was found */
            msio_meridian_lmn(&s->meridian[t], s->sky->component[k].ra, s->sky->component[k].dec, lmn[k]);
        const part p = {.show = s,
                        .sim = sim,
                        .job = {.spectra = s->spectra[window],
                                .seen = s->seen,
                                .corrs = sim->corrs,
                                .corr = s->corr,
                                .conjugate = true},
                        .row = row,
                        .window = window,
                        .descending = true,
                        .corrupt = s->has_gains,
                        .uvw = uvh5_uvw};
        all_rows(&p, run, out);
        row += run;
        rows -= run;
        out += 2 * run * sim->channels * sim->corrs;
    }
}

/* ---------------------------------------------------------------- the calls */

/* "obs.ms.gains.npy": what the path names, slashes at its end apart; to be freed. */
static char *gains_path(const char *path) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    char *beside = malloc(length + sizeof ".gains.npy");
    if (beside) sprintf(beside, "%.*s.gains.npy", (int)length, path);
    if (!beside) msio_error_set(MSIO_E_MEMORY, path, "no memory for a name");
    return beside;
}

/* Writes the gains beside the path, without their name yet. *beside is to be freed, *making too. */
static msio_status write_gains(const show *s, const char *path, bool overwrite, char **beside, msio_making **making) {
    struct stat there;
    if (!s->has_gains) return MSIO_OK;
    *beside = gains_path(path);
    if (!*beside) return MSIO_E_MEMORY;
    if (lstat(*beside, &there) == 0 && (!overwrite || !S_ISREG(there.st_mode)))
        return msio_error_set(MSIO_E_ARGUMENT, *beside,
                              "something stands where the gains are to be told; choose another path, or ask to "
                              "overwrite a file of gains");
    return msio_gains_write(&s->gains, *beside, making);
}

msio_status msio_simulate_ms_sky(const char *path, const msio_simulate_ms_opts *opts,
                                 const msio_simulate_sky_opts *given) {
    PROF_CALL(path);
    show s = {0};
    msio_sim sim;
    char *beside = NULL;
    msio_making *making = NULL;
    msio_sim_sky sky = {fill_data, fill_model, fill_uvw, direction, 1.0f, 1.0f, "", &s};
    if (!path || !*path) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no path for the Measurement Set");
    msio_status status = check(given);
    if (!status) status = msio_sim_ms_describe(opts, &sim);
    if (status) return status;
    status = prepare(&s, given, &sim);
    if (!status) status = make_meridians(&s, MJD_EPOCH, ms_days, NULL);
    if (!status) status = write_gains(&s, path, opts && opts->overwrite, &beside, &making);
    if (!status) {
        if (s.noise > 0.0) sky.sigma = (float)s.noise;
        if (s.noise > 0.0) sky.weight = (float)(1.0 / (s.noise * s.noise));
        tell(given, sky.told);
        status = msio_sim_ms_make(path, opts, &sky);
    }
    if (!status && making) status = msio_making_finish(making, opts && opts->overwrite);
    msio_making_free(making);
    free(beside);
    give_up(&s);
    return status;
}

msio_status msio_simulate_uvh5_sky(const char *dir, const msio_simulate_uvh5_opts *opts,
                                   const msio_simulate_sky_opts *given) {
    PROF_CALL(dir);
    show s = {0};
    msio_sim_uvh5 group;
    char *beside = NULL;
    msio_making *making = NULL;
    msio_sim_uvh5_sky sky = {fill_visdata, "", &s};
    msio_simulate_uvh5_opts own = MSIO_SIMULATE_UVH5_OPTS_INIT;
    if (!dir || !*dir) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no folder for the files");
    msio_status status = check(given);
    if (!status) status = msio_sim_uvh5_describe(opts, &group);
    if (status) return status;
    if (opts) own = *opts;
    if (own.noise > 0.0) return msio_error_set(MSIO_E_ARGUMENT, NULL, "with a sky, its own options tell the noise");
    own.noise = given->noise;
    own.seed = given->noise_seed;
    status = prepare(&s, given, &group.sim);
    if (!status) status = make_meridians(&s, UNIX_EPOCH, uvh5_days, &group);
    if (!status) status = write_gains(&s, dir, own.overwrite, &beside, &making);
    if (!status) {
        tell(given, sky.told);
        status = msio_sim_uvh5_make(dir, &own, &sky);
    }
    if (!status && making) status = msio_making_finish(making, own.overwrite);
    msio_making_free(making);
    free(beside);
    give_up(&s);
    return status;
}
