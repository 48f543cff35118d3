/* io.h - casacore tables: open, describe, read.
 *
 * Order of array elements: memory order is numpy's C order, [row][channel][correlation]; a casacore cell of shape
 * (n0, n1, ...) has axis 0 fastest, so its axis 0 is the last axis here. "Correlation" is a cell's fastest axis and
 * "channel" the next one, whatever the column holds; a selection on an axis that a cell lacks is an error.
 * Values are in the machine's byte order; units are the column's (keyword QuantumUnits).
 *
 * Threads: any thread may use any table and column at any time, also the same one at once; no call keeps state between
 * threads. msio_table_close must be the last call on a table; a stream belongs to one thread at a time.
 *
 * What a call promises while others write the table is told at msio_open_opts and in docs/consistency.md.
 */
#ifndef MSIO_IO_H
#define MSIO_IO_H

#include "msio/core.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msio_table msio_table;
typedef struct msio_column msio_column;
typedef struct msio_record msio_record;
typedef struct msio_plan msio_plan;
typedef struct msio_stream msio_stream;

/* ---------------------------------------------------------------- opening */

/* What a read promises while other processes write. */
typedef enum msio_freshness {
    MSIO_PER_CALL = 0, /* a read lock during each call, and the table's signature checked: true at one moment in it */
    MSIO_AS_OPENED = 1 /* the caller says that nobody writes; checked once, at msio_table_close */
} msio_freshness;

/* Which code reads. */
typedef enum msio_native {
    MSIO_NATIVE_AUTO = 0, /* natively where a layout knows the column, else through casacore */
    MSIO_NATIVE_YES = 1,  /* natively or not at all */
    MSIO_NATIVE_NO = 2    /* through casacore, always; for comparing the two. The environment's MSIO_NATIVE=0 does the
                             same to every table that is opened with AUTO */
} msio_native;

typedef struct msio_open_opts {
    size_t struct_size; /* sizeof(msio_open_opts); MSIO_OPEN_OPTS_INIT sets it */
    msio_freshness freshness;
    msio_native native;
    int nolock;          /* 1: take no lock; the signature before and after each call is all there is */
    double lock_seconds; /* how long to wait for another process's write lock; default 10 */
    int writable;        /* 1: msio/write.h's calls may change it; opening itself locks and changes nothing */
    /* 1, with writable: casacore in this very process holds its write lock whenever a call writes, and brought to disk
     * what it had in memory: then no lock is taken, and casacore has to look anew (unlock and lock, or resync) before
     * it goes on. Counters and undo are as always. A write without such a lock is refused: MSIO_E_LOCKED. */
    int lock_is_held;
} msio_open_opts;
#define MSIO_OPEN_OPTS_INIT                                                                                            \
    { sizeof(msio_open_opts), MSIO_PER_CALL, MSIO_NATIVE_AUTO, 0, 10.0, 0, 0 }

/* What this thread's calls ask while they wait for another process's write lock: stop(user), some 50 times a second,
 * while no mutex of the lock's is held; not 0: the call ends with MSIO_E_CANCELLED. It holds for the calling thread
 * until it is set anew. stop NULL (as threads begin): nothing is asked, the wait takes its time. */
MSIO_API void msio_waits_ask(int (*stop)(void *user), void *user);

/* Opens the table at path: a table's directory, or `obs.ms::ANTENNA` (also `obs.ms/ANTENNA`, any depth) for the
 * subtable behind a keyword. Reads table.dat and the sync record of table.lock, nothing in proportion to rows. A
 * reference table (casacore's RefTable) and a concatenated one are followed: their rows are mapped to their roots'.
 * opts: NULL for the defaults. *table is to be closed by msio_table_close.
 * Errors: MSIO_E_NOT_FOUND, MSIO_E_IO, MSIO_E_FORMAT, MSIO_E_UNSUPPORTED, MSIO_E_LOCKED, MSIO_E_CHANGED, MSIO_E_MEMORY,
 * MSIO_E_ARGUMENT. */
MSIO_API msio_status msio_table_open(const char *path, const msio_open_opts *opts, msio_table **table);

/* Closes the table; its columns, records and streams end with it. Takes NULL. Returns MSIO_E_CHANGED (and closes all
 * the same) when it was opened MSIO_AS_OPENED and did change. */
