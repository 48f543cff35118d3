/* ssm.c - layout of StandardStMan: rows in buckets, cells side by side in them or in a file of indirect arrays. */
#include "io/layout/standard/ssm.h"

#include "core/error.h"
#include "io/files/stored.h"

#include <inttypes.h>
#include <stdlib.h>

/* Whether any column keeps its cells in the file of indirect arrays. */
static bool needs_arrays(const msio_manager *manager) {
    const msio_table_dat *dat = manager->dat;
    for (int i = 0; i < dat->columns; i++) {
        const msio_column_dat *c = &dat->column[i];
        if (c->manager == manager->index && c->kind == MSIO_KIND_ARRAY && c->type != MSIO_STRING &&
            !msio_column_is_direct(c))
            return true;
    }
    return false;
}

static msio_status load(msio_manager *manager, void **state) {
    msio_file *file = NULL;
    msio_ssm *s = NULL;
    msio_window window;
    msio_status status = msio_manager_file(manager, "", &file);
    if (status) return status;
    msio_window_open(&window, file);
    status = msio_window_close(&window, msio_ssm_read(manager, &window, &s));
    if (!status && needs_arrays(manager)) status = msio_array_file_open(manager, &s->arrays);
    if (status) {
        msio_ssm_free(s);
        return status;
    }
    s->file = file;
    *state = s;
    return MSIO_OK;
}

static void unload(void *state) { msio_ssm_free(state); }

static size_t held(const void *state) { return ((const msio_ssm *)state)->arena.total; }

static const char *refuses(const msio_manager *manager, const msio_column_dat *column) {
    (void)manager;
    return msio_cell_refuses(column);
}

static void describe(const msio_manager *manager, const msio_column_dat *column, msio_layout_facts *facts) {
    const msio_ssm *s = manager->state;
    msio_cell_describe(column, s->name, facts);
}

/* ---------------------------------------------------------------- indirect arrays */

msio_status msio_ssm_each_offset(const msio_ssm *s, const msio_column_dat *column, const msio_rows *rows,
                                 msio_array_visit visit, void *job) {
    msio_window window;
    msio_bucket_walk walk;
    msio_window_open(&window, s->file);
    msio_status status = msio_bucket_walk_start(&walk, msio_ssm_index(s, column), rows, s->file->path);
    while (!status && msio_bucket_walk_next(&walk)) {
        int64_t first = msio_rows_row(rows, walk.from), last = msio_rows_row(rows, walk.from + walk.count - 1);
        int64_t at = walk.address + s->offset[column->number] + 8 * (first - walk.start);
        const uint8_t *p = msio_window_get(&window, at, 8 * (last - first + 1));
        if (!p) status = window.status;
        for (int64_t i = walk.from; i < walk.from + walk.count && !status; i++)
            status = visit(job, i, 1, msio_stored_i64(p + 8 * (msio_rows_row(rows, i) - first), s->big));
    }
    return msio_window_close(&window, status);
}

/* ---------------------------------------------------------------- shapes, pieces */

static msio_status shapes(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                          msio_shape_sink sink, void *user) {
    const msio_ssm *s = manager->state;
    msio_shape_run run = {.sink = sink, .user = user};
    bool fixed_text = column->type == MSIO_STRING && (column->option & MSIO_OPTION_FIXED);
    msio_status status;
    if (msio_column_is_direct(column) || fixed_text) {
        status = rows->count ? msio_shape_run_add(&run, rows->count, column->shape_ndim, column->shape) : MSIO_OK;
    } else if (column->type == MSIO_STRING) {
        status = msio_ssm_text_shapes(manager, column, rows, &run);
    } else {
        msio_array_job job;
        status = msio_array_job_start(&job, &s->arrays, column, rows);
        job.run = run;
        if (!status) status = msio_ssm_each_offset(s, column, rows, msio_array_shape, &job);
        status = msio_array_job_end(&job, status);
        run = job.run;
    }
    return status ? status : msio_shape_run_finish(&run);
}

static msio_status push_direct(const msio_ssm *s, const msio_column_dat *column, const msio_want *want,
                               msio_sink *sink) {
    msio_cells cells;
    msio_bucket_walk walk;
    bool bits = column->type == MSIO_BOOL;
    int64_t stride = msio_ssm_row_bits(column) / (bits ? 1 : 8), offset = s->offset[column->number];
    msio_status status = msio_bucket_walk_start(&walk, msio_ssm_index(s, column), want->rows, s->file->path);
    msio_cells_start(&cells, want, column->type == MSIO_STRING ? MSIO_UCHAR : column->type, s->file, sink);
    while (!status && msio_bucket_walk_next(&walk)) {
        int64_t bucket = walk.address + offset, row = msio_rows_row(want->rows, walk.from) - walk.start;
        status = msio_cells_push(&cells, walk.from, walk.count, (bits ? bucket * 8 : bucket) + row * stride, stride);
    }
    return status ? status : msio_cells_finish(&cells);
}

static msio_status push_indirect(const msio_ssm *s, const msio_column_dat *column, const msio_want *want,
                                 msio_sink *sink) {
    msio_cells cells;
    msio_array_job job;
    msio_status status = msio_array_job_start(&job, &s->arrays, column, want->rows);
    if (!status) {
        msio_cells_start(&cells, want, column->type, s->arrays.file, sink);
        job.cells = &cells;
        status = msio_ssm_each_offset(s, column, want->rows, msio_array_push, &job);
        if (!status) status = msio_cells_finish(&cells);
    }
    return msio_array_job_end(&job, status);
}

static msio_status pieces(const msio_manager *manager, const msio_column_dat *column, const msio_want *want,
                          msio_sink *sink) {
    const msio_ssm *s = manager->state;
    if (want->rows->count == 0 || want->row_elements == 0) return MSIO_OK;
    return msio_column_is_direct(column) ? push_direct(s, column, want, sink) : push_indirect(s, column, want, sink);
}

const msio_layout msio_ssm_layout = {.type = "StandardStMan",
                                     .load = load,
                                     .unload = unload,
                                     .held = held,
                                     .refuses = refuses,
                                     .shapes = shapes,
                                     .pieces = pieces,
                                     .texts = msio_ssm_texts,
                                     .text_form = msio_ssm_text_form,
                                     .describe = describe};
