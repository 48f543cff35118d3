/* visibility.h - what is computed with visibilities: models of the sky, and passes over tables that compute.
 *
 * Sign and frame: a component in the direction (l, m, n) as seen from the phase centre has the visibility
 * S exp(+2 pi i (u l + v m + w (n - 1)) f / c), with u, v, w in metres as the Measurement Set's UVW has them, f in Hz
 * (Thompson, Moran and Swenson, Interferometry and Synthesis in Radio Astronomy, 3.1, with casacore's sign of u, v, w).
 *
 * Threads: every function may be called from any thread; a sky that is made is never changed, so threads may share it.
 */
#ifndef MSIO_VISIBILITY_H
#define MSIO_VISIBILITY_H

#include "msio/io.h"
#include "msio/subbands.h"
#include "msio/write.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- models of the sky */

typedef struct msio_sky msio_sky;

typedef enum msio_sky_shape { MSIO_SKY_POINT, MSIO_SKY_GAUSSIAN } msio_sky_shape;

typedef struct msio_sky_component {
    const char *name; /* "" where it has none; lives as long as the sky */
    msio_sky_shape shape;
    double ra, dec;             /* rad, J2000 (ICRS is taken for the same) */
    double stokes[4];           /* I, Q, U, V in Jy at the reference frequency */
    double reference_frequency; /* Hz; 0 where there are no terms */
    /* Spectrum of I, x = f / reference_frequency; Q, U and V are the same at all frequencies, as DP3 has it.
     * logarithmic: I x ^ (term[0] + term[1] log10(x) + term[2] log10(x)^2 + ...);
     * else I + term[0] (x - 1) + term[1] (x - 1)^2 + ... */
    int logarithmic;
    int terms;
    const double *term;
    double major, minor; /* rad: full widths at half maximum of a Gaussian */
    double angle;        /* rad: of its major axis, from the phase centre's north through east */
} msio_sky_component;

/* Reads a model: a component list of CASA's, or a file in the text format that makesourcedb, DP3 and WSClean
 * (-save-source-list) share:
 *
 *     Format = Name, Type, Ra, Dec, I, Q, U, V, ReferenceFrequency='1.4e9', SpectralIndex='[]', MajorAxis, MinorAxis,
 *              Orientation        (in one line; also after '#' or between brackets with "= format" behind them)
 *     3C48, POINT, 01:37:41.299, +33.09.35.13, 16.0, , , , 1.4e9, [-0.8, -0.1]
 *
 * Types: POINT, GAUSSIAN. Ra: hh:mm:ss.s, or a number with "deg" or "rad"; Dec: +dd.mm.ss.s or with a unit, as Ra. I,
 * Q, U, V in Jy; MajorAxis, MinorAxis in arcsec, full widths at half maximum; Orientation in degrees from north through
 * east. LogarithmicSI true (the default) or false. Name, Type, Ra, Dec, I must be there; lines of patches (no name, no
 * type) and Category change nothing. Whatever else a line says is refused by name, never passed over: the message
 * tells line and column.
 *
 * A component list is a casacore table (a folder), read natively: shapes Point and Gaussian; spectra Constant and
 * Spectral Index, the latter of components without Q, U and V; fluxes in Jy, nJy to MJy, as Stokes parameters, linear
 * or circular correlations; directions in J2000, ICRS or, of points, GALACTIC; angles from the phase centre's north, as
 * CASA's ft has them; reference frequencies in TOPO, GEO, BARY, LSRK or LSRD, as they stand (the frames differ by less
 * than 2e-4: a flux by that times the index). Anything else is refused by name: the message tells which component.
 *
 * *sky is to be freed by msio_sky_free. Errors: MSIO_E_NOT_FOUND, MSIO_E_IO, MSIO_E_FORMAT, MSIO_E_UNSUPPORTED (what is
 * known and not done: shapelets, rotation measures, disks), those of msio_table_open, MSIO_E_SIZE (more than
 * 256 MiB, 2^20 components or 2^24 terms), MSIO_E_MEMORY.
 */
