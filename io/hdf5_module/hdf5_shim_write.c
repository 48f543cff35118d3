/* hdf5_shim_write.c - the HDF5 module: making files and datasets, writing elements. */
#include "io/hdf5_module/hdf5_shim_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* h5py's own when none is asked for. */
#define GZIP_LEVEL 4

/* ---------------------------------------------------------------- files */

msio_status msio_h5_shim_create(const char *path, msio_h5_file **file, msio_h5_message *message) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    msio_status status = msio_h5_register_lzf(message);
    msio_h5_file *f = NULL;
    H5O_info_t root;
    hid_t plist = H5Pcreate(H5P_FILE_ACCESS);
    if (status == MSIO_OK && !(f = calloc(1, sizeof *f))) {
        snprintf(message->text, sizeof message->text, "no memory for a file's description");
        status = MSIO_E_MEMORY;
    }
    if (status == MSIO_OK) {
        f->address = f->length = 8;
        H5Pset_fclose_degree(plist, H5F_CLOSE_STRONG);
        msio_h5_locking(plist, false, true);
        f->id = H5Fcreate(path, H5F_ACC_EXCL, H5P_DEFAULT, plist);
        if (f->id < 0 && access(path, F_OK) == 0) {
            snprintf(message->text, sizeof message->text, "a file stands there; it is not written over");
            status = MSIO_E_IO;
        } else if (f->id < 0) {
            status = msio_h5_say(message, MSIO_E_IO, "making the file", NULL);
        } else if (H5Oget_info2(f->id, &root, H5O_INFO_BASIC) >= 0) {
            f->number = root.fileno;
        }
    }
    if (status != MSIO_OK) free(f);
    if (plist >= 0) H5Pclose(plist);
    msio_h5_quiet_end(&quiet);
    if (status == MSIO_OK) *file = f;
    return status;
}

msio_status msio_h5_shim_flush(msio_h5_file *file, msio_h5_message *message) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    msio_status status = MSIO_OK;
    if (H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0) status = msio_h5_say(message, MSIO_E_IO, "writing to disk", NULL);
    msio_h5_quiet_end(&quiet);
    return status;
}

/* ---------------------------------------------------------------- types */

/* The enumeration that h5py makes of truths. */
static hid_t truth_type(void) {
    const int8_t no = 0, yes = 1;
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    if (type >= 0 && H5Tenum_insert(type, "FALSE", &no) >= 0 && H5Tenum_insert(type, "TRUE", &yes) >= 0) return type;
    if (type >= 0) H5Tclose(type);
    return -1;
}

static hid_t complex_type(hid_t part) {
    const size_t bytes = H5Tget_size(part);
    hid_t type = H5Tcreate(H5T_COMPOUND, 2 * bytes);
    if (type >= 0 && H5Tinsert(type, "r", 0, part) >= 0 && H5Tinsert(type, "i", bytes, part) >= 0) return type;
    if (type >= 0) H5Tclose(type);
    return -1;
}

/* Strings as h5py makes them: of fixed length ASCII padded with NULs, of variable length UTF-8. */
static hid_t string_type(int bytes) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return -1;
    bool made = bytes > 0 ? H5Tset_size(type, (size_t)bytes) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0
                          : H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0;
    if (made) return type;
    H5Tclose(type);
    return -1;
}

/* The type of a spec's elements, in memory and, of machines with the little end first, in the file. */
static hid_t spec_type(const msio_h5_spec *spec) {
    switch (spec->type) {
    case MSIO_BOOL: return truth_type();
    case MSIO_CHAR: return H5Tcopy(H5T_NATIVE_INT8);
    case MSIO_UCHAR: return H5Tcopy(H5T_NATIVE_UINT8);
    case MSIO_SHORT: return H5Tcopy(H5T_NATIVE_INT16);
    case MSIO_USHORT: return H5Tcopy(H5T_NATIVE_UINT16);
    case MSIO_INT: return H5Tcopy(H5T_NATIVE_INT32);
    case MSIO_UINT: return H5Tcopy(H5T_NATIVE_UINT32);
    case MSIO_INT64: return H5Tcopy(H5T_NATIVE_INT64);
    case MSIO_UINT64: return H5Tcopy(H5T_NATIVE_UINT64);
    case MSIO_FLOAT: return H5Tcopy(H5T_NATIVE_FLOAT);
    case MSIO_DOUBLE: return H5Tcopy(H5T_NATIVE_DOUBLE);
    case MSIO_COMPLEX: return complex_type(H5T_NATIVE_FLOAT);
    case MSIO_DCOMPLEX: return complex_type(H5T_NATIVE_DOUBLE);
    case MSIO_STRING: return string_type(spec->text_bytes);
    default: return -1;
    }
}

/* ---------------------------------------------------------------- datasets */

