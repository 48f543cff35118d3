/* flag_groups.c - rows that belong together, numbered in the order in which they are met. */
#include "visibility/flag_groups.h"

#include "core/checked.h"
#include "core/error.h"
#include "visibility/statistics.h"

#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((int64_t)1 << 30) /* of counts */
#define CHUNK 262144                  /* rows whose antennas are read at once */

/* What rows of one group share. */
typedef struct key {
    int64_t window_field, scan, of; /* of: their baseline, or their time */
} key;

typedef struct finder {
    const msio_metadata *metadata;
    msio_flag_groups *groups;
    int64_t room;   /* of keys */
    key *keys;      /* [groups] */
    int32_t *place; /* [places]: group + 1 by the key's hash, 0: free; places: a power of two, twice the room */
    int64_t places;
} finder;

static msio_status no_memory(const msio_metadata *m) {
    return msio_error_set(MSIO_E_MEMORY, m->path, "no memory for the groups of rows that flags are extended over");
}

/* ---------------------------------------------------------------- groups by their keys */

static uint64_t hash(const key *k) {
    uint64_t z = (uint64_t)k->window_field * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 29 ^ (uint64_t)k->scan) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 32 ^ (uint64_t)k->of) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int64_t place_of(const finder *f, const key *k) {
    uint64_t at = hash(k) & (uint64_t)(f->places - 1);
    while (f->place[at] && memcmp(&f->keys[f->place[at] - 1], k, sizeof *k) != 0)
        at = (at + 1) & (uint64_t)(f->places - 1);
    return (int64_t)at;
}

static msio_status grow(finder *f) {
    const int64_t room = msio_max(64, 2 * f->room);
    if (room > INT32_MAX / 2) return no_memory(f->metadata);
    key *keys = realloc(f->keys, (size_t)room * sizeof *keys);
    if (keys) f->keys = keys;
    uint32_t *rows = keys ? realloc(f->groups->rows, (size_t)room * sizeof *rows) : NULL;
    if (rows) f->groups->rows = rows;
    int32_t *place = rows ? calloc((size_t)room * 2, sizeof *place) : NULL;
    if (!place) return no_memory(f->metadata);
    free(f->place);
    f->place = place;
    f->places = room * 2;
    f->room = room;
    for (int64_t g = 0; g < f->groups->groups; g++) f->place[place_of(f, &f->keys[g])] = (int32_t)g + 1;
    return MSIO_OK;
}

