/* export.c - a Measurement Set to UVH5 files: made with their headers, then filled by all threads. */
#include "core/checked.h"
#include "core/error.h"
#include "core/threads.h"
#include "core/writing.h"
#include "io/convert/convert_values.h"
#include "io/convert/exporting.h"
#include "io/hdf5_module/hdf5_module.h"
#include "io/ms/ms_place.h"
#include "prof/call.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes that a thread turns and writes at a time. */
#define BLOCK_BYTES ((int64_t)256 << 10)
#define READING_PART 3 / 4

enum { VISDATA, FLAGS, NSAMPLES, ARRAYS };
static const int element[ARRAYS] = {8, 1, 4};

/* A file being filled. */
typedef struct target {
    char path[PATH_MAX];
    int fd, first, windows;
    int64_t channel, channels;
    int64_t address[ARRAYS];
} target;

/* ---------------------------------------------------------------- places */

static msio_status find_address(target *t, int i) {
    static const char *const names[ARRAYS] = {"Data/visdata", "Data/flags", "Data/nsamples"};
    msio_h5_file *file = NULL;
    msio_h5_dataset *dataset = NULL;
    msio_h5_info info;
    int fd;
    msio_status status = msio_h5_open(t->path, true, NULL, NULL, &file, &fd);
    if (!status) status = msio_h5_dataset_open(file, t->path, names[i], &dataset, &info);
    if (!status && info.address < 0)
        status = msio_error_set(MSIO_E_UNSUPPORTED, t->path, "the HDF5 library gave %s no place", names[i]);
    if (!status) t->address[i] = info.address;
    msio_h5_dataset_close(dataset);
    msio_h5_close(file);
    return status;
}

/* The room is asked for, so that a full disk is told before anything is written. */
static msio_status reserve(const msio_exporting *e, target *t) {
    int64_t end = 0;
    t->fd = open(t->path, O_RDWR | O_CLOEXEC);
    if (t->fd < 0) return msio_error_system(MSIO_E_IO, t->path, "cannot write what was made");
    for (int i = 0; i < ARRAYS; i++)
        end = msio_max(end, t->address[i] + e->facts.rows * t->channels * e->facts.pols * element[i]);
    return msio_write_reserve(t->fd, t->path, end, "visibilities");
}

static msio_status begin(const msio_exporting *e, target *t) {
    t->channel = e->facts.subband[t->first].channel;
    for (int w = 0; w < t->windows; w++) t->channels += e->facts.subband[t->first + w].channels;
    msio_status status = msio_export_make(e, t->path, t->first, t->windows);
    for (int i = 0; i < ARRAYS && !status; i++) status = find_address(t, i);
    return status ? status : reserve(e, t);
}

/* ---------------------------------------------------------------- data */

/* Rows begin .. end - 1 of the batch: turned into a thread's memory, and written. */
static msio_status write_part(const msio_exporting *e, const target *t, const msio_subbands *batch, int64_t first_row,
                              int64_t begin, int64_t end) {
    const int64_t pols = e->facts.pols, cells = t->channels * pols, n = (end - begin) * cells;
    const int64_t at = begin * batch->channels * pols + t->channel * pols;
    uint8_t *memory = malloc((size_t)n * 13);
    if (!memory) return msio_error_set(MSIO_E_MEMORY, t->path, "no memory for %lld values", (long long)n);
    const msio_conv_block b = {.c = &e->turn,
                               .rows = end - begin,
                               .channels = t->channels,
                               .stride = batch->channels * pols,
                               .visdata = (const float(*)[2])batch->visdata + at,
                               .flags = batch->flags + at,
                               .nsamples = batch->nsamples + at,
                               .data = (float(*)[2])(void *)memory,
                               .spectrum = (float *)(void *)(memory + 8 * n),
                               .flag = memory + 12 * n};
    msio_status status = msio_conv_values(&b, 0, end - begin);
    float(*data)[2] = b.data;
    for (int64_t i = 0; i < n && !e->conjugated && !status; i++) data[i][1] = -data[i][1];
    const void *const values[ARRAYS] = {b.data, b.flag, b.spectrum};
    for (int i = 0; i < ARRAYS && !status; i++)
        status = msio_write_at(t->fd, t->path, values[i], n * element[i],
                               t->address[i] + (first_row + begin) * cells * element[i]);
    free(memory);
    return status;
}

static msio_status write_batch(msio_exporting *e, const target *t, const msio_subbands *batch, int64_t first_row) {
    const int64_t row_bytes = t->channels * e->facts.pols * 13, step = msio_max(1, BLOCK_BYTES / row_bytes);
    const int64_t parts = msio_div_up(batch->rows, step);
    const int threads = (int)msio_min(msio_threads_for(e->opts.threads), parts);
    msio_error_copy error;
    msio_status status = MSIO_OK;
    if (threads > 1) msio_threads_used();
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
    for (int64_t part = 0; part < parts; part++) {
        const msio_status one =
            write_part(e, t, batch, first_row, part * step, msio_min(batch->rows, (part + 1) * step));
        if (!one) continue;
#pragma omp critical(msio_export_failure)
        {
            if (!status) msio_error_save(&error);
            status = one;
        }
    }
    if (status) return msio_error_restore(&error);
    e->done += batch->rows * row_bytes;
    if (!e->opts.progress || !e->opts.progress(e->opts.user, e->done, e->total)) return MSIO_OK;
    return msio_error_set(MSIO_E_CANCELLED, NULL, "stopped on request after %lld of %lld bytes", (long long)e->done,
                          (long long)e->total);
}

