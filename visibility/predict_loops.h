/* predict_loops.h - the loops themselves: to be included by predict_generic.c, predict_avx2.c and predict_avx512.c,
 * with MSIO_TARGET (the function attribute) and MSIO_WIDTH (bytes of a vector) defined. */
#include "core/turns.h"
#include "visibility/predict_kernel.h"

#define WIDTH ((int)(MSIO_WIDTH / sizeof(double)))
#define PARTS (MSIO_LANES / WIDTH)
#define LOOP_INLINE MSIO_LOOP_INLINE

typedef msio_vec vec;
typedef msio_vec_bits bits;

#define SIGN_BIT INT64_MIN

/* ---------------------------------------------------------------- functions of vectors */

/* exp(-x) of 0 <= x; beyond 700 that of 700, which is nothing beside any flux. */
LOOP_INLINE void exp_minus(const vec *from, vec *to) {
    const bits far = *from > 700.0;
    const vec limit = {0};
    const vec x = (vec)(((bits)*from & ~far) | ((bits)(limit + 700.0) & far));
    const vec shifted = x * 1.44269504088896340736 + MSIO_ROUNDER, whole = shifted - MSIO_ROUNDER;
    const vec r = whole * 0.693147180369123816490 - x + whole * 1.90821492927058770002e-10;
    vec sum = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
    sum = sum * r + 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    sum = sum * r + 1.0;
    sum = sum * r + 1.0;
    *to = (vec)((bits)sum - ((bits)shifted << 52));
}

/* sin(pi x) / (pi x) */
LOOP_INLINE void sinc(const vec *from, vec *to) {
    const vec zero = {0}, half = *from * 0.5;
    const bits near = (*from < 1e-6) & (*from > -1e-6);
    const vec below = (vec)(((bits)*from & ~near) | ((bits)(zero + 1.0) & near));
    vec cosine, sine;
    msio_cos_sin(&half, &cosine, &sine);
    const vec quotient = sine / (below * 3.14159265358979323846);
    *to = (vec)(((bits)quotient & ~near) | ((bits)(zero + 1.0) & near));
}

/* ---------------------------------------------------------------- one component */

/* A component in PARTS vectors of rows: its delay, phasor, envelope, and what they change by a channel. */
typedef struct beam {
    vec delay[PARTS], cosine[PARTS], sine[PARTS], turn_cosine[PARTS], turn_sine[PARTS];
    vec spread[PARTS], envelope[PARTS], ratio[PARTS], ratio_step[PARTS];
    vec delay_span[PARTS]; /* what the delay changes by in an integration */
} beam;

LOOP_INLINE void load(const double *from, vec *to) { memcpy(to, from, sizeof *to); }

/* The delays, and the factor of f^2 in the envelope's exponent. */
LOOP_INLINE void aim(const msio_stretch *s, int64_t k, bool gaussian, beam *b) {
    const double *lmn = s->lmn[k], *g = s->gauss[k];
    for (int i = 0; i < PARTS; i++) {
        vec u, v, w;
        load(s->u + i * WIDTH, &u);
        load(s->v + i * WIDTH, &v);
        load(s->w + i * WIDTH, &w);
        b->delay[i] = u * lmn[0] + v * lmn[1] + w * lmn[2];
        if (gaussian) b->spread[i] = u * u * g[0] + u * v * g[1] + v * v * g[2];
    }
}

LOOP_INLINE void begin_even(const msio_stretch *s, bool gaussian, beam *b) {
    const double f = s->frequency[0], d = s->step;
    for (int i = 0; i < PARTS; i++) {
        const vec phase = b->delay[i] * f, turn = b->delay[i] * d;
        msio_cos_sin(&phase, &b->cosine[i], &b->sine[i]);
        msio_cos_sin(&turn, &b->turn_cosine[i], &b->turn_sine[i]);
        if (!gaussian) continue;
        /* exp(-a f^2) at f + d is that at f, times exp(-a (2 f d + d^2)), which itself changes by exp(-2 a d^2) */
        const vec first = b->spread[i] * (f * f), second = b->spread[i] * (2.0 * f * d + d * d),
                  third = b->spread[i] * (2.0 * d * d);
        exp_minus(&first, &b->envelope[i]);
        exp_minus(&second, &b->ratio[i]);
        exp_minus(&third, &b->ratio_step[i]);
    }
}

