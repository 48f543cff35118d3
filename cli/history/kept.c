/* kept.c - opening a history for the command, and telling why not. */
#include "cli/history/kept.h"

#include "cli/common/failure.h"

int cli_history_fail(const cli_context *cli, const cli_history *wish, const history_error *error) {
    return cli_fail(cli, error->code, wish->db, "the history %s", error->message);
}

int cli_history_open(const cli_context *cli, const cli_history *wish, int write, history **h) {
    history_error error;
    return history_open(wish->db, write, h, &error) ? cli_history_fail(cli, wish, &error) : 0;
}
