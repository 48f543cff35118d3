/* uvh5_order.c - the order of a UVH5 file's rows, found from their times and antennas.
 *
 * A key stands for a row's time or baseline. Rows fall into runs of equal keys; an axis is the outer one when no key
 * has two runs.
 */
#include "core/error.h"
#include "msio/uvh5.h"
#include "prof/call.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t row_key;

static int by_value(const void *a, const void *b) {
    row_key x = *(const row_key *)a, y = *(const row_key *)b;
    return (x > y) - (x < y);
}

/* How many of n keys differ; sorts them. */
static int64_t count_different(row_key *key, int64_t n) {
    int64_t different = n > 0;
    if (n > 1) qsort(key, (size_t)n, sizeof *key, by_value);
    for (int64_t i = 1; i < n; i++) different += key[i] != key[i - 1];
    return different;
}

/* One key of each run; how many runs there are. */
static int64_t take_runs(const row_key *key, int64_t n, row_key *run) {
    int64_t runs = 0;
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || key[i] != key[i - 1]) run[runs++] = key[i];
    return runs;
}

/* Whether rows are [outer][inner], the inner keys the same each time. */
static bool repeats(const row_key *inner, int64_t n, int64_t outers, int64_t inners) {
    if (outers == 0 || n % outers != 0 || n / outers != inners) return false;
    return n == inners || memcmp(inner, inner + inners, (size_t)(n - inners) * sizeof *inner) == 0;
}

static bool first_run_is(const row_key *outer, int64_t n, int64_t length) {
    return length <= n && outer[0] == outer[length - 1] && (length == n || outer[length] != outer[0]);
}

/* Whether the outer runs all have that length. */
static bool even_runs(const row_key *outer, int64_t n, int64_t length) {
    for (int64_t i = 0; i < n; i += length)
        if (!first_run_is(outer + i, n - i, length)) return false;
    return true;
}

/* Looks at one axis as the outer one: its runs, its different keys, and whether the rows are rectangular. The other
 * axis's different keys are counted too, from the first run alone where that is enough. */
static bool is_outer(const row_key *outer, const row_key *inner, int64_t n, row_key *scratch, int64_t *outers,
                     int64_t *inners, int *rectangular) {
    int64_t runs = take_runs(outer, n, scratch);
    *outers = count_different(scratch, runs);
    *rectangular = 0;
    *inners = -1;
    if (*outers != runs) return false;
    int64_t length = runs ? n / runs : 0;
    if (n == 0 || !repeats(inner, n, runs, length) || !even_runs(outer, n, length)) return true;
    memcpy(scratch, inner, (size_t)length * sizeof *scratch);
    *inners = count_different(scratch, length);
    *rectangular = *inners == length;
    return true;
}

static bool ascend(const msio_uvh5_rows *rows, const row_key *baseline, msio_uvh5_axis axis) {
    for (int64_t i = 1; i < rows->rows; i++)
        if (rows->time[i] < rows->time[i - 1] && (axis != MSIO_UVH5_BASELINE_MAJOR || baseline[i] == baseline[i - 1]))
            return false;
    return true;
}

/* Bits that tell times apart; -0 is 0. */
static row_key time_key(double time) {
    row_key key;
    time += 0.0;
    memcpy(&key, &time, sizeof key);
    return key;
}

static void find_order(const msio_uvh5_rows *rows, const row_key *time, const row_key *baseline, row_key *scratch,
                       msio_uvh5_order *order) {
    int64_t n = rows->rows;
    msio_uvh5_order o = {MSIO_UVH5_UNORDERED, 0, 0, 0, 0};
    if (is_outer(time, baseline, n, scratch, &o.times, &o.baselines, &o.rectangular))
        o.axis = MSIO_UVH5_TIME_MAJOR;
    else if (is_outer(baseline, time, n, scratch, &o.baselines, &o.times, &o.rectangular))
        o.axis = MSIO_UVH5_BASELINE_MAJOR;
    if (o.times < 0) o.times = count_different(memcpy(scratch, time, (size_t)n * sizeof *time), n);
    if (o.baselines < 0) o.baselines = count_different(memcpy(scratch, baseline, (size_t)n * sizeof *baseline), n);
    o.ascending = ascend(rows, baseline, o.axis);
    *order = o;
}

msio_status msio_uvh5_rows_order(const msio_uvh5_rows *rows, msio_uvh5_order *order) {
    if (!rows || !order || rows->rows < 0 || (rows->rows && (!rows->time || !rows->ant_1 || !rows->ant_2)))
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no rows with times and antennas, or nowhere to put their order");
    size_t n = (size_t)rows->rows;
    row_key *key = n > SIZE_MAX / (4 * sizeof *key) ? NULL : malloc((3 * n + 1) * sizeof *key);
    msio_status status = MSIO_OK;
    if (!key) status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the order of %zu rows", n);
    for (size_t i = 0; i < n && !status; i++) {
        key[i] = time_key(rows->time[i]);
        key[n + i] = (row_key)(uint32_t)rows->ant_1[i] << 32 | (uint32_t)rows->ant_2[i];
        if (isnan(rows->time[i])) status = msio_error_set(MSIO_E_FORMAT, NULL, "the time of row %zu is no number", i);
    }
    if (!status) find_order(rows, key, key + n, key + 2 * n, order);
    free(key);
    return status;
}

msio_status msio_uvh5_order_find(msio_uvh5 *file, msio_uvh5_order *order) {
    PROF_CALL(file ? msio_uvh5_describe(file)->path : NULL);
    msio_uvh5_rows rows = {0};
    if (!order) return msio_error_set(MSIO_E_ARGUMENT, NULL, "nowhere to put the order of rows");
    msio_status status = msio_uvh5_rows_read(file, MSIO_UVH5_TIME | MSIO_UVH5_ANTENNAS, NULL, &rows);
    if (!status) status = msio_uvh5_rows_order(&rows, order);
    msio_uvh5_rows_free(&rows);
    return status;
}
