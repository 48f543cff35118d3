// shim_calls.h - the casacore module: its calls; each is the member of msio_casa_functions of that name, and told
// there.
#ifndef MSIO_IO_SHIM_CALLS_H
#define MSIO_IO_SHIM_CALLS_H

#include "io/casacore/casacore_shim.h"

namespace shim {

msio_status shim_open(const char *path, msio_casa_table **table, msio_casa_message *message) noexcept;
void shim_close(msio_casa_table *table) noexcept;
msio_status shim_reopen(msio_casa_table *table, msio_casa_message *message) noexcept;
const char *shim_path(const msio_casa_table *table) noexcept;
int64_t shim_rows(const msio_casa_table *table) noexcept;
int shim_columns(const msio_casa_table *table) noexcept;
msio_status shim_column(msio_casa_table *table, int index, msio_casa_column_info *result,
                        msio_casa_message *message) noexcept;
msio_status shim_readable(msio_casa_table *table, const char *name, msio_casa_message *message) noexcept;
msio_status shim_shapes(msio_casa_table *table, const char *name, const msio_casa_row_set *rows, int8_t *ndims,
                        int64_t (*shapes)[MSIO_MAX_NDIM], msio_casa_message *message) noexcept;
msio_status shim_read(msio_casa_table *table, const char *name, const msio_casa_row_set *rows,
                      const msio_casa_part *part, const void *fill, void *out, size_t out_bytes, int64_t *bad,
                      msio_casa_message *message) noexcept;
msio_status shim_read_ragged(msio_casa_table *table, const char *name, const msio_casa_row_set *rows,
                             const msio_casa_part *part, const int64_t *counts, void *out, size_t out_bytes,
                             int64_t *bad, msio_casa_message *message) noexcept;
msio_status shim_read_strings(msio_casa_table *table, const char *name, const msio_casa_row_set *rows,
                              const msio_casa_part *part, const int64_t *counts, msio_casa_text_sink *sink, void *user,
                              int64_t *bad, msio_casa_message *message) noexcept;
msio_status shim_create(const char *path, const msio_casa_table_spec *spec, msio_casa_table **table,
                        msio_casa_message *message) noexcept;
msio_status shim_shape(msio_casa_table *table, const char *name, int64_t row, int64_t count, int ndim,
                       const int64_t *shape, msio_casa_message *message) noexcept;
msio_status shim_put(msio_casa_table *table, const char *name, int64_t row, int64_t count, int ndim,
                     const int64_t *shape, const void *values, msio_casa_message *message) noexcept;
msio_status shim_put_strings(msio_casa_table *table, const char *name, int64_t row, int64_t count, int ndim,
                             const int64_t *shape, const char *const *values, msio_casa_message *message) noexcept;
msio_status shim_link(msio_casa_table *parent, const char *name, msio_casa_table *table,
                      msio_casa_message *message) noexcept;
msio_status shim_flush(msio_casa_table *table, msio_casa_message *message) noexcept;
msio_status shim_edit(const char *path, int64_t bytes, msio_casa_table **table, msio_casa_message *message) noexcept;
msio_status shim_put_cells(msio_casa_table *table, const char *name, const msio_casa_row_set *rows,
                           const msio_casa_part *part, int ndim, const int64_t *shape, const void *values, size_t bytes,
                           msio_casa_message *message) noexcept;
msio_status shim_put_texts(msio_casa_table *table, const char *name, const msio_casa_row_set *rows, const char *texts,
                           size_t bytes, msio_casa_message *message) noexcept;
msio_status shim_settle(msio_casa_table *table, int sync, msio_casa_message *message) noexcept;
msio_status shim_change(const char *path, const char *orders, size_t bytes, msio_casa_message *message) noexcept;

} // namespace shim

#endif
