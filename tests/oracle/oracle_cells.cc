// oracle_cells.cc - a column's cells as casacore reads them, and what a selection of them must give.
#include "oracle_cells.h"

#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/TableColumn.h>

#include <algorithm>

using namespace casacore;

namespace oracle {

const Cell &Cells::at(int64_t row) const {
    if (rows.empty()) return cell[static_cast<size_t>(row)];
    return cell[static_cast<size_t>(std::lower_bound(rows.begin(), rows.end(), row) - rows.begin())];
}

bool Cells::any_undefined() const {
    return std::any_of(cell.begin(), cell.end(), [](const Cell &c) { return !c.defined; });
}

template <class T> static void append(Cells &cells, const T *values, size_t n) {
    if constexpr (std::is_same_v<T, String>) {
        for (size_t i = 0; i < n; i++) cells.text.emplace_back(values[i].begin(), values[i].end());
    } else {
        const auto *bytes = reinterpret_cast<const uint8_t *>(values);
        cells.bytes.insert(cells.bytes.end(), bytes, bytes + n * sizeof(T));
    }
}

template <class T> static Cell array_cell(Cells &cells, const ArrayColumn<T> &column, rownr_t row) {
    Cell cell;
    cell.array = true;
    if (!column.isDefined(row)) return cell;
    const Array<T> values = column.get(row);
    bool deletes;
    const T *storage = values.getStorage(deletes);
    append(cells, storage, values.size());
    values.freeStorage(storage, deletes);
    cell.ndim = static_cast<int>(values.ndim());
    for (int i = 0; i < cell.ndim && i < MSIO_MAX_NDIM; i++)
        cell.shape[i] = values.shape()[static_cast<size_t>(cell.ndim - 1 - i)];
    cell.count = static_cast<int64_t>(values.size());
    cell.defined = true;
    return cell;
}

template <class T> static Cell scalar_cell(Cells &cells, const ScalarColumn<T> &column, rownr_t row) {
    Cell cell;
    T value = column.get(row);
    append(cells, &value, 1);
    cell.count = 1;
    cell.defined = true;
    return cell;
}

template <class T, class C> static void read_all(Cells &cells, const C &column, rownr_t total) {
    size_t n = cells.rows.empty() ? total : cells.rows.size();
    int64_t first = 0;
    for (size_t i = 0; i < n; i++) {
        rownr_t row = cells.rows.empty() ? i : static_cast<rownr_t>(cells.rows[i]);
        Cell cell;
        try {
            if constexpr (std::is_same_v<C, ArrayColumn<T>>)
                cell = array_cell<T>(cells, column, row);
            else
                cell = scalar_cell<T>(cells, column, row);
        } catch (const std::exception &) {
            cell = Cell(); // casacore throws at cells in no hypercube, and at fixed arrays never put
            cell.threw = true;
        }
        cell.first = first;
        first += cell.count;
        cells.cell.push_back(cell);
    }
}

Cells read_cells(const Table &table, const String &column, const std::vector<int64_t> &rows) {
    Cells cells;
    const ColumnDesc &desc = TableColumn(table, column).columnDesc();
    cells.type = desc.dataType();
    cells.rows = rows;
    with_type(cells.type, [&](auto tag) {
        using T = typename decltype(tag)::type;
        cells.size = std::is_same_v<T, String> ? 0 : sizeof(T);
        if (desc.isArray())
            read_all<T>(cells, ArrayColumn<T>(table, column), table.nrow());
        else
            read_all<T>(cells, ScalarColumn<T>(table, column), table.nrow());
    });
    return cells;
}

msio_select Selection::c() const {
    msio_select select = MSIO_SELECT_ALL;
    if (list) {
        static const int64_t none = 0; // the list's address must not be NULL
        select.row_list = rows.empty() ? &none : rows.data();
        select.rows_in_list = static_cast<int64_t>(rows.size());
    } else {
        select.row = row;
        select.rows = count;
        select.row_step = step;
    }
    select.chan = chan.start, select.chans = chan.count, select.chan_step = chan.step;
    select.corr = corr.start, select.corrs = corr.count, select.corr_step = corr.step;
    return select;
}

Selection Selection::for_axes(const std::string &column, int ndim) const {
    Selection result = *this;
    if (ndim == 1 && column == "IMAGING_WEIGHT") result.corr = chan;
    if (ndim == 1 && (column == "UVW" || column == "UVW2")) result.corr = Axis();
    if (ndim < 2) result.chan = Axis();
    if (ndim < 1) result.corr = Axis();
    return result;
}

static std::vector<int64_t> along(const Axis &axis, int64_t length) {
    std::vector<int64_t> result;
    int64_t count = axis.count >= 0 ? axis.count : (length - axis.start + axis.step - 1) / axis.step;
    for (int64_t i = 0; i < count; i++) result.push_back(axis.start + i * axis.step);
    return result;
}

Part part_of(const Cell &cell, const Selection &selection) {
    Part part;
    part.ndim = cell.ndim;
    std::copy(cell.shape, cell.shape + MSIO_MAX_NDIM, part.shape);
    if (cell.ndim == 0) {
        for (int64_t i = 0; i < cell.count; i++) part.elements.push_back(cell.first + i);
        return part;
    }
    int64_t corrs = cell.shape[cell.ndim - 1], chans = cell.ndim > 1 ? cell.shape[cell.ndim - 2] : 1, planes = 1;
    for (int i = 0; i + 2 < cell.ndim; i++) planes *= cell.shape[i];
    std::vector<int64_t> corr = along(selection.corr, corrs),
                         chan = along(cell.ndim > 1 ? selection.chan : Axis(), chans);
    for (int64_t plane = 0; plane < planes; plane++)
        for (int64_t i : chan)
            for (int64_t j : corr) part.elements.push_back(cell.first + (plane * chans + i) * corrs + j);
    part.shape[cell.ndim - 1] = static_cast<int64_t>(corr.size());
    if (cell.ndim > 1) part.shape[cell.ndim - 2] = static_cast<int64_t>(chan.size());
    return part;
}

static bool fits(const Axis &axis, int64_t length) {
    if (axis.whole()) return true;
    if (axis.start >= length) return false;
    return axis.count < 1 || axis.start + (axis.count - 1) * axis.step < length;
}

bool applies(const Cells &cells, const Selection &selection) {
    bool any = selection.corr.whole() && selection.chan.whole();
    for (int64_t row : selection.rows) {
        const Cell &cell = cells.at(row);
        if (!cell.defined) continue;
        any = true;
        if (!selection.corr.whole() && (cell.ndim < 1 || !fits(selection.corr, cell.shape[cell.ndim - 1])))
            return false;
        if (!selection.chan.whole() && (cell.ndim < 2 || !fits(selection.chan, cell.shape[cell.ndim - 2])))
            return false;
    }
    return any;
}

Dense dense_of(const Cells &cells, const Selection &selection, const std::vector<uint8_t> &fill) {
    Dense dense;
    const Cell *shown = nullptr;
    std::vector<int64_t> elements;
    for (int64_t row : selection.rows) {
        const Cell &cell = cells.at(row);
        if (!cell.defined) {
            dense.undefined = true;
            continue;
        }
        Part part = part_of(cell, selection);
        std::vector<int64_t> shape(part.shape, part.shape + part.ndim);
        if (cell.array && cell.ndim == 0) dense.no_axes = true;
        if (!shown)
            dense.shape = shape;
        else if (shape != dense.shape)
            dense.parts_differ = true;
        if (shown && (cell.ndim != shown->ndim || !std::equal(cell.shape, cell.shape + cell.ndim, shown->shape)))
            dense.differ = true;
        shown = &cell;
    }
    dense.shape_known = shown != nullptr;
    if (dense.parts_differ || !shown || cells.size == 0) return dense;
    size_t count = 1;
    for (int64_t length : dense.shape) count *= static_cast<size_t>(length);
    for (int64_t row : selection.rows) {
        const Cell &cell = cells.at(row);
        if (!cell.defined)
            for (size_t i = 0; i < count; i++) dense.bytes.insert(dense.bytes.end(), fill.begin(), fill.end());
        else
            for (int64_t element : part_of(cell, selection).elements) {
                auto at = cells.bytes.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(element) * cells.size);
                dense.bytes.insert(dense.bytes.end(), at, at + static_cast<std::ptrdiff_t>(cells.size));
            }
    }
    return dense;
}

} // namespace oracle
