/* predict_kernel.h - the inner loops of prediction, for predict*.c alone: compiled once for each instruction set.
 *
 * Rows are taken LANES at a time, one a lane. Each component begins a stretch of channels with a phasor that is
 * computed from its phase, and goes on by one complex factor a channel: stretches are so short (MSIO_STRETCH) that the
 * rounding of these products stays below 1e-14. Where channels are not equally wide, or smear, every phasor is computed
 * anew.
 *
 * Vectors are passed by address: their place in registers is not the same for all instruction sets.
 */
#ifndef MSIO_VISIBILITY_PREDICT_KERNEL_H
#define MSIO_VISIBILITY_PREDICT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MSIO_LANES 16
#define MSIO_STRETCH 64

/* A stretch of channels of MSIO_LANES rows. */
typedef struct msio_stretch {
    int channels;
    int planes;
    bool even;               /* channels are `step` Hz apart */
    const double *frequency; /* [channels], Hz */
    double step;             /* Hz */
    int64_t components;
    const double (*lmn)[3];             /* [components] */
    const double (*gauss)[3];           /* [components]: of the envelope, see make_gauss; all zero: a point */
    const double *flux;                 /* first component's, plane 0, channel 0 of the stretch */
    int64_t flux_component, flux_plane; /* distances in flux */
    const double *u, *v, *w;            /* [MSIO_LANES]: metres / c, so seconds */
    /* Smearing; NULL: none. */
    const double *width;                    /* [channels], Hz */
    const double *u_span, *v_span, *w_span; /* [MSIO_LANES]: what u, v, w change by in an integration */
    double *sum;                            /* [planes][channels][2][MSIO_LANES]: added to */
} msio_stretch;

/* A correlation of sums [channels][2][MSIO_LANES]: one + sign x two, two being turned by a quarter where so said. */
typedef struct msio_mix {
    const double *one, *two; /* NULL: zeros */
    double sign;
    bool turned;
} msio_mix;

/* A stretch of channels of up to MSIO_LANES rows, as it is put into their cells. */
#define MSIO_MOST_CORRS 4
typedef struct msio_cells {
    msio_mix mix[MSIO_MOST_CORRS];
    int corrs, channels, rows;
    bool conjugate;
    int64_t row; /* floats from one row to the next */
    float *out;  /* the first row's first channel */
} msio_cells;

typedef struct msio_predict_kernel {
    const char *name;
    void (*stretch)(const msio_stretch *s);
    void (*replace)(const msio_cells *cells);
} msio_predict_kernel;

#if defined(__x86_64__) && defined(__GNUC__)
#define MSIO_PREDICT_X86 1
extern const msio_predict_kernel msio_predict_avx2, msio_predict_avx512;
#endif
extern const msio_predict_kernel msio_predict_generic;

#endif
