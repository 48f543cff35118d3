// shim_define.cc - the casacore module: columns and data managers as casacore describes them.

#include "io/casacore/shim/shim_define.h"
#include "io/casacore/shim/shim_types.h"

#include <casacore/casa/Arrays/Vector.h>
#include <casacore/casa/Containers/Record.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ScaColDesc.h>

namespace shim {

void define_column(cc::TableDesc &desc, int type, const Definition &c) {
    visit_type(type, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if (c.ndim == 0)
            desc.addColumn(cc::ScalarColumnDesc<T>(c.name, c.comment, c.manager_type, c.manager));
        else if (c.option)
            desc.addColumn(cc::ArrayColumnDesc<T>(c.name, c.comment, c.manager_type, c.manager, c.shape, c.option));
        else
            desc.addColumn(cc::ArrayColumnDesc<T>(c.name, c.comment, c.manager_type, c.manager, c.ndim));
    });
}

std::unique_ptr<cc::DataManager> make_manager(const std::string &type, const std::string &name,
                                              const cc::IPosition &tile, int64_t bucket_bytes, int64_t bucket_rows) {
    cc::Record options;
    if (!tile.empty()) options.define("DEFAULTTILESHAPE", tile.asVector());
    if (bucket_bytes > 0) options.define("BUCKETSIZE", static_cast<cc::Int>(bucket_bytes));
    if (bucket_rows > 0) options.define("BUCKETROWS", static_cast<cc::Int>(bucket_rows));
    return std::unique_ptr<cc::DataManager>(cc::DataManager::getCtor(type)(name, options));
}

} // namespace shim
