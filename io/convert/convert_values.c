/* convert_values.c - visibilities, flags and sample counts of a window's rows, as its columns hold them. */
#include "io/convert/convert_values.h"

#include "core/error.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LIGHT 299792458.0 /* m/s */

/* ---------------------------------------------------------------- visibilities */

/* What turns the visibilities of a row: exp(-2 pi i delay frequency / c), a phasor a channel, [channels]. */
static void make_phasors(const msio_conv_block *b, double delay, double (*phasor)[2]) {
    const double seconds = delay * (1 / LIGHT);
    for (int64_t ch = 0; ch < b->channels; ch++) {
        const double angle = -2 * M_PI * (seconds * b->frequency[ch]);
        phasor[ch][0] = cos(angle);
        phasor[ch][1] = sin(angle);
    }
}

/* One row: correlation p comes from from[p]; conjugated where sign is -1. */
static void copy_row(const msio_conv_block *b, const int *from, float sign, const float (*in)[2], float (*out)[2]) {
    const int pols = b->c->pols;
    for (int64_t ch = 0; ch < b->channels; ch++, in += pols, out += pols)
        for (int p = 0; p < pols; p++) {
            out[p][0] = in[from[p]][0];
            out[p][1] = sign * in[from[p]][1];
        }
}

static void turn_row(const msio_conv_block *b, const int *from, float sign, const double (*phasor)[2],
                     const float (*in)[2], float (*out)[2]) {
    const int pols = b->c->pols;
    for (int64_t ch = 0; ch < b->channels; ch++, in += pols, out += pols)
        for (int p = 0; p < pols; p++) {
            const double re = in[from[p]][0], im = in[from[p]][1];
            out[p][0] = (float)(re * phasor[ch][0] - im * phasor[ch][1]);
            out[p][1] = sign * (float)(re * phasor[ch][1] + im * phasor[ch][0]);
        }
}

static bool in_order(const int *from, int pols) {
    for (int p = 0; p < pols; p++)
        if (from[p] != p) return false;
    return true;
}

/* A row in the files' order: one run of numbers. */
static void conjugate_run(int64_t n, float sign, const float (*restrict in)[2], float (*restrict out)[2]) {
    for (int64_t i = 0; i < n; i++) {
        out[i][0] = in[i][0];
        out[i][1] = sign * in[i][1];
    }
}

static void visibilities(const msio_conv_block *b, int64_t i, double (*phasor)[2]) {
    const msio_conversion *c = b->c;
    const int64_t r = b->first + i;
    const bool turned = c->turned && c->turned[r];
    const int *from = turned ? c->swap : c->order;
    const float sign = turned ? 1 : -1;
    const float(*in)[2] = b->visdata + i * b->stride;
    float(*out)[2] = b->data + i * b->channels * c->pols;
    if (c->delay) {
        make_phasors(b, c->delay[r], phasor);
        turn_row(b, from, sign, (const double(*)[2])phasor, in, out);
    } else if (in_order(from, c->pols)) {
        conjugate_run(b->channels * c->pols, sign, in, out);
    } else {
        copy_row(b, from, sign, in, out);
    }
}

/* ---------------------------------------------------------------- flags and sample counts */

static void flags(const msio_conv_block *b, int64_t i, const int *from) {
    const int pols = b->c->pols;
    const uint8_t *in = b->flags + i * b->stride;
    uint8_t *out = b->flag + i * b->channels * pols;
    if (in_order(from, pols)) {
        memcpy(out, in, (size_t)(b->channels * pols));
        return;
    }
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
    bool same = true;
    for (int64_t i = 1; i < n && same; i++) same = values[i * step] == values[0];
    if (same) return values[0];
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

/* What a weight says of the noise; of no weight, nothing. */
static float sigma_of(float weight) { return weight == 0 ? 0 : (float)pow((double)weight, -0.5); }

static void weights(const msio_conv_block *b, int64_t i, const int *from, float *memory, float last[2]) {
    const int pols = b->c->pols;
    const float *in = b->nsamples + i * b->stride;
    float *out = b->spectrum + i * b->channels * pols;
    if (in_order(from, pols)) {
        memcpy(out, in, (size_t)(b->channels * pols) * sizeof *out);
    } else {
        for (int64_t ch = 0; ch < b->channels; ch++)
            for (int p = 0; p < pols; p++) out[ch * pols + p] = in[ch * pols + from[p]];
    }
    for (int p = 0; p < pols && b->weight; p++) {
        const float weight = median(out + p, b->channels, pols, memory);
        if (weight != last[0]) {
            last[0] = weight;
            last[1] = sigma_of(weight);
        }
        b->weight[i * pols + p] = weight;
        b->sigma[i * pols + p] = last[1];
    }
}

/* ---------------------------------------------------------------- rows */

msio_status msio_conv_values(const msio_conv_block *b, int64_t begin, int64_t end) {
    const msio_conversion *c = b->c;
    double(*phasor)[2] = malloc((size_t)b->channels * (sizeof *phasor + sizeof(float)));
    if (!phasor) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a row");
    float *memory = (float *)(phasor + b->channels), last[2] = {0, 0};
    for (int64_t i = begin; i < end; i++) {
        const int *from = c->turned && c->turned[b->first + i] ? c->swap : c->order;
        visibilities(b, i, phasor);
        flags(b, i, from);
        weights(b, i, from, memory, last);
    }
    free(phasor);
    return MSIO_OK;
}
