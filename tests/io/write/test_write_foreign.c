/* test_write_foreign.c - what casacore has to put, put by msio's own calls: in a process of casacore's, under the lock
 * that the caller has.
 *
 * Oracle: casacore in a Python process, which makes the table and reads what was put. */
#include "msio/write.h"

#include "tests/casacore_script.h"
#include "tests/fuzz/table_pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ROWS 60

static char folder[64], path[80];
static msio_table *table;

/* Runs Python with casacore.tables as ct, numpy as np, the table's path as path. 0 is well. */
static int python(const char *script) {
    char names[128];
    snprintf(names, sizeof names, "path = '%s'", path);
    return casacore_script(folder, names, script);
}

/* LATER has cells in its first ten rows, EMPTY in none, CELLS (of TiledCellStMan) in none. */
static const char make[] =
    "d = [ct.makescacoldesc('ISM', 0, datamanagertype='IncrementalStMan', datamanagergroup='i'),\n"
    "     ct.makearrcoldesc('ISMA', 0.0, ndim=2, shape=[3, 4], options=5, datamanagertype='IncrementalStMan',\n"
    "                       datamanagergroup='i'),\n"
    "     ct.makescacoldesc('NAME', ''), ct.makearrcoldesc('WORDS', '', ndim=1),\n"
    "     ct.makearrcoldesc('EMPTY', 0.0, ndim=2, valuetype='float'),\n"
    "     ct.makearrcoldesc('LATER', 0, ndim=1),\n"
    "     ct.makearrcoldesc('CELLS', 0.0, ndim=2, valuetype='float', datamanagertype='TiledCellStMan',\n"
    "                       datamanagergroup='c'),\n"
    "     ct.makescacoldesc('OLD', 0, datamanagertype='StManAipsIO', datamanagergroup='a'),\n"
    "     ct.makescacoldesc('OLDFLAG', False, datamanagertype='StManAipsIO', datamanagergroup='a'),\n"
    "     ct.makescacoldesc('PLAIN', 0)]\n"
    "t = ct.table(path, ct.maketabdesc(d), nrow=60, ack=False)\n"
    "i = np.arange(60)\n"
    "for c in ('ISM', 'OLD', 'PLAIN'): t.putcol(c, i)\n"
    "t.putcol('ISMA', np.zeros((60, 3, 4)) + i[:, None, None] // 20)\n"
    "t.putcol('NAME', ['name %d' % k for k in i])\n"
    "for k in range(10): t.putcell('LATER', k, np.full(k + 1, k))\n"
    "for k in range(60): t.putcell('WORDS', k, ['a', 'b'])\n"
    "t.close()\n";

static int start(void **state) {
    (void)state;
    msio_open_opts how = MSIO_OPEN_OPTS_INIT;
    alarm(100);
    if (!pack_make_folder(folder)) return -1;
    snprintf(path, sizeof path, "%s/t", folder);
    if (python(make)) {
        print_message("skipped: no casacore.tables\n");
        pack_remove(folder);
        exit(77);
    }
    how.writable = 1;
    return msio_table_open(path, &how, &table) ? -1 : 0;
}

static int finish(void **state) {
    (void)state;
    msio_table_close(table);
    pack_remove(folder);
    return 0;
}

static const msio_column *column_of(const char *name) {
    const msio_column *column;
    assert_int_equal(msio_table_column(table, name, &column), MSIO_OK);
    return column;
}

static msio_select rows_of(int64_t row, int64_t rows, int64_t step) {
    msio_select s = MSIO_SELECT_ALL;
    s.row = row;
    s.rows = rows;
    s.row_step = step;
    return s;
}

static void written(msio_status status) {
    if (status) print_message("%s\n", msio_last_error()->message);
    assert_int_equal(status, MSIO_OK);
}

/* ---------------------------------------------------------------- */