MSIO_API msio_status msio_sky_open(const char *path, msio_sky **sky);
/* The same of `bytes` bytes of text; name stands for the path in messages. */
MSIO_API msio_status msio_sky_parse(const char *text, size_t bytes, const char *name, msio_sky **sky);
MSIO_API int64_t msio_sky_count(const msio_sky *sky);
/* Component 0 <= index < count; NULL beyond. Lives as long as the sky. */
MSIO_API const msio_sky_component *msio_sky_at(const msio_sky *sky, int64_t index);
/* Stokes I, Q, U, V of a component at a frequency, Jy. */
MSIO_API void msio_sky_stokes(const msio_sky_component *component, double frequency, double stokes[4]);
MSIO_API void msio_sky_free(msio_sky *sky); /* takes NULL */

/* ---------------------------------------------------------------- simulated data sets that show a sky */

typedef struct msio_simulate_sky_opts {
    size_t struct_size;
    const msio_sky *sky;
    double noise;        /* Jy: standard deviation of each part of a visibility; default 0 */
    uint64_t noise_seed; /* default 0 */
    int gains;           /* 1: antennas have gains, which are put into a file beside; default 0: all are 1 */
    uint64_t gains_seed; /* default 0 */
} msio_simulate_sky_opts;
#define MSIO_SIMULATE_SKY_OPTS_INIT                                                                                    \
    { sizeof(msio_simulate_sky_opts), NULL, 0.0, 0, 0, 0 }

/* Makes a Measurement Set as msio_simulate_ms does, whose values are those of an observation of the sky
 * (docs/simulation.md): the phase centre of each integration is the meridian's direction at declination 0.28125 rad,
 * UVW follows from the antennas' positions, DATA = gains x sky + noise, nothing is flagged, weights fit the noise.
 * Gains: PATH.gains.npy, complex128 [antenna][correlation's receptor][channel of all spectral windows]; a file of that
 * name is replaced where the Measurement Set may be.
 * Errors: as msio_simulate_ms, and MSIO_E_ARGUMENT, MSIO_E_SIZE (too many components for the channels). */
MSIO_API msio_status msio_simulate_ms_sky(const char *path, const msio_simulate_ms_opts *opts,
                                          const msio_simulate_sky_opts *sky);
/* The same as msio_simulate_uvh5, with visdata = conj(gains of antenna 1 x sky x conj(gains of antenna 2)) + noise, as
 * UVH5 has it. opts->noise must be 0: it is the sky's. Flags are none, nsamples 1. */
MSIO_API msio_status msio_simulate_uvh5_sky(const char *dir, const msio_simulate_uvh5_opts *opts,
                                            const msio_simulate_sky_opts *sky);

/* ---------------------------------------------------------------- one pass over a table */

/* Blocks are dealt out to so many lanes in turn: block n to lane n modulo this. A lane's blocks come in order, one at a
 * time; lanes run side by side, and are summed up one after the other. So results do not depend on threads. */
#define MSIO_PASS_LANES 16

/* Consecutive rows of the selection, as a kernel sees them. */
typedef struct msio_block {
    int64_t row; /* place of the first one in the selection */
    int64_t rows;
    int lane;
    const msio_array *in;  /* one an input column: type, shape ([rows] and the cell's axes, numpy order), data */
    const msio_array *out; /* one an output column; data hold nothing yet, and all of them are to be filled */
} msio_block;

/* What is done with each block. Not MSIO_OK ends the pass with that status (set by msio_kernel_fail, or kept). */
typedef struct msio_kernel {
    /* Called by any thread, by several at once for different lanes. state: the lane's own, state_bytes large, zeros at
     * first, aligned to 64. */
    msio_status (*run)(void *user, const msio_block *block, void *state);
    size_t state_bytes;
    /* Called after the last block for lane 0, 1, ... by the thread that asked for the pass; NULL: nothing to sum up. */
    msio_status (*reduce)(void *user, const void *state);
    void *user;
} msio_kernel;

/* For a kernel that fails: keeps the message as this thread's last error, and returns the status. */
MSIO_API msio_status msio_kernel_fail(msio_status status, const char *message);

