/* hdf5_object.h - an HDF5 object header, as far as its data layout message. */
#ifndef MSIO_IO_HDF5_OBJECT_H
#define MSIO_IO_HDF5_OBJECT_H

#include "io/window.h"

/* What a data layout message of versions 1 to 3 says. Addresses count from the file's base. */
typedef struct msio_h5_layout {
    int class;       /* 0 compact, 1 contiguous, 2 chunked */
    int version;     /* 4 and more: nothing else is filled */
    int64_t address; /* of the data, or of the B-tree; -1: none */
    int ndim;        /* chunked: axes, the element's own not counted */
    int64_t chunk[MSIO_MAX_NDIM];
    int64_t element; /* chunked: bytes */
} msio_h5_layout;

/* Finds the message in the object header at byte `header` of the file, whose addresses count from `base`.
 * MSIO_E_FORMAT (damaged), MSIO_E_UNSUPPORTED (of a version that is not known), MSIO_E_IO. */
msio_status msio_h5_layout_read(msio_window *window, int64_t header, int64_t base, msio_h5_layout *layout);

/* Little-endian numbers of the file, whatever this machine's order. */
static inline uint64_t msio_h5_number(const uint8_t *bytes, int n) {
    uint64_t value = 0;
    for (int i = n - 1; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

#endif
