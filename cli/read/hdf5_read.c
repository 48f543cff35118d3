/* hdf5_read.c - `msio read` of HDF5 datasets: parts of rows, read and written one after the other. */
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/common/utf8.h"
#include "cli/output/cell_json.h"
#include "cli/read/read_run.h"

#include <stdlib.h>
#include <string.h>

#define CLI_LINES_BYTES ((int64_t)64 << 20)

/* ---------------------------------------------------------------- numbers */

/* Rows a part has: what memory takes, and whole chunks where it takes one, so that none is decoded twice. */
static int64_t part_rows(const cli_read *run, int64_t row_bytes) {
    const cli_dataset *d = &run->dataset;
    int64_t memory = run->format == CLI_LINES ? CLI_LINES_BYTES : CLI_READ_MEMORY;
    int64_t rows = memory / (row_bytes + 1);
    if (rows > d->rows) return d->rows;
    if (rows < 1) return 1;
    if (!d->info->chunked || d->info->ndim == 0 || d->range[0].step != 1) return rows;
    int64_t chunk = d->info->chunk[0];
    return chunk > 0 && rows > chunk ? rows - rows % chunk : rows;
}

/* A line a row: each as a ragged array of one cell. */
static int write_lines(cli_read *run, const char *values, int64_t rows) {
    const cli_dataset *d = &run->dataset;
    int64_t offsets[2] = {0, d->places}, shape[MSIO_MAX_NDIM] = {0};
    int8_t ndim = (int8_t)(d->ndim > 1 ? d->ndim - 1 : 0);
    uint8_t defined = 1;
    size_t row_bytes = (size_t)d->places * msio_type_size(run->type);
    cli_json json = CLI_JSON_INIT(run->output.file);
    for (int i = 0; i < ndim; i++) shape[i] = d->shape[1 + i];
    for (int64_t row = 0; row < rows; row++) {
        msio_ragged cell = {.type = run->type,
                            .cells = 1,
                            .offsets = offsets,
                            .shapes = shape,
                            .ndims = &ndim,
                            .defined = &defined,
                            .data = (void *)(uintptr_t)(values + (size_t)row * row_bytes),
                            .bytes = row_bytes};
        cli_cell_json(&json, &cell, 0, NULL);
        cli_json_finish(&json);
        if (cli_interrupted()) return CLI_INPUT;
    }
    return cli_output_check(run->cli, &run->output);
}

static int write_part(cli_read *run, const char *values, int64_t rows) {
    size_t bytes = (size_t)(rows * run->dataset.places) * msio_type_size(run->type);
    if (run->format == CLI_LINES) return write_lines(run, values, rows);
    return cli_output_write(run->cli, &run->output, values, bytes);
}

static int write_numbers(cli_read *run) {
    const cli_dataset *d = &run->dataset;
    int64_t element = (int64_t)msio_type_size(run->type), row_bytes = element * d->places_read;
    int64_t rows = part_rows(run, d->rearranged ? row_bytes + element * d->places : row_bytes), all = d->rows;
    char *came = cli_alloc_many((size_t)rows, (size_t)row_bytes);
    char *made = d->rearranged ? cli_alloc_many((size_t)rows, (size_t)(element * d->places)) : came;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    int code = 0;
    opts.threads = run->cli->threads;
    opts.progress = cli_interrupt_progress;
    for (int64_t first = 0; first < all && !code; first += rows) {
        if (rows > all - first) rows = all - first;
        msio_select part = cli_dataset_part(d, first, rows);
        if (msio_dataset_read(d->dataset, &part, run->type, came, (size_t)(rows * row_bytes), &opts)) {
            code = cli_fail_status(run->cli, run->path);
            break;
        }
        if (d->rearranged) cli_dataset_arrange(d, rows, came, (size_t)element, made);
        code = write_part(run, made, rows);
        if (!code && cli_progress_update(&run->progress, (first + rows) * row_bytes, all * row_bytes)) code = CLI_INPUT;
    }
    if (d->rearranged) free(made);
    free(came);
    return code;
}

