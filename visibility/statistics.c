/* statistics.c - statistics of columns: what is read, and how each block is added up. */
#include "visibility/statistics.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/threads.h"
#include "prof/call.h"
#include "visibility/statistics_histogram.h"

#include <math.h>
#include <stdlib.h>

#define MOST_COLUMNS 12
#define MOST_BYTES ((int64_t)1 << 30) /* of all lanes' grids and histograms */

/* Places of inputs; -1: not read. */
typedef struct inputs {
    int n;
    const char *name[MOST_COLUMNS + 10];
    int flag, flag_row, weight, window, field, scan, antenna1, antenna2, time;
} inputs;

typedef struct collector {
    const char *path;
    const msio_metadata *metadata;
    const msio_stats_opts *opts;
    const msio_stats_kernel *kernel;
    msio_table *table;
    int columns, unpacked;                /* columns that are told of; those that are read: chi2's too, behind them */
    const char *column[MOST_COLUMNS + 2]; /* [unpacked] */
    bool complex[MOST_COLUMNS + 2];
    int data, model; /* of chi2; -1: none */
    bool raw;        /* chi2 alone, of columns of one type: rows are not unpacked */
    inputs in;
    int64_t weight_corrs; /* weights are one a correlation: how many; 0: one an element */
    int64_t elements;     /* of a cell in this pass, and the largest of all */
    int64_t most_elements;
    msio_stats_lane lane[MSIO_PASS_LANES];
} collector;

/* ---------------------------------------------------------------- one row */

static void add_grid(const collector *c, const msio_stats_row *row, msio_stats_grid *grid, int column) {
    double *sum = grid->sum + (int64_t)column * GRID_SUMS * grid->elements;
    const int64_t n = grid->elements;
    c->kernel->spread(row, sum + GRID_COUNT * n, sum + GRID_REAL * n, sum + GRID_IMAG * n, sum + GRID_AMPLITUDE * n,
                      sum + GRID_SQUARE * n, sum + GRID_LEAST * n, sum + GRID_MOST * n);
}

static void add_chi(const collector *c, const msio_block *block, int64_t r, msio_stats_lane *lane,
                    const msio_stats_row *rows, msio_stats_grid *grid) {
    const int64_t n = msio_stats_rounded(c->most_elements);
    double *power = lane->scratch + 4 * n * c->unpacked, *ok = power + n;
    const float *weight = NULL;
    if (c->in.weight >= 0)
        weight = (const float *)block->in[c->in.weight].data + r * (c->weight_corrs ? c->weight_corrs : c->elements);
    if (c->raw)
        c->kernel->chi_raw(&rows[c->data], &rows[c->model], weight, c->weight_corrs, (float *)(void *)lane->scratch,
                           grid ? power : NULL, grid ? ok : NULL, &lane->row->chi);
    else
        c->kernel->chi(&rows[c->data], &rows[c->model], weight, c->weight_corrs, power, ok, &lane->row->chi);
    if (!grid) return;
    double *sum = grid->sum + (int64_t)c->columns * GRID_SUMS * grid->elements, *count = sum + grid->elements;
    for (int64_t e = 0; e < c->elements; e++) {
        sum[e] += power[e];
        count[e] += ok[e];
    }
}

