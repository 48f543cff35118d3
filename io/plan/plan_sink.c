/* plan_sink.c - takes pieces from layouts: merges, checks, and hands on batches. */
#include "core/checked.h"
#include "core/error.h"
#include "io/filters/hdf5_filters.h"
#include "io/lock/interrupted.h"
#include "io/plan/plan.h"

#include <stdlib.h>
#include <string.h>

/* Rows that lie farther apart than this are not made one piece of: a read would fetch what lies between. */
#define FAR_APART 4096
/* A batch ends when it delivers this much, so that no list of work grows with the table. */
#define BATCH_BYTES ((int64_t)16 << 30)

msio_status msio_sink_start(msio_sink *sink, int targets, msio_status (*flush)(void *, msio_piece_batch *),
                            void *user) {
    *sink = (msio_sink){.targets = targets, .flush = flush, .user = user, .batch_pieces = MSIO_BATCH_PIECES};
    sink->target = calloc((size_t)targets, sizeof *sink->target);
    if (!sink->target) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a plan");
    sink->batch.target = sink->target;
    return MSIO_OK;
}

void msio_sink_free(msio_sink *sink) {
    free(sink->batch.pieces);
    free(sink->batch.box);
    free(sink->batch.source);
    free(sink->target);
    *sink = (msio_sink){0};
}

static msio_status hand_on(msio_sink *sink) {
    if (sink->batch.n == 0) return MSIO_OK;
    sink->pieces_total += sink->batch.n;
    msio_status status = sink->flush(sink->user, &sink->batch);
    sink->batch.n = sink->batch.boxes = sink->batch.sources = 0;
    sink->bytes_in_batch = 0;
    sink->border = sink->border_rows = 0;
    return status;
}

void msio_sink_border(msio_sink *sink) {
    const msio_piece_batch *b = &sink->batch;
    sink->border = b->n;
    sink->border_rows = b->n ? b->pieces[b->n - 1].rows : 0;
    sink->apart = sink->scattered;
    sink->scattered = false;
}

msio_status msio_sink_finish(msio_sink *sink) { return hand_on(sink); }

/* Makes room for one more element; the arrays grow by doubling up to their limits. */
static msio_status grow(void **array, int64_t n, int64_t *capacity, size_t size) {
    if (n < *capacity) return MSIO_OK;
    int64_t wanted = *capacity ? *capacity * 2 : 16;
    void *grown = realloc(*array, (size_t)wanted * size);
    if (!grown) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a plan of %lld parts", (long long)wanted);
    *array = grown;
    *capacity = wanted;
    return MSIO_OK;
}

static bool same_box(const msio_box *a, const msio_box *b) {
    if (a->ndim != b->ndim) return false;
    for (int k = 0; k < a->ndim; k++)
        if (a->count[k] != b->count[k] || a->src[k] != b->src[k] || a->dst[k] != b->dst[k]) return false;
    return true;
}

static msio_status find_box(msio_sink *sink, const msio_box *box, int32_t *index) {
    msio_piece_batch *b = &sink->batch;
    for (int i = b->boxes - 1; i >= 0 && i >= b->boxes - 4;
         i--) /* the last few repeat; a search of all would be slow */
        if (same_box(&b->box[i], box)) {
            *index = i;
            return MSIO_OK;
        }
    msio_status status = grow((void **)&b->box, b->boxes, &sink->boxes_capacity, sizeof *b->box);
    if (status) return status;
    b->box[b->boxes] = *box;
    *index = b->boxes++;
    return MSIO_OK;
}

