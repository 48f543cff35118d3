/* schedule.c - from the pieces of a batch to units of work: sorted, merged into reads, cut for threads. */
#include "io/engine/schedule.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/kernels.h"
#include "io/filters/hdf5_filters.h"

#include <stdlib.h>
#include <string.h>

/* A part of a contiguous piece: as large as a huge page, so that two threads never touch a new one together. */
#define RUN_BYTES ((int64_t)2 << 20)
/* Below this a contiguous piece is not worth a read of its own. */
#define RUN_LEAST ((int64_t)64 << 10)
/* Mapped work is cut by what it delivers. */
#define MAPPED_BYTES ((int64_t)512 << 10)
/* Pieces this near are read together. */
#define GAP_BYTES ((int64_t)16 << 10)
/* Copying from a mapped file is faster than reading (bench: work data, ways mapped and direct), but not for a few small
 * reads: making the mapping costs some reads itself. */
#define SMALL_READ ((int64_t)32 << 10)
#define FEW_READS 8

/* ---------------------------------------------------------------- geometry */

void msio_piece_box(const msio_piece_batch *batch, const msio_piece *piece, int64_t row, int64_t rows, msio_box *box,
                    int64_t *offset, int64_t *bit, int64_t *out) {
    *box = batch->box[piece->box];
    *out = piece->out + row * piece->row_dst;
    *offset = piece->encoded ? piece->within : piece->offset;
    *bit = 0;
    if (batch->target[piece->target].codec == MSIO_CODEC_BITS) {
        int64_t at = piece->bit + row * piece->row_src;
        *offset += at / 8;
        *bit = at % 8;
    } else {
        *offset += row * piece->row_src;
    }
    box->count[box->ndim] = rows;
    box->src[box->ndim] = piece->row_src;
    box->dst[box->ndim] = piece->row_dst;
    box->ndim++;
    msio_box_simplify(box);
}

void msio_piece_part(const msio_piece_batch *batch, msio_piece *piece, int64_t row, int64_t rows) {
    msio_box box;
    int64_t bit;
    msio_piece_box(batch, piece, row, rows, &box, &piece->offset, &bit, &piece->out);
    piece->bit = (int32_t)bit;
    piece->rows = rows;
}

bool msio_piece_beside(const msio_piece *a, const msio_piece *b) {
    if (a->target != b->target || a->rows != b->rows || a->row_dst != b->row_dst || a->row_dst <= 0) return false;
    int64_t apart = a->out < b->out ? b->out - a->out : a->out - b->out;
    return apart < a->row_dst;
}

int64_t msio_box_extent(const msio_box *box, const msio_target *target, int64_t bit) {
    bool bits = target->codec == MSIO_CODEC_BITS;
    int64_t end = bits ? 1 : target->stored_bits / 8;
    for (int k = 0; k < box->ndim; k++) end += (box->count[k] - 1) * box->src[k];
    return bits ? (bit + end + 7) / 8 : end;
}

static int by_place(const void *a, const void *b) {
    const msio_piece *x = a, *y = b;
    if (x->source != y->source) return x->source < y->source ? -1 : 1;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    return x->out < y->out ? -1 : x->out > y->out;
}

void msio_pieces_sort(msio_piece_batch *batch) {
    for (int64_t i = 1; i < batch->n; i++)
        if (by_place(&batch->pieces[i - 1], &batch->pieces[i]) > 0) {
            qsort(batch->pieces, (size_t)batch->n, sizeof *batch->pieces, by_place);
            return;
        }
}

/* ---------------------------------------------------------------- pieces to work */

/* A piece measured. */
typedef struct measure {
    int64_t offset, end; /* stretch of the file */
    int64_t out_bytes, stored;
    bool run; /* contiguous in the file and in memory, and needs no decoding */
    bool mappable;
    bool in_memory; /* the source is */
} measure;

typedef struct maker {
    msio_schedule *s;
    msio_piece_batch *batch;
    msio_way force;
    int threads;
    int64_t run_bytes; /* of one part of a contiguous piece */
    int64_t mapped_bytes;
    bool enough_small;
} maker;

static measure measure_piece(const maker *m, const msio_piece *p) {
    const msio_target *t = &m->batch->target[p->target];
    const msio_source *source = &m->batch->source[p->source];
    msio_box box;
    int64_t offset, bit, out, elements = msio_box_elements(&m->batch->box[p->box]) * p->rows;
    msio_piece_box(m->batch, p, 0, p->rows, &box, &offset, &bit, &out);
    measure e = {.offset = offset, .out_bytes = elements * t->elem};
    e.end = offset + msio_box_extent(&box, t, bit);
    if (p->encoded) {
        e.offset = p->offset;
        e.end = p->offset + p->encoded;
    }
    e.stored = ((p->row_src ? elements : elements / p->rows) * t->stored_bits + 7) / 8; /* a repeated cell is one */
    e.run = t->codec == MSIO_CODEC_COPY && !t->look && !p->encoded && msio_box_is_run(&box, t->elem, t->elem);
    e.in_memory = source->memory != NULL;
    e.mappable = e.in_memory || (source->file && source->file->mappable);
    return e;
}