/* The row's sums, in lane->row. */
static void add_row(const collector *c, const msio_block *block, int64_t r, msio_stats_lane *lane,
                    msio_stats_grid *grid) {
    msio_stats_row rows[MOST_COLUMNS + 2];
    const int64_t n = msio_stats_rounded(c->most_elements);
    const bool sums_alone = !lane->bins && !grid && c->data < 0; /* nobody asks for single values */
    lane->row->chi = (msio_chi){0};
    for (int u = 0; u < c->unpacked; u++) {
        double *room = lane->scratch + 4 * n * u;
        rows[u] =
            (msio_stats_row){.elements = c->elements,
                             .value = (const float *)block->in[u].data + r * c->elements * (c->complex[u] ? 2 : 1),
                             .complex = c->complex[u],
                             .real = room,
                             .imag = room + n,
                             .amplitude = room + 2 * n,
                             .ok = room + 3 * n};
        if (c->in.flag >= 0) rows[u].flag = (const uint8_t *)block->in[c->in.flag].data + r * c->elements;
        if (c->raw) continue;
        if (!sums_alone) c->kernel->unpack(&rows[u]);
        if (u >= c->columns) continue;
        msio_sums *sums = &lane->row->sums[u];
        msio_sums_clear(sums);
        if (sums_alone) {
            c->kernel->tally(&rows[u], sums);
            if (rows[u].bad) c->kernel->unpack(&rows[u]);
        } else {
            c->kernel->sum(&rows[u], sums);
        }
        if (lane->bins) msio_stats_add_histogram(&rows[u], lane->bins + u * MSIO_HISTOGRAM_BINS);
        if (grid) add_grid(c, &rows[u], grid, u);
        if (rows[u].bad) msio_stats_name_bad(&rows[u], sums, grid, u);
    }
    if (c->data >= 0) add_chi(c, block, r, lane, rows, grid);
}

static void add_tally(int columns, msio_tally *to, const msio_tally *from) {
    to->chi.sum += from->chi.sum;
    to->chi.count += from->chi.count;
    for (int i = 0; i < columns; i++) msio_sums_add(&to->sums[i], &from->sums[i]);
}

static void clear_tally(int columns, msio_tally *tally) {
    tally->chi = (msio_chi){0};
    for (int i = 0; i < columns; i++) msio_sums_clear(&tally->sums[i]);
}

