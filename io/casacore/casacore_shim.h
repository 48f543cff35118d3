/* casacore_shim.h - the C interface of the casacore module: the only way by which msio reaches casacore.
 *
 * The module (msio_casacore.so, from shim/) exports one symbol, msio_casacore_functions, and does not link
 * msio: every call that can fail gets a message from its caller to write its words to. Callers in msio use the wrappers
 * of casacore_module.h, which load the module, let one call in at a time and set the error record.
 *
 * Shapes and tiles are in numpy's order throughout (casacore's axis 0 last); values in the machine's byte order.
 * No exception leaves a call. Handles are used by one thread at a time.
 */
#ifndef MSIO_IO_CASACORE_SHIM_H
#define MSIO_IO_CASACORE_SHIM_H

#include "msio/casacore.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows with every change of what follows. */
#define MSIO_CASA_VERSION 4

/* Before the orders of a change: zeros that it writes are to take no room, where the helper does it. */
#define MSIO_CASA_HOLES "holes"

/* A table that casacore opened or makes. */
typedef struct msio_casa_table msio_casa_table;

/* ---------------------------------------------------------------- reading */

/* A column as casacore describes it. The strings live until its table is closed. */
typedef struct msio_casa_column_info {
    const char *name, *comment;
    const char *manager, *manager_name;
    msio_type type;
    int is_array;
    int option;      /* casacore's mask: 1 direct, 2 undefined, 4 fixed shape */
    int ndim;        /* 0 scalar, -1 varies */
    int fixed_shape; /* 1: shape holds */
    int64_t shape[MSIO_MAX_NDIM];
    int is_virtual; /* 1: computed by a virtual column engine */
} msio_casa_column_info;

/* ---------------------------------------------------------------- making */

/* A data manager to be. Zero means casacore's own default everywhere. */
typedef struct msio_casa_manager_spec {
    const char *type; /* "StandardStMan", "TiledShapeStMan", ... */
    const char *name;
    int tile_ndim;
    int64_t tile[MSIO_MAX_NDIM + 1]; /* [row][channel][correlation] */
    int64_t bucket_bytes;            /* StandardStMan, IncrementalStMan */
    int64_t bucket_rows;             /* StandardStMan, in place of bucket_bytes */
    int hypercolumn;                 /* 1: the description names the manager's columns as a hypercolumn, as CASA does */
} msio_casa_manager_spec;

/* A column to be. */
typedef struct msio_casa_column_spec {
    const char *name, *comment;
    msio_type type;
    int ndim;        /* 0 scalar, -1 any, else axes of a cell */
    int fixed_shape; /* 1: every cell has `shape` */
    int direct;      /* 1: fixed-shape cells stored in the rows themselves */
    int64_t shape[MSIO_MAX_NDIM];
    int manager; /* index of its manager */
} msio_casa_column_spec;

/* A keyword of a table, or of a column. */
typedef struct msio_casa_keyword_spec {
    const char *column; /* NULL: of the table */
    const char *name;   /* "A.B": field B of record A, which is made when it is not there */
    msio_type type;     /* MSIO_STRING: values is const char *const *; else elements of the type */
    int64_t count;      /* elements of a vector; -1: a scalar */
    const void *values;
    int64_t length; /* of a matrix's rows, which stand one after the other; 0: a vector. MSIO_INT only */
} msio_casa_keyword_spec;

/* A whole table to be. */
typedef struct msio_casa_table_spec {
    const char *type, *subtype, *comment; /* of table.info; NULL: "" */
    int64_t rows;
    int big_endian;
    int managers, columns, keywords;
    const msio_casa_manager_spec *manager;
    const msio_casa_column_spec *column;
    const msio_casa_keyword_spec *keyword;
} msio_casa_table_spec;

/* ---------------------------------------------------------------- the functions */