/* ---------------------------------------------------------------- strings */

/* Strings as they are wanted: numbers of those that came, in the order of the result. */
typedef struct text_order {
    cli_read *run;
    const msio_ragged *texts;
    const int64_t *order;
    int64_t at; /* the next one to be written */
} text_order;

static const char *next_text(text_order *list, size_t *length) {
    const int64_t *at = list->texts->text_offsets + list->order[list->at++];
    *length = (size_t)(at[1] - at[0]);
    return list->texts->text + at[0];
}

static void put_axis(cli_json *json, text_order *list, int axis) {
    const cli_dataset *d = &list->run->dataset;
    if (axis >= d->ndim) {
        size_t length;
        const char *text = next_text(list, &length);
        cli_json_bytes(json, text, length);
        return;
    }
    cli_json_array(json);
    for (int64_t i = 0; i < d->shape[axis]; i++) put_axis(json, list, axis + 1);
    cli_json_end(json);
}

static int text_lines(text_order *list) {
    cli_read *run = list->run;
    cli_json json = CLI_JSON_INIT(run->output.file);
    for (int64_t row = 0; row < run->dataset.rows; row++) {
        put_axis(&json, list, 1);
        cli_json_finish(&json);
        if (cli_interrupted()) return CLI_INPUT;
    }
    return cli_output_check(run->cli, &run->output);
}

static int text_npy(text_order *list, int64_t count) {
    cli_read *run = list->run;
    size_t width = 1, length;
    while (list->at < count) {
        const char *text = next_text(list, &length);
        size_t points = cli_utf8_count(text, length);
        if (points > width) width = points;
    }
    list->at = 0;
    run->dtype = cli_npy_dtype(MSIO_STRING, width);
    int code = cli_npy_header(run->cli, &run->output, run->dtype.text, run->ndim, run->shape);
    uint32_t *points = cli_alloc_many(width, sizeof *points);
    while (list->at < count && !code) {
        const char *text = next_text(list, &length);
        code = cli_interrupted() ? CLI_INPUT : cli_read_put_text(run, text, length, points, width);
    }
    free(points);
    return code;
}

static int write_texts(cli_read *run) {
    const cli_dataset *d = &run->dataset;
    msio_ragged texts = {0};
    msio_select part = cli_dataset_part(d, 0, d->rows);
    if (msio_dataset_texts(d->dataset, &part, &texts)) return cli_fail_status(run->cli, run->path);
    int64_t came = texts.offsets[texts.cells], count = d->rows * d->places;
    int64_t *numbers = cli_alloc_many((size_t)came, sizeof *numbers);
    int64_t *order = cli_alloc_many((size_t)count, sizeof *order);
    for (int64_t i = 0; i < came; i++) numbers[i] = i;
    cli_dataset_arrange(d, d->rows, numbers, sizeof *numbers, order);
    text_order list = {run, &texts, order, 0};
    int code = run->format == CLI_LINES ? text_lines(&list) : text_npy(&list, count);
    free(order);
    free(numbers);
    msio_ragged_free(&texts);
    return code;
}

/* ---------------------------------------------------------------- all */

int cli_read_hdf5(cli_read *run) {
    const cli_dataset *d = &run->dataset;
    if (run->type == MSIO_RECORD)
        return cli_fail(run->cli, MSIO_E_UNSUPPORTED, run->path, "%s holds %s: neither numbers nor strings", run->name,
                        d->info->stored);
    run->ndim = d->ndim;
    memcpy(run->shape, d->shape, sizeof d->shape);
    if (run->type == MSIO_STRING) return write_texts(run);
    if (run->format != CLI_LINES) run->dtype = cli_npy_dtype(run->type, 0);
    int code = 0;
    if (run->format == CLI_NPY) code = cli_npy_header(run->cli, &run->output, run->dtype.text, run->ndim, run->shape);
    return code ? code : write_numbers(run);
}
