/* read_everything.h - opens a table, describes it and reads all of every column through the public interface, whatever
 * comes of it, and views what can be viewed: for files that may be damaged. */
#ifndef MSIO_TESTS_FUZZ_READ_EVERYTHING_H
#define MSIO_TESTS_FUZZ_READ_EVERYTHING_H

#include "msio/view.h"

#include <stdlib.h>
#include <string.h>

/* More rows than this are not read one by one: an incremental column may truly have 2^40. */
#define EVERYTHING_ROWS 4096
/* A larger answer is not asked for. */
#define EVERYTHING_BYTES ((size_t)16 << 20)

typedef struct everything {
    uint64_t hash; /* of all that was read */
    int reads, failures;
    msio_status first; /* of the failures */
} everything;

static inline void everything_mix(everything *e, const void *bytes, size_t length) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < length; i++) e->hash = (e->hash ^ p[i]) * 1099511628211u;
}

static inline void everything_text(everything *e, const char *text) {
    if (text) everything_mix(e, text, strlen(text) + 1);
}

static inline void everything_count(everything *e, msio_status status) {
    e->reads++;
    if (status == MSIO_OK) return;
    if (e->failures++ == 0) e->first = status;
    everything_text(e, msio_last_error()->message[0] ? "failed" : NULL);
}

static inline void everything_record(everything *e, const msio_record *record) {
    for (int i = 0; record && i < msio_record_count(record); i++) {
        const msio_field *f = msio_record_at(record, i);
        everything_text(e, f->name);
        if (f->record) everything_record(e, f->record);
        if (f->values) everything_mix(e, f->values, (size_t)f->count * msio_type_size(f->type));
        for (int64_t k = 0; f->strings && k < f->count; k++) everything_text(e, f->strings[k]);
    }
}

/* What can be viewed is what is read; a view reaches to its last element, and not beyond the file. */
static inline void everything_view(const msio_column *column, const msio_ragged *r) {
    msio_view *view = NULL;
    if (msio_view_column(column, NULL, NULL, &view)) return;
    const msio_view_info *v = msio_view_describe(view);
    if (v->bytes != r->bytes) abort();
    if (v->bytes && v->contiguous && memcmp(v->data, r->data, v->bytes) != 0) abort();
    if (msio_view_close(view) == MSIO_E_IO) abort();
}

static inline void everything_ragged(everything *e, const msio_column *column, const msio_select *select,
                                     const msio_read_opts *opts) {
    msio_ragged r;
    msio_status status = msio_read_ragged(column, select, &r, opts);
    everything_count(e, status);
    if (status) return;
    everything_mix(e, r.offsets, (size_t)(r.cells + 1) * sizeof *r.offsets);
    everything_mix(e, r.defined, (size_t)r.cells);
    for (int64_t i = 0; i < r.cells; i++)
        everything_mix(e, r.shapes + i * MSIO_MAX_NDIM, (size_t)r.ndims[i] * sizeof *r.shapes);
    if (r.text_offsets) everything_mix(e, r.text_offsets, (size_t)(r.offsets[r.cells] + 1) * sizeof *r.text_offsets);
    if (r.bytes) everything_mix(e, r.type == MSIO_STRING ? (const void *)r.text : r.data, r.bytes);
    if (!select && r.type != MSIO_STRING) everything_view(column, &r);
    msio_ragged_free(&r);
}

static inline void everything_dense(everything *e, const msio_column *column, const msio_select *select,
                                    const msio_read_opts *opts) {
    int ndim;
    int64_t shape[MSIO_MAX_NDIM + 1];
    size_t bytes;
    msio_array a;
    msio_status status = msio_read_shape(column, select, &ndim, shape, &bytes);
    everything_count(e, status);
    if (status || bytes > EVERYTHING_BYTES) return;
    status = msio_read_new(column, select, &a, opts);
    everything_count(e, status);
    if (status) return;
    everything_mix(e, a.shape, (size_t)a.ndim * sizeof *a.shape);
    if (a.bytes) everything_mix(e, a.data, a.bytes);
    msio_array_free(&a);
}

/* A column: whole, and some cells as a dense array. */
static inline void everything_column(everything *e, const msio_column *column, int64_t rows, msio_way way) {
    static const unsigned char zeros[16];
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    msio_select select = MSIO_SELECT_ALL;
    const msio_column_info *info = msio_column_describe(column);
    int64_t some[] = {rows - 1, 0, rows / 2, 0, rows - 1};
    opts.threads = 1;
    opts.way = way;
    opts.fill = zeros;
    if (info) {
        everything_text(e, info->manager_name);
        everything_mix(e, info->tile, (size_t)info->tile_ndim * sizeof *info->tile);
    }
    everything_record(e, msio_column_keywords(column));
    if (rows > 0) {
        select.row_list = some;
        select.rows_in_list = 5;
        everything_dense(e, column, &select, &opts);
    }
    everything_ragged(e, column, rows > EVERYTHING_ROWS ? &select : NULL, &opts);
}

/* Returns the status of opening. */
static inline msio_status read_everything(const char *path, const msio_open_opts *opts, msio_way way, everything *e) {
    msio_table *table = NULL;
    msio_table_info info;
    msio_manager_info manager;
    *e = (everything){.hash = 1469598103934665603u};
    msio_status status = msio_table_open(path, opts, &table);
    if (status) return status;
    msio_table_describe(table, &info);
    everything_text(e, info.type);
    everything_record(e, msio_table_keywords(table));
    for (int i = 0; i < msio_table_subtables(table); i++) {
        everything_text(e, msio_table_subtable_name(table, i));
        (void)msio_table_subtable_path(table, i);
    }
    for (int i = 0; i < info.managers; i++)
        if (msio_table_manager(table, i, &manager) == MSIO_OK) everything_text(e, manager.name);
    for (int i = 0; i < info.columns; i++) {
        const msio_column *column = NULL;
        const char *name = msio_table_column_name(table, i);
        msio_status found = name ? msio_table_column(table, name, &column) : MSIO_E_NO_COLUMN;
        if (found)
            everything_count(e, found);
        else
            everything_column(e, column, msio_table_rows(table), way);
    }
    msio_table_close(table);
    return MSIO_OK;
}

#endif
