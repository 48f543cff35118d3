/* test_write_limits.c - writes beyond `ulimit -f`: an error, nothing half written, and no signal. */
#include "msio/write.h"

#include "tests/io/simulate/simulated.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

static char folder[64], ms[80];

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = simulated_shape(24, 8, 8, 48); /* a DATA of 15 MB */
    alarm(120);
    return simulate_or_skip(&opts, folder, "small.ms", ms, sizeof ms) ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    pack_remove(folder);
    return 0;
}

/* In a process of its own, whose signals are as they were. 0: refused as it should be. */
static int write_beyond(int atomic, int threads) {
    struct rlimit most = {1 << 20, 1 << 20};
    msio_open_opts how = MSIO_OPEN_OPTS_INIT;
    msio_write_opts opts = MSIO_WRITE_OPTS_INIT;
    float value[2] = {-1, -1};
    msio_table *table;
    const msio_column *column;
    how.writable = 1;
    opts.atomic = atomic;
    opts.threads = threads;
    if (msio_table_open(ms, &how, &table) || msio_table_column(table, "DATA", &column)) return 1;
    if (setrlimit(RLIMIT_FSIZE, &most)) return 2;
    if (msio_write_value(column, NULL, value, sizeof value, &opts) != MSIO_E_IO) return 3;
    if (msio_last_error()->sys_errno != EFBIG) return 4;
    return msio_table_close(table) ? 5 : 0;
}

static int run_child(int atomic, int threads) {
    int status;
    pid_t child = fork();
    if (child == 0) _exit(write_beyond(atomic, threads));
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void *all_of(size_t *bytes) {
    msio_table *table;
    const msio_column *column;
    msio_array array;
    msio_repaired left = MSIO_REPAIRED_INIT;
    assert_int_equal(msio_table_open(ms, NULL, &table), MSIO_OK);
    assert_int_equal(msio_table_column(table, "DATA", &column), MSIO_OK);
    assert_int_equal(msio_table_interrupted(table, &left), MSIO_OK);
    assert_false(left.interrupted);
    assert_int_equal(msio_read_new(column, NULL, &array, NULL), MSIO_OK);
    void *copy = malloc(array.bytes);
    memcpy(copy, array.data, array.bytes);
    *bytes = array.bytes;
    msio_array_free(&array);
    msio_table_close(table);
    return copy;
}

/* All or nothing: nothing. Else whole blocks below the limit are new. */
static void beyond_the_limit_nothing_is_half_written(void **state) {
    (void)state;
    size_t bytes, same;
    uint8_t *before = all_of(&bytes);
    assert_int_equal(run_child(1, 1), 0);
    uint8_t *after = all_of(&same);
    assert_int_equal(bytes, same);
    assert_memory_equal(before, after, bytes);
    free(after);
    assert_int_equal(run_child(0, 2), 0);
    after = all_of(&same);
    const size_t beyond = (size_t)4 << 20;
    assert_memory_equal(before + beyond, after + beyond, bytes - beyond);
    free(after);
    free(before);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(beyond_the_limit_nothing_is_half_written)};
    return cmocka_run_group_tests(tests, start, finish);
}
