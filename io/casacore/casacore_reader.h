/* casacore_reader.h - what no layout knows, read by whichever casacore can do it without harm.
 *
 * In this order:
 *   1. the casacore that the program has and offers (msio_casacore_provide), after the helper, where there is one, has
 *      opened the table and looked at the column: what kills casacore is then an error;
 *   2. the module in this process (casacore_module.h), where the program itself links the very casacore that it needs;
 *   3. the helper: casacore in a process of its own (casacore_remote.h);
 *   4. the module in this process, where no helper can be started and no other casacore is here.
 * A table stays with the one that opened it. Failing calls set the error record, with the table's path.
 */
#ifndef MSIO_IO_CASACORE_READER_H
#define MSIO_IO_CASACORE_READER_H

#include "msio/casacore.h"

typedef struct msio_reader msio_reader;

/* As their namesakes of msio_casacore_provider. Any thread; a reader is used by one call at a time. Also
 * MSIO_E_CASACORE (no casacore is to be had, or it died) and MSIO_E_CANCELLED. */
msio_status msio_reader_open(const char *path, msio_reader **reader);
void msio_reader_close(msio_reader *reader); /* takes NULL */
msio_status msio_reader_reopen(msio_reader *reader);
msio_status msio_reader_readable(msio_reader *reader, const char *column);
msio_status msio_reader_shapes(msio_reader *reader, const char *column, const msio_casa_row_set *rows, int8_t *ndims,
                               int64_t (*shapes)[MSIO_MAX_NDIM]);
msio_status msio_reader_read(msio_reader *reader, const char *column, const msio_casa_row_set *rows,
                             const msio_casa_part *part, void *out, size_t out_bytes);
msio_status msio_reader_strings(msio_reader *reader, const char *column, int64_t row, int64_t count,
                                msio_casa_text_sink *sink, void *user);

/* Adds columns or rows by casacore (as msio_casa_functions.change): by the helper; by the module in this process where
 * the program itself links that casacore, or where there is no helper and no other casacore is here. *said: its words.
 */
msio_status msio_reader_change(const char *path, const char *orders, size_t bytes, msio_casa_message *said);

#endif
