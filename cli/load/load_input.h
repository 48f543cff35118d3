/* load_input.h - what is to be loaded: the group that stands in folders, or files and Measurement Sets. */
#ifndef MSIO_CLI_LOAD_INPUT_H
#define MSIO_CLI_LOAD_INPUT_H

#include "cli/command.h"
#include "msio/load.h"

/* What the user said about it. */
typedef struct cli_load_source {
    const char *pattern;     /* of the files' names; NULL: the usual one */
    const char *time;        /* of the group; NULL: there is only one */
    const int32_t *subbands; /* wanted ones; NULL: all */
    int subband_count;
    int expected; /* subbands that make a group complete; 0: as usual */
} cli_load_source;

/* --time and --pattern, in tables of options; what was taken for one of them returns 1. */
#define CLI_LOAD_SOURCE_OPTIONS                                                                                        \
    {"time", "TIME", 0, "which group of the folder, as msio groups names it"}, {                                       \
        "pattern", "P", 0, "the files' names, as msio groups takes them; default\n" MSIO_GROUP_PATTERN                 \
    }
int cli_load_source_take(cli_load_source *source, const char *name, const char *value);

/* --missing. Returns 0, or an exit code after telling. */
int cli_load_missing_take(const cli_context *cli, const char *value, msio_load_missing *missing);

/* What was found. */
typedef struct cli_load_input {
    const msio_group *group; /* NULL: paths */
    msio_groups *groups;     /* that it is one of */
    int count;
    const char *const *paths; /* [count]: the operands */
    int tables;               /* of these: Measurement Sets */
} cli_load_input;

/* 1: the folder of a table. 1: a folder that is no table's. */
int cli_load_is_table(const char *path);
int cli_load_is_folder(const char *path);

/* Finds what the operands name; folders that are no tables are one pool of files. Returns 0, or an exit code after
 * telling. To be freed in any case. */
int cli_load_input_find(const cli_context *cli, int count, const char *const *operands, const cli_load_source *source,
                        cli_load_input *input);
void cli_load_input_free(cli_load_input *input);

/* The arrays that are there: all of a group, of Measurement Sets those that each of them has a column for. */
unsigned cli_load_input_arrays(const cli_context *cli, const cli_load_input *input);
/* msio_load and msio_load_check, or their likes for paths. */
msio_status cli_load_input_read(const cli_load_input *input, unsigned what, const msio_load_opts *opts,
                                msio_subbands *loaded);
/* The same, timed; into the memory of `first` where that was loaded. */
msio_status cli_load_input_read_into(const cli_load_input *input, unsigned what, const msio_load_opts *opts,
                                     const msio_subbands *first, msio_subbands *loaded, double *seconds);
msio_status cli_load_input_check(const cli_load_input *input, const msio_load_opts *opts, msio_load_report **report);
/* Its name for people: the first path. */
const char *cli_load_input_name(const cli_load_input *input);

#endif
