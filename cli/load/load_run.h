/* load_run.h - one run of `msio load`: what its parts share. */
#ifndef MSIO_CLI_LOAD_RUN_H
#define MSIO_CLI_LOAD_RUN_H

#include "cli/load/load_input.h"
#include "cli/load/load_part.h"

#include <stddef.h>

#define CLI_LOAD_ARRAYS 3 /* visdata, flags, nsamples: the order of their bits */
#define CLI_LOAD_REPEATS_MOST 1000

/* What was asked for. */
typedef struct cli_load_wishes {
    unsigned what; /* 0: not said */
    const char *out;
    int force, check;
    int repeat;
    cli_load_source source;
    int32_t *subbands; /* behind source.subbands; to be freed */
    cli_load_part part;
    msio_load_opts opts;
} cli_load_wishes;

/* One loading, opens and checks included. */
typedef struct cli_load_try {
    double seconds, index_seconds, read_seconds;
} cli_load_try;

/* One of the three arrays of a result. */
typedef struct cli_load_array {
    const char *name;
    msio_type type;
    void *data; /* NULL: not loaded, or without elements */
    size_t bytes;
} cli_load_array;
cli_load_array cli_load_array_of(const msio_subbands *loaded, int index);
/* Bytes of the three together. */
int64_t cli_load_bytes(const msio_subbands *loaded);

/* Takes an option of the command. Returns 0, or an exit code after telling. */
int cli_load_take(const cli_context *cli, void *wishes, const char *name, const char *value);
/* "row-chan-pol", "subband-row-chan-pol". */
const char *cli_load_layout_name(msio_load_layout layout);

/* Whether what is asked for can be written to --out: what it is called, and what stands there. Returns 0, or an exit
 * code after telling. */
int cli_load_out_check(const cli_context *cli, const cli_load_wishes *wishes, unsigned what);
/* Writes it. Returns 0, or an exit code after telling. */
int cli_load_out_write(const cli_context *cli, const cli_load_wishes *wishes, unsigned what,
                       const msio_subbands *loaded);

/* Seconds of reading the same bytes raw into the same memory, whose content is lost; the memory is touched, the files
 * are those that were loaded. -1 where that cannot be. */
double cli_load_roofline(const cli_context *cli, const msio_load_opts *opts, const msio_subbands *loaded);

/* Tells what was loaded; roofline -1: unknown. */
void cli_load_report_json(const cli_load_wishes *wishes, const msio_subbands *loaded, unsigned what,
                          const cli_load_try *tries, double roofline);
void cli_load_report_text(const cli_load_wishes *wishes, const cli_load_input *input, const msio_subbands *loaded,
                          const cli_load_try *tries, double roofline);
/* Tells how the files differ. Returns the exit code. */
int cli_load_report_check(const cli_context *cli, const cli_load_input *input, const msio_load_report *report);

#endif