MSIO_API msio_status msio_table_close(msio_table *table);

/* Takes and keeps the read lock: until msio_table_release nothing is checked, and no cooperating writer can change
 * anything. Calls nest. Errors: MSIO_E_LOCKED, MSIO_E_CHANGED, MSIO_E_IO, those of opening when the table had changed.
 */
MSIO_API msio_status msio_table_hold(msio_table *table);
MSIO_API msio_status msio_table_release(msio_table *table);

/* ---------------------------------------------------------------- describing */

typedef enum msio_table_kind { MSIO_PLAIN_TABLE, MSIO_REF_TABLE, MSIO_CONCAT_TABLE } msio_table_kind;

typedef struct msio_table_info {
    const char *path; /* absolute, of the table's directory */
    msio_table_kind kind;
    int64_t rows;
    int columns;
    int big_endian;             /* byte order of the data files */
    int managers;               /* data managers, 0 for a reference or concatenated table */
    const char *type, *subtype; /* of table.info, "" where it says none: "Measurement Set", "" */
} msio_table_info;

/* Facts of the table, as of the last call that checked it; strings live as long as the table. */
MSIO_API void msio_table_describe(msio_table *table, msio_table_info *info);
/* Rows as of the last call that checked it. */
MSIO_API int64_t msio_table_rows(const msio_table *table);
/* Name of column 0 <= index < columns; NULL beyond. Lives as long as the table. */
MSIO_API const char *msio_table_column_name(const msio_table *table, int index);
/* A number that is another one after every writer that locks and has finished (of the sync record in the mapped
 * table.lock); 0 where there is none. Two looks that differ: somebody wrote. Not a check: reading and locking nothing,
 * it costs a look into memory, and sees no writer that does not lock. */
MSIO_API uint64_t msio_table_glance(msio_table *table);
/* The table's keywords; live as long as the table. */
MSIO_API const msio_record *msio_table_keywords(const msio_table *table);
/* Subtables: table-typed keywords. Count, and name and absolute path of one (NULL beyond); live as long as the table.
 */
MSIO_API int msio_table_subtables(const msio_table *table);
MSIO_API const char *msio_table_subtable_name(const msio_table *table, int index);
MSIO_API const char *msio_table_subtable_path(const msio_table *table, int index);
/* The tables whose rows it shows: the one that a reference table refers to, those of a concatenated one; none of a
 * plain table. Count, and absolute path of one (NULL beyond), as they were when the table was opened; live as long as
 * it. */
MSIO_API int msio_table_parts(const msio_table *table);
MSIO_API const char *msio_table_part_path(const msio_table *table, int index);
/* Manager 0 <= index < managers: type ("TiledShapeStMan"), name, sequence number N of table.f<N>, bytes on disk of its
 * files. Errors: MSIO_E_RANGE, MSIO_E_IO. */
typedef struct msio_manager_info {
    const char *type; /* static as long as the table lives, as name */
    const char *name; /* the data manager's (or hypercolumn's) name, "" where unknown */
    int sequence;
    int columns;
    int64_t bytes;
} msio_manager_info;
MSIO_API msio_status msio_table_manager(msio_table *table, int index, msio_manager_info *info);

/* The column of that name; *column lives as long as the table. Errors: MSIO_E_NO_COLUMN. Does not read the manager. */
MSIO_API msio_status msio_table_column(msio_table *table, const char *name, const msio_column **column);

typedef struct msio_column_info {
    const char *name, *comment;
    msio_type type;
    int is_array;                 /* 0: one value a row */
    int fixed_shape;              /* 1: every cell has `shape` */
    int ndim;                     /* axes of a cell: 0 scalar, -1 varies or unknown */
    int64_t shape[MSIO_MAX_NDIM]; /* numpy order ([channel][correlation]); of the cells where all are known to agree */
    int shape_known;              /* 1: `shape` holds; a varying column's cells may agree, and then it holds too */
    const char *manager;          /* type of the data manager */
    const char *manager_name;
    int tile_ndim;                   /* 0: not tiled */
    int64_t tile[MSIO_MAX_NDIM + 1]; /* tile shape of the first hypercube, numpy order: [row][channel][correlation] */
    int native;                      /* 1: read natively */
    const char *why_not;             /* NULL, or why it is not: "manager DyscoStMan is read through casacore" */
    int readable;                    /* 0: refused by name: neither msio nor the installed casacore can read it */
    int can_be_undefined;            /* 1: cells may never have been written */
    /* 1: msio/write.h writes cells that have a shape natively, in place: all of them where why_not_writable is NULL,
     * else those of which it tells. why_not_writable: NULL, or why it has casacore do it: "strings are written by
     * casacore alone". */
    int writable;
    const char *why_not_writable;
} msio_column_info;

