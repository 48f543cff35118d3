// shim_cells.h - the casacore module: what dense and ragged reading share: scalars, and cells one by one.
#ifndef MSIO_IO_SHIM_CELLS_H
#define MSIO_IO_SHIM_CELLS_H

#include "io/casacore/shim/shim_cut.h"
#include "io/casacore/shim/shim_errors.h"

#include <casacore/casa/Arrays/Array.h>
#include <casacore/casa/Arrays/Vector.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/RefRows.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/Table.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace shim {

// One read call: what it wants, and where the first bad cell goes.
struct Request {
    const msio_casa_row_set &rows;
    const msio_casa_part *part;
    int64_t *bad;

    [[noreturn]] void refuse_cell(msio_status status, int64_t place, const std::string &text) const {
        *bad = place;
        refuse(status, "row " + std::to_string(row_at(rows, place)) + ": " + text);
    }
};

cc::Slicer row_slicer(const msio_casa_row_set &rows);
cc::RefRows row_list(const msio_casa_row_set &rows);

// Refuses room for an answer that is not the answer's size.
void check_size(size_t out_bytes, int64_t cells, int64_t elements, size_t element_bytes);

// Most managers fill the array that they are given, but some put another one in its place, which then has to be copied.
template <typename T> void settle(const cc::Array<T> &values, T *out, size_t elements) {
    if (values.data() == out) return;
    if (values.size() != elements) refuse(MSIO_E_CASACORE, "casacore delivered an array of another size");
    std::copy(values.begin(), values.end(), out);
}

template <typename T> void read_scalars(const cc::Table &table, const char *name, const Request &want, T *out) {
    cc::ScalarColumn<T> column(table, name);
    cc::Vector<T> values(cc::IPosition(1, want.rows.count), out, cc::SHARE);
    if (want.rows.list)
        column.getColumnCells(row_list(want.rows), values);
    else
        column.getColumnRange(row_slicer(want.rows), values);
    settle(values, out, static_cast<size_t>(want.rows.count));
}

// Reads one cell's part into out.
template <typename T> void read_cell(const cc::ArrayColumn<T> &column, cc::rownr_t row, const Cut &cut, T *out) {
    cc::Array<T> values(cut.length, out, cc::SHARE);
    if (cut.whole)
        column.get(row, values);
    else
        column.getSlice(row, cut.slicer(), values);
    settle(values, out, static_cast<size_t>(cut.elements()));
}

} // namespace shim

#endif
