// shim_dense.cc - the casacore module: reading cells of one shape.

#include "io/casacore/shim/shim_calls.h"
#include "io/casacore/shim/shim_cells.h"
#include "io/casacore/shim/shim_table.h"
#include "io/casacore/shim/shim_types.h"

#include <casacore/casa/BasicSL/String.h>
#include <casacore/tables/DataMan/DataManager.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <algorithm>

namespace shim {

namespace {

// What the wanted cells of an array column have in common.
struct Cells {
    cc::IPosition shape;
    bool known = false;     // one of them at least is defined, or the column's shape is fixed
    bool undefined = false; // some were never written
};

Cells survey(const cc::TableColumn &column, const Request &want, bool fill) {
    Cells cells;
    const bool fixed = column.columnDesc().isFixedShape();
    if (fixed) {
        cells.shape = column.shapeColumn();
        cells.known = true;
    }
    for (int64_t i = 0; i < want.rows.count; i++) {
        const auto row = static_cast<cc::rownr_t>(row_at(want.rows, i));
        if (!column.isDefined(row)) {
            if (!fill) want.refuse_cell(MSIO_E_UNDEFINED, i, "the cell was never written");
            cells.undefined = true;
        } else if (!cells.known) {
            cells.shape = column.shape(row);
            cells.known = true;
        } else if (!fixed && !cells.shape.isEqual(column.shape(row))) {
            want.refuse_cell(MSIO_E_SHAPE, i, "the cell differs in shape from the first one");
        }
    }
    return cells;
}

// Reads cells that are all defined and of one shape.
template <typename T> void read_block(const cc::ArrayColumn<T> &column, const Request &want, const Cut &cut, T *out) {
    cc::IPosition shape(cut.length.size() + 1, want.rows.count);
    for (size_t i = 0; i < cut.length.size(); i++) shape[i] = cut.length[i];
    cc::Array<T> values(shape, out, cc::SHARE);
    if (want.rows.list) {
        if (cut.whole)
            column.getColumnCells(row_list(want.rows), values);
        else
            column.getColumnCells(row_list(want.rows), cut.slicer(), values);
    } else {
        if (cut.whole)
            column.getColumnRange(row_slicer(want.rows), values);
        else
            column.getColumnRange(row_slicer(want.rows), cut.slicer(), values);
    }
    settle(values, out, static_cast<size_t>(cut.elements() * want.rows.count));
}

// Whether the column holds the coordinates of a hypercolumn's axis, not data.
bool is_coordinate(const cc::TableDesc &desc, const cc::String &column) {
    const cc::Vector<cc::String> names = desc.hypercolumnNames();
    for (const cc::String &name : names) {
        cc::Vector<cc::String> data, coordinates, ids;
        desc.hypercolumnDesc(name, data, coordinates, ids);
        if (std::find(coordinates.begin(), coordinates.end(), column) != coordinates.end()) return true;
    }
    return false;
}

// Whether many cells can be read in one call, and faster than one by one: only the tiled managers have code of their
// own for that. TiledCellStMan's (3.5) throws at parts of cells, and coordinates break the array that they are read to.
bool reads_blocks(const cc::Table &table, const cc::String &column) {
    try {
        const cc::String manager = table.findDataManager(column, true)->dataManagerType();
        const bool tiled =
            manager == "TiledShapeStMan" || manager == "TiledColumnStMan"; /* in bulk, others crash casacore */
        return tiled && !is_coordinate(table.tableDesc(), column);
    } catch (const cc::AipsError &) {
        return false; // a concatenated table names no manager
    }
}

template <typename T>
void read_arrays(const cc::Table &table, const char *name, const Request &want, const T *fill, T *out,
                 size_t out_bytes) {
    cc::ArrayColumn<T> column(table, name);
    const Cells cells = survey(column, want, fill != nullptr);
    if (!cells.known) {
        std::fill(out, out + out_bytes / sizeof(T), *fill);
        return;
    }
    const Cut cut = cut_cell(cells.shape, want.part);
    const int64_t elements = cells.shape.empty() ? 0 : cut.elements();
    check_size(out_bytes, want.rows.count, elements, sizeof(T));
    if (elements == 0) return;
    if (!cells.undefined && reads_blocks(table, name)) {
        read_block(column, want, cut, out);
        return;
    }
    for (int64_t i = 0; i < want.rows.count; i++, out += elements) {
        const auto row = static_cast<cc::rownr_t>(row_at(want.rows, i));
        if (column.isDefined(row))
            read_cell(column, row, cut, out);
        else
            std::fill(out, out + elements, *fill);
    }
}

} // namespace

msio_status shim_read(msio_casa_table *table, const char *name, const msio_casa_row_set *rows,
                      const msio_casa_part *part, const void *fill, void *out, size_t out_bytes, int64_t *bad,
                      msio_casa_message *message) noexcept {
    *bad = -1;
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        check_rows(table->table, *rows);
        const Request want = {*rows, part, bad};
        visit_number(column.columnDesc().dataType(), [&](auto tag) {
            using T = typename decltype(tag)::type;
            if (rows->count == 0) {
                check_size(out_bytes, 0, 0, sizeof(T));
            } else if (column.columnDesc().isScalar()) {
                cut_cell(cc::IPosition(), part);
                check_size(out_bytes, rows->count, 1, sizeof(T));
                read_scalars(table->table, name, want, static_cast<T *>(out));
            } else {
                read_arrays(table->table, name, want, static_cast<const T *>(fill), static_cast<T *>(out), out_bytes);
            }
        });
    });
}

} // namespace shim
