/* ssm_text.c - StandardStMan: strings, in the cell itself or in chains of string buckets. */
#include "core/checked.h"
#include "core/error.h"
#include "io/files/stored.h"
#include "io/layout/standard/ssm.h"
#include "io/lock/interrupted.h"

#include <inttypes.h>
#include <string.h>

/* Bytes of a cell that tells where its strings lie, and of a scalar's string that lies in the cell instead. */
#define LINK_BYTES 12
#define SHORT_BYTES 8

/* Bytes of a string bucket before its data: unused, bytes used, bytes deleted, next bucket. */
#define BUCKET_HEADER 16

bool msio_ssm_text_form(const msio_column_dat *column, msio_text_form *form) {
    bool fixed_length = column->max_length > 0;
    if (column->kind != MSIO_KIND_SCALAR || column->type != MSIO_STRING) return false;
    form->bytes = fixed_length ? column->max_length : LINK_BYTES;
    form->most = fixed_length ? column->max_length : SHORT_BYTES;
    form->counted = !fixed_length;
    return true;
}

/* Where a cell's strings lie. */
typedef struct text_link {
    int64_t bucket, offset, length;
} text_link;

/* One call's work on the strings of a column. */
typedef struct text_job {
    const msio_ssm *s;
    const msio_column_dat *column;
    msio_window links, chains; /* on the same file: cells, and string buckets */
    msio_text_cell cell;
    msio_text_sink sink;
    void *user;
    msio_shape_run *run;
} text_job;

static msio_status bad_chain(const text_job *job, const text_link *link, const char *what) {
    return msio_error_set(MSIO_E_FORMAT, job->chains.path,
                          "column %s: a string of %" PRId64 " bytes at byte %" PRId64 " of bucket %" PRId64
                          " %s: the file is damaged",
                          job->column->name, link->length, link->offset, link->bucket, what);
}

/* Copies the first `wanted` bytes of a chain. Each bucket but the first must give some, so the walk ends: a circle
 * could only go on as long as bytes are wanted, and Brent's mark finds it earlier. */
static msio_status read_chain(text_job *job, const text_link *link, int64_t wanted, char *to) {
    const msio_ssm *s = job->s;
    int64_t room = s->bucket_size - BUCKET_HEADER, bucket = link->bucket, offset = link->offset, marked = -1, mark = 1;
    for (int64_t steps = 0; wanted > 0; steps++) {
        if (bucket < 0 || bucket >= s->in_file) return bad_chain(job, link, "ends too early or leaves the file");
        if (bucket == marked) return bad_chain(job, link, "goes round in a circle");
        if (steps == mark) {
            marked = bucket;
            mark *= 2;
        }
        int64_t at = MSIO_BUCKETS_AT + bucket * s->bucket_size;
        const uint8_t *p = room > 0 ? msio_window_get(&job->chains, at, s->bucket_size) : NULL;
        if (!p) return room > 0 ? job->chains.status : bad_chain(job, link, "has buckets too small for it");
        int64_t used = msio_stored_i32(p + 4, true), next = msio_stored_i32(p + 12, true); /* always big-endian */
        int64_t part = msio_min(wanted, used - offset);
        if (used > room || offset < 0 || part < (steps ? 1 : 0))
            return bad_chain(job, link, "leaves its bucket's data");
        memcpy(to, p + BUCKET_HEADER + offset, (size_t)part);
        to += part;
        wanted -= part;
        bucket = next;
        offset = 0;
    }
    return MSIO_OK;
}

/* No string can be longer than all buckets together. */
static msio_status check_length(const text_job *job, const text_link *link) {
    bool sound = link->length >= 0 && link->length <= job->s->bucket_size * job->s->in_file;
    return sound ? MSIO_OK : bad_chain(job, link, "cannot be in this file");
}

/* Reads the whole chain behind the cell's bytes. */
static msio_status load_chain(text_job *job, const text_link *link) {
    msio_status status = check_length(job, link);
    if (status) return status;
    char *to = msio_text_cell_bytes(&job->cell, link->length);
    return to ? read_chain(job, link, link->length, to) : MSIO_E_MEMORY;
}

/* ---------------------------------------------------------------- one cell */

static msio_status tell_scalar(text_job *job, int64_t index, const uint8_t *stored, const text_link *link) {
    msio_status status = msio_text_cell_reset(&job->cell, 1);
    if (status) return status;
    if (job->column->max_length > 0) {
        const char *text = (const char *)stored;
        status = msio_text_cell_add(&job->cell, text, (int64_t)strnlen(text, (size_t)job->column->max_length));
    } else if (link->length >= 0 && link->length <= SHORT_BYTES) {
        status = msio_text_cell_add(&job->cell, stored, link->length);
    } else if (!(status = load_chain(job, link))) {
        msio_text_cell_slice(&job->cell, 0, link->length);
    }
    return status ? status : msio_text_cell_tell(&job->cell, job->sink, job->user, index, 1, 0, NULL);
}

/* All strings of a cell that has none stored are empty. */
static msio_status fill_empty(text_job *job, int64_t strings) {
    msio_status status = msio_text_cell_reset(&job->cell, strings);
    for (int64_t i = 0; i < strings && !status; i++) msio_text_cell_slice(&job->cell, 0, 0);
    return status;
}

static msio_status tell_fixed(text_job *job, int64_t index, const text_link *link) {
    const msio_column_dat *c = job->column;
    int64_t strings = msio_cell_elements(c);
    msio_status status;
    if (link->length == 0) {
        status = fill_empty(job, strings);
    } else if (strings > link->length / 4) {
        status = bad_chain(job, link, "is too short for the cell's strings");
    } else {
        status = msio_text_cell_reset(&job->cell, strings);
        if (!status) status = load_chain(job, link);
        if (!status) status = msio_text_cell_split(&job->cell, 0, job->cell.used, strings, true);
    }
    return status ? status : msio_text_cell_tell(&job->cell, job->sink, job->user, index, 1, c->shape_ndim, c->shape);
}

