/* test_view.c - columns and datasets viewed where they lie: as casacore and h5py read them, without a copy; what cannot
 * be viewed says why; files that are cut, written or removed meanwhile are told.
 *
 * make_viewed.py makes the tables; without casacore, h5py or the HDF5 module the test is skipped. */
#include "msio/view.h"

#include "core/descriptors.h"
#include "core/file.h"
#include "tests/fuzz/table_pack.h"
#include "tests/script.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ROWS 23

static char folder[] = "/tmp/msio-test-view-XXXXXX";
static msio_table *table;
static msio_hdf5 *file;

static int start(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    if (test_script("io/read/make_viewed.py", "%s", folder) != 0) {
        print_message("skipped: no python3 with casacore and h5py\n");
        pack_remove(folder);
        exit(77);
    }
    char path[160];
    snprintf(path, sizeof path, "%s/t.tab", folder);
    if (msio_table_open(path, NULL, &table) != MSIO_OK) return -1;
    snprintf(path, sizeof path, "%s/views.h5", folder);
    return msio_hdf5_open(path, NULL, &file) != MSIO_OK;
}

static int finish(void **state) {
    (void)state;
    msio_hdf5_close(file);
    msio_status status = msio_table_close(table);
    pack_remove(folder);
    return status != MSIO_OK;
}

/* ---------------------------------------------------------------- helpers */

static const char *in_folder(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static uint8_t *load_raw(const char *name, size_t *bytes) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s.raw", folder, name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    uint8_t *raw = malloc(1 << 20);
    assert_non_null(raw);
    *bytes = fread(raw, 1, 1 << 20, in);
    fclose(in);
    assert_true(*bytes > 0 && *bytes < 1 << 20);
    return raw;
}

static const msio_column *column_of(msio_table *t, const char *name) {
    const msio_column *column = NULL;
    assert_int_equal(msio_table_column(t, name, &column), MSIO_OK);
    return column;
}

static const msio_dataset *dataset_of(const char *name) {
    const msio_dataset *dataset = NULL;
    assert_int_equal(msio_hdf5_dataset(file, name, &dataset), MSIO_OK);
    return dataset;
}

/* Every element of a view of three axes (at most) against a dense array [rows][chans][corrs] of which it shows a part:
 * row i is row + i * row_step, and so on. */
typedef struct shown {
    int64_t row, row_step, chan, chan_step, chans, corr, corrs;
} shown;

static void assert_shows(const msio_view *view, const char *raw_name, const shown *part) {
    const msio_view_info *v = msio_view_describe(view);
    size_t bytes, elem = msio_type_size(v->type);
    uint8_t *raw = load_raw(raw_name, &bytes);
    int64_t n[3] = {v->shape[0], v->ndim > 2 ? v->shape[1] : 1, v->ndim > 1 ? v->shape[v->ndim - 1] : 1};
    int64_t s[3] = {v->stride[0], v->ndim > 2 ? v->stride[1] : 0, v->ndim > 1 ? v->stride[v->ndim - 1] : 0};
    assert_true(v->ndim <= 3 && n[0] * n[1] * n[2] > 0);
    assert_int_equal(v->bytes, (size_t)(n[0] * n[1] * n[2]) * elem);
    for (int64_t i = 0; i < n[0]; i++)
        for (int64_t j = 0; j < n[1]; j++)
            for (int64_t k = 0; k < n[2]; k++) {
                int64_t row = part->row + i * part->row_step, chan = part->chan + j * part->chan_step;
                size_t at = (size_t)((row * part->chans + chan) * part->corrs + part->corr + k) * elem;
                assert_true(at + elem <= bytes);
                assert_memory_equal((uint8_t *)v->data + i * s[0] + j * s[1] + k * s[2], raw + at, elem);
            }
    free(raw);
}

