/* write.h - casacore tables: values put into columns, natively and in parallel, under casacore's write lock.
 *
 * What a write changes: the cells that were selected, and the counters by which other processes see that the table
 * changed. Order of elements: as in io.h, [row][channel][correlation]. Tables must be opened with `writable` set.
 *
 * What a crash leaves (a kill, a full disk, an I/O error): the table opens in casacore; every element is old or new at
 * once, and every tile is after msio_repair, or after the next write by msio, which repairs first. With `atomic` the
 * whole call is. docs/consistency.md tells it all.
 *
 * Threads: as in io.h; calls that write one table wait for each other.
 */
#ifndef MSIO_WRITE_H
#define MSIO_WRITE_H

#include "msio/io.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How values come into a file whose blocks are on the disk already; everything else is stored by calls. What a crash
 * leaves is the same. */
typedef enum msio_store {
    /* By calls (pwrite), but of 128 MiB and more of one file the first 16 MiB are stored in both ways, and the rest
     * through a mapping where that was clearly sooner. */
    MSIO_STORE_AUTO = 0,
    MSIO_STORE_CALLS = 1,  /* never through a mapping */
    MSIO_STORE_MAPPED = 2, /* through a mapping, made for the call, of each file that allows it */
    MSIO_STORE_PROBE = 3   /* as MSIO_STORE_AUTO, however little it is */
} msio_store;

