/* test_write_threads.c - many threads write rows of their own of one table and of several, while others read: every
 * cell is whole, and at the end each holds what was written last. */
#include "msio/write.h"

#include "tests/io/simulate/simulated.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

#define WRITERS 4
#define READERS 2
#define TURNS 12

static char folder[64], ms[2][80];
static msio_table *shared;
static int64_t rows;
static size_t cell_bytes;
static atomic_int running, failures, seen;

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = MSIO_SIMULATE_MS_OPTS_INIT;
    msio_open_opts how = MSIO_OPEN_OPTS_INIT;
    opts.antennas = 8;
    opts.times = 4;
    if (!simulate_or_skip(&opts, folder, "a.ms", ms[0], sizeof ms[0])) return -1;
    snprintf(ms[1], sizeof ms[1], "%s/b.ms", folder);
    if (msio_simulate_ms(ms[1], &opts)) return -1;
    how.writable = 1;
    how.lock_seconds = 60;
    if (msio_table_open(ms[0], &how, &shared)) return -1;
    const msio_column *column;
    if (msio_table_column(shared, "DATA", &column)) return -1;
    const msio_column_info *info = msio_column_describe(column);
    rows = msio_table_rows(shared);
    cell_bytes = 8 * (size_t)(info->shape[0] * info->shape[1]);
    return 0;
}

static int finish(void **state) {
    (void)state;
    msio_table_close(shared);
    pack_remove(folder);
    return 0;
}

static void went_wrong(const char *what) {
    fprintf(stderr, "%s: %s\n", what, msio_last_error()->message);
    atomic_fetch_add(&failures, 1);
}

/* Rows first, first + WRITERS, ...: neighbours in every tile belong to others. */
static msio_status put(msio_table *table, int first, float value) {
    msio_select select = MSIO_SELECT_ALL;
    msio_write_opts how = MSIO_WRITE_OPTS_INIT;
    const msio_column *column;
    float pair[2] = {value, value};
    select.row = first;
    select.rows = (rows - first + WRITERS - 1) / WRITERS;
    select.row_step = WRITERS;
    how.threads = 1;
    msio_status status = msio_table_column(table, "DATA", &column);
    return status ? status : msio_write_value(column, &select, pair, sizeof pair, &how);
}

typedef struct job {
    int number;
    msio_table *table; /* NULL: one of its own */
    const char *path;
} job;

static void *write_rows(void *user) {
    const job *j = user;
    msio_open_opts how = MSIO_OPEN_OPTS_INIT;
    msio_table *table = j->table;
    how.writable = 1;
    how.lock_seconds = 60;
    if (!table && msio_table_open(j->path, &how, &table)) went_wrong("opening");
    for (int turn = 1; turn <= TURNS && table; turn++)
        if (put(table, j->number, (float)(j->number * 1000 + turn))) went_wrong("writing");
    if (!j->table) msio_table_close(table);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* Each call sees every cell whole, of one turn. */
static void *read_cells(void *user) {
    const job *j = user;
    msio_table *table;
    const msio_column *column;
    float *cell = malloc(cell_bytes);
    int64_t row = j->number;
    if (!cell || msio_table_open(j->path, NULL, &table)) {
        went_wrong("opening");
        free(cell);
        return NULL;
    }
    if (msio_table_column(table, "DATA", &column)) went_wrong("finding");
    while (atomic_load(&running) > 0) {
        msio_select one = MSIO_SELECT_ALL;
        one.row = row = (row + 7) % rows;
        one.rows = 1;
        msio_status status = msio_read(column, &one, cell, cell_bytes, NULL);
        if (status) went_wrong("reading");
        bool written = !status && cell[0] == cell[1] && (int)cell[0] / 1000 == row % WRITERS && cell[0] > 0;
        for (size_t i = 0; written && i < cell_bytes / sizeof *cell; i++)
            if (memcmp(&cell[i], &cell[0], sizeof *cell) != 0) went_wrong("a torn cell");
        atomic_fetch_add(&seen, written);
    }
    msio_table_close(table);
    free(cell);
    return NULL;
}

static void check_rows(const char *path) {
    msio_table *table;
    const msio_column *column;
    msio_array array;
    assert_int_equal(msio_table_open(path, NULL, &table), MSIO_OK);
    assert_int_equal(msio_table_column(table, "DATA", &column), MSIO_OK);
    assert_int_equal(msio_read_new(column, NULL, &array, NULL), MSIO_OK);
    for (int64_t row = 0; row < rows; row++) {
        const float *cell = (const float *)((const char *)array.data + (size_t)row * cell_bytes);
        for (size_t i = 0; i < cell_bytes / sizeof *cell; i++)
            assert_true(cell[i] == (float)(row % WRITERS * 1000 + TURNS));
    }
    msio_array_free(&array);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void run(msio_table *table, int tables) {
    pthread_t writer[WRITERS * 2], reader[READERS];
    job write[WRITERS * 2], read[READERS];
    int writers = WRITERS * tables;
    atomic_store(&running, writers);
    atomic_store(&failures, 0);
    for (int i = 0; i < writers; i++) {
        write[i] = (job){i % WRITERS, table, ms[i / WRITERS]};
        assert_int_equal(pthread_create(&writer[i], NULL, write_rows, &write[i]), 0);
    }
    for (int i = 0; i < READERS; i++) {
        read[i] = (job){i, NULL, ms[i % tables]};
        assert_int_equal(pthread_create(&reader[i], NULL, read_cells, &read[i]), 0);
    }
    for (int i = 0; i < writers; i++) pthread_join(writer[i], NULL);
    for (int i = 0; i < READERS; i++) pthread_join(reader[i], NULL);
    assert_int_equal(atomic_load(&failures), 0);
    for (int i = 0; i < tables; i++) check_rows(ms[i]);
}

static void threads_share_a_handle(void **state) {
    (void)state;
    run(shared, 1);
}

static void threads_have_handles_and_tables_of_their_own(void **state) {
    (void)state;
    run(NULL, 2);
    assert_true(atomic_load(&seen) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_handle),
        cmocka_unit_test(threads_have_handles_and_tables_of_their_own),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
