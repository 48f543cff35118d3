/* foreign.h - cells that casacore puts, within a write of ours: what is not written natively. */
#ifndef MSIO_IO_FOREIGN_H
#define MSIO_IO_FOREIGN_H

#include "io/casacore/casacore_editor.h"
#include "io/table/table.h"

/* What one write has casacore put: one editor a plain table, opened on first need and closed at the end. */
typedef struct msio_edits {
    int n;
    struct msio_edit {
        msio_access *access;
        msio_editor *editor;
    } * edit;
    int64_t bytes; /* about what the whole write puts */
} msio_edits;

/* Why casacore cannot be asked to write these rows of the leaf now, or NULL: also where it would change others. */
const char *msio_edits_refuse(const msio_leaf *leaf, const msio_rows *rows);

/* Puts the wanted part of numeric or Bool cells, each from its place in `from`; one: all elements are the first.
 * Errors: those of casacore_editor.h. */
msio_status msio_edit_cells(msio_edits *edits, const msio_leaf *leaf, const msio_want *want, const uint8_t *from,
                            bool one);

/* Puts whole cells from a ragged array: row i's from cell place(i). Cells that are not defined there are left alone. */
msio_status msio_edit_ragged(msio_edits *edits, const msio_leaf *leaf, const msio_rows *rows, const msio_ragged *from);

/* Has everything written and closes; returns `status`, or the first error of that. */
msio_status msio_edits_end(msio_edits *edits, msio_status status, bool sync);

#endif
