/* simulate_ms.c - making a whole Measurement Set whose every value follows from a closed formula. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memrchr, realpath */
#endif

#include "io/simulate/simulate_ms.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/ms/ms_make.h"
#include "io/ms/ms_place.h"
#include "io/simulate/simulate_progress.h"
#include "msio/files.h"
#include "msio/io.h"
#include "prof/call.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of values made at a time. */
#define BLOCK_BYTES ((int64_t)32 << 20)
/* casacore's own size of a tile, in elements: tiles of the layouts are as many whole rows as fit it. */
#define TILE_ELEMENTS 32768
/* Bytes of a bucket of the scalars' managers: DSA-110's of ANTENNA1 and the like, and casacore's own of the others. */
#define FAST_BUCKET 128
#define SLOW_BUCKET 32768
/* Most rows that can be made: the row map of a TiledShapeStMan counts in 32 bits. */
#define MOST_ROWS ((int64_t)INT32_MAX)

/* ---------------------------------------------------------------- columns */

/* The shape of a column's cells. */
typedef enum cell_kind { CELL_SCALAR, CELL_CORR, CELL_CHAN, CELL_CHAN_CORR, CELL_UVW } cell_kind;

/* How a column is stored; the layouts differ in what they share. */
typedef enum store_kind { STORE_TILED, STORE_TILED_COLUMN, STORE_FAST, STORE_SLOW } store_kind;

typedef struct main_column {
    const char *name;
    cell_kind cell;
    store_kind store;
    msio_sim_fill *fill; /* NULL: its cells stay undefined */
    const char *manager; /* name of its data manager, where it has one of its own */
    bool imaging;        /* only with imaging columns */
} main_column;

static const main_column main_columns[] = {
    {"DATA", CELL_CHAN_CORR, STORE_TILED, msio_sim_fill_data, "TiledDATA", false},
    {"FLAG", CELL_CHAN_CORR, STORE_TILED, msio_sim_fill_flag, "TiledFLAG", false},
    {"WEIGHT_SPECTRUM", CELL_CHAN_CORR, STORE_TILED, msio_sim_fill_weight_spectrum, "TiledWEIGHT_SPECTRUM", false},
    {"WEIGHT", CELL_CORR, STORE_TILED, msio_sim_fill_weight, "TiledWEIGHT", false},
    {"SIGMA", CELL_CORR, STORE_TILED, msio_sim_fill_sigma, "TiledSIGMA", false},
    {"UVW", CELL_UVW, STORE_TILED_COLUMN, msio_sim_fill_uvw, "TiledUVW", false},
    {"FLAG_CATEGORY", CELL_CHAN_CORR, STORE_TILED, NULL, "TiledFLAG_CATEGORY", false},
    {"ANTENNA1", CELL_SCALAR, STORE_FAST, msio_sim_fill_antenna1, "SSM_ANTENNA1", false},
    {"ANTENNA2", CELL_SCALAR, STORE_FAST, msio_sim_fill_antenna2, "SSM_ANTENNA2", false},
    {"DATA_DESC_ID", CELL_SCALAR, STORE_FAST, msio_sim_fill_data_desc, "SSM_DATA_DESC_ID", false},
    {"FLAG_ROW", CELL_SCALAR, STORE_FAST, msio_sim_fill_flag_row, "SSM_FLAG_ROW", false},
    {"TIME", CELL_SCALAR, STORE_SLOW, msio_sim_fill_time, "ISM_TIME", false},
    {"TIME_CENTROID", CELL_SCALAR, STORE_SLOW, msio_sim_fill_time, "ISM_TIME_CENTROID", false},
    {"INTERVAL", CELL_SCALAR, STORE_SLOW, msio_sim_fill_interval, "ISM_INTERVAL", false},
    {"EXPOSURE", CELL_SCALAR, STORE_SLOW, msio_sim_fill_interval, "ISM_EXPOSURE", false},
    {"FIELD_ID", CELL_SCALAR, STORE_SLOW, msio_sim_fill_field, "ISM_FIELD_ID", false},
    {"SCAN_NUMBER", CELL_SCALAR, STORE_SLOW, msio_sim_fill_scan, "ISM_SCAN_NUMBER", false},
    {"ARRAY_ID", CELL_SCALAR, STORE_SLOW, msio_sim_fill_zero, "ISM_ARRAY_ID", false},
    {"OBSERVATION_ID", CELL_SCALAR, STORE_SLOW, msio_sim_fill_zero, "ISM_OBSERVATION_ID", false},
    {"PROCESSOR_ID", CELL_SCALAR, STORE_SLOW, msio_sim_fill_zero, "ISM_PROCESSOR_ID", false},
    {"STATE_ID", CELL_SCALAR, STORE_SLOW, msio_sim_fill_zero, "ISM_STATE_ID", false},
    {"FEED1", CELL_SCALAR, STORE_SLOW, msio_sim_fill_zero, "ISM_FEED1", false},
    {"FEED2", CELL_SCALAR, STORE_SLOW, msio_sim_fill_zero, "ISM_FEED2", false},
    {"MODEL_DATA", CELL_CHAN_CORR, STORE_TILED, msio_sim_fill_model, "TiledMODEL_DATA", true},
    {"CORRECTED_DATA", CELL_CHAN_CORR, STORE_TILED, msio_sim_fill_corrected, "TiledCORRECTED_DATA", true},
    {"IMAGING_WEIGHT", CELL_CHAN, STORE_TILED, msio_sim_fill_imaging_weight, "TiledIMAGING_WEIGHT", true},
};
#define MAIN_COLUMNS (int)(sizeof main_columns / sizeof *main_columns)

