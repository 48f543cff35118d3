/* test_memory.c - allocations, counted: what a read takes beside the caller's memory, a stream's limit, no growth. */
#include "core/pool.h"
#include "msio/io.h"

#include "tests/io/simulate/simulated.h"
#include "tests/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdatomic.h>

#if defined(SANITIZED) || !defined(__GLIBC__)

int main(void) {
    printf("skipped: allocations are counted through glibc's malloc, which a sanitizer replaces\n");
    return 77;
}

#else

#define MIB ((size_t)1 << 20)
#define MOST_BESIDE (64 * MIB)
/* DATA: 300 baselines, 24 times, 24 subbands, 48 channels, 2 correlations: more than the limit. */
#define ROWS (300 * 24 * 24)
#define DATA_BYTES ((size_t)ROWS * 48 * 2 * 8)

/* ---------------------------------------------------------------- malloc, counted */

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void __libc_free(void *memory);

static atomic_llong in_use, most_in_use;

static void *count(void *memory) {
    if (!memory) return NULL;
    long long bytes = (long long)malloc_usable_size(memory), now = atomic_fetch_add(&in_use, bytes) + bytes;
    long long most = atomic_load(&most_in_use);
    while (now > most && !atomic_compare_exchange_weak(&most_in_use, &most, now)) {}
    return memory;
}

static void discount(void *memory) {
    if (memory) atomic_fetch_sub(&in_use, (long long)malloc_usable_size(memory));
}

void *malloc(size_t bytes) { return count(__libc_malloc(bytes)); }
void *calloc(size_t n, size_t bytes) { return count(__libc_calloc(n, bytes)); }
void *realloc(void *memory, size_t bytes) {
    discount(memory);
    void *moved = __libc_realloc(memory, bytes);
    if (!moved && bytes) count(memory); /* still there */
    return count(moved);
}
void free(void *memory) {
    discount(memory);
    __libc_free(memory);
}

/* Heap beside what was there, at its most, since start_meter. The pool's memory, which malloc does not see, is counted
 * by the pool, which never forgets its peak: what comes before a test's first array of the pool is measured whole. */
static long long heap_before;

static void start_meter(void) {
    heap_before = atomic_load(&in_use);
    atomic_store(&most_in_use, heap_before);
}

static size_t heap_peak(void) { return (size_t)(atomic_load(&most_in_use) - heap_before); }

/* ---------------------------------------------------------------- the table */

static char folder[64];
static msio_table *table;
static void *out;

static const msio_column *column_of(const char *name) {
    const msio_column *column = NULL;
    assert_int_equal(msio_table_column(table, name, &column), MSIO_OK);
    return column;
}

static int start(void **state) {
    (void)state;
    char path[80];
    msio_simulate_ms_opts opts = simulated_shape(24, 24, 24, 48);
    if (!simulate_or_skip(&opts, folder, "large.ms", path, sizeof path)) return -1;
    out = malloc(DATA_BYTES);
    return !out || msio_table_open(path, NULL, &table) != MSIO_OK;
}

static int finish(void **state) {
    (void)state;
    msio_table_close(table);
    free(out);
    pack_remove(folder);
    return 0;
}

/* ---------------------------------------------------------------- tests */

static void the_meter_sees_what_is_taken(void **state) {
    (void)state;
    start_meter();
    void *volatile memory = malloc(3 * MIB);
    free(memory);
    assert_true(heap_peak() >= 3 * MIB && heap_peak() < 4 * MIB);
}

static void whole_columns_take_little_beside_the_answer(void **state) {
    static const char *const names[] = {"DATA", "FLAG", "WEIGHT_SPECTRUM", "UVW", "TIME", "ANTENNA1"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int way = MSIO_WAY_AUTO; way <= MSIO_WAY_MAPPED; way++)
            for (int threads = 1; threads <= 8; threads += 7) {
                msio_read_opts opts = MSIO_READ_OPTS_INIT;
                opts.way = (msio_way)way;
                opts.threads = threads;
                start_meter();
                assert_int_equal(msio_read(column_of(names[i]), NULL, out, DATA_BYTES, &opts), MSIO_OK);
                assert_true(heap_peak() + msio_pool_peak() <= MOST_BESIDE);
            }
}

/* Beside the row list itself: row and place of each, sorted, and as much to sort them with. */
static void a_row_list_takes_little_beside_itself(void **state) {
    (void)state;
    int64_t *list = malloc(ROWS * sizeof *list);
    assert_non_null(list);
    for (int64_t i = 0; i < ROWS; i++) list[i] = i * 7919 % ROWS;
    msio_select select = MSIO_SELECT_ALL;
    select.row_list = list;
    select.rows_in_list = ROWS;
    start_meter();
    assert_int_equal(msio_read(column_of("DATA"), &select, out, DATA_BYTES, NULL), MSIO_OK);
    assert_true(heap_peak() + msio_pool_peak() <= MOST_BESIDE + 4 * ROWS * sizeof *list);
    free(list);
}

