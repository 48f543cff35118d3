/* convert_data.c - the columns of a conversion that have a value a row: read in batches of rows, turned, written. */
#include "core/checked.h"
#include "core/error.h"
#include "core/threads.h"
#include "io/convert/convert_values.h"
#include "msio/write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The columns of a batch, in the order of a block's memory. */
enum { DATA, FLAG, SPECTRUM, WEIGHT, SIGMA, CORRECTED, MOST };
static const char *const names[MOST] = {"DATA", "FLAG", "WEIGHT_SPECTRUM", "WEIGHT", "SIGMA", "CORRECTED_DATA"};
/* Rows that one thread takes at a time. */
#define ROWS_AT_ONCE 64

typedef struct writer {
    msio_conversion *c;
    msio_table *table;
    const msio_column *column[MOST];
    int columns;
    msio_write_opts opts;
    int threads;
    int64_t room;  /* rows of a window that the memory holds */
    bool in_place; /* flags and sample counts are written from where they were read */
    uint8_t *memory[MOST];
    double *phasors; /* of the antennas; NULL: rows are not turned */
} writer;

/* ---------------------------------------------------------------- cells */

/* Gives all cells of a column their shape at once; their file gets its room, or stays a hole. */
static msio_status make_cells(writer *w, const char *name, int ndim, const int64_t *shape, bool hole) {
    static const uint8_t zeros[16];
    const msio_column *column;
    msio_write_opts opts = w->opts;
    msio_status status = msio_table_column(w->table, name, &column);
    if (status) return status;
    const msio_column_info *info = msio_column_describe(column);
    if (!info) return msio_last_error()->code;
    opts.cell_ndim = ndim;
    for (int i = 0; i < ndim; i++) opts.cell_shape[i] = shape[i];
    opts.allocate = !hole;
    return msio_write_value(column, NULL, zeros, msio_type_size(info->type), &opts);
}

static msio_status make_all_cells(writer *w) {
    const msio_conversion *c = w->c;
    const int64_t both[2] = {c->most_channels, c->pols}, corrs = c->pols;
    const bool imaging = c->opts.imaging != MSIO_IMAGING_NONE, copy = c->opts.imaging == MSIO_IMAGING_DATA;
    if (!c->equal_windows) return MSIO_OK; /* casacore made them */
    msio_status status = make_cells(w, "DATA", 2, both, false);
    if (!status) status = make_cells(w, "FLAG", 2, both, false);
    if (!status) status = make_cells(w, "WEIGHT_SPECTRUM", 2, both, false);
    if (!status) status = make_cells(w, "WEIGHT", 1, &corrs, false);
    if (!status) status = make_cells(w, "SIGMA", 1, &corrs, false);
    if (!status && imaging) status = make_cells(w, "MODEL_DATA", 2, both, true);
    if (!status && imaging) status = make_cells(w, "CORRECTED_DATA", 2, both, !copy);
    if (!status && imaging) status = make_cells(w, "IMAGING_WEIGHT", 1, &c->most_channels, true);
    return status;
}

/* ---------------------------------------------------------------- what all windows share */

static msio_status write_shared(writer *w) {
    static const char *const shared[] = {"ANTENNA1", "ANTENNA2", "UVW", "DATA_DESC_ID"};
    const msio_conversion *c = w->c;
    const msio_column *column[4];
    msio_status status = MSIO_OK;
    int32_t *number = malloc((size_t)c->rows * sizeof *number);
    if (!number) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the rows' windows");
    for (int i = 0; i < 4 && !status; i++) status = msio_table_column(w->table, shared[i], &column[i]);
    const void *const values[4] = {c->antenna1, c->antenna2, c->uvw, number};
    const size_t n = (size_t)c->rows, sizes[4] = {4 * n, 4 * n, 24 * n, 4 * n};
    for (int s = 0; s < c->windows && !status; s++) {
        msio_select select = MSIO_SELECT_ALL;
        select.row = s * c->rows;
        select.rows = c->rows;
        for (int64_t r = 0; r < c->rows; r++) number[r] = s;
        status = msio_write_many(4, column, &select, values, sizes, &w->opts);
        if (!status) status = msio_conv_report(w->c, c->rows * 36);
    }
    free(number);
    return status;
}

