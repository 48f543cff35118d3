/* test_span.c - spans: nesting, recursion, threads, and what is dropped. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "msio/prof.h"
#include "prof/clock.h"
#include "prof/shard.h"
#include "prof/span.h"

#define THREADS 8

static msio_prof_stats stats_of(const char *name) {
    msio_prof_stats stats = MSIO_PROF_STATS_INIT;
    assert_int_equal(msio_prof_path_stats(name, &stats), MSIO_OK);
    return stats;
}

static msio_prof_process process_now(void) {
    msio_prof_process process = MSIO_PROF_PROCESS_INIT;
    assert_int_equal(msio_prof_process_stats(&process), MSIO_OK);
    return process;
}

static void busy(void) {
    uint64_t start = msio_clock_monotonic_ns();
    while (msio_clock_monotonic_ns() - start < 100000) {}
}

static int fresh(void **state) {
    (void)state;
    msio_prof_start();
    msio_prof_reset();
    return 0;
}

static void assert_close(double a, double b) { assert_true(fabs(a - b) <= 1e-12 + 1e-9 * fabs(b)); }

/* ---------------------------------------------------------------- off */

/* First in the group: no span was on before it. */
static void off_records_and_allocates_nothing(void **state) {
    (void)state;
    prof_work work = {1, 2, 3, 4};
    for (int i = 0; i < 1000; i++) {
        prof_span span;
        prof_begin(&span, PROF_PATH_READ);
        assert_true(span.start == 0);
        prof_end(&span, &work);
    }
    assert_null(msio_shard_first());
    assert_true(stats_of("read").ncalls == 0);
    assert_true(stats_of("read").bytes == 0);
    assert_true(process_now().spans == 0);
}

static void a_span_begun_off_is_not_counted_when_it_ends_on(void **state) {
    (void)state;
    prof_span span;
    msio_prof_stop();
    prof_begin(&span, PROF_PATH_READ);
    msio_prof_start();
    prof_end(&span, NULL);
    assert_true(stats_of("read").ncalls == 0);
}

static void a_span_begun_on_is_counted_when_it_ends_off(void **state) {
    (void)state;
    prof_span span;
    prof_begin(&span, PROF_PATH_READ);
    msio_prof_stop();
    prof_end(&span, NULL);
    assert_true(stats_of("read").ncalls == 1);
}

/* ---------------------------------------------------------------- nesting */

static void self_and_children_make_the_cumulative_time(void **state) {
    (void)state;
    prof_span read, plan, fetch;
    prof_begin(&read, PROF_PATH_READ);
    busy();
    prof_begin(&plan, PROF_PATH_PLAN);
    busy();
    prof_end(&plan, NULL);
    for (int i = 0; i < 3; i++) {
        prof_begin(&fetch, PROF_PATH_FETCH);
        busy();
        prof_end(&fetch, NULL);
    }
    prof_end(&read, NULL);
    msio_prof_stats r = stats_of("read"), p = stats_of("plan"), f = stats_of("fetch");
    assert_true(r.ncalls == 1 && p.ncalls == 1 && f.ncalls == 3);
    assert_true(r.tottime > 0 && p.tottime > 0 && f.tottime > 0);
    assert_close(p.tottime, p.cumtime);
    assert_close(f.tottime, f.cumtime);
    assert_close(r.cumtime, r.tottime + p.cumtime + f.cumtime);
    assert_close(r.cumtime, r.max);
}

