/* test_ssm.c - StandardStMan from bytes laid out by hand: what is read, and what damage comes back as. */
#define ROWS 10
#define ARRAY_DAMAGE 50 /* changes of the array file that are noticed: more than these */
#include "stored_manager.h"

#include "io/layout/standard/ssm.h"

#define PER_BUCKET 4
#define BUCKET 256
#define BUCKETS 8
#define TEXT_BUCKET 3  /* and 4 */
#define INDEX_BUCKET 5 /* and 6, 7 */
#define TEXT_ROOM (BUCKET - 16)

static const uint32_t data_bucket[3] = {0, 2, 1}, last_row[3] = {3, 7, 9};

/* Where columns lie in a bucket, by number. */
enum { ANTENNA, FLAG, NAME, CODE, BITS, LABELS, PAIR, SPECTRUM, COLUMNS };
static const uint32_t place[COLUMNS] = {0, 16, 17, 65, 85, 87, 135, 183};

static int64_t text_end; /* of the string buckets, so far */

/* ---------------------------------------------------------------- the files */

static uint8_t *cell(int column, int row, int64_t bytes) {
    int i = row / PER_BUCKET;
    return main_file.bytes + 512 + data_bucket[i] * BUCKET + place[column] + bytes * (row % PER_BUCKET);
}

static void set_bit(int column, int row, int per_row, int k) {
    int bit = (row % PER_BUCKET) * per_row + k;
    cell(column, row, 0)[bit / 8] |= (uint8_t)(1 << (bit % 8));
}

/* Appends bytes to the string buckets, and puts the link to them into a cell. */
static void put_link(int column, int row, const void *bytes, int64_t length) {
    uint8_t *link = cell(column, row, 12);
    int64_t at = text_end;
    store(link, (uint64_t)(TEXT_BUCKET + at / TEXT_ROOM), 4, table.dat.big_endian);
    store(link + 4, (uint64_t)(at % TEXT_ROOM), 4, table.dat.big_endian);
    store(link + 8, (uint64_t)length, 4, table.dat.big_endian);
    for (int64_t i = 0; i < length; i++, at++)
        main_file.bytes[512 + (TEXT_BUCKET + at / TEXT_ROOM) * BUCKET + 16 + at % TEXT_ROOM] =
            ((const uint8_t *)bytes)[i];
    text_end = at;
}

static void put_name(int row) {
    char name[400];
    if (row == 9)
        memset(name, 'x', 300), name[300] = '\0';
    else
        snprintf(name, sizeof name, row % 2 ? "a longer name, row %d" : "n%d", row);
    if (strlen(name) > 8)
        put_link(NAME, row, name, (int64_t)strlen(name));
    else {
        memcpy(cell(NAME, row, 12), name, strlen(name));
        store(cell(NAME, row, 12) + 8, strlen(name), 4, table.dat.big_endian);
    }
}

static void put_cells(void) {
    for (int row = 0; row < ROWS; row++) {
        char code[16];
        store(cell(ANTENNA, row, 4), (uint64_t)(100 + row), 4, table.dat.big_endian);
        if (row % 3 == 0) set_bit(FLAG, row, 1, 0);
        put_name(row);
        snprintf(code, sizeof code, row == 4 ? "abcde" : "c%d", row);
        memcpy(cell(CODE, row, 5), code, strlen(code));
        for (int k = 0; k < 3; k++)
            if ((row + k) % 2 == 0) set_bit(BITS, row, 3, k);
    }
    image some = {.big = true};
    put_u32(&some, 1), put_u32(&some, 2), put_u32(&some, 1), put_text(&some, "p"), put_text(&some, "qq");
    put_link(LABELS, 1, some.bytes, some.size);
    some.size = 0;
    put_u32(&some, 2), put_u32(&some, 1), put_u32(&some, 3), put_u32(&some, 0);
    put_link(LABELS, 2, some.bytes, some.size);
    some.size = 0;
    put_text(&some, "u"), put_text(&some, "");
    put_link(PAIR, 0, some.bytes, some.size);
}

