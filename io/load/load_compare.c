/* load_compare.c - how the files of a group fit together in frequency. */
#include "core/checked.h"
#include "io/load/loader.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a channel's width: how far from the edge of one subband the next may begin and still abut. */
#define EDGE_TOLERANCE 0.01

/* ---------------------------------------------------------------- segments */

/* How many channels from the i-th on go one way. */
static int64_t monotonic(const msio_load_file *f, int64_t i, bool *descending) {
    int64_t end = i + 1;
    *descending = end < f->channels && f->frequency[end] < f->frequency[i];
    while (end < f->channels && f->frequency[end] != f->frequency[end - 1] &&
           (f->frequency[end] < f->frequency[end - 1]) == *descending)
        end++;
    return end - i;
}

/* Where a spectral window of a flexible one ends a stretch must end too. */
static int64_t window_end(const msio_load_file *f, int64_t i) {
    const int32_t *id = f->window;
    int64_t end = i + 1;
    while (end < f->channels && (!id || id[end] == id[i])) end++;
    return end - i;
}

static msio_status add_segment(msio_loader *l, const msio_load_segment *segment) {
    if (l->segments % 16 == 0) {
        msio_load_segment *grown = realloc(l->segment, (size_t)(l->segments + 16) * sizeof *grown);
        if (!grown) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of subbands");
        l->segment = grown;
    }
    l->segment[l->segments++] = *segment;
    return MSIO_OK;
}

static msio_status find_segments(msio_loader *l, int index) {
    const msio_load_file *f = &l->file[index];
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < f->channels && !status;) {
        msio_load_segment s = {.file = index, .number = f->number, .first = i};
        s.channels = msio_min(monotonic(f, i, &s.descending), window_end(f, i));
        double a = f->frequency[i], b = f->frequency[i + s.channels - 1];
        if (!isfinite(a) || !isfinite(b))
            return msio_error_set(MSIO_E_FORMAT, f->path, "freq_array: a frequency is no number");
        if (s.channels == 1) s.descending = false;
        s.low = s.descending ? b : a;
        s.high = s.descending ? a : b;
        s.width = f->width[i];
        status = add_segment(l, &s);
        i += s.channels;
    }
    return status;
}

static int by_frequency(const void *a, const void *b) {
    const msio_load_segment *x = a, *y = b;
    if (x->low != y->low) return x->low < y->low ? -1 : 1;
    return x->file < y->file ? -1 : x->file > y->file;
}

/* ---------------------------------------------------------------- missing subbands */

/* Where a missing subband would stand: frequencies go linearly with the numbers of those that are there. */
static msio_status place_missing(msio_loader *l, int32_t number, msio_load_segment *s) {
    const msio_load_segment *a = NULL, *b = NULL;
    int present = l->files;
    if (l->segments != present || present < 2)
        return msio_error_set(MSIO_E_NOT_FOUND, l->file[0].path,
                              "subband %d is missing, and where it would stand cannot be told from %d others: skip it",
                              number, present);
    for (int i = 0; i < present; i++) {
        if (!a || l->segment[i].number < a->number) a = &l->segment[i];
        if (!b || l->segment[i].number > b->number) b = &l->segment[i];
    }
    double step = (b->low - a->low) / (b->number - a->number);
    for (int i = 0; i < present; i++) {
        const msio_load_segment *c = &l->segment[i];
        double expected = a->low + step * (c->number - a->number);
        if (fabs(c->low - expected) > 0.5 * a->width || c->channels != a->channels)
            return msio_error_set(MSIO_E_NOT_FOUND, l->file[c->file].path,
                                  "subband %d is missing, and where it would stand cannot be told: subband %d is not "
                                  "where it would be if frequencies went evenly with the numbers; skip the missing one",
                                  number, c->number);
    }
    double low = a->low + step * (number - a->number);
    *s = (msio_load_segment){.file = -1, .number = number, .channels = a->channels, .width = a->width};
    s->low = low;
    s->high = low + (a->high - a->low);
    return MSIO_OK;
}

