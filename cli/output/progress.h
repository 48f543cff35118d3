/* progress.h - progress bars on a terminal. */
#ifndef MSIO_CLI_PROGRESS_H
#define MSIO_CLI_PROGRESS_H

#include "cli/command.h"

/* A bar on standard error: drawn when work takes longer than a second, and only on a terminal. */
typedef struct cli_progress {
    char title[64];
    int enabled, drawn;
    double began, last;
} cli_progress;

/* The title is copied. data_on_stdout: 1 when the command's data go there, which may be the same terminal. */
void cli_progress_begin(cli_progress *progress, const cli_context *cli, const char *title, int data_on_stdout);
/* Bytes done and in all; for the library's progress options, with user the cli_progress. Returns 1 when the user asked
 * to stop (Ctrl-C), else 0. */
int cli_progress_update(void *user, int64_t done, int64_t total);
/* Wipes the bar. */
void cli_progress_end(cli_progress *progress);

/* Seconds of a clock that only goes forward. */
double cli_now(void);

#endif
