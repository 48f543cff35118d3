/* ms_fill.c - filling the rows of a small table that casacore makes. */
#include "io/ms/ms_fill.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void msio_ms_put_same(msio_ms_filler *f, const char *column, size_t element, int ndim, const int64_t *shape,
                      const void *cell) {
    int64_t elements = 1;
    for (int i = 0; i < ndim; i++) elements *= shape[i];
    size_t bytes = element * (size_t)elements;
    if (f->status != MSIO_OK || f->rows == 0) return;
    char *values = malloc((size_t)f->rows * bytes);
    if (!values) {
        f->status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for column %s", column);
        return;
    }
    for (int64_t i = 0; i < f->rows; i++) memcpy(values + (size_t)i * bytes, cell, bytes);
    f->status = msio_casa_put(f->table, column, 0, f->rows, ndim, shape, values);
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
    for (int64_t i = 0; i < f->rows && f->status == MSIO_OK; i++) {
        int32_t value = (int32_t)i * step;
        f->status = msio_casa_put(f->table, column, i, 1, 0, NULL, &value);
    }
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

void msio_ms_put_text_same(msio_ms_filler *f, const char *column, const char *text) {
    for (int64_t i = 0; i < f->rows; i++) msio_ms_put_text_cell(f, column, i, text);
}

void msio_ms_put_texts_cell(msio_ms_filler *f, const char *column, int64_t row, int64_t n, const char *const *texts) {
    if (f->status == MSIO_OK) f->status = msio_casa_put_strings(f->table, column, row, 1, 1, &n, texts);
}

void msio_ms_put_texts(msio_ms_filler *f, const char *column, int64_t n, const char *const *texts) {
    for (int64_t i = 0; i < f->rows; i++) msio_ms_put_texts_cell(f, column, i, n, texts);
}