static msio_status add_to(const collector *c, msio_tallies *table, int64_t key, const msio_tally *from) {
    msio_tally *tally = msio_tallies_find(table, key);
    if (!tally) return MSIO_E_MEMORY;
    add_tally(c->columns, tally, from);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- blocks */

static const int32_t *numbers(const msio_block *block, int input) { return input < 0 ? NULL : block->in[input].data; }

/* The rows that share window, field, scan and time are added to those keys together. */
static msio_status end_run(const collector *c, msio_stats_lane *lane) {
    static const int kinds[] = {KEY_SPW, KEY_FIELD, KEY_SCAN, KEY_TIME};
    static const unsigned bits[] = {MSIO_FLAGS_BY_SPW, MSIO_FLAGS_BY_FIELD, MSIO_FLAGS_BY_SCAN, MSIO_FLAGS_BY_TIME};
    msio_status status = MSIO_OK;
    if (!lane->run_begun) return MSIO_OK;
    for (int i = 0; i < 4 && !status; i++)
        if (c->opts->by & bits[i]) status = add_to(c, &lane->by[kinds[i]], lane->run_key[kinds[i]], lane->run);
    add_tally(c->columns, lane->total, lane->run);
    clear_tally(c->columns, lane->run);
    lane->run_begun = false;
    return status;
}

static msio_status add_antennas(const collector *c, const msio_block *block, int64_t r, msio_stats_lane *lane) {
    if (c->in.antenna1 < 0) return MSIO_OK;
    const int32_t one = numbers(block, c->in.antenna1)[r], two = numbers(block, c->in.antenna2)[r];
    msio_status status = MSIO_OK;
    if (c->opts->by & MSIO_FLAGS_BY_ANTENNA) status = add_to(c, &lane->by[KEY_ANTENNA], one, lane->row);
    if (!status && (c->opts->by & MSIO_FLAGS_BY_ANTENNA) && one != two)
        status = add_to(c, &lane->by[KEY_ANTENNA], two, lane->row);
    if (!status && (c->opts->by & MSIO_FLAGS_BY_BASELINE))
        status = add_to(c, &lane->by[KEY_BASELINE], msio_baseline_key(one, two), lane->row);
    return status;
}

/* The row's window, field, scan and time; those that are not asked for are 0. */
static void keys_of(const collector *c, const msio_block *block, int64_t r, int64_t key[ROW_KEYS]) {
    const int32_t *window = numbers(block, c->in.window), *field = numbers(block, c->in.field),
                  *scan = numbers(block, c->in.scan);
    key[KEY_SPW] = window ? c->metadata->data_description[window[r]].spectral_window : 0;
    key[KEY_FIELD] = field ? field[r] : 0;
    key[KEY_SCAN] = scan ? scan[r] : 0;
    key[KEY_TIME] = c->in.time >= 0 ? msio_time_key(((const double *)block->in[c->in.time].data)[r]) : 0;
}

static bool same_run(const int64_t *a, const int64_t *b) {
    return a[KEY_SPW] == b[KEY_SPW] && a[KEY_FIELD] == b[KEY_FIELD] && a[KEY_SCAN] == b[KEY_SCAN] &&
           a[KEY_TIME] == b[KEY_TIME];
}

static msio_status collect_row(const collector *c, const msio_block *block, int64_t r, msio_stats_lane *lane) {
    int64_t key[ROW_KEYS] = {0};
    const int32_t *window = numbers(block, c->in.window);
    if (window && (window[r] < 0 || window[r] >= c->metadata->data_descriptions))
        return msio_error_set(MSIO_E_CHANGED, c->path, "rows were changed while they were read");
    msio_stats_grid *grid = lane->grid && window ? &lane->grid[window[r]] : NULL;
    if (grid && grid->elements != c->elements)
        return msio_error_set(MSIO_E_CHANGED, c->path, "rows were changed while they were read");
    keys_of(c, block, r, key);
    msio_status status = MSIO_OK;
    if (!lane->run_begun || !same_run(key, lane->run_key)) {
        status = end_run(c, lane);
        memcpy(lane->run_key, key, sizeof key);
        lane->run_begun = true;
    }
    if (c->in.flag_row >= 0 && !c->opts->ignore_flag_row && ((const uint8_t *)block->in[c->in.flag_row].data)[r])
        clear_tally(c->columns, lane->row);
    else
        add_row(c, block, r, lane, grid);
    add_tally(c->columns, lane->run, lane->row);
    return status ? status : add_antennas(c, block, r, lane);
}

static msio_status run(void *user, const msio_block *block, void *state) {
    collector *c = user;
    msio_stats_lane *lane = &c->lane[block->lane];
    msio_status status = MSIO_OK;
    (void)state;
    for (int64_t r = 0; r < block->rows && !status; r++) status = collect_row(c, block, r, lane);
    return status ? status : end_run(c, lane);
}

/* ---------------------------------------------------------------- what is read */

static int take_input(inputs *in, const char *name) {
    in->name[in->n] = name;
    return in->n++;
}

/* Place of a column among those that are unpacked, added where it is new. */
static int take_column(collector *c, const char *name) {
    for (int i = 0; i < c->unpacked; i++)
        if (strcmp(c->column[i], name) == 0) return i;
    c->column[c->unpacked] = name;
    return c->unpacked++;
}

static msio_status check_column(collector *c, int i) {
    const msio_column *column;
    msio_status status = msio_table_column(c->table, c->column[i], &column);
    if (status) return status;
    const msio_column_info *info = msio_column_describe(column);
    if (!info) return msio_last_error()->code;
    if (!info->is_array || (info->type != MSIO_COMPLEX && info->type != MSIO_FLOAT))
        return msio_error_set(MSIO_E_ARGUMENT, c->path,
                              "column %s holds %s%s: statistics are of arrays of Complex or Float", c->column[i],
                              info->is_array ? "arrays of " : "", msio_type_name(info->type));
    c->complex[i] = info->type == MSIO_COMPLEX;
    return MSIO_OK;
}

static msio_status choose_columns(collector *c) {
    static const char *const data[] = {"DATA"};
    const msio_stats_opts *o = c->opts;
    const int n = msio_stats_columns(o);
    const char *const *names = o->columns ? o->column : data;
    if (n < 0 || n > MOST_COLUMNS || (o->columns > 0 && !names))
        return msio_error_set(MSIO_E_ARGUMENT, c->path, "%d columns: from 1 to %d are taken", n, MOST_COLUMNS);
    if (n == 0 && !o->data)
        return msio_error_set(MSIO_E_ARGUMENT, c->path, "neither columns nor chi-squared are asked for");
    if (!o->data != !o->model)
        return msio_error_set(MSIO_E_ARGUMENT, c->path, "chi-squared is of two columns: data and model");
    for (int i = 0; i < n; i++)
        if (take_column(c, names[i]) != i)
            return msio_error_set(MSIO_E_ARGUMENT, c->path, "column %s is named twice", names[i]);
    c->columns = n;
    c->data = o->data ? take_column(c, o->data) : -1;
    c->model = o->model ? take_column(c, o->model) : -1;
    msio_status status = MSIO_OK;
    for (int i = 0; i < c->unpacked && !status; i++) status = check_column(c, i);
    c->raw = !status && n == 0 && c->complex[c->data] == c->complex[c->model];
    return status;
}

static void choose_inputs(collector *c) {
    const unsigned by = c->opts->by, rows = MSIO_FLAGS_BY_ANTENNA | MSIO_FLAGS_BY_BASELINE;
    inputs *in = &c->in;
    in->n = 0;
    for (int i = 0; i < c->unpacked; i++) take_input(in, c->column[i]);
    in->flag = msio_shape_has_column(c->table, "FLAG") ? take_input(in, "FLAG") : -1;
    in->flag_row = msio_shape_has_column(c->table, "FLAG_ROW") ? take_input(in, "FLAG_ROW") : -1;
    in->window = by & (MSIO_FLAGS_BY_SPW | MSIO_FLAGS_BY_CHANNEL | MSIO_FLAGS_BY_CORRELATION)
                     ? take_input(in, "DATA_DESC_ID")
                     : -1;
    in->field = by & MSIO_FLAGS_BY_FIELD ? take_input(in, "FIELD_ID") : -1;
    in->scan = by & MSIO_FLAGS_BY_SCAN ? take_input(in, "SCAN_NUMBER") : -1;
    in->time = by & MSIO_FLAGS_BY_TIME ? take_input(in, "TIME") : -1;
    in->antenna1 = by & rows ? take_input(in, "ANTENNA1") : -1;
    in->antenna2 = by & rows ? take_input(in, "ANTENNA2") : -1;
    in->weight = -1;
}

/* Of chi-squared; *weights stays what it was where there are none. */
static msio_status choose_weights(collector *c, const msio_shape_group *group, const msio_select *select,
                                  const char **weights) {
    const char *found = NULL;
    if (c->data < 0) return MSIO_OK;
    msio_status status = msio_shape_group_weights(group, c->table, c->path, select, &found, &c->weight_corrs);
    if (status || !found) return status;
    c->in.weight = take_input(&c->in, found);
    *weights = found;
    return MSIO_OK;
}

/* All columns' cells must be those of the window; FLAG's too. */
static msio_status check_cells(const collector *c, const msio_shape_group *group, const msio_select *select) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < c->unpacked + (c->in.flag >= 0) && !status; i++)
        status = msio_shape_group_check(group, c->table, c->path, i < c->unpacked ? c->column[i] : "FLAG", select);
    return status;
}