/* Row 0 is undefined; row r has r % 3 + 1 values r, r + 0.5, ... */
static void put_arrays(void) {
    image *to = &array_file;
    put_u32(to, 0), put_i64(to, 0), put_i32(to, 0);
    for (int row = 1; row < ROWS; row++) {
        pad_to(to, (to->size + 7) / 8 * 8);
        store(cell(SPECTRUM, row, 8), (uint64_t)to->size, 8, table.dat.big_endian);
        put_u32(to, 1), put_u32(to, (uint32_t)(row % 3 + 1));
        for (int k = 0; k < row % 3 + 1; k++) put_float(to, (float)row + 0.5f * (float)k);
    }
}

static void put_header(bool in_bucket, uint32_t index_bytes) {
    image *to = &main_file;
    to->size = 0;
    begin_object(to, "StandardStMan", table.dat.big_endian ? 2 : 3);
    if (!table.dat.big_endian) put_u8(to, 0);
    put_u32(to, BUCKET), put_u32(to, BUCKETS), put_u32(to, 1), put_u32(to, 0), put_i32(to, -1);
    put_u32(to, in_bucket ? 1 : 3), put_i32(to, INDEX_BUCKET), put_u32(to, in_bucket ? 8 : 0);
    put_i32(to, TEXT_BUCKET + 1), put_u32(to, index_bytes), put_u32(to, 1);
    end_object(to);
    header_end = to->size;
    to->size = 512 + BUCKETS * BUCKET;
}

/* One index: in one bucket, from byte 8 on, with rows of 64 bits; or so long, by its spare room, that it fills a chain
 * of three. */
static uint32_t put_index(bool in_bucket) {
    image index = {.big = table.dat.big_endian};
    int room = in_bucket ? 3 : 63;
    begin_object(&index, "SSMIndex", in_bucket ? 2 : 1); /* version 2 has rows of 64 bits */
    put_u32(&index, 3), put_u32(&index, PER_BUCKET), put_i32(&index, COLUMNS);
    begin_object(&index, "SimpleOrderedMap", 1);
    put_i32(&index, 0), put_u32(&index, 0), put_u32(&index, 1);
    end_object(&index);
    put_integers(&index, in_bucket ? 8 : 4, room, 3, last_row);
    put_block(&index, room, 3, data_bucket);
    end_object(&index);
    for (int b = 0; b * (BUCKET - 8) < index.size; b++) {
        uint8_t *to = main_file.bytes + 512 + (INDEX_BUCKET + b) * BUCKET;
        int64_t done = b * (BUCKET - 8), left = index.size - done;
        bool last = left <= BUCKET - 8;
        store(to + 4, last ? UINT32_MAX : (uint64_t)(INDEX_BUCKET + b + 1), 4, true);
        memcpy(to + 8, index.bytes + done, (size_t)(last ? left : BUCKET - 8));
    }
    return (uint32_t)index.size;
}

static void make(bool big, bool in_bucket) {
    static const uint32_t indices[COLUMNS];
    memset(&main_file, 0, sizeof main_file);
    memset(&array_file, 0, sizeof array_file);
    text_end = 0;
    fixture_start(&table, &msio_ssm_layout, big, ROWS);
    fixture_column(&table, "ANTENNA", MSIO_INT, MSIO_KIND_SCALAR, 0, 0);
    fixture_column(&table, "FLAG", MSIO_BOOL, MSIO_KIND_SCALAR, 0, 0);
    fixture_column(&table, "NAME", MSIO_STRING, MSIO_KIND_SCALAR, 0, 0);
    fixture_column(&table, "CODE", MSIO_STRING, MSIO_KIND_SCALAR, 0, 0)->max_length = 5;
    fixture_column(&table, "BITS", MSIO_BOOL, MSIO_KIND_ARRAY, MSIO_OPTION_DIRECT | MSIO_OPTION_FIXED, 3);
    fixture_column(&table, "LABELS", MSIO_STRING, MSIO_KIND_ARRAY, 0, 0);
    fixture_column(&table, "PAIR", MSIO_STRING, MSIO_KIND_ARRAY, MSIO_OPTION_FIXED, 2);
    fixture_column(&table, "SPECTRUM", MSIO_FLOAT, MSIO_KIND_ARRAY, 0, 0);
    main_file.big = array_file.big = big;
    begin_object(&table.blob, "SSM", 2);
    put_text(&table.blob, "TheManager");
    put_block(&table.blob, COLUMNS, COLUMNS, place);
    put_block(&table.blob, COLUMNS, COLUMNS, indices);
    end_object(&table.blob);
    fixture_blob(&table);
    put_header(in_bucket, put_index(in_bucket));
    put_cells();
    put_arrays();
    for (int b = 0; b < 2; b++) {
        uint8_t *to = main_file.bytes + 512 + (TEXT_BUCKET + b) * BUCKET;
        int64_t used = text_end - b * TEXT_ROOM;
        store(to + 4, (uint64_t)(used < TEXT_ROOM ? used : TEXT_ROOM), 4, true);
        store(to + 12, b ? UINT32_MAX : TEXT_BUCKET + 1, 4, true);
    }
    fixture_write(&table, "", main_file.bytes, main_file.size);
    fixture_write(&table, "i", array_file.bytes, array_file.size);
}

