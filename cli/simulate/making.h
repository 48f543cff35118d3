/* making.h - `msio simulate`: what the user wishes, and what its kinds of data sets share. */
#ifndef MSIO_CLI_MAKING_H
#define MSIO_CLI_MAKING_H

#include "cli/common/json.h"
#include "msio/io.h"
#include "msio/subbands.h"
#include "msio/visibility.h"

/* What was asked for. */
typedef struct cli_making {
    msio_simulate_ms_opts ms;
    msio_simulate_uvh5_opts uvh5;
    const char *out;
    int force;
    const char *sky_path; /* NULL: values follow formulas */
    msio_simulate_sky_opts sky;
} cli_making;

/* Each makes its kind. Returns an exit code. */
int cli_making_ms(const cli_context *cli, cli_making *wish);
int cli_making_uvh5(const cli_context *cli, cli_making *wish);

/* Whether what exists may be replaced: with --force, or after a yes on the terminal. what: "obs.ms"; size: its bytes.
 * Returns 0, or an exit code after telling that it stays as it is. */
int cli_making_replaces(const cli_context *cli, cli_making *wish, const char *what, int64_t size);

/* Writes keys with their numbers into the object that is open. */
typedef struct cli_making_number {
    const char *key;
    int64_t value;
} cli_making_number;
void cli_making_numbers(cli_json *json, const cli_making_number *numbers, size_t n);

#endif
