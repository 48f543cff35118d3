/* uvh5.h - UVH5 files: the header as one struct, the arrays that have one value a row, the order of the rows.
 *
 * UVH5 is pyuvdata's format of visibilities in HDF5 (its memo "UVH5 file format", versions 0.x to 1.2). A row is a
 * baseline-time. Visibilities, flags and sample counts are datasets of the file (msio_uvh5_hdf5, then msio/hdf5.h):
 * "Data/visdata", "Data/flags", "Data/nsamples".
 *
 * Threads: any thread may use any file at any time; msio_uvh5_close must be the last call on it. Headers are immutable.
 */
#ifndef MSIO_UVH5_H
#define MSIO_UVH5_H

#include "msio/hdf5.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msio_uvh5 msio_uvh5;

/* ---------------------------------------------------------------- the header */

/* An entry of phase_center_catalog. What a file does not say, or says empty: NULL, NaN, a count of 0. */
typedef struct msio_uvh5_phase_center {
    int32_t id;       /* that phase_center_id_array names */
    const char *name; /* cat_name; need not be unique */
    const char *type; /* cat_type: "sidereal", "ephem", "driftscan", "unprojected" */
    int64_t lons, lats;
    const double *lon;    /* [lons]: cat_lon, rad: right ascension, galactic longitude, azimuth; several: ephemeris */
    const double *lat;    /* [lats]: cat_lat, rad */
    const char *frame;    /* cat_frame: "icrs", "fk5", ... */
    double epoch;         /* cat_epoch, years */
    int64_t times;        /* of the ephemeris */
    const double *time;   /* [times]: cat_times, JD */
    double pm_ra, pm_dec; /* cat_pm_ra, cat_pm_dec, mas/year */
    int64_t dists;
    const double *dist; /* [dists]: cat_dist, pc */
    int64_t vrads;
    const double *vrad;      /* [vrads]: cat_vrad, km/s */
    const char *info_source; /* "file", "user", ... */
} msio_uvh5_phase_center;

/* A dataset of Data: what it is delivered as by msio_dataset_read when nothing else is asked for, and how it is stored
 * ("{r, i} of int32", "enum of uint8", "float32"). */
typedef struct msio_uvh5_data {
    msio_type type;
    const char *stored;
} msio_uvh5_data;

/* Everything that the group Header says, but for what has a value a row. Members are named as the memo names the
 * datasets; those that every file has are always there; of the others, absent (or empty) are numbers that are NaN,
 * truths that are -1, arrays and texts that are NULL. Texts have lost the padding of their storage. */
