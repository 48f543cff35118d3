/* fallback.c - reading through casacore what no layout knows. */
#include "io/table/fallback.h"

#include "core/error.h"
#include "core/file.h"
#include "prof/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows whose shapes are asked for at once, and bytes that are read at once where they must be sorted to their places.
 */
#define BLOCK_ROWS 4096
#define BLOCK_BYTES ((int64_t)8 << 20)
/* Bytes that are read by one call where they need not be: a fork waits for that call, as do other threads. */
#define CALL_BYTES ((int64_t)64 << 20)

/* casacore's handle of the snapshot's table. It caches what it read, so unless the state is held it is made to look
 * again in every access. Under the snapshot's loading lock. */
static msio_status handle(const msio_leaf *leaf, msio_reader **casa) {
    msio_snapshot *s = leaf->access->snapshot;
    const char *path = leaf->access->table->path;
    const bool again = s->casa && leaf->access->check_files && !leaf->access->casa_fresh;
    /* casacore opens whatever it finds, and would wait for a FIFO's writer */
    msio_status status = !s->casa || again ? msio_file_folder_regular(path, "table.") : MSIO_OK;
    if (!status && !s->casa) status = msio_reader_open(path, &s->casa);
    if (!status && again) status = msio_reader_reopen(s->casa);
    leaf->access->casa_fresh = !status;
    *casa = s->casa;
    return status;
}

static void lock(const msio_leaf *leaf) { msio_lengthy_lock(&leaf->access->snapshot->loading); }
static void unlock(const msio_leaf *leaf) { msio_lengthy_unlock(&leaf->access->snapshot->loading); }

void msio_fallback_describe(const msio_leaf *leaf, msio_table *keeper, msio_column_info *info) {
    char why[1400];
    msio_reader *casa;
    snprintf(why, sizeof why, "%s (%s): read through casacore", leaf->why_not, info->manager);
    msio_status status = msio_leaf_check_native(leaf);
    if (status) { /* casacore was ruled out: not even asked, for damaged files can kill it */
        info->readable = 0;
        info->why_not = msio_table_keep(keeper, msio_last_error()->message);
        return;
    }
    lock(leaf);
    status = handle(leaf, &casa);
    if (!status) status = msio_reader_readable(casa, leaf->column->name);
    unlock(leaf);
    info->readable = status == MSIO_OK;
    if (status)
        snprintf(why, sizeof why, "%s (%s), nor can casacore read it: %s", leaf->why_not, info->manager,
                 msio_last_error()->message);
    info->why_not = msio_table_keep(keeper, why);
}

/* ---------------------------------------------------------------- rows */

/* The rows [from, from + n) of a set as casacore's wrapper takes them; list has room for n. */
static msio_casa_row_set row_set(const msio_rows *rows, int64_t from, int64_t n, int64_t *list) {
    if (!rows->row) return (msio_casa_row_set){.row = rows->first + from * rows->step, .step = rows->step, .count = n};
    memcpy(list, rows->row + from, (size_t)n * sizeof *list);
    return (msio_casa_row_set){.step = 1, .count = n, .list = list};
}

static void turn_round(int n, const int64_t *from, int64_t *to) {
    for (int k = 0; k < n; k++) to[k] = from[n - 1 - k];
}

/* ---------------------------------------------------------------- shapes */

typedef struct block {
    int64_t rows;
    int64_t list[BLOCK_ROWS];
    int8_t ndim[BLOCK_ROWS];
    int64_t shape[BLOCK_ROWS][MSIO_MAX_NDIM];
} block;

static msio_status read_block(const msio_leaf *leaf, const msio_rows *rows, int64_t from, block *b) {
    msio_reader *casa;
    b->rows = rows->count - from < BLOCK_ROWS ? rows->count - from : BLOCK_ROWS;
    msio_casa_row_set set = row_set(rows, from, b->rows, b->list);
    lock(leaf);
    msio_status status = handle(leaf, &casa);
    if (!status) status = msio_reader_shapes(casa, leaf->column->name, &set, b->ndim, b->shape);
    unlock(leaf);
    return status;
}

