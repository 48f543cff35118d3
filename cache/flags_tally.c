/* flags_tally.c - sums of flags by key: a list with a hash table over it. */
#include "cache/flags_tally.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(int64_t a, int64_t b) {
    uint64_t h = (uint64_t)a * 0x9e3779b97f4a7c15u ^ ((uint64_t)b + 0x632be59bd9b4e019u) * 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

static int32_t *slot_of(const msio_flags_tally *t, int64_t a, int64_t b) {
    uint64_t mask = (uint64_t)t->slots - 1;
    for (uint64_t i = hash_of(a, b) & mask;; i = (i + 1) & mask) {
        int32_t index = t->slot[i] - 1;
        if (index < 0 || (t->entry[index].key[0] == a && t->entry[index].key[1] == b)) return &t->slot[i];
    }
}

static int grow(msio_flags_tally *t) {
    int64_t wanted = t->capacity ? 2 * t->capacity : 32;
    if (wanted > INT32_MAX / 4) return 0;
    msio_flags_tallied *entry = realloc(t->entry, (size_t)wanted * sizeof *entry);
    if (!entry) return 0;
    t->entry = entry;
    int32_t *slot = calloc((size_t)wanted * 2, sizeof *slot);
    if (!slot) return 0;
    free(t->slot);
    t->slot = slot;
    t->slots = wanted * 2;
    t->capacity = wanted;
    for (int64_t i = 0; i < t->n; i++) *slot_of(t, entry[i].key[0], entry[i].key[1]) = (int32_t)i + 1;
    return 1;
}

int64_t msio_flags_tally_search(msio_flags_tally *t, int64_t a, int64_t b) {
    if (t->n == t->capacity && !grow(t)) return -1;
    int32_t *slot = slot_of(t, a, b);
    if (*slot == 0) {
        t->entry[t->n] = (msio_flags_tallied){.key = {a, b}};
        *slot = (int32_t)++t->n;
    }
    return *slot - 1;
}

void msio_flags_tally_free(msio_flags_tally *tally) {
    free(tally->entry);
    free(tally->slot);
    *tally = (msio_flags_tally){0};
}
