/* output.h - where a command's data go: a file that appears when it is whole, or standard output. */
#ifndef MSIO_CLI_OUTPUT_H
#define MSIO_CLI_OUTPUT_H

#include "cli/command.h"
#include "msio/files.h"

#include <stddef.h>
#include <stdio.h>

typedef struct cli_output {
    FILE *file;
    char *path;          /* NULL: standard output */
    msio_making *making; /* of the file until it is whole; NULL: written in place (a device, a pipe) */
    int64_t written;     /* bytes so far; of the whole file once it is finished */
} cli_output;
#define CLI_OUTPUT_INIT                                                                                                \
    { NULL, NULL, NULL, 0 }

/* Opens path; NULL and "-" are standard output. All functions below return 0, or an exit code after telling. */
int cli_output_open(const cli_context *cli, const char *path, cli_output *output);
int cli_output_write(const cli_context *cli, cli_output *output, const void *data, size_t bytes);
/* To be called now and then by who writes to `file` itself. */
int cli_output_check(const cli_context *cli, cli_output *output);
/* Writes what is buffered, and gives the file its name. */
int cli_output_finish(const cli_context *cli, cli_output *output);
/* Closes it; a file that was not finished is removed. To be called in any case. */
void cli_output_drop(cli_output *output);
/* 1: what is written is kept (a file), 0: somebody reads it as it comes (a pipe, a terminal). */
int cli_output_is_file(const cli_output *output);

#endif
