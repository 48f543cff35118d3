/* ms_fill.c - filling the rows of a small table that casacore makes. */
#include "io/ms/ms_fill.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for all rows' cells; NULL where there is nothing to do. A call of casacore's costs more than such a cell, so
 * that what all rows get is put by one. */
static void *memory_for(msio_ms_filler *f, const char *column, int64_t elements, size_t bytes) {
    if (f->status != MSIO_OK || f->rows == 0) return NULL;
    void *memory = calloc((size_t)(f->rows * elements) + 1, bytes);
    if (!memory) f->status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for column %s", column);
    return memory;
}

void msio_ms_put_same(msio_ms_filler *f, const char *column, size_t element, int ndim, const int64_t *shape,
                      const void *cell) {
    int64_t elements = 1;
    for (int i = 0; i < ndim; i++) elements *= shape[i];
    const size_t bytes = element * (size_t)elements;
    char *values = memory_for(f, column, elements, element);
    for (int64_t i = 0; i < f->rows && values; i++) memcpy(values + (size_t)i * bytes, cell, bytes);
    if (values) msio_ms_put_all(f, column, ndim, shape, values);
    free(values);
}

void msio_ms_put_int(msio_ms_filler *f, const char *column, int32_t value) {
    msio_ms_put_same(f, column, sizeof value, 0, NULL, &value);
}

void msio_ms_put_bool(msio_ms_filler *f, const char *column, bool value) {
    msio_ms_put_same(f, column, sizeof value, 0, NULL, &value);
}

void msio_ms_put_double(msio_ms_filler *f, const char *column, double value) {
    msio_ms_put_same(f, column, sizeof value, 0, NULL, &value);
}

void msio_ms_put_doubles(msio_ms_filler *f, const char *column, int ndim, const int64_t *shape, const double *cell) {
    msio_ms_put_same(f, column, sizeof *cell, ndim, shape, cell);
}

void msio_ms_put_row_numbers(msio_ms_filler *f, const char *column, int32_t step) {
    int32_t *values = memory_for(f, column, 1, sizeof *values);
    for (int64_t i = 0; i < f->rows && values; i++) values[i] = (int32_t)i * step;
    if (values) msio_ms_put_all(f, column, 0, NULL, values);
    free(values);
}

void msio_ms_put_all(msio_ms_filler *f, const char *column, int ndim, const int64_t *shape, const void *cells) {
    if (f->status == MSIO_OK && f->rows) f->status = msio_casa_put(f->table, column, 0, f->rows, ndim, shape, cells);
}

void msio_ms_put_cell(msio_ms_filler *f, const char *column, int64_t row, int ndim, const int64_t *shape,
                      const void *cell) {
    if (f->status == MSIO_OK) f->status = msio_casa_put(f->table, column, row, 1, ndim, shape, cell);
}

void msio_ms_put_text_cell(msio_ms_filler *f, const char *column, int64_t row, const char *text) {
    if (f->status == MSIO_OK) f->status = msio_casa_put_strings(f->table, column, row, 1, 0, NULL, &text);
}

void msio_ms_put_text(msio_ms_filler *f, const char *column, int64_t row, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    msio_ms_put_text_cell(f, column, row, text);
}

void msio_ms_put_texts_cell(msio_ms_filler *f, const char *column, int64_t row, int64_t n, const char *const *texts) {
    if (f->status == MSIO_OK) f->status = msio_casa_put_strings(f->table, column, row, 1, 1, &n, texts);
}

void msio_ms_put_text_same(msio_ms_filler *f, const char *column, const char *text) {
    const char **values = memory_for(f, column, 1, sizeof *values);
    for (int64_t i = 0; i < f->rows && values; i++) values[i] = text;
    if (values) f->status = msio_casa_put_strings(f->table, column, 0, f->rows, 0, NULL, values);
    free(values);
}

/* Cell by cell: of a column at once casacore would put every cell's shape first, and read each bucket again. */
void msio_ms_put_texts(msio_ms_filler *f, const char *column, int64_t n, const char *const *texts) {
    for (int64_t i = 0; i < f->rows; i++) msio_ms_put_texts_cell(f, column, i, n, texts);
}
