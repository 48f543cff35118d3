/* test_flags.c - counts of flags through the public calls: against casacore's FLAG, kept while nothing changed and
 * counted anew when flags did, whoever asks. Other layouts are in tests/cli/info/test_flags.py. */
#include "tests/cache/kept_ms.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <pthread.h>

#define CELLS 16 /* flags of a cell: 8 channels, 2 correlations */

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = simulated_shape(7, 5, 3, 8);
    return make_small(&opts);
}

static int forget(void **state) {
    (void)state;
    msio_cache_clear(NULL);
    return 0;
}

static const msio_flags *count(unsigned by, const msio_flags_opts *opts) {
    const msio_flags *flags = NULL;
    assert_int_equal(msio_flags_count(path, by, opts, &flags), MSIO_OK);
    assert_non_null(flags);
    return flags;
}

/* ---------------------------------------------------------------- the oracle: casacore's values */

typedef struct values {
    int64_t rows;
    msio_array flag, flag_row, description;
} values;

static msio_array column(msio_table *table, const char *name) {
    const msio_column *handle;
    msio_array array;
    assert_int_equal(msio_table_column(table, name, &handle), MSIO_OK);
    assert_int_equal(msio_read_new(handle, NULL, &array, NULL), MSIO_OK);
    return array;
}

static values casacore_values(void) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    msio_table *table;
    opts.native = MSIO_NATIVE_NO;
    assert_int_equal(msio_table_open(path, &opts, &table), MSIO_OK);
    values v = {msio_table_rows(table), column(table, "FLAG"), column(table, "FLAG_ROW"),
                column(table, "DATA_DESC_ID")};
    assert_int_equal(v.flag.bytes, v.rows * CELLS);
    msio_table_close(table);
    return v;
}

static void free_values(values *v) {
    msio_array_free(&v->flag);
    msio_array_free(&v->flag_row);
    msio_array_free(&v->description);
}

/* flagged, and from FLAG_ROW alone, of rows with that DATA_DESC_ID (-1: all) and of that position (-1: all). */
static void oracle(const values *v, int description, int position, bool flag_row, int64_t *flagged, int64_t *extra) {
    const uint8_t *flag = v->flag.data, *set = v->flag_row.data;
    const int32_t *id = v->description.data;
    *flagged = *extra = 0;
    for (int64_t i = 0; i < v->rows * CELLS; i++) {
        int64_t row = i / CELLS;
        if ((description >= 0 && id[row] != description) || (position >= 0 && i % CELLS != position)) continue;
        bool by_row = flag_row && set[row];
        *flagged += flag[i] || by_row;
        *extra += by_row && !flag[i];
    }
}

static const msio_flags_breakdown *find(const msio_flags *flags, unsigned by) {
    for (int i = 0; i < flags->breakdowns; i++)
        if (flags->breakdown[i].by == by) return &flags->breakdown[i];
    fail_msg("breakdown %u is missing", by);
    return NULL;
}

static void counts_are_casacores(void **state) {
    (void)state;
    values v = casacore_values();
    for (int ignore = 0; ignore < 2; ignore++)
        for (unsigned by = 0; by < 2; by++) {
            msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
            int64_t flagged, extra;
            opts.ignore_flag_row = ignore;
            const msio_flags *flags = count(by, &opts);
            oracle(&v, -1, -1, !ignore, &flagged, &extra);
            assert_int_equal(flags->flagged, flagged);
            assert_int_equal(flags->from_flag_row, extra);
            assert_int_equal(flags->total, v.rows * CELLS);
            assert_int_equal(flags->undefined, 0);
            assert_string_equal(flags->way, "packed bits");
            assert_true(flags->low == flags->fraction && flags->high == flags->fraction && !flags->sampled);
            msio_flags_release(flags);
        }
    free_values(&v);
}

static int stop_at_once(void *user, int64_t done, int64_t total) {
    int *calls = user;
    assert_true(done > 0 && done <= total);
    ++*calls;
    return 1;
}

static void a_count_can_be_cancelled_and_leaves_nothing(void **state) {
    (void)state;
    int calls = 0;
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    const msio_flags *flags = NULL;
    opts.progress = stop_at_once;
    opts.user = &calls;
    assert_int_equal(msio_flags_count(path, MSIO_FLAGS_BY_TIME, &opts, &flags), MSIO_E_CANCELLED);
    assert_null(flags);
    assert_int_equal(calls, 1);
    opts.progress = NULL;
    flags = count(MSIO_FLAGS_BY_TIME, &opts);
    assert_int_equal(flags->breakdowns, 1);
    msio_flags_release(flags);
}