_Static_assert(sizeof main_columns / sizeof *main_columns <= MSIO_MS_COLUMNS, "a recipe holds MSIO_MS_COLUMNS columns");

static int columns_made(const msio_sim *sim) {
    int n = 0;
    while (n < MAIN_COLUMNS && (sim->imaging || !main_columns[n].imaging)) n++;
    return n;
}

/* Axes of a column's cells, and their lengths, numpy order. */
static int cell_shape(const msio_sim *sim, cell_kind cell, int64_t shape[2]) {
    switch (cell) {
    case CELL_SCALAR: return 0;
    case CELL_CORR: shape[0] = sim->corrs; return 1;
    case CELL_CHAN: shape[0] = sim->channels; return 1;
    case CELL_UVW: shape[0] = 3; return 1;
    case CELL_CHAN_CORR:
        shape[0] = sim->channels;
        shape[1] = sim->corrs;
        return 2;
    }
    return 0;
}

/* Elements of one cell; its size is small enough, see check_size. */
static int64_t cell_elements(const msio_sim *sim, cell_kind cell) {
    int64_t shape[2] = {1, 1};
    cell_shape(sim, cell, shape);
    return shape[0] * shape[1];
}

static msio_type column_type(const main_column *column) {
    return msio_ms_column_find(msio_ms_table_find("MAIN"), column->name)->type;
}

/* ---------------------------------------------------------------- managers */

/* Tile of channels and correlations as casacore's own writers of Measurement Sets choose it (MSTileLayout::tileShape
 * with its 200 baselines of an unknown telescope): about 1 MiB of visibilities, cut along the channels too. */
static void casacore_tile(const msio_sim *sim, int64_t tile[3]) {
    const int64_t block = 131072, most_rows = 2000, corrs = sim->corrs;
    int64_t elements = block, chans = 100;
    if (sim->channels < 100) {
        chans = block / corrs / 200;
    } else if (sim->channels < 10000) { /* 10 * floor(sqrt(channels / 99.9)) */
        int64_t root = 1;
        while ((root + 1) * (root + 1) * 999 <= (int64_t)sim->channels * 10) root++;
        chans = 10 * root;
    }
    while (block / corrs / chans > most_rows && chans < sim->channels) chans += 2;
    if (block / corrs / chans > most_rows) elements = most_rows * corrs * chans;
    tile[1] = msio_min(chans, sim->channels);
    tile[2] = corrs;
    tile[0] = msio_max(1, elements / corrs / tile[1]);
}

