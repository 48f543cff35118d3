/* read_text.c - `msio read --format npy` of strings: fixed-width unicode, in two passes over the column. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/utf8.h"
#include "cli/read/read_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The common shape, into the run, and the width of the widest string, into state. */
static int find_width(cli_read *run, const msio_ragged *cells, int64_t first, void *state) {
    size_t *width = state;
    for (int64_t i = 0; i < cells->cells; i++) {
        int64_t row = cli_selection_row(&run->selection, first + i);
        const int64_t *shape = cells->shapes + i * MSIO_MAX_NDIM;
        if (!cells->defined[i])
            return cli_fail(run->cli, MSIO_E_UNDEFINED, run->path,
                            "row %" PRId64 " of %s was never written; --format json writes it as null", row, run->name);
        if (run->ndim < 0) {
            run->ndim = 1 + cells->ndims[i];
            memcpy(run->shape + 1, shape, (size_t)cells->ndims[i] * sizeof *shape);
        }
        if (run->ndim != 1 + cells->ndims[i] ||
            memcmp(run->shape + 1, shape, (size_t)cells->ndims[i] * sizeof *shape) != 0)
            return cli_fail(run->cli, MSIO_E_SHAPE, run->path,
                            "row %" PRId64 " of %s has shape %s, those before it %s; --format json writes such cells",
                            row, run->name, cli_shape(cells->ndims[i], shape).text,
                            cli_shape(run->ndim - 1, run->shape + 1).text);
        for (int64_t e = cells->offsets[i]; e < cells->offsets[i + 1]; e++) {
            const int64_t *at = cells->text_offsets + e;
            size_t points = cli_utf8_count(cells->text + at[0], (size_t)(at[1] - at[0]));
            if (points > *width) *width = points;
        }
    }
    return 0;
}

int cli_read_put_text(cli_read *run, const char *text, size_t length, uint32_t *points, size_t width) {
    size_t count = 0;
    memset(points, 0, width * sizeof *points);
    for (size_t byte = 0; byte < length && count < width; count++)
        byte += cli_utf8_next(text + byte, length - byte, &points[count]);
    return cli_output_write(run->cli, &run->output, points, width * sizeof *points);
}

static int write_cells(cli_read *run, const msio_ragged *cells, int64_t first, void *state) {
    size_t width = *(const size_t *)state;
    uint32_t *text = cli_alloc_many(width, sizeof *text);
    int64_t places = 1;
    int code = 0;
    (void)first;
    for (int axis = 1; axis < run->ndim; axis++) places *= run->shape[axis];
    for (int64_t i = 0; i < cells->cells && !code; i++) {
        if (cells->offsets[i + 1] - cells->offsets[i] != places)
            code = cli_fail(run->cli, MSIO_E_CHANGED, run->path, "the table changed while it was read; try again");
        for (int64_t place = 0; place < places && !code; place++) {
            int64_t source = cli_selection_source(&run->selection, run->ndim - 1, run->shape + 1, place);
            const int64_t *at = cells->text_offsets + cells->offsets[i] + source;
            code = cli_read_put_text(run, cells->text + at[0], (size_t)(at[1] - at[0]), text, width);
        }
    }
    free(text);
    return code;
}

int cli_read_text(cli_read *run) {
    size_t width = 1;
    run->ndim = run->info->is_array ? run->info->shape_known ? 1 + run->info->ndim : -1 : 1;
    if (run->info->is_array && run->info->shape_known)
        memcpy(run->shape + 1, run->info->shape, (size_t)run->info->ndim * sizeof run->shape[0]);
    int code = cli_read_parts(run, find_width, &width);
    if (run->ndim < 0) { /* no rows, and no shape to be known */
        run->ndim = 2;
        run->shape[1] = 0;
    }
    run->shape[0] = run->selection.count;
    if (!code) code = cli_selection_cells(run->cli, &run->selection, run->ndim - 1, run->shape + 1, run->name);
    if (run->selection.corrs.given) run->shape[run->ndim - 1] = run->selection.select.corrs;
    if (run->selection.chans.given && run->ndim > 2) run->shape[run->ndim - 2] = run->selection.select.chans;
    run->dtype = cli_npy_dtype(MSIO_STRING, width);
    if (!code) code = cli_npy_header(run->cli, &run->output, run->dtype.text, run->ndim, run->shape);
    if (!code) code = cli_read_parts(run, write_cells, &width);
    return code;
}
