/* dataset.c - HDF5 datasets read: numbers through the engine or the library, and strings. */
#include "core/checked.h"
#include "core/error.h"
#include "core/ready.h"
#include "io/hdf5_module/hdf5_module.h"
#include "io/layout/hdf5_layout.h"
#include "io/read/dense.h"
#include "io/read/plan_record.h"
#include "io/read/request.h"
#include "prof/call.h"
#include "prof/span.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- selecting */

static msio_status check_type(const msio_dataset *d, msio_type type) {
    if (d->info.type == MSIO_STRING)
        return msio_error_set(MSIO_E_ARGUMENT, d->file->path, "%s holds strings: read them as texts", d->name);
    if (d->info.type == MSIO_RECORD)
        return msio_error_set(MSIO_E_UNSUPPORTED, d->file->path, "%s holds elements that are no numbers (%s)", d->name,
                              d->info.stored_name);
    if (type == d->info.type || msio_number_becomes(&d->info.number, type)) return MSIO_OK;
    return msio_error_set(MSIO_E_ARGUMENT, d->file->path, "%s holds %s, which is not delivered as %s", d->name,
                          d->info.stored_name, msio_type_name(type));
}

/* Axes but the first are a cell's, as of a column; select_axes counts them from the fastest. */
static msio_status resolve_axes(msio_request *r, const msio_select *select) {
    const msio_h5_info *info = &r->dataset->info;
    int cell = info->ndim > 1 ? info->ndim - 1 : 0;
    int64_t shape[MSIO_MAX_NDIM] = {0}, elements;
    msio_range axis[MSIO_MAX_NDIM];
    for (int k = 0; k < cell; k++) shape[k] = info->shape[info->ndim - 1 - k];
    msio_status status = msio_select_axes(select, r->dataset->name, cell, shape, false, axis, &elements);
    for (int k = 0; k < cell && !status; k++) r->slab.axis[info->ndim - 1 - k] = axis[k];
    return status;
}

msio_status msio_request_resolve(const msio_dataset *dataset, const msio_select *select, msio_type type,
                                 msio_request *r) {
    *r = (msio_request){.dataset = dataset, .type = type, .ndim = dataset->info.ndim};
    const msio_h5_info *info = &dataset->info;
    const char *path = dataset->file->path;
    msio_status status = check_type(dataset, type);
    if (!status) status = msio_check_sizes(select, NULL);
    if (!status) status = resolve_axes(r, select);
    if (!status) status = msio_rows_select(select, info->ndim ? info->shape[0] : 1, path, &r->rows);
    if (status) return status;
    r->slab.rows = &r->rows;
    r->bytes = (int64_t)msio_type_size(type);
    for (int k = info->ndim - 1; k >= 0; k--) {
        r->shape[k] = k ? r->slab.axis[k].count : r->rows.count;
        r->slab.stride[k] = r->bytes;
        if (!msio_mul_checked(r->bytes, r->shape[k], &r->bytes)) {
            msio_rows_free(&r->rows);
            return msio_error_set(MSIO_E_MEMORY, path, "the selected part of %s has more bytes than can be counted",
                                  dataset->name);
        }
    }
    if (info->ndim == 0) r->bytes *= r->rows.count;
    return MSIO_OK;
}

