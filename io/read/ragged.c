/* ragged.c - cells of any shape, and strings, one after the other. */
#include "core/checked.h"
#include "core/error.h"
#include "core/pool.h"
#include "io/read/dense.h"
#include "io/table/fallback.h"
#include "prof/call.h"
#include "prof/span.h"

#include <stdlib.h>
#include <string.h>

/* Strings as they arrive: in row order, which the selection's places may differ from. */
typedef struct text_store {
    char *text;
    int64_t bytes, text_room;
    int64_t *start; /* of each string; strings + 1 are there */
    int64_t strings, string_room;
    int64_t *first; /* [cells]: a cell's first string */
    bool in_place;  /* cells came in the order of their places */
} text_store;

typedef struct ragged_job {
    const char *name;
    const msio_select *select;
    const msio_read_opts *opts;
    msio_ragged result;
    msio_rows rows;
    text_store texts;
    int64_t expected_place;
    /* while a leaf is read */
    const msio_leaf *leaf;
    const msio_rows *leaf_rows;
    msio_engine engine;
    msio_sink sink;
} ragged_job;

static msio_status no_memory(const ragged_job *job) {
    return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the cells of column %s; read fewer rows", job->name);
}

/* ---------------------------------------------------------------- shapes */

static void set_cell(ragged_job *job, int64_t place, int ndim, const msio_range *axis, int64_t elements) {
    msio_ragged *r = &job->result;
    r->defined[place] = ndim >= 0;
    r->ndims[place] = (int8_t)(ndim > 0 ? ndim : 0);
    r->offsets[place + 1] = ndim >= 0 ? elements : 0; /* a count until all are known */
    for (int k = 0; k < ndim; k++) r->shapes[place * MSIO_MAX_NDIM + k] = axis[ndim - 1 - k].count;
}

static msio_status take_shape(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    ragged_job *job = user;
    msio_range axis[MSIO_MAX_NDIM];
    int64_t elements = 0;
    msio_status status =
        ndim < 0 ? MSIO_OK : msio_select_axes(job->select, job->name, ndim, shape, false, axis, &elements);
    for (int64_t i = 0; i < count && !status; i++)
        set_cell(job, msio_rows_place(job->leaf_rows, index + i), ndim, axis, elements);
    return status;
}

static msio_status leaf_shapes(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    ragged_job *job = user;
    job->result.type = leaf->column->type;
    job->leaf_rows = rows;
    msio_status status = msio_leaf_check_native(leaf);
    if (status) return status;
    if (leaf->column->kind > MSIO_KIND_ARRAY ||
        (leaf->column->type != MSIO_STRING && !msio_type_size(leaf->column->type)))
        return msio_error_set(MSIO_E_UNSUPPORTED, leaf->access->table->path,
                              "column %s holds %s values, which are not read", job->name,
                              msio_type_name(leaf->column->type));
    if (rows->count == 0 || leaf->column->type == MSIO_STRING) return MSIO_OK; /* strings bring their shapes along */
    if (msio_leaf_all_defined(leaf)) return take_shape(job, 0, rows->count, 0, NULL);
    if (!leaf->native) return msio_fallback_shapes(leaf, rows, take_shape, job);
    const msio_manager *m = &leaf->slot->manager;
    return m->layout->shapes(m, leaf->column, rows, take_shape, job);
}