static msio_status tell_block(const block *b, int64_t from, msio_shape_sink sink, void *user) {
    msio_status status = MSIO_OK;
    for (int64_t i = 0, n; i < b->rows && !status; i += n) {
        size_t bytes = b->ndim[i] > 0 ? (size_t)b->ndim[i] * sizeof **b->shape : 0;
        for (n = 1; i + n < b->rows; n++)
            if (b->ndim[i + n] != b->ndim[i] || memcmp(b->shape[i + n], b->shape[i], bytes) != 0) break;
        int64_t shape[MSIO_MAX_NDIM];
        if (b->ndim[i] > 0) turn_round(b->ndim[i], b->shape[i], shape);
        status = sink(user, from + i, n, b->ndim[i], shape);
    }
    return status;
}

msio_status msio_fallback_shapes(const msio_leaf *leaf, const msio_rows *rows, msio_shape_sink sink, void *user) {
    bool fixed = (leaf->column->option & MSIO_OPTION_FIXED) && leaf->column->shape_ndim > 0;
    if (fixed) return sink(user, 0, rows->count, leaf->column->shape_ndim, leaf->column->shape);
    block *b = malloc(sizeof *b);
    if (!b) return msio_error_set(MSIO_E_MEMORY, leaf->access->table->path, "no memory for shapes");
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < rows->count && !status; i += b->rows) {
        status = read_block(leaf, rows, i, b);
        if (!status) status = tell_block(b, i, sink, user);
    }
    free(b);
    return status;
}

/* ---------------------------------------------------------------- values */

static msio_casa_part part_of(const msio_want *want) {
    msio_casa_part part = MSIO_CASA_PART_ALL;
    if (want->ndim > 0) {
        part.corr = want->axis[0].start;
        part.corrs = want->axis[0].count;
        part.corr_step = want->axis[0].step;
    }
    if (want->ndim > 1) {
        part.chan = want->axis[1].start;
        part.chans = want->axis[1].count;
        part.chan_step = want->axis[1].step;
    }
    return part;
}

static msio_status read_rows(const msio_leaf *leaf, const msio_want *want, int64_t from, int64_t n, int64_t *list,
                             uint8_t *to) {
    msio_reader *casa;
    msio_casa_part part = part_of(want);
    msio_casa_row_set set = row_set(want->rows, from, n, list);
    size_t bytes = (size_t)(n * want->row_elements) * msio_type_size(leaf->column->type);
    lock(leaf);
    msio_status status = handle(leaf, &casa);
    if (!status) status = msio_reader_read(casa, leaf->column->name, &set, want->ndim ? &part : NULL, to, bytes);
    unlock(leaf);
    return status;
}

/* How many rows of so many bytes make about `wanted`; 1 at least. */
static int64_t rows_of(int64_t wanted, int64_t bytes, int64_t count) {
    int64_t n = wanted / bytes;
    return n < 1 ? 1 : n > count ? count : n;
}

static msio_status read_in_place(const msio_leaf *leaf, const msio_want *want, int64_t bytes, uint8_t *out) {
    int64_t count = want->rows->count, n = rows_of(CALL_BYTES, bytes, count);
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < count && !status; i += n)
        status = read_rows(leaf, want, i, count - i < n ? count - i : n, NULL, out + i * bytes);
    return status;
}

static msio_status read_values(const msio_leaf *leaf, const msio_want *want, uint8_t *out) {
    const msio_rows *rows = want->rows;
    int64_t elem = (int64_t)msio_type_size(leaf->column->type), bytes = want->row_elements * elem;
    int64_t place_bytes = want->place_elements * elem;
    if (!rows->row && rows->place_step * place_bytes == bytes)
        return read_in_place(leaf, want, bytes, out + rows->place_first * place_bytes);
    int64_t n = rows_of(BLOCK_BYTES, bytes, rows->count);
    int64_t *list = malloc((size_t)n * sizeof *list);
    uint8_t *values = malloc((size_t)(n * bytes));
    msio_status status =
        list && values ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory to read through casacore");
    for (int64_t i = 0; i < rows->count && !status; i += n) {
        int64_t m = rows->count - i < n ? rows->count - i : n;
        status = read_rows(leaf, want, i, m, list, values);
        for (int64_t k = 0; k < m && !status; k++)
            memcpy(out + msio_rows_place(rows, i + k) * place_bytes, values + k * bytes, (size_t)bytes);
    }
    free(list);
    free(values);
    return status;
}

