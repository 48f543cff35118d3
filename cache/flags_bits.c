/* flags_bits.c - counts packed bits where the engine has them in memory. */
#include "cache/flags_bits.h"

#include "cache/flags_words.h"
#include "core/checked.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

/* Rows of one part of a cell: `width` bits that belong to positions pos, pos + pos_step, ... of rows row,
 * row + row_step, ...; step 0 repeats one stored part. */
typedef struct part {
    const uint8_t *src, *end; /* end: behind the last byte that may be touched */
    int64_t bit, width, step, rows;
    int64_t row, row_step, pos, pos_step;
} part;

/* ---------------------------------------------------------------- population counts */

MSIO_FLAGS_INLINE int64_t count_run(const uint8_t *src, int64_t bit, int64_t n, const uint8_t *end) {
    int64_t set = 0, head = msio_min(n, -bit & 7);
    if (head) set = __builtin_popcountll(msio_flags_load(src, bit, head, end));
    const uint8_t *p = src + ((bit + head) >> 3);
    for (n -= head; n >= 256; n -= 256, p += 32)
        set += __builtin_popcountll(msio_flags_word(p)) + __builtin_popcountll(msio_flags_word(p + 8)) +
               __builtin_popcountll(msio_flags_word(p + 16)) + __builtin_popcountll(msio_flags_word(p + 24));
    for (; n > 0; n -= 64, p += 8) set += __builtin_popcountll(msio_flags_load(p, 0, msio_min(n, 64), end));
    return set;
}

MSIO_FLAGS_INLINE int64_t count_row(const part *p, int64_t bit) {
    int64_t set = 0;
    for (int64_t at = 0; at < p->width; at += 64)
        set += __builtin_popcountll(msio_flags_load(p->src, bit + at, msio_min(64, p->width - at), p->end));
    return set;
}

/* whole: no other part of these rows will come. */
MSIO_FLAGS_INLINE int64_t count_rows(const part *p, atomic_uint *row, bool whole) {
    int64_t set = 0, once = p->step ? 0 : count_row(p, p->bit);
    for (int64_t i = 0; i < p->rows; i++) {
        int64_t n = p->step ? count_row(p, p->bit + i * p->step) : once;
        set += n;
        atomic_uint *to = &row[p->row + i * p->row_step];
        if (whole)
            atomic_store_explicit(to, (unsigned)n, memory_order_relaxed);
        else if (n)
            atomic_fetch_add_explicit(to, (unsigned)n, memory_order_relaxed);
    }
    return set;
}

static int64_t count_run_plainly(const uint8_t *src, int64_t bit, int64_t n, const uint8_t *end) {
    return count_run(src, bit, n, end);
}
static int64_t count_rows_plainly(const part *p, atomic_uint *row, bool whole) { return count_rows(p, row, whole); }

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("popcnt"))) static int64_t count_run_popcnt(const uint8_t *src, int64_t bit, int64_t n,
                                                                  const uint8_t *end) {
    return count_run(src, bit, n, end);
}
__attribute__((target("popcnt"))) static int64_t count_rows_popcnt(const part *p, atomic_uint *row, bool whole) {
    return count_rows(p, row, whole);
}
static bool have_popcnt(void) { return __builtin_cpu_supports("popcnt"); }
#else
#define count_run_popcnt count_run_plainly
#define count_rows_popcnt count_rows_plainly
static bool have_popcnt(void) { return false; }
#endif

static int64_t bits_of_run(const uint8_t *src, int64_t bit, int64_t n, const uint8_t *end) {
    return have_popcnt() ? count_run_popcnt(src, bit, n, end) : count_run_plainly(src, bit, n, end);
}

static int64_t bits_of_rows(const part *p, atomic_uint *row, bool whole) {
    return have_popcnt() ? count_rows_popcnt(p, row, whole) : count_rows_plainly(p, row, whole);
}

/* ---------------------------------------------------------------- parts */

static msio_flags_lanes *lanes_of(msio_flags_thread *t, int64_t group, const part *p) {
    if (group >= t->groups) {
        int64_t wanted = group + group / 2 + 16;
        msio_flags_lanes **grown = realloc(t->lanes, (size_t)wanted * sizeof *grown);
        if (!grown) return NULL;
        memset(grown + t->groups, 0, (size_t)(wanted - t->groups) * sizeof *grown);
        t->lanes = grown;
        t->groups = wanted;
    }
    for (msio_flags_lanes *l = t->lanes[group]; l; l = l->next)
        if (l->pos == p->pos && l->width == p->width && l->pos_step == p->pos_step) return l;
    msio_flags_lanes *made = msio_flags_lanes_new(p->pos, p->width, p->pos_step);
    if (!made) return NULL;
    made->next = t->lanes[group];
    return t->lanes[group] = made;
}

static void count_positions(const msio_flags_bits *b, msio_flags_thread *t, const part *p) {
    for (int64_t i = 0, n; i < p->rows; i += n) {
        int32_t group = b->group[p->row + i * p->row_step];
        for (n = 1; i + n < p->rows && b->group[p->row + (i + n) * p->row_step] == group; n++) {}
        msio_flags_lanes *lanes = lanes_of(t, group, p);
        if (!lanes) {
            t->no_memory = true;
            return;
        }
        if (p->step)
            msio_flags_lanes_add(lanes, p->src, p->bit + i * p->step, p->step, n, p->end);
        else
            msio_flags_lanes_repeat(lanes, p->src, p->bit, n, p->end);
    }
}

