/* fallback.h - reading through casacore what no layout knows. */
#ifndef MSIO_IO_FALLBACK_H
#define MSIO_IO_FALLBACK_H

#include "io/table/table.h"

/* Completes the description of a column that is not read natively: why, and whether casacore can read it. */
void msio_fallback_describe(const msio_leaf *leaf, msio_table *keeper, msio_column_info *info);

/* Shapes of the rows' cells, as a layout tells them. */
msio_status msio_fallback_shapes(const msio_leaf *leaf, const msio_rows *rows, msio_shape_sink sink, void *user);

/* Numeric and Bool cells of one shape into out, each at its place. */
msio_status msio_fallback_read(const msio_leaf *leaf, const msio_want *want, uint8_t *out);

/* Strings, as a layout tells them. */
msio_status msio_fallback_texts(const msio_leaf *leaf, const msio_rows *rows, msio_text_sink sink, void *user);

#endif
