/* ssm_header.c - StandardStMan: header and index, read and cross-checked. */
#include "core/checked.h"
#include "core/error.h"
#include "io/aipsio/aipsio.h"
#include "io/files/stored.h"
#include "io/layout/standard/ssm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* An index has at least these bytes: counts, a map, two blocks. */
#define INDEX_LEAST 64

/* What the header says of the index. */
typedef struct index_place {
    int64_t first;  /* the bucket where it begins, -1: none */
    int64_t offset; /* in that bucket; 0: it fills a chain of buckets */
    int64_t length; /* bytes of all indices */
    int64_t indices;
} index_place;

/* ---------------------------------------------------------------- blob and header */

static msio_status read_blob(const msio_manager *manager, msio_ssm *s) {
    const msio_manager_dat *m = &manager->dat->manager[manager->index];
    msio_aips a;
    int64_t offsets = 0, indices = 0;
    msio_aips_start(&a, m->blob, m->blob_length, true, manager->dat->path, &s->arena);
    uint32_t version = msio_aips_enter(&a, "SSM", 2);
    if (version != 2) msio_aips_fail(&a, MSIO_E_UNSUPPORTED, "StandardStMan of version %" PRIu32, version);
    s->name = msio_aips_text(&a);
    s->offset = msio_aips_block(&a, false, &offsets);
    s->index_of = msio_aips_block(&a, false, &indices);
    msio_aips_leave(&a);
    if (offsets < m->columns || indices < m->columns) /* those of removed columns may stay behind at the end */
        msio_aips_fail(&a, MSIO_E_FORMAT, "expected the places of %d columns, found %" PRId64 " and %" PRId64,
                       m->columns, offsets, indices);
    s->columns = m->columns;
    return a.status;
}

static msio_status read_header(msio_window *window, msio_ssm *s, index_place *place) {
    msio_aips a;
    int64_t length = msio_min(window->size, MSIO_BUCKETS_AT);
    const uint8_t *bytes = msio_window_get(window, 0, length);
    if (!bytes) return window->status;
    msio_aips_start(&a, bytes, length, s->big, window->path, &s->arena);
    uint32_t version = msio_aips_enter(&a, "StandardStMan", 3);
    if (version < 2) msio_aips_fail(&a, MSIO_E_UNSUPPORTED, "a StandardStMan header of version %" PRIu32, version);
    bool big = version >= 3 ? msio_aips_bool(&a) : true;
    s->bucket_size = msio_aips_u32(&a);
    s->in_file = msio_aips_u32(&a);
    for (int i = 0; i < 4; i++) msio_aips_u32(&a); /* cache size, free buckets, number of index buckets */
    place->first = msio_aips_i32(&a);
    place->offset = msio_aips_u32(&a);
    msio_aips_u32(&a); /* the bucket that strings are being added to */
    place->length = msio_aips_u32(&a);
    place->indices = msio_aips_u32(&a);
    msio_aips_leave(&a);
    if (big != s->big)
        msio_aips_fail(&a, MSIO_E_FORMAT, "the manager is %s-endian, the table is not", big ? "big" : "little");
    return a.status ? a.status : msio_buckets_fit(s->bucket_size, s->in_file, window->path);
}

/* ---------------------------------------------------------------- index */

static msio_status bad_index(const msio_window *window, const char *what, int64_t bucket) {
    return msio_error_set(MSIO_E_FORMAT, window->path, "the index %s, at bucket %" PRId64 ": it is damaged", what,
                          bucket);
}

/* Follows the chain of index buckets. */
static msio_status gather_chain(msio_window *window, const msio_ssm *s, const index_place *place, uint8_t *bytes) {
    int64_t bucket = place->first;
    for (int64_t done = 0; done < place->length;) {
        int64_t part = msio_min(s->bucket_size - 8, place->length - done);
        if (bucket < 0 || bucket >= s->in_file) return bad_index(window, "ends too early or leaves the file", bucket);
        if (part < 1) return bad_index(window, "has buckets too small for it", bucket);
        const uint8_t *p = msio_window_get(window, MSIO_BUCKETS_AT + bucket * s->bucket_size, 8 + part);
        if (!p) return window->status;
        memcpy(bytes + done, p + 8, (size_t)part);
        done += part;
        bucket = msio_stored_i32(p + 4, true); /* big-endian in every table */
    }
    return MSIO_OK; /* what the last bucket calls its next is not looked at, as in casacore */
}

static msio_status gather_index(msio_window *window, const msio_ssm *s, const index_place *place, uint8_t **bytes) {
    if (place->length > window->size || place->indices > place->length / INDEX_LEAST)
        return msio_error_set(MSIO_E_FORMAT, window->path,
                              "%" PRId64 " indices in %" PRId64 " bytes are announced, the file has %" PRId64
                              " bytes: it was cut, or its header is damaged",
                              place->indices, place->length, window->size);
    *bytes = malloc((size_t)place->length + 1);
    if (!*bytes)
        return msio_error_set(MSIO_E_MEMORY, window->path, "no memory for an index of %" PRId64 " bytes",
                              place->length);
    if (place->offset == 0) return gather_chain(window, s, place, *bytes);
    if (place->first < 0 || place->first >= s->in_file || place->offset > s->bucket_size - place->length)
        return bad_index(window, "does not fit its bucket", place->first);
    const uint8_t *p =
        msio_window_get(window, MSIO_BUCKETS_AT + place->first * s->bucket_size + place->offset, place->length);
    if (p) memcpy(*bytes, p, (size_t)place->length);
    return p ? MSIO_OK : window->status;
}

