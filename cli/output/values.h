/* values.h - statistics of a column's values, as reports tell them. */
#ifndef MSIO_CLI_VALUES_H
#define MSIO_CLI_VALUES_H

#include "cli/common/json.h"
#include "msio/visibility.h"

/* An object; whole: with medians. */
void cli_values_put(cli_json *json, const msio_stats_values *values, int whole);
/* Some lines for people. */
void cli_values_print(FILE *out, const char *column, const msio_stats_values *values);

#endif
