/* test_blocks.c - random pieces made into blocks, against a model that stores them one element after the other. */
#include "io/write/blocks.h"

#include "tests/core/guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_BYTES 400000
#define MEMORY_BYTES 400000
#define ROUNDS 1500
#define MOST 40000
#define LIMIT 100000

typedef struct batch {
    msio_piece_batch b;
    msio_piece piece[64];
    msio_box box[4];
    msio_source source[2];
    msio_target target[2];
} batch;

static uint8_t memory[MEMORY_BYTES], model[2][FILE_BYTES], image[2][FILE_BYTES];

/* ---------------------------------------------------------------- what is stored */

static void store(const batch *c, const msio_piece *p, msio_box *box, int64_t offset, int64_t bit, int64_t out,
                  uint8_t *file) {
    const msio_target *t = &c->b.target[p->target];
    msio_box_store(box, t->codec, t->elem, t->unit, t->out + out, bit, file + offset);
}

static void store_piece(const batch *c, const msio_piece *p, uint8_t *file) {
    msio_box box;
    int64_t offset, bit, out;
    msio_piece_box(&c->b, p, 0, p->rows, &box, &offset, &bit, &out);
    store(c, p, &box, offset, bit, out, file);
}

/* Row by row: the order that callers are promised. */
static void store_by_rows(const batch *c, const msio_piece *p, uint8_t *file) {
    for (int64_t row = 0; row < p->rows; row++) {
        msio_box box;
        int64_t offset, bit, out;
        msio_piece_box(&c->b, p, row, 1, &box, &offset, &bit, &out);
        store(c, p, &box, offset, bit, out, file);
    }
}

static void store_block(const batch *c, const msio_blocks *l, const msio_block *block, uint8_t *file) {
    if (block->part < 0) {
        for (int64_t i = block->first; i < block->first + block->pieces; i++) store_piece(c, &c->b.pieces[i], file);
        return;
    }
    const msio_block_part *part = &l->part[block->part];
    msio_box box = part->box;
    store(c, &c->b.pieces[block->first], &box, block->offset, part->bit, part->out, file);
}

/* ---------------------------------------------------------------- random batches */

static int64_t row_extent(const msio_box *box, bool bits) {
    int64_t end = bits ? 1 : 4;
    for (int k = 0; k < box->ndim; k++) end += (box->count[k] - 1) * box->src[k];
    return end;
}

static void random_box(uint64_t *seed, msio_box *box, bool bits, bool large) {
    int64_t stored = bits ? 1 : 4, there = bits ? 1 : 4;
    box->ndim = 1 + (int)random_below(seed, 3);
    for (int k = 0; k < box->ndim; k++) {
        box->count[k] = 1 + random_below(seed, k == 0 ? (large ? 300 : 12) : large ? 9 : 4);
        box->src[k] = stored + (random_below(seed, 3) ? 0 : stored * random_below(seed, 3));
        box->dst[k] = there;
        stored = box->src[k] * box->count[k];
        there *= box->count[k];
    }
    msio_box_simplify(box);
}