/* The tile of a column's cells, [row][channel][correlation]; returns its axes. But for the layout "default", a tile of
 * channels and correlations holds as many whole rows as TILE_ELEMENTS have room for, and imaging weights have CASA's
 * tile of 32 channels and 128 rows. Other tiles are those that casacore makes when it is not told: rows rounded. */
static int column_tile(const msio_sim *sim, cell_kind cell, int64_t tile[3]) {
    const bool own = sim->layout == MSIO_SIM_DEFAULT;
    const int64_t elements = cell_elements(sim, cell);
    const int ndim = cell_shape(sim, cell, tile + 1);
    tile[0] = msio_max(1, (TILE_ELEMENTS + elements / 2) / elements);
    if (cell == CELL_CHAN_CORR && own) casacore_tile(sim, tile);
    if (cell == CELL_CHAN_CORR && !own) tile[0] = msio_max(1, TILE_ELEMENTS / elements);
    if (cell == CELL_CHAN && !own) {
        tile[0] = 128;
        tile[1] = msio_min(32, tile[1]);
    }
    return ndim + 1;
}

/* The manager of one column: one of its own, or in the layout "default" one that scalars of its kind share. */
static void set_manager(const msio_sim *sim, const main_column *column, msio_casa_manager_spec *manager) {
    static const char *const types[] = {"TiledShapeStMan", "TiledColumnStMan", "StandardStMan", "IncrementalStMan"};
    const bool tiled = column->store == STORE_TILED || column->store == STORE_TILED_COLUMN;
    *manager = (msio_casa_manager_spec){.type = types[column->store], .name = column->manager, .hypercolumn = tiled};
    if (tiled && column->fill) manager->tile_ndim = column_tile(sim, column->cell, manager->tile);
    if (tiled) return;
    if (sim->layout == MSIO_SIM_DEFAULT)
        manager->name = types[column->store];
    else
        manager->bucket_bytes = column->store == STORE_FAST ? FAST_BUCKET : SLOW_BUCKET;
}

/* Managers of all columns that are made, each name once; returns how many. */
static int set_managers(const msio_sim *sim, msio_casa_manager_spec *managers, int *manager_of) {
    int n = 0;
    for (int i = 0; i < columns_made(sim); i++) {
        msio_casa_manager_spec next;
        set_manager(sim, &main_columns[i], &next);
        int m = 0;
        while (m < n && strcmp(managers[m].name, next.name) != 0) m++;
        if (m == n) managers[n++] = next;
        manager_of[i] = m;
    }
    return n;
}

/* ---------------------------------------------------------------- the main table */

static int64_t row_bytes(const msio_sim *sim, const main_column *column) {
    return column->fill ? cell_elements(sim, column->cell) * (int64_t)msio_type_size(column_type(column)) : 0;
}

/* Bytes of values that all columns together get. */
static int64_t value_bytes(const msio_sim *sim) {
    int64_t bytes = 0;
    for (int i = 0; i < columns_made(sim); i++) bytes += row_bytes(sim, &main_columns[i]) * sim->rows;
    return bytes;
}

/* Rows of a block: whole tiles, as many as BLOCK_BYTES hold, but one at least. */
static int64_t block_rows(const msio_sim *sim, const main_column *column) {
    int64_t tile[3] = {1, 1, 1};
    if (column->cell != CELL_SCALAR) column_tile(sim, column->cell, tile);
    return msio_max(1, BLOCK_BYTES / row_bytes(sim, column) / tile[0]) * tile[0];
}

