/* ready.h - the caller's memory, made ready to be written. */
#ifndef MSIO_CORE_READY_H
#define MSIO_CORE_READY_H

#include <stddef.h>

/* Told of memory that is about to be written from end to end. Where nothing of it was touched yet the system is asked
 * for its pages beforehand, which is cheaper than a page at a time as they are written: large memory gets huge pages
 * where it covers them whole, small memory all of its pages at once. What the memory holds stays; nothing beyond it is
 * touched. A hint: what the system refuses is left as it is. Any thread. */
void msio_memory_ready(void *memory, size_t bytes);

#endif
