/* stats.h - turning totals into the public numbers. */
#ifndef MSIO_PROF_STATS_H
#define MSIO_PROF_STATS_H

#include "prof/totals.h"

/* All fields but struct_size. */
void msio_stats_path(const msio_totals *totals, int path, msio_prof_stats *stats);
void msio_stats_process(const msio_totals *totals, msio_prof_process *process);

/* The path's callers, most time first; how many there are. */
int msio_stats_callers(const msio_totals *totals, int path, msio_prof_caller callers[PROF_PATHS + 1]);

/* "1.23 ms" */
void msio_stats_duration(double seconds, char *text, size_t size);

#endif