static void calls_are_booked_on_their_callers(void **state) {
    (void)state;
    prof_span outer, inner;
    msio_prof_caller callers[4];
    int count = 0;
    for (int i = 0; i < 2; i++) {
        prof_begin(&outer, i == 0 ? PROF_PATH_READ : PROF_PATH_OPEN);
        for (int j = 0; j <= i; j++) {
            prof_begin(&inner, PROF_PATH_HEADER);
            busy();
            prof_end(&inner, NULL);
        }
        prof_end(&outer, NULL);
    }
    assert_int_equal(msio_prof_callers("header", callers, 4, &count), MSIO_OK);
    assert_int_equal(count, 2);
    assert_int_equal(stats_of("header").callers, 2);
    assert_close(callers[0].cumtime + callers[1].cumtime, stats_of("header").cumtime);
    int open = strcmp(callers[0].name, "open") == 0 ? 0 : 1;
    assert_string_equal(callers[open].name, "open");
    assert_string_equal(callers[1 - open].name, "read");
    assert_true(callers[open].ncalls == 2 && callers[1 - open].ncalls == 1);
    assert_int_equal(msio_prof_callers("read", callers, 4, &count), MSIO_OK);
    assert_int_equal(count, 1);
    assert_string_equal(callers[0].name, "");
}

static void recurse(int depth) {
    prof_span span;
    prof_begin(&span, PROF_PATH_OPEN);
    busy();
    if (depth > 1) recurse(depth - 1);
    prof_end(&span, NULL);
}

static void recursion_counts_cumulative_time_once(void **state) {
    (void)state;
    recurse(10);
    msio_prof_stats stats = stats_of("open");
    msio_prof_caller callers[4];
    int count = 0;
    assert_true(stats.ncalls == 10);
    assert_close(stats.cumtime, stats.tottime);
    assert_close(stats.cumtime, stats.max);
    assert_int_equal(msio_prof_callers("open", callers, 4, &count), MSIO_OK);
    assert_int_equal(count, 2);
    assert_string_equal(callers[0].name, "");
    assert_true(callers[0].ncalls == 1);
    assert_close(callers[0].cumtime, stats.cumtime);
    assert_string_equal(callers[1].name, "open");
    assert_true(callers[1].ncalls == 9 && callers[1].cumtime == 0);
}

static void work_is_added_up(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        prof_span span;
        prof_work work = {100, 150, 7, 2};
        prof_begin(&span, PROF_PATH_READ);
        busy();
        prof_end(&span, i < 4 ? &work : NULL);
    }
    msio_prof_stats stats = stats_of("read");
    assert_true(stats.bytes == 400 && stats.bytes_read == 600 && stats.rows == 28 && stats.pieces == 8);
    assert_close(stats.amplification, 1.5);
    assert_close(stats.gb_per_s, 400e-9 / stats.cumtime);
    assert_close(stats.percall, stats.cumtime / 5);
}

static void times_of_calls_are_in_order(void **state) {
    (void)state;
    for (int i = 0; i < 300; i++) {
        prof_span span;
        prof_begin(&span, PROF_PATH_SCATTER);
        if (i % 50 == 0) busy();
        prof_end(&span, NULL);
    }
    msio_prof_stats s = stats_of("scatter");
    assert_true(s.min >= 0 && s.min <= s.p50 && s.p50 <= s.p90 && s.p90 <= s.p99 && s.p99 <= s.max);
    assert_true(s.max <= s.cumtime);
}

/* ---------------------------------------------------------------- misuse */

static void ending_twice_counts_once(void **state) {
    (void)state;
    prof_span span;
    prof_begin(&span, PROF_PATH_READ);
    prof_end(&span, NULL);
    prof_end(&span, NULL);
    assert_true(stats_of("read").ncalls == 1);
    assert_true(process_now().dropped == 0);
}

static void begin_and_forget(void) {
    prof_span lost;
    prof_begin(&lost, PROF_PATH_PLAN);
}

static void a_span_that_is_never_ended_is_dropped(void **state) {
    (void)state;
    prof_span outer, next;
    prof_begin(&outer, PROF_PATH_READ);
    begin_and_forget();
    prof_end(&outer, NULL);
    prof_begin(&next, PROF_PATH_PLAN);
    prof_end(&next, NULL);
    assert_true(stats_of("read").ncalls == 1);
    assert_true(stats_of("plan").ncalls == 1);
    assert_true(stats_of("plan").cumtime > 0);
    assert_true(process_now().dropped == 1);
}

