/* copy.c - a column copied into another one, batch by batch: the next is read while the last is written. Every batch is
 * a write of its own; all or nothing, they are the parts of one. */
#include "core/checked.h"
#include "core/error.h"
#include "io/read/dense.h"
#include "io/write/seams.h"
#include "io/write/write_parts.h"
#include "msio/write.h"
#include "prof/call.h"

#include <string.h>

/* Two batches of half this, beside the writing threads' own blocks. */
#define COPY_MEMORY ((size_t)32 << 20)

typedef struct copying {
    const msio_column *from, *to;
    msio_select select;
    msio_write_opts opts;
    int64_t rows, done, total; /* bytes of the whole */
} copying;

static msio_status check_types(const copying *c) {
    const msio_column_info *from = msio_column_describe(c->from), *to = from ? msio_column_describe(c->to) : NULL;
    if (!from || !to) return msio_last_error()->code;
    if (from->type == to->type) return MSIO_OK;
    return msio_error_set(MSIO_E_ARGUMENT, c->to->table->path,
                          "column %s holds %s, column %s %s: they are copied between columns of one type",
                          c->from->name, msio_type_name(from->type), c->to->name, msio_type_name(to->type));
}

/* Progress of the whole copy; each batch's own is not told. */
static msio_status told(copying *c, int64_t bytes) {
    c->done += bytes;
    if (!c->opts.progress || !c->opts.progress(c->opts.user, c->done, c->total)) return MSIO_OK;
    return msio_error_set(MSIO_E_CANCELLED, c->to->table->path, "the copy was cancelled after %lld of %lld bytes",
                          (long long)c->done, (long long)c->total);
}

static msio_status next_part(void *stream, msio_write_part *part) {
    const msio_batch *batch;
    msio_status status = msio_stream_next(stream, &batch);
    if (!status) *part = (msio_write_part){batch->row, batch->rows, batch->arrays[0].data, batch->arrays[0].bytes};
    return status;
}

static msio_status put_batches(copying *c, msio_stream *stream) {
    const msio_batch *batch;
    msio_seams seams;
    msio_write_opts opts = c->opts;
    opts.progress = NULL;
    msio_status status = msio_seams_start(&seams, 1, &c->to, &c->select, c->rows, &opts);
    while (!status && !(status = msio_stream_next(stream, &batch))) {
        const void *in = batch->arrays[0].data;
        status = msio_seams_put(&seams, batch->row, batch->rows, &in, &batch->arrays[0].bytes);
        if (!status) status = told(c, (int64_t)batch->arrays[0].bytes);
    }
    msio_seams_free(&seams);
    return status == MSIO_END ? MSIO_OK : status;
}

static msio_status copy_stream(copying *c) {
    msio_stream_opts o = MSIO_STREAM_OPTS_INIT;
    msio_stream *stream;
    o.memory = COPY_MEMORY;
    o.read.threads = c->opts.threads;
    msio_status status =
        msio_stream_open(c->from->table, 1, (const char *const[]){c->from->name}, &c->select, &o, &stream);
    if (status) return status;
    const msio_write_parts parts = {next_part, stream};
    status = c->opts.atomic ? msio_write_in_parts(c->to, &c->select, &parts, &c->opts) : put_batches(c, stream);
    msio_stream_close(stream);
    return status;
}

/* Cells of varying shape: as many rows of one shape as there are, at most as many as fit. */
static msio_status copy_varying(copying *c) {
    int64_t most = 1024;
    msio_seams seams;
    msio_write_opts opts = c->opts;
    opts.progress = NULL;
    msio_status status = msio_seams_start(&seams, 1, &c->to, &c->select, c->rows, &opts);
    for (int64_t place = 0; place < c->rows && !status;) {
        int64_t rows = msio_min(most, c->rows - place);
        msio_select part = msio_select_part(&c->select, place, rows);
        msio_array values;
        status = msio_read_new(c->from, &part, &values, NULL);
        if (status == MSIO_E_SHAPE && rows > 1) {
            most = rows / 2;
            status = MSIO_OK;
            continue;
        }
        if (status) break;
        const void *in = values.data;
        status = msio_seams_put(&seams, place, rows, &in, &values.bytes);
        if (!status) status = told(c, (int64_t)values.bytes);
        msio_array_free(&values);
        place += rows;
        most = msio_min(2 * most, 1024);
    }
    msio_seams_free(&seams);
    return status;
}

/* Cells that were never written get their shape now, all of them: a batch alone could not give it to its rows. */
static msio_status make_cells(copying *c) {
    static const uint8_t zero[16];
    int ndim;
    size_t bytes;
    int64_t shape[MSIO_MAX_NDIM + 1];
    if (c->opts.cell_ndim < 0 || c->opts.atomic) return MSIO_OK;
    if (msio_read_shape(c->to, &c->select, &ndim, shape, &bytes) != MSIO_E_UNDEFINED) return MSIO_OK;
    msio_write_opts make = c->opts;
    make.allocate = 1;
    make.progress = NULL;
    return msio_write_value(c->to, &c->select, zero, msio_type_size(msio_column_describe(c->to)->type), &make);
}

static msio_status copy(copying *c) {
    size_t bytes;
    int ndim;
    int64_t shape[MSIO_MAX_NDIM + 1];
    msio_status status = msio_read_shape(c->from, &c->select, &ndim, shape, &bytes);
    if (!status) {
        c->rows = shape[0];
        c->total = (int64_t)bytes;
        if (c->rows) status = make_cells(c);
        return c->rows && !status ? copy_stream(c) : status;
    }
    if (status != MSIO_E_SHAPE || c->opts.atomic) return status;
    c->rows = c->select.row_list    ? c->select.rows_in_list
              : c->select.rows >= 0 ? c->select.rows
                                    : msio_div_up(msio_table_rows(c->from->table) - c->select.row, c->select.row_step);
    return copy_varying(c);
}

msio_status msio_column_copy(const msio_column *from, const msio_column *to, const msio_select *select,
                             const msio_write_opts *opts) {
    PROF_CALL_OF(to ? to->table->path : NULL, to ? to->name : NULL, 1);
    copying c = {.from = from, .to = to, .select = MSIO_SELECT_ALL, .opts = MSIO_WRITE_OPTS_INIT};
    if (!from || !to) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column to copy from, or to");
    msio_status status = msio_check_sizes(select, NULL);
    if (status) return status;
    if (opts && opts->struct_size != sizeof *opts)
        return msio_error_set(MSIO_E_ARGUMENT, to->table->path,
                              "options of %zu bytes, this version knows %zu: use MSIO_WRITE_OPTS_INIT",
                              opts->struct_size, sizeof *opts);
    if (select) c.select = *select;
    if (opts) c.opts = *opts;
    bool apart = from->table != to->table;
    if ((status = msio_table_hold_write(to->table))) return status;
    if (apart) status = msio_table_hold(from->table);
    if (!status) {
        status = check_types(&c);
        if (!status) status = copy(&c);
        if (apart) msio_table_release(from->table);
    }
    msio_error_copy error;
    if (status) msio_error_save(&error);
    msio_table_release(to->table);
    return status ? msio_error_restore(&error) : MSIO_OK;
}
