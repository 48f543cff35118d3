/* convert_values.h - visibilities, flags and sample counts of a window's rows, as its columns hold them. */
#ifndef MSIO_IO_CONVERT_VALUES_H
#define MSIO_IO_CONVERT_VALUES_H

#include "io/convert/conversion.h"
#include "io/convert/phasing_kernel.h"

/* Some rows of a window: what was read, and the columns' memory. Channels and correlations are [channel][pol]; rows of
 * what was read are `stride` elements apart, those of columns close together. */
typedef struct msio_conv_block {
    const msio_conversion *c;
    int64_t first, rows; /* among the window's rows */
    int64_t channels;
    const double *frequency; /* [channels] */
    int64_t stride;
    const float (*visdata)[2];
    const uint8_t *flags;
    const float *nsamples;
    float (*data)[2];
    uint8_t *flag;         /* NULL: the column takes what was read, as it is */
    float *spectrum;       /* the same */
    float *weight, *sigma; /* [rows][pols]; NULL: not wanted */
    /* The phasors of its antennas at its times, [times][antennas]; NULL: each row's are made anew. */
    const double *phasors;
    int32_t first_time; /* of them, among the conversion's */
} msio_conv_block;

/* Rows that share an antenna's phasors, at least, where these are made. */
#define MSIO_CONV_ROWS_AN_ANTENNA 4

/* How many times the block's rows are of where the antennas' phasors cost less than the rows'; 0: they do not. The
 * times are those from *first on. */
int32_t msio_conv_times(const msio_conv_block *b, int32_t *first);
/* Doubles of one antenna's at one time. */
static inline int64_t msio_conv_phasor_room(int64_t channels) { return 2 * msio_phasing_room(channels); }
/* That antenna's phasors at that time of the block, into their place. Any thread, each its own. */
void msio_conv_phasors(const msio_conv_block *b, double *phasors, int32_t time, int antenna);

/* Whether every row's correlations stand in the files as they do in the table. */
bool msio_conv_keeps_order(const msio_conversion *c);

/* Rows begin .. end - 1 of the block. Any thread, each its own rows. MSIO_E_MEMORY. */
msio_status msio_conv_values(const msio_conv_block *b, int64_t begin, int64_t end);

#endif
