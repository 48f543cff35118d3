/* converting.h - one run of `msio convert`: what its parts share. */
#ifndef MSIO_CLI_CONVERTING_H
#define MSIO_CLI_CONVERTING_H

#include "cli/load/load_input.h"
#include "msio/convert.h"

/* What was asked for. */
typedef struct cli_converting {
    const char *out, *follow, *out_dir;
    double wait; /* s */
    cli_load_source source;
    msio_convert_opts opts;
    int roofline_left; /* 1: it is not measured */
} cli_converting;

/* Tells of one conversion: an object (in one line where a group's time is given), or a line of text. roofline -1:
 * unknown. */
void cli_convert_report(const cli_context *cli, const char *path, const char *time, const msio_converted *made,
                        double seconds, double roofline);

/* Converts groups of the folder as they become complete, until a signal comes. Returns an exit code. */
int cli_convert_follow(const cli_context *cli, const cli_converting *wish);

#endif
