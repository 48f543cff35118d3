/* blosc_library.h - c-blosc, loaded when the first dataset that it packed is opened.
 *
 * It is not linked: it would bring libsnappy and the C++ library into every program that reads something else. Its ABI
 * is that of libblosc.so.1 (blosc.h of 1.x). The functions taken are those without state and without threads of their
 * own.
 */
#ifndef MSIO_IO_BLOSC_LIBRARY_H
#define MSIO_IO_BLOSC_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the library is there; loads it. Any thread. Once true, it stays so. */
bool msio_blosc_ready(void);

/* blosc.h's functions of these names; after msio_blosc_ready only. */
int msio_blosc_validate(const void *stored, size_t bytes, size_t *decoded);
int msio_blosc_decompress(const void *stored, void *out, size_t room);

#endif
