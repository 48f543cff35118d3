/* load_write.c - what was loaded written to one HDF5 file, which appears under its name when it is whole. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* truncate, strndup */
#endif
#include "core/checked.h"
#include "core/error.h"
#include "io/hdf5_module/hdf5_module.h"
#include "io/ms/ms_place.h"
#include "msio/files.h"
#include "msio/load.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the file's "format"; a reader refuses another major version. */
#define FORMAT "msio subbands 1.0"
/* Written at a time. */
#define BLOCK_BYTES ((int64_t)64 << 20)
/* Of the file apart from elements, about. */
#define FRAME_BYTES 65536

/* A file being written. After a failure nothing more is done. */
typedef struct load_writer {
    const msio_subbands *from;
    const char *path;    /* as the caller says, for messages */
    msio_making *making; /* of the file until it is whole */
    msio_h5_file *file;
    msio_status status;
} load_writer;

/* ---------------------------------------------------------------- datasets */

/* After a failure the file is emptied before anything is closed: the HDF5 library cannot close what it cannot write
 * any more, a full disk for one, and would fail again at the process's exit. */
static void give_up(const load_writer *w) {
    if (w->status != MSIO_OK && truncate(msio_making_place(w->making), 0) != 0) errno = 0; /* it is removed anyway */
}

/* Writes a dataset along its first axis, in blocks. */
static void write_blocks(load_writer *w, msio_h5_dataset *dataset, const msio_h5_spec *spec, int64_t element,
                         const uint8_t *values) {
    int64_t start[MSIO_MAX_NDIM] = {0}, count[MSIO_MAX_NDIM], row = element;
    memcpy(count, spec->shape, sizeof count);
    for (int k = 1; k < spec->ndim; k++) row *= spec->shape[k];
    if (spec->ndim == 0) {
        w->status = msio_h5_write(dataset, w->path, start, count, values);
        return;
    }
    if (row == 0) return;
    const int64_t step = msio_max(1, BLOCK_BYTES / row);
    for (; start[0] < spec->shape[0] && w->status == MSIO_OK; start[0] += step) {
        count[0] = msio_min(step, spec->shape[0] - start[0]);
        w->status = msio_h5_write(dataset, w->path, start, count, values + start[0] * row);
    }
}

static void put(load_writer *w, const msio_h5_spec *spec, const void *values) {
    msio_h5_dataset *dataset = NULL;
    if (w->status != MSIO_OK) return;
    int64_t element = spec->type == MSIO_STRING ? spec->text_bytes : (int64_t)msio_type_size(spec->type);
    w->status = msio_h5_make(w->file, w->path, spec, &dataset);
    if (w->status == MSIO_OK) write_blocks(w, dataset, spec, element, values);
    give_up(w);
    msio_h5_dataset_close(dataset);
}

static void put_list(load_writer *w, const char *name, msio_type type, int64_t n, const void *values) {
    put(w, &(msio_h5_spec){.name = name, .type = type, .ndim = 1, .shape = {n}}, values);
}

static void put_text(load_writer *w, const char *name, const char *text) {
    const size_t bytes = strlen(text);
    put(w, &(msio_h5_spec){.name = name, .type = MSIO_STRING, .text_bytes = (int)(bytes ? bytes : 1)}, text);
}

/* n texts as strings of one length, padded with NULs. */
static void put_texts(load_writer *w, const char *name, int n, const char *const *texts) {
    size_t longest = 1;
    if (w->status != MSIO_OK) return;
    for (int i = 0; i < n; i++) longest = strlen(texts[i]) > longest ? strlen(texts[i]) : longest;
    char *cells = longest > INT_MAX / 2 ? NULL : calloc((size_t)n + 1, longest);
    if (!cells) {
        w->status = msio_error_set(MSIO_E_MEMORY, w->path, "no memory for %d texts of %zu bytes", n, longest);
        return;
    }
    for (int i = 0; i < n; i++) memcpy(cells + (size_t)i * longest, texts[i], strlen(texts[i]));
    put(w, &(msio_h5_spec){.name = name, .type = MSIO_STRING, .text_bytes = (int)longest, .ndim = 1, .shape = {n}},
        cells);
    free(cells);
}