static msio_status find_source(msio_sink *sink, const msio_source *source, int32_t *index) {
    msio_piece_batch *b = &sink->batch;
    for (int i = b->sources - 1; i >= 0; i--)
        if (b->source[i].file == source->file && b->source[i].memory == source->memory &&
            b->source[i].decoding == source->decoding && b->source[i].unit == source->unit &&
            b->source[i].unit_at == source->unit_at) {
            *index = i;
            return MSIO_OK;
        }
    msio_status status = grow((void **)&b->source, b->sources, &sink->sources_capacity, sizeof *b->source);
    if (status) return status;
    b->source[b->sources] = *source;
    *index = b->sources++;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- full batches */

static int64_t bytes_of(const msio_sink *sink, const msio_piece *p) {
    return msio_box_elements(&sink->batch.box[p->box]) * p->rows * sink->target[p->target].elem;
}

/* Leaves a piece its rows from `row` on. */
static void skip_rows(const msio_sink *sink, msio_piece *p, int64_t row) {
    const bool bits = sink->target[p->target].codec == MSIO_CODEC_BITS;
    int64_t at = bits ? p->bit + row * p->row_src : row * p->row_src;
    p->offset += bits ? at / 8 : at;
    if (bits) p->bit = (int32_t)(at % 8);
    p->out += row * p->row_dst;
    p->rows -= row;
}

/* Takes back n pieces that a batch was handed on without, with its boxes and sources. */
static msio_status take_back(msio_sink *sink, int64_t n, const msio_piece *piece, const msio_box *box,
                             const msio_source *source) {
    msio_piece_batch *b = &sink->batch;
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < n && !status; i++) {
        msio_piece *p = &b->pieces[b->n++]; /* there was room for them all */
        *p = piece[i];
        status = find_source(sink, &source[piece[i].source], &p->source);
        if (!status) status = find_box(sink, &box[piece[i].box], &p->box);
        if (!status) sink->bytes_in_batch += bytes_of(sink, p);
    }
    return status;
}

static void *copy_of(const void *list, int64_t n, size_t each) {
    void *copy = malloc((size_t)n * each + 1);
    if (copy && n) memcpy(copy, list, (size_t)n * each);
    return copy;
}

/* Hands on what lies before the last border. */
static msio_status hand_on_units(msio_sink *sink) {
    msio_piece_batch *b = &sink->batch;
    const int64_t border = sink->border, rows = sink->border_rows;
    const bool goes_on = border > 0 && b->pieces[border - 1].rows > rows; /* the last piece does, behind it */
    const int64_t first = goes_on ? border - 1 : border, kept = b->n - first;
    if (kept == 0 && border > 0) return hand_on(sink);
    if (!sink->keeps_units || border == 0) {
        sink->scattered = sink->keeps_units;
        return hand_on(sink);
    }
    msio_piece *piece = copy_of(b->pieces + first, kept, sizeof *piece);
    msio_box *box = copy_of(b->box, b->boxes, sizeof *box);
    msio_source *source = copy_of(b->source, b->sources, sizeof *source);
    msio_status status = MSIO_OK;
    if (!piece || !box || !source) {
        status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a plan of %lld parts", (long long)b->n);
    } else {
        if (goes_on) skip_rows(sink, piece, rows);
        if (goes_on) b->pieces[border - 1].rows = rows;
        b->n = border;
        status = hand_on(sink);
    }
    if (!status) status = take_back(sink, kept, piece, box, source);
    free(piece);
    free(box);
    free(source);
    return status;
}

/* ---------------------------------------------------------------- pieces */

/* Stored extent of one row, from its first to behind its last wanted element: bytes, bits for Bool. */
static bool row_span(const msio_box *box, int64_t elem, int64_t *span) {
    int64_t end = 0;
    for (int k = 0; k < box->ndim; k++) {
        int64_t along;
        if (!msio_mul_checked(box->count[k] - 1, box->src[k], &along) || !msio_add_checked(end, along, &end))
            return false;
    }
    return msio_add_checked(end, elem, span);
}

