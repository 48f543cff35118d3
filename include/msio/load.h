/* load.h - batched loading: the subbands of one observation time into one array.
 *
 * Subbands are UVH5 files, spectral windows of a Measurement Set, or Measurement Sets of one window each. Rows are
 * baseline-times: those of the first subband, in its order. Channels ascend in frequency over all subbands, whatever
 * their order in the files, unless one asks for them as they are stored.
 *
 * Threads: any thread may load at any time; what was loaded is immutable and may be shared; a loader and a stream
 * belong to one thread at a time.
 */
#ifndef MSIO_LOAD_H
#define MSIO_LOAD_H

#include "msio/subbands.h"
#include "msio/uvh5.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- what is loaded */

enum {
    MSIO_VISDATA = 1,  /* of an MS: DATA */
    MSIO_FLAGS = 2,    /* of an MS: FLAG */
    MSIO_NSAMPLES = 4, /* of an MS: WEIGHT_SPECTRUM */
    MSIO_LOAD_ALL = 7
};

typedef enum msio_load_layout {
    MSIO_ROW_CHAN_POL = 0,        /* [row][channel of all subbands][polarization] */
    MSIO_SUBBAND_ROW_CHAN_POL = 1 /* [subband][row][channel][polarization]; subbands have as many channels each */
} msio_load_layout;

/* What becomes of subbands that a group lacks. */
typedef enum msio_load_missing {
    MSIO_MISSING_ERROR = 0,
    MSIO_MISSING_SKIP = 1, /* the result has fewer channels */
    MSIO_MISSING_FLAG = 2  /* zeros, flagged, 0 samples; their frequencies continue those of the others */
} msio_load_missing;

typedef enum msio_load_channels {
    MSIO_CHANNELS_ASCENDING = 0, /* in frequency, over all subbands */
    MSIO_CHANNELS_STORED = 1     /* one file after the other (a group's by number), each file's as they stand in it */
} msio_load_channels;

typedef struct msio_load_opts {
    size_t struct_size;
    msio_load_layout layout;
    msio_load_channels channel_order; /* also that of subbands, and the one in which `chan` counts */
    msio_load_missing missing;
    msio_type visdata_type; /* MSIO_COMPLEX or MSIO_DCOMPLEX; MSIO_BOOL (0): as precise as the files */
    int refuse_reordering;  /* 1: subbands whose rows are in another order than the first one's, or whose baselines are
                               conjugated, are an error rather than brought to its order */
    /* Which part. Rows count in the first subband's order. row_list as in msio_select; times: integrations, counted
     * from the earliest, in place of rows (give one of the two). Channels count within each subband, in channel_order;
     * -1: to the end. */
    int64_t row, rows, row_step;
    const int64_t *row_list;
    int64_t rows_in_list;
    int64_t time, times;
    int64_t chan, chans, chan_step;
    int64_t corr, corrs, corr_step;
    const int32_t *subband_list; /* numbers of the wanted subbands of a group; NULL: all */
    int subbands_in_list;
    size_t memory; /* bytes that loading may take beyond the results */
    /* The caller's memory, for what is wanted of the three; NULL: from the pool. */
    void *visdata;
    uint8_t *flags;
    float *nsamples;
    size_t visdata_bytes, flags_bytes, nsamples_bytes;
    msio_read_opts read;
    msio_native native; /* MSIO_NATIVE_NO: everything through the HDF5 library, or casacore */
    int nolock;         /* 1: no lock is taken; as in msio_open_opts and msio_hdf5_opts */
    /* m: how far u, v and w of the same baseline and time may differ between subbands; the first one's are the
     * result's. INFINITY: they are not compared. Where a file holds them as floats, their last place is allowed on top.
     */
    double uvw_tolerance;
} msio_load_opts;
#define MSIO_LOAD_UVW_TOLERANCE 1e-3 /* m: pyuvdata's */
#define MSIO_LOAD_OPTS_INIT                                                                                            \
    {                                                                                                                  \
        sizeof(msio_load_opts), MSIO_ROW_CHAN_POL, MSIO_CHANNELS_ASCENDING, MSIO_MISSING_ERROR, MSIO_BOOL, 0, 0, -1,   \
            1, NULL, 0, 0, -1, 0, -1, 1, 0, -1, 1, NULL, 0, (size_t)256 << 20, NULL, NULL, NULL, 0, 0, 0,              \
            MSIO_READ_OPTS_INIT, MSIO_NATIVE_AUTO, 0, MSIO_LOAD_UVW_TOLERANCE                                          \
    }

