/* test_control.c - start, stop, reset, and fork. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "msio/prof.h"
#include "prof/shard.h"
#include "prof/span.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TEST_TSAN
#endif
#endif

static int64_t calls_of(const char *name) {
    msio_prof_stats stats = MSIO_PROF_STATS_INIT;
    return msio_prof_path_stats(name, &stats) == MSIO_OK ? stats.ncalls : -1;
}

static void span_once(prof_path path) {
    prof_span span;
    prof_begin(&span, path);
    prof_end(&span, NULL);
}

static int fresh(void **state) {
    (void)state;
    msio_prof_start();
    msio_prof_reset();
    return 0;
}

static void starting_and_stopping_switch(void **state) {
    (void)state;
    assert_int_equal(msio_prof_running(), 1);
    msio_prof_stop();
    msio_prof_stop();
    assert_int_equal(msio_prof_running(), 0);
    span_once(PROF_PATH_READ);
    assert_true(calls_of("read") == 0);
    msio_prof_start();
    msio_prof_start();
    assert_int_equal(msio_prof_running(), 1);
    span_once(PROF_PATH_READ);
    assert_true(calls_of("read") == 1);
}

static void stopping_keeps_the_counts(void **state) {
    (void)state;
    span_once(PROF_PATH_READ);
    msio_prof_stop();
    msio_prof_start();
    span_once(PROF_PATH_READ);
    assert_true(calls_of("read") == 2);
}

static void reset_forgets_all_and_minima_too(void **state) {
    (void)state;
    msio_prof_stats stats = MSIO_PROF_STATS_INIT;
    prof_span span;
    prof_work work = {1, 2, 3, 4};
    span_once(PROF_PATH_READ);
    msio_prof_reset();
    assert_int_equal(msio_prof_path_stats("read", &stats), MSIO_OK);
    assert_true(stats.ncalls == 0 && stats.cumtime == 0 && stats.callers == 0);
    assert_true(stats.min != stats.min && stats.max != stats.max);
    prof_begin(&span, PROF_PATH_READ);
    usleep(1000);
    prof_end(&span, &work);
    assert_int_equal(msio_prof_path_stats("read", &stats), MSIO_OK);
    assert_true(stats.ncalls == 1 && stats.bytes == 1 && stats.pieces == 4);
    assert_true(stats.min == stats.max && stats.min >= 0.0005);
}

static void a_span_open_across_a_reset_is_not_counted(void **state) {
    (void)state;
    prof_span outer, inner;
    prof_begin(&outer, PROF_PATH_READ);
    msio_prof_reset();
    prof_begin(&inner, PROF_PATH_PLAN);
    prof_end(&inner, NULL);
    prof_end(&outer, NULL);
    assert_true(calls_of("read") == 0);
    assert_true(calls_of("plan") == 1);
    span_once(PROF_PATH_READ);
    assert_true(calls_of("read") == 1);
}

static void time_off_is_left_out(void **state) {
    (void)state;
    msio_prof_process process = MSIO_PROF_PROCESS_INIT;
    msio_prof_stop();
    msio_prof_reset();
    usleep(2000);
    assert_int_equal(msio_prof_process_stats(&process), MSIO_OK);
    assert_true(process.seconds == 0);
    msio_prof_start();
    usleep(2000);
    msio_prof_stop();
    assert_int_equal(msio_prof_process_stats(&process), MSIO_OK);
    double on = process.seconds;
    assert_true(on >= 0.0015);
    usleep(2000);
    assert_int_equal(msio_prof_process_stats(&process), MSIO_OK);
    assert_true(process.seconds == on);
}

static void read_some(void) {
    static char bytes[1 << 20];
    int file = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_true(read(file, bytes, sizeof bytes) == (ssize_t)sizeof bytes);
    close(file);
}

static void bytes_read_before_a_reset_are_left_out(void **state) {
    (void)state;
    msio_prof_process process = MSIO_PROF_PROCESS_INIT;
    read_some();
    msio_prof_reset();
    assert_int_equal(msio_prof_process_stats(&process), MSIO_OK);
    assert_true(process.read_bytes < 1 << 20);
}

static void bytes_read_while_off_are_left_out(void **state) {
    (void)state;
    msio_prof_process process = MSIO_PROF_PROCESS_INIT;
    read_some();
    assert_int_equal(msio_prof_process_stats(&process), MSIO_OK);
    if (process.read_bytes < 0) {
        print_message("skipped: this system has no /proc/self/io\n");
        skip();
    }
    assert_true(process.read_bytes >= 1 << 20);
    msio_prof_stop();
    read_some();
    assert_int_equal(msio_prof_process_stats(&process), MSIO_OK);
    assert_true(process.read_bytes >= 1 << 20 && process.read_bytes < 2 << 20);
    msio_prof_reset();
    assert_int_equal(msio_prof_process_stats(&process), MSIO_OK);
    assert_true(process.read_bytes == 0);
}

/* ---------------------------------------------------------------- fork */

