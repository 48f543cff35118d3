/* test_table_cycles.c - tables that refer to themselves, and concatenations that name more tables than there can be. */
#include "msio/io.h"

#include "tests/fuzz/table_pack.h"
#include "tests/io/layout/stored_image.h"

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    alarm(120);
    return !pack_make_folder(folder);
}

static int remove_folder(void **state) {
    (void)state;
    pack_remove(folder);
    return 0;
}

static void unpack(const char *name) {
    size_t size;
    uint8_t *pack = pack_load(name, &size);
    assert_non_null(pack);
    pack_unpack(pack, size, folder);
    free(pack);
}

/* Puts a link to the table t in the place of another table. */
static void link_to_t(const char *name) {
    char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    pack_remove(path);
    assert_int_equal(symlink("t", path), 0);
}

static void assert_refused(const char *name) {
    char path[96];
    msio_table *table = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(msio_table_open(path, NULL, &table), MSIO_E_FORMAT);
    assert_null(table);
    assert_true(msio_last_error()->message[0] != 0);
}

static void a_reference_to_itself_is_refused(void **state) {
    (void)state;
    unpack("table/reference");
    link_to_t("root");
    assert_refused("t");
}

static void a_concatenation_of_itself_is_refused(void **state) {
    (void)state;
    unpack("table/concatenated");
    link_to_t("b");
    assert_refused("t");
    link_to_t("a");
    assert_refused("t");
}

static void a_subtable_that_is_its_own_parent_is_opened(void **state) {
    char path[128];
    msio_table *table = NULL;
    (void)state;
    unpack("table/keywords");
    snprintf(path, sizeof path, "%s/t/SUB", folder);
    pack_remove(path);
    assert_int_equal(symlink("../t", path), 0);
    snprintf(path, sizeof path, "%s/t::SUB::SUB::SUB", folder);
    assert_int_equal(msio_table_open(path, NULL, &table), MSIO_OK);
    assert_int_equal(msio_table_rows(table), 2);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

/* A concatenation of `parts` times the table `name`, which lies beside it. */
static void make_concatenation(const char *path, const char *name, int parts) {
    char file[160];
    image dat = {.big = true};
    begin_object(&dat, "Table", 2);
    put_u32(&dat, 0); /* rows */
    put_u32(&dat, 0); /* big-endian */
    put_text(&dat, "ConcatTable");
    begin_object(&dat, "ConcatTable", 0);
    put_u32(&dat, (uint32_t)parts);
    for (int i = 0; i < parts; i++) put_text(&dat, name);
    begin_object(&dat, "Block", 1);
    put_u32(&dat, 0); /* no subtables to concatenate */
    end_object(&dat);
    end_object(&dat);
    end_object(&dat);
    mkdir(path, 0700);
    snprintf(file, sizeof file, "%s/table.dat", path);
    assert_true(pack_write_file(file, dat.bytes, (size_t)dat.size));
}

static void make_tower(int levels, int parts) {
    for (int i = 0; i < levels; i++) {
        char path[96], name[32];
        snprintf(path, sizeof path, "%s/level%d", folder, i);
        snprintf(name, sizeof name, i + 1 < levels ? "./level%d" : "./t", i + 1);
        make_concatenation(path, name, parts);
    }
}

static void a_tower_of_concatenations_is_opened(void **state) {
    char path[96];
    msio_table *table = NULL;
    (void)state;
    unpack("table/few_big");
    make_tower(3, 4);
    snprintf(path, sizeof path, "%s/level0", folder);
    assert_int_equal(msio_table_open(path, NULL, &table), MSIO_OK);
    assert_int_equal(msio_table_rows(table), 64 * 5);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

/* 20 parts in 12 levels: 4096 * 10^12 tables. */
static void a_tower_that_nobody_can_open_is_refused(void **state) {
    (void)state;
    unpack("table/few_big");
    make_tower(12, 20);
    assert_refused("level0");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_reference_to_itself_is_refused),
        IN_FOLDER(a_concatenation_of_itself_is_refused),
        IN_FOLDER(a_subtable_that_is_its_own_parent_is_opened),
        IN_FOLDER(a_tower_of_concatenations_is_opened),
        IN_FOLDER(a_tower_that_nobody_can_open_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