/* ---------------------------------------------------------------- memory */

static msio_status no_memory(const collector *c) {
    return msio_error_set(MSIO_E_MEMORY, c->path, "no memory for statistics");
}

static int64_t grid_doubles(const collector *c, int64_t elements) { return elements * (GRID_SUMS * c->columns + 2); }

/* Elements of a data description's cells; 0: no row has it. */
static int64_t cell_of(const collector *c, const msio_shape_groups *groups, int d) {
    if (!groups->description_used[d]) return 0;
    return msio_window_of(c->metadata, d)->channels * msio_polarization_of(c->metadata, d)->correlations;
}

static msio_status make_grids(collector *c, const msio_shape_groups *groups, msio_stats_lane *lane) {
    lane->grid = calloc((size_t)c->metadata->data_descriptions + 1, sizeof *lane->grid);
    if (!lane->grid) return no_memory(c);
    for (int d = 0; d < c->metadata->data_descriptions; d++) {
        const int64_t n = cell_of(c, groups, d);
        if (!n) continue;
        msio_stats_grid *grid = &lane->grid[d];
        *grid = (msio_stats_grid){.elements = n, .corrs = msio_polarization_of(c->metadata, d)->correlations};
        grid->sum = calloc((size_t)grid_doubles(c, n), sizeof *grid->sum);
        if (!grid->sum) return no_memory(c);
        for (int k = 0; k < c->columns; k++)
            for (int64_t e = 0; e < n; e++) {
                grid->sum[((int64_t)k * GRID_SUMS + GRID_LEAST) * n + e] = INFINITY;
                grid->sum[((int64_t)k * GRID_SUMS + GRID_MOST) * n + e] = -1.0;
            }
    }
    return MSIO_OK;
}

