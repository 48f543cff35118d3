/* loader.h - batched loading, within: files that hold subbands, how they fit together, and what is read of each. */
#ifndef MSIO_IO_LOADER_H
#define MSIO_IO_LOADER_H

#include "core/arena.h"
#include "core/error.h"
#include "io/layout/layout.h"
#include "msio/load.h"

#define MSIO_LOAD_ARRAYS 3 /* visdata, flags, nsamples: their order everywhere here */

/* Times and integrations that differ by less are the same: writers have clocks of their own. */
#define MSIO_LOAD_TIME_TOLERANCE 1e-3 /* s */
/* Files look at the same place when they do within so much. */
#define MSIO_LOAD_ANGLE_TOLERANCE 1e-6 /* rad */

typedef struct msio_load_file msio_load_file;

/* A part of one file's array, and where it goes. Strides and places count bytes of the result. */
typedef struct msio_load_part {
    int what;                                               /* 0 visdata, 1 flags, 2 nsamples */
    msio_type type;                                         /* delivered */
    const msio_rows *rows;                                  /* of the file, with their places */
    int64_t chan, chans, chan_step, corr, corrs, corr_step; /* channels as the file counts them */
    int64_t out;                                            /* where place 0, channel chan, polarization corr goes */
    int64_t row_stride, chan_stride, corr_stride;           /* chan_stride may be negative */
    uint8_t *result;
} msio_load_part;

/* What a kind of files does. All may be called by several threads at once, for different files. */
typedef struct msio_loader msio_loader;

typedef struct msio_load_kind {
    /* Opens the file, and describes it, after it was prepared; finish is called for one file at a time, and may use the
     * loader's arena. NULL where files are open when they are added. */
    msio_status (*open)(const msio_loader *loader, msio_load_file *file);
    msio_status (*finish)(msio_loader *loader, msio_load_file *file);
    void (*close)(msio_load_file *file);
    /* Arrays of the selected rows (NULL: all); which: as of msio_uvh5_rows_read. */
    msio_status (*rows)(const msio_load_file *file, unsigned which, const msio_select *select, msio_uvh5_rows *rows);
    bool rows_by_part; /* some rows cost less than all */
    /* No more rows will be asked for: what only they needed may be closed. */
    void (*settle)(msio_load_file *file);
    /* Sets what of a target depends on the file. */
    void (*target)(const msio_load_file *file, int what, msio_type type, msio_target *target);
    /* Pushes a part's pieces for the sink's current target, or reads it at once where it has none. */
    msio_status (*push)(const msio_load_file *file, const msio_load_part *part, msio_sink *sink,
                        const msio_read_opts *opts);
    msio_status (*unchanged)(const msio_load_file *file);
    /* All was read: closes what keeps others waiting. NULL: nothing does. */
    void (*let_go)(msio_load_file *file);
} msio_load_kind;

/* One set of rows with its channels: a UVH5 file, or a spectral window of an MS. The opener fills it. */
struct msio_load_file {
    const msio_load_kind *kind;
    void *state;
    const char *path;
    int number;      /* the subband's */
    unsigned arrays; /* MSIO_VISDATA and so on: which it has */
    int64_t rows, channels, pols;
    const double *frequency, *width; /* [channels], the file's order; width positive */
    const int32_t *window;           /* [channels]: where it changes a subband ends; NULL: one */
    const int32_t *polarization;
    msio_type visdata_type; /* as precise as it is stored */
    int antennas;
    const msio_load_antenna *antenna;
    double phase_center[2];
    const char *phase_type;
    double time_unit;               /* s in the unit of its times: 86400 for days */
    bool single_uvw;                /* it holds u, v, w as floats */
    const msio_uvh5_header *header; /* NULL: an MS */
    /* Rows brought to the first file's order: row_of[reference row]; NULL: the same order. conjugated: NULL: none. */
    int64_t *row_of;
    uint8_t *conjugated;
};

/* A stretch of a file's channels that ascend or descend: one subband of the result. */
typedef struct msio_load_segment {
    int file; /* -1: missing */
    int number;
    int64_t first, channels; /* of the file, in its order */
    bool descending;         /* it is stored the other way round than it is wanted */
    double low, high;        /* Hz: the lowest and the highest channel; of a missing one the first and the last */
    double width;            /* Hz: of a missing one's channels, and of the outermost ones elsewhere */
} msio_load_segment;

typedef struct msio_load_list {
    int n, capacity;
    msio_load_difference *difference;
    msio_arena *arena;
} msio_load_list;

/* Everything about a group once it was opened and compared. */
struct msio_loader {
    msio_load_opts opts;
    unsigned what;
    msio_arena arena; /* of all that lives as long as it does */
    int files, files_capacity;
    msio_load_file *file;
    int segments;
    msio_load_segment *segment; /* ascending in frequency, or as the files are given */
    int missing;
    int32_t *missing_number;
    msio_load_list differences;
    msio_uvh5_rows reference; /* of the first file, all rows; of a short span only the times of all */
    /* the selection, resolved */
    int64_t rows, pols;
    int64_t *row; /* [rows] of the reference; NULL: first_row + i * row_step */
    int64_t first_row, row_step;
    int64_t corr, corr_step;
    int64_t channels; /* of the result */
    msio_range *chan; /* [segments]: of each, counted in the result's order */
    int64_t *channel; /* [segments]: first of each in the result */
    msio_type visdata_type;
    int64_t batch_pieces; /* that are planned together */
};

