/* copies.c - differences, conjugates and multiples of columns put into another one, with their statistics. */
#include "visibility/statistics.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/threads.h"
#include "io/table/table.h"
#include "prof/call.h"
#include "visibility/shapes.h"
#include "visibility/statistics_histogram.h"

#include <math.h>
#include <stdlib.h>

struct msio_copied {
    msio_sums sums;
    int64_t bins[MSIO_HISTOGRAM_BINS];
};

/* Of one lane. */
typedef struct lane {
    msio_sums sums;
    int64_t *bins;   /* [MSIO_HISTOGRAM_BINS] */
    double *scratch; /* of an unpacked row */
} lane;

typedef struct copier {
    const char *path, *from, *to;
    const msio_copy_opts *opts;
    const msio_select *select;
    msio_copied *copied; /* NULL: no statistics */
    msio_table *table;
    const msio_stats_kernel *kernel;
    bool complex, scaled;
    int64_t rows, elements; /* of the selection, and of a row of it */
    int ndim;
    int64_t shape[MSIO_MAX_NDIM + 1];
    int minus, flag; /* places of inputs; -1: not read */
    int inputs;
    const char *input[3];
    uint8_t *flag_row; /* [rows]; NULL: none */
    lane lane[MSIO_PASS_LANES];
} copier;

/* ---------------------------------------------------------------- statistics */

msio_status msio_copied_new(msio_copied **copied) {
    if (!copied) return msio_error_set(MSIO_E_ARGUMENT, NULL, "nowhere to put statistics");
    msio_copied *made = calloc(1, sizeof *made);
    if (!made) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for statistics");
    msio_sums_clear(&made->sums);
    *copied = made;
    return MSIO_OK;
}

void msio_copied_free(msio_copied *copied) { free(copied); }

msio_status msio_copied_values(const msio_copied *copied, msio_stats_values *values) {
    if (!copied || !values) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no statistics, or nowhere to put them");
    double(*room)[2] = malloc((size_t)MSIO_HISTOGRAM_BINS * sizeof *room);
    if (!room) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for medians");
    msio_stats_values_of(&copied->sums, values);
    msio_histogram_medians(copied->bins, values->min, values->max, room, &values->median, &values->mad);
    free(room);
    return MSIO_OK;
}

static msio_status make_lanes(copier *c) {
    const size_t room = ((size_t)msio_stats_rounded(c->elements) * 4 + 8) * sizeof(double);
    for (int i = 0; i < MSIO_PASS_LANES; i++) {
        lane *l = &c->lane[i];
        msio_sums_clear(&l->sums);
        l->bins = calloc((size_t)MSIO_HISTOGRAM_BINS, sizeof *l->bins);
        l->scratch = aligned_alloc(64, (room + 63) / 64 * 64);
        if (!l->bins || !l->scratch) return msio_error_set(MSIO_E_MEMORY, c->path, "no memory for statistics");
    }
    return MSIO_OK;
}

static void sum_up(copier *c) {
    for (int i = 0; i < MSIO_PASS_LANES; i++) {
        msio_sums_add(&c->copied->sums, &c->lane[i].sums);
        for (int64_t b = 0; b < MSIO_HISTOGRAM_BINS; b++) c->copied->bins[b] += c->lane[i].bins[b];
    }
}

static void look_at(const copier *c, const msio_block *block, lane *l) {
    const int64_t n = msio_stats_rounded(c->elements);
    const float *out = block->out[0].data;
    for (int64_t r = 0; r < block->rows; r++) {
        if (c->flag_row && c->flag_row[block->row + r]) continue;
        msio_stats_row row = {.elements = c->elements,
                              .value = out + r * c->elements * (c->complex ? 2 : 1),
                              .complex = c->complex,
                              .real = l->scratch,
                              .imag = l->scratch + n,
                              .amplitude = l->scratch + 2 * n,
                              .ok = l->scratch + 3 * n};
        if (c->flag >= 0) row.flag = (const uint8_t *)block->in[c->flag].data + r * c->elements;
        c->kernel->unpack(&row);
        c->kernel->sum(&row, &l->sums);
        msio_stats_add_histogram(&row, l->bins);
        if (row.bad) msio_stats_name_bad(&row, &l->sums, NULL, 0);
    }
}

/* ---------------------------------------------------------------- values */

/* A factor without an imaginary part multiplies both parts alone: infinities stay what they are. */
static void multiply(const copier *c, float *value, int64_t n) {
    const double a = c->opts->scale[0], b = c->opts->scale[1];
    if (b == 0.0) {
        for (int64_t i = 0; i < n * (c->complex ? 2 : 1); i++) value[i] = (float)((double)value[i] * a);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        const double x = (double)value[2 * i], y = (double)value[2 * i + 1];
        value[2 * i] = (float)(x * a - y * b);
        value[2 * i + 1] = (float)(x * b + y * a);
    }
}

