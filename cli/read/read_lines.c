/* read_lines.c - `msio read --format json`: a line a row, cells of any shape. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/output/cell_json.h"
#include "cli/read/read_run.h"

#include <inttypes.h>

#define CLI_PART_BYTES ((int64_t)64 << 20)
#define CLI_PART_ROWS ((int64_t)1 << 16)

int cli_read_part(cli_read *run, int64_t first, int64_t count, msio_ragged *cells) {
    msio_select part = cli_selection_part(&run->selection, first, count);
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = run->cli->threads;
    opts.progress = cli_interrupt_progress;
    if (msio_read_ragged(run->column, &part, cells, &opts)) return cli_fail_status(run->cli, run->path);
    if (cells->cells == count) return 0;
    msio_ragged_free(cells);
    return cli_fail(run->cli, MSIO_E_CHANGED, run->path, "the table changed while it was read; try again");
}

/* How many rows to read next, after a part of `rows` rows that took `bytes`; the first time rows is 0. */
static int64_t next_rows(const cli_read *run, int64_t first, int64_t rows, int64_t bytes) {
    int64_t next = 256;
    if (rows) {
        int64_t row_bytes = bytes / rows + 16;
        next = CLI_PART_BYTES / row_bytes;
        if (next > 8 * rows) next = 8 * rows;
        if (next > CLI_PART_ROWS) next = CLI_PART_ROWS;
        if (next < 1) next = 1;
    }
    return next < run->selection.count - first ? next : run->selection.count - first;
}

int cli_read_parts(cli_read *run, cli_read_visit *each, void *state) {
    int64_t rows = 0, bytes = 0;
    int code = 0;
    for (int64_t first = 0; first < run->selection.count && !code; first += rows) {
        msio_ragged cells = {0};
        rows = next_rows(run, first, rows, bytes);
        code = cli_read_part(run, first, rows, &cells);
        if (code) break;
        bytes = (int64_t)cells.bytes;
        code = each(run, &cells, first, state);
        msio_ragged_free(&cells);
        int64_t a_row = bytes / rows + 1;
        if (!code && cli_progress_update(&run->progress, (first + rows) * a_row, run->selection.count * a_row))
            code = CLI_INPUT;
    }
    return code;
}

/* What is left to do at writing after the library's selection. Where cells differ in shape each is read whole, and the
 * slices are applied to each, as numpy would. Returns 0, or an exit code after telling. */
static int fit(cli_read *run, cli_slice turned[2], cli_cut *cut) {
    int ndim;
    int64_t shape[MSIO_MAX_NDIM + 1];
    size_t bytes;
    run->ndim = -1;
    if (!run->selection.count || (!run->selection.chans.given && !run->selection.corrs.given)) return 0;
    if (!run->info->is_array) return cli_selection_cells(run->cli, &run->selection, 0, NULL, run->name);
    if (run->info->type == MSIO_STRING || msio_read_shape(run->column, &run->selection.select, &ndim, shape, &bytes)) {
        *cut = (cli_cut){&run->selection.chans, &run->selection.corrs};
        return 0;
    }
    int code = cli_selection_cells(run->cli, &run->selection, ndim - 1, shape + 1, run->name);
    if (run->selection.reverse_chans) cut->chans = &turned[0];
    if (run->selection.reverse_corrs) cut->corrs = &turned[1];
    return code;
}

static int write_part(cli_read *run, const msio_ragged *cells, int64_t first, void *state) {
    const cli_cut *cut = state;
    cli_json json = CLI_JSON_INIT(run->output.file);
    for (int64_t i = 0; i < cells->cells; i++) {
        if (cli_cell_json(&json, cells, i, cut)) {
            cli_words shape = cli_shape(cells->ndims[i], cells->shapes + i * MSIO_MAX_NDIM);
            return cli_fail(run->cli, MSIO_E_RANGE, run->path,
                            "row %" PRId64 " of %s has shape %s: no such channel or correlation",
                            cli_selection_row(&run->selection, first + i), run->name, shape.text);
        }
        cli_json_finish(&json);
        if (cli_interrupted()) return CLI_INPUT;
    }
    return cli_output_check(run->cli, &run->output);
}

int cli_read_lines(cli_read *run) {
    cli_slice turned[2] = {CLI_SLICE_ALL, CLI_SLICE_ALL};
    cli_cut cut = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        turned[i].given = 1;
        turned[i].step = -1;
    }
    int code = fit(run, turned, &cut);
    return code ? code : cli_read_parts(run, write_part, &cut);
}
