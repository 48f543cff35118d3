/* test_cursor_put.c - cells put one after the other: in the files when they have to be, seen by everybody else then,
 * lost only as far as casacore would lose them.
 *
 * Oracle: casacore in a Python process, which makes the small tables and reads what was put. */
#include "msio/cache.h"
#include "msio/write.h"

#include "tests/casacore_script.h"
#include "tests/io/simulate/simulated.h"
#include "tests/io/write/value_of_row.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZED 1
#endif
#endif

#define CHANNELS 48
#define CORRS 2
#define VALUES (2 * CHANNELS * CORRS) /* floats of a cell of DATA */

static char folder[64], ms[80], path[80];
static msio_table *table;
static const msio_column *data, *flag, *antenna;
static int64_t rows;

/* Runs Python with casacore.tables as ct, numpy as np, the MS as ms, the small table's path as path. 0 is well. */
static int python(const char *script) {
    char names[256];
    snprintf(names, sizeof names, "ms, path = '%s', '%s'", ms, path);
    return casacore_script(folder, names, script);
}

static msio_table *open_to_write(const char *name, double seconds) {
    msio_open_opts how = MSIO_OPEN_OPTS_INIT;
    msio_table *opened;
    how.writable = 1;
    how.lock_seconds = seconds;
    assert_int_equal(msio_table_open(name, &how, &opened), MSIO_OK);
    return opened;
}

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = simulated_shape(9, 4, 8, CHANNELS);
    alarm(300);
    if (!simulate_or_skip(&opts, folder, "small.ms", ms, sizeof ms)) return -1;
    snprintf(path, sizeof path, "%s/t", folder);
    if (python("")) {
        print_message("skipped: no casacore.tables\n");
        pack_remove(folder);
        exit(77);
    }
    table = open_to_write(ms, 0.3);
    if (msio_table_column(table, "DATA", &data) || msio_table_column(table, "FLAG", &flag) ||
        msio_table_column(table, "ANTENNA1", &antenna))
        return -1;
    rows = msio_table_rows(table);
    return 0;
}

static int finish(void **state) {
    (void)state;
    msio_table_close(table);
    pack_remove(folder);
    return 0;
}

static msio_cursor *cursor_on(const msio_column *column) {
    msio_cursor *c;
    assert_int_equal(msio_cursor_open(column, NULL, &c), MSIO_OK);
    return c;
}

static int32_t antenna_of(int64_t row) { return value_of_row(antenna, row); }

static void put_antenna(msio_cursor *c, int64_t row, int32_t value) {
    assert_int_equal(msio_cursor_put(c, row, &value, sizeof value), MSIO_OK);
}

static void fill_cell(float *cell, int64_t row, int salt) {
    for (int i = 0; i < VALUES; i++) cell[i] = (float)(row * 7 + i + salt);
}

/* Whether another process can have the table's write lock now. */
static bool is_free(void) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        msio_open_opts how = MSIO_OPEN_OPTS_INIT;
        msio_table *mine;
        how.writable = 1;
        how.lock_seconds = 0.05;
        _exit(msio_table_open(ms, &how, &mine) == MSIO_OK && msio_table_hold_write(mine) == MSIO_OK);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* ---------------------------------------------------------------- loops */

