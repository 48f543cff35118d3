/* test_casacore_deaths.c - what ends casacore is an error here: damaged tables of a manager that only casacore reads.
 */
#include "io/casacore/casacore_module.h"
#include "io/casacore/casacore_remote.h"
#include "msio/io.h"

#include "tests/fuzz/table_pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 6
#define PLACES 40 /* tried in a file, unless MSIO_TEST_LONG asks for every byte */
#define CASES_PER_CHILD 32
#define SECONDS_A_CASE 120

static char folder[] = "/tmp/msio-deaths-XXXXXX";
static char path[64];

static int make_table(void **state) {
    static const msio_casa_manager_spec managers[] = {{.type = "StManAipsIO", .name = "old"}};
    static const msio_casa_column_spec columns[] = {
        {.name = "NUMBER", .type = MSIO_INT, .manager = 0},
        {.name = "TEXT", .type = MSIO_STRING, .manager = 0},
        {.name = "VARY", .type = MSIO_FLOAT, .ndim = -1, .manager = 0},
    };
    const msio_casa_table_spec spec = {
        .rows = ROWS, .managers = 1, .columns = 3, .manager = managers, .column = columns};
    msio_casa_table *table = NULL;
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/old.tab", folder);
    if (msio_casa_create(path, &spec, &table)) {
        print_message("skipped: no table can be made: %s\n", msio_last_error()->message);
        exit(77);
    }
    for (int32_t r = 0; r < ROWS; r++) {
        const int64_t shape[2] = {2, 3};
        const float values[6] = {(float)r, 1, 2, 3, 4, 5};
        const char *text = "some text";
        assert_int_equal(msio_casa_put(table, "NUMBER", r, 1, 0, NULL, &r), MSIO_OK);
        assert_int_equal(msio_casa_put_strings(table, "TEXT", r, 1, 0, NULL, &text), MSIO_OK);
        assert_int_equal(msio_casa_put(table, "VARY", r, 1, 2, shape, values), MSIO_OK);
    }
    assert_int_equal(msio_casa_flush(table), MSIO_OK);
    msio_casa_close(table);
    return 0;
}

static int remove_tables(void **state) {
    (void)state;
    pack_remove(folder);
    return access(folder, F_OK) == 0; /* gone it has to be */
}

/* ---------------------------------------------------------------- damage */

static void read_all(void) {
    msio_table *table = NULL;
    if (msio_table_open(path, NULL, &table)) return;
    msio_table_info info;
    msio_table_describe(table, &info);
    for (int i = 0; i < info.columns && i < 10; i++) {
        const msio_column *column;
        msio_array array;
        size_t bytes = 0;
        if (msio_table_column(table, msio_table_column_name(table, i), &column)) continue;
        msio_column_describe(column);
        if (msio_read_shape(column, NULL, NULL, NULL, &bytes) == MSIO_OK && bytes < ((size_t)64 << 20) &&
            msio_read_new(column, NULL, &array, NULL) == MSIO_OK)
            msio_array_free(&array);
    }
    msio_table_close(table);
}

typedef struct image {
    char name[128];
    unsigned char bytes[1 << 16];
    size_t length;
} image;

static void store(const image *m, size_t flipped, int bit) {
    FILE *f = fopen(m->name, "wb");
    if (!f) _exit(9);
    for (size_t i = 0; i < m->length; i++) fputc(i == flipped ? m->bytes[i] ^ (1 << bit) : m->bytes[i], f);
    if (fclose(f)) _exit(9);
}

/* The child dies, and this test with it, if casacore's death is not kept away. */
static void try_places(const image *m, size_t from, size_t step) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (size_t i = 0, at = from; i < CASES_PER_CHILD && at < m->length; i++, at += step) {
            alarm(SECONDS_A_CASE);
            store(m, at, (int)(at % 8));
            read_all();
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: bits flipped from byte %zu on: child ended with status 0x%x", m->name, from, status);
}

static void damage(const char *file) {
    static image m;
    snprintf(m.name, sizeof m.name, "%s/%s", path, file);
    FILE *f = fopen(m.name, "rb");
    assert_non_null(f);
    m.length = fread(m.bytes, 1, sizeof m.bytes, f);
    fclose(f);
    assert_true(m.length > 0 && m.length < sizeof m.bytes);
    const size_t step = getenv("MSIO_TEST_LONG") ? 1 : m.length / PLACES + 1;
    for (size_t from = 0; from < m.length; from += step * CASES_PER_CHILD) try_places(&m, from, step);
    store(&m, m.length, 0);
}

static void a_damaged_table_is_refused_or_read(void **state) {
    (void)state;
    damage("table.dat");
    damage("table.f0");
    const msio_column *column;
    msio_table *table = NULL;
    int32_t numbers[ROWS] = {0};
    assert_int_equal(msio_table_open(path, NULL, &table), MSIO_OK);
    assert_int_equal(msio_table_column(table, "NUMBER", &column), MSIO_OK);
    assert_int_equal(msio_read(column, NULL, numbers, sizeof numbers, NULL), MSIO_OK);
    for (int r = 0; r < ROWS; r++) assert_int_equal(numbers[r], r);
    msio_table_close(table);
}

/* A child has a helper of its own: the parent's answers are not its, nor its the parent's. */
static void a_child_asks_a_helper_of_its_own(void **state) {
    msio_casa_message message = {""};
    void *table = NULL;
    int32_t numbers[ROWS] = {0};
    const msio_casa_row_set rows = {.row = 0, .step = 1, .count = ROWS};
    (void)state;
    assert_true(msio_remote_ready());
    assert_int_equal(msio_remote_open(path, &table, &message), MSIO_OK);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        msio_status status = msio_remote_read(table, "NUMBER", &rows, NULL, numbers, sizeof numbers, &message);
        if (child == 0) _exit(status || numbers[ROWS - 1] != ROWS - 1);
        assert_int_equal(status, MSIO_OK);
        assert_int_equal(numbers[ROWS - 1], ROWS - 1);
        int end = 0;
        assert_int_equal(waitpid(child, &end, 0), child);
        assert_int_equal(end, 0);
    }
    msio_remote_close(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_damaged_table_is_refused_or_read),
        cmocka_unit_test(a_child_asks_a_helper_of_its_own),
    };
    return cmocka_run_group_tests(tests, make_table, remove_tables);
}
