/* flagging.h - `msio flags --set, --clear, --above, --extend, --backup, --restore`: flags that are changed, kept, and
 * put back. */
#ifndef MSIO_CLI_FLAGGING_H
#define MSIO_CLI_FLAGGING_H

#include "cli/change/change.h"
#include "cli/change/flag_rules.h"

/* One run. */
typedef struct cli_flagging {
    cli_change change; /* of FLAG */
    int set, clear;
    cli_flag_rules rules;
    int ignore_flag_row;          /* 1: FLAG_ROW is left alone, and not counted */
    const char *backup, *restore; /* files, or NULL */
    const msio_column *flag_row;  /* NULL: the table has none, or it is left alone */
    int64_t never_written;        /* rows whose FLAG has no cell */
    struct {
        int known;
        int64_t flagged, total, from_flag_row;
        double fraction;
    } before, after;
} cli_flagging;

/* Does what was asked for, and reports. Returns an exit code. */
int cli_flagging_run(cli_flagging *flagging);

/* ---------------------------------------------------------------- FLAG_ROW; each returns 0 or an exit code after
 * telling */

/* FLAG_ROW of rows first .. first + count of the selection, a byte each. */
int cli_flag_row_get(cli_flagging *flagging, const cli_selection *selection, int64_t first, int64_t count,
                     unsigned char *out);
/* Makes FLAG_ROW of the selection's rows `wanted` (a byte each; NULL: all `value`); only rows that have another value
 * are written. dry: adds what that would do to the plan instead. */
int cli_flag_row_put(cli_flagging *flagging, const cli_selection *selection, const unsigned char *wanted, int value,
                     int dry);

/* ---------------------------------------------------------------- files of flags */

/* Writes FLAG and FLAG_ROW of the whole table to flagging->backup, under a lock that is held. */
int cli_flags_keep(cli_flagging *flagging);
/* Reads flagging->restore and checks it against the table; dry: adds what putting it back would do to the plan, else
 * puts it back. */
int cli_flags_put_back(cli_flagging *flagging, int dry);

#endif
