/* runs.c - a scalar column as runs of equal values. */
#include "cache/runs.h"

#include "core/error.h"
#include "io/engine/engine.h"
#include "io/table/fallback.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 65536 /* read at once where casacore reads */

typedef struct runs_job {
    msio_run_list *list;
    msio_codec codec;
    msio_type type;
    int elem;
    bool no_memory, in_order;
} runs_job;

/* ---------------------------------------------------------------- values */

static double value_of(const runs_job *job, const uint8_t *stored) {
    uint8_t b[16];
    for (int i = 0; i < job->elem; i++) b[i] = stored[job->codec == MSIO_CODEC_SWAP ? job->elem - 1 - i : i];
#define AS(T)                                                                                                          \
    {                                                                                                                  \
        T v;                                                                                                           \
        memcpy(&v, b, sizeof v);                                                                                       \
        return (double)v;                                                                                              \
    }
    switch (job->type) {
    case MSIO_SHORT: AS(int16_t)
    case MSIO_USHORT: AS(uint16_t)
    case MSIO_INT: AS(int32_t)
    case MSIO_UINT: AS(uint32_t)
    case MSIO_INT64: AS(int64_t)
    case MSIO_FLOAT: AS(float)
    case MSIO_DOUBLE: AS(double)
    default: return b[0];
    }
#undef AS
}

static void add(runs_job *job, int64_t row, int64_t rows, double value) {
    msio_run_list *l = job->list;
    msio_run *last = l->n ? &l->run[l->n - 1] : NULL;
    if (last && last->row + last->rows == row && memcmp(&last->value, &value, sizeof value) == 0) {
        last->rows += rows;
        return;
    }
    if (last && row < last->row) job->in_order = false;
    if (l->n == l->capacity) {
        int64_t wanted = l->capacity ? 2 * l->capacity : 256;
        msio_run *grown = realloc(l->run, (size_t)wanted * sizeof *grown);
        if (!grown) {
            job->no_memory = true;
            return;
        }
        l->run = grown;
        l->capacity = wanted;
    }
    l->run[l->n++] = (msio_run){row, rows, value};
}

/* n values, `step` bytes apart, of rows from `row` on. */
static void add_values(runs_job *job, int64_t row, int64_t n, const uint8_t *stored, int64_t step) {
    size_t elem = (size_t)job->elem;
    for (int64_t i = 0; i < n;) {
        const uint8_t *first = stored + i * step;
        int64_t same = i + 1;
        while (same < n && memcmp(stored + same * step, first, elem) == 0) same++;
        add(job, row + i, same - i, value_of(job, first));
        i = same;
    }
}

static void add_bits(runs_job *job, int64_t row, int64_t n, const uint8_t *stored, int64_t bit, int64_t step) {
    for (int64_t i = 0; i < n; i++, bit += step) add(job, row + i, 1, stored[bit >> 3] >> (bit & 7) & 1);
}

/* ---------------------------------------------------------------- pieces */

/* Runs come from one thread, so that they come nearly sorted. */
static void look(void *user, const msio_seen *seen) {
    runs_job *job = user;
    const msio_box *b = seen->box;
    int64_t n = b->ndim ? b->count[0] : 1, step = b->ndim ? b->src[0] : 0;
    if (b->ndim > 1) { /* rows at two distances; each line of them for itself */
        msio_box line = *b;
        int outer = --line.ndim;
        for (int64_t i = 0; i < b->count[outer]; i++) {
            msio_seen part = *seen;
            part.box = &line;
            part.out += i * b->dst[outer];
            if (job->codec == MSIO_CODEC_BITS)
                part.bit += i * b->src[outer];
            else
                part.src += i * b->src[outer];
            look(user, &part);
        }
    } else if (b->ndim && b->dst[0] != job->elem) { /* not neighbours */
        for (int64_t i = 0; i < n; i++) {
            int64_t row = (seen->out + i * b->dst[0]) / job->elem;
            if (job->codec == MSIO_CODEC_BITS)
                add_bits(job, row, 1, seen->src, seen->bit + i * step, 0);
            else
                add_values(job, row, 1, seen->src + i * step, 0);
        }
    } else if (step == 0) {
        double value =
            job->codec == MSIO_CODEC_BITS ? seen->src[seen->bit >> 3] >> (seen->bit & 7) & 1 : value_of(job, seen->src);
        add(job, seen->out / job->elem, n, value);
    } else if (job->codec == MSIO_CODEC_BITS) {
        add_bits(job, seen->out / job->elem, n, seen->src, seen->bit, step);
    } else {
        add_values(job, seen->out / job->elem, n, seen->src, step);
    }
}

