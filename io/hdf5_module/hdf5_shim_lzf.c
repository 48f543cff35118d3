/* hdf5_shim_lzf.c - the LZF filter for the HDF5 library, which has none of its own; over liblzf.
 *
 * The client data are h5py's: its filter's revision, LZF's version, bytes of a chunk. A chunk that does not shrink is
 * stored as it is: the filter fails, and was made optional. */
#include "io/hdf5_module/hdf5_shim_private.h"

#include <errno.h>
#include <liblzf/lzf.h>
#include <stdlib.h>

/* What h5py writes. */
#define LZF_REVISION 4
#define LZF_VERSION 0x0105
/* A chunk cannot have more elements' bytes than this: HDF5's own limit. */
#define CHUNK_MOST ((size_t)UINT32_MAX)

/* Puts the chunk's size into the client data when a dataset is made. */
static herr_t set_local(hid_t plist, hid_t type, hid_t space) {
    hsize_t chunk[H5S_MAX_RANK];
    (void)space;
    int ndim = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
    size_t bytes = H5Tget_size(type);
    if (ndim < 0 || !bytes) return -1;
    for (int k = 0; k < ndim; k++) {
        if (chunk[k] && bytes > CHUNK_MOST / chunk[k]) return -1;
        bytes *= (size_t)chunk[k];
    }
    const unsigned values[3] = {LZF_REVISION, LZF_VERSION, (unsigned)bytes};
    return H5Pmodify_filter(plist, MSIO_H5_FILTER_LZF, H5Z_FLAG_OPTIONAL, 3, values) < 0 ? -1 : 1;
}

/* Replaces *buffer by one of `size` bytes in use; 0 or the size. */
static size_t hand_over(void *filled, size_t used, size_t capacity, size_t *buffer_bytes, void **buffer) {
    if (!used) {
        free(filled);
        return 0;
    }
    free(*buffer);
    *buffer = filled;
    *buffer_bytes = capacity;
    return used;
}

static size_t filter(unsigned flags, size_t n, const unsigned values[], size_t bytes, size_t *buffer_bytes,
                     void **buffer) {
    bool reverse = flags & H5Z_FLAG_REVERSE;
    /* what follows in the pipeline may have added a checksum; sizes beyond the chunk's are refused */
    size_t capacity = reverse ? (n >= 3 && values[2] ? values[2] : *buffer_bytes) : bytes;
    if (bytes > UINT32_MAX || capacity == 0 || capacity > CHUNK_MOST) return 0;
    for (int tries = 0; tries < 2; tries++) {
        void *filled = malloc(capacity);
        if (!filled) return 0;
        errno = 0;
        size_t used = reverse ? lzf_decompress(*buffer, (unsigned)bytes, filled, (unsigned)capacity)
                              : lzf_compress(*buffer, (unsigned)bytes, filled, (unsigned)capacity);
        if (used || !reverse || errno != E2BIG) return hand_over(filled, used, capacity, buffer_bytes, buffer);
        free(filled);
        capacity += 4 * H5Z_MAX_NFILTERS; /* checksums of filters that ran before this one */
    }
    return 0;
}

msio_status msio_h5_register_lzf(msio_h5_message *message) {
    static const H5Z_class2_t lzf = {.version = H5Z_CLASS_T_VERS,
                                     .id = MSIO_H5_FILTER_LZF,
                                     .encoder_present = 1,
                                     .decoder_present = 1,
                                     .name = "lzf",
                                     .set_local = set_local,
                                     .filter = filter};
    static bool done;
    if (done) return MSIO_OK;
    if (H5Zfilter_avail(MSIO_H5_FILTER_LZF) <= 0 && H5Zregister(&lzf) < 0)
        return msio_h5_say(message, MSIO_E_UNSUPPORTED, "registering LZF", NULL);
    done = true;
    return MSIO_OK;
}