static msio_work *add(maker *m, msio_way way) {
    msio_schedule *s = m->s;
    if (s->n == s->capacity) {
        int64_t wanted = s->capacity ? s->capacity * 2 : 64;
        msio_work *grown = realloc(s->work, (size_t)wanted * sizeof *grown);
        if (!grown) return NULL;
        s->work = grown;
        s->capacity = wanted;
    }
    msio_work *w = &s->work[s->n++];
    *w = (msio_work){.pieces = 1, .way = way};
    return w;
}

static void account(maker *m, const msio_work *w) {
    m->s->out_bytes += w->out_bytes;
    m->s->way_bytes[w->way] += w->out_bytes;
    m->s->read_bytes += w->length;
}

/* A contiguous piece, cut where its result crosses a multiple of a part's size. */
static bool add_run(maker *m, int64_t index, const measure *e, msio_way way) {
    const msio_piece *p = &m->batch->pieces[index];
    uint64_t address = (uint64_t)(uintptr_t)m->batch->target[p->target].out + (uint64_t)p->out;
    for (int64_t done = 0; done < e->out_bytes;) {
        int64_t to_edge = m->run_bytes - (int64_t)((address + (uint64_t)done) % (uint64_t)m->run_bytes);
        int64_t n = msio_min(to_edge, e->out_bytes - done);
        msio_work *w = add(m, way);
        if (!w) return false;
        w->first = index;
        w->run = done;
        w->offset = e->offset + done;
        w->length = w->out_bytes = n;
        account(m, w);
        done += n;
    }
    return true;
}

/* A piece of many rows, cut into parts of about `share` delivered or, for reads, `extent` covered bytes. */
static bool add_rows(maker *m, int64_t index, const measure *e, msio_way way, int64_t share, int64_t extent) {
    const msio_piece *p = &m->batch->pieces[index];
    const msio_target *t = &m->batch->target[p->target];
    int64_t row_out = msio_max(1, e->out_bytes / p->rows);
    int64_t row_extent = msio_max(1, t->codec == MSIO_CODEC_BITS ? p->row_src / 8 : p->row_src);
    int64_t rows = msio_max(1, msio_min(share / row_out, way == MSIO_WAY_MAPPED ? INT64_MAX : extent / row_extent));
    for (int64_t row = 0; row < p->rows; row += rows) {
        msio_work *w = add(m, way);
        msio_box box;
        int64_t bit, out;
        if (!w) return false;
        w->first = index;
        w->row = row;
        w->rows = msio_min(rows, p->rows - row);
        msio_piece_box(m->batch, p, row, w->rows, &box, &w->offset, &bit, &out);
        w->length = msio_box_extent(&box, t, bit);
        w->out_bytes = msio_box_elements(&box) * t->elem;
        account(m, w);
    }
    return true;
}

/* Pieces [first, end) as one read, or as mapped work. */
static bool add_group(maker *m, int64_t first, int64_t end, int64_t offset, int64_t length, int64_t out_bytes,
                      msio_way way) {
    msio_work *w = add(m, way);
    if (!w) return false;
    w->first = first;
    w->pieces = end - first;
    w->rows = m->batch->pieces[first].rows;
    w->offset = offset;
    w->length = length;
    w->out_bytes = out_bytes;
    account(m, w);
    return true;
}

static bool wants_mapped(const maker *m, const measure *e, int64_t covered) {
    if (e->in_memory) return true;
    if (m->force != MSIO_WAY_AUTO || !e->mappable) return m->force == MSIO_WAY_MAPPED && e->mappable;
    return covered >= SMALL_READ || m->enough_small;
}

/* A contiguous piece that is copied whole, in parts; the way where it is, else AUTO. */
static msio_way run_way(const maker *m, const measure *e) {
    if (!e->run || (m->force == MSIO_WAY_SCRATCH && !e->in_memory)) return MSIO_WAY_AUTO;
    if (m->force != MSIO_WAY_DIRECT && e->out_bytes < RUN_LEAST) return MSIO_WAY_AUTO;
    if (wants_mapped(m, e, e->out_bytes)) return MSIO_WAY_MAPPED;
    return m->force == MSIO_WAY_MAPPED ? MSIO_WAY_AUTO : MSIO_WAY_DIRECT;
}

/* How far a unit of work reaches that begins with piece `first`: as many neighbours as fit a read; encoded chunks as
 * many as their decoded bytes fit one. A unit ends where rows of the result end, so that all that is woven together is
 * in it. */