/* ---------------------------------------------------------------- reading */

static void scalars_come_from_their_buckets(void **state) {
    (void)state;
    int32_t antenna[ROWS];
    uint8_t flag[ROWS];
    msio_rows rows = all_rows(ROWS);
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, fixture_find(&table, "ANTENNA"), &rows, 0, NULL, antenna, sizeof antenna + 64),
                     0);
    assert_int_equal(read_cells(&table, fixture_find(&table, "FLAG"), &rows, 0, NULL, flag, sizeof flag + 64), 0);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(antenna[i], 100 + i);
        assert_int_equal(flag[i], i % 3 == 0);
    }
}

static void steps_and_lists_go_to_their_places(void **state) {
    (void)state;
    int32_t antenna[ROWS] = {0};
    int64_t row[] = {1, 5, 5, 9}, to[] = {3, 0, 2, 1};
    msio_rows steps = {.count = 3, .first = 1, .step = 4, .place_step = 1};
    msio_rows list = {.count = 4, .row = row, .place = to};
    const msio_column_dat *c = fixture_find(&table, "ANTENNA");
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, c, &steps, 0, NULL, antenna, sizeof antenna), MSIO_OK);
    assert_int_equal(antenna[0], 101);
    assert_int_equal(antenna[1], 105);
    assert_int_equal(antenna[2], 109);
    assert_int_equal(read_cells(&table, c, &list, 0, NULL, antenna, sizeof antenna), MSIO_OK);
    assert_int_equal(antenna[0], 105);
    assert_int_equal(antenna[1], 109);
    assert_int_equal(antenna[2], 105);
    assert_int_equal(antenna[3], 101);
}

static void direct_bool_arrays_are_not_byte_aligned(void **state) {
    (void)state;
    uint8_t bits[ROWS][3];
    int64_t shape[1] = {3};
    msio_rows rows = all_rows(ROWS);
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, fixture_find(&table, "BITS"), &rows, 1, shape, bits, sizeof bits + 64),
                     MSIO_OK);
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < 3; k++) assert_int_equal(bits[i][k], (i + k) % 2 == 0);
}

static void short_strings_lie_in_the_cell_and_long_ones_in_chains(void **state) {
    (void)state;
    msio_rows rows = {.count = 3, .first = 0, .step = 1, .place_step = 1}, last = {.count = 1, .first = 9, .step = 1};
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(say_texts(&table, "NAME", &rows, &said), MSIO_OK);
    assert_string_equal(said.text, "0:n0 1:a longer name, row 1 2:n2 ");
    assert_int_equal(say_texts(&table, "NAME", &last, &said), MSIO_OK);
    assert_int_equal(strlen(said.text), 2 + 300 + 1);
    assert_int_equal(strspn(said.text + 2, "x"), 300);
}

static void strings_of_limited_length_end_at_the_limit_or_a_nul(void **state) {
    (void)state;
    msio_rows rows = {.count = 2, .first = 3, .step = 1, .place_step = 1};
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(say_texts(&table, "CODE", &rows, &said), MSIO_OK);
    assert_string_equal(said.text, "0:c3 1:abcde ");
}

