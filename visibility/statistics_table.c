/* statistics_table.c - sums by key. */
#include "visibility/statistics_table.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void msio_sums_clear(msio_sums *sums) { *sums = (msio_sums){.least = INFINITY, .most = -1.0}; }

void msio_sums_add(msio_sums *to, const msio_sums *from) {
    to->count += from->count;
    to->nan += from->nan;
    to->inf += from->inf;
    to->real += from->real;
    to->imag += from->imag;
    to->amplitude += from->amplitude;
    to->square += from->square;
    if (from->least < to->least) to->least = from->least;
    if (from->most > to->most) to->most = from->most;
}

static uint64_t hash(int64_t key) {
    uint64_t z = (uint64_t)key * 0x9e3779b97f4a7c15u;
    return z ^ z >> 29;
}

static msio_status no_memory(void) {
    return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the breakdowns of statistics");
}

/* Twice the room, and places for it. */
static msio_status grow(msio_tallies *t) {
    const int64_t room = t->room ? 2 * t->room : 16, places = 4 * room;
    char *entry = room < INT32_MAX ? realloc(t->entry, (size_t)room * msio_tally_bytes(t->columns)) : NULL;
    if (entry) t->entry = entry;
    int32_t *place = entry ? calloc((size_t)places, sizeof *place) : NULL;
    if (!place) return no_memory();
    free(t->place);
    t->place = place;
    t->places = places;
    t->room = room;
    for (int64_t i = 0; i < t->entries; i++) {
        uint64_t at = hash(msio_tally_at(t, i)->key) & (uint64_t)(places - 1);
        while (place[at]) at = (at + 1) & (uint64_t)(places - 1);
        place[at] = (int32_t)i + 1;
    }
    return MSIO_OK;
}

msio_tally *msio_tallies_find(msio_tallies *t, int64_t key) {
    if (t->entries == t->room && grow(t)) return NULL;
    uint64_t at = hash(key) & (uint64_t)(t->places - 1);
    for (; t->place[at]; at = (at + 1) & (uint64_t)(t->places - 1)) {
        msio_tally *there = msio_tally_at(t, t->place[at] - 1);
        if (there->key == key) return there;
    }
    msio_tally *made = msio_tally_at(t, t->entries++);
    t->place[at] = (int32_t)t->entries;
    made->key = key;
    made->chi = (msio_chi){0};
    for (int c = 0; c < t->columns; c++) msio_sums_clear(&made->sums[c]);
    return made;
}

msio_status msio_tallies_merge(msio_tallies *to, const msio_tallies *from) {
    for (int64_t i = 0; i < from->entries; i++) {
        const msio_tally *one = msio_tally_at(from, i);
        msio_tally *other = msio_tallies_find(to, one->key);
        if (!other) return MSIO_E_MEMORY;
        other->chi.sum += one->chi.sum;
        other->chi.count += one->chi.count;
        for (int c = 0; c < to->columns; c++) msio_sums_add(&other->sums[c], &one->sums[c]);
    }
    return MSIO_OK;
}

static int by_key(const void *a, const void *b) {
    const int64_t x = ((const msio_tally *)a)->key, y = ((const msio_tally *)b)->key;
    return (x > y) - (x < y);
}

void msio_tallies_sort(msio_tallies *t) {
    if (t->entries > 1) qsort(t->entry, (size_t)t->entries, msio_tally_bytes(t->columns), by_key);
    free(t->place);
    t->place = NULL;
    t->places = 0;
}

void msio_tallies_free(msio_tallies *t) {
    free(t->entry);
    free(t->place);
    t->entry = NULL;
    t->place = NULL;
    t->entries = t->room = t->places = 0;
}
