/* predict.h - the direct sum over the components of a sky.
 *
 * A predictor is made once for the channels and correlations of a spectral window, and for a direction that phases are
 * counted from; it is not changed afterwards, any thread may use it. Phases are kept in turns and in double precision.
 */
#ifndef MSIO_VISIBILITY_PREDICT_H
#define MSIO_VISIBILITY_PREDICT_H

#include "msio/visibility.h"

#include <stdbool.h>

/* What the components' spectra are in one spectral window. */
typedef struct msio_spectra msio_spectra;

/* The spectra of all components at these frequencies (Hz). They take components x planes x channels x 8 bytes, where
 * planes are the Stokes parameters that are not zero everywhere: MSIO_E_SIZE when that is more than `memory`.
 * *spectra is to be freed. MSIO_E_FORMAT (a frequency that is not above 0), MSIO_E_MEMORY. */
msio_status msio_spectra_make(const msio_sky *sky, int channels, const double *frequency, size_t memory,
                              msio_spectra **spectra);
void msio_spectra_free(msio_spectra *spectra); /* takes NULL */
int64_t msio_spectra_bytes(const msio_spectra *spectra);

/* Where the components stand, seen from a direction. */
typedef struct msio_sky_seen msio_sky_seen;
/* Room for that; *seen is to be freed. MSIO_E_MEMORY. */
msio_status msio_sky_seen_new(const msio_sky *sky, msio_sky_seen **seen);
/* From a direction in the components' own frame, rad. */
void msio_sky_seen_from(msio_sky_seen *seen, const msio_sky *sky, double ra, double dec);
/* Direction cosines [component][l, m, n - 1], for those that the caller computes. */
double (*msio_sky_seen_lmn(msio_sky_seen *seen))[3];
void msio_sky_seen_free(msio_sky_seen *seen); /* takes NULL */

/* Correlations as they are asked for. */
#define MSIO_PREDICT_CORRS 4
/* Whether casacore's Stokes code is one that is predicted: I Q U V (1-4), RR RL LR LL (5-8), XX XY YX YY (9-12). */
bool msio_predict_knows(int32_t correlation);

/* What becomes of the values that are there. */
typedef enum msio_predict_mode { MSIO_PREDICT_REPLACE, MSIO_PREDICT_ADD, MSIO_PREDICT_SUBTRACT } msio_predict_mode;

typedef struct msio_predict_job {
    const msio_spectra *spectra;
    const msio_sky_seen *seen;
    int corrs;
    const int32_t *corr; /* [corrs] */
    msio_predict_mode mode;
    bool conjugate; /* the complex conjugate of all, as UVH5 has it */
    /* Smearing; NULL: none. */
    const double *width;    /* [channels of the spectra], Hz */
    const double *interval; /* [rows]: s, in which the sky turns about a phase centre of declination `dec`, rad */
    double dec;
} msio_predict_job;

/* Scratch of one thread, in bytes; aligned to 64. */
size_t msio_predict_scratch(const msio_predict_job *job);
/* Visibilities of rows with this window and direction: uvw [rows][3] in metres; out [rows][channel][corr], complex64.
 */
void msio_predict_rows(const msio_predict_job *job, int64_t rows, const double *uvw, float *out, void *scratch);

/* For tests: as msio_kernels_force. */
int msio_predict_force(const char *name);

#endif
