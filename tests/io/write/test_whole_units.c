/* test_whole_units.c - what is stored as one goes into one batch, however many pieces there are. */
#include "io/engine/schedule.h"

#include "tests/core/guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROW = 64, HEIGHT = 16, ACROSS = 3, UNIT = ROW * HEIGHT, TILE_ROWS = 400, BATCHES = 4096 };

/* Every row of every tile: in which batch it came, and where it goes. */
static int batch_of[TILE_ROWS * HEIGHT][ACROSS];
static int64_t place_of[TILE_ROWS * HEIGHT][ACROSS];
static int batches;

/* Tiles lie side by side, ACROSS in a row of them. */
static msio_status note_batch(void *user, msio_piece_batch *batch) {
    const bool bits = *(const bool *)user;
    assert_true(batches < BATCHES && batch->n > 0);
    batches++;
    msio_pieces_sort(batch); /* the order in which they are stored */
    for (int64_t i = 0; i < batch->n; i++) {
        const msio_piece *p = &batch->pieces[i];
        assert_int_equal(batch->source[p->source].unit, UNIT);
        assert_int_equal(msio_box_elements(&batch->box[p->box]), bits ? 8 * ROW : ROW);
        for (int64_t row = 0; row < p->rows; row++) {
            int64_t at = bits ? p->offset + (p->bit + row * p->row_src) / 8 : p->offset + row * p->row_src;
            int64_t tile = at / UNIT, of_table = tile / ACROSS * HEIGHT + at % UNIT / ROW;
            batch_of[of_table][tile % ACROSS] = batches;
            place_of[of_table][tile % ACROSS] = p->out + row * p->row_dst;
        }
    }
    return MSIO_OK;
}

/* Rows of a random list, pushed as the tiled layouts do; across: how many tiles beside each other, 1 of them all. */
static void push_random_rows(uint64_t *seed, msio_sink *sink, bool bits, int across, bool *pushed) {
    const msio_source source = {.size = (int64_t)UNIT * ACROSS * TILE_ROWS, .unit = UNIT};
    msio_box box = {.ndim = 1, .count = {bits ? 8 * ROW : ROW}, .src = {1}, .dst = {1}};
    int64_t height = -1;
    for (int64_t row = random_below(seed, 40); row < TILE_ROWS * HEIGHT;) {
        if (row / HEIGHT != height && height >= 0) msio_sink_border(sink);
        height = row / HEIGHT;
        for (int k = 0; k < across; k++)
            assert_int_equal(msio_sink_push(sink, &source, (height * ACROSS + k) * UNIT + row % HEIGHT * ROW, 0, 1, 0,
                                            0, row * 100000 + k * 1000, &box),
                             MSIO_OK);
        pushed[row] = true;
        row += random_below(seed, 3) ? 1 : 1 + random_below(seed, 30);
    }
}

/* Rows that come twice or thrice, in more batches than rows of tiles: each gets what comes last. */
static void the_last_of_equal_rows_is_stored_last(void **state) {
    (void)state;
    uint64_t seed = 5;
    int64_t all = 0;
    for (int round = 0; round < 200; round++) {
        msio_sink sink;
        bool bits = false, borders = random_below(&seed, 2);
        const msio_source source = {.size = (int64_t)UNIT * ACROSS * TILE_ROWS, .unit = UNIT};
        msio_box box = {.ndim = 1, .count = {ROW}, .src = {1}, .dst = {1}};
        int64_t last[20 * HEIGHT], place = 0;
        batches = 0;
        assert_int_equal(msio_sink_start(&sink, 1, note_batch, &bits), MSIO_OK);
        sink.target[0] = (msio_target){.elem = 1, .unit = 1, .stored_bits = 8};
        sink.batch_pieces = 2 + random_below(&seed, 40);
        sink.keeps_units = true;
        for (int64_t row = 0; row < 20 * HEIGHT; row++) {
            if (borders && row % HEIGHT == 0) msio_sink_border(&sink);
            for (int64_t n = 1 + random_below(&seed, 3); n > 0; n--) {
                last[row] = place += 1 + random_below(&seed, 3);
                for (int k = 0; k < ACROSS; k++) /* a row's parts lie side by side, so that they can be merged */
                    assert_int_equal(msio_sink_push(&sink, &source,
                                                    (row / HEIGHT * ACROSS + k) * UNIT + row % HEIGHT * ROW, 0, 1, 0, 0,
                                                    place * 1000 + k * 300, &box),
                                     MSIO_OK);
            }
        }
        assert_int_equal(msio_sink_finish(&sink), MSIO_OK);
        for (int64_t row = 0; row < 20 * HEIGHT; row++)
            for (int k = 0; k < ACROSS; k++) assert_int_equal(place_of[row][k], last[row] * 1000 + k * 300);
        all += batches;
        msio_sink_free(&sink);
    }
    assert_true(all > 1000);
}

