/* conversion.h - what the parts of a conversion share: what is read, what it becomes, how far it has come. */
#ifndef MSIO_IO_CONVERSION_H
#define MSIO_IO_CONVERSION_H

#include "core/arena.h"
#include "core/checked.h"
#include "core/threads.h"
#include "io/casacore/casacore_module.h"
#include "io/convert/antenna_table.h"
#include "io/convert/astrometry.h"
#include "msio/convert.h"

#include <stdbool.h>
#include <sys/types.h>

/* Seconds of MJD of a Julian date, as pyuvdata computes them. */
static inline double msio_mjd_seconds(double jd) { return (jd - 2400000.5) * 86400.0; }

/* A field: a phase centre that rows belong to. */
typedef struct msio_conv_field {
    const char *name;
    int32_t id; /* SOURCE_ID */
    double direction[2];
    double proper_motion[2];
    double time;                             /* MJD s: of its first row */
    int32_t frame;                           /* casacore's number of its frame, by msio_conv_frames */
    const msio_uvh5_phase_center *ephemeris; /* NULL: it stays where it is */
} msio_conv_field;

/* An antenna as the table has it; rows of ANTENNA are antenna numbers. */
typedef struct msio_conv_antenna {
    const char *name; /* NULL: no antenna has this number */
    const char *mount;
    double position[3]; /* m, ITRF */
    double offset[3];   /* m, from the site */
    double diameter;
    bool placed;             /* by the antenna file */
    const char *const *feed; /* [feeds] */
    const double *feed_angle;
} msio_conv_antenna;

typedef struct msio_conversion {
    msio_convert_opts opts;
    const msio_group *group; /* NULL: the paths */
    int paths;
    const char *const *path;
    msio_arena arena; /* of all below */

    msio_load_stream *stream; /* NULL: nothing is open */
    msio_subbands facts;      /* the stream's: all but the arrays */
    const msio_uvh5_header *header;
    msio_uvh5_rows
        more; /* of the first file's rows: sidereal times, or numbers of phase centres; as many as there are */
    msio_earth *earth;
    msio_antenna_table *places; /* of the antenna file */
    msio_site site;
    msio_convert_phase phase;

    int64_t rows; /* of each window */
    int windows;
    const int32_t *window_id; /* [windows]: of names and ASSOC_SPW_ID */
    int64_t most_channels;    /* of a window */
    bool equal_windows;       /* all have as many channels */
    int pols;
    int order[4];         /* place in the files of correlation i */
    int32_t corr_type[4]; /* casacore's Stokes */
    int swap[4];          /* where correlation i of a row that is turned comes from, among the files' */

    /* Of the rows of a window. */
    int32_t *antenna1, *antenna2;
    uint8_t *turned; /* [rows]: antennas exchanged, so that DATA is not conjugated; NULL: none is */
    double (*uvw)[3];
    double *delay; /* [rows], m: by which the files' visibilities are turned; NULL: they are not */
    /* The same by antenna, of which a row's is the second's less the first's: [times][antennas], and of each row its
     * time among them. NULL: there are so many times and antennas that it does not pay. */
    double *antenna_delay;
    int32_t *time_of;
    int32_t *field_id, *scan;
    double median_time; /* MJD s */
    double span[2];     /* JD: the first time and the last one */

    int fields;
    msio_conv_field *field;
    const char *frame; /* casacore's, of the first field */
    bool mixed_frames; /* fields name their own */

    int antennas; /* rows of ANTENNA */
    msio_conv_antenna *antenna;
    int feeds;
    bool has_feeds; /* the files say which; else the polarizations do */

    int64_t done, total; /* bytes written */
    int64_t bytes_read;
} msio_conversion;

/* ---------------------------------------------------------------- what is read (convert_source.c) */

/* Opens and compares the files: the facts, the header, the antenna file. */
msio_status msio_conv_open(msio_conversion *c);
/* Takes in what they say of windows, polarizations, antennas and rows. No file is touched from here to the tables, but
 * for what msio_conv_read_more reads. */
msio_status msio_conv_take_in(msio_conversion *c);
/* Reads what the chosen phase needs besides: more, and the Earth's orientation. */
msio_status msio_conv_read_more(msio_conversion *c);
void *msio_conv_memory(msio_conversion *c, int64_t count, size_t size, msio_status *status);

/* ---------------------------------------------------------------- where they look (convert_fields.c) */

/* The phase that is wanted, or fits what was taken in. */
msio_status msio_conv_choose_phase(msio_conversion *c);
/* casacore's frames of directions: the number is the place in the list, as pyuvdata counts them. */
extern const char *const msio_conv_frames[];
extern const int msio_conv_frame_count;
/* Fields, scans, and u, v, w of the rows. */
msio_status msio_conv_fields(msio_conversion *c);

/* ---------------------------------------------------------------- the tables (convert_tables.c, convert_subtables.c)
 */

/* Makes the table and its subtables at path: all but the tiled columns and what has a value a row. Begins it, and goes
 * on at once; what was begun is to be ended. MSIO_E_IO. */
typedef struct msio_conv_tables {
    const char *path;
    int words; /* what the child says */
    pid_t child;
} msio_conv_tables;
msio_status msio_conv_tables_begin(msio_conversion *c, const char *path, msio_conv_tables *tables);
/* Waits until they are made. MSIO_E_CASACORE, MSIO_E_IO. */
msio_status msio_conv_tables_end(const msio_conv_tables *tables);
msio_status msio_conv_subtables(msio_conversion *c, const char *path, msio_casa_table *table);
/* Keywords of the main table and its columns; they live as long as the arena. */
msio_status msio_conv_keywords(msio_conversion *c, int *count, const msio_casa_keyword_spec **keyword);

/* Bytes that the tiled columns take on the disk. */
int64_t msio_conv_bytes(const msio_conversion *c);
/* The tile of a column whose cells have that many axes (0: UVW has its own), numpy order. */
void msio_conv_tile(const msio_conversion *c, int64_t channels, int64_t tile[3]);

/* ---------------------------------------------------------------- the data (convert_data.c) */

/* Half of the threads turn and write; the others read meanwhile. More would wait for each other, and those that wait
 * for OpenMP take processors from those that work. */
static inline int msio_conv_writing_threads(const msio_conversion *c) {
    return (int)msio_max(1, msio_threads_for(c->opts.threads) / 2);
}
static inline int msio_conv_reading_threads(const msio_conversion *c) {
    return (int)msio_max(1, msio_threads_for(c->opts.threads) - msio_conv_writing_threads(c));
}

/* Fills the columns of the table at path with what is read. */
msio_status msio_conv_data(msio_conversion *c, const char *path);

/* ---------------------------------------------------------------- progress (convert_report.c) */

/* So many more bytes are written: tells the caller; MSIO_E_CANCELLED when it wants to stop. */
msio_status msio_conv_report(msio_conversion *c, int64_t bytes);

#endif