static void ends_in_the_wrong_order_drop_the_inner_span(void **state) {
    (void)state;
    prof_span outer, inner, around, next;
    const prof_work of_inner = {1, 0, 0, 0}, of_next = {2, 0, 0, 0};
    prof_begin(&outer, PROF_PATH_READ);
    prof_begin(&inner, PROF_PATH_FETCH);
    prof_end(&outer, NULL);
    prof_begin(&around, PROF_PATH_READ);
    prof_begin(&next, PROF_PATH_FETCH);
    prof_end(&inner, &of_inner);
    prof_end(&next, &of_next);
    prof_end(&around, NULL);
    assert_true(stats_of("read").ncalls == 2);
    assert_true(stats_of("fetch").ncalls == 1);
    assert_true(stats_of("fetch").bytes == 2);
    assert_true(process_now().dropped == 1);
}

static void spans_too_deep_are_dropped_and_told(void **state) {
    (void)state;
    prof_span spans[MSIO_SPAN_DEPTH + 5];
    int n = MSIO_SPAN_DEPTH + 5;
    for (int i = 0; i < n; i++) prof_begin(&spans[i], PROF_PATH_READ);
    for (int i = n - 1; i >= 0; i--) prof_end(&spans[i], NULL);
    assert_true(stats_of("read").ncalls == MSIO_SPAN_DEPTH);
    assert_true(process_now().dropped == 5);
}

/* ---------------------------------------------------------------- threads */

static pthread_barrier_t barrier;

static void *thread_work(void *argument) {
    int spans = *(int *)argument;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < spans; i++) {
        prof_span outer, inner;
        prof_work work = {i, 2 * i, 1, 3};
        prof_begin(&outer, PROF_PATH_READ);
        prof_begin(&inner, PROF_PATH_FETCH);
        prof_end(&inner, &work);
        prof_end(&outer, &work);
    }
    pthread_barrier_wait(&barrier);
    return NULL;
}

/* Counts of one thread are counts[i] spans; the threads all live at once. */
static void threads_run(const int *counts) {
    pthread_t threads[THREADS];
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_work, (void *)(uintptr_t)&counts[i]), 0);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    pthread_barrier_destroy(&barrier);
}

static void sums_over_threads_are_exact(void **state) {
    (void)state;
    int counts[THREADS];
    int64_t spans = 0, sum = 0;
    for (int i = 0; i < THREADS; i++) {
        counts[i] = 1000 + 100 * i;
        spans += counts[i];
        sum += (int64_t)counts[i] * (counts[i] - 1) / 2;
    }
    threads_run(counts);
    msio_prof_stats read = stats_of("read"), fetch = stats_of("fetch");
    msio_prof_process process = process_now();
    assert_true(read.ncalls == spans && fetch.ncalls == spans);
    assert_true(read.bytes == sum && read.bytes_read == 2 * sum && read.rows == spans && read.pieces == 3 * spans);
    assert_close(read.cumtime, read.tottime + fetch.cumtime);
    assert_true(process.spans == 2 * spans);
    assert_int_equal(process.threads, THREADS);
    assert_true(process.thread_min > 0);
    assert_true(process.thread_min <= process.thread_mean && process.thread_mean <= process.thread_max);
    assert_close(process.thread_mean * THREADS, read.tottime + fetch.tottime);
    assert_true(process.dropped == 0);
}

static int shards(void) {
    int count = 0;
    for (msio_shard *shard = msio_shard_first(); shard != NULL; shard = shard->next) count++;
    return count;
}

static void threads_that_end_leave_their_counts_and_their_shard(void **state) {
    (void)state;
    const int counts[THREADS] = {10, 10, 10, 10, 10, 10, 10, 10};
    threads_run(counts);
    int first = shards();
    for (int round = 0; round < 5; round++) threads_run(counts);
    assert_int_equal(shards(), first);
    assert_true(stats_of("read").ncalls == 6 * THREADS * 10);
    assert_int_equal(process_now().threads, 6 * THREADS);
}

static void *thread_end_within_a_span(void *unused) {
    prof_span span;
    prof_begin(&span, PROF_PATH_READ);
    return unused;
}