/* Pieces of both targets (words, bits), in two files; some overlap, some store one place over and over. */
static void random_batch(uint64_t *seed, batch *c) {
    static const int64_t units[] = {0, 500, 8000, 30000, 60000};
    bool large = random_below(seed, 2);
    memset(c, 0, sizeof *c);
    c->b = (msio_piece_batch){
        .pieces = c->piece, .box = c->box, .boxes = 4, .source = c->source, .sources = 2, .target = c->target};
    c->target[0] = (msio_target){.codec = MSIO_CODEC_COPY, .elem = 4, .unit = 4, .stored_bits = 32, .out = memory};
    c->target[1] = (msio_target){.codec = MSIO_CODEC_BITS, .elem = 1, .unit = 1, .stored_bits = 1, .out = memory};
    for (int i = 0; i < 4; i++) random_box(seed, &c->box[i], i >= 2, large);
    for (int i = 0; i < 2; i++)
        c->source[i] = (msio_source){.size = FILE_BYTES, .unit = units[random_below(seed, 5)], .unit_at = 40};
    int64_t wanted = 1 + random_below(seed, 60);
    for (int64_t i = 0; i < wanted; i++) {
        bool bits = random_below(seed, 2);
        msio_piece p = {.source = bits, .target = bits, .box = (bits ? 2 : 0) + (int)random_below(seed, 2)};
        int64_t extent = row_extent(&c->box[p.box], bits), bytes = bits ? extent / 8 + 2 : extent;
        p.span = extent;
        p.rows = 1 + random_below(seed, 6);
        p.row_src = random_below(seed, 9) == 0 ? 0 : extent + random_below(seed, 2) * random_below(seed, 300);
        p.row_dst = msio_box_elements(&c->box[p.box]) * (bits ? 1 : 4);
        int64_t all = bits ? p.row_src * p.rows / 8 + bytes + 1 : p.row_src * p.rows + bytes;
        if (all >= FILE_BYTES - 100 || p.row_dst * p.rows >= MEMORY_BYTES) continue;
        p.offset = 40 + random_below(seed, FILE_BYTES - 60 - all) / (random_below(seed, 2) ? 1 : 12);
        if (!bits) p.offset = p.offset / 4 * 4;
        p.bit = bits ? (int32_t)random_below(seed, 8) : 0;
        p.out = random_below(seed, MEMORY_BYTES - p.row_dst * p.rows) / 4 * 4;
        c->piece[c->b.n++] = p;
    }
}

/* ---------------------------------------------------------------- what blocks promise */

static const msio_piece *piece_of(const batch *c, const msio_block *block) { return &c->b.pieces[block->first]; }

/* Blocks that share bytes are of one chain, so that one thread stores them in order. */
static void check_chains(const batch *c, const msio_blocks *l) {
    for (int64_t i = 0; i < l->n; i++)
        for (int64_t k = i + 1; k < l->n; k++) {
            const msio_block *a = &l->block[i], *b = &l->block[k];
            if (piece_of(c, a)->source != piece_of(c, b)->source) continue;
            if (a->offset >= b->offset + b->length || b->offset >= a->offset + a->length) continue;
            for (int64_t j = i + 1; j <= k; j++) assert_true(l->block[j].chained);
        }
}

/* Nothing beside a block's stretch is stored, and all of it where it says so. */
static void check_stretch(const batch *c, const msio_blocks *l, const msio_block *block) {
    static uint8_t zeros[FILE_BYTES], ones[FILE_BYTES];
    memset(zeros, 0, sizeof zeros);
    memset(ones, 0xff, sizeof ones);
    store_block(c, l, block, zeros);
    store_block(c, l, block, ones);
    for (int64_t at = 0; at < FILE_BYTES; at++) {
        bool within = at >= block->offset && at < block->offset + block->length;
        if (!within) assert_true(zeros[at] == 0 && ones[at] == 0xff);
        if (within && block->covered) assert_int_equal(zeros[at], ones[at]);
    }
}

/* Whole pieces within one unit that fits a block are stored by one block, or one chain. (These pieces' rows cross the
 * borders of units, as no tiles' do.) */
static void check_units(const batch *c, const msio_blocks *l) {
    for (int64_t i = 1; i < l->n; i++) {
        const msio_block *a = &l->block[i - 1], *b = &l->block[i];
        const msio_source *s = &c->b.source[piece_of(c, b)->source];
        if (piece_of(c, a)->source != piece_of(c, b)->source || s->unit == 0 || s->unit > LIMIT || b->chained) continue;
        if (a->part >= 0 || b->part >= 0) continue;
        int64_t last = (a->offset + a->length - 1 - s->unit_at) / s->unit, first = (b->offset - s->unit_at) / s->unit;
        int64_t begin = (a->offset - s->unit_at) / s->unit, end = (b->offset + b->length - 1 - s->unit_at) / s->unit;
        assert_true(begin != last || first != last || end != last);
    }
}