LOOP_INLINE void begin_channel(const msio_stretch *s, int c, bool gaussian, beam *b) {
    const double f = s->frequency[c];
    for (int i = 0; i < PARTS; i++) {
        const vec phase = b->delay[i] * f;
        msio_cos_sin(&phase, &b->cosine[i], &b->sine[i]);
        if (!gaussian) continue;
        const vec exponent = b->spread[i] * (f * f);
        exp_minus(&exponent, &b->envelope[i]);
    }
}

/* The change of delay; none where times do not smear. */
LOOP_INLINE void aim_spans(const msio_stretch *s, int64_t k, beam *b) {
    const double *lmn = s->lmn[k];
    for (int i = 0; i < PARTS; i++) {
        vec u, v, w;
        b->delay_span[i] = (vec){0};
        if (!s->u_span) continue;
        load(s->u_span + i * WIDTH, &u);
        load(s->v_span + i * WIDTH, &v);
        load(s->w_span + i * WIDTH, &w);
        b->delay_span[i] = u * lmn[0] + v * lmn[1] + w * lmn[2];
    }
}

/* The envelope of a channel, times what is left of phases that turn within the channel and the integration. */
LOOP_INLINE void smear(const msio_stretch *s, int c, bool gaussian, beam *b) {
    const vec one = (vec){0} + 1.0;
    for (int i = 0; i < PARTS; i++) {
        vec left, envelope = gaussian ? b->envelope[i] : one;
        if (s->width) {
            const vec turns = b->delay[i] * s->width[c];
            sinc(&turns, &left);
            envelope *= left;
        }
        if (s->u_span) {
            const vec turns = b->delay_span[i] * s->frequency[c];
            sinc(&turns, &left);
            envelope *= left;
        }
        b->envelope[i] = envelope;
    }
}

LOOP_INLINE void go_on(bool gaussian, beam *b) {
    for (int i = 0; i < PARTS; i++) {
        const vec cosine = b->cosine[i] * b->turn_cosine[i] - b->sine[i] * b->turn_sine[i];
        b->sine[i] = b->cosine[i] * b->turn_sine[i] + b->sine[i] * b->turn_cosine[i];
        b->cosine[i] = cosine;
        if (!gaussian) continue;
        b->envelope[i] *= b->ratio[i];
        b->ratio[i] *= b->ratio_step[i];
    }
}

/* Adds the component at one channel to the sums. */
LOOP_INLINE void add_up(const msio_stretch *s, const double *flux, int c, int planes, bool gaussian, const beam *b) {
    for (int p = 0; p < planes; p++) {
        const double jansky = flux[p * s->flux_plane + c];
        double *sum = s->sum + ((int64_t)p * s->channels + c) * 2 * MSIO_LANES;
        for (int i = 0; i < PARTS; i++) {
            vec real, imag, cosine = b->cosine[i], sine = b->sine[i];
            if (gaussian) {
                cosine *= b->envelope[i];
                sine *= b->envelope[i];
            }
            load(sum + i * WIDTH, &real);
            load(sum + MSIO_LANES + i * WIDTH, &imag);
            real += cosine * jansky;
            imag += sine * jansky;
            memcpy(sum + i * WIDTH, &real, sizeof real);
            memcpy(sum + MSIO_LANES + i * WIDTH, &imag, sizeof imag);
        }
    }
}

LOOP_INLINE void one_component(const msio_stretch *s, int64_t k, int planes, bool gaussian) {
    const double *flux = s->flux + k * s->flux_component;
    beam b;
    aim(s, k, gaussian, &b);
    if (s->even && (!gaussian || s->step >= 0.0)) { /* an envelope that grows would multiply what was cut off */
        begin_even(s, gaussian, &b);
        for (int c = 0; c < s->channels; c++) {
            add_up(s, flux, c, planes, gaussian, &b);
            go_on(gaussian, &b);
        }
        return;
    }
    for (int c = 0; c < s->channels; c++) {
        begin_channel(s, c, gaussian, &b);
        add_up(s, flux, c, planes, gaussian, &b);
    }
}

