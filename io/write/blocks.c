/* blocks.c - from the pieces of a batch to blocks: stretches of files that are stored at once. */
#include "io/write/blocks.h"

#include "core/checked.h"
#include "core/error.h"

#include <stdlib.h>

/* Pieces of one block lie no farther apart, but for those of one unit, which is stored whole: what is between them is
 * read and stored again. */
#define GAP_BYTES ((int64_t)16 << 10)
/* How much longer blocks of new files are. */
#define FRESH_TIMES 4

typedef struct maker {
    msio_blocks *list;
    const msio_piece_batch *batch;
    int64_t most, limit, kept;
    int64_t stored_to;                 /* the end of what the blocks of this source take so far */
    int64_t unit, unit_from, unit_end; /* the large unit of the block before, -1: none; what is stored of it so far */
    int32_t source;
    bool no_memory;
} maker;

/* A piece measured: its whole box, and the bytes of the file that it touches. */
typedef struct measure {
    msio_box box;
    int64_t offset, end, bit, out;
    int64_t in_bytes;
} measure;

static measure measure_piece(const maker *m, int64_t index) {
    const msio_piece *p = &m->batch->pieces[index];
    const msio_target *t = &m->batch->target[p->target];
    measure e;
    msio_piece_box(m->batch, p, 0, p->rows, &e.box, &e.offset, &e.bit, &e.out);
    e.end = e.offset + msio_box_extent(&e.box, t, e.bit);
    e.in_bytes = msio_box_elements(&m->batch->box[p->box]) * p->rows * t->elem;
    return e;
}

static const msio_source *source_of(const maker *m, int64_t index) {
    return &m->batch->source[m->batch->pieces[index].source];
}

/* Whether the source's units are longer than any block, and yet kept as one. */
static bool has_large_units(const maker *m, const msio_source *s) {
    return s->unit > m->limit && s->unit <= m->kept && !s->fresh;
}

static int64_t unit_at(const msio_source *s, int64_t offset) {
    return s->unit > 0 ? (offset - s->unit_at) / s->unit : 0;
}

/* How long a block of the piece's source may be. What goes into a new file as it is needs no processor's cache: there
 * blocks are longer, for fewer calls and larger pages. */
static int64_t most_of(const maker *m, int64_t index) {
    const msio_source *s = source_of(m, index);
    const msio_target *t = &m->batch->target[m->batch->pieces[index].target];
    bool as_it_is = s->fresh && t->codec == MSIO_CODEC_COPY && !t->repeats;
    if (has_large_units(m, s)) return m->most;
    return msio_max(as_it_is ? FRESH_TIMES * m->most : m->most, msio_min(s->unit, m->limit));
}

static bool grow(void **list, int64_t n, int64_t *capacity, size_t each) {
    if (n < *capacity) return true;
    int64_t wanted = *capacity ? 2 * *capacity : 64;
    void *grown = realloc(*list, (size_t)wanted * each);
    if (!grown) return false;
    *list = grown;
    *capacity = wanted;
    return true;
}

/* Blocks of one large unit are a chain. */
static void chain_unit(maker *m, msio_block *b) {
    const msio_source *s = source_of(m, b->first);
    const int64_t end = b->offset + b->length;
    if (!has_large_units(m, s)) return;
    const int64_t unit = unit_at(s, b->offset);
    b->of_unit = true;
    b->begins_unit = unit != m->unit;
    b->chained = b->chained || !b->begins_unit;
    m->unit_from = b->begins_unit ? b->offset : msio_min(m->unit_from, b->offset);
    m->unit_end = b->begins_unit ? end : msio_max(m->unit_end, end);
    m->unit = unit;
    m->list->longest_kept = msio_max(m->list->longest_kept, m->unit_end - m->unit_from);
}

static void add(maker *m, const msio_block *block) {
    msio_blocks *l = m->list;
    if (m->no_memory || !grow((void **)&l->block, l->n, &l->capacity, sizeof *l->block)) {
        m->no_memory = true;
        return;
    }
    msio_block *b = &l->block[l->n++];
    *b = *block;
    b->chained = b->chained || b->offset < m->stored_to;
    chain_unit(m, b);
    m->stored_to = msio_max(m->stored_to, b->offset + b->length);
    l->longest = msio_max(l->longest, b->length);
    l->longest_kept = msio_max(l->longest_kept, b->length);
}