typedef struct msio_write_opts {
    size_t struct_size;
    int threads; /* as in msio_read_opts */
    /* 1: all or nothing. Where nobody else has the table open, files of which most or more than 64 MiB is written are
     * made anew beside the old ones, whose places they take by renames: their room on the disk is needed twice
     * meanwhile, and is reserved first. Of others the old bytes are kept first (at most 64 MiB, in the table's folder),
     * and put back by msio_repair, or the next write by msio, where the write was cut short; that holds until another
     * writer touches the table before. */
    int atomic;
    /* 1: on disk before the call returns. */
    int sync;
    /* 1: no old bytes are kept: after a crash a tile may hold old and new values, and which is not known. */
    int unguarded;
    /* The shape (numpy order) of cells that were never written, as a column's that has just been added: all selected
     * cells get it at once, or none. cell_ndim -1: such cells are an error. Cells that have a shape keep theirs. */
    int cell_ndim;
    int64_t cell_shape[MSIO_MAX_NDIM];
    /* 1: zeros put into cells that were never written take their room on the disk. Else their file is a hole, which
     * reads as zeros and takes none until something else is put there. */
    int allocate;
    msio_store store; /* MSIO_STORE_AUTO, or one to force; the environment's MSIO_STORE (calls, mapped, probe) does so
                       * for all writes that leave it */
    /* As in msio_read_opts, with bytes stored. A write that is stopped leaves blocks old or new, with atomic all old.
     */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_write_opts;
#define MSIO_WRITE_OPTS_INIT                                                                                           \
    { sizeof(msio_write_opts), 0, 0, 0, 0, -1, {0}, 0, MSIO_STORE_AUTO, NULL, NULL }

/* What is not written in place casacore puts, by the same calls (msio_column_info.why_not_writable tells):
 *   - strings, but those in the cells of StandardStMan's scalars: of a fixed length, or of at most 8 bytes before and
 *     after;
 *   - of IncrementalStMan arrays that are not direct, and rows that share a stored value with others when not all of
 *     them are written, or not all get the same;
 *   - data managers that msio does not know;
 *   - cells that were never written, but those of a TiledShapeStMan's column that has none yet.
 * It puts them in a process of its own, which has the table's write lock lent meanwhile, so that a hold goes on and no
 * lock of this process's own casacore is touched. It leaves what casacore leaves after a
 * crash; `atomic` is refused for it, and MSIO_E_UNSUPPORTED is told where the program's own casacore has the lock
 * (msio_open_opts.lock_is_held), and where casacore would change more: the last row of an IncrementalStMan's column
 * without all the others, coordinates and ids of hypercubes. */

/* Puts `in` into the selected cells: dense, of the column's own type, in the machine's byte order; in_bytes must be
 * what msio_read_shape tells of this selection. Rows that a list names twice get the later value. Through reference
 * and concatenated tables the rows of their roots are written, under the roots' locks. Where several selected rows are
 * one row of the root, it gets the latest value, too.
 * Zero rows or channels: MSIO_OK, nothing changes. After an error other than MSIO_E_IO nothing was changed.
 * Errors: MSIO_E_ARGUMENT (not opened writable; strings: msio_write_ragged), MSIO_E_RANGE, MSIO_E_SHAPE, MSIO_E_SIZE,
 * MSIO_E_UNDEFINED (a cell that has no place yet), MSIO_E_UNSUPPORTED (nothing here can write it), MSIO_E_CASACORE (its
 * words), MSIO_E_LOCKED (names the process that has the table open, and what helps), MSIO_E_IO (read-only, a full disk:
 * what was stored is put back), MSIO_E_CHANGED, MSIO_E_CANCELLED, MSIO_E_FORMAT, MSIO_E_MEMORY. */
MSIO_API msio_status msio_write(const msio_column *column, const msio_select *select, const void *in, size_t in_bytes,
                                const msio_write_opts *opts);

/* Puts n columns of one table with one selection (channels and correlations apply to the columns whose cells have
 * those axes, as in msio_read_many), under one lock, all files at once. Errors: as msio_write. */
MSIO_API msio_status msio_write_many(int n, const msio_column *const *columns, const msio_select *select,
                                     const void *const *ins, const size_t *in_bytes, const msio_write_opts *opts);

/* Puts one value, an element of the column's type of value_bytes bytes, into all selected elements: zeros, flags.
 * Errors: as msio_write; MSIO_E_SIZE when value_bytes is not the element's size. */
MSIO_API msio_status msio_write_value(const msio_column *column, const msio_select *select, const void *value,
                                      size_t value_bytes, const msio_write_opts *opts);

/* Puts whole cells of any shapes, strings too, as msio_read_ragged gives them: cell i of `in` into the i-th selected
 * row (select names no channels or correlations); cells whose `defined` is 0 are left alone. Cells of columns without a
 * fixed shape get the shape that is given. Natively where the column is written so and all cells keep their shapes,
 * else through casacore. Errors: as msio_write; MSIO_E_SIZE when the cells are not as many as the rows; MSIO_E_ARGUMENT
 * (another type than the column's). */
MSIO_API msio_status msio_write_ragged(const msio_column *column, const msio_select *select, const msio_ragged *in,
                                       const msio_write_opts *opts);

/* Copies the selected cells of one column into the same rows, channels and correlations of another one of the same
 * type, of this or another table (opened writable), in batches: at most 64 MiB beside the files, the next batch is read
 * while the last is written. Both tables' locks are held meanwhile. Cells may vary in shape; those of both columns
 * agree. A copy that is cut short has copied some of the rows, with opts->atomic none (cells of one shape only).
 * Errors: as msio_read and msio_write. */
MSIO_API msio_status msio_column_copy(const msio_column *from, const msio_column *to, const msio_select *select,
                                      const msio_write_opts *opts);

/* ---------------------------------------------------------------- plans */

/* What a write would do. */
typedef struct msio_write_plan {
    size_t struct_size;
    int64_t rows;
    int64_t bytes;        /* of the caller's that are put */
    int64_t pieces;       /* boxes in memory, to boxes in files */
    int64_t blocks;       /* stretches of files, each stored at once */
    int64_t bytes_stored; /* that blocks have */
    int64_t bytes_kept;   /* of blocks that hold other cells' bytes too: read first, and stored as they were */
    int makes_cells;      /* 1: the cells were never written, and get their shape */
    int native;           /* 0: not written natively, even if all rows get one value; why_not says why */
    char why_not[160];
    char read_only[4096]; /* a file or folder that would have to be changed and may not be; "": there is none */
} msio_write_plan;
#define MSIO_WRITE_PLAN_INIT                                                                                           \
    { sizeof(msio_write_plan), 0, 0, 0, 0, 0, 0, 0, 1, "", "" }

/* What msio_write of this selection would do with these options (NULL: the defaults): under a read lock, with nothing
 * changed and no data read. The table need not be opened writable. Errors: as msio_read, and MSIO_E_UNDEFINED where
 * msio_write has it; that a column is not written natively is none. */
MSIO_API msio_status msio_write_plan_make(const msio_column *column, const msio_select *select,
                                          const msio_write_opts *opts, msio_write_plan *plan);

/* ---------------------------------------------------------------- streams */

typedef struct msio_write_stream msio_write_stream;

typedef struct msio_write_stream_opts {
    size_t struct_size;
    size_t memory; /* bytes that both batches together may take; default 32 MiB */
    /* 0: as many as the memory allows, up to where a tile ends. Rows of a tile that two batches share are stored with
     * the later one (up to 16 MiB of them are kept until then): after a crash, and msio_repair, every tile is old or
     * new, but of lists that come back to a tile, and larger tiles. */
    int64_t rows_per_batch;
    msio_write_opts write; /* atomic is refused: every batch is a write of its own */
} msio_write_stream_opts;
#define MSIO_WRITE_STREAM_OPTS_INIT                                                                                    \
    { sizeof(msio_write_stream_opts), (size_t)32 << 20, 0, MSIO_WRITE_OPTS_INIT }

typedef struct msio_write_batch {
    int64_t row; /* place of the batch's first row in the selection */
    int64_t rows;
    int columns;
    msio_array *arrays; /* one a column: type, shape, and memory to fill, whose contents are unspecified */
} msio_write_batch;

/* Writes the selection of n columns in batches of rows: the caller fills one while the one before is written. The
 * table's write lock is held from open to close. A stream belongs to one thread at a time.
 * Errors: as msio_write_many; MSIO_E_SIZE when not even one row fits the memory. */
MSIO_API msio_status msio_write_stream_open(msio_table *table, int n, const char *const *columns,
                                            const msio_select *select, const msio_write_stream_opts *opts,
                                            msio_write_stream **stream);
/* The next batch to fill; the one before is taken as filled. MSIO_END after the last one: then everything is written.
 * Errors: those of writing an earlier batch. */
MSIO_API msio_status msio_write_stream_next(msio_write_stream *stream, msio_write_batch **batch);
/* Ends the stream, also before its end: then a batch that msio_write_stream_next did not take is not written. In a
 * child of fork, which cannot go on with its parent's streams (MSIO_E_UNSUPPORTED), it writes nothing. Takes NULL.
 * Returns the first error of the stream's. */
MSIO_API msio_status msio_write_stream_close(msio_write_stream *stream);

/* ---------------------------------------------------------------- columns and rows added */

/* A keyword of a column to be: a scalar (count -1) or a vector; MSIO_INT, MSIO_FLOAT, MSIO_DOUBLE, or MSIO_STRING
 * (values is const char *const *). */
typedef struct msio_keyword_spec {
    const char *name;
    msio_type type;
    int64_t count;
    const void *values;
} msio_keyword_spec;

/* A column to be. Shapes and tiles in numpy order. */
typedef struct msio_column_spec {
    size_t struct_size;
    const char *name, *comment; /* comment may be NULL */
    msio_type type;
    int ndim;        /* 0: a scalar; else the axes of a cell; -1: any */
    int fixed_shape; /* 1: every cell has `shape`, and is there at once, as zeros that casacore writes out */
    int direct;      /* 1: fixed shapes stored in the rows themselves (StandardStMan, IncrementalStMan) */
    int64_t shape[MSIO_MAX_NDIM];
    /* The data manager; consecutive columns of one type and name share one. */
    const char *manager;             /* "TiledShapeStMan", ...; NULL: "StandardStMan" */
    const char *manager_name;        /* must not be there; NULL: the column's name */
    int tile_ndim;                   /* ndim + 1, or 0: casacore's default */
    int64_t tile[MSIO_MAX_NDIM + 1]; /* [row][channel][correlation] */
    int64_t bucket_bytes;            /* StandardStMan, IncrementalStMan; 0: casacore's default */
    int keywords;
    const msio_keyword_spec *keyword;
} msio_column_spec;
#define MSIO_COLUMN_SPEC_INIT                                                                                          \
    { sizeof(msio_column_spec), NULL, NULL, MSIO_FLOAT, 0, 0, 0, {0}, NULL, NULL, 0, {0}, 0, 0, NULL }

typedef struct msio_columns_opts {
    size_t struct_size;
    double lock_seconds; /* as in msio_open_opts */
    /* 1 (default): cells of the new columns that have no shape yet get that of DATA (or of `like`) in the same row,
     * and zeros. 0: they stay as casacore adds them, never written. */
    int zeros;
    /* 1: those zeros take their room on the disk; else their files are holes, which read as zeros. */
    int allocate;
    /* 1: CORRECTED_DATA, where it is added, becomes a copy of DATA. */
    int copy_data;
    /* As in msio_write_opts, of that copy. One that is stopped leaves the columns there, some rows copied. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_columns_opts;
#define MSIO_COLUMNS_OPTS_INIT                                                                                         \
    { sizeof(msio_columns_opts), 10, 1, 0, 0, NULL, NULL }

/* Names, separated by ", ". */
typedef struct msio_columns_added {
    size_t struct_size;
    char added[256], there[256];
} msio_columns_added;
#define MSIO_COLUMNS_ADDED_INIT                                                                                        \
    { sizeof(msio_columns_added), "", "" }

/* Columns and rows are added by casacore, under its own write lock: by a process of casacore's own, or by the casacore
 * that the program itself links. No other copy of casacore in this process is touched, nor its locks; where one of them
 * has the table locked, or another process has, that is MSIO_E_LOCKED, after lock_seconds. Processes that have the
 * table open fail at their next lock (casacore does not take in new columns): let them close it first. Table handles of
 * msio's see the columns at their next call. The room on the disk is asked for first; a crash leaves what casacore
 * leaves. path: a plain table (of a reference or concatenated one MSIO_E_UNSUPPORTED says which is to be taken). Errors
 * of all four: MSIO_E_ARGUMENT (a name that is taken, an unknown type or data manager, a shape that the manager does
 * not take: nothing was changed), MSIO_E_NO_COLUMN (`like`, DATA), MSIO_E_LOCKED, MSIO_E_IO (read-only, no room),
 * MSIO_E_UNSUPPORTED, MSIO_E_CASACORE (casacore's words, or there is none), MSIO_E_FORMAT, MSIO_E_MEMORY.
 * opts and result may be NULL. */

/* Adds n columns, all of which must be new; zeros and copy_data do not apply. */
MSIO_API msio_status msio_columns_add(const char *path, int n, const msio_column_spec *specs,
                                      const msio_columns_opts *opts);
/* Adds a column with the description, shape and tiles of the column `like`, without its keywords; one that is there is
 * left alone, and told. */
MSIO_API msio_status msio_column_add_like(const char *path, const char *name, const char *like,
                                          const msio_columns_opts *opts, msio_columns_added *result);
/* Adds MODEL_DATA, CORRECTED_DATA (as DATA) and IMAGING_WEIGHT (one float a channel), those that are not there, as
 * casacore.tables.addImagingColumns: with MODEL_DATA's keyword CHANNEL_SELECTION. Where MODEL_DATA is added, virtual
 * models that CASA keeps in keywords and in SOURCE_MODEL are removed, which it would take before MODEL_DATA; the
 * keywords SORTED_TABLE and SORT_COLUMNS, whose table lacks the new columns, go with any addition. */
MSIO_API msio_status msio_imaging_columns_add(const char *path, const msio_columns_opts *opts,
                                              msio_columns_added *result);
/* Adds n rows, as casacore does: zeros where cells have a place, else never written. */
MSIO_API msio_status msio_rows_add(const char *path, int64_t n, const msio_columns_opts *opts);

/* ---------------------------------------------------------------- locks, and what a crash left */

/* Takes and keeps casacore's write lock: until msio_table_release nothing is checked, nobody else writes, and readers
 * elsewhere wait. Calls nest, within msio_table_hold_write also msio_table_hold. Errors: those of msio_write's lock;
 * MSIO_E_ARGUMENT when this handle holds the table for reading. */
MSIO_API msio_status msio_table_hold_write(msio_table *table);

/* What msio_repair found. */
typedef struct msio_repaired {
    size_t struct_size;
    int interrupted;             /* 1: a write had been cut short */
    int blocks;                  /* stretches of files that were put back to what they were before that write */
    int may_be_mixed;            /* 1: another writer came since, or the table was copied: nothing was put back */
    char columns[256];           /* of the write: "DATA, FLAG" */
    int64_t first_row, last_row; /* that it was to write */
    double lock_seconds;         /* given: how long to wait for the write lock; default 10 */
} msio_repaired;
#define MSIO_REPAIRED_INIT                                                                                             \
    { sizeof(msio_repaired), 0, 0, 0, "", 0, 0, 10.0 }

/* What msio_repair would find: changes nothing. Until then reads of what may be half new fail with MSIO_E_INTERRUPTED,
 * all others go on. Of several tables behind this one the first that has something is told of.
 * result->blocks: what may be half new. Errors: those of msio_read's lock. */
MSIO_API msio_status msio_table_interrupted(msio_table *table, msio_repaired *result);

/* Puts back what an interrupted write left in the table at path, under its write lock, and removes what was kept for
 * that. A table without leftovers is left alone. Where another writer came between, nothing is put back, and *result
 * names the rows that may be mixed. result may be NULL.
 * Errors: those of opening and of the lock; MSIO_E_FORMAT (what was left is damaged), MSIO_E_IO. */
MSIO_API msio_status msio_repair(const char *path, msio_repaired *result);

#ifdef __cplusplus
}
#endif
#endif
