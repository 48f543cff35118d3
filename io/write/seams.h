/* seams.h - rows written batch by batch, and no tile in two parts: rows of a tile in which the next batch goes on are
 * kept until it comes, so that a kill between two batches leaves every tile old or new.
 *
 * That holds where the selection's rows go through each row of tiles once. What is kept takes MSIO_SEAMS_BYTES at most;
 * rows of tiles that are larger are stored as they come.
 */
#ifndef MSIO_IO_SEAMS_H
#define MSIO_IO_SEAMS_H

#include "io/table/table.h"
#include "msio/write.h"

#define MSIO_SEAMS_BYTES ((int64_t)16 << 20)

typedef struct msio_seams {
    int n;
    const msio_column *const *column;
    const msio_select *select;
    const msio_write_opts *opts;
    int64_t rows; /* that are selected */
    int64_t kept; /* bytes, of all columns */
    struct msio_seam *seam;
} msio_seams;

/* Of n columns of a table that is held for writing meanwhile. What is pointed to lives as long. MSIO_E_MEMORY. */
msio_status msio_seams_start(msio_seams *seams, int n, const msio_column *const *columns, const msio_select *select,
                             int64_t rows, const msio_write_opts *opts);
/* Rows [place, place + rows) of the selection, which follow those of the call before; in: one a column, dense, bytes
 * each, whose cells have one shape, a column; another call's may have another. With the last row of the selection
 * everything is written. Errors: as msio_write_many. */
msio_status msio_seams_put(msio_seams *seams, int64_t place, int64_t rows, const void *const *in, const size_t *bytes);
/* Writes what is kept, where no more rows come. Errors: as msio_write_many. */
msio_status msio_seams_flush(msio_seams *seams);
void msio_seams_free(msio_seams *seams);

#endif