/* ---------------------------------------------------------------- batches */

static msio_status take_memory(writer *w) {
    const msio_conversion *c = w->c;
    const size_t cells = (size_t)c->most_channels * (size_t)c->pols, corrs = (size_t)c->pols;
    w->in_place = c->equal_windows && msio_conv_keeps_order(c);
    const size_t moved = w->in_place ? 0 : cells;
    const size_t bytes[MOST] = {8 * cells, moved, 4 * moved, 4 * corrs, 4 * corrs, 0}; /* of the widest window's row */
    const size_t phasors = c->antenna_delay ? (size_t)msio_conv_phasor_room(c->most_channels) * sizeof(double) : 0;
    size_t all = phasors / MSIO_CONV_ROWS_AN_ANTENNA;
    for (int i = 0; i < MOST; i++) all += bytes[i];
    w->room = (int64_t)((c->opts.memory / 4) / all);
    if (w->room < 1)
        return msio_error_set(MSIO_E_SIZE, NULL, "a memory limit of %zu bytes has no room for one row of %zu bytes",
                              c->opts.memory, all);
    w->room = msio_min(w->room, c->rows);
    for (int i = 0; i < MOST; i++) {
        if (!bytes[i]) continue;
        w->memory[i] = msio_pool_take((size_t)w->room * bytes[i]);
        if (!w->memory[i]) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for %lld rows", (long long)w->room);
    }
    if (!phasors) return MSIO_OK;
    w->phasors = msio_pool_take((size_t)(w->room / MSIO_CONV_ROWS_AN_ANTENNA + 1) * phasors);
    return w->phasors ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the antennas' phasors");
}

/* The antennas' phasors of a block, where a time has many more rows than antennas. */
static void make_phasors(const writer *w, msio_conv_block *b) {
    const int antennas = w->c->antennas;
    const int32_t times = w->phasors ? msio_conv_times(b, &b->first_time) : 0;
    if (times == 0) return;
    if (w->threads > 1) msio_threads_used();
#pragma omp parallel for num_threads(w->threads) schedule(static) if (w->threads > 1)
    for (int64_t i = 0; i < (int64_t)times * antennas; i++)
        msio_conv_phasors(b, w->phasors, (int32_t)(i / antennas), (int)(i % antennas));
    b->phasors = w->phasors;
}

static msio_status turn_block(const writer *w, const msio_conv_block *b) {
    const int64_t parts = msio_div_up(b->rows, ROWS_AT_ONCE);
    const int threads = (int)msio_min(w->threads, parts);
    bool failed = false;
    if (threads > 1) msio_threads_used();
#pragma omp parallel for num_threads(threads) schedule(dynamic, 4) reduction(|| : failed) if (threads > 1)
    for (int64_t part = 0; part < parts; part++)
        failed = msio_conv_values(b, part * ROWS_AT_ONCE, msio_min(b->rows, (part + 1) * ROWS_AT_ONCE)) || failed;
    return failed ? msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a row") : MSIO_OK;
}