/* One subband of a result. */
typedef struct msio_subband {
    int number;       /* as the group says; its place in the list of files, or the spectral window, elsewhere */
    int present;      /* 0: it was missing, and stands there flagged */
    const char *path; /* "" where it is missing */
    int64_t channel;  /* its first channel in `frequencies` */
    int64_t channels;
} msio_subband;

typedef struct msio_load_antenna {
    int number; /* as antenna1 and antenna2 say */
    const char *name;
    double position[3]; /* m; of UVH5 ITRF offsets from the telescope's place, of an MS ITRF */
    double diameter;    /* m; 0: unknown */
} msio_load_antenna;

/* What was loaded. */
typedef struct msio_subbands {
    int64_t rows, channels, pols; /* channels: of all subbands together */
    int ndim;
    int64_t shape[4]; /* of the three arrays: 3 axes, or 4 with MSIO_SUBBAND_ROW_CHAN_POL */
    msio_type visdata_type;
    void *visdata;   /* NULL: not wanted; so the others */
    uint8_t *flags;  /* 0 or 1 */
    float *nsamples; /* of an MS its weights; doubles of a file are rounded */
    size_t visdata_bytes, flags_bytes, nsamples_bytes;

    int subbands;
    const msio_subband *subband; /* [subbands], in the order of channels */
    int missing;
    const int32_t *missing_subband; /* [missing]: numbers, ascending; also of those that were skipped */
    const double *frequencies;      /* Hz, [channels], of all subbands one after the other */
    const double *widths;           /* Hz, [channels], positive */
    const int32_t *polarizations;   /* [pols]: AIPS numbers, -5 is XX (UVH5); of an MS casacore's Stokes, 9 is XX */

    const double *times;        /* [rows]; of UVH5 Julian days, of an MS seconds (MJD), as stored */
    const int32_t *antenna1;    /* [rows]: numbers, of an MS rows of ANTENNA */
    const int32_t *antenna2;    /* [rows] */
    const double *uvw;          /* m, [rows][3] */
    const double *integrations; /* s, [rows] */

    int antennas;
    const msio_load_antenna *antenna;
    double phase_center[2]; /* rad: right ascension (NaN where it drifts), declination; NaN: the files say none */
    const char *phase_type; /* "drift", "phased", ...; "" where the files say none */
    const msio_uvh5_header *header; /* of the first file, with extra keywords and all else; NULL: an MS */
    int nsamples_half; /* 1: all files hold their sample counts as 16-bit floats, which floats hold exactly */
    double index_seconds, read_seconds; /* s: opening, checking and planning; reading */
    void *owner;                        /* msio's own */
} msio_subbands;

/* ---------------------------------------------------------------- loading */

/* Loads a group. what: MSIO_VISDATA and so on, added; 0 loads all but the arrays. All files are opened and compared
 * before anything is read: antennas, baselines, times, integrations, u, v, w, where they look, units and polarizations
 * must be the same, and frequencies may not overlap; gaps between subbands are no error. A file whose rows are in
 * another order, or whose pairs are conjugated, is brought to the first one's order (visibilities conjugated,
 * cross-hand polarizations exchanged). *result is to be freed by msio_subbands_free; the caller's memory stays the
 * caller's. Errors: those of msio_uvh5_open and msio_table_open; MSIO_E_SHAPE (the subbands do not fit together: which
 * file and field, and how they differ), MSIO_E_NOT_FOUND (a subband is missing), MSIO_E_SIZE (the caller's memory, or
 * the limit, is too small: what would do), MSIO_E_RANGE, MSIO_E_ARGUMENT, MSIO_E_FORMAT, MSIO_E_IO, MSIO_E_CHANGED (a
 * file was written meanwhile), MSIO_E_CANCELLED, MSIO_E_MEMORY. On an error the caller's memory may be partly written.
 */
MSIO_API msio_status msio_load(const msio_group *group, unsigned what, const msio_load_opts *opts,
                               msio_subbands *result);

/* The same of n paths: UVH5 files, or Measurement Sets, of which every spectral window is a subband. Subbands are
 * numbered in the order of the paths; none is missing. */
