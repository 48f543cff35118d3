/* roofline.h - the fastest that the bytes of an answer could have come, or gone: raw reads and writes by threads. */
#ifndef MSIO_CLI_ROOFLINE_H
#define MSIO_CLI_ROOFLINE_H

#include "cli/command.h"

#include <stddef.h>

/* A stretch of a file. */
typedef struct cli_stretch {
    int fd;
    int64_t offset, length;
    int64_t before; /* bytes of the stretches before this one */
} cli_stretch;

/* The bytes in files that a plan wants: what is raw to be read, or written. */
typedef struct cli_roofline {
    cli_stretch *stretches;
    int count;
    int64_t bytes;
    int straight; /* 1: into the result; 0: into scratch, and a copy of the result's bytes from there */
    int writes;   /* 1: the other way */
    int *fds;
    int fd_count;
} cli_roofline;

/* Finds the stretches of a plan and opens its files, for writing too where it writes. Returns 0, or -1 where there are
 * none to read (no data, or a manager whose files msio does not know). To be freed in any case. */
int cli_roofline_prepare(const msio_plan *plan, int writes, cli_roofline *roofline);
/* Gives a part's stretches and descriptors to `all`, after its own. */
void cli_roofline_append(cli_roofline *all, cli_roofline *part);
/* Reads them into memory that is there: once in blocks of 256 KiB, once of 1 MiB. Or writes them from there, by one
 * thread and by all, in blocks of 256 KiB, 1 and 8 MiB: the files then hold these bytes in no useful order. Returns the
 * seconds of the fastest one, or -1 when one failed. */
double cli_roofline_run(const cli_roofline *roofline, int threads, void *out, size_t out_bytes);
/* Once, in blocks of that size and by so many threads, without the result's memory: seconds, or -1. */
double cli_roofline_once(const cli_roofline *roofline, int threads, int64_t block);
void cli_roofline_free(cli_roofline *roofline);

/* Threads that msio takes when it is asked for `wanted` (0: all that the affinity mask and OMP_NUM_THREADS allow). */
int cli_threads(int wanted);

#endif