/* Runs check in a child of fork; what it returned. */
static int in_child(int (*check)(void)) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(check());
    assert_true(child > 0);
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int child_counts_from_zero(void) {
    if (!msio_prof_running() || calls_of("read") != 0) return 1;
    for (int i = 0; i < 3; i++) span_once(PROF_PATH_READ);
    return calls_of("read") == 3 ? 0 : 2;
}

static void a_child_counts_its_own_work_only(void **state) {
    (void)state;
    span_once(PROF_PATH_READ);
    assert_int_equal(in_child(child_counts_from_zero), 0);
    assert_true(calls_of("read") == 1);
}

static prof_span open_span;

static int child_ends_the_span(void) {
    msio_prof_caller caller;
    int callers = 0;
    span_once(PROF_PATH_PLAN);
    prof_end(&open_span, NULL);
    if (msio_prof_callers("plan", &caller, 1, &callers) != MSIO_OK || callers != 1) return 3;
    if (strcmp(caller.name, "read") != 0) return 4;
    if (calls_of("read") != 0 || calls_of("plan") != 1) return 1;
    span_once(PROF_PATH_READ);
    return calls_of("read") == 1 ? 0 : 2;
}

static void a_span_open_across_fork_counts_in_the_parent_only(void **state) {
    (void)state;
    prof_begin(&open_span, PROF_PATH_READ);
    assert_int_equal(in_child(child_ends_the_span), 0);
    prof_end(&open_span, NULL);
    assert_true(calls_of("read") == 1);
}

static atomic_int spinning;

static void *thread_spin(void *unused) {
    while (atomic_load(&spinning)) {
        prof_span outer, inner;
        prof_begin(&outer, PROF_PATH_READ);
        prof_begin(&inner, PROF_PATH_FETCH);
        prof_end(&inner, NULL);
        prof_end(&outer, NULL);
    }
    return unused;
}

static void *thread_report(void *unused) {
    while (atomic_load(&spinning)) calls_of("fetch");
    return unused;
}

static int child_takes_over_shards(void) {
    int before = 0, after = 0;
    pthread_t thread;
    for (msio_shard *shard = msio_shard_first(); shard != NULL; shard = shard->next) before++;
    if (calls_of("read") != 0) return 1;
    atomic_store(&spinning, 1);
    if (pthread_create(&thread, NULL, thread_spin, NULL) != 0) return 2;
    while (calls_of("read") == 0) usleep(1000);
    atomic_store(&spinning, 0);
    pthread_join(thread, NULL);
    for (msio_shard *shard = msio_shard_first(); shard != NULL; shard = shard->next) after++;
    return before == after ? 0 : 3;
}

static int child_counts_a_few(void) {
    for (int i = 0; i < 100; i++) span_once(PROF_PATH_PLAN);
    return calls_of("plan") == 100 && calls_of("read") == 0 ? 0 : 1;
}

/* Threads count and report at the moment of the fork; ThreadSanitizer cannot start threads in such a child. */
static void a_child_of_a_process_with_threads_goes_on(void **state) {
    (void)state;
    pthread_t threads[2];
    atomic_store(&spinning, 1);
    assert_int_equal(pthread_create(&threads[0], NULL, thread_spin, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, thread_report, NULL), 0);
    while (calls_of("read") == 0) usleep(1000);
    for (int i = 0; i < 20; i++) assert_int_equal(in_child(child_counts_a_few), 0);
#ifndef TEST_TSAN
    assert_int_equal(in_child(child_takes_over_shards), 0);
#else
    (void)child_takes_over_shards;
#endif
    atomic_store(&spinning, 0);
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(starting_and_stopping_switch, fresh),
        cmocka_unit_test_setup(stopping_keeps_the_counts, fresh),
        cmocka_unit_test_setup(reset_forgets_all_and_minima_too, fresh),
        cmocka_unit_test_setup(a_span_open_across_a_reset_is_not_counted, fresh),
        cmocka_unit_test_setup(time_off_is_left_out, fresh),
        cmocka_unit_test_setup(bytes_read_before_a_reset_are_left_out, fresh),
        cmocka_unit_test_setup(bytes_read_while_off_are_left_out, fresh),
        cmocka_unit_test_setup(a_child_counts_its_own_work_only, fresh),
        cmocka_unit_test_setup(a_span_open_across_fork_counts_in_the_parent_only, fresh),
        cmocka_unit_test_setup(a_child_of_a_process_with_threads_goes_on, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