/* Describes the column, reading its manager's header on first use. Returns NULL when that header is damaged (see
 * msio_last_error). Lives as long as the table. */
MSIO_API const msio_column_info *msio_column_describe(const msio_column *column);
MSIO_API const msio_record *msio_column_keywords(const msio_column *column);

/* ---------------------------------------------------------------- keywords */

typedef struct msio_field {
    const char *name;
    msio_type type;               /* MSIO_RECORD: `record`; MSIO_TABLE and MSIO_STRING: `strings`; else `values` */
    int ndim;                     /* 0 scalar, else axes */
    int64_t shape[MSIO_MAX_NDIM]; /* numpy order */
    int64_t count;                /* elements: 1 for a scalar */
    const void *values;           /* of `type`, machine order; Bool one byte each */
    const char *const *strings;
    const msio_record *record;
} msio_field;

MSIO_API int msio_record_count(const msio_record *record);
/* Field 0 <= index < count; NULL beyond. */
MSIO_API const msio_field *msio_record_at(const msio_record *record, int index);
/* Field of that name; NULL where there is none. */
MSIO_API const msio_field *msio_record_find(const msio_record *record, const char *name);

/* ---------------------------------------------------------------- selections */

/* Which cells and which part of each. NULL, or MSIO_SELECT_ALL, is everything. A count of -1 runs to the end; a step is
 * at least 1. row_list, when not NULL, replaces row/rows/row_step: any order, repeats allowed. Starts, counts and
 * steps must lie within what there is (MSIO_E_RANGE). */
typedef struct msio_select {
    size_t struct_size;
    int64_t row, rows, row_step;
    const int64_t *row_list;
    int64_t rows_in_list;
    int64_t chan, chans, chan_step;
    int64_t corr, corrs, corr_step;
} msio_select;
#define MSIO_SELECT_ALL                                                                                                \
    { sizeof(msio_select), 0, -1, 1, NULL, 0, 0, -1, 1, 0, -1, 1 }

/* ---------------------------------------------------------------- reading */

typedef enum msio_way {
    MSIO_WAY_AUTO = 0,    /* chosen by the plan */
    MSIO_WAY_DIRECT = 1,  /* pread straight into the result where a piece is contiguous there, else as SCRATCH */
    MSIO_WAY_SCRATCH = 2, /* pread into a scratch that stays in cache, then scatter */
    MSIO_WAY_MAPPED = 3,  /* gather from the mapped file; falls back to SCRATCH on network file systems */
    MSIO_WAY_CASACORE = 4 /* through casacore (reported; to force it, open with MSIO_NATIVE_NO) */
} msio_way;

typedef struct msio_read_opts {
    size_t struct_size;
    int threads;      /* 0: all that the affinity mask and OMP_NUM_THREADS allow; 1 inside a parallel region */
    msio_way way;     /* MSIO_WAY_AUTO, or one to force */
    const void *fill; /* one element of the column's type for cells never written; NULL: they are an error */
    /* Called now and then, by one thread at a time, with bytes delivered and wanted; a result other than 0 stops the
     * read with MSIO_E_CANCELLED. NULL: none. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
    /* 1: these bytes will not be read again soon: much is read without mapping the files, and what is mapped leaves the
     * process's resident memory behind the read. Streams do so always. */
    int once;
} msio_read_opts;
#define MSIO_READ_OPTS_INIT                                                                                            \
    { sizeof(msio_read_opts), 0, MSIO_WAY_AUTO, NULL, NULL, NULL, 0 }

/* Shape and size of the dense answer, without reading data: shape[0] is rows, then the cell's axes (numpy order).
 * Errors: as msio_read. */
MSIO_API msio_status msio_read_shape(const msio_column *column, const msio_select *select, int *ndim,
                                     int64_t shape[MSIO_MAX_NDIM + 1], size_t *bytes);

