/* statistics_loops.h - the loops themselves: to be included by statistics_generic.c, statistics_avx2.c and
 * statistics_avx512.c, with MSIO_TARGET (the function attribute) and MSIO_WIDTH (bytes of a vector) defined. What is
 * asked for most is written in vectors, the rest so that compilers make vectors of it. Vectors are passed by address:
 * their place in registers is not the same for all instruction sets. */
#include "visibility/statistics_kernel.h"

#include <float.h>
#include <math.h>
#include <string.h>
#if MSIO_WIDTH == 32
#include <immintrin.h>
#endif

#define PARTS 8
#define WIDTH ((int)(MSIO_WIDTH / sizeof(double)))
#define VECTORS (PARTS / WIDTH)
#define LOOP_INLINE static inline __attribute__((always_inline)) MSIO_TARGET

typedef double vec __attribute__((vector_size(MSIO_WIDTH)));
typedef int64_t mask __attribute__((vector_size(MSIO_WIDTH)));
typedef uint64_t pairs __attribute__((vector_size(MSIO_WIDTH)));
typedef float singles __attribute__((vector_size(MSIO_WIDTH / 2)));
typedef uint32_t words __attribute__((vector_size(MSIO_WIDTH / 2)));
typedef uint8_t bytes __attribute__((vector_size(MSIO_WIDTH / 8)));

/* ---------------------------------------------------------------- vectors */

#if MSIO_WIDTH == 32 /* compilers make many small steps of the others' text */
LOOP_INLINE void load_single(const float *from, vec *to) { *to = (vec)_mm256_cvtps_pd(_mm_loadu_ps(from)); }

/* WIDTH complex numbers. */
LOOP_INLINE void load_complex(const float *from, vec *real, vec *imag) {
    const __m128 first = _mm_loadu_ps(from), second = _mm_loadu_ps(from + WIDTH);
    *real = (vec)_mm256_cvtps_pd(_mm_shuffle_ps(first, second, 0x88));
    *imag = (vec)_mm256_cvtps_pd(_mm_shuffle_ps(first, second, 0xdd));
}

/* NULL: nothing is flagged. */
LOOP_INLINE void load_unflagged(const uint8_t *flag, mask *to) {
    int four = 0;
    if (flag) memcpy(&four, flag, sizeof four);
    *to = (mask)_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four)) == 0;
}

LOOP_INLINE void root(vec *value) { *value = (vec)_mm256_sqrt_pd((__m256d)*value); }
LOOP_INLINE void keep_less(vec *least, const vec *value) {
    *least = (vec)_mm256_min_pd((__m256d)*value, (__m256d)*least);
}
LOOP_INLINE void keep_more(vec *most, const vec *value) { *most = (vec)_mm256_max_pd((__m256d)*value, (__m256d)*most); }
#else
LOOP_INLINE void load_single(const float *from, vec *to) {
    singles single;
    memcpy(&single, from, sizeof single);
    *to = __builtin_convertvector(single, vec);
}

/* WIDTH complex numbers. */
LOOP_INLINE void load_complex(const float *from, vec *real, vec *imag) {
    pairs both;
    memcpy(&both, from, sizeof both);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    both = both << 32 | both >> 32;
#endif
    *real = __builtin_convertvector((singles) __builtin_convertvector(both, words), vec);
    *imag = __builtin_convertvector((singles) __builtin_convertvector(both >> 32, words), vec);
}

/* NULL: nothing is flagged. By the sign of what is one less: clang 14 fails at a comparison of 512 bits with zero. */
LOOP_INLINE void load_unflagged(const uint8_t *flag, mask *to) {
    bytes b = {0};
    if (flag) memcpy(&b, flag, sizeof b);
    *to = (__builtin_convertvector(b, mask) - 1) >> 63;
}

LOOP_INLINE void root(vec *value) {
    double x[WIDTH];
    memcpy(x, value, sizeof x);
    for (int j = 0; j < WIDTH; j++) x[j] = sqrt(x[j]);
    memcpy(value, x, sizeof x);
}
LOOP_INLINE void keep_less(vec *least, const vec *value) {
    const mask less = *value < *least;
    *least = (vec)(((mask)*value & less) | ((mask)*least & ~less));
}
LOOP_INLINE void keep_more(vec *most, const vec *value) {
    const mask more = *value > *most;
    *most = (vec)(((mask)*value & more) | ((mask)*most & ~more));
}
#endif

