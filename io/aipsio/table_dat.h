/* table_dat.h - table.dat parsed: description, keywords, data managers (docs/formats.md, "table.dat").
 *
 * Immutable once parsed; all of it lives in one arena.
 */
#ifndef MSIO_IO_TABLE_DAT_H
#define MSIO_IO_TABLE_DAT_H

#include "core/arena.h"
#include "core/file.h"
#include "msio/io.h"

typedef enum msio_column_kind {
    MSIO_KIND_SCALAR,
    MSIO_KIND_ARRAY,
    MSIO_KIND_RECORD,
    MSIO_KIND_SUBTABLE
} msio_column_kind;

/* Bits of msio_column_dat.option. */
#define MSIO_OPTION_DIRECT 1
#define MSIO_OPTION_FIXED 4

typedef struct msio_column_dat {
    const char *name, *comment;
    msio_type type;
    msio_column_kind kind;
    int option;
    int ndim;       /* as described: 0 scalar, -1 unknown */
    int shape_ndim; /* of the fixed shape; -1: none */
    int64_t shape[MSIO_MAX_NDIM + 1];
    int64_t max_length; /* of strings; 0: any */
    msio_record *keywords;
    int manager; /* index in the list of managers; -1 in a reference or concatenated table */
    int number;  /* among the columns of that manager */
} msio_column_dat;

typedef struct msio_manager_dat {
    const char *type;
    int64_t sequence; /* N of table.f<N> */
    const uint8_t *blob;
    int64_t blob_length;
    int columns;
} msio_manager_dat;

typedef struct msio_table_dat {
    msio_arena arena;
    const char *path; /* of table.dat */
    msio_table_kind kind;
    int64_t rows; /* stale where a sync record says otherwise */
    bool big_endian;
    int storage; /* 0 MultiFile, 1 MultiHDF5, 2 separate files */
    msio_record *keywords;
    msio_record *private_keywords; /* hypercolumn definitions */
    int columns;
    msio_column_dat *column;
    int managers;
    msio_manager_dat *manager;
    /* reference table */
    const char *root;   /* as stored */
    char **root_column; /* [columns]: name in the root */
    int64_t *root_row;  /* [rows] */
    /* concatenated table */
    int parts;
    char **part; /* as stored */
    int concatenated_subtables;
} msio_table_dat;

/* Parses the bytes of a table.dat; *dat is freed by msio_table_dat_free. path: for messages, copied.
 * MSIO_E_FORMAT, MSIO_E_UNSUPPORTED, MSIO_E_MEMORY. */
msio_status msio_table_dat_parse(const void *bytes, int64_t length, const char *path, msio_table_dat **dat);
void msio_table_dat_free(msio_table_dat *dat);

/* Index of a column or -1. */
int msio_table_dat_find(const msio_table_dat *dat, const char *name);

/* The path that a stored table name (in a keyword, or as root or part) means for the table at `table`; malloc'ed, NULL
 * without memory. */
char *msio_table_name_resolve(const char *name, const char *table);

#endif
