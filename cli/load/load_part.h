/* load_part.h - which part of a group is to be loaded: slices of rows, integrations, channels and correlations. */
#ifndef MSIO_CLI_LOAD_PART_H
#define MSIO_CLI_LOAD_PART_H

#include "cli/common/slice.h"
#include "cli/load/load_input.h"

typedef struct cli_load_part {
    cli_slice rows, times, chans, corrs; /* as asked for */
    int64_t *row_list;                   /* where rows are wanted backwards */
} cli_load_part;
#define CLI_LOAD_PART_INIT                                                                                             \
    { CLI_SLICE_ALL, CLI_SLICE_ALL, CLI_SLICE_ALL, CLI_SLICE_ALL, NULL }

/* Takes --rows, --times, --chans or --corrs. Returns 0, or an exit code after telling. */
int cli_load_part_take(const cli_context *cli, cli_load_part *part, const char *option, const char *text);
/* Sets them in opts, which say all else already; where any is given, the files are opened for their sizes. Returns 0,
 * or an exit code after telling. To be freed in any case, after opts were used. */
int cli_load_part_resolve(const cli_context *cli, const cli_load_input *input, cli_load_part *part,
                          msio_load_opts *opts);
void cli_load_part_free(cli_load_part *part);

#endif
