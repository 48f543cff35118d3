/* load_ms.c - spectral windows of Measurement Sets as subbands to be loaded.
 *
 * Columns and subtables: casacore note 229. A window's rows are those of the data descriptions that name it; its data
 * are DATA, FLAG and WEIGHT_SPECTRUM. */
#include "core/checked.h"
#include "core/pool.h"
#include "io/load/loader.h"
#include "io/read/dense.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const array_names[MSIO_LOAD_ARRAYS] = {"DATA", "FLAG", "WEIGHT_SPECTRUM"};

/* What must be brought into another form is read in parts of so many bytes. */
#define PART_BYTES ((int64_t)4 << 20)

/* One window. The table belongs to the first window of its MS. */
typedef struct window_state {
    msio_table *table;
    bool owner, held;
    int64_t *row; /* [file->rows], ascending */
    bool range;   /* they follow each other */
} window_state;

static void let_go(msio_load_file *file) {
    window_state *state = file->state;
    if (state && state->held) msio_table_release(state->table);
    if (state) state->held = false;
}

static void close_file(msio_load_file *file) {
    window_state *state = file->state;
    if (!state) return;
    let_go(file);
    if (state->owner) msio_table_close(state->table);
    free(state->row);
    state->row = NULL;
}

/* ---------------------------------------------------------------- rows */

static msio_status read_column(const msio_load_file *file, const char *name, msio_array *array) {
    const window_state *state = file->state;
    const msio_column *column;
    msio_select select = MSIO_SELECT_ALL;
    msio_status status = msio_table_column(state->table, name, &column);
    if (state->range) {
        select.row = file->rows ? state->row[0] : 0;
        select.rows = file->rows;
    } else {
        select.row_list = state->row;
        select.rows_in_list = file->rows;
    }
    return status ? status : msio_read_new(column, &select, array, NULL);
}

/* A column that must be of this type, copied to where it goes. */
static msio_status fill(const msio_load_file *file, const char *name, msio_type type, int64_t each, void *out) {
    msio_array array = {0};
    msio_status status = read_column(file, name, &array);
    size_t bytes = (size_t)(file->rows * each) * msio_type_size(type);
    if (!status && (array.type != type || array.bytes != bytes))
        status =
            msio_error_set(MSIO_E_FORMAT, file->path, "column %s is not what a Measurement Set has: %s of %zu bytes",
                           name, msio_type_name(array.type), array.bytes);
    if (!status && bytes) memcpy(out, array.data, bytes);
    msio_array_free(&array);
    return status;
}

/* Always all: nobody asks for less, see rows_by_part. */
static msio_status read_rows(const msio_load_file *file, unsigned which, const msio_select *select,
                             msio_uvh5_rows *rows) {
    (void)select;
    int64_t n = file->rows + 1;
    size_t bytes = (size_t)n * (5 * sizeof(double) + 2 * sizeof(int32_t));
    *rows = (msio_uvh5_rows){.rows = file->rows};
    rows->memory = msio_pool_take(bytes);
    if (!rows->memory) return msio_error_set(MSIO_E_MEMORY, file->path, "no memory for %lld rows", (long long)n);
    memset(rows->memory, 0, bytes);
    rows->time = rows->memory;
    rows->integration_time = rows->time + n;
    rows->uvw = (double(*)[3])(rows->integration_time + n);
    rows->ant_1 = (int32_t *)(void *)(rows->uvw + n);
    rows->ant_2 = rows->ant_1 + n;
    msio_status status = fill(file, "TIME", MSIO_DOUBLE, 1, rows->time);
    if (!status) status = fill(file, "ANTENNA1", MSIO_INT, 1, rows->ant_1);
    if (!status) status = fill(file, "ANTENNA2", MSIO_INT, 1, rows->ant_2);
    if (!status) status = fill(file, "INTERVAL", MSIO_DOUBLE, 1, rows->integration_time);
    if (!status && which & MSIO_UVH5_UVW) status = fill(file, "UVW", MSIO_DOUBLE, 3, rows->uvw);
    if (status) msio_uvh5_rows_free(rows);
    return status;
}