static void assert_column_shows(const char *path, const char *name, const msio_select *select, const shown *part,
                                int contiguous) {
    msio_table *t = NULL;
    msio_view *view = NULL;
    assert_int_equal(msio_table_open(in_folder(path), NULL, &t), MSIO_OK);
    msio_status status = msio_view_column(column_of(t, name), select, NULL, &view);
    if (status) fail_msg("%s", msio_last_error()->message);
    assert_int_equal(msio_table_close(t), MSIO_OK); /* the view goes on */
    assert_int_equal(msio_view_describe(view)->contiguous, contiguous);
    assert_shows(view, name, part);
    assert_int_equal(msio_view_close(view), MSIO_OK);
}

static void assert_refused(const char *path, const char *name, const msio_select *select, msio_native native,
                           const char *why) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    msio_table *t = NULL;
    msio_view *view = NULL;
    opts.native = native;
    assert_int_equal(msio_table_open(in_folder(path), &opts, &t), MSIO_OK);
    assert_int_equal(msio_view_column(column_of(t, name), select, NULL, &view), MSIO_E_UNSUPPORTED);
    if (!strstr(msio_last_error()->message, why)) fail_msg("%s", msio_last_error()->message);
    assert_null(view);
    assert_int_equal(msio_table_close(t), MSIO_OK);
}

static const shown all_cells = {0, 1, 0, 1, 4, 0, 2};

/* ---------------------------------------------------------------- what is viewed */

static void whole_columns_are_what_casacore_reads(void **state) {
    (void)state;
    assert_column_shows("t.tab", "DATA", NULL, &all_cells, 1);
    assert_column_shows("t.tab", "UVW", NULL, &(shown){0, 1, 0, 1, 1, 0, 3}, 1);
    assert_column_shows("t.tab", "TIME", NULL, &(shown){0, 1, 0, 1, 1, 0, 1}, 1);
}

static void parts_lie_at_strides(void **state) {
    (void)state;
    msio_select s = MSIO_SELECT_ALL;
    for (s.row = 0; s.row < 7; s.row++)
        for (s.row_step = 1; s.row_step < 12; s.row_step++)
            for (s.rows = 1; s.row + (s.rows - 1) * s.row_step < ROWS; s.rows += 2) {
                s.chan = s.row % 3, s.chans = 2, s.corr = s.row % 2, s.corrs = 1;
                assert_column_shows("t.tab", "DATA", &s, &(shown){s.row, s.row_step, s.chan, 1, 4, s.corr, 2}, 0);
            }
    s = (msio_select)MSIO_SELECT_ALL;
    s.row = 2, s.rows = 5, s.row_step = 4, s.chan = 1, s.chans = 2, s.chan_step = 2;
    assert_column_shows("t.tab", "DATA", &s, &(shown){2, 4, 1, 2, 4, 0, 2}, 0);
    s = (msio_select)MSIO_SELECT_ALL;
    s.row = 6, s.rows = 11;
    assert_column_shows("t.tab", "DATA", &s, &(shown){6, 1, 0, 1, 4, 0, 2}, 1);
    s.row = 5, s.rows = 5, s.chan = 2, s.chans = 2; /* one tile of SPLIT */
    assert_column_shows("t.tab", "SPLIT", &s, &(shown){5, 1, 2, 1, 4, 0, 2}, 1);
    s = (msio_select)MSIO_SELECT_ALL;
    s.row = 3, s.rows = 4; /* the defined ones */
    assert_column_shows("t.tab", "HOLES", &s, &all_cells, 1);
    s.row = 9, s.rows = 1;
    assert_column_shows("t.tab", "ONE", &s, &(shown){9, 1, 0, 1, 4, 0, 2}, 1);
}

