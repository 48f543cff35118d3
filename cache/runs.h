/* runs.h - a scalar column as runs of equal values, found where they are stored: in the time of the runs where the
 * storage manager keeps runs (IncrementalStMan), else of the rows. */
#ifndef MSIO_CACHE_RUNS_H
#define MSIO_CACHE_RUNS_H

#include "io/table/table.h"

/* Rows row .. row + rows - 1 hold the value. Integers up to 32 bits, Bool and floats are exact in a double. */
typedef struct msio_run {
    int64_t row, rows;
    double value;
} msio_run;

typedef struct msio_run_list {
    int64_t n;
    msio_run *run; /* in row order, without gaps; neighbours differ */
    int64_t capacity;
} msio_run_list;

/* The runs of a scalar numeric column, within an access. *list is to be freed by msio_run_list_free.
 * MSIO_E_NO_COLUMN, MSIO_E_SHAPE (an array, or strings), MSIO_E_UNDEFINED, and those of msio_read. */
msio_status msio_runs_read(msio_access *access, const char *column, msio_run_list *list);
void msio_run_list_free(msio_run_list *list);

#endif
