/* hdf5_summary.c - collecting what `msio info` tells of an HDF5 file. */
#include "cli/info/hdf5_summary.h"

#include "cli/input/hdf5_dataset.h"
#include "cli/input/opening.h"

#include <stdlib.h>
#include <string.h>

static void keep_first(cli_hdf5_summary *summary, cli_error *error) {
    cli_error_keep(error, summary->path);
    if (summary->error.code == MSIO_OK) summary->error = *error;
}

static void describe(cli_hdf5_summary *summary, const char *name) {
    cli_hdf5_column *column = &summary->columns[summary->count++];
    const msio_dataset *dataset;
    memset(column, 0, sizeof *column);
    column->name = name;
    if (msio_hdf5_dataset(summary->file, name, &dataset) == MSIO_OK) column->info = msio_dataset_describe(dataset);
    if (!column->info) keep_first(summary, &column->error);
}

/* The header of a file that has one; a damaged one is told, and the file is then an HDF5 file like another. */
static void open_uvh5(const cli_context *cli, cli_hdf5_summary *summary) {
    msio_hdf5_opts opts = MSIO_HDF5_OPTS_INIT;
    cli_error error;
    opts.native = cli->native;
    opts.nolock = cli->nolock;
    if (msio_uvh5_open(summary->path, &opts, &summary->uvh5) == MSIO_OK)
        summary->header = msio_uvh5_describe(summary->uvh5);
    else
        keep_first(summary, &error);
}

int cli_hdf5_summary_load(const cli_context *cli, const char *path, cli_hdf5_summary *summary) {
    const char *const *names;
    int count;
    memset(summary, 0, sizeof *summary);
    summary->path = path;
    int code = cli_hdf5_open(cli, path, &summary->file);
    if (code) return code;
    if (msio_hdf5_names(summary->file, &count, &names)) return cli_fail_status(cli, path);
    summary->bytes = cli_file_bytes(path);
    if (cli_hdf5_is_uvh5(names, count)) open_uvh5(cli, summary);
    summary->columns = cli_alloc_many((size_t)count, sizeof *summary->columns);
    for (int i = 0; i < count; i++)
        if (!summary->header || strncmp(names[i], "Header/", strlen("Header/")) != 0) describe(summary, names[i]);
    if (summary->header) cli_uvh5_collect(summary);
    return 0;
}

void cli_hdf5_summary_free(cli_hdf5_summary *summary) {
    cli_uvh5_free(summary);
    free(summary->columns);
    msio_uvh5_close(summary->uvh5);
    msio_hdf5_close(summary->file);
}