msio_status msio_fallback_read(const msio_leaf *leaf, const msio_want *want, uint8_t *out) {
    prof_span span;
    prof_begin(&span, PROF_PATH_FALLBACK);
    msio_status status = read_values(leaf, want, out);
    int64_t bytes = want->rows->count * want->row_elements * (int64_t)msio_type_size(leaf->column->type);
    prof_end(&span, &(prof_work){.bytes = bytes, .rows = want->rows->count});
    return status;
}

/* ---------------------------------------------------------------- strings */

/* The strings of one cell. */
typedef struct cell_texts {
    int64_t n, capacity, bytes, room;
    int64_t *offset, *length;
    const char **text;
    char *blob;
} cell_texts;

static bool reserve(cell_texts *c, int64_t elements) {
    if (elements <= c->capacity && c->offset) return true;
    int64_t wanted = elements > 16 ? elements : 16;
    void *offset = realloc(c->offset, (size_t)wanted * sizeof *c->offset);
    if (offset) c->offset = offset;
    void *length = realloc(c->length, (size_t)wanted * sizeof *c->length);
    if (length) c->length = length;
    void *text = realloc(c->text, (size_t)wanted * sizeof *c->text);
    if (text) c->text = text;
    if (!offset || !length || !text) return false;
    c->capacity = wanted;
    return true;
}

static int take_text(void *user, const char *bytes, size_t length) {
    cell_texts *c = user;
    if (c->n >= c->capacity) return 1;
    if (c->bytes + (int64_t)length > c->room) {
        int64_t room = 2 * (c->bytes + (int64_t)length) + 256;
        char *blob = realloc(c->blob, (size_t)room);
        if (!blob) return 1;
        c->blob = blob;
        c->room = room;
    }
    if (length) memcpy(c->blob + c->bytes, bytes, length);
    c->offset[c->n] = c->bytes;
    c->length[c->n++] = (int64_t)length;
    c->bytes += (int64_t)length;
    return 0;
}

typedef struct texts_job {
    const msio_leaf *leaf;
    const msio_rows *rows;
    msio_text_sink sink;
    void *user;
    cell_texts cell;
} texts_job;

static msio_status read_cell(texts_job *job, int64_t index, int ndim, const int64_t *shape) {
    cell_texts *c = &job->cell;
    msio_reader *casa;
    int64_t elements = 1;
    for (int k = 0; k < ndim; k++) elements *= shape[k];
    if (!reserve(c, elements))
        return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for %lld strings", (long long)elements);
    c->n = c->bytes = 0;
    int64_t row = msio_rows_row(job->rows, index);
    lock(job->leaf);
    msio_status status = handle(job->leaf, &casa);
    if (!status) status = msio_reader_strings(casa, job->leaf->column->name, row, elements, take_text, c);
    unlock(job->leaf);
    for (int64_t i = 0; i < c->n; i++) c->text[i] = c->blob ? c->blob + c->offset[i] : "";
    return status ? status : job->sink(job->user, index, ndim, shape, c->n, c->text, c->length);
}

static msio_status texts_of_run(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    texts_job *job = user;
    msio_status status = MSIO_OK;
    for (int64_t i = index; i < index + count && !status; i++)
        status = ndim < 0 ? job->sink(job->user, i, -1, NULL, 0, NULL, NULL) : read_cell(job, i, ndim, shape);
    return status;
}

msio_status msio_fallback_texts(const msio_leaf *leaf, const msio_rows *rows, msio_text_sink sink, void *user) {
    texts_job job = {.leaf = leaf, .rows = rows, .sink = sink, .user = user};
    bool scalar = leaf->column->kind == MSIO_KIND_SCALAR;
    msio_status status =
        scalar ? texts_of_run(&job, 0, rows->count, 0, NULL) : msio_fallback_shapes(leaf, rows, texts_of_run, &job);
    free(job.cell.offset);
    free(job.cell.length);
    free((void *)job.cell.text);
    free(job.cell.blob);
    return status;
}
