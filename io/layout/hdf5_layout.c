/* hdf5_layout.c - HDF5 datasets as a layout: from a part of a dataset to pieces. */
#include "io/layout/hdf5_layout.h"

#include "core/checked.h"
#include "core/error.h"

#include <string.h>

void msio_hdf5_target(const msio_dataset *dataset, msio_type type, msio_target *target) {
    const msio_number *number = &dataset->info.number;
    target->elem = (int)msio_type_size(type);
    target->unit = number->bytes;
    target->stored_bits = 8 * dataset->info.stored;
    target->number = number;
    target->type = type;
    target->codec = !msio_number_copies(number, type) ? MSIO_CODEC_CONVERT
                    : number->swapped                 ? MSIO_CODEC_SWAP
                                                      : MSIO_CODEC_COPY;
}

/* ---------------------------------------------------------------- rows */

/* A slab on its way to a sink. */
typedef struct job {
    const msio_dataset *dataset;
    const msio_h5_info *info;
    const msio_slab *slab;
    msio_sink *sink;
    int64_t stride[MSIO_MAX_NDIM]; /* bytes from one element to the next along an axis, in a chunk or in all */
    int64_t from, to;              /* rows of the set that are in hand */
    int64_t row;                   /* the one that the chunk, or the dataset, begins with */
    int64_t hint;                  /* where the last chunk was found in the list */
    msio_box box;                  /* of one row */
} job;

/* Where rows come from: a stretch of a file, a chunk, or the fill value (all distances 0). */
typedef struct place {
    msio_source source;
    const msio_encoded *encoded; /* NULL: as stored, from byte `where` on */
    int64_t where;
    bool fill;
} place;

/* Rows [from, from + n) of the set, which lie at equal distances and go to equal distances. */
static msio_status push_run(job *j, const place *p, const msio_box *box, int64_t from, int64_t n, int64_t within,
                            int64_t out) {
    const msio_rows *rows = j->slab->rows;
    int64_t row = msio_rows_row(rows, from), to = msio_rows_place(rows, from);
    int64_t step = n > 1 ? msio_rows_row(rows, from + 1) - row : 0;
    int64_t step_out = n > 1 ? (msio_rows_place(rows, from + 1) - to) * j->slab->stride[0] : 0;
    out += to * j->slab->stride[0];
    if (p->fill) return msio_sink_push(j->sink, &p->source, 0, 0, n, 0, step_out, out, box);
    within += (row - j->row) * j->stride[0];
    if (p->encoded)
        return msio_sink_push_encoded(j->sink, &p->source, p->encoded, within, n, step * j->stride[0], step_out, out,
                                      box);
    return msio_sink_push(j->sink, &p->source, p->where + within, 0, n, step * j->stride[0], step_out, out, box);
}

/* The rows in hand: all of them at once where they are a range, else in runs. */
static msio_status push_rows(job *j, const place *p, int64_t within, int64_t out) {
    const msio_rows *rows = j->slab->rows;
    msio_box box = j->box;
    if (p->fill) memset(box.src, 0, sizeof box.src);
    if (!rows->row) return push_run(j, p, &box, j->from, j->to - j->from, within, out);
    msio_status status = MSIO_OK;
    for (int64_t i = j->from; i < j->to && !status;) {
        int64_t end = i + 1;
        int64_t step = end < j->to ? rows->row[end] - rows->row[i] : 0;
        int64_t step_out = end < j->to ? rows->place[end] - rows->place[i] : 0;
        while (end < j->to && rows->row[end] - rows->row[end - 1] == step &&
               rows->place[end] - rows->place[end - 1] == step_out)
            end++;
        status = push_run(j, p, &box, i, end - i, within, out);
        i = end;
    }
    return status;
}

static place fill_of(const job *j) {
    return (place){.source = {.size = (int64_t)sizeof j->info->fill, .memory = j->info->fill}, .fill = true};
}

static msio_source file_of(const job *j) {
    msio_file *file = j->dataset->file->bytes;
    return (msio_source){.file = file, .size = file->stamp.size};
}

/* ---------------------------------------------------------------- contiguous */

