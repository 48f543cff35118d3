/* module.h - modules of msio that are loaded at run time: the ones that wrap casacore and HDF5. */
#ifndef MSIO_IO_MODULE_H
#define MSIO_IO_MODULE_H

#include "msio/core.h"

#include <limits.h>

/* One module, as a static variable; path is kept once it is known. */
typedef struct msio_module {
    const char *file;     /* "msio_casacore.so" */
    const char *variable; /* of the environment: names another one */
    const char *symbol;   /* the module's one symbol, a function */
    const char *what;     /* "casacore" */
    const char *packages; /* what to install where the module's own libraries are missing, and what to build it with */
    const char *build;
    msio_status missing; /* what a module that cannot be had is */
    char *named;         /* what the environment said at the first call; NULL: nothing */
    int named_known;
} msio_module;

/* Opens the module: the one that the environment named when it was first asked, else the first of the places where it
 * is installed or built. *symbol: its function; the module stays. Not thread-safe: under a lock of the caller's.
 * Errors: module->missing, MSIO_E_MEMORY. */
msio_status msio_module_open(msio_module *module, void **symbol);
/* Where it is or should be, without loading it. The same lock and errors. */
msio_status msio_module_path(msio_module *module, char path[PATH_MAX]);

#endif
