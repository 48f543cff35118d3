/* cache.h - what is asked again and again, remembered and never stale: metadata, headers, counts of flags, cells.
 *
 * An answer is served from memory only while the signature of the files behind it holds: device, inode, size, mtime and
 * ctime of the files, and the sync record of table.lock (docs/consistency.md). What a folder's mtime says is not asked.
 *
 * Threads: every function may be called from any thread at any time; a cursor belongs to one thread at a time.
 */
#ifndef MSIO_CACHE_H
#define MSIO_CACHE_H

#include "msio/io.h"
#include "msio/uvh5.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- metadata */

/* A direction as a FIELD or SOURCE column gives it: coefficients of a polynomial in time (seconds), constant first. */
typedef struct msio_direction {
    int terms;                /* 0: the column is absent, or the cell was never written */
    const double (*value)[2]; /* [terms]: longitude, latitude */
    const char *unit;         /* "rad"; "" where the column names none */
    const char *frame;        /* "J2000"; "" where the column names none */
} msio_direction;

typedef struct msio_spectral_window {
    const char *name;
    int64_t channels;
    const double *frequencies, *widths; /* [channels], Hz; NULL where never written */
    double reference_frequency;         /* Hz */
    double bandwidth;                   /* TOTAL_BANDWIDTH, Hz */
    int32_t frame;                      /* MEAS_FREQ_REF: casacore's MFrequency type (1 LSRK, 5 TOPO); -1: absent */
} msio_spectral_window;

typedef struct msio_polarization {
    int correlations;
    const int32_t *types; /* [correlations], Stokes codes (5 RR, 9 XX, 12 YY) */
} msio_polarization;

typedef struct msio_data_description {
    int32_t spectral_window, polarization; /* rows of those subtables */
    int flagged;
} msio_data_description;

typedef struct msio_field_info {
    const char *name, *code;
    int32_t source;
    double time; /* s, MJD */
    msio_direction phase_dir, reference_dir, delay_dir;
} msio_field_info;

typedef struct msio_antenna_info {
    const char *name, *station, *mount;
    double position[3]; /* ITRF, m */
    double diameter;    /* m */
    int flagged;
} msio_antenna_info;

typedef struct msio_observation_info {
    const char *telescope, *observer, *project;
    double time_range[2]; /* s, MJD */
} msio_observation_info;

typedef struct msio_source_info {
    const char *name;
    int32_t id, spectral_window;
    double time, interval; /* s, MJD */
    msio_direction direction;
} msio_source_info;

typedef struct msio_state_info {
    const char *mode; /* OBS_MODE */
    int32_t subscan;
    double cal; /* noise calibration, K; 0: none */
    int sig, ref;
} msio_state_info;

/* A storage manager of the main table. */
typedef struct msio_disk_use {
    const char *type, *name;
    int sequence; /* N of table.f<N> */
    int64_t bytes;
} msio_disk_use;

/* Everything that a Measurement Set says of itself; immutable, shared by all threads, valid until released. A table
 * that is no MS has its columns and managers only; a subtable that is missing leaves its count 0. */
typedef struct msio_metadata {
    const char *path; /* absolute */
    int is_ms;        /* 1: has ANTENNA, SPECTRAL_WINDOW, DATA_DESCRIPTION, and FIELD */
    int64_t rows;
    int columns;
    const msio_column_info *column;
    int managers;
    const msio_disk_use *manager;
    int64_t bytes; /* on disk, of the main table's managers */
    int spectral_windows, polarizations, data_descriptions, fields, antennas, observations, sources, states;
    const msio_spectral_window *spectral_window;
    const msio_polarization *polarization;
    const msio_data_description *data_description;
    const msio_field_info *field;
    const msio_antenna_info *antenna;
    const msio_observation_info *observation;
    const msio_source_info *source;
    const msio_state_info *state;
    int scans;
    const int32_t *scan;     /* [scans]: SCAN_NUMBERs that occur, ascending */
    double time_range[2];    /* of TIME, s, MJD; both 0 without rows */
    int times;               /* distinct values of TIME */
    double integration_time; /* median of INTERVAL's runs, s; 0 without rows */
} msio_metadata;

