/* flags_count.h - counting the flags of some rows within an access, all at once or in blocks. */
#ifndef MSIO_CACHE_FLAGS_COUNT_H
#define MSIO_CACHE_FLAGS_COUNT_H

#include "cache/flags_groups.h"
#include "io/engine/engine.h"

/* What is known of FLAG before any flag is read. */
typedef struct msio_flags_survey {
    int64_t rows, undefined; /* of the table; rows without a FLAG */
    int64_t total;           /* elements of all cells */
    int64_t most;            /* of one cell */
    bool uniform;            /* every row has a cell, all of one shape */
    int ndim;                /* of that shape, casacore order */
    int64_t shape[MSIO_MAX_NDIM];
    bool bytes, casacore; /* some are stored cell by cell; some are read through casacore */
    int64_t tile_rows;    /* 0: not in tiles of rows */
} msio_flags_survey;

typedef struct msio_flags_counter {
    msio_access *access;
    msio_flags_survey survey;
    msio_flags_groups *groups;
    bool by_row;    /* counts of single rows are needed */
    bool flag_rows; /* FLAG_ROW is set in some rows, or may be */
    bool many_flagged;
    int64_t flagged_rows; /* those rows, unless they are many */
    int64_t *flagged_row, *place;
    msio_read_opts opts;
    msio_engine engine;
    msio_sink sink;
    bool sink_started;
    msio_flags_bits bits;
    msio_flags_sums sums; /* of everything that was counted */
    int64_t rows;         /* that were */
    /* a block of rows */
    int64_t block_rows, block_elements; /* the most that one has; elements: of bytes in memory */
    int64_t first, here;
    int64_t shapes_known; /* where all rows have one shape: of so many rows of a block */
    atomic_uint *set;
    int32_t *shape_of, *group_of; /* shape_of: index of the tally of shapes; -1: never written */
    uint8_t *flag_row, *bytes, *packed;
    msio_flags_keys keys;
    msio_flags_sums *sum; /* [block_rows + 1]: of the rows before each */
    /* while a leaf is read */
    const msio_leaf *leaf;
    const msio_rows *leaf_rows;
} msio_flags_counter;

/* Surveys FLAG and makes ready to count: the whole table, or some of its rows one after the other. groups->by tells
 * what is wanted; opts: threads and progress; ignore: FLAG_ROW does not matter; sampled: not all rows will be read. To
 * be ended by _finish also after a failure. Errors: those of msio_read; MSIO_E_NO_COLUMN, MSIO_E_SHAPE (FLAG is no
 * column of Bool). */
msio_status msio_flags_counter_start(msio_flags_counter *counter, msio_access *access, msio_flags_groups *groups,
                                     const msio_read_opts *opts, bool ignore, bool sampled);
void msio_flags_counter_finish(msio_flags_counter *counter);

/* Counts rows [first, first + rows) into counter->sums and its groups. */
msio_status msio_flags_counter_add(msio_flags_counter *counter, int64_t first, int64_t rows);

/* "packed bits", "bytes" or "casacore". */
const char *msio_flags_way(const msio_flags_survey *survey);

#endif
