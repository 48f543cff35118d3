/* stored_manager.h - what the tests of StandardStMan and IncrementalStMan share: two files laid out by hand, in both
 * byte orders, and the damage that both must tell. ROWS and ARRAY_DAMAGE are known where this is included. */
#ifndef MSIO_TESTS_IO_STORED_MANAGER_H
#define MSIO_TESTS_IO_STORED_MANAGER_H

#include "stored_image.h"

static image main_file, array_file;
static int64_t header_end;
static fixture table;
static words said;

/* Makes the two files, and the table's description. variant: what differs beside the byte order. */
static void make(bool big, bool variant);

static int make_little(void **state) {
    (void)state;
    make(false, false);
    return 0;
}
static int make_big(void **state) {
    (void)state;
    make(true, true);
    return 0;
}
static int drop(void **state) {
    (void)state;
    fixture_end(&table);
    return 0;
}

/* ---------------------------------------------------------------- damage */

/* table.lock may be of another state: rows that the index covers too are read, as by casacore. */
static void rows_that_the_index_does_not_cover_are_noticed(void **state) {
    (void)state;
    for (int64_t rows = 1; rows < ROWS + 4; rows++) {
        table.manager.rows = rows;
        assert_int_equal(load_and_read(&table), rows <= ROWS ? MSIO_OK : MSIO_E_FORMAT);
        if (rows > ROWS) assert_non_null(strstr(msio_last_error()->message, "table.lock"));
    }
}

static void every_changed_byte_of_the_header_gives_a_status(void **state) {
    (void)state;
    assert_true(flip_bytes(&table, "", main_file.bytes, 0, header_end) > 100);
}

static void every_changed_byte_of_the_array_file_gives_a_status(void **state) {
    (void)state;
    assert_true(flip_bytes(&table, "i", array_file.bytes, 0, array_file.size) > ARRAY_DAMAGE);
}

static void every_changed_bit_of_the_blob_gives_a_status(void **state) {
    (void)state;
    flip_blob(&table);
}

static void an_array_file_cut_anywhere_is_an_error(void **state) {
    (void)state;
    cut_anywhere(&table, "i", &array_file);
}

/* Every word of the file in turn says that there are very many. */
static void enormous_counts_give_a_status(void **state) {
    (void)state;
    put_enormous_counts(&table, &main_file, header_end);
}

static void a_missing_array_file_is_an_error(void **state) {
    (void)state;
    unlink(fixture_path(&table, "i"));
    assert_int_equal(fixture_load(&table), MSIO_E_FORMAT);
}

static void the_other_byte_order_is_an_error(void **state) {
    (void)state;
    table.dat.big_endian = !table.dat.big_endian;
    assert_int_equal(fixture_load(&table), MSIO_E_FORMAT);
}

#define BOTH(test)                                                                                                     \
    {#test " (little)", test, make_little, drop, NULL}, { #test " (big, 64-bit rows)", test, make_big, drop, NULL }

#define OF_BOTH_MANAGERS                                                                                               \
    BOTH(rows_that_the_index_does_not_cover_are_noticed), BOTH(every_changed_byte_of_the_header_gives_a_status),       \
        BOTH(every_changed_byte_of_the_array_file_gives_a_status), BOTH(every_changed_bit_of_the_blob_gives_a_status), \
        BOTH(an_array_file_cut_anywhere_is_an_error), BOTH(enormous_counts_give_a_status),                             \
        BOTH(a_missing_array_file_is_an_error), BOTH(the_other_byte_order_is_an_error)

#endif
