/* foreign.c - cells that casacore puts, within a write of ours. */
#include "io/write/foreign.h"

#include "core/checked.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

/* What is handed over at once. */
#define BLOCK_BYTES ((int64_t)8 << 20)
#define BLOCK_ROWS ((int64_t)1 << 16)

static msio_status no_memory(const msio_leaf *leaf) {
    return msio_error_set(MSIO_E_MEMORY, leaf->access->table->path, "no memory to write through casacore");
}

/* A put into IncrementalStMan's last row changes rows before it, too: those that had the same value (casacore 3.5.0,
 * tests/oracle/compare_writes). Puts of all rows, and of rows before the last one, do not. */
static bool changes_others(const msio_leaf *leaf, const msio_rows *rows) {
    const msio_snapshot *s = leaf->access->snapshot;
    if (strcmp(s->dat->manager[leaf->column->manager].type, "IncrementalStMan") != 0 || rows->count == 0) return false;
    const bool last = msio_rows_row(rows, rows->count - 1) == s->rows - 1;
    return last && (rows->row || rows->count != s->rows);
}

/* Coordinates and ids of hypercubes: one value for all rows of each. */
static bool is_shared(const msio_leaf *leaf) {
    const msio_manager *m = &leaf->slot->manager;
    return strncmp(leaf->access->snapshot->dat->manager[leaf->column->manager].type, "Tiled", 5) == 0 && m->state &&
           m->layout && m->layout->refuses(m, leaf->column);
}

const char *msio_edits_refuse(const msio_leaf *leaf, const msio_rows *rows) {
    const msio_open_opts *o = &leaf->access->table->opts;
    if (is_shared(leaf)) return "casacore would change all rows of a hypercube with it";
    if (changes_others(leaf, rows)) return "casacore changes rows before the last one with it: put all rows, or others";
    if (o->native == MSIO_NATIVE_YES) return "casacore was ruled out";
    if (o->lock_is_held) return "casacore in this process has the table's lock: put it there";
    return NULL;
}

static msio_status open_editor(msio_edits *e, const msio_leaf *leaf, msio_editor **editor) {
    for (int i = 0; i < e->n; i++)
        if (e->edit[i].access == leaf->access) {
            *editor = e->edit[i].editor;
            return MSIO_OK;
        }
    struct msio_edit *grown = realloc(e->edit, ((size_t)e->n + 1) * sizeof *grown);
    if (!grown) return no_memory(leaf);
    e->edit = grown;
    msio_status status = msio_editor_open(leaf->access->table->path, leaf->access->lock, e->bytes, editor);
    if (!status) e->edit[e->n++] = (struct msio_edit){leaf->access, *editor};
    return status;
}

msio_status msio_edits_end(msio_edits *e, msio_status status, bool sync) {
    for (int i = 0; i < e->n; i++) {
        msio_error_copy error;
        if (status) msio_error_save(&error);
        msio_status closed = msio_editor_close(e->edit[i].editor, sync);
        status = status ? msio_error_restore(&error) : closed;
    }
    free(e->edit);
    *e = (msio_edits){.n = 0};
    return status;
}

static msio_casa_row_set rows_of(const msio_rows *rows, int64_t from, int64_t n) {
    if (rows->row) return (msio_casa_row_set){.step = 1, .count = n, .list = rows->row + from};
    return (msio_casa_row_set){.row = rows->first + from * rows->step, .step = rows->step, .count = n};
}

/* ---------------------------------------------------------------- cells of one shape */

/* casacore knows parts of the last two axes; others are wanted whole. */
static bool wants_part(const msio_want *want, msio_casa_part *part) {
    bool whole = true;
    *part = (msio_casa_part)MSIO_CASA_PART_ALL;
    for (int k = 0; k < want->ndim; k++) whole = whole && want->axis[k].count == want->shape[k];
    if (whole) return false;
    part->corr = want->axis[0].start;
    part->corrs = want->axis[0].count;
    part->corr_step = want->axis[0].step;
    if (want->ndim < 2) return true;
    part->chan = want->axis[1].start;
    part->chans = want->axis[1].count;
    part->chan_step = want->axis[1].step;
    return true;
}

/* One call's way through the rows. */
typedef struct cells_job {
    const msio_leaf *leaf;
    const msio_want *want;
    const uint8_t *from;
    bool one;
    int64_t element, bytes, apart; /* of an element, of a row's part, from one place to the next */
    uint8_t *block;
} cells_job;

static void gather(const cells_job *job, int64_t first, int64_t n) {
    uint8_t *to = job->block;
    for (int64_t i = first; i < first + n; i++, to += job->bytes) {
        if (job->one)
            for (int64_t at = 0; at < job->bytes; at += job->element) memcpy(to + at, job->from, (size_t)job->element);
        else
            memcpy(to, job->from + msio_rows_place(job->want->rows, i) * job->apart, (size_t)job->bytes);
    }
}

static msio_status put_cells(const cells_job *job, msio_editor *editor) {
    const msio_want *want = job->want;
    msio_casa_part part;
    int64_t shape[MSIO_MAX_NDIM];
    bool cut = wants_part(want, &part);
    int64_t most = msio_min(msio_max(BLOCK_BYTES / msio_max(job->bytes, 1), 1), BLOCK_ROWS);
    for (int k = 0; k < want->ndim; k++) shape[k] = want->shape[want->ndim - 1 - k];
    for (int64_t i = 0; i < want->rows->count; i += most) {
        int64_t n = msio_min(most, want->rows->count - i);
        msio_casa_row_set set = rows_of(want->rows, i, n);
        gather(job, i, n);
        msio_status status = msio_editor_put(editor, job->leaf->column->name, &set, cut ? &part : NULL, want->ndim,
                                             shape, job->block, (size_t)(n * job->bytes));
        if (status) return status;
    }
    return MSIO_OK;
}

