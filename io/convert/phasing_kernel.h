/* phasing_kernel.h - the inner loop of conversion: visibilities of a row turned, conjugated, their polarizations put in
 * order, and stored, in one pass. Compiled once for each instruction set (phasing_*.c); all give the same bytes.
 *
 * The files' channels are reversed before, where loading takes chunks apart: there it costs nothing.
 *
 * A phasor is computed anew for each channel: it is right for channels at any distance, and gathers no rounding errors
 * as a recurrence would. A phase is right to 2 pi |turns| 2^-52 rad (4e-11 rad at 30 000 turns, which is 6 km at 1.5
 * GHz), cosine and sine of it to two last bits of doubles; products are doubles, rounded once. So each part is within
 * 2^-24 + (2 pi |turns| + 4) 2^-52 of the visibility's size. turns: below 2^49.
 *
 * Where a time's rows are many more than its antennas, the antennas' phasors are made once (`phasors`), and a row's is
 * the product of two: turns is then the sum of both antennas', and 4 becomes 12.
 */
#ifndef MSIO_IO_PHASING_KERNEL_H
#define MSIO_IO_PHASING_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#define MSIO_PHASING_POLS 4
/* Phasors stand in groups of so many channels: numbers behind the last channel are made, and are not used. */
#define MSIO_PHASING_GROUP 16
static inline int64_t msio_phasing_room(int64_t channels) {
    return (channels + MSIO_PHASING_GROUP - 1) / MSIO_PHASING_GROUP * MSIO_PHASING_GROUP;
}

/* One row. */
typedef struct msio_phasing {
    int64_t channels;
    int pols;                    /* 1 to MSIO_PHASING_POLS */
    int from[MSIO_PHASING_POLS]; /* correlation p is the from[p]th of what is read */
    bool conjugate;              /* after turning */
    double seconds;              /* turned by exp(-2 pi i seconds frequency) */
    const double *frequency;     /* [channels], Hz; NULL: not turned, and then every bit but the sign stays */
    /* What phasors() made of the delays of its two antennas, of which `seconds` is the second's less the first's; NULL:
     * of that itself. */
    const double *first, *second;
    const float (*in)[2]; /* [channels][pols] */
    float (*out)[2];      /* [channels][pols], elsewhere */
} msio_phasing;

typedef struct msio_phasing_kernel {
    const char *name;
    void (*row)(const msio_phasing *row);
    /* Phasors of a delay: msio_phasing_room(channels) cosines, and as many sines. */
    void (*phasors)(int64_t channels, const double *frequency, double seconds, double *phasors);
} msio_phasing_kernel;

#if defined(__x86_64__) && defined(__GNUC__)
#define MSIO_PHASING_X86 1
extern const msio_phasing_kernel msio_phasing_avx2, msio_phasing_avx512;
#endif
extern const msio_phasing_kernel msio_phasing_generic;

/* The best that this processor has. */
const msio_phasing_kernel *msio_phasing_best(void);
/* That of a name, "generic", "avx2" or "avx512", the best of NULL; NULL: this processor has it not. */
const msio_phasing_kernel *msio_phasing_named(const char *name);

#endif
