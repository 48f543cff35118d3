/* test_uvh5_rows.c - what UVH5 files have a value a row of, and the order of their rows, as h5py and numpy see them. */
#include "msio/uvh5.h"

#include "uvh5_cases.h"

#include <math.h>
#include <unistd.h>

static msio_uvh5 *open_file(const char *path) {
    msio_uvh5 *file = NULL;
    if (msio_uvh5_open(path, NULL, &file) != MSIO_OK) fail_msg("%s: %s", path, msio_last_error()->message);
    return file;
}

static msio_uvh5 *open_case(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", cases_folder, name);
    return open_file(path);
}

/* ---------------------------------------------------------------- rows as text, as uvh5_cases.py writes them */

static void put_doubles(FILE *out, const char *name, int64_t n, const double *value) {
    fprintf(out, "%s ", name);
    for (int64_t i = 0; i < n && value; i++) fprintf(out, "%s%.17g", i ? " " : "", value[i]);
    fputs(value ? "\n" : "-\n", out);
}

static void put_ints(FILE *out, const char *name, int64_t n, const int32_t *value) {
    fprintf(out, "%s ", name);
    for (int64_t i = 0; i < n && value; i++) fprintf(out, "%s%d", i ? " " : "", value[i]);
    fputs(value ? "\n" : "-\n", out);
}

static void put_rows(FILE *out, msio_uvh5 *file, const msio_select *select) {
    msio_uvh5_rows r = {0};
    if (msio_uvh5_rows_read(file, MSIO_UVH5_ROWS_ALL, select, &r) != MSIO_OK)
        fail_msg("%s: %s", msio_last_error()->path, msio_last_error()->message);
    fprintf(out, "rows %lld\n", (long long)r.rows);
    put_doubles(out, "time_array", r.rows, r.time);
    put_doubles(out, "integration_time", r.rows, r.integration_time);
    put_doubles(out, "lst_array", r.rows, r.lst);
    put_ints(out, "ant_1_array", r.rows, r.ant_1);
    put_ints(out, "ant_2_array", r.rows, r.ant_2);
    put_doubles(out, "uvw_array", 3 * r.rows, r.uvw ? r.uvw[0] : NULL);
    put_ints(out, "phase_center_id_array", r.rows, r.phase_center_id);
    put_doubles(out, "phase_center_app_ra", r.rows, r.app_ra);
    put_doubles(out, "phase_center_app_dec", r.rows, r.app_dec);
    put_doubles(out, "phase_center_frame_pa", r.rows, r.frame_pa);
    put_ints(out, "scan_number_array", r.rows, r.scan_number);
    msio_uvh5_rows_free(&r);
}

static void check_rows(const case_line *line) {
    char *found;
    size_t size;
    msio_uvh5 *file = open_file(line->part[0]);
    int64_t n = msio_uvh5_describe(file)->nblts, list[] = {n - 1, 0, n / 2, 0};
    msio_select third = MSIO_SELECT_ALL, some = MSIO_SELECT_ALL;
    third.row = n > 1 ? 1 : 0;
    third.rows = n > 1 ? (n + 1) / 3 : 0;
    third.row_step = 3;
    some.row_list = list;
    some.rows_in_list = n ? 4 : 0;
    FILE *out = open_memstream(&found, &size);
    put_rows(out, file, NULL);
    put_rows(out, file, &third);
    put_rows(out, file, &some);
    fclose(out);
    char *expected = cases_expected(line->part[1], "rows");
    cases_compare(line->part[0], found, expected);
    free(found);
    free(expected);
    msio_uvh5_close(file);
}

static void every_row_is_what_h5py_reads(void **state) {
    (void)state;
    cases_each("good.list", check_rows);
}

static void only_what_is_asked_for_is_there(void **state) {
    (void)state;
    msio_uvh5 *file = open_case("good1.uvh5");
    msio_uvh5_rows r = {0};
    assert_int_equal(msio_uvh5_rows_read(file, MSIO_UVH5_UVW, NULL, &r), MSIO_OK);
    assert_non_null(r.uvw);
    assert_null(r.time);
    assert_null(r.ant_1);
    msio_uvh5_rows_free(&r);
    assert_null(r.uvw);
    msio_uvh5_rows_free(&r);
    msio_uvh5_rows_free(NULL);
    msio_uvh5_close(file);
}

static void channels_of_a_selection_do_not_matter(void **state) {
    (void)state;
    msio_uvh5 *file = open_case("good1.uvh5");
    msio_uvh5_rows r = {0};
    msio_select select = MSIO_SELECT_ALL;
    select.row = 2;
    select.rows = 3;
    select.chan = 1;
    select.chans = 2;
    select.corrs = 1;
    assert_int_equal(msio_uvh5_rows_read(file, MSIO_UVH5_ROWS_ALL, &select, &r), MSIO_OK);
    assert_int_equal(r.rows, 3);
    msio_uvh5_rows_free(&r);
    msio_uvh5_close(file);
}

