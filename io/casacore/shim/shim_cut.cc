// shim_cut.cc - the casacore module: the rows and the parts of cells that a call wants.

#include "io/casacore/shim/shim_cut.h"
#include "io/casacore/shim/shim_errors.h"

#include <string>

namespace shim {

namespace {

void cut_axis(Cut &cut, size_t axis, const char *name, int64_t start, int64_t count, int64_t step) {
    if (start == 0 && count == -1 && step == 1) return;
    if (axis >= cut.length.size())
        refuse(MSIO_E_RANGE, std::string("a part of the ") + name + " axis asked for, the cells have " +
                                 std::to_string(cut.length.size()) + " axes");
    const int64_t extent = cut.length[axis];
    bool sound = start >= 0 && start <= extent && step >= 1 && count >= -1;
    if (sound && count == -1) count = (extent - start + step - 1) / step;
    if (sound && count > 0) sound = start < extent && count - 1 <= (extent - 1 - start) / step;
    if (!sound)
        refuse(MSIO_E_RANGE, std::string(name) + "s from " + std::to_string(start) + ", " + std::to_string(count) +
                                 " in steps of " + std::to_string(step) + " asked for, the cells have " +
                                 std::to_string(extent));
    cut.whole = cut.whole && start == 0 && step == 1 && count == extent;
    cut.start[axis] = start;
    cut.length[axis] = count;
    cut.step[axis] = step;
}

} // namespace

void check_rows(const cc::Table &table, const msio_casa_row_set &rows) {
    const auto nrow = static_cast<int64_t>(table.nrow());
    if (rows.count < 0 || (!rows.list && (rows.step < 1 || rows.row < 0)))
        refuse(MSIO_E_ARGUMENT, "a row or a row count below 0, or a row step below 1");
    const auto refuse_row = [nrow](int64_t row) {
        refuse(MSIO_E_RANGE,
               "row " + std::to_string(row) + " asked for, casacore sees " + std::to_string(nrow) + " rows");
    };
    if (rows.list) {
        for (int64_t i = 0; i < rows.count; i++)
            if (rows.list[i] < 0 || rows.list[i] >= nrow) refuse_row(rows.list[i]);
    } else if (rows.count > 0) {
        if (rows.row >= nrow) refuse_row(rows.row);
        if (rows.count - 1 > (nrow - 1 - rows.row) / rows.step) refuse_row(nrow);
    }
}

Cut cut_cell(const cc::IPosition &shape, const msio_casa_part *part) {
    Cut cut;
    cut.start = cc::IPosition(shape.size(), 0);
    cut.length = shape;
    cut.step = cc::IPosition(shape.size(), 1);
    if (part) {
        cut_axis(cut, 0, "correlation", part->corr, part->corrs, part->corr_step);
        cut_axis(cut, 1, "channel", part->chan, part->chans, part->chan_step);
    }
    return cut;
}

} // namespace shim