static void lists_and_reference_tables_lie_at_strides(void **state) {
    (void)state;
    const int64_t even[] = {2, 4, 6, 8, 10, 12, 14}, mixed[] = {2, 4, 7}, twice[] = {3, 3}, back[] = {9, 8, 7};
    msio_select s = MSIO_SELECT_ALL;
    s.row_list = even, s.rows_in_list = 7;
    assert_column_shows("t.tab", "DATA", &s, &(shown){2, 2, 0, 1, 4, 0, 2}, 0);
    assert_column_shows("part.tab", "DATA", NULL, &(shown){4, 2, 0, 1, 4, 0, 2}, 0);
    s.row_list = mixed, s.rows_in_list = 3;
    assert_refused("t.tab", "DATA", &s, MSIO_NATIVE_AUTO, "order");
    s.row_list = twice, s.rows_in_list = 2;
    assert_refused("t.tab", "DATA", &s, MSIO_NATIVE_AUTO, "more than once");
    s.row_list = back, s.rows_in_list = 3;
    assert_refused("t.tab", "DATA", &s, MSIO_NATIVE_AUTO, "order");
}

static void datasets_are_what_h5py_reads(void **state) {
    (void)state;
    static const char *const names[] = {"plain", "chunk"};
    msio_view *view = NULL;
    for (int i = 0; i < 2; i++) {
        msio_status status = msio_view_dataset(dataset_of(names[i]), NULL, NULL, &view);
        if (status) fail_msg("%s: %s", names[i], msio_last_error()->message);
        assert_int_equal(msio_view_describe(view)->contiguous, 1);
        assert_shows(view, "plain", &(shown){0, 1, 0, 1, 3, 0, 4});
        assert_int_equal(msio_view_close(view), MSIO_OK);
        msio_select s = MSIO_SELECT_ALL;
        s.row = 1, s.rows = 4, s.row_step = 3, s.chan = 0, s.chans = 2, s.chan_step = 2, s.corr = 1, s.corrs = 3;
        assert_int_equal(msio_view_dataset(dataset_of(names[i]), &s, NULL, &view), MSIO_OK);
        assert_shows(view, "plain", &(shown){1, 3, 0, 2, 3, 1, 4});
        assert_int_equal(msio_view_close(view), MSIO_OK);
    }
    assert_int_equal(msio_view_dataset(dataset_of("scalar"), NULL, NULL, &view), MSIO_OK);
    assert_int_equal(msio_view_describe(view)->ndim, 0);
    assert_true(*(double *)msio_view_describe(view)->data == 2.5);
    assert_int_equal(msio_view_close(view), MSIO_OK);
}

static void nothing_is_a_view_too(void **state) {
    (void)state;
    msio_view *view = NULL;
    msio_select s = MSIO_SELECT_ALL;
    s.rows = 0;
    assert_int_equal(msio_view_column(column_of(table, "DATA"), &s, NULL, &view), MSIO_OK);
    assert_null(msio_view_describe(view)->data);
    assert_int_equal(msio_view_describe(view)->bytes, 0);
    assert_string_equal(msio_view_describe(view)->file, "");
    assert_int_equal(msio_view_close(view), MSIO_OK);
    assert_int_equal(msio_view_close(NULL), MSIO_OK);
}

/* ---------------------------------------------------------------- what is not */

static void refusals_say_why(void **state) {
    (void)state;
    msio_view *view = NULL;
    msio_select s = MSIO_SELECT_ALL;
    assert_refused("t.tab", "FLAG", NULL, MSIO_NATIVE_AUTO, "bits");
    assert_refused("t.tab", "SPLIT", NULL, MSIO_NATIVE_AUTO, "tiles");
    assert_refused("t.tab", "ONE", NULL, MSIO_NATIVE_AUTO, "tiles");
    assert_refused("t.tab", "HOLES", NULL, MSIO_NATIVE_AUTO, "never written");
    assert_refused("t.tab", "SAME", NULL, MSIO_NATIVE_AUTO, "more than once");
    assert_refused("t.tab", "DATA", NULL, MSIO_NATIVE_NO, "casacore");
    assert_refused("big.tab", "DATA", NULL, MSIO_NATIVE_AUTO, "byte order");
    assert_refused("both.tab", "DATA", NULL, MSIO_NATIVE_AUTO, "tiles");
    s.rows = 2;
    assert_refused("t.tab", "HOLES", &s, MSIO_NATIVE_AUTO, "never written");
    assert_int_equal(msio_view_column(column_of(table, "NAME"), NULL, NULL, &view), MSIO_E_ARGUMENT);
    s.rows = ROWS + 1;
    assert_int_equal(msio_view_column(column_of(table, "DATA"), &s, NULL, &view), MSIO_E_RANGE);
    static const char *const sets[][2] = {{"big", "byte order"},
                                          {"packed", "filtered"},
                                          {"chunks", "chunks"},
                                          {"unwritten", "nothing was written"},
                                          {"odd", "odd byte"}};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(msio_view_dataset(dataset_of(sets[i][0]), NULL, NULL, &view), MSIO_E_UNSUPPORTED);
        if (!strstr(msio_last_error()->message, sets[i][1])) fail_msg("%s", msio_last_error()->message);
    }
    assert_null(view);
}

