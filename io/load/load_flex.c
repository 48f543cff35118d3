/* load_flex.c - UVH5 files with flexible polarizations: a spectral window a polarization, brought to one axis. */
#include "io/load/load_flex.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WINDOWS 4096 /* each is compared with those before it */

typedef struct channel {
    int64_t window; /* its place among the windows that have channels, in the order they appear in */
    int64_t stored;
    double frequency;
} channel;

typedef struct window {
    int32_t number, pol; /* pol: its place among the polarizations */
    int64_t at;          /* its place in the order of appearance; INT64_MAX: it has no channels */
    int64_t first, channels;
    int64_t band; /* the place of the first window of its band */
} window;

typedef struct combiner {
    const msio_uvh5_header *header;
    int64_t windows; /* with channels */
    window *window;  /* [windows], as they appear */
    channel *by_frequency, *as_stored;
    int64_t pols, bands;
    int32_t *pol; /* [pols] */
    bool sorted;  /* windows of a band stand in different orders: all are taken as their frequencies ascend */
} combiner;

static int64_t windows_of(const msio_uvh5_header *h) { return h->flex_spw_polarization_array ? h->nspws : 0; }

bool msio_load_is_flexible(const msio_uvh5_header *h) {
    return windows_of(h) > 1 && h->flex_spw_id_array && h->npols == 1;
}

/* ---------------------------------------------------------------- windows and their channels */

