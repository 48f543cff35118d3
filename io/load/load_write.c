/* load_write.c - what was loaded written to one HDF5 file, which appears under its name when it is whole. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strndup */
#endif
#include "core/checked.h"
#include "core/error.h"
#include "io/hdf5_module/hdf5_put.h"
#include "io/ms/ms_place.h"
#include "msio/files.h"
#include "msio/load.h"
#include "prof/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* In the file's "format"; a reader refuses another major version. */
#define FORMAT "msio subbands 1.0"
/* Of the file apart from elements, about. */
#define FRAME_BYTES 65536

/* A file being written. After a failure nothing more is done. */
typedef struct load_writer {
    const msio_subbands *from;
    msio_making *making; /* of the file until it is whole */
    msio_h5_putter to;
} load_writer;

/* ---------------------------------------------------------------- the content */

static void put_array(load_writer *w, const char *name, msio_type type, size_t bytes, const void *values) {
    const msio_subbands *s = w->from;
    if (!values && bytes == 0) return; /* it was not loaded */
    msio_h5_spec spec = {.name = name, .type = type, .ndim = s->ndim};
    memcpy(spec.shape, s->shape, sizeof s->shape);
    msio_h5_put(&w->to, &spec, values);
}

static void put_rows(load_writer *w) {
    const msio_subbands *s = w->from;
    msio_h5_put_list(&w->to, "times", MSIO_DOUBLE, s->rows, 1, s->times);
    msio_h5_put_text(&w->to, "time_unit", s->header ? "JD, days" : "MJD, seconds");
    msio_h5_put_list(&w->to, "antenna1", MSIO_INT, s->rows, 1, s->antenna1);
    msio_h5_put_list(&w->to, "antenna2", MSIO_INT, s->rows, 1, s->antenna2);
    msio_h5_put(&w->to, &(msio_h5_spec){.name = "uvw", .type = MSIO_DOUBLE, .ndim = 2, .shape = {s->rows, 3}}, s->uvw);
    msio_h5_put_list(&w->to, "integration_time", MSIO_DOUBLE, s->rows, 1, s->integrations);
}

static void put_axes(load_writer *w) {
    const msio_subbands *s = w->from;
    msio_h5_put_list(&w->to, "frequencies", MSIO_DOUBLE, s->channels, 1, s->frequencies);
    msio_h5_put_list(&w->to, "widths", MSIO_DOUBLE, s->channels, 1, s->widths);
    msio_h5_put_list(&w->to, "polarizations", MSIO_INT, s->pols, 1, s->polarizations);
    msio_h5_put_text(&w->to, "polarization_code", s->header ? "AIPS" : "casacore Stokes");
    msio_h5_put_text(&w->to, "layout", s->ndim == 4 ? "subband-row-chan-pol" : "row-chan-pol");
    msio_h5_put_list(&w->to, "missing_subbands", MSIO_INT, s->missing, 1, s->missing_subband);
    msio_h5_put_text(&w->to, "phase_type", s->phase_type);
    msio_h5_put_list(&w->to, "phase_center", MSIO_DOUBLE, 2, 1, s->phase_center);
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
        msio_h5_put_list(&w->to, "subbands", MSIO_INT, s->subbands, 1, number);
        msio_h5_put_list(&w->to, "subband_channels", MSIO_INT64, s->subbands, 1, channels);
        msio_h5_put_list(&w->to, "subband_present", MSIO_BOOL, s->subbands, 1, present);
        msio_h5_put_texts(&w->to, "subband_paths", s->subbands, path);
    } else if (w->to.status == MSIO_OK) {
        w->to.status = msio_error_set(MSIO_E_MEMORY, w->to.path, "no memory for a list of subbands");
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
        msio_h5_put_list(&w->to, "antenna_numbers", MSIO_INT, s->antennas, 1, number);
        msio_h5_put_texts(&w->to, "antenna_names", s->antennas, name);
        msio_h5_put(
            &w->to,
            &(msio_h5_spec){.name = "antenna_positions", .type = MSIO_DOUBLE, .ndim = 2, .shape = {s->antennas, 3}},
            position);
        msio_h5_put_list(&w->to, "antenna_diameters", MSIO_DOUBLE, s->antennas, 1, diameter);
    } else if (w->to.status == MSIO_OK) {
        w->to.status = msio_error_set(MSIO_E_MEMORY, w->to.path, "no memory for a list of antennas");
    }
    free(name);
    free(diameter);
    free(position);
    free(number);
}

static void put_all(load_writer *w) {
    const msio_subbands *s = w->from;
    msio_h5_put_text(&w->to, "format", FORMAT);
    put_array(w, "visdata", s->visdata_type, s->visdata_bytes, s->visdata);
    put_array(w, "flags", MSIO_BOOL, s->flags_bytes, s->flags);
    put_array(w, "nsamples", MSIO_FLOAT, s->nsamples_bytes, s->nsamples);
    put_axes(w);
    put_rows(w);
    put_subbands(w);
    put_antennas(w);
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
        return msio_error_set(MSIO_E_IO, w->to.path,
                              "the file takes about %lld bytes, and this process may not write more than %lld "
                              "(ulimit -f)",
                              (long long)bytes, (long long)limit.rlim_cur);
    const char *slash = strrchr(w->to.path, '/');
    char *folder = slash > w->to.path ? strndup(w->to.path, (size_t)(slash - w->to.path)) : strdup(slash ? "/" : ".");
    if (!folder) return msio_error_set(MSIO_E_MEMORY, w->to.path, "no memory for a name");
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
    PROF_CALL(path);
    if (!subbands || !subbands->owner || !path || !*path)
        return msio_error_set(MSIO_E_ARGUMENT, path, "nothing was loaded that could be written, or no file is named");
    load_writer w = {.from = subbands, .to = {.path = path}};
    msio_status status = check_place(path, overwrite);
    if (status == MSIO_OK) status = check_room(&w);
    if (status == MSIO_OK) status = msio_making_begin(path, &w.making);
    if (status == MSIO_OK) {
        w.to.place = msio_making_place(w.making);
        w.to.status = msio_h5_create(w.to.place, &w.to.file);
        put_all(&w);
        if (w.to.file) msio_h5_put_end(&w.to);
        status = w.to.status;
    }
    if (status == MSIO_OK) status = msio_making_finish(w.making, overwrite);
    msio_making_free(w.making);
    return status;
}
