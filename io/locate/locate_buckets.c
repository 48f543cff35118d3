/* locate_buckets.c - from bytes of StandardStMan's and IncrementalStMan's main files to bucket, column and rows. */
#include "core/checked.h"
#include "core/error.h"
#include "io/layout/incremental/ism.h"
#include "io/layout/standard/ssm.h"
#include "io/locate/locating.h"

#include <stdlib.h>
#include <string.h>

/* Bucket `number` holds rows [row, row + rows) of the columns that index `index` finds. */
typedef struct bucket {
    int64_t number, index, row, rows;
} bucket;

typedef struct state {
    int64_t size; /* bytes of a bucket */
    int64_t n;
    bucket *bucket; /* ascending by number */
} state;

static void free_state(void *kept) {
    state *s = kept;
    free(s->bucket);
    free(s);
}

static int compare(const void *one, const void *other) {
    const bucket *a = one, *b = other;
    if (a->number != b->number) return a->number < b->number ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static msio_status add_index(state *s, const msio_buckets *buckets, int64_t index) {
    bucket *grown = realloc(s->bucket, (size_t)(s->n + buckets->n + 1) * sizeof *grown);
    if (!grown) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the places of buckets");
    s->bucket = grown;
    for (int64_t i = 0; i < buckets->n; i++) {
        int64_t row = i ? buckets->last[i - 1] + 1 : 0;
        s->bucket[s->n++] = (bucket){buckets->number[i], index, row, buckets->last[i] - row + 1};
    }
    return MSIO_OK;
}

/* Makes an index of the buckets that n indices list. */
static msio_status index_buckets(const msio_manager *manager, int64_t size, const msio_buckets *list, int64_t n,
                                 msio_locate_index *index) {
    msio_status status = MSIO_OK;
    state *s = calloc(1, sizeof *s);
    if (!s) return msio_error_set(MSIO_E_MEMORY, manager->directory, "no memory for the places of buckets");
    s->size = size;
    for (int64_t i = 0; i < n && !status; i++) status = add_index(s, &list[i], i);
    if (status) {
        free_state(s);
        return status;
    }
    qsort(s->bucket, (size_t)s->n, sizeof *s->bucket, compare);
    index->state = s;
    index->free_state = free_state;
    return MSIO_OK;
}

/* The first entry of a bucket, or of a later one. */
static int64_t first_of(const state *s, int64_t number) {
    int64_t low = 0, high = s->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (s->bucket[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Tells of everything before bucket 0, then calls work for each bucket that the question touches. */
typedef void (*bucket_work)(const msio_locate_index *index, const bucket *entry, int64_t at, msio_question *question,
                            msio_status *status);

static void visit(const msio_locate_index *index, bucket_work work, msio_question *question, msio_status *status) {
    const state *s = index->state;
    msio_locate_tell_plain(question, "header", 0, MSIO_BUCKETS_AT);
    if (question->to <= MSIO_BUCKETS_AT || s->size <= 0) return;
    int64_t number = (msio_max(question->from, MSIO_BUCKETS_AT) - MSIO_BUCKETS_AT) / s->size;
    int64_t last = (question->to - 1 - MSIO_BUCKETS_AT) / s->size;
    int64_t i = first_of(s, number);
    for (; number <= last && !question->stop && !*status; number++) {
        int64_t at = MSIO_BUCKETS_AT + number * s->size;
        if (i >= s->n) { /* nothing but the index, and what was cut off, follows */
            msio_locate_tell_plain(question, "strings", at, question->to);
            return;
        }
        if (s->bucket[i].number != number) msio_locate_tell_plain(question, "strings", at, at + s->size);
        for (; i < s->n && s->bucket[i].number == number; i++) work(index, &s->bucket[i], at, question, status);
    }
}

static msio_located in_bucket(const state *s, const bucket *entry, int64_t at) {
    return (msio_located){.what = "bucket",
                          .unit = entry->number,
                          .cube = -1,
                          .row = entry->row,
                          .rows = entry->rows,
                          .unit_at = at,
                          .unit_bytes = s->size};
}

/* ---------------------------------------------------------------- StandardStMan */

static void find_ssm_bucket(const msio_locate_index *index, const bucket *entry, int64_t at, msio_question *question,
                            msio_status *status) {
    const msio_manager *m = index->manager;
    const msio_ssm *ssm = m->state;
    (void)status;
    for (int i = 0; i < m->dat->columns; i++) {
        const msio_column_dat *c = &m->dat->column[i];
        if (c->manager != m->index || ssm->index_of[c->number] != entry->index) continue;
        int64_t bits = msio_ssm_row_bits(c), all;
        if (bits <= 0 || !msio_mul_checked(bits, ssm->rows_per_bucket[entry->index], &all)) continue;
        msio_located part = in_bucket(index->state, entry, at);
        part.column = c->name;
        part.offset = at + ssm->offset[c->number];
        part.length = msio_min(all / 8 + (all % 8 != 0), part.unit_bytes - ssm->offset[c->number]);
        int64_t from = msio_max(question->from, part.offset), to = msio_min(question->to, part.offset + part.length);
        if (from >= to) continue;
        int64_t first = (from - part.offset) * 8 / bits, last = ((to - part.offset) * 8 - 1) / bits;
        part.row = entry->row + first;
        part.rows = msio_min(last, entry->rows - 1) - first + 1;
        if (part.rows <= 0) part.row = -1, part.rows = 0; /* room for rows that are not there */
        msio_locate_tell(question, &part);
    }
}

static void find_ssm(const msio_locate_index *index, msio_question *question, msio_status *status) {
    visit(index, find_ssm_bucket, question, status);
}

/* Arrays are found by offsets, which stand where direct values would. */
static msio_status list_ssm_arrays(const msio_manager *manager, const msio_ssm *ssm, const msio_column_dat *column,
                                   msio_array_places *places) {
    msio_rows rows = msio_locate_rows(manager, msio_buckets_rows(msio_ssm_index(ssm, column)));
    places->rows = &rows;
    return msio_ssm_each_offset(ssm, column, &rows, msio_array_places_add, places);
}

msio_status msio_locate_ssm(const msio_manager *manager, const char *suffix, msio_locate_index *index) {
    const msio_ssm *ssm = manager->state;
    msio_status status = MSIO_OK;
    if (strcmp(suffix, "i") == 0) {
        msio_array_places places = {0};
        for (int i = 0; i < manager->dat->columns && !status; i++) {
            const msio_column_dat *c = &manager->dat->column[i];
            if (c->manager != manager->index || c->kind != MSIO_KIND_ARRAY || c->type == MSIO_STRING ||
                msio_column_is_direct(c))
                continue;
            places.column = i;
            status = list_ssm_arrays(manager, ssm, c, &places);
        }
        if (!status) return msio_array_places_index(&places, index);
        free(places.place);
        return status;
    }
    if (suffix[0]) return MSIO_OK;
    index->find = find_ssm;
    return index_buckets(manager, ssm->bucket_size, ssm->index, ssm->indices, index);
}

/* ---------------------------------------------------------------- IncrementalStMan */

/* Tells of the values of one column that lie in the bucket and in the question. */
static msio_status find_values(const msio_manager *m, const msio_column_dat *c, msio_located *part,
                               msio_question *question) {
    const msio_ism *ism = m->state;
    int64_t bytes = msio_ism_value_bytes(c), end = part->row + part->rows;
    msio_rows rows = {.count = msio_min(end, m->rows) - part->row, .first = part->row, .step = 1, .place_step = 1};
    msio_window window;
    msio_ism_walk walk;
    if (rows.count <= 0) return MSIO_OK;
    msio_window_open(&window, ism->file);
    msio_status status = msio_ism_walk_start(&walk, ism, c, &rows, &window);
    while (!status && !(status = msio_ism_walk_next(&walk)) && !question->stop) {
        part->row = rows.first + walk.from;
        part->rows = walk.count;
        part->offset = walk.address;
        part->length = bytes < 0 ? walk.length : msio_min(bytes, walk.length);
        msio_locate_tell(question, part);
    }
    return msio_window_close(&window, status == MSIO_END ? MSIO_OK : status);
}

static void find_ism_bucket(const msio_locate_index *index, const bucket *entry, int64_t at, msio_question *question,
                            msio_status *status) {
    const msio_manager *m = index->manager;
    for (int i = 0; i < m->dat->columns && !question->stop && !*status; i++) {
        const msio_column_dat *c = &m->dat->column[i];
        if (c->manager != m->index) continue;
        msio_located part = in_bucket(index->state, entry, at);
        part.column = c->name;
        part.offset = at;
        part.length = part.unit_bytes;
        if (question->from <= at && question->to >= at + part.length)
            msio_locate_tell(question, &part);
        else
            *status = find_values(m, c, &part, question);
    }
}

static void find_ism(const msio_locate_index *index, msio_question *question, msio_status *status) {
    visit(index, find_ism_bucket, question, status);
}

static msio_status list_ism_arrays(const msio_manager *manager, msio_array_places *places) {
    const msio_ism *ism = manager->state;
    msio_status status = MSIO_OK;
    for (int i = 0; i < manager->dat->columns && !status; i++) {
        const msio_column_dat *c = &manager->dat->column[i];
        if (c->manager != manager->index || c->kind != MSIO_KIND_ARRAY || msio_column_is_direct(c)) continue;
        msio_rows rows = msio_locate_rows(manager, msio_buckets_rows(&ism->index));
        places->column = i;
        places->rows = &rows;
        status = msio_ism_each_offset(ism, c, &rows, msio_array_places_add, places);
    }
    return status;
}

msio_status msio_locate_ism(const msio_manager *manager, const char *suffix, msio_locate_index *index) {
    const msio_ism *ism = manager->state;
    if (strcmp(suffix, "i") == 0) {
        msio_array_places places = {0};
        msio_status status = list_ism_arrays(manager, &places);
        if (!status) return msio_array_places_index(&places, index);
        free(places.place);
        return status;
    }
    if (suffix[0]) return MSIO_OK;
    index->find = find_ism;
    return index_buckets(manager, ism->bucket_size, &ism->index, 1, index);
}
