/* request.h - a selection resolved against an HDF5 dataset. */
#ifndef MSIO_IO_REQUEST_H
#define MSIO_IO_REQUEST_H

#include "io/layout/hdf5_layout.h"

typedef struct msio_request {
    const msio_dataset *dataset;
    msio_type type;
    msio_rows rows; /* to be freed */
    msio_slab slab;
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];
    int64_t bytes;
} msio_request;

/* select NULL: all. type: delivered as. Errors: as msio_dataset_shape; then nothing is to be freed. */
msio_status msio_request_resolve(const msio_dataset *dataset, const msio_select *select, msio_type type,
                                 msio_request *request);

#endif