static msio_status add_missing(msio_loader *l, int n, const int32_t *missing) {
    msio_load_segment *found = calloc((size_t)n + 1, sizeof *found);
    msio_status status = found ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of subbands");
    for (int i = 0; i < n && !status; i++) status = place_missing(l, missing[i], &found[i]);
    for (int i = 0; i < n && !status; i++) status = add_segment(l, &found[i]);
    free(found);
    return status;
}

/* ---------------------------------------------------------------- neighbours */

static const char *name_of(const msio_loader *l, const msio_load_segment *s) {
    return s->file < 0 ? "a missing subband" : l->file[s->file].path;
}

static msio_status compare_neighbours(msio_loader *l) {
    msio_status status = MSIO_OK;
    int harmless = l->opts.layout == MSIO_SUBBAND_ROW_CHAN_POL;
    for (int i = 1; i < l->segments && !status; i++) {
        const msio_load_segment *a = &l->segment[i - 1], *b = &l->segment[i];
        double gap = (b->low - 0.5 * b->width) - (a->high + 0.5 * a->width);
        if (fabs(gap) <= EDGE_TOLERANCE * fmax(a->width, b->width)) continue;
        if (gap > 0)
            status = msio_load_differ(&l->differences, name_of(l, b), "freq_array", 1,
                                      "a gap of %.6g MHz before %.6f MHz, below which %s ends", gap * 1e-6,
                                      b->low * 1e-6, name_of(l, a));
        else if (b->low <= a->high)
            status = msio_load_differ(&l->differences, name_of(l, b), "freq_array", harmless,
                                      "it begins at %.6f MHz, where %s reaches up to %.6f MHz: they overlap",
                                      b->low * 1e-6, name_of(l, a), a->high * 1e-6);
        else
            status = msio_load_differ(&l->differences, name_of(l, b), "channel_width", 1,
                                      "its lowest channel overlaps the highest of %s by %.6g MHz", name_of(l, a),
                                      -gap * 1e-6);
    }
    return status;
}

static msio_status compare_channels(msio_loader *l) {
    msio_status status = MSIO_OK;
    if (l->opts.layout != MSIO_SUBBAND_ROW_CHAN_POL) return MSIO_OK;
    for (int i = 1; i < l->segments && !status; i++)
        if (l->segment[i].channels != l->segment[0].channels)
            status = msio_load_differ(&l->differences, name_of(l, &l->segment[i]), "Nfreqs", 0,
                                      "%" PRId64 " channels, %s has %" PRId64 ": subbands of different sizes fill no "
                                      "array of subbands",
                                      l->segment[i].channels, name_of(l, &l->segment[0]), l->segment[0].channels);
    return status;
}

/* ---------------------------------------------------------------- as stored */

/* Files as they were given; only a group lacks subbands, and its files stand by number. */
static int by_file(const void *a, const void *b) {
    const msio_load_segment *x = a, *y = b;
    if (x->file < 0 || y->file < 0) return x->number < y->number ? -1 : x->number > y->number;
    if (x->file != y->file) return x->file < y->file ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Segments in the files' order, each the way it stands there; missing ones go the way of the others. */
static void keep_stored_order(msio_loader *l) {
    bool descending = false;
    for (int i = 0; i < l->segments; i++) descending = descending || l->segment[i].descending;
    for (int i = 0; i < l->segments; i++) {
        msio_load_segment *s = &l->segment[i];
        if (s->file < 0 && descending) {
            double low = s->low;
            s->low = s->high;
            s->high = low;
        }
        s->descending = false;
    }
    qsort(l->segment, (size_t)l->segments, sizeof *l->segment, by_file);
}

msio_status msio_load_compare(msio_loader *l, int n, const int32_t *missing) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < l->files && !status; i++) {
        if (i) status = msio_load_compare_headers(l, &l->file[0], &l->file[i]);
        if (!status) status = find_segments(l, i);
    }
    if (!status && n) status = add_missing(l, n, missing);
    if (status) return status;
    if (l->segments == 0)
        return msio_error_set(MSIO_E_SHAPE, l->files ? l->file[0].path : NULL, "there are no channels");
    qsort(l->segment, (size_t)l->segments, sizeof *l->segment, by_frequency);
    status = compare_neighbours(l);
    if (!status) status = compare_channels(l);
    if (!status && l->opts.channel_order == MSIO_CHANNELS_STORED) keep_stored_order(l);
    return status;
}
