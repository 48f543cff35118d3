/* uvh5_header.h - an open UVH5 file, and the reading of its header. */
#ifndef MSIO_IO_UVH5_HEADER_H
#define MSIO_IO_UVH5_HEADER_H

#include "io/uvh5/uvh5_fields.h"

struct msio_uvh5 {
    msio_hdf5 *hdf5;
    msio_arena arena; /* of the header */
    msio_uvh5_header header;
};

/* Reads and checks the header of an open file; all of it lives in the arena, which the caller frees also when this
 * fails. Errors: those of msio_uvh5_open. */
msio_status msio_uvh5_header_read(msio_hdf5 *file, msio_arena *arena, msio_uvh5_header *header);

/* Whether files of that version have phase_center_catalog and what goes with it. */
static inline bool msio_uvh5_has_catalog(const msio_uvh5_header *header) {
    return header->version_major == 1 && header->version_minor >= 1;
}

/* The part of it that says where the telescope looked; failures are the fields' own. */
void msio_uvh5_read_phase(msio_uvh5_fields *f, msio_uvh5_header *header);

#endif