static void a_thread_that_ends_within_a_span_drops_it(void **state) {
    (void)state;
    const int counts[THREADS] = {1, 1, 1, 1, 1, 1, 1, 1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, thread_end_within_a_span, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    threads_run(counts);
    msio_prof_stats read = stats_of("read");
    assert_true(read.ncalls == THREADS);
    assert_close(read.cumtime, read.tottime + stats_of("fetch").cumtime); /* also of the one that took the shard over */
    assert_true(process_now().dropped == 1);
}

static void *thread_end_span(void *span) {
    prof_end(span, NULL);
    return NULL;
}

static void a_span_ended_by_another_thread_breaks_nothing(void **state) {
    (void)state;
    prof_span outer, inner;
    pthread_t thread;
    prof_begin(&outer, PROF_PATH_READ);
    prof_begin(&inner, PROF_PATH_PLAN);
    assert_int_equal(pthread_create(&thread, NULL, thread_end_span, &inner), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    prof_end(&outer, NULL);
    assert_true(stats_of("read").ncalls == 1);
    assert_true(stats_of("plan").ncalls == 0);
    assert_true(process_now().dropped == 1);
}

static atomic_int reading;

static void *thread_read_and_reset(void *unused) {
    for (int i = 0; atomic_load(&reading); i++) {
        msio_prof_stats stats = MSIO_PROF_STATS_INIT;
        char *text = NULL;
        if (msio_prof_path_stats("read", &stats) != MSIO_OK || stats.ncalls < 0) return &reading;
        if (msio_prof_report_text(&text) != MSIO_OK) return &reading;
        msio_prof_free(text);
        if (i % 4 == 1) msio_prof_reset();
        if (i % 4 == 2) msio_prof_stop();
        if (i % 4 == 3) msio_prof_start();
    }
    return unused;
}

/* For ThreadSanitizer: readers, resets and switches while spans are counted. */
static void readers_and_resets_may_run_beside_spans(void **state) {
    (void)state;
    const int counts[THREADS] = {3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000};
    pthread_t reader;
    void *failed = NULL;
    atomic_store(&reading, 1);
    assert_int_equal(pthread_create(&reader, NULL, thread_read_and_reset, NULL), 0);
    threads_run(counts);
    atomic_store(&reading, 0);
    assert_int_equal(pthread_join(reader, &failed), 0);
    assert_null(failed);
    msio_prof_start();
    msio_prof_reset();
    assert_true(stats_of("read").ncalls == 0);
    threads_run(counts);
    assert_true(stats_of("read").ncalls == THREADS * 3000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_records_and_allocates_nothing),
        cmocka_unit_test_setup(a_span_begun_off_is_not_counted_when_it_ends_on, fresh),
        cmocka_unit_test_setup(a_span_begun_on_is_counted_when_it_ends_off, fresh),
        cmocka_unit_test_setup(self_and_children_make_the_cumulative_time, fresh),
        cmocka_unit_test_setup(calls_are_booked_on_their_callers, fresh),
        cmocka_unit_test_setup(recursion_counts_cumulative_time_once, fresh),
        cmocka_unit_test_setup(work_is_added_up, fresh),
        cmocka_unit_test_setup(times_of_calls_are_in_order, fresh),
        cmocka_unit_test_setup(ending_twice_counts_once, fresh),
        cmocka_unit_test_setup(a_span_that_is_never_ended_is_dropped, fresh),
        cmocka_unit_test_setup(ends_in_the_wrong_order_drop_the_inner_span, fresh),
        cmocka_unit_test_setup(spans_too_deep_are_dropped_and_told, fresh),
        cmocka_unit_test_setup(sums_over_threads_are_exact, fresh),
        cmocka_unit_test_setup(threads_that_end_leave_their_counts_and_their_shard, fresh),
        cmocka_unit_test_setup(a_thread_that_ends_within_a_span_drops_it, fresh),
        cmocka_unit_test_setup(a_span_ended_by_another_thread_breaks_nothing, fresh),
        cmocka_unit_test_setup(readers_and_resets_may_run_beside_spans, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