MSIO_API msio_status msio_load_paths(int n, const char *const *paths, unsigned what, const msio_load_opts *opts,
                                     msio_subbands *result);

/* Frees what was loaded; takes what was freed already. */
MSIO_API void msio_subbands_free(msio_subbands *subbands);

/* Writes what was loaded to one HDF5 file of plain datasets: the arrays that were loaded (visdata, flags, nsamples),
 * frequencies, widths, polarizations (polarization_code says by which numbers), times (time_unit), antenna1, antenna2,
 * uvw, integration_time, antenna_numbers, antenna_names, antenna_positions, antenna_diameters, subbands (numbers, as
 * they stand), subband_channels, subband_present, subband_paths, missing_subbands, phase_type, phase_center, layout,
 * format. The file is written under another name in the same folder, and renamed when it is whole. overwrite 0: a file
 * that stands there stays, and is an error.
 * Errors: MSIO_E_ARGUMENT, MSIO_E_IO, MSIO_E_UNSUPPORTED (the HDF5 module is missing), MSIO_E_MEMORY. */
MSIO_API msio_status msio_subbands_write(const msio_subbands *subbands, const char *path, int overwrite);

/* ---------------------------------------------------------------- consistency */

/* One thing in which a subband differs from the first one, or from its neighbour. */
typedef struct msio_load_difference {
    const char *path;
    const char *field; /* "ant_1_array", "freq_array", ... */
    const char *text;  /* one sentence */
    int harmless;      /* 1: it does not keep the subbands from being loaded together (a gap, another order) */
} msio_load_difference;

typedef struct msio_load_report {
    int differences;
    const msio_load_difference *difference;
} msio_load_report;

/* Compares without loading: all differences, not only the first. *report is to be freed. Errors: of opening. */
MSIO_API msio_status msio_load_check(const msio_group *group, const msio_load_opts *opts, msio_load_report **report);
MSIO_API msio_status msio_load_check_paths(int n, const char *const *paths, const msio_load_opts *opts,
                                           msio_load_report **report);
MSIO_API void msio_load_report_free(msio_load_report *report); /* takes NULL */

/* ---------------------------------------------------------------- streams */

/* For what is larger than memory: all subbands of a span of rows at a time, the next one being read while the caller
 * works on this one. */
typedef struct msio_load_stream msio_load_stream;

/* Opens a stream over the selected rows, which is read from its first msio_load_stream_next on; opts->memory is what
 * all batches in flight may take together with the rest; rows_per_batch 0: as many whole integrations as that allows
 * (rows, where not one fits). The caller's memory of opts is not used. Errors: as msio_load. */
MSIO_API msio_status msio_load_stream_open(const msio_group *group, unsigned what, const msio_load_opts *opts,
                                           int64_t rows_per_batch, msio_load_stream **stream);
MSIO_API msio_status msio_load_stream_open_paths(int n, const char *const *paths, unsigned what,
                                                 const msio_load_opts *opts, int64_t rows_per_batch,
                                                 msio_load_stream **stream);
/* What msio_load gives of the selected rows where no arrays are wanted; it lives as long as the stream. Errors:
 * MSIO_E_MEMORY. */
MSIO_API msio_status msio_load_stream_describe(msio_load_stream *stream, const msio_subbands **whole);
/* Begins to read ahead at once, in that layout and by so many threads (as in msio_read_opts) instead of the options'.
 * Once, before the first msio_load_stream_next. Errors: MSIO_E_SHAPE (subbands of different sizes), MSIO_E_ARGUMENT (it
 * is being read; no such layout or threads), MSIO_E_UNSUPPORTED as there. */
MSIO_API msio_status msio_load_stream_begin(msio_load_stream *stream, msio_load_layout layout, int threads);
/* The next batch; its per-row arrays are those of its rows, and it lives until the next call. first_row: its place in
 * the selection; may be NULL. MSIO_END after the last. Errors: as msio_load; MSIO_E_UNSUPPORTED in a child of
 * fork, of a stream that its parent opened. */
MSIO_API msio_status msio_load_stream_next(msio_load_stream *stream, const msio_subbands **batch, int64_t *first_row);
MSIO_API void msio_load_stream_close(msio_load_stream *stream); /* takes NULL; may come before the end */

#ifdef __cplusplus
}
#endif
#endif