/* Reads the selected cells into out, dense, [row][channel][correlation], out_bytes large.
 * Zero rows or channels: MSIO_OK, nothing is written. On an error out may be partly written.
 * Errors: MSIO_E_RANGE, MSIO_E_SHAPE (names the rows), MSIO_E_UNDEFINED (names the row), MSIO_E_SIZE, MSIO_E_ARGUMENT
 * (a string column: use msio_read_ragged), MSIO_E_FORMAT, MSIO_E_IO, MSIO_E_UNSUPPORTED, MSIO_E_LOCKED, MSIO_E_CHANGED,
 * MSIO_E_CANCELLED, MSIO_E_CASACORE, MSIO_E_MEMORY. */
MSIO_API msio_status msio_read(const msio_column *column, const msio_select *select, void *out, size_t out_bytes,
                               const msio_read_opts *opts);

/* Reads n columns of one table with one selection (channels and correlations apply to the columns whose cells have
 * those axes; of cells with one axis that is the correlations', but of IMAGING_WEIGHT the channels', and UVW's is
 * neither), planned and read together, under one lock. Errors: as msio_read. */
MSIO_API msio_status msio_read_many(int n, const msio_column *const *columns, const msio_select *select,
                                    void *const *outs, const size_t *out_bytes, const msio_read_opts *opts);

/* A dense array that msio owns. */
typedef struct msio_array {
    msio_type type;
    int ndim; /* rows and the cell's axes */
    int64_t shape[MSIO_MAX_NDIM + 1];
    size_t bytes;
    void *data; /* from the pool; NULL when bytes is 0 */
} msio_array;
/* As msio_read, into memory of the pool, to be given back by msio_array_free. */
MSIO_API msio_status msio_read_new(const msio_column *column, const msio_select *select, msio_array *array,
                                   const msio_read_opts *opts);
MSIO_API void msio_array_free(msio_array *array); /* takes NULL and what was freed already */

/* Cells of any shape, one after the other. Cell i holds count(i) = offsets[i+1] - offsets[i] elements from element
 * offsets[i] of data, in C order over shapes[i*MSIO_MAX_NDIM ..] (numpy order; ndims[i] axes, 0 for a scalar). A cell
 * never written has defined[i] = 0, no elements and ndims[i] = 0. Strings: element e is the bytes
 * text[text_offsets[e]] .. text[text_offsets[e+1]-1], and data is NULL. */
typedef struct msio_ragged {
    msio_type type;
    int64_t cells;
    int64_t *offsets; /* [cells + 1] */
    int64_t *shapes;  /* [cells][MSIO_MAX_NDIM] */
    int8_t *ndims;    /* [cells] */
    uint8_t *defined; /* [cells] */
    void *data;
    size_t bytes;          /* of data, or of text */
    int64_t *text_offsets; /* [offsets[cells] + 1]; strings only */
    char *text;            /* strings only; not NUL-terminated */
} msio_ragged;
/* Reads the selected cells of any column. Errors: as msio_read, without MSIO_E_SHAPE, _UNDEFINED and _SIZE. */
MSIO_API msio_status msio_read_ragged(const msio_column *column, const msio_select *select, msio_ragged *ragged,
                                      const msio_read_opts *opts);
MSIO_API void msio_ragged_free(msio_ragged *ragged);

/* ---------------------------------------------------------------- plans */

typedef struct msio_plan_info {
    int64_t pieces;       /* boxes in files, to boxes in memory */
    int64_t reads;        /* system reads, or mapped stretches, after merging */
    int64_t bytes_wanted; /* delivered */
    int64_t bytes_stored; /* of the wanted elements, as stored (FLAG: bits) */
    int64_t bytes_read;   /* that the reads fetch */
    double amplification; /* bytes_read / bytes_stored; 0 when nothing is wanted */
    msio_way way;
    int files;
    int64_t rows;
} msio_plan_info;

/* One piece as it can be printed. */
typedef struct msio_plan_piece {
    const char *file;       /* path */
    int64_t offset, length; /* bytes in the file */
    int64_t out_row, rows;  /* the rows it delivers: out_row .. in steps of the plan's own */
} msio_plan_piece;

/* Makes the plan of a read; no data is read. *plan is to be freed by msio_plan_free, before its table is closed.
 * Errors: as msio_read. */
