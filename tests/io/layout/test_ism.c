/* test_ism.c - IncrementalStMan from bytes laid out by hand: what is read, and what damage comes back as. */
#define ROWS 12
#define ARRAY_DAMAGE 20 /* changes of the array file that are noticed: more than these */
#include "stored_manager.h"

#include "io/layout/incremental/ism.h"

#define SPLIT 8 /* first row of the second bucket in use */
#define BUCKET 640
#define BUCKETS 2

enum { TIME, FLAG, NAME, PAIR, BITS, SPECTRUM, WORDS, ANTENNA, COLUMNS };

/* A bucket being filled: its data, and where each column's values begin and from which row they hold. */
typedef struct bucket {
    image data;
    int entries[COLUMNS];
    int row[COLUMNS][ROWS];
    uint32_t at[COLUMNS][ROWS];
} bucket;

static bucket filled[BUCKETS];
static int64_t arrays_at[3]; /* two spectra, one array of strings */

/* ---------------------------------------------------------------- the files */

/* A value of the column from this row on is added next. */
static image *entry(int column, int row) {
    bucket *b = &filled[row >= SPLIT];
    int i = b->entries[column]++;
    b->row[column][i] = row - (row >= SPLIT ? SPLIT : 0);
    b->at[column][i] = (uint32_t)b->data.size;
    return &b->data;
}

static void put_string(int row, const char *text) {
    image *to = entry(NAME, row);
    put_u32(to, (uint32_t)strlen(text) + 4);
    put_bytes(to, text, (int64_t)strlen(text));
}

static void put_pair(int row, const char *first, const char *second) {
    image *to = entry(PAIR, row);
    put_u32(to, (uint32_t)(strlen(first) + strlen(second)) + 12);
    put_text(to, first), put_text(to, second);
}

/* Ten bits, of which every n-th is set. */
static void put_bits(int row, int n) {
    uint8_t bits[2] = {0, 0};
    for (int k = 0; k < 10; k += n) bits[k / 8] |= (uint8_t)(1 << (k % 8));
    put_bytes(entry(BITS, row), bits, 2);
}

static void put_values(void) {
    put_double(entry(TIME, 0), 10), put_double(entry(TIME, 3), 20);
    put_double(entry(TIME, 8), 20), put_double(entry(TIME, 10), 30);
    put_u8(entry(FLAG, 0), 0), put_u8(entry(FLAG, 5), 1), put_u8(entry(FLAG, 8), 1);
    put_string(0, "first"), put_string(4, ""), put_string(8, "second");
    put_pair(0, "a", "bc"), put_pair(8, "", "d");
    put_bits(0, 2), put_bits(6, 3), put_bits(8, 3);
    put_i64(entry(SPECTRUM, 0), 0), put_i64(entry(SPECTRUM, 2), arrays_at[0]),
        put_i64(entry(SPECTRUM, 6), arrays_at[1]);
    put_i64(entry(SPECTRUM, 8), arrays_at[1]);
    put_i64(entry(WORDS, 0), 0), put_i64(entry(WORDS, 1), arrays_at[2]), put_i64(entry(WORDS, 8), arrays_at[2]);
    for (int row = 0; row < ROWS; row++) put_i32(entry(ANTENNA, row), row);
}

static int64_t array_start(uint32_t length) {
    image *to = &array_file;
    pad_to(to, (to->size + 7) / 8 * 8);
    int64_t at = to->size;
    put_u32(to, 1), put_u32(to, 1), put_u32(to, length);
    return at;
}

static void put_arrays(void) {
    image *to = &array_file;
    put_u32(to, 1), put_i64(to, 0), put_i32(to, 0);
    arrays_at[0] = array_start(2);
    put_float(to, 1.0f), put_float(to, 1.5f);
    arrays_at[1] = array_start(3);
    put_float(to, 2.0f), put_float(to, 2.5f), put_float(to, 3.0f);
    arrays_at[2] = array_start(3);
    uint32_t text = (uint32_t)to->size + 12;
    put_u32(to, text), put_u32(to, 0), put_u32(to, text + 5);
    put_text(to, "x"), put_text(to, "yz");
}