/* Of an encoded chunk the stored bytes must lie within the file, the wanted ones within the decoded chunk. */
static msio_status check_encoded(const msio_source *source, const msio_piece *p) {
    const char *path = source->file ? source->file->path : NULL;
    int64_t last, end;
    if (p->offset < 0 || p->encoded < 0 || !msio_add_checked(p->offset, p->encoded, &end) || end > source->size)
        return msio_error_set(MSIO_E_FORMAT, path,
                              "a chunk of %lld bytes should lie at byte %lld, the file has %lld: it was cut or is "
                              "damaged",
                              (long long)p->encoded, (long long)p->offset, (long long)source->size);
    if (p->within < 0 || !msio_mul_checked(p->rows - 1, p->row_src, &last) || !msio_add_checked(last, p->span, &end) ||
        !msio_add_checked(end, p->within, &end) || end > source->decoding->chunk_bytes)
        return msio_error_set(MSIO_E_FORMAT, path, "values should lie beyond the end of their chunk at byte %lld",
                              (long long)p->offset);
    return MSIO_OK;
}

static msio_status check_extent(const msio_sink *sink, const msio_source *source, const msio_piece *p) {
    const msio_target *t = &sink->target[sink->current];
    bool bits = t->codec == MSIO_CODEC_BITS;
    int64_t last, end;
    const char *path = source->file ? source->file->path : NULL;
    if (p->encoded) return check_encoded(source, p);
    bool fits = p->offset >= 0 && msio_mul_checked(p->rows - 1, p->row_src, &last) &&
                msio_add_checked(last, p->span, &end) && (!bits || msio_add_checked(end, p->bit + 7, &end)) &&
                msio_add_checked(bits ? end / 8 : end, p->offset, &end);
    if (!fits || end > source->size)
        return msio_error_set(MSIO_E_FORMAT, path,
                              "values should lie at bytes %lld to %lld, the file has %lld bytes: it was cut, its "
                              "writer was killed, or its header is damaged; restore it from a copy",
                              (long long)p->offset, fits ? (long long)end : -1LL, (long long)source->size);
    return MSIO_OK;
}

/* Rows that an interrupted write may have left half new are not given out. */
static msio_status check_left(const msio_sink *sink, const msio_source *source, const msio_piece *p) {
    bool bits = sink->target[sink->current].codec == MSIO_CODEC_BITS;
    for (int64_t i = 0; i < p->rows; i++) {
        int64_t from = i * p->row_src + (bits ? p->bit : 0), to = from + p->span;
        if (bits) from /= 8, to = (to + 7) / 8;
        msio_status status = msio_left_check(source->file, p->offset + from, to - from);
        if (status || p->row_src == 0) return status;
    }
    return MSIO_OK;
}

/* Whether q continues p at p's own distance (or one that they set together); then p takes it in. */
static bool merge(msio_piece *p, const msio_piece *q, bool bits, bool any_distance) {
    if (p->box != q->box || p->source != q->source || p->target != q->target) return false;
    if (p->encoded || q->encoded) return false;
    int64_t p_at = bits ? p->offset * 8 + p->bit : p->offset, q_at = bits ? q->offset * 8 + q->bit : q->offset;
    int64_t src = p->rows > 1 ? p->row_src : q->rows > 1 ? q->row_src : q_at - p_at;
    int64_t dst = p->rows > 1 ? p->row_dst : q->rows > 1 ? q->row_dst : q->out - p->out;
    if (q->rows > 1 && (q->row_src != src || q->row_dst != dst)) return false;
    if (q_at - p_at != p->rows * src || q->out - p->out != p->rows * dst) return false;
    if (src < 0 || dst <= 0) return false;
    bool far = src - p->span > (bits ? FAR_APART * 8 : FAR_APART);
    if (p->rows == 1 && q->rows == 1 && far && !any_distance) return false;
    p->row_src = src;
    p->row_dst = dst;
    p->rows += q->rows;
    return true;
}

