/* hdf5_file.c - HDF5 files opened, their datasets listed, found and described. */
#include "io/hdf5/hdf5_file.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/files/native.h"
#include "io/hdf5/hdf5_guard.h"
#include "io/hdf5_module/hdf5_module.h"
#include "prof/call.h"
#include "prof/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names in one file; more would not be a file of data. */
#define NAMES_MOST 1000000
/* A path that is replaced while it is opened is opened again. */
#define OPEN_TRIES 3

/* ---------------------------------------------------------------- opening */

/* Whether the name says that the file is still being written: "_incomplete" before its ending. */
static bool is_incomplete(const char *path) {
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t length = dot ? (size_t)(dot - name) : strlen(name), said = strlen("_incomplete");
    return length >= said && memcmp(name + length - said, "_incomplete", said) == 0;
}

/* Before the library opens an object, its header is read from our own descriptor. */
static msio_status guard(void *user, const char *name, int64_t header, int64_t base, int address, int length) {
    const msio_h5_header where = {.at = header, .base = base, .address = address, .length = length};
    return msio_h5_guard_check(user, &where, name);
}

/* Opens the file twice, for the library and for us, and makes sure that it is the same one. */
static msio_status open_both(msio_hdf5 *file, bool nolock) {
    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        int fd = -1;
        msio_stamp stamp;
        msio_status status = msio_file_open(file->path, &file->bytes);
        if (!status) status = msio_h5_open(file->path, nolock, guard, file->bytes, &file->library, &fd);
        if (!status && fd < 0) return MSIO_OK;
        if (!status) status = msio_stamp_fd(fd, file->path, &stamp);
        if (status) return status;
        if (stamp.device == file->bytes->stamp.device && stamp.inode == file->bytes->stamp.inode) return MSIO_OK;
        msio_h5_close(file->library);
        msio_file_close(file->bytes);
        file->library = NULL;
        file->bytes = NULL;
    }
    return msio_error_set(MSIO_E_CHANGED, file->path, "the file was replaced each time it was opened");
}

msio_status msio_hdf5_open(const char *path, const msio_hdf5_opts *opts, msio_hdf5 **file) {
    PROF_CALL(path);
    msio_hdf5_opts o = MSIO_HDF5_OPTS_INIT;
    if (!path || !*path || !file) return msio_error_set(MSIO_E_ARGUMENT, path, "no path, or nowhere to put the file");
    if (opts && opts->struct_size != sizeof o)
        return msio_error_set(MSIO_E_ARGUMENT, path,
                              "options of %zu bytes, this version knows %zu: use MSIO_HDF5_OPTS_INIT",
                              opts->struct_size, sizeof o);
    if (opts) o = *opts;
    char expanded[MSIO_PATH_BYTES];
    msio_status status = msio_path_expand(path, expanded);
    if (status) return status;
    path = expanded;
    if (is_incomplete(path))
        return msio_error_set(MSIO_E_LOCKED, path,
                              "the name says that the file is still being written; it is read once it is renamed");
    msio_hdf5 *f = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(path))) {
        free(f);
        return msio_error_set(MSIO_E_MEMORY, path, "no memory for a file");
    }
    msio_lengthy_init(&f->describing);
    f->native = msio_native_wanted(o.native);
    prof_span span;
    prof_begin(&span, PROF_PATH_OPEN);
    status = open_both(f, o.nolock != 0);
    prof_end(&span, &(prof_work){.pieces = 1});
    if (status)
        msio_hdf5_close(f);
    else
        *file = f;
    return status;
}

static void free_dataset(msio_dataset *d) {
    msio_h5_dataset_close(d->library);
    msio_chunks_free(&d->chunks);
    free(d->name);
    free(d);
}

void msio_hdf5_close(msio_hdf5 *file) {
    PROF_CALL(file ? file->path : NULL);
    if (!file) return;
    for (msio_dataset *d = file->dataset, *next; d; d = next) {
        next = d->next;
        free_dataset(d);
    }
    for (int i = 0; i < file->names; i++) free(file->name[i]);
    free(file->name);
    prof_hold(&file->told, file->path, "open files", 0);
    msio_h5_close(file->library);
    msio_file_close(file->bytes);
    msio_lengthy_destroy(&file->describing);
    free(file->path);
    free(file);
}

msio_h5_file *msio_hdf5_library(msio_hdf5 *file) { return file->library; }

void msio_hdf5_let_go(msio_hdf5 *file) {
    msio_lengthy_lock(&file->describing);
    bool needed = false;
    for (const msio_dataset *d = file->dataset; d; d = d->next) needed = needed || !d->described.native;
    for (msio_dataset *d = file->dataset; d && !needed; d = d->next) {
        msio_h5_dataset_close(d->library);
        d->library = NULL;
    }
    if (!needed) {
        msio_h5_close(file->library);
        file->library = NULL;
    }
    msio_lengthy_unlock(&file->describing);
}

