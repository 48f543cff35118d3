// unlocked.cc - cells of a table for Python's ctypes, which leaves Python's lock for the length of a call as CASA's
// tools do.
#include <casacore/casa/Arrays/Array.h>
#include <casacore/casa/BasicSL/Complex.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/Table.h>

#include <memory>

#define EXPORT __attribute__((visibility("default")))

namespace {
std::unique_ptr<casacore::Table> table;
}

extern "C" EXPORT void open_table(const char *path) { table = std::make_unique<casacore::Table>(path); }

extern "C" EXPORT double data_cell(long row) {
    return casacore::ArrayColumn<casacore::DComplex>(*table, "DATA")
        .get(static_cast<casacore::rownr_t>(row))
        .data()[1]
        .real();
}

extern "C" EXPORT double uvw_cell(long row) {
    return casacore::ArrayColumn<casacore::Double>(*table, "UVW").get(static_cast<casacore::rownr_t>(row)).data()[1];
}

// The cells of many rows within one call.
extern "C" EXPORT double data_cells(long rows) {
    double sum = 0;
    for (long row = 0; row < rows; row++) sum += data_cell(row);
    return sum;
}

extern "C" EXPORT void close_table() { table.reset(); }
