/* convert_values.c - visibilities, flags and sample counts of a window's rows, as its columns hold them. */
#include "io/convert/convert_values.h"

#include "core/error.h"
#include "io/convert/phasing_kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LIGHT 299792458.0 /* m/s */

/* Where the correlations of a row come from. */
static const int *order_of(const msio_conversion *c, int64_t row) {
    return c->turned && c->turned[row] ? c->swap : c->order;
}

/* ---------------------------------------------------------------- visibilities */

static int64_t place_of_phasors(const msio_conv_block *b, int32_t time, int antenna) {
    return ((int64_t)time * b->c->antennas + antenna) * msio_conv_phasor_room(b->channels);
}

int32_t msio_conv_times(const msio_conv_block *b, int32_t *first) {
    const int32_t *of = b->c->time_of ? b->c->time_of + b->first : NULL;
    if (!of || b->rows == 0) return 0;
    int32_t low = of[0], high = of[0];
    for (int64_t i = 1; i < b->rows; i++) {
        low = of[i] < low ? of[i] : low;
        high = of[i] > high ? of[i] : high;
    }
    const int64_t times = (int64_t)high - low + 1;
    *first = low;
    return times * b->c->antennas <= b->rows / MSIO_CONV_ROWS_AN_ANTENNA ? (int32_t)times : 0;
}

void msio_conv_phasors(const msio_conv_block *b, double *phasors, int32_t time, int antenna) {
    const msio_conversion *c = b->c;
    const double delay = c->antenna_delay[(int64_t)(b->first_time + time) * c->antennas + antenna];
    msio_phasing_best()->phasors(b->channels, b->frequency, delay * (1 / LIGHT),
                                 phasors + place_of_phasors(b, time, antenna));
}

static void visibilities(const msio_conv_block *b, const msio_phasing_kernel *kernel, int64_t i) {
    const msio_conversion *c = b->c;
    const int64_t r = b->first + i;
    msio_phasing row = {.channels = b->channels,
                        .pols = c->pols,
                        .conjugate = !(c->turned && c->turned[r]),
                        .in = b->visdata + i * b->stride,
                        .out = b->data + i * b->channels * c->pols};
    memcpy(row.from, order_of(c, r), (size_t)c->pols * sizeof *row.from);
    if (c->delay) {
        row.frequency = b->frequency;
        row.seconds = c->delay[r] * (1 / LIGHT);
    }
    if (b->phasors) {
        const double *all = b->phasors + place_of_phasors(b, c->time_of[r] - b->first_time, 0);
        row.first = all + place_of_phasors(b, 0, c->facts.antenna1[r]);
        row.second = all + place_of_phasors(b, 0, c->facts.antenna2[r]);
    }
    kernel->row(&row);
}

/* ---------------------------------------------------------------- flags and sample counts */

static void flags(const msio_conv_block *b, int64_t i, const int *from) {
    const int pols = b->c->pols;
    const uint8_t *in = b->flags + i * b->stride;
    uint8_t *out = b->flag + i * b->channels * pols;
    for (int64_t ch = 0; ch < b->channels; ch++, in += pols, out += pols)
        for (int p = 0; p < pols; p++) out[p] = in[from[p]];
}

/* Puts the k-th smallest of n numbers in its place, with none larger before it. */
static float select_kth(float *values, int64_t n, int64_t k) {
    int64_t low = 0, high = n - 1;
    while (low < high) {
        const float pivot = values[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i > j) break;
            const float swapped = values[i];
            values[i++] = values[j];
            values[j--] = swapped;
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return values[k];
}

/* numpy's median of n numbers `step` apart: the middle one, or the mean of the two in floats; of anything that is no
 * number, that. */
static float median(const float *values, int64_t n, int64_t step, float *memory) {
    for (int64_t i = 0; i < n; i++) {
        if (isnan(values[i * step])) return NAN;
        memory[i] = values[i * step];
    }
    const float middle = select_kth(memory, n, n / 2);
    if (n % 2) return middle;
    float below = memory[0];
    for (int64_t i = 1; i < n / 2; i++) below = memory[i] > below ? memory[i] : below;
    return (below + middle) / 2;
}

/* Whether no correlation's numbers fall from one channel to the next, or none rise: as where all are equal. Without a
 * way out in the middle, so that compilers make vectors of it. */
static bool are_sorted(const float *values, int64_t cells, int64_t pols) {
    int up = 1, down = 1;
    for (int64_t i = pols; i < cells; i++) {
        up &= values[i] >= values[i - pols];
        down &= values[i] <= values[i - pols];
    }
    return up | down;
}

/* What a weight says of the noise; of no weight, nothing. */
static float sigma_of(float weight) { return weight == 0 ? 0 : (float)(1 / sqrt((double)weight)); }

static void counts(const msio_conv_block *b, int64_t i, const int *from) {
    const int pols = b->c->pols;
    const float *in = b->nsamples + i * b->stride;
    float *out = b->spectrum + i * b->channels * pols;
    for (int64_t ch = 0; ch < b->channels; ch++, in += pols, out += pols)
        for (int p = 0; p < pols; p++) out[p] = in[from[p]];
}

/* A weight and what it says: most are the one before. */
typedef struct known_weight {
    float weight, sigma;
} known_weight;

static void weights(const msio_conv_block *b, int64_t i, const int *from, known_weight *last, float *memory) {
    const int64_t pols = b->c->pols, n = b->channels;
    const float *in = b->nsamples + i * b->stride;
    const bool sorted = are_sorted(in, n * pols, pols);
    for (int64_t p = 0; p < pols; p++) {
        const float *values = in + from[p];
        const float weight = !sorted ? median(values, n, pols, memory)
                             : n % 2 ? values[n / 2 * pols]
                                     : (values[(n / 2 - 1) * pols] + values[n / 2 * pols]) / 2;
        b->weight[i * pols + p] = weight;
        if (!(weight == last->weight)) *last = (known_weight){weight, sigma_of(weight)};
        b->sigma[i * pols + p] = last->sigma;
    }
}

/* ---------------------------------------------------------------- rows */

bool msio_conv_keeps_order(const msio_conversion *c) {
    for (int p = 0; p < c->pols; p++)
        if (c->order[p] != p) return false;
    return !c->turned;
}

msio_status msio_conv_values(const msio_conv_block *b, int64_t begin, int64_t end) {
    const msio_phasing_kernel *kernel = msio_phasing_best();
    known_weight last = {0, 0};
    float *memory = malloc((size_t)b->channels * sizeof *memory);
    if (!memory) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a row");
    for (int64_t i = begin; i < end; i++) {
        const int *from = order_of(b->c, b->first + i);
        visibilities(b, kernel, i);
        if (b->flag) flags(b, i, from);
        if (b->spectrum) counts(b, i, from);
        if (b->weight) weights(b, i, from, &last, memory);
    }
    free(memory);
    return MSIO_OK;
}
