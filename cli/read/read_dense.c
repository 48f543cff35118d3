/* read_dense.c - `msio read` into npy and raw files: batches of a stream, written one after the other. */
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/read/read_run.h"

#include <stdlib.h>
#include <string.h>

/* The shape of a result without rows: the cells' as far as the column tells it. */
static int measure_nothing(cli_read *run) {
    const msio_column_info *info = run->info;
    int ndim = info->is_array && info->ndim > 0 ? info->ndim : 0;
    run->ndim = 1 + ndim;
    run->shape[0] = 0;
    for (int axis = 0; axis < ndim; axis++) run->shape[1 + axis] = info->shape_known ? info->shape[axis] : 0;
    int code = cli_selection_cells(run->cli, &run->selection, ndim, run->shape + 1, run->name);
    if (run->selection.corrs.given && ndim > 0) run->shape[ndim] = run->selection.select.corrs;
    if (run->selection.chans.given && ndim > 1) run->shape[ndim - 1] = run->selection.select.chans;
    return code;
}

/* Shape and bytes of all that is selected. Returns 0, or an exit code after telling. */
static int measure(cli_read *run, size_t *bytes) {
    int ndim;
    int64_t shape[MSIO_MAX_NDIM + 1];
    *bytes = 0;
    if (!run->selection.count) return measure_nothing(run);
    msio_status status = msio_read_shape(run->column, &run->selection.select, &ndim, shape, bytes);
    if (status == MSIO_OK) {
        int code = cli_selection_cells(run->cli, &run->selection, ndim - 1, shape + 1, run->name);
        if (code) return code;
        status = msio_read_shape(run->column, &run->selection.select, &run->ndim, run->shape, bytes);
    }
    if (status == MSIO_OK) return 0;
    if (status != MSIO_E_SHAPE && status != MSIO_E_UNDEFINED) return cli_fail_status(run->cli, run->path);
    cli_error error;
    cli_error_keep(&error, run->path);
    return cli_fail(run->cli, status, error.path, "%s; --format json writes such cells", error.message);
}

/* Writes rows whose channels or correlations are to be turned round. */
static int write_turned(cli_read *run, const msio_array *array) {
    size_t element = msio_type_size(array->type), places = 1;
    for (int i = 1; i < array->ndim; i++) places *= (size_t)array->shape[i];
    char *row = cli_alloc_many(places, element);
    int code = 0;
    for (int64_t i = 0; i < array->shape[0] && !code; i++) {
        const char *from = (const char *)array->data + (size_t)i * places * element;
        for (size_t place = 0; place < places; place++) {
            int64_t source = cli_selection_source(&run->selection, array->ndim - 1, array->shape + 1, (int64_t)place);
            memcpy(row + place * element, from + (size_t)source * element, element);
        }
        code = cli_output_write(run->cli, &run->output, row, places * element);
    }
    free(row);
    return code;
}

static int write_batches(cli_read *run, size_t bytes) {
    const msio_batch *batch;
    msio_stream *stream = NULL;
    msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
    int code = 0;
    int64_t done = 0, row_bytes = (int64_t)bytes / run->shape[0];
    opts.memory = (size_t)(row_bytes > CLI_READ_MEMORY / 8 ? 8 * row_bytes : CLI_READ_MEMORY);
    opts.read.threads = run->cli->threads;
    opts.read.progress = cli_interrupt_progress;
    msio_status status = msio_stream_open(run->table, 1, &run->name, &run->selection.select, &opts, &stream);
    while (!code && status == MSIO_OK && (status = msio_stream_next(stream, &batch)) == MSIO_OK) {
        const msio_array *array = &batch->arrays[0];
        if (cli_selection_turned(&run->selection))
            code = write_turned(run, array);
        else
            code = cli_output_write(run->cli, &run->output, array->data, array->bytes);
        done += (int64_t)array->bytes;
        if (cli_progress_update(&run->progress, done, (int64_t)bytes)) code = CLI_INPUT;
    }
    if (!code && status < 0) code = cli_fail_status(run->cli, run->path);
    if (!code && done != (int64_t)bytes)
        code = cli_fail(run->cli, MSIO_E_CHANGED, run->path, "the table changed while it was read; try again");
    msio_stream_close(stream);
    return code;
}

int cli_read_dense(cli_read *run) {
    size_t bytes;
    int code = measure(run, &bytes);
    if (code) return code;
    run->dtype = cli_npy_dtype(run->info->type, 0);
    if (run->format == CLI_NPY) code = cli_npy_header(run->cli, &run->output, run->dtype.text, run->ndim, run->shape);
    if (!code && bytes) code = write_batches(run, bytes);
    return code;
}
