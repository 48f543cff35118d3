/* ms_schema.h - the tables and columns of a Measurement Set, version 2 (casacore note 229), as tables of their own. */
#ifndef MSIO_IO_MS_SCHEMA_H
#define MSIO_IO_MS_SCHEMA_H

#include "msio/core.h"

/* A column as the definition has it. */
typedef struct msio_ms_column {
    const char *name;
    msio_type type;
    int ndim;            /* 0 scalar, -1 any, else axes of a cell */
    int length;          /* of a cell that is a vector of fixed length; 0: the shape is not fixed */
    const char *unit;    /* keyword QuantumUnits; NULL: none */
    int units;           /* how often the keyword repeats the unit */
    const char *measure; /* keyword MEASINFO: its type; NULL: none */
    const char *frame;   /* its reference; NULL: that of each row, in column MEAS_FREQ_REF */
    const char *comment;
} msio_ms_column;

typedef struct msio_ms_table {
    const char *name; /* "MAIN", or the subtable's */
    int columns;
    int required; /* the first so many columns; the main table's optional ones count as required */
    const msio_ms_column *column;
} msio_ms_table;

/* pyuvdata's own column of OBSERVATION: where the telescope stands, ITRF, m. Its shape is fixed, but not stored in the
 * rows themselves. */
#define MSIO_MS_TELESCOPE_LOCATION "TELESCOPE_LOCATION"

/* The main table with the optional columns that msio writes, the twelve required subtables, and SOURCE; NULL where
 * there is no such table. Static. */
const msio_ms_table *msio_ms_table_find(const char *name);
const msio_ms_column *msio_ms_column_find(const msio_ms_table *table, const char *name);

/* Most columns of a table above. */
#define MSIO_MS_COLUMNS 26
/* Most keywords that one column has: QuantumUnits and five fields of MEASINFO. */
#define MSIO_MS_COLUMN_KEYWORDS 6

#endif
