/* deliver.c - from the bytes of a stretch of a file to the result: pieces decoded, woven, scattered.
 *
 * Weaving: the chunks of a dataset may hold single polarizations, or some of the channels, so that each of them alone
 * fills parts of many cache lines of the result. Where the pieces of a unit of work together fill whole stretches, rows
 * are put together in memory that stays cached, and stored once. */
#include "io/engine/deliver.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/kernels.h"
#include "core/pool.h"

#include <string.h>

/* Rows that are woven together: half of a first-level cache, which holds what is read beside it. */
#define WEAVE_BYTES 16384
/* Pieces that are woven together. */
#define WEAVE_PIECES 64

/* ---------------------------------------------------------------- boxes */

static void put(const msio_target *t, const msio_box *box, const uint8_t *src, int64_t bit, uint8_t *dst,
                bool streams) {
    if (t->codec == MSIO_CODEC_CONVERT)
        msio_box_convert(box, t->number, t->type, src, dst);
    else if (streams)
        msio_box_stream(box, t->codec, t->elem, t->unit, src, bit, dst);
    else
        msio_box_copy(box, t->codec, t->elem, t->unit, src, bit, dst);
}

void msio_deliver_box(const msio_deliver *deliver, const msio_target *target, const msio_box *box, const void *src,
                      int64_t bit, int64_t out, prof_path path) {
    prof_span span;
    prof_begin(&span, path);
    if (target->look)
        target->look(target->user,
                     &(msio_seen){.thread = deliver->thread, .box = box, .src = src, .bit = bit, .out = out});
    else
        put(target, box, src, bit, target->out + out, deliver->streams);
    if (span.start) prof_end(&span, &(prof_work){.bytes = msio_box_elements(box) * target->elem, .pieces = 1});
}

/* ---------------------------------------------------------------- weaving */

/* Pieces whose rows lie within the same rows of the result, and fill them from `low` for `width` bytes. */
typedef struct weave {
    const msio_piece_batch *batch;
    const msio_target *target;
    int64_t pieces;
    const msio_piece *piece;
    const uint8_t *const *src; /* of each piece's row 0, element 0 */
    int64_t low, width;
    int64_t stored;       /* bytes of a stored element */
    int64_t stored_width; /* of a woven row, before it is decoded */
} weave;

/* The lowest byte of one row of a piece, and its end; false where elements do not lie at multiples of their size. */
static bool row_extent(const msio_piece_batch *batch, const msio_piece *p, int64_t *low, int64_t *end) {
    const msio_box *box = &batch->box[p->box];
    int64_t elem = batch->target[p->target].elem, odd = p->out % elem;
    *low = p->out;
    *end = p->out + elem;
    for (int k = 0; k < box->ndim; k++) {
        int64_t along = (box->count[k] - 1) * box->dst[k];
        *(along < 0 ? low : end) += along;
        odd |= box->dst[k] % elem;
    }
    return odd == 0;
}

/* Whether pieces from the first on fill whole stretches together; how many in w->pieces. */
static bool find_weave(weave *w, int64_t most) {
    const msio_piece *p = w->piece;
    const msio_target *t = &w->batch->target[p->target];
    int64_t high, bytes = 0;
    if (t->look || t->codec == MSIO_CODEC_BITS || p->rows < 2 || !row_extent(w->batch, p, &w->low, &high)) return false;
    for (w->pieces = 0; w->pieces < most && msio_piece_beside(p, &p[w->pieces]); w->pieces++) {
        const msio_piece *q = &p[w->pieces];
        int64_t low, end;
        if (!row_extent(w->batch, q, &low, &end)) return false;
        w->low = msio_min(w->low, low);
        high = msio_max(high, end);
        bytes += msio_box_elements(&w->batch->box[q->box]) * t->elem;
    }
    w->width = high - w->low;
    w->target = t;
    w->stored = t->stored_bits / 8;
    w->stored_width = w->width / t->elem * w->stored;
    return bytes == w->width && msio_max(w->width, w->stored_width) <= WEAVE_BYTES && p->row_dst >= w->width;
}

/* Whether one piece alone is stored whole lines at a time without weaving. */
static bool flows(const weave *w) {
    const msio_box *box = &w->batch->box[w->piece->box];
    for (int k = 0; k < box->ndim; k++)
        if (box->dst[k] < 0) return false;
    return w->pieces == 1 && w->target->codec != MSIO_CODEC_CONVERT;
}

/* Where a byte of a delivered row lies in a stored one. */
static int64_t in_stored(const weave *w, int64_t delivered) { return delivered / w->target->elem * w->stored; }

