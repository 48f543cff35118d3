/* hdf5_shim_plugins.c - the HDF5 module: folders of plugins, and which filters the library can undo. */
#include "io/hdf5_module/hdf5_shim_private.h"

#include <stdio.h>
#include <string.h>

/* Whether the library looks into the folder already. */
static bool is_known(const char *folder) {
    unsigned n = 0;
    if (H5PLsize(&n) < 0) return false;
    for (unsigned i = 0; i < n; i++) {
        char known[4096];
        if (H5PLget(i, known, sizeof known) >= 0 && strcmp(known, folder) == 0) return true;
    }
    return false;
}

msio_status msio_h5_shim_plugins(const char *folder, msio_h5_message *message) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    msio_status status = MSIO_OK;
    if (!is_known(folder) && H5PLappend(folder) < 0)
        status = msio_h5_say(message, MSIO_E_UNSUPPORTED, "adding a folder of plugins", NULL);
    msio_h5_quiet_end(&quiet);
    return status;
}

/* Plugins that may not be loaded are none. */
bool msio_h5_shim_undoes(int filter) {
    msio_h5_quiet quiet = msio_h5_quiet_begin();
    unsigned can = 0;
    bool good =
        H5Zfilter_avail(filter) > 0 && H5Zget_filter_info(filter, &can) >= 0 && can & H5Z_FILTER_CONFIG_DECODE_ENABLED;
    msio_h5_quiet_end(&quiet);
    return good;
}
