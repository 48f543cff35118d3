/* test_types.c - names and sizes of statuses and element types. */
#include "msio/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void every_status_has_its_name(void **state) {
    (void)state;
    assert_string_equal(msio_status_name(MSIO_OK), "OK");
    assert_string_equal(msio_status_name(MSIO_END), "END");
    assert_string_equal(msio_status_name(MSIO_E_ARGUMENT), "E_ARGUMENT");
    assert_string_equal(msio_status_name(MSIO_E_SHAPE), "E_SHAPE");
    assert_string_equal(msio_status_name(MSIO_E_CASACORE), "E_CASACORE");
    for (int s = MSIO_E_INTERRUPTED; s <= MSIO_END; s++)
        assert_string_not_equal(msio_status_name((msio_status)s), "UNKNOWN");
    assert_string_equal(msio_status_name((msio_status)(MSIO_E_INTERRUPTED - 1)), "UNKNOWN");
    assert_string_equal(msio_status_name((msio_status)99), "UNKNOWN");
}

static void every_type_has_its_size_and_name(void **state) {
    (void)state;
    static const struct {
        msio_type type;
        size_t size;
        const char *name;
    } types[] = {
        {MSIO_BOOL, 1, "Bool"},          {MSIO_UCHAR, 1, "uChar"},   {MSIO_SHORT, 2, "Short"},
        {MSIO_USHORT, 2, "uShort"},      {MSIO_INT, 4, "Int"},       {MSIO_UINT, 4, "uInt"},
        {MSIO_FLOAT, 4, "Float"},        {MSIO_DOUBLE, 8, "Double"}, {MSIO_COMPLEX, 8, "Complex"},
        {MSIO_DCOMPLEX, 16, "DComplex"}, {MSIO_STRING, 0, "String"}, {MSIO_TABLE, 0, "Table"},
        {MSIO_RECORD, 0, "Record"},      {MSIO_INT64, 8, "Int64"},   {MSIO_CHAR, 1, "Char"},
        {MSIO_UINT64, 8, "uInt64"},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_int_equal(msio_type_size(types[i].type), types[i].size);
        assert_string_equal(msio_type_name(types[i].type), types[i].name);
    }
    assert_int_equal(msio_type_size((msio_type)77), 0);
    assert_string_equal(msio_type_name((msio_type)77), "unknown");
}

static void the_version_is_that_of_the_header(void **state) {
    (void)state;
    char numbers[32];
    snprintf(numbers, sizeof numbers, "%d.%d.%d", MSIO_VERSION_MAJOR, MSIO_VERSION_MINOR, MSIO_VERSION_PATCH);
    assert_string_equal(msio_version(), numbers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_name),
        cmocka_unit_test(every_type_has_its_size_and_name),
        cmocka_unit_test(the_version_is_that_of_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
