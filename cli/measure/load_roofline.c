/* load_roofline.c - the fastest that what was loaded could have come: its bytes in all files, read raw. */
#include "cli/common/failure.h"
#include "cli/input/opening.h"
#include "cli/load/load_run.h"
#include "cli/measure/roofline.h"

#include <stdlib.h>
#include <string.h>

/* Stretches of all files, for each of the three arrays. */
typedef struct gathering {
    const cli_context *cli;
    const msio_load_opts *opts;
    const msio_subbands *loaded;
    cli_roofline array[CLI_LOAD_ARRAYS];
    int plans[CLI_LOAD_ARRAYS];
} gathering;

/* Adds what a plan reads; frees it. Returns 0, or -1 where its bytes are not known. */
static int add_plan(gathering *all, int index, msio_plan *plan) {
    cli_roofline part = {0}, *whole = &all->array[index];
    int unknown = cli_roofline_prepare(plan, 0, &part);
    if (!unknown) {
        whole->straight = part.straight && (whole->straight || !all->plans[index]);
        all->plans[index]++;
        cli_roofline_append(whole, &part);
    }
    cli_roofline_free(&part);
    msio_plan_free(plan);
    return unknown;
}

/* ---------------------------------------------------------------- selections */

/* The channels of a file that became those of a subband: frequencies are delivered as they are stored. Returns 0, or
 * -1 where they are not found. */
static int choose_channels(const msio_subbands *loaded, const msio_subband *subband, const double *frequency, int64_t n,
                           msio_select *select) {
    int64_t places[3] = {-1, -1, -1}, last = subband->channels - 1, wanted[3] = {0, last < 1 ? last : 1, last};
    if (last < 0) return -1;
    for (int k = 0; k < 3; k++) {
        double sought = loaded->frequencies[subband->channel + wanted[k]];
        for (int64_t i = 0; i < n && places[k] < 0; i++)
            if (frequency[i] == sought) places[k] = i;
        if (places[k] < 0) return -1;
    }
    select->chan = places[0] < places[2] ? places[0] : places[2];
    select->chans = subband->channels;
    select->chan_step = last ? llabs(places[1] - places[0]) : 1;
    return 0;
}

static void choose_corrs(const gathering *all, msio_select *select) {
    select->corr = all->opts->corr;
    select->corrs = all->loaded->pols;
    select->corr_step = all->opts->corr_step;
}

/* The wanted ones of n rows with these times, in place: list[i] becomes the i-th wanted one's. Returns their count. */
static int64_t choose_rows(const gathering *all, const double *time, int64_t *list, int64_t n) {
    const msio_load_opts *o = all->opts;
    const msio_subbands *loaded = all->loaded;
    int64_t count = 0;
    if (o->time || o->times >= 0) {
        double low = loaded->rows ? loaded->times[0] : 0, high = low;
        for (int64_t i = 0; i < loaded->rows; i++) {
            if (loaded->times[i] < low) low = loaded->times[i];
            if (loaded->times[i] > high) high = loaded->times[i];
        }
        for (int64_t i = 0; i < n && loaded->rows; i++)
            if (time[i] >= low && time[i] <= high) list[count++] = list[i];
        return count;
    }
    int64_t *chosen = cli_alloc_many((size_t)loaded->rows, sizeof *chosen);
    for (int64_t i = 0; i < loaded->rows; i++) {
        int64_t row = o->row_list ? o->row_list[i] : o->row + i * o->row_step;
        if (row < n) chosen[count++] = list[row];
    }
    if (count) memcpy(list, chosen, (size_t)count * sizeof *list);
    free(chosen);
    return count;
}

static int takes_all_rows(const msio_load_opts *o) {
    return !o->time && o->times < 0 && !o->row && o->rows < 0 && o->row_step == 1 && !o->row_list;
}

/* ---------------------------------------------------------------- UVH5 */

