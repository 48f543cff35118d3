/* test_advice.c - lines of advice reach both reports, are counted, and end with a reset. */
#include "msio/prof.h"
#include "prof/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include <stdio.h>
#include <string.h>

static int start(void **state) {
    (void)state;
    msio_prof_start();
    msio_prof_reset();
    return 0;
}

static void nobody_wants_advice_while_the_profiler_is_off(void **state) {
    (void)state;
    char *text = NULL;
    msio_prof_stop();
    assert_false(msio_advice_wanted());
    msio_advice_give("use getcol");
    assert_int_equal(msio_prof_report_text(&text), MSIO_OK);
    assert_null(strstr(text, "use getcol"));
    msio_prof_free(text);
}

static void both_reports_have_it_with_its_count(void **state) {
    (void)state;
    char *text = NULL;
    msio_advice_give("use getcol");
    msio_advice_give("say \"no\"");
    msio_advice_give("use getcol");
    assert_int_equal(msio_prof_report_text(&text), MSIO_OK);
    assert_non_null(strstr(text, "advice: use getcol (2 times)"));
    msio_prof_free(text);
    assert_int_equal(msio_prof_report_json(&text), MSIO_OK);
    json_t *report = json_loads(text, 0, NULL), *advice = json_object_get(report, "advice");
    assert_int_equal(json_array_size(advice), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(advice, 0), "text")), "use getcol");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(advice, 0), "times")), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(advice, 1), "text")), "say \"no\"");
    json_decref(report);
    msio_prof_free(text);
}

static void count_lines(FILE *out, const char *line, int64_t index, long times) {
    (void)line;
    (void)times;
    fprintf(out, "%d\n", (int)index);
}

static void too_much_advice_is_cut(void **state) {
    (void)state;
    char line[2000], *text = NULL;
    size_t size = 0;
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = 0;
    for (int i = 0; i < 2 * MSIO_ADVICE_MOST; i++) {
        line[0] = (char)('0' + i);
        msio_advice_give(line);
    }
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    msio_advice_each(out, count_lines);
    fclose(out);
    int last = -1;
    for (char *at = text; *at; at = strchr(at, '\n') + 1) sscanf(at, "%d", &last);
    assert_int_equal(last, MSIO_ADVICE_MOST - 1);
    free(text);
}

static void a_reset_forgets(void **state) {
    (void)state;
    char *text = NULL;
    msio_advice_give("use getcol");
    msio_prof_reset();
    assert_int_equal(msio_prof_report_text(&text), MSIO_OK);
    assert_null(strstr(text, "use getcol"));
    msio_prof_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_wants_advice_while_the_profiler_is_off, start),
        cmocka_unit_test_setup(both_reports_have_it_with_its_count, start),
        cmocka_unit_test_setup(too_much_advice_is_cut, start),
        cmocka_unit_test_setup(a_reset_forgets, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
