/* gains.c - gains of antennas: random in amplitude and phase, smooth along the channels. */
#include "visibility/gains.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TWO_PI 6.283185307179586476925

/* 0 <= x < 1. */
static double uniform(uint64_t *state) { return (double)(msio_random_bits(state) >> 11) * 0x1p-53; }

/* Amplitude and phase of the whole, and a slow wave along the channels in each. */
static void fill_one(const msio_gains *g, int64_t which, uint64_t seed, double *value) {
    uint64_t state = seed + 8 * (uint64_t)which * MSIO_RANDOM_STEP;
    const double amplitude = 0.8 + 0.4 * uniform(&state), phase = TWO_PI * uniform(&state);
    const double wave = TWO_PI * uniform(&state), other = TWO_PI * uniform(&state);
    for (int64_t c = 0; c < g->channels; c++) {
        const double x = TWO_PI * (double)c / (double)g->channels;
        const double a = amplitude * (1.0 + 0.1 * cos(x + wave)), p = phase + 0.2 * sin(x + other);
        value[2 * c] = a * cos(p);
        value[2 * c + 1] = a * sin(p);
    }
}

msio_status msio_gains_make(int antennas, int receptors, int64_t channels, uint64_t seed, msio_gains *gains) {
    msio_gains g = {.antennas = antennas, .receptors = receptors, .channels = channels};
    const int64_t factors[] = {antennas, receptors, channels, 16};
    int64_t bytes;
    if (msio_product_checked(4, factors, &bytes)) g.value = malloc((size_t)bytes + 1);
    if (!g.value) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the gains of %d antennas", antennas);
    for (int64_t i = 0; i < (int64_t)antennas * receptors; i++) fill_one(&g, i, seed, g.value + 2 * i * channels);
    *gains = g;
    return MSIO_OK;
}

void msio_gains_free(msio_gains *gains) {
    free(gains->value);
    gains->value = NULL;
}

/* The header's length makes the values begin at a multiple of 64 bytes. */
static int write_values(const msio_gains *g, FILE *file) {
    const uint16_t one = 1;
    const char order = *(const uint8_t *)&one ? '<' : '>';
    char text[160];
    const int used =
        snprintf(text, sizeof text, "{'descr': '%cc16', 'fortran_order': False, 'shape': (%d, %d, %lld), }", order,
                 g->antennas, g->receptors, (long long)g->channels);
    const int length = (int)(msio_div_up(10 + used + 1, 64) * 64 - 10);
    const uint8_t head[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)(length & 255), (uint8_t)(length >> 8)};
    const size_t n = 2 * (size_t)g->antennas * (size_t)g->receptors * (size_t)g->channels;
    fwrite(head, 1, sizeof head, file);
    fprintf(file, "%s%*s", text, length - used, "\n");
    return fwrite(g->value, sizeof *g->value, n, file) == n;
}

msio_status msio_gains_write(const msio_gains *gains, const char *path, msio_making **making) {
    msio_status status = msio_making_begin(path, making);
    if (status) return status;
    FILE *file = fopen(msio_making_place(*making), "wbex");
    int good = file && write_values(gains, file);
    if (!file || fclose(file) != 0) good = 0;
    return good ? MSIO_OK : msio_error_system(MSIO_E_IO, path, "the gains cannot be written");
}
