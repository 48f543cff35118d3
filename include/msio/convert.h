/* convert.h - UVH5 files become one Measurement Set, in one pass.
 *
 * The files of one observation time, one a subband, become an MS with one spectral window each, ascending in frequency:
 * its rows are window by window, and within a window those of the first file, in its order. What every column and
 * subtable holds is told in docs/conversion.md; it is what pyuvdata writes, but for what that document lists.
 *
 * Threads: any thread may convert at any time; one conversion uses the threads that its options name.
 */
#ifndef MSIO_CONVERT_H
#define MSIO_CONVERT_H

#include "msio/load.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the visibilities are made to look. Meridian: each integration is a field of its own at hour angle 0, its right
 * ascension and declination ICRS; u, v, w are computed anew from the antennas' positions, and the visibilities, which
 * the correlator stopped there, are not touched. Centre: one field; visibilities are turned from each integration's
 * meridian to it. Zenith: one field, the zenith at the first row's time; visibilities are taken as never stopped
 * (w = 0), and turned by the whole w. None: fields, u, v, w and visibilities are the files'. */
typedef enum msio_convert_phase {
    /* None where the files name phase centres that a Measurement Set can; zenith where their catalog says unprojected
     * and nothing says at which declination they looked; else meridian. */
    MSIO_PHASE_AUTO = 0,
    MSIO_PHASE_MERIDIAN = 1,
    MSIO_PHASE_CENTRE = 2,
    MSIO_PHASE_ZENITH = 3,
    MSIO_PHASE_NONE = 4
} msio_convert_phase;

typedef enum msio_convert_imaging {
    MSIO_IMAGING_NONE = 0,
    MSIO_IMAGING_ZEROS = 1, /* MODEL_DATA, CORRECTED_DATA, IMAGING_WEIGHT of zeros, which take no room on the disk */
    MSIO_IMAGING_DATA = 2   /* the same, but CORRECTED_DATA is DATA */
} msio_convert_imaging;

/* An antenna of the caller's, in place of the files' of the same number. */
typedef struct msio_convert_antenna {
    int number;
    const char *name;   /* NULL: the file's */
    double position[3]; /* m, ITRF, from the Earth's centre */
    double diameter;    /* m; 0: the file's */
} msio_convert_antenna;

typedef struct msio_convert_opts {
    size_t struct_size;
    msio_convert_phase phase;
    double ra, dec; /* rad, ICRS: of MSIO_PHASE_CENTRE */
    msio_convert_imaging imaging;
    int like_pyuvdata;         /* 1: as pyuvdata 3.2.8 writes it, with what docs/conversion.md changes by default */
    msio_load_missing missing; /* of subbands that a group lacks; flag: their windows are there, flagged */
    const char *telescope;     /* TELESCOPE_NAME; NULL: the files' */
    int antennas;              /* 0: the files' antennas */
    const msio_convert_antenna *antenna;
    /* Or a text file of them, in place of what the files say of antennas of the same names: a line each,
     * name,x,y,z[,diameter], metres as above; empty lines, those that begin with #, and a first one of headings
     * (name,x,...) are passed over. Every antenna that rows are of must be in it. NULL: none */
    const char *antenna_file;
    /* Rows and channels of a tile of DATA, FLAG, WEIGHT_SPECTRUM, MODEL_DATA and CORRECTED_DATA; 0: as casacore
     * chooses. A window of fewer channels has tiles of as many as it has. */
    int64_t tile_rows, tile_channels;
    /* A table of the Earth's orientation, IERS's EOP C04 or finals2000A in text form. NULL: UT1 is taken for UTC, which
     * sets a meridian's right ascension wrong by up to 13.5 arcsec. */
    const char *earth_orientation;
    int threads;                                              /* as in msio_read_opts */
    size_t memory;                                            /* bytes that the conversion may take; default 256 MiB */
    int overwrite;                                            /* 1: a table that stands at the target is replaced */
    int (*progress)(void *user, int64_t done, int64_t total); /* bytes written; not 0: stop */
    void *user;
} msio_convert_opts;
#define MSIO_CONVERT_OPTS_INIT                                                                                         \
    {                                                                                                                  \
        sizeof(msio_convert_opts), MSIO_PHASE_AUTO, 0, 0, MSIO_IMAGING_NONE, 0, MSIO_MISSING_ERROR, NULL, 0, NULL,     \
            NULL, 0, 0, NULL, 0, (size_t)256 << 20, 0, NULL, NULL                                                      \
    }

