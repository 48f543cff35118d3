/* cells.c - what managers share that store a row's cell in one stretch: pushing cells, telling shapes and strings. */
#include "io/layout/shared/cells.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/files/stored.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Single rows that lie farther apart than this behind a cell's end are not gathered, as in the sink. */
#define FAR_APART 4096

int64_t msio_shape_elements(int ndim, const int64_t *shape) {
    int64_t elements;
    if (ndim == 0) return 0;
    return ndim > 0 && msio_product_checked(ndim, shape, &elements) ? elements : -1;
}

int64_t msio_cell_elements(const msio_column_dat *column) {
    return column->kind == MSIO_KIND_SCALAR ? 1 : msio_shape_elements(column->shape_ndim, column->shape);
}

const char *msio_cell_refuses(const msio_column_dat *column) {
    if (column->kind == MSIO_KIND_RECORD) return "record column";
    if (column->kind == MSIO_KIND_SUBTABLE) return "column of tables";
    if (column->type != MSIO_STRING && msio_type_size(column->type) == 0) return "column of an unknown element type";
    return NULL;
}

void msio_cell_describe(const msio_column_dat *column, const char *manager_name, msio_layout_facts *facts) {
    bool fixed = (column->option & MSIO_OPTION_FIXED) && column->shape_ndim >= 0;
    facts->name = manager_name;
    facts->tile_ndim = 0;
    facts->ndim = column->kind == MSIO_KIND_SCALAR ? 0 : -1;
    if (facts->ndim < 0 && fixed) facts->ndim = msio_shape_told(column->shape_ndim, column->shape, facts->shape);
}

/* ---------------------------------------------------------------- pieces */

void msio_cells_start(msio_cells *cells, const msio_want *want, msio_type type, msio_file *file, msio_sink *sink) {
    int64_t elements = want->ndim ? msio_shape_elements(want->ndim, want->shape) : 1, bytes;
    *cells = (msio_cells){.want = want,
                          .sink = sink,
                          .source = {.file = file, .size = file->stamp.size},
                          .bits = type == MSIO_BOOL,
                          .place = want->place_elements * (int64_t)msio_type_size(type)};
    msio_want_box(want, type, &cells->box, &cells->first);
    int64_t each = cells->bits ? 1 : msio_stored_size(type);
    if (elements < 0 || !msio_mul_checked(elements, each, &bytes) ||
        !msio_add_checked(bytes, FAR_APART * (cells->bits ? 8 : 1), &cells->far))
        cells->far = INT64_MAX;
}

msio_status msio_cells_finish(msio_cells *cells) {
    int64_t at = cells->at, rows = cells->rows;
    cells->rows = 0;
    if (rows == 0) return MSIO_OK;
    return msio_sink_push(cells->sink, &cells->source, cells->bits ? at / 8 : at, cells->bits ? (int)(at % 8) : 0, rows,
                          cells->row_src, cells->row_dst, cells->out, &cells->box);
}

/* Takes in rows that go on where the gathered ones end, at their distance or at one that both set together. */
static bool gather(msio_cells *c, int64_t at, int64_t rows, int64_t row_src, int64_t row_dst, int64_t out) {
    if (c->rows == 0) return false;
    int64_t src = c->rows > 1 ? c->row_src : at - c->at, dst = c->rows > 1 ? c->row_dst : out - c->out;
    if (rows > 1 && (row_src != src || row_dst != dst)) return false;
    if (at != c->at + c->rows * src || out != c->out + c->rows * dst) return false;
    if (src < 0 || dst <= 0 || (c->rows == 1 && rows == 1 && src > c->far)) return false;
    c->row_src = src;
    c->row_dst = dst;
    c->rows += rows;
    return true;
}

static msio_status add_rows(msio_cells *c, int64_t at, int64_t rows, int64_t row_src, int64_t row_dst, int64_t out) {
    if (gather(c, at, rows, row_src, row_dst, out)) return MSIO_OK;
    msio_status status = msio_cells_finish(c);
    c->at = at;
    c->rows = rows;
    c->row_src = row_src;
    c->row_dst = row_dst;
    c->out = out;
    return status;
}

msio_status msio_cells_push(msio_cells *cells, int64_t from, int64_t count, int64_t where, int64_t stride) {
    const msio_rows *rows = cells->want->rows;
    int64_t at = where + cells->first;
    if (count < 1) return MSIO_OK;
    if (!rows->row) {
        bool several = count > 1; /* else a step may be anything */
        return add_rows(cells, at, count, several ? rows->step * stride : 0,
                        several ? rows->place_step * cells->place : 0, msio_rows_place(rows, from) * cells->place);
    }
    msio_status status = MSIO_OK;
    for (int64_t i = from; i < from + count && !status; i++)
        status =
            add_rows(cells, at + (rows->row[i] - rows->row[from]) * stride, 1, 0, 0, rows->place[i] * cells->place);
    return status;
}

/* ---------------------------------------------------------------- shapes */

int msio_shape_told(int ndim, const int64_t *shape, int64_t told[MSIO_MAX_NDIM]) {
    memset(told, 0, MSIO_MAX_NDIM * sizeof *told);
    if (ndim == 0) return 1;
    memcpy(told, shape, (size_t)ndim * sizeof *told);
    return ndim;
}

