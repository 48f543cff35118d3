/* history_file.h - the open file, within this folder. */
#ifndef MSIO_PROF_HISTORY_FILE_H
#define MSIO_PROF_HISTORY_FILE_H

#include "prof/history/history.h"

#include <sqlite3.h>

struct history {
    sqlite3 *db;
};

/* Fills the error of the last failed call of SQLite. Returns its code. */
msio_status history_fail_sqlite(const history *h, const char *doing, history_error *error);
__attribute__((format(printf, 3, 4))) msio_status history_fail(history_error *error, msio_status code,
                                                               const char *format, ...);
/* Statements without results. */
msio_status history_run_sql(history *h, const char *sql, const char *doing, history_error *error);
/* Adds a row of a table's struct; a run's id 0 is given by the file. */
msio_status history_put(history *h, history_table table, const void *row, history_error *error);

#endif
