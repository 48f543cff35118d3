/* statistics_loops.h - the loops themselves: to be included by statistics_generic.c, statistics_avx2.c and
 * statistics_avx512.c, with MSIO_TARGET (the function attribute) defined. They are written so that compilers make
 * vectors of them. */
#include "visibility/statistics_kernel.h"

#include <float.h>
#include <math.h>

#define PARTS 8

static MSIO_TARGET double add_parts(const double part[PARTS]) {
    double sum = 0.0;
    for (int j = 0; j < PARTS; j++) sum += part[j];
    return sum;
}

/* One element: what counts is kept. */
#define KEEP(e, x, y, flagged)                                                                                         \
    do {                                                                                                               \
        const double square_ = (x) * (x) + (y) * (y);                                                                  \
        const bool finite_ = square_ <= DBL_MAX, ok_ = finite_ & !(flagged);                                           \
        real[e] = ok_ ? (x) : 0.0;                                                                                     \
        imag[e] = ok_ ? (y) : 0.0;                                                                                     \
        amplitude[e] = ok_ ? sqrt(square_) : 0.0;                                                                      \
        ok[e] = ok_ ? 1.0 : 0.0;                                                                                       \
        bad += !finite_ & !(flagged);                                                                                  \
    } while (0)

static MSIO_TARGET void unpack(msio_stats_row *row) {
    const int64_t n = row->elements;
    const float *restrict value = row->value;
    const uint8_t *restrict flag = row->flag;
    double *restrict real = row->real, *restrict imag = row->imag, *restrict amplitude = row->amplitude,
                     *restrict ok = row->ok;
    int64_t bad = 0;
    if (row->complex && flag)
        for (int64_t e = 0; e < n; e++) KEEP(e, (double)value[2 * e], (double)value[2 * e + 1], flag[e] != 0);
    else if (row->complex)
        for (int64_t e = 0; e < n; e++) KEEP(e, (double)value[2 * e], (double)value[2 * e + 1], false);
    else if (flag)
        for (int64_t e = 0; e < n; e++) KEEP(e, (double)value[e], 0.0, flag[e] != 0);
    else
        for (int64_t e = 0; e < n; e++) KEEP(e, (double)value[e], 0.0, false);
    for (int64_t e = n; e % PARTS; e++) real[e] = imag[e] = amplitude[e] = ok[e] = 0.0;
    row->bad = bad;
}

static MSIO_TARGET void sum(const msio_stats_row *row, msio_sums *sums) {
    double real[PARTS] = {0}, imag[PARTS] = {0}, amplitude[PARTS] = {0}, square[PARTS] = {0}, count[PARTS] = {0};
    double least[PARTS], most[PARTS];
    for (int j = 0; j < PARTS; j++) {
        least[j] = INFINITY;
        most[j] = -1.0;
    }
    for (int64_t e = 0; e < row->elements; e += PARTS)
        for (int j = 0; j < PARTS; j++) {
            const double a = row->amplitude[e + j], k = row->ok[e + j];
            const double low = k != 0.0 ? a : INFINITY, high = k != 0.0 ? a : -1.0;
            real[j] += row->real[e + j];
            imag[j] += row->imag[e + j];
            amplitude[j] += a;
            square[j] += a * a;
            count[j] += k;
            least[j] = low < least[j] ? low : least[j];
            most[j] = high > most[j] ? high : most[j];
        }
    sums->count += (int64_t)add_parts(count);
    sums->real += add_parts(real);
    sums->imag += add_parts(imag);
    sums->amplitude += add_parts(amplitude);
    sums->square += add_parts(square);
    for (int j = 0; j < PARTS; j++) {
        if (least[j] < sums->least) sums->least = least[j];
        if (most[j] > sums->most) sums->most = most[j];
    }
}

