/* simulate_values.c - the closed formulas of a simulated Measurement Set's main table (docs/simulation.md).
 *
 * Most columns count: element n of a column, in memory order, holds (step * n) mod p, shifted and scaled by a power of
 * two, which a float holds exactly; p is prime. Complex elements count to two primes at once, so that no two of the
 * first 2.8e14 elements are equal, and an element in the wrong place is seen.
 */
#include "io/simulate/simulate_ms.h"

#include "core/checked.h"
#include "core/random.h"

#include <math.h>
#include <string.h>

/* The largest primes below 2^24, and the largest below 2^23. */
#define PRIME_REAL 16777213
#define PRIME_IMAG 16777199
#define PRIME_WEIGHT 8388593
#define TWO_PI 6.283185307179586476925

double msio_sim_time(int64_t t) { return 5200000000.0 + (double)(12885 * t) / 1000.0; }

double msio_sim_frequency(const msio_sim *sim, int spw, int channel) {
    return 1311375000.0 + MSIO_SIM_CHANNEL_WIDTH * ((double)spw * sim->channels + channel);
}

/* DSA-110 lists 117 antennas, of which 96 are in the data. */
int msio_sim_listed(int antennas) { return (int)msio_div_up((int64_t)antennas * 39, 32); }

/* Antennas stand on a grid that is tilted to OVRO's ground: east is (7, -4, 0)/8, north (2, 4, 6)/8. */
void msio_sim_antenna_offset(int64_t antenna, double offset[3]) {
    const double east = 25.0 * (double)(antenna - 48), north = 20.0 * (double)((antenna * 7) % 59);
    offset[0] = (7.0 * east + 2.0 * north) / 8.0;
    offset[1] = (-4.0 * east + 4.0 * north) / 8.0;
    offset[2] = 6.0 * north / 8.0;
}

/* ---------------------------------------------------------------- counting */

/* A counter modulo a prime, and how its value becomes a number: (value - shift) * scale. */
typedef struct counter {
    int64_t step, prime;
    int32_t shift;
    double scale;
} counter;

/* Elements that can be counted from value on before the prime is reached; at least 1. */
static int64_t run_length(const counter *c, int64_t value, int64_t left) {
    return msio_min(left, msio_div_up(c->prime - value, c->step));
}

/* Writes elements first .. first + count - 1 of the count to out, out + stride, ... */
static void count_floats(const counter *c, int64_t first, int64_t count, float *out, int64_t stride) {
    const float scale = (float)c->scale;
    const int32_t step = (int32_t)c->step;
    int64_t value = c->step * first % c->prime;
    while (count > 0) {
        const int64_t run = run_length(c, value, count);
        const int32_t start = (int32_t)value - c->shift;
        for (int64_t i = 0; i < run; i++) out[i * stride] = (float)(start + (int32_t)i * step) * scale;
        out += run * stride;
        count -= run;
        value += run * c->step - c->prime;
    }
}

static void count_doubles(const counter *c, int64_t first, int64_t count, double *out) {
    int64_t value = c->step * first % c->prime;
    for (int64_t i = 0; i < count; i++) {
        out[i] = (double)(value - c->shift) * c->scale;
        value += c->step;
        if (value >= c->prime) value -= c->prime;
    }
}

/* Complex elements: the real part counts up, the imaginary part down; both lie in -8 .. 8. */
static void count_complex(int step_real, int step_imag, int64_t first, int64_t count, float *out) {
    const counter real = {step_real, PRIME_REAL, PRIME_REAL / 2, 1.0 / (1 << 20)};
    const counter imag = {step_imag, PRIME_IMAG, PRIME_IMAG / 2, -1.0 / (1 << 20)};
    count_floats(&real, first, count, out, 2);
    count_floats(&imag, first, count, out + 1, 2);
}

/* Weights: 1 .. 2. */
static void count_weights(int step, int64_t first, int64_t count, float *out) {
    const counter weight = {step, PRIME_WEIGHT, -(1 << 23), 1.0 / (1 << 23)};
    count_floats(&weight, first, count, out, 1);
}