static void breakdowns_are_casacores(void **state) {
    (void)state;
    values v = casacore_values();
    const msio_flags *flags = count(MSIO_FLAGS_BY_ALL, NULL);
    const msio_flags_breakdown *windows = find(flags, MSIO_FLAGS_BY_SPW),
                               *channels = find(flags, MSIO_FLAGS_BY_CHANNEL);
    int64_t flagged, extra, more_flagged, more_extra;
    assert_int_equal(windows->entries, 3);
    for (int w = 0; w < 3; w++) {
        oracle(&v, w, -1, true, &flagged, &extra);
        assert_int_equal(windows->entry[w].key[0], w);
        assert_int_equal(windows->entry[w].flagged, flagged);
        assert_int_equal(windows->entry[w].from_flag_row, extra);
    }
    assert_int_equal(channels->entries, 24);
    for (int i = 0; i < 24; i++) {
        oracle(&v, i / 8, i % 8 * 2, true, &flagged, &extra);
        oracle(&v, i / 8, i % 8 * 2 + 1, true, &more_flagged, &more_extra);
        assert_true(channels->entry[i].key[0] == i / 8 && channels->entry[i].key[1] == i % 8);
        assert_int_equal(channels->entry[i].flagged, flagged + more_flagged);
        assert_int_equal(channels->entry[i].from_flag_row, extra + more_extra);
    }
    assert_int_equal(find(flags, MSIO_FLAGS_BY_BASELINE)->entries, 28);
    assert_int_equal(find(flags, MSIO_FLAGS_BY_ANTENNA)->entries, 7);
    assert_int_equal(find(flags, MSIO_FLAGS_BY_TIME)->entries, 5);
    msio_flags_release(flags);
    free_values(&v);
}

static void casacore_counts_the_same(void **state) {
    (void)state;
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    const msio_flags *native = count(MSIO_FLAGS_BY_ALL, NULL);
    opts.open.native = MSIO_NATIVE_NO;
    const msio_flags *other = count(MSIO_FLAGS_BY_ALL, &opts);
    assert_string_equal(other->way, "casacore");
    assert_int_equal(other->flagged, native->flagged);
    assert_int_equal(other->breakdowns, native->breakdowns);
    for (int i = 0; i < native->breakdowns; i++) {
        const msio_flags_breakdown *a = &native->breakdown[i], *b = &other->breakdown[i];
        assert_int_equal(a->entries, b->entries);
        for (int64_t e = 0; e < a->entries; e++) assert_memory_equal(&a->entry[e], &b->entry[e], sizeof a->entry[e]);
    }
    msio_flags_release(native);
    msio_flags_release(other);
}

/* ---------------------------------------------------------------- kept answers */

static void an_answer_is_kept(void **state) {
    (void)state;
    const msio_flags *first = count(MSIO_FLAGS_BY_SPW, NULL);
    int64_t before = hits();
    const msio_flags *second = count(MSIO_FLAGS_BY_SPW, NULL);
    assert_ptr_equal(first, second);
    assert_int_equal(hits(), before + 1);
    msio_flags_release(first);
    msio_flags_release(second);
}

static void other_questions_have_other_answers(void **state) {
    (void)state;
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    const msio_flags *whole = count(0, NULL), *by = count(MSIO_FLAGS_BY_TIME, NULL);
    opts.ignore_flag_row = 1;
    const msio_flags *alone = count(0, &opts);
    assert_ptr_not_equal(whole, by);
    assert_ptr_not_equal(whole, alone);
    assert_int_equal(alone->flagged + whole->from_flag_row, whole->flagged);
    opts.ignore_flag_row = 0;
    opts.threads = 1;
    const msio_flags *same = count(0, &opts);
    assert_ptr_equal(whole, same);
    msio_flags_release(whole);
    msio_flags_release(by);
    msio_flags_release(alone);
    msio_flags_release(same);
}

/* The path of a column's file: that of its manager. */
static void file_of(const char *name, const char *suffix, char file[160]) {
    msio_table *table;
    const msio_column *handle;
    msio_manager_info manager;
    assert_int_equal(msio_table_open(path, NULL, &table), MSIO_OK);
    assert_int_equal(msio_table_column(table, name, &handle), MSIO_OK);
    const char *wanted = msio_column_describe(handle)->manager_name;
    for (int i = 0; msio_table_manager(table, i, &manager) == MSIO_OK; i++)
        if (strcmp(manager.name, wanted) == 0) snprintf(file, 160, "%s/table.f%d%s", path, manager.sequence, suffix);
    msio_table_close(table);
}

