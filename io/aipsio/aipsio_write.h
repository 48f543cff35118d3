/* aipsio_write.h - writing AipsIO, casacore's framed object streams, to memory, in canonical (big-endian) order.
 *
 * A writer keeps its first failure, which can only be a lack of memory: after it, every call does nothing.
 */
#ifndef MSIO_IO_AIPSIO_WRITE_H
#define MSIO_IO_AIPSIO_WRITE_H

#include "msio/core.h"

#include <stdbool.h>

typedef struct msio_aips_out {
    uint8_t *bytes; /* malloc'ed; the caller frees it */
    int64_t length, capacity;
    bool failed;
    int depth;
    int64_t start[32]; /* of each open object: where its length goes */
} msio_aips_out;

void msio_aips_put_raw(msio_aips_out *out, const void *bytes, int64_t n);
void msio_aips_put_u8(msio_aips_out *out, uint8_t value);
void msio_aips_put_u32(msio_aips_out *out, uint32_t value);
void msio_aips_put_u64(msio_aips_out *out, uint64_t value);
void msio_aips_put_text(msio_aips_out *out, const char *text);
/* Opens an object, with the magic number before one that stands in no other. */
void msio_aips_put_enter(msio_aips_out *out, const char *type, uint32_t version);
/* The same for an object whose head was put raw: its length field is at byte `start`. */
void msio_aips_put_entered(msio_aips_out *out, int64_t start);
/* Closes it: its length is filled in. */
void msio_aips_put_leave(msio_aips_out *out);
/* A Block of 32-bit integers. */
void msio_aips_put_block(msio_aips_out *out, int64_t n, const uint32_t *values);
/* An IPosition, in 64 bits where an axis needs them. */
void msio_aips_put_shape(msio_aips_out *out, int ndim, const int64_t *shape);

#endif