LOOP_INLINE void keep_those(vec *value, const mask *which) { *value = (vec)((mask)*value & *which); }

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

/* Sums in eight parts, in vectors: with four to a vector all of them stay in registers. */
typedef struct parts {
    vec real[VECTORS], imag[VECTORS], amplitude[VECTORS], square[VECTORS], least[VECTORS];
    vec most[VECTORS]; /* 0 at least */
    mask count, bad;   /* from 0 down */
} parts;

/* Eight values, which are not unpacked. */
LOOP_INLINE void tally_eight(parts *p, const float *value, bool complex, const uint8_t *flag) {
    const vec none = {0};
    const mask infinite = (mask)(none + INFINITY);
    for (int i = 0; i < VECTORS; i++) {
        vec x, y = none;
        mask ok;
        if (complex)
            load_complex(value + 2 * WIDTH * i, &x, &y);
        else
            load_single(value + WIDTH * i, &x);
        load_unflagged(flag ? flag + WIDTH * i : NULL, &ok);
        vec a = x * x + y * y;
        const mask finite = a <= DBL_MAX;
        p->bad += ok & ~finite;
        ok &= finite;
        keep_those(&x, &ok);
        keep_those(&y, &ok);
        keep_those(&a, &ok);
        root(&a);
        p->count += ok;
        p->real[i] += x;
        p->imag[i] += y;
        p->amplitude[i] += a;
        p->square[i] += a * a;
        const vec low = (vec)((mask)a | (infinite & ~ok)); /* a is 0 where it does not count */
        keep_less(&p->least[i], &low);
        keep_more(&p->most[i], &a);
    }
}

/* The values behind the last eight, with others that are flagged. */
LOOP_INLINE void fill_eight(const msio_stats_row *row, int64_t from, float *value, uint8_t *flag) {
    const int64_t n = row->elements - from, each = row->complex ? 2 : 1;
    memset(value, 0, 2 * PARTS * sizeof *value);
    memcpy(value, row->value + each * from, (size_t)(each * n) * sizeof *value);
    for (int e = 0; e < PARTS; e++) flag[e] = e >= n || (row->flag && row->flag[from + e]);
}

LOOP_INLINE void tally_row(const msio_stats_row *row, bool complex, const uint8_t *flag, parts *p) {
    float value[2 * PARTS];
    uint8_t rest[PARTS];
    const int64_t whole = row->elements / PARTS * PARTS;
    for (int64_t e = 0; e < whole; e += PARTS)
        tally_eight(p, row->value + (complex ? 2 : 1) * e, complex, flag ? flag + e : NULL);
    if (whole == row->elements) return;
    fill_eight(row, whole, value, rest);
    tally_eight(p, value, complex, rest);
}

static MSIO_TARGET double add_vectors(const vec *part) {
    double each[PARTS];
    memcpy(each, part, sizeof each);
    return add_parts(each);
}

static MSIO_TARGET int64_t count_down(const mask *part) {
    int64_t each[WIDTH], sum = 0;
    memcpy(each, part, sizeof each);
    for (int j = 0; j < WIDTH; j++) sum -= each[j];
    return sum;
}