/* A row set's places may descend; boxes only ascend. Such rows go one by one. */
static msio_status push_reversed(msio_sink *sink, const msio_source *source, int64_t where, int bit, int64_t rows,
                                 int64_t row_src, int64_t row_dst, int64_t out, const msio_box *box) {
    bool bits = sink->target[sink->current].codec == MSIO_CODEC_BITS;
    for (int64_t i = 0; i < rows; i++) {
        int64_t from = (bits ? where * 8 + bit : where) + i * row_src;
        msio_status status = msio_sink_push(sink, source, bits ? from / 8 : from, bits ? (int)(from % 8) : 0, 1, 0, 0,
                                            out + i * row_dst, box);
        if (status) return status;
    }
    return MSIO_OK;
}

/* Checks a piece that is filled but for its box, span and source, and takes it. */
static msio_status take(msio_sink *sink, const msio_source *source, msio_piece *piece, const msio_box *box) {
    const msio_target *t = &sink->target[sink->current];
    bool bits = t->codec == MSIO_CODEC_BITS;
    msio_box simple = *box;
    msio_box_simplify(&simple);
    int64_t elements = msio_box_elements(&simple);
    if (elements == 0) return MSIO_OK;
    msio_status status = MSIO_OK;
    piece->target = sink->current;
    if (!row_span(&simple, bits ? 1 : t->stored_bits / 8, &piece->span))
        return msio_error_set(MSIO_E_FORMAT, NULL, "a cell's extent cannot be represented: the header is damaged");
    if ((status = check_extent(sink, source, piece))) return status;
    if (source->file && source->file->left && (status = check_left(sink, source, piece))) return status;
    if (sink->batch.n >= sink->batch_pieces || sink->batch.boxes >= MSIO_BATCH_BOXES ||
        sink->batch.sources >= MSIO_BATCH_SOURCES || (sink->bytes_in_batch >= BATCH_BYTES && !sink->whole))
        if ((status = hand_on_units(sink))) return status;
    if ((status = find_source(sink, source, &piece->source)) || (status = find_box(sink, &simple, &piece->box)))
        return status;
    sink->bytes_in_batch += elements * piece->rows * t->elem;
    const bool joins = sink->batch.n && !sink->scattered && !sink->apart;
    sink->apart = false;
    if (joins && merge(&sink->batch.pieces[sink->batch.n - 1], piece, bits, sink->whole)) return MSIO_OK;
    status = grow((void **)&sink->batch.pieces, sink->batch.n, &sink->pieces_capacity, sizeof *sink->batch.pieces);
    if (!status) sink->batch.pieces[sink->batch.n++] = *piece;
    return status;
}

msio_status msio_sink_push(msio_sink *sink, const msio_source *source, int64_t where, int bit, int64_t rows,
                           int64_t row_src, int64_t row_dst, int64_t out, const msio_box *box) {
    if (rows > 1 && row_dst < 0) return push_reversed(sink, source, where, bit, rows, row_src, row_dst, out, box);
    if (where < 0 || rows < 1 || row_src < 0)
        return msio_error_set(MSIO_E_FORMAT, source->file ? source->file->path : NULL,
                              "values should lie at byte %lld: the index is damaged", (long long)where);
    msio_piece piece = {
        .offset = where + bit / 8, .bit = bit % 8, .out = out, .rows = rows, .row_src = row_src, .row_dst = row_dst};
    return take(sink, source, &piece, box);
}

msio_status msio_sink_push_encoded(msio_sink *sink, const msio_source *source, const msio_encoded *chunk,
                                   int64_t within, int64_t rows, int64_t row_src, int64_t row_dst, int64_t out,
                                   const msio_box *box) {
    msio_piece piece = {.offset = chunk->offset,
                        .encoded = chunk->bytes,
                        .mask = chunk->mask,
                        .within = within,
                        .out = out,
                        .rows = rows,
                        .row_src = row_src,
                        .row_dst = row_dst};
    return take(sink, source, &piece, box);
}
