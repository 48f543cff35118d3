/* ism_text.c - IncrementalStMan: strings, in the bucket or in the file of indirect arrays. */
#include "core/error.h"
#include "io/files/stored.h"
#include "io/layout/incremental/ism.h"

#include <inttypes.h>
#include <string.h>

/* Takes the strings of the value that the walk is at: 4 bytes of length that count themselves, then the text of the
 * only string, or several, each behind a length of its own. */
static msio_status take_value(const msio_ism_walk *walk, int64_t strings, msio_text_cell *cell) {
    bool big = walk->ism->big;
    int64_t total = walk->length < 4 ? -1 : (int64_t)msio_stored_u32(walk->value, big);
    if (total < 4 || total > walk->length || strings < 0 || (strings > 1 && strings > (total - 4) / 4))
        return msio_error_set(MSIO_E_FORMAT, walk->window->path,
                              "column %s: the strings of row %" PRId64 " do not fit their bucket: it is damaged",
                              walk->column->name, msio_rows_row(walk->rows, walk->from));
    msio_status status = msio_text_cell_reset(cell, strings);
    if (status) return status;
    if (strings == 1) return msio_text_cell_add(cell, walk->value + 4, total - 4);
    char *bytes = msio_text_cell_bytes(cell, total - 4);
    if (!bytes) return MSIO_E_MEMORY;
    memcpy(bytes, walk->value + 4, (size_t)(total - 4));
    return msio_text_cell_split(cell, 0, cell->used, strings, big);
}

static msio_status tell_direct(const msio_ism *s, const msio_column_dat *column, const msio_rows *rows,
                               msio_text_sink sink, void *user) {
    msio_window window;
    msio_ism_walk walk;
    msio_text_cell cell = {.path = s->file->path};
    bool scalar = column->kind == MSIO_KIND_SCALAR;
    int ndim = scalar ? 0 : column->shape_ndim;
    int64_t strings = msio_cell_elements(column);
    msio_window_open(&window, s->file);
    msio_status status = msio_ism_walk_start(&walk, s, column, rows, &window);
    while (!status && !(status = msio_ism_walk_next(&walk))) {
        status = take_value(&walk, strings, &cell);
        if (!status)
            status = msio_text_cell_tell(&cell, sink, user, walk.from, walk.count, ndim, scalar ? NULL : column->shape);
    }
    msio_text_cell_free(&cell);
    return msio_window_close(&window, status == MSIO_END ? MSIO_OK : status);
}

msio_status msio_ism_texts(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                           msio_text_sink sink, void *user) {
    const msio_ism *s = manager->state;
    msio_array_job job;
    if (msio_column_is_direct(column)) return tell_direct(s, column, rows, sink, user);
    msio_status status = msio_array_job_start(&job, &s->arrays, column, rows);
    job.text_sink = sink;
    job.user = user;
    if (!status) status = msio_ism_each_offset(s, column, rows, msio_array_tell, &job);
    return msio_array_job_end(&job, status);
}
