/* test_stats.c - stats, targets and verdicts through the public API. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "msio/prof.h"
#include "prof/span.h"

static int fresh(void **state) {
    (void)state;
    msio_prof_start();
    msio_prof_reset();
    return 0;
}

static msio_prof_stats stats_of(const char *name) {
    msio_prof_stats stats = MSIO_PROF_STATS_INIT;
    assert_int_equal(msio_prof_path_stats(name, &stats), MSIO_OK);
    return stats;
}

static void span_of(prof_path path, unsigned microseconds) {
    prof_span span;
    prof_begin(&span, path);
    if (microseconds > 0) usleep(microseconds);
    prof_end(&span, NULL);
}

static void every_path_has_a_name_of_its_own(void **state) {
    (void)state;
    assert_int_equal(msio_prof_paths(), PROF_PATHS);
    assert_null(msio_prof_path_name(-1));
    assert_null(msio_prof_path_name(PROF_PATHS));
    for (int i = 0; i < PROF_PATHS; i++) {
        const char *name = msio_prof_path_name(i);
        assert_non_null(name);
        assert_string_equal(stats_of(name).name, name);
        assert_true(*stats_of(name).unit != 0 && *stats_of(name).what != 0);
        for (int j = 0; j < i; j++) assert_string_not_equal(name, msio_prof_path_name(j));
    }
}

static void the_five_targets_are_there_from_the_start(void **state) {
    (void)state;
    assert_true(stats_of("metadata").target_seconds == 1e-3);
    assert_true(stats_of("flag-validation").target_seconds == 10e-3);
    assert_true(stats_of("subband-loading").target_seconds == 300);
    assert_true(stats_of("calibration").target_seconds == 1800);
    assert_true(stats_of("imaging").target_seconds == 3600);
}

static void an_unknown_path_is_an_argument_error_that_lists_the_known(void **state) {
    (void)state;
    msio_prof_stats stats = MSIO_PROF_STATS_INIT;
    assert_int_equal(msio_prof_path_stats("reed", &stats), MSIO_E_ARGUMENT);
    assert_non_null(strstr(msio_last_error()->message, "reed"));
    assert_non_null(strstr(msio_last_error()->message, " imaging"));
    assert_int_equal(msio_prof_path_stats(NULL, &stats), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_set_target("reed", 1), MSIO_E_ARGUMENT);
}

static void a_wrong_struct_size_is_refused(void **state) {
    (void)state;
    msio_prof_stats stats = {.struct_size = 0};
    msio_prof_process process = {.struct_size = 1};
    assert_int_equal(msio_prof_path_stats("read", &stats), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_path_stats("read", NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_process_stats(&process), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_process_stats(NULL), MSIO_E_ARGUMENT);
}

static void numbers_without_calls_are_nan(void **state) {
    (void)state;
    msio_prof_stats stats = stats_of("read");
    assert_true(stats.ncalls == 0 && stats.tottime == 0 && stats.cumtime == 0);
    assert_true(isnan(stats.percall) && isnan(stats.p50) && isnan(stats.p99) && isnan(stats.min) && isnan(stats.max));
    assert_true(isnan(stats.gb_per_s) && isnan(stats.amplification) && isnan(stats.measured_seconds));
}

static void one_call_has_its_own_time_as_percentiles(void **state) {
    (void)state;
    span_of(PROF_PATH_READ, 1000);
    msio_prof_stats stats = stats_of("read");
    assert_true(stats.p50 == stats.max && stats.p99 == stats.max && stats.min == stats.max);
}

/* ---------------------------------------------------------------- verdicts */

static msio_verdict judge(const char *name, msio_prof_measure measure, char *reason) {
    msio_verdict verdict = (msio_verdict)99;
    assert_int_equal(msio_prof_verdict(name, measure, &verdict, NULL, reason), MSIO_OK);
    return verdict;
}

static void a_path_that_did_not_run_is_not_measured(void **state) {
    (void)state;
    char reason[MSIO_PROF_REASON_SIZE];
    double measured = 0;
    msio_verdict verdict = MSIO_PASS;
    assert_int_equal(msio_prof_verdict("imaging", MSIO_PROF_P50, &verdict, &measured, reason), MSIO_OK);
    assert_int_equal(verdict, MSIO_NOT_MEASURED);
    assert_true(isnan(measured));
    assert_non_null(strstr(reason, "nothing of it ran"));
    assert_int_equal(stats_of("imaging").verdict, MSIO_NOT_MEASURED);
}

static void a_path_without_a_target_is_not_measured(void **state) {
    (void)state;
    char reason[MSIO_PROF_REASON_SIZE];
    span_of(PROF_PATH_PLAN, 0);
    assert_int_equal(judge("plan", MSIO_PROF_P50, reason), MSIO_NOT_MEASURED);
    assert_string_equal(reason, "no target");
}

static void a_target_that_is_met_passes_and_one_that_is_not_fails(void **state) {
    (void)state;
    char reason[MSIO_PROF_REASON_SIZE];
    for (int i = 0; i < 3; i++) span_of(PROF_PATH_READ, 1000);
    assert_int_equal(msio_prof_set_target("read", 3600), MSIO_OK);
    assert_int_equal(judge("read", MSIO_PROF_P50, reason), MSIO_PASS);
    assert_int_equal(judge("read", MSIO_PROF_MEAN, NULL), MSIO_PASS);
    assert_non_null(strstr(reason, "of 3 calls, target 3600 s"));
    assert_int_equal(msio_prof_set_target("read", 1e-5), MSIO_OK);
    assert_int_equal(judge("read", MSIO_PROF_P50, reason), MSIO_FAIL);
    assert_int_equal(judge("read", MSIO_PROF_MEAN, NULL), MSIO_FAIL);
    assert_non_null(strstr(reason, "target 10 us"));
    assert_int_equal(stats_of("read").verdict, MSIO_FAIL);
    assert_int_equal(msio_prof_set_target("read", 0), MSIO_OK);
    assert_int_equal(judge("read", MSIO_PROF_P50, NULL), MSIO_NOT_MEASURED);
}