static void parse_index(msio_aips *a, msio_ssm *s, int64_t i) {
    int64_t used, last = 0, number = 0;
    uint32_t version = msio_aips_enter(a, "SSMIndex", 2);
    used = msio_aips_u32(a);
    s->rows_per_bucket[i] = msio_aips_u32(a);
    msio_aips_i32(a); /* columns */
    msio_aips_enter(a, "SimpleOrderedMap", 1);
    msio_aips_i32(a);
    int64_t holes = msio_aips_count(a, 8); /* unused parts of buckets: only writers care */
    msio_aips_u32(a);
    msio_aips_raw(a, 8 * holes);
    msio_aips_leave(a);
    s->index[i].last = msio_aips_block(a, version == 2, &last);
    s->index[i].number = msio_aips_block(a, false, &number);
    msio_aips_leave(a);
    if (used > last || used > number)
        msio_aips_fail(a, MSIO_E_FORMAT, "index %" PRId64 " uses %" PRId64 " intervals of %" PRId64 " and %" PRId64, i,
                       used, last, number);
    s->index[i].n = used;
    s->index[i].size = s->bucket_size;
}

static msio_status parse_indices(msio_window *window, msio_ssm *s, const index_place *place, const uint8_t *bytes) {
    msio_aips a;
    s->indices = place->indices;
    s->index = msio_arena_take(&s->arena, s->indices + 1, sizeof *s->index);
    s->rows_per_bucket = msio_arena_take(&s->arena, s->indices + 1, sizeof *s->rows_per_bucket);
    if (!s->index || !s->rows_per_bucket)
        return msio_error_set(MSIO_E_MEMORY, window->path, "no memory for %" PRId64 " indices", s->indices);
    msio_aips_start(&a, bytes, place->length, s->big, window->path, &s->arena);
    for (int64_t i = 0; i < s->indices && msio_aips_ok(&a); i++) parse_index(&a, s, i);
    return a.status;
}

/* ---------------------------------------------------------------- columns */

int64_t msio_ssm_row_bits(const msio_column_dat *column) {
    int64_t elements = msio_cell_elements(column), bits;
    if (column->type == MSIO_STRING) {
        bool fixed_length = column->kind == MSIO_KIND_SCALAR && column->max_length > 0;
        return fixed_length ? 8 * column->max_length : 96;
    }
    if (!msio_column_is_direct(column)) return 64;
    if (elements < 0) return -1;
    if (column->type == MSIO_BOOL) return elements;
    return msio_mul_checked(elements, 8 * (int64_t)msio_stored_size(column->type), &bits) ? bits : -1;
}

/* A column's values must lie inside each bucket, whatever the row. */
static msio_status check_column(const msio_manager *manager, const msio_ssm *s, const msio_column_dat *column,
                                const char *path) {
    int64_t i = s->index_of[column->number], bits = msio_ssm_row_bits(column), all;
    if (i >= s->indices)
        return msio_error_set(MSIO_E_FORMAT, path,
                              "column %s is found by index %" PRId64 ", the file has %" PRId64
                              ": it is damaged, or the table "
                              "is being changed",
                              column->name, i, s->indices);
    if (manager->rows == 0) return msio_buckets_check(&s->index[i], s->in_file, 1, s->rows_per_bucket[i], path);
    bool fits = bits >= 0 && msio_mul_checked(bits, s->rows_per_bucket[i], &all) &&
                all / 8 + (all % 8 != 0) <= s->bucket_size - s->offset[column->number];
    if (!fits)
        return msio_error_set(MSIO_E_FORMAT, path,
                              "column %s: %" PRId64 " rows of %" PRId64 " bits from byte %" PRId64
                              " on do not fit a bucket of %" PRId64 " bytes",
                              column->name, s->rows_per_bucket[i], bits, s->offset[column->number], s->bucket_size);
    return msio_buckets_check(&s->index[i], s->in_file, 1, s->rows_per_bucket[i], path);
}

static msio_status check_columns(const msio_manager *manager, const msio_ssm *s, const char *path) {
    const msio_table_dat *dat = manager->dat;
    msio_status status = MSIO_OK;
    for (int i = 0; i < dat->columns && !status; i++)
        if (dat->column[i].manager == manager->index) status = check_column(manager, s, &dat->column[i], path);
    return status;
}

/* ---------------------------------------------------------------- all of it */

msio_status msio_ssm_read(const msio_manager *manager, msio_window *window, msio_ssm **ssm) {
    index_place place = {0};
    uint8_t *index = NULL;
    msio_ssm *s = calloc(1, sizeof *s);
    if (!s) return msio_error_set(MSIO_E_MEMORY, window->path, "no memory for a data manager");
    s->big = manager->dat->big_endian;
    msio_status status = read_blob(manager, s);
    if (!status) status = read_header(window, s, &place);
    if (!status) status = gather_index(window, s, &place, &index);
    if (!status) status = parse_indices(window, s, &place, index);
    if (!status) status = check_columns(manager, s, window->path);
    free(index);
    if (status)
        msio_ssm_free(s);
    else
        *ssm = s;
    return status;
}

msio_status msio_ssm_parse(const msio_manager *manager, const void *bytes, int64_t length, msio_ssm **ssm) {
    msio_window window;
    msio_window_open_memory(&window, bytes, length, "StandardStMan");
    return msio_window_close(&window, msio_ssm_read(manager, &window, ssm));
}

void msio_ssm_free(msio_ssm *ssm) {
    if (!ssm) return;
    msio_arena_free(&ssm->arena);
    free(ssm);
}