static msio_status put_column(const msio_sim *sim, msio_casa_table *table, const main_column *column, void *block,
                              msio_sim_progress *p) {
    int64_t shape[2];
    int ndim = cell_shape(sim, column->cell, shape);
    msio_status status = MSIO_OK;
    if (column->store == STORE_TILED) status = msio_casa_shape(table, column->name, 0, sim->rows, ndim, shape);
    const int64_t step = block_rows(sim, column);
    for (int64_t row = 0; row < sim->rows && status == MSIO_OK; row += step) {
        int64_t rows = msio_min(step, sim->rows - row);
        msio_sim_fill_of(sim, column->fill)(sim, row, rows, block);
        status = msio_casa_put(table, column->name, row, rows, ndim, shape, block);
        if (status == MSIO_OK) status = msio_sim_advance(p, rows * row_bytes(sim, column));
    }
    return status;
}

static msio_status put_columns(const msio_sim *sim, msio_casa_table *table, msio_sim_progress *p) {
    int64_t most = 0;
    for (int i = 0; i < columns_made(sim); i++)
        if (main_columns[i].fill)
            most = msio_max(most,
                            msio_min(block_rows(sim, &main_columns[i]), sim->rows) * row_bytes(sim, &main_columns[i]));
    void *block = malloc((size_t)most);
    if (!block) return msio_error_set(MSIO_E_MEMORY, p->path, "no memory for a block of %lld bytes", (long long)most);
    msio_status status = MSIO_OK;
    for (int i = 0; i < columns_made(sim) && status == MSIO_OK; i++)
        if (main_columns[i].fill) status = put_column(sim, table, &main_columns[i], block, p);
    free(block);
    return status;
}

static msio_status make_main(const msio_sim *sim, const char *path, msio_casa_table **table) {
    const char *names[MAIN_COLUMNS];
    int manager_of[MAIN_COLUMNS];
    msio_casa_manager_spec managers[MAIN_COLUMNS];
    for (int i = 0; i < columns_made(sim); i++) names[i] = main_columns[i].name;
    const msio_ms_recipe recipe = {
        .path = path,
        .table = msio_ms_table_find("MAIN"),
        .rows = sim->rows,
        .big_endian = sim->big_endian,
        .columns = columns_made(sim),
        .name = names,
        .manager_of = manager_of,
        .managers = set_managers(sim, managers, manager_of),
        .manager = managers,
    };
    return msio_ms_make(&recipe, table);
}

/* Makes the whole Measurement Set at path, where nothing stands. */
static msio_status make_ms(const msio_sim *sim, const char *path, msio_sim_progress *p) {
    msio_casa_table *table = NULL;
    msio_status status = msio_sim_advance(p, 0);
    if (status == MSIO_OK) status = make_main(sim, path, &table);
    if (status == MSIO_OK) status = msio_sim_subtables(sim, path, table);
    if (status == MSIO_OK) status = put_columns(sim, table, p);
    if (status == MSIO_OK) status = msio_casa_flush(table);
    msio_casa_close(table);
    return status;
}

/* ---------------------------------------------------------------- options */

static const char *const layout_names[] = {"dsa110", "default", "wide"};

static msio_status read_layout(const char *name, msio_sim_layout *layout) {
    for (int i = 0; i < 3; i++) {
        if (name && strcmp(name, layout_names[i]) != 0) continue;
        *layout = (msio_sim_layout)i;
        return MSIO_OK;
    }
    return msio_error_set(MSIO_E_ARGUMENT, NULL, "layout %s is none of dsa110, default, wide", name);
}

static msio_status read_byte_order(const char *name, bool *big) {
    const uint16_t one = 1;
    *big = *(const uint8_t *)&one == 0;
    if (!name) return MSIO_OK;
    *big = strcmp(name, "big") == 0;
    if (*big || strcmp(name, "little") == 0) return MSIO_OK;
    return msio_error_set(MSIO_E_ARGUMENT, NULL, "byte order %s is neither little nor big", name);
}

