/* array_file.c - indirect arrays: cells that lie in a file of their own, found by an offset. */
#include "io/layout/shared/array_file.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/files/stored.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The file's header; no array begins before its end. */
#define HEADER_BYTES 16

msio_status msio_array_file_check(msio_window *window, msio_array_file *arrays) {
    const uint8_t *header = msio_window_get(window, 0, HEADER_BYTES);
    if (!header) return window->status;
    uint32_t version = msio_stored_u32(header, arrays->big);
    if (version > 1)
        return msio_error_set(MSIO_E_UNSUPPORTED, window->path,
                              "a file of indirect arrays of version %" PRIu32 ", versions up to 1 are known", version);
    arrays->prefix = version == 1 ? 4 : 0;
    return MSIO_OK;
}

msio_status msio_array_file_open(msio_manager *manager, msio_array_file *arrays) {
    msio_window window;
    arrays->big = manager->dat->big_endian;
    msio_status status = msio_manager_file(manager, "i", &arrays->file);
    if (status) return status;
    msio_window_open(&window, arrays->file);
    return msio_window_close(&window, msio_array_file_check(&window, arrays));
}

/* Bytes that so many stored values take; strings: their offsets. */
static bool stored_bytes(msio_type type, int64_t elements, int64_t *bytes) {
    if (elements < 0) return false;
    if (type == MSIO_BOOL) {
        *bytes = elements / 8 + (elements % 8 != 0);
        return true;
    }
    return msio_mul_checked(elements, type == MSIO_STRING ? 4 : msio_stored_size(type), bytes);
}

msio_status msio_array_head_read(const msio_array_file *arrays, msio_window *window, int64_t offset, msio_type type,
                                 msio_array_head *head) {
    int64_t at, bytes = 0;
    if (offset < HEADER_BYTES || !msio_add_checked(offset, arrays->prefix, &at))
        return msio_error_set(MSIO_E_FORMAT, window->path,
                              "an array should lie at offset %" PRId64 ", where none can: the index is damaged",
                              offset);
    const uint8_t *p = msio_window_get(window, at, 4);
    if (!p) return window->status;
    uint32_t ndim = msio_stored_u32(p, arrays->big);
    if (ndim > MSIO_MAX_NDIM)
        return msio_error_set(ndim > 64 ? MSIO_E_FORMAT : MSIO_E_UNSUPPORTED, window->path,
                              "the array at offset %" PRId64 " has %" PRIu32 " axes, at most %d are read", offset, ndim,
                              MSIO_MAX_NDIM);
    p = msio_window_get(window, at + 4, 4 * (int64_t)ndim);
    if (!p) return window->status;
    for (uint32_t k = 0; k < ndim; k++) head->shape[k] = msio_stored_i32(p + 4 * k, arrays->big);
    head->ndim = (int)ndim;
    head->elements = msio_shape_elements(head->ndim, head->shape);
    head->data = at + 4 + 4 * (int64_t)ndim;
    if (stored_bytes(type, head->elements, &bytes) && bytes <= window->size - head->data) return MSIO_OK;
    return msio_error_set(MSIO_E_FORMAT, window->path,
                          "the array at offset %" PRId64 " does not fit the file's %" PRId64
                          " bytes by its shape: the file is cut or damaged",
                          offset, window->size);
}

/* ---------------------------------------------------------------- jobs */

msio_status msio_array_job_start(msio_array_job *job, const msio_array_file *arrays, const msio_column_dat *column,
                                 const msio_rows *rows) {
    *job = (msio_array_job){.arrays = arrays, .column = column, .rows = rows};
    if (!arrays->file)
        return msio_error_set(MSIO_E_FORMAT, NULL, "column %s has indirect arrays, its manager has no file of them",
                              column->name);
    msio_window_open(&job->window, arrays->file);
    job->texts.path = arrays->file->path;
    return MSIO_OK;
}

msio_status msio_array_job_end(msio_array_job *job, msio_status status) {
    msio_text_cell_free(&job->texts);
    return msio_window_close(&job->window, status);
}

/* Whether the column fixes the shape that an array's header repeats. */
static bool is_fixed(const msio_column_dat *column) {
    return (column->option & MSIO_OPTION_FIXED) && column->shape_ndim > 0;
}

