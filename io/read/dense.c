/* dense.c - dense reads: shapes first, then all columns' pieces through one engine. */
#include "io/read/dense.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/pool.h"
#include "core/ready.h"
#include "io/read/plan_record.h"
#include "io/table/fallback.h"
#include "prof/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- shapes */

/* Shapes of one leaf's rows, as they are told. */
typedef struct shape_job {
    msio_dense *dense;
    msio_dense_column *column;
    const msio_rows *rows;
} shape_job;

static msio_status differing_shapes(const shape_job *job, int64_t place, int ndim, const int64_t *shape) {
    const msio_dense_column *c = job->column;
    char text[2][160];
    const int n[2] = {c->ndim, ndim};
    const int64_t *s[2] = {c->shape, shape};
    for (int i = 0; i < 2; i++) {
        size_t at = 0;
        text[i][0] = 0;
        for (int k = n[i] - 1; k >= 0 && at < sizeof text[i] - 24; k--)
            at += (size_t)snprintf(text[i] + at, sizeof text[i] - at, k ? "%lld, " : "%lld", (long long)s[i][k]);
    }
    return msio_error_set(
        MSIO_E_SHAPE, NULL,
        "column %s varies in shape: row %lld has [%s], row %lld has [%s]; select rows of one shape, or "
        "read ragged",
        c->name, (long long)msio_select_row(job->dense->select, c->shape_place), text[0],
        (long long)msio_select_row(job->dense->select, place), text[1]);
}

static msio_status take_shape(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    shape_job *job = user;
    msio_dense_column *c = job->column;
    int64_t place = msio_rows_place(job->rows, index);
    if (ndim < 0) {
        for (int64_t i = 0; i < count; i++) {
            int64_t p = msio_rows_place(job->rows, index + i);
            if (c->undefined++ == 0 || p < c->undefined_place) c->undefined_place = p;
        }
        return MSIO_OK;
    }
    if (c->ndim < 0) {
        c->ndim = ndim;
        c->shape_place = place;
        if (ndim) memcpy(c->shape, shape, (size_t)ndim * sizeof *shape);
    } else if (c->ndim != ndim || (ndim && memcmp(c->shape, shape, (size_t)ndim * sizeof *shape) != 0)) {
        return differing_shapes(job, place, ndim, shape);
    }
    return MSIO_OK;
}

static msio_status tell_shapes(const msio_leaf *leaf, const msio_rows *rows, msio_shape_sink sink, void *user) {
    if (!leaf->native) return msio_fallback_shapes(leaf, rows, sink, user);
    const msio_manager *m = &leaf->slot->manager;
    return m->layout->shapes(m, leaf->column, rows, sink, user);
}

static msio_codec codec_of(const msio_leaf *leaf) {
    bool swapped = leaf->access->snapshot->dat->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    if (leaf->column->type == MSIO_BOOL) return MSIO_CODEC_BITS;
    return swapped && msio_type_size(leaf->column->type) > 1 ? MSIO_CODEC_SWAP : MSIO_CODEC_COPY;
}

/* No rows are wanted: the shape that any would have, where that is known. */
static void shape_without_rows(const msio_leaf *leaf, msio_dense_column *c) {
    msio_layout_facts facts = {.name = "", .ndim = -1};
    if ((leaf->column->option & MSIO_OPTION_FIXED) && leaf->column->shape_ndim >= 0) {
        c->ndim = leaf->column->shape_ndim;
        memcpy(c->shape, leaf->column->shape, sizeof c->shape);
    } else if (leaf->native) {
        leaf->slot->manager.layout->describe(&leaf->slot->manager, leaf->column, &facts);
        c->ndim = facts.ndim;
        memcpy(c->shape, facts.shape, sizeof c->shape);
    }
}