/* Limits that keep every product below in 64 bits, and casacore's own counts in 32. */
static msio_status check_numbers(const msio_simulate_ms_opts *opts) {
    if (opts->antennas < 1 || opts->antennas > 32768 || opts->times < 1 || opts->subbands < 1 || opts->channels < 1)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "%d antennas, %d times, %d subbands, %d channels: each must be at "
                              "least 1, antennas at most 32768",
                              opts->antennas, opts->times, opts->subbands, opts->channels);
    if (opts->corrs != 1 && opts->corrs != 2 && opts->corrs != 4)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "%d correlations: 1, 2 or 4 are made", opts->corrs);
    const int64_t cell[] = {opts->subbands, opts->channels, opts->corrs};
    int64_t elements;
    if (!msio_product_checked(3, cell, &elements) || elements > INT32_MAX / 16)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "%d subbands of %d channels are too many", opts->subbands,
                              opts->channels);
    return MSIO_OK;
}

/* The observation that the options (NULL: the defaults) describe. */
static msio_status describe(const msio_simulate_ms_opts *given, msio_simulate_ms_opts *opts, msio_sim *sim) {
    *opts = (msio_simulate_ms_opts)MSIO_SIMULATE_MS_OPTS_INIT;
    if (given && given->struct_size < offsetof(msio_simulate_ms_opts, layout))
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "the options do not begin with MSIO_SIMULATE_MS_OPTS_INIT");
    if (given) memcpy(opts, given, given->struct_size < sizeof *opts ? given->struct_size : sizeof *opts);
    *sim = (msio_sim){.antennas = opts->antennas,
                      .times = opts->times,
                      .spws = opts->subbands,
                      .channels = opts->channels,
                      .corrs = opts->corrs,
                      .imaging = opts->imaging_columns != 0};
    msio_status status = check_numbers(opts);
    if (status == MSIO_OK) status = read_layout(opts->layout, &sim->layout);
    if (status == MSIO_OK) status = read_byte_order(opts->byte_order, &sim->big_endian);
    if (status != MSIO_OK) return status;
    if (sim->layout == MSIO_SIM_WIDE) {
        sim->spws = 1;
        sim->channels = opts->subbands * opts->channels;
    }
    sim->antennas_listed = msio_sim_listed(sim->antennas);
    sim->baselines = (int64_t)sim->antennas * (sim->antennas + 1) / 2;
    const int64_t factors[] = {sim->baselines, sim->times, sim->spws};
    if (!msio_product_checked(3, factors, &sim->rows) || sim->rows > MOST_ROWS)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "more than %lld rows are not made", (long long)MOST_ROWS);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- size */

/* The sizes below are those of casacore's files; what is not counted out here was read off small Measurement Sets. */

static int64_t tiled_bytes(const msio_sim *sim, const main_column *column) {
    const int64_t header = 480;
    if (!column->fill) return header;
    int64_t tile[3] = {1, 1, 1}, shape[2] = {1, 1};
    column_tile(sim, column->cell, tile);
    cell_shape(sim, column->cell, shape);
    const int64_t tiles =
        msio_div_up(sim->rows, tile[0]) * msio_div_up(shape[0], tile[1]) * msio_div_up(shape[1], tile[2]);
    const int64_t elements = tile[0] * tile[1] * tile[2];
    const msio_type type = column_type(column);
    return header + tiles * (type == MSIO_BOOL ? msio_div_up(elements, 8) : elements * (int64_t)msio_type_size(type));
}

/* A StandardStMan: a header, buckets of `rows` rows, and an index of 8 bytes a bucket in buckets of its own. */
static int64_t standard_bytes(const msio_sim *sim, int64_t bucket, int64_t rows) {
    const int64_t buckets = msio_div_up(sim->rows, rows);
    return 512 + bucket * (buckets + msio_div_up(8 * buckets + 118, bucket - 8));
}

/* An IncrementalStMan: buckets of the values that differ from those of the row before, 16 bytes each. */
static int64_t incremental_bytes(int64_t changes) {
    const int64_t buckets = msio_div_up(16 * changes, SLOW_BUCKET - 64);
    return 580 + buckets * (SLOW_BUCKET + 8);
}

