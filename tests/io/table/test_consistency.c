/* test_consistency.c - what a read promises while a table changes: per call, held, as opened, and with no lock.
 *
 * casacore, in a Python process, makes the tables and changes them; where there is none the test is skipped. */
#include "msio/io.h"

#include "tests/casacore_script.h"
#include "tests/fuzz/table_pack.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

static char folder[64], path[80];

/* Runs Python with casacore.tables as ct, numpy as np, and the table's path as path. 0 is well. */
static int python(const char *script) {
    char names[128];
    snprintf(names, sizeof names, "path = '%s'", path);
    return casacore_script(folder, names, script);
}

static const char make[] =
    "columns = [ct.makescacoldesc('NUMBER', 0), ct.makescacoldesc('NAME', ''),\n"
    "           ct.makescacoldesc('RUN', 0, datamanagertype='IncrementalStMan', datamanagergroup='ism'),\n"
    "           ct.makearrcoldesc('DATA', 0.0, ndim=2, shape=[3, 2], datamanagertype='TiledColumnStMan',\n"
    "                             datamanagergroup='data', valuetype='float'),\n"
    "           ct.makearrcoldesc('ANY', 0, ndim=1, datamanagertype='TiledShapeStMan', datamanagergroup='any'),\n"
    "           ct.makearrcoldesc('LOOSE', 0, ndim=1)]\n"
    "t = ct.table(path, ct.maketabdesc(columns), nrow=10, ack=False)\n"
    "for r in range(10):\n"
    "    t.putcell('NUMBER', r, r); t.putcell('NAME', r, 'row %d' % r); t.putcell('RUN', r, r // 4)\n"
    "    t.putcell('DATA', r, np.full((3, 2), r, 'f4'))\n"
    "    if r != 6: t.putcell('ANY', r, np.full(2, r, 'i4')); t.putcell('LOOSE', r, np.full(2, r, 'i4'))\n"
    "t.close()\n";

static int make_table(void **state) {
    (void)state;
    if (!pack_make_folder(folder)) return -1;
    snprintf(path, sizeof path, "%s/t", folder);
    return python(make) != 0;
}

static int remove_table(void **state) {
    (void)state;
    pack_remove(folder);
    return 0;
}

static msio_table *open_table(msio_freshness freshness, int nolock) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    msio_table *table = NULL;
    opts.freshness = freshness;
    opts.nolock = nolock;
    opts.native = MSIO_NATIVE_YES;
    assert_int_equal(msio_table_open(path, &opts, &table), MSIO_OK);
    return table;
}

static const msio_column *column_of(msio_table *table, const char *name) {
    const msio_column *column = NULL;
    assert_int_equal(msio_table_column(table, name, &column), MSIO_OK);
    return column;
}

/* The sum of an Int column, and how many rows it has. */
static int64_t sum_of(msio_table *table, const char *name, int64_t *rows) {
    msio_array array = {0};
    int64_t sum = 0;
    assert_int_equal(msio_read_new(column_of(table, name), NULL, &array, NULL), MSIO_OK);
    *rows = array.shape[0];
    for (size_t i = 0; i < array.bytes / sizeof(int32_t); i++) sum += ((const int32_t *)array.data)[i];
    msio_array_free(&array);
    return sum;
}

static void assert_numbers(msio_table *table, int64_t expected_rows, int64_t expected_sum) {
    int64_t rows;
    assert_int_equal(sum_of(table, "NUMBER", &rows), expected_sum);
    assert_int_equal(rows, expected_rows);
}

static const char add_rows[] = "t = ct.table(path, readonly=False, ack=False)\n"
                               "t.addrows(5)\n"
                               "for r in range(10, 15):\n"
                               "    t.putcell('NUMBER', r, r); t.putcell('NAME', r, 'new %d' % r)\n"
                               "    t.putcell('RUN', r, 7); t.putcell('DATA', r, np.full((3, 2), r, 'f4'))\n"
                               "    t.putcell('ANY', r, np.full(2, r, 'i4'))\n"
                               "t.close()\n";

static const char put_numbers[] = "t = ct.table(path, readonly=False, ack=False)\n"
                                  "for r in range(10): t.putcell('NUMBER', r, 100)\n"
                                  "t.close()\n";

/* ---------------------------------------------------------------- per call */

