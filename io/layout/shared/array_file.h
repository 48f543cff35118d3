/* array_file.h - indirect arrays: cells that lie in a file of their own, table.f<N>i, found by an offset
 * (docs/formats.md, "Indirect arrays").
 */
#ifndef MSIO_IO_ARRAY_FILE_H
#define MSIO_IO_ARRAY_FILE_H

#include "io/files/window.h"
#include "io/layout/shared/cells.h"

/* The file, opened; immutable. */
typedef struct msio_array_file {
    msio_file *file; /* NULL: the manager has none */
    bool big;
    int64_t prefix; /* bytes before an array's dimensionality: a reference count, or none */
} msio_array_file;

/* Opens table.f<N>i of the manager. Only from a layout's load. MSIO_E_FORMAT, MSIO_E_UNSUPPORTED. */
msio_status msio_array_file_open(msio_manager *manager, msio_array_file *arrays);

/* Checks the file's own header, the first bytes of a window on it, and finds the prefix. */
msio_status msio_array_file_check(msio_window *window, msio_array_file *arrays);

/* One array's header. */
typedef struct msio_array_head {
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];
    int64_t elements;
    int64_t data; /* where its values begin */
} msio_array_head;

/* Reads the header at offset; the values are sure to lie within the file. MSIO_E_FORMAT, MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_array_head_read(const msio_array_file *arrays, msio_window *window, int64_t offset, msio_type type,
                                 msio_array_head *head);

/* What is done with the offsets of a column's cells: rows [from, from + count) of the set have their array at offset;
 * 0: never written. */
typedef msio_status (*msio_array_visit)(void *job, int64_t from, int64_t count, int64_t offset);

/* One call's work on the arrays of a column. */
typedef struct msio_array_job {
    const msio_array_file *arrays;
    const msio_column_dat *column;
    const msio_rows *rows;
    msio_window window;
    msio_cells *cells;    /* for msio_array_push */
    msio_shape_run run;   /* for msio_array_shape */
    msio_text_cell texts; /* for msio_array_tell */
    msio_text_sink text_sink;
    void *user;
} msio_array_job;

/* Starts a job, whose sinks the caller sets; MSIO_E_FORMAT where the manager has no such file. */
msio_status msio_array_job_start(msio_array_job *job, const msio_array_file *arrays, const msio_column_dat *column,
                                 const msio_rows *rows);
/* Frees it and returns status, or what the window says. */
msio_status msio_array_job_end(msio_array_job *job, msio_status status);

/* Visits: tell the shape; push the values, whose shape must be the wanted one; tell the strings. */
msio_status msio_array_shape(void *job, int64_t from, int64_t count, int64_t offset);
msio_status msio_array_push(void *job, int64_t from, int64_t count, int64_t offset);
msio_status msio_array_tell(void *job, int64_t from, int64_t count, int64_t offset);

#endif