/* ---------------------------------------------------------------- reading */

static void set_target(const msio_load_file *file, int what, msio_type type, msio_target *target) {
    (void)file, (void)what;
    target->type = type; /* a window's parts are read at once, without the sink */
}

/* Rows [from, from + count) of the part's set, as table rows in the order of their places from `place` on. */
static msio_status table_rows(const msio_load_file *file, const msio_load_part *part, int64_t from, int64_t count,
                              int64_t **list) {
    const window_state *state = file->state;
    *list = malloc((size_t)(count + 1) * sizeof **list);
    if (!*list) return msio_error_set(MSIO_E_MEMORY, file->path, "no memory for a list of rows");
    for (int64_t i = 0; i < part->rows->count; i++) {
        int64_t place = msio_rows_place(part->rows, i) - from;
        if (place >= 0 && place < count) (*list)[place] = state->row[msio_rows_row(part->rows, i)];
    }
    return MSIO_OK;
}

/* Reads rows of places [from, from + count) into `out`, rows `apart` elements from each other. */
static msio_status read_places(const msio_load_file *file, const msio_load_part *part, int64_t from, int64_t count,
                               uint8_t *out, int64_t apart, const msio_read_opts *opts) {
    const window_state *state = file->state;
    int64_t *list;
    msio_status status = table_rows(file, part, from, count, &list);
    if (status) return status;
    msio_select select = MSIO_SELECT_ALL;
    select.row_list = list;
    select.rows_in_list = count;
    select.chan = part->chan;
    select.chans = part->chans;
    select.chan_step = part->chan_step;
    select.corr = part->corr;
    select.corrs = part->corrs;
    select.corr_step = part->corr_step;
    msio_dense_column column = {.name = array_names[part->what], .out = out, .out_bytes = SIZE_MAX, .apart = apart};
    msio_read_opts plain = *opts;
    plain.way = opts->way == MSIO_WAY_SCRATCH ? MSIO_WAY_AUTO : opts->way; /* tables stay open, and are mapped */
    msio_dense dense = {.n = 1, .column = &column, .select = &select, .opts = &plain};
    status = msio_access_run(state->table, msio_dense_read, &dense);
    free(list);
    return status;
}

/* In parts, through memory of ours: other types, channels that descend. */
static msio_status read_changed(const msio_load_file *file, const msio_load_part *part, msio_type stored,
                                const msio_read_opts *opts) {
    static const msio_number numbers[MSIO_LOAD_ARRAYS] = {{MSIO_NUMBER_FLOAT, 4, 2, false, false},
                                                          {MSIO_NUMBER_UNSIGNED, 1, 1, false, true},
                                                          {MSIO_NUMBER_FLOAT, 4, 1, false, false}};
    msio_number number = numbers[part->what];
    int64_t elem = (int64_t)msio_type_size(stored), row = part->chans * part->corrs * elem;
    int64_t at_once = msio_max(1, PART_BYTES / msio_max(row, 1));
    if (stored == MSIO_DCOMPLEX || stored == MSIO_DOUBLE) number.bytes = 8;
    uint8_t *memory = msio_pool_take((size_t)(row * msio_min(at_once, part->rows->count) + 1));
    if (!memory) return msio_error_set(MSIO_E_MEMORY, file->path, "no memory to read a window in parts");
    msio_status status = MSIO_OK;
    for (int64_t from = 0; from < part->rows->count && !status; from += at_once) {
        int64_t count = msio_min(at_once, part->rows->count - from);
        status = read_places(file, part, from, count, memory, 0, opts);
        msio_box box = {3,
                        {part->corrs, part->chans, count},
                        {elem, part->corrs * elem, row},
                        {part->corr_stride, part->chan_stride, part->row_stride}};
        if (!status)
            msio_box_convert(&box, &number, part->type, memory, part->result + part->out + from * part->row_stride);
    }
    msio_pool_give(memory);
    return status;
}