static void rows_that_casacore_adds_are_seen(void **state) {
    (void)state;
    int64_t rows;
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    assert_numbers(table, 10, 45);
    assert_int_equal(python(add_rows), 0);
    assert_numbers(table, 15, 105);
    assert_int_equal(msio_table_rows(table), 15);
    assert_int_equal(sum_of(table, "RUN", &rows), 4 * 1 + 2 * 2 + 5 * 7);
    msio_array data = {0};
    assert_int_equal(msio_read_new(column_of(table, "DATA"), NULL, &data, NULL), MSIO_OK);
    assert_int_equal(data.shape[0], 15);
    for (int64_t i = 0; i < 15 * 6; i++) assert_true(((const float *)data.data)[i] == (float)(i / 6));
    msio_array_free(&data);
    msio_ragged names = {0};
    assert_int_equal(msio_read_ragged(column_of(table, "NAME"), NULL, &names, NULL), MSIO_OK);
    assert_int_equal(names.cells, 15);
    assert_memory_equal(names.text + names.text_offsets[14], "new 14", 6);
    msio_ragged_free(&names);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void cells_that_casacore_puts_are_seen(void **state) {
    (void)state;
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    assert_numbers(table, 10, 45);
    assert_int_equal(python(put_numbers), 0);
    assert_numbers(table, 10, 1000);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void rows_that_casacore_removes_are_gone(void **state) {
    (void)state;
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    assert_numbers(table, 10, 45);
    assert_int_equal(
        python("t = ct.table(path, readonly=False, ack=False)\n"
               "t.close()\n"
               "ct.tabledelete(path, ack=False)\n" /* a tiled column cannot lose rows: made anew with fewer */
               "t = ct.table(path, ct.maketabdesc([ct.makescacoldesc('NUMBER', 0)]), nrow=10, ack=False)\n"
               "for r in range(10): t.putcell('NUMBER', r, r)\n"
               "t.removerows([9, 8])\n"
               "t.close()\n"),
        0);
    assert_numbers(table, 8, 28);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void a_column_that_is_added_or_removed_is_noticed(void **state) {
    (void)state;
    const msio_column *fresh = NULL;
    msio_array array = {0};
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    const msio_column *run = column_of(table, "RUN");
    assert_int_equal(msio_table_column(table, "FRESH", &fresh), MSIO_E_NO_COLUMN);
    assert_int_equal(python("t = ct.table(path, readonly=False, ack=False)\n"
                            "t.addcols(ct.makescacoldesc('FRESH', 0))\n"
                            "t.removecols('RUN')\n"
                            "for r in range(10): t.putcell('FRESH', r, 3)\n"
                            "t.close()\n"),
                     0);
    assert_int_equal(msio_read_new(run, NULL, &array, NULL), MSIO_E_NO_COLUMN);
    int64_t rows;
    assert_int_equal(sum_of(table, "FRESH", &rows), 30);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void another_table_put_in_place_is_read(void **state) {
    (void)state;
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    assert_numbers(table, 10, 45);
    assert_int_equal(python("os.rename(path, path + '.old')\n"
                            "t = ct.table(path, ct.maketabdesc([ct.makescacoldesc('NUMBER', 0)]), nrow=3, ack=False)\n"
                            "for r in range(3): t.putcell('NUMBER', r, 5)\n"
                            "t.close()\n"),
                     0);
    assert_numbers(table, 3, 15);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void a_table_that_went_away_is_reported(void **state) {
    (void)state;
    msio_array array = {0};
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    assert_numbers(table, 10, 45);
    const msio_column *number = column_of(table, "NUMBER");
    pack_remove(path);
    msio_status status = msio_read_new(number, NULL, &array, NULL);
    assert_true(status == MSIO_E_NOT_FOUND || status == MSIO_E_IO);
    assert_null(array.data);
    msio_table_close(table);
}

/* Nothing that a reader does looks like a change. */
static void reads_alone_change_nothing(void **state) {
    (void)state;
    for (int nolock = 0; nolock < 2; nolock++) {
        msio_table *table = open_table(MSIO_PER_CALL, nolock), *promised = open_table(MSIO_AS_OPENED, nolock);
        for (int i = 0; i < 200; i++) assert_numbers(i % 2 ? table : promised, 10, 45);
        assert_int_equal(python("t = ct.table(path, ack=False); t.getcol('NUMBER'); t.close()"), 0);
        assert_numbers(table, 10, 45);
        assert_int_equal(msio_table_close(table), MSIO_OK);
        assert_int_equal(msio_table_close(promised), MSIO_OK);
    }
}

static void without_locks_changes_between_calls_are_seen(void **state) {
    (void)state;
    msio_table *table = open_table(MSIO_PER_CALL, 1);
    assert_numbers(table, 10, 45);
    assert_int_equal(python(add_rows), 0);
    assert_numbers(table, 15, 105);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

/* A writer that takes no lock and never rests: the read gives up after some tries, and says so, or had luck. */
static void without_locks_a_restless_writer_is_reported(void **state) {
    (void)state;
    char file[96];
    msio_table *table = open_table(MSIO_PER_CALL, 1);
    snprintf(file, sizeof file, "%s/table.dat", path);
    const msio_column *number = column_of(table, "NUMBER");
    fflush(NULL);
    pid_t writer = fork();
    if (writer == 0)
        for (;;) utimensat(AT_FDCWD, file, NULL, 0);
    int changed = 0;
    for (int i = 0; i < 2000 && !changed; i++) {
        msio_array array = {0};
        msio_status status = msio_read_new(number, NULL, &array, NULL);
        assert_true(status == MSIO_OK || status == MSIO_E_CHANGED);
        changed += status == MSIO_E_CHANGED;
        msio_array_free(&array);
    }
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    assert_numbers(table, 10, 45); /* and reads on in peace */
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

/* ---------------------------------------------------------------- held */

static int64_t words_of_stat(void) {
    FILE *f = fopen("/proc/self/io", "r");
    char line[128];
    long long calls = -1;
    while (f && fgets(line, sizeof line, f)) sscanf(line, "syscr: %lld", &calls);
    if (f) fclose(f);
    return calls;
}

/* What is held is not looked at again: even a writer that respects no lock goes unseen until the release. */
static void a_held_table_is_not_checked(void **state) {
    (void)state;
    char file[96], aside[96];
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    assert_numbers(table, 10, 45);
    snprintf(file, sizeof file, "%s/table.dat", path);
    snprintf(aside, sizeof aside, "%s/table.dat.aside", path);
    assert_int_equal(rename(file, aside), 0);
    assert_numbers(table, 10, 45); /* nobody asked for table.dat */
    assert_int_equal(rename(aside, file), 0);
    assert_int_equal(msio_table_release(table), MSIO_OK);
    assert_numbers(table, 10, 45);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

/* Reads of a mapped file under a hold need no system call that reads: no sync record, no header again. */
static void held_reads_read_no_lock_file(void **state) {
    (void)state;
    int32_t out[10];
    msio_select one = MSIO_SELECT_ALL;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.way = MSIO_WAY_MAPPED;
    opts.threads = 1;
    one.rows = 10;
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    const msio_column *number = column_of(table, "NUMBER");
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    assert_int_equal(msio_read(number, &one, out, sizeof out, &opts), MSIO_OK);
    int64_t idle = words_of_stat(), before = words_of_stat();
    idle = before - idle; /* what asking costs */
    for (int i = 0; i < 100; i++) assert_int_equal(msio_read(number, &one, out, sizeof out, &opts), MSIO_OK);
    int64_t after = words_of_stat();
    if (before < 0) skip(); /* no /proc/self/io here */
    assert_int_equal(after - before, idle);
    assert_int_equal(msio_table_release(table), MSIO_OK);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void a_writer_waits_for_the_hold(void **state) {
    (void)state;
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    assert_int_equal(python("t = ct.table(path, readonly=False, lockoptions='user', ack=False)\n"
                            "try:\n"
                            "    t.lock(True, 1)\n"
                            "except RuntimeError:\n"
                            "    pass\n"
                            "sys.exit(3 if t.haslock(True) else 0)\n"),
                     0);
    assert_numbers(table, 10, 45);
    assert_int_equal(msio_table_release(table), MSIO_OK);
    assert_int_equal(python("t = ct.table(path, readonly=False, lockoptions='user', ack=False)\n"
                            "t.lock(True, 5)\n"
                            "t.putcell('NUMBER', 0, 55)\n"
                            "t.unlock()\n"),
                     0);
    assert_numbers(table, 10, 100);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

/* ---------------------------------------------------------------- as opened */

static void a_promise_that_was_kept_is_fine(void **state) {
    (void)state;
    msio_table *table = open_table(MSIO_AS_OPENED, 0);
    assert_numbers(table, 10, 45);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void a_promise_that_was_broken_is_reported_at_close(void **state) {
    (void)state;
    const char *const changes[] = {add_rows, put_numbers};
    for (int i = 0; i < 2; i++) {
        msio_table *table = open_table(MSIO_AS_OPENED, 0);
        int64_t rows, sum = sum_of(table, "NUMBER", &rows);
        assert_true(sum > 0);
        assert_int_equal(python(changes[i]), 0);
        assert_int_equal(msio_table_close(table), MSIO_E_CHANGED);
        assert_int_equal(msio_last_error()->code, MSIO_E_CHANGED);
    }
}

/* ---------------------------------------------------------------- cells that were never written */

static void undefined_cells_are_reported_or_filled(void **state) {
    static const char *const names[] = {"ANY", "LOOSE"};
    (void)state;
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    for (int n = 0; n < 2; n++) {
        const msio_column *column = column_of(table, names[n]);
        int32_t fill = -9, out[20];
        msio_read_opts opts = MSIO_READ_OPTS_INIT;
        assert_int_equal(msio_read(column, NULL, out, sizeof out, NULL), MSIO_E_UNDEFINED);
        assert_non_null(strstr(msio_last_error()->message, "row 6"));
        opts.fill = &fill;
        assert_int_equal(msio_read(column, NULL, out, sizeof out, &opts), MSIO_OK);
        for (int i = 0; i < 20; i++) assert_int_equal(out[i], i / 2 == 6 ? fill : i / 2);
        msio_ragged ragged = {0};
        assert_int_equal(msio_read_ragged(column, NULL, &ragged, NULL), MSIO_OK);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(ragged.defined[i], i != 6);
            assert_int_equal(ragged.ndims[i], i != 6);
            assert_int_equal(ragged.offsets[i + 1] - ragged.offsets[i], i == 6 ? 0 : 2);
        }
        msio_ragged_free(&ragged);
        assert_int_equal(msio_column_describe(column)->can_be_undefined, 1);
    }
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void a_selection_without_the_undefined_row_is_dense(void **state) {
    (void)state;
    msio_table *table = open_table(MSIO_PER_CALL, 0);
    msio_select select = MSIO_SELECT_ALL;
    int32_t out[12];
    select.rows = 6;
    assert_int_equal(msio_read(column_of(table, "ANY"), &select, out, sizeof out, NULL), MSIO_OK);
    for (int i = 0; i < 12; i++) assert_int_equal(out[i], i / 2);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, make_table, remove_table)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_TABLE(rows_that_casacore_adds_are_seen),
        WITH_TABLE(cells_that_casacore_puts_are_seen),
        WITH_TABLE(rows_that_casacore_removes_are_gone),
        WITH_TABLE(a_column_that_is_added_or_removed_is_noticed),
        WITH_TABLE(another_table_put_in_place_is_read),
        WITH_TABLE(a_table_that_went_away_is_reported),
        WITH_TABLE(reads_alone_change_nothing),
        WITH_TABLE(without_locks_changes_between_calls_are_seen),
        WITH_TABLE(without_locks_a_restless_writer_is_reported),
        WITH_TABLE(a_held_table_is_not_checked),
        WITH_TABLE(held_reads_read_no_lock_file),
        WITH_TABLE(a_writer_waits_for_the_hold),
        WITH_TABLE(a_promise_that_was_kept_is_fine),
        WITH_TABLE(a_promise_that_was_broken_is_reported_at_close),
        WITH_TABLE(undefined_cells_are_reported_or_filled),
        WITH_TABLE(a_selection_without_the_undefined_row_is_dense),
    };
    char probe[64];
    alarm(250);
    if (!pack_make_folder(folder)) return 1;
    snprintf(probe, sizeof probe, "%s", folder);
    int missing = python("");
    pack_remove(probe);
    if (missing) {
        printf("skipped: %s has no casacore.tables and numpy\n", test_python());
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
