// shim_table.cc - the casacore module: paths and columns of an open table.

#include "io/casacore/shim/shim_table.h"
#include "io/casacore/shim/shim_errors.h"

#include <casacore/casa/OS/Path.h>
#include <casacore/casa/Utilities/DataType.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/TableDesc.h>

namespace shim {

void check_path(const std::string &path) {
    const std::string expanded = cc::Path(path).expandedName();
    if (expanded != path || path.find("::") != std::string::npos)
        refuse(MSIO_E_ARGUMENT, "casacore does not take ~, $ or :: in a path as they stand");
}

cc::TableColumn open_column(const cc::Table &table, const char *name) {
    const cc::TableDesc &desc = table.tableDesc();
    if (!desc.isColumn(name)) refuse(MSIO_E_NO_COLUMN, std::string("no column ") + name);
    const cc::ColumnDesc &column = desc.columnDesc(name);
    if (!column.isScalar() && !column.isArray())
        refuse(MSIO_E_UNSUPPORTED, std::string("column ") + name + " holds records or tables");
    if (column.dataType() == cc::TpRecord || column.dataType() == cc::TpOther)
        refuse(MSIO_E_UNSUPPORTED, std::string("column ") + name + " holds records or a type of its own");
    return cc::TableColumn(table, name);
}

} // namespace shim