/* ---------------------------------------------------------------- the content */

static void put_array(load_writer *w, const char *name, msio_type type, size_t bytes, const void *values) {
    const msio_subbands *s = w->from;
    if (!values && bytes == 0) return; /* it was not loaded */
    msio_h5_spec spec = {.name = name, .type = type, .ndim = s->ndim};
    memcpy(spec.shape, s->shape, sizeof s->shape);
    put(w, &spec, values);
}

static void put_rows(load_writer *w) {
    const msio_subbands *s = w->from;
    put_list(w, "times", MSIO_DOUBLE, s->rows, s->times);
    put_text(w, "time_unit", s->header ? "JD, days" : "MJD, seconds");
    put_list(w, "antenna1", MSIO_INT, s->rows, s->antenna1);
    put_list(w, "antenna2", MSIO_INT, s->rows, s->antenna2);
    put(w, &(msio_h5_spec){.name = "uvw", .type = MSIO_DOUBLE, .ndim = 2, .shape = {s->rows, 3}}, s->uvw);
    put_list(w, "integration_time", MSIO_DOUBLE, s->rows, s->integrations);
}

static void put_axes(load_writer *w) {
    const msio_subbands *s = w->from;
    put_list(w, "frequencies", MSIO_DOUBLE, s->channels, s->frequencies);
    put_list(w, "widths", MSIO_DOUBLE, s->channels, s->widths);
    put_list(w, "polarizations", MSIO_INT, s->pols, s->polarizations);
    put_text(w, "polarization_code", s->header ? "AIPS" : "casacore Stokes");
    put_text(w, "layout", s->ndim == 4 ? "subband-row-chan-pol" : "row-chan-pol");
    put_list(w, "missing_subbands", MSIO_INT, s->missing, s->missing_subband);
    put_text(w, "phase_type", s->phase_type);
    put_list(w, "phase_center", MSIO_DOUBLE, 2, s->phase_center);
}

static void put_subbands(load_writer *w) {
    const msio_subbands *s = w->from;
    const size_t n = (size_t)s->subbands + 1;
    int32_t *number = malloc(n * sizeof *number);
    int64_t *channels = malloc(n * sizeof *channels);
    uint8_t *present = malloc(n);
    const char **path = malloc(n * sizeof *path);
    if (number && channels && present && path) {
        for (int i = 0; i < s->subbands; i++) {
            number[i] = s->subband[i].number;
            channels[i] = s->subband[i].channels;
            present[i] = s->subband[i].present != 0;
            path[i] = s->subband[i].path;
        }
        put_list(w, "subbands", MSIO_INT, s->subbands, number);
        put_list(w, "subband_channels", MSIO_INT64, s->subbands, channels);
        put_list(w, "subband_present", MSIO_BOOL, s->subbands, present);
        put_texts(w, "subband_paths", s->subbands, path);
    } else if (w->status == MSIO_OK) {
        w->status = msio_error_set(MSIO_E_MEMORY, w->path, "no memory for a list of subbands");
    }
    free(path);
    free(present);
    free(channels);
    free(number);
}

