/* put_image.c - the bytes of a block: where they lie in the caller's memory, or gathered from there. */
#include "core/checked.h"
#include "core/pool.h"
#include "io/write/put_run.h"
#include "prof/span.h"

#include <string.h>

/* How many runs ahead their cache lines are asked for (core/box.c). */
#define RUNS_AHEAD 8
#define LINE 64

/* A byte of the target's values. */
static const uint8_t *value_at(const msio_put_thread *mine, const msio_target *t, int64_t out) {
    return mine && mine->made ? mine->made + (out - mine->made_at) : t->out + out;
}

/* Gathers one box into the block's image, whose first byte is the file's at `block`. */
static void gather(const msio_target *t, msio_box *box, int64_t offset, int64_t block, int64_t bit, const uint8_t *from,
                   uint8_t *image) {
    if (t->repeats) {
        for (int k = 0; k < box->ndim; k++) box->dst[k] = 0;
        from = t->out;
    }
    msio_box_store(box, t->codec, t->elem, t->unit, from, bit, image + (offset - block));
}

void msio_put_gather(const msio_batch_run *run, const msio_put_thread *mine, const msio_block *block, uint8_t *image) {
    const msio_piece_batch *b = run->batch;
    prof_span span;
    prof_begin(&span, PROF_PATH_PACK);
    if (block->part >= 0) {
        const msio_block_part *part = &run->blocks->part[block->part];
        msio_box box = part->box;
        const msio_target *t = &b->target[b->pieces[block->first].target];
        gather(t, &box, block->offset, block->offset, part->bit, value_at(mine, t, part->out), image);
    } else {
        for (int64_t i = block->first; i < block->first + block->pieces; i++) {
            const msio_piece *p = &b->pieces[i];
            msio_box box;
            int64_t offset, bit, out;
            msio_piece_box(b, p, 0, p->rows, &box, &offset, &bit, &out);
            const msio_target *t = &b->target[p->target];
            gather(t, &box, offset, block->offset, bit, value_at(mine, t, out), image);
        }
    }
    prof_end(&span, &(prof_work){.bytes = block->in_bytes, .pieces = block->pieces});
}

/* The box of a block of one piece, or of a part of one. */
static void box_of(const msio_batch_run *run, const msio_block *block, msio_box *box, int64_t *bit, int64_t *out) {
    int64_t offset;
    if (block->part >= 0) {
        const msio_block_part *part = &run->blocks->part[block->part];
        *box = part->box;
        *bit = part->bit;
        *out = part->out;
        msio_box_simplify(box);
    } else {
        const msio_piece *p = &run->batch->pieces[block->first];
        msio_piece_box(run->batch, p, 0, p->rows, box, &offset, bit, out);
    }
}

const uint8_t *msio_put_as_it_lies(const msio_batch_run *run, const msio_put_thread *mine, const msio_block *block) {
    const msio_target *t = &run->batch->target[run->batch->pieces[block->first].target];
    if (block->pieces != 1 || !block->covered || t->codec != MSIO_CODEC_COPY || t->repeats) return NULL;
    msio_box box;
    int64_t bit, out;
    box_of(run, block, &box, &bit, &out);
    return msio_box_is_run(&box, t->elem, t->elem) ? value_at(mine, t, out) : NULL;
}

/* A box as equal runs; false: it is something else. */
static bool runs_of_box(const msio_box *box, int elem, msio_journal_runs *runs) {
    const bool joined = box->ndim > 0 && box->src[0] == elem; /* elements of a run follow each other */
    const int axis = joined ? 1 : 0;
    if (box->ndim > axis + 1) return false;
    runs->length = joined ? box->count[0] * elem : elem;
    runs->n = box->ndim == axis ? 1 : box->count[axis];
    runs->step = runs->n == 1 ? runs->length : box->src[axis];
    return runs->step >= runs->length;
}

/* The runs of a block's piece, or of the part of one. */
static bool runs_of_piece(const msio_batch_run *run, const msio_block *block, int64_t index, msio_journal_runs *runs) {
    const msio_piece *p = &run->batch->pieces[index];
    const msio_target *t = &run->batch->target[p->target];
    msio_box box;
    int64_t bit, out;
    runs->offset = block->offset;
    if (t->codec == MSIO_CODEC_BITS) return false;
    if (block->part >= 0)
        box_of(run, block, &box, &bit, &out);
    else
        msio_piece_box(run->batch, p, 0, p->rows, &box, &runs->offset, &bit, &out);
    return runs_of_box(&box, t->elem, runs);
}

bool msio_put_runs(const msio_batch_run *run, const msio_block *block, msio_journal_runs *runs) {
    msio_journal_runs all, its;
    if (block->covered || !runs_of_piece(run, block, block->first, &all)) return false;
    for (int64_t i = 1; i < block->pieces; i++) { /* each goes on where the one before ends */
        if (!runs_of_piece(run, block, block->first + i, &its) || its.length != all.length) return false;
        if (its.n > 1 && its.step != all.step) return false;
        if (its.offset != all.offset + all.n * all.step) return false;
        all.n += its.n;
    }
    if (all.n < 2 || all.step < 2 * all.length || (all.n - 1) * all.step + all.length != block->length) return false;
    *runs = all;
    return true;
}

