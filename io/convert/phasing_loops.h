/* phasing_loops.h - the loops themselves: to be included by phasing_generic.c, phasing_avx2.c and phasing_avx512.c,
 * with MSIO_TARGET (the function attribute) and MSIO_WIDTH (bytes of a vector) defined. No product and sum may be
 * rounded as one (-ffp-contract=off): so all give the same bytes. */
#include "core/turns.h"
#include "io/convert/phasing_kernel.h"

#include <string.h>

#define WIDTH ((int)(MSIO_WIDTH / sizeof(double)))
/* Channels whose phasors are made at a time. */
#define CHANNELS MSIO_PHASING_GROUP

/* Two visibilities. */
typedef float pair __attribute__((vector_size(16)));
typedef double wide __attribute__((vector_size(32)));
typedef int64_t wide_bits __attribute__((vector_size(32)));
typedef uint32_t pair_bits __attribute__((vector_size(16)));
typedef uint64_t pair_cells __attribute__((vector_size(16)));

#define SIGN ((uint32_t)1 << 31)

/* Phasors of up to CHANNELS channels, cosine and sine; of those behind the last, what a double may be. */
MSIO_LOOP_INLINE void make_phasors(const double *from, int64_t n, double seconds, double *cosine, double *sine) {
    double frequency[CHANNELS] = {0};
    memcpy(frequency, from, (size_t)n * sizeof *frequency);
    for (int i = 0; i < CHANNELS; i += WIDTH) {
        msio_vec turns, c, s;
        memcpy(&turns, frequency + i, sizeof turns);
        turns *= seconds;
        msio_cos_sin(&turns, &c, &s);
        memcpy(cosine + i, &c, sizeof c);
        memcpy(sine + i, &s, sizeof s);
    }
}

MSIO_TARGET static void phase_antenna(int64_t channels, const double *frequency, double seconds, double *phasors) {
    const int64_t room = msio_phasing_room(channels);
    for (int64_t first = 0; first < channels; first += CHANNELS) {
        const int64_t left = channels - first, n = left < CHANNELS ? left : CHANNELS;
        make_phasors(frequency + first, n, seconds, phasors + first, phasors + room + first);
    }
}

/* The second antenna's phasors, turned back by the first one's. */
MSIO_LOOP_INLINE void multiply_phasors(const msio_phasing *row, int64_t first, double *cosine, double *sine) {
    const double *a = row->first + first, *b = row->second + first;
    const int64_t room = msio_phasing_room(row->channels);
    for (int i = 0; i < CHANNELS; i += WIDTH) {
        msio_vec ca, sa, cb, sb, c, s;
        memcpy(&ca, a + i, sizeof ca);
        memcpy(&sa, a + room + i, sizeof sa);
        memcpy(&cb, b + i, sizeof cb);
        memcpy(&sb, b + room + i, sizeof sb);
        c = cb * ca + sb * sa;
        s = sb * ca - cb * sa;
        memcpy(cosine + i, &c, sizeof c);
        memcpy(sine + i, &s, sizeof s);
    }
}

/* Two visibilities from anywhere; in their order where they lie side by side. */
MSIO_LOOP_INLINE void load_pair(const float (*one)[2], const float (*other)[2], bool beside, pair *v) {
    if (beside) {
        memcpy(v, one, sizeof *v);
        return;
    }
    uint64_t a, b;
    memcpy(&a, one, sizeof a);
    memcpy(&b, other, sizeof b);
    *v = (pair)(pair_cells){a, b};
}

/* (re + i im)(c - i s) = re c + im s + i (im c - re s), of two visibilities and their phasors. */
MSIO_LOOP_INLINE void turn_pair(pair *v, const double *cosine, const double *sine, int one, int other) {
    const double a = cosine[one], b = cosine[other], p = sine[one], q = sine[other];
    const wide_bits signs = {0, INT64_MIN, 0, INT64_MIN};
    const wide c = {a, a, b, b}, sines = {p, p, q, q}, s = (wide)((wide_bits)sines ^ signs);
    const wide x = __builtin_convertvector(*v, wide), y = __builtin_shufflevector(x, x, 1, 0, 3, 2);
    *v = __builtin_convertvector(x * c + y * s, pair);
}

/* n channels of which the phasors are known; pols, ordered and turned are constants where this is built in. */
MSIO_LOOP_INLINE void do_channels(const msio_phasing *row, int64_t first, int64_t n, int pols, bool ordered,
                                  bool turned, const double *cosine, const double *sine) {
    const pair_bits flip = row->conjugate ? (pair_bits){0, SIGN, 0, SIGN} : (pair_bits){0};
    const float(*in)[2] = row->in + first * pols;
    float(*out)[2] = row->out + first * pols;
    const int64_t cells = n * pols;
    int64_t i = 0;
    for (; i + 2 <= cells; i += 2) {
        const int one = (int)(i / pols), other = pols % 2 ? (int)((i + 1) / pols) : one;
        pair v;
        load_pair(in + (ordered ? i : one * pols + row->from[i % pols]),
                  in + (ordered ? i + 1 : other * pols + row->from[(i + 1) % pols]), ordered, &v);
        if (turned) turn_pair(&v, cosine, sine, one, other);
        v = (pair)((pair_bits)v ^ flip);
        memcpy(out + i, &v, sizeof v);
    }
    if (i == cells) return;
    pair v = {0}; /* the last one of an odd number */
    memcpy(&v, in + (ordered ? i : i / pols * pols + row->from[i % pols]), sizeof *in);
    if (turned) turn_pair(&v, cosine, sine, (int)(i / pols), (int)(i / pols));
    v = (pair)((pair_bits)v ^ flip);
    memcpy(out + i, &v, sizeof *out);
}

MSIO_LOOP_INLINE void do_row(const msio_phasing *row, int pols, bool ordered, bool turned) {
    double cosine[CHANNELS], sine[CHANNELS];
    for (int64_t first = 0; first < row->channels; first += CHANNELS) {
        const int64_t left = row->channels - first, n = left < CHANNELS ? left : CHANNELS;
        if (turned && row->first)
            multiply_phasors(row, first, cosine, sine);
        else if (turned)
            make_phasors(row->frequency + first, n, row->seconds, cosine, sine);
        if (n == CHANNELS)
            do_channels(row, first, CHANNELS, pols, ordered, turned, cosine, sine);
        else
            do_channels(row, first, n, pols, ordered, turned, cosine, sine);
    }
}

MSIO_LOOP_INLINE void do_pols(const msio_phasing *row, int pols, bool ordered) {
    if (row->frequency)
        do_row(row, pols, ordered, true);
    else
        do_row(row, pols, ordered, false);
}

/* A body for each number of polarizations. */
MSIO_TARGET static void phase_row(const msio_phasing *row) {
    bool ordered = true;
    for (int p = 0; p < row->pols; p++) ordered = ordered && row->from[p] == p;
    switch (row->pols) {
    case 1: do_pols(row, 1, true); break;
    case 2: ordered ? do_pols(row, 2, true) : do_pols(row, 2, false); break;
    case 3: ordered ? do_pols(row, 3, true) : do_pols(row, 3, false); break;
    case 4: ordered ? do_pols(row, 4, true) : do_pols(row, 4, false); break;
    }
}