typedef struct msio_uvh5_header {
    const char *path;
    const char *version; /* "1.2"; NULL in the oldest files: then 0.0 */
    int version_major, version_minor;

    /* Sizes. */
    int64_t nblts; /* rows */
    int64_t ntimes, nbls;
    int64_t nfreqs; /* channels, of all spectral windows */
    int64_t npols;
    int64_t nspws;
    int64_t nants_data; /* antennas that occur in rows */
    int64_t nants_telescope;
    int has_spw_axis; /* 1: the datasets of Data are [nblts][1][nfreqs][npols], as before version 1.0;
                         0: [nblts][nfreqs][npols] */
    msio_uvh5_data visdata, flags, nsamples;

    /* Where, and by what. */
    const char *telescope_name, *instrument;
    double latitude, longitude, altitude; /* degrees, degrees, m */
    const char *telescope_frame;          /* "itrs", "mcmf" */
    const char *ellipsoid;                /* of "mcmf" */
    const char *const *antenna_names;     /* [nants_telescope] */
    const int32_t *antenna_numbers;       /* [nants_telescope]: that ant_1_array and ant_2_array name */
    const double (*antenna_positions)[3]; /* [nants_telescope]: ECEF, from the telescope's position, m */
    const double *antenna_diameters;      /* [nants_telescope]: m */
    const char *const *mount_type;        /* [nants_telescope] */
    int64_t nfeeds;                       /* 0: absent */
    const char *const *feed_array;        /* [nants_telescope][nfeeds]: "x", "y", "r", "l" */
    const double *feed_angle;             /* [nants_telescope][nfeeds]: rad */
    const char *x_orientation;            /* "east", "north" */

    /* Frequencies and polarizations. */
    const double *freq_array;                   /* [nfreqs]: of the channels' centres, Hz, in the file's order */
    const double *channel_width;                /* [nfreqs]: Hz */
    const int32_t *spw_array;                   /* [nspws] */
    int flex_spw;                               /* 1: channels belong to spectral windows by flex_spw_id_array */
    const int32_t *flex_spw_id_array;           /* [nfreqs]: each is in spw_array */
    const int32_t *flex_spw_polarization_array; /* [nspws] */
    const int32_t *polarization_array;          /* [npols]: AIPS memo 117: 1..4 I Q U V, -1..-4 RR LL RL LR, -5..-8
                                                   XX YY XY YX */
    const double *eq_coeffs;                    /* [nants_telescope][nfreqs] */
    const char *eq_coeffs_convention;           /* "divide", "multiply" */
    const char *vis_units;                      /* "Jy", "K str", "uncalib"; absent means uncalibrated */
    const char *pol_convention;                 /* "sum", "avg" */

    /* Where it looked: a catalog in newer files, one phase centre in older ones. */
    int64_t phase_centers;
    const msio_uvh5_phase_center *phase_center; /* [phase_centers]: phase_center_catalog, in the file's order */
    int multi_phase_center;
    const char *phase_type;                   /* "drift" (that is: not phased), "phased" */
    double phase_center_ra, phase_center_dec; /* rad */
    double phase_center_epoch;                /* years */
    const char *phase_center_frame;           /* "icrs", "gcrs" */
    const char *object_name;

    /* Time. */
    const char *timesys;           /* "UTC" */
    const char *rdate;             /* the date that gst0 is of */
    double gst0;                   /* degrees */
    double dut1;                   /* UT1 - UTC, s */
    double earth_omega;            /* degrees/day */
    double uvplane_reference_time; /* a whole number; FHD's, in its own count */

    /* Rows: what the writer says of their order; msio_uvh5_order finds out. */
    const char *blt_order; /* "time, baseline" */
    int blts_are_rectangular, time_axis_faster_than_bls;

    const char *history, *filename;

    /* The group extra_keywords, in the file's order; names without the group. A count of 0: None. */
    int extra_keywords;
    const msio_field *extra_keyword;

    /* All datasets below Header as they stand there, those that this struct has no member for too, in the file's order;
     * names from Header on ("dut1", "extra_keywords/fs_table"). values and strings are both NULL where the dataset has
     * no element, holds no numbers or strings (type MSIO_RECORD), has a value a row, or is unknown here and larger than
     * 64 KiB: msio_hdf5_dataset reads those. */
    int fields;
    const msio_field *field;
} msio_uvh5_header;

/* The dataset below Header of that name, or NULL: whether something is there at all. */
MSIO_API const msio_field *msio_uvh5_find(const msio_uvh5_header *header, const char *name);

/* Opens a file and reads its header; nothing is read in proportion to its rows. *file is to be closed.
 * Errors: those of msio_hdf5_open; MSIO_E_FORMAT (no UVH5 file; a field is missing, has another type or another shape
 * than the sizes say: which, what was found and what was expected); MSIO_E_UNSUPPORTED (several spectral windows along
 * an axis of their own; a header of more than 256 MiB). */
MSIO_API msio_status msio_uvh5_open(const char *path, const msio_hdf5_opts *opts, msio_uvh5 **file);
MSIO_API void msio_uvh5_close(msio_uvh5 *file); /* takes NULL */

/* The header; lives as long as the file. msio_uvh5_header_get (msio/cache.h) keeps headers without the file. */
MSIO_API const msio_uvh5_header *msio_uvh5_describe(const msio_uvh5 *file);