/* ---------------------------------------------------------------- what it costs */

/* A number of /proc/self/FILE behind a word; -1 where there is none. */
static long long proc_number(const char *name, const char *word) {
    char line[200];
    long long found = -1;
    FILE *in = fopen(name, "r");
    while (in && found < 0 && fgets(line, sizeof line, in))
        if (strncmp(line, word, strlen(word)) == 0) found = atoll(line + strlen(word));
    if (in) fclose(in);
    return found;
}

/* 6 GB in a file that has a hole for them. */
static void a_large_view_reads_and_takes_nothing(void **state) {
    (void)state;
    msio_view *view = NULL;
    const msio_dataset *large = dataset_of("large");
    int kept = msio_descriptors_kept();
    long long read = proc_number("/proc/self/io", "rchar:"), size = proc_number("/proc/self/status", "VmData:"),
              resident = proc_number("/proc/self/status", "VmRSS:");
    if (read < 0 || size < 0) skip();
    assert_int_equal(msio_view_dataset(large, NULL, NULL, &view), MSIO_OK);
    const msio_view_info *v = msio_view_describe(view);
    assert_int_equal(v->bytes, (size_t)6 << 30);
    assert_true(proc_number("/proc/self/io", "rchar:") - read < 65536); /* what the looks themselves read */
    assert_true(proc_number("/proc/self/status", "VmData:") - size < 4096);
    assert_true(proc_number("/proc/self/status", "VmRSS:") - resident < 4096);
    assert_true(msio_descriptors_kept() <= kept);
    assert_true(((const double *)v->data)[((int64_t)3 << 28) - 1] == 4.75);
    assert_int_equal(msio_view_close(view), MSIO_OK);
    msio_view_opts opts = MSIO_VIEW_OPTS_INIT;
    opts.writable = 1;
    msio_select s = MSIO_SELECT_ALL;
    s.row = ((int64_t)3 << 18) - 1, s.rows = 1; /* behind byte 4294967296 */
    assert_int_equal(msio_view_dataset(large, &s, &opts, &view), MSIO_OK);
    v = msio_view_describe(view);
    assert_true(v->offset > (int64_t)1 << 32);
    assert_true(((double *)v->data)[1023] == 4.75);
    assert_int_equal(msio_view_close(view), MSIO_OK);
}

/* ---------------------------------------------------------------- private views, threads, children */

static void changes_stay_in_memory(void **state) {
    (void)state;
    msio_view *view = NULL, *other = NULL;
    msio_view_opts opts = MSIO_VIEW_OPTS_INIT;
    opts.writable = 1;
    assert_int_equal(msio_view_column(column_of(table, "DATA"), NULL, &opts, &view), MSIO_OK);
    assert_int_equal(msio_view_column(column_of(table, "DATA"), NULL, NULL, &other), MSIO_OK);
    assert_shows(view, "DATA", &all_cells);
    const msio_view_info *v = msio_view_describe(view);
    assert_int_equal(v->writable, 1);
    memset(v->data, 7, v->bytes);
    for (size_t i = 0; i < v->bytes; i++) assert_int_equal(((uint8_t *)v->data)[i], 7);
    assert_shows(other, "DATA", &all_cells);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool good = ((uint8_t *)v->data)[3] == 7 && msio_view_check(other) == MSIO_OK;
        memset(v->data, 9, v->bytes);
        good = good && msio_view_close(view) == MSIO_OK && msio_view_close(other) == MSIO_OK;
        _exit(good ? 0 : 1);
    }
    int how = -1;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    assert_int_equal(((uint8_t *)v->data)[3], 7);
    assert_int_equal(msio_view_close(view), MSIO_OK);
    assert_int_equal(msio_view_close(other), MSIO_OK);
    assert_column_shows("t.tab", "DATA", NULL, &all_cells, 1);
}

