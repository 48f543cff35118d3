/* ms_fill.h - filling the rows of a small table that casacore makes: the same cell in all rows, or one by one.
 *
 * Calls go on in spite of an error and then do nothing: `status` holds the first one.
 */
#ifndef MSIO_IO_MS_FILL_H
#define MSIO_IO_MS_FILL_H

#include "core/error.h"
#include "io/casacore/casacore_module.h"

typedef struct msio_ms_filler {
    msio_casa_table *table;
    int64_t rows;
    msio_status status;
} msio_ms_filler;

/* The same cell into all rows: a scalar of `element` bytes, or an array of them of ndim axes. */
void msio_ms_put_same(msio_ms_filler *f, const char *column, size_t element, int ndim, const int64_t *shape,
                      const void *cell);
void msio_ms_put_int(msio_ms_filler *f, const char *column, int32_t value);
void msio_ms_put_bool(msio_ms_filler *f, const char *column, bool value);
void msio_ms_put_double(msio_ms_filler *f, const char *column, double value);
void msio_ms_put_doubles(msio_ms_filler *f, const char *column, int ndim, const int64_t *shape, const double *cell);
/* The row's number, times step. */
void msio_ms_put_row_numbers(msio_ms_filler *f, const char *column, int32_t step);
/* The cells of all rows, one after the other. */
void msio_ms_put_all(msio_ms_filler *f, const char *column, int ndim, const int64_t *shape, const void *cells);
/* The cell of one row. */
void msio_ms_put_cell(msio_ms_filler *f, const char *column, int64_t row, int ndim, const int64_t *shape,
                      const void *cell);
/* Text made like printf's into one row; one text, of any length, into one row, or all. */
void msio_ms_put_text(msio_ms_filler *f, const char *column, int64_t row, const char *format, ...) MSIO_PRINTF(4, 5);
void msio_ms_put_text_cell(msio_ms_filler *f, const char *column, int64_t row, const char *text);
void msio_ms_put_text_same(msio_ms_filler *f, const char *column, const char *text);
/* One vector of n texts into one row, or all. */
void msio_ms_put_texts_cell(msio_ms_filler *f, const char *column, int64_t row, int64_t n, const char *const *texts);
void msio_ms_put_texts(msio_ms_filler *f, const char *column, int64_t n, const char *const *texts);

#endif
