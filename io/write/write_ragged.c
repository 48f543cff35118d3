/* write_ragged.c - cells of any shape, strings too: natively where every cell keeps its shape, else through casacore.
 */
#include "core/checked.h"
#include "core/error.h"
#include "io/read/dense.h"
#include "io/write/counting.h"
#include "io/write/foreign.h"
#include "io/write/short_strings.h"
#include "io/write/write_parts.h"
#include "msio/write.h"
#include "prof/call.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STRINGS_AT_ONCE ((int64_t)1 << 18)

/* One write of a ragged array. */
typedef struct ragged_job {
    const msio_column *column;
    const msio_select *select;
    const msio_ragged *in;
    const msio_write_opts *opts;
    msio_rows rows;
    bool native; /* every cell that is given has its shape already, where it is written in place */
    msio_short_strings strings;
    msio_edits edits;
    /* while one leaf's shapes are compared */
    const msio_rows *part;
} ragged_job;

static msio_status check_array(const ragged_job *job) {
    const msio_ragged *in = job->in;
    const char *path = job->column->table->path;
    if (in->cells != job->rows.count)
        return msio_error_set(MSIO_E_SIZE, path, "%" PRId64 " cells are given, %" PRId64 " rows selected", in->cells,
                              job->rows.count);
    for (int64_t i = 0; i < in->cells; i++) {
        int64_t elements = 1, count = in->offsets[i + 1] - in->offsets[i];
        if (in->ndims[i] < 0 || in->ndims[i] > MSIO_MAX_NDIM || count < 0)
            return msio_error_set(MSIO_E_ARGUMENT, path, "cell %" PRId64 " has %d axes", i, in->ndims[i]);
        for (int k = 0; k < in->ndims[i]; k++)
            if (__builtin_mul_overflow(elements, in->shapes[i * MSIO_MAX_NDIM + k], &elements) || elements < 0)
                elements = -1;
        if (in->defined[i] && elements != count)
            return msio_error_set(MSIO_E_ARGUMENT, path,
                                  "cell %" PRId64 " has %" PRId64 " elements, its shape says otherwise", i, count);
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- which way */

/* Shapes of a run of cells, as they are: whether they are those that are given. */
static msio_status compare(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    ragged_job *job = user;
    const msio_ragged *in = job->in;
    for (int64_t i = index; i < index + count && job->native; i++) {
        int64_t cell = msio_rows_place(job->part, i);
        bool same = !in->defined[cell] || in->ndims[cell] == ndim;
        for (int k = 0; k < ndim && same && in->defined[cell]; k++)
            same = in->shapes[cell * MSIO_MAX_NDIM + k] == shape[ndim - 1 - k];
        job->native = same;
    }
    return MSIO_OK;
}

static msio_status survey(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    ragged_job *job = user;
    const char *path = leaf->access->table->path, *keeps = msio_leaf_keeps(leaf);
    if (!keeps) keeps = msio_leaf_shares(leaf); /* cell by cell casacore does it */
    if (leaf->column->type != job->in->type || leaf->column->kind > MSIO_KIND_ARRAY)
        return msio_error_set(MSIO_E_ARGUMENT, path, "column %s holds %s, %s is given", leaf->column->name,
                              msio_type_name(leaf->column->type), msio_type_name(job->in->type));
    job->native = job->native && !keeps;
    job->part = rows;
    if (leaf->column->kind == MSIO_KIND_SCALAR) {
        for (int64_t i = 0; i < rows->count; i++) {
            int64_t cell = msio_rows_place(rows, i);
            if (job->in->defined[cell] && job->in->ndims[cell] != 0)
                return msio_error_set(MSIO_E_SHAPE, path, "column %s holds scalars, an array is given for row %" PRId64,
                                      leaf->column->name, msio_rows_row(rows, i));
        }
        if (job->native && leaf->column->type == MSIO_STRING)
            job->native = msio_short_strings_allow(&job->strings, leaf, rows, job->in);
        if (msio_leaf_all_defined(leaf)) return MSIO_OK;
    }
    if (!job->native || rows->count == 0) return MSIO_OK;
    const msio_manager *m = &leaf->slot->manager;
    return m->layout->shapes(m, leaf->column, rows, compare, job);
}

static msio_status may_edit(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    const ragged_job *job = user;
    const char *refused = job->opts->atomic ? "all or nothing is kept for what is written natively" : NULL;
    if (!refused) refused = msio_edits_refuse(leaf, rows);
    if (!refused) return MSIO_OK;
    return msio_error_set(MSIO_E_UNSUPPORTED, leaf->access->table->path,
                          "these cells of column %s are put by casacore alone, and %s", leaf->column->name, refused);
}

/* ---------------------------------------------------------------- natively */

static bool same_shape(const msio_ragged *in, int64_t a, int64_t b) {
    return in->defined[a] == in->defined[b] && in->ndims[a] == in->ndims[b] &&
           memcmp(in->shapes + a * MSIO_MAX_NDIM, in->shapes + b * MSIO_MAX_NDIM,
                  (size_t)in->ndims[a] * sizeof *in->shapes) == 0;
}

/* Cells of strings are made as they are stored; all or nothing, those of a run at once. */
static msio_status write_strings(const ragged_job *job, int64_t first, int64_t n) {
    const size_t cell = (size_t)job->strings.form.bytes;
    const int64_t most = job->opts->atomic ? n : msio_min(n, STRINGS_AT_ONCE);
    uint8_t *cells = malloc((size_t)most * cell);
    msio_status status = MSIO_OK;
    if (!cells)
        return msio_error_set(MSIO_E_MEMORY, job->column->table->path, "no memory for %" PRId64 " strings", most);
    for (int64_t i = first, part; i < first + n && !status; i += part) {
        part = msio_min(most, first + n - i);
        const msio_select select = msio_select_part(job->select, i, part);
        msio_short_strings_store(&job->strings, job->in, i, part, cells);
        status = msio_write_as_stored(job->column, &select, cells, (size_t)part * cell, job->opts);
    }
    free(cells);
    return status;
}

/* Runs of cells of one shape. */
static msio_status write_natively(const ragged_job *job) {
    const msio_ragged *in = job->in;
    const size_t element = msio_type_size(in->type);
    msio_status status = MSIO_OK;
    for (int64_t i = 0, n; i < in->cells && !status; i += n) {
        for (n = 1; i + n < in->cells && same_shape(in, i, i + n);) n++;
        if (!in->defined[i]) continue;
        if (in->type == MSIO_STRING) {
            status = write_strings(job, i, n);
            continue;
        }
        msio_select part = msio_select_part(job->select, i, n);
        status = msio_write(job->column, &part, (const uint8_t *)in->data + (size_t)in->offsets[i] * element,
                            (size_t)(in->offsets[i + n] - in->offsets[i]) * element, job->opts);
    }
    return status;
}

/* ---------------------------------------------------------------- through casacore */

static msio_status put_leaf(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    ragged_job *job = user;
    return msio_edit_ragged(&job->edits, leaf, rows, job->in);
}

static msio_status count_leaf(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    uint8_t record[MSIO_SYNC_RECORD_MOST];
    int64_t record_bytes;
    (void)user;
    if (rows->count == 0) return MSIO_OK;
    msio_status status = msio_count_change(leaf->access, 1, &leaf->column->manager, record, &record_bytes);
    return status;
}

static msio_status see_again(msio_access *access) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < access->children && !status; i++) status = see_again(&access->child[i]);
    return status || access->children ? status : msio_count_seen(access, true);
}

