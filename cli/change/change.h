/* change.h - what the commands that change a column share: what is to change, whether it may, and what is told of it.
 */
#ifndef MSIO_CLI_CHANGE_H
#define MSIO_CLI_CHANGE_H

#include "cli/common/json.h"
#include "cli/input/selection.h"
#include "cli/output/progress.h"
#include "msio/write.h"

/* One run that changes one column. */
typedef struct cli_change {
    const cli_context *cli;
    const char *path, *name; /* of the table and of the column */
    int dry_run, force, atomic, sync;
    msio_table *table;
    const msio_column *column;
    const msio_column_info *info;
    cli_selection selection;
    msio_write_opts opts;
    msio_write_plan plan; /* of all of it: sums */
    cli_progress progress;
    int made;       /* the column was not there, and is made first */
    int one_value;  /* all rows get it: then the plan knows what casacore puts */
    int held;       /* the table's write lock */
    int64_t before; /* bytes that were stored by calls that have ended */
    double began, seconds;
} cli_change;
#define CLI_CHANGE_INIT(context)                                                                                       \
    { .cli = (context), .selection = CLI_SELECTION_INIT, .opts = MSIO_WRITE_OPTS_INIT, .plan = MSIO_WRITE_PLAN_INIT }

/* Options that all of them take, for their tables; and the taking of one: -1 when it is none of these, else 0 or an
 * exit code after telling. */
#define CLI_CHANGE_OPTIONS                                                                                             \
    CLI_SELECTION_OPTIONS, {"sync", NULL, 0, "on disk before the command ends"},                                       \
        {"dry-run", NULL, 0, "only tell what would be done: nothing is changed, no write lock taken"}, {               \
        "force", NULL, 0, "change DATA, FLOAT_DATA or LAG_DATA of a Measurement Set, unasked"                          \
    }
#define CLI_CHANGE_ATOMIC                                                                                              \
    { "atomic", NULL, 0, "all or nothing; beyond 64 MiB where nobody else has the table open" }
int cli_change_take(cli_change *change, const char *name, const char *value);

/* Opens the table and finds the column and the rows. Returns 0, or an exit code after telling; as do the functions
 * below. cli_change_close ends it in any case. */
int cli_change_open(cli_change *change);
void cli_change_close(cli_change *change);

/* Opens it anew, after a column was added. */
int cli_change_reopen(cli_change *change);

/* Adds to the plan what a write of this selection would do. */
int cli_change_plan(cli_change *change, const msio_column *column, const msio_select *select);
/* After the plan: whether it may be done at all, and may be done to a column of that name. Asks on a terminal. */
int cli_change_allowed(cli_change *change);
/* Says what will be, and how large it is. what: "12 rows of DATA become those of a.npy". */
void cli_change_tell(const cli_change *change, const char *what);
/* How the plan writes: "native", "casacore", or "native or casacore" where that depends on values that it does not
 * know; and what is casacore's, NULL: nothing is. */
const char *cli_change_way(const cli_change *change);
const char *cli_change_why_not(const cli_change *change);
/* Takes the table's write lock; the rows must still be those that were planned for. title: of the progress. */
int cli_change_begin(cli_change *change, const char *title);
/* For the library's progress options, with user the cli_change: adds up the calls of one change. */
int cli_change_progress(void *user, int64_t done, int64_t total);
/* Gives the lock back. code: of the change. Returns it, or what went wrong now. */
int cli_change_end(cli_change *change, int code);
/* What was done, or would be: JSON on standard output with --json, else a line on standard error. */
void cli_change_report(const cli_change *change);
/* The same with what `more` puts into the object; where there is no object it is called with NULL. */
void cli_change_report_with(const cli_change *change, void (*more)(void *user, cli_json *json), void *user);
/* The members of that report, in an object that is open. */
void cli_change_json(cli_json *json, const cli_change *change);

/* Wrong values, types or shapes: as cli_fail, with the exit code of wrong usage. */
int cli_change_refuse(const cli_context *cli, msio_status code, const char *path, const char *message);

#endif
