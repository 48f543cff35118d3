/* value_of_row.h - for tests that write: one cell as it is read again. */
#ifndef MSIO_TESTS_VALUE_OF_ROW_H
#define MSIO_TESTS_VALUE_OF_ROW_H

#include "msio/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Of a column of Int scalars. */
static inline int32_t value_of_row(const msio_column *column, int64_t row) {
    msio_select one = MSIO_SELECT_ALL;
    int32_t value = -1;
    one.row = row;
    one.rows = 1;
    assert_int_equal(msio_read(column, &one, &value, sizeof value, NULL), MSIO_OK);
    return value;
}

#endif