static void *view_often(void *wrong) {
    size_t bytes;
    uint8_t *raw = load_raw("DATA", &bytes);
    for (int i = 0; i < 200; i++) {
        msio_view *view = NULL;
        bool good = msio_view_column(column_of(table, "DATA"), NULL, NULL, &view) == MSIO_OK &&
                    memcmp(msio_view_describe(view)->data, raw, bytes) == 0;
        good = msio_view_close(view) == MSIO_OK && good;
        if (!good) *(int *)wrong = 1;
    }
    free(raw);
    return NULL;
}

static void threads_view_at_once(void **state) {
    (void)state;
    pthread_t thread[4];
    int wrong[4] = {0};
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, view_often, &wrong[i]), 0);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < 4; i++) assert_int_equal(wrong[i], 0);
}

/* ---------------------------------------------------------------- broken promises */

/* The first 8 MB of the large dataset in a copy of the file. */
static void view_copy(msio_hdf5 **copy, const char *name, int writable, msio_view **view) {
    char command[600];
    snprintf(command, sizeof command, "cp --sparse=always %s/views.h5 %s/%s", folder, folder, name);
    assert_int_equal(system(command), 0);
    const msio_dataset *dataset = NULL;
    msio_view_opts opts = MSIO_VIEW_OPTS_INIT;
    opts.writable = writable;
    assert_int_equal(msio_hdf5_open(in_folder(name), NULL, copy), MSIO_OK);
    assert_int_equal(msio_hdf5_dataset(*copy, "large", &dataset), MSIO_OK);
    msio_select s = MSIO_SELECT_ALL;
    s.rows = 1024;
    assert_int_equal(msio_view_dataset(dataset, &s, &opts, view), MSIO_OK);
}

static void a_cut_file_reads_as_zeros_and_is_told(void **state) {
    (void)state;
    for (int writable = 0; writable < 2; writable++) {
        msio_hdf5 *copy = NULL;
        msio_view *view = NULL;
        view_copy(&copy, "cut.h5", writable, &view);
        const msio_view_info *v = msio_view_describe(view);
        uint8_t *data = v->data;
        int64_t broken = msio_views_broken();
        if (writable) memset(data, 5, v->bytes);
        assert_int_equal(msio_view_check(view), MSIO_OK);
        assert_int_equal(truncate(v->file, v->offset + 100), 0);
        assert_int_equal(msio_view_check(view), MSIO_E_CHANGED); /* nobody touched what is gone */
        for (size_t i = v->bytes - 100000; i < v->bytes; i++) assert_int_equal(data[i], 0);
        assert_int_equal(msio_view_check(view), MSIO_E_IO);
        assert_non_null(strstr(msio_last_error()->message, "zeros"));
        assert_int_equal(msio_views_broken(), broken + 1);
        if (writable) { /* and goes on being written */
            data[v->bytes - 1] = 3;
            memset(data + v->bytes / 2, 3, 10000); /* in pages that nobody touched since */
            assert_int_equal(data[v->bytes - 1], 3);
        }
        int64_t sum = 0;
        for (size_t i = 0; i < v->bytes; i++) sum += data[i];
        int64_t page = sysconf(_SC_PAGESIZE), kept = (v->offset + 100 + page - 1) / page * page - v->offset;
        assert_int_equal(sum, writable ? kept * 5 + 10000 * 3 + 3 : 0); /* the page that was cut stays */
        assert_int_equal(msio_views_broken(), broken + 1);
        msio_hdf5_close(copy);
        assert_int_equal(msio_view_close(view), MSIO_E_IO);
        unlink(in_folder("cut.h5"));
    }
}