MSIO_API msio_status msio_plan_make(const msio_column *column, const msio_select *select, msio_plan **plan);
MSIO_API const msio_plan_info *msio_plan_describe(const msio_plan *plan);
/* Piece 0 <= index < pieces, in file order; the first 65536 can be asked for. MSIO_E_RANGE beyond. */
MSIO_API msio_status msio_plan_piece_at(const msio_plan *plan, int64_t index, msio_plan_piece *piece);
MSIO_API void msio_plan_free(msio_plan *plan);
/* "direct", "scratch", "mapped", "casacore", "auto". Static. */
MSIO_API const char *msio_way_name(msio_way way);

/* ---------------------------------------------------------------- streams */

typedef struct msio_stream_opts {
    size_t struct_size;
    size_t memory;          /* bytes that all batches in flight together may take; default 256 MiB */
    int64_t rows_per_batch; /* 0: as many as the memory allows */
    msio_read_opts read;
} msio_stream_opts;
#define MSIO_STREAM_OPTS_INIT                                                                                          \
    { sizeof(msio_stream_opts), (size_t)256 << 20, 0, MSIO_READ_OPTS_INIT }

typedef struct msio_batch {
    int64_t row; /* place of the batch's first row in the selection */
    int64_t rows;
    int columns;
    const msio_array *arrays; /* one a column, in the order asked for; the stream's, until the next msio_stream_next */
} msio_batch;

/* Reads the selection of n columns in batches of rows; the next batch is read while the caller works on this one.
 * Errors: as msio_read_many; MSIO_E_SIZE when not even one row fits the memory. */
MSIO_API msio_status msio_stream_open(msio_table *table, int n, const char *const *columns, const msio_select *select,
                                      const msio_stream_opts *opts, msio_stream **stream);
/* The next batch; MSIO_END after the last. MSIO_E_UNSUPPORTED in a child of fork, of a stream that its parent began. */
MSIO_API msio_status msio_stream_next(msio_stream *stream, const msio_batch **batch);
MSIO_API void msio_stream_close(msio_stream *stream); /* takes NULL; may come before the end */

/* ---------------------------------------------------------------- casacore */

/* Loads the casacore module now rather than on first need. MSIO_E_CASACORE says what to install where it is missing. */
MSIO_API msio_status msio_casacore_load(void);
/* Its version ("3.5.0"), or NULL while it is not loaded. */
MSIO_API const char *msio_casacore_version(void);

/* ---------------------------------------------------------------- simulation */

typedef struct msio_simulate_ms_opts {
    size_t struct_size;
    int antennas;           /* baselines: antennas * (antennas + 1) / 2, autocorrelations included; default 96 */
    int times;              /* default 24 */
    int subbands;           /* spectral windows; default 16 */
    int channels;           /* of each; default 48 */
    int corrs;              /* 1, 2 or 4; default 2 */
    const char *layout;     /* "dsa110" (default): tiles and managers of DSA-110's MSs; "default": casacore's own tiles;
                               "wide": one spectral window of subbands * channels channels, tile [2, all, 21] */
    const char *byte_order; /* "little", "big", NULL for this machine's */
    int imaging_columns;    /* 1: MODEL_DATA, CORRECTED_DATA, IMAGING_WEIGHT too */
    int overwrite;          /* 1: replaces what stands at the path, if it is a table */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_simulate_ms_opts;
#define MSIO_SIMULATE_MS_OPTS_INIT                                                                                     \
    { sizeof(msio_simulate_ms_opts), 96, 24, 16, 48, 2, "dsa110", NULL, 0, 0, NULL, NULL }

/* Makes a whole Measurement Set at path (through casacore), under a temporary name beside it, renamed when whole.
 * Values follow the closed formulas of docs/simulation.md, so that any reader can be checked against them.
 * Errors: MSIO_E_ARGUMENT, MSIO_E_IO, MSIO_E_CASACORE, MSIO_E_CANCELLED, MSIO_E_MEMORY. */
MSIO_API msio_status msio_simulate_ms(const char *path, const msio_simulate_ms_opts *opts);
/* Bytes that such an MS will take on disk, about; rows in *rows when not NULL. -1 when the options are not those of an
 * MS (msio_last_error says which). */
MSIO_API int64_t msio_simulate_ms_bytes(const msio_simulate_ms_opts *opts, int64_t *rows);

#ifdef __cplusplus
}
#endif
#endif
