/* hdf5_shim_dataset.c - the HDF5 module: datasets described and read, and where their chunks lie. */
#include "io/hdf5_module/hdf5_shim_private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The library keeps so many bytes of decoded chunks, so that no chunk is decoded for each of its rows. Its table of
 * them is made, and cleared, when a dataset is opened: of most only the places of chunks are asked for. */
#define CHUNK_CACHE_BYTES ((size_t)16 << 20)
#define CHUNK_CACHE_SLOTS 12421
#define FEW_SLOTS 13
/* Before 1.14 the library finds a chunk by going through all of them: as long as there are few, that is quick. Their
 * places are looked at one after the other, so many beyond those that hold one. */
#define CHUNKS_MOST 512
#define PLACES_BEYOND 10000
#define NAME_MOST 1024

/* ---------------------------------------------------------------- describing */

static bool describe_shape(hid_t id, msio_h5_info *info) {
    hid_t space = H5Dget_space(id);
    hsize_t shape[H5S_MAX_RANK];
    bool good = space >= 0;
    if (good && H5Sget_simple_extent_type(space) == H5S_NULL) {
        info->ndim = 1; /* "empty": no elements at all */
        info->shape[0] = info->elements = 0;
    } else if (good) {
        int ndim = H5Sget_simple_extent_dims(space, shape, NULL);
        good = ndim >= 0;
        info->ndim = ndim;
        info->elements = 1;
        for (int k = 0; good && k < ndim; k++) {
            if (k < MSIO_MAX_NDIM) info->shape[k] = (int64_t)shape[k];
            good = shape[k] <= INT64_MAX && !__builtin_mul_overflow(info->elements, (int64_t)shape[k], &info->elements);
        }
    }
    if (space >= 0) H5Sclose(space);
    return good;
}

static void describe_filters(hid_t plist, msio_h5_info *info) {
    int n = H5Pget_nfilters(plist);
    unsigned options = 0;
    info->odd_filters = n > MSIO_H5_FILTERS || H5Pget_chunk_opts(plist, &options) < 0 || options != 0;
    info->filters = n < 0 ? 0 : n > MSIO_H5_FILTERS ? MSIO_H5_FILTERS : n;
    for (int i = 0; i < info->filters; i++) {
        msio_h5_filter *f = &info->filter[i];
        size_t values = MSIO_H5_FILTER_VALUES;
        unsigned flags = 0;
        f->id = H5Pget_filter2(plist, (unsigned)i, &flags, &values, f->value, sizeof f->name, f->name, NULL);
        f->optional = flags & H5Z_FLAG_OPTIONAL;
        f->values = values < MSIO_H5_FILTER_VALUES ? (int)values : MSIO_H5_FILTER_VALUES;
        f->name[sizeof f->name - 1] = '\0';
    }
}

static bool describe_chunks(hid_t id, hid_t plist, msio_h5_info *info) {
    hsize_t chunk[H5S_MAX_RANK];
    H5D_chunk_index_t index = H5D_CHUNK_IDX_BTREE;
    int ndim = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
    if (ndim != info->ndim || H5Dget_chunk_index_type(id, &index) < 0) return false;
    for (int k = 0; k < ndim && k < MSIO_MAX_NDIM; k++) info->chunk[k] = (int64_t)chunk[k];
    info->index = index == H5D_CHUNK_IDX_BTREE ? MSIO_H5_BTREE1 : MSIO_H5_ANY;
    return true;
}

static bool describe_storage(hid_t id, msio_h5_info *info) {
    hid_t plist = H5Dget_create_plist(id);
    bool good = plist >= 0;
    H5D_layout_t layout = good ? H5Pget_layout(plist) : H5D_LAYOUT_ERROR;
    info->address = -1;
    /* of chunks the library would go through all of them */
    info->bytes = layout == H5D_CHUNKED ? -1 : (int64_t)H5Dget_storage_size(id);
    if (layout == H5D_COMPACT) {
        info->storage = MSIO_H5_COMPACT;
    } else if (layout == H5D_CHUNKED) {
        info->storage = MSIO_H5_CHUNKED;
        describe_filters(plist, info);
        good = describe_chunks(id, plist, info);
    } else if (layout == H5D_VIRTUAL) {
        info->storage = MSIO_H5_VIRTUAL;
    } else if (layout == H5D_CONTIGUOUS) {
        info->storage = H5Pget_external_count(plist) > 0 ? MSIO_H5_EXTERNAL : MSIO_H5_CONTIGUOUS;
        haddr_t address = info->storage == MSIO_H5_CONTIGUOUS ? H5Dget_offset(id) : HADDR_UNDEF;
        if (address != HADDR_UNDEF && address <= INT64_MAX) info->address = (int64_t)address;
    } else {
        good = false;
    }
    if (plist >= 0) H5Pclose(plist);
    return good;
}

