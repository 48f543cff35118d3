/* ssm.h - StandardStMan: header and index as loaded, and its strings (docs/formats.md, "StandardStMan"). */
#ifndef MSIO_IO_SSM_H
#define MSIO_IO_SSM_H

#include "io/layout/shared/array_file.h"
#include "io/layout/shared/buckets.h"

/* Immutable once loaded. Its memory is proportional to the index: 16 bytes an interval of rows. */
typedef struct msio_ssm {
    msio_arena arena;
    const char *name;
    bool big;
    int64_t bucket_size, in_file; /* bytes of a bucket, number of buckets */
    int64_t indices;
    msio_buckets *index;      /* [indices] */
    int64_t *rows_per_bucket; /* [indices] */
    int64_t columns;
    const int64_t *offset, *index_of; /* [columns]: place in a bucket, and which index finds the bucket */
    msio_file *file;                  /* NULL when parsed from memory */
    msio_array_file arrays;
} msio_ssm;

/* Parses and cross-checks header and index of a main file (table.f<N>) that is wholly in memory, as load does with the
 * file itself. Of the manager only dat, index and rows are used. *ssm is freed by msio_ssm_free.
 * MSIO_E_FORMAT, MSIO_E_UNSUPPORTED, MSIO_E_MEMORY. */
msio_status msio_ssm_parse(const msio_manager *manager, const void *bytes, int64_t length, msio_ssm **ssm);
/* The same through a window. */
msio_status msio_ssm_read(const msio_manager *manager, msio_window *window, msio_ssm **ssm);
void msio_ssm_free(msio_ssm *ssm);

/* Bits that a row of the column takes in its bucket; -1 where the column has no shape. */
int64_t msio_ssm_row_bits(const msio_column_dat *column);

/* The index that finds the column's buckets. */
static inline const msio_buckets *msio_ssm_index(const msio_ssm *ssm, const msio_column_dat *column) {
    return &ssm->index[ssm->index_of[column->number]];
}

/* Visits the offsets of the wanted rows' arrays in the file of indirect arrays. */
msio_status msio_ssm_each_offset(const msio_ssm *ssm, const msio_column_dat *column, const msio_rows *rows,
                                 msio_array_visit visit, void *job);

/* Tells strings, and shapes of cells that hold several. */
msio_status msio_ssm_texts(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                           msio_text_sink sink, void *user);
msio_status msio_ssm_text_shapes(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                                 msio_shape_run *run);

/* Where a scalar's string lies in its cell: see msio_layout. */
bool msio_ssm_text_form(const msio_column_dat *column, msio_text_form *form);

#endif
