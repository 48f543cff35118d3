/* bench_lines.h - what the memory allows a gather: its cache lines read from the mapped file, nothing stored. */
#ifndef MSIO_BENCH_LINES_H
#define MSIO_BENCH_LINES_H

#include <msio/msio.h>

/* Seconds in which two threads load one word of each cache line that the plan's bytes lie in, with the file mapped and
 * its pages present. For plans of one file whose rows are equally long stretches. -1 where it is none. */
double bench_lines(const msio_plan *plan);

#endif
