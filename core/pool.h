/* pool.h - what the library itself needs of the result pool beyond msio/core.h. */
#ifndef MSIO_CORE_POOL_H
#define MSIO_CORE_POOL_H

#include "msio/core.h"

#include <stdbool.h>

/* As msio_pool_take; *fresh (may be NULL) tells that the pages were never touched. */
void *msio_pool_take_fresh(size_t bytes, bool *fresh);

/* Counters for tests and reports: bytes handed out now, and the most ever. */
size_t msio_pool_in_use(void);
size_t msio_pool_peak(void);

#endif