/* ---------------------------------------------------------------- opening */

/* Adds a UVH5 file, which is to be opened. path lives as long as the loader. MSIO_E_MEMORY. */
msio_status msio_load_add_uvh5(msio_loader *loader, const char *path, int number);

/* Adds every spectral window of an MS that has rows, as a file each, by msio_load_add; numbered by their
 * SPECTRAL_WINDOW rows, from `number` on. Errors: of msio_table_open. */
msio_status msio_load_add_ms(msio_loader *loader, const char *path, int number);

/* One more file, zeroed, valid until the next is added; NULL, and the error set, without memory. */
msio_load_file *msio_load_add(msio_loader *loader);

/* ---------------------------------------------------------------- comparing */

/* Notes a difference. The text is made like printf's. MSIO_E_MEMORY. */
msio_status msio_load_differ(msio_load_list *list, const char *path, const char *field, int harmless,
                             const char *format, ...) MSIO_PRINTF(5, 6);

/* Compares what the headers of the first file and of another one say. */
msio_status msio_load_compare_headers(msio_loader *loader, const msio_load_file *first, const msio_load_file *file);

/* Compares all that does not depend on rows with the first file, finds the segments and puts them in order; missing
 * ones of the group (n numbers) get their place. Differences go to the list. */
msio_status msio_load_compare(msio_loader *loader, int n, const int32_t *missing);

/* Compares the rows with the first file's, and brings them to its order. Threads: all of them, over files. */
msio_status msio_load_match_rows(msio_loader *loader);

/* The same for a selection that is a short span of the first file's rows: only those are read and compared. *done is
 * false where it is none, or where the files differ in them: then all rows have to be looked at. */
msio_status msio_load_match_span(msio_loader *loader, bool *done);

/* Whether rows are those of the reference from `first` on, in their order, to the tolerance (in the files' unit). */
bool msio_load_in_order(const msio_uvh5_rows *reference, int64_t first, const msio_uvh5_rows *rows, double tolerance);

/* What is read of each file's rows: what pairs them, and what is compared of the pairs. */
unsigned msio_load_compared_rows(const msio_loader *loader, const msio_load_file *file);

/* Rows of a file, and those of the reference that they belong to: the reference's row first + i and the file's
 * row_of[i], which is conjugated where that says so; both as in msio_load_file. */
typedef struct msio_load_pairs {
    const msio_uvh5_rows *reference;
    int64_t first;
    const msio_uvh5_rows *rows;
    const int64_t *row_of;
    const uint8_t *conjugated;
} msio_load_pairs;

/* How many pairs differ, the one that differs most (-1: none), and by how many metres. */
typedef struct msio_load_far {
    int64_t rows, row;
    double distance;
} msio_load_far;

/* The first pair that was not integrated for as long; -1: none. */
int64_t msio_load_find_integration(const msio_load_pairs *pairs);
/* Pairs of which u, v or w differs by more than the tolerance (m); single: one of the two holds them as floats. */
void msio_load_find_uvw(const msio_load_pairs *pairs, double tolerance, bool single, msio_load_far *far);
/* The first pair that looked at two places, by the catalogs of both headers (whose numbers may differ); -1: none. */
int64_t msio_load_find_phase_center(const msio_load_pairs *pairs, const msio_uvh5_header *a, const msio_uvh5_header *b);
bool msio_load_same_center(const msio_uvh5_phase_center *a, const msio_uvh5_phase_center *b);

/* ---------------------------------------------------------------- selecting and reading */

/* The times of the wanted integrations: from *low to *high; of none *low is above *high. MSIO_E_RANGE, MSIO_E_MEMORY.
 */
msio_status msio_load_find_times(const msio_loader *loader, double *low, double *high);

/* Resolves the selection: rows, channels, polarizations, the result's shape. */
msio_status msio_load_select(msio_loader *loader);

/* Opens, compares and selects. group NULL: the n paths. lenient: harmful differences are only listed. */
msio_status msio_loader_open(const msio_group *group, int n, const char *const *paths, unsigned what,
                             const msio_load_opts *opts, bool lenient, msio_loader **loader);
void msio_loader_close(msio_loader *loader); /* takes NULL */

/* Reads rows [from, from + count) of the selection into the three arrays (NULL: not wanted), whose row 0 is `from`. */
msio_status msio_loader_read(msio_loader *loader, int64_t from, int64_t count, void *const out[MSIO_LOAD_ARRAYS]);

/* How many pieces may be planned together within the memory limit. MSIO_E_SIZE: none. */
msio_status msio_load_plan_memory(msio_loader *loader);

/* Bytes of one element of an array of the result; of one selected row of it. */
int64_t msio_loader_element(const msio_loader *loader, int what);
int64_t msio_loader_row_bytes(const msio_loader *loader, int what);

/* Fills what a result says beside the arrays, for these rows; memory from the arena. */
msio_status msio_loader_describe(const msio_loader *loader, int64_t from, int64_t count, msio_arena *arena,
                                 msio_subbands *out);

/* The i-th selected row of the reference. */
static inline int64_t msio_loader_row(const msio_loader *loader, int64_t i) {
    return loader->row ? loader->row[i] : loader->first_row + i * loader->row_step;
}

#endif
