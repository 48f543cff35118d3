/* flag_extend.c - flags that follow from values and from flags: limits, and extension over neighbours. */
#include "core/checked.h"
#include "core/error.h"
#include "core/threads.h"
#include "io/table/table.h"
#include "prof/call.h"
#include "visibility/flag_groups.h"
#include "visibility/flag_marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LIGHT 299792458.0 /* m/s */
#define MOST_INPUTS 8

/* What flags a row's elements, in this order. */
enum { AMPLITUDE, CHI2, UVDIST, CORRELATION, CHANNEL, TIME, BASELINE, STEPS };

/* Places of inputs; -1: not read. */
typedef struct inputs {
    int n;
    const char *name[MOST_INPUTS];
    int flag, flag_row, column, data, model, weight, uvw, window;
} inputs;

/* Of one lane. */
typedef struct lane {
    uint8_t *mark;      /* [elements]: of the row under way */
    uint32_t *channels; /* [corrs]: marks of a row's channels */
    uint32_t *sum;      /* [elements]: marks of rows of one group */
    int32_t group;      /* whose sum it is; -1: none yet */
    int64_t before, after, added[STEPS];
} lane;

typedef struct flagger {
    const char *path;
    const msio_flags_extend_opts *opts;
    const msio_metadata *metadata;
    msio_table *table;
    bool does[STEPS];
    double fraction[STEPS]; /* of those that extend */
    msio_flag_limits amplitude, uvdist;
    const char *column, *data, *model;
    bool complex_column, complex_data;
    double **per_metre; /* [data_descriptions][channels]: wavelengths a metre; NULL: distances are in m */
    /* Of the rows of one shape: */
    inputs in;
    int channels, corrs;
    int64_t elements, weight_corrs;
    msio_flag_groups groups[STEPS]; /* of TIME and BASELINE */
    int step;                       /* whose groups are counted; STEPS: all are done, and flags put */
    uint8_t *whole;                 /* [rows]: 1: all is flagged, and FLAG_ROW is not yet */
    lane lane[MSIO_PASS_LANES];
} flagger;

/* ---------------------------------------------------------------- one row */

static const float *values(const flagger *f, const msio_block *block, int input, int64_t r, bool complex) {
    return (const float *)block->in[input].data + r * f->elements * (complex ? 2 : 1);
}

static void take_step(const flagger *f, const msio_block *block, int64_t r, int step, lane *l) {
    const msio_flags_extend_opts *o = f->opts;
    uint8_t *mark = l->mark;
    if (step == AMPLITUDE) {
        msio_flag_mark_amplitudes(values(f, block, f->in.column, r, f->complex_column), f->complex_column,
                                  &f->amplitude, f->elements, mark);
    } else if (step == CHI2) {
        const float *weight = NULL;
        if (f->in.weight >= 0)
            weight =
                (const float *)block->in[f->in.weight].data + r * (f->weight_corrs ? f->weight_corrs : f->elements);
        msio_flag_mark_chi2(values(f, block, f->in.data, r, f->complex_data),
                            values(f, block, f->in.model, r, f->complex_data), f->complex_data, weight,
                            (int)f->weight_corrs, o->chi2_above, f->elements, mark);
    } else if (step == UVDIST) {
        const double *uvw = (const double *)block->in[f->in.uvw].data + 3 * r;
        const double *per_metre =
            f->per_metre ? f->per_metre[((const int32_t *)block->in[f->in.window].data)[r]] : NULL;
        msio_flag_mark_distances(uvw, per_metre, &f->uvdist, f->channels, f->corrs, mark);
    } else if (step == CORRELATION) {
        msio_flag_extend_correlations(f->fraction[step], f->channels, f->corrs, mark);
    } else if (step == CHANNEL) {
        msio_flag_extend_channels(f->fraction[step], f->channels, f->corrs, l->channels, mark);
    } else {
        const msio_flag_groups *g = &f->groups[step];
        const uint8_t *decided = g->decided + g->of[block->row + r] * f->elements;
        for (int64_t e = 0; e < f->elements; e++) mark[e] |= decided[e];
    }
}