static msio_status fill(msio_exporting *e, int n, const target *t) {
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    msio_load_stream *stream = NULL;
    const msio_subbands *batch;
    int64_t first_row = 0, rows = 0;
    opts.visdata_type = MSIO_COMPLEX;
    opts.memory = e->opts.memory * READING_PART;
    opts.read.threads = e->opts.threads;
    msio_status status = msio_load_stream_open_paths(1, &e->ms, MSIO_LOAD_ALL, &opts, 0, &stream);
    while (!status && (status = msio_load_stream_next(stream, &batch, &first_row)) == MSIO_OK) {
        rows += batch->rows;
        e->bytes_read += batch->rows * batch->channels * batch->pols * 12;
        for (int i = 0; i < n && !status; i++) status = write_batch(e, &t[i], batch, first_row);
    }
    if (status == MSIO_END) status = MSIO_OK;
    if (!status && rows != e->facts.rows)
        status = msio_error_set(MSIO_E_CHANGED, e->ms, "rows came or went while they were read");
    msio_load_stream_close(stream);
    return status;
}

/* ---------------------------------------------------------------- files */

/* Makes all files in `place`: one of that name, or a folder of that name and a file a window in it. */
static msio_status make_files(msio_exporting *e, const char *place) {
    const int n = e->opts.file_a_window ? e->facts.subbands : 1;
    target *t = calloc((size_t)n, sizeof *t);
    msio_status status = t ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, e->ms, "no memory for files");
    if (!status && e->opts.file_a_window && mkdir(place, 0777) != 0)
        status = msio_error_system(MSIO_E_IO, place, "cannot make the folder");
    for (int i = 0; i < n && t; i++) t[i].fd = -1;
    for (int i = 0; i < n && !status; i++) {
        t[i].first = e->opts.file_a_window ? i : 0;
        t[i].windows = e->opts.file_a_window ? 1 : e->facts.subbands;
        const int length = e->opts.file_a_window ? snprintf(t[i].path, PATH_MAX, "%s/spw%02d.uvh5", place, i)
                                                 : snprintf(t[i].path, PATH_MAX, "%s", place);
        status = length >= PATH_MAX ? msio_error_set(MSIO_E_ARGUMENT, place, "the path is too long") : begin(e, &t[i]);
    }
    if (!status) status = fill(e, n, t);
    for (int i = 0; i < n && t; i++)
        if (t[i].fd >= 0 && close(t[i].fd) != 0 && !status)
            status = msio_error_system(MSIO_E_IO, t[i].path, "cannot write the file");
    free(t);
    return status;
}

static msio_status make(msio_exporting *e, const char *path) {
    msio_making *making = NULL;
    struct stat there;
    const bool stands = lstat(path, &there) == 0;
    if (stands && (!e->opts.overwrite || S_ISDIR(there.st_mode)))
        return msio_error_set(MSIO_E_ARGUMENT, path, "something stands there, and stays as it is");
    e->total = e->facts.rows * e->facts.channels * e->facts.pols * 13;
    msio_status status = msio_making_begin(path, &making);
    if (!status) status = make_files(e, msio_making_place(making));
    if (!status) status = msio_making_finish(making, stands);
    msio_making_free(making);
    return status;
}

static msio_status check_options(const msio_export_opts *given, msio_export_opts *opts) {
    *opts = (msio_export_opts)MSIO_EXPORT_OPTS_INIT;
    if (given && given->struct_size != sizeof *given)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "the options do not begin with MSIO_EXPORT_OPTS_INIT");
    if (given) *opts = *given;
    return msio_threads_check(opts->threads);
}

msio_status msio_export_uvh5(const char *ms_path, const char *path, const msio_export_opts *opts,
                             msio_converted *result) {
    PROF_CALL(ms_path);
    if (!ms_path || !*ms_path || !path || !*path)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no Measurement Set, or no path for the file");
    if (result && result->struct_size != sizeof *result)
        return msio_error_set(MSIO_E_ARGUMENT, path, "the result does not begin with MSIO_CONVERTED_INIT");
    msio_exporting e = {.ms = ms_path};
    msio_status status = check_options(opts, &e.opts);
    if (!status) status = msio_export_take_in(&e);
    if (!status) status = make(&e, path);
    if (!status && result)
        *result = (msio_converted){.struct_size = sizeof *result,
                                   .rows = e.facts.rows,
                                   .spectral_windows = e.facts.subbands,
                                   .bytes_read = e.bytes_read,
                                   .bytes_written = e.done,
                                   .phase = MSIO_PHASE_NONE,
                                   .earth_orientation = e.earth != NULL};
    msio_table_close(e.table);
    msio_earth_free(e.earth);
    msio_subbands_free(&e.facts);
    msio_arena_free(&e.arena);
    return status;
}
