/* hdf5_summary.h - what `msio info` tells of an HDF5 file, collected before it is printed. */
#ifndef MSIO_CLI_HDF5_SUMMARY_H
#define MSIO_CLI_HDF5_SUMMARY_H

#include "cli/common/failure.h"
#include "cli/common/json.h"
#include "msio/uvh5.h"

typedef struct cli_hdf5_column {
    const char *name;
    const msio_dataset_info *info; /* NULL: it cannot be described */
    cli_error error;
} cli_hdf5_column;

/* A spectral window: a number of spw_array, and the channels that belong to it. */
typedef struct cli_uvh5_window {
    int32_t number;
    int64_t channels;
    double *frequencies, *widths; /* Hz, in the file's order */
} cli_uvh5_window;

typedef struct cli_hdf5_summary {
    const char *path; /* as the user gave it */
    int64_t bytes;
    msio_hdf5 *file;
    int count; /* of UVH5: the arrays of Data; else all datasets */
    cli_hdf5_column *columns;

    /* Of UVH5. */
    msio_uvh5 *uvh5;
    const msio_uvh5_header *header; /* NULL: no UVH5 file */
    cli_uvh5_window *windows;
    double times[2];       /* first and last, JD; NaN: unknown */
    double integration[2]; /* shortest and longest, s; NaN: unknown */
    msio_uvh5_order order; /* times 0: unknown */

    cli_error error; /* the first thing that could not be read */
} cli_hdf5_summary;

/* Opens the file and collects. Returns 0, or an exit code after telling when the file itself cannot be read; what is
 * wrong with its parts is kept in them, and the first of it in `error`. */
int cli_hdf5_summary_load(const cli_context *cli, const char *path, cli_hdf5_summary *summary);
void cli_hdf5_summary_free(cli_hdf5_summary *summary);

void cli_hdf5_summary_json(const cli_hdf5_summary *summary, FILE *out);
/* all: 1 prints long lists whole. */
void cli_hdf5_summary_text(const cli_hdf5_summary *summary, int all, FILE *out);

/* The parts that are of UVH5 alone: collected, as members of an object that is open, and printed. */
void cli_uvh5_collect(cli_hdf5_summary *summary);
void cli_uvh5_free(cli_hdf5_summary *summary);
void cli_uvh5_json(cli_json *json, const cli_hdf5_summary *summary);
void cli_uvh5_text(const cli_hdf5_summary *summary, int all, FILE *out);

/* A time in JD as seconds of MJD. */
double cli_uvh5_seconds(double jd);
/* "UTC" where the header says nothing else. */
const char *cli_uvh5_timesys(const msio_uvh5_header *header);
/* casacore's Stokes code of a polarization number (AIPS memo 117); 0 where it has none. */
int cli_uvh5_stokes(int polarization);
/* Where an antenna stands, ITRF, m. Returns 0, or -1 where the header does not say. */
int cli_uvh5_position(const msio_uvh5_header *header, int64_t antenna, double position[3]);

#endif
