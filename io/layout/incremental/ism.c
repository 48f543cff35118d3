/* ism.c - layout of IncrementalStMan: a value is stored where it changes, and holds for the rows that follow. */
#include "io/layout/incremental/ism.h"

#include "core/error.h"

#include <inttypes.h>
#include <stdlib.h>

/* Whether any column keeps its cells in the file of indirect arrays. */
static bool needs_arrays(const msio_manager *manager) {
    const msio_table_dat *dat = manager->dat;
    for (int i = 0; i < dat->columns; i++) {
        const msio_column_dat *c = &dat->column[i];
        if (c->manager == manager->index && c->kind == MSIO_KIND_ARRAY && !msio_column_is_direct(c)) return true;
    }
    return false;
}

static msio_status load(msio_manager *manager, void **state) {
    msio_file *file = NULL;
    msio_ism *s = NULL;
    msio_window window;
    msio_status status = msio_manager_file(manager, "", &file);
    if (status) return status;
    msio_window_open(&window, file);
    status = msio_window_close(&window, msio_ism_read(manager, &window, &s));
    if (!status && needs_arrays(manager)) status = msio_array_file_open(manager, &s->arrays);
    if (status) {
        msio_ism_free(s);
        return status;
    }
    s->file = file;
    *state = s;
    return MSIO_OK;
}

static void unload(void *state) { msio_ism_free(state); }

static size_t held(const void *state) { return ((const msio_ism *)state)->arena.total; }

static const char *refuses(const msio_manager *manager, const msio_column_dat *column) {
    (void)manager;
    return msio_cell_refuses(column);
}

static void describe(const msio_manager *manager, const msio_column_dat *column, msio_layout_facts *facts) {
    const msio_ism *s = manager->state;
    msio_cell_describe(column, s->name, facts);
}

static msio_status shapes(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                          msio_shape_sink sink, void *user) {
    const msio_ism *s = manager->state;
    msio_array_job job;
    msio_shape_run run = {.sink = sink, .user = user};
    if (msio_column_is_direct(column)) {
        msio_status status = MSIO_OK;
        if (rows->count) status = msio_shape_run_add(&run, rows->count, column->shape_ndim, column->shape);
        return status ? status : msio_shape_run_finish(&run);
    }
    msio_status status = msio_array_job_start(&job, &s->arrays, column, rows);
    job.run = run;
    if (!status) status = msio_ism_each_offset(s, column, rows, msio_array_shape, &job);
    if (!status) status = msio_shape_run_finish(&job.run);
    return msio_array_job_end(&job, status);
}

int64_t msio_ism_value_bytes(const msio_column_dat *column) {
    if (!msio_column_is_direct(column)) return 8;
    if (column->type == MSIO_STRING) return -1;
    int64_t elements = msio_cell_elements(column), bytes;
    if (elements < 0) return -1;
    if (column->type == MSIO_BOOL) return elements / 8 + (elements % 8 != 0);
    return __builtin_mul_overflow(elements, (int64_t)msio_stored_size(column->type), &bytes) ? -1 : bytes;
}

static msio_status push_direct(const msio_ism *s, const msio_column_dat *column, const msio_want *want,
                               msio_sink *sink) {
    msio_window window;
    msio_cells cells;
    msio_ism_walk walk;
    int64_t bytes = msio_ism_value_bytes(column);
    msio_window_open(&window, s->file);
    msio_cells_start(&cells, want, column->type, s->file, sink);
    msio_status status = msio_ism_walk_start(&walk, s, column, want->rows, &window);
    while (!status && !(status = msio_ism_walk_next(&walk))) {
        if (bytes < 0 || bytes > walk.length)
            status = msio_error_set(MSIO_E_FORMAT, window.path,
                                    "column %s: the value of row %" PRId64 " does not fit its bucket: it is damaged",
                                    column->name, msio_rows_row(want->rows, walk.from));
        else
            status = msio_cells_push(&cells, walk.from, walk.count, cells.bits ? walk.address * 8 : walk.address, 0);
    }
    if (status == MSIO_END) status = msio_cells_finish(&cells);
    return msio_window_close(&window, status);
}

static msio_status push_indirect(const msio_ism *s, const msio_column_dat *column, const msio_want *want,
                                 msio_sink *sink) {
    msio_array_job job;
    msio_cells cells;
    msio_status status = msio_array_job_start(&job, &s->arrays, column, want->rows);
    if (!status) {
        msio_cells_start(&cells, want, column->type, s->arrays.file, sink);
        job.cells = &cells;
        status = msio_ism_each_offset(s, column, want->rows, msio_array_push, &job);
        if (!status) status = msio_cells_finish(&cells);
    }
    return msio_array_job_end(&job, status);
}

static msio_status pieces(const msio_manager *manager, const msio_column_dat *column, const msio_want *want,
                          msio_sink *sink) {
    const msio_ism *s = manager->state;
    if (want->rows->count == 0 || want->row_elements == 0) return MSIO_OK;
    return msio_column_is_direct(column) ? push_direct(s, column, want, sink) : push_indirect(s, column, want, sink);
}

static const char *keeps(const msio_manager *manager, const msio_column_dat *column) {
    (void)manager;
    return msio_column_is_direct(column) ? NULL : "an array of IncrementalStMan may be that of many rows";
}

const msio_layout msio_ism_layout = {.type = "IncrementalStMan",
                                     .load = load,
                                     .unload = unload,
                                     .held = held,
                                     .refuses = refuses,
                                     .keeps = keeps,
                                     .shares = msio_ism_shares,
                                     .shapes = shapes,
                                     .pieces = pieces,
                                     .texts = msio_ism_texts,
                                     .describe = describe};
