/* read_run.h - one run of `msio read`: what its ways of writing share. */
#ifndef MSIO_CLI_READ_RUN_H
#define MSIO_CLI_READ_RUN_H

#include "cli/input/hdf5_dataset.h"
#include "cli/input/selection.h"
#include "cli/output/npy.h"
#include "cli/output/output.h"
#include "cli/output/progress.h"

/* Bytes of values that a run keeps in memory. */
#define CLI_READ_MEMORY ((int64_t)256 << 20)

/* CLI_SHOWN: for eyes, on a terminal; the others can be asked for. */
typedef enum cli_format { CLI_NPY, CLI_RAW, CLI_LINES, CLI_SHOWN } cli_format;

typedef struct cli_read {
    const cli_context *cli;
    const char *path, *name; /* of the table and of the column, or of the HDF5 file and of the dataset */
    const char *out;         /* NULL or "-": standard output */
    cli_format format;
    msio_table *table;
    const msio_column *column;
    const msio_column_info *info;
    cli_dataset dataset; /* its file is NULL where a column is read */
    msio_type type;
    cli_selection selection;
    cli_output output;
    cli_progress progress;
    cli_dtype dtype; /* of what was written; "" for lines */
    int ndim;        /* and its shape; -1: the cells differ */
    int64_t shape[MSIO_MAX_NDIM + 1];
} cli_read;

/* Each writes the selected cells to the output that is open, and sets dtype and shape. Returns 0, or an exit code after
 * telling. */
int cli_read_dense(cli_read *run); /* npy and raw, but strings */
int cli_read_text(cli_read *run);  /* npy of strings */
int cli_read_lines(cli_read *run); /* JSON, a line a row */
int cli_read_hdf5(cli_read *run);  /* a dataset, in any format but CLI_SHOWN */
/* A column or a dataset as text: both ends of it, of which no other row is read. Holds the table's lock meanwhile. */
int cli_read_show(cli_read *run);

/* Writes a string as `width` code points of four bytes, which `points` has room for. */
int cli_read_put_text(cli_read *run, const char *text, size_t length, uint32_t *points, size_t width);
/* Reads the cells of rows first .. first + count of the selection. Returns 0, or an exit code after telling. */
int cli_read_part(cli_read *run, int64_t first, int64_t count, msio_ragged *cells);

/* Reads the selection part by part, in order, and hands each to `each`, whose 0 goes on; tells the progress. Returns 0,
 * or an exit code after telling. */
typedef int cli_read_visit(cli_read *run, const msio_ragged *cells, int64_t first, void *state);
int cli_read_parts(cli_read *run, cli_read_visit *each, void *state);

#endif
