/* drawing.h - a Python with msio's package and matplotlib, which draws a density grid: it gets the grid through a pipe,
 * and gives the picture through another one. */
#ifndef MSIO_CLI_DRAWING_H
#define MSIO_CLI_DRAWING_H

#include "cli/output/output.h"
#include "msio/visibility.h"

#include <sys/types.h>

typedef struct cli_drawing {
    const char *python;
    pid_t pid;           /* 0: none runs */
    int to, from, words; /* its standard input, output and error; -1: closed */
    int ready;           /* 1: it has said that it can draw */
    char said[2048];     /* the end of what it said */
    size_t length;
} cli_drawing;
#define CLI_DRAWING_INIT                                                                                               \
    { NULL, 0, -1, -1, -1, 0, "", 0 }

/* Starts it: MSIO_PYTHON, or python3. format: "png" or "svg". Returns 0, or an exit code after telling. */
int cli_drawing_begin(const cli_context *cli, const char *format, const char *title, cli_drawing *drawing);
/* 1 where it has ended already: to be asked now and then while the grid is made. */
int cli_drawing_ended(cli_drawing *drawing);
/* Has it draw the grid, and writes the picture. Returns 0, or an exit code after telling. */
int cli_drawing_finish(const cli_context *cli, cli_drawing *drawing, const msio_density *density, cli_output *output);
/* Tells why it ended. Returns the exit code. */
int cli_drawing_tell(const cli_context *cli, cli_drawing *drawing);
/* Ends it. To be called in any case. */
void cli_drawing_drop(cli_drawing *drawing);

#endif
