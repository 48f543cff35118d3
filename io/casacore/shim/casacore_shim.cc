// casacore_shim.cc - the casacore module: its one symbol, the table of its calls.

#include "io/casacore/casacore_shim.h"
#include "io/casacore/shim/shim_calls.h"

#include <casacore/casa/version.h>

namespace {

using namespace shim;

const char *shim_version() noexcept { return casacore::getVersion(); }

const msio_casa_functions functions = {
    MSIO_CASA_VERSION, sizeof(msio_casa_functions),
    shim_version,      shim_open,
    shim_close,        shim_reopen,
    shim_path,         shim_rows,
    shim_columns,      shim_column,
    shim_readable,     shim_shapes,
    shim_read,         shim_read_ragged,
    shim_read_strings, shim_create,
    shim_shape,        shim_put,
    shim_put_strings,  shim_link,
    shim_flush,        shim_change,
    shim_edit,         shim_put_cells,
    shim_put_texts,    shim_settle,
};

} // namespace

extern "C" MSIO_API const msio_casa_functions *msio_casacore_functions(void) { return &functions; }
