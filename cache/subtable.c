/* subtable.c - columns of small tables, read whole. */
#include "cache/subtable.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

/* A metadata column of more bytes is refused: that is no metadata. */
#define MOST_BYTES ((size_t)1 << 30)

static void fail_memory(msio_subtable *t) {
    if (!t->status) t->status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for metadata");
}

static void *take(msio_subtable *t, int64_t n, size_t size) {
    void *memory = t->status ? NULL : msio_arena_take(t->arena, n ? n : 1, size);
    if (memory)
        memset(memory, 0, (size_t)(n ? n : 1) * size);
    else
        fail_memory(t);
    return memory;
}

void *msio_subtable_items(msio_subtable *t, size_t size) { return take(t, t->rows, size); }

/* ---------------------------------------------------------------- cells */

msio_ragged msio_subtable_cells(msio_subtable *t, const char *name) {
    msio_ragged cells = {0};
    const msio_column *column;
    if (t->status || msio_table_column(t->table, name, &column)) return cells;
    t->status = msio_read_ragged(column, NULL, &cells, NULL);
    if (!t->status && (cells.cells != t->rows || cells.bytes > MOST_BYTES)) {
        t->status = msio_error_set(MSIO_E_CHANGED, NULL, "a subtable changed while it was read");
        msio_ragged_free(&cells);
    }
    return cells;
}

int64_t msio_cell_length(const msio_ragged *cells, int64_t row) {
    return row < cells->cells ? cells->offsets[row + 1] - cells->offsets[row] : 0;
}

double msio_cell_number(const msio_ragged *cells, int64_t row, int64_t i, double otherwise) {
    if (i >= msio_cell_length(cells, row) || !cells->data) return otherwise;
    int64_t at = cells->offsets[row] + i;
    switch (cells->type) {
    case MSIO_CHAR: return ((const int8_t *)cells->data)[at];
    case MSIO_BOOL:
    case MSIO_UCHAR: return ((const uint8_t *)cells->data)[at];
    case MSIO_SHORT: return ((const int16_t *)cells->data)[at];
    case MSIO_USHORT: return ((const uint16_t *)cells->data)[at];
    case MSIO_INT: return ((const int32_t *)cells->data)[at];
    case MSIO_UINT: return ((const uint32_t *)cells->data)[at];
    case MSIO_INT64: return (double)((const int64_t *)cells->data)[at];
    case MSIO_UINT64: return (double)((const uint64_t *)cells->data)[at];
    case MSIO_FLOAT: return (double)((const float *)cells->data)[at];
    case MSIO_DOUBLE: return ((const double *)cells->data)[at];
    default: return otherwise;
    }
}

int32_t msio_cell_int(const msio_ragged *cells, int64_t row, int32_t otherwise) {
    double value = msio_cell_number(cells, row, 0, otherwise);
    return value >= INT32_MIN && value <= INT32_MAX ? (int32_t)value : otherwise;
}

const char *msio_cell_text(msio_subtable *t, const msio_ragged *cells, int64_t row) {
    const char *text = "";
    if (t->status || cells->type != MSIO_STRING || msio_cell_length(cells, row) < 1) return text;
    int64_t first = cells->offsets[row];
    int64_t from = cells->text_offsets[first], to = cells->text_offsets[first + 1];
    text = msio_arena_text(t->arena, cells->text + from, to - from);
    if (!text) fail_memory(t);
    return text ? text : "";
}

const double *msio_cell_doubles(msio_subtable *t, const msio_ragged *cells, int64_t row) {
    int64_t n = msio_cell_length(cells, row);
    double *values = n ? take(t, n, sizeof *values) : NULL;
    for (int64_t i = 0; values && i < n; i++) values[i] = msio_cell_number(cells, row, i, 0);
    return values;
}

/* ---------------------------------------------------------------- directions */

static const char *string_of(const msio_record *record, const char *name) {
    const msio_field *f = record ? msio_record_find(record, name) : NULL;
    return f && f->type == MSIO_STRING && f->count > 0 ? f->strings[0] : NULL;
}

/* A frame that varies by row: codes in another column, and the list of what they mean. */
typedef struct frames {
    const char *fixed; /* NULL: by row */
    msio_ragged codes;
    const msio_field *types, *numbers;
} frames;

static frames frames_of(msio_subtable *t, const msio_record *keywords) {
    frames f = {.fixed = ""};
    const msio_field *info = keywords ? msio_record_find(keywords, "MEASINFO") : NULL;
    if (!info || info->type != MSIO_RECORD) return f;
    const char *column = string_of(info->record, "VarRefCol"), *fixed = string_of(info->record, "Ref");
    if (fixed) f.fixed = fixed;
    if (!column) return f;
    f.types = msio_record_find(info->record, "TabRefTypes");
    f.numbers = msio_record_find(info->record, "TabRefCodes");
    if (f.types && f.types->type != MSIO_STRING) f.types = NULL;
    if (f.numbers && f.numbers->type != MSIO_INT && f.numbers->type != MSIO_UINT) f.numbers = NULL;
    f.codes = msio_subtable_cells(t, column);
    if (f.codes.cells) f.fixed = NULL;
    return f;
}

static const char *frame_of(msio_subtable *t, const frames *f, int64_t row) {
    if (f->fixed) return f->fixed;
    if (f->codes.type == MSIO_STRING) return msio_cell_text(t, &f->codes, row);
    int32_t code = msio_cell_int(&f->codes, row, -1);
    for (int64_t i = 0; f->types && i < f->types->count; i++) {
        int32_t number = f->numbers && i < f->numbers->count ? ((const int32_t *)f->numbers->values)[i] : (int32_t)i;
        if (number == code) return f->types->strings[i];
    }
    return "";
}

/* Text of keywords dies with the table, which the metadata's owner keeps; copied all the same, as owners may change. */
static const char *copy(msio_subtable *t, const char *text) {
    char *copied = msio_arena_text(t->arena, text, (int64_t)strlen(text));
    if (!copied) fail_memory(t);
    return copied ? copied : "";
}

void msio_subtable_directions(msio_subtable *t, const char *name, msio_direction *directions, size_t step) {
    const msio_column *column;
    msio_ragged cells = msio_subtable_cells(t, name);
    bool there = !t->status && cells.cells > 0 && msio_table_column(t->table, name, &column) == MSIO_OK;
    const msio_record *keywords = there ? msio_column_keywords(column) : NULL;
    const char *unit = keywords ? string_of(keywords, "QuantumUnits") : NULL;
    frames f = frames_of(t, keywords);
    unit = copy(t, unit ? unit : "");
    for (int64_t row = 0; row < t->rows && !t->status; row++) {
        msio_direction *d = (msio_direction *)(void *)((char *)directions + (size_t)row * step);
        int64_t pairs = msio_cell_length(&cells, row) / 2;
        d->unit = unit;
        d->frame = copy(t, frame_of(t, &f, row));
        d->terms = (int)pairs;
        d->value = (const double(*)[2])(const void *)(pairs ? msio_cell_doubles(t, &cells, row) : NULL);
    }
    msio_ragged_free(&f.codes);
    msio_ragged_free(&cells);
}