/* What came of it. */
typedef struct msio_converted {
    size_t struct_size;
    int64_t rows;
    int spectral_windows;
    int missing; /* subbands that were not there */
    int64_t bytes_read,
        bytes_written;        /* of visibilities, flags, sample counts and their like; holes count as nothing */
    msio_convert_phase phase; /* the one that was taken */
    int earth_orientation;    /* 0: times needed it, and UT1 was taken for UTC */
} msio_converted;
#define MSIO_CONVERTED_INIT                                                                                            \
    { sizeof(msio_converted), 0, 0, 0, 0, 0, MSIO_PHASE_AUTO, 0 }

/* Converts a group into a Measurement Set at ms_path. All files are opened and compared before anything is made; what
 * must agree is told at msio_load. The MS is made under a temporary name beside its target (msio/files.h) and gets its
 * name when it is whole: a failure, or a kill, leaves nothing there, and what stood there stays. The room on the disk
 * is asked for first. opts NULL: the defaults; result may be NULL.
 * Errors: those of msio_load; MSIO_E_ARGUMENT (options; something stands at the target), MSIO_E_NOT_FOUND (no such
 * file, earth orientation or antenna file), MSIO_E_FORMAT (also of these: line and column), MSIO_E_RANGE (a time that
 * the earth orientation does not cover), MSIO_E_UNSUPPORTED (what no MS can hold: a phase centre that must be phased
 * first, polarizations of both kinds, ...), MSIO_E_CASACORE (the module that makes tables is missing), MSIO_E_IO (no
 * room, ...), MSIO_E_CANCELLED, MSIO_E_MEMORY. */
MSIO_API msio_status msio_convert(const msio_group *group, const char *ms_path, const msio_convert_opts *opts,
                                  msio_converted *result);
/* The same of n UVH5 files, whose subbands are in the order of frequency. */
MSIO_API msio_status msio_convert_paths(int n, const char *const *paths, const char *ms_path,
                                        const msio_convert_opts *opts, msio_converted *result);

/* ---------------------------------------------------------------- back */

typedef struct msio_export_opts {
    size_t struct_size;
    int file_a_window;             /* 1: the path is a folder, which is made, with a file a spectral window in it,
                                      spw00.uvh5 and so on; 0: one file of all windows */
    const char *earth_orientation; /* as in msio_convert_opts: for sidereal time and apparent places */
    int threads;
    size_t memory;
    int overwrite; /* 1: a file that stands there is replaced; a folder never is */
    int (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} msio_export_opts;
#define MSIO_EXPORT_OPTS_INIT                                                                                          \
    { sizeof(msio_export_opts), 0, NULL, 0, (size_t)256 << 20, 0, NULL, NULL }

/* Writes an MS as UVH5, version 1.2: DATA, FLAG and WEIGHT_SPECTRUM of all its windows, whose rows must be of the same
 * times and antennas (msio_load tells how they differ). Datasets are contiguous and uncompressed, filled by all
 * threads. What was converted by msio_convert comes back bit for bit, in the phases meridian and none: polarizations in
 * UVH5's usual order, channels ascending. Built under a temporary name, as msio_convert's result. Errors: as
 * msio_convert. */
MSIO_API msio_status msio_export_uvh5(const char *ms_path, const char *path, const msio_export_opts *opts,
                                      msio_converted *result);

#ifdef __cplusplus
}
#endif
#endif
