/* antenna_table.h - where antennas stand, from a text file of the user's: name,x,y,z[,diameter]. */
#ifndef MSIO_IO_ANTENNA_TABLE_H
#define MSIO_IO_ANTENNA_TABLE_H

#include "msio/core.h"

typedef struct msio_antenna_table msio_antenna_table;

typedef struct msio_antenna_place {
    const char *name;
    double position[3]; /* m, ITRF, from the Earth's centre */
    double diameter;    /* m; 0: not said */
    int64_t line;
} msio_antenna_place;

/* Reads a table: a line an antenna, fields between commas, blanks around them without meaning. Empty lines, those that
 * begin with #, and a first one whose second field is x are passed over. A file of more than 16 MiB is refused. *table
 * is to be freed.
 * MSIO_E_NOT_FOUND, MSIO_E_FORMAT (line and column are named: a field is missing, no number, or one too many; a place
 * that is none on Earth; a name that is there twice; no antennas), MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_antenna_table_read(const char *path, msio_antenna_table **table);
/* The same of a file's text; path names it in messages. */
msio_status msio_antenna_table_parse(const char *bytes, int64_t length, const char *path, msio_antenna_table **table);
void msio_antenna_table_free(msio_antenna_table *table); /* takes NULL */

/* The antenna of that name; NULL: it is not there. Any thread. */
const msio_antenna_place *msio_antenna_table_find(const msio_antenna_table *table, const char *name);

#endif