static void blocks_store_what_pieces_say(void **state) {
    (void)state;
    uint64_t seed = 4711;
    msio_blocks blocks = {0};
    int64_t made = 0, parts = 0, chained = 0, covered = 0;
    random_fill(&seed, memory, sizeof memory);
    for (int round = 0; round < ROUNDS; round++) {
        batch c;
        random_batch(&seed, &c);
        if (c.b.n == 0) continue;
        assert_int_equal(msio_blocks_make(&blocks, &c.b, MOST, LIMIT, 0), MSIO_OK);
        memset(model, 0x5a, sizeof model);
        memset(image, 0x5a, sizeof image);
        for (int64_t i = 0; i < c.b.n; i++) store_by_rows(&c, &c.b.pieces[i], model[c.b.pieces[i].source]);
        int64_t bytes = 0, wanted = 0;
        for (int64_t i = 0; i < blocks.n; i++) {
            const msio_block *b = &blocks.block[i];
            store_block(&c, &blocks, b, image[piece_of(&c, b)->source]);
            bytes += b->in_bytes;
            assert_true(b->length <= blocks.longest && b->length <= LIMIT);
            chained += b->chained;
            covered += b->covered;
        }
        for (int64_t i = 0; i < c.b.n; i++)
            wanted += msio_box_elements(&c.box[c.piece[i].box]) * c.piece[i].rows * c.target[c.piece[i].target].elem;
        assert_int_equal(bytes, wanted);
        assert_memory_equal(image, model, sizeof image);
        check_chains(&c, &blocks);
        check_units(&c, &blocks);
        for (int64_t i = 0; i < blocks.n && round % 50 == 0; i++) check_stretch(&c, &blocks, &blocks.block[i]);
        made += blocks.n;
        parts += blocks.parts;
    }
    print_message("%lld blocks, %lld parts, %lld chained, %lld covered\n", (long long)made, (long long)parts,
                  (long long)chained, (long long)covered);
    assert_true(made > 1000 && parts > 100 && chained > 100 && covered > 100);
    msio_blocks_free(&blocks);
}

/* Rows of a list that lie far apart in one tile: one block, else a kill would leave some of them new and some old. */
static void a_unit_with_gaps_is_one_block(void **state) {
    (void)state;
    batch c;
    msio_blocks blocks = {0};
    memset(&c, 0, sizeof c);
    c.target[0] = (msio_target){.codec = MSIO_CODEC_COPY, .elem = 4, .unit = 4, .stored_bits = 32, .out = memory};
    c.source[0] = (msio_source){.size = 1 << 20, .unit = 100000, .unit_at = 0};
    c.box[0] = (msio_box){.ndim = 1, .count = {100}, .src = {4}, .dst = {4}};
    c.b = (msio_piece_batch){
        .n = 6, .pieces = c.piece, .box = c.box, .boxes = 1, .source = c.source, .sources = 1, .target = c.target};
    for (int i = 0; i < 6; i++) /* three in the first unit, three in the second; 30000 bytes apart */
        c.piece[i] = (msio_piece){.offset = i / 3 * 100000 + i % 3 * 30000, .rows = 1, .span = 400, .out = i * 400};
    assert_int_equal(msio_blocks_make(&blocks, &c.b, 1 << 20, 1 << 24, 0), MSIO_OK);
    assert_int_equal(blocks.n, 2);
    assert_int_equal(blocks.block[0].pieces, 3);
    assert_int_equal(blocks.block[1].offset, 100000);
    msio_blocks_free(&blocks);
}

enum { ROW = 100, ROWS_IN_UNIT = 40, UNIT = ROW * ROWS_IN_UNIT, AT = 40 };

/* Runs of rows that begin and end within units, with gaps between them. */
static void random_runs(uint64_t *seed, batch *c) {
    const bool bits = random_below(seed, 2), gaps = random_below(seed, 2);
    int64_t row = random_below(seed, 50), place = 0, width = gaps ? ROW / 2 : ROW;
    memset(c, 0, sizeof *c);
    c->target[0] = (msio_target){.codec = bits ? MSIO_CODEC_BITS : MSIO_CODEC_COPY, .elem = 1, .unit = 1};
    c->target[0].out = memory;
    c->source[0] = (msio_source){.size = FILE_BYTES, .unit = UNIT, .unit_at = AT};
    c->box[0] = (msio_box){.ndim = 1, .count = {bits ? 8 * width : width}, .src = {1}, .dst = {1}};
    c->b = (msio_piece_batch){.pieces = c->piece, .box = c->box, .boxes = 1, .source = c->source, .sources = 1};
    c->b.target = c->target;
    for (int i = 0; i < 60; i++) {
        int64_t rows = 1 + random_below(seed, random_below(seed, 3) ? 700 : 30);
        if (AT + (row + rows) * ROW > FILE_BYTES || (place + rows) * c->box[0].count[0] > MEMORY_BYTES) break;
        c->piece[c->b.n++] = (msio_piece){.offset = AT + row * ROW,
                                          .rows = rows,
                                          .row_src = bits ? 8 * ROW : ROW,
                                          .row_dst = c->box[0].count[0],
                                          .out = place * c->box[0].count[0],
                                          .span = c->box[0].count[0]};
        place += rows;
        row += rows + 1 + random_below(seed, random_below(seed, 4) ? 9 : 200);
    }
}

