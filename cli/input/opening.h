/* opening.h - opening the tables and HDF5 files that the user names. */
#ifndef MSIO_CLI_OPENING_H
#define MSIO_CLI_OPENING_H

#include "cli/command.h"
#include "msio/hdf5.h"

/* The library's options for what the user asked. */
msio_open_opts cli_open_opts(const cli_context *cli);
/* Opens the table. Returns 0, or an exit code after telling; an HDF5 file is refused by its kind. */
int cli_table_open(const cli_context *cli, const char *path, msio_table **table);
/* 1 when the path is to be read as an HDF5 file: a file that has HDF5's mark, or is named as one (.hdf5, .h5, .uvh5).
 */
int cli_is_hdf5(const char *path);
/* Opens it. Returns 0, or an exit code after telling. */
int cli_hdf5_open(const cli_context *cli, const char *path, msio_hdf5 **file);
/* Bytes of a file; -1 where it is not there. */
int64_t cli_file_bytes(const char *path);
/* Bytes of all files in a folder and below; links are not followed; -1 where it cannot be listed. */
int64_t cli_folder_bytes(const char *path);
/* 1 when the table is the main table of a Measurement Set. */
int cli_table_is_ms(msio_table *table);

#endif