/* The rows of a file; *list is to be freed. */
static int uvh5_rows(const gathering *all, msio_uvh5 *file, msio_select *select, int64_t **list) {
    if (takes_all_rows(all->opts)) return 0;
    msio_uvh5_rows rows = {0};
    if (msio_uvh5_rows_read(file, MSIO_UVH5_TIME, NULL, &rows)) return -1;
    *list = cli_alloc_many((size_t)rows.rows, sizeof **list);
    for (int64_t i = 0; i < rows.rows; i++) (*list)[i] = i;
    select->row_list = *list;
    select->rows_in_list = choose_rows(all, rows.time, *list, rows.rows);
    msio_uvh5_rows_free(&rows);
    return 0;
}

static int uvh5_plans(gathering *all, msio_uvh5 *file, const msio_select *select) {
    int failed = 0;
    for (int i = 0; i < CLI_LOAD_ARRAYS && !failed; i++) {
        char name[32] = "Data/";
        cli_load_array array = cli_load_array_of(all->loaded, i);
        const msio_dataset *dataset;
        msio_plan *plan = NULL;
        if (!array.bytes) continue;
        memcpy(name + 5, array.name, strlen(array.name) + 1);
        failed = msio_hdf5_dataset(msio_uvh5_hdf5(file), name, &dataset) || msio_dataset_plan(dataset, select, &plan) ||
                 add_plan(all, i, plan);
    }
    return failed ? -1 : 0;
}

static int add_uvh5(gathering *all, const msio_subband *subband) {
    msio_hdf5_opts opts = MSIO_HDF5_OPTS_INIT;
    msio_select select = MSIO_SELECT_ALL;
    msio_uvh5 *file = NULL;
    int64_t *list = NULL;
    opts.native = all->cli->native;
    opts.nolock = all->cli->nolock;
    if (msio_uvh5_open(subband->path, &opts, &file)) return -1;
    const msio_uvh5_header *header = msio_uvh5_describe(file);
    choose_corrs(all, &select);
    int failed = choose_channels(all->loaded, subband, header->freq_array, header->nfreqs, &select) ||
                 uvh5_rows(all, file, &select, &list) || uvh5_plans(all, file, &select);
    free(list);
    msio_uvh5_close(file);
    return failed ? -1 : 0;
}

/* ---------------------------------------------------------------- Measurement Sets */

static int read_whole(msio_table *table, const char *name, msio_array *array) {
    const msio_column *column;
    return msio_table_column(table, name, &column) || msio_read_new(column, NULL, array, NULL) ? -1 : 0;
}

/* The spectral window that holds a subband's frequencies, with its channels in the selection; -1: none. */
static int64_t find_window(const gathering *all, const char *path, const msio_subband *subband, msio_select *select) {
    msio_open_opts opts = cli_open_opts(all->cli);
    const msio_column *column;
    msio_table *windows = NULL;
    msio_ragged cells = {0};
    int64_t found = -1;
    char *name = cli_alloc(strlen(path) + sizeof "::SPECTRAL_WINDOW");
    strcat(strcpy(name, path), "::SPECTRAL_WINDOW");
    if (msio_table_open(name, &opts, &windows) == MSIO_OK &&
        msio_table_column(windows, "CHAN_FREQ", &column) == MSIO_OK &&
        msio_read_ragged(column, NULL, &cells, NULL) == MSIO_OK && cells.type == MSIO_DOUBLE) {
        for (int64_t k = 0; k <= cells.cells && found < 0; k++) {
            int64_t i = k ? k - 1 : subband->number; /* of one table the number says it */
            if (i < 0 || i >= cells.cells) continue;
            const double *frequency = (const double *)cells.data + cells.offsets[i];
            if (choose_channels(all->loaded, subband, frequency, cells.offsets[i + 1] - cells.offsets[i], select) == 0)
                found = i;
        }
    }
    msio_ragged_free(&cells);
    msio_table_close(windows);
    free(name);
    return found;
}