/* Puts the row at a place into its group. */
static msio_status put_row(finder *f, int64_t row, const key *k) {
    msio_flag_groups *g = f->groups;
    if (g->groups == f->room) {
        msio_status status = grow(f);
        if (status) return status;
    }
    const int64_t at = place_of(f, k);
    if (!f->place[at]) {
        f->keys[g->groups] = *k;
        g->rows[g->groups] = 0;
        f->place[at] = (int32_t)++g->groups;
    }
    const int32_t group = f->place[at] - 1;
    g->of[row] = group;
    g->rows[group]++;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- rows */

/* The antennas of the rows at these places. */
static msio_status read_antennas(msio_table *table, const msio_shape_group *shape, int64_t first, int64_t rows,
                                 int32_t *one, int32_t *two) {
    const msio_column *columns[2];
    msio_select select = MSIO_SELECT_ALL;
    void *outs[] = {one, two};
    const size_t bytes[] = {(size_t)rows * sizeof *one, (size_t)rows * sizeof *two};
    if (shape->row) {
        select.row_list = shape->row + first;
        select.rows_in_list = rows;
    } else {
        select.row = first;
        select.rows = rows;
    }
    msio_status status = msio_table_column(table, "ANTENNA1", &columns[0]);
    if (!status) status = msio_table_column(table, "ANTENNA2", &columns[1]);
    return status ? status : msio_read_many(2, columns, &select, outs, bytes, NULL);
}

static key key_of(const msio_row_run *run, msio_flag_together together, int32_t one, int32_t two) {
    key k = {(int64_t)run->data_description * ((int64_t)1 << 32) + ((int64_t)run->field - INT32_MIN), 0, 0};
    if (together == MSIO_FLAG_BASELINES) {
        k.of = msio_time_key(run->time);
    } else {
        k.scan = run->scan;
        k.of = msio_baseline_key(one < two ? one : two, one < two ? two : one);
    }
    return k;
}

/* All rows in ascending order, and so run by run. */
static msio_status put_rows(finder *f, msio_table *table, const msio_shape_group *shape, msio_flag_together together) {
    const msio_row_index *index;
    const bool by_baseline = together == MSIO_FLAG_TIMES;
    int32_t *antennas = by_baseline ? malloc(2 * CHUNK * sizeof *antennas) : NULL;
    msio_status status = msio_metadata_row_index(f->metadata, &index);
    if (!status && by_baseline && !antennas) status = no_memory(f->metadata);
    for (int64_t i = 0, run = 0; i < shape->rows && !status; i++) {
        const int64_t row = shape->row ? shape->row[i] : i, at = i % CHUNK;
        if (by_baseline && at == 0)
            status = read_antennas(table, shape, i, msio_min(CHUNK, shape->rows - i), antennas, antennas + CHUNK);
        while (run < index->runs && row >= index->run[run].row + index->run[run].rows) run++;
        if (!status && run == index->runs)
            status = msio_error_set(MSIO_E_CHANGED, f->metadata->path, "rows were added while flags were extended");
        if (status) break;
        const key k =
            key_of(&index->run[run], together, antennas ? antennas[at] : 0, antennas ? antennas[CHUNK + at] : 0);
        status = put_row(f, i, &k);
    }
    free(antennas);
    return status;
}

msio_status msio_flag_groups_make(msio_table *table, const msio_metadata *metadata, const msio_shape_group *shape,
                                  msio_flag_together together, msio_flag_groups *groups) {
    *groups = (msio_flag_groups){.elements = (int64_t)shape->channels * shape->corrs};
    finder f = {.metadata = metadata, .groups = groups};
    groups->of = malloc(((size_t)shape->rows + 1) * sizeof *groups->of);
    msio_status status = groups->of ? put_rows(&f, table, shape, together) : no_memory(metadata);
    free(f.keys);
    free(f.place);
    if (status) return status;
    const int64_t factors[] = {groups->groups, groups->elements, (int64_t)sizeof(uint32_t)};
    int64_t bytes = 0;
    if (!msio_product_checked(3, factors, &bytes) || bytes > MOST_BYTES)
        return msio_error_set(
            MSIO_E_SIZE, metadata->path,
            "flags of %lld groups of rows, with %lld elements each, are too many to count: extend them "
            "for a part of the rows at a time",
            (long long)groups->groups, (long long)groups->elements);
    groups->count = calloc((size_t)bytes / sizeof *groups->count + 1, sizeof *groups->count);
    return groups->count ? MSIO_OK : no_memory(metadata);
}

/* ---------------------------------------------------------------- counts */

void msio_flag_groups_add(msio_flag_groups *groups, int32_t group, const uint32_t *set) {
    _Atomic uint32_t *count = groups->count + group * groups->elements;
    for (int64_t e = 0; e < groups->elements; e++)
        if (set[e]) atomic_fetch_add_explicit(&count[e], set[e], memory_order_relaxed);
}

msio_status msio_flag_groups_decide(msio_flag_groups *groups, double fraction) {
    groups->decided = malloc((size_t)(groups->groups * groups->elements) + 1);
    if (!groups->decided) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for what is to be flagged");
    for (int64_t g = 0; g < groups->groups; g++) {
        const uint32_t most = (uint32_t)(fraction * groups->rows[g]);
        const _Atomic uint32_t *count = groups->count + g * groups->elements;
        uint8_t *decided = groups->decided + g * groups->elements;
        for (int64_t e = 0; e < groups->elements; e++)
            decided[e] = atomic_load_explicit(&count[e], memory_order_relaxed) > most;
    }
    free(groups->count);
    groups->count = NULL;
    return MSIO_OK;
}

void msio_flag_groups_free(msio_flag_groups *groups) {
    free(groups->of);
    free(groups->rows);
    free(groups->count);
    free(groups->decided);
    *groups = (msio_flag_groups){0};
}
