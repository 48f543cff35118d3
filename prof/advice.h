/* advice.h - what the profiler would tell a user to do instead: lines that code which knows better leaves for the
 * report.
 */
#ifndef MSIO_PROF_ADVICE_H
#define MSIO_PROF_ADVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The first so many different lines are kept, of at most so many bytes. */
#define MSIO_ADVICE_MOST 32
#define MSIO_ADVICE_BYTES 512

/* Whether anybody will read it: ask before making a line. */
bool msio_advice_wanted(void);
/* Keeps a line (no line feed, no final dot) while the profiler is on; the same line again is counted. Any thread. */
void msio_advice_give(const char *line);
void msio_advice_reset(void);

/* Calls write(out, line, index, times) for each line in the order they came. */
void msio_advice_each(FILE *out, void (*write)(FILE *out, const char *line, int64_t index, long times));

#endif
