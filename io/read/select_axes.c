/* select_axes.c - what a selection's channels and correlations mean for cells of a shape. */
#include "core/error.h"
#include "core/threads.h"
#include "io/read/dense.h"

#include <string.h>

static msio_status resolve(const char *what, const char *column, int64_t start, int64_t count, int64_t step,
                           int64_t length, msio_range *range) {
    if (step < 1)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "%s step %lld, it must be at least 1", what, (long long)step);
    int64_t rest = length - start, most = rest > 0 ? rest / step + (rest % step != 0) : 0;
    if (start < 0 || rest < 0 || count > most)
        return msio_error_set(MSIO_E_RANGE, NULL,
                              "%lld %ss from %lld in steps of %lld asked for, cells of column %s have %lld",
                              (long long)count, what, (long long)start, (long long)step, column, (long long)length);
    if (count < 0) count = most;
    *range = (msio_range){start, count, count > 1 ? step : 1}; /* a step that is not taken may be of any size */
    return MSIO_OK;
}

static bool is_all(int64_t start, int64_t count, int64_t step) { return start == 0 && count < 0 && step == 1; }

/* What the one axis of a cell is: correlations, as of WEIGHT and SIGMA, but for these columns of a Measurement Set. */
typedef enum axis_kind { CORRELATIONS, CHANNELS, OTHER } axis_kind;
static axis_kind only_axis(const char *column) {
    if (strcmp(column, "IMAGING_WEIGHT") == 0) return CHANNELS;
    return strcmp(column, "UVW") == 0 || strcmp(column, "UVW2") == 0 ? OTHER : CORRELATIONS;
}

msio_status msio_select_axes(const msio_select *select, const char *column, int ndim, const int64_t *shape,
                             bool lenient, msio_range axis[MSIO_MAX_NDIM], int64_t *elements) {
    static const msio_select all = MSIO_SELECT_ALL;
    const msio_select *s = select ? select : &all;
    msio_status status = MSIO_OK;
    *elements = 1;
    if (!lenient && ((ndim < 1 && !is_all(s->corr, s->corrs, s->corr_step)) ||
                     (ndim < 2 && !is_all(s->chan, s->chans, s->chan_step))))
        return msio_error_set(MSIO_E_RANGE, NULL, "%s asked for, cells of column %s have %d axes",
                              ndim < 1 ? "correlations" : "channels", column, ndim);
    for (int k = 0; k < ndim && !status; k++) {
        const axis_kind kind = lenient && ndim == 1 ? only_axis(column)
                               : k == 0             ? CORRELATIONS
                               : k == 1             ? CHANNELS
                                                    : OTHER;
        if (kind == CORRELATIONS)
            status = resolve("correlation", column, s->corr, s->corrs, s->corr_step, shape[k], &axis[k]);
        else if (kind == CHANNELS)
            status = resolve("channel", column, s->chan, s->chans, s->chan_step, shape[k], &axis[k]);
        else
            axis[k] = (msio_range){0, shape[k], 1};
        if (!status && __builtin_mul_overflow(*elements, axis[k].count, elements))
            status = msio_error_set(MSIO_E_MEMORY, NULL, "a cell of column %s has more elements than can be counted",
                                    column);
    }
    return status;
}

int64_t msio_select_row(const msio_select *select, int64_t place) {
    if (!select) return place;
    if (select->row_list) return place < select->rows_in_list ? select->row_list[place] : -1;
    return select->row + place * select->row_step;
}

msio_select msio_select_part(const msio_select *select, int64_t place, int64_t rows) {
    msio_select part = *select;
    part.rows = rows;
    if (part.row_list) {
        part.row_list += place;
        part.rows_in_list = rows;
    } else {
        part.row = select->row + place * select->row_step;
    }
    return part;
}

msio_status msio_check_sizes(const msio_select *select, const msio_read_opts *opts) {
    if (select && select->struct_size != sizeof *select)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "a selection of %zu bytes, this version knows %zu: use MSIO_SELECT_ALL",
                              select->struct_size, sizeof *select);
    if (opts && opts->struct_size != sizeof *opts)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "options of %zu bytes, this version knows %zu: use MSIO_READ_OPTS_INIT",
                              opts->struct_size, sizeof *opts);
    if (opts && (opts->way < MSIO_WAY_AUTO || opts->way > MSIO_WAY_MAPPED))
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "way %d: there is no such way of reading", (int)opts->way);
    return opts ? msio_threads_check(opts->threads) : MSIO_OK;
}