/* The cells of strings, as they are stored. */
static msio_status stored_shapes(msio_dense *d, msio_dense_column *c, const msio_leaf *leaf, const msio_rows *rows) {
    msio_text_form form;
    const msio_layout *layout = leaf->slot->manager.layout;
    if (!leaf->native || !layout->text_form || !layout->text_form(leaf->column, &form))
        return msio_error_set(MSIO_E_UNSUPPORTED, leaf->access->table->path, "strings of column %s lie in no cells",
                              c->name);
    shape_job job = {d, c, rows};
    c->type = MSIO_UCHAR;
    c->codec = MSIO_CODEC_COPY;
    msio_status status = take_shape(&job, 0, rows->count, 1, &form.bytes);
    return status || !d->use ? status : d->use->leaf(d->use->user, d->current, leaf, rows);
}

static msio_status leaf_shapes(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    msio_dense *d = user;
    msio_dense_column *c = &d->column[d->current];
    c->type = leaf->column->type;
    c->array = leaf->column->kind == MSIO_KIND_ARRAY;
    c->codec = codec_of(leaf);
    msio_status status = msio_leaf_check_native(leaf);
    if (status) return status;
    if (c->as_stored && leaf->column->type == MSIO_STRING) return stored_shapes(d, c, leaf, rows);
    if (leaf->column->type == MSIO_STRING)
        return msio_error_set(MSIO_E_ARGUMENT, leaf->access->table->path, "column %s holds strings: read it ragged",
                              c->name);
    if (leaf->column->kind > MSIO_KIND_ARRAY || msio_type_size(c->type) == 0)
        return msio_error_set(MSIO_E_UNSUPPORTED, leaf->access->table->path,
                              "column %s holds %s values, which are not read", c->name, msio_type_name(c->type));
    if (!c->array) c->ndim = 0;
    if (d->use && (status = d->use->leaf(d->use->user, d->current, leaf, rows))) return status;
    if (msio_leaf_all_defined(leaf)) return MSIO_OK;
    if (rows->count == 0) {
        if (c->ndim < 0) shape_without_rows(leaf, c);
        return MSIO_OK;
    }
    shape_job job = {d, c, rows};
    return tell_shapes(leaf, rows, take_shape, &job);
}

static msio_status settle_shape(msio_dense *d, msio_dense_column *c, const char *path) {
    bool may_fill = d->opts && d->opts->fill;
    c->fresh = d->use && c->undefined && c->undefined == d->rows.count;
    if (c->fresh) {
        msio_status given = d->use->shape(d->use->user, d->current, &c->ndim, c->shape);
        if (given) return given;
        c->undefined = 0;
    }
    if (c->undefined && (!may_fill || c->ndim < 0))
        return msio_error_set(MSIO_E_UNDEFINED, path, "the cell of row %lld of column %s was never written%s",
                              (long long)msio_select_row(d->select, c->undefined_place), c->name,
                              d->use     ? "; select cells that have a shape, or only such as have none"
                              : may_fill ? ", nor any other one that is wanted, so that its shape is unknown"
                                         : "; give a fill value, or read ragged");
    int ndim = msio_max(c->ndim, 0) > 0 ? c->ndim : 0;
    bool lenient = d->lenient || (c->array && c->ndim < 0);
    msio_status status = msio_select_axes(d->select, c->name, ndim, c->shape, lenient, c->axis, &c->row_elements);
    if (status) return status;
    if (c->array && c->ndim < 0) c->row_elements = 0; /* no rows, no shape */
    if (!msio_mul_checked(c->row_elements, d->rows.count, &c->bytes) ||
        !msio_mul_checked(c->bytes, (int64_t)msio_type_size(c->type), &c->bytes))
        return msio_error_set(MSIO_E_MEMORY, path, "the selected part of column %s has more bytes than can be counted",
                              c->name);
    if (d->measure_only || d->plan || d->locate || d->asks_ahead || d->own_results || (d->use && d->use->looks))
        return MSIO_OK;
    if (d->use ? d->use->repeats || d->use->makes || (uint64_t)c->bytes == c->out_bytes
               : (uint64_t)c->bytes <= c->out_bytes)
        return MSIO_OK;
    return msio_error_set(MSIO_E_SIZE, path, "column %s needs %lld bytes for this selection, %zu were given", c->name,
                          (long long)c->bytes, c->out_bytes);
}