static void columns_tell_who_writes_them(void **state) {
    (void)state;
    static const char *const by_casacore[] = {"WORDS", "OLD"}, *const some[] = {"ISM", "ISMA", "NAME"};
    msio_write_plan plan = MSIO_WRITE_PLAN_INIT;
    for (size_t i = 0; i < sizeof by_casacore / sizeof *by_casacore; i++) {
        const msio_column_info *info = msio_column_describe(column_of(by_casacore[i]));
        assert_non_null(info);
        assert_false(info->writable);
        assert_non_null(info->why_not_writable);
    }
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        const msio_column_info *info = msio_column_describe(column_of(some[i]));
        assert_non_null(info);
        assert_true(info->writable);
        assert_non_null(info->why_not_writable);
    }
    const msio_column_info *plain = msio_column_describe(column_of("PLAIN"));
    assert_true(plain->writable);
    assert_null(plain->why_not_writable);
    msio_select part = rows_of(10, 20, 2); /* of ISMA's values each holds for 20 rows */
    assert_int_equal(msio_write_plan_make(column_of("ISMA"), &part, NULL, &plan), MSIO_OK);
    assert_false(plan.native);
    assert_true(plan.why_not[0]);
    assert_int_equal(msio_write_plan_make(column_of("ISMA"), NULL, NULL, &plan), MSIO_OK);
    assert_true(plan.native);
    assert_int_equal(msio_write_plan_make(column_of("OLD"), NULL, NULL, &plan), MSIO_OK);
    assert_false(plan.native);
}

static void scalars_and_parts_of_arrays(void **state) {
    (void)state;
    int32_t values[ROWS];
    double part[10][3][2];
    msio_select s = rows_of(5, 20, 2);
    for (int i = 0; i < ROWS; i++) values[i] = 1000 + i;
    written(msio_write(column_of("ISM"), &s, values, 20 * sizeof *values, NULL));
    s = rows_of(0, -1, 3);
    written(msio_write(column_of("OLD"), &s, values, 20 * sizeof *values, NULL));
    written(msio_write_value(column_of("OLDFLAG"), &s, (uint8_t[]){1}, 1, NULL));
    s = rows_of(10, 10, 1);
    s.corr = 1;
    s.corrs = 2;
    s.corr_step = 2;
    for (int i = 0; i < 10; i++)
        for (int k = 0; k < 6; k++) part[i][k / 2][k % 2] = 100 * i + k;
    written(msio_write(column_of("ISMA"), &s, part, sizeof part, NULL));
    const msio_column *both[] = {column_of("PLAIN"), column_of("ISM")};
    int64_t list[] = {50, 2, 50};
    s = (msio_select)MSIO_SELECT_ALL;
    s.row_list = list;
    s.rows_in_list = 3;
    written(msio_write_many(2, both, &s, (const void *[]){values, values + 10},
                            (size_t[]){3 * sizeof *values, 3 * sizeof *values}, NULL));
    assert_int_equal(python("t = ct.table(path, ack=False)\n"
                            "i = np.arange(60)\n"
                            "w = i.copy(); w[5:45:2] = 1000 + np.arange(20); w[[2, 50]] = 1011, 1012\n"
                            "assert (t.getcol('ISM') == w).all(), t.getcol('ISM')\n"
                            "w = i.copy(); w[::3] = 1000 + np.arange(20)\n"
                            "assert (t.getcol('OLD') == w).all()\n"
                            "assert (t.getcol('OLDFLAG') == (i % 3 == 0)).all()\n"
                            "w = i.copy(); w[[2, 50]] = 1001, 1002\n"
                            "assert (t.getcol('PLAIN') == w).all()\n"
                            "a = t.getcol('ISMA'); w = np.zeros((60, 3, 4)) + i[:, None, None] // 20\n"
                            "w[10:20, :, 1::2] = (100 * np.arange(10)[:, None] + np.arange(6)).reshape(10, 3, 2)\n"
                            "assert (a == w).all()\n"),
                     0);
}

/* A put of IncrementalStMan's last row makes casacore change rows before it: it is not asked. */
static void the_last_row_alone_is_refused(void **state) {
    (void)state;
    double before[ROWS][12], after[ROWS][12], value[12] = {7};
    msio_select s = rows_of(ROWS - 1, 1, 1);
    written(msio_read(column_of("ISMA"), NULL, before, sizeof before, NULL));
    assert_int_equal(msio_write(column_of("ISMA"), &s, value, sizeof value, NULL), MSIO_E_UNSUPPORTED);
    written(msio_read(column_of("ISMA"), NULL, after, sizeof after, NULL));
    assert_memory_equal(before, after, sizeof before);
}

