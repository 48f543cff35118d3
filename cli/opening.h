/* opening.h - opening the tables that the user names. */
#ifndef MSIO_CLI_OPENING_H
#define MSIO_CLI_OPENING_H

#include "cli/command.h"

/* The library's options for what the user asked. */
msio_open_opts cli_open_opts(const cli_context *cli);
/* Opens the table. Returns 0, or an exit code after telling; an HDF5 file is told by its kind. */
int cli_table_open(const cli_context *cli, const char *path, msio_table **table);
/* Bytes of all files in a folder and below; links are not followed; -1 where it cannot be listed. */
int64_t cli_folder_bytes(const char *path);
/* 1 when the table is the main table of a Measurement Set. */
int cli_table_is_ms(msio_table *table);

#endif
