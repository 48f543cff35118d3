/* ms_make.h - making one table of a Measurement Set from its schema, through casacore. */
#ifndef MSIO_IO_MS_MAKE_H
#define MSIO_IO_MS_MAKE_H

#include "io/casacore/casacore_module.h"
#include "io/ms/ms_schema.h"

/* Directions whose frame each row names, by a code in a column beside: where the frames of a table differ. */
typedef struct msio_ms_frames {
    int frames;
    const char *const *frame; /* [frames] */
    const int32_t *code;      /* [frames] */
    int columns;
    const char *const (*column)[2]; /* [columns]: a column of directions, and the one of codes that is made for it */
} msio_ms_frames;

/* What the table shall be: which of the schema's columns, and the manager of each. */
typedef struct msio_ms_recipe {
    const char *path;
    const msio_ms_table *table;
    int64_t rows;
    int big_endian;
    int columns;
    const char *const *name; /* [columns] */
    const int *manager_of;   /* [columns]; NULL: all of them manager 0 */
    int managers;
    const msio_casa_manager_spec *manager; /* [managers] */
    const char *frame;                     /* of its directions; NULL: as the schema has it */
    const msio_ms_frames *frames;          /* NULL: all rows have that one */
    int keywords;                          /* beside those of the definition, or in place of them */
    const msio_casa_keyword_spec *keyword;
} msio_ms_recipe;

/* Makes the table, with the keywords that the definition asks for. *made is to be closed by msio_casa_close.
 * MSIO_E_CASACORE, MSIO_E_ARGUMENT (a column that the schema does not know), MSIO_E_MEMORY. */
msio_status msio_ms_make(const msio_ms_recipe *recipe, msio_casa_table **made);

/* The same with every required column of the schema, all of them in one StandardStMan. */
msio_status msio_ms_make_plain(const char *path, const msio_ms_table *table, int64_t rows, int big_endian,
                               msio_casa_table **made);

#endif