/* ---------------------------------------------------------------- pieces that are too large for a block */

/* Whether the elements of a box fill `length` bytes from its first on. */
static bool covers(const msio_box *box, const msio_target *t, int64_t bit, int64_t length) {
    for (int k = 0; k < box->ndim; k++)
        if (box->src[k] == 0 && box->count[k] > 1) return false;
    int64_t elements = msio_box_elements(box);
    return t->codec == MSIO_CODEC_BITS ? bit == 0 && elements == 8 * length : elements * t->elem == length;
}

static void add_part(maker *m, int64_t piece, const measure *e, bool chained) {
    msio_blocks *l = m->list;
    const msio_target *t = &m->batch->target[m->batch->pieces[piece].target];
    if (!grow((void **)&l->part, l->parts, &l->parts_capacity, sizeof *l->part)) {
        m->no_memory = true;
        return;
    }
    l->part[l->parts] = (msio_block_part){e->box, e->bit, e->out};
    int64_t length = e->end - e->offset;
    add(m, &(msio_block){.first = piece,
                         .pieces = 1,
                         .part = l->parts++,
                         .offset = e->offset,
                         .length = length,
                         .in_bytes = e->in_bytes,
                         .covered = covers(&e->box, t, e->bit, length),
                         .chained = chained});
}

/* The part of e from index `from` of its outermost axis on, `count` of it. */
static measure sub_measure(const measure *e, const msio_target *t, int axis, int64_t from, int64_t count) {
    measure s = *e;
    int64_t step = from * e->box.src[axis];
    if (t->codec == MSIO_CODEC_BITS) {
        s.offset += (e->bit + step) / 8;
        s.bit = (e->bit + step) % 8;
    } else {
        s.offset += step;
    }
    s.out += from * e->box.dst[axis];
    s.box.count[axis] = count;
    s.end = s.offset + msio_box_extent(&s.box, t, s.bit);
    s.in_bytes = msio_box_elements(&s.box) * t->elem;
    return s;
}

/* From a box's first bit to behind its last. */
static int64_t bits_of(const measure *e) {
    int64_t bits = 1;
    for (int k = 0; k < e->box.ndim; k++) bits += (e->box.count[k] - 1) * e->box.src[k];
    return bits;
}

/* How many of the outermost axis's indices one block takes: as many as fit, but whole units where some do, of a large
 * one no more than up to its end (ends_units), and for bits to the end of a byte where that can be. */
static int64_t fitting(const measure *e, const msio_source *source, const msio_target *t, int axis, int64_t most,
                       bool ends_units) {
    bool bits = t->codec == MSIO_CODEC_BITS;
    int64_t step = e->box.src[axis], n = e->box.count[axis];
    int64_t first = bits ? e->bit : 0, scale = bits ? 8 : 1;
    measure one = sub_measure(e, t, axis, 0, 1);
    if (step == 0) return one.end - one.offset > most ? 1 : n;
    int64_t room = scale * most - first - (bits ? bits_of(&one) : one.end - one.offset);
    int64_t fit = room < 0 ? 1 : msio_min(n, room / step + 1);
    if (source->unit > 0 && ((source->unit <= most && fit < n) || ends_units)) {
        int64_t border = source->unit_at + (e->offset + most - source->unit_at) / source->unit * source->unit;
        int64_t whole = msio_div_up((border - e->offset) * scale - first, step);
        if (border > e->offset && whole >= 1 && whole <= fit) return whole;
    }
    for (int64_t less = fit; bits && less > 1 && less > fit - 8 && fit < n; less--)
        if ((first + less * step) % 8 == 0) return less;
    return fit;
}