static void put_bucket(const bucket *b, int number, bool wide) {
    image *to = &main_file;
    to->size = 512 + number * BUCKET;
    put_u32(to, (uint32_t)(b->data.size + 4) | (wide ? 0x80000000u : 0));
    put_bytes(to, b->data.bytes, b->data.size);
    for (int c = 0; c < COLUMNS; c++) {
        put_u32(to, (uint32_t)b->entries[c]);
        for (int i = 0; i < b->entries[c]; i++) put_integer(to, (uint64_t)b->row[c][i], wide ? 8 : 4);
        for (int i = 0; i < b->entries[c]; i++) put_u32(to, b->at[c][i]);
    }
    assert_true(to->size <= 512 + (number + 1) * BUCKET);
}

static void put_header(void) {
    image *to = &main_file;
    to->size = 0;
    begin_object(to, "IncrementalStMan", to->big ? 4 : 5);
    if (!to->big) put_u8(to, 0);
    put_u32(to, BUCKET), put_u32(to, BUCKETS), put_u32(to, 1), put_u32(to, 0), put_u32(to, 0), put_i32(to, -1);
    end_object(to);
    header_end = to->size;
}

static void put_index(bool wide) {
    static const uint32_t first[] = {0, SPLIT, ROWS}, number[] = {1, 0};
    image *to = &main_file;
    to->size = 512 + BUCKETS * BUCKET;
    begin_object(to, "ISMIndex", wide ? 2 : 1);
    put_u32(to, 2);
    put_integers(to, wide ? 8 : 4, 3, 3, first);
    put_block(to, 2, 2, number);
    end_object(to);
}

static void add_columns(void) {
    int direct = MSIO_OPTION_DIRECT | MSIO_OPTION_FIXED;
    fixture_column(&table, "TIME", MSIO_DOUBLE, MSIO_KIND_SCALAR, 0, 0);
    fixture_column(&table, "FLAG", MSIO_BOOL, MSIO_KIND_SCALAR, 0, 0);
    fixture_column(&table, "NAME", MSIO_STRING, MSIO_KIND_SCALAR, 0, 0);
    fixture_column(&table, "PAIR", MSIO_STRING, MSIO_KIND_ARRAY, direct, 2);
    fixture_column(&table, "BITS", MSIO_BOOL, MSIO_KIND_ARRAY, direct, 10);
    fixture_column(&table, "SPECTRUM", MSIO_FLOAT, MSIO_KIND_ARRAY, 0, 0);
    fixture_column(&table, "WORDS", MSIO_STRING, MSIO_KIND_ARRAY, 0, 0);
    fixture_column(&table, "ANTENNA", MSIO_INT, MSIO_KIND_SCALAR, 0, 0);
}

static void make(bool big, bool wide) {
    memset(&main_file, 0, sizeof main_file);
    memset(&array_file, 0, sizeof array_file);
    memset(filled, 0, sizeof filled);
    main_file.big = array_file.big = filled[0].data.big = filled[1].data.big = big;
    fixture_start(&table, &msio_ism_layout, big, ROWS);
    add_columns();
    begin_object(&table.blob, "ISM", 3);
    put_text(&table.blob, "TheManager");
    end_object(&table.blob);
    fixture_blob(&table);
    put_header();
    put_arrays();
    put_values();
    put_bucket(&filled[0], 1, wide);
    put_bucket(&filled[1], 0, wide);
    put_index(wide);
    fixture_write(&table, "", main_file.bytes, main_file.size);
    fixture_write(&table, "i", array_file.bytes, array_file.size);
}

/* ---------------------------------------------------------------- reading */

static void a_value_holds_until_the_next(void **state) {
    (void)state;
    static const double expected[ROWS] = {10, 10, 10, 20, 20, 20, 20, 20, 20, 20, 30, 30};
    double time[ROWS + 8];
    msio_rows rows = all_rows(ROWS);
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, fixture_find(&table, "TIME"), &rows, 0, NULL, time, sizeof time), MSIO_OK);
    for (int i = 0; i < ROWS; i++) assert_true(time[i] == expected[i]);
}

