/* test_write_fork.c - children of fork, made while their parent writes: they write nothing of the parent's, and what is
 * theirs only under locks of their own. */
#include "msio/write.h"

#include "tests/io/simulate/simulated.h"
#include "tests/io/write/value_of_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

static char folder[64], ms[80];
static msio_table *table;
static const msio_column *column;
static int64_t rows;

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = simulated_shape(24, 8, 8, 48); /* a DATA of 15 MB: progress is told of every 8 MiB */
    msio_open_opts how = MSIO_OPEN_OPTS_INIT;
    alarm(120);
    if (!simulate_or_skip(&opts, folder, "small.ms", ms, sizeof ms)) return -1;
    how.writable = 1;
    how.lock_seconds = 0.3;
    if (msio_table_open(ms, &how, &table) || msio_table_column(table, "ANTENNA1", &column)) return -1;
    rows = msio_table_rows(table);
    return 0;
}

static int finish(void **state) {
    (void)state;
    msio_table_close(table);
    pack_remove(folder);
    return 0;
}

static int run_child(int (*work)(void *user), void *user) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(work(user));
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int32_t value_of(int64_t row) { return value_of_row(column, row); }

static msio_status put_value(int32_t value) { return msio_write_value(column, NULL, &value, sizeof value, NULL); }

/* ---------------------------------------------------------------- what children do; 0 is well */

static int end_the_stream(void *stream) {
    msio_write_batch *batch;
    if (msio_write_stream_next(stream, &batch) != MSIO_E_UNSUPPORTED) return 1;
    return msio_write_stream_close(stream) == MSIO_OK ? 0 : 2;
}

static int write_beside_a_hold(void *user) {
    (void)user;
    return put_value(77) == MSIO_E_LOCKED ? 0 : 1;
}

static int read_then_write(void *user) {
    (void)user;
    if (put_value(78) != MSIO_OK) return 1; /* under a lock of its own: the parent has none */
    return value_of(rows - 1) == 78 ? 0 : 2;
}

/* A hold that the child inherits is one for reading, once it has read. */
static int write_under_an_inherited_hold(void *gate) {
    char byte;
    int32_t value = 1;
    if (read(((int *)gate)[0], &byte, 1) != 1) return 1;
    msio_select one = MSIO_SELECT_ALL;
    one.rows = 1;
    if (msio_read(column, &one, &value, sizeof value, NULL) != MSIO_OK) return 2;
    if (put_value(79) != MSIO_E_ARGUMENT) return 3;
    return 0;
}

/* ---------------------------------------------------------------- */

static void a_child_writes_nothing_of_its_parents_stream(void **state) {
    (void)state;
    msio_write_stream_opts opts = MSIO_WRITE_STREAM_OPTS_INIT;
    msio_write_stream *stream;
    msio_write_batch *batch;
    msio_status status;
    int batches = 0;
    assert_int_equal(put_value(5), MSIO_OK);
    opts.rows_per_batch = rows / 4;
    assert_int_equal(msio_write_stream_open(table, 1, (const char *const[]){"ANTENNA1"}, NULL, &opts, &stream),
                     MSIO_OK);
    while ((status = msio_write_stream_next(stream, &batch)) == MSIO_OK) {
        int32_t *values = batch->arrays[0].data;
        for (int64_t i = 0; i < batch->rows; i++) values[i] = 1000 + (int32_t)(batch->row + i);
        if (batches++ == 1) assert_int_equal(run_child(end_the_stream, stream), 0);
    }
    assert_int_equal(status, MSIO_END);
    assert_int_equal(msio_write_stream_close(stream), MSIO_OK);
    for (int64_t row = 0; row < rows; row++) assert_int_equal(value_of(row), 1000 + row);
}

static void a_child_has_no_lock_of_its_parents(void **state) {
    (void)state;
    assert_int_equal(put_value(6), MSIO_OK);
    assert_int_equal(msio_table_hold_write(table), MSIO_OK);
    assert_int_equal(run_child(write_beside_a_hold, NULL), 0);
    assert_int_equal(put_value(7), MSIO_OK);
    msio_table_release(table);
    assert_int_equal(value_of(0), 7);
    assert_int_equal(run_child(read_then_write, NULL), 0);
    assert_int_equal(value_of(0), 78);
}

static void a_hold_to_write_is_none_in_the_child(void **state) {
    (void)state;
    int gate[2], status = 0;
    assert_int_equal(pipe(gate), 0);
    assert_int_equal(put_value(8), MSIO_OK);
    assert_int_equal(msio_table_hold_write(table), MSIO_OK);
    pid_t child = fork();
    if (child == 0) _exit(write_under_an_inherited_hold(gate));
    msio_table_release(table);
    assert_int_equal(write(gate[1], "!", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(value_of(0), 8);
    close(gate[0]);
    close(gate[1]);
}

static int forks_in_progress(void *user, int64_t done, int64_t total) {
    (void)done;
    (void)total;
    int *state = user; /* 0: fork; then who one is: 1 parent, 2 child */
    if (*state) return 0;
    pid_t child = fork();
    *state = child ? 1 : 2;
    return 0;
}

static void a_child_made_within_a_write_does_not_go_on_with_it(void **state) {
    (void)state;
    msio_write_opts how = MSIO_WRITE_OPTS_INIT;
    const msio_column *data;
    int who = 0, status = 0;
    float zero[2] = {0, 0};
    assert_int_equal(msio_table_column(table, "DATA", &data), MSIO_OK);
    how.threads = 1;
    how.progress = forks_in_progress;
    how.user = &who;
    msio_status written = msio_write_value(data, NULL, zero, sizeof zero, &how);
    if (who == 2) _exit(written == MSIO_OK ? 1 : 0);
    assert_int_equal(written, MSIO_OK);
    assert_int_equal(who, 1);
    assert_true(wait(&status) > 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_writes_nothing_of_its_parents_stream),
        cmocka_unit_test(a_child_has_no_lock_of_its_parents),
        cmocka_unit_test(a_hold_to_write_is_none_in_the_child),
        cmocka_unit_test(a_child_made_within_a_write_does_not_go_on_with_it),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