static int by_number(const void *a, const void *b) {
    const window *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static int by_place(const void *a, const void *b) {
    const window *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static int in_order(const void *a, const void *b) {
    const channel *x = a, *y = b;
    if (x->window != y->window) return x->window < y->window ? -1 : 1;
    return (x->stored > y->stored) - (x->stored < y->stored);
}

static int ascending(const void *a, const void *b) {
    const channel *x = a, *y = b;
    if (x->window == y->window && x->frequency != y->frequency) return x->frequency < y->frequency ? -1 : 1;
    return in_order(a, b);
}

static int by_value(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void list_windows(combiner *c) {
    const msio_uvh5_header *h = c->header;
    for (int64_t i = 0; i < h->nspws; i++)
        c->window[i] = (window){.number = h->spw_array[i], .pol = h->flex_spw_polarization_array[i], .at = INT64_MAX};
    qsort(c->window, (size_t)h->nspws, sizeof *c->window, by_number);
    for (int64_t i = 0; i < h->nfreqs; i++) {
        window wanted = {.number = h->flex_spw_id_array[i]};
        window *w = bsearch(&wanted, c->window, (size_t)h->nspws, sizeof *w, by_number);
        if (w->at == INT64_MAX) w->at = c->windows++;
        w->channels++;
        c->as_stored[i] = (channel){w->at, i, h->freq_array[i]};
    }
    qsort(c->window, (size_t)h->nspws, sizeof *c->window, by_place);
    for (int64_t i = 1; i < c->windows; i++) c->window[i].first = c->window[i - 1].first + c->window[i - 1].channels;
    memcpy(c->by_frequency, c->as_stored, (size_t)h->nfreqs * sizeof *c->as_stored);
    qsort(c->as_stored, (size_t)h->nfreqs, sizeof *c->as_stored, in_order);
    qsort(c->by_frequency, (size_t)h->nfreqs, sizeof *c->by_frequency, ascending);
}

/* ---------------------------------------------------------------- bands */

/* Whether two windows have the same channels, one after the other in a list of them. */
static bool same_channels(const combiner *c, const channel *list, const window *a, const window *b) {
    if (a->channels != b->channels) return false;
    for (int64_t i = 0; i < a->channels; i++) {
        const channel *x = &list[a->first + i], *y = &list[b->first + i];
        if (x->frequency != y->frequency || c->header->channel_width[x->stored] != c->header->channel_width[y->stored])
            return false;
    }
    return true;
}

static void find_bands(combiner *c) {
    for (int64_t i = 0; i < c->windows; i++) {
        window *w = &c->window[i];
        w->band = i;
        for (int64_t k = 0; k < i && w->band == i; k++)
            if (c->window[k].band == k && same_channels(c, c->by_frequency, &c->window[k], w)) w->band = k;
        if (w->band == i)
            c->bands++;
        else if (!same_channels(c, c->as_stored, &c->window[w->band], w))
            c->sorted = true;
    }
}

static void find_pols(combiner *c) {
    const msio_uvh5_header *h = c->header;
    memcpy(c->pol, h->flex_spw_polarization_array, (size_t)h->nspws * sizeof *c->pol);
    qsort(c->pol, (size_t)h->nspws, sizeof *c->pol, by_value);
    for (int64_t i = 0; i < h->nspws; i++)
        if (c->pols == 0 || c->pol[i] != c->pol[c->pols - 1]) c->pol[c->pols++] = c->pol[i];
}

static int64_t count_in_band(const combiner *c, int64_t band, int32_t pol) {
    int64_t n = 0;
    for (int64_t i = 0; i < c->windows; i++) n += c->window[i].band == band && c->window[i].pol == pol;
    return n;
}

/* The first band that has not one window of each polarization. */
static msio_status check_bands(const combiner *c) {
    const double mega = 1e6;
    for (int64_t i = 0; i < c->windows; i++) {
        const window *w = &c->window[i];
        double low = c->by_frequency[w->first].frequency / mega;
        double high = c->by_frequency[w->first + w->channels - 1].frequency / mega;
        for (int64_t p = 0; p < c->pols && w->band == i; p++) {
            int64_t n = count_in_band(c, i, c->pol[p]);
            if (n == 1) continue;
            return msio_error_set(MSIO_E_UNSUPPORTED, c->header->path,
                                  "flexible polarizations: of %.6f to %.6f MHz (spectral window %d) there %s "
                                  "polarization %d: only bands with each of the file's %lld polarizations once become "
                                  "one array; write it with pyuvdata after remove_flex_pol(combine_spws=False)",
                                  low, high, w->number, n ? "are several windows of" : "is no window of", c->pol[p],
                                  (long long)c->pols);
        }
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the order of polarizations */

/* Whether a polarization's windows stand together, and the bands in the same order in each: then its channels, too, are
 * in the order of the file. */
static bool stands_in_order(const combiner *c) {
    for (int64_t i = 0; i < c->windows; i++) {
        const window *w = &c->window[i], *first = &c->window[i - i % c->bands];
        if (w->pol != first->pol || w->band != i % c->bands) return false;
        if (c->as_stored[w->first].stored != w->first ||
            c->as_stored[w->first + w->channels - 1].stored != w->first + w->channels - 1)
            return false;
    }
    return true;
}

static void order_pols(combiner *c) {
    if (stands_in_order(c)) {
        for (int64_t p = 0; p < c->pols; p++) c->pol[p] = c->window[p * c->bands].pol;
    } else if (c->pol[c->pols - 1] < 0) { /* as their magnitudes ascend */
        for (int64_t p = 0; p < c->pols / 2; p++) {
            int32_t pol = c->pol[p];
            c->pol[p] = c->pol[c->pols - 1 - p];
            c->pol[c->pols - 1 - p] = pol;
        }
    }
}

/* ---------------------------------------------------------------- what comes of it */

/* The place by frequency of the i-th channel of a window's. */
static int64_t rank_of(const combiner *c, const window *w, int64_t i) {
    if (c->sorted) return i;
    const channel *wanted = &c->as_stored[w->first + i];
    const channel *found = bsearch(wanted, &c->by_frequency[w->first], (size_t)w->channels, sizeof *wanted, ascending);
    return found - &c->by_frequency[w->first];
}

static const window *window_with(const combiner *c, int64_t band, int32_t pol) {
    for (int64_t i = 0; i < c->windows; i++)
        if (c->window[i].band == band && c->window[i].pol == pol) return &c->window[i];
    return NULL;
}

static msio_status lay_out(const combiner *c, msio_arena *arena, msio_load_flex *flex) {
    int64_t channels = c->header->nfreqs / c->pols, at = 0;
    double *frequency = msio_arena_take(arena, channels + 1, sizeof *frequency);
    double *width = msio_arena_take(arena, channels + 1, sizeof *width);
    int32_t *number = msio_arena_take(arena, channels + 1, sizeof *number);
    int32_t *pol = msio_arena_take(arena, c->pols + 1, sizeof *pol);
    int64_t *stored = msio_arena_take(arena, channels * c->pols + 1, sizeof *stored);
    if (!frequency || !width || !number || !pol || !stored)
        return msio_error_set(MSIO_E_MEMORY, c->header->path, "no memory for %lld channels", (long long)channels);
    memcpy(pol, c->pol, (size_t)c->pols * sizeof *pol);
    for (int64_t b = 0; b < c->windows; b++) {
        const window *first = &c->window[b];
        if (first->band != b) continue;
        for (int64_t p = 0; p < c->pols; p++) {
            const window *w = window_with(c, b, c->pol[p]);
            for (int64_t i = 0; i < first->channels; i++)
                stored[p * channels + at + i] = c->by_frequency[w->first + rank_of(c, first, i)].stored;
        }
        for (int64_t i = 0; i < first->channels; i++, at++) {
            frequency[at] = c->header->freq_array[stored[at]];
            width[at] = fabs(c->header->channel_width[stored[at]]);
            number[at] = first->number;
        }
    }
    *flex = (msio_load_flex){channels, c->pols, frequency, width, number, pol, stored};
    return MSIO_OK;
}

static msio_status combine(combiner *c, msio_arena *arena, msio_load_flex *flex) {
    list_windows(c);
    find_pols(c);
    find_bands(c);
    msio_status status = check_bands(c);
    if (status) return status;
    order_pols(c);
    return lay_out(c, arena, flex);
}

msio_status msio_load_combine(msio_arena *arena, const msio_uvh5_header *h, msio_load_flex *flex) {
    if (h->nspws > MOST_WINDOWS)
        return msio_error_set(MSIO_E_UNSUPPORTED, h->path,
                              "flexible polarizations in %lld spectral windows: up to %d are combined",
                              (long long)h->nspws, MOST_WINDOWS);
    size_t windows = (size_t)h->nspws, channels = (size_t)h->nfreqs + 1;
    combiner c = {.header = h};
    c.window = calloc(windows, sizeof *c.window);
    c.pol = calloc(windows, sizeof *c.pol);
    c.by_frequency = calloc(channels, sizeof *c.by_frequency);
    c.as_stored = calloc(channels, sizeof *c.as_stored);
    msio_status status = c.window && c.pol && c.by_frequency && c.as_stored
                             ? combine(&c, arena, flex)
                             : msio_error_set(MSIO_E_MEMORY, h->path, "no memory for flexible polarizations");
    free(c.window);
    free(c.pol);
    free(c.by_frequency);
    free(c.as_stored);
    return status;
}