static void values_that_change_with_every_row_are_read(void **state) {
    (void)state;
    int32_t antenna[ROWS + 8];
    msio_rows rows = all_rows(ROWS);
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, fixture_find(&table, "ANTENNA"), &rows, 0, NULL, antenna, sizeof antenna),
                     MSIO_OK);
    for (int i = 0; i < ROWS; i++) assert_int_equal(antenna[i], i);
}

static void steps_and_lists_go_to_their_places(void **state) {
    (void)state;
    double time[16] = {0};
    int64_t row[] = {2, 3, 3, 11}, to[] = {2, 0, 3, 1};
    msio_rows steps = {.count = 3, .first = 1, .step = 5, .place_step = 1},
              list = {.count = 4, .row = row, .place = to};
    const msio_column_dat *c = fixture_find(&table, "TIME");
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, c, &steps, 0, NULL, time, sizeof time), MSIO_OK);
    assert_true(time[0] == 10 && time[1] == 20 && time[2] == 30);
    assert_int_equal(read_cells(&table, c, &list, 0, NULL, time, sizeof time), MSIO_OK);
    assert_true(time[0] == 20 && time[1] == 30 && time[2] == 10 && time[3] == 20);
}

static void bools_are_bits_from_the_values_first_byte(void **state) {
    (void)state;
    uint8_t flag[ROWS + 16], bits[ROWS + 8][10];
    int64_t shape[1] = {10};
    msio_rows rows = all_rows(ROWS);
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, fixture_find(&table, "FLAG"), &rows, 0, NULL, flag, sizeof flag), MSIO_OK);
    assert_int_equal(read_cells(&table, fixture_find(&table, "BITS"), &rows, 1, shape, bits, sizeof bits), MSIO_OK);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(flag[i], i >= 5);
        for (int k = 0; k < 10; k++) assert_int_equal(bits[i][k], k % (i < 6 ? 2 : 3) == 0);
    }
}

static void strings_lie_in_the_bucket(void **state) {
    (void)state;
    msio_rows rows = {.count = 4, .first = 2, .step = 2, .place_step = 1};
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(say_texts(&table, "NAME", &rows, &said), MSIO_OK);
    assert_string_equal(said.text, "0:first 1: 2: 3:second ");
    assert_int_equal(say_texts(&table, "PAIR", &rows, &said), MSIO_OK);
    assert_string_equal(said.text, "0:[a|bc] 1:[a|bc] 2:[a|bc] 3:[|d] ");
}

static void strings_of_other_arrays_lie_in_the_array_file(void **state) {
    (void)state;
    msio_rows rows = {.count = 3, .first = 0, .step = 4, .place_step = 1}, all = all_rows(ROWS);
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(say_texts(&table, "WORDS", &rows, &said), MSIO_OK);
    assert_string_equal(said.text, "0:- 1:[x||yz] 2:[x||yz] ");
    assert_int_equal(say_shapes(&table, "WORDS", &all, &said), MSIO_OK);
    assert_string_equal(said.text, "0+1:- 1+11:[3] ");
}

static void indirect_arrays_tell_their_shapes_and_values(void **state) {
    (void)state;
    float values[64];
    int64_t shape[1] = {3};
    msio_rows all = all_rows(ROWS), last = {.count = 3, .first = 7, .step = 1, .place_step = 1};
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(say_shapes(&table, "SPECTRUM", &all, &said), MSIO_OK);
    assert_string_equal(said.text, "0+2:- 2+4:[2] 6+6:[3] ");
    assert_int_equal(read_cells(&table, fixture_find(&table, "SPECTRUM"), &last, 1, shape, values, sizeof values),
                     MSIO_OK);
    for (int i = 0; i < 3; i++)
        assert_true(values[3 * i] == 2.0f && values[3 * i + 1] == 2.5f && values[3 * i + 2] == 3.0f);
    assert_int_equal(read_cells(&table, fixture_find(&table, "SPECTRUM"), &all, 1, shape, values, 65536),
                     MSIO_E_UNDEFINED);
}

static void the_manager_is_described(void **state) {
    (void)state;
    msio_layout_facts facts = {0};
    msio_column_dat record = {.name = "R", .type = MSIO_RECORD, .kind = MSIO_KIND_RECORD};
    assert_int_equal(fixture_load(&table), MSIO_OK);
    msio_ism_layout.describe(&table.manager, fixture_find(&table, "BITS"), &facts);
    assert_string_equal(facts.name, "TheManager");
    assert_int_equal(facts.ndim, 1);
    assert_int_equal(facts.shape[0], 10);
    assert_string_equal(msio_ism_layout.refuses(&table.manager, &record), "record column");
}