/* The rows of a window, those that are wanted. */
static int window_rows(const gathering *all, msio_table *table, const char *path, int64_t window, msio_select *select,
                       int64_t **list) {
    msio_open_opts opts = cli_open_opts(all->cli);
    msio_table *descriptions = NULL;
    msio_array windows = {0}, ids = {0}, times = {0};
    char *name = cli_alloc(strlen(path) + sizeof "::DATA_DESCRIPTION");
    strcat(strcpy(name, path), "::DATA_DESCRIPTION");
    int failed = msio_table_open(name, &opts, &descriptions) ||
                 read_whole(descriptions, "SPECTRAL_WINDOW_ID", &windows) || read_whole(table, "DATA_DESC_ID", &ids) ||
                 read_whole(table, "TIME", &times) || windows.type != MSIO_INT || ids.type != MSIO_INT ||
                 times.type != MSIO_DOUBLE;
    if (!failed) {
        int64_t rows = ids.shape[0], count = 0;
        const int32_t *id = ids.data, *window_of = windows.data;
        double *time = times.data;
        *list = cli_alloc_many((size_t)rows, sizeof **list);
        for (int64_t i = 0; i < rows; i++) {
            if (id[i] < 0 || id[i] >= windows.shape[0] || window_of[id[i]] != window) continue;
            time[count] = time[i];
            (*list)[count++] = i;
        }
        select->row_list = *list;
        select->rows_in_list = choose_rows(all, time, *list, count);
    }
    msio_array_free(&times);
    msio_array_free(&ids);
    msio_array_free(&windows);
    msio_table_close(descriptions);
    free(name);
    return failed ? -1 : 0;
}

static int add_window(gathering *all, msio_table *table, const msio_subband *subband) {
    static const char *const columns[CLI_LOAD_ARRAYS] = {"DATA", "FLAG", "WEIGHT_SPECTRUM"};
    msio_select select = MSIO_SELECT_ALL;
    int64_t *list = NULL, window = find_window(all, subband->path, subband, &select);
    choose_corrs(all, &select);
    int failed = window < 0 || window_rows(all, table, subband->path, window, &select, &list);
    for (int i = 0; i < CLI_LOAD_ARRAYS && !failed; i++) {
        const msio_column *column;
        msio_plan *plan = NULL;
        if (!cli_load_array_of(all->loaded, i).bytes) continue;
        failed = msio_table_column(table, columns[i], &column) || msio_plan_make(column, &select, &plan) ||
                 add_plan(all, i, plan);
    }
    free(list);
    return failed ? -1 : 0;
}

static int add_table(gathering *all, const msio_subband *subband) {
    msio_open_opts opts = cli_open_opts(all->cli);
    msio_table *table = NULL;
    if (msio_table_open(subband->path, &opts, &table)) return -1;
    int failed = add_window(all, table, subband);
    msio_table_close(table);
    return failed;
}

/* ---------------------------------------------------------------- all */

double cli_load_roofline(const cli_context *cli, const msio_load_opts *opts, const msio_subbands *loaded) {
    gathering all = {.cli = cli, .opts = opts, .loaded = loaded};
    double seconds = 0;
    int failed = 0, read = 0;
    for (int i = 0; i < loaded->subbands && !failed; i++) {
        const msio_subband *subband = &loaded->subband[i];
        if (!subband->present) continue;
        failed = loaded->header ? add_uvh5(&all, subband) : add_table(&all, subband);
    }
    for (int i = 0; i < CLI_LOAD_ARRAYS && !failed; i++) {
        cli_load_array array = cli_load_array_of(loaded, i);
        if (!array.bytes || !all.array[i].count) continue;
        double part = cli_roofline_run(&all.array[i], cli_threads(cli->threads), array.data, array.bytes);
        failed = part < 0;
        seconds += part;
        read++;
    }
    for (int i = 0; i < CLI_LOAD_ARRAYS; i++) cli_roofline_free(&all.array[i]);
    return failed || !read ? -1 : seconds;
}