/* Rows that have a value of IncrementalStMan's are written where it lies, when they are all of them and get the same:
 * the file keeps its size, and what lies between does not change. */
static void whole_values_are_written_in_place(void **state) {
    (void)state;
    double values[40][12];
    int32_t last = 9, got[ROWS];
    msio_write_opts opts = MSIO_WRITE_OPTS_INIT;
    msio_select s = rows_of(20, 40, 1);
    for (int i = 0; i < 40; i++)
        for (int k = 0; k < 12; k++) values[i][k] = 100 * (i / 20) + k;
    opts.atomic = 1; /* which casacore cannot */
    written(msio_write(column_of("ISMA"), &s, values, sizeof values, &opts));
    values[30][5]++; /* one row of the last value's gets another: only casacore can */
    assert_int_equal(msio_write(column_of("ISMA"), &s, values, sizeof values, &opts), MSIO_E_UNSUPPORTED);
    s.rows = 39;
    assert_int_equal(msio_write(column_of("ISMA"), &s, values, 39 * sizeof *values, &opts), MSIO_E_UNSUPPORTED);
    s = rows_of(ROWS - 1, 1, 1); /* whose value is its own */
    written(msio_write(column_of("ISM"), &s, &last, sizeof last, &opts));
    written(msio_read(column_of("ISM"), NULL, got, sizeof got, NULL));
    for (int i = 0; i < ROWS; i++) assert_int_equal(got[i], i == 3 ? 5 : i == ROWS - 1 ? 9 : 77);
    assert_int_equal(python("t = ct.table(path, ack=False)\n"
                            "a = t.getcol('ISMA', 20)\n"
                            "w = 100 * (np.arange(40)[:, None] // 20) + np.arange(12)\n"
                            "assert (a == w.reshape(40, 3, 4)).all(), a\n"
                            "assert t.getcell('ISM', 59) == 9 and t.getcell('ISM', 58) == 77\n"),
                     0);
}

/* Strings that lie in their cells: both lengths of at most 8 bytes. */
static void short_strings_are_written_in_place(void **state) {
    (void)state;
    static char text[] = "oneninecharsabcdefgh";
    int64_t offsets[] = {0, 1, 2, 3}, shapes[3 * MSIO_MAX_NDIM] = {0}, ends[] = {0, 3, 3, 3};
    int8_t ndims[3] = {0};
    uint8_t defined[] = {1, 1, 0};
    msio_ragged r = {MSIO_STRING, 3, offsets, shapes, ndims, defined, NULL, 3, ends, text};
    msio_write_opts opts = MSIO_WRITE_OPTS_INIT;
    int64_t rows[] = {22, 7, 50};
    msio_select s = MSIO_SELECT_ALL;
    s.row_list = rows;
    s.rows_in_list = 3;
    opts.atomic = 1;
    written(msio_write_ragged(column_of("NAME"), &s, &r, &opts)); /* "name 22", "name 7" */
    ends[1] = 12;                                                 /* of nine bytes and more */
    assert_int_equal(msio_write_ragged(column_of("NAME"), &s, &r, &opts), MSIO_E_UNSUPPORTED);
    ends[1] = 3;
    rows[0] = 15; /* which has fifteen bytes now */
    assert_int_equal(msio_write_ragged(column_of("NAME"), &s, &r, &opts), MSIO_E_UNSUPPORTED);
    assert_int_equal(python("t = ct.table(path, ack=False)\n"
                            "assert [t.getcell('NAME', k) for k in (22, 7, 50)] == ['one', '', 'name 50']\n"
                            "assert t.getcell('NAME', 15) == 15 * 'x' and t.getcell('NAME', 21) == 'name 21'\n"),
                     0);
}

