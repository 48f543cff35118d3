/* test_antenna_table.c - text files of antennas: what is taken, and where what is wrong is said to stand. */
#include "io/convert/antenna_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLACE "-2409150.5,-4478573.25,3838617"

static msio_status parse(const char *text, msio_antenna_table **table) {
    /* a copy of the exact size, so that a read beyond it is found */
    const size_t length = strlen(text);
    char *bytes = malloc(length ? length : 1);
    assert_non_null(bytes);
    memcpy(bytes, text, length);
    const msio_status status = msio_antenna_table_parse(bytes, (int64_t)length, "antennas.txt", table);
    free(bytes);
    return status;
}

static void takes_names_places_and_diameters(void **state) {
    (void)state;
    msio_antenna_table *t = NULL;
    assert_int_equal(parse("# of 2025\n\nname, x, y, z, diameter\r\n pad 7 ," PLACE ", 4.65\r\n"
                           "b," PLACE "\n   \n#\na,-2.40915e6,-4478573.25,3838617,0",
                           &t),
                     MSIO_OK);
    const msio_antenna_place *p = msio_antenna_table_find(t, "pad 7");
    assert_non_null(p);
    assert_true(p->position[0] == -2409150.5 && p->position[1] == -4478573.25 && p->position[2] == 3838617);
    assert_true(p->diameter == 4.65 && p->line == 4);
    p = msio_antenna_table_find(t, "a");
    assert_true(p && p->position[0] == -2409150 && p->diameter == 0 && p->line == 8);
    assert_true(msio_antenna_table_find(t, "b")->diameter == 0);
    assert_null(msio_antenna_table_find(t, "name"));
    assert_null(msio_antenna_table_find(t, "pad"));
    assert_null(msio_antenna_table_find(t, ""));
    msio_antenna_table_free(t);
    msio_antenna_table_free(NULL);
}

static void says_where_it_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } wrong[] = {
        {"", "no antennas"},
        {"# nothing\n\n  \n", "no antennas"},
        {"name,x,y,z\n", "no antennas"},
        {"a," PLACE "\nb,-2409150,-4478573\n", "line 2, column 12: this field is the last one"},
        {"a\n", "line 1, column 1: this field is the last one"},
        {"a," PLACE ",4.65,7\n", "line 1, column 39: a field too many"},
        {"a,-2409150,north,3838617\n", "line 1, column 12: y is no number: \"north\""},
        {"a,  -2409150 ,-4478573,3838617x\n", "line 1, column 24: z is no number: \"3838617x\""},
        {"a,,-4478573,3838617\n", "line 1, column 3: x is no number"},
        {"a,nan,-4478573,3838617\n", "line 1, column 3: x is no number"},
        {"a,-2409150,-inf,3838617\n", "line 1, column 12: y is no number"},
        {"a," PLACE ",\n", "the diameter is no number"},
        {"a," PLACE ",-1\n", "column 34: a diameter of -1 m"},
        {"a,1e999,1,1\n", "line 1, column 3: x is no number"},
        {"a,1,2,3\n", "line 1, column 3: (1, 2, 3) is no place on Earth"},
        {"a,37.2,-118.3,1222\n", "no place on Earth"},
        {"a,-2409150000,-4478573000,3838617000\n", "no place on Earth"},
        {"," PLACE "\n", "line 1, column 1: an antenna has no name"},
        {"a\tb," PLACE "\n", "line 1, column 1: an antenna has no name"},
        {"x,x,y,z\ny,x,y,z\n", "line 2, column 3: x is no number: \"x\""},
        {"b," PLACE "\na," PLACE "\nb," PLACE "\n", "line 3, column 1: antenna b stands in line 1 already"},
        {"a,0000000000000000000000000000000000000000000000000000000000000001,1,1\n",
         "line 1, column 3: x is no number"},
        {"{\"a\": [1, 2, 3]}\n", "line 1, column 14: this field"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        msio_antenna_table *t = NULL;
        const msio_status status = parse(wrong[i].text, &t);
        if (status != MSIO_E_FORMAT || !strstr(msio_last_error()->message, wrong[i].words) || t)
            fail_msg("\"%s\": %s, not %s", wrong[i].text, status ? msio_last_error()->message : "taken",
                     wrong[i].words);
    }
}

static void takes_no_bytes_that_are_none(void **state) {
    (void)state;
    static const char nul[] = "a\0b," PLACE "\n";
    msio_antenna_table *t = NULL;
    assert_int_equal(msio_antenna_table_parse(nul, sizeof nul - 1, "antennas.txt", &t), MSIO_E_FORMAT);
    static const char within[] = "a,-2409150\0,-4478573,3838617\n";
    assert_int_equal(msio_antenna_table_parse(within, sizeof within - 1, "antennas.txt", &t), MSIO_E_FORMAT);
    assert_non_null(strstr(msio_last_error()->message, "line 1, column 3"));
    assert_null(t);
    assert_int_equal(msio_antenna_table_read("/nowhere/antennas.txt", &t), MSIO_E_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_names_places_and_diameters),
        cmocka_unit_test(says_where_it_is_wrong),
        cmocka_unit_test(takes_no_bytes_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
