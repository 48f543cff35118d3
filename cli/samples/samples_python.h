/* samples_python.h - what Python was doing in a thread at the moment of a sample (samples_python.c). */
#ifndef MSIO_CLI_SAMPLES_PYTHON_H
#define MSIO_CLI_SAMPLES_PYTHON_H

#include "prof/preload/profile_segment.h"

/* Python's threads are looked at by a thread of the process itself, now and then: a sample lies between two looks. Its
 * frames are those that both looks agree on, from the outermost on: to the innermost function common to both.
 * Fills list with them as entries of the run's sites, the outermost first, and returns how many; 0: none, or it is no
 * thread of Python's; -1: the next look is not there yet. */
int python_frames(const profile_segment *s, uint32_t process, uint32_t thread, uint64_t when,
                  uint32_t list[PROFILE_DEPTH]);

#endif