static void cells_that_were_never_written(void **state) {
    (void)state;
    float values[ROWS * 6];
    msio_write_opts opts = MSIO_WRITE_OPTS_INIT;
    for (int i = 0; i < ROWS * 6; i++) values[i] = (float)i;
    msio_select s = rows_of(20, 10, 1);
    assert_int_equal(msio_write(column_of("EMPTY"), &s, values, 10 * 24, NULL), MSIO_E_UNDEFINED);
    opts.cell_ndim = 2;
    opts.cell_shape[0] = 2;
    opts.cell_shape[1] = 3;
    written(msio_write(column_of("EMPTY"), &s, values, 10 * 24, &opts));
    written(msio_write(column_of("CELLS"), &s, values, 10 * 24, &opts));
    s.corrs = 1;
    s.row = 40;
    assert_int_equal(msio_write(column_of("EMPTY"), &s, values, 10 * 8, &opts), MSIO_E_UNDEFINED);
    opts.atomic = 1;
    s = rows_of(40, 10, 1);
    assert_int_equal(msio_write(column_of("EMPTY"), &s, values, 10 * 24, &opts), MSIO_E_UNSUPPORTED);
    assert_int_equal(
        python("t = ct.table(path, ack=False)\n"
               "for c in ('EMPTY', 'CELLS'):\n"
               "    assert [t.iscelldefined(c, k) for k in range(60)] == [20 <= k < 30 for k in range(60)]\n"
               "    for k in range(10):\n"
               "        w = (6 * k + np.arange(6)).reshape(2, 3)\n"
               "        assert (t.getcell(c, 20 + k) == w).all()\n"),
        0);
}

/* As msio_read_ragged gives them: of other lengths, shapes and numbers than before; and read again. */
static void ragged_cells_and_strings(void **state) {
    (void)state;
    msio_ragged r, again;
    msio_select s = rows_of(0, 20, 1);
    written(msio_read_ragged(column_of("NAME"), &s, &r, NULL));
    msio_ragged long_ones = r;
    char text[400];
    int64_t offsets[21] = {0};
    for (int i = 0; i < 20; i++) offsets[i + 1] = offsets[i] + i;
    memset(text, 'x', sizeof text);
    long_ones.text = text;
    long_ones.text_offsets = offsets;
    r.defined[7] = 0;
    written(msio_write_ragged(column_of("NAME"), &s, &long_ones, NULL));
    written(msio_read_ragged(column_of("NAME"), &s, &again, NULL));
    for (int i = 0; i < 20; i++)
        assert_int_equal(again.text_offsets[i + 1] - again.text_offsets[i], i == 7 ? 6 : i); /* "name 7" stayed */
    msio_ragged_free(&again);
    msio_ragged_free(&r);

    written(msio_read_ragged(column_of("LATER"), &s, &r, NULL)); /* rows 10 to 19 were never written */
    s.row = 30;
    written(msio_write_ragged(column_of("LATER"), &s, &r, NULL));
    s.row = 0;
    for (int64_t i = 0; i < r.offsets[20]; i++) ((int32_t *)r.data)[i] += 500;
    written(msio_write_ragged(column_of("LATER"), &s, &r, NULL)); /* keep their shapes: in place */
    s.rows = 19;
    assert_int_equal(msio_write_ragged(column_of("LATER"), &s, &r, NULL), MSIO_E_SIZE);
    s.rows = 20;
    assert_int_equal(msio_write_ragged(column_of("NAME"), &s, &r, NULL), MSIO_E_ARGUMENT);
    s.corrs = 1;
    assert_int_equal(msio_write_ragged(column_of("LATER"), &s, &r, NULL), MSIO_E_ARGUMENT);
    msio_ragged_free(&r);

    s = rows_of(3, 2, 1);
    written(msio_read_ragged(column_of("WORDS"), &s, &r, NULL));
    int64_t shapes[2 * MSIO_MAX_NDIM] = {3, [MSIO_MAX_NDIM] = 0}, cells[] = {0, 3, 3}, words[] = {0, 2, 2, 27};
    msio_ragged others = r;
    others.shapes = shapes;
    others.offsets = cells;
    others.text_offsets = words;
    others.text = text;
    written(msio_write_ragged(column_of("WORDS"), &s, &others, NULL));
    msio_ragged_free(&r);
    assert_int_equal(python("t = ct.table(path, ack=False)\n"
                            "assert t.getcol('NAME', 0, 20) == ['name 7' if k == 7 else 'x' * k for k in range(20)]\n"
                            "assert t.getcell('NAME', 20) == 'name 20'\n"
                            "for k in range(10):\n"
                            "    assert (t.getcell('LATER', k) == np.full(k + 1, k + 500)).all()\n"
                            "    assert (t.getcell('LATER', 30 + k) == np.full(k + 1, k)).all()\n"
                            "    assert not t.iscelldefined('LATER', 40 + k)\n"
                            "assert t.getcell('WORDS', 3) == ['xx', '', 'x' * 25], t.getcell('WORDS', 3)\n"
                            "assert len(t.getcell('WORDS', 4)) == 0 and t.getcell('WORDS', 5) == ['a', 'b']\n"),
                     0);
}