static MSIO_TARGET void spread(const msio_stats_row *row, double *restrict count, double *restrict real,
                               double *restrict imag, double *restrict amplitude, double *restrict square,
                               double *restrict least, double *restrict most) {
    for (int64_t e = 0; e < row->elements; e++) {
        const double a = row->amplitude[e], k = row->ok[e];
        const double low = k != 0.0 ? a : INFINITY, high = k != 0.0 ? a : -1.0;
        count[e] += k;
        real[e] += row->real[e];
        imag[e] += row->imag[e];
        amplitude[e] += a;
        square[e] += a * a;
        least[e] = low < least[e] ? low : least[e];
        most[e] = high > most[e] ? high : most[e];
    }
}

/* Adds up what each element gave, and how many did. */
static MSIO_TARGET void add_chi(int64_t n, double *restrict power, double *restrict ok, msio_chi *to) {
    double sums[PARTS] = {0}, counts[PARTS] = {0};
    for (int64_t e = n; e % PARTS; e++) power[e] = ok[e] = 0.0;
    for (int64_t e = 0; e < n; e += PARTS)
        for (int j = 0; j < PARTS; j++) {
            sums[j] += power[e + j];
            counts[j] += ok[e + j];
        }
    to->sum += add_parts(sums);
    to->count += (int64_t)add_parts(counts);
}

/* Weights that are not finite, or negative, count as values that are flagged. */
static MSIO_TARGET void chi(const msio_stats_row *data, const msio_stats_row *model, const float *weight, int64_t corrs,
                            double *restrict power, double *restrict ok, msio_chi *to) {
    for (int64_t e = 0; e < data->elements; e++) {
        const double x = data->real[e] - model->real[e], y = data->imag[e] - model->imag[e];
        const double w = !weight ? 1.0 : corrs ? (double)weight[e % corrs] : (double)weight[e];
        const bool good = (data->ok[e] != 0.0) & (model->ok[e] != 0.0) & (w >= 0.0) & (w <= FLT_MAX);
        power[e] = good ? w * (x * x + y * y) : 0.0;
        ok[e] = good ? 1.0 : 0.0;
    }
    add_chi(data->elements, power, ok, to);
}

/* One element of rows that are not unpacked; a difference is finite where both values are. */
#define CHI_RAW(x, y, w_)                                                                                              \
    do {                                                                                                               \
        const double square_ = (x) * (x) + (y) * (y);                                                                  \
        const bool good_ = (square_ <= DBL_MAX) & (w_ >= 0.0) & (w_ <= FLT_MAX) & !(flag && flag[e]);                  \
        power[e] = good_ ? w_ * square_ : 0.0;                                                                         \
        ok[e] = good_ ? 1.0 : 0.0;                                                                                     \
    } while (0)
#define CHI_RAW_ROW(weight_of)                                                                                         \
    do {                                                                                                               \
        if (data->complex)                                                                                             \
            for (int64_t e = 0; e < n; e++) {                                                                          \
                const double w = weight_of, x = (double)a[2 * e] - (double)b[2 * e],                                   \
                             y = (double)a[2 * e + 1] - (double)b[2 * e + 1];                                          \
                CHI_RAW(x, y, w);                                                                                      \
            }                                                                                                          \
        else                                                                                                           \
            for (int64_t e = 0; e < n; e++) {                                                                          \
                const double w = weight_of, x = (double)a[e] - (double)b[e];                                           \
                CHI_RAW(x, 0.0, w);                                                                                    \
            }                                                                                                          \
    } while (0)

static MSIO_TARGET void chi_raw(const msio_stats_row *data, const msio_stats_row *model, const float *restrict weight,
                                int64_t corrs, double *restrict power, double *restrict ok, msio_chi *to) {
    const int64_t n = data->elements;
    const float *restrict a = data->value, *restrict b = model->value;
    const uint8_t *restrict flag = data->flag;
    if (!weight)
        CHI_RAW_ROW(1.0);
    else if (corrs)
        CHI_RAW_ROW((double)weight[e % corrs]);
    else
        CHI_RAW_ROW((double)weight[e]);
    add_chi(n, power, ok, to);
}