void msio_put_copy_runs(uint8_t *slot, const uint8_t *from, const msio_journal_runs *runs) {
    for (int64_t i = 0; i < runs->n; i++) {
        const uint8_t *ahead = from + RUNS_AHEAD * runs->step;
        for (int64_t k = 0; i + RUNS_AHEAD < runs->n && k < runs->length; k += LINE) __builtin_prefetch(ahead + k, 1);
        memcpy(slot, from, (size_t)runs->length);
        slot += runs->length;
        from += runs->step;
    }
}

msio_status msio_put_keep_runs(const msio_batch_run *run, msio_put_thread *mine, const msio_block *block,
                               const msio_journal_runs *runs, uint8_t *slot) {
    msio_status status = msio_put_scratch(mine, block->length);
    mine->filled = -1;
    if (!status)
        status =
            msio_put_get(run->store, msio_batch_source(run, block)->file, mine->scratch, block->length, block->offset);
    if (!status) msio_put_copy_runs(slot, mine->scratch, runs);
    return status;
}

/* A byte of each cache line is looked at. */
static void bring_near(const uint8_t *bytes, int64_t length) {
    const volatile uint8_t *at = bytes;
    for (int64_t i = 0; i < length; i += LINE) (void)at[i];
}

/* Whether another thread stores to the same file: a local one takes one write at a time. */
static bool takes_turns(const msio_put_thread *mine) {
    return atomic_load_explicit(&mine->range->threads, memory_order_relaxed) > 1;
}

/* The bytes of the result that a box has, first and behind the last. */
static void reach(const msio_box *box, int elem, int64_t out, int64_t *from, int64_t *end) {
    int64_t first = out, last = out;
    for (int k = 0; k < box->ndim; k++) {
        const int64_t along = (box->count[k] - 1) * box->dst[k];
        first += msio_min(along, 0);
        last += msio_max(along, 0);
    }
    *from = msio_min(*from, first);
    *end = msio_max(*end, last + elem);
}

/* Makes the rows that a block has something of; its pieces have them in order, so that there are no others between. */
static msio_status make_values(const msio_batch_run *run, msio_put_thread *mine, const msio_block *block) {
    const msio_piece_batch *b = run->batch;
    const msio_put_maker *maker = run->store->opts.maker;
    const int elem = b->target[b->pieces[block->first].target].elem;
    int64_t from = INT64_MAX, end = 0;
    msio_box box;
    int64_t offset, bit, out;
    for (int64_t i = block->first; i < block->first + block->pieces; i++) {
        const msio_piece *p = &b->pieces[i];
        if (block->part >= 0)
            box_of(run, block, &box, &bit, &out);
        else
            msio_piece_box(b, p, 0, p->rows, &box, &offset, &bit, &out);
        reach(&box, elem, out, &from, &end);
    }
    const int64_t place = from / maker->row_bytes, rows = msio_div_up(end, maker->row_bytes) - place,
                  bytes = rows * maker->row_bytes;
    if (bytes > mine->made_bytes) {
        msio_pool_give(mine->made);
        mine->made = msio_pool_take((size_t)bytes);
        mine->made_bytes = mine->made ? bytes : 0;
    }
    if (!mine->made) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for %lld rows", (long long)rows);
    mine->made_at = place * maker->row_bytes;
    return maker->make(maker->user, (int)(mine - run->store->thread), place, rows, mine->made);
}

/* The bytes that are to be stored, in the caller's memory or in the thread's scratch. old: what is there now; NULL when
 * that is not known. */
msio_status msio_put_image(const msio_batch_run *run, msio_put_thread *mine, const msio_block *block,
                           const uint8_t *old, const uint8_t **image) {
    const msio_piece_batch *b = run->batch;
    msio_status status = run->store->opts.maker ? make_values(run, mine, block) : MSIO_OK;
    if (status) return status;
    *image = msio_put_as_it_lies(run, mine, block);
    if (*image) {
        if (old && takes_turns(mine)) bring_near(*image, block->length);
        return MSIO_OK;
    }
    status = msio_put_scratch(mine, block->length);
    if (status) return status;
    int target = b->pieces[block->first].target;
    bool filled = block->covered && block->part >= 0 && b->target[target].repeats;
    if (!filled || mine->filled != target) {
        mine->filled = -1;
        if (!block->covered && old && old != mine->scratch) memcpy(mine->scratch, old, (size_t)block->length);
        if (!block->covered && !old)
            status = msio_put_get(run->store, msio_batch_source(run, block)->file, mine->scratch, block->length,
                                  block->offset);
        if (status) return status;
        msio_put_gather(run, mine, block, mine->scratch);
        if (filled && block->length == run->blocks->longest) mine->filled = target;
    }
    *image = mine->scratch;
    return MSIO_OK;
}