/* The metadata of the MS (or any table) at path, from memory while nothing changed, else read anew.
 * MSIO_PER_CALL: checked under the read locks of the tables behind it; true at one moment within the call.
 * MSIO_AS_OPENED: what was found first in this process, unchecked; the caller says that nobody writes.
 * *metadata is to be released. Errors: those of msio_table_open and msio_read; MSIO_E_CHANGED when it changed three
 * times while it was read. */
MSIO_API msio_status msio_metadata_get(const char *path, msio_freshness freshness, const msio_metadata **metadata);
MSIO_API void msio_metadata_release(const msio_metadata *metadata); /* takes NULL */

/* Keeps the read locks of the MS's tables until msio_metadata_unhold: no cooperating writer can change anything, so
 * msio_metadata_get of that path checks nothing. Calls nest. Errors: as msio_metadata_get. */
MSIO_API msio_status msio_metadata_hold(const char *path);
MSIO_API msio_status msio_metadata_unhold(const char *path);

/* Consecutive rows with one field, spectral window, scan and time. */
typedef struct msio_row_run {
    int64_t row, rows;
    int32_t field, spectral_window, scan, data_description;
    double time; /* s, MJD */
} msio_row_run;

typedef struct msio_row_index {
    int64_t runs;
    const msio_row_run *run; /* [runs], in row order; every row lies in one */
} msio_row_index;

/* Which rows: a member that is ANY does not matter. Ids of rows may be negative: -1 finds those that have it, and as a
 * spectral window those whose DATA_DESC_ID has no row in DATA_DESCRIPTION. */
#define MSIO_ANY INT32_MIN
typedef struct msio_row_query {
    size_t struct_size;
    int32_t field, spectral_window, scan;
    double time_from, time_to; /* both included; 0, 0: any */
} msio_row_query;
#define MSIO_ROW_QUERY_INIT                                                                                            \
    { sizeof(msio_row_query), MSIO_ANY, MSIO_ANY, MSIO_ANY, 0, 0 }

/* The row index of the MS as the metadata saw it; built on first need, lives as long as the metadata is not released.
 * MSIO_E_CHANGED when the MS changed since: get its metadata anew. Else as msio_read. */
MSIO_API msio_status msio_metadata_row_index(const msio_metadata *metadata, const msio_row_index **index);
/* The rows that fit a query, ascending; *rows [*n] is to be freed by free(). MSIO_E_MEMORY, MSIO_E_ARGUMENT. */
MSIO_API msio_status msio_row_index_find(const msio_row_index *index, const msio_row_query *query, int64_t **rows,
                                         int64_t *n);

/* ---------------------------------------------------------------- headers of UVH5 files */

/* The header of the UVH5 file at path, from memory while the file is unchanged (one stat), else read anew; the file is
 * not kept open, so that a writer is not kept out.
 * MSIO_PER_CALL: checked. MSIO_AS_OPENED: what was found first in this process, unchecked; the caller says that nobody
 * writes. *header is to be released. Errors: those of msio_uvh5_open; MSIO_E_CHANGED when it was written three times
 * while it was read. */
MSIO_API msio_status msio_uvh5_header_get(const char *path, msio_freshness freshness, const msio_uvh5_header **header);
MSIO_API void msio_uvh5_header_release(const msio_uvh5_header *header); /* takes NULL */

/* ---------------------------------------------------------------- what the caches hold */

typedef struct msio_cache_stats {
    int64_t hits, misses, evictions, stale; /* stale: found in memory, but the files had changed */
    int64_t entries, bytes, limit;
} msio_cache_stats;

/* Of metadata, headers and counts of flags together. */
MSIO_API void msio_cache_describe(msio_cache_stats *stats);
/* Bytes that may be kept; what was used longest ago goes first. Default 64 MiB. Descriptors of what is kept are no more
 * than a quarter of RLIMIT_NOFILE, together with those of open tables: docs/consistency.md. */
MSIO_API void msio_cache_set_limit(size_t bytes);
/* Forgets one MS or file, or all with NULL; what the caller still holds stays valid. */
MSIO_API void msio_cache_clear(const char *path);

/* ---------------------------------------------------------------- flags */

