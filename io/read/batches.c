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

msio_status msio_batches_measure(msio_batches *batches, size_t memory, int64_t rows_per_batch) {
    int64_t row_bytes = 0;
    for (int i = 0; i < batches->columns; i++) row_bytes += (int64_t)batches->shape[i].bytes;
    int64_t fits = row_bytes ? (int64_t)(memory / 2) / row_bytes : msio_max(batches->rows, 1);
    if (fits < 1)
        return msio_error_set(MSIO_E_SIZE, batches->table->path, "two rows take %lld bytes, the stream may take %zu",
                              (long long)row_bytes * 2, memory);
    batches->batch_rows = rows_per_batch > 0 ? msio_min(rows_per_batch, fits) : fits;
    batches->batch_rows = msio_max(1, msio_min(batches->batch_rows, batches->rows));
    return MSIO_OK;
}

void msio_batches_free(msio_batches *batches) {
    free(batches->column);
    free(batches->shape);
    free(batches->list);
}