static void cut(maker *m, int64_t piece, const measure *e, bool chained) {
    const msio_target *t = &m->batch->target[m->batch->pieces[piece].target];
    int64_t most = most_of(m, piece);
    int axis = e->box.ndim - 1;
    if (e->end - e->offset <= most || axis < 0 || (axis == 0 && e->box.count[0] <= 1)) {
        add_part(m, piece, e, chained);
        return;
    }
    for (int64_t from = 0; from < e->box.count[axis] && !m->no_memory;) {
        measure rest = sub_measure(e, t, axis, from, e->box.count[axis] - from);
        const msio_source *source = source_of(m, piece);
        int64_t count = fitting(&rest, source, t, axis, most, has_large_units(m, source));
        measure part = sub_measure(e, t, axis, from, count);
        if (count == 1 && part.end - part.offset > most && axis > 0) {
            part.box.ndim = axis;
            cut(m, piece, &part, chained);
        } else {
            add_part(m, piece, &part, chained);
        }
        from += count;
    }
}

/* ---------------------------------------------------------------- pieces that share a unit */

static bool same_source(const msio_piece_batch *b, int64_t i, int64_t k) {
    return i >= 0 && k < b->n && b->pieces[i].source == b->pieces[k].source;
}

/* The unit in which a piece's row begins; rows do not go beyond one. */
static int64_t unit_of_row(const msio_piece_batch *b, int64_t piece, int64_t row) {
    const msio_piece *p = &b->pieces[piece];
    const msio_source *s = &b->source[p->source];
    const bool bits = b->target[p->target].codec == MSIO_CODEC_BITS;
    int64_t along = bits ? (p->bit + row * p->row_src) / 8 : row * p->row_src;
    return (p->offset + along - s->unit_at) / s->unit;
}