static msio_tally *new_tally(const collector *c) {
    msio_tally *tally = malloc(msio_tally_bytes(c->columns));
    if (tally) clear_tally(c->columns, tally);
    return tally;
}

static msio_status make_lane(collector *c, const msio_shape_groups *groups, msio_stats_lane *lane) {
    const size_t room = (size_t)msio_stats_rounded(c->most_elements) * (4 * (size_t)c->unpacked + 2) + 8;
    for (int k = 0; k < ROW_KEYS; k++) lane->by[k].columns = c->columns;
    lane->total = new_tally(c);
    lane->row = new_tally(c);
    lane->run = new_tally(c);
    const bool medians = c->columns && !c->opts->no_medians;
    if (medians) lane->bins = calloc((size_t)(c->columns * MSIO_HISTOGRAM_BINS), sizeof *lane->bins);
    lane->scratch = aligned_alloc(64, (room * sizeof *lane->scratch + 63) / 64 * 64);
    if (!lane->total || !lane->row || !lane->run || (medians && !lane->bins) || !lane->scratch) return no_memory(c);
    return c->opts->by & (MSIO_FLAGS_BY_CHANNEL | MSIO_FLAGS_BY_CORRELATION) ? make_grids(c, groups, lane) : MSIO_OK;
}

static msio_status make_lanes(collector *c, const msio_shape_groups *groups) {
    int64_t bytes = c->columns * MSIO_HISTOGRAM_BINS * (int64_t)sizeof(int64_t);
    for (int d = 0; d < c->metadata->data_descriptions; d++) {
        const int64_t n = cell_of(c, groups, d);
        c->most_elements = msio_max(c->most_elements, n);
        if (c->opts->by & (MSIO_FLAGS_BY_CHANNEL | MSIO_FLAGS_BY_CORRELATION))
            bytes += grid_doubles(c, n) * (int64_t)sizeof(double);
        if (bytes > MOST_BYTES / MSIO_PASS_LANES)
            return msio_error_set(
                MSIO_E_SIZE, c->path,
                "sums of each channel and correlation take more than %lld bytes: leave out the breakdown "
                "by channel and correlation, or ask for fewer columns at a time",
                (long long)MOST_BYTES);
    }
    msio_status status = MSIO_OK;
    for (int i = 0; i < MSIO_PASS_LANES && !status; i++) status = make_lane(c, groups, &c->lane[i]);
    return status;
}

static void free_lane(const collector *c, msio_stats_lane *lane) {
    for (int k = 0; k < ROW_KEYS; k++) msio_tallies_free(&lane->by[k]);
    for (int d = 0; lane->grid && d < c->metadata->data_descriptions; d++) free(lane->grid[d].sum);
    free(lane->grid);
    free(lane->total);
    free(lane->row);
    free(lane->run);
    free(lane->bins);
    free(lane->scratch);
}

/* ---------------------------------------------------------------- the passes */

/* Adds a lane's sums to those of lane 0. */
static msio_status merge(const collector *c, msio_stats_lane *to, const msio_stats_lane *from) {
    msio_status status = MSIO_OK;
    add_tally(c->columns, to->total, from->total);
    for (int64_t b = 0; to->bins && b < c->columns * MSIO_HISTOGRAM_BINS; b++) to->bins[b] += from->bins[b];
    for (int k = 0; k < ROW_KEYS && !status; k++) status = msio_tallies_merge(&to->by[k], &from->by[k]);
    for (int d = 0; to->grid && d < c->metadata->data_descriptions; d++) {
        const int64_t n = to->grid[d].elements;
        for (int64_t i = 0; i < grid_doubles(c, n); i++) {
            const int64_t which = i / msio_max(n, 1) % GRID_SUMS;
            double *a = &to->grid[d].sum[i];
            const double b = from->grid[d].sum[i];
            const bool is_chi = i >= n * GRID_SUMS * c->columns;
            if (!is_chi && which == GRID_LEAST)
                *a = fmin(*a, b);
            else if (!is_chi && which == GRID_MOST)
                *a = fmax(*a, b);
            else
                *a += b;
        }
    }
    return status;
}