static void store_by_pieces(const batch *c, const msio_piece *pieces, int64_t n) {
    memset(model[0], 0x5a, FILE_BYTES);
    memset(image[0], 0x5a, FILE_BYTES);
    for (int64_t i = 0; i < n; i++) store_by_rows(c, &pieces[i], model[0]);
}

/* Most runs are too long for a block: no two blocks have a part of one unit, however the rows lie. */
static void runs_share_no_unit(void **state) {
    (void)state;
    uint64_t seed = 815;
    msio_blocks blocks = {0};
    int64_t shared = 0;
    for (int round = 0; round < ROUNDS; round++) {
        batch c;
        random_runs(&seed, &c);
        if (c.b.n == 0) continue;
        store_by_pieces(&c, c.piece, c.b.n);
        assert_int_equal(msio_blocks_make(&blocks, &c.b, 10 * UNIT, LIMIT, 0), MSIO_OK);
        shared += c.b.pieces != c.piece;
        int64_t last = -1;
        for (int64_t i = 0; i < blocks.n; i++) {
            const msio_block *b = &blocks.block[i];
            store_block(&c, &blocks, b, image[0]);
            assert_true(b->length <= 10 * UNIT && !b->chained && (b->offset - AT) / UNIT > last);
            last = (b->offset + b->length - 1 - AT) / UNIT;
        }
        assert_memory_equal(image[0], model[0], FILE_BYTES);
    }
    print_message("%lld of %d batches were cut\n", (long long)shared, ROUNDS);
    assert_true(shared > ROUNDS / 4);
    msio_blocks_free(&blocks);
}

/* Units that are longer than a block: none of these has bytes of two, and those of one are a chain that begins anew. */
static void blocks_of_a_large_unit_are_a_chain(void **state) {
    (void)state;
    uint64_t seed = 4242;
    msio_blocks blocks = {0};
    int64_t further = 0, longest = 0;
    for (int round = 0; round < ROUNDS; round++) {
        batch c;
        random_runs(&seed, &c);
        if (c.b.n == 0) continue;
        store_by_pieces(&c, c.piece, c.b.n);
        assert_int_equal(msio_blocks_make(&blocks, &c.b, UNIT / 7, UNIT / 4, UNIT), MSIO_OK);
        int64_t last = -1, from = 0;
        for (int64_t i = 0; i < blocks.n; i++) {
            const msio_block *b = &blocks.block[i];
            const int64_t unit = (b->offset - AT) / UNIT, end = b->offset + b->length;
            store_block(&c, &blocks, b, image[0]);
            assert_true(b->of_unit && b->length <= UNIT / 4 && (end - 1 - AT) / UNIT == unit);
            assert_true(unit >= last && b->begins_unit == (unit != last) && b->chained == (unit == last));
            if (b->begins_unit) from = b->offset;
            assert_true(end - from <= blocks.longest_kept && blocks.longest_kept <= UNIT);
            further += b->chained;
            longest = end - from > longest ? end - from : longest;
            last = unit;
        }
        assert_memory_equal(image[0], model[0], FILE_BYTES);
    }
    assert_true(further > ROUNDS && longest == UNIT);
    msio_blocks_free(&blocks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_store_what_pieces_say),
        cmocka_unit_test(a_unit_with_gaps_is_one_block),
        cmocka_unit_test(runs_share_no_unit),
        cmocka_unit_test(blocks_of_a_large_unit_are_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
