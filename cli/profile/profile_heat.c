/* profile_heat.c - when which part of a large file was read: the counters' bins of time, that grow, made into equal
 * ones. */
#include "cli/profile/profile.h"

#include <stdlib.h>
#include <string.h>

/* The bytes of a bin, spread over the equal columns that it covers. */
static void spread(prof_heat *to, int place, uint32_t bin, double bytes, double step) {
    double from = (double)profile_heat_begin(bin) / step, end = (double)profile_heat_begin(bin + 1) / step;
    if (end > PROF_HEAT_TIMES) end = PROF_HEAT_TIMES;
    if (from >= end) from = end - 1; /* it began before the run's end was known */
    if (from < 0) from = 0;
    for (int i = (int)from; i < PROF_HEAT_TIMES && i < end; i++) {
        double begin = from > i ? from : i, until = end < i + 1 ? end : i + 1;
        to->times[place][i] += bytes * (until - begin) / (end - from);
    }
}

static const profile_heat *entry_of(const prof_found *found, uint32_t i) {
    const profile_heat *h = &found->segment->heat[i];
    return h->state == PROFILE_READY && h->shift < 48 ? h : NULL;
}

/* When the last read of all was, about: in nanoseconds. */
static double last_read(const prof_found *found) {
    uint32_t last = 0;
    for (uint32_t i = 0; i < PROFILE_HEATS; i++) {
        const profile_heat *h = entry_of(found, i);
        for (uint32_t p = 0; h && p < PROFILE_HEAT_PLACES; p++)
            for (uint32_t t = last; t < PROFILE_HEAT_TIMES; t++)
                if (h->read[p][t]) last = t;
    }
    return (double)profile_heat_begin(last + 1);
}

/* The column that most of a file is, where one is known. */
static const char *column_in(const prof_table *table, const char *file) {
    const prof_column *most = NULL;
    for (const prof_column *c = table->column; c; c = c->next)
        if (c->stored && c->strip_file && strcmp(c->strip_file, file) == 0 &&
            (!most || c->bytes_read > most->bytes_read))
            most = c;
    return most ? most->name : NULL;
}

static int most_read(const void *one, const void *other) {
    const prof_heat *a = one, *b = other;
    return a->bytes > b->bytes ? -1 : a->bytes < b->bytes;
}

static void fill(prof_heat *to, const profile_heat *h, double step) {
    to->place_bytes = (int64_t)1 << h->shift;
    for (uint32_t p = 0; p < PROFILE_HEAT_PLACES; p++)
        for (uint32_t t = 0; t < PROFILE_HEAT_TIMES; t++) {
            if (!h->read[p][t]) continue;
            double bytes = 16.0 * (double)h->read[p][t];
            to->bytes += (int64_t)bytes;
            if ((int)p >= to->places) to->places = (int)p + 1;
            spread(to, (int)p, t, bytes / (double)to->place_bytes, step);
        }
}

int prof_heats(const cli_profile_run *run, const prof_found *found, prof_heat list[PROFILE_HEATS]) {
    double last = last_read(found), all = 1e9 * run->seconds > last ? 1e9 * run->seconds : last;
    int n = 0;
    for (uint32_t i = 0; i < PROFILE_HEATS; i++) {
        const profile_heat *h = entry_of(found, i);
        const char *path = h ? prof_string(found->segment, h->path) : "";
        int f = h ? prof_file_of(found, path) : -1;
        if (f < 0 || found->file[f].table < 0) continue;
        prof_heat *to = &list[n];
        *to = (prof_heat){.table = &found->table[found->file[f].table], .file = found->file[f].path};
        to->column = column_in(to->table, path);
        to->step_seconds = 1e-9 * all / PROF_HEAT_TIMES;
        fill(to, h, all / PROF_HEAT_TIMES);
        n += to->bytes > 0;
    }
    if (n) qsort(list, (size_t)n, sizeof *list, most_read);
    return n;
}
