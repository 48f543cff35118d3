/* gains.h - gains of antennas that are known, and the file that tells them. */
#ifndef MSIO_VISIBILITY_GAINS_H
#define MSIO_VISIBILITY_GAINS_H

#include "msio/core.h"
#include "msio/files.h"

#include <stdint.h>

typedef struct msio_gains {
    int antennas, receptors;
    int64_t channels; /* of all spectral windows, ascending in frequency */
    double *value;    /* [antenna][receptor][channel]: real, imaginary */
} msio_gains;

/* Gains by the formula of docs/simulation.md. MSIO_E_MEMORY. */
msio_status msio_gains_make(int antennas, int receptors, int64_t channels, uint64_t seed, msio_gains *gains);
void msio_gains_free(msio_gains *gains);

/* Real and imaginary part of an antenna's gain at a channel. */
static inline const double *msio_gain_at(const msio_gains *g, int antenna, int receptor, int64_t channel) {
    return g->value + 2 * (((int64_t)antenna * g->receptors + receptor) * g->channels + channel);
}

/* Writes the .npy file (version 1.0, complex128) that will stand at `path` when *making is finished. MSIO_E_IO. */
msio_status msio_gains_write(const msio_gains *gains, const char *path, msio_making **making);

#endif