/* The first row of a piece that begins in that unit or a later one. */
static int64_t first_in_unit(const msio_piece_batch *b, int64_t piece, int64_t unit) {
    int64_t low = 0, high = b->pieces[piece].rows;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (unit_of_row(b, piece, middle) < unit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where a piece that goes through several units is cut: before *head and *tail, as pieces beside it are in its first
 * and its last unit, or units are large. reached: the end of those before it. What overlaps is stored in order, and not
 * cut. */
static void find_cuts(const maker *m, int64_t i, int64_t reached, int64_t *head, int64_t *tail) {
    const msio_piece_batch *b = m->batch;
    const msio_piece *p = &b->pieces[i];
    const int64_t unit = source_of(m, i)->unit;
    const bool large = has_large_units(m, source_of(m, i));
    *head = 0;
    *tail = p->rows;
    if (unit <= 0 || (unit > m->limit && !large) || p->rows < 2 || p->row_src == 0 || p->offset < reached) return;
    int64_t first = unit_of_row(b, i, 0), last = unit_of_row(b, i, p->rows - 1);
    if (first == last || (same_source(b, i, i + 1) && b->pieces[i + 1].offset < measure_piece(m, i).end)) return;
    if (large || (same_source(b, i - 1, i) && unit_of_row(b, i - 1, b->pieces[i - 1].rows - 1) == first))
        *head = first_in_unit(b, i, first + 1);
    if (large || (same_source(b, i, i + 1) && unit_of_row(b, i + 1, 0) == last)) *tail = first_in_unit(b, i, last);
}

/* Rows [from, to) of piece i become a piece of their own. */
static bool add_piece(msio_blocks *l, const msio_piece_batch *b, int64_t i, int64_t from, int64_t to, int64_t *n) {
    if (from >= to) return true;
    if (!grow((void **)&l->pieces, *n, &l->pieces_capacity, sizeof *l->pieces)) return false;
    l->pieces[*n] = b->pieces[i];
    msio_piece_part(b, &l->pieces[(*n)++], from, to - from);
    return true;
}

/* Cuts what is to be cut; most batches have nothing of the kind, and keep their pieces. */
static msio_status cut_at_units(maker *m, msio_piece_batch *b) {
    int64_t reached = INT64_MIN, n = 0, head, tail;
    bool cuts = false, room = true;
    for (int round = 0; round < 2 && room; round++) {
        for (int64_t i = 0; i < b->n && room; i++) {
            if (!same_source(b, i - 1, i)) reached = INT64_MIN;
            find_cuts(m, i, reached, &head, &tail);
            reached = msio_max(reached, measure_piece(m, i).end);
            cuts = cuts || head > 0 || tail < b->pieces[i].rows;
            if (round == 0) continue;
            tail = msio_max(head, tail);
            room = add_piece(m->list, b, i, 0, head, &n) && add_piece(m->list, b, i, head, tail, &n) &&
                   add_piece(m->list, b, i, tail, b->pieces[i].rows, &n);
        }
        if (!cuts) return MSIO_OK;
    }
    if (!room) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of work");
    b->pieces = m->list->pieces;
    b->n = n;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- neighbours in one block */

static void add_group(maker *m, int64_t first, int64_t end) {
    measure e = measure_piece(m, first);
    int64_t start = e.offset, reached = e.offset, filled = 0, taken = 0;
    bool covered = true;
    for (int64_t i = first; i < end; i++) {
        if (i > first) e = measure_piece(m, i);
        const msio_target *t = &m->batch->target[m->batch->pieces[i].target];
        covered = covered && e.offset >= reached && covers(&e.box, t, e.bit, e.end - e.offset);
        filled += e.end - e.offset;
        reached = msio_max(reached, e.end);
        taken += e.in_bytes;
    }
    add(m, &(msio_block){.first = first,
                         .pieces = end - first,
                         .part = -1,
                         .offset = start,
                         .length = reached - start,
                         .in_bytes = taken,
                         .covered = covered && filled == reached - start});
}

/* As many pieces from `first` on as fit a block; cut back to where a unit begins. Returns behind the last. */
static int64_t take_group(maker *m, int64_t first) {
    measure e = measure_piece(m, first);
    int64_t start = e.offset, reached = e.end, most = most_of(m, first), end = first + 1, edge = first;
    const msio_source *source = source_of(m, first);
    int64_t unit = unit_at(source, e.offset);
    for (; end < m->batch->n && source_of(m, end) == source; end++) {
        e = measure_piece(m, end);
        int64_t its = unit_at(source, e.offset);
        bool same = its == unit && source->unit > 0;
        if (its != unit && has_large_units(m, source)) break;
        if (its != unit) edge = end;
        unit = its;
        if ((e.offset - reached > GAP_BYTES && !same) || e.end - e.offset > most) break;
        if (msio_max(reached, e.end) - start > most) {
            if (edge > first) end = edge;
            break;
        }
        reached = msio_max(reached, e.end);
    }
    add_group(m, first, end);
    return end;
}

/* Whether a later piece of the same file begins within this one. */
static bool is_entered(const maker *m, int64_t index, const measure *e) {
    if (index + 1 >= m->batch->n || source_of(m, index + 1) != source_of(m, index)) return false;
    return measure_piece(m, index + 1).offset < e->end;
}

static bool overlaps_itself(const measure *e) {
    int axis = e->box.ndim - 1;
    return axis >= 0 && e->box.count[axis] > 1 && e->box.src[axis] == 0;
}

msio_status msio_blocks_make(msio_blocks *blocks, msio_piece_batch *batch, int64_t most, int64_t limit, int64_t kept) {
    maker m = {.list = blocks, .batch = batch, .most = most, .limit = limit, .kept = kept, .source = -1, .unit = -1};
    blocks->n = blocks->parts = blocks->longest = blocks->longest_kept = 0;
    msio_pieces_sort(batch);
    msio_status status = cut_at_units(&m, batch);
    if (status) return status;
    for (int64_t i = 0; i < batch->n && !m.no_memory;) {
        if (batch->pieces[i].source != m.source) {
            m.stored_to = INT64_MIN;
            m.unit = -1;
        }
        m.source = batch->pieces[i].source;
        measure e = measure_piece(&m, i);
        if (e.end - e.offset > most_of(&m, i)) {
            cut(&m, i, &e, is_entered(&m, i, &e) || overlaps_itself(&e));
            i++;
        } else {
            i = take_group(&m, i);
        }
    }
    return m.no_memory ? msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of work") : MSIO_OK;
}

void msio_blocks_free(msio_blocks *blocks) {
    free(blocks->block);
    free(blocks->part);
    free(blocks->pieces);
    *blocks = (msio_blocks){0};
}
