/* hdf5_file.h - an open HDF5 file, and its datasets as the layout sees them. */
#ifndef MSIO_IO_HDF5_FILE_H
#define MSIO_IO_HDF5_FILE_H

#include "core/lock.h"
#include "io/filters/hdf5_filters.h"
#include "io/hdf5/hdf5_chunks.h"
#include "msio/hdf5.h"
#include "prof/call.h"

struct msio_dataset {
    struct msio_dataset *next;
    msio_hdf5 *file;
    char *name;
    msio_h5_dataset *library; /* the library's; NULL once it was let go */
    msio_h5_info info;
    msio_dataset_info described;
    char filters[128], why[200];
    /* Of a dataset that is read natively. */
    int64_t address; /* contiguous; -1: nothing is allocated */
    msio_chunk_list chunks;
    msio_decoding decoding;
};

struct msio_hdf5 {
    char *path;
    msio_native native;
    msio_file *bytes;        /* the file as msio reads it */
    msio_h5_file *library;   /* the same, as the library does; NULL once it was let go */
    msio_lengthy describing; /* of what follows */
    msio_dataset *dataset;   /* those that were asked for */
    int names;
    char **name;       /* NULL: not yet listed */
    prof_holding told; /* what the datasets' lists of chunks take */
};

/* The library's handle; NULL once it was let go. */
msio_h5_file *msio_hdf5_library(msio_hdf5 *file);

/* Closes what the library holds of the file, unless a dataset that was asked for is read through it: an open file keeps
 * writers out. No further dataset can be asked for. */
void msio_hdf5_let_go(msio_hdf5 *file);

/* Whether the file is as it was when it was opened. MSIO_E_CHANGED, MSIO_E_IO. */
msio_status msio_hdf5_unchanged(const msio_hdf5 *file);

#endif