msio_status msio_shape_run_finish(msio_shape_run *run) {
    int64_t count = run->count;
    if (count == 0) return MSIO_OK;
    run->index += count;
    run->count = 0;
    return run->sink(run->user, run->index - count, count, run->ndim, run->ndim < 0 ? NULL : run->shape);
}

msio_status msio_shape_run_add(msio_shape_run *run, int64_t count, int ndim, const int64_t *shape) {
    int64_t told[MSIO_MAX_NDIM];
    if (ndim >= 0) ndim = msio_shape_told(ndim, shape, told);
    size_t size = ndim > 0 ? (size_t)ndim * sizeof *told : 0;
    msio_status status = MSIO_OK;
    if (run->count && (ndim != run->ndim || memcmp(told, run->shape, size) != 0)) status = msio_shape_run_finish(run);
    if (run->count == 0) {
        run->ndim = ndim;
        memcpy(run->shape, told, size);
    }
    run->count += count;
    return status;
}

/* ---------------------------------------------------------------- strings */

msio_status msio_text_cell_reset(msio_text_cell *cell, int64_t strings) {
    cell->used = cell->n = 0;
    if (strings < 0 || strings > MSIO_CELL_STRINGS_MOST)
        return msio_error_set(MSIO_E_FORMAT, cell->path,
                              "a cell of %" PRId64 " strings is announced, more than the %" PRId64
                              " that are taken for sound",
                              strings, MSIO_CELL_STRINGS_MOST);
    if (strings <= cell->room) return MSIO_OK;
    free(cell->start);
    free(cell->length);
    free(cell->text);
    cell->start = malloc((size_t)strings * sizeof *cell->start);
    cell->length = malloc((size_t)strings * sizeof *cell->length);
    cell->text = malloc((size_t)strings * sizeof *cell->text);
    bool got = cell->start && cell->length && cell->text;
    cell->room = got ? strings : 0;
    return got ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, cell->path, "no memory for %" PRId64 " strings", strings);
}

char *msio_text_cell_bytes(msio_text_cell *cell, int64_t bytes) {
    int64_t wanted;
    if (bytes < 0 || !msio_add_checked(cell->used, bytes, &wanted) || wanted > INT64_MAX / 2) {
        msio_error_set(MSIO_E_MEMORY, cell->path, "no memory for strings of %" PRId64 " bytes", bytes);
        return NULL;
    }
    if (wanted >= cell->capacity) {
        int64_t capacity = msio_max(2 * cell->capacity, wanted + 256);
        char *grown = realloc(cell->bytes, (size_t)capacity);
        if (!grown) {
            msio_error_set(MSIO_E_MEMORY, cell->path, "no memory for strings of %" PRId64 " bytes", wanted);
            return NULL;
        }
        cell->bytes = grown;
        cell->capacity = capacity;
    }
    char *at = cell->bytes + cell->used;
    cell->used = wanted;
    return at;
}

void msio_text_cell_slice(msio_text_cell *cell, int64_t start, int64_t length) {
    cell->start[cell->n] = start;
    cell->length[cell->n++] = length;
}

msio_status msio_text_cell_add(msio_text_cell *cell, const void *bytes, int64_t length) {
    int64_t start = cell->used;
    char *to = msio_text_cell_bytes(cell, length);
    if (!to) return MSIO_E_MEMORY;
    memcpy(to, bytes, (size_t)length);
    msio_text_cell_slice(cell, start, length);
    return MSIO_OK;
}

msio_status msio_text_cell_split(msio_text_cell *cell, int64_t from, int64_t to, int64_t n, bool big) {
    for (int64_t i = 0; i < n; i++) {
        int64_t length = to - from < 4 ? INT64_MAX : (int64_t)msio_stored_u32((uint8_t *)cell->bytes + from, big);
        if (length > to - from - 4)
            return msio_error_set(
                MSIO_E_FORMAT, cell->path,
                "string %" PRId64 " of a cell of %" PRId64 " does not fit its bytes: they are damaged", i, n);
        msio_text_cell_slice(cell, from + 4, length);
        from += 4 + length;
    }
    return MSIO_OK;
}

msio_status msio_text_cell_tell(msio_text_cell *cell, msio_text_sink sink, void *user, int64_t from, int64_t count,
                                int ndim, const int64_t *shape) {
    int64_t told[MSIO_MAX_NDIM];
    if (ndim >= 0 && shape) ndim = msio_shape_told(ndim, shape, told);
    for (int64_t i = 0; i < cell->n; i++) cell->text[i] = cell->length[i] ? cell->bytes + cell->start[i] : "";
    msio_status status = MSIO_OK;
    for (int64_t i = from; i < from + count && !status; i++)
        status = sink(user, i, ndim, ndim > 0 ? told : NULL, ndim < 0 ? 0 : cell->n, cell->text, cell->length);
    return status;
}

void msio_text_cell_free(msio_text_cell *cell) {
    free(cell->bytes);
    free(cell->start);
    free(cell->length);
    free(cell->text);
    *cell = (msio_text_cell){0};
}