msio_status msio_dataset_shape(const msio_dataset *dataset, const msio_select *select, msio_type type, int *ndim,
                               int64_t shape[MSIO_MAX_NDIM], size_t *bytes) {
    msio_request r;
    if (!dataset || !ndim || !shape || !bytes)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no dataset, or nowhere to put its shape");
    msio_status status = msio_request_resolve(dataset, select, type, &r);
    if (status) return status;
    *ndim = r.ndim;
    memcpy(shape, r.shape, (size_t)r.ndim * sizeof *shape);
    *bytes = (size_t)r.bytes;
    msio_rows_free(&r.rows);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- reading */

typedef msio_status (*flush_function)(void *user, msio_piece_batch *batch);

static msio_status run_pieces(const msio_request *r, void *out, flush_function flush, void *user) {
    msio_sink sink;
    msio_status status = msio_sink_start(&sink, 1, flush, user);
    if (status) return status;
    msio_hdf5_target(r->dataset, r->type, &sink.target[0]);
    sink.target[0].out = out;
    sink.target[0].out_bytes = r->bytes;
    status = msio_hdf5_pieces(r->dataset, &r->slab, &sink);
    if (!status) status = msio_sink_finish(&sink);
    msio_sink_free(&sink);
    return status;
}

static msio_status read_natively(const msio_request *r, void *out, const msio_read_opts *opts) {
    msio_engine engine;
    msio_status status = msio_engine_start(&engine, opts, r->bytes, false);
    msio_memory_ready(out, (size_t)r->bytes);
    if (!status) status = run_pieces(r, out, msio_engine_run, &engine);
    msio_engine_finish(&engine);
    return status;
}

msio_status msio_dataset_read(const msio_dataset *dataset, const msio_select *select, msio_type type, void *out,
                              size_t out_bytes, const msio_read_opts *opts) {
    PROF_CALL_OF(dataset ? dataset->file->path : NULL, dataset ? dataset->name : NULL, 1);
    msio_request r;
    if (!dataset) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no dataset");
    msio_status status = msio_check_sizes(select, opts);
    if (!status) status = msio_request_resolve(dataset, select, type, &r);
    if (status) return status;
    prof_span span;
    prof_begin(&span, PROF_PATH_READ);
    if ((uint64_t)r.bytes > out_bytes || (r.bytes && !out))
        status =
            msio_error_set(MSIO_E_SIZE, dataset->file->path, "%s needs %lld bytes for this selection, %zu were given",
                           dataset->name, (long long)r.bytes, out ? out_bytes : 0);
    else if (r.bytes)
        status =
            dataset->described.native ? read_natively(&r, out, opts) : msio_hdf5_fallback(dataset, &r.slab, type, out);
    if (!status) status = msio_hdf5_unchanged(dataset->file);
    prof_end(&span, &(prof_work){.bytes = r.bytes, .rows = r.rows.count});
    if (!status) prof_call_did(r.bytes, r.rows.count);
    msio_rows_free(&r.rows);
    return status;
}

msio_status msio_dataset_plan(const msio_dataset *dataset, const msio_select *select, msio_plan **plan) {
    PROF_CALL_OF(dataset ? dataset->file->path : NULL, dataset ? dataset->name : NULL, 1);
    msio_request r;
    if (!dataset || !plan) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no dataset, or nowhere to put the plan");
    msio_status status = msio_request_resolve(dataset, select, dataset->info.type, &r);
    if (status) return status;
    msio_engine engine = {0};
    msio_plan *p = msio_plan_record_new();
    if (!p) status = msio_error_set(MSIO_E_MEMORY, dataset->file->path, "no memory for a plan");
    if (!status) status = msio_engine_start(&engine, NULL, r.bytes, true);
    if (!status) {
        msio_plan_record_start(p, &engine, r.rows.count);
        if (!dataset->described.native)
            status = msio_plan_record_foreign(p, r.bytes);
        else if (r.bytes) /* as in a read: values of nothing need no place in the file */
            status = run_pieces(&r, NULL, msio_plan_record_batch, p);
        msio_plan_record_end(p, &engine, r.bytes);
    }
    msio_engine_finish(&engine);
    msio_rows_free(&r.rows);
    if (status)
        msio_plan_free(p);
    else
        *plan = p;
    return status;
}

/* ---------------------------------------------------------------- strings */

typedef struct text_list {
    int64_t n, capacity;
    int64_t *offset; /* [n + 1] */
    char *text;
    int64_t bytes, room;
} text_list;

static msio_status keep_text(void *user, const char *text, int64_t length) {
    text_list *list = user;
    if (list->n + 2 > list->capacity) {
        int64_t wanted = list->capacity ? list->capacity * 2 : 64;
        int64_t *grown = realloc(list->offset, (size_t)wanted * sizeof *grown);
        if (!grown) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for strings");
        list->offset = grown;
        list->capacity = wanted;
    }
    if (list->bytes + length > list->room) {
        int64_t wanted = msio_max(2 * list->room, list->bytes + length + 256);
        char *grown = realloc(list->text, (size_t)wanted);
        if (!grown) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for strings");
        list->text = grown;
        list->room = wanted;
    }
    if (length) memcpy(list->text + list->bytes, text, (size_t)length);
    if (list->n == 0) list->offset[0] = 0;
    list->bytes += length;
    list->offset[++list->n] = list->bytes;
    return MSIO_OK;
}

static bool take_ragged(msio_ragged *out, int64_t cells, int64_t elements, int64_t bytes) {
    *out = (msio_ragged){.type = MSIO_STRING, .cells = cells, .bytes = (size_t)bytes};
    out->offsets = calloc((size_t)cells + 1, sizeof *out->offsets);
    out->shapes = calloc((size_t)cells + 1, MSIO_MAX_NDIM * sizeof *out->shapes);
    out->ndims = calloc((size_t)cells + 1, sizeof *out->ndims);
    out->defined = calloc((size_t)cells + 1, sizeof *out->defined);
    out->text_offsets = calloc((size_t)elements + 1, sizeof *out->text_offsets);
    out->text = malloc((size_t)bytes + 1);
    return out->offsets && out->shapes && out->ndims && out->defined && out->text_offsets && out->text;
}

/* Picks the selected cells out of all strings. */
static msio_status pick(const msio_dataset *d, const msio_select *select, const msio_rows *rows, const text_list *list,
                        msio_ragged *out) {
    const msio_h5_info *info = &d->info;
    int64_t each = 1, elements, bytes = 0;
    for (int k = 1; k < info->ndim; k++) each *= info->shape[k];
    if (!msio_mul_checked(each, rows->count, &elements)) elements = INT64_MAX / 16;
    for (int64_t i = 0; i < rows->count && each; i++) {
        int64_t first = msio_rows_row(rows, i) * each;
        bytes += list->offset[first + each] - list->offset[first];
    }
    if (!take_ragged(out, rows->count, elements, bytes))
        return msio_error_set(MSIO_E_MEMORY, d->file->path, "no memory for the strings of %s", d->name);
    int64_t at = 0, *to = out->text_offsets;
    for (int64_t place = 0; place < rows->count; place++) {
        int64_t first = msio_select_row(select, place) * each;
        out->defined[place] = 1;
        out->ndims[place] = (int8_t)(info->ndim > 1 ? info->ndim - 1 : 0);
        for (int k = 1; k < info->ndim; k++) out->shapes[place * MSIO_MAX_NDIM + k - 1] = info->shape[k];
        out->offsets[place + 1] = out->offsets[place] + each;
        for (int64_t e = first; e < first + each; e++) {
            int64_t length = list->offset[e + 1] - list->offset[e];
            if (length) memcpy(out->text + at, list->text + list->offset[e], (size_t)length);
            at += length;
            *++to = at;
        }
    }
    return MSIO_OK;
}

msio_status msio_dataset_texts(const msio_dataset *dataset, const msio_select *select, msio_ragged *texts) {
    PROF_CALL_OF(dataset ? dataset->file->path : NULL, dataset ? dataset->name : NULL, 1);
    if (!dataset || !texts) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no dataset, or nowhere to put its strings");
    const msio_h5_info *info = &dataset->info;
    const char *path = dataset->file->path;
    if (info->type != MSIO_STRING)
        return msio_error_set(MSIO_E_ARGUMENT, path, "%s holds no strings but %s", dataset->name, info->stored_name);
    msio_rows rows = {0};
    text_list list = {0};
    msio_ragged found = {0};
    msio_status status = msio_check_sizes(select, NULL);
    if (!status) status = msio_rows_select(select, info->ndim ? info->shape[0] : 1, path, &rows);
    if (!status) status = msio_hdf5_explain(dataset, msio_h5_read_texts(dataset->library, path, keep_text, &list));
    if (!status && list.n != info->elements)
        status = msio_error_set(MSIO_E_FORMAT, path, "%s has %lld strings where it should have %lld", dataset->name,
                                (long long)list.n, (long long)info->elements);
    if (!status) status = pick(dataset, select, &rows, &list, &found);
    free(list.offset);
    free(list.text);
    msio_rows_free(&rows);
    if (status)
        msio_ragged_free(&found);
    else
        *texts = found;
    return status;
}
