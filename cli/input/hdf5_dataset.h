/* hdf5_dataset.h - the dataset that the user names, and the part of it that is wanted. */
#ifndef MSIO_CLI_HDF5_DATASET_H
#define MSIO_CLI_HDF5_DATASET_H

#include "cli/input/selection.h"
#include "msio/hdf5.h"

typedef struct cli_dataset {
    const char *path; /* of the file */
    msio_hdf5 *file;
    const msio_dataset *dataset;
    const msio_dataset_info *info;
    int left_out; /* the stored axis that results leave out: the spectral windows' of old UVH5 files; -1: none */

    /* Of the selection. */
    int ndim;                       /* axes of the result; 0: a single value */
    int64_t shape[MSIO_MAX_NDIM];   /* and its shape */
    int64_t rows;                   /* shape[0]; 1 of a single value */
    int64_t places;                 /* elements that a row of the result has */
    int64_t places_read;            /* elements that the library delivers a row */
    cli_range range[MSIO_MAX_NDIM]; /* of each stored axis, as wanted */
    cli_range local[MSIO_MAX_NDIM]; /* what is wanted of the places that the library delivers of it; not of rows */
    int64_t came[MSIO_MAX_NDIM];    /* how many places those are */
    msio_select select;             /* channels and correlations, as the library is asked */
    int rearranged;                 /* 1: what it delivers is not yet what is wanted */
} cli_dataset;
#define CLI_DATASET_INIT                                                                                               \
    { .left_out = -1, .select = MSIO_SELECT_ALL }

/* Opens the file and finds the dataset; for a name that is not there, near ones are told. Returns 0, or an exit code
 * after telling. */
int cli_dataset_open(const cli_context *cli, const char *path, const char *name, cli_dataset *dataset);
void cli_dataset_close(cli_dataset *dataset); /* takes one that was not opened */

/* Applies the slices: --rows to the first axis, --chans to the second, --corrs to the third, the one left out not
 * counted. Returns 0, or an exit code after telling. */
int cli_dataset_select(const cli_context *cli, cli_dataset *dataset, const cli_selection *selection);

/* What the library is asked for rows first .. first + count of the result: they come in ascending order. */
msio_select cli_dataset_part(const cli_dataset *dataset, int64_t first, int64_t count);
/* Brings `rows` rows that came into the order of the result: elements of so many bytes. */
void cli_dataset_arrange(const cli_dataset *dataset, int64_t rows, const void *from, size_t element, void *to);

/* 1 when the file is laid out as UVH5: it has visibilities, and a header. */
int cli_hdf5_is_uvh5(const char *const *names, int count);
/* 1 when the name is that of visibilities, flags or sample counts. */
int cli_hdf5_is_data(const char *name);

#endif
