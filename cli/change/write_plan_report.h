/* write_plan_report.h - `msio plan --write`: what a write of a column would do. */
#ifndef MSIO_CLI_WRITE_PLAN_REPORT_H
#define MSIO_CLI_WRITE_PLAN_REPORT_H

#include "cli/input/selection.h"

/* Makes and prints it. Returns an exit code. */
int cli_write_plan_report(const cli_context *cli, const char *path, const char *name, cli_selection *selection);

#endif