static msio_status push(const msio_load_file *file, const msio_load_part *part, msio_sink *sink,
                        const msio_read_opts *opts) {
    const window_state *state = file->state;
    const msio_column *column;
    (void)sink;
    msio_status status = msio_table_column(state->table, array_names[part->what], &column);
    const msio_column_info *info = status ? NULL : msio_column_describe(column);
    if (!info) return status ? status : msio_last_error()->code;
    int64_t elem = (int64_t)msio_type_size(part->type);
    bool same = info->type == part->type && part->chan_stride == part->corrs * elem && part->corr_stride == elem;
    if (same)
        return read_places(file, part, 0, part->rows->count, part->result + part->out, part->row_stride / elem, opts);
    return read_changed(file, part, info->type, opts);
}

static msio_status unchanged(const msio_load_file *file) {
    (void)file;
    return MSIO_OK; /* the table's lock is held */
}

static const msio_load_kind ms_kind = {.close = close_file,
                                       .rows = read_rows,
                                       .target = set_target,
                                       .push = push,
                                       .unchanged = unchanged,
                                       .let_go = let_go};

/* ---------------------------------------------------------------- subtables */

/* A column of a subtable, all rows. */
static msio_status read_cells(msio_table *table, const char *name, msio_ragged *cells) {
    const msio_column *column;
    msio_status status = msio_table_column(table, name, &column);
    return status ? status : msio_read_ragged(column, NULL, cells, NULL);
}

static double number_at(const msio_ragged *cells, int64_t row, int64_t k) {
    if (row < 0 || row >= cells->cells || k >= cells->offsets[row + 1] - cells->offsets[row]) return NAN;
    int64_t at = cells->offsets[row] + k;
    if (cells->type == MSIO_DOUBLE) return ((const double *)cells->data)[at];
    if (cells->type == MSIO_INT) return ((const int32_t *)cells->data)[at];
    return NAN;
}

static msio_status open_subtable(const char *path, const char *name, const msio_open_opts *opts, msio_table **table) {
    char full[4096];
    int length = snprintf(full, sizeof full, "%s::%s", path, name);
    if (length >= (int)sizeof full) return msio_error_set(MSIO_E_ARGUMENT, path, "the path is too long");
    return msio_table_open(full, opts, table);
}

static msio_status read_antennas(msio_loader *l, msio_table *table, msio_load_file *file) {
    msio_ragged name = {0}, position = {0}, diameter = {0};
    msio_status status = read_cells(table, "NAME", &name);
    if (!status) status = read_cells(table, "POSITION", &position);
    if (!status) status = read_cells(table, "DISH_DIAMETER", &diameter);
    msio_load_antenna *list = status ? NULL : msio_arena_take(&l->arena, name.cells + 1, sizeof *list);
    if (!status && !list) status = msio_error_set(MSIO_E_MEMORY, file->path, "no memory for antennas");
    for (int64_t i = 0; !status && i < name.cells; i++) {
        int64_t e = name.offsets[i], from = name.text_offsets[e];
        bool there = name.offsets[i + 1] > e;
        list[i].number = (int)i;
        list[i].name = msio_arena_text(&l->arena, name.text + from, there ? name.text_offsets[e + 1] - from : 0);
        for (int k = 0; k < 3; k++) list[i].position[k] = number_at(&position, i, k);
        list[i].diameter = number_at(&diameter, i, 0);
        if (!list[i].name) status = msio_error_set(MSIO_E_MEMORY, file->path, "no memory for antennas");
    }
    file->antenna = list;
    file->antennas = (int)name.cells;
    msio_ragged_free(&name);
    msio_ragged_free(&position);
    msio_ragged_free(&diameter);
    return status;
}