static void describe_fill(hid_t id, hid_t type, msio_h5_info *info) {
    H5D_fill_value_t said = H5D_FILL_VALUE_UNDEFINED;
    if (!info->plain || info->stored > (int64_t)sizeof info->fill) return;
    hid_t plist = H5Dget_create_plist(id);
    if (plist >= 0 && H5Pfill_value_defined(plist, &said) >= 0 && said != H5D_FILL_VALUE_UNDEFINED &&
        H5Pget_fill_value(plist, type, info->fill) < 0)
        memset(info->fill, 0, sizeof info->fill);
    if (plist >= 0) H5Pclose(plist);
}

static msio_status describe(const msio_h5_file *file, msio_h5_dataset *d, const char *name, msio_h5_message *message) {
    msio_h5_info *info = &d->info;
    H5O_info_t object;
    hid_t type = H5Dget_type(d->id);
    msio_status status = MSIO_OK;
    msio_h5_check_sources(d->id);
    if (msio_h5_refused(name, message))
        status = MSIO_E_FORMAT;
    else if (type < 0 || !describe_shape(d->id, info) || !describe_storage(d->id, info)) {
        status = msio_h5_say(message, MSIO_E_FORMAT, "describing dataset", name);
    } else if (info->ndim > MSIO_MAX_NDIM) {
        snprintf(message->text, sizeof message->text, "dataset %.200s has %d axes; msio reads up to %d", name,
                 info->ndim, MSIO_MAX_NDIM);
        status = MSIO_E_UNSUPPORTED;
    } else {
        msio_h5_describe_type(type, info);
        describe_fill(d->id, type, info);
        info->base = file->base;
        info->header = -1;
        if (H5Oget_info2(d->id, &object, H5O_INFO_BASIC) < 0 || object.fileno != file->number)
            info->storage = MSIO_H5_EXTERNAL; /* a link has led to another file: its addresses mean nothing in ours */
        else if (file->address == 8 && file->length == 8 && object.addr <= (haddr_t)(INT64_MAX - file->base))
            info->header = (int64_t)object.addr + file->base;
    }
    if (type >= 0) H5Tclose(type);
    return status;
}

/* What the guard refuses it has told itself. */
static msio_status look_for_dataset(const msio_h5_file *file, const char *name, msio_h5_message *message) {
    H5O_info_t object;
    msio_status status = msio_h5_look_at(file, file->id, name, &object);
    if (!status && object.type != H5O_TYPE_DATASET) status = MSIO_E_NOT_FOUND;
    if (status == MSIO_E_NOT_FOUND && msio_h5_refused(name, message)) return MSIO_E_FORMAT;
    if (status == MSIO_E_NOT_FOUND) snprintf(message->text, sizeof message->text, "there is no dataset %.200s", name);
    return status;
}

static hid_t open_dataset(hid_t file, const char *name, size_t slots) {
    hid_t plist = H5Pcreate(H5P_DATASET_ACCESS), id = -1;
    if (plist < 0) return -1;
    H5Pset_chunk_cache(plist, slots, CHUNK_CACHE_BYTES, H5D_CHUNK_CACHE_W0_DEFAULT);
    msio_h5_look_before(plist);
    id = H5Dopen2(file, name, plist);
    H5Pclose(plist);
    return id;
}

/* Opens a dataset of chunks anew, with the cache that the first reading needs. */
static bool make_roomy(msio_h5_dataset *d) {
    char name[NAME_MOST];
    if (d->roomy || d->info.storage != MSIO_H5_CHUNKED) return true;
    const ssize_t length = H5Iget_name(d->id, name, sizeof name);
    d->roomy = true;
    if (length <= 0 || length >= (ssize_t)sizeof name) return true; /* slower, no worse */
    hid_t file = H5Iget_file_id(d->id);
    if (file < 0) return false;
    H5Dclose(d->id);
    d->id = open_dataset(file, name, CHUNK_CACHE_SLOTS);
    H5Fclose(file);
    return d->id >= 0;
}