/* Rows of one window, which begin at `from` in the batch. */
static msio_status write_block(writer *w, const msio_subbands *batch, int64_t first_row, int64_t from, int64_t rows,
                               int s) {
    const msio_conversion *c = w->c;
    const msio_subband *band = &batch->subband[s];
    const int64_t corrs = c->pols, cells = band->channels * corrs;
    const int64_t stride = c->equal_windows ? cells : batch->channels * corrs;
    const int64_t at = c->equal_windows ? (s * batch->rows + from) * cells : from * stride + band->channel * corrs;
    msio_conv_block b = {.c = c,
                         .first = first_row + from,
                         .rows = rows,
                         .channels = band->channels,
                         .frequency = c->facts.frequencies + c->facts.subband[s].channel,
                         .stride = stride,
                         .visdata = (const float(*)[2])batch->visdata + at,
                         .flags = batch->flags + at,
                         .nsamples = batch->nsamples + at,
                         .data = (float(*)[2])(void *)w->memory[DATA],
                         .flag = w->memory[FLAG],
                         .spectrum = (float *)(void *)w->memory[SPECTRUM],
                         .weight = (float *)(void *)w->memory[WEIGHT],
                         .sigma = (float *)(void *)w->memory[SIGMA]};
    const void *flags = w->in_place ? b.flags : b.flag, *spectrum = w->in_place ? b.nsamples : b.spectrum;
    const void *values[MOST] = {b.data, flags, spectrum, b.weight, b.sigma, b.data};
    const size_t n = (size_t)rows, all = n * (size_t)cells, few = n * (size_t)corrs;
    const size_t sizes[MOST] = {8 * all, all, 4 * all, 4 * few, 4 * few, 8 * all};
    msio_select select = MSIO_SELECT_ALL;
    select.row = s * c->rows + b.first;
    select.rows = rows;
    make_phasors(w, &b);
    msio_status status = turn_block(w, &b);
    if (!status) status = msio_write_many(w->columns, w->column, &select, values, sizes, &w->opts);
    if (status) return status;
    const int64_t copies = w->columns > CORRECTED ? 20 : 12;
    return msio_conv_report(w->c, rows * (cells * copies + msio_div_up(cells, 8) + 8 * corrs));
}

static msio_status write_batch(writer *w, const msio_subbands *batch, int64_t first_row) {
    msio_status status = MSIO_OK;
    for (int s = 0; s < w->c->windows && !status; s++)
        for (int64_t from = 0; from < batch->rows && !status; from += w->room)
            status = write_block(w, batch, first_row, from, msio_min(w->room, batch->rows - from), s);
    for (int s = 0; s < w->c->windows; s++)
        if (batch->subband[s].present) w->c->bytes_read += batch->rows * batch->subband[s].channels * w->c->pols * 13;
    return status;
}

static msio_status write_batches(writer *w) {
    const msio_subbands *batch;
    int64_t first_row = 0, rows = 0;
    msio_status status = MSIO_OK;
    while (!status && (status = msio_load_stream_next(w->c->stream, &batch, &first_row)) == MSIO_OK) {
        rows += batch->rows;
        status = write_batch(w, batch, first_row);
    }
    if (status == MSIO_END) status = MSIO_OK;
    if (!status && rows != w->c->rows)
        status = msio_error_set(MSIO_E_CHANGED, w->c->header->path, "rows came or went while the file was read");
    return status;
}

/* ---------------------------------------------------------------- the table */

static msio_status open_table(writer *w, const char *path) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.writable = 1;
    msio_status status = msio_table_open(path, &opts, &w->table);
    if (!status) status = msio_table_hold_write(w->table);
    w->columns = w->c->opts.imaging == MSIO_IMAGING_DATA ? MOST : MOST - 1;
    for (int i = 0; i < w->columns && !status; i++) status = msio_table_column(w->table, names[i], &w->column[i]);
    return status;
}

msio_status msio_conv_data(msio_conversion *c, const char *path) {
    writer w = {.c = c, .opts = MSIO_WRITE_OPTS_INIT, .threads = msio_conv_writing_threads(c)};
    w.opts.unguarded = 1; /* nobody sees this table before it is whole */
    w.opts.threads = w.threads;
    msio_status status = open_table(&w, path);
    if (!status) status = make_all_cells(&w);
    if (!status) status = write_shared(&w);
    if (!status) status = take_memory(&w);
    if (!status) status = write_batches(&w);
    for (int i = 0; i < MOST; i++) msio_pool_give(w.memory[i]);
    msio_pool_give(w.phasors);
    if (w.table) {
        msio_error_copy error;
        if (status) msio_error_save(&error);
        msio_table_close(w.table);
        if (status) msio_error_restore(&error);
    }
    return status;
}
