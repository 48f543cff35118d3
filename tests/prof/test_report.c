/* test_report.c - the text and JSON reports, and the files they go to. */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "msio/prof.h"
#include "prof/report.h"
#include "prof/span.h"

static char folder[] = "/tmp/msio_test_report_XXXXXX";

static int folder_make(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int folder_remove(void **state) {
    (void)state;
    return rmdir(folder); /* fails when a test, or the library, left a file behind */
}

static void file_name(char path[256], const char *name) { snprintf(path, 256, "%s/%s", folder, name); }

/* Every path once, "read" round "plan". */
static int every_path_ran(void **state) {
    (void)state;
    prof_span read, span;
    prof_work work = {1000, 1500, 10, 2};
    msio_prof_start();
    msio_prof_reset();
    prof_begin(&read, PROF_PATH_READ);
    for (int i = 0; i < PROF_PATHS; i++) {
        if (i == PROF_PATH_READ) continue;
        prof_begin(&span, (prof_path)i);
        prof_end(&span, i == PROF_PATH_PLAN ? &work : NULL);
    }
    prof_end(&read, NULL);
    return 0;
}

static int nothing_ran(void **state) {
    (void)state;
    msio_prof_start();
    msio_prof_reset();
    return 0;
}

static json_t *json_report(void) {
    char *text = NULL;
    json_error_t error;
    assert_int_equal(msio_prof_report_json(&text), MSIO_OK);
    json_t *report = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (report == NULL) print_error("%s at %d:%d\n", error.text, error.line, error.column);
    assert_non_null(report);
    msio_prof_free(text);
    return report;
}

static json_t *json_path(json_t *report, const char *name) {
    size_t i;
    json_t *path;
    json_array_foreach(json_object_get(report, "paths"), i,
                       path) if (strcmp(json_string_value(json_object_get(path, "name")), name) == 0) return path;
    fail_msg("no path %s in the report", name);
    return NULL;
}

static void assert_keys(json_t *object, const char *const *keys) {
    size_t count = 0;
    assert_true(json_is_object(object));
    for (; keys[count] != NULL; count++)
        if (json_object_get(object, keys[count]) == NULL) fail_msg("no key %s", keys[count]);
    assert_int_equal(json_object_size(object), count);
}

/* ---------------------------------------------------------------- JSON */

static void json_holds_all_keys(void **state) {
    (void)state;
    static const char *const top[] = {
        "format",  "format_version", "msio_version", "clock",  "seconds", "peak_rss_bytes", "read_bytes", "disk_bytes",
        "threads", "profiler",       "paths",        "advice", NULL};
    static const char *const threads[] = {"count", "min_seconds", "mean_seconds", "max_seconds", NULL};
    static const char *const profiler[] = {"spans", "span_seconds", "own_seconds", "dropped", NULL};
    static const char *const path_keys[] = {"name",
                                            "unit",
                                            "what",
                                            "ncalls",
                                            "tottime",
                                            "cumtime",
                                            "percall",
                                            "min",
                                            "p50",
                                            "p90",
                                            "p99",
                                            "max",
                                            "bytes",
                                            "bytes_read",
                                            "rows",
                                            "pieces",
                                            "gb_per_s",
                                            "amplification",
                                            "target_seconds",
                                            "measured_seconds",
                                            "verdict",
                                            "reason",
                                            "callers",
                                            NULL};
    static const char *const caller[] = {"name", "ncalls", "cumtime", NULL};
    json_t *report = json_report(), *path;
    size_t i;
    assert_keys(report, top);
    assert_keys(json_object_get(report, "threads"), threads);
    assert_keys(json_object_get(report, "profiler"), profiler);
    assert_int_equal(json_array_size(json_object_get(report, "paths")), PROF_PATHS);
    json_array_foreach(json_object_get(report, "paths"), i, path) {
        assert_keys(path, path_keys);
        assert_string_equal(json_string_value(json_object_get(path, "name")), msio_prof_path_name((int)i));
        assert_int_equal(json_array_size(json_object_get(path, "callers")), 1);
        assert_keys(json_array_get(json_object_get(path, "callers"), 0), caller);
    }
    json_decref(report);
}

static void json_tells_what_was_counted(void **state) {
    (void)state;
    msio_prof_stats stats = MSIO_PROF_STATS_INIT;
    json_t *report = json_report(), *plan = json_path(report, "plan"), *read = json_path(report, "read");
    assert_int_equal(msio_prof_path_stats("plan", &stats), MSIO_OK);
    assert_int_equal(json_integer_value(json_object_get(plan, "ncalls")), 1);
    assert_int_equal(json_integer_value(json_object_get(plan, "bytes")), 1000);
    assert_int_equal(json_integer_value(json_object_get(plan, "bytes_read")), 1500);
    assert_int_equal(json_integer_value(json_object_get(plan, "rows")), 10);
    assert_int_equal(json_integer_value(json_object_get(plan, "pieces")), 2);
    assert_true(json_number_value(json_object_get(plan, "amplification")) == 1.5);
    assert_true(fabs(json_number_value(json_object_get(plan, "cumtime")) - stats.cumtime) <= 1e-8 * stats.cumtime);
    json_t *caller = json_array_get(json_object_get(plan, "callers"), 0);
    assert_string_equal(json_string_value(json_object_get(caller, "name")), "read");
    caller = json_array_get(json_object_get(read, "callers"), 0);
    assert_string_equal(json_string_value(json_object_get(caller, "name")), "");
    assert_true(json_is_null(json_object_get(read, "target_seconds")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(report, "profiler"), "spans")), PROF_PATHS);
    json_decref(report);
}

