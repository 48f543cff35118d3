/* load_flex.h - UVH5 files with flexible polarizations: a spectral window a polarization, brought to one axis. */
#ifndef MSIO_IO_LOAD_FLEX_H
#define MSIO_IO_LOAD_FLEX_H

#include "core/arena.h"
#include "core/error.h"
#include "msio/uvh5.h"

#include <stdbool.h>

/* Windows of equal channels are one band: its channels, and where each polarization's stand in the file. */
typedef struct msio_load_flex {
    int64_t channels, pols;
    const double *frequency, *width; /* [channels] */
    const int32_t *window;           /* [channels]: the number of a band's first window */
    const int32_t *polarization;     /* [pols] */
    const int64_t *stored;           /* [pols][channels]: channels of the file */
} msio_load_flex;

/* Whether a file has windows that have to be combined. */
bool msio_load_is_flexible(const msio_uvh5_header *header);

/* Combines them as pyuvdata's remove_flex_pol does. Errors: MSIO_E_UNSUPPORTED (a band lacks a polarization, or has one
 * twice; more than 4096 windows), MSIO_E_MEMORY. */
msio_status msio_load_combine(msio_arena *arena, const msio_uvh5_header *header, msio_load_flex *flex);

#endif