static void count_part(const msio_flags_bits *b, msio_flags_thread *t, const part *p) {
    if (b->group) count_positions(b, t, p);
    if (b->row) {
        t->set += bits_of_rows(p, b->row, p->width == b->stride);
    } else if (p->step == p->width) {
        t->set += bits_of_run(p->src, p->bit, p->width * p->rows, p->end);
    } else if (p->step == 0) {
        t->set += bits_of_run(p->src, p->bit, p->width, p->end) * p->rows;
    } else {
        for (int64_t i = 0; i < p->rows; i++) t->set += bits_of_run(p->src, p->bit + i * p->step, p->width, p->end);
    }
}

/* ---------------------------------------------------------------- boxes to parts */

/* A box whose rows, if it has several, are its outermost axis. */
static void count_cells(const msio_flags_bits *b, msio_flags_thread *t, const msio_box *box, part p, int64_t out) {
    int axes = box->ndim, first = 0;
    int64_t at[MSIO_BOX_NDIM] = {0};
    p.rows = p.row_step = p.width = p.step = p.pos_step = 1;
    if (axes && box->dst[axes - 1] % b->stride == 0) {
        axes--;
        p.rows = box->count[axes];
        p.step = box->src[axes];
        p.row_step = box->dst[axes] / b->stride;
    }
    if (axes && box->src[0] == 1) { /* bits that follow each other */
        p.width = box->count[0];
        p.pos_step = box->dst[0];
        first = 1;
    }
    for (int k = first;;) { /* one part after the other */
        part now = p;
        int64_t to = out;
        for (k = first; k < axes; k++) {
            now.bit += at[k] * box->src[k];
            to += at[k] * box->dst[k];
        }
        now.row = to / b->stride;
        now.pos = to % b->stride;
        count_part(b, t, &now);
        for (k = first; k < axes && ++at[k] == box->count[k]; k++) at[k] = 0;
        if (k >= axes) return;
    }
}

/* Elements [from, from + count) of the outermost axis, which become `rows` rows of them where that is not 0. */
static void count_slice(const msio_flags_bits *b, msio_flags_thread *t, const msio_box *box, const part *p, int64_t out,
                        int64_t from, int64_t count, int64_t rows) {
    msio_box slice = *box;
    part moved = *p;
    int k = box->ndim - 1;
    if (count == 0) return;
    moved.bit += from * box->src[k];
    slice.count[k] = rows ? count / rows : count;
    if (rows) {
        slice.count[k + 1] = rows;
        slice.src[k + 1] = box->src[k] * slice.count[k];
        slice.dst[k + 1] = b->stride;
        slice.ndim++;
    }
    count_cells(b, t, &slice, moved, out + from * box->dst[k]);
}

/* Rows that follow each other without a gap come as one axis with the last one of their cells; the engine may have cut
 * it anywhere. It is taken apart again: the rest of a row, whole rows, the beginning of one. */
static void count_joined(const msio_flags_bits *b, msio_flags_thread *t, const msio_box *box, const part *p,
                         int64_t out) {
    int k = box->ndim - 1;
    int64_t count = box->count[k], per_row = b->stride / box->dst[k], begun = out % b->stride / box->dst[k];
    int64_t head = begun ? msio_min(count, per_row - begun) : 0, rows = (count - head) / per_row;
    count_slice(b, t, box, p, out, 0, head, 0);
    count_slice(b, t, box, p, out, head, rows * per_row, rows);
    count_slice(b, t, box, p, out, head + rows * per_row, count - head - rows * per_row, 0);
}

static bool leaves_row(const msio_flags_bits *b, const msio_box *box, int64_t out) {
    int k = box->ndim - 1;
    return k >= 0 && box->dst[k] < b->stride && out % b->stride + (box->count[k] - 1) * box->dst[k] >= b->stride;
}

void msio_flags_bits_look(void *user, const msio_seen *seen) {
    msio_flags_bits *b = user;
    msio_flags_thread *t = &b->thread[seen->thread];
    const msio_box *box = seen->box;
    part p = {.src = seen->src, .bit = seen->bit};
    int64_t last = seen->bit;
    for (int i = 0; i < box->ndim; i++) last += (box->count[i] - 1) * box->src[i];
    p.end = seen->src + last / 8 + 1;
    if (box->ndim == 1 && box->src[0] == 1 && !b->row && !b->group)
        t->set += bits_of_run(p.src, p.bit, box->count[0], p.end);
    else if (leaves_row(b, box, seen->out))
        count_joined(b, t, box, &p, seen->out);
    else
        count_cells(b, t, box, p, seen->out);
}

/* ---------------------------------------------------------------- results */

msio_status msio_flags_bits_start(msio_flags_bits *bits, int threads) {
    *bits = (msio_flags_bits){.stride = 1, .threads = threads};
    bits->thread = calloc((size_t)threads, sizeof *bits->thread);
    return bits->thread ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory to count flags");
}

void msio_flags_bits_free(msio_flags_bits *bits) {
    for (int i = 0; bits->thread && i < bits->threads; i++) {
        msio_flags_thread *t = &bits->thread[i];
        for (int64_t g = 0; g < t->groups; g++) msio_flags_lanes_free(t->lanes[g]);
        free(t->lanes);
    }
    free(bits->thread);
    *bits = (msio_flags_bits){0};
}

msio_status msio_flags_bits_total(const msio_flags_bits *bits, int64_t *set) {
    *set = 0;
    for (int i = 0; i < bits->threads; i++) {
        if (bits->thread[i].no_memory) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory to count flags");
        *set += bits->thread[i].set;
    }
    return MSIO_OK;
}

void msio_flags_bits_sum(msio_flags_bits *bits, int64_t group, int64_t *sums) {
    for (int i = 0; i < bits->threads; i++) {
        const msio_flags_thread *t = &bits->thread[i];
        if (group >= t->groups) continue;
        for (msio_flags_lanes *l = t->lanes[group]; l; l = l->next) msio_flags_lanes_sum(l, sums);
    }
}
