/* cursor.h - what the profiler asks of a cursor beyond msio/cache.h. */
#ifndef MSIO_CACHE_CURSOR_H
#define MSIO_CACHE_CURSOR_H

#include "msio/cache.h"

/* Calls of one pattern from which on a loop over cells is worth a word. */
#define MSIO_CURSOR_ADVICE_CALLS 1000

/* Writes what would have been faster than the calls so far, as one line without a final dot; returns its length as
 * snprintf does, 0 (and "") when there is nothing to say. */
int msio_cursor_advice(const msio_cursor *cursor, char *text, size_t size);

#endif