static bool row_is_flagged(const flagger *f, const msio_block *block, int64_t r) {
    return f->in.flag_row >= 0 && ((const uint8_t *)block->in[f->in.flag_row].data)[r];
}

/* The row's marks after all steps before f->step. */
static void mark_row(const flagger *f, const msio_block *block, int64_t r, lane *l) {
    const uint8_t *flag = (const uint8_t *)block->in[f->in.flag].data + r * f->elements;
    if (row_is_flagged(f, block, r)) {
        memset(l->mark, 1, (size_t)f->elements);
        if (f->step == STEPS) l->before += f->elements, l->after += f->elements;
        return;
    }
    for (int64_t e = 0; e < f->elements; e++) l->mark[e] = flag[e] != 0;
    int64_t set = f->step == STEPS ? msio_flag_count(l->mark, f->elements) : 0;
    l->before += set;
    for (int step = 0; step < f->step; step++) {
        if (!f->does[step]) continue;
        take_step(f, block, r, step, l);
        if (f->step < STEPS) continue;
        const int64_t now = msio_flag_count(l->mark, f->elements);
        l->added[step] += now - set;
        set = now;
    }
    l->after += set;
}

/* Rows whose windows are no more what they were cannot be marked. */
static msio_status check_windows(const flagger *f, const msio_block *block) {
    const int32_t *window = f->in.window < 0 ? NULL : block->in[f->in.window].data;
    for (int64_t r = 0; window && r < block->rows; r++)
        if (window[r] < 0 || window[r] >= f->metadata->data_descriptions || !f->per_metre[window[r]])
            return msio_error_set(MSIO_E_CHANGED, f->path, "rows were changed while flags were extended");
    return MSIO_OK;
}

static void put_row(flagger *f, const msio_block *block, int64_t r, const lane *l, bool flagged) {
    if (!f->opts->dry_run) {
        uint8_t *out = (uint8_t *)block->out[0].data + r * f->elements;
        if (flagged)
            memcpy(out, (const uint8_t *)block->in[f->in.flag].data + r * f->elements, (size_t)f->elements);
        else
            memcpy(out, l->mark, (size_t)f->elements);
    }
    f->whole[block->row + r] = !flagged && !memchr(l->mark, 0, (size_t)f->elements);
}

/* Marks of consecutive rows of one group are summed up here, and added to the group's together. */
static void end_sum(flagger *f, lane *l) {
    if (l->group >= 0) msio_flag_groups_add(&f->groups[f->step], l->group, l->sum);
    memset(l->sum, 0, (size_t)f->elements * sizeof *l->sum);
    l->group = -1;
}

static msio_status put_block(flagger *f, const msio_block *block, lane *l) {
    for (int64_t r = 0; r < block->rows; r++) {
        mark_row(f, block, r, l);
        put_row(f, block, r, l, row_is_flagged(f, block, r));
    }
    return MSIO_OK;
}

static msio_status count_block(flagger *f, const msio_block *block, lane *l) {
    const int32_t *of = f->groups[f->step].of + block->row;
    for (int64_t r = 0; r < block->rows; r++) {
        if (of[r] != l->group) {
            end_sum(f, l);
            l->group = of[r];
        }
        mark_row(f, block, r, l);
        for (int64_t e = 0; e < f->elements; e++) l->sum[e] += l->mark[e];
    }
    end_sum(f, l);
    return MSIO_OK;
}

static msio_status run(void *user, const msio_block *block, void *state) {
    flagger *f = user;
    lane *l = &f->lane[block->lane];
    (void)state;
    msio_status status = check_windows(f, block);
    if (status) return status;
    return f->step == STEPS ? put_block(f, block, l) : count_block(f, block, l);
}

/* ---------------------------------------------------------------- what is read */