msio_status msio_hdf5_unchanged(const msio_hdf5 *file) {
    msio_stamp now;
    msio_status status = msio_file_stamp(file->bytes, &now);
    if (status == MSIO_E_NOT_FOUND)
        return msio_error_set(MSIO_E_CHANGED, file->path, "the file was removed since it was opened");
    if (status || msio_stamp_equal(&now, &file->bytes->stamp)) return status;
    return msio_error_set(MSIO_E_CHANGED, file->path, "the file was written since it was opened; open it again");
}

/* ---------------------------------------------------------------- names */

typedef struct name_list {
    int n, capacity;
    char **name;
} name_list;

static msio_status keep_name(void *user, const char *name, bool is_dataset) {
    name_list *list = user;
    if (!is_dataset) return MSIO_OK;
    if (list->n == NAMES_MOST)
        return msio_error_set(MSIO_E_UNSUPPORTED, NULL, "a file of more than %d datasets", NAMES_MOST);
    if (list->n == list->capacity) {
        int wanted = list->capacity ? list->capacity * 2 : 64;
        char **grown = realloc(list->name, (size_t)wanted * sizeof *grown);
        if (!grown) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the names of datasets");
        list->name = grown;
        list->capacity = wanted;
    }
    list->name[list->n] = strdup(name);
    if (!list->name[list->n]) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the names of datasets");
    list->n++;
    return MSIO_OK;
}

/* While describing. */
static msio_status list_names(msio_hdf5 *file) {
    name_list list = {0, 0, NULL};
    if (file->name) return MSIO_OK;
    if (!file->library) return msio_error_set(MSIO_E_ARGUMENT, file->path, "the file's library handle was closed");
    msio_status status = msio_h5_names(file->library, file->path, keep_name, &list);
    if (!status && !list.name && !(list.name = malloc(sizeof *list.name)))
        status = msio_error_set(MSIO_E_MEMORY, file->path, "no memory for the names of datasets");
    if (status) {
        for (int i = 0; i < list.n; i++) free(list.name[i]);
        free(list.name);
        return status;
    }
    file->names = list.n;
    __atomic_store_n(&file->name, list.name, __ATOMIC_RELEASE); /* last: see core/lock.h */
    return MSIO_OK;
}

