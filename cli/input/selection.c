/* selection.c - the options --rows, --chans and --corrs, made into a selection of the library. */
#include "cli/input/selection.h"

#include "cli/common/failure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int cli_selection_take(const cli_context *cli, cli_selection *selection, const char *option, const char *text) {
    cli_slice *slice = strcmp(option, "rows") == 0    ? &selection->rows
                       : strcmp(option, "chans") == 0 ? &selection->chans
                                                      : &selection->corrs;
    const char *wrong = cli_slice_parse(text, slice);
    return wrong ? cli_usage(cli, "--%s %s %s", option, text, wrong) : 0;
}

/* Tells that a single index is not there. */
static int no_index(const cli_context *cli, const cli_selection *selection, const char *what, int64_t index,
                    int64_t length) {
    return cli_fail(cli, MSIO_E_RANGE, selection->path, "%s %" PRId64 " asked for, there are %" PRId64, what, index,
                    length);
}

int cli_selection_rows(const cli_context *cli, cli_selection *selection, int64_t table_rows, const char *path) {
    cli_range range;
    msio_select all = MSIO_SELECT_ALL;
    cli_selection_free(selection);
    selection->select = all;
    selection->path = path;
    selection->reverse_chans = selection->reverse_corrs = 0;
    if (cli_slice_resolve(&selection->rows, table_rows, &range))
        return no_index(cli, selection, "row", selection->rows.start, table_rows);
    selection->count = range.count;
    if (range.step < 0) {
        selection->row_list = cli_alloc_many((size_t)range.count, sizeof *selection->row_list);
        for (int64_t i = 0; i < range.count; i++) selection->row_list[i] = range.start + i * range.step;
        selection->select.row_list = selection->row_list;
        selection->select.rows_in_list = range.count;
    } else {
        selection->select.row = range.start;
        selection->select.rows = range.count;
        selection->select.row_step = range.step;
    }
    return 0;
}

/* A slice of an axis as an ascending range, and whether it was descending. -1: it is one index, and beyond the axis. */
static int resolve(const cli_slice *slice, int64_t length, cli_range *range, int *reverse) {
    if (cli_slice_resolve(slice, length, range)) return -1;
    *reverse = range->step < 0;
    *range = cli_range_ascending(*range);
    return 0;
}

int cli_selection_cells(const cli_context *cli, cli_selection *selection, int ndim, const int64_t *shape,
                        const char *column) {
    cli_range range;
    if (selection->corrs.given) {
        if (ndim < 1) return cli_usage(cli, "--corrs: the cells of %s are single values", column);
        if (resolve(&selection->corrs, shape[ndim - 1], &range, &selection->reverse_corrs))
            return no_index(cli, selection, "correlation", selection->corrs.start, shape[ndim - 1]);
        selection->select.corr = range.start;
        selection->select.corrs = range.count;
        selection->select.corr_step = range.step;
    }
    if (selection->chans.given) {
        if (ndim < 2)
            return cli_usage(cli, "--chans: the cells of %s have %s", column,
                             ndim ? "one axis, which is --corrs" : "no axes");
        if (resolve(&selection->chans, shape[ndim - 2], &range, &selection->reverse_chans))
            return no_index(cli, selection, "channel", selection->chans.start, shape[ndim - 2]);
        selection->select.chan = range.start;
        selection->select.chans = range.count;
        selection->select.chan_step = range.step;
    }
    return 0;
}

int cli_selection_turned(const cli_selection *selection) {
    return selection->reverse_chans || selection->reverse_corrs;
}

int64_t cli_selection_source(const cli_selection *selection, int ndim, const int64_t *shape, int64_t place) {
    int64_t corrs = ndim > 0 ? shape[ndim - 1] : 1, chans = ndim > 1 ? shape[ndim - 2] : 1;
    int64_t corr = place % corrs, chan = place / corrs % chans, outer = place / corrs / chans;
    if (selection->reverse_corrs) corr = corrs - 1 - corr;
    if (selection->reverse_chans) chan = chans - 1 - chan;
    return (outer * chans + chan) * corrs + corr;
}

msio_select cli_selection_part(const cli_selection *selection, int64_t first, int64_t count) {
    msio_select part = selection->select;
    if (part.row_list) {
        part.row_list += first;
        part.rows_in_list = count;
    } else {
        part.row += first * part.row_step;
        part.rows = count;
    }
    return part;
}

int64_t cli_selection_row(const cli_selection *selection, int64_t index) {
    return selection->row_list ? selection->row_list[index]
                               : selection->select.row + index * selection->select.row_step;
}

void cli_selection_free(cli_selection *selection) {
    free(selection->row_list);
    selection->row_list = NULL;
}