typedef struct msio_pass {
    size_t struct_size;
    int inputs;
    const char *const *input; /* columns: dense, so of one shape in the selection */
    int outputs;
    const char *const *output; /* columns that are written; the same name may be an input too: it is read first */
    int kernels;
    const msio_kernel *kernel; /* run one after the other on each block */
    const msio_select *select; /* NULL: everything; parts of axes are taken where columns have them: msio_read_many */
} msio_pass;
#define MSIO_PASS_INIT                                                                                                 \
    { sizeof(msio_pass), 0, NULL, 0, NULL, 0, NULL, NULL }

typedef struct msio_pass_opts {
    size_t struct_size;
    size_t memory; /* bytes of all batches in flight, read and written; default 64 MiB */
    size_t block;  /* bytes of a block, in and out: default 1 MiB, about a core's own cache */
    int threads;   /* as in msio_read_opts */
    /* Bytes read and written, done and to be done; not 0: stop with MSIO_E_CANCELLED. NULL: none. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_pass_opts;
#define MSIO_PASS_OPTS_INIT                                                                                            \
    { sizeof(msio_pass_opts), (size_t)64 << 20, (size_t)1024 << 10, 0, NULL, NULL }

/* Reads the input columns in batches of whole tiles, runs the kernels on blocks of rows that fit a core's own cache,
 * and writes the output columns: the next batch is read and the one before written meanwhile. Where nothing is written
 * each thread reads the blocks that it works on, into the same memory each time. The table's lock is held
 * throughout, for writing where there are outputs (the table is to be opened writable). *rows, when not NULL: how many
 * were done. A pass that is cut short has written some of its batches: docs/consistency.md.
 * Errors: as msio_stream_next and msio_write_stream_next, those of kernels, MSIO_E_SIZE (not even one row fits the
 * memory). */
MSIO_API msio_status msio_pass_run(msio_table *table, const msio_pass *pass, const msio_pass_opts *opts, int64_t *rows);

/* ---------------------------------------------------------------- prediction into a column */

typedef enum msio_model_mode { MSIO_MODEL_REPLACE, MSIO_MODEL_ADD, MSIO_MODEL_SUBTRACT } msio_model_mode;

typedef struct msio_model_opts {
    size_t struct_size;
    const char *column; /* complex64 [channel][correlation]; NULL: MODEL_DATA. One that is missing is made like DATA */
    msio_model_mode mode;
    int smear_frequency; /* 1: a channel is the mean over its CHAN_WIDTH; default 0: the value at its middle */
    int smear_time;      /* 1: a row is the mean over its INTERVAL, in which the sky turns about the phase centre */
    size_t memory;       /* bytes: the pass's batches or blocks, and as much again for the spectra; default 64 MiB */
    int threads;         /* as in msio_read_opts */
    double lock_seconds; /* as in msio_open_opts; default 10 */
    /* Bytes read and written, done and to be done; not 0: stop with MSIO_E_CANCELLED. NULL: none. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_model_opts;
#define MSIO_MODEL_OPTS_INIT                                                                                           \
    { sizeof(msio_model_opts), NULL, MSIO_MODEL_REPLACE, 0, 0, (size_t)64 << 20, 0, 10.0, NULL, NULL }

typedef struct msio_model_result {
    size_t struct_size;
    int64_t components, rows;
    int made; /* 1: the column was not there */
} msio_model_result;
#define MSIO_MODEL_RESULT_INIT                                                                                         \
    { sizeof(msio_model_result), 0, 0, 0 }

/* Predicts the visibilities of the sky into a column of the Measurement Set at path: the direct sum over the components
 * with each row's own UVW, the frequencies of its spectral window, and its field's PHASE_DIR, whose frame must be J2000
 * or ICRS. Correlations: linear XX = I + Q, XY = U + iV, YX = U - iV, YY = I - Q; circular RR = I + V, RL = Q + iU, LR
 * = Q - iU, LL = I - V; or I, Q, U, V. Phases are exact to 1e-8 turns at 1e6 wavelengths.
 * Smearing multiplies a component with sin(pi x) / (pi x), x the turns of its phase across the channel, and in the
 * integration as u, v, w turn with the Earth about the field's declination, as if a telescope had tracked it. Where
 * MODEL_DATA is missing, the imaging columns are added (msio_imaging_columns_add). Rows of a spectral window of other
 * shape than the others' are done in passes of their own. Flags are not looked at. A prediction that is cut short
 * leaves rows old or new (msio_write without atomic). result may be NULL. Errors: MSIO_E_ARGUMENT (no MS; a column of
 * another type; options), MSIO_E_UNSUPPORTED (a field's frame, a phase centre that moves, correlations that are none of
 * these), MSIO_E_SHAPE (cells that do not fit the spectral window), MSIO_E_FORMAT (rows of windows or fields that are
 * not there), MSIO_E_SIZE (the spectra of the sky do not fit the memory), those of msio_pass_run and
 * msio_imaging_columns_add. */
MSIO_API msio_status msio_model_predict(const char *path, const msio_sky *sky, const msio_model_opts *opts,
                                        msio_model_result *result);

/* ---------------------------------------------------------------- statistics */

/* Of values that are neither flagged nor NaN or infinite. Without any, what is no count is NaN. */
typedef struct msio_stats_values {
    int64_t count;
    int64_t nan, inf; /* values that are not flagged: with a NaN in them; else with an infinity */
    double mean[2];   /* real, imaginary (0 for a real column) */
    double amplitude; /* mean of amplitudes */
    double rms;       /* root of the mean of squared amplitudes */
    double min, max;  /* amplitudes */
    /* Median of amplitudes, and median of their distances from it, of a histogram: the median is right to 1 in 1000,
     * the other to 1 in 1000 of the largest amplitude that it had to tell apart. NaN in breakdowns. */
    double median, mad;
} msio_stats_values;

/* Sum of weight x |data - model|^2 over what counts in both columns and has a weight that is finite and not negative;
 * degrees of freedom: two for each visibility. */
typedef struct msio_stats_chi2 {
    double value;
    int64_t dof;
} msio_stats_chi2;

typedef struct msio_stats_entry {
    int32_t key[2];                  /* as in msio_flags_entry */
    double time;                     /* breakdown by time: TIME, s, MJD */
    const msio_stats_values *values; /* [columns] */
    msio_stats_chi2 chi2;
} msio_stats_entry;

typedef struct msio_stats_breakdown {
    unsigned by; /* one MSIO_FLAGS_BY_... (msio/cache.h) */
    int64_t entries;
    const msio_stats_entry *entry; /* ascending by key, or time; only those that have rows */
} msio_stats_breakdown;

typedef struct msio_stats {
    int64_t rows;
    int columns;
    const char *const *column;
    const msio_stats_values *values; /* [columns] */
    int has_chi2;
    msio_stats_chi2 chi2;
    const char *weights; /* the column that chi2 was weighted with: "WEIGHT_SPECTRUM", "WEIGHT"; "" none */
    int breakdowns;
    const msio_stats_breakdown *breakdown;
} msio_stats;

#define MSIO_STATS_NO_COLUMNS (-1) /* chi-squared alone, which then takes less time */

typedef struct msio_stats_opts {
    size_t struct_size;
    int columns;               /* 0: DATA; or MSIO_STATS_NO_COLUMNS */
    const char *const *column; /* Complex or Float, [channel][correlation]; NULL: DATA */
    unsigned by;               /* MSIO_FLAGS_BY_..., or-ed; an antenna as in msio_flags_entry */
    const char *data, *model;  /* of chi2; NULL: no chi2 */
    int ignore_flag_row;       /* 1: FLAG_ROW does not count */
    int no_medians;            /* 1: median and mad are NaN, and take neither time nor memory */
    size_t memory;             /* bytes of the pass's batches; default 64 MiB */
    int threads;               /* as in msio_read_opts */
    msio_open_opts open;       /* freshness, native, locks */
    /* Bytes read, and to be read; not 0: stop with MSIO_E_CANCELLED. NULL: none. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_stats_opts;
#define MSIO_STATS_OPTS_INIT                                                                                           \
    { sizeof(msio_stats_opts), 0, NULL, 0, NULL, NULL, 0, 0, (size_t)64 << 20, 0, MSIO_OPEN_OPTS_INIT, NULL, NULL }

/* Statistics of columns of the Measurement Set at path by any keys, and chi-squared of the difference of two columns,
 * in one read of each. FLAG and FLAG_ROW are heeded where there are any. Weights are WEIGHT_SPECTRUM, where that column
 * is there and its cells were written, else WEIGHT, else 1. Beside the batches it takes 16 MiB a column, and for each
 * of 16 lanes some 80 bytes a column and key, or element of a spectral window (by channel, correlation). The answer
 * does not depend on the number of threads. *stats is to be freed. Errors: MSIO_E_ARGUMENT (no MS; a column of another
 * type), MSIO_E_SIZE (more than 1 GiB for the breakdowns), those of msio_pass_run. */
MSIO_API msio_status msio_stats_make(const char *path, const msio_stats_opts *opts, msio_stats **stats);
MSIO_API void msio_stats_free(msio_stats *stats); /* takes NULL */

/* ---------------------------------------------------------------- copies that compute */

/* Statistics of what copies have put into a column. One thread at a time. */
typedef struct msio_copied msio_copied;
/* *copied is to be freed. MSIO_E_MEMORY (1 MiB), MSIO_E_ARGUMENT. */
MSIO_API msio_status msio_copied_new(msio_copied **copied);
/* Of all copies so far, as msio_stats_make tells them. MSIO_E_MEMORY, MSIO_E_ARGUMENT. */
MSIO_API msio_status msio_copied_values(const msio_copied *copied, msio_stats_values *values);
MSIO_API void msio_copied_free(msio_copied *copied); /* takes NULL */

typedef struct msio_copy_opts {
    size_t struct_size;
    const char *minus;   /* a column that is subtracted; NULL: none */
    int conjugate;       /* 1: of the difference */
    double scale[2];     /* real, imaginary: what that is multiplied with; default 1, 0 */
    int ignore_flag_row; /* 1: FLAG_ROW does not count in statistics */
    size_t memory;       /* bytes of the pass's batches; default 64 MiB */
    int threads;         /* as in msio_read_opts */
    /* Bytes read and written, done and to be done; not 0: stop with MSIO_E_CANCELLED. NULL: none. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_copy_opts;
#define MSIO_COPY_OPTS_INIT                                                                                            \
    { sizeof(msio_copy_opts), NULL, 0, {1.0, 0.0}, 0, (size_t)64 << 20, 0, NULL, NULL }

/* Puts scale x (from - minus), or scale x its conjugate, into the selected cells of column `to`, in one pass: computed
 * in double precision, rounded once. All are columns of this table (opened writable), arrays of Complex, or of Float
 * without conjugation and with a real scale; cells of one shape in the selection. `to` may be one of the others, whose
 * values are read first. Cells of `to` that were never written get from's shape, and zeros where channels or
 * correlations are not selected. copied, when not NULL: adds statistics of what is written, of values that FLAG (of the
 * same shape, where there is one) and FLAG_ROW do not flag; this takes 17 MiB, and a byte a row. They do not depend on
 * the number of threads. A copy that is cut short leaves rows old or new (msio_write without atomic). Errors:
 * MSIO_E_ARGUMENT (columns of other types; options), MSIO_E_SHAPE (cells differ in shape), those of msio_pass_run. */
MSIO_API msio_status msio_visibilities_copy(msio_table *table, const char *from, const char *to,
                                            const msio_select *select, const msio_copy_opts *opts, msio_copied *copied);

/* ---------------------------------------------------------------- flags that follow from values and from flags */

typedef struct msio_flags_extend_opts {
    size_t struct_size;
    /* Limits, -1: none. Values beyond any of them are flagged; so are NaN and infinities that are held against one. */
    double amplitude_below, amplitude_above;
    double chi2_above;                 /* of each visibility: weight x |data - model|^2 */
    double uvdist_below, uvdist_above; /* sqrt(u^2 + v^2): m, or wavelengths */
    int wavelengths;                   /* 1: uv distances are in wavelengths of each channel */
    const char *column;                /* of amplitudes: Complex or Float; NULL: DATA */
    const char *data, *model;          /* of chi-squared: of one type; NULL: DATA and MODEL_DATA */
    /* Extension, -1: not; else all flags of a set are set where more than this fraction, 0 to below 1, of it is:
     * the correlations of a row's channel; the channels of a row's correlation; the times of a baseline, or all rows
     * (autocorrelations too) of a time, each by channel, correlation, spectral window and field, and times by scan. */
    double correlation, channel, time, baseline;
    const msio_select
        *select;         /* rows: others are not looked at; its channels and correlations are to be all. NULL: all */
    int ignore_flag_row; /* 1: FLAG_ROW is left alone, and flags nothing */
    int dry_run;         /* 1: only tells what would be flagged; the table need not be writable */
    size_t memory;       /* bytes of the pass's batches; default 64 MiB */
    int threads;         /* as in msio_read_opts */
    /* Bytes read and written, done and to be done; not 0: stop with MSIO_E_CANCELLED. NULL: none. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_flags_extend_opts;
#define MSIO_FLAGS_EXTEND_OPTS_INIT                                                                                    \
    {                                                                                                                  \
        sizeof(msio_flags_extend_opts), -1, -1, -1, -1, -1, 0, NULL, NULL, NULL, -1, -1, -1, -1, NULL, 0, 0,           \
            (size_t)64 << 20, 0, NULL, NULL                                                                            \
    }

typedef struct msio_flags_extended {
    size_t struct_size;
    int64_t rows, total;   /* that were looked at, and their flags */
    int64_t before, after; /* flags that were set, and are; a set FLAG_ROW sets its whole row's */
    /* What each added to what those before it left, in this order. */
    int64_t by_amplitude, by_chi2, by_uvdist, by_correlation, by_channel, by_time, by_baseline;
    int64_t flag_rows; /* rows whose FLAG_ROW was set, as all of FLAG is now */
} msio_flags_extended;
#define MSIO_FLAGS_EXTENDED_INIT                                                                                       \
    { sizeof(msio_flags_extended), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Sets flags of the Measurement Set (opened writable) where values are beyond limits, then where enough of their
 * neighbours are flagged: over correlations, channels, times, baselines, in this order, each seeing what those before
 * it flagged. Nothing is unflagged. Squares of limits are compared with squares of amplitudes and distances, in double
 * precision. Weights are WEIGHT_SPECTRUM, where that column is there and its cells were written, else WEIGHT, else 1; a
 * negative or infinite one, or NaN, flags nothing. FLAG_ROW: a row where it is set counts as flagged whole, and its
 * FLAG stays as it is; it is set for rows all of whose flags are set afterwards, last of all, so that after a kill it
 * never says more than FLAG. Columns are read once, and once more for each extension over times and baselines; FLAG is
 * written in the last of these passes. A kill leaves rows old or new (msio_write without atomic). Beside the batches it
 * takes 2 bytes a row, and for extension over times, baselines 4 bytes a row each and 5 bytes for each flag of a cell
 * and set. The result does not depend on the number of threads, and may be NULL. Errors: MSIO_E_ARGUMENT (no MS; a
 * column of another type; options; nothing asked for), MSIO_E_SHAPE (cells that do not fit the spectral window, or
 * differ), MSIO_E_SIZE (more than 1 GiB of counts), those of msio_pass_run. */
MSIO_API msio_status msio_flags_extend(msio_table *table, const msio_flags_extend_opts *opts,
                                       msio_flags_extended *result);

/* ---------------------------------------------------------------- density grids, for plots */

/* What an axis shows of a point, which is one visibility: a row's channel and correlation. */
typedef enum msio_axis {
    MSIO_AXIS_TIME,      /* TIME: s, MJD */
    MSIO_AXIS_FREQUENCY, /* CHAN_FREQ of its channel: Hz */
    MSIO_AXIS_CHANNEL,   /* its number in its spectral window */
    MSIO_AXIS_UVDIST,    /* sqrt(u^2 + v^2): m, or wavelengths */
    MSIO_AXIS_BASELINE,  /* number of its pair of antennas i <= j of n: i n - i (i - 1) / 2 + j - i */
    MSIO_AXIS_ANTENNA,   /* a point is one of each of its two antennas, and of an autocorrelation's once */
    MSIO_AXIS_AMPLITUDE,
    MSIO_AXIS_PHASE, /* degrees, -180 to 180 */
    MSIO_AXIS_REAL,
    MSIO_AXIS_IMAGINARY,
    MSIO_AXIS_FLAG, /* 0 or 1 */
    MSIO_AXIS_U,    /* m, or wavelengths */
    MSIO_AXIS_V,
    MSIO_AXES
} msio_axis;

/* Bins of equal width: bin i has low + i width <= value < low + (i + 1) width, the last one its upper end too. */
typedef struct msio_scale {
    msio_axis axis;
    int64_t bins;
    double low, width;
    const char *unit; /* "s", "Hz", "m", "wavelengths", "deg", "" */
} msio_scale;

typedef struct msio_density {
    msio_scale x, y;
    const int64_t *count;   /* [y.bins][x.bins]: points */
    const int64_t *flagged; /* [y.bins][x.bins]: those of count that are flagged; NULL without opts.flags */
    int64_t rows;           /* that were looked at */
    int64_t points;         /* sum of count */
    int64_t outside;        /* beyond a range, or of no known antenna */
    int64_t not_finite;     /* with a NaN or an infinity on an axis */
    int antennas;           /* n of baselines' numbers */
} msio_density;

typedef struct msio_density_opts {
    size_t struct_size;
    msio_axis x, y; /* two different ones */
    /* Complex or Float, [channel][correlation]: what amplitude, phase, real, imaginary are of; NULL: DATA. Read for
     * these axes alone; of a Float column there is no phase and no imaginary part. */
    const char *column;
    int flags;              /* 1: flagged points are counted too, and apart as well */
    int64_t x_bins, y_bins; /* at most, from 2 to 8192, and 2^22 cells; default 1024 and 512 */
    /* [low, high], both 0: found, see below. A range that is given is divided into the bins. */
    double x_range[2], y_range[2];
    int wavelengths;                /* 1: u, v and uvdist in wavelengths of each channel */
    int32_t field, spectral_window; /* MSIO_ANY (msio/cache.h): all; rows of others are not read */
    int32_t correlation;            /* its index; MSIO_ANY: all */
    int ignore_flag_row;            /* 1: FLAG_ROW does not count */
    size_t memory;                  /* bytes of the pass's batches; default 64 MiB */
    int threads;                    /* as in msio_read_opts */
    msio_open_opts open;            /* freshness, native, locks */
    /* Bytes read, and to be read; not 0: stop with MSIO_E_CANCELLED. NULL: none. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_density_opts;
#define MSIO_DENSITY_OPTS_INIT                                                                                         \
    {                                                                                                                  \
        sizeof(msio_density_opts), MSIO_AXIS_TIME, MSIO_AXIS_AMPLITUDE, NULL, 0, 1024, 512, {0, 0}, {0, 0}, 0,         \
            INT32_MIN, INT32_MIN, INT32_MIN, 0, (size_t)64 << 20, 0, MSIO_OPEN_OPTS_INIT, NULL, NULL                   \
    }

/* Counts the points of the Measurement Set at path on a grid of two axes, in one read of the columns that these need.
 * Flagged points (FLAG, FLAG_ROW) do not count, unless opts.flags is set or an axis is the flag.
 * Ranges that are not given: of time, frequency, channel, baseline and antenna those that the metadata tell, in bins of
 * one integration, channel, or number, or of as many as make the bins fit; of phase -180 to 180. Of amplitude, real and
 * imaginary part, u, v and uvdist they are found while the columns are read: bins are a power of two wide and begin at
 * a multiple of it, and are added up in pairs whenever a value lies beyond them, so that those with points are more
 * than half as many as there may be, or a quarter for the signed ones, and those at the ends without any are left out
 * (of u and v, where the other end has none too). The grid does not depend on the number of threads. Beside the batches
 * it takes 8 bytes a cell for each thread (16 with opts.flags) and the answer, and 8 bytes a row where rows are chosen
 * or windows differ in shape. *density is to be freed. Errors: MSIO_E_ARGUMENT (no MS; a column of another type; axes,
 * bins, ranges; no rows of that field, window or correlation), those of msio_pass_run. */
MSIO_API msio_status msio_density_make(const char *path, const msio_density_opts *opts, msio_density **density);
MSIO_API void msio_density_free(msio_density *density); /* takes NULL */
/* An axis by its name: time freq chan uvdist baseline antenna amp phase real imag flag u v. MSIO_AXES: none is called
 * so; NULL beyond the axes. */
MSIO_API msio_axis msio_axis_by_name(const char *name);
MSIO_API const char *msio_axis_name(msio_axis axis);

#ifdef __cplusplus
}
#endif
#endif
