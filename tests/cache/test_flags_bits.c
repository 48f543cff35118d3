/* test_flags_bits.c - set bits of boxes in memory: of rows, of positions, of all, against one bit at a time; no byte
 * behind the box is touched. */
#include "cache/flags_bits.h"

#include "tests/core/guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ROWS 4000
#define STRIDE 400
#define GROUPS 3

static uint64_t random_state = 12345;
static int64_t below(int64_t n) { return (int64_t)(random_next(&random_state) % (uint64_t)n); }

/* What is counted, and what should be. */
typedef struct counted {
    msio_flags_bits bits;
    atomic_uint row[ROWS];
    int32_t group[ROWS];
    unsigned row_wanted[ROWS];
    int64_t position_wanted[GROUPS][STRIDE], all_wanted;
} counted;

static counted *start(int64_t stride, int64_t run_of_groups) {
    counted *c = calloc(1, sizeof *c);
    assert_non_null(c);
    assert_int_equal(msio_flags_bits_start(&c->bits, 2), MSIO_OK);
    c->bits.stride = stride;
    for (int64_t i = 0; i < ROWS; i++) c->group[i] = (int32_t)(i / run_of_groups % GROUPS);
    return c;
}

/* Adds every element of a box to what is wanted, one at a time. */
static void expect(counted *c, const msio_box *box, const uint8_t *src, int64_t bit, int64_t out) {
    int64_t at[MSIO_BOX_NDIM] = {0};
    for (int k = 0;;) {
        int64_t from = bit, to = out;
        for (k = 0; k < box->ndim; k++) {
            from += at[k] * box->src[k];
            to += at[k] * box->dst[k];
        }
        if (src[from / 8] >> (from % 8) & 1) {
            int64_t row = to / c->bits.stride;
            c->row_wanted[row]++;
            c->position_wanted[c->group[row]][to % c->bits.stride]++;
            c->all_wanted++;
        }
        for (k = 0; k < box->ndim && ++at[k] == box->count[k]; k++) at[k] = 0;
        if (k == box->ndim) return;
    }
}

/* Random bits up to the last one of the box, just before memory that must not be touched. */
static void look(counted *c, msio_box *box, int64_t out) {
    int64_t bit = below(17), last = bit;
    msio_box_simplify(box);
    for (int k = 0; k < box->ndim; k++) last += (box->count[k] - 1) * box->src[k];
    size_t bytes = (size_t)last / 8 + 1;
    guarded memory = guarded_new(bytes);
    assert_non_null(memory.bytes);
    uint8_t *src = guarded_tail(memory, bytes);
    int kind = (int)below(4);
    for (size_t i = 0; i < bytes; i++)
        src[i] = (uint8_t)(kind == 0 ? 255 : kind == 1 ? 0 : kind == 2 ? below(256) : below(256) & below(256));
    expect(c, box, src, bit, out);
    msio_flags_bits_look(&c->bits,
                         &(msio_seen){.thread = (int)below(2), .box = box, .src = src, .bit = bit, .out = out});
    guarded_free(memory);
}

static void check(counted *c) {
    int64_t all, sums[STRIDE];
    assert_int_equal(msio_flags_bits_total(&c->bits, &all), MSIO_OK);
    assert_int_equal(all, c->all_wanted);
    for (int64_t i = 0; i < ROWS && c->bits.row; i++) assert_int_equal(atomic_load(&c->row[i]), c->row_wanted[i]);
    for (int g = 0; g < GROUPS && c->bits.group; g++) {
        memset(sums, 0, sizeof sums);
        msio_flags_bits_sum(&c->bits, g, sums);
        assert_memory_equal(sums, c->position_wanted[g], sizeof sums);
    }
    msio_flags_bits_free(&c->bits);
    free(c);
}

/* What is asked for: all (0), rows (1), positions (2), both (3). */
static void want(counted *c, int what) {
    c->bits.row = what & 1 ? c->row : NULL;
    c->bits.group = what & 2 ? c->group : NULL;
}

/* ---------------------------------------------------------------- tests */

static void whole_rows(void **state) {
    (void)state;
    static const int64_t strides[] = {1, 2, 3, 8, 27, 63, 64, 65, 96, 128, 200, 399};
    for (size_t s = 0; s < sizeof strides / sizeof strides[0]; s++)
        for (int what = 0; what < 4; what++) {
            int64_t stride = strides[s];
            counted *c = start(stride, s % 2 ? 1000 : 7);
            want(c, what);
            for (int64_t row = 0; row < ROWS;) {
                int64_t rows = below(300) + 1;
                if (rows > ROWS - row) rows = ROWS - row;
                msio_box box = {2, {stride, rows}, {1, stride}, {1, stride}};
                look(c, &box, row * stride);
                row += rows;
            }
            check(c);
        }
}

