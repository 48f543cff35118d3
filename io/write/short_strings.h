/* short_strings.h - strings that are written in the cells where they lie: which may be, and what their cells hold. */
#ifndef MSIO_IO_SHORT_STRINGS_H
#define MSIO_IO_SHORT_STRINGS_H

#include "io/table/table.h"

/* How all plain tables of a write store them. Starts all zero. */
typedef struct msio_short_strings {
    bool known; /* one was looked at */
    bool big;
    msio_text_form form;
} msio_short_strings;

/* Whether the strings that a leaf's rows get (row i's is that of cell place(i) of `in`; undefined: none) fit its cells,
 * and lie there now, and the cells are stored as those of the leaves before. A damaged file allows nothing. */
bool msio_short_strings_allow(msio_short_strings *strings, const msio_leaf *leaf, const msio_rows *rows,
                              const msio_ragged *in);
/* Cells [first, first + n) of `in`, all of them defined, as they are stored: form.bytes each. */
void msio_short_strings_store(const msio_short_strings *strings, const msio_ragged *in, int64_t first, int64_t n,
                              uint8_t *cells);

#endif
