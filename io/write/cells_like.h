/* cells_like.h - cells of a column that was just added: the shapes of another column's, and zeros. */
#ifndef MSIO_IO_CELLS_LIKE_H
#define MSIO_IO_CELLS_LIKE_H

#include "io/table/table.h"

/* Gives the cells of column `name`, which has none yet, the shapes of the cells of `like` in the same rows (of a
 * column with one axis: their channels), with zeros in a hole, or in room that is reserved. Rows without a cell in
 * `like` stay without one. A column whose cells are there, or cannot be made natively, is left alone. Under a lock of
 * its own. Errors: MSIO_E_UNSUPPORTED (more stretches or shapes than are handled), and those of msio_write. */
msio_status msio_cells_like(msio_table *table, const char *name, const char *like, bool allocate);

#endif
