/* hdf5_layout.h - HDF5 datasets as a layout: from a part of a dataset to pieces. */
#ifndef MSIO_IO_HDF5_LAYOUT_H
#define MSIO_IO_HDF5_LAYOUT_H

#include "io/hdf5/hdf5_file.h"
#include "io/layout/layout.h"

/* A part of a dataset, and where it goes. */
typedef struct msio_slab {
    const msio_rows *rows;          /* along axis 0; of a scalar: one row */
    msio_range axis[MSIO_MAX_NDIM]; /* [k]: along axis k >= 1 of the dataset */
    int64_t out;                    /* byte of the result where place 0, and element 0 of each axis, go */
    int64_t stride[MSIO_MAX_NDIM]; /* bytes of the result from one to the next along axis k; [0]: per place, positive */
} msio_slab;

/* Sets what of a target depends on the dataset and on the type that is delivered: codec, elements. */
void msio_hdf5_target(const msio_dataset *dataset, msio_type type, msio_target *target);

/* Pushes the pieces of a slab of a native dataset, for the sink's current target. Errors: of the sink; MSIO_E_FORMAT.
 */
msio_status msio_hdf5_pieces(const msio_dataset *dataset, const msio_slab *slab, msio_sink *sink);

/* Names, after a read through the library that failed, the filter that it lacks; otherwise returns the status as it is.
 */
msio_status msio_hdf5_explain(const msio_dataset *dataset, msio_status status);

/* Reads the slab through the library. Errors: MSIO_E_FORMAT, MSIO_E_MEMORY, MSIO_E_UNSUPPORTED. */
msio_status msio_hdf5_fallback(const msio_dataset *dataset, const msio_slab *slab, msio_type type, uint8_t *out);

#endif
