/* hdf5_put.h - whole datasets written into a file that is being made. */
#ifndef MSIO_IO_HDF5_PUT_H
#define MSIO_IO_HDF5_PUT_H

#include "io/hdf5_module/hdf5_module.h"

/* A file being made. After a failure nothing more is done, and `status` keeps it. */
typedef struct msio_h5_putter {
    const char *path;  /* for messages */
    const char *place; /* where it stands meanwhile; NULL: at path */
    msio_h5_file *file;
    msio_status status;
} msio_h5_putter;

/* Makes a dataset of that shape and writes it whole, in blocks of its first axis; values NULL: only made. */
void msio_h5_put(msio_h5_putter *p, const msio_h5_spec *spec, const void *values);
void msio_h5_put_number(msio_h5_putter *p, const char *name, msio_type type, const void *value);
void msio_h5_put_integer(msio_h5_putter *p, const char *name, int64_t value);
void msio_h5_put_double(msio_h5_putter *p, const char *name, double value);
/* n numbers, or n times `wide` of them. */
void msio_h5_put_list(msio_h5_putter *p, const char *name, msio_type type, int64_t n, int64_t wide, const void *values);
/* One text, and n of them, of fixed length. */
void msio_h5_put_text(msio_h5_putter *p, const char *name, const char *text);
void msio_h5_put_texts(msio_h5_putter *p, const char *name, int64_t n, const char *const *texts);

/* Closes a dataset that was written otherwise, after a failure as msio_h5_put_end does. */
void msio_h5_put_close(const msio_h5_putter *p, msio_h5_dataset *dataset);

/* Ends the file: after a failure it is emptied first, since the library would else try to write what it cannot. */
void msio_h5_put_end(msio_h5_putter *p);

#endif