static msio_status contiguous_pieces(job *j) {
    const msio_h5_info *info = j->info;
    int64_t within = 0;
    j->to = j->slab->rows->count;
    j->box.ndim = 0;
    for (int k = info->ndim - 1; k >= 1; k--) {
        const msio_range *a = &j->slab->axis[k];
        int b = j->box.ndim++;
        j->box.count[b] = a->count;
        j->box.src[b] = a->step * j->stride[k];
        j->box.dst[b] = j->slab->stride[k];
        within += a->start * j->stride[k];
    }
    place p = j->dataset->address < 0 ? fill_of(j) : (place){.source = file_of(j), .where = j->dataset->address};
    return push_rows(j, &p, within, j->slab->out);
}

/* ---------------------------------------------------------------- chunks */

static msio_status push_chunk(job *j, int64_t index, int64_t within, int64_t out) {
    const msio_dataset *d = j->dataset;
    int64_t at = msio_chunks_from(&d->chunks, j->hint, index);
    const msio_chunk *chunk = at < d->chunks.n ? &d->chunks.chunk[at] : NULL;
    j->hint = at;
    place p;
    if (!chunk || chunk->index != index) {
        p = fill_of(j);
        return push_rows(j, &p, within, out);
    }
    uint32_t all = d->info.filters ? UINT32_MAX >> (32 - d->info.filters) : 0;
    msio_encoded encoded = {chunk->address, chunk->bytes, chunk->mask};
    p = (place){.source = file_of(j), .where = chunk->address};
    if (all & ~chunk->mask) {
        p.source.decoding = &d->decoding;
        p.encoded = &encoded;
    }
    if (msio_decoding_most(&d->decoding, chunk->mask, chunk->bytes) < d->decoding.chunk_bytes)
        return msio_error_set(
            MSIO_E_FORMAT, d->file->path,
            "%s: the chunk at byte %lld has %lld bytes, too few for the %lld that it should hold: the "
            "file is damaged",
            d->name, (long long)chunk->address, (long long)chunk->bytes, (long long)d->decoding.chunk_bytes);
    return push_rows(j, &p, within, out);
}

/* All chunks along axes k and on that hold wanted elements; index: of the chunk along the axes before. */
static msio_status walk_axis(job *j, int k, int64_t index, int64_t within, int64_t out) {
    const msio_h5_info *info = j->info;
    if (k == info->ndim) return push_chunk(j, index, within, out);
    const msio_range *a = &j->slab->axis[k];
    int64_t chunk = info->chunk[k];
    int b = info->ndim - 1 - k;
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < a->count && !status;) {
        int64_t first = a->start + i * a->step, c = first / chunk;
        int64_t end = msio_min(a->count, i + msio_div_up((c + 1) * chunk - first, a->step));
        j->box.count[b] = end - i;
        j->box.src[b] = a->step * j->stride[k];
        j->box.dst[b] = j->slab->stride[k];
        status = walk_axis(j, k + 1, index * j->dataset->chunks.grid[k] + c,
                           within + (first - c * chunk) * j->stride[k], out + i * j->slab->stride[k]);
        i = end;
    }
    return status;
}

static msio_status chunk_pieces(job *j) {
    const msio_rows *rows = j->slab->rows;
    int64_t chunk = j->info->chunk[0];
    msio_status status = MSIO_OK;
    j->box.ndim = j->info->ndim - 1;
    for (j->from = 0; j->from < rows->count && !status; j->from = j->to) {
        int64_t c = msio_rows_row(rows, j->from) / chunk;
        j->row = c * chunk;
        j->to = msio_rows_after(rows, j->from, j->row + chunk - 1);
        status = walk_axis(j, 1, c, 0, j->slab->out);
    }
    return status;
}

msio_status msio_hdf5_pieces(const msio_dataset *dataset, const msio_slab *slab, msio_sink *sink) {
    const msio_h5_info *info = &dataset->info;
    job j = {.dataset = dataset, .info = info, .slab = slab, .sink = sink};
    bool chunked = info->storage == MSIO_H5_CHUNKED;
    int64_t stride = info->stored;
    for (int k = info->ndim - 1; k >= 0; k--) {
        j.stride[k] = stride;
        stride *= chunked ? info->chunk[k] : info->shape[k];
    }
    return chunked ? chunk_pieces(&j) : contiguous_pieces(&j);
}