static msio_status read_natively(runs_job *job, const msio_leaf *leaf, const msio_rows *rows) {
    msio_engine engine;
    msio_sink sink;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = 1;
    const msio_manager *m = &leaf->slot->manager;
    msio_want want = {.rows = rows, .place_elements = 1, .row_elements = 1};
    msio_status status = msio_engine_start(&engine, &opts, rows->count * job->elem, false);
    if (!status && !(status = msio_sink_start(&sink, 1, msio_engine_run, &engine))) {
        sink.target[0] = (msio_target){.codec = job->codec,
                                       .elem = job->elem,
                                       .unit = job->elem,
                                       .stored_bits = job->codec == MSIO_CODEC_BITS ? 1 : 8 * job->elem,
                                       .out_bytes = rows->count * job->elem,
                                       .look = look,
                                       .user = job};
        status = m->layout->pieces(m, leaf->column, &want, &sink);
        if (!status) status = msio_sink_finish(&sink);
        msio_sink_free(&sink);
    }
    msio_engine_finish(&engine);
    return status;
}

/* A block of rows through casacore; places: memory for 2 * BLOCK_ROWS. */
static msio_status read_block(runs_job *job, const msio_leaf *leaf, const msio_rows *rows, int64_t *places,
                              uint8_t *block) {
    for (int64_t k = 0; k < rows->count; k++) {
        places[k] = msio_rows_row(rows, k);
        places[BLOCK_ROWS + k] = k;
    }
    msio_rows here = {.count = rows->count, .row = places, .place = places + BLOCK_ROWS};
    msio_want want = {.rows = &here, .place_elements = 1, .row_elements = 1};
    msio_status status = msio_fallback_read(leaf, &want, block);
    for (int64_t k = 0; k < rows->count && !status; k++)
        add_values(job, msio_rows_place(rows, k), 1, block + (size_t)k * (size_t)job->elem, job->elem);
    return status;
}

static msio_status read_through_casacore(runs_job *job, const msio_leaf *leaf, const msio_rows *rows) {
    uint8_t *block = malloc((size_t)BLOCK_ROWS * (size_t)job->elem);
    int64_t *places = malloc((size_t)BLOCK_ROWS * 2 * sizeof *places);
    msio_status status =
        block && places ? MSIO_OK
                        : msio_error_set(MSIO_E_MEMORY, leaf->access->table->path, "no memory for a block of rows");
    job->codec = MSIO_CODEC_COPY;
    for (int64_t i = 0; i < rows->count && !status; i += BLOCK_ROWS) {
        msio_rows part = msio_rows_part(rows, i, rows->count - i < BLOCK_ROWS ? rows->count - i : BLOCK_ROWS);
        status = read_block(job, leaf, &part, places, block);
    }
    free(places);
    free(block);
    return status;
}

static msio_status read_leaf(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    runs_job *job = user;
    const char *path = leaf->access->table->path;
    bool swapped = leaf->access->snapshot->dat->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    job->type = leaf->column->type;
    job->elem = (int)msio_type_size(job->type);
    bool number = job->elem > 0 && job->type != MSIO_COMPLEX && job->type != MSIO_DCOMPLEX;
    if (leaf->column->kind != MSIO_KIND_SCALAR || !number)
        return msio_error_set(MSIO_E_SHAPE, path, "column %s should hold one number a row", leaf->column->name);
    if (rows->count == 0) return MSIO_OK;
    if (!msio_leaf_all_defined(leaf))
        return msio_error_set(MSIO_E_UNDEFINED, path, "column %s has rows that were never written", leaf->column->name);
    msio_status status = msio_leaf_check_native(leaf);
    if (status) return status;
    job->codec = job->type == MSIO_BOOL     ? MSIO_CODEC_BITS
                 : swapped && job->elem > 1 ? MSIO_CODEC_SWAP
                                            : MSIO_CODEC_COPY;
    return leaf->native ? read_natively(job, leaf, rows) : read_through_casacore(job, leaf, rows);
}

/* ---------------------------------------------------------------- in row order */

static int by_row(const void *a, const void *b) {
    const msio_run *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

static void sort_and_join(msio_run_list *list) {
    qsort(list->run, (size_t)list->n, sizeof *list->run, by_row);
    int64_t n = 0;
    for (int64_t i = 0; i < list->n; i++) {
        msio_run *last = n ? &list->run[n - 1] : NULL;
        if (last && memcmp(&last->value, &list->run[i].value, sizeof last->value) == 0)
            last->rows += list->run[i].rows;
        else
            list->run[n++] = list->run[i];
    }
    list->n = n;
}

msio_status msio_runs_read(msio_access *access, const char *column, msio_run_list *list) {
    runs_job job = {.list = list, .in_order = true};
    msio_rows rows = {.count = access->rows, .step = 1, .place_step = 1};
    *list = (msio_run_list){0};
    msio_status status = msio_leaves_visit(access, column, &rows, read_leaf, &job);
    if (!status && job.no_memory)
        status = msio_error_set(MSIO_E_MEMORY, access->table->path, "no memory for the runs of column %s", column);
    if (status)
        msio_run_list_free(list);
    else if (!job.in_order)
        sort_and_join(list);
    return status;
}

void msio_run_list_free(msio_run_list *list) {
    free(list->run);
    *list = (msio_run_list){0};
}
