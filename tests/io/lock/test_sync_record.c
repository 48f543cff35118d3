/* test_sync_record.c - AipsIO written and read back, and the record of changes: made, counted, refused. */
#include "io/aipsio/aipsio.h"
#include "io/aipsio/aipsio_write.h"
#include "io/lock/sync_record.h"

#include "tests/core/guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- AipsIO */

static void what_is_written_is_read_back(void **state) {
    (void)state;
    uint64_t seed = 3;
    for (int round = 0; round < 300; round++) {
        msio_aips_out out = {0};
        msio_arena arena = {0};
        msio_aips in;
        uint32_t block[40], small = (uint32_t)random_next(&seed);
        uint64_t large = random_next(&seed);
        int64_t shape[5], n = random_below(&seed, 40), length;
        int ndim = (int)random_below(&seed, 6), read_ndim;
        char text[64];
        for (int64_t i = 0; i < n; i++) block[i] = (uint32_t)random_next(&seed) & 0x7fffffff;
        for (int k = 0; k < ndim; k++)
            shape[k] = random_below(&seed, 2) ? random_below(&seed, 99) : INT64_C(5000000000);
        snprintf(text, sizeof text, "%.*s", (int)random_below(&seed, 40),
                 "a text of a length that is not known before");

        msio_aips_put_enter(&out, "Outer", 3);
        msio_aips_put_u8(&out, 1);
        msio_aips_put_u64(&out, large);
        msio_aips_put_enter(&out, "Inner", 2);
        msio_aips_put_text(&out, text);
        msio_aips_put_block(&out, n, block);
        msio_aips_put_leave(&out);
        msio_aips_put_shape(&out, ndim, shape);
        msio_aips_put_u32(&out, small);
        msio_aips_put_leave(&out);
        assert_false(out.failed);
        assert_int_equal(out.depth, 0);

        msio_aips_start(&in, out.bytes, out.length, true, "written", &arena);
        assert_int_equal(msio_aips_enter(&in, "Outer", 3), 3);
        assert_true(msio_aips_bool(&in));
        assert_true(msio_aips_u64(&in) == large);
        assert_int_equal(msio_aips_enter(&in, "Inner", 2), 2);
        assert_string_equal(msio_aips_text(&in), text);
        int64_t *values = msio_aips_block(&in, false, &length);
        assert_true(msio_aips_ok(&in));
        assert_int_equal(length, n);
        for (int64_t i = 0; i < n; i++) assert_int_equal(values[i], block[i]);
        msio_aips_leave(&in);
        int64_t read_shape[MSIO_MAX_NDIM + 1];
        msio_aips_shape(&in, &read_ndim, read_shape);
        assert_int_equal(read_ndim, ndim);
        if (ndim) assert_memory_equal(read_shape, shape, (size_t)ndim * sizeof *shape);
        assert_int_equal(msio_aips_u32(&in), small);
        msio_aips_leave(&in);
        assert_int_equal(in.status, MSIO_OK);
        assert_int_equal(in.at, out.length);
        msio_arena_free(&arena);
        free(out.bytes);
    }
}

/* ---------------------------------------------------------------- the record */

typedef struct counters {
    int64_t rows, columns, changes, description, managers, of[1000];
} counters;

static counters parse(const uint8_t *record, int64_t length) {
    counters c = {0};
    msio_arena arena = {0};
    msio_aips a;
    int64_t announced = (int64_t)record[0] << 24 | record[1] << 16 | record[2] << 8 | record[3];
    assert_int_equal(announced + 4, length);
    msio_aips_start(&a, record + 4, length - 4, true, "record", &arena);
    c.rows = msio_aips_enter(&a, "sync", 2) == 2 ? msio_aips_i64(&a) : (int64_t)msio_aips_u32(&a);
    c.columns = msio_aips_i32(&a);
    c.changes = msio_aips_u32(&a);
    c.description = msio_aips_u32(&a);
    int64_t *of = msio_aips_block(&a, false, &c.managers);
    assert_true(msio_aips_ok(&a) && c.managers <= 1000);
    for (int64_t i = 0; i < c.managers; i++) c.of[i] = of[i];
    msio_aips_leave(&a);
    assert_int_equal(a.status, MSIO_OK);
    msio_arena_free(&arena);
    return c;
}