static msio_status check_type(const flagger *f, const char *name, bool *complex) {
    const msio_column *column;
    msio_status status = msio_table_column(f->table, name, &column);
    if (status) return status;
    const msio_column_info *info = msio_column_describe(column);
    if (!info) return msio_last_error()->code;
    *complex = info->type == MSIO_COMPLEX;
    if (info->is_array && (*complex || info->type == MSIO_FLOAT)) return MSIO_OK;
    return msio_error_set(MSIO_E_ARGUMENT, f->path, "column %s holds %s%s: limits are for arrays of Complex or Float",
                          name, info->is_array ? "arrays of " : "", msio_type_name(info->type));
}

static msio_status check_types(flagger *f) {
    const msio_column *flag;
    bool complex = false;
    msio_status status = msio_table_column(f->table, "FLAG", &flag);
    if (status) return status;
    const msio_column_info *info = msio_column_describe(flag);
    if (!info) return msio_last_error()->code;
    if (info->type != MSIO_BOOL)
        return msio_error_set(MSIO_E_ARGUMENT, f->path, "FLAG holds %s here, which are no flags",
                              msio_type_name(info->type));
    if (f->does[AMPLITUDE]) status = check_type(f, f->column, &f->complex_column);
    if (!status && f->does[CHI2]) status = check_type(f, f->data, &f->complex_data);
    if (!status && f->does[CHI2]) status = check_type(f, f->model, &complex);
    if (!status && f->does[CHI2] && complex != f->complex_data)
        status =
            msio_error_set(MSIO_E_ARGUMENT, f->path, "columns %s and %s are of different types", f->data, f->model);
    return status;
}

/* Place of an input, added where it is new. */
static int take_input(inputs *in, const char *name) {
    for (int i = 0; i < in->n; i++)
        if (strcmp(in->name[i], name) == 0) return i;
    in->name[in->n] = name;
    return in->n++;
}

/* Values are read for as long as a step needs them: those before f->step. */
static msio_status choose_inputs(flagger *f, const msio_shape_group *shape, const msio_select *select) {
    inputs *in = &f->in;
    const char *weight = NULL;
    msio_status status = MSIO_OK;
    *in = (inputs){.flag_row = -1, .column = -1, .data = -1, .model = -1, .weight = -1, .uvw = -1, .window = -1};
    in->flag = take_input(in, "FLAG");
    if (!f->opts->ignore_flag_row && msio_shape_has_column(f->table, "FLAG_ROW"))
        in->flag_row = take_input(in, "FLAG_ROW");
    if (f->does[AMPLITUDE]) in->column = take_input(in, f->column);
    if (f->does[CHI2]) {
        in->data = take_input(in, f->data);
        in->model = take_input(in, f->model);
        status = msio_shape_group_weights(shape, f->table, f->path, select, &weight, &f->weight_corrs);
        if (weight) in->weight = take_input(in, weight);
    }
    if (f->does[UVDIST]) in->uvw = take_input(in, "UVW");
    if (f->per_metre) in->window = take_input(in, "DATA_DESC_ID");
    const int checked[] = {in->flag, in->column, in->data, in->model};
    for (int i = 0; i < 4 && !status; i++)
        if (checked[i] >= 0) status = msio_shape_group_check(shape, f->table, f->path, in->name[checked[i]], select);
    return status;
}

/* ---------------------------------------------------------------- memory */

static msio_status no_memory(const flagger *f) { return msio_error_set(MSIO_E_MEMORY, f->path, "no memory for flags"); }

static msio_status make_distances(flagger *f, const msio_shape_groups *shapes) {
    const msio_metadata *m = f->metadata;
    if (!f->does[UVDIST] || !f->opts->wavelengths) return MSIO_OK;
    f->per_metre = calloc((size_t)m->data_descriptions + 1, sizeof *f->per_metre);
    for (int d = 0; f->per_metre && d < m->data_descriptions; d++) {
        if (!shapes->description_used[d]) continue;
        const msio_spectral_window *w = msio_window_of(m, d);
        f->per_metre[d] = malloc((size_t)w->channels * sizeof **f->per_metre);
        if (!f->per_metre[d]) return no_memory(f);
        for (int64_t c = 0; c < w->channels; c++) f->per_metre[d][c] = w->frequencies[c] / LIGHT;
    }
    return f->per_metre ? MSIO_OK : no_memory(f);
}