/* ---------------------------------------------------------------- columns of arrays */

static int64_t cell_elements(const msio_sim *sim) { return (int64_t)sim->channels * sim->corrs; }

void msio_sim_fill_data(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    count_complex(1, 3, row * cell_elements(sim), rows * cell_elements(sim), out);
}

void msio_sim_fill_model(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    count_complex(5, 7, row * cell_elements(sim), rows * cell_elements(sim), out);
}

void msio_sim_fill_corrected(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    count_complex(9, 11, row * cell_elements(sim), rows * cell_elements(sim), out);
}

void msio_sim_fill_weight_spectrum(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    count_weights(13, row * cell_elements(sim), rows * cell_elements(sim), out);
}

void msio_sim_fill_weight(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    count_weights(17, row * sim->corrs, rows * sim->corrs, out);
}

void msio_sim_fill_sigma(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    count_weights(19, row * sim->corrs, rows * sim->corrs, out);
}

void msio_sim_fill_imaging_weight(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    count_weights(23, row * sim->channels, rows * sim->channels, out);
}

/* All windows have the same: their rows are the same baselines at the same times. */
void msio_sim_fill_uvw(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    const counter metres = {29, PRIME_REAL, PRIME_REAL / 2, 1.0 / 1024};
    const int64_t of_window = (int64_t)sim->baselines * sim->times;
    double *values = out;
    while (rows > 0) {
        const int64_t from = row % of_window, count = msio_min(rows, of_window - from);
        count_doubles(&metres, 3 * from, 3 * count, values);
        values += 3 * count;
        row += count;
        rows -= count;
    }
}

/* Flagged: every 37th element, and the first 64 of every 8191. */
void msio_sim_fill_flag(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    uint8_t *flags = out;
    const int64_t first = row * cell_elements(sim), end = first + rows * cell_elements(sim);
    memset(flags, 0, (size_t)(end - first));
    for (int64_t n = msio_div_up(first, 37) * 37; n < end; n += 37) flags[n - first] = 1;
    for (int64_t n = first / 8191 * 8191; n < end; n += 8191) {
        const int64_t from = msio_max(n, first), to = msio_min(n + 64, end);
        if (from < to) memset(flags + (from - first), 1, (size_t)(to - from));
    }
}

/* ---------------------------------------------------------------- columns of scalars */

/* Baseline number, integration and spectral window of a row: rows are window by window, then time by time. */
static int64_t row_baseline(const msio_sim *sim, int64_t row) { return row % sim->baselines; }

static int64_t row_time(const msio_sim *sim, int64_t row) { return row / sim->baselines % sim->times; }

static int64_t row_spw(const msio_sim *sim, int64_t row) { return row / sim->baselines / sim->times; }

int32_t msio_sim_baseline_antennas(const msio_sim *sim, int64_t baseline, int32_t *second) {
    int32_t first = 0;
    for (int64_t pairs = sim->antennas; baseline >= pairs; pairs--, first++) baseline -= pairs;
    *second = first + (int32_t)baseline;
    return first;
}

void msio_sim_fill_antenna1(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    int32_t *values = out, second;
    int32_t first = msio_sim_baseline_antennas(sim, row_baseline(sim, row), &second);
    for (int64_t i = 0; i < rows; i++) {
        values[i] = first;
        if (++second == sim->antennas) second = first = first + 1 == sim->antennas ? 0 : first + 1;
    }
}

void msio_sim_fill_antenna2(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    int32_t *values = out, second;
    int32_t first = msio_sim_baseline_antennas(sim, row_baseline(sim, row), &second);
    for (int64_t i = 0; i < rows; i++) {
        values[i] = second;
        if (++second == sim->antennas) second = first = first + 1 == sim->antennas ? 0 : first + 1;
    }
}

void msio_sim_fill_data_desc(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    int32_t *values = out;
    for (int64_t i = 0; i < rows; i++) values[i] = (int32_t)row_spw(sim, row + i);
}