/* The helper has the caller's lock: nobody comes between, and nothing waits for itself. */
static void within_a_hold_and_streams_and_copies(void **state) {
    (void)state;
    int32_t value = 4, got[ROWS];
    msio_write_stream *stream;
    msio_write_batch *batch;
    msio_write_stream_opts opts = MSIO_WRITE_STREAM_OPTS_INIT;
    assert_int_equal(msio_table_hold_write(table), MSIO_OK);
    written(msio_write_value(column_of("ISM"), NULL, &value, sizeof value, NULL));
    written(msio_read(column_of("ISM"), NULL, got, sizeof got, NULL));
    for (int i = 0; i < ROWS; i++) assert_int_equal(got[i], 4);
    assert_int_not_equal(python("import signal; signal.alarm(1)\n"
                                "t = ct.table(path, readonly=False, ack=False, lockoptions='user')\n"
                                "t.lock(True, 1)\n"),
                         0); /* still held */
    assert_int_equal(msio_table_release(table), MSIO_OK);
    opts.rows_per_batch = 7;
    written(msio_write_stream_open(table, 2, (const char *[]){"OLD", "PLAIN"}, NULL, &opts, &stream));
    msio_status status;
    while (!(status = msio_write_stream_next(stream, &batch)))
        for (int64_t i = 0; i < batch->rows; i++)
            ((int32_t *)batch->arrays[0].data)[i] = ((int32_t *)batch->arrays[1].data)[i] = (int32_t)(batch->row + i);
    assert_int_equal(status, MSIO_END);
    written(msio_write_stream_close(stream));
    written(msio_column_copy(column_of("OLD"), column_of("ISM"), NULL, NULL));
    assert_int_equal(python("t = ct.table(path, readonly=False, ack=False)\n"
                            "t.lock(True, 1)\n"
                            "for c in ('ISM', 'OLD', 'PLAIN'): assert (t.getcol(c) == np.arange(60)).all()\n"),
                     0);
}

/* A casacore process that has the table open sees the cells, and writes back nothing old. */
static void a_casacore_process_beside_sees_it(void **state) {
    (void)state;
    int32_t value = 77;
    char gate[100];
    snprintf(gate, sizeof gate, "%s/gate", folder);
    pid_t child = fork();
    if (child == 0)
        _exit(python("t = ct.table(path, readonly=False, ack=False, lockoptions='user')\n"
                     "import time\n"
                     "t.lock(False); assert t.getcell('ISM', 9) == 9; t.unlock()\n"
                     "open(path + '/../ready', 'w')\n"
                     "while not os.path.exists(path + '/../gate'): time.sleep(.01)\n"
                     "t.lock(True)\n"
                     "assert (t.getcol('ISM') == 77).all()\n"
                     "t.putcell('ISM', 3, 5)\n"
                     "t.unlock(); t.close()\n") == 0
                  ? 0
                  : 1);
    char ready[100];
    snprintf(ready, sizeof ready, "%s/ready", folder);
    while (access(ready, F_OK)) usleep(10000);
    written(msio_write_value(column_of("ISM"), NULL, &value, sizeof value, NULL));
    fclose(fopen(gate, "w"));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    int32_t got[ROWS];
    written(msio_read(column_of("ISM"), NULL, got, sizeof got, NULL));
    for (int i = 0; i < ROWS; i++) assert_int_equal(got[i], i == 3 ? 5 : 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_tell_who_writes_them),         cmocka_unit_test(scalars_and_parts_of_arrays),
        cmocka_unit_test(cells_that_were_never_written),        cmocka_unit_test(ragged_cells_and_strings),
        cmocka_unit_test(within_a_hold_and_streams_and_copies), cmocka_unit_test(a_casacore_process_beside_sees_it),
        cmocka_unit_test(the_last_row_alone_is_refused),        cmocka_unit_test(whole_values_are_written_in_place),
        cmocka_unit_test(short_strings_are_written_in_place),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