msio_status msio_hdf5_names(msio_hdf5 *file, int *n, const char *const **names) {
    PROF_CALL(file ? file->path : NULL);
    if (!file || !n || !names) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no file, or nowhere to put its names");
    msio_lengthy_lock(&file->describing);
    msio_status status = list_names(file);
    msio_lengthy_unlock(&file->describing);
    if (status) return status;
    *n = file->names;
    *names = (const char *const *)file->name;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- datasets */

static const char *storage_name(msio_h5_storage storage) {
    static const char *const names[] = {"compact", "contiguous", "chunked", "external", "virtual"};
    return names[storage];
}

/* What packs within a filter, as its client data say it; "" where there is nothing to tell. */
static const char *packs_within(const msio_h5_filter *f) {
    static const char *const blosc[] = {"blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"};
    if (f->id == 32008 && f->values > 4) return f->value[4] == 2 ? "lz4" : f->value[4] == 3 ? "zstd" : "";
    if (f->id == 32001 && f->values > 6 && f->value[6] < sizeof blosc / sizeof *blosc) return blosc[f->value[6]];
    return "";
}

/* "shuffle, deflate", "bitshuffle+lz4", "filter 40000". */
static void name_filters(msio_dataset *d) {
    size_t at = 0;
    for (int i = 0; i < d->info.filters && at < sizeof d->filters; i++) {
        const msio_h5_filter *f = &d->info.filter[i];
        const char *name = msio_h5_filter_name(f->id), *within = packs_within(f);
        char number[32];
        snprintf(number, sizeof number, "filter %d", f->id);
        at += (size_t)snprintf(d->filters + at, sizeof d->filters - at, "%s%s%s%s", i ? ", " : "", name ? name : number,
                               *within ? "+" : "", within);
    }
}

/* What is needed to read the dataset by address; why not, where it cannot be. Fails only where the file is damaged. */
static msio_status find_bytes(msio_dataset *d, const char **why) {
    const msio_h5_info *info = &d->info;
    int64_t chunk_bytes = info->stored;
    *why = NULL;
    if (d->file->native == MSIO_NATIVE_NO)
        *why = "reading natively is switched off";
    else if (info->storage != MSIO_H5_CHUNKED && info->storage != MSIO_H5_CONTIGUOUS)
        *why = "its storage is not read by address";
    else if (!info->plain)
        *why = "its elements are not plain numbers";
    else if (info->odd_filters)
        *why = "its filters are not known here";
    if (*why) return MSIO_OK;
    msio_status status = MSIO_OK;
    d->address = info->address;
    if (info->storage == MSIO_H5_CONTIGUOUS) {
        int64_t all;
        if (!msio_mul_checked(info->elements, info->stored, &all))
            *why = "it has more bytes than can be counted";
        else if (info->base)
            status = msio_chunks_address(d->file->bytes, info, &d->address);
    } else {
        for (int k = 0; k < info->ndim; k++)
            if (!msio_mul_checked(chunk_bytes, info->chunk[k], &chunk_bytes)) chunk_bytes = INT64_MAX;
        *why = msio_decoding_make(info, chunk_bytes, &d->decoding, d->why, sizeof d->why);
        prof_span span;
        prof_begin(&span, PROF_PATH_HEADER);
        if (!*why) status = msio_chunks_load(d->file->bytes, info, d->library, &d->chunks);
        prof_end(&span, &(prof_work){.pieces = d->chunks.n});
    }
    if (status == MSIO_E_UNSUPPORTED) {
        snprintf(d->why, sizeof d->why, "%s", msio_last_error()->message);
        *why = d->why;
        return MSIO_OK;
    }
    return status;
}

static msio_status describe(msio_dataset *d) {
    const msio_h5_info *info = &d->info;
    msio_dataset_info *out = &d->described;
    bool numbers = info->type != MSIO_STRING && info->type != MSIO_RECORD;
    name_filters(d);
    *out = (msio_dataset_info){.name = d->name,
                               .type = info->type,
                               .stored = info->stored_name,
                               .ndim = info->ndim,
                               .chunked = info->storage == MSIO_H5_CHUNKED,
                               .storage = storage_name(info->storage),
                               .filters = d->filters,
                               .bytes = info->bytes};
    memcpy(out->shape, info->shape, sizeof out->shape);
    memcpy(out->chunk, info->chunk, sizeof out->chunk);
    msio_status status = numbers ? find_bytes(d, &out->why_not) : MSIO_OK;
    if (!numbers) out->why_not = info->type == MSIO_STRING ? "strings are read by the library" : "it holds no numbers";
    out->native = !out->why_not;
    if (out->chunked && out->native) out->bytes = 0;
    for (int64_t i = 0; i < d->chunks.n; i++) out->bytes += d->chunks.chunk[i].bytes;
    return status;
}

/* While describing; full: a name from the root. */
static msio_status open_dataset(msio_hdf5 *file, const char *full, const msio_dataset **dataset) {
    for (const msio_dataset *d = file->dataset; d; d = d->next)
        if (strcmp(d->name, full) == 0) {
            *dataset = d;
            return MSIO_OK;
        }
    if (!file->library) return msio_error_set(MSIO_E_ARGUMENT, file->path, "the file's library handle was closed");
    msio_dataset *d = calloc(1, sizeof *d);
    if (!d || !(d->name = strdup(full))) {
        free(d);
        return msio_error_set(MSIO_E_MEMORY, file->path, "no memory for dataset %s", full);
    }
    d->file = file;
    msio_status status = msio_h5_dataset_open(file->library, file->path, full, &d->library, &d->info);
    if (!status) status = describe(d);
    if (status) {
        free_dataset(d);
        return status;
    }
    d->next = file->dataset;
    __atomic_store_n(&file->dataset, d, __ATOMIC_RELEASE); /* last: see core/lock.h */
    prof_hold(&file->told, file->path, "open files",
              file->told.bytes + d->chunks.capacity * (int64_t)sizeof *d->chunks.chunk);
    *dataset = d;
    return MSIO_OK;
}

/* The one name that ends with the wanted one. */
static msio_status complete_name(msio_hdf5 *file, const char *wanted, const char **full) {
    msio_status status = list_names(file);
    if (status) return status;
    *full = NULL;
    size_t length = strlen(wanted);
    for (int i = 0; i < file->names; i++) {
        size_t has = strlen(file->name[i]);
        if (has < length || strcmp(file->name[i] + has - length, wanted) != 0) continue;
        if (has > length && file->name[i][has - length - 1] != '/') continue;
        if (has == length) {
            *full = file->name[i];
            return MSIO_OK;
        }
        if (*full)
            return msio_error_set(MSIO_E_NO_COLUMN, file->path, "%s may be %s or %s: say which", wanted, *full,
                                  file->name[i]);
        *full = file->name[i];
    }
    return *full ? MSIO_OK
                 : msio_error_set(MSIO_E_NO_COLUMN, file->path, "there is no dataset %s; the file has %d", wanted,
                                  file->names);
}

msio_status msio_hdf5_dataset(msio_hdf5 *file, const char *name, const msio_dataset **dataset) {
    PROF_CALL_OF(file ? file->path : NULL, name, 1);
    if (!file || !name || !dataset)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no file, no name, or nowhere to put the dataset");
    const char *full = name[0] == '/' ? name + 1 : name;
    msio_lengthy_lock(&file->describing);
    msio_status status = strchr(full, '/') ? open_dataset(file, full, dataset) : MSIO_E_NOT_FOUND;
    if (status == MSIO_E_NOT_FOUND) {
        status = complete_name(file, full, &full);
        if (!status) status = open_dataset(file, full, dataset);
    }
    msio_lengthy_unlock(&file->describing);
    return status;
}

const msio_dataset_info *msio_dataset_describe(const msio_dataset *dataset) { return &dataset->described; }
