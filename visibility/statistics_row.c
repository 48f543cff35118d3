/* statistics_row.c - the statistics of one row of values. */
#include "visibility/statistics.h"

#include "visibility/statistics_histogram.h"

#include <math.h>

const msio_stats_kernel *msio_stats_kernel_choose(void) {
#if defined(MSIO_STATS_X86)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return &msio_stats_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &msio_stats_avx2;
#endif
    return &msio_stats_generic;
}

void msio_stats_name_bad(const msio_stats_row *row, msio_sums *sums, msio_stats_grid *grid, int column) {
    for (int64_t e = 0; e < row->elements; e++) {
        const float x = row->complex ? row->value[2 * e] : row->value[e],
                    y = row->complex ? row->value[2 * e + 1] : 0.0f;
        if (row->ok[e] != 0.0 || (row->flag && row->flag[e]) || (isfinite(x) && isfinite(y))) continue;
        const bool nan = isnan(x) || isnan(y);
        sums->nan += nan;
        sums->inf += !nan;
        if (grid) grid->sum[((int64_t)column * GRID_SUMS + (nan ? GRID_NAN : GRID_INF)) * grid->elements + e] += 1.0;
    }
}

void msio_stats_add_histogram(const msio_stats_row *row, int64_t *bins) {
    for (int64_t e = 0; e < row->elements; e++)
        if (row->ok[e] != 0.0) msio_histogram_count(bins, row->amplitude[e]);
}