/* The file's datasets; the file's own, not to be closed. */
MSIO_API msio_hdf5 *msio_uvh5_hdf5(msio_uvh5 *file);

/* ---------------------------------------------------------------- what has a value a row */

/* Which arrays; or-ed. */
enum {
    MSIO_UVH5_TIME = 1,
    MSIO_UVH5_INTEGRATION = 2,
    MSIO_UVH5_LST = 4,
    MSIO_UVH5_ANTENNAS = 8,
    MSIO_UVH5_UVW = 16,
    MSIO_UVH5_PHASE_CENTER = 32,
    MSIO_UVH5_APPARENT = 64,
    MSIO_UVH5_SCAN = 128,
    MSIO_UVH5_ROWS_ALL = 255
};

/* Arrays of the selected rows, in the order of the selection; NULL: not asked for, or (where marked) not in the file.
 */
typedef struct msio_uvh5_rows {
    int64_t rows;
    double *time;             /* [rows]: JD, the middle of the integration */
    double *integration_time; /* [rows]: s */
    double *lst;              /* [rows]: rad; may be absent */
    int32_t *ant_1, *ant_2;   /* [rows]: antenna numbers; a baseline runs from ant_1 to ant_2 */
    double (*uvw)[3];         /* [rows]: m */
    int32_t *phase_center_id; /* [rows]; may be absent */
    double *app_ra, *app_dec; /* [rows]: apparent position of the phase centre, rad; may be absent */
    double *frame_pa;         /* [rows]: position angle, rad; may be absent */
    int32_t *scan_number;     /* [rows]; may be absent */
    void *memory;             /* behind all of them */
} msio_uvh5_rows;

/* Reads the arrays named in `which` for the selected rows (NULL: all; channels and correlations do not matter). A
 * scalar that stands for all rows is repeated. *rows is to be freed. Errors: MSIO_E_ARGUMENT, and those of
 * msio_dataset_read; MSIO_E_FORMAT also where an antenna, a phase centre or a scan has a number beyond 32 bits. */
MSIO_API msio_status msio_uvh5_rows_read(msio_uvh5 *file, unsigned which, const msio_select *select,
                                         msio_uvh5_rows *rows);
MSIO_API void msio_uvh5_rows_free(msio_uvh5_rows *rows); /* takes NULL and what was freed already */

/* ---------------------------------------------------------------- the order of rows */

typedef enum msio_uvh5_axis {
    MSIO_UVH5_UNORDERED = 0,
    MSIO_UVH5_TIME_MAJOR = 1,    /* each time's rows stand together */
    MSIO_UVH5_BASELINE_MAJOR = 2 /* each baseline's rows stand together */
} msio_uvh5_axis;

typedef struct msio_uvh5_order {
    msio_uvh5_axis axis; /* time-major where both hold: one time, one baseline */
    int rectangular;     /* 1: the rows are [times][baselines] (or [baselines][times]), the inner ones in the same order
                            each time, none twice */
    int ascending;       /* 1: times ascend from one to the next: along the rows, or for each baseline */
    int64_t times;       /* that differ */
    int64_t baselines;   /* that differ; (1, 2) and (2, 1) do */
} msio_uvh5_order;

/* Finds the order of rows from their times and antennas, whatever the header says of it: of the rows of an array read
 * with MSIO_UVH5_TIME and MSIO_UVH5_ANTENNAS. Times are the same when they are equal to the last bit.
 * Errors: MSIO_E_ARGUMENT (arrays that are missing), MSIO_E_FORMAT (a time that is no number), MSIO_E_MEMORY. */
MSIO_API msio_status msio_uvh5_rows_order(const msio_uvh5_rows *rows, msio_uvh5_order *order);
/* The same of the whole file. Errors: those of msio_uvh5_rows_read too. */
MSIO_API msio_status msio_uvh5_order_find(msio_uvh5 *file, msio_uvh5_order *order);

#ifdef __cplusplus
}
#endif
#endif