static int64_t reach(maker *m, int64_t first, measure *all) {
    const msio_piece *pieces = m->batch->pieces, *p = &pieces[first];
    const msio_source *source = &m->batch->source[p->source];
    int64_t chunk = p->encoded ? source->decoding->chunk_bytes : 0, decoded = chunk, end = first + 1, edge = first;
    measure at_edge = *all;
    for (; end < m->batch->n && pieces[end].source == p->source; end++) {
        measure n = measure_piece(m, &pieces[end]);
        bool same_chunk = p->encoded && pieces[end].encoded && pieces[end].offset == pieces[end - 1].offset;
        if (!p->encoded != !pieces[end].encoded) break;
        if (!same_chunk &&
            (n.offset - all->end > GAP_BYTES || msio_max(all->end, n.end) - all->offset > MSIO_SCRATCH_BYTES ||
             decoded + chunk > MSIO_SCRATCH_BYTES || run_way(m, &n))) {
            bool within_rows = msio_piece_beside(&pieces[end - 1], &pieces[end]);
            if (within_rows && edge > first) {
                end = edge;
                *all = at_edge;
            }
            break;
        }
        if (n.in_memory && all->out_bytes >= m->mapped_bytes) break;
        if (!same_chunk) decoded += chunk;
        if (!msio_piece_beside(&pieces[end - 1], &pieces[end])) {
            edge = end;
            at_edge = *all;
        }
        all->end = msio_max(all->end, n.end);
        all->out_bytes += n.out_bytes;
        all->stored += n.stored;
    }
    return end;
}

/* Takes pieces from `first` on: one large one, or as many neighbours as fit a read. Returns behind the last; -1: no
 * memory. */
static int64_t take(maker *m, int64_t first) {
    const msio_piece *p = &m->batch->pieces[first];
    measure e = measure_piece(m, p);
    msio_way run = run_way(m, &e);
    bool large = e.end - e.offset > MSIO_SCRATCH_BYTES || (e.in_memory && e.out_bytes > m->mapped_bytes);
    if (run || (large && !p->encoded)) {
        m->s->stored_bytes += e.stored;
        bool mapped = run ? run == MSIO_WAY_MAPPED : wants_mapped(m, &e, e.end - e.offset);
        int64_t share = mapped ? m->mapped_bytes : INT64_MAX;
        bool added =
            run ? add_run(m, first, &e, run)
                : add_rows(m, first, &e, mapped ? MSIO_WAY_MAPPED : MSIO_WAY_SCRATCH, share, MSIO_SCRATCH_BYTES);
        return added ? first + 1 : -1;
    }
    int64_t end = reach(m, first, &e);
    m->s->stored_bytes += e.stored;
    bool mapped = wants_mapped(m, &e, e.end - e.offset);
    return add_group(m, first, end, e.offset, e.end - e.offset, e.out_bytes,
                     mapped ? MSIO_WAY_MAPPED : MSIO_WAY_SCRATCH)
               ? end
               : -1;
}

/* Whether so many small reads come that mapping pays; a guess from the first pieces. */
static bool many_small(const msio_piece_batch *batch) {
    int64_t apart = 0;
    for (int64_t i = 1; i < batch->n && apart < FEW_READS; i++)
        apart += batch->pieces[i].source != batch->pieces[i - 1].source ||
                 batch->pieces[i].offset - batch->pieces[i - 1].offset > GAP_BYTES;
    return apart >= FEW_READS;
}

msio_status msio_schedule_make(msio_schedule *schedule, msio_piece_batch *batch, msio_way force, int threads,
                               bool once) {
    schedule->n = 0;
    msio_pieces_sort(batch);
    int64_t total = 0;
    for (int64_t i = 0; i < batch->n; i++) {
        const msio_piece *p = &batch->pieces[i];
        total += msio_box_elements(&batch->box[p->box]) * p->rows * batch->target[p->target].elem;
    }
    int64_t share = total / (threads * 8);
    maker m = {.s = schedule,
               .batch = batch,
               .force = force,
               .threads = threads,
               .run_bytes = RUN_BYTES,
               .mapped_bytes = msio_min(MAPPED_BYTES, msio_max(share, 16 << 10)),
               .enough_small = many_small(batch)};
    /* Mapping much costs as much again when it ends: it pays from the second read on. */
    if (force == MSIO_WAY_AUTO && once && total >= msio_stream_least() && !m.enough_small) m.force = MSIO_WAY_SCRATCH;
    while (m.run_bytes > RUN_LEAST && m.run_bytes > share) m.run_bytes /= 2;
    for (int64_t i = 0; i < batch->n;)
        if ((i = take(&m, i)) < 0) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of work");
    return MSIO_OK;
}

void msio_schedule_free(msio_schedule *schedule) {
    free(schedule->work);
    *schedule = (msio_schedule){0};
}