static void a_loop_over_all_rows_is_what_casacore_reads(void **state) {
    (void)state;
    float cell[VALUES];
    uint8_t flags[CHANNELS * CORRS];
    msio_cursor *c = cursor_on(data), *f = cursor_on(flag);
    for (int64_t row = 0; row < rows; row++) {
        fill_cell(cell, row, 0);
        for (int i = 0; i < CHANNELS * CORRS; i++) flags[i] = (row + i) % 3 == 0;
        assert_int_equal(msio_cursor_put(c, row, cell, sizeof cell), MSIO_OK);
        assert_int_equal(msio_cursor_put(f, row, flags, sizeof flags), MSIO_OK);
    }
    assert_int_equal(msio_cursor_close(c), MSIO_OK);
    assert_int_equal(msio_cursor_close(f), MSIO_OK);
    assert_true(is_free());
    assert_int_equal(python("t = ct.table(ms, ack=False)\n"
                            "d, f = t.getcol('DATA'), t.getcol('FLAG')\n"
                            "n, i = len(d), np.arange(d[0].size * 2)\n"
                            "want = (np.arange(n)[:, None] * 7 + i).astype('f4')\n"
                            "assert (d.reshape(n, -1).view('f4') == want).all()\n"
                            "i = np.arange(f[0].size)\n"
                            "assert (f.reshape(n, -1) == ((np.arange(n)[:, None] + i) % 3 == 0)).all()\n"),
                     0);
}

/* Others learn of the change before anything else happens, and of its end; in between nothing is written. */
static void counters_go_up_at_the_first_put_and_when_it_is_stored(void **state) {
    (void)state;
    msio_cursor *a = cursor_on(antenna), *f = cursor_on(flag);
    uint8_t flags[CHANNELS * CORRS] = {1};
    uint64_t before = msio_table_glance(table);
    put_antenna(a, 0, 1);
    uint64_t first = msio_table_glance(table);
    assert_true(first != before);
    assert_int_equal(msio_cursor_put(f, 0, flags, sizeof flags), MSIO_OK);
    uint64_t second = msio_table_glance(table);
    assert_true(second != first);
    assert_false(is_free());
    for (int64_t row = 1; row < rows; row++) {
        put_antenna(a, row, (int32_t)row);
        assert_int_equal(msio_cursor_put(f, row, flags, sizeof flags), MSIO_OK);
    }
    assert_true(msio_table_glance(table) == second);
    assert_int_equal(msio_cursor_flush(a), MSIO_OK);
    assert_true(msio_table_glance(table) != second);
    assert_false(is_free()); /* the flags wait still */
    assert_int_equal(msio_cursor_flush(f), MSIO_OK);
    assert_true(is_free());
    assert_int_equal(msio_cursor_flush(f), MSIO_OK);
    msio_cursor_close(a);
    msio_cursor_close(f);
}

static void a_loop_that_reads_and_puts_reads_blocks_and_sees_its_own_cells(void **state) {
    (void)state;
    msio_cursor *c = cursor_on(data);
    float cell[VALUES], want[VALUES];
    msio_cursor_stats stats;
    for (int64_t row = 0; row < rows; row++) {
        fill_cell(want, row, 0);
        assert_int_equal(msio_cursor_get(c, row, cell, sizeof cell), MSIO_OK);
        assert_memory_equal(cell, want, sizeof cell);
        for (int i = 0; i < VALUES; i++) cell[i] += 1;
        assert_int_equal(msio_cursor_put(c, row, cell, sizeof cell), MSIO_OK);
        assert_int_equal(msio_cursor_get(c, row, want, sizeof want), MSIO_OK);
        assert_memory_equal(cell, want, sizeof cell);
    }
    msio_cursor_describe(c, &stats);
    assert_true(stats.reads < 40);
    for (int64_t row = 0; row < rows; row += 97) {
        fill_cell(want, row, 1);
        assert_int_equal(msio_cursor_get(c, row, cell, sizeof cell), MSIO_OK);
        assert_memory_equal(cell, want, sizeof cell);
    }
    assert_int_equal(msio_cursor_close(c), MSIO_OK);
}

static void any_order_the_later_of_two_wins(void **state) {
    (void)state;
    msio_cursor *a = cursor_on(antenna);
    for (int64_t i = 0; i < 3 * rows; i++) put_antenna(a, i * 7919 % rows, (int32_t)i);
    assert_int_equal(msio_cursor_flush(a), MSIO_OK);
    for (int64_t i = 2 * rows; i < 3 * rows; i++) assert_int_equal(antenna_of(i * 7919 % rows), i);
    msio_cursor_close(a);
}

