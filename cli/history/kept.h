/* kept.h - what the verbs of `msio history` share. */
#ifndef MSIO_CLI_KEPT_H
#define MSIO_CLI_KEPT_H

#include "cli/command.h"
#include "prof/history/history.h"

#define CLI_HISTORY_FILE "msio-history.db" /* in the current folder, where --db names none */

typedef struct cli_history {
    const char *db;
    const char *series, *kind, *commit, *machine, *note; /* NULL: not given */
    const char *reason, *csv, *out;
    double time;    /* of the run; NaN: the file's */
    int64_t newest; /* runs; 0: all */
    int64_t keep;   /* runs with all details */
} cli_history;

/* Opens the history. Returns 0, or an exit code after telling. */
int cli_history_open(const cli_context *cli, const cli_history *wish, int write, history **h);
/* Tells what a call of history.h left. Returns the exit code. */
int cli_history_fail(const cli_context *cli, const cli_history *wish, const history_error *error);

/* The verbs; each returns an exit code. */
int cli_history_record(const cli_context *cli, const cli_history *wish, int n, char **paths);
int cli_history_show(const cli_context *cli, const cli_history *wish, int64_t run);
int cli_history_check(const cli_context *cli, const cli_history *wish);
int cli_history_accept(const cli_context *cli, const cli_history *wish);
int cli_history_export(const cli_context *cli, const cli_history *wish);

#endif