/* Frequencies and widths of a window. */
static msio_status take_window(msio_loader *l, const msio_ragged *frequency, const msio_ragged *width, int64_t window,
                               msio_load_file *file) {
    if (window < 0 || window >= frequency->cells)
        return msio_error_set(MSIO_E_FORMAT, file->path, "a data description names spectral window %lld of %lld",
                              (long long)window, (long long)frequency->cells);
    int64_t n = frequency->offsets[window + 1] - frequency->offsets[window];
    double *f = msio_arena_take(&l->arena, n + 1, sizeof *f), *w = msio_arena_take(&l->arena, n + 1, sizeof *w);
    if (!f || !w) return msio_error_set(MSIO_E_MEMORY, file->path, "no memory for frequencies");
    for (int64_t i = 0; i < n; i++) {
        f[i] = number_at(frequency, window, i);
        w[i] = fabs(number_at(width, window, i));
        if (isnan(f[i]) || isnan(w[i]))
            return msio_error_set(MSIO_E_FORMAT, file->path, "CHAN_FREQ or CHAN_WIDTH of window %lld is no number",
                                  (long long)window);
    }
    file->channels = n;
    file->frequency = f;
    file->width = w;
    file->number = (int)window;
    return MSIO_OK;
}

static msio_status take_pols(msio_loader *l, const msio_ragged *types, int64_t which, msio_load_file *file) {
    if (which < 0 || which >= types->cells)
        return msio_error_set(MSIO_E_FORMAT, file->path, "a data description names polarization setup %lld of %lld",
                              (long long)which, (long long)types->cells);
    file->pols = types->offsets[which + 1] - types->offsets[which];
    int32_t *list = msio_arena_take(&l->arena, file->pols + 1, sizeof *list);
    if (!list) return msio_error_set(MSIO_E_MEMORY, file->path, "no memory for polarizations");
    for (int64_t i = 0; i < file->pols; i++) list[i] = (int32_t)number_at(types, which, i);
    file->polarization = list;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- windows */

/* What is read of the subtables, once for an MS. */
typedef struct ms_tables {
    msio_ragged frequency, width, corr_type, window_of, pol_of;
} ms_tables;

static void free_tables(ms_tables *t) {
    msio_ragged *all[] = {&t->frequency, &t->width, &t->corr_type, &t->window_of, &t->pol_of};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) msio_ragged_free(all[i]);
}

static msio_status read_tables(const char *path, const msio_open_opts *opts, ms_tables *t) {
    static const char *const columns[][2] = {{"SPECTRAL_WINDOW", "CHAN_FREQ"},
                                             {"SPECTRAL_WINDOW", "CHAN_WIDTH"},
                                             {"POLARIZATION", "CORR_TYPE"},
                                             {"DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID"},
                                             {"DATA_DESCRIPTION", "POLARIZATION_ID"}};
    msio_ragged *const cells[] = {&t->frequency, &t->width, &t->corr_type, &t->window_of, &t->pol_of};
    msio_status status = MSIO_OK;
    for (size_t i = 0; i < sizeof columns / sizeof *columns && !status; i++) {
        msio_table *table = NULL;
        status = open_subtable(path, columns[i][0], opts, &table);
        if (!status) status = read_cells(table, columns[i][1], cells[i]);
        msio_table_close(table);
    }
    return status;
}

/* The rows of one data description, counted and listed. */
static msio_status take_rows(const int32_t *ids, int64_t rows, int64_t wanted, msio_load_file *file) {
    window_state *state = file->state;
    int64_t n = 0;
    for (int64_t i = 0; i < rows; i++) n += ids[i] == wanted;
    state->row = malloc((size_t)(n + 1) * sizeof *state->row);
    if (!state->row) return msio_error_set(MSIO_E_MEMORY, file->path, "no memory for a list of rows");
    for (int64_t i = 0, k = 0; i < rows; i++)
        if (ids[i] == wanted) state->row[k++] = i;
    file->rows = n;
    state->range = n == 0 || state->row[n - 1] - state->row[0] == n - 1;
    return MSIO_OK;
}