static msio_status collect_group(collector *c, const msio_shape_group *group, const char **weights, int64_t *rows) {
    const msio_kernel kernel = {.run = run, .user = c};
    const msio_select select = msio_shape_group_select(group);
    msio_pass_opts opts = MSIO_PASS_OPTS_INIT;
    c->elements = (int64_t)group->channels * group->corrs;
    choose_inputs(c);
    msio_status status = check_cells(c, group, &select);
    if (!status) status = choose_weights(c, group, &select, weights);
    opts.memory = c->opts->memory;
    opts.threads = c->opts->threads;
    opts.progress = c->opts->progress;
    opts.user = c->opts->user;
    return status ? status : msio_shape_group_pass(c->table, &select, c->in.n, c->in.name, &kernel, &opts, rows);
}

static msio_status collect(collector *c, msio_stats **stats) {
    msio_shape_groups groups = {0};
    const char *weights = "";
    int64_t rows = 0;
    msio_status status = choose_columns(c);
    if (!status) status = msio_shape_groups_make(c->metadata, &groups);
    if (!status) status = make_lanes(c, &groups);
    for (int g = 0; g < groups.groups && !status; g++) status = collect_group(c, &groups.group[g], &weights, &rows);
    for (int i = 1; i < MSIO_PASS_LANES && !status; i++) status = merge(c, &c->lane[0], &c->lane[i]);
    if (!status) status = msio_stats_answer(c->metadata, c->opts, weights, rows, &c->lane[0], stats);
    for (int i = 0; i < MSIO_PASS_LANES; i++) free_lane(c, &c->lane[i]);
    msio_shape_groups_free(&groups);
    return status;
}

msio_status msio_stats_make(const char *path, const msio_stats_opts *opts, msio_stats **stats) {
    PROF_CALL(path);
    static const msio_stats_opts defaults = MSIO_STATS_OPTS_INIT;
    if (!path || !stats) return msio_error_set(MSIO_E_ARGUMENT, path, "no path, or nowhere to put statistics");
    if (opts && opts->struct_size != sizeof *opts)
        return msio_error_set(MSIO_E_ARGUMENT, path, "options of another version: use MSIO_STATS_OPTS_INIT");
    collector *c = calloc(1, sizeof *c);
    if (!c) return msio_error_set(MSIO_E_MEMORY, path, "no memory for statistics");
    c->path = path;
    c->opts = opts ? opts : &defaults;
    c->kernel = msio_stats_kernel_choose();
    msio_status status = msio_threads_check(c->opts->threads);
    if (!status && (c->opts->by & ~(unsigned)MSIO_FLAGS_BY_ALL))
        status = msio_error_set(MSIO_E_ARGUMENT, path, "breakdowns %#x are not known", c->opts->by);
    if (!status) status = msio_metadata_get(path, MSIO_PER_CALL, &c->metadata);
    if (!status && !c->metadata->is_ms)
        status = msio_error_set(MSIO_E_ARGUMENT, path, "this is no Measurement Set: statistics are of one");
    if (!status) status = msio_table_open(path, &c->opts->open, &c->table);
    if (!status) status = collect(c, stats);
    msio_error_copy error;
    if (status) msio_error_save(&error);
    const msio_status closed = c->table ? msio_table_close(c->table) : MSIO_OK;
    msio_metadata_release(c->metadata);
    free(c);
    if (status) return msio_error_restore(&error);
    if (closed) {
        msio_stats_free(*stats);
        *stats = NULL;
    }
    return closed;
}
