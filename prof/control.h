/* control.h - the profiler's switch, its lock, and snapshots under it. */
#ifndef MSIO_PROF_CONTROL_H
#define MSIO_PROF_CONTROL_H

#include "prof/totals.h"

/* All that was counted until now, with the clock's rate, the process's numbers and the targets; *totals is freed with
 * free. Fails with MSIO_E_MEMORY. */
msio_status msio_control_snapshot(msio_totals **totals);

/* The same where nobody holds the profiler's lock; else MSIO_OK and NULL. For threads that may hold locks of theirs. */
msio_status msio_control_try_snapshot(msio_totals **totals);

/* 1 in a child of fork. */
int msio_control_forked(void);
/* For a child of fork: it counts its own work only; the threads it lost leave their shards to new ones. */
void msio_control_in_child(void);

/* The profiler's one lock, which fork leaves open in the child. Spans never take it. */
void msio_control_lock(void);
void msio_control_unlock(void);

#endif