msio_status msio_array_shape(void *job, int64_t from, int64_t count, int64_t offset) {
    msio_array_job *j = job;
    msio_array_head head;
    (void)from;
    if (offset == 0) return msio_shape_run_add(&j->run, count, -1, NULL);
    if (is_fixed(j->column)) return msio_shape_run_add(&j->run, count, j->column->shape_ndim, j->column->shape);
    msio_status status = msio_array_head_read(j->arrays, &j->window, offset, j->column->type, &head);
    return status ? status : msio_shape_run_add(&j->run, count, head.ndim, head.shape);
}

/* "[2,48]" */
static const char *shape_words(int ndim, const int64_t *shape, char *words, size_t size) {
    size_t at = 0;
    words[0] = '\0';
    for (int k = 0; k < ndim && at + 1 < size; k++)
        at += (size_t)snprintf(words + at, size - at, "%s%" PRId64, k ? "," : "", shape[k]);
    return words;
}

msio_status msio_array_push(void *job, int64_t from, int64_t count, int64_t offset) {
    msio_array_job *j = job;
    msio_array_head head;
    const msio_want *want = j->cells->want;
    int64_t row = msio_rows_row(j->rows, from);
    if (offset == 0)
        return msio_error_set(MSIO_E_UNDEFINED, j->window.path,
                              "the cell of row %" PRId64 " of column %s was never written", row, j->column->name);
    msio_status status = msio_array_head_read(j->arrays, &j->window, offset, j->column->type, &head);
    if (status) return status;
    if (head.ndim == want->ndim && memcmp(head.shape, want->shape, (size_t)head.ndim * sizeof *head.shape) == 0)
        return msio_cells_push(j->cells, from, count, j->cells->bits ? head.data * 8 : head.data, 0);
    char found[200], expected[200];
    return msio_error_set(MSIO_E_FORMAT, j->window.path,
                          "row %" PRId64 " of column %s has an array of shape [%s], expected [%s] (fastest axis first)",
                          row, j->column->name, shape_words(head.ndim, head.shape, found, sizeof found),
                          shape_words(want->ndim, want->shape, expected, sizeof expected));
}

/* Where string i of an array lies; 0 for an empty one, which has no bytes of its own. */
static msio_status string_at(msio_array_job *j, const msio_array_head *head, int64_t i, int64_t *at) {
    const uint8_t *p = msio_window_get(&j->window, head->data + 4 * i, 4);
    if (p) *at = msio_stored_u32(p, j->arrays->big);
    return p ? MSIO_OK : j->window.status;
}

static msio_status add_string(msio_array_job *j, int64_t at) {
    if (at == 0) return msio_text_cell_add(&j->texts, "", 0);
    const uint8_t *p = msio_window_get(&j->window, at, 4);
    if (!p) return j->window.status;
    int64_t length = msio_stored_u32(p, j->arrays->big);
    /* Strings never share bytes; if they did, a small file could fill the memory. */
    if (length > j->window.size - j->texts.used)
        return msio_error_set(MSIO_E_FORMAT, j->window.path,
                              "the strings of one cell have more bytes than the file's %" PRId64 ": it is damaged",
                              j->window.size);
    p = msio_window_get(&j->window, at + 4, length);
    return p ? msio_text_cell_add(&j->texts, p, length) : j->window.status;
}

msio_status msio_array_tell(void *job, int64_t from, int64_t count, int64_t offset) {
    msio_array_job *j = job;
    msio_array_head head;
    msio_status status = msio_text_cell_reset(&j->texts, 0);
    if (offset == 0) return msio_text_cell_tell(&j->texts, j->text_sink, j->user, from, count, -1, NULL);
    if (!status) status = msio_array_head_read(j->arrays, &j->window, offset, MSIO_STRING, &head);
    if (!status) status = msio_text_cell_reset(&j->texts, head.elements);
    for (int64_t i = 0; i < (status ? 0 : head.elements) && !status; i++) {
        int64_t at = 0;
        status = string_at(j, &head, i, &at);
        if (!status) status = add_string(j, at);
    }
    if (status) return status;
    return msio_text_cell_tell(&j->texts, j->text_sink, j->user, from, count, head.ndim, head.shape);
}