/* The engine halves what does not fit its scratch, wherever that is. */
static void runs_that_begin_within_a_row(void **state) {
    (void)state;
    for (int what = 0; what < 4; what++) {
        counted *c = start(96, 50);
        want(c, what);
        for (int64_t at = 0; at < ROWS * 96;) {
            int64_t n = below(below(2) ? 1000 : 150) + 1;
            if (n > ROWS * 96 - at) n = ROWS * 96 - at;
            msio_box box = {1, {n}, {1}, {1}};
            look(c, &box, at);
            at += n;
        }
        check(c);
    }
}

/* Tiles [corrs][chans][rows] of cells that tiles do not fit. */
static void parts_of_cells(void **state) {
    (void)state;
    for (int round = 0; round < 300; round++) {
        int64_t corrs = below(4) + 1, chans = below(40) + 1, stride = corrs * chans;
        int64_t tile[3] = {below(corrs) + 1 + below(2), below(chans) + 1 + below(3), below(300) + 1};
        counted *c = start(stride, below(500) + 1);
        want(c, round % 4);
        for (int64_t row = 0; row < 600; row += tile[2])
            for (int64_t chan = 0; chan < chans; chan += tile[1])
                for (int64_t corr = 0; corr < corrs; corr += tile[0]) {
                    msio_box box = {3,
                                    {corrs - corr < tile[0] ? corrs - corr : tile[0],
                                     chans - chan < tile[1] ? chans - chan : tile[1], tile[2]},
                                    {1, tile[0], tile[0] * tile[1]},
                                    {1, corrs, stride}};
                    look(c, &box, row * stride + chan * corrs + corr);
                }
        check(c);
    }
}

static void rows_at_distances(void **state) {
    (void)state;
    for (int what = 0; what < 4; what++) {
        counted *c = start(100, 13);
        want(c, what);
        msio_box odd = {2, {100, 1000}, {1, 131}, {1, 300}}, even = {2, {70, 1000}, {1, 70}, {1, 300}};
        look(c, &odd, 100);
        look(c, &even, 200);
        check(c);
    }
}

static void one_stored_cell_for_many_rows(void **state) {
    (void)state;
    for (int what = 0; what < 4; what++) {
        counted *c = start(70, 90);
        want(c, what);
        msio_box box = {2, {70, 700}, {1, 0}, {1, 70}}, part = {2, {33, 500}, {1, 0}, {1, 70}};
        look(c, &box, 0);
        look(c, &part, 1000 * 70 + 5);
        check(c);
        c = start(1, 90);
        want(c, what);
        msio_box single = {1, {700}, {0}, {1}};
        look(c, &single, 3);
        check(c);
    }
}

static void a_single_element(void **state) {
    (void)state;
    for (int what = 0; what < 4; what++) {
        counted *c = start(7, 1);
        want(c, what);
        for (int i = 0; i < 20; i++) {
            msio_box box = {1, {1}, {1}, {1}};
            look(c, &box, i * 9);
        }
        check(c);
    }
}

/* Counters of positions have few digits, which must be carried on in time. */
static void more_rows_than_digits(void **state) {
    enum { TIMES = 70000 };
    static uint8_t ones[TIMES * 3];
    int64_t sums[24] = {0};
    (void)state;
    memset(ones, 255, sizeof ones);
    ones[3 * 5000 + 1] = 0;
    for (int joined = 0; joined < 2; joined++) {
        msio_flags_lanes *l = msio_flags_lanes_new(0, joined ? 24 : 23, 1);
        assert_non_null(l);
        msio_flags_lanes_add(l, ones, 0, 24, TIMES, ones + sizeof ones);
        for (int i = 0; i < 20; i++) msio_flags_lanes_add(l, ones, 0, 24, 4000, ones + sizeof ones);
        msio_flags_lanes_repeat(l, ones, 0, 1000000, ones + sizeof ones);
        memset(sums, 0, sizeof sums);
        msio_flags_lanes_sum(l, sums);
        for (int i = 0; i < 23; i++) assert_int_equal(sums[i], TIMES + 80000 + 1000000 - (i >= 8 && i < 16));
        msio_flags_lanes_free(l);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_rows),
        cmocka_unit_test(runs_that_begin_within_a_row),
        cmocka_unit_test(parts_of_cells),
        cmocka_unit_test(rows_at_distances),
        cmocka_unit_test(one_stored_cell_for_many_rows),
        cmocka_unit_test(a_single_element),
        cmocka_unit_test(more_rows_than_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