/* Breakdowns of msio_flags_count; or-ed. */
enum {
    MSIO_FLAGS_BY_SPW = 1,
    MSIO_FLAGS_BY_FIELD = 2,
    MSIO_FLAGS_BY_SCAN = 4,
    MSIO_FLAGS_BY_ANTENNA = 8,
    MSIO_FLAGS_BY_BASELINE = 16,
    MSIO_FLAGS_BY_CHANNEL = 32,
    MSIO_FLAGS_BY_CORRELATION = 64,
    MSIO_FLAGS_BY_TIME = 128,
    MSIO_FLAGS_BY_ALL = 255
};

typedef struct msio_flags_opts {
    size_t struct_size;
    int ignore_flag_row; /* 1: FLAG_ROW does not count; 0: a set FLAG_ROW flags the whole row */
    int threads;         /* as msio_read_opts */
    msio_open_opts open; /* freshness, native, locks */
    double sample;       /* 0: exact; else draws tiles until the interval's half width is at most this */
    uint64_t seed;       /* of the draws */
    /* As msio_read_opts: called now and then with the bytes counted and the most that will be; another result than 0
     * ends the count with MSIO_E_CANCELLED, and nothing of it is kept. */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_flags_opts;
#define MSIO_FLAGS_OPTS_INIT                                                                                           \
    { sizeof(msio_flags_opts), 0, 0, MSIO_OPEN_OPTS_INIT, 0, 1, NULL, NULL }

/* One entry of a breakdown. key: the SPECTRAL_WINDOW row, FIELD_ID, SCAN_NUMBER, antenna, correlation index; antenna1
 * and antenna2 of a baseline; spectral window and channel of a channel. An antenna counts every row it takes part in,
 * an autocorrelation once. Numbers that stand for no row of their subtable, negative ones too, are entries like all
 * others; rows whose DATA_DESC_ID has no row in DATA_DESCRIPTION are those of spectral window -1. */
typedef struct msio_flags_entry {
    int32_t key[2];
    double time; /* breakdown by time: TIME, s, MJD */
    int64_t flagged, total, from_flag_row;
} msio_flags_entry;

typedef struct msio_flags_breakdown {
    unsigned by; /* one MSIO_FLAGS_BY_... */
    int64_t entries;
    const msio_flags_entry *entry; /* ascending by key, or time; only those that have elements */
} msio_flags_breakdown;

typedef struct msio_flags {
    int64_t flagged, total; /* elements of FLAG; cells never written count nowhere */
    int64_t from_flag_row;  /* of flagged: those that FLAG_ROW alone added */
    int64_t undefined;      /* rows whose FLAG was never written */
    int breakdowns;
    const msio_flags_breakdown *breakdown;
    const char *way;  /* "packed bits", "bytes", "casacore": how they were counted. Static */
    int sampled;      /* 1: flagged and total are of the sample, and the interval holds for the whole with 95% */
    double fraction;  /* flagged / total, or its estimate; 0 without elements */
    double low, high; /* the interval; both the fraction when exact */
    int64_t rows_sampled;
} msio_flags;

/* Counts the flags of the MS at path, with any set of breakdowns in one pass. *flags is to be released.
 * Errors: those of msio_table_open and msio_read; MSIO_E_NO_COLUMN when there is no FLAG, or a breakdown's column is
 * missing. */
MSIO_API msio_status msio_flags_count(const char *path, unsigned by, const msio_flags_opts *opts,
                                      const msio_flags **flags);
MSIO_API void msio_flags_release(const msio_flags *flags); /* takes NULL */

/* ---------------------------------------------------------------- cells */

typedef struct msio_cursor msio_cursor;

typedef struct msio_cursor_opts {
    size_t struct_size;
    size_t memory; /* bytes that may be read ahead, and one cell more for peeking; default 4 MiB */
    int hold;      /* 1: keeps the table's read lock until the cursor is closed, so that nothing is checked */
    double glance; /* s; between full checks, at most so far apart, calls only look whether the sync record of
                      table.lock changed (in the mapped file): so writers that lock are seen at once, and programs that
                      take no lock so much later. 0, the default: each call checks in full */
} msio_cursor_opts;
#define MSIO_CURSOR_OPTS_INIT                                                                                          \
    { sizeof(msio_cursor_opts), (size_t)4 << 20, 0, 0.0 }

/* A cursor over the cells of a column, for loops that take one after the other (getcell). Calls that walk rows,
 * forward, backward or with a step, are served from blocks of whole tiles that are read ahead; calls in no order cost
 * one small read each. Where nothing is checked (below), cells that lie in a local file as they are wanted are not read
 * ahead but taken from the mapped file: then msio_cursor_peek makes no copy at all. Freshness is the table's: checked
 * in each call (see glance); not at all with hold, or when it was opened MSIO_AS_OPENED. What was read ahead is dropped
 * when the table changed. The cursor is to be closed before its table, and belongs to one thread at a time; several may
 * walk one column. Errors: MSIO_E_ARGUMENT (a column of strings: msio_read_ragged), MSIO_E_MEMORY, MSIO_E_LOCKED. */
MSIO_API msio_status msio_cursor_open(const msio_column *column, const msio_cursor_opts *opts, msio_cursor **cursor);
/* Stores what was put; what cannot be stored is lost. Takes NULL. Errors: as msio_cursor_flush. */
MSIO_API msio_status msio_cursor_close(msio_cursor *cursor);
/* Where in a program the loop over the cells stands, for the profiler's advice: a file's name, which is copied, and a
 * line. Of several calls the last one holds; without any, the advice names the address that opened the cursor. For
 * languages whose programs have no addresses. Does nothing where the profiler was off when the cursor was opened. */
MSIO_API void msio_cursor_place(msio_cursor *cursor, const char *file, int line);
/* One cell, dense in [channel][correlation] order. Errors: as msio_read. */
MSIO_API msio_status msio_cursor_get(msio_cursor *cursor, int64_t row, void *out, size_t out_bytes);
/* The same without a copy: *cell is the cursor's, until the next call on it; *bytes may be NULL. */
MSIO_API msio_status msio_cursor_peek(msio_cursor *cursor, int64_t row, const void **cell, size_t *bytes);
/* 1: a call for this row is answered from what was read ahead, unless the table changed; 0: a file will be read. */
MSIO_API int msio_cursor_has(const msio_cursor *cursor, int64_t row);
/* Shape of a cell: *ndim axes (0 for a scalar), numpy order. */
MSIO_API msio_status msio_cursor_shape(msio_cursor *cursor, int64_t row, int *ndim, int64_t shape[MSIO_MAX_NDIM]);

/* Puts one whole cell, dense in [channel][correlation] order, in_bytes large: for loops that put one after the other
 * (putcell). The table was opened writable. The first put takes the table's write lock and counts the change for
 * everybody else; then cells are gathered in memory, and stored together, after which the lock is given back:
 *   - at msio_cursor_flush, msio_cursor_close, and msio_table_release of a hold of the same handle;
 *   - when this process reads, writes or describes that table by any other call of msio's, through any handle, so that
 *     every such call sees the cells (this cursor's own msio_cursor_get and _peek see them at once, and store nothing
 *     where the row was read ahead);
 *   - when 16 MiB are gathered.
 * A loop over many cells needs no hold. Between two puts the lock is kept: a program that pauses flushes first, for
 * others wait meanwhile. A process that is killed loses what was not stored: at most 16 MiB a cursor. A child of fork
 * drops what its parent put. Cells keep their shape: one that was never written is MSIO_E_UNDEFINED (msio_write gives a
 * shape). Where storing fails (MSIO_E_IO, ...) the cells stay, and every call that would store them fails, until it
 * succeeds or the cursor is closed.
 * Errors: MSIO_E_ARGUMENT (not opened writable, or held for reading by this handle), MSIO_E_RANGE, MSIO_E_SIZE,
 * MSIO_E_UNDEFINED, MSIO_E_LOCKED, and those of msio_write for cells that were put before. */
MSIO_API msio_status msio_cursor_put(msio_cursor *cursor, int64_t row, const void *in, size_t in_bytes);
/* Stores what was put, and gives the lock back. Errors: as msio_write. */
MSIO_API msio_status msio_cursor_flush(msio_cursor *cursor);

/* What a cursor saw and did. */
typedef struct msio_cursor_stats {
    int64_t calls, served, reads; /* served: from what was read ahead */
    int64_t bytes_read;           /* of cells, as delivered */
    const char
        *pattern; /* of most calls: "forward", "backward", "stepping", "random", "" before the second call. Static */
} msio_cursor_stats;
MSIO_API void msio_cursor_describe(const msio_cursor *cursor, msio_cursor_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