typedef struct msio_casa_functions {
    int version;        /* MSIO_CASA_VERSION of the module */
    size_t struct_size; /* sizeof(msio_casa_functions) there */

    /* casacore's version, "3.5.0". Static. */
    const char *(*casacore_version)(void);

    /* Opens the table for reading. Takes no lock: the caller holds one if it wants one (a read lock on byte 0 of
     * table.lock does not stand in the way). Nothing on disk changes; a plain table without table.lock gets none.
     * MSIO_E_NOT_FOUND, MSIO_E_UNSUPPORTED (a storage manager that casacore does not know), MSIO_E_CASACORE,
     * MSIO_E_MEMORY. */
    msio_status (*open)(const char *path, msio_casa_table **table, msio_casa_message *message);
    /* Closes the table, read or made; takes NULL. A table that was made is written first; where that fails, nothing
     * tells (flush does), and its memory and descriptors stay until the process ends. Closes a descriptor of
     * table.lock: as POSIX has it, that ends the locks that another copy of casacore in this process has on it. */
    void (*close)(msio_casa_table *table);
    /* Sees what others changed since: the table is opened afresh, and old column strings end. MSIO_E_* as open. */
    msio_status (*reopen)(msio_casa_table *table, msio_casa_message *message);
    /* The path that it was opened or made with; lives as long as the handle. */
    const char *(*path)(const msio_casa_table *table);
    int64_t (*rows)(const msio_casa_table *table);
    int (*columns)(const msio_casa_table *table);
    /* Describes column 0 <= index < columns. MSIO_E_RANGE, MSIO_E_CASACORE. */
    msio_status (*column)(msio_casa_table *table, int index, msio_casa_column_info *info, msio_casa_message *message);
    /* Reads the shape (and, of a scalar, the value) of the first row: MSIO_OK when the column can be read.
     * MSIO_E_NO_COLUMN, MSIO_E_UNSUPPORTED (a column of records), MSIO_E_CASACORE. */
    msio_status (*readable)(msio_casa_table *table, const char *column, msio_casa_message *message);
    /* Shapes of the rows' cells: ndims[i] axes (0 scalar, -1: the cell was never written) of shapes[i][..]. An array
     * without axes, which casacore allows and which is empty, counts as one axis of length 0.
     * MSIO_E_NO_COLUMN, MSIO_E_RANGE, MSIO_E_UNSUPPORTED (more axes than MSIO_MAX_NDIM), MSIO_E_CASACORE. */
    msio_status (*shapes)(msio_casa_table *table, const char *column, const msio_casa_row_set *rows, int8_t *ndims,
                          int64_t (*shapes)[MSIO_MAX_NDIM], msio_casa_message *message);
    /* Reads the part (NULL: all) of the rows' cells, which are of one shape, into out, dense [row][channel][corr],
     * out_bytes large, Bool as bytes 0 and 1. Cells never written get the element *fill; without fill they are
     * MSIO_E_UNDEFINED. *bad: with MSIO_E_UNDEFINED and MSIO_E_SHAPE the place among the rows of the first such cell,
     * else -1. Also MSIO_E_NO_COLUMN, MSIO_E_RANGE, MSIO_E_SIZE (out_bytes is not the answer's size), MSIO_E_ARGUMENT
     * (strings), MSIO_E_CASACORE, MSIO_E_MEMORY. */
    msio_status (*read)(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                        const msio_casa_part *part, const void *fill, void *out, size_t out_bytes, int64_t *bad,
                        msio_casa_message *message);
    /* The same for cells of any shapes, one after the other; counts[i] elements of row i, as the caller knows from
     * `shapes` and the part. A cell never written must have count 0. *bad: the place whose cell has another count
     * (MSIO_E_CHANGED), else -1. */
    msio_status (*read_ragged)(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                               const msio_casa_part *part, const int64_t *counts, void *out, size_t out_bytes,
                               int64_t *bad, msio_casa_message *message);
    /* The same for strings, handed to the sink one by one. */
    msio_status (*read_strings)(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                                const msio_casa_part *part, const int64_t *counts, msio_casa_text_sink *sink,
                                void *user, int64_t *bad, msio_casa_message *message);

    /* Makes a new table at path, where nothing may stand, with its rows. MSIO_E_CASACORE, MSIO_E_MEMORY,
     * MSIO_E_ARGUMENT. */
    msio_status (*create)(const char *path, const msio_casa_table_spec *spec, msio_casa_table **table,
                          msio_casa_message *message);
    /* Gives rows row .. row + count - 1 of an array column their cells' shape, before anything is put there: a tiled
     * column whose rows all have one is put in whole blocks. */
    msio_status (*shape)(msio_casa_table *table, const char *column, int64_t row, int64_t count, int ndim,
                         const int64_t *shape, msio_casa_message *message);
    /* Puts rows row .. row + count - 1 from values [row][...]; ndim and shape are those of one cell (0 for a scalar
     * column). */
    msio_status (*put)(msio_casa_table *table, const char *column, int64_t row, int64_t count, int ndim,
                       const int64_t *shape, const void *values, msio_casa_message *message);
    /* The same for strings: values[row][...]. */
    msio_status (*put_strings)(msio_casa_table *table, const char *column, int64_t row, int64_t count, int ndim,
                               const int64_t *shape, const char *const *values, msio_casa_message *message);
    /* Makes the table a subtable of parent, under that name. */
    msio_status (*link)(msio_casa_table *parent, const char *name, msio_casa_table *table, msio_casa_message *message);
    /* Writes everything to disk. */
    msio_status (*flush)(msio_casa_table *table, msio_casa_message *message);

    /* Adds columns or rows to the table at path, under casacore's write lock, which it waits for two seconds at most.
     * orders: fields of text, each ended by a NUL (io/write/add_columns.c writes them, shim_orders.h reads them); the
     * room is asked for, and everything checked that can be, before anything changes. *message also holds what was
     * said on success: a line for each column, '+' and its name, or '=' where it was there.
     * MSIO_E_ARGUMENT, MSIO_E_NO_COLUMN, MSIO_E_NOT_FOUND, MSIO_E_LOCKED, MSIO_E_IO (no room), MSIO_E_UNSUPPORTED,
     * MSIO_E_CASACORE, MSIO_E_MEMORY. */
    msio_status (*change)(const char *path, const char *orders, size_t bytes, msio_casa_message *message);

    /* Opens a table that is there to put into cells of it, under casacore's write lock until `settle` or `close`; room
     * for so many bytes is asked for. MSIO_E_LOCKED, MSIO_E_IO (no room), MSIO_E_CASACORE, MSIO_E_MEMORY. */
    msio_status (*edit)(const char *path, int64_t bytes, msio_casa_table **table, msio_casa_message *message);
    /* Puts numbers or Bool: the part (NULL: all) of each row's cell, dense in the rows' order, of which a later one
     * that comes again wins. ndim and shape: those of whole cells, which get them where all of each is put.
     * MSIO_E_NO_COLUMN, MSIO_E_RANGE, MSIO_E_SIZE, MSIO_E_ARGUMENT (strings), MSIO_E_CASACORE, MSIO_E_MEMORY. */
    msio_status (*put_cells)(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                             const msio_casa_part *part, int ndim, const int64_t *shape, const void *values,
                             size_t bytes, msio_casa_message *message);
    /* Puts strings. texts: for each row its cell's axes (-1: it is left alone) and shape, then the length of each
     * string and its bytes; all numbers int64_t. Also MSIO_E_SHAPE. */
    msio_status (*put_texts)(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                             const char *texts, size_t bytes, msio_casa_message *message);
    /* Writes everything (sync: to the disk), tells others, and gives the lock of `edit` back. */
    msio_status (*settle)(msio_casa_table *table, int sync, msio_casa_message *message);
} msio_casa_functions;

/* The module's only symbol. */
typedef const msio_casa_functions *msio_casacore_functions_fn(void);
#define MSIO_CASA_SYMBOL "msio_casacore_functions"

#ifdef __cplusplus
}
#endif
#endif