/* ---------------------------------------------------------------- reading */

static void fill_place(const msio_dense *d, const msio_dense_column *c, int64_t place) {
    size_t elem = msio_type_size(c->type);
    uint8_t *out = (uint8_t *)c->out + (size_t)(place * (c->apart ? c->apart : c->row_elements)) * elem;
    for (int64_t i = 0; i < c->row_elements; i++) memcpy(out + (size_t)i * elem, d->opts->fill, elem);
}

static msio_status read_defined(msio_dense *d, const msio_leaf *leaf, const msio_rows *rows) {
    msio_dense_column *c = &d->column[d->current];
    msio_want want = {.rows = rows,
                      .place_elements = c->apart ? c->apart : c->row_elements,
                      .ndim = c->ndim,
                      .row_elements = c->row_elements};
    memcpy(want.shape, c->shape, sizeof want.shape);
    memcpy(want.axis, c->axis, sizeof want.axis);
    if (rows->count == 0 || c->row_elements == 0) return MSIO_OK;
    if (leaf->native && (!d->use || d->use->native(d->use->user, d->current, leaf))) {
        const msio_manager *m = &leaf->slot->manager;
        msio_target *t = &d->sink.target[d->current];
        msio_codec codec = codec_of(leaf);
        msio_status status = codec == t->codec ? MSIO_OK : msio_sink_finish(&d->sink); /* parts may differ in order */
        if (status) return status;
        t->codec = codec;
        d->sink.current = d->current;
        if (c->fresh) return d->use->make(d->use->user, d->current, leaf, &want, &d->sink);
        return m->layout->pieces(m, leaf->column, &want, &d->sink);
    }
    if (d->use) return d->use->foreign(d->use->user, d->current, leaf, &want);
    if (d->locate || d->asks_ahead) return MSIO_OK; /* casacore's memory is no file's */
    if (d->plan)
        return msio_plan_record_foreign(d->plan, rows->count * c->row_elements * (int64_t)msio_type_size(c->type));
    return msio_fallback_read(leaf, &want, c->out);
}

/* Reads runs of defined cells, fills the others. */
typedef struct defined_job {
    msio_dense *dense;
    const msio_leaf *leaf;
    const msio_rows *rows;
} defined_job;

static msio_status read_run(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    defined_job *job = user;
    (void)shape;
    if (ndim >= 0) {
        msio_rows part = msio_rows_part(job->rows, index, count);
        return read_defined(job->dense, job->leaf, &part);
    }
    msio_dense_column *c = &job->dense->column[job->dense->current];
    for (int64_t i = 0; i < count && !job->dense->plan && !job->dense->locate && !job->dense->asks_ahead; i++)
        fill_place(job->dense, c, msio_rows_place(job->rows, index + i));
    return MSIO_OK;
}

static msio_status leaf_read(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    msio_dense *d = user;
    if (!d->column[d->current].undefined) return read_defined(d, leaf, rows);
    defined_job job = {d, leaf, rows};
    return tell_shapes(leaf, rows, read_run, &job);
}

static msio_status take_results(msio_dense *d, const char *path) {
    for (int i = 0; i < d->n; i++) {
        msio_dense_column *c = &d->column[i];
        if (c->bytes == 0) continue;
        c->out = msio_pool_take((size_t)c->bytes);
        c->out_bytes = (size_t)c->bytes;
        if (!c->out)
            return msio_error_set(MSIO_E_MEMORY, path,
                                  "no memory for %lld bytes of column %s; read fewer rows, or a stream",
                                  (long long)c->bytes, c->name);
        c->owned = true;
    }
    return MSIO_OK;
}

static void give_results(msio_dense *d) {
    for (int i = 0; i < d->n; i++) {
        if (!d->column[i].owned) continue;
        msio_pool_give(d->column[i].out);
        d->column[i].out = NULL;
        d->column[i].owned = false;
    }
}

