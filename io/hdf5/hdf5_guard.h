/* hdf5_guard.h - datasets whose own description would crash the HDF5 library, refused before it opens them. */
#ifndef MSIO_IO_HDF5_GUARD_H
#define MSIO_IO_HDF5_GUARD_H

#include "core/file.h"
#include "io/hdf5/hdf5_object.h"

/* Looks at the object header of object `name`. MSIO_E_FORMAT: what it says of chunks cannot be: they have other axes
 * than the dataset, or none, or too many bytes; or the header is damaged. MSIO_OK: it may be opened, also where it is
 * of a version that is not known here. MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_h5_guard_check(msio_file *file, const msio_h5_header *header, const char *name);

#endif