LOOP_INLINE void one_smeared(const msio_stretch *s, int64_t k, bool gaussian) {
    const double *flux = s->flux + k * s->flux_component;
    beam b;
    aim(s, k, gaussian, &b);
    aim_spans(s, k, &b);
    for (int c = 0; c < s->channels; c++) {
        begin_channel(s, c, gaussian, &b);
        smear(s, c, gaussian, &b);
        add_up(s, flux, c, s->planes, true, &b);
    }
}

static MSIO_TARGET void run_stretch(const msio_stretch *s) {
    for (int64_t k = 0; k < s->components; k++) {
        const double *g = s->gauss[k];
        const bool gaussian = g[0] != 0.0 || g[2] != 0.0;
        const bool smears = s->width || s->u_span;
        if (smears && gaussian)
            one_smeared(s, k, true);
        else if (smears)
            one_smeared(s, k, false);
        else if (s->planes == 1 && !gaussian)
            one_component(s, k, 1, false);
        else if (s->planes == 1)
            one_component(s, k, 1, true);
        else if (!gaussian)
            one_component(s, k, s->planes, false);
        else
            one_component(s, k, s->planes, true);
    }
}

/* ---------------------------------------------------------------- into cells */

/* Singles of a vector's doubles, and their bits widened. */
typedef float singles __attribute__((vector_size(MSIO_WIDTH / 2)));
typedef uint32_t words __attribute__((vector_size(MSIO_WIDTH / 2)));
typedef uint64_t pairs __attribute__((vector_size(MSIO_WIDTH)));

LOOP_INLINE void widen(const vec *from, pairs *to) {
    const singles single = __builtin_convertvector(*from, singles);
    *to = __builtin_convertvector((words)single, pairs);
}

/* One correlation of a channel: single complex numbers. */
LOOP_INLINE void mix_lanes(const msio_mix *m, int64_t at, uint64_t sign, uint64_t *pair) {
    static const double zeros[2 * MSIO_LANES];
    const double *one = m->one ? m->one + at : zeros, *two = m->two ? m->two + at : NULL;
    for (int i = 0; i < MSIO_LANES; i += WIDTH) {
        vec real, imag, x, y;
        pairs first, second;
        load(one + i, &real);
        load(one + MSIO_LANES + i, &imag);
        if (two) {
            load(two + i, &x);
            load(two + MSIO_LANES + i, &y);
            real += m->sign * (m->turned ? -y : x);
            imag += m->sign * (m->turned ? x : y);
        }
        widen(&real, &first);
        widen(&imag, &second);
        second ^= sign;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        first = first << 32 | second;
#else
        first |= second << 32;
#endif
        memcpy(pair + i, &first, sizeof first);
    }
}

/* A channel's correlations are put side by side; corrs: known when this is compiled. */
LOOP_INLINE void replace_of(const msio_cells *cells, int corrs) {
    const uint64_t sign = cells->conjugate ? (uint64_t)1 << 31 : 0;
    for (int c = 0; c < cells->channels; c++) {
        uint64_t pair[MSIO_MOST_CORRS][MSIO_LANES];
        for (int p = 0; p < corrs; p++) mix_lanes(&cells->mix[p], (int64_t)c * 2 * MSIO_LANES, sign, pair[p]);
        float *to = cells->out + 2 * corrs * c;
        for (int r = 0; r < cells->rows; r++, to += cells->row) {
            uint64_t cell[MSIO_MOST_CORRS];
            for (int p = 0; p < corrs; p++) cell[p] = pair[p][r];
            memcpy(to, cell, (size_t)corrs * sizeof *cell);
        }
    }
}

static MSIO_TARGET void replace(const msio_cells *cells) {
    switch (cells->corrs) {
    case 1: replace_of(cells, 1); break;
    case 2: replace_of(cells, 2); break;
    case 3: replace_of(cells, 3); break;
    default: replace_of(cells, 4); break;
    }
}