static MSIO_TARGET void tally(msio_stats_row *row, msio_sums *sums) {
    double least[PARTS], most[PARTS];
    const vec none = {0};
    parts p;
    for (int i = 0; i < VECTORS; i++) {
        p.real[i] = p.imag[i] = p.amplitude[i] = p.square[i] = p.most[i] = none;
        p.least[i] = none + INFINITY;
    }
    p.count = p.bad = (mask)none;
    if (row->complex && row->flag)
        tally_row(row, true, row->flag, &p);
    else if (row->complex)
        tally_row(row, true, NULL, &p);
    else
        tally_row(row, false, row->flag, &p);
    const int64_t count = count_down(&p.count);
    row->bad = count_down(&p.bad);
    sums->real += add_vectors(p.real);
    sums->imag += add_vectors(p.imag);
    sums->amplitude += add_vectors(p.amplitude);
    sums->square += add_vectors(p.square);
    memcpy(least, p.least, sizeof least);
    memcpy(most, p.most, sizeof most);
    for (int j = 0; j < PARTS && count; j++) {
        if (least[j] < sums->least) sums->least = least[j];
        if (most[j] > sums->most) sums->most = most[j];
    }
    sums->count += count;
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

/* What is added up of chi-squared; power and ok: NULL, or what each element gave. */
typedef struct chi_parts {
    vec sum[VECTORS];
    mask count; /* from 0 down */
} chi_parts;

/* Eight elements that are not unpacked; a difference is finite where both values are. weight NULL: 1. */
LOOP_INLINE void chi_eight(chi_parts *p, bool complex, const float *a, const float *b, const float *weight,
                           const uint8_t *flag, double *power, double *ok) {
    const vec none = {0};
    for (int i = 0; i < VECTORS; i++) {
        vec x, y = none, of_x, of_y = none, w = none + 1.0;
        mask good;
        if (complex) {
            load_complex(a + 2 * WIDTH * i, &x, &y);
            load_complex(b + 2 * WIDTH * i, &of_x, &of_y);
        } else {
            load_single(a + WIDTH * i, &x);
            load_single(b + WIDTH * i, &of_x);
        }
        if (weight) load_single(weight + WIDTH * i, &w);
        load_unflagged(flag ? flag + WIDTH * i : NULL, &good);
        x -= of_x;
        y -= of_y;
        vec square = x * x + y * y;
        good &= square <= DBL_MAX;
        if (weight) good &= (w >= 0.0) & (w <= FLT_MAX);
        square *= w;
        keep_those(&square, &good);
        p->sum[i] += square;
        p->count += good;
        if (!power) continue;
        vec one = none + 1.0;
        keep_those(&one, &good);
        memcpy(power + WIDTH * i, &square, sizeof square);
        memcpy(ok + WIDTH * i, &one, sizeof one);
    }
}

/* apart: how far the weights of the next eight are, 0: all eights have the same. */
LOOP_INLINE void chi_row(const msio_stats_row *data, const msio_stats_row *model, bool complex, const float *weight,
                         int apart, const uint8_t *flag, double *power, double *ok, chi_parts *p) {
    const int64_t n = data->elements, whole = n / PARTS * PARTS, each = complex ? 2 : 1;
    float a[2 * PARTS], b[2 * PARTS], w[PARTS] = {0};
    uint8_t rest[PARTS];
    for (int64_t e = 0; e < whole; e += PARTS)
        chi_eight(p, complex, data->value + each * e, model->value + each * e,
                  weight ? weight + e / PARTS * apart : NULL, flag ? flag + e : NULL, power ? power + e : NULL,
                  ok ? ok + e : NULL);
    if (whole == n) return;
    fill_eight(model, whole, b, rest);
    fill_eight(data, whole, a, rest);
    for (int64_t e = whole; weight && e < n; e++) w[e - whole] = weight[apart ? e : e - whole];
    chi_eight(p, complex, a, b, weight ? w : NULL, rest, power ? power + whole : NULL, ok ? ok + whole : NULL);
}

/* Weights of correlations, which come in turns, for each of eight elements; false: eights differ. */
static bool repeat_weights(const float *weight, int64_t corrs, float *eight) {
    if (PARTS % corrs) return false;
    for (int j = 0; j < PARTS; j++) eight[j] = weight[j % corrs];
    return true;
}

static MSIO_TARGET void chi_raw(const msio_stats_row *data, const msio_stats_row *model, const float *weight,
                                int64_t corrs, float *spread_weights, double *power, double *ok, msio_chi *to) {
    const uint8_t *flag = data->flag;
    float eight[PARTS];
    const vec none = {0};
    chi_parts p;
    for (int i = 0; i < VECTORS; i++) p.sum[i] = none;
    p.count = (mask)none;
    int apart = PARTS;
    if (weight && corrs && repeat_weights(weight, corrs, eight)) {
        weight = eight;
        apart = 0;
    } else if (weight && corrs) {
        for (int64_t e = 0; e < data->elements; e++) spread_weights[e] = weight[e % corrs];
        weight = spread_weights;
    }
    if (data->complex && weight && apart && flag && !power)
        chi_row(data, model, true, weight, PARTS, flag, NULL, NULL, &p);
    else if (data->complex && !power)
        chi_row(data, model, true, weight, apart, flag, NULL, NULL, &p);
    else
        chi_row(data, model, data->complex, weight, apart, flag, power, ok, &p);
    to->sum += add_vectors(p.sum);
    to->count += count_down(&p.count);
}