static void free_lanes(flagger *f) {
    for (int i = 0; i < MSIO_PASS_LANES; i++) {
        free(f->lane[i].mark);
        free(f->lane[i].channels);
        free(f->lane[i].sum);
        f->lane[i].mark = NULL;
        f->lane[i].channels = f->lane[i].sum = NULL;
    }
}

static msio_status make_lanes(flagger *f) {
    for (int i = 0; i < MSIO_PASS_LANES; i++) {
        lane *l = &f->lane[i];
        l->mark = malloc((size_t)f->elements + 1);
        l->channels = calloc((size_t)f->corrs + 1, sizeof *l->channels);
        l->sum = calloc((size_t)f->elements + 1, sizeof *l->sum);
        l->group = -1;
        if (!l->mark || !l->channels || !l->sum) return no_memory(f);
    }
    return MSIO_OK;
}

/* What belongs to the rows of one shape. */
static void leave_shape(flagger *f) {
    msio_flag_groups_free(&f->groups[TIME]);
    msio_flag_groups_free(&f->groups[BASELINE]);
    free_lanes(f);
    free(f->whole);
    f->whole = NULL;
}

static void free_all(flagger *f) {
    leave_shape(f);
    for (int d = 0; f->per_metre && d < f->metadata->data_descriptions; d++) free(f->per_metre[d]);
    free(f->per_metre);
}

/* ---------------------------------------------------------------- the passes */

static msio_status go_through(flagger *f, const msio_select *select, msio_shape_progress *progress) {
    static const char *const output[] = {"FLAG"};
    const msio_kernel kernel = {.run = run, .user = f};
    msio_pass pass = MSIO_PASS_INIT;
    msio_pass_opts opts = MSIO_PASS_OPTS_INIT;
    int64_t rows = 0;
    pass.inputs = f->in.n;
    pass.input = f->in.name;
    pass.outputs = f->step == STEPS && !f->opts->dry_run;
    pass.output = output;
    pass.kernels = 1;
    pass.kernel = &kernel;
    pass.select = select;
    opts.memory = f->opts->memory;
    opts.threads = f->opts->threads;
    opts.progress = msio_shape_progress_tell;
    opts.user = progress;
    msio_status status = msio_pass_run(f->table, &pass, &opts, &rows);
    if (!status) progress->before += rows;
    return status;
}

/* FLAG_ROW of the rows that are flagged whole now. */
static msio_status put_flag_row(const flagger *f, const msio_shape_group *shape, int64_t *flag_rows) {
    const uint8_t set = 1;
    const msio_column *column;
    msio_write_opts opts = MSIO_WRITE_OPTS_INIT;
    msio_select select = MSIO_SELECT_ALL;
    int64_t n = 0;
    if (f->in.flag_row < 0 || f->elements == 0) return MSIO_OK;
    for (int64_t i = 0; i < shape->rows; i++) n += f->whole[i];
    *flag_rows += n;
    if (n == 0 || f->opts->dry_run) return MSIO_OK;
    int64_t *list = malloc((size_t)n * sizeof *list);
    if (!list) return no_memory(f);
    n = 0;
    for (int64_t i = 0; i < shape->rows; i++)
        if (f->whole[i]) list[n++] = shape->row ? shape->row[i] : i;
    select.row_list = list;
    select.rows_in_list = n;
    opts.threads = f->opts->threads;
    msio_status status = msio_table_column(f->table, "FLAG_ROW", &column);
    if (!status) status = msio_write_value(column, &select, &set, 1, &opts);
    free(list);
    return status;
}