static msio_status sum_counts(ragged_job *job) {
    msio_ragged *r = &job->result;
    for (int64_t i = 0; i < r->cells; i++)
        if (!msio_add_checked(r->offsets[i], r->offsets[i + 1], &r->offsets[i + 1])) return no_memory(job);
    int64_t bytes, elem = (int64_t)msio_type_size(r->type);
    if (!msio_mul_checked(r->offsets[r->cells], elem, &bytes)) return no_memory(job);
    if (r->type == MSIO_STRING) return MSIO_OK;
    r->bytes = (size_t)bytes;
    if (bytes && !(r->data = msio_pool_take((size_t)bytes))) return no_memory(job);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- numbers */

static msio_status read_cells(ragged_job *job, const msio_rows *rows, int ndim, const int64_t *shape) {
    msio_want want = {.rows = rows, .place_elements = 1, .ndim = ndim};
    memcpy(want.shape, shape ? shape : (const int64_t[MSIO_MAX_NDIM]){0}, (size_t)ndim * sizeof *shape);
    msio_status status = msio_select_axes(job->select, job->name, ndim, shape, false, want.axis, &want.row_elements);
    if (status || want.row_elements == 0 || rows->count == 0) return status;
    if (!job->leaf->native) return msio_fallback_read(job->leaf, &want, job->result.data);
    const msio_manager *m = &job->leaf->slot->manager;
    return m->layout->pieces(m, job->leaf->column, &want, &job->sink);
}

/* A run of cells of one shape: its rows again, with places that count elements. */
static msio_status read_run(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    ragged_job *job = user;
    const int64_t *offsets = job->result.offsets;
    if (ndim < 0) return MSIO_OK;
    msio_rows part = msio_rows_part(job->leaf_rows, index, count);
    if (!part.row && (count == 1 || part.place_step == 1)) {
        int64_t place = part.place_first;
        part.place_first = offsets[place];
        part.place_step = offsets[place + 1] - offsets[place];
        return read_cells(job, &part, ndim, shape);
    }
    int64_t *list = malloc((size_t)count * 2 * sizeof *list);
    if (!list) return no_memory(job);
    for (int64_t i = 0; i < count; i++) {
        list[i] = msio_rows_row(&part, i);
        list[count + i] = offsets[msio_rows_place(&part, i)];
    }
    msio_rows moved;
    msio_status status = msio_rows_from_list(count, list, list + count, &moved);
    if (!status) status = read_cells(job, &moved, ndim, shape);
    msio_rows_free(&moved);
    free(list);
    return status;
}

/* ---------------------------------------------------------------- strings */

static bool grow(void **array, int64_t wanted, int64_t *room, size_t size) {
    if (wanted <= *room) return true;
    int64_t larger = wanted * 2 + 64;
    void *grown = realloc(*array, (size_t)larger * size);
    if (!grown) return false;
    *array = grown;
    *room = larger;
    return true;
}

static bool add_text(text_store *t, const char *text, int64_t length) {
    if (!grow((void **)&t->start, t->strings + 2, &t->string_room, sizeof *t->start) ||
        !grow((void **)&t->text, t->bytes + length, &t->text_room, 1))
        return false;
    if (length) memcpy(t->text + t->bytes, text, (size_t)length);
    t->start[t->strings++] = t->bytes;
    t->bytes += length;
    t->start[t->strings] = t->bytes;
    return true;
}

/* Takes the wanted elements of a cell, which come with axis 0 fastest. */
static bool add_selected(text_store *t, int ndim, const int64_t *shape, const msio_range *axis, const char *const *text,
                         const int64_t *length) {
    int64_t at[MSIO_MAX_NDIM] = {0};
    for (int k = 0;;) {
        int64_t element = 0;
        for (k = ndim - 1; k >= 0; k--) element = element * shape[k] + axis[k].start + at[k] * axis[k].step;
        if (!add_text(t, text[element], length[element])) return false;
        for (k = 0; k < ndim && ++at[k] == axis[k].count; k++) at[k] = 0;
        if (k == ndim) return true;
    }
}

static msio_status take_texts(void *user, int64_t index, int ndim, const int64_t *shape, int64_t elements,
                              const char *const *text, const int64_t *length) {
    ragged_job *job = user;
    msio_range axis[MSIO_MAX_NDIM];
    int64_t place = msio_rows_place(job->leaf_rows, index), wanted = 0;
    (void)elements;
    msio_status status =
        ndim < 0 ? MSIO_OK : msio_select_axes(job->select, job->name, ndim, shape, false, axis, &wanted);
    if (status) return status;
    set_cell(job, place, ndim, axis, wanted);
    job->texts.first[place] = job->texts.strings;
    if (place != job->expected_place++) job->texts.in_place = false;
    if (wanted && !add_selected(&job->texts, ndim, shape, axis, text, length)) return no_memory(job);
    return MSIO_OK;
}

/* Puts strings that came in another order to their places. */
static msio_status order_texts(ragged_job *job) {
    const text_store *t = &job->texts;
    msio_ragged *r = &job->result;
    text_store ordered = {.in_place = true};
    for (int64_t c = 0; c < r->cells; c++)
        for (int64_t i = 0; i < r->offsets[c + 1] - r->offsets[c]; i++) {
            int64_t s = t->first[c] + i;
            if (add_text(&ordered, t->text + t->start[s], t->start[s + 1] - t->start[s])) continue;
            free(ordered.text);
            free(ordered.start);
            return no_memory(job);
        }
    free(t->text);
    free(t->start);
    ordered.first = t->first;
    job->texts = ordered;
    return MSIO_OK;
}

static msio_status finish_texts(ragged_job *job) {
    msio_ragged *r = &job->result;
    msio_status status = job->texts.in_place ? MSIO_OK : order_texts(job);
    if (status) return status;
    if (!job->texts.start && !(job->texts.start = calloc(1, sizeof *job->texts.start))) return no_memory(job);
    r->text = job->texts.text;
    r->text_offsets = job->texts.start;
    r->bytes = (size_t)job->texts.bytes;
    job->texts.text = NULL;
    job->texts.start = NULL;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the read */

static msio_status leaf_texts(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    ragged_job *job = user;
    job->leaf_rows = rows;
    if (rows->count == 0) return MSIO_OK;
    if (!leaf->native) return msio_fallback_texts(leaf, rows, take_texts, job);
    const msio_manager *m = &leaf->slot->manager;
    if (!m->layout->texts)
        return msio_error_set(MSIO_E_FORMAT, leaf->access->table->path,
                              "column %s holds strings, which a %s cannot hold", job->name, m->layout->type);
    return m->layout->texts(m, leaf->column, rows, take_texts, job);
}

static msio_status leaf_read(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    ragged_job *job = user;
    job->leaf = leaf;
    job->leaf_rows = rows;
    if (rows->count == 0) return MSIO_OK;
    bool swapped = leaf->access->snapshot->dat->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    int elem = (int)msio_type_size(leaf->column->type);
    bool complex = leaf->column->type == MSIO_COMPLEX || leaf->column->type == MSIO_DCOMPLEX;
    msio_status status = msio_sink_finish(&job->sink);
    if (status) return status;
    job->sink.target[0] = (msio_target){.codec = leaf->column->type == MSIO_BOOL ? MSIO_CODEC_BITS
                                                 : swapped && elem > 1           ? MSIO_CODEC_SWAP
                                                                                 : MSIO_CODEC_COPY,
                                        .elem = elem,
                                        .unit = complex ? elem / 2 : elem,
                                        .stored_bits = leaf->column->type == MSIO_BOOL ? 1 : 8 * elem,
                                        .out = job->result.data,
                                        .out_bytes = (int64_t)job->result.bytes};
    if (msio_leaf_all_defined(leaf)) return read_run(job, 0, rows->count, 0, NULL);
    if (!leaf->native) return msio_fallback_shapes(leaf, rows, read_run, job);
    const msio_manager *m = &leaf->slot->manager;
    return m->layout->shapes(m, leaf->column, rows, read_run, job);
}

static msio_status read_numbers(ragged_job *job, msio_access *access) {
    msio_status status = msio_engine_start(&job->engine, job->opts, (int64_t)job->result.bytes, false);
    if (!status && !(status = msio_sink_start(&job->sink, 1, msio_engine_run, &job->engine))) {
        status = msio_leaves_visit(access, job->name, &job->rows, leaf_read, job);
        if (!status) status = msio_sink_finish(&job->sink);
        msio_sink_free(&job->sink);
    }
    msio_engine_finish(&job->engine);
    return status;
}

static msio_status allocate(ragged_job *job, int64_t cells) {
    msio_ragged *r = &job->result;
    *r = (msio_ragged){.cells = cells};
    r->offsets = calloc((size_t)cells + 1, sizeof *r->offsets);
    r->shapes = calloc((size_t)cells + 1, sizeof *r->shapes * MSIO_MAX_NDIM);
    r->ndims = calloc((size_t)cells + 1, sizeof *r->ndims);
    r->defined = calloc((size_t)cells + 1, sizeof *r->defined);
    job->texts = (text_store){.in_place = true, .first = calloc((size_t)cells + 1, sizeof *job->texts.first)};
    job->expected_place = 0;
    return r->offsets && r->shapes && r->ndims && r->defined && job->texts.first ? MSIO_OK : no_memory(job);
}

static msio_status read_ragged(void *user, msio_access *access) {
    ragged_job *job = user;
    msio_status status = msio_rows_select(job->select, access->rows, access->table->path, &job->rows);
    if (status) return status;
    status = allocate(job, job->rows.count);
    if (!status) status = msio_leaves_visit(access, job->name, &job->rows, leaf_shapes, job);
    if (!status && job->result.type == MSIO_STRING)
        status = msio_leaves_visit(access, job->name, &job->rows, leaf_texts, job);
    if (!status) status = sum_counts(job);
    if (!status) status = job->result.type == MSIO_STRING ? finish_texts(job) : read_numbers(job, access);
    free(job->texts.first);
    free(job->texts.text);
    free(job->texts.start);
    msio_rows_free(&job->rows);
    if (status) msio_ragged_free(&job->result);
    return status;
}

msio_status msio_read_ragged(const msio_column *column, const msio_select *select, msio_ragged *ragged,
                             const msio_read_opts *opts) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    if (!column || !ragged) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column, or nowhere to put its cells");
    msio_status status = msio_check_sizes(select, opts);
    if (status) return status;
    ragged_job job = {.name = column->name, .select = select, .opts = opts};
    prof_span span;
    prof_begin(&span, PROF_PATH_READ);
    status = msio_access_run(column->table, read_ragged, &job);
    prof_end(&span, &(prof_work){.bytes = (int64_t)job.result.bytes,
                                 .rows = job.result.cells,
                                 .bytes_read = atomic_load(&job.engine.bytes_read)});
    if (!status) *ragged = job.result;
    if (!status) prof_call_did((int64_t)job.result.bytes, job.result.cells);
    return status;
}

void msio_ragged_free(msio_ragged *ragged) {
    if (!ragged) return;
    free(ragged->offsets);
    free(ragged->shapes);
    free(ragged->ndims);
    free(ragged->defined);
    free(ragged->text_offsets);
    free(ragged->text);
    msio_pool_give(ragged->data);
    *ragged = (msio_ragged){0};
}