static unsigned arrays_of(msio_table *table, msio_type *visdata) {
    unsigned arrays = 0;
    for (int i = 0; i < MSIO_LOAD_ARRAYS; i++) {
        const msio_column *column;
        if (msio_table_column(table, array_names[i], &column)) continue;
        const msio_column_info *info = msio_column_describe(column);
        if (info && i == 0) *visdata = info->type;
        arrays |= 1u << i;
    }
    return arrays;
}

/* What all windows of an MS share. */
typedef struct ms_opening {
    msio_loader *loader;
    msio_table *table;
    const char *path;
    ms_tables tables;
    msio_array ids; /* DATA_DESC_ID */
    msio_load_antenna *antenna;
    int windows;
} ms_opening;

static msio_status add_window(ms_opening *o, int64_t id, const msio_load_file *shared) {
    msio_loader *l = o->loader;
    msio_load_file *file = msio_load_add(l);
    if (!file) return MSIO_E_MEMORY;
    *file = *shared;
    window_state *state = file->state = msio_arena_take(&l->arena, 1, sizeof *state);
    if (!state) return msio_error_set(MSIO_E_MEMORY, o->path, "no memory for a window");
    state->table = o->table;
    msio_status status = take_rows(o->ids.data, o->ids.shape[0], id, file);
    if (status) return status;
    if (file->rows == 0) {
        free(state->row);
        l->files--;
        return MSIO_OK;
    }
    o->windows++;
    status =
        take_window(l, &o->tables.frequency, &o->tables.width, (int64_t)number_at(&o->tables.window_of, id, 0), file);
    return status ? status : take_pols(l, &o->tables.corr_type, (int64_t)number_at(&o->tables.pol_of, id, 0), file);
}

static msio_status add_windows(ms_opening *o, const msio_open_opts *opts) {
    msio_load_file shared = {.kind = &ms_kind, .path = o->path, .phase_type = "", .time_unit = 1};
    msio_table *antennas = NULL;
    const msio_column *column;
    shared.phase_center[0] = shared.phase_center[1] = NAN;
    shared.arrays = arrays_of(o->table, &shared.visdata_type);
    msio_status status = read_tables(o->path, opts, &o->tables);
    if (!status) status = msio_table_column(o->table, "DATA_DESC_ID", &column);
    if (!status) status = msio_read_new(column, NULL, &o->ids, NULL);
    if (!status && o->ids.type != MSIO_INT)
        status = msio_error_set(MSIO_E_FORMAT, o->path, "DATA_DESC_ID holds %s", msio_type_name(o->ids.type));
    if (!status) status = open_subtable(o->path, "ANTENNA", opts, &antennas);
    if (!status) status = read_antennas(o->loader, antennas, &shared);
    msio_table_close(antennas);
    for (int64_t id = 0; id < o->tables.window_of.cells && !status; id++) status = add_window(o, id, &shared);
    if (!status && o->windows == 0)
        status = msio_error_set(MSIO_E_NOT_FOUND, o->path, "the Measurement Set has no rows");
    return status;
}

msio_status msio_load_add_ms(msio_loader *loader, const char *path, int number) {
    ms_opening o = {.loader = loader, .path = path};
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    int first = loader->files;
    opts.native = loader->opts.native;
    opts.nolock = loader->opts.nolock;
    msio_status status = msio_table_open(path, &opts, &o.table);
    if (!status && !opts.nolock) status = msio_table_hold(o.table);
    bool held = !status && !opts.nolock;
    if (!status) status = add_windows(&o, &opts);
    if (loader->files > first) { /* the first window closes the table, also after a failure */
        window_state *state = loader->file[first].state;
        if (state) {
            state->owner = true;
            state->held = held;
        }
        for (int i = first; i < loader->files; i++) loader->file[i].number += number;
    }
    if (loader->files == first || !loader->file[first].state) {
        if (held) msio_table_release(o.table);
        msio_table_close(o.table);
    }
    free_tables(&o.tables);
    msio_array_free(&o.ids);
    return status;
}