static void json_of_nothing_still_parses(void **state) {
    (void)state;
    json_t *report = json_report(), *imaging = json_path(report, "imaging");
    assert_string_equal(json_string_value(json_object_get(imaging, "p50")), "nan");
    assert_string_equal(json_string_value(json_object_get(imaging, "verdict")), "NOT MEASURED");
    assert_true(json_number_value(json_object_get(imaging, "target_seconds")) == 3600);
    assert_int_equal(json_array_size(json_object_get(imaging, "callers")), 0);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(report, "threads"), "count")), 0);
    json_decref(report);
}

static char *json_string_of(const char *text) {
    char *made = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    assert_non_null(out);
    fputc('[', out);
    msio_report_json_string(out, text);
    fputc(']', out);
    assert_int_equal(fclose(out), 0);
    json_t *array = json_loads(made, 0, NULL);
    assert_non_null(array);
    free(made);
    char *back = strdup(json_string_value(json_array_get(array, 0)));
    json_decref(array);
    assert_non_null(back);
    return back;
}

static void json_strings_come_back_as_they_were(void **state) {
    (void)state;
    static const char *const texts[] = {"", "plain", "quote \" backslash \\ slash /", "\n\t\r\b\f\x01\x1f\x7f",
                                        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *back = json_string_of(texts[i]);
        assert_string_equal(back, texts[i]);
        free(back);
    }
}

