// oracle_cells.h - a column's cells as casacore reads them, and what a selection of them must give.
#ifndef MSIO_TESTS_ORACLE_CELLS_H
#define MSIO_TESTS_ORACLE_CELLS_H

#include "msio/io.h"
#include "oracle_values.h"

#include <casacore/tables/Tables/Table.h>

#include <string>
#include <vector>

namespace oracle {

struct Cell {
    bool defined = false;
    bool array = false;
    bool threw = false; // casacore threw, and so does what reads through it
    int ndim = 0;
    int64_t shape[MSIO_MAX_NDIM] = {}; // numpy order
    int64_t first = 0, count = 0;      // elements
};

// Cells of the rows `rows` (ascending), or of all rows when that is empty.
struct Cells {
    casacore::DataType type = casacore::TpOther;
    size_t size = 0; // bytes of an element; 0 for strings
    std::vector<int64_t> rows;
    std::vector<Cell> cell;
    std::vector<uint8_t> bytes;
    std::vector<std::string> text;

    const Cell &at(int64_t row) const;
    bool any_undefined() const;
};

Cells read_cells(const casacore::Table &table, const casacore::String &column, const std::vector<int64_t> &rows);

struct Axis {
    int64_t start = 0, count = -1, step = 1;
    bool whole() const { return start == 0 && count == -1 && step == 1; }
};

// A selection in words that both sides understand.
struct Selection {
    std::string name;
    std::vector<int64_t> rows;             // wanted, in order
    bool list = false;                     // given as a list
    int64_t row = 0, count = -1, step = 1; // else as these
    Axis chan, corr;

    msio_select c() const;
    // Without the axes that a column's cells of `ndim` axes lack, as in reads of many columns: UVW has neither, and
    // IMAGING_WEIGHT no correlations.
    Selection for_axes(const std::string &column, int ndim) const;
};

// Bytes, and shape, of the wanted part of a cell. Strings: only the elements' numbers.
struct Part {
    int ndim = 0;
    int64_t shape[MSIO_MAX_NDIM] = {};
    std::vector<int64_t> elements; // of Cells::bytes or ::text
};
Part part_of(const Cell &cell, const Selection &selection);

// Whether there are defined cells in the selection, and all of them have the axes and the length that it asks for.
bool applies(const Cells &cells, const Selection &selection);

struct Dense {
    bool undefined = false, differ = false, parts_differ = false, no_axes = false;
    std::vector<int64_t> shape; // of a part
    std::vector<uint8_t> bytes; // valid where parts agree; undefined cells hold the fill
    bool shape_known = false;
};
Dense dense_of(const Cells &cells, const Selection &selection, const std::vector<uint8_t> &fill);

} // namespace oracle
#endif
