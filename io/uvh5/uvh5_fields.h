/* uvh5_fields.h - the datasets below Header: collected in one pass, then asked for by name, type and shape. */
#ifndef MSIO_IO_UVH5_FIELDS_H
#define MSIO_IO_UVH5_FIELDS_H

#include "core/arena.h"
#include "core/error.h"
#include "io/hdf5/hdf5_file.h"
#include "msio/uvh5.h"

#include <stdbool.h>

/* A header that is being read; all that is returned lives in the arena. The first failure stays in status, and all
 * calls after it do nothing. */
typedef struct msio_uvh5_fields {
    msio_hdf5 *file;
    msio_arena *arena;
    int n, capacity;
    msio_field *field; /* names from Header on */
    msio_status status;
} msio_uvh5_fields;

/* Collects all datasets below Header: small ones with what they hold, but for those that have a value a row. */
void msio_uvh5_fields_collect(msio_uvh5_fields *f, msio_hdf5 *file, msio_arena *arena);

/* Zeroed memory; NULL without memory, or when a header would become larger than is read. */
void *msio_uvh5_take(msio_uvh5_fields *f, int64_t count, size_t size);
/* A failure about a field of this name (from Header on), told once. */
void msio_uvh5_wrong(msio_uvh5_fields *f, const char *name, const char *format, ...) MSIO_PRINTF(3, 4);

/* The field of that name, NULL where there is none; without its values where it is large. */
const msio_field *msio_uvh5_field(const msio_uvh5_fields *f, const char *name);
/* Makes sure that a field's values or strings are there, where it has elements of that kind. */
void msio_uvh5_load(msio_uvh5_fields *f, msio_field *field);

/* "(2, 3)"; a scalar's is "()". Returns text. */
const char *msio_uvh5_shape_text(int ndim, const int64_t *shape, char text[160]);

/* ---------------------------------------------------------------- by name: required ones must be there and not empty
 */

/* One number in [least, most], whole; `otherwise` where it is absent. */
int64_t msio_uvh5_whole(msio_uvh5_fields *f, const char *name, int64_t least, int64_t most, int64_t otherwise);
#define MSIO_UVH5_REQUIRED INT64_MIN                                           /* as `otherwise`: it must be there */
double msio_uvh5_number(msio_uvh5_fields *f, const char *name, bool required); /* NaN: absent */
int msio_uvh5_truth(msio_uvh5_fields *f, const char *name);                    /* -1: absent */
const char *msio_uvh5_text(msio_uvh5_fields *f, const char *name, bool required);

/* Arrays of that shape; a scalar stands for one of a single element, and leading axes of length 1 for none. NULL:
 * absent. */
const double *msio_uvh5_doubles(msio_uvh5_fields *f, const char *name, bool required, int ndim, const int64_t *shape);
const int32_t *msio_uvh5_ints(msio_uvh5_fields *f, const char *name, bool required, int64_t length);
const char *const *msio_uvh5_texts(msio_uvh5_fields *f, const char *name, bool required, int ndim,
                                   const int64_t *shape);
/* As msio_uvh5_doubles with one axis, or a scalar that is repeated. */
const double *msio_uvh5_repeated(msio_uvh5_fields *f, const char *name, int64_t length);

/* ---------------------------------------------------------------- of a field in hand, whatever its shape */

/* All numbers; NULL where it has none. The field is the one that is named in failures. */
const double *msio_uvh5_field_doubles(msio_uvh5_fields *f, msio_field *field);

#endif