/* One slow call among many quick ones moves the mean, not the median. */
static void median_and_mean_are_judged_apart(void **state) {
    (void)state;
    for (int i = 0; i < 9; i++) span_of(PROF_PATH_OPEN, 0);
    span_of(PROF_PATH_OPEN, 50000);
    assert_int_equal(msio_prof_set_target("open", 3e-3), MSIO_OK);
    assert_int_equal(judge("open", MSIO_PROF_P50, NULL), MSIO_PASS);
    assert_int_equal(judge("open", MSIO_PROF_MEAN, NULL), MSIO_FAIL);
    assert_int_equal(msio_prof_set_target("open", 0), MSIO_OK);
}

static void targets_survive_a_reset(void **state) {
    (void)state;
    assert_int_equal(msio_prof_set_target("read", 2), MSIO_OK);
    msio_prof_reset();
    assert_true(stats_of("read").target_seconds == 2);
    assert_int_equal(msio_prof_set_target("read", 0), MSIO_OK);
}

static void a_target_must_be_a_finite_number_not_below_zero(void **state) {
    (void)state;
    assert_int_equal(msio_prof_set_target("read", -1), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_set_target("read", NAN), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_set_target("read", INFINITY), MSIO_E_ARGUMENT);
    assert_true(stats_of("read").target_seconds == 0);
}

static void bad_arguments_of_verdict_are_refused(void **state) {
    (void)state;
    msio_verdict verdict = MSIO_PASS;
    assert_int_equal(msio_prof_verdict("read", MSIO_PROF_P50, NULL, NULL, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_verdict("read", (msio_prof_measure)7, &verdict, NULL, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_verdict("reed", MSIO_PROF_P50, &verdict, NULL, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(verdict, MSIO_PASS);
}

static void verdicts_have_names(void **state) {
    (void)state;
    assert_string_equal(msio_verdict_name(MSIO_PASS), "PASS");
    assert_string_equal(msio_verdict_name(MSIO_FAIL), "FAIL");
    assert_string_equal(msio_verdict_name(MSIO_NOT_MEASURED), "NOT MEASURED");
    assert_string_equal(msio_verdict_name((msio_verdict)42), "UNKNOWN");
}

/* ---------------------------------------------------------------- callers, process */

static void callers_fill_no_more_than_there_is_room_for(void **state) {
    (void)state;
    msio_prof_caller callers[2] = {{"untouched", -1, -1}, {"untouched", -1, -1}};
    int count = -1;
    for (int i = 0; i < 2; i++) {
        prof_span outer;
        prof_begin(&outer, i == 0 ? PROF_PATH_READ : PROF_PATH_OPEN);
        span_of(PROF_PATH_LOCK, i == 0 ? 0 : 2000);
        prof_end(&outer, NULL);
    }
    assert_int_equal(msio_prof_callers("lock", callers, 1, &count), MSIO_OK);
    assert_int_equal(count, 2);
    assert_string_equal(callers[0].name, "open");
    assert_string_equal(callers[1].name, "untouched");
    assert_int_equal(msio_prof_callers("lock", NULL, 0, &count), MSIO_OK);
    assert_int_equal(count, 2);
    assert_int_equal(msio_prof_callers("lock", NULL, 1, &count), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_callers("lock", callers, 1, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_prof_callers("lock", callers, -1, &count), MSIO_E_ARGUMENT);
}

static void the_profiler_tells_its_own_cost(void **state) {
    (void)state;
    msio_prof_process process = MSIO_PROF_PROCESS_INIT;
    for (int i = 0; i < 100; i++) span_of(PROF_PATH_READ, 0);
    assert_int_equal(msio_prof_process_stats(&process), MSIO_OK);
    assert_true(process.spans == 100);
    assert_true(process.span_seconds > 0);
    assert_true(fabs(process.own_seconds - 100 * process.span_seconds) < 1e-12);
    assert_int_equal(process.threads, 1);
    assert_true(process.thread_min == process.thread_max);
    assert_true(process.peak_rss_bytes > 0);
    assert_true(process.dropped == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_path_has_a_name_of_its_own, fresh),
        cmocka_unit_test_setup(the_five_targets_are_there_from_the_start, fresh),
        cmocka_unit_test_setup(an_unknown_path_is_an_argument_error_that_lists_the_known, fresh),
        cmocka_unit_test_setup(a_wrong_struct_size_is_refused, fresh),
        cmocka_unit_test_setup(numbers_without_calls_are_nan, fresh),
        cmocka_unit_test_setup(one_call_has_its_own_time_as_percentiles, fresh),
        cmocka_unit_test_setup(a_path_that_did_not_run_is_not_measured, fresh),
        cmocka_unit_test_setup(a_path_without_a_target_is_not_measured, fresh),
        cmocka_unit_test_setup(a_target_that_is_met_passes_and_one_that_is_not_fails, fresh),
        cmocka_unit_test_setup(median_and_mean_are_judged_apart, fresh),
        cmocka_unit_test_setup(targets_survive_a_reset, fresh),
        cmocka_unit_test_setup(a_target_must_be_a_finite_number_not_below_zero, fresh),
        cmocka_unit_test_setup(bad_arguments_of_verdict_are_refused, fresh),
        cmocka_unit_test_setup(verdicts_have_names, fresh),
        cmocka_unit_test_setup(callers_fill_no_more_than_there_is_room_for, fresh),
        cmocka_unit_test_setup(the_profiler_tells_its_own_cost, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
