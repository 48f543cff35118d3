/* hdf5_module.h - the HDF5 library for the rest of msio: loads the module on first need, one call at a time.
 *
 * Every function here may be called from any thread; one process-wide mutex lets one call at a time into the library.
 * Failing calls set the error record, with `path`. What each call does is told at its namesake in hdf5_shim.h; all of
 * them also return MSIO_E_UNSUPPORTED when the module or HDF5 is missing. Sinks are called with the mutex held: they
 * call nothing of this file.
 */
#ifndef MSIO_IO_HDF5_MODULE_H
#define MSIO_IO_HDF5_MODULE_H

#include "io/hdf5_module/hdf5_shim.h"

msio_status msio_h5_open(const char *path, bool nolock, msio_h5_guard_sink guard, void *user, msio_h5_file **file,
                         int *fd);
void msio_h5_close(msio_h5_file *file); /* takes NULL */
msio_status msio_h5_names(msio_h5_file *file, const char *path, msio_h5_name_sink sink, void *user);
msio_status msio_h5_visit(msio_h5_file *file, const char *path, const char *group, int64_t limit,
                          msio_h5_value_sink sink, void *user);
msio_status msio_h5_dataset_open(msio_h5_file *file, const char *path, const char *name, msio_h5_dataset **dataset,
                                 msio_h5_info *info);
void msio_h5_dataset_close(msio_h5_dataset *dataset); /* takes NULL */
msio_status msio_h5_read(msio_h5_dataset *dataset, const char *path, const int64_t *start, const int64_t *count,
                         const int64_t *step, void *out);
msio_status msio_h5_read_texts(msio_h5_dataset *dataset, const char *path, msio_h5_text_sink sink, void *user);
msio_status msio_h5_chunks(msio_h5_dataset *dataset, const char *path, msio_h5_chunk_sink sink, void *user);

/* Whether the library can undo a filter; false also where it cannot be loaded. */
bool msio_h5_undoes(int filter);

msio_status msio_h5_create(const char *path, msio_h5_file **file);
msio_status msio_h5_make(msio_h5_file *file, const char *path, const msio_h5_spec *spec, msio_h5_dataset **dataset);
msio_status msio_h5_write(msio_h5_dataset *dataset, const char *path, const int64_t *start, const int64_t *count,
                          const void *values);
msio_status msio_h5_flush(msio_h5_file *file, const char *path);

#endif