static void a_file_that_is_written_or_removed_is_told(void **state) {
    (void)state;
    msio_hdf5 *copy = NULL;
    msio_view *view = NULL;
    view_copy(&copy, "written.h5", 0, &view);
    struct timespec moment = {0, 20000000}; /* longer than a tick of the file system's clock */
    nanosleep(&moment, NULL);
    FILE *out = fopen(in_folder("written.h5"), "r+b");
    assert_non_null(out);
    assert_int_equal(fseek(out, 5000, SEEK_SET), 0);
    fputc(1, out);
    fclose(out);
    assert_int_equal(msio_view_close(view), MSIO_E_CHANGED);
    msio_hdf5_close(copy);
    view_copy(&copy, "removed.h5", 0, &view);
    unlink(in_folder("removed.h5"));
    assert_int_equal(*(const uint8_t *)msio_view_describe(view)->data, 0);
    assert_int_equal(msio_view_close(view), MSIO_E_CHANGED);
    assert_non_null(strstr(msio_last_error()->message, "removed"));
    msio_hdf5_close(copy);
    unlink(in_folder("written.h5"));
}

/* What a header claims beyond the file's end is refused, not mapped. */
static void a_file_that_is_too_short_is_not_mapped(void **state) {
    (void)state;
    char command[600];
    msio_table *t = NULL;
    msio_view *view = NULL;
    snprintf(command, sizeof command, "cp -r %s/t.tab %s/short.tab && truncate -s 700 %s/short.tab/table.f0_TSM1",
             folder, folder, folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(msio_table_open(in_folder("short.tab"), NULL, &t), MSIO_OK);
    assert_int_equal(msio_view_column(column_of(t, "DATA"), NULL, NULL, &view), MSIO_E_FORMAT);
    assert_null(view);
    msio_select s = MSIO_SELECT_ALL;
    s.rows = 3;
    assert_int_equal(msio_view_column(column_of(t, "DATA"), &s, NULL, &view), MSIO_OK);
    assert_int_equal(msio_view_close(view), MSIO_OK);
    assert_int_equal(msio_table_close(t), MSIO_OK);
}

static void options_of_another_size_are_refused(void **state) {
    (void)state;
    msio_view *view = NULL;
    msio_view_opts opts = MSIO_VIEW_OPTS_INIT;
    opts.struct_size++;
    assert_int_equal(msio_view_column(column_of(table, "DATA"), NULL, &opts, &view), MSIO_E_ARGUMENT);
    assert_int_equal(msio_view_dataset(dataset_of("plain"), NULL, &opts, &view), MSIO_E_ARGUMENT);
    assert_int_equal(msio_view_column(NULL, NULL, NULL, &view), MSIO_E_ARGUMENT);
    assert_int_equal(msio_view_dataset(NULL, NULL, NULL, &view), MSIO_E_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_columns_are_what_casacore_reads),
        cmocka_unit_test(parts_lie_at_strides),
        cmocka_unit_test(lists_and_reference_tables_lie_at_strides),
        cmocka_unit_test(datasets_are_what_h5py_reads),
        cmocka_unit_test(nothing_is_a_view_too),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(a_large_view_reads_and_takes_nothing),
        cmocka_unit_test(changes_stay_in_memory),
        cmocka_unit_test(threads_view_at_once),
        cmocka_unit_test(a_cut_file_reads_as_zeros_and_is_told),
        cmocka_unit_test(a_file_that_is_written_or_removed_is_told),
        cmocka_unit_test(a_file_that_is_too_short_is_not_mapped),
        cmocka_unit_test(options_of_another_size_are_refused),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