void msio_sim_fill_field(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    int32_t *values = out;
    for (int64_t i = 0; i < rows; i++) values[i] = (int32_t)row_time(sim, row + i);
}

/* Eight integrations a scan; scans count from 1. */
void msio_sim_fill_scan(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    int32_t *values = out;
    for (int64_t i = 0; i < rows; i++) values[i] = 1 + (int32_t)(row_time(sim, row + i) / 8);
}

void msio_sim_fill_zero(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    (void)sim, (void)row;
    memset(out, 0, (size_t)rows * sizeof(int32_t));
}

void msio_sim_fill_flag_row(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    (void)sim;
    uint8_t *values = out;
    for (int64_t i = 0; i < rows; i++) values[i] = (row + i) % 4001 == 17;
}

void msio_sim_fill_time(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    double *values = out;
    for (int64_t i = 0; i < rows; i++) values[i] = msio_sim_time(row_time(sim, row + i));
}

void msio_sim_fill_interval(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    (void)sim, (void)row;
    double *values = out;
    for (int64_t i = 0; i < rows; i++) values[i] = MSIO_SIM_INTERVAL;
}

/* ---------------------------------------------------------------- with a sky */

static void fill_floats(float value, int64_t count, void *out) {
    float *values = out;
    for (int64_t i = 0; i < count; i++) values[i] = value;
}

static void fill_sky_weight(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    (void)row;
    fill_floats(sim->sky->weight, rows * sim->corrs, out);
}

static void fill_sky_sigma(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    (void)row;
    fill_floats(sim->sky->sigma, rows * sim->corrs, out);
}

static void fill_sky_weight_spectrum(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    (void)row;
    fill_floats(sim->sky->weight, rows * cell_elements(sim), out);
}

static void fill_sky_imaging_weight(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    (void)row;
    fill_floats(sim->sky->weight, rows * sim->channels, out);
}

static void fill_unflagged(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    (void)row;
    memset(out, 0, (size_t)(rows * cell_elements(sim)));
}

static void fill_unflagged_row(const msio_sim *sim, int64_t row, int64_t rows, void *out) {
    (void)sim, (void)row;
    memset(out, 0, (size_t)rows);
}

msio_sim_fill *msio_sim_fill_of(const msio_sim *sim, msio_sim_fill *formula) {
    if (!sim->sky) return formula;
    const struct {
        msio_sim_fill *formula, *sky;
    } all[] = {
        {msio_sim_fill_data, sim->sky->data},
        {msio_sim_fill_corrected, sim->sky->data},
        {msio_sim_fill_model, sim->sky->model},
        {msio_sim_fill_uvw, sim->sky->uvw},
        {msio_sim_fill_weight, fill_sky_weight},
        {msio_sim_fill_sigma, fill_sky_sigma},
        {msio_sim_fill_weight_spectrum, fill_sky_weight_spectrum},
        {msio_sim_fill_imaging_weight, fill_sky_imaging_weight},
        {msio_sim_fill_flag, fill_unflagged},
        {msio_sim_fill_flag_row, fill_unflagged_row},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].formula == formula) return all[i].sky;
    return formula;
}

/* Box and Muller's formula, of the bits that belong to the element's number. */
void msio_sim_add_noise(double sigma, uint64_t seed, int64_t first, int64_t count, float *out) {
    uint64_t state = seed + (uint64_t)first * MSIO_RANDOM_STEP;
    for (int64_t i = 0; i < count; i++) {
        const uint64_t bits = msio_random_bits(&state);
        const double length = ((double)(bits >> 32) + 0.5) / 4294967296.0;
        const double angle = TWO_PI * ((double)(bits & 0xffffffffu) / 4294967296.0);
        const double radius = sigma * sqrt(-2.0 * log(length));
        out[2 * i] += (float)(radius * cos(angle));
        out[2 * i + 1] += (float)(radius * sin(angle));
    }
}