static void reading_again_does_not_grow(void **state) {
    (void)state;
    msio_array array = {0};
    msio_ragged ragged = {0};
    long long after_first = 0;
    size_t pool_after_first = 0;
    for (int i = 0; i < 60; i++) {
        msio_select some = MSIO_SELECT_ALL;
        some.rows = 2000 + i;
        assert_int_equal(msio_read(column_of("DATA"), &some, out, DATA_BYTES, NULL), MSIO_OK);
        assert_int_equal(msio_read_new(column_of("FLAG"), &some, &array, NULL), MSIO_OK);
        assert_int_equal(msio_read_ragged(column_of("UVW"), &some, &ragged, NULL), MSIO_OK);
        msio_array_free(&array);
        msio_ragged_free(&ragged);
        if (i == 9) {
            after_first = atomic_load(&in_use);
            pool_after_first = msio_pool_in_use();
        }
    }
    assert_true(atomic_load(&in_use) <= after_first);
    assert_int_equal(msio_pool_in_use(), pool_after_first);
}

static void opening_and_closing_again_does_not_grow(void **state) {
    (void)state;
    char path[80];
    long long after_first = 0;
    snprintf(path, sizeof path, "%s/large.ms", folder);
    for (int i = 0; i < 60; i++) {
        msio_table *other = NULL;
        const msio_column *column = NULL;
        msio_select some = MSIO_SELECT_ALL;
        some.rows = 100;
        assert_int_equal(msio_table_open(path, NULL, &other), MSIO_OK);
        assert_int_equal(msio_table_column(other, "DATA", &column), MSIO_OK);
        assert_int_equal(msio_read(column, &some, out, DATA_BYTES, NULL), MSIO_OK);
        assert_int_equal(msio_table_close(other), MSIO_OK);
        if (i == 9) after_first = atomic_load(&in_use);
    }
    assert_true(atomic_load(&in_use) <= after_first);
}

/* What a failed call took, it gave back. */
static void failures_keep_nothing(void **state) {
    (void)state;
    long long after_first = 0;
    for (int i = 0; i < 60; i++) {
        msio_select beyond = MSIO_SELECT_ALL;
        msio_array array = {0};
        beyond.row = ROWS;
        beyond.rows = 1;
        assert_int_equal(msio_read_new(column_of("DATA"), &beyond, &array, NULL), MSIO_E_RANGE);
        assert_int_equal(msio_read(column_of("DATA"), NULL, out, DATA_BYTES - 1, NULL), MSIO_E_SIZE);
        if (i == 9) after_first = atomic_load(&in_use);
    }
    assert_true(atomic_load(&in_use) <= after_first);
    assert_int_equal(msio_pool_in_use(), 0);
}

static void a_stream_stays_under_its_limit(void **state) {
    static const char *const names[] = {"DATA", "FLAG", "UVW"};
    (void)state;
    for (size_t limit = 4 * MIB; limit <= 64 * MIB; limit *= 4) {
        msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
        msio_stream *stream = NULL;
        const msio_batch *batch = NULL;
        size_t most = 0, before = msio_pool_in_use();
        int64_t rows = 0;
        msio_status status;
        opts.memory = limit;
        assert_int_equal(msio_stream_open(table, 3, names, NULL, &opts, &stream), MSIO_OK);
        while ((status = msio_stream_next(stream, &batch)) == MSIO_OK) {
            size_t bytes = 0, now = msio_pool_in_use() - before;
            rows += batch->rows;
            for (int i = 0; i < batch->columns; i++) bytes += batch->arrays[i].bytes;
            assert_true(2 * bytes <= limit); /* this batch, and the next one, which is read meanwhile */
            if (now > most) most = now;
        }
        assert_int_equal(status, MSIO_END);
        assert_int_equal(rows, ROWS);
        assert_true(most <= limit + 16 * MIB); /* the threads' scratch is no batch */
        msio_stream_close(stream);
        assert_int_equal(msio_pool_in_use(), before);
    }
}

static void what_the_pool_keeps_has_a_limit(void **state) {
    (void)state;
    msio_array array = {0};
    msio_pool_set_limit(32 * MIB);
    assert_true(msio_pool_kept() <= 32 * MIB);
    assert_int_equal(msio_read_new(column_of("DATA"), NULL, &array, NULL), MSIO_OK);
    msio_array_free(&array);
    assert_true(msio_pool_kept() <= 32 * MIB);
    msio_pool_set_limit(0);
    assert_int_equal(msio_pool_kept(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_meter_sees_what_is_taken),
        cmocka_unit_test(whole_columns_take_little_beside_the_answer),
        cmocka_unit_test(a_row_list_takes_little_beside_itself),
        cmocka_unit_test(reading_again_does_not_grow),
        cmocka_unit_test(opening_and_closing_again_does_not_grow),
        cmocka_unit_test(failures_keep_nothing),
        cmocka_unit_test(a_stream_stays_under_its_limit),
        cmocka_unit_test(what_the_pool_keeps_has_a_limit),
    };
    return cmocka_run_group_tests(tests, start, finish);
}

#endif
