// shim_define.h - the casacore module: columns and data managers as casacore describes them.
#ifndef MSIO_IO_SHIM_DEFINE_H
#define MSIO_IO_SHIM_DEFINE_H

#include <casacore/casa/Arrays/IPosition.h>
#include <casacore/tables/DataMan/DataManager.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <cstdint>
#include <memory>
#include <string>

namespace cc = casacore;

namespace shim {

// A column to be: ndim 0 is a scalar; option is ColumnDesc's, with a shape, or 0 for cells of any shape.
struct Definition {
    std::string name, comment, manager_type, manager;
    int ndim = 0, option = 0;
    cc::IPosition shape;
};

void define_column(cc::TableDesc &desc, int type, const Definition &column);

// A data manager with tiles of that shape unless it is empty, and buckets of so many bytes or rows where above 0.
std::unique_ptr<cc::DataManager> make_manager(const std::string &type, const std::string &name,
                                              const cc::IPosition &tile, int64_t bucket_bytes, int64_t bucket_rows);

} // namespace shim

#endif