/* The shape that a varying cell's chain begins with; *bytes: where its strings begin. */
static msio_status read_shape(text_job *job, const text_link *link, int *ndim, int64_t *shape, bool *filled,
                              int64_t *bytes) {
    uint8_t head[4 * (MSIO_MAX_NDIM + 2)];
    int64_t have = msio_min(link->length, (int64_t)sizeof head);
    msio_status status = check_length(job, link);
    if (!status) status = read_chain(job, link, have, (char *)head);
    if (status) return status;
    uint32_t n = have < 8 ? UINT32_MAX : msio_stored_u32(head, true);
    *bytes = 4 * ((int64_t)n + 2);
    if (n > MSIO_MAX_NDIM || *bytes > have)
        return bad_chain(job, link, "does not begin with a shape of at most 8 axes");
    for (uint32_t k = 0; k < n; k++) shape[k] = msio_stored_i32(head + 4 + 4 * k, true);
    *ndim = (int)n;
    *filled = msio_stored_u32(head + 4 + 4 * n, true) != 0;
    int64_t elements = msio_shape_elements(*ndim, shape);
    if (elements < 0 || (*filled && elements > (link->length - *bytes) / 4))
        return bad_chain(job, link, "has a shape that does not fit it");
    return MSIO_OK;
}

static msio_status tell_varying(text_job *job, int64_t index, const text_link *link) {
    int ndim = -1;
    int64_t shape[MSIO_MAX_NDIM], bytes;
    bool filled = false;
    msio_status status = msio_text_cell_reset(&job->cell, 0);
    if (link->length == 0) return msio_text_cell_tell(&job->cell, job->sink, job->user, index, 1, -1, NULL);
    if (!status) status = read_shape(job, link, &ndim, shape, &filled, &bytes);
    if (status) return status;
    int64_t strings = msio_shape_elements(ndim, shape);
    if (!filled) {
        status = fill_empty(job, strings);
    } else {
        status = msio_text_cell_reset(&job->cell, strings);
        if (!status) status = load_chain(job, link);
        if (!status) status = msio_text_cell_split(&job->cell, bytes, job->cell.used, strings, true);
    }
    return status ? status : msio_text_cell_tell(&job->cell, job->sink, job->user, index, 1, ndim, shape);
}

static msio_status tell_shape(text_job *job, const text_link *link) {
    int ndim = -1;
    int64_t shape[MSIO_MAX_NDIM], bytes;
    bool filled;
    msio_status status = link->length == 0 ? MSIO_OK : read_shape(job, link, &ndim, shape, &filled, &bytes);
    return status ? status : msio_shape_run_add(job->run, 1, ndim, shape);
}

/* ---------------------------------------------------------------- all wanted cells */

static msio_status take_cell(text_job *job, int64_t index, const uint8_t *stored) {
    text_link link = {0, 0, 0};
    const msio_column_dat *c = job->column;
    if (c->kind != MSIO_KIND_SCALAR || c->max_length == 0) {
        link.bucket = msio_stored_i32(stored, job->s->big);
        link.offset = msio_stored_i32(stored + 4, job->s->big);
        link.length = msio_stored_i32(stored + 8, job->s->big);
    }
    if (job->run) return tell_shape(job, &link);
    if (c->kind == MSIO_KIND_SCALAR) return tell_scalar(job, index, stored, &link);
    return c->option & MSIO_OPTION_FIXED ? tell_fixed(job, index, &link) : tell_varying(job, index, &link);
}

static msio_status each_cell(text_job *job, const msio_rows *rows) {
    const msio_ssm *s = job->s;
    msio_bucket_walk walk;
    int64_t stride = msio_ssm_row_bits(job->column) / 8;
    msio_status status = msio_bucket_walk_start(&walk, msio_ssm_index(s, job->column), rows, s->file->path);
    while (!status && msio_bucket_walk_next(&walk)) {
        int64_t first = msio_rows_row(rows, walk.from), last = msio_rows_row(rows, walk.from + walk.count - 1);
        int64_t at = walk.address + s->offset[job->column->number] + stride * (first - walk.start);
        const uint8_t *p = msio_window_get(&job->links, at, stride * (last - first + 1));
        if (!p)
            status = job->links.status;
        else if (s->file->left)
            status = msio_left_check(s->file, at, stride * (last - first + 1));
        for (int64_t i = walk.from; i < walk.from + walk.count && !status; i++)
            status = take_cell(job, i, p + stride * (msio_rows_row(rows, i) - first));
    }
    return status;
}

static msio_status run_job(text_job *job, const msio_manager *manager, const msio_rows *rows) {
    job->s = manager->state;
    job->cell.path = job->s->file->path;
    msio_window_open(&job->links, job->s->file);
    msio_window_open(&job->chains, job->s->file);
    msio_status status = each_cell(job, rows);
    msio_text_cell_free(&job->cell);
    return msio_window_close(&job->chains, msio_window_close(&job->links, status));
}

msio_status msio_ssm_texts(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                           msio_text_sink sink, void *user) {
    text_job job = {.column = column, .sink = sink, .user = user};
    return run_job(&job, manager, rows);
}

msio_status msio_ssm_text_shapes(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                                 msio_shape_run *run) {
    text_job job = {.column = column, .run = run};
    return run_job(&job, manager, rows);
}
