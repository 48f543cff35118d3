// shim_like.cc - the casacore module: columns described like others of the table.

#include "io/casacore/shim/shim_like.h"
#include "io/casacore/shim/shim_add.h"
#include "io/casacore/shim/shim_errors.h"
#include "io/casacore/shim/shim_room.h"

#include <casacore/casa/Utilities/DataType.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <algorithm>

namespace shim {

namespace {

cc::Record manager_of(const cc::Table &table, const cc::String &column) {
    const cc::Record all = table.dataManagerInfo();
    for (cc::uInt i = 0; i < all.nfields(); i++) {
        const cc::Record one = all.subRecord(i);
        const cc::Vector<cc::String> names(one.asArrayString("COLUMNS"));
        if (std::find(names.begin(), names.end(), column) != names.end()) return one;
    }
    return cc::Record();
}

bool is_tile(const cc::Vector<cc::Int> &tile, size_t axes) {
    return tile.size() == axes && std::all_of(tile.begin(), tile.end(), [](cc::Int n) { return n > 0; });
}

// The tile that new columns take after this one: its default, else the largest of its hypercubes', else a MiB.
cc::Vector<cc::Int> tile_like(const cc::Record &manager, size_t axes) {
    cc::Vector<cc::Int> best;
    double largest = 0;
    if (manager.isDefined("SPEC") && manager.asString("TYPE").startsWith("Tiled")) {
        const cc::Record spec = manager.subRecord("SPEC");
        if (spec.isDefined("DEFAULTTILESHAPE")) {
            const cc::Vector<cc::Int> tile(spec.toArrayInt("DEFAULTTILESHAPE"));
            if (is_tile(tile, axes)) return tile;
        }
        const cc::Record cubes = spec.isDefined("HYPERCUBES") ? spec.subRecord("HYPERCUBES") : cc::Record();
        for (cc::uInt i = 0; i < cubes.nfields(); i++) {
            const cc::Vector<cc::Int> tile(cubes.subRecord(i).toArrayInt("TileShape"));
            double pixels = 1;
            for (cc::Int n : tile) pixels *= n;
            if (is_tile(tile, axes) && pixels > largest) {
                best.resize(tile.size());
                best = tile;
                largest = pixels;
            }
        }
    }
    if (largest > 0) return best;
    cc::Vector<cc::Int> tile(axes, 32);
    tile[0] = axes == 3 ? 4 : 32;
    tile[axes - 1] = 1024;
    return tile;
}

// Axes of the cells: as described, else of the first one that has a value; tiles want to know.
int axes_of(const cc::Table &table, const cc::ColumnDesc &column) {
    if (!column.isArray() || column.ndim() > 0) return column.ndim();
    const cc::TableColumn cells(table, column.name());
    for (cc::rownr_t row = 0; row < table.nrow(); row++)
        if (cells.isDefined(row)) return static_cast<int>(cells.ndim(row));
    return column.ndim();
}

} // namespace

cc::Record tiled_spec(const std::string &type, const std::string &name, const cc::Vector<cc::Int> &tile) {
    cc::Record spec, info;
    spec.define("DEFAULTTILESHAPE", tile);
    info.define("TYPE", cc::String(type));
    info.define("NAME", cc::String(name));
    info.defineRecord("SPEC", spec);
    return info;
}

cc::Record manager_like(const cc::Table &table, const cc::ColumnDesc &column, int ndim, const std::string &name) {
    const cc::Record old = manager_of(table, column.name());
    const cc::String type = old.isDefined("TYPE") ? old.asString("TYPE") : cc::String();
    const bool whole = type == "TiledColumnStMan" && column.isFixedShape();
    const size_t axes = static_cast<size_t>(ndim) + 1;
    return tiled_spec(whole ? "TiledColumnStMan" : "TiledShapeStMan", name, tile_like(old, axes));
}

int64_t axis_of_cubes(const cc::Table &table, const cc::ColumnDesc &column, size_t ndim, size_t axis) {
    const cc::Record manager = manager_of(table, column.name());
    if (!manager.isDefined("SPEC") || !manager.asString("TYPE").startsWith("Tiled")) return -1;
    const cc::Record spec = manager.subRecord("SPEC");
    const cc::Record cubes = spec.isDefined("HYPERCUBES") ? spec.subRecord("HYPERCUBES") : cc::Record();
    int64_t length = -1;
    for (cc::uInt i = 0; i < cubes.nfields(); i++) {
        const cc::Record cube = cubes.subRecord(i);
        if (!cube.isDefined("CellShape")) return -1;
        const cc::Vector<cc::Int> shape(cube.toArrayInt("CellShape"));
        if (shape.size() != ndim || (length >= 0 && length != shape[axis])) return -1;
        length = shape[axis];
    }
    return length;
}

cc::ColumnDesc renamed(const cc::ColumnDesc &column, const std::string &name, const std::string &comment, int ndim) {
    cc::ColumnDesc made(column);
    if (ndim > 0 && column.ndim() <= 0) made.setNdim(static_cast<cc::uInt>(ndim));
    cc::TableDesc holder("", "", cc::TableDesc::Scratch);
    holder.addColumn(made);
    if (cc::String(name) != column.name()) holder.renameColumn(name, column.name());
    cc::ColumnDesc &mine = holder.rwColumnDesc(name);
    mine.comment() = comment;
    mine.dataManagerGroup() = "";
    mine.dataManagerType() = "";
    const cc::uInt n = mine.keywordSet().nfields();
    for (cc::uInt i = 0; i < n; i++) mine.rwKeywordSet().removeField(0);
    return mine;
}

void add_one(cc::Table &table, const cc::ColumnDesc &column, const cc::Record &manager) {
    cc::TableDesc desc("", "", cc::TableDesc::Scratch);
    desc.addColumn(column);
    if (manager.nfields())
        table.addColumn(desc, manager);
    else
        table.addColumn(column);
}

// "like" name column
std::string add_like(const std::string &path, Orders &orders) {
    const std::string name = orders.text(), like = orders.text();
    cc::Table table = open_locked(path);
    if (!table.tableDesc().isColumn(like)) refuse(MSIO_E_NO_COLUMN, "no column " + like);
    if (name.empty()) refuse(MSIO_E_ARGUMENT, "a column without a name");
    if (table.tableDesc().isColumn(name)) return "=" + name + "\n";
    const cc::ColumnDesc &old = table.tableDesc().columnDesc(like);
    const cc::ColumnDesc column = renamed(old, name, old.comment(), axes_of(table, old));
    ask_for_room(path, column_bytes(column, static_cast<int64_t>(table.nrow())));
    const bool tiled = column.isArray() && column.ndim() > 0 && column.dataType() != cc::TpString;
    add_one(table, column, tiled ? manager_like(table, old, column.ndim(), "tiled_" + name) : cc::Record());
    table.flush();
    return "+" + name + "\n";
}

} // namespace shim