/* Counts the sets that a step extends over, of flags as the steps before leave them. */
static msio_status count_step(flagger *f, int step, const msio_shape_group *shape, const msio_select *select,
                              msio_shape_progress *progress) {
    if (!f->does[step]) return MSIO_OK;
    f->step = step;
    msio_status status = msio_flag_groups_make(f->table, f->metadata, shape,
                                               step == TIME ? MSIO_FLAG_TIMES : MSIO_FLAG_BASELINES, &f->groups[step]);
    if (!status) status = go_through(f, select, progress);
    return status ? status : msio_flag_groups_decide(&f->groups[step], f->fraction[step]);
}

static msio_status extend_shape(flagger *f, const msio_shape_group *shape, msio_shape_progress *progress,
                                msio_flags_extended *result) {
    const msio_select select = msio_shape_group_select(shape);
    if (shape->rows == 0) return MSIO_OK;
    f->channels = shape->channels;
    f->corrs = shape->corrs;
    f->elements = (int64_t)shape->channels * shape->corrs;
    progress->now = shape->rows;
    f->whole = malloc((size_t)shape->rows);
    msio_status status = f->whole ? choose_inputs(f, shape, &select) : no_memory(f);
    if (!status) status = make_lanes(f);
    if (!status) status = count_step(f, TIME, shape, &select, progress);
    if (!status) status = count_step(f, BASELINE, shape, &select, progress);
    f->step = STEPS;
    if (!status) status = go_through(f, &select, progress);
    if (!status) status = put_flag_row(f, shape, &result->flag_rows);
    result->rows += shape->rows;
    result->total += shape->rows * f->elements;
    leave_shape(f);
    return status;
}

static void sum_up(const flagger *f, msio_flags_extended *result) {
    int64_t *const added[STEPS] = {
        [AMPLITUDE] = &result->by_amplitude,     [CHI2] = &result->by_chi2,       [UVDIST] = &result->by_uvdist,
        [CORRELATION] = &result->by_correlation, [CHANNEL] = &result->by_channel, [TIME] = &result->by_time,
        [BASELINE] = &result->by_baseline};
    for (int i = 0; i < MSIO_PASS_LANES; i++) {
        const lane *l = &f->lane[i];
        result->before += l->before;
        result->after += l->after;
        for (int step = 0; step < STEPS; step++) *added[step] += l->added[step];
    }
}

/* Under the table's lock. */
static msio_status extend(flagger *f, msio_flags_extended *result) {
    static const msio_select all = MSIO_SELECT_ALL;
    msio_shape_groups shapes = {0};
    msio_shape_progress progress = {.progress = f->opts->progress, .user = f->opts->user};
    msio_status status = msio_metadata_get(f->path, MSIO_PER_CALL, &f->metadata);
    if (!status && !f->metadata->is_ms)
        status = msio_error_set(MSIO_E_ARGUMENT, f->path, "this is no Measurement Set: flags are of one");
    if (!status) status = check_types(f);
    if (!status) status = msio_shape_groups_make(f->metadata, &shapes);
    if (!status)
        status = msio_shape_groups_keep(&shapes, f->path, msio_table_rows(f->table),
                                        f->opts->select ? f->opts->select : &all);
    if (!status) status = make_distances(f, &shapes);
    for (int g = 0; g < shapes.groups && !status; g++)
        progress.total += shapes.group[g].rows * (1 + f->does[TIME] + f->does[BASELINE]);
    for (int g = 0; g < shapes.groups && !status; g++) status = extend_shape(f, &shapes.group[g], &progress, result);
    sum_up(f, result);
    if (f->metadata) free_all(f);
    msio_shape_groups_free(&shapes);
    msio_metadata_release(f->metadata);
    return status;
}

/* ---------------------------------------------------------------- options */

/* A limit is not negative, or -1; a fraction from 0 to below 1, or -1. */
static msio_status check_number(const char *path, const char *what, double value, bool is_fraction) {
    if (value == -1.0 || (value >= 0.0 && isfinite(value) && (!is_fraction || value < 1.0))) return MSIO_OK;
    return msio_error_set(MSIO_E_ARGUMENT, path, "%s %g: %s", what, value,
                          is_fraction ? "a fraction is from 0 to below 1, or -1: none"
                                      : "a limit is a number that is not negative, or -1: none");
}