static void json_strings_replace_what_is_no_utf8(void **state) {
    (void)state;
    static const char *const texts[] = {"a\xff"
                                        "b",
                                        "a\x80"
                                        "b",
                                        "a\xc0"
                                        "b"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *back = json_string_of(texts[i]);
        assert_string_equal(back, "a\xef\xbf\xbd"
                                  "b");
        free(back);
    }
    /* overlong, surrogate, beyond U+10FFFF, cut off: they must parse at least */
    static const char *const bad[] = {"\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f", "\xe2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) free(json_string_of(bad[i]));
}

static void json_numbers_that_json_lacks_are_strings(void **state) {
    (void)state;
    char *made = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    assert_non_null(out);
    const double values[] = {NAN, INFINITY, -INFINITY, 0.5};
    for (size_t i = 0; i < 4; i++) {
        msio_report_json_number(out, values[i]);
        fputc(' ', out);
    }
    assert_int_equal(fclose(out), 0);
    assert_string_equal(made, "\"nan\" \"inf\" \"-inf\" 0.5 ");
    free(made);
}

/* ---------------------------------------------------------------- text */

static void text_names_every_used_path_and_every_target(void **state) {
    (void)state;
    static const char *const words[] = {"ncalls",  "tottime", "percall",     "cumtime", "p50",        "p99",
                                        "max",     "GB/s",    "called from", "(top)",   "threads: 1", "peak",
                                        "storage", "dropped", "PASS",        "target"};
    char *text = NULL;
    assert_int_equal(msio_prof_report_text(&text), MSIO_OK);
    for (int i = 0; i < PROF_PATHS; i++) {
        char line[64];
        snprintf(line, sizeof line, "  %s\n", msio_prof_path_name(i));
        if (strstr(text, line) == NULL) fail_msg("no line of path %s", msio_prof_path_name(i));
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(text, words[i]) == NULL) fail_msg("no '%s' in the report", words[i]);
    msio_prof_free(text);
}

static void text_leaves_unused_paths_out(void **state) {
    (void)state;
    char *text = NULL;
    prof_span span;
    prof_begin(&span, PROF_PATH_READ);
    prof_end(&span, NULL);
    assert_int_equal(msio_prof_report_text(&text), MSIO_OK);
    assert_non_null(strstr(text, "  read\n"));
    assert_null(strstr(text, "  fetch\n"));
    msio_prof_free(text);
}

static void text_of_nothing_says_so(void **state) {
    (void)state;
    char *text = NULL;
    assert_int_equal(msio_prof_report_text(&text), MSIO_OK);
    assert_non_null(strstr(text, "nothing was timed"));
    assert_non_null(strstr(text, "NOT MEASURED"));
    msio_prof_free(text);
    msio_prof_free(NULL);
}

static void printing_to_a_stream_that_is_full_fails(void **state) {
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        print_message("skipped: this system has no /dev/full\n");
        skip();
    }
    assert_int_equal(msio_prof_print(full), MSIO_E_IO);
    fclose(full);
    assert_int_equal(msio_prof_print(NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_report_text(NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_report_json(NULL), MSIO_E_ARGUMENT);
}

/* ---------------------------------------------------------------- files */

static void the_file_is_replaced_by_a_whole_report(void **state) {
    (void)state;
    char path[256];
    file_name(path, "old.json");
    FILE *old = fopen(path, "w");
    assert_non_null(old);
    fputs("old", old);
    fclose(old);
    assert_int_equal(msio_prof_write_json(path), MSIO_OK);
    json_t *report = json_load_file(path, 0, NULL);
    assert_non_null(report);
    json_decref(report);
    assert_int_equal(unlink(path), 0);
}

static void a_link_stays_a_link(void **state) {
    (void)state;
    char path[256], link_path[256];
    struct stat info;
    file_name(path, "target.json");
    file_name(link_path, "link.json");
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(symlink(path, link_path), 0);
    assert_int_equal(msio_prof_write_json(link_path), MSIO_OK);
    assert_int_equal(lstat(link_path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size > 0);
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(unlink(path), 0);
}

static void a_device_is_written_to_not_replaced(void **state) {
    (void)state;
    struct stat info;
    assert_int_equal(msio_prof_write_json("/dev/null"), MSIO_OK);
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void a_file_that_cannot_be_written_is_an_error_with_its_name(void **state) {
    (void)state;
    char path[256];
    file_name(path, "no/such/folder.json");
    assert_int_equal(msio_prof_write_json(path), MSIO_E_IO);
    assert_string_equal(msio_last_error()->path, path);
    assert_true(msio_last_error()->sys_errno != 0);
    assert_int_equal(msio_prof_write_json(folder), MSIO_E_IO);
    assert_int_equal(msio_prof_write_json(NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_write_json(""), MSIO_E_ARGUMENT);
}

static void a_failed_write_leaves_no_file(void **state) {
    (void)state;
    char path[256];
    int entries = 0;
    file_name(path, "taken");
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(msio_prof_write_json(path), MSIO_E_IO);
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    while (readdir(listing) != NULL) entries++;
    closedir(listing);
    assert_int_equal(entries, 3); /* ".", ".." and the folder */
    assert_int_equal(rmdir(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(json_holds_all_keys, every_path_ran),
        cmocka_unit_test_setup(json_tells_what_was_counted, every_path_ran),
        cmocka_unit_test_setup(json_of_nothing_still_parses, nothing_ran),
        cmocka_unit_test(json_strings_come_back_as_they_were),
        cmocka_unit_test(json_strings_replace_what_is_no_utf8),
        cmocka_unit_test(json_numbers_that_json_lacks_are_strings),
        cmocka_unit_test_setup(text_names_every_used_path_and_every_target, every_path_ran),
        cmocka_unit_test_setup(text_leaves_unused_paths_out, nothing_ran),
        cmocka_unit_test_setup(text_of_nothing_says_so, nothing_ran),
        cmocka_unit_test(printing_to_a_stream_that_is_full_fails),
        cmocka_unit_test(the_file_is_replaced_by_a_whole_report),
        cmocka_unit_test(a_link_stays_a_link),
        cmocka_unit_test(a_device_is_written_to_not_replaced),
        cmocka_unit_test(a_file_that_cannot_be_written_is_an_error_with_its_name),
        cmocka_unit_test(a_failed_write_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
