/* test_clock.c - the profiler's clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "prof/clock.h"

static void ticks_do_not_run_backwards(void **state) {
    (void)state;
    msio_clock_init();
    uint64_t last = msio_clock_ticks();
    for (int i = 0; i < 100000; i++) {
        uint64_t now = msio_clock_ticks();
        assert_true(now >= last);
        last = now;
    }
}

static void ticks_are_never_zero(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++) assert_true(msio_clock_ticks() != 0);
}

/* Wide bounds: this asks whether the unit is right, not how fast the machine is. */
static void ticks_in_seconds_agree_with_the_monotonic_clock(void **state) {
    (void)state;
    double tick = msio_clock_tick_seconds();
    uint64_t ns = msio_clock_monotonic_ns(), ticks = msio_clock_ticks();
    while (msio_clock_monotonic_ns() - ns < 20000000u) {}
    double by_ticks = (double)(msio_clock_ticks() - ticks) * tick;
    double by_ns = (double)(msio_clock_monotonic_ns() - ns) * 1e-9;
    assert_true(by_ticks > 0.5 * by_ns && by_ticks < 2 * by_ns);
}

static void the_calibration_stays(void **state) {
    (void)state;
    assert_true(msio_clock_tick_seconds() == msio_clock_tick_seconds());
}

static void the_clock_tells_what_it_is(void **state) {
    (void)state;
    char text[48];
    double ghz = 0;
    msio_clock_describe(text, sizeof text);
    if (msio_clock_tsc_sound()) {
        assert_int_equal(sscanf(text, "tsc %lf GHz", &ghz), 1);
        assert_true(ghz > 0.1 && ghz < 20);
    } else {
        assert_string_equal(text, "monotonic");
    }
}

/* Last: it changes the clock for what follows. */
static void without_a_sound_counter_ticks_are_nanoseconds(void **state) {
    (void)state;
    msio_clock_tsc = 0;
    uint64_t before = msio_clock_monotonic_ns(), ticks = msio_clock_ticks(), after = msio_clock_monotonic_ns();
    assert_true(ticks + 1 >= before && ticks <= after + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_do_not_run_backwards),
        cmocka_unit_test(ticks_are_never_zero),
        cmocka_unit_test(ticks_in_seconds_agree_with_the_monotonic_clock),
        cmocka_unit_test(the_calibration_stays),
        cmocka_unit_test(the_clock_tells_what_it_is),
        cmocka_unit_test(without_a_sound_counter_ticks_are_nanoseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
