/* batches.c - columns and a selection of rows that a stream takes batch by batch. */
#include "io/read/batches.h"

#include "core/checked.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

static msio_status find_columns(msio_batches *b, const char *const *names) {
    b->column = calloc((size_t)b->columns, sizeof *b->column);
    b->shape = calloc((size_t)b->columns, sizeof *b->shape);
    if (!b->column || !b->shape) return msio_error_set(MSIO_E_MEMORY, b->table->path, "no memory for a stream");
    msio_status status = MSIO_OK;
    for (int i = 0; i < b->columns && !status; i++) status = msio_table_column(b->table, names[i], &b->column[i]);
    return status;
}

static msio_status copy_selection(msio_batches *b, const msio_select *select) {
    b->select = select ? *select : (msio_select)MSIO_SELECT_ALL;
    if (!b->select.row_list) return MSIO_OK;
    if (b->select.rows_in_list < 0)
        return msio_error_set(MSIO_E_ARGUMENT, b->table->path, "a row list of negative length");
    b->list = malloc(((size_t)b->select.rows_in_list + 1) * sizeof *b->list);
    if (!b->list) return msio_error_set(MSIO_E_MEMORY, b->table->path, "no memory for a row list");
    memcpy(b->list, b->select.row_list, (size_t)b->select.rows_in_list * sizeof *b->list);
    b->select.row_list = b->list;
    return MSIO_OK;
}

msio_status msio_batches_begin(msio_batches *batches, msio_table *table, int columns, const char *const *names,
                               const msio_select *select) {
    batches->table = table;
    batches->columns = columns;
    msio_status status = find_columns(batches, names);
    return status ? status : copy_selection(batches, select);
}

static int64_t common_multiple(int64_t a, int64_t b) {
    int64_t x = a, y = b;
    while (y) {
        int64_t rest = x % y;
        x = y;
        y = rest;
    }
    return msio_mul_checked(a / x, b, &y) ? y : INT64_MAX;
}

/* The columns' tiles all end after so many rows, or the largest ones do, if batches have as many. */
static int64_t tile_rows(const msio_batches *b) {
    int64_t common = 1, largest = 1;
    for (int i = 0; i < b->columns; i++) {
        const msio_column_info *info = msio_column_describe(b->column[i]);
        if (!info || info->tile_ndim < 1 || info->tile[0] < 1 || info->tile[0] > b->batch_rows) continue;
        largest = msio_max(largest, info->tile[0]);
        if (common <= b->batch_rows) common = common_multiple(common, info->tile[0]);
    }
    return common <= b->batch_rows ? common : largest;
}

msio_status msio_batches_measure(msio_batches *batches, size_t memory, int64_t rows_per_batch) {
    int64_t row_bytes = 0;
    for (int i = 0; i < batches->columns; i++) row_bytes += (int64_t)batches->shape[i].bytes;
    int64_t fits = row_bytes ? (int64_t)(memory / 2) / row_bytes : msio_max(batches->rows, 1);
    if (fits < 1)
        return msio_error_set(MSIO_E_SIZE, batches->table->path, "two rows take %lld bytes, the stream may take %zu",
                              (long long)row_bytes * 2, memory);
    batches->batch_rows = rows_per_batch > 0 ? msio_min(rows_per_batch, fits) : fits;
    batches->batch_rows = msio_max(1, msio_min(batches->batch_rows, batches->rows));
    const bool follow = !batches->select.row_list && batches->select.row_step == 1;
    batches->tile_rows = follow && rows_per_batch <= 0 ? tile_rows(batches) : 1;
    return MSIO_OK;
}

int64_t msio_batches_rows(const msio_batches *batches) {
    const int64_t first = batches->select.row + batches->next_row, left = batches->rows - batches->next_row;
    const int64_t border = (first + batches->batch_rows) / batches->tile_rows * batches->tile_rows;
    if (left <= batches->batch_rows) return msio_max(0, left);
    return border > first ? border - first : batches->batch_rows;
}

int64_t msio_batches_row(const msio_batches *batches) {
    int64_t bytes = 0;
    for (int i = 0; i < batches->columns; i++) bytes += (int64_t)batches->shape[i].bytes;
    return bytes;
}

void msio_batches_did(int columns, const msio_array *arrays, int64_t rows) {
    int64_t bytes = 0;
    for (int i = 0; i < columns; i++) bytes += (int64_t)arrays[i].bytes;
    prof_call_did(bytes, rows);
}

void msio_batches_free(msio_batches *batches) {
    free(batches->column);
    free(batches->shape);
    free(batches->list);
}