static void units_come_in_one_batch(void **state) {
    (void)state;
    static bool pushed[TILE_ROWS * HEIGHT];
    uint64_t seed = 77;
    int64_t all = 0;
    for (int round = 0; round < 200; round++) {
        msio_sink sink;
        bool bits = random_below(&seed, 2);
        int across = random_below(&seed, 2) ? 1 : ACROSS;
        memset(batch_of, 0, sizeof batch_of);
        memset(pushed, 0, sizeof pushed);
        batches = 0;
        assert_int_equal(msio_sink_start(&sink, 1, note_batch, &bits), MSIO_OK);
        sink.target[0] = (msio_target){.elem = 1, .unit = 1, .stored_bits = bits ? 1 : 8};
        sink.target[0].codec = bits ? MSIO_CODEC_BITS : MSIO_CODEC_COPY;
        sink.batch_pieces = 60 + random_below(&seed, 200); /* more than a row of tiles may have */
        sink.keeps_units = true;
        push_random_rows(&seed, &sink, bits, across, pushed);
        assert_int_equal(msio_sink_finish(&sink), MSIO_OK);
        for (int64_t row = 0; row < TILE_ROWS * HEIGHT; row++)
            for (int k = 0; k < across; k++) {
                int64_t first = row / HEIGHT * HEIGHT;
                assert_int_equal(batch_of[row][k] > 0, pushed[row]);
                if (!pushed[row]) continue;
                assert_int_equal(place_of[row][k], row * 100000 + k * 1000);
                for (int64_t other = first; other < row; other++)
                    if (pushed[other]) assert_int_equal(batch_of[other][k], batch_of[row][k]);
            }
        all += batches;
        msio_sink_free(&sink);
    }
    assert_true(all > 1000);
}

/* Without borders, or where one unit has more than a batch takes, everything comes all the same. */
static void what_fits_no_batch_comes_in_several(void **state) {
    (void)state;
    msio_sink sink;
    bool bits = false;
    const msio_source source = {.size = (int64_t)UNIT * ACROSS * TILE_ROWS, .unit = UNIT};
    msio_box box = {.ndim = 1, .count = {ROW}, .src = {1}, .dst = {1}};
    memset(batch_of, 0, sizeof batch_of);
    batches = 0;
    assert_int_equal(msio_sink_start(&sink, 1, note_batch, &bits), MSIO_OK);
    sink.target[0] = (msio_target){.elem = 1, .unit = 1, .stored_bits = 8};
    sink.batch_pieces = 3;
    sink.keeps_units = true;
    for (int row = 0; row < HEIGHT; row++)
        assert_int_equal(msio_sink_push(&sink, &source, row * ROW, 0, 1, 0, 0, (HEIGHT - row) * 1000, &box), MSIO_OK);
    assert_int_equal(msio_sink_finish(&sink), MSIO_OK);
    assert_int_equal(batches, (HEIGHT + 2) / 3);
    for (int row = 0; row < HEIGHT; row++) assert_true(batch_of[row][0] > 0);
    msio_sink_free(&sink);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_come_in_one_batch),
        cmocka_unit_test(the_last_of_equal_rows_is_stored_last),
        cmocka_unit_test(what_fits_no_batch_comes_in_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
