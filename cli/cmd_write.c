/* cmd_write.c - `msio write`: a column's cells, or a part of them, become those of a .npy file. */
#include "cli/change/change.h"
#include "cli/change/npy_read.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/input/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct wishes {
    cli_change change;
    cli_npy npy;
    const char *in;
    int ndim; /* of the selection, with its rows */
    int64_t shape[MSIO_MAX_NDIM + 1];
    size_t bytes;
} wishes;

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    (void)cli;
    int code = cli_change_take(&wish->change, name, value);
    if (code >= 0) return code;
    wish->in = value; /* --in */
    return 0;
}

/* ---------------------------------------------------------------- what fits */

static int refuse(const wishes *wish, msio_status code, const char *message) {
    return cli_change_refuse(wish->change.cli, code, wish->change.path, message);
}

/* The library's last error, as wrong usage. */
static int refuse_status(const wishes *wish) {
    cli_error error;
    cli_error_keep(&error, wish->change.path);
    return cli_change_refuse(wish->change.cli, error.code, error.path, error.message);
}

/* Cells that were never written get the shape of the file's. */
static int shape_of_new(wishes *wish) {
    cli_change *change = &wish->change;
    const cli_npy *npy = &wish->npy;
    const msio_column_info *info = change->info;
    if (change->selection.chans.given || change->selection.corrs.given)
        return refuse(wish, MSIO_E_UNDEFINED,
                      "the selected cells were never written: they are written whole at first, without --chans and "
                      "--corrs");
    if (npy->ndim < 2 || (info->ndim > 0 && info->ndim != npy->ndim - 1))
        return refuse(wish, MSIO_E_SHAPE, "the array has another number of axes than rows and the column's cells");
    change->opts.cell_ndim = npy->ndim - 1;
    memcpy(change->opts.cell_shape, npy->shape + 1, (size_t)(npy->ndim - 1) * sizeof *npy->shape);
    wish->ndim = npy->ndim;
    memcpy(wish->shape, npy->shape, sizeof wish->shape);
    wish->shape[0] = change->selection.count;
    return 0;
}

/* The shape of what is selected. */
static int measure(wishes *wish) {
    cli_change *change = &wish->change;
    msio_status status =
        msio_read_shape(change->column, &change->selection.select, &wish->ndim, wish->shape, &wish->bytes);
    if (status == MSIO_OK) {
        int code = cli_selection_cells(change->cli, &change->selection, wish->ndim - 1, wish->shape + 1, change->name);
        if (code) return code;
        status = msio_read_shape(change->column, &change->selection.select, &wish->ndim, wish->shape, &wish->bytes);
    }
    if (status == MSIO_E_UNDEFINED) return shape_of_new(wish);
    if (status == MSIO_E_SHAPE) return refuse_status(wish);
    return status ? cli_fail_status(change->cli, change->path) : 0;
}

static int check_shape(const wishes *wish) {
    const cli_npy *npy = &wish->npy;
    int same = npy->ndim == wish->ndim;
    char message[600];
    if (wish->change.selection.count == 0) same = npy->ndim > 0 && npy->shape[0] == 0;
    for (int i = 0; same && i < wish->ndim && wish->change.selection.count; i++) same = npy->shape[i] == wish->shape[i];
    if (same) return 0;
    snprintf(message, sizeof message, "the array in %.150s has the shape %s, the selection of %.60s %s", npy->path,
             cli_shape(npy->ndim, npy->shape).text, wish->change.name, cli_shape(wish->ndim, wish->shape).text);
    return refuse(wish, MSIO_E_SHAPE, message);
}

/* ---------------------------------------------------------------- writing */

/* Puts channels and correlations that are wanted backwards into the table's order. */
static void turn(const wishes *wish, char *cells, int64_t rows) {
    size_t element = wish->npy.element, places = 1;
    for (int i = 1; i < wish->ndim; i++) places *= (size_t)wish->shape[i];
    char *row = cli_alloc_many(places, element);
    for (int64_t i = 0; i < rows; i++, cells += places * element) {
        for (size_t place = 0; place < places; place++) {
            int64_t source =
                cli_selection_source(&wish->change.selection, wish->ndim - 1, wish->shape + 1, (int64_t)place);
            memcpy(row + (size_t)source * element, cells + place * element, element);
        }
        memcpy(cells, row, places * element);
    }
    free(row);
}

static int fetch(const wishes *wish, int64_t first, int64_t rows, void *out) {
    int code = cli_npy_rows(wish->change.cli, &wish->npy, first, rows, out);
    if (!code && cli_selection_turned(&wish->change.selection)) turn(wish, out, rows);
    return code;
}