static void put_antennas(load_writer *w) {
    const msio_subbands *s = w->from;
    const size_t n = (size_t)s->antennas + 1;
    int32_t *number = malloc(n * sizeof *number);
    double *position = malloc(3 * n * sizeof *position), *diameter = malloc(n * sizeof *diameter);
    const char **name = malloc(n * sizeof *name);
    if (number && position && diameter && name) {
        for (int i = 0; i < s->antennas; i++) {
            number[i] = s->antenna[i].number;
            name[i] = s->antenna[i].name;
            memcpy(position + 3 * i, s->antenna[i].position, sizeof s->antenna[i].position);
            diameter[i] = s->antenna[i].diameter;
        }
        put_list(w, "antenna_numbers", MSIO_INT, s->antennas, number);
        put_texts(w, "antenna_names", s->antennas, name);
        put(w, &(msio_h5_spec){.name = "antenna_positions", .type = MSIO_DOUBLE, .ndim = 2, .shape = {s->antennas, 3}},
            position);
        put_list(w, "antenna_diameters", MSIO_DOUBLE, s->antennas, diameter);
    } else if (w->status == MSIO_OK) {
        w->status = msio_error_set(MSIO_E_MEMORY, w->path, "no memory for a list of antennas");
    }
    free(name);
    free(diameter);
    free(position);
    free(number);
}

static void put_all(load_writer *w) {
    const msio_subbands *s = w->from;
    put_text(w, "format", FORMAT);
    put_array(w, "visdata", s->visdata_type, s->visdata_bytes, s->visdata);
    put_array(w, "flags", MSIO_BOOL, s->flags_bytes, s->flags);
    put_array(w, "nsamples", MSIO_FLOAT, s->nsamples_bytes, s->nsamples);
    put_axes(w);
    put_rows(w);
    put_subbands(w);
    put_antennas(w);
    if (w->status == MSIO_OK) w->status = msio_h5_flush(w->file, w->path);
}

/* ---------------------------------------------------------------- the file */

/* About as long as the file becomes. */
static int64_t file_bytes(const msio_subbands *s) {
    int64_t bytes = FRAME_BYTES + (int64_t)(s->visdata_bytes + s->flags_bytes + s->nsamples_bytes);
    bytes += s->rows * (5 * 8 + 8 + 2 * 4) + s->channels * 2 * 8 + s->antennas * (4 * 8 + 4);
    return bytes;
}

/* Whether there is room. It is better known before: the HDF5 library does not survive a file that it cannot write. */
static msio_status check_room(const load_writer *w) {
    const int64_t bytes = file_bytes(w->from);
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < (rlim_t)bytes)
        return msio_error_set(MSIO_E_IO, w->path,
                              "the file takes about %lld bytes, and this process may not write more than %lld "
                              "(ulimit -f)",
                              (long long)bytes, (long long)limit.rlim_cur);
    const char *slash = strrchr(w->path, '/');
    char *folder = slash > w->path ? strndup(w->path, (size_t)(slash - w->path)) : strdup(slash ? "/" : ".");
    if (!folder) return msio_error_set(MSIO_E_MEMORY, w->path, "no memory for a name");
    msio_status status = msio_ms_check_room(folder, folder, bytes, "the file of what was loaded");
    free(folder);
    return status;
}

static msio_status check_place(const char *path, int overwrite) {
    struct stat there;
    if (lstat(path, &there) != 0) return MSIO_OK;
    if (!S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
        return msio_error_set(MSIO_E_IO, path, "something that is no file stands there, and stays as it is");
    if (!overwrite) return msio_error_set(MSIO_E_IO, path, "a file stands there, and stays as it is");
    return MSIO_OK;
}

msio_status msio_subbands_write(const msio_subbands *subbands, const char *path, int overwrite) {
    if (!subbands || !subbands->owner || !path || !*path)
        return msio_error_set(MSIO_E_ARGUMENT, path, "nothing was loaded that could be written, or no file is named");
    load_writer w = {.from = subbands, .path = path};
    w.status = check_place(path, overwrite);
    if (w.status == MSIO_OK) w.status = check_room(&w);
    if (w.status == MSIO_OK) w.status = msio_making_begin(path, &w.making);
    if (w.status == MSIO_OK) w.status = msio_h5_create(msio_making_place(w.making), &w.file);
    if (w.file) {
        put_all(&w);
        give_up(&w);
        msio_h5_close(w.file);
        if (w.status == MSIO_OK) w.status = msio_making_finish(w.making, overwrite);
    }
    msio_making_free(w.making);
    return w.status;
}
