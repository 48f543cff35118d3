/* write_parts.h - one write whose values come part by part: all or nothing of more than fits the memory. */
#ifndef MSIO_IO_WRITE_PARTS_H
#define MSIO_IO_WRITE_PARTS_H

#include "msio/write.h"

#include <stdbool.h>

/* Rows [place, place + rows) of a selection. */
typedef struct msio_write_part {
    int64_t place, rows;
    const void *in; /* the giver's, until the next part is asked for */
    size_t bytes;
} msio_write_part;

typedef struct msio_write_parts {
    msio_status (*next)(void *user, msio_write_part *part); /* MSIO_END after the last one */
    void *user;
} msio_write_parts;

/* As msio_write of the whole selection, with atomic: before the first part is asked for, all old bytes are kept, or the
 * files made anew. select: not NULL. Errors: as msio_write, and those of parts->next. */
msio_status msio_write_in_parts(const msio_column *column, const msio_select *select, const msio_write_parts *parts,
                                const msio_write_opts *opts);

/* As msio_write of the whole selection, whose rows are in ascending order, of values that are made when they are
 * stored, block by block, by the thread that stores them: what was made is then in its processor's cache. make: of rows
 * [place, place + rows) of the selection, into memory; threads begin with 0. *refused: it cannot be so (what is put
 * goes through casacore), and nothing was stored. Errors: as msio_write, and those of make. */
msio_status msio_write_made(const msio_column *column, const msio_select *select,
                            msio_status (*make)(void *user, int thread, int64_t place, int64_t rows, void *memory),
                            void *user, const msio_write_opts *opts, bool *refused);

/* msio_write_many; lenient: channels and correlations are for the columns whose cells have those axes, as in a call for
 * several columns. */
msio_status msio_write_columns(int n, const msio_column *const *columns, const msio_select *select,
                               const void *const *ins, const size_t *in_bytes, const msio_write_opts *opts,
                               bool lenient);

/* Puts strings as the bytes of their cells (msio_text_form), cell by cell in `in`: of rows whose strings lie there.
 * Errors: as msio_write. */
msio_status msio_write_as_stored(const msio_column *column, const msio_select *select, const void *in, size_t in_bytes,
                                 const msio_write_opts *opts);

#endif
