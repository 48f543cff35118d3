/* hdf5.h - datasets of HDF5 files: list, describe, read.
 *
 * Datasets of numbers are read by address with msio's own threads wherever their storage allows it (contiguous, or
 * chunked with any of deflate, LZF, shuffle and fletcher32), else through the HDF5 library; the result is the same.
 * The library is loaded when the first file is opened (msio_hdf5.so; MSIO_HDF5_MODULE names another one).
 *
 * Axis 0 is the row axis of selections, the last axis (of two or more) the correlation, the one before it (of three or
 * more) the channel; other axes are taken whole. Elements are delivered in numpy's C order.
 *
 * Threads: any thread may use any file and dataset at any time; msio_hdf5_close must be the last call on a file.
 */
#ifndef MSIO_HDF5_H
#define MSIO_HDF5_H

#include "msio/io.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msio_hdf5 msio_hdf5;
typedef struct msio_dataset msio_dataset;

typedef struct msio_hdf5_opts {
    size_t struct_size;
    msio_native native; /* MSIO_NATIVE_NO: everything through the HDF5 library, as MSIO_NATIVE=0 in the environment */
    int nolock; /* 1: HDF5 takes no lock on the file; that it changed meanwhile is still noticed. Where the file system
                   has no locks, none is taken anyway. */
} msio_hdf5_opts;
#define MSIO_HDF5_OPTS_INIT                                                                                            \
    { sizeof(msio_hdf5_opts), MSIO_NATIVE_AUTO, 0 }

/* Opens a file for reading. Nothing is read in proportion to its data. A file whose name says that it is still being
 * written (..._incomplete.hdf5) is not opened. *file is to be closed.
 * Errors: MSIO_E_NOT_FOUND, MSIO_E_FORMAT (no HDF5 file, cut, damaged), MSIO_E_LOCKED (a writer has it open, or the
 * name says incomplete), MSIO_E_IO, MSIO_E_UNSUPPORTED (the HDF5 module is missing), MSIO_E_MEMORY, MSIO_E_ARGUMENT. */
MSIO_API msio_status msio_hdf5_open(const char *path, const msio_hdf5_opts *opts, msio_hdf5 **file);
MSIO_API void msio_hdf5_close(msio_hdf5 *file); /* takes NULL */

/* The datasets' names, paths from the root without a leading slash ("Data/visdata"), in the file's own order. They live
 * as long as the file. MSIO_E_FORMAT, MSIO_E_MEMORY. */
MSIO_API msio_status msio_hdf5_names(msio_hdf5 *file, int *n, const char *const **names);

/* The dataset of that name: a path from the root, or the last part of one that no other dataset ends with ("visdata").
 * *dataset lives as long as the file. MSIO_E_NO_COLUMN, MSIO_E_FORMAT, MSIO_E_MEMORY. */
MSIO_API msio_status msio_hdf5_dataset(msio_hdf5 *file, const char *name, const msio_dataset **dataset);

typedef struct msio_dataset_info {
    const char *name;   /* from the root */
    msio_type type;     /* delivered as; MSIO_STRING: msio_dataset_texts; MSIO_RECORD: not read */
    const char *stored; /* "float32", "{r, i} of int32", "enum of uint8", ... */
    int ndim;           /* 0: a scalar */
    int64_t shape[MSIO_MAX_NDIM];
    int chunked;
    int64_t chunk[MSIO_MAX_NDIM];
    const char *storage; /* "contiguous", "chunked", "compact", "external", "virtual" */
    const char *filters; /* "shuffle, deflate", "bitshuffle+lz4", ...; "" where none */
    int64_t bytes;       /* that it takes in the file; -1: of chunks that the library finds, not known */
    int native;          /* 1: read by address */
    const char *why_not; /* NULL, or why it is not */
} msio_dataset_info;
/* Lives as long as the file. */
MSIO_API const msio_dataset_info *msio_dataset_describe(const msio_dataset *dataset);

/* Shape and size of the answer to a selection; type: as for msio_dataset_read. Errors: MSIO_E_RANGE, MSIO_E_ARGUMENT.
 */
MSIO_API msio_status msio_dataset_shape(const msio_dataset *dataset, const msio_select *select, msio_type type,
                                        int *ndim, int64_t shape[MSIO_MAX_NDIM], size_t *bytes);

/* Reads the selected elements into out, dense. type: the one that describe tells; for real numbers also MSIO_FLOAT and
 * MSIO_DOUBLE, for integers MSIO_BOOL (0, else 1), for complex ones MSIO_COMPLEX and MSIO_DCOMPLEX. A scalar dataset
 * has one row. Chunks that were never written are the dataset's fill value. On an error out may be partly written.
 * Errors: MSIO_E_RANGE, MSIO_E_SIZE, MSIO_E_ARGUMENT, MSIO_E_UNSUPPORTED, MSIO_E_FORMAT (cut, damaged, a checksum
 * that does not match), MSIO_E_IO, MSIO_E_CANCELLED, MSIO_E_CHANGED (the file was written meanwhile), MSIO_E_MEMORY. */
MSIO_API msio_status msio_dataset_read(const msio_dataset *dataset, const msio_select *select, msio_type type,
                                       void *out, size_t out_bytes, const msio_read_opts *opts);

/* Strings of a dataset: one cell a row (axis 0; a scalar has one), without trailing NULs and spaces. To be freed by
 * msio_ragged_free. Errors: MSIO_E_ARGUMENT (no strings), and as above. */
MSIO_API msio_status msio_dataset_texts(const msio_dataset *dataset, const msio_select *select, msio_ragged *texts);

/* The plan of a read, as msio_plan_make; to be freed before the file is closed. */
MSIO_API msio_status msio_dataset_plan(const msio_dataset *dataset, const msio_select *select, msio_plan **plan);

/* Adds a folder in which the HDF5 library that msio loads looks for plugins of filters: behind those of
 * HDF5_PLUGIN_PATH, or where that is not set behind the library's own. For filters that msio does not decode itself.
 * Any thread. Errors: MSIO_E_ARGUMENT, MSIO_E_UNSUPPORTED (no HDF5 here). */
MSIO_API msio_status msio_hdf5_plugins(const char *folder);

/* The HDF5 library's version ("1.10.8"), or NULL while it is not loaded. */
MSIO_API const char *msio_hdf5_version(void);

#ifdef __cplusplus
}
#endif
#endif
