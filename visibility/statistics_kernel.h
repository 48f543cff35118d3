/* statistics_kernel.h - the inner loops of statistics, for statistics*.c alone: compiled once for each instruction set.
 *
 * Sums of a row are made in eight parts, element n to part n modulo 8, which are added up in order: so they do not
 * depend on what vectors a processor has (but for products and sums that it rounds once).
 */
#ifndef MSIO_VISIBILITY_STATISTICS_KERNEL_H
#define MSIO_VISIBILITY_STATISTICS_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

/* Of values that count: not flagged, finite. */
typedef struct msio_sums {
    int64_t count, nan, inf;
    double real, imag, amplitude, square;
    double least, most; /* of amplitudes; infinity and -1 while there are none */
} msio_sums;

typedef struct msio_chi {
    double sum; /* of weight x |difference|^2 */
    int64_t count;
} msio_chi;

/* One row of one column, and where its parts go. Arrays have room for elements rounded up to a multiple of 8. */
typedef struct msio_stats_row {
    int64_t elements;
    const float *value;
    bool complex;
    const uint8_t *flag; /* [elements], NULL: nothing is flagged */
    /* Made: parts and amplitude, zeros where the value does not count; ok: 1 or 0. */
    double *real, *imag, *amplitude, *ok;
    int64_t bad; /* values that are not flagged and not finite */
} msio_stats_row;

typedef struct msio_stats_kernel {
    const char *name;
    void (*unpack)(msio_stats_row *row);
    /* Adds the row's values up. */
    void (*sum)(const msio_stats_row *row, msio_sums *sums);
    /* The same of a row that is not unpacked; row->bad is set. */
    void (*tally)(msio_stats_row *row, msio_sums *sums);
    /* Adds each value to the sums of its element: [elements] each. */
    void (*spread)(const msio_stats_row *row, double *count, double *real, double *imag, double *amplitude,
                   double *square, double *least, double *most);
    /* Weighted squares of the difference of two unpacked rows; weight: [elements], NULL: 1; corrs: 0, or weight is one
     * a correlation. power [elements] gets them, with counts in ok. */
    void (*chi)(const msio_stats_row *data, const msio_stats_row *model, const float *weight, int64_t corrs,
                double *power, double *ok, msio_chi *chi);
    /* The same of rows that are not unpacked, both complex or both real; data's flags count. power and ok: NULL where
     * nobody asks what each element gave. room: [elements], scratch. */
    void (*chi_raw)(const msio_stats_row *data, const msio_stats_row *model, const float *weight, int64_t corrs,
                    float *room, double *power, double *ok, msio_chi *chi);
} msio_stats_kernel;

#if defined(__x86_64__) && defined(__GNUC__)
#define MSIO_STATS_X86 1
extern const msio_stats_kernel msio_stats_avx2, msio_stats_avx512;
#endif
extern const msio_stats_kernel msio_stats_generic;

#endif
