/* kept_rows.h - a history's rows as JSON. */
#ifndef MSIO_CLI_KEPT_ROWS_H
#define MSIO_CLI_KEPT_ROWS_H

#include "cli/common/json.h"
#include "cli/history/kept.h"

/* A row's field as a value; null where it is not known. */
void cli_history_put_value(cli_json *json, const history_field *field, const void *row);

/* A member named as the table: a list of its rows as objects, of one run or, with 0, of those that were wished for. */
msio_status cli_history_put_rows(cli_json *json, history *h, history_table table, int64_t run, const cli_history *wish,
                                 history_error *error);

#endif
