/* test_threads.c - how many threads a call may use. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/threads.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(_OPENMP)
#include <omp.h>
#endif

#include <cmocka.h>

/* Runs the check in a child of fork; what it changes ends with the child. */
static bool holds_in_child(bool (*check)(void)) {
    pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) {
        alarm(120);
        _exit(check() ? 0 : 1);
    }
    int status = -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void there_is_always_one_thread(void **state) {
    (void)state;
    for (int wanted = -2; wanted < 4; wanted++) assert_true(msio_threads_for(wanted) >= 1);
    assert_true(msio_threads_for(INT32_MIN) >= 1);
}

#if defined(_OPENMP)
static void what_is_wanted_is_given(void **state) {
    (void)state;
    assert_int_equal(msio_threads_for(1), 1);
    assert_int_equal(msio_threads_for(3), 3);
    assert_true(msio_threads_for(INT32_MAX) <= 1024);
}

static void openmp_limits_all_threads(void **state) {
    (void)state;
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    assert_int_equal(msio_threads_for(0), 1);
    assert_int_equal(msio_threads_for(2), 2);
    omp_set_num_threads(before);
}

static bool affinity_limits(void) {
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed)) return false;
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed)) {
            CPU_SET(cpu, &one);
            break;
        }
    omp_set_num_threads(16);
    int all = msio_threads_for(0);
    if (sched_setaffinity(0, sizeof one, &one)) return false;
    int narrowed = msio_threads_for(0);
    return all <= CPU_COUNT(&allowed) && narrowed == 1 && msio_threads_for(2) == 2;
}

static void the_affinity_mask_limits_all_threads(void **state) {
    (void)state;
    assert_true(holds_in_child(affinity_limits));
}

static void a_parallel_region_gives_one_thread(void **state) {
    (void)state;
    int most = 0;
#pragma omp parallel num_threads(2) reduction(max : most)
    {
        int all = msio_threads_for(0), two = msio_threads_for(2);
        most = all > two ? all : two;
    }
    assert_int_equal(most, 1);
}
#endif

/* ---------------------------------------------------------------- fork; the order of these tests matters */

static bool is_not_forked(void) { return !msio_threads_forked() && msio_threads_for(2) >= 1; }

static void a_child_before_any_region_is_not_marked(void **state) {
    (void)state;
    assert_true(holds_in_child(is_not_forked));
}

static bool is_forked(void) { return msio_threads_forked() && msio_threads_for(0) == 1 && msio_threads_for(8) == 1; }
static bool grandchild_is_forked(void) { return holds_in_child(is_forked); }

static void a_child_after_a_region_reads_alone(void **state) {
    (void)state;
    msio_threads_used();
    msio_threads_used();
    assert_false(msio_threads_forked());
    assert_true(holds_in_child(is_forked));
    assert_true(holds_in_child(grandchild_is_forked));
    assert_false(msio_threads_forked());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_before_any_region_is_not_marked),
        cmocka_unit_test(there_is_always_one_thread),
#if defined(_OPENMP)
        cmocka_unit_test(the_affinity_mask_limits_all_threads),
        cmocka_unit_test(what_is_wanted_is_given),
        cmocka_unit_test(openmp_limits_all_threads),
        cmocka_unit_test(a_parallel_region_gives_one_thread),
#endif
        cmocka_unit_test(a_child_after_a_region_reads_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