msio_status msio_h5_shim_dataset(msio_h5_file *file, const char *name, msio_h5_dataset **dataset, msio_h5_info *info,
                                 msio_h5_message *message) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    msio_status status = look_for_dataset(file, name, message);
    msio_h5_dataset *d = calloc(1, sizeof *d);
    if (!status && !d) {
        snprintf(message->text, sizeof message->text, "no memory for dataset %.200s", name);
        status = MSIO_E_MEMORY;
    } else if (!status) {
        d->id = open_dataset(file->id, name, FEW_SLOTS);
        status =
            d->id < 0 ? msio_h5_say(message, MSIO_E_FORMAT, "opening dataset", name) : describe(file, d, name, message);
        if (status && d->id >= 0) H5Dclose(d->id);
    }
    if (status) {
        free(d);
    } else {
        *info = d->info;
        *dataset = d;
    }
    msio_h5_quiet_end(&quiet);
    return status;
}

void msio_h5_shim_dataset_close(msio_h5_dataset *dataset) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    H5Dclose(dataset->id);
    msio_h5_quiet_end(&quiet);
    free(dataset);
}

/* ---------------------------------------------------------------- reading */

static bool select_part(const msio_h5_info *info, hid_t space, const int64_t *start, const int64_t *count,
                        const int64_t *step, hid_t *memory) {
    hsize_t s[MSIO_MAX_NDIM], n[MSIO_MAX_NDIM], by[MSIO_MAX_NDIM];
    for (int k = 0; k < info->ndim; k++) {
        s[k] = (hsize_t)start[k];
        n[k] = (hsize_t)count[k];
        by[k] = (hsize_t)step[k];
    }
    *memory = H5Screate_simple(info->ndim, n, NULL);
    return *memory >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, s, by, n, NULL) >= 0;
}

msio_status msio_h5_shim_read(msio_h5_dataset *dataset, const int64_t *start, const int64_t *count, const int64_t *step,
                              void *out, msio_h5_message *message) {
    const msio_h5_info *info = &dataset->info;
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    bool good = make_roomy(dataset);
    hid_t stored = H5Dget_type(dataset->id), space = H5Dget_space(dataset->id), memory = H5S_ALL;
    hid_t type = stored < 0 ? -1 : msio_h5_memory_type(stored, info);
    good = good && type >= 0 && space >= 0 &&
           (info->ndim == 0 || select_part(info, space, start, count, step, &memory)) &&
           H5Dread(dataset->id, type, memory, info->ndim ? space : H5S_ALL, H5P_DEFAULT, out) >= 0;
    msio_status status = good ? MSIO_OK : msio_h5_say(message, MSIO_E_FORMAT, "reading the dataset", NULL);
    int64_t n = 1;
    for (int k = 0; k < info->ndim; k++) n *= count[k];
    if (good && info->number.is_truth)
        for (int64_t i = 0; i < n; i++) ((uint8_t *)out)[i] = ((uint8_t *)out)[i] != 0;
    if (type >= 0) H5Tclose(type);
    if (stored >= 0) H5Tclose(stored);
    if (space >= 0) H5Sclose(space);
    if (memory > 0) H5Sclose(memory);
    msio_h5_quiet_end(&quiet);
    return status;
}

msio_status msio_h5_shim_read_texts(msio_h5_dataset *dataset, msio_h5_text_sink sink, void *user,
                                    msio_h5_message *message) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    hid_t type = H5Dget_type(dataset->id);
    msio_status status = type < 0 ? msio_h5_say(message, MSIO_E_FORMAT, "reading strings", NULL)
                                  : msio_h5_tell_texts(dataset->id, type, dataset->info.elements, sink, user, message);
    if (type >= 0) H5Tclose(type);
    msio_h5_quiet_end(&quiet);
    return status;
}

/* ---------------------------------------------------------------- chunks */