msio_status msio_edit_cells(msio_edits *edits, const msio_leaf *leaf, const msio_want *want, const uint8_t *from,
                            bool one) {
    msio_editor *editor;
    cells_job job = {
        .leaf = leaf, .want = want, .from = from, .one = one, .element = (int64_t)msio_type_size(leaf->column->type)};
    if (want->rows->count == 0 || want->row_elements == 0) return MSIO_OK;
    job.bytes = want->row_elements * job.element;
    job.apart = want->place_elements * job.element;
    int64_t rows = msio_min(want->rows->count, msio_min(msio_max(BLOCK_BYTES / job.bytes, 1), BLOCK_ROWS));
    job.block = malloc((size_t)(rows * job.bytes));
    msio_status status = job.block ? open_editor(edits, leaf, &editor) : no_memory(leaf);
    if (!status) status = put_cells(&job, editor);
    free(job.block);
    return status;
}

/* ---------------------------------------------------------------- cells of any shape */

static bool same_shape(const msio_ragged *r, int64_t a, int64_t b) {
    return r->ndims[a] == r->ndims[b] && memcmp(r->shapes + a * MSIO_MAX_NDIM, r->shapes + b * MSIO_MAX_NDIM,
                                                (size_t)r->ndims[a] * sizeof *r->shapes) == 0;
}

/* Numbers: rows of one shape that follow each other are put by one call. */
static msio_status put_numbers(const msio_leaf *leaf, msio_editor *editor, const msio_rows *rows,
                               const msio_ragged *from, uint8_t *block) {
    const int64_t element = (int64_t)msio_type_size(from->type);
    msio_status status = MSIO_OK;
    for (int64_t i = 0, n; i < rows->count && !status; i += n) {
        int64_t cell = msio_rows_place(rows, i), bytes = (from->offsets[cell + 1] - from->offsets[cell]) * element;
        n = 1;
        if (!from->defined[cell]) continue;
        for (; i + n < rows->count && (n + 1) * bytes <= BLOCK_BYTES && n < BLOCK_ROWS; n++) {
            int64_t next = msio_rows_place(rows, i + n);
            if (!from->defined[next] || !same_shape(from, cell, next)) break;
        }
        for (int64_t k = 0; k < n && n > 1; k++)
            memcpy(block + k * bytes,
                   (const uint8_t *)from->data + from->offsets[msio_rows_place(rows, i + k)] * element, (size_t)bytes);
        msio_casa_row_set set = rows_of(rows, i, n);
        const void *values = n > 1   ? block
                             : bytes ? (const uint8_t *)from->data + from->offsets[cell] * element
                                     : block;
        status = msio_editor_put(editor, leaf->column->name, &set, NULL, from->ndims[cell],
                                 from->shapes + cell * MSIO_MAX_NDIM, values, (size_t)(n * bytes));
    }
    return status;
}

/* Strings as casacore's side takes them. */
typedef struct texts {
    uint8_t *bytes;
    int64_t n, room;
} texts;

static bool add(texts *t, const void *bytes, int64_t n) {
    if (t->n + n > t->room) {
        int64_t room = 2 * (t->n + n) + 4096;
        uint8_t *grown = realloc(t->bytes, (size_t)room);
        if (!grown) return false;
        t->bytes = grown;
        t->room = room;
    }
    if (n) memcpy(t->bytes + t->n, bytes, (size_t)n);
    t->n += n;
    return true;
}

static bool add_cell(texts *t, const msio_ragged *from, int64_t cell) {
    int64_t ndim = from->defined[cell] ? from->ndims[cell] : -1;
    bool well = add(t, &ndim, sizeof ndim);
    if (ndim > 0) well = well && add(t, from->shapes + cell * MSIO_MAX_NDIM, ndim * (int64_t)sizeof *from->shapes);
    for (int64_t e = from->offsets[cell]; ndim >= 0 && e < from->offsets[cell + 1]; e++) {
        int64_t length = from->text_offsets[e + 1] - from->text_offsets[e];
        well = well && add(t, &length, sizeof length) && add(t, from->text + from->text_offsets[e], length);
    }
    return well;
}

static msio_status put_strings(const msio_leaf *leaf, msio_editor *editor, const msio_rows *rows,
                               const msio_ragged *from) {
    texts t = {NULL, 0, 0};
    msio_status status = MSIO_OK;
    for (int64_t i = 0, n; i < rows->count && !status; i += n) {
        t.n = 0;
        for (n = 0; i + n < rows->count && n < BLOCK_ROWS && t.n < BLOCK_BYTES && !status; n++)
            if (!add_cell(&t, from, msio_rows_place(rows, i + n))) status = no_memory(leaf);
        msio_casa_row_set set = rows_of(rows, i, n);
        if (!status) status = msio_editor_texts(editor, leaf->column->name, &set, (const char *)t.bytes, (size_t)t.n);
    }
    free(t.bytes);
    return status;
}

msio_status msio_edit_ragged(msio_edits *edits, const msio_leaf *leaf, const msio_rows *rows, const msio_ragged *from) {
    msio_editor *editor;
    if (rows->count == 0) return MSIO_OK;
    uint8_t *block = malloc((size_t)BLOCK_BYTES);
    msio_status status = block ? open_editor(edits, leaf, &editor) : no_memory(leaf);
    if (!status)
        status = from->type == MSIO_STRING ? put_strings(leaf, editor, rows, from)
                                           : put_numbers(leaf, editor, rows, from, block);
    free(block);
    return status;
}
