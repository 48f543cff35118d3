/* statistics.h - what the collecting of statistics and the making of their answer share. */
#ifndef MSIO_VISIBILITY_STATISTICS_H
#define MSIO_VISIBILITY_STATISTICS_H

#include "core/arena.h"
#include "msio/visibility.h"
#include "visibility/shapes.h"
#include "visibility/statistics_table.h"

#include <string.h>

/* Keys that rows have. */
enum { KEY_SPW, KEY_FIELD, KEY_SCAN, KEY_ANTENNA, KEY_BASELINE, KEY_TIME, ROW_KEYS };

/* Sums of each element of the cells of one data description. */
enum {
    GRID_COUNT,
    GRID_REAL,
    GRID_IMAG,
    GRID_AMPLITUDE,
    GRID_SQUARE,
    GRID_LEAST,
    GRID_MOST,
    GRID_NAN,
    GRID_INF,
    GRID_SUMS
};
typedef struct msio_stats_grid {
    int64_t elements;
    int corrs;
    double *sum; /* [column][GRID_SUMS][elements], then chi: [2][elements] (sum, count) */
} msio_stats_grid;

/* What one lane has collected, or all of them. */
typedef struct msio_stats_lane {
    msio_tallies by[ROW_KEYS];
    msio_stats_grid *grid;         /* [data_descriptions] */
    msio_tally *total, *row, *run; /* of all, of the row under way, of the rows that share window, field, scan, time */
    int64_t run_key[ROW_KEYS];
    bool run_begun;
    int64_t *bins;   /* [columns][MSIO_HISTOGRAM_BINS]; NULL: no medians */
    double *scratch; /* of unpacked rows */
} msio_stats_lane;

/* Rows of values (statistics_row.c): the loops that this processor can run; elements with room for whole vectors. */
const msio_stats_kernel *msio_stats_kernel_choose(void);
static inline int64_t msio_stats_rounded(int64_t elements) { return (elements + 7) / 8 * 8; }
/* Of a row that is unpacked: counts what is neither flagged nor finite, by name; grid (or NULL): of that column. */
void msio_stats_name_bad(const msio_stats_row *row, msio_sums *sums, msio_stats_grid *grid, int column);
void msio_stats_add_histogram(const msio_stats_row *row, int64_t *bins);

/* How many columns are told of. */
static inline int msio_stats_columns(const msio_stats_opts *opts) {
    return opts->columns == MSIO_STATS_NO_COLUMNS ? 0 : opts->columns ? opts->columns : 1;
}

/* What the sums tell, but medians (NaN). */
void msio_stats_values_of(const msio_sums *sums, msio_stats_values *values);
/* The answer, of the lanes' sums. *stats is to be freed by msio_stats_free. MSIO_E_MEMORY. */
msio_status msio_stats_answer(const msio_metadata *metadata, const msio_stats_opts *opts, const char *weights,
                              int64_t rows, msio_stats_lane *all, msio_stats **stats);

/* Times as keys that have their order, and back. */
static inline int64_t msio_time_key(double time) {
    int64_t bits;
    memcpy(&bits, &time, sizeof bits);
    return bits < 0 ? bits ^ INT64_MAX : bits;
}
static inline double msio_key_time(int64_t key) {
    if (key < 0) key ^= INT64_MAX;
    double time;
    memcpy(&time, &key, sizeof time);
    return time;
}
/* Two antennas as one key, in their order. */
static inline int64_t msio_baseline_key(int32_t one, int32_t two) {
    return (int64_t)one * ((int64_t)1 << 32) + ((int64_t)two - INT32_MIN);
}

#endif
