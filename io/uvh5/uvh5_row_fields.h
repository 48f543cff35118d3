/* uvh5_row_fields.h - which datasets of Header have a value a row, and where they go. */
#ifndef MSIO_IO_UVH5_ROW_FIELDS_H
#define MSIO_IO_UVH5_ROW_FIELDS_H

#include "msio/uvh5.h"

#include <stdbool.h>
#include <stddef.h>

/* Of one row. */
typedef enum row_kind { ROW_DOUBLE, ROW_INT, ROW_UVW } row_kind;
typedef enum row_need { ROW_ALWAYS, ROW_WITH_PHASE, ROW_MAYBE } row_need;

typedef struct msio_uvh5_row_field {
    const char *name;
    unsigned which;
    row_kind kind;
    row_need need;
    bool may_be_scalar; /* one value for all rows */
    size_t place;
} msio_uvh5_row_field;

#define MSIO_UVH5_ROW_FIELDS 11
extern const msio_uvh5_row_field msio_uvh5_row_fields[MSIO_UVH5_ROW_FIELDS];

/* Whether a dataset of Header is one of those. */
bool msio_uvh5_is_by_row(const char *name);

#endif