static msio_status check_numbers(const char *path, const msio_flags_extend_opts *o) {
    const struct {
        const char *what;
        double value;
        bool is_fraction;
    } numbers[] = {
        {"amplitude below", o->amplitude_below, false},
        {"amplitude above", o->amplitude_above, false},
        {"chi-squared above", o->chi2_above, false},
        {"uv distance below", o->uvdist_below, false},
        {"uv distance above", o->uvdist_above, false},
        {"correlation", o->correlation, true},
        {"channel", o->channel, true},
        {"time", o->time, true},
        {"baseline", o->baseline, true},
    };
    msio_status status = MSIO_OK;
    bool any = false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !status; i++) {
        status = check_number(path, numbers[i].what, numbers[i].value, numbers[i].is_fraction);
        any |= numbers[i].value >= 0.0;
    }
    if (!status && !any)
        status = msio_error_set(MSIO_E_ARGUMENT, path, "neither a limit nor an extension of flags is asked for");
    return status;
}

static msio_status check(const char *path, const msio_flags_extend_opts *o, const msio_flags_extended *result) {
    if (o->struct_size != sizeof *o || (result && result->struct_size != sizeof *result))
        return msio_error_set(MSIO_E_ARGUMENT, path, "options of another version: use MSIO_FLAGS_EXTEND_OPTS_INIT");
    const msio_select *s = o->select;
    if (s && (s->chan || s->chans >= 0 || s->chan_step != 1 || s->corr || s->corrs >= 0 || s->corr_step != 1))
        return msio_error_set(MSIO_E_ARGUMENT, path, "flags are extended over all channels and correlations of rows");
    const msio_status status = check_numbers(path, o);
    return status ? status : msio_threads_check(o->threads);
}

static flagger start(msio_table *table, const char *path, const msio_flags_extend_opts *o) {
    return (flagger){
        .path = path,
        .opts = o,
        .table = table,
        .does = {[AMPLITUDE] = o->amplitude_below >= 0.0 || o->amplitude_above >= 0.0,
                 [CHI2] = o->chi2_above >= 0.0,
                 [UVDIST] = o->uvdist_below >= 0.0 || o->uvdist_above >= 0.0,
                 [CORRELATION] = o->correlation >= 0.0,
                 [CHANNEL] = o->channel >= 0.0,
                 [TIME] = o->time >= 0.0,
                 [BASELINE] = o->baseline >= 0.0},
        .fraction =
            {[CORRELATION] = o->correlation, [CHANNEL] = o->channel, [TIME] = o->time, [BASELINE] = o->baseline},
        .amplitude = msio_flag_limits_make(o->amplitude_below, o->amplitude_above),
        .uvdist = msio_flag_limits_make(o->uvdist_below, o->uvdist_above),
        .column = o->column ? o->column : "DATA",
        .data = o->data ? o->data : "DATA",
        .model = o->model ? o->model : "MODEL_DATA",
    };
}

msio_status msio_flags_extend(msio_table *table, const msio_flags_extend_opts *opts, msio_flags_extended *result) {
    PROF_CALL_OF(table ? table->path : NULL, "FLAG", 1);
    static const msio_flags_extend_opts defaults = MSIO_FLAGS_EXTEND_OPTS_INIT;
    const msio_flags_extend_opts *o = opts ? opts : &defaults;
    msio_flags_extended done = MSIO_FLAGS_EXTENDED_INIT;
    if (!table) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no table whose flags to extend");
    msio_table_info info;
    msio_table_describe(table, &info);
    msio_status status = check(info.path, o, result);
    if (!status) status = o->dry_run ? msio_table_hold(table) : msio_table_hold_write(table);
    if (status) return status;
    flagger f = start(table, info.path, o);
    status = extend(&f, &done);
    msio_error_copy error;
    if (status) msio_error_save(&error);
    const msio_status released = msio_table_release(table);
    if (status) return msio_error_restore(&error);
    if (!released && result) *result = done;
    return released;
}