/* ---------------------------------------------------------------- what is written in place */

static msio_status say_share(void *user, int64_t index, int64_t count, bool whole) {
    say(user, "%lld+%lld%s ", (long long)index, (long long)count, whole ? "" : "?");
    return MSIO_OK;
}

static const char *say_shares(const char *column, const msio_rows *rows) {
    said.at = 0;
    assert_int_equal(
        msio_ism_layout.shares(&table.manager, fixture_find(&table, column), rows, say_share, (void *)&said), MSIO_OK);
    return said.text;
}

static void rows_that_share_a_value_are_told(void **state) {
    (void)state;
    int64_t row[] = {3, 4, 4, 5, 6, 7, 8, 11}, to[8] = {0};
    msio_rows all = all_rows(ROWS), list = {.count = 8, .row = row, .place = to};
    msio_rows part = {.count = 4, .first = 1, .step = 2, .place_step = 1}, late = {.count = 2, .first = 10, .step = 1};
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_string_equal(say_shares("TIME", &all), "0+3 3+5 8+2 10+2 ");
    assert_string_equal(say_shares("BITS", &all), "0+6 6+2 8+4 ");
    assert_string_equal(say_shares("TIME", &part), "0+1? 1+3? ");
    assert_string_equal(say_shares("TIME", &late), "0+2 ");
    assert_string_equal(say_shares("TIME", &list), "0+6 6+1? 7+1? ");
    assert_string_equal(say_shares("ANTENNA", &part), "0+1 1+1 2+1 3+1 ");
}

static void only_values_in_the_bucket_have_a_place(void **state) {
    (void)state;
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_null(msio_ism_layout.keeps(&table.manager, fixture_find(&table, "TIME")));
    assert_null(msio_ism_layout.keeps(&table.manager, fixture_find(&table, "BITS")));
    assert_non_null(msio_ism_layout.keeps(&table.manager, fixture_find(&table, "SPECTRUM")));
    assert_string_equal(msio_column_keeps(&msio_ism_layout, &table.manager, fixture_find(&table, "NAME")),
                        "strings are written by casacore alone");
}

/* A write goes where pieces lie. */
static msio_status check_places(void *user, msio_piece_batch *batch) {
    (void)user;
    for (int64_t i = 0; i < batch->n; i++) {
        const msio_piece *p = &batch->pieces[i];
        const int64_t bits = batch->target[p->target].codec == MSIO_CODEC_BITS ? 1 : 8;
        for (int64_t row = 0; row < p->rows; row++) {
            const int64_t first = p->offset * 8 + p->bit + row * p->row_src * bits, end = first + p->span * bits;
            const int64_t number = (first / 8 - 512) / BUCKET;
            assert_true(first >= 8 * (512 + number * BUCKET + 4) && number < BUCKETS);
            assert_true(end <= 8 * (512 + (number + 1) * BUCKET));
        }
    }
    return MSIO_OK;
}

/* Whatever damage there is, every place lies within a bucket. */
static void push_everywhere(const char *name, int64_t elements) {
    const msio_column_dat *c = fixture_find(&table, name);
    static const msio_range one = {0, 1, 1};
    msio_rows rows = all_rows(ROWS);
    msio_want want = {.rows = &rows, .place_elements = 1, .row_elements = 1};
    msio_sink sink;
    if (elements > 1) {
        want.ndim = 1;
        want.shape[0] = want.row_elements = want.place_elements = elements;
        want.axis[0] = one;
        want.axis[0].count = elements;
    }
    int elem = (int)msio_type_size(c->type);
    assert_int_equal(msio_sink_start(&sink, 1, check_places, NULL), MSIO_OK);
    sink.target[0] = (msio_target){.elem = elem, .unit = elem, .stored_bits = c->type == MSIO_BOOL ? 1 : 8 * elem};
    if (c->type == MSIO_BOOL) sink.target[0].codec = MSIO_CODEC_BITS;
    sink.batch_pieces = 1;
    said.at = 0;
    if (!msio_ism_layout.pieces(&table.manager, c, &want, &sink)) (void)msio_sink_finish(&sink);
    (void)msio_ism_layout.shares(&table.manager, c, &rows, say_share, &said);
    msio_sink_free(&sink);
}