static msio_status put_all(ragged_job *job, msio_access *access) {
    const char *name = job->column->name;
    job->edits.bytes = (int64_t)job->in->bytes;
    msio_status status = msio_leaves_visit(access, name, &job->rows, may_edit, job);
    if (!status) status = msio_leaves_visit(access, name, &job->rows, count_leaf, job);
    if (status) return status;
    status = msio_leaves_visit(access, name, &job->rows, put_leaf, job);
    status = msio_edits_end(&job->edits, status, job->opts->sync);
    msio_error_copy error;
    if (status) msio_error_save(&error);
    msio_status counted = msio_leaves_visit(access, name, &job->rows, count_leaf, job);
    msio_status seen = see_again(access);
    return status ? msio_error_restore(&error) : counted ? counted : seen;
}

/* Within a hold. */
static msio_status write_cells(ragged_job *job) {
    msio_access access;
    msio_table *t = job->column->table;
    msio_status status = msio_access_begin_writing(t, &access);
    if (status) return status;
    job->native = true;
    status = msio_rows_select(job->select, access.rows, t->path, &job->rows);
    if (!status) status = check_array(job);
    if (!status) status = msio_leaves_visit(&access, job->column->name, &job->rows, survey, job);
    if (!status && !job->native) status = put_all(job, &access);
    msio_rows_free(&job->rows);
    status = msio_access_end(&access, status);
    return status || !job->native ? status : write_natively(job);
}

msio_status msio_write_ragged(const msio_column *column, const msio_select *select, const msio_ragged *in,
                              const msio_write_opts *opts) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    static const msio_write_opts defaults = MSIO_WRITE_OPTS_INIT;
    static const msio_select all = MSIO_SELECT_ALL;
    if (!column || !in) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column, or no cells");
    msio_status status = msio_check_sizes(select, NULL);
    if (status) return status;
    ragged_job job = {.column = column, .select = select ? select : &all, .in = in, .opts = opts ? opts : &defaults};
    const msio_select *s = job.select;
    if (job.opts->struct_size != sizeof *opts)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "options of another version: use MSIO_WRITE_OPTS_INIT");
    if (s->chan || s->chans != -1 || s->chan_step != 1 || s->corr || s->corrs != -1 || s->corr_step != 1)
        return msio_error_set(MSIO_E_ARGUMENT, column->table->path,
                              "cells of any shape are written whole: select no channels and no correlations");
    if ((status = msio_table_hold_write(column->table))) return status;
    status = write_cells(&job);
    if (!status) prof_call_did((int64_t)in->bytes, in->cells);
    msio_error_copy error;
    if (status) msio_error_save(&error);
    msio_status released = msio_table_release(column->table);
    return status ? msio_error_restore(&error) : released;
}