/* Turns a bit over in a file. */
static void turn_bit(const char *name, const char *suffix, off_t at) {
    char file[160] = "";
    uint8_t byte;
    file_of(name, suffix, file);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void changed_flags_are_counted_anew(void **state) {
    (void)state;
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    opts.ignore_flag_row = 1;
    const msio_flags *before = count(0, &opts);
    turn_bit("FLAG", "_TSM1", 0);
    const msio_flags *after = count(0, &opts);
    assert_int_equal(llabs(after->flagged - before->flagged), 1);
    msio_flags_release(before);
    msio_flags_release(after);
    turn_bit("FLAG", "_TSM1", 0);
}

static void other_columns_do_not_matter(void **state) {
    (void)state;
    const msio_flags *before = count(MSIO_FLAGS_BY_SPW, NULL);
    turn_bit("DATA", "_TSM1", 5);
    const msio_flags *after = count(MSIO_FLAGS_BY_SPW, NULL);
    assert_ptr_equal(before, after);
    msio_flags_release(before);
    msio_flags_release(after);
}

static void as_opened_is_not_checked(void **state) {
    (void)state;
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    opts.open.freshness = MSIO_AS_OPENED;
    const msio_flags *before = count(0, &opts);
    turn_bit("FLAG", "_TSM1", 0);
    const msio_flags *unchecked = count(0, &opts), *checked = count(0, NULL);
    assert_ptr_equal(before, unchecked);
    assert_ptr_not_equal(before, checked);
    assert_int_equal(llabs(checked->flagged - before->flagged), 1);
    msio_flags_release(before);
    msio_flags_release(unchecked);
    msio_flags_release(checked);
    turn_bit("FLAG", "_TSM1", 0);
}

static void what_is_held_outlives_the_cache(void **state) {
    (void)state;
    const msio_flags *flags = count(MSIO_FLAGS_BY_ANTENNA, NULL);
    int64_t flagged = flags->breakdown[0].entry[6].flagged;
    msio_cache_clear(path);
    const msio_flags *again = count(MSIO_FLAGS_BY_ANTENNA, NULL);
    assert_ptr_not_equal(flags, again);
    assert_int_equal(flags->breakdown[0].entry[6].flagged, flagged);
    assert_int_equal(again->breakdown[0].entry[6].flagged, flagged);
    msio_flags_release(flags);
    msio_flags_release(again);
}

static void *ask(void *answer) {
    for (int i = 0; i < 50; i++) {
        const msio_flags *flags;
        if (msio_flags_count(path, MSIO_FLAGS_BY_ALL, NULL, &flags) != MSIO_OK) return NULL;
        *(int64_t *)answer = flags->flagged;
        if (i % 10 == 9) msio_cache_clear(path);
        msio_flags_release(flags);
    }
    return answer;
}

static void many_threads_may_ask(void **state) {
    (void)state;
    pthread_t thread[4];
    int64_t flagged[4] = {0};
    const msio_flags *flags = count(0, NULL);
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, ask, &flagged[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *done;
        pthread_join(thread[i], &done);
        assert_non_null(done);
        assert_int_equal(flagged[i], flags->flagged);
    }
    msio_flags_release(flags);
}

/* ---------------------------------------------------------------- errors */

static msio_status fails(const char *where, unsigned by, const msio_flags_opts *opts) {
    const msio_flags *flags = NULL;
    msio_status status = msio_flags_count(where, by, opts, &flags);
    assert_null(flags);
    assert_true(status == MSIO_OK || msio_last_error()->message[0]);
    return status;
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    char absent[128];
    snprintf(absent, sizeof absent, "%s/absent.ms", folder);
    assert_int_equal(fails(NULL, 0, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(fails("", 0, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(fails(path, 256, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(fails(absent, 0, NULL), MSIO_E_NOT_FOUND);
    opts.sample = 1;
    assert_int_equal(fails(path, 0, &opts), MSIO_E_ARGUMENT);
    opts.sample = -0.1;
    assert_int_equal(fails(path, 0, &opts), MSIO_E_ARGUMENT);
    opts.sample = 0;
    opts.struct_size = 8;
    assert_int_equal(fails(path, 0, &opts), MSIO_E_ARGUMENT);
    assert_int_equal(msio_flags_count(path, 0, NULL, NULL), MSIO_E_ARGUMENT);
    msio_flags_release(NULL);
}

static void a_table_without_flags_is_refused(void **state) {
    (void)state;
    char subtable[128];
    snprintf(subtable, sizeof subtable, "%s::ANTENNA", path);
    assert_int_equal(fails(subtable, 0, NULL), MSIO_E_NO_COLUMN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counts_are_casacores, forget),
        cmocka_unit_test_setup(a_count_can_be_cancelled_and_leaves_nothing, forget),
        cmocka_unit_test_setup(breakdowns_are_casacores, forget),
        cmocka_unit_test_setup(casacore_counts_the_same, forget),
        cmocka_unit_test_setup(an_answer_is_kept, forget),
        cmocka_unit_test_setup(other_questions_have_other_answers, forget),
        cmocka_unit_test_setup(changed_flags_are_counted_anew, forget),
        cmocka_unit_test_setup(other_columns_do_not_matter, forget),
        cmocka_unit_test_setup(as_opened_is_not_checked, forget),
        cmocka_unit_test_setup(what_is_held_outlives_the_cache, forget),
        cmocka_unit_test_setup(many_threads_may_ask, forget),
        cmocka_unit_test_setup(wrong_arguments_are_refused, forget),
        cmocka_unit_test_setup(a_table_without_flags_is_refused, forget),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
