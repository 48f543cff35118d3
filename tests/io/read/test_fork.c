/* test_fork.c - children of fork, made after a parallel read, read on: eight at once, streams, and under a hold. */
#include "msio/io.h"

#include "tests/io/simulate/simulated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#define CHILDREN 8
#define SECONDS 120 /* far beyond what is needed: a hang ends there */

static char folder[64], ms[80];
static msio_table *table;
static const char *const names[] = {"DATA", "FLAG", "WEIGHT_SPECTRUM", "UVW", "TIME", "ANTENNA1"};
#define COLUMNS (int)(sizeof names / sizeof *names)

static const msio_column *column_of(msio_table *t, const char *name) {
    const msio_column *column = NULL;
    return msio_table_column(t, name, &column) == MSIO_OK ? column : NULL;
}

static msio_status read_column(msio_table *t, const char *name, int threads, msio_array *array) {
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = threads;
    return msio_read_new(column_of(t, name), NULL, array, &opts);
}

static msio_array answers[COLUMNS];

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = simulated_shape(24, 8, 8, 48); /* a DATA of 15 MB: small ones are read by one thread */
    alarm(SECONDS);
    if (!simulate_or_skip(&opts, folder, "small.ms", ms, sizeof ms)) return -1;
    if (msio_table_open(ms, NULL, &table) != MSIO_OK) return -1;
    for (int i = 0; i < COLUMNS; i++)
        if (read_column(table, names[i], 4, &answers[i]) != MSIO_OK) return -1; /* starts OpenMP's threads */
    return 0;
}

static int finish(void **state) {
    (void)state;
    for (int i = 0; i < COLUMNS; i++) msio_array_free(&answers[i]);
    msio_status status = msio_table_close(table);
    pack_remove(folder);
    return status != MSIO_OK;
}

/* ---------------------------------------------------------------- what children do; 0 is well */

static int read_all(msio_table *t, int threads) {
    int wrong = 0;
    for (int i = 0; i < COLUMNS; i++) {
        msio_array array = {0};
        if (read_column(t, names[i], threads, &array) != MSIO_OK) return 100;
        wrong += array.bytes != answers[i].bytes || memcmp(array.data, answers[i].data, array.bytes) != 0;
        msio_array_free(&array);
    }
    return wrong;
}

static int read_the_parents_table(int number) { return read_all(table, number % 4); }

static int read_a_table_of_its_own(int number) {
    msio_table *own = NULL;
    if (msio_table_open(ms, NULL, &own) != MSIO_OK) return 101;
    int wrong = read_all(own, number % 4);
    return msio_table_close(own) == MSIO_OK ? wrong : 102;
}

static int read_a_stream(int number) {
    msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
    msio_stream *stream = NULL;
    const msio_batch *batch;
    int wrong = 0, batches = 0;
    msio_status status;
    opts.rows_per_batch = 1000 + number;
    if (msio_stream_open(table, 2, names, NULL, &opts, &stream) != MSIO_OK) return 103;
    while ((status = msio_stream_next(stream, &batch)) == MSIO_OK) {
        batches++;
        for (int i = 0; i < 2; i++) {
            const msio_array *whole = &answers[i], *part = &batch->arrays[i];
            size_t row_bytes = whole->bytes / (size_t)whole->shape[0];
            wrong += part->bytes != (size_t)batch->rows * row_bytes ||
                     memcmp(part->data, (char *)whole->data + (size_t)batch->row * row_bytes, part->bytes) != 0;
        }
    }
    msio_stream_close(stream);
    return status == MSIO_END && batches > 1 ? wrong : 104;
}

static int hold_and_read(int number) {
    if (msio_table_hold(table) != MSIO_OK) return 105;
    int wrong = read_all(table, number % 4);
    return msio_table_release(table) == MSIO_OK ? wrong : 106;
}

/* Runs the work in eight children at once. */
static void in_children(int (*work)(int number)) {
    pid_t child[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        fflush(NULL);
        child[i] = fork();
        if (child[i] == 0) {
            alarm(SECONDS);
            _exit(work(i));
        }
        assert_true(child[i] > 0);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

/* ---------------------------------------------------------------- tests */

static void children_read_the_parents_table(void **state) {
    (void)state;
    in_children(read_the_parents_table);
}

static void children_open_tables_of_their_own(void **state) {
    (void)state;
    in_children(read_a_table_of_its_own);
}

static void children_stream(void **state) {
    (void)state;
    in_children(read_a_stream);
}

static void children_hold(void **state) {
    (void)state;
    in_children(hold_and_read);
}

static void children_read_under_a_hold_of_the_parent(void **state) {
    (void)state;
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    in_children(read_the_parents_table);
    in_children(hold_and_read);
    assert_int_equal(read_all(table, 2), 0);
    assert_int_equal(msio_table_release(table), MSIO_OK);
}

/* A child must not give the lock of its parent back. */
static int release_only(int number) {
    (void)number;
    return msio_table_release(table) == MSIO_OK && read_all(table, 1) == 0 ? 0 : 107;
}

static bool another_process_can_write(void) {
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char path[96];
        struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
        snprintf(path, sizeof path, "%s/table.lock", ms);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        _exit(fd >= 0 && fcntl(fd, F_SETLK, &range) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status == 0;
}

static void a_child_does_not_end_the_parents_hold(void **state) {
    (void)state;
    assert_true(another_process_can_write());
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    assert_false(another_process_can_write());
    in_children(release_only);
    assert_false(another_process_can_write());
    assert_int_equal(msio_table_release(table), MSIO_OK);
    assert_true(another_process_can_write());
}

static int read_in_a_grandchild(int number) {
    int wrong = read_the_parents_table(number), status = -1;
    pid_t grandchild = fork();
    if (grandchild == 0) _exit(read_the_parents_table(number) + read_a_table_of_its_own(number));
    return waitpid(grandchild, &status, 0) == grandchild && status == 0 ? wrong : 108;
}

static void children_of_children_read(void **state) {
    (void)state;
    in_children(read_in_a_grandchild);
}

static void the_parent_reads_on_in_parallel(void **state) {
    (void)state;
    assert_int_equal(read_all(table, 4), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_read_the_parents_table),
        cmocka_unit_test(children_open_tables_of_their_own),
        cmocka_unit_test(children_stream),
        cmocka_unit_test(children_hold),
        cmocka_unit_test(children_read_under_a_hold_of_the_parent),
        cmocka_unit_test(a_child_does_not_end_the_parents_hold),
        cmocka_unit_test(children_of_children_read),
        cmocka_unit_test(the_parent_reads_on_in_parallel),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