static void set_targets(msio_dense *d) {
    for (int i = 0; i < d->n; i++) {
        const msio_dense_column *c = &d->column[i];
        int elem = (int)msio_type_size(c->type);
        bool complex = c->type == MSIO_COMPLEX || c->type == MSIO_DCOMPLEX;
        d->sink.target[i] = (msio_target){
            .codec = c->codec,
            .elem = elem,
            .unit = complex ? elem / 2 : elem,
            .stored_bits = c->type == MSIO_BOOL ? 1 : 8 * elem,
            .out = c->out,
            .out_bytes = c->bytes,
            .repeats = d->use && d->use->repeats,
        };
    }
}

static void ready_results(msio_dense *d) {
    for (int i = 0; i < d->n; i++)
        if (d->column[i].out) msio_memory_ready(d->column[i].out, (size_t)d->column[i].bytes);
}

/* A sink's flush: the result lies in a file when all of it is one piece that needs no change. Pages that are not in
 * memory are better read ahead than waited for one by one. */
static msio_status locate_piece(void *user, msio_piece_batch *batch) {
    msio_dense *d = user;
    const msio_piece *p = batch->pieces;
    const msio_target *t = &batch->target[0];
    msio_file *file = batch->n == 1 ? batch->source[p->source].file : NULL;
    msio_box box;
    int64_t offset, bit, out;
    *d->locate = (msio_located){NULL, NULL};
    if (!file || !file->mappable || t->codec != MSIO_CODEC_COPY) return MSIO_OK;
    msio_piece_box(batch, p, 0, p->rows, &box, &offset, &bit, &out);
    bool whole = out == 0 && msio_box_elements(&box) * t->elem == t->out_bytes;
    if (!whole || !msio_box_is_run(&box, t->elem, t->elem)) return MSIO_OK;
    const uint8_t *map = msio_file_map(file);
    if (map && msio_file_map_resident(file, offset, t->out_bytes, 2) >= 1.0)
        *d->locate = (msio_located){file, map + offset};
    return MSIO_OK;
}

/* So many pieces of a batch are looked at, whether they are in memory. */
#define LOOKED_AT 8

static bool is_cached(const msio_file *file, int64_t offset) {
    bool supported = true;
    uint8_t byte;
    return msio_file_read_cached(file, &byte, 1, offset, &supported) == 1 || !supported;
}

/* A sink's flush: where a sample of the pieces is not in memory, all of them are asked for. */
static msio_status ask_for_pieces(void *user, msio_piece_batch *batch) {
    bool all_cached = true;
    (void)user;
    for (int asking = 0; asking < 2; asking++) {
        const int64_t step = asking ? 1 : msio_max(1, batch->n / LOOKED_AT);
        for (int64_t i = 0; i < batch->n && (asking || all_cached); i += step) {
            const msio_piece *p = &batch->pieces[i];
            const msio_file *file = batch->source[p->source].file;
            msio_box box;
            int64_t offset, bit, out;
            msio_piece_box(batch, p, 0, p->rows, &box, &offset, &bit, &out);
            const int64_t length = msio_box_extent(&box, &batch->target[p->target], bit);
            if (!file || length <= 0) continue;
            if (asking)
                msio_file_prefetch(file, offset, length);
            else
                all_cached = is_cached(file, offset) && is_cached(file, offset + length - 1);
        }
        if (all_cached) break;
    }
    return MSIO_OK;
}

typedef msio_status (*flush_function)(void *user, msio_piece_batch *batch);

/* What becomes of the pieces, and whose they are then. */
static flush_function flush_of(msio_dense *d, void **user) {
    if (d->use) {
        *user = d->use->user;
        return d->use->flush;
    }
    *user = d;
    if (d->asks_ahead) return ask_for_pieces;
    *user = d->locate ? (void *)d : d->plan ? (void *)d->plan : (void *)&d->engine;
    return d->locate ? locate_piece : d->plan ? msio_plan_record_batch : msio_engine_run;
}