/* ---------------------------------------------------------------- when it is stored */

static void other_calls_of_this_process_see_what_was_put(void **state) {
    (void)state;
    msio_cursor *a = cursor_on(antenna), *b = cursor_on(antenna);
    msio_table *other = open_to_write(ms, 0.3);
    const msio_column *same;
    int32_t value = 0, all = 5;
    assert_int_equal(msio_table_column(other, "ANTENNA1", &same), MSIO_OK);
    msio_cursor *elsewhere = cursor_on(same);
    assert_int_equal(msio_write_value(antenna, NULL, &all, sizeof all, NULL), MSIO_OK);
    for (int32_t i = 0; i < 40; i++) {
        put_antenna(i % 2 ? a : b, 3, i); /* two cursors: in the order of the puts */
        assert_int_equal(msio_cursor_get(i % 3 ? elsewhere : a, 3, &value, sizeof value), MSIO_OK);
        assert_int_equal(value, i);
        assert_int_equal(antenna_of(3), i);
    }
    put_antenna(a, 4, 1);
    put_antenna(b, 4, 2);
    put_antenna(elsewhere, 4, 3);
    put_antenna(a, 4, 4);
    assert_int_equal(antenna_of(4), 4);
    put_antenna(a, 4, 6);
    assert_int_equal(msio_write_value(same, NULL, &all, sizeof all, NULL), MSIO_OK);
    assert_int_equal(antenna_of(4), 5);
    msio_cursor_close(a);
    msio_cursor_close(b);
    msio_cursor_close(elsewhere);
    msio_table_close(other);
}

static void a_release_stores_what_its_hold_put(void **state) {
    (void)state;
    msio_cursor *a = cursor_on(antenna);
    assert_int_equal(msio_table_hold_write(table), MSIO_OK);
    for (int64_t row = 0; row < 10; row++) put_antenna(a, row, 900 + (int32_t)row);
    assert_int_equal(msio_table_release(table), MSIO_OK);
    assert_true(is_free());
    assert_int_equal(python("assert list(ct.table(ms, ack=False).getcol('ANTENNA1', 0, 10)) == list(range(900, 910))"),
                     0);
    msio_cursor_close(a);
}

/* A column whose own writes changed the file that its description is read from. */
static void a_hold_after_writes_can_write_and_its_cursors_see_it(void **state) {
    (void)state;
    int32_t all = 31, value = 0;
    assert_int_equal(msio_write_value(antenna, NULL, &all, sizeof all, NULL), MSIO_OK);
    assert_int_equal(msio_table_hold_write(table), MSIO_OK);
    msio_cursor *a = cursor_on(antenna);
    for (int64_t row = 0; row < 8; row++) {
        assert_int_equal(msio_cursor_get(a, row, &value, sizeof value), MSIO_OK);
        assert_int_equal(value, all);
    }
    assert_true(msio_cursor_has(a, 8));
    all = 32;
    assert_int_equal(msio_write_value(antenna, NULL, &all, sizeof all, NULL), MSIO_OK);
    assert_int_equal(msio_cursor_get(a, 8, &value, sizeof value), MSIO_OK);
    assert_int_equal(value, all);
    msio_cursor_close(a);
    assert_int_equal(msio_table_release(table), MSIO_OK);
    assert_true(is_free());
}

static void sixteen_mebibytes_are_stored_at_once(void **state) {
    (void)state;
    msio_cursor *c = cursor_on(data);
    float cell[VALUES];
    int64_t stored = 0;
    uint64_t last = 0;
    for (int64_t i = 0; i < 45000; i++) {
        fill_cell(cell, i % rows, 3);
        assert_int_equal(msio_cursor_put(c, i % rows, cell, sizeof cell), MSIO_OK);
        uint64_t now = msio_table_glance(table);
        stored += i > 0 && now != last;
        last = now;
    }
    assert_int_equal(stored, 45000 / ((16 << 20) / (sizeof cell + 8)));
    assert_int_equal(msio_cursor_close(c), MSIO_OK);
}

