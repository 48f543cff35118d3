/* uvh5_rows.h - the datasets of Header that have a value a row, as the header's reader sees them. */
#ifndef MSIO_IO_UVH5_ROWS_H
#define MSIO_IO_UVH5_ROWS_H

#include "io/uvh5/uvh5_fields.h"

/* Checks that those which the file must have are there (with_phase: those of phase centres too), and that all have rows
 * of numbers. Failures are the fields' own. */
void msio_uvh5_check_rows(msio_uvh5_fields *f, int64_t rows, bool with_phase);

#endif
