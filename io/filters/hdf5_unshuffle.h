/* hdf5_unshuffle.h - bytes and bits of elements, which filters had put side by side, brought back together. */
#ifndef MSIO_IO_HDF5_UNSHUFFLE_H
#define MSIO_IO_HDF5_UNSHUFFLE_H

#include <stddef.h>
#include <stdint.h>

/* n elements of `size` bytes; byte k of element i stands at src[k * n + i]. No overlap. */
void msio_unshuffle(uint8_t *restrict dst, const uint8_t *restrict src, size_t n, size_t size);

/* n elements, a multiple of 8, of `size` bytes; bit b (of a byte, least significant first) of byte k of all elements
 * stands in the n / 8 bytes from src[(8 * k + b) * n / 8] on. between: room for n * size bytes, for sizes above 1; dst
 * may be src where there is such room. */
void msio_unshuffle_bits(uint8_t *dst, const uint8_t *src, size_t n, size_t size, uint8_t *between);

#endif