/* The same of the difference, which is not rounded before. */
static void subtract_and_multiply(const copier *c, const float *from, const float *minus, float *out, int64_t n) {
    const double a = c->opts->scale[0], b = c->opts->scale[1], sign = c->opts->conjugate ? -1.0 : 1.0;
    if (!c->complex) {
        for (int64_t i = 0; i < n; i++) out[i] = (float)(((double)from[i] - (double)minus[i]) * a);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        const double x = (double)from[2 * i] - (double)minus[2 * i];
        const double y = sign * ((double)from[2 * i + 1] - (double)minus[2 * i + 1]);
        out[2 * i] = (float)(b == 0.0 ? x * a : x * a - y * b);
        out[2 * i + 1] = (float)(b == 0.0 ? y * a : x * b + y * a);
    }
}

static void compute(const copier *c, const float *from, const float *minus, float *out, int64_t n) {
    const int64_t parts = n * (c->complex ? 2 : 1);
    if (minus && c->scaled) {
        subtract_and_multiply(c, from, minus, out, n);
        return;
    }
    if (minus)
        for (int64_t i = 0; i < parts; i++) out[i] = from[i] - minus[i];
    else
        memcpy(out, from, (size_t)parts * sizeof *out);
    for (int64_t i = 1; c->opts->conjugate && i < parts; i += 2) out[i] = -out[i];
    if (c->scaled) multiply(c, out, n);
}