/* ---------------------------------------------------------------- forks and ends */

static void a_child_drops_its_parents_cells(void **state) {
    (void)state;
#ifdef THREAD_SANITIZED
    skip(); /* it ends a child of a process with threads that begins one */
#endif
    int status;
    int32_t all = 5, value = 0;
    msio_cursor *a = cursor_on(antenna);
    assert_int_equal(msio_write_value(antenna, NULL, &all, sizeof all, NULL), MSIO_OK);
    put_antenna(a, 1, 61);
    pid_t child = fork();
    if (child == 0) {
        if (msio_cursor_put(a, 2, &all, sizeof all) != MSIO_E_LOCKED) _exit(1); /* the parent's lock */
        if (msio_cursor_flush(a) != MSIO_OK) _exit(2);
        if (msio_cursor_close(a) != MSIO_OK) _exit(3);
        _exit(msio_table_close(table) == MSIO_OK ? 0 : 4);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    put_antenna(a, 2, 62);
    assert_int_equal(msio_cursor_flush(a), MSIO_OK);
    assert_int_equal(antenna_of(1), 61);
    assert_int_equal(antenna_of(2), 62);
    put_antenna(a, 1, 63);
    assert_int_equal(msio_cursor_flush(a), MSIO_OK);
    child = fork();
    if (child == 0) { /* nothing waits: the child's own puts are its own */
        value = 64;
        if (msio_cursor_put(a, 1, &value, sizeof value) != MSIO_OK) _exit(1);
        _exit(msio_cursor_close(a));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(antenna_of(1), 64);
    msio_cursor_close(a);
}

static void a_kill_loses_only_what_waits(void **state) {
    (void)state;
    int status;
    int32_t all = 5;
    assert_int_equal(msio_write_value(antenna, NULL, &all, sizeof all, NULL), MSIO_OK);
    pid_t child = fork();
    if (child == 0) {
        msio_open_opts how = MSIO_OPEN_OPTS_INIT;
        msio_table *mine;
        const msio_column *column;
        msio_cursor *c;
        int32_t value = 7;
        how.writable = 1;
        if (msio_table_open(ms, &how, &mine) || msio_table_column(mine, "ANTENNA1", &column) ||
            msio_cursor_open(column, NULL, &c))
            _exit(1);
        if (msio_cursor_put(c, 1, &value, sizeof value) || msio_cursor_flush(c)) _exit(2);
        if (msio_cursor_put(c, 2, &value, sizeof value)) _exit(3);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(is_free());
    assert_int_equal(python("assert list(ct.table(ms, ack=False).getcol('ANTENNA1', 0, 4)) == [5, 7, 5, 5]"), 0);
}

typedef struct reading {
    atomic_int stop;
    int32_t least;
    bool torn;
} reading;

/* Sees the cells of one put in any call, and never an older one after a newer one. */
static void *read_on(void *user) {
    reading *r = user;
    while (!atomic_load(&r->stop)) {
        int32_t value = antenna_of(5);
        r->torn = r->torn || value < r->least;
        r->least = value;
    }
    return NULL;
}

static void another_thread_reads_meanwhile(void **state) {
    (void)state;
    reading r = {.least = 0};
    pthread_t thread;
    msio_cursor *a = cursor_on(antenna);
    put_antenna(a, 5, 0);
    assert_int_equal(pthread_create(&thread, NULL, read_on, &r), 0);
    for (int32_t i = 1; i <= 3000; i++) put_antenna(a, 5, i);
    atomic_store(&r.stop, 1);
    pthread_join(thread, NULL);
    assert_false(r.torn);
    assert_int_equal(antenna_of(5), 3000);
    msio_cursor_close(a);
}

typedef struct other_cursor {
    msio_cursor *cursor;
    int32_t value;
    msio_status put, flushed;
} other_cursor;

static void *put_and_flush(void *user) {
    other_cursor *o = user;
    o->put = msio_cursor_put(o->cursor, 7, &o->value, sizeof o->value);
    o->flushed = msio_cursor_flush(o->cursor);
    return NULL;
}

/* Two handles, two threads: what the one has put, and lets lie, comes between the other's look and its wait. */
static void another_threads_cells_are_not_waited_for(void **state) {
    (void)state;
    const msio_column *column;
    other_cursor o = {.value = 100};
    msio_table *own = open_to_write(ms, 1);
    assert_int_equal(msio_table_column(own, "ANTENNA1", &column), MSIO_OK);
    msio_cursor *a = cursor_on(antenna);
    o.cursor = cursor_on(column);
    for (int32_t round = 0; round < 20; round++) {
        pthread_t thread;
        o.value = 100 + round;
        assert_int_equal(msio_table_hold_write(table), MSIO_OK);
        assert_int_equal(pthread_create(&thread, NULL, put_and_flush, &o), 0);
        usleep(5000); /* it waits for the hold */
        assert_int_equal(msio_table_release(table), MSIO_OK);
        put_antenna(a, 6, round);
        pthread_join(thread, NULL);
        assert_int_equal(o.put, MSIO_OK);
        assert_int_equal(o.flushed, MSIO_OK);
        assert_int_equal(antenna_of(6), round);
        assert_int_equal(antenna_of(7), o.value);
    }
    assert_int_equal(msio_cursor_close(a), MSIO_OK);
    assert_int_equal(msio_cursor_close(o.cursor), MSIO_OK);
    assert_int_equal(msio_table_close(own), MSIO_OK);
}

/* ---------------------------------------------------------------- shapes, views, errors */

static const char make_views[] =
    "t = ct.table(path, ct.maketabdesc([ct.makescacoldesc('NUMBER', 0),\n"
    "    ct.makearrcoldesc('VARY', 0.0, ndim=2, datamanagertype='TiledShapeStMan', datamanagergroup='v',\n"
    "                      valuetype='float')]), nrow=40, ack=False)\n"
    "t.putcol('NUMBER', np.arange(40))\n"
    "for i in range(40):\n"
    "    if i % 10 != 9: t.putcell('VARY', i, np.full((i % 9 + 1, 2), i, 'f4'))\n"
    "t.close()\n"
    "t = ct.table(path, ack=False)\n"
    "s = t.query('NUMBER % 2 == 1', name=path + '.odd', columns='NUMBER, VARY as OTHER')\n"
    "s.close()\n";

static void cells_of_many_shapes_and_errors(void **state) {
    (void)state;
    float cell[18];
    const msio_column *vary, *number;
    assert_int_equal(python(make_views), 0);
    msio_table *t = open_to_write(path, 0.3);
    assert_int_equal(msio_table_column(t, "VARY", &vary), MSIO_OK);
    assert_int_equal(msio_table_column(t, "NUMBER", &number), MSIO_OK);
    msio_cursor *c = cursor_on(vary);
    for (int round = 0; round < 2; round++)
        for (int64_t row = 0; row < 40; row++) {
            size_t n = 2 * (size_t)(row % 9 + 1);
            for (size_t i = 0; i < n; i++) cell[i] = (float)(100 * row + (int64_t)i + round);
            msio_status status = msio_cursor_put(c, row, cell, n * sizeof *cell);
            assert_int_equal(status, row % 10 == 9 ? MSIO_E_UNDEFINED : MSIO_OK);
        }
    assert_int_equal(msio_cursor_put(c, 1, cell, 3), MSIO_E_SIZE);
    assert_int_equal(msio_cursor_put(c, 40, cell, 8), MSIO_E_RANGE);
    assert_int_equal(msio_cursor_put(c, -1, cell, 8), MSIO_E_RANGE);
    assert_int_equal(msio_cursor_put(NULL, 0, cell, 8), MSIO_E_ARGUMENT);
    assert_int_equal(msio_cursor_close(c), MSIO_OK);
    c = cursor_on(number);
    assert_int_equal(msio_cursor_put(c, 0, cell, 8), MSIO_E_SIZE);
    assert_int_equal(msio_cursor_close(c), MSIO_OK);
    msio_table_close(t);
    assert_int_equal(python("t = ct.table(path, ack=False)\n"
                            "for i in range(40):\n"
                            "    assert t.iscelldefined('VARY', i) == (i % 10 != 9)\n"
                            "    if i % 10 != 9:\n"
                            "        got = t.getcell('VARY', i)\n"
                            "        assert got.shape == (i % 9 + 1, 2)\n"
                            "        assert (got.ravel() == 100 * i + 1 + np.arange(got.size)).all()\n"),
                     0);
    assert_int_equal(msio_table_open(path, NULL, &t), MSIO_OK); /* for reading */
    assert_int_equal(msio_table_column(t, "NUMBER", &number), MSIO_OK);
    c = cursor_on(number);
    assert_int_equal(msio_cursor_put(c, 0, cell, 4), MSIO_E_ARGUMENT);
    assert_int_equal(msio_cursor_close(c), MSIO_OK);
    msio_table_close(t);
}

static void through_a_reference_to_the_roots_rows(void **state) {
    (void)state;
    char odd[96];
    float cell[18], got[18];
    const msio_column *other, *vary;
    snprintf(odd, sizeof odd, "%s.odd", path);
    msio_table *t = open_to_write(odd, 0.3), *root = open_to_write(path, 0.3);
    assert_int_equal(msio_table_column(t, "OTHER", &other), MSIO_OK);
    assert_int_equal(msio_table_column(root, "VARY", &vary), MSIO_OK);
    msio_cursor *c = cursor_on(other), *r = cursor_on(vary);
    for (int round = 0; round < 3; round++)
        for (int64_t i = 0; i < 4; i++) {
            size_t n = 2 * (size_t)((2 * i + 1) % 9 + 1);
            for (size_t k = 0; k < n; k++) cell[k] = (float)(round - i);
            assert_int_equal(msio_cursor_put(c, i, cell, n * sizeof *cell), MSIO_OK);
            if (round < 2) continue;
            assert_int_equal(msio_cursor_get(r, 2 * i + 1, got, sizeof got), MSIO_OK);
            assert_memory_equal(got, cell, n * sizeof *cell);
        }
    msio_cursor_close(c);
    msio_cursor_close(r);
    msio_table_close(t);
    msio_table_close(root);
    assert_int_equal(python("t = ct.table(path, ack=False)\n"
                            "assert all((t.getcell('VARY', 2 * i + 1) == 2 - i).all() for i in range(4))\n"
                            "assert t.getcell('VARY', 2)[0, 0] == 201"),
                     0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_over_all_rows_is_what_casacore_reads),
        cmocka_unit_test(counters_go_up_at_the_first_put_and_when_it_is_stored),
        cmocka_unit_test(a_loop_over_all_rows_is_what_casacore_reads),
        cmocka_unit_test(a_loop_that_reads_and_puts_reads_blocks_and_sees_its_own_cells),
        cmocka_unit_test(any_order_the_later_of_two_wins),
        cmocka_unit_test(other_calls_of_this_process_see_what_was_put),
        cmocka_unit_test(a_release_stores_what_its_hold_put),
        cmocka_unit_test(a_hold_after_writes_can_write_and_its_cursors_see_it),
        cmocka_unit_test(sixteen_mebibytes_are_stored_at_once),
        cmocka_unit_test(a_child_drops_its_parents_cells),
        cmocka_unit_test(a_kill_loses_only_what_waits),
        cmocka_unit_test(another_thread_reads_meanwhile),
        cmocka_unit_test(another_threads_cells_are_not_waited_for),
        cmocka_unit_test(cells_of_many_shapes_and_errors),
        cmocka_unit_test(through_a_reference_to_the_roots_rows),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
