// shim_cut.h - the casacore module: the rows and the parts of cells that a call wants.
#ifndef MSIO_IO_SHIM_CUT_H
#define MSIO_IO_SHIM_CUT_H

#include "io/casacore/casacore_shim.h"

#include <casacore/casa/Arrays/IPosition.h>
#include <casacore/casa/Arrays/Slicer.h>
#include <casacore/tables/Tables/Table.h>

#include <cstdint>

namespace cc = casacore;

namespace shim {

inline int64_t row_at(const msio_casa_row_set &rows, int64_t place) {
    return rows.list ? rows.list[place] : rows.row + place * rows.step;
}

// Refuses rows that the table does not have.
void check_rows(const cc::Table &table, const msio_casa_row_set &rows);

// The part of a cell that is wanted, in casacore's order of axes.
struct Cut {
    bool whole = true;
    cc::IPosition start, length, step;

    int64_t elements() const {
        int64_t product = 1;
        for (size_t i = 0; i < length.size(); i++) product *= length[i];
        return product;
    }
    cc::Slicer slicer() const { return cc::Slicer(start, length, step); }
};

// The part of a cell of that shape; without a part, all of it.
Cut cut_cell(const cc::IPosition &shape, const msio_casa_part *part);

} // namespace shim

#endif
