/* kept_copy.h - rows of a history that outlive the reading of them. */
#ifndef MSIO_CLI_KEPT_COPY_H
#define MSIO_CLI_KEPT_COPY_H

#include "prof/history/history.h"

/* Rows of one table: n structs behind each other, whose texts are their own. */
typedef struct cli_rows {
    history_table table;
    void *row;
    int64_t n, room;
} cli_rows;

/* All rows of one run, at most `most` of them; to be freed, also after an error. */
msio_status cli_rows_read(history *h, history_table table, int64_t run, int64_t most, cli_rows *rows,
                          history_error *error);
/* A row of theirs, as the struct of the table. */
const void *cli_rows_at(const cli_rows *rows, int64_t i);
void cli_rows_free(cli_rows *rows);

/* A copy of one row, and what frees its texts. */
void cli_row_copy(history_table table, void *to, const void *from);
void cli_row_free(history_table table, void *row);

#endif