/* Batches: one is read from the file while the one before is written. */
static int write_batches(wishes *wish) {
    cli_change *change = &wish->change;
    msio_write_stream_opts opts = MSIO_WRITE_STREAM_OPTS_INIT;
    msio_write_stream *stream = NULL;
    msio_write_batch *batch;
    int code = 0;
    int64_t done = 0, row_bytes = change->plan.bytes / change->plan.rows;
    if (row_bytes > (int64_t)(opts.memory / 8)) opts.memory = (size_t)(8 * row_bytes);
    opts.write = change->opts;
    opts.write.progress = NULL;
    msio_status status =
        msio_write_stream_open(change->table, 1, &change->name, &change->selection.select, &opts, &stream);
    while (!code && status == MSIO_OK && (status = msio_write_stream_next(stream, &batch)) == MSIO_OK) {
        code = fetch(wish, batch->row, batch->rows, batch->arrays[0].data);
        done += (int64_t)batch->arrays[0].bytes;
        if (!code && cli_progress_update(&change->progress, done, change->plan.bytes)) code = CLI_INPUT;
    }
    if (status > MSIO_OK || status == MSIO_END) status = MSIO_OK;
    msio_status last = msio_write_stream_close(stream);
    if (!code && (status || last)) code = cli_fail_status(change->cli, change->path);
    return code;
}

static int write_at_once(wishes *wish) {
    cli_change *change = &wish->change;
    size_t bytes = (size_t)change->plan.bytes;
    void *cells = cli_alloc(bytes);
    int code = fetch(wish, 0, change->plan.rows, cells);
    if (!code && msio_write(change->column, &change->selection.select, cells, bytes, &change->opts))
        code = cli_fail_status(change->cli, change->path);
    free(cells);
    return code;
}

static int write_column(wishes *wish) {
    cli_change *change = &wish->change;
    char what[512];
    int code = cli_change_open(change);
    if (!code) code = cli_npy_open(change->cli, wish->in, &wish->npy);
    if (!code) code = cli_npy_wants(change->cli, &wish->npy, change->info->type, change->name);
    if (!code && change->selection.count) code = measure(wish);
    if (!code) code = check_shape(wish);
    if (!code && change->selection.count) code = cli_change_plan(change, change->column, &change->selection.select);
    if (!code) code = cli_change_allowed(change);
    if (code) return code;
    snprintf(what, sizeof what, "%s rows of %.100s become those of %.200s", cli_count(change->selection.count).text,
             change->name, wish->in);
    cli_change_tell(change, what);
    if (!change->dry_run && change->plan.bytes) {
        code = cli_change_begin(change, "writing");
        if (!code) code = change->atomic ? write_at_once(wish) : write_batches(wish);
        code = cli_change_end(change, code);
    }
    if (!code) cli_change_report(change);
    return code;
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {.change = CLI_CHANGE_INIT(cli), .npy = CLI_NPY_INIT};
    int first, code = cli_options_parse(cli, &cli_command_write, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (argc - first != 2) return cli_usage(cli, "a table and a column are wanted: msio write PATH COLUMN --in FILE");
    if (!wish.in) return cli_usage(cli, "--in FILE.npy is wanted");
    wish.change.path = argv[first];
    wish.change.name = argv[first + 1];
    code = write_column(&wish);
    cli_npy_close(&wish.npy);
    cli_change_close(&wish.change);
    return code;
}

static const cli_option options[] = {
    {"in", "FILE.npy", 0,
     "the values: an array of the column's type and the selection's shape, in C\nor Fortran "
     "order, of either byte order"},
    CLI_CHANGE_OPTIONS,
    CLI_CHANGE_ATOMIC,
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_write = {
    .name = "write",
    .summary = "a column's cells, or a part of them, become those of a .npy file",
    .usage = "PATH COLUMN --in FILE.npy [options]",
    .text = "Puts the array of a .npy file into the column, in numpy's order, [row][channel][correlation], as\n"
            "msio read writes it. Type and shape must be those of the column and the selection; nothing is\n"
            "converted. Cells that were never written get the array's shape. The file is read batch by batch.\n\n"
            "The table's write lock is kept meanwhile, as any casacore program knows it. After a kill the table\n"
            "opens, and every value is the old or the new one; msio repair, or the next write, puts back what\n"
            "was half done. What is changed and how large it is, is told first. DATA, FLOAT_DATA and LAG_DATA\n"
            "of a Measurement Set, which a telescope took, are changed after a yes on the terminal or with\n"
            "--force only.",
    .options = options,
    .negative = NULL,
    .examples = "  msio write obs.ms MODEL_DATA --in model.npy\n"
                "  msio write obs.ms FLAG --in flags.npy --chans 0:12 --atomic\n"
                "  msio write obs.ms CORRECTED_DATA --in part.npy --rows 0:1000 --dry-run --json\n",
    .run = run,
};
