/* define.h - cells of a tiled column that was added without a shape: made and filled at once, or not at all.
 *
 * casacore adds MODEL_DATA and its like to a TiledShapeStMan of their own that has no hypercube yet. Here the tile file
 * is made and filled first, and the header that names it comes last, by rename: a crash in between leaves cells that
 * were never written (docs/formats.md, "Defining cells").
 */
#ifndef MSIO_IO_DEFINE_H
#define MSIO_IO_DEFINE_H

#include "io/table/table.h"

/* One stretch of rows whose cells are to have a shape. */
typedef struct msio_new_cells {
    int64_t first_row, rows;
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];    /* casacore order */
    int64_t tile[MSIO_MAX_NDIM + 1]; /* tile[0] 0: the column's default, or about a MiB */
} msio_new_cells;

typedef struct msio_define msio_define;

/* Why the column's cells cannot be made this way (then casacore must), or NULL. */
const char *msio_define_refuses(const msio_leaf *leaf);

/* Makes the tile files, with their room, for stretches in ascending order that do not overlap; stretches of one shape
 * share a hypercube. allocate false: the files are holes, which read as zeros. Nothing refers to them yet.
 * Errors: MSIO_E_IO (no room; nothing is left), MSIO_E_ARGUMENT, MSIO_E_FORMAT, MSIO_E_MEMORY. */
msio_status msio_define_start(const msio_leaf *leaf, int n, const msio_new_cells *cells, bool allocate,
                              msio_define **define);
/* The manager as it will be, for the layout to push pieces of. */
const msio_manager *msio_define_manager(const msio_define *define);
/* Writes the new header beside the old one. MSIO_E_IO. */
msio_status msio_define_prepare(msio_define *define, bool sync);
/* The old header's path, into a buffer of 4096 bytes. */
const char *msio_define_header(const msio_define *define, char path[4096]);
const char *msio_define_folder(const msio_define *define);
/* The slot of the manager whose cells are made. */
const msio_slot *msio_define_slot(const msio_define *define);
/* Puts the header in its place: the cells are there. decided: a journal says that they are to be, so that they stay
 * when this fails. MSIO_E_IO. */
msio_status msio_define_commit(msio_define *define, bool decided);
/* Frees, and removes files that were not committed. Takes NULL. */
void msio_define_free(msio_define *define);

#endif
