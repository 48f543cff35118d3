/* casacore_module.h - casacore in this very process: loads the module on first need, one call at a time.
 *
 * It makes tables. What is read goes through casacore_reader.h, which comes here last. MSIO_E_CASACORE where
 * casacore would end the process (no /proc), and for reading where another copy of casacore is in the process.
 *
 * Every function here may be called from any thread; one process-wide mutex lets one call at a time into casacore.
 * Failing calls set the error record, with the table's path. What each call does is told at its namesake in
 * casacore_shim.h; all of them also return MSIO_E_CASACORE when the module or casacore is missing.
 */
#ifndef MSIO_IO_CASACORE_MODULE_H
#define MSIO_IO_CASACORE_MODULE_H

#include "io/casacore/casacore_shim.h"

#include <limits.h>
#include <stdbool.h>

/* Whether the program itself holds the very casacore that the module needs: then there is one copy, and its tables and
 * caches are the program's too. */
bool msio_casacore_shared(void);
/* Where the module is, or should be. */
msio_status msio_casacore_module_path(char path[PATH_MAX]);

msio_status msio_casa_open(const char *path, msio_casa_table **table);
void msio_casa_close(msio_casa_table *table); /* takes NULL */
msio_status msio_casa_reopen(msio_casa_table *table);
int64_t msio_casa_rows(const msio_casa_table *table);
int msio_casa_columns(const msio_casa_table *table);
msio_status msio_casa_column(msio_casa_table *table, int index, msio_casa_column_info *info);
msio_status msio_casa_readable(msio_casa_table *table, const char *column);
msio_status msio_casa_shapes(msio_casa_table *table, const char *column, const msio_casa_row_set *rows, int8_t *ndims,
                             int64_t (*shapes)[MSIO_MAX_NDIM]);
/* bad may be NULL in the three reads. */
msio_status msio_casa_read(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                           const msio_casa_part *part, const void *fill, void *out, size_t out_bytes, int64_t *bad);
msio_status msio_casa_read_ragged(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                                  const msio_casa_part *part, const int64_t *counts, void *out, size_t out_bytes,
                                  int64_t *bad);
msio_status msio_casa_read_strings(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                                   const msio_casa_part *part, const int64_t *counts, msio_casa_text_sink *sink,
                                   void *user, int64_t *bad);

msio_status msio_casa_create(const char *path, const msio_casa_table_spec *spec, msio_casa_table **table);
msio_status msio_casa_shape(msio_casa_table *table, const char *column, int64_t row, int64_t count, int ndim,
                            const int64_t *shape);
msio_status msio_casa_put(msio_casa_table *table, const char *column, int64_t row, int64_t count, int ndim,
                          const int64_t *shape, const void *values);
msio_status msio_casa_put_strings(msio_casa_table *table, const char *column, int64_t row, int64_t count, int ndim,
                                  const int64_t *shape, const char *const *values);
msio_status msio_casa_link(msio_casa_table *parent, const char *name, msio_casa_table *table);
msio_status msio_casa_flush(msio_casa_table *table);
/* On success *said holds what was said. */
msio_status msio_casa_change(const char *path, const char *orders, size_t bytes, msio_casa_message *said);

#endif
