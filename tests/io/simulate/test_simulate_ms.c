/* test_simulate_ms.c - simulated Measurement Sets: their values, their size, and how they come into place. */
#include "msio/core.h"
#include "msio/io.h"

#include "tests/io/simulate/simulate_scratch.h"
#include "tests/script.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int start(void **state) {
    (void)state;
    return make_scratch("small.ms");
}

static msio_simulate_ms_opts small(void) {
    msio_simulate_ms_opts opts = MSIO_SIMULATE_MS_OPTS_INIT;
    opts.antennas = 8;
    opts.times = 3;
    opts.subbands = 2;
    opts.channels = 16;
    return opts;
}

/* Entries of the test's folder, "." and ".." apart. */
static int entries_left(void) {
    char command[PATH_MAX + 32], line[16] = "";
    snprintf(command, sizeof command, "ls -A %s | wc -l", scratch);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof line, pipe));
    pclose(pipe);
    return atoi(line);
}

static int64_t bytes_found;

static int add_size(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)path, (void)where;
    if (kind == FTW_F) bytes_found += info->st_size;
    return 0;
}

/* Runs the checker, which reads every element through python-casacore. */
static void check_with_casacore(const char *layout) {
    int status = test_script("oracle/check_simulated.py", "%s --layout %s >&2", made, layout);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void simulate_and_check(msio_simulate_ms_opts opts) {
    assert_int_equal(msio_simulate_ms(made, &opts), MSIO_OK);
    check_with_casacore(opts.layout);
}

/* ---------------------------------------------------------------- values */

static void dsa110_holds_the_formulas(void **state) {
    (void)state;
    simulate_and_check(small());
}

static void big_endian_with_imaging_columns_holds_the_formulas(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    opts.byte_order = "big";
    opts.imaging_columns = 1;
    simulate_and_check(opts);
}

static void default_layout_holds_the_formulas(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    opts.layout = "default";
    opts.channels = 120; /* so that tiles divide the channels */
    opts.imaging_columns = 1;
    simulate_and_check(opts);
}

static void wide_layout_has_one_window(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    opts.layout = "wide";
    opts.corrs = 4;
    simulate_and_check(opts);
}

static void many_tiles_and_one_correlation_hold_the_formulas(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    opts.antennas = 40;
    opts.times = 20;
    opts.corrs = 1;
    opts.channels = 48;
    simulate_and_check(opts);
}

static void one_row_is_enough(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    opts.antennas = opts.times = opts.subbands = opts.channels = opts.corrs = 1;
    simulate_and_check(opts);
}

/* ---------------------------------------------------------------- size */

static void default_options_tell_dsa110_size(void **state) {
    (void)state;
    int64_t rows = 0;
    int64_t bytes = msio_simulate_ms_bytes(NULL, &rows);
    assert_int_equal(rows, 1787904);
    assert_in_range(bytes, 2100000000, 2250000000);
}

static void size_told_is_within_five_percent(void **state) {
    (void)state;
    static const char *const layouts[] = {"dsa110", "default", "wide"};
    for (int i = 0; i < 3; i++) {
        msio_simulate_ms_opts opts = small();
        opts.layout = layouts[i];
        opts.imaging_columns = i & 1;
        opts.antennas = 10 + 20 * i;
        opts.overwrite = 1;
        assert_int_equal(msio_simulate_ms(made, &opts), MSIO_OK);
        bytes_found = 0;
        assert_int_equal(nftw(made, add_size, 16, FTW_PHYS), 0);
        int64_t told = msio_simulate_ms_bytes(&opts, NULL);
        assert_in_range(told, bytes_found * 95 / 100, bytes_found * 105 / 100);
    }
}

/* ---------------------------------------------------------------- wrong options */

static void expect_refused(msio_simulate_ms_opts opts) {
    assert_int_equal(msio_simulate_ms(made, &opts), MSIO_E_ARGUMENT);
    assert_int_equal(msio_last_error()->code, MSIO_E_ARGUMENT);
    assert_true(strlen(msio_last_error()->message) > 0);
    assert_int_equal(msio_simulate_ms_bytes(&opts, NULL), -1);
    assert_int_equal(entries_left(), 0);
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    opts.layout = "square";
    expect_refused(opts);
    opts = small();
    opts.byte_order = "middle";
    expect_refused(opts);
    opts = small();
    opts.corrs = 3;
    expect_refused(opts);
    opts = small();
    opts.antennas = 0;
    expect_refused(opts);
    opts = small();
    opts.times = -1;
    expect_refused(opts);
    opts = small();
    opts.struct_size = 0;
    expect_refused(opts);
}

static void sizes_beyond_counting_are_refused(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    opts.times = INT32_MAX;
    opts.antennas = 32768;
    expect_refused(opts);
    opts = small();
    opts.channels = opts.subbands = INT32_MAX;
    expect_refused(opts);
}

static void a_missing_folder_is_named(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/none/x.ms", scratch);
    assert_int_equal(msio_simulate_ms(path, &opts), MSIO_E_IO);
    assert_non_null(strstr(msio_last_error()->message, "none"));
    assert_int_equal(msio_simulate_ms("", &opts), MSIO_E_ARGUMENT);
    assert_int_equal(msio_simulate_ms(NULL, &opts), MSIO_E_ARGUMENT);
}

/* ---------------------------------------------------------------- coming into place */

static void a_table_is_replaced_only_when_asked(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    assert_int_equal(msio_simulate_ms(made, &opts), MSIO_OK);
    struct stat before, after;
    assert_int_equal(stat(made, &before), 0);
    assert_int_equal(msio_simulate_ms(made, &opts), MSIO_E_ARGUMENT);
    assert_int_equal(stat(made, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    opts.overwrite = 1;
    opts.times = 4;
    assert_int_equal(msio_simulate_ms(made, &opts), MSIO_OK);
    assert_int_equal(entries_left(), 1);
    check_with_casacore("dsa110");
}

static void what_is_no_table_is_never_replaced(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    opts.overwrite = 1;
    assert_int_equal(mkdir(made, 0777), 0);
    assert_int_equal(msio_simulate_ms(made, &opts), MSIO_E_ARGUMENT);
    assert_int_equal(rmdir(made), 0); /* and nothing was put into it */
    assert_int_equal(entries_left(), 0);
}

static void progress_reaches_the_total(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    opts.progress = note;
    last_done = last_total = 0;
    assert_int_equal(msio_simulate_ms(made, &opts), MSIO_OK);
    assert_true(last_total > 216 * 16 * 2 * 13);
    assert_int_equal(last_done, last_total);
}

static void a_cancelled_one_leaves_nothing(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    opts.progress = note;
    opts.user = &opts;
    last_done = last_total = 0;
    assert_int_equal(msio_simulate_ms(made, &opts), MSIO_E_CANCELLED);
    assert_true(last_done < last_total);
    assert_int_equal(entries_left(), 0);
}

static void a_cancelled_one_leaves_what_stood_there(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = small();
    assert_int_equal(msio_simulate_ms(made, &opts), MSIO_OK);
    opts.progress = note;
    opts.user = &opts;
    opts.overwrite = 1;
    last_done = last_total = 0;
    assert_int_equal(msio_simulate_ms(made, &opts), MSIO_E_CANCELLED);
    assert_int_equal(entries_left(), 1);
    check_with_casacore("dsa110");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(dsa110_holds_the_formulas, remove_made),
        cmocka_unit_test_teardown(big_endian_with_imaging_columns_holds_the_formulas, remove_made),
        cmocka_unit_test_teardown(default_layout_holds_the_formulas, remove_made),
        cmocka_unit_test_teardown(wide_layout_has_one_window, remove_made),
        cmocka_unit_test_teardown(many_tiles_and_one_correlation_hold_the_formulas, remove_made),
        cmocka_unit_test_teardown(one_row_is_enough, remove_made),
        cmocka_unit_test(default_options_tell_dsa110_size),
        cmocka_unit_test_teardown(size_told_is_within_five_percent, remove_made),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(sizes_beyond_counting_are_refused),
        cmocka_unit_test(a_missing_folder_is_named),
        cmocka_unit_test_teardown(a_table_is_replaced_only_when_asked, remove_made),
        cmocka_unit_test_teardown(what_is_no_table_is_never_replaced, remove_made),
        cmocka_unit_test_teardown(progress_reaches_the_total, remove_made),
        cmocka_unit_test_teardown(a_cancelled_one_leaves_nothing, remove_made),
        cmocka_unit_test_teardown(a_cancelled_one_leaves_what_stood_there, remove_made),
    };
    if (msio_casacore_load() != MSIO_OK) {
        printf("skipped: %s\n", msio_last_error()->message);
        return 77;
    }
    return cmocka_run_group_tests(tests, start, remove_scratch);
}