static void counters_of_what_is_written_go_up(void **state) {
    (void)state;
    static uint8_t record[MSIO_SYNC_RECORD_MOST], before[MSIO_SYNC_RECORD_MOST];
    const int64_t rows[] = {0, 17, INT64_C(0x7fffffff), INT64_C(0x80000000), INT64_C(5000000000)};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int managers = 1; managers <= 900; managers = managers * 3 + 1) {
            msio_sync_facts facts = {rows[i], 21, managers};
            int which[2] = {managers - 1, managers / 2}, n = managers > 1 ? 2 : 1;
            int64_t length = 0;
            assert_int_equal(msio_sync_record_count(record, &length, which, n, &facts, "t"), MSIO_OK);
            for (int turn = 1; turn <= 3; turn++) {
                counters c = parse(record, length);
                assert_true(c.rows == rows[i] && c.columns == 21 && c.managers == managers && c.description == 0);
                assert_int_equal(c.changes, turn);
                for (int k = 0; k < managers; k++)
                    assert_int_equal(c.of[k], k == which[0] || (n == 2 && k == which[1]) ? turn : 0);
                int64_t was = length;
                memcpy(before, record, (size_t)length);
                assert_int_equal(msio_sync_record_count(record, &length, which, n, &facts, "t"), MSIO_OK);
                assert_int_equal(length, was);
            }
            assert_int_equal(msio_sync_record_count_all(record, length, "t"), MSIO_OK);
            assert_int_equal(parse(record, length).of[0], managers == 1 || which[1] == 0 ? 5 : 1);
        }
}

static void a_counter_begins_anew_when_it_is_full(void **state) {
    (void)state;
    uint8_t record[MSIO_SYNC_RECORD_MOST];
    msio_sync_facts facts = {5, 1, 1};
    int which = 0;
    int64_t length = 0;
    assert_int_equal(msio_sync_record_count(record, &length, &which, 1, &facts, "t"), MSIO_OK);
    memset(record + length - 4, 0xff, 4); /* the manager's, which is the last */
    assert_int_equal(msio_sync_record_count(record, &length, &which, 1, &facts, "t"), MSIO_OK);
    counters c = parse(record, length);
    assert_true(c.of[0] == 0 && c.changes == 2);
}

static void records_that_are_none_are_refused(void **state) {
    (void)state;
    static uint8_t good[MSIO_SYNC_RECORD_MOST], bad[MSIO_SYNC_RECORD_MOST];
    msio_sync_facts facts = {5, 3, 4};
    int which = 3, beyond = 4;
    int64_t length = 0;
    assert_int_equal(msio_sync_record_count(good, &length, &which, 1, &facts, "t"), MSIO_OK);
    memcpy(bad, good, sizeof good);
    int64_t n = length;
    assert_int_equal(msio_sync_record_count(bad, &n, &beyond, 1, &facts, "t"), MSIO_E_FORMAT);
    assert_memory_equal(bad, good, (size_t)length);
    for (int64_t cut = 4; cut < length; cut++) {
        memcpy(bad, good, sizeof good);
        n = cut;
        assert_int_equal(msio_sync_record_count(bad, &n, &which, 1, &facts, "t"), MSIO_E_FORMAT);
        assert_memory_equal(bad, good, (size_t)length); /* what is refused is not changed */
    }
    uint64_t seed = 11;
    for (int round = 0; round < 5000; round++) { /* any damage: an error or not, and never a byte behind the record */
        memcpy(bad, good, sizeof good);
        bad[4 + random_below(&seed, length - 4)] ^= (uint8_t)(1 << random_below(&seed, 8));
        n = length;
        (void)msio_sync_record_count(bad, &n, &which, 1, &facts, "t");
        assert_int_equal(n, length);
        assert_memory_equal(bad + length, good + length, sizeof good - (size_t)length);
    }
    n = MSIO_SYNC_RECORD_MOST + 1;
    assert_int_equal(msio_sync_record_count(bad, &n, &which, 1, &facts, "t"), MSIO_E_UNSUPPORTED);
    n = 0;
    facts.managers = 901;
    assert_int_equal(msio_sync_record_count(bad, &n, &which, 1, &facts, "t"), MSIO_E_UNSUPPORTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(counters_of_what_is_written_go_up),
        cmocka_unit_test(a_counter_begins_anew_when_it_is_full),
        cmocka_unit_test(records_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
