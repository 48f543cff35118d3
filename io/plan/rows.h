/* rows.h - the wanted rows of one table, resolved: checked, sorted by row, with the place each goes to. */
#ifndef MSIO_IO_ROWS_H
#define MSIO_IO_ROWS_H

#include "msio/io.h"

/* Row i, 0 <= i < count, in ascending order of rows (equal rows may repeat):
 *   row != NULL: row[i] goes to place[i];
 *   else: first + i * step goes to place_first + i * place_step.
 * A place counts rows of the result, or elements of it: whoever uses the set multiplies. step >= 1. */
typedef struct msio_rows {
    int64_t count;
    int64_t first, step, place_first, place_step;
    const int64_t *row, *place;
    int64_t *owned; /* memory behind row and place, or NULL */
} msio_rows;

static inline int64_t msio_rows_row(const msio_rows *rows, int64_t i) {
    return rows->row ? rows->row[i] : rows->first + i * rows->step;
}
static inline int64_t msio_rows_place(const msio_rows *rows, int64_t i) {
    return rows->row ? rows->place[i] : rows->place_first + i * rows->place_step;
}

/* Index of the first i >= from with row(i) > last; count where there is none. */
int64_t msio_rows_after(const msio_rows *rows, int64_t from, int64_t last);

/* The part [from, from + count) of a set; borrows its memory. */
msio_rows msio_rows_part(const msio_rows *rows, int64_t from, int64_t count);

/* Resolves a selection (NULL: all) against a table of table_rows rows; place i is the i-th selected row. A list is
 * copied and sorted where it is not a regular range. Errors: MSIO_E_RANGE, MSIO_E_ARGUMENT, MSIO_E_MEMORY. */
msio_status msio_rows_select(const msio_select *select, int64_t table_rows, const char *path, msio_rows *rows);

/* A set from n rows in any order; row_list[i] goes to place i (places NULL) or places[i]; equal rows are in the order
 * of their places. Recognises ranges. */
msio_status msio_rows_from_list(int64_t n, const int64_t *row_list, const int64_t *places, msio_rows *rows);
void msio_rows_free(msio_rows *rows);

#endif
