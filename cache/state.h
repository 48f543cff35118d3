/* state.h - in which state files were when an answer was made: the signatures of docs/consistency.md. */
#ifndef MSIO_CACHE_STATE_H
#define MSIO_CACHE_STATE_H

#include "io/table/table.h"

/* What an answer depends on. */
typedef enum msio_depends {
    MSIO_DEPENDS_DESCRIPTION, /* names, keywords, rows: the whole sync record, table.dat, the columns' header files */
    MSIO_DEPENDS_VALUES /* values of the columns: rows, tables' and managers' counters, all files of the managers */
} msio_depends;

typedef struct msio_state msio_state;

/* Notes the state of a table, and of those it refers to, as far as these columns (those that exist) depend on it;
 * within an access, so under the lock where there is one. *state is to be freed. MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_state_note(msio_access *access, msio_depends depends, int columns, const char *const *column,
                            msio_state **state);
/* Takes the lock and tells whether the table is in that state; nothing is locked for a table that is held or opened
 * MSIO_AS_OPENED: then it is. MSIO_E_LOCKED, MSIO_E_IO; what vanished does not hold. */
msio_status msio_state_holds(const msio_state *state, msio_table *table, bool *holds);
/* The same within an access of that table. */
bool msio_state_holds_in(const msio_state *state, const msio_access *access);
void msio_state_free(msio_state *state); /* takes NULL */

#endif