static void rows_beyond_the_file_are_an_error(void **state) {
    (void)state;
    msio_uvh5 *file = open_case("good0.uvh5");
    msio_uvh5_rows r = {0};
    int64_t list[] = {0, 30};
    msio_select select = MSIO_SELECT_ALL;
    select.row = 30;
    select.rows = 1;
    assert_int_equal(msio_uvh5_rows_read(file, MSIO_UVH5_TIME, &select, &r), MSIO_E_RANGE);
    select.row_list = list;
    select.rows_in_list = 2;
    assert_int_equal(msio_uvh5_rows_read(file, MSIO_UVH5_TIME, &select, &r), MSIO_E_RANGE);
    select.struct_size = 1;
    assert_int_equal(msio_uvh5_rows_read(file, MSIO_UVH5_TIME, &select, &r), MSIO_E_ARGUMENT);
    assert_int_equal(msio_uvh5_rows_read(file, 0, NULL, &r), MSIO_E_ARGUMENT);
    assert_int_equal(msio_uvh5_rows_read(file, 4096, NULL, &r), MSIO_E_ARGUMENT);
    assert_int_equal(msio_uvh5_rows_read(NULL, MSIO_UVH5_TIME, NULL, &r), MSIO_E_ARGUMENT);
    assert_null(r.memory);
    msio_uvh5_close(file);
}

/* Makes a sound file whose field holds something else. */
static msio_uvh5 *open_made(const char *field, const char *value) {
    char arguments[512], path[128];
    snprintf(path, sizeof path, "%s/made.uvh5", cases_folder);
    snprintf(arguments, sizeof arguments, "--make %s %s '%s'", path, field, value);
    assert_int_equal(cases_python(arguments), 0);
    return open_file(path);
}

static void numbers_that_name_no_antenna_are_refused(void **state) {
    static const char *const values[] = {"np.arange(30) + 2**40", "np.arange(30) - 2**31 - 1", "np.arange(30) + 0.5",
                                         "np.full(30, np.nan)", "np.full(30, 2**64 - 1, dtype=\"u8\")"};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        msio_uvh5 *file = open_made("ant_2_array", values[i]);
        msio_uvh5_rows r = {0};
        assert_int_equal(msio_uvh5_rows_read(file, MSIO_UVH5_ANTENNAS, NULL, &r), MSIO_E_FORMAT);
        assert_non_null(strstr(msio_last_error()->message, "ant_2_array"));
        msio_uvh5_close(file);
    }
}

/* ---------------------------------------------------------------- order */

static void check_order(const case_line *line) {
    char found[128];
    msio_uvh5_order o;
    msio_uvh5 *file = open_file(line->part[0]);
    if (msio_uvh5_order_find(file, &o) != MSIO_OK) fail_msg("%s: %s", line->part[0], msio_last_error()->message);
    snprintf(found, sizeof found, "%d %d %d %lld %lld\n", (int)o.axis, o.rectangular, o.ascending, (long long)o.times,
             (long long)o.baselines);
    char *expected = cases_expected(line->part[1], "order");
    cases_compare(line->part[0], found, expected);
    free(expected);
    msio_uvh5_close(file);
}

static void the_order_is_what_numpy_finds(void **state) {
    (void)state;
    cases_each("good.list", check_order);
}

static void times_that_are_no_numbers_have_no_order(void **state) {
    (void)state;
    double time[] = {1, NAN};
    int32_t antenna[] = {0, 0};
    msio_uvh5_rows rows = {.rows = 2, .time = time, .ant_1 = antenna, .ant_2 = antenna};
    msio_uvh5_order order;
    assert_int_equal(msio_uvh5_rows_order(&rows, &order), MSIO_E_FORMAT);
    rows.ant_2 = NULL;
    assert_int_equal(msio_uvh5_rows_order(&rows, &order), MSIO_E_ARGUMENT);
    assert_int_equal(msio_uvh5_rows_order(NULL, &order), MSIO_E_ARGUMENT);
    assert_int_equal(msio_uvh5_order_find(NULL, &order), MSIO_E_ARGUMENT);
}

static void zero_and_minus_zero_are_one_time(void **state) {
    (void)state;
    double time[] = {0.0, -0.0};
    int32_t ant_1[] = {0, 0}, ant_2[] = {0, 1};
    msio_uvh5_rows rows = {.rows = 2, .time = time, .ant_1 = ant_1, .ant_2 = ant_2};
    msio_uvh5_order order;
    assert_int_equal(msio_uvh5_rows_order(&rows, &order), MSIO_OK);
    assert_int_equal(order.times, 1);
    assert_int_equal(order.rectangular, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_what_h5py_reads),
        cmocka_unit_test(only_what_is_asked_for_is_there),
        cmocka_unit_test(channels_of_a_selection_do_not_matter),
        cmocka_unit_test(rows_beyond_the_file_are_an_error),
        cmocka_unit_test(numbers_that_name_no_antenna_are_refused),
        cmocka_unit_test(the_order_is_what_numpy_finds),
        cmocka_unit_test(times_that_are_no_numbers_have_no_order),
        cmocka_unit_test(zero_and_minus_zero_are_one_time),
    };
    return cmocka_run_group_tests(tests, cases_make, cases_remove);
}