static msio_status run(void *user, const msio_block *block, void *state) {
    copier *c = user;
    (void)state;
    compute(c, block->in[0].data, c->minus < 0 ? NULL : block->in[c->minus].data, block->out[0].data,
            block->rows * c->elements);
    if (c->copied) look_at(c, block, &c->lane[block->lane]);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the columns */

static msio_status check_type(copier *c, const char *name) {
    const msio_column *column;
    msio_status status = msio_table_column(c->table, name, &column);
    if (status) return status;
    const msio_column_info *info = msio_column_describe(column);
    if (!info) return msio_last_error()->code;
    if (strcmp(name, c->from) == 0) c->complex = info->type == MSIO_COMPLEX;
    if (!info->is_array || (info->type != MSIO_COMPLEX && info->type != MSIO_FLOAT))
        return msio_error_set(MSIO_E_ARGUMENT, c->path, "column %s holds %s%s: this is for arrays of Complex or Float",
                              name, info->is_array ? "arrays of " : "", msio_type_name(info->type));
    if (c->complex != (info->type == MSIO_COMPLEX))
        return msio_error_set(MSIO_E_ARGUMENT, c->path, "columns %s and %s are of different types", c->from, name);
    return MSIO_OK;
}

static msio_status check_shape(const copier *c, const char *name) {
    const msio_column *column;
    int64_t shape[MSIO_MAX_NDIM + 1];
    int ndim;
    size_t bytes;
    msio_status status = msio_table_column(c->table, name, &column);
    if (!status) status = msio_read_shape(column, c->select, &ndim, shape, &bytes);
    if (status) return status;
    if (ndim == c->ndim && memcmp(shape, c->shape, (size_t)ndim * sizeof *shape) == 0) return MSIO_OK;
    return msio_error_set(MSIO_E_SHAPE, c->path, "cells of %s and %s differ in shape in the selected rows", c->from,
                          name);
}

/* Cells of `to` that were never written become zeros of from's shape. */
static msio_status make_cells(const copier *c, const msio_column *from) {
    static const float zero[2];
    msio_write_opts make = MSIO_WRITE_OPTS_INIT;
    msio_select whole = *c->select;
    const msio_column *to;
    int64_t shape[MSIO_MAX_NDIM + 1];
    int ndim;
    size_t bytes;
    msio_status status = msio_table_column(c->table, c->to, &to);
    if (!status) status = msio_read_shape(to, c->select, &ndim, shape, &bytes);
    if (status != MSIO_E_UNDEFINED) return status;
    whole.chan = whole.corr = 0, whole.chans = whole.corrs = -1, whole.chan_step = whole.corr_step = 1;
    status = msio_read_shape(from, &whole, &ndim, shape, &bytes);
    if (status) return status;
    make.cell_ndim = ndim - 1;
    memcpy(make.cell_shape, shape + 1, (size_t)(ndim - 1) * sizeof *shape);
    return msio_write_value(to, &whole, zero, c->complex ? sizeof zero : sizeof *zero, &make);
}

static msio_status read_flag_row(copier *c) {
    const msio_column *column;
    msio_select rows = *c->select;
    if (c->opts->ignore_flag_row || msio_table_column(c->table, "FLAG_ROW", &column)) return MSIO_OK;
    rows.chan = rows.corr = 0, rows.chans = rows.corrs = -1, rows.chan_step = rows.corr_step = 1;
    c->flag_row = malloc((size_t)c->rows + 1);
    if (!c->flag_row)
        return msio_error_set(MSIO_E_MEMORY, c->path, "no memory for the flags of %lld rows", (long long)c->rows);
    return msio_read(column, &rows, c->flag_row, (size_t)c->rows, NULL);
}

/* What is read, and whether all fits together. */
static msio_status prepare(copier *c) {
    const msio_column *from;
    size_t bytes;
    msio_status status = check_type(c, c->from);
    if (!status) status = check_type(c, c->to);
    if (!status && c->opts->minus) status = check_type(c, c->opts->minus);
    if (!status && !c->complex && (c->opts->conjugate || c->opts->scale[1] != 0.0))
        status = msio_error_set(MSIO_E_ARGUMENT, c->path,
                                "column %s is real: it has no conjugate, and takes a real factor", c->from);
    if (!status) status = msio_table_column(c->table, c->from, &from);
    if (!status) status = msio_read_shape(from, c->select, &c->ndim, c->shape, &bytes);
    if (!status) status = make_cells(c, from);
    if (!status) status = check_shape(c, c->to);
    if (!status && c->opts->minus) status = check_shape(c, c->opts->minus);
    if (status) return status;
    c->rows = c->shape[0];
    c->elements = c->rows ? (int64_t)bytes / c->rows / (c->complex ? 8 : 4) : 0;
    c->input[c->inputs++] = c->from;
    c->minus = c->opts->minus ? c->inputs : -1;
    if (c->opts->minus) c->input[c->inputs++] = c->opts->minus;
    c->flag = c->copied && msio_shape_has_column(c->table, "FLAG") ? c->inputs : -1;
    if (c->flag >= 0) c->input[c->inputs++] = "FLAG";
    if (c->flag >= 0) status = check_shape(c, "FLAG");
    if (!status && c->copied) status = read_flag_row(c);
    return !status && c->copied ? make_lanes(c) : status;
}

/* ---------------------------------------------------------------- the pass */

static msio_status copy_all(copier *c) {
    const msio_kernel kernel = {.run = run, .user = c};
    msio_pass pass = MSIO_PASS_INIT;
    msio_pass_opts opts = MSIO_PASS_OPTS_INIT;
    msio_status status = prepare(c);
    pass.inputs = c->inputs;
    pass.input = c->input;
    pass.outputs = 1;
    pass.output = &c->to;
    pass.kernels = 1;
    pass.kernel = &kernel;
    pass.select = c->select;
    opts.memory = c->opts->memory;
    opts.threads = c->opts->threads;
    opts.progress = c->opts->progress;
    opts.user = c->opts->user;
    if (!status && c->rows && c->elements) status = msio_pass_run(c->table, &pass, &opts, NULL);
    if (!status && c->copied) sum_up(c);
    return status;
}

msio_status msio_visibilities_copy(msio_table *table, const char *from, const char *to, const msio_select *select,
                                   const msio_copy_opts *opts, msio_copied *copied) {
    PROF_CALL_OF(table ? table->path : NULL, to, 1);
    static const msio_copy_opts defaults = MSIO_COPY_OPTS_INIT;
    static const msio_select all = MSIO_SELECT_ALL;
    if (!table || !from || !to) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no table, or no columns");
    if (opts && opts->struct_size != sizeof *opts)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "options of another version: use MSIO_COPY_OPTS_INIT");
    msio_table_info info;
    msio_table_describe(table, &info);
    copier c = {.path = info.path,
                .from = from,
                .to = to,
                .opts = opts ? opts : &defaults,
                .select = select ? select : &all,
                .copied = copied,
                .table = table,
                .kernel = msio_stats_kernel_choose(),
                .minus = -1,
                .flag = -1};
    c.scaled = c.opts->scale[0] != 1.0 || c.opts->scale[1] != 0.0;
    msio_status status = msio_threads_check(c.opts->threads);
    if (!status) status = msio_table_hold_write(table);
    if (status) return status;
    status = copy_all(&c);
    msio_error_copy error;
    if (status) msio_error_save(&error);
    const msio_status released = msio_table_release(table);
    free(c.flag_row);
    for (int i = 0; i < MSIO_PASS_LANES; i++) {
        free(c.lane[i].bins);
        free(c.lane[i].scratch);
    }
    return status ? msio_error_restore(&error) : released;
}
