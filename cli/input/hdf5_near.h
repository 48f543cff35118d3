/* hdf5_near.h - names of datasets that are near one that is not there. */
#ifndef MSIO_CLI_HDF5_NEAR_H
#define MSIO_CLI_HDF5_NEAR_H

#include "cli/command.h"

/* Tells, after msio_hdf5_dataset did not find it, that there is no such dataset, and which ones have names like it.
 * Returns the exit code. */
int cli_hdf5_tell_near(const cli_context *cli, const char *path, const char *wanted, const char *const *names,
                       int count);

#endif