static void string_arrays_are_undefined_unfilled_or_filled(void **state) {
    (void)state;
    msio_rows rows = all_rows(4);
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(say_texts(&table, "LABELS", &rows, &said), MSIO_OK);
    assert_string_equal(said.text, "0:- 1:[p|qq] 2:[||] 3:- ");
    assert_int_equal(say_shapes(&table, "LABELS", &rows, &said), MSIO_OK);
    assert_string_equal(said.text, "0+1:- 1+1:[2] 2+1:[1,3] 3+1:- ");
    assert_int_equal(say_texts(&table, "PAIR", &rows, &said), MSIO_OK);
    assert_string_equal(said.text, "0:[u|] 1:[|] 2:[|] 3:[|] ");
    assert_int_equal(say_shapes(&table, "PAIR", &rows, &said), MSIO_OK);
    assert_string_equal(said.text, "0+4:[2] ");
}

static void indirect_arrays_tell_their_shapes_and_values(void **state) {
    (void)state;
    float values[8];
    int64_t shape[1] = {2};
    msio_rows rows = all_rows(ROWS), fours = {.count = 2, .first = 1, .step = 3, .place_step = 1};
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(say_shapes(&table, "SPECTRUM", &rows, &said), MSIO_OK);
    assert_string_equal(said.text, "0+1:- 1+1:[2] 2+1:[3] 3+1:[1] 4+1:[2] 5+1:[3] 6+1:[1] 7+1:[2] 8+1:[3] 9+1:[1] ");
    assert_int_equal(read_cells(&table, fixture_find(&table, "SPECTRUM"), &fours, 1, shape, values, 64), MSIO_OK);
    assert_true(values[0] == 1.0f && values[1] == 1.5f && values[2] == 4.0f && values[3] == 4.5f);
}

static void an_undefined_cell_is_an_error_where_values_are_wanted(void **state) {
    (void)state;
    float values[8];
    int64_t shape[1] = {2};
    msio_rows rows = all_rows(1);
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, fixture_find(&table, "SPECTRUM"), &rows, 1, shape, values, 64),
                     MSIO_E_UNDEFINED);
}

static void a_shape_other_than_the_wanted_is_an_error(void **state) {
    (void)state;
    float values[8];
    int64_t shape[1] = {2};
    msio_rows rows = {.count = 1, .first = 2, .step = 1, .place_step = 1};
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, fixture_find(&table, "SPECTRUM"), &rows, 1, shape, values, 64), MSIO_E_FORMAT);
}

static void the_manager_is_described(void **state) {
    (void)state;
    msio_layout_facts facts = {0};
    assert_int_equal(fixture_load(&table), MSIO_OK);
    msio_ssm_layout.describe(&table.manager, fixture_find(&table, "BITS"), &facts);
    assert_string_equal(facts.name, "TheManager");
    assert_int_equal(facts.tile_ndim, 0);
    assert_int_equal(facts.ndim, 1);
    assert_int_equal(facts.shape[0], 3);
    msio_ssm_layout.describe(&table.manager, fixture_find(&table, "SPECTRUM"), &facts);
    assert_int_equal(facts.ndim, -1);
}

static void record_columns_are_refused(void **state) {
    (void)state;
    msio_column_dat record = {.name = "R", .type = MSIO_RECORD, .kind = MSIO_KIND_RECORD};
    assert_string_equal(msio_ssm_layout.refuses(&table.manager, &record), "record column");
    assert_null(msio_ssm_layout.refuses(&table.manager, fixture_find(&table, "NAME")));
}

/* ---------------------------------------------------------------- damage */

static void rows_beyond_the_index_are_an_error(void **state) {
    (void)state;
    uint8_t out[256];
    msio_rows rows = {.count = 1, .first = ROWS, .step = 1, .place_step = 1};
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, fixture_find(&table, "ANTENNA"), &rows, 0, NULL, out, sizeof out),
                     MSIO_E_FORMAT);
}

static void every_changed_byte_of_a_bucket_gives_a_status(void **state) {
    (void)state;
    assert_true(flip_bytes(&table, "", main_file.bytes, 512, main_file.size) > 100);
}