/* How many pieces from the i-th on are single elements that take turns: 2 or 4; 0: they are not. */
static int lanes_at(const weave *w, int64_t i, msio_lanes *lanes) {
    const msio_piece *p = &w->piece[i];
    const msio_box *box = &w->batch->box[p->box];
    int elem = w->target->elem;
    int64_t stride = box->ndim == 1 ? box->dst[0] : 0, n = (stride < 0 ? -stride : stride) / elem;
    if ((n != 2 && n != 4) || i + n > w->pieces || w->stored > 8 || box->src[0] != w->stored) return 0;
    for (int64_t l = 0; l < n; l++) {
        if (p[l].box != p->box || p[l].out != p->out + l * elem || p[l].row_src != p->row_src) return 0;
        lanes->src[l] = w->src[i + l];
    }
    lanes->lanes = (int)n;
    lanes->elem = (int)w->stored;
    lanes->reversed = stride < 0;
    lanes->n = box->count[0];
    lanes->src_row = p->row_src;
    return (int)n;
}

/* Puts rows of all pieces together as they are stored. */
static void weave_rows(const weave *w, int64_t row, int64_t rows, uint8_t *stage) {
    msio_lanes lanes = {.rows = rows, .dst_row = w->stored_width};
    for (int64_t i = 0; i < w->pieces;) {
        const msio_piece *p = &w->piece[i];
        int n = lanes_at(w, i, &lanes);
        if (n) {
            int64_t first = lanes.reversed ? p->out - (lanes.n - 1) * n * w->target->elem : p->out;
            for (int l = 0; l < n; l++) lanes.src[l] += row * p->row_src;
            msio_weave(stage + in_stored(w, first - w->low), &lanes);
            i += n;
            continue;
        }
        msio_box box = w->batch->box[p->box];
        for (int k = 0; k < box.ndim; k++) box.dst[k] = in_stored(w, box.dst[k]);
        box.count[box.ndim] = rows;
        box.src[box.ndim] = p->row_src;
        box.dst[box.ndim] = w->stored_width;
        box.ndim++;
        msio_box_copy(&box, MSIO_CODEC_COPY, (int)w->stored, 1, w->src[i] + row * p->row_src, 0,
                      stage + in_stored(w, p->out - w->low));
        i++;
    }
}

/* What was put together, as it is delivered: the stage itself, or what stands in `decoded`. */
static const uint8_t *decode_rows(const weave *w, int64_t rows, const uint8_t *stage, uint8_t *decoded) {
    const msio_target *t = w->target;
    int64_t elements = rows * w->width / t->elem;
    if (t->codec == MSIO_CODEC_COPY) return stage;
    if (t->codec == MSIO_CODEC_SWAP) {
        msio_swap_copy(decoded, stage, (size_t)(elements * t->elem / t->unit), t->unit);
    } else {
        msio_box all = {1, {elements}, {w->stored}, {t->elem}};
        msio_box_convert(&all, t->number, t->type, stage, decoded);
    }
    return decoded;
}

static void store(uint8_t *dst, const uint8_t *src, int64_t length, bool streams) {
    if (streams)
        msio_stream_copy(dst, src, (size_t)length);
    else
        memcpy(dst, src, (size_t)length);
}

static void weave_all(const weave *w, bool streams, prof_path path) {
    _Alignas(64) uint8_t stage[WEAVE_BYTES], decoded[WEAVE_BYTES];
    int64_t all = w->piece->rows, step = w->piece->row_dst;
    int64_t at_once = WEAVE_BYTES / msio_max(w->width, w->stored_width);
    uint8_t *out = w->target->out + w->low;
    prof_span span;
    prof_begin(&span, path);
    for (int64_t row = 0; row < all; row += at_once) {
        int64_t rows = msio_min(at_once, all - row);
        weave_rows(w, row, rows, stage);
        const uint8_t *from = decode_rows(w, rows, stage, decoded);
        if (step == w->width)
            store(out + row * step, from, rows * step, streams);
        else
            for (int64_t r = 0; r < rows; r++) store(out + (row + r) * step, from + r * w->width, w->width, streams);
    }
    if (streams) msio_stream_end();
    if (span.start) prof_end(&span, &(prof_work){.bytes = all * w->width, .pieces = w->pieces});
}

/* ---------------------------------------------------------------- decoding */

