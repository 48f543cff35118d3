/* aipsio.h - reading AipsIO, casacore's framed object streams, from memory (docs/formats.md, "AipsIO").
 *
 * A reader keeps its first failure: after it, every call returns zeros and does nothing, so that a parser checks once
 * per loop and once at its end. Counts are compared with the bytes that are left before anything is allocated.
 */
#ifndef MSIO_IO_AIPSIO_H
#define MSIO_IO_AIPSIO_H

#include "core/arena.h"
#include "msio/core.h"

#include <stdbool.h>

typedef struct msio_aips {
    const uint8_t *bytes;
    int64_t length, at;
    bool big;           /* byte order of the stream */
    const char *path;   /* for messages */
    msio_arena *arena;  /* what is read lives there */
    int depth;          /* nested objects now open */
    int64_t end[32];    /* of each, or -1 where its length was not filled in */
    msio_status status; /* of the first failure, whose error is set */
} msio_aips;

void msio_aips_start(msio_aips *a, const void *bytes, int64_t length, bool big, const char *path, msio_arena *arena);

/* Records a failure (the first one counts) with what was found, and returns its status. */
msio_status msio_aips_fail(msio_aips *a, msio_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool msio_aips_ok(const msio_aips *a) { return a->status == MSIO_OK; }
static inline int64_t msio_aips_left(const msio_aips *a) { return a->status == MSIO_OK ? a->length - a->at : 0; }

uint8_t msio_aips_u8(msio_aips *a);
uint32_t msio_aips_u32(msio_aips *a);
int32_t msio_aips_i32(msio_aips *a);
uint64_t msio_aips_u64(msio_aips *a);
int64_t msio_aips_i64(msio_aips *a);
bool msio_aips_bool(msio_aips *a);
/* A string, NUL-terminated, in the arena; "" after a failure. */
char *msio_aips_text(msio_aips *a);
/* The next n bytes in place; NULL after a failure. */
const uint8_t *msio_aips_raw(msio_aips *a, int64_t n);

/* The type name of the object that comes next, without consuming it. */
const char *msio_aips_peek(msio_aips *a);
/* Enters an object (with its magic at top level): its version. type NULL takes any; versions beyond `newest` are
 * refused (MSIO_E_UNSUPPORTED). */
uint32_t msio_aips_enter(msio_aips *a, const char *type, uint32_t newest);
/* Leaves it: its length must have been consumed exactly. */
void msio_aips_leave(msio_aips *a);

/* A count that must be followed by at least count * bytes_each bytes; 0 after a failure. */
int64_t msio_aips_count(msio_aips *a, int bytes_each);

/* A Block of 32- or 64-bit integers (`wide`) as int64 in the arena; *n their number. At least 1 is allocated. */
int64_t *msio_aips_block(msio_aips *a, bool wide, int64_t *n);
/* An IPosition of at most MSIO_MAX_NDIM + 1 axes, none negative; *ndim their number. */
void msio_aips_shape(msio_aips *a, int *ndim, int64_t shape[MSIO_MAX_NDIM + 1]);
/* Skips an IPosition, whose axes may be anything (-1 in descriptions of records). */
void msio_aips_skip_shape(msio_aips *a);
/* n elements of a type to machine order, in the arena (Bool: one byte each); strings as char *[n]. */
void *msio_aips_values(msio_aips *a, msio_type type, int64_t n);

#endif
