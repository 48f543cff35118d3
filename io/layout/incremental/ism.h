/* ism.h - IncrementalStMan: header and index as loaded, and a walk over stored values (docs/formats.md,
 * "IncrementalStMan"). */
#ifndef MSIO_IO_ISM_H
#define MSIO_IO_ISM_H

#include "io/layout/shared/array_file.h"
#include "io/layout/shared/buckets.h"

/* Immutable once loaded. Its memory is proportional to the index: 16 bytes a bucket. */
typedef struct msio_ism {
    msio_arena arena;
    const char *name;
    bool big;
    int64_t bucket_size, in_file; /* bytes of a bucket, number of buckets */
    int64_t columns;
    msio_buckets index;
    msio_file *file; /* NULL when parsed from memory */
    msio_array_file arrays;
} msio_ism;

/* Parses and cross-checks header and index of a main file (table.f<N>) that is wholly in memory, as load does with the
 * file itself. Of the manager only dat, index and rows are used. *ism is freed by msio_ism_free.
 * MSIO_E_FORMAT, MSIO_E_UNSUPPORTED, MSIO_E_MEMORY. */
msio_status msio_ism_parse(const msio_manager *manager, const void *bytes, int64_t length, msio_ism **ism);
/* The same through a window. */
msio_status msio_ism_read(const msio_manager *manager, msio_window *window, msio_ism **ism);
void msio_ism_free(msio_ism *ism);

/* Walks the values of one column that a set of rows needs: rows [from, from + count) of the set have the value at
 * `value`, byte `address` of the file; `length` bytes follow there until the bucket's data end. */
typedef struct msio_ism_walk {
    int64_t from, count;
    const uint8_t *value; /* valid until the next step */
    int64_t address, length;
    int64_t first, last; /* rows of the table that have it; first -1: damage */
    /* its own */
    const msio_ism *ism;
    const msio_column_dat *column;
    const msio_rows *rows;
    msio_window *window;
    msio_bucket_walk bucket;
    const uint8_t *data; /* of the bucket, behind its first 4 bytes */
    int64_t data_bytes;
    const uint8_t *entry_row, *entry_value; /* [entries] stored integers */
    int64_t entries, entry;
    int row_bytes; /* 4 or 8 */
} msio_ism_walk;

/* Begins before the first value. The window is on the manager's file, or on its bytes. MSIO_E_FORMAT. */
msio_status msio_ism_walk_start(msio_ism_walk *walk, const msio_ism *ism, const msio_column_dat *column,
                                const msio_rows *rows, msio_window *window);
/* Goes on to the next value; MSIO_END behind the last row. MSIO_E_FORMAT, MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_ism_walk_next(msio_ism_walk *walk);

/* Bytes of a column's value in a bucket: of a cell, or of the offset of its array; -1 where that differs. */
int64_t msio_ism_value_bytes(const msio_column_dat *column);

/* Tells which rows share a value; see msio_layout. */
msio_status msio_ism_shares(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                            msio_share_sink sink, void *user);
/* Tells strings. */
msio_status msio_ism_texts(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                           msio_text_sink sink, void *user);
/* Visits the offsets of the wanted rows' arrays in the file of indirect arrays. */
msio_status msio_ism_each_offset(const msio_ism *ism, const msio_column_dat *column, const msio_rows *rows,
                                 msio_array_visit visit, void *job);

#endif
