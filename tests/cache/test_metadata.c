/* test_metadata.c - metadata: kept answers, what checking them costs in system calls, holds, threads, damage. The
 * values are compared with casacore's by tests/oracle. */
#include "tests/cache/in_threads.h"
#include "tests/cache/kept_ms.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* ---------------------------------------------------------------- system calls, counted
 * The library is linked in statically: what it calls is what stands here. */

static atomic_int calls;

int stat(const char *restrict name, struct stat *restrict st);
int stat(const char *restrict name, struct stat *restrict st) {
    atomic_fetch_add(&calls, 1);
    return fstatat(AT_FDCWD, name, st, 0);
}

ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset) {
    atomic_fetch_add(&calls, 1);
    return syscall(SYS_pread64, fd, buffer, bytes, offset);
}

int fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    atomic_fetch_add(&calls, 1);
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

/* ---------------------------------------------------------------- the Measurement Set */

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = simulated_shape(4, 3, 2, 4);
    return make_small(&opts);
}

static const msio_metadata *get(msio_freshness freshness) {
    const msio_metadata *metadata = NULL;
    assert_int_equal(msio_metadata_get(path, freshness, &metadata), MSIO_OK);
    return metadata;
}

/* ---------------------------------------------------------------- kept answers */

static void a_second_question_has_the_same_answer(void **state) {
    (void)state;
    const msio_metadata *first = get(MSIO_PER_CALL);
    int64_t before = hits();
    const msio_metadata *second = get(MSIO_PER_CALL);
    assert_ptr_equal(first, second);
    assert_int_equal(hits() - before, 1);
    assert_int_equal(first->rows, 10 * 3 * 2);
    assert_int_equal(first->spectral_windows, 2);
    assert_int_equal(first->times, 3);
    msio_metadata_release(first);
    msio_metadata_release(second);
}

static void an_unchecked_answer_costs_no_system_call(void **state) {
    (void)state;
    msio_metadata_release(get(MSIO_PER_CALL));
    int before = atomic_load(&calls);
    msio_metadata_release(get(MSIO_AS_OPENED));
    assert_int_equal(atomic_load(&calls), before);
    assert_int_equal(msio_metadata_hold(path), MSIO_OK);
    before = atomic_load(&calls);
    msio_metadata_release(get(MSIO_PER_CALL));
    assert_int_equal(atomic_load(&calls), before);
    assert_int_equal(msio_metadata_unhold(path), MSIO_OK);
}

/* For each table: which lock file it is, lock and unlock, table.dat, the sync record; then the header files that were
 * read, one each, and where the path leads. */
static void checking_costs_what_the_answer_needs(void **state) {
    (void)state;
    const msio_metadata *m = get(MSIO_PER_CALL);
    int tables = 1 + 8, array_managers = 0;
    for (int i = 0; i < m->managers; i++) array_managers += strncmp(m->manager[i].type, "Tiled", 5) == 0;
    int main_files = array_managers + 3, subtable_files = 8 + 8; /* TIME, SCAN_NUMBER, INTERVAL; f0 and f0i */
    int before = atomic_load(&calls);
    msio_metadata_release(get(MSIO_PER_CALL));
    int counted = atomic_load(&calls) - before;
    print_message("%d system calls check the metadata of %d tables\n", counted, tables);
    assert_true(counted <= 5 * tables + main_files + subtable_files + 1);
    assert_true(counted > 5 * (tables - 1));
    msio_metadata_release(m);
}

static void paths_that_mean_the_same_are_let_through(void **state) {
    (void)state;
    char longer[128], link[128];
    const msio_metadata *first = get(MSIO_PER_CALL), *second = NULL;
    snprintf(longer, sizeof longer, "%s//", path);
    assert_int_equal(msio_metadata_get(longer, MSIO_PER_CALL, &second), MSIO_OK);
    assert_ptr_equal(first, second);
    msio_metadata_release(second);
    snprintf(link, sizeof link, "%s/link.ms", folder);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(msio_metadata_get(link, MSIO_PER_CALL, &second), MSIO_OK);
    assert_int_equal(second->rows, first->rows);
    msio_metadata_release(second);
    msio_metadata_release(first);
}

static void a_symlink_that_leads_elsewhere_is_seen(void **state) {
    char other[128], link[128];
    const msio_metadata *m = NULL;
    msio_simulate_ms_opts opts = MSIO_SIMULATE_MS_OPTS_INIT;
    (void)state;
    opts.antennas = 3;
    opts.times = opts.subbands = 1;
    opts.channels = 2;
    snprintf(other, sizeof other, "%s/other.ms", folder);
    snprintf(link, sizeof link, "%s/latest.ms", folder);
    assert_int_equal(msio_simulate_ms(other, &opts), MSIO_OK);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(msio_metadata_get(link, MSIO_PER_CALL, &m), MSIO_OK);
    assert_int_equal(m->rows, 60);
    msio_metadata_release(m);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink(other, link), 0);
    assert_int_equal(msio_metadata_get(link, MSIO_PER_CALL, &m), MSIO_OK);
    assert_int_equal(m->rows, 6);
    msio_metadata_release(m);
}

/* ---------------------------------------------------------------- holds */

