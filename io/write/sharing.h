/* sharing.h - rows that have one stored value in common (IncrementalStMan): whether it can be written where it lies.
 *
 * It can when every row that has it is written, and all of them get the same. Else casacore writes the rows: it makes
 * new values, and splits buckets.
 */
#ifndef MSIO_IO_SHARING_H
#define MSIO_IO_SHARING_H

#include "io/table/table.h"

/* What is put: row i's bytes lie at from + place(i) * apart; one: every element is the first. */
typedef struct msio_shared_cells {
    const uint8_t *from;
    int64_t row_bytes, apart;
    bool one;
} msio_shared_cells;

/* What was found of a write's columns in its plain tables. Starts all zero. */
typedef struct msio_sharing {
    int n;
    struct msio_sharing_found {
        int column;
        const msio_slot *slot;
        bool allows;
    } * found;
} msio_sharing;

/* Looks at the rows of a leaf that shares values, and notes what it finds, anew where it was noted before. cells NULL:
 * what is put is not known, and nothing allowed. A damaged bucket allows nothing. MSIO_E_MEMORY. */
msio_status msio_sharing_note(msio_sharing *sharing, int column, const msio_leaf *leaf, const msio_rows *rows,
                              const msio_shared_cells *cells);
/* Whether the noted rows are written where they lie; true of what shares nothing. */
bool msio_sharing_allows(const msio_sharing *sharing, int column, const msio_leaf *leaf);
void msio_sharing_free(msio_sharing *sharing);

#endif
