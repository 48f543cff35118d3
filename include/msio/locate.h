/* locate.h - the inverse of a plan: what a stretch of bytes of a table's file, or of an HDF5 file, belongs to.
 *
 * A plan says where the cells of a column lie; here a file's name, an offset and a length become columns, tiles and
 * rows. Whoever sees a program's system calls (a profiler, strace's output, a block that a disk could not read) learns
 * what they were about. Headers and indices are read, no data; no lock is taken, nothing is changed.
 *
 * Threads: a locator belongs to one thread at a time; several locators may stand on one table.
 */
#ifndef MSIO_LOCATE_H
#define MSIO_LOCATE_H

#include "msio/core.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msio_locator msio_locator;

/* One part of a stretch. Parts come in the order of the file; those of columns that share bytes (the values of an
 * IncrementalStMan's bucket) stand one after the other with the same bytes. Where only a part of such a bucket is asked
 * for, the values of each column come in turn. Of a bucket's bytes that are no column's nothing is told. */
typedef struct msio_located {
    /* What lies there. Static. Of a table: "tile" (tiled managers), "bucket" (StandardStMan, IncrementalStMan), "array"
     * (a file of indirect arrays), "strings" (a bucket of StandardStMan that is in no index of rows: strings, the index
     * itself, or free), "header" (of a data manager), "description" (table.dat), "lock", "info", "data" (of a
     * manager that msio has no layout for), "unused" (behind or between what the headers know). Of an HDF5 file:
     * "chunk", "values" (a contiguous dataset), "metadata" (everything else). */
    const char *what;
    const char *column;     /* its name, or the dataset's; NULL: of no one column. The locator's */
    int64_t unit;           /* number of the tile within its hypercube's, the bucket or the chunk; -1: none */
    int64_t cube;           /* number of the hypercube (tiled managers); -1: none */
    int64_t row, rows;      /* the fewest neighbouring rows known to have all that lies there; -1, 0: unknown or none.
                               Of a dataset: along its first axis */
    int64_t offset, length; /* of this part, in the file; within what was asked for */
    int64_t unit_at, unit_bytes; /* of the whole tile, bucket or chunk, with other columns' parts; 0, 0 without one */
} msio_located;

/* Called for each part; a result other than 0 ends the search. */
typedef int (*msio_locate_visit)(void *user, const msio_located *part);

/* Prepares to tell of the files of the table in the folder `path` (`obs.ms::ANTENNA` too), or of the HDF5 file `path`,
 * as it is now. *locator is to be closed. Errors: those of msio_table_open, or of msio_hdf5_open. */
MSIO_API msio_status msio_locator_open(const char *path, msio_locator **locator);
MSIO_API void msio_locator_close(msio_locator *locator); /* takes NULL */

/* What the bytes [offset, offset + length) of a file belong to. file: its name in the table's folder ("table.f3_TSM0");
 * not looked at for an HDF5 file. Bytes behind the end of what the headers know are told as "unused"; the file's own
 * size is not asked.
 * The first question about a file of indirect arrays looks up all its arrays: 24 bytes of memory each, up to 4 million
 * of them; of more, the parts have no column.
 * Errors: MSIO_E_ARGUMENT (negative numbers, a sum that overflows), MSIO_E_FORMAT (a damaged header), MSIO_E_IO,
 * MSIO_E_MEMORY, MSIO_E_UNSUPPORTED (a container of files: MultiFile). */
MSIO_API msio_status msio_locator_find(msio_locator *locator, const char *file, int64_t offset, int64_t length,
                                       msio_locate_visit visit, void *user);

/* All three at once, for a single question. */
MSIO_API msio_status msio_locate(const char *path, const char *file, int64_t offset, int64_t length,
                                 msio_locate_visit visit, void *user);

#ifdef __cplusplus
}
#endif
#endif