static int64_t changes(const msio_sim *sim, const main_column *column) {
    if (column->fill == msio_sim_fill_zero || column->fill == msio_sim_fill_interval) return 1;
    return (int64_t)sim->times * sim->spws;
}

static int64_t scalar_bytes(const msio_sim *sim) {
    int64_t bytes = 0, together = 0;
    for (int i = 0; i < columns_made(sim); i++) {
        const main_column *column = &main_columns[i];
        const int64_t bits = column_type(column) == MSIO_BOOL ? 1 : 32;
        if (column->store == STORE_SLOW) together += changes(sim, column);
        if (sim->layout == MSIO_SIM_DEFAULT) continue;
        if (column->store == STORE_SLOW) bytes += incremental_bytes(changes(sim, column));
        if (column->store == STORE_FAST) bytes += standard_bytes(sim, FAST_BUCKET, FAST_BUCKET * 8 / bits);
    }
    if (sim->layout != MSIO_SIM_DEFAULT) return bytes;
    return incremental_bytes(together) + standard_bytes(sim, 388, 32); /* three Int and a Bool, 32 rows a bucket */
}

static int64_t subtable_bytes(const msio_sim *sim) {
    const int64_t listed = sim->antennas_listed, times = sim->times;
    return 95443 + 184 * listed + 8328 * msio_div_up(listed, 32) + 96 * times + 2052 * msio_div_up(times, 32) +
           sim->spws * (32 + 32 * (int64_t)sim->channels);
}

int64_t msio_simulate_ms_bytes(const msio_simulate_ms_opts *given, int64_t *rows) {
    msio_simulate_ms_opts opts;
    msio_sim sim;
    if (describe(given, &opts, &sim) != MSIO_OK) return -1;
    int64_t bytes = 11800 + scalar_bytes(&sim) + subtable_bytes(&sim); /* 11800: description, info and lock */
    for (int i = 0; i < columns_made(&sim); i++)
        if (main_columns[i].cell != CELL_SCALAR) bytes += tiled_bytes(&sim, &main_columns[i]);
    if (rows) *rows = sim.rows;
    return bytes;
}

/* ---------------------------------------------------------------- the call */

msio_status msio_sim_ms_describe(const msio_simulate_ms_opts *given, msio_sim *sim) {
    msio_simulate_ms_opts opts;
    return describe(given, &opts, sim);
}

msio_status msio_simulate_ms(const char *path, const msio_simulate_ms_opts *opts) {
    PROF_CALL(path);
    return msio_sim_ms_make(path, opts, NULL);
}

msio_status msio_sim_ms_make(const char *path, const msio_simulate_ms_opts *given, const msio_sim_sky *sky) {
    msio_simulate_ms_opts opts;
    msio_sim sim;
    if (!path || !*path) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no path for the Measurement Set");
    msio_making *making = NULL;
    msio_ms_places *where = malloc(sizeof *where);
    if (!where) return msio_error_set(MSIO_E_MEMORY, path, "no memory for paths");
    msio_status status = describe(given, &opts, &sim);
    sim.sky = sky;
    if (status == MSIO_OK) status = msio_ms_place_find(path, opts.overwrite != 0, where);
    if (status == MSIO_OK) status = msio_casacore_load();
    if (status == MSIO_OK)
        status =
            msio_ms_check_room(where->folder, where->folder, msio_simulate_ms_bytes(&opts, NULL), "a Measurement Set");
    if (status != MSIO_OK) goto done;
    msio_sim_progress p = {opts.progress, opts.user, where->final, 0, value_bytes(&sim)};
    status = msio_making_begin(where->final, &making);
    if (status == MSIO_OK) status = make_ms(&sim, msio_making_place(making), &p);
    if (status == MSIO_OK) status = msio_ms_place_take(where, making);
done:
    msio_making_free(making);
    free(where);
    return status;
}