/* Every byte of the buckets and the index in turn is another: no place lies outside of a bucket. */
static void damage_gives_no_place_outside_a_bucket(void **state) {
    (void)state;
    static const uint8_t changes[] = {0xff, 0x80, 0x01, 0x7f};
    for (int64_t i = 512; i < main_file.size; i++)
        for (size_t k = 0; k <= sizeof changes; k++) { /* the last one puts it back */
            uint8_t byte = main_file.bytes[i] ^ (k < sizeof changes ? changes[k] : 0);
            fixture_patch(&table, "", &byte, 1, i);
            if (fixture_load(&table) == MSIO_OK) {
                push_everywhere("TIME", 1);
                push_everywhere("FLAG", 1);
                push_everywhere("BITS", 10);
                push_everywhere("ANTENNA", 1);
            }
            fixture_unload(&table);
        }
}

/* ---------------------------------------------------------------- damage */

static void every_changed_byte_of_buckets_and_index_gives_a_status(void **state) {
    (void)state;
    assert_true(flip_bytes(&table, "", main_file.bytes, 512, main_file.size) > 300);
}

static void a_file_cut_anywhere_is_an_error(void **state) {
    (void)state;
    msio_ism *ism = NULL;
    for (int64_t n = 0; n < main_file.size; n++) {
        uint8_t *copy = calloc(1, n ? (size_t)n : 1); /* of its own, so that a byte read too far is seen */
        memcpy(copy, main_file.bytes, (size_t)n);
        assert_int_equal(msio_ism_parse(&table.manager, copy, n, &ism), MSIO_E_FORMAT);
        free(copy);
    }
    assert_int_equal(msio_ism_parse(&table.manager, main_file.bytes, main_file.size, &ism), MSIO_OK);
    msio_ism_free(ism);
}

static void a_bucket_without_a_value_for_its_first_row_is_an_error(void **state) {
    (void)state;
    uint8_t row[8];
    double time[ROWS + 8];
    msio_rows rows = all_rows(ROWS);
    int64_t index = 512 + BUCKET + 4 + filled[0].data.size;
    store(row, 1, table.dat.big_endian ? 8 : 4, table.dat.big_endian);
    fixture_patch(&table, "", row, table.dat.big_endian ? 8 : 4, index + 4);
    assert_int_equal(fixture_load(&table), MSIO_OK);
    assert_int_equal(read_cells(&table, fixture_find(&table, "TIME"), &rows, 0, NULL, time, sizeof time),
                     MSIO_E_FORMAT);
}

static void an_older_version_is_unsupported(void **state) {
    (void)state;
    uint8_t version[4];
    store(version, 3, 4, table.dat.big_endian);
    fixture_patch(&table, "", version, 4, 4 + 4 + 4 + (int64_t)strlen("IncrementalStMan"));
    assert_int_equal(fixture_load(&table), MSIO_E_UNSUPPORTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(a_value_holds_until_the_next),
        BOTH(values_that_change_with_every_row_are_read),
        BOTH(steps_and_lists_go_to_their_places),
        BOTH(bools_are_bits_from_the_values_first_byte),
        BOTH(strings_lie_in_the_bucket),
        BOTH(strings_of_other_arrays_lie_in_the_array_file),
        BOTH(indirect_arrays_tell_their_shapes_and_values),
        BOTH(the_manager_is_described),
        BOTH(rows_that_share_a_value_are_told),
        BOTH(only_values_in_the_bucket_have_a_place),
        BOTH(damage_gives_no_place_outside_a_bucket),
        BOTH(every_changed_byte_of_buckets_and_index_gives_a_status),
        BOTH(a_file_cut_anywhere_is_an_error),
        BOTH(a_bucket_without_a_value_for_its_first_row_is_an_error),
        BOTH(an_older_version_is_unsupported),
        OF_BOTH_MANAGERS,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
