/* visibility.h - what is computed with visibilities: models of the sky, and data sets that show one.
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

/* Reads a model in the text format that makesourcedb, DP3 and WSClean (-save-source-list) share:
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
 * *sky is to be freed by msio_sky_free. Errors: MSIO_E_NOT_FOUND, MSIO_E_IO, MSIO_E_FORMAT, MSIO_E_UNSUPPORTED (what is
 * known and not done: shapelets, rotation measures), MSIO_E_SIZE (more than 256 MiB, 2^20 components or 2^24 terms),
 * MSIO_E_MEMORY.
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

#ifdef __cplusplus
}
#endif
#endif