static bool tell_chunk(const msio_h5_info *info, const hsize_t *offset, uint32_t mask, haddr_t address, hsize_t bytes,
                       msio_h5_chunk_sink sink, void *user, msio_status *status) {
    msio_h5_chunk chunk = {.address = -1, .mask = mask};
    for (int k = 0; k < info->ndim; k++) chunk.offset[k] = (int64_t)offset[k];
    if (address <= INT64_MAX) chunk.address = (int64_t)address;
    chunk.bytes = bytes <= INT64_MAX ? (int64_t)bytes : -1;
    return (*status = sink(user, &chunk)) == MSIO_OK;
}

#if H5_VERSION_GE(1, 14, 0)

typedef struct chunk_walk {
    const msio_h5_info *info;
    msio_h5_chunk_sink sink;
    void *user;
    msio_status status;
} chunk_walk;

static int take_chunk(const hsize_t *offset, unsigned mask, haddr_t address, hsize_t bytes, void *user) {
    chunk_walk *walk = user;
    return tell_chunk(walk->info, offset, mask, address, bytes, walk->sink, walk->user, &walk->status) ? H5_ITER_CONT
                                                                                                       : H5_ITER_ERROR;
}

static msio_status walk_chunks(msio_h5_dataset *dataset, msio_h5_chunk_sink sink, void *user,
                               msio_h5_message *message) {
    chunk_walk walk = {&dataset->info, sink, user, MSIO_OK};
    herr_t result = H5Dchunk_iter(dataset->id, H5P_DEFAULT, take_chunk, &walk);
    if (walk.status) return walk.status;
    return result < 0 ? msio_h5_say(message, MSIO_E_FORMAT, "reading the chunk index", NULL) : MSIO_OK;
}

#else

/* The next place in the grid of chunks; false behind the last. */
static bool next_place(const msio_h5_info *info, hsize_t *offset) {
    for (int k = info->ndim - 1; k >= 0; k--) {
        offset[k] += (hsize_t)info->chunk[k];
        if (offset[k] < (hsize_t)info->shape[k]) return true;
        offset[k] = 0;
    }
    return false;
}

/* By place: to tell a chunk by its number costs the more the higher the number is. */
static msio_status walk_chunks(msio_h5_dataset *dataset, msio_h5_chunk_sink sink, void *user,
                               msio_h5_message *message) {
    const msio_h5_info *info = &dataset->info;
    hsize_t offset[MSIO_MAX_NDIM] = {0}, chunks = 0, seen = 0, places = 0;
    hid_t space = H5Dget_space(dataset->id);
    bool good = space >= 0 && H5Dget_num_chunks(dataset->id, space, &chunks) >= 0;
    if (space >= 0) H5Sclose(space);
    if (good && chunks > CHUNKS_MOST) {
        snprintf(message->text, sizeof message->text,
                 "HDF5 before 1.14 tells where %llu chunks of this index lie only at a cost that grows with the square "
                 "of their number",
                 (unsigned long long)chunks);
        return MSIO_E_UNSUPPORTED;
    }
    msio_status status = MSIO_OK;
    bool more = info->elements > 0;
    for (; good && more && seen < chunks; more = next_place(info, offset)) {
        unsigned mask = 0;
        haddr_t address = HADDR_UNDEF;
        hsize_t bytes = 0;
        if (++places > 2 * chunks + PLACES_BEYOND) {
            snprintf(message->text, sizeof message->text, "the dataset has too many chunks that were never written");
            return MSIO_E_UNSUPPORTED;
        }
        good = H5Dget_chunk_info_by_coord(dataset->id, offset, &mask, &address, &bytes) >= 0;
        if (!good || address == HADDR_UNDEF) continue;
        seen++;
        if (!tell_chunk(info, offset, mask, address, bytes, sink, user, &status)) return status;
    }
    return good ? MSIO_OK : msio_h5_say(message, MSIO_E_FORMAT, "reading the chunk index", NULL);
}

#endif

msio_status msio_h5_shim_chunks(msio_h5_dataset *dataset, msio_h5_chunk_sink sink, void *user,
                                msio_h5_message *message) {
    if (dataset->info.base != 0) { /* versions differ in whether they count the user block */
        snprintf(message->text, sizeof message->text, "addresses in a file with a user block are not known for sure");
        return MSIO_E_UNSUPPORTED;
    }
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    msio_status status = walk_chunks(dataset, sink, user, message);
    msio_h5_quiet_end(&quiet);
    return status;
}