/* Chunks, filters, and no times of making, so that equal content is equal bytes. Negative on failure. */
static hid_t creation(const msio_h5_spec *spec) {
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    bool good = plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0;
    if (good && spec->ndim > 0 && spec->chunk[0] > 0) {
        hsize_t chunk[MSIO_MAX_NDIM];
        for (int k = 0; k < spec->ndim; k++) chunk[k] = (hsize_t)spec->chunk[k];
        /* h5py's fill time, not HDF5's default: parts of chunks that a growing dataset uncovers are filled */
        good = H5Pset_chunk(plist, spec->ndim, chunk) >= 0 && H5Pset_fill_time(plist, H5D_FILL_TIME_ALLOC) >= 0;
    }
    if (good && spec->early)
        good = H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY) >= 0 && H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER) >= 0;
    if (good && spec->compression == MSIO_H5_LZF)
        good = H5Pset_filter(plist, MSIO_H5_FILTER_LZF, H5Z_FLAG_OPTIONAL, 0, NULL) >= 0;
    if (good && spec->compression == MSIO_H5_GZIP) good = H5Pset_deflate(plist, GZIP_LEVEL) >= 0;
    if (good) return plist;
    if (plist >= 0) H5Pclose(plist);
    return -1;
}

static hid_t spec_space(const msio_h5_spec *spec) {
    hsize_t shape[MSIO_MAX_NDIM], limit[MSIO_MAX_NDIM];
    if (spec->ndim == 0) return H5Screate(H5S_SCALAR);
    for (int k = 0; k < spec->ndim; k++) limit[k] = shape[k] = (hsize_t)spec->shape[k];
    if (spec->grows) limit[0] = H5S_UNLIMITED;
    return H5Screate_simple(spec->ndim, shape, limit);
}

/* Makes the dataset, and the groups before it. Negative on failure. */
static hid_t make_dataset(const msio_h5_file *file, const msio_h5_spec *spec) {
    hid_t type = spec_type(spec), space = spec_space(spec), plist = creation(spec), links = H5Pcreate(H5P_LINK_CREATE);
    hid_t id = -1;
    if (type >= 0 && space >= 0 && plist >= 0 && links >= 0 && H5Pset_create_intermediate_group(links, 1) >= 0)
        id = H5Dcreate2(file->id, spec->name, type, space, links, plist, H5P_DEFAULT);
    if (links >= 0) H5Pclose(links);
    if (plist >= 0) H5Pclose(plist);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return id;
}

msio_status msio_h5_shim_make(msio_h5_file *file, const msio_h5_spec *spec, msio_h5_dataset **dataset,
                              msio_h5_message *message) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    msio_status status = MSIO_OK;
    msio_h5_dataset *d = calloc(1, sizeof *d);
    if (!d) {
        snprintf(message->text, sizeof message->text, "no memory for a dataset's description");
        status = MSIO_E_MEMORY;
    } else if ((d->id = make_dataset(file, spec)) < 0) {
        status = msio_h5_say(message, MSIO_E_IO, "making the dataset", spec->name);
    } else {
        d->info.type = spec->type;
        d->info.ndim = spec->ndim;
        memcpy(d->info.shape, spec->shape, sizeof d->info.shape);
    }
    msio_h5_quiet_end(&quiet);
    if (status == MSIO_OK)
        *dataset = d;
    else
        free(d);
    return status;
}

/* ---------------------------------------------------------------- elements */

/* Extends axis 0 where the elements go beyond it. */
static bool reach(msio_h5_dataset *dataset, const int64_t *start, const int64_t *count) {
    hsize_t shape[MSIO_MAX_NDIM];
    if (dataset->info.ndim == 0 || start[0] + count[0] <= dataset->info.shape[0]) return true;
    for (int k = 0; k < dataset->info.ndim; k++) shape[k] = (hsize_t)dataset->info.shape[k];
    shape[0] = (hsize_t)(start[0] + count[0]);
    if (H5Dset_extent(dataset->id, shape) < 0) return false;
    dataset->info.shape[0] = start[0] + count[0];
    return true;
}

static bool write_box(const msio_h5_dataset *dataset, const int64_t *start, const int64_t *count, const void *values) {
    const int ndim = dataset->info.ndim;
    hsize_t from[MSIO_MAX_NDIM] = {0}, many[MSIO_MAX_NDIM] = {0};
    for (int k = 0; k < ndim; k++) {
        from[k] = (hsize_t)start[k];
        many[k] = (hsize_t)count[k];
    }
    hid_t type = H5Dget_type(dataset->id), there = H5Dget_space(dataset->id);
    hid_t here = ndim ? H5Screate_simple(ndim, many, NULL) : H5Screate(H5S_SCALAR);
    bool good = type >= 0 && there >= 0 && here >= 0 &&
                (ndim == 0 || H5Sselect_hyperslab(there, H5S_SELECT_SET, from, NULL, many, NULL) >= 0) &&
                H5Dwrite(dataset->id, type, here, there, H5P_DEFAULT, values) >= 0 &&
                H5Dflush(dataset->id) >= 0; /* closing could not tell that the disk is full */
    if (here >= 0) H5Sclose(here);
    if (there >= 0) H5Sclose(there);
    if (type >= 0) H5Tclose(type);
    return good;
}

msio_status msio_h5_shim_write(msio_h5_dataset *dataset, const int64_t *start, const int64_t *count, const void *values,
                               msio_h5_message *message) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    msio_status status = MSIO_OK;
    if (!reach(dataset, start, count) || !write_box(dataset, start, count, values))
        status = msio_h5_say(message, MSIO_E_IO, "writing elements", NULL);
    msio_h5_quiet_end(&quiet);
    return status;
}