static msio_status read_columns(msio_dense *d, msio_access *access) {
    int64_t total = 0;
    for (int i = 0; i < d->n; i++) total += d->column[i].bytes;
    void *user;
    flush_function flush = flush_of(d, &user);
    msio_status status = d->use ? d->use->prepare(d->use->user, access) : MSIO_OK;
    if (!status) status = msio_engine_start(&d->engine, d->opts, total, d->plan != NULL || d->asks_ahead);
    if (!status && !(status = msio_sink_start(&d->sink, d->n, flush, user))) {
        set_targets(d);
        d->sink.keeps_units = d->use && !d->use->looks;
        if (d->use && d->use->looks) {
            d->sink.whole = true;
            d->sink.batch_pieces = MSIO_SEEN_PIECES;
        }
        if (!d->engine.counts_only && !d->locate && !d->use) ready_results(d);
        for (d->current = 0; d->current < d->n && !status; d->current++)
            status = msio_leaves_visit(access, d->column[d->current].name, &d->rows, leaf_read, d);
        if (!status) status = msio_sink_finish(&d->sink);
        if (!status && d->plan) msio_plan_record_end(d->plan, &d->engine, total);
        msio_sink_free(&d->sink);
    }
    msio_engine_finish(&d->engine);
    return status;
}

msio_status msio_dense_read(void *dense, msio_access *access) {
    msio_dense *d = dense;
    const char *path = access->table->path;
    for (int i = 0; i < d->n; i++) {
        msio_dense_column *c = &d->column[i];
        c->ndim = -1;
        c->undefined = c->bytes = 0;
    }
    msio_status status = msio_rows_select(d->select, access->rows, path, &d->rows);
    if (status) return status;
    d->rows_selected = d->rows.count;
    if (d->plan) msio_plan_record_start(d->plan, &d->engine, d->rows.count);
    for (d->current = 0; d->current < d->n && !status; d->current++) {
        status = msio_leaves_visit(access, d->column[d->current].name, &d->rows, leaf_shapes, d);
        if (!status) status = settle_shape(d, &d->column[d->current], path);
    }
    if (!status && !d->measure_only) {
        if (d->own_results) status = take_results(d, path);
        if (!status) status = read_columns(d, access);
        if (status) give_results(d);
    }
    msio_rows_free(&d->rows);
    return status;
}

msio_status msio_dense_measure(msio_table *table, int n, const msio_column *const *columns, const msio_select *select,
                               const msio_read_opts *opts, msio_array *array, int64_t *rows) {
    msio_dense_column *c = calloc((size_t)n, sizeof *c);
    if (!c) return msio_error_set(MSIO_E_MEMORY, table->path, "no memory for %d columns", n);
    for (int i = 0; i < n; i++) c[i].name = columns[i]->name;
    msio_dense dense = {.n = n, .column = c, .select = select, .opts = opts, .lenient = true, .measure_only = true};
    msio_status status = msio_access_run(table, msio_dense_read, &dense);
    *rows = dense.rows_selected;
    for (int i = 0; i < n && !status; i++) {
        int axes = c[i].ndim > 0 ? c[i].ndim : 0;
        array[i] = (msio_array){.type = c[i].type, .ndim = axes + 1};
        for (int k = 0; k < axes; k++) array[i].shape[1 + k] = c[i].axis[axes - 1 - k].count;
        array[i].bytes = (size_t)(*rows ? c[i].bytes / *rows : 0);
    }
    free(c);
    return status;
}

msio_status msio_dense_ask_ahead(msio_table *table, int n, const msio_column *const *columns,
                                 const msio_select *select) {
    msio_read_opts alone = MSIO_READ_OPTS_INIT;
    alone.threads = 1; /* nothing is read */
    msio_dense_column *c = calloc((size_t)n, sizeof *c);
    if (!c) return msio_error_set(MSIO_E_MEMORY, table->path, "no memory for %d columns", n);
    for (int i = 0; i < n; i++) c[i].name = columns[i]->name;
    msio_dense dense = {.n = n, .column = c, .select = select, .opts = &alone, .lenient = true, .asks_ahead = true};
    const msio_status status = msio_access_run(table, msio_dense_read, &dense);
    free(c);
    return status;
}