static void a_hold_keeps_the_answer(void **state) {
    (void)state;
    assert_int_equal(msio_metadata_hold(path), MSIO_OK);
    assert_int_equal(msio_metadata_hold(path), MSIO_OK);
    const msio_metadata *m = get(MSIO_PER_CALL);
    assert_int_equal(msio_metadata_unhold(path), MSIO_OK);
    int before = atomic_load(&calls);
    msio_metadata_release(get(MSIO_PER_CALL));
    assert_int_equal(atomic_load(&calls), before);
    assert_int_equal(msio_metadata_unhold(path), MSIO_OK);
    msio_metadata_release(get(MSIO_PER_CALL));
    assert_true(atomic_load(&calls) > before);
    msio_metadata_release(m);
    assert_int_equal(msio_metadata_unhold(path), MSIO_E_ARGUMENT);
}

/* ---------------------------------------------------------------- the row index */

static void a_query_gives_the_rows(void **state) {
    (void)state;
    const msio_metadata *m = get(MSIO_PER_CALL);
    const msio_row_index *index = NULL, *again = NULL;
    msio_row_query query = MSIO_ROW_QUERY_INIT;
    int64_t *rows, n;
    assert_int_equal(msio_metadata_row_index(m, &index), MSIO_OK);
    assert_int_equal(msio_metadata_row_index(m, &again), MSIO_OK);
    assert_ptr_equal(index, again);
    assert_int_equal(msio_row_index_find(index, &query, &rows, &n), MSIO_OK);
    assert_int_equal(n, m->rows);
    free(rows);
    query.spectral_window = 1;
    query.time_from = m->time_range[1];
    query.time_to = m->time_range[1] + 1;
    assert_int_equal(msio_row_index_find(index, &query, &rows, &n), MSIO_OK);
    assert_int_equal(n, 10);
    assert_int_equal(rows[0], 50);
    free(rows);
    query.struct_size = 0;
    assert_int_equal(msio_row_index_find(index, &query, &rows, &n), MSIO_E_ARGUMENT);
    msio_metadata_release(m);
}

/* ---------------------------------------------------------------- threads */

static void *ask(void *user) {
    (void)user;
    for (int i = 0; i < 50; i++) {
        const msio_metadata *m;
        const msio_row_index *index;
        if (i % 10 == 0) msio_cache_clear(NULL);
        if (msio_metadata_get(path, i % 3 ? MSIO_PER_CALL : MSIO_AS_OPENED, &m)) return "metadata";
        if (msio_metadata_row_index(m, &index) || index->runs != 6) return "row index";
        msio_metadata_release(m);
    }
    return NULL;
}

static void threads_share_answers(void **state) {
    (void)state;
    ask_in_threads(ask);
}

/* ---------------------------------------------------------------- what cannot be answered */

static void what_is_no_table_is_named(void **state) {
    (void)state;
    const msio_metadata *m = (const msio_metadata *)&m;
    assert_int_equal(msio_metadata_get("/no/such.ms", MSIO_PER_CALL, &m), MSIO_E_NOT_FOUND);
    assert_null(m);
    assert_int_equal(msio_metadata_get("", MSIO_PER_CALL, &m), MSIO_E_ARGUMENT);
    msio_metadata_release(NULL);
}

static void a_damaged_subtable_is_an_error(void **state) {
    char file[160];
    const msio_metadata *m;
    (void)state;
    snprintf(file, sizeof file, "%s/ANTENNA/table.f0", path);
    assert_int_equal(truncate(file, 100), 0);
    assert_int_equal(msio_metadata_get(path, MSIO_PER_CALL, &m), MSIO_E_FORMAT);
    assert_non_null(strstr(msio_last_error()->path, "ANTENNA"));
}

static void a_missing_subtable_has_no_rows_and_may_come_back(void **state) {
    char there[160], away[160];
    const msio_metadata *m;
    (void)state;
    snprintf(there, sizeof there, "%s/ANTENNA", path);
    snprintf(away, sizeof away, "%s/away", folder);
    assert_int_equal(rename(there, away), 0);
    m = get(MSIO_PER_CALL);
    assert_int_equal(m->antennas, 0);
    msio_metadata_release(m);
    assert_int_equal(rename(away, there), 0);
    m = get(MSIO_PER_CALL);
    assert_true(m->antennas > 0);
    msio_metadata_release(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_question_has_the_same_answer),
        cmocka_unit_test(an_unchecked_answer_costs_no_system_call),
        cmocka_unit_test(checking_costs_what_the_answer_needs),
        cmocka_unit_test(paths_that_mean_the_same_are_let_through),
        cmocka_unit_test(a_symlink_that_leads_elsewhere_is_seen),
        cmocka_unit_test(a_hold_keeps_the_answer),
        cmocka_unit_test(a_query_gives_the_rows),
        cmocka_unit_test(threads_share_answers),
        cmocka_unit_test(what_is_no_table_is_named),
        cmocka_unit_test(a_missing_subtable_has_no_rows_and_may_come_back),
        cmocka_unit_test(a_damaged_subtable_is_an_error), /* the last: it stays damaged */
    };
    return cmocka_run_group_tests(tests, start, finish);
}