/* Behind the index nothing is needed until it is read; here nothing that is read lies there. */
static void a_file_cut_anywhere_is_an_error(void **state) {
    (void)state;
    msio_ssm *ssm = NULL;
    int64_t index_at = 512 + INDEX_BUCKET * BUCKET;
    for (int64_t n = 0; n < main_file.size; n++) {
        uint8_t *copy = malloc((size_t)n + 1); /* so that a byte read too far is seen */
        memcpy(copy, main_file.bytes, (size_t)n);
        copy = realloc(copy, n ? (size_t)n : 1);
        msio_status status = msio_ssm_parse(&table.manager, copy, n, &ssm);
        assert_true(status == MSIO_E_FORMAT || (status == MSIO_OK && n > index_at));
        if (!status) msio_ssm_free(ssm);
        free(copy);
    }
    assert_int_equal(msio_ssm_parse(&table.manager, main_file.bytes, main_file.size, &ssm), MSIO_OK);
    msio_ssm_free(ssm);
}

static void a_circle_of_string_buckets_is_an_error(void **state) {
    (void)state;
    uint8_t next[4], length[4];
    msio_rows rows = {.count = 1, .first = 9, .step = 1, .place_step = 1};
    for (uint32_t to = TEXT_BUCKET; to <= TEXT_BUCKET + 1; to++) {
        store(next, to, 4, true);
        store(length, 2000, 4, table.dat.big_endian); /* longer than both buckets: the circle would go on */
        fixture_patch(&table, "", next, 4, 512 + (TEXT_BUCKET + 1) * BUCKET + 12);
        fixture_patch(&table, "", length, 4, cell(NAME, 9, 12) + 8 - main_file.bytes);
        assert_int_equal(fixture_load(&table), MSIO_OK);
        assert_int_equal(say_texts(&table, "NAME", &rows, &said), MSIO_E_FORMAT);
        assert_non_null(strstr(msio_last_error()->message, "circle"));
        fixture_unload(&table);
    }
}

static void a_string_bucket_that_gives_nothing_is_an_error(void **state) {
    (void)state;
    static const uint8_t nothing[4];
    msio_rows rows = {.count = 1, .first = 9, .step = 1, .place_step = 1};
    fixture_patch(&table, "", nothing, 4, 512 + (TEXT_BUCKET + 1) * BUCKET + 4);
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(say_texts(&table, "NAME", &rows, &said), MSIO_E_FORMAT);
}

/* As casacore does: how much of the chain is read, the index's length says. */
static void what_the_last_index_bucket_calls_its_next_does_not_matter(void **state) {
    (void)state;
    uint8_t next[4];
    for (uint32_t to = INDEX_BUCKET; to <= INDEX_BUCKET + 1; to++) {
        store(next, to, 4, true);
        fixture_patch(&table, "", next, 4, 512 + (INDEX_BUCKET + 1) * BUCKET + 4);
        assert_int_equal(fixture_load(&table), MSIO_OK);
        fixture_unload(&table);
    }
}

static void places_of_removed_columns_are_left_alone(void **state) {
    (void)state;
    table.dat.columns--;
    table.manager_dat.columns--;
    assert_int_equal(load_and_read(&table), MSIO_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(scalars_come_from_their_buckets),
        BOTH(steps_and_lists_go_to_their_places),
        BOTH(direct_bool_arrays_are_not_byte_aligned),
        BOTH(short_strings_lie_in_the_cell_and_long_ones_in_chains),
        BOTH(strings_of_limited_length_end_at_the_limit_or_a_nul),
        BOTH(string_arrays_are_undefined_unfilled_or_filled),
        BOTH(indirect_arrays_tell_their_shapes_and_values),
        BOTH(an_undefined_cell_is_an_error_where_values_are_wanted),
        BOTH(a_shape_other_than_the_wanted_is_an_error),
        BOTH(the_manager_is_described),
        BOTH(record_columns_are_refused),
        BOTH(rows_beyond_the_index_are_an_error),
        BOTH(every_changed_byte_of_a_bucket_gives_a_status),
        BOTH(a_file_cut_anywhere_is_an_error),
        BOTH(a_circle_of_string_buckets_is_an_error),
        BOTH(a_string_bucket_that_gives_nothing_is_an_error),
        cmocka_unit_test_setup_teardown(what_the_last_index_bucket_calls_its_next_does_not_matter, make_little, drop),
        BOTH(places_of_removed_columns_are_left_alone),
        OF_BOTH_MANAGERS,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