/* Decodes the chunks of the unit's pieces one after the other; src[i]: where piece i's elements begin. */
static msio_status decode(msio_deliver *d, const msio_piece_batch *batch, const msio_piece *piece, int64_t pieces,
                          const uint8_t *bytes, int64_t offset, const uint8_t **src) {
    const msio_source *source = &batch->source[piece->source];
    int64_t chunk_bytes = source->decoding->chunk_bytes, chunks = 1;
    for (int64_t i = 1; i < pieces; i++) chunks += piece[i].offset != piece[i - 1].offset;
    if (chunks > 1 && d->decoded_bytes < chunks * chunk_bytes) {
        msio_pool_give(d->decoded);
        d->decoded = msio_pool_take((size_t)(chunks * chunk_bytes));
        d->decoded_bytes = d->decoded ? chunks * chunk_bytes : 0;
        if (!d->decoded)
            return msio_error_set(MSIO_E_MEMORY, source->file->path, "no memory to decode chunks of %lld bytes",
                                  (long long)chunk_bytes);
    }
    uint8_t *to = d->decoded;
    const uint8_t *decoded = NULL;
    for (int64_t i = 0; i < pieces; i++) {
        if (i == 0 || piece[i].offset != piece[i - 1].offset) {
            prof_span span;
            prof_begin(&span, PROF_PATH_DECODE);
            msio_status status = msio_decode(source->decoding, piece[i].mask, bytes + (piece[i].offset - offset),
                                             piece[i].encoded, &d->scratch, &decoded);
            prof_end(&span, &(prof_work){.bytes = chunk_bytes, .bytes_read = piece[i].encoded, .pieces = 1});
            if (status)
                return msio_error_set(status, source->file->path, "the chunk at byte %lld: %s",
                                      (long long)piece[i].offset, msio_last_error()->message);
            if (chunks > 1) {
                memcpy(to, decoded, (size_t)chunk_bytes);
                decoded = to;
                to += chunk_bytes;
            }
        }
        src[i] = decoded + piece[i].within;
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- units of work */

/* Pieces whose stored elements lie at src[i]. */
static void deliver_pieces(const msio_deliver *d, const msio_piece_batch *batch, const msio_piece *piece,
                           int64_t pieces, const uint8_t *const *src, prof_path path) {
    for (int64_t i = 0; i < pieces;) {
        weave w = {.batch = batch, .piece = &piece[i], .src = &src[i]};
        if (find_weave(&w, pieces - i) && (d->streams ? !flows(&w) : w.pieces > 1)) {
            weave_all(&w, d->streams, path);
            i += w.pieces;
            continue;
        }
        msio_box box;
        int64_t offset, bit, out;
        msio_piece_box(batch, &piece[i], 0, piece[i].rows, &box, &offset, &bit, &out);
        msio_deliver_box(d, &batch->target[piece[i].target], &box, src[i], bit, out, path);
        i++;
    }
}

/* How many pieces from the first on lie in whole chunks, at most as many as the list of places holds; of a chunk that
 * has more of them all. */
static int64_t whole_chunks(const msio_piece *piece, int64_t pieces) {
    int64_t n = 1, whole = 0;
    for (; n < pieces; n++) {
        if (piece[n].offset == piece[n - 1].offset) continue;
        if (n > WEAVE_PIECES) break;
        whole = n;
    }
    return n <= WEAVE_PIECES || whole == 0 ? n : whole;
}

/* Pieces of whole chunks. Where a chunk has more of them than the list holds, it is decoded once all the same. */
static msio_status deliver_encoded(msio_deliver *d, const msio_piece_batch *batch, const msio_piece *piece,
                                   int64_t pieces, const uint8_t *bytes, int64_t offset, prof_path path) {
    const uint8_t *src[WEAVE_PIECES];
    int64_t n = msio_min(pieces, WEAVE_PIECES);
    msio_status status = decode(d, batch, piece, n, bytes, offset, src);
    if (status) return status;
    const uint8_t *decoded = src[0] - piece[0].within;
    deliver_pieces(d, batch, piece, n, src, path);
    for (int64_t done = n; done < pieces; done += n) {
        n = msio_min(pieces - done, WEAVE_PIECES);
        for (int64_t i = 0; i < n; i++) src[i] = decoded + piece[done + i].within;
        deliver_pieces(d, batch, piece + done, n, src, path);
    }
    return MSIO_OK;
}

/* Pieces in groups that fit the list of their places. */
msio_status msio_deliver_work(msio_deliver *deliver, const msio_piece_batch *batch, const msio_work *work,
                              const uint8_t *bytes, prof_path path) {
    const msio_piece *piece = &batch->pieces[work->first];
    const uint8_t *src[WEAVE_PIECES];
    if (work->pieces == 1 && !piece->encoded) {
        msio_piece part = *piece;
        msio_piece_part(batch, &part, work->row, work->rows);
        src[0] = bytes + (part.offset - work->offset);
        deliver_pieces(deliver, batch, &part, 1, src, path);
        return MSIO_OK;
    }
    msio_status status = MSIO_OK;
    for (int64_t done = 0, n; done < work->pieces && !status; done += n) {
        const msio_piece *p = piece + done;
        n = work->pieces - done;
        if (p->encoded) {
            n = whole_chunks(p, n);
            status = deliver_encoded(deliver, batch, p, n, bytes, work->offset, path);
            continue;
        }
        n = msio_min(n, WEAVE_PIECES);
        for (int64_t i = 0; i < n; i++) src[i] = bytes + (p[i].offset - work->offset);
        deliver_pieces(deliver, batch, p, n, src, path);
    }
    return status;
}

void msio_deliver_free(msio_deliver *deliver) {
    msio_pool_give(deliver->decoded);
    msio_decode_scratch_free(&deliver->scratch);
    *deliver = (msio_deliver){0};
}
