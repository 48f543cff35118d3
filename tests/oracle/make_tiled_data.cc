// make_tiled_data.cc - tables of TiledDataStMan: hypercubes made one by one, with coordinates and identifiers.
#include "make_tables.h"

#include <casacore/casa/Containers/Record.h>
#include <casacore/tables/DataMan/TiledDataStMan.h>
#include <casacore/tables/DataMan/TiledDataStManAccessor.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>

using namespace casacore;

namespace oracle {

namespace {

// A table with one TiledDataStMan for each type: data cells of `cell_axes` axes in hypercubes with two or one more,
// an identifier of the cube, and coordinates of its axes.
class CubeTable {
  public:
    CubeTable(const String &path, bool big, size_t cell_axes, size_t row_axes, rownr_t rows,
              std::vector<DataType> second)
        : cell_axes_(cell_axes), row_axes_(row_axes) {
        TableDesc desc("cubes", "1", TableDesc::Scratch);
        for (DataType type : column_types())
            if (type != TpString) define(desc, type, second);
        SetupNewTable setup(path, desc, Table::New);
        for (const String &name : names_) {
            TiledDataStMan manager(name);
            for (const String &column : columns_of(desc, name)) setup.bindColumn(column, manager);
        }
        table_ = Table(setup, rows, False, endian(big));
    }

    // Adds a hypercube to each manager; extensible ones start without rows.
    void add_cube(const IPosition &shape, const IPosition &tile, Int id, Random &random) {
        for (size_t i = 0; i < names_.size(); i++) {
            Record values = coordinates(i, shape, random);
            values.define(names_[i] + "_ID", id);
            TiledDataStManAccessor(table_, names_[i]).addHypercube(shape, tile, values);
        }
    }

    void extend_cube(uInt more, Int id, Random &random) {
        for (size_t i = 0; i < names_.size(); i++) {
            Record values;
            values.define(names_[i] + "_ID", id);
            if (i % 2 == 0) values.define(names_[i] + "_TIME", vector(random, more));
            TiledDataStManAccessor(table_, names_[i]).extendHypercube(more, values);
        }
    }

    // Puts the rows first <= row < end of the data columns, whose cells have that shape.
    void put(rownr_t first, rownr_t end, const IPosition &shape, Random &random) {
        for (const Spec &spec : data_) {
            auto putter = make_putter(table_, spec, random);
            for (rownr_t row = first; row < end; row++) putter->put(row, shape);
        }
    }

    Table &table() { return table_; }

  private:
    static Vector<Double> vector(Random &random, ssize_t length) {
        return Vector<Double>(array<Double>(random, IPosition(1, length)));
    }

    void define(TableDesc &desc, DataType type, const std::vector<DataType> &second) {
        String name = type_name(type);
        Vector<String> data(1 + second.size()), coord(cell_axes_ + row_axes_), id(1, name + "_ID");
        for (size_t i = 0; i < data.size(); i++) {
            Spec spec = make_spec(i ? second[i - 1] : type, cell_axes_ ? Form::varying : Form::scalar,
                                  IPosition(cell_axes_, 1));
            spec.name = data[i] = name + "_DATA" + String::toString(i);
            describe(desc, spec);
            data_.push_back(spec);
        }
        desc.addColumn(ScalarColumnDesc<Int>(id[0]));
        if (names_.size() % 2 == 0) { // every second one has coordinates
            desc.addColumn(ScalarColumnDesc<Double>(coord[coord.size() - 1] = name + "_TIME"));
            if (cell_axes_) desc.addColumn(ArrayColumnDesc<Double>(coord[0] = name + "_FREQ", 1));
            if (row_axes_ > 1) desc.addColumn(ScalarColumnDesc<Double>(coord[cell_axes_] = name + "_BASELINE"));
        }
        desc.defineHypercolumn(name, static_cast<uInt>(cell_axes_ + row_axes_), data, coord, id);
        names_.push_back(name);
    }

    Record coordinates(size_t i, const IPosition &shape, Random &random) const {
        Record values;
        if (i % 2) return values;
        values.define(names_[i] + "_TIME", vector(random, shape[shape.size() - 1]));
        if (cell_axes_) values.define(names_[i] + "_FREQ", vector(random, shape[0]));
        if (row_axes_ > 1) values.define(names_[i] + "_BASELINE", vector(random, shape[cell_axes_]));
        return values;
    }

    static std::vector<String> columns_of(const TableDesc &desc, const String &name) {
        std::vector<String> columns;
        for (uInt i = 0; i < desc.ncolumn(); i++)
            if (desc[i].name().startsWith(name + "_")) columns.push_back(desc[i].name());
        return columns;
    }

    size_t cell_axes_, row_axes_;
    std::vector<String> names_;
    std::vector<Spec> data_;
    Table table_;
};

IPosition joined(const IPosition &cell, std::initializer_list<ssize_t> rows) {
    IPosition shape(cell);
    for (ssize_t length : rows) shape.append(IPosition(1, length));
    return shape;
}

// Several cubes of a size given at once; the table has some rows more than the cubes hold.
void make_closed(Maker &maker, const String &name, bool big, size_t cell_axes, std::vector<DataType> second,
                 ssize_t scale) {
    maker.make(name, [&](const String &path, Random &random) {
        const IPosition cells[] = {IPosition(3, 4, 6, 2), IPosition(3, 3, 5, 3), IPosition(3, 7, 1, 4)};
        const IPosition tiles[] = {IPosition(3, 2, 3, 1), IPosition(3, 2, 2, 2), IPosition(3, 7, 1, 4)};
        ssize_t times[] = {5 * scale, 3 * scale, 4};
        rownr_t rows = static_cast<rownr_t>(3 * (times[0] + times[1] + times[2]));
        CubeTable cubes(path, big, cell_axes, 2, rows + 2, second);
        rownr_t row = 0;
        for (int i = 0; i < 3; i++) {
            IPosition cell = cells[i].getFirst(cell_axes), tile = tiles[i].getFirst(cell_axes);
            cubes.add_cube(joined(cell, {3, times[i]}), joined(tile, {i == 2 ? 3 : 2, 3}), 10 * i, random);
            rownr_t more = static_cast<rownr_t>(3 * times[i]);
            cubes.put(row, row + more, cell, random);
            row += more;
        }
    });
}

// Cubes that grow in turns, beside one that does not.
void make_extended(Maker &maker, const String &name, bool big, size_t cell_axes, std::vector<DataType> second,
                   uInt scale) {
    maker.make(name, [&](const String &path, Random &random) {
        const IPosition cells[] = {IPosition(3, 4, 6, 2), IPosition(3, 3, 5, 3)};
        CubeTable cubes(path, big, cell_axes, 1, 0, second);
        IPosition cell[2] = {cells[0].getFirst(cell_axes), cells[1].getFirst(cell_axes)};
        cubes.table().addRow(4);
        cubes.add_cube(joined(cell[0], {0}), joined(IPosition(cell_axes, 2), {3}), 1, random);
        cubes.add_cube(joined(cell[1], {4}), joined(IPosition(cell_axes, 3), {2}), 2, random);
        cubes.put(0, 4, cell[1], random);
        cubes.add_cube(joined(cell[1], {0}), joined(IPosition(cell_axes, 4), {4}), 3, random);
        rownr_t row = 4;
        for (uInt turn = 0; turn < 5; turn++) {
            uInt more = (turn + 1) * scale;
            cubes.table().addRow(more);
            cubes.extend_cube(more, turn % 2 ? 3 : 1, random);
            cubes.put(row, row + more, cell[turn % 2], random);
            row += more;
        }
        cubes.table().addRow(1);
    });
}

} // namespace

void make_tiled_data_tables(Maker &maker) {
    ssize_t scale = maker.size() == Size::full ? 400 : 1;
    for (bool big : {false, true}) {
        String stem = String("TiledDataStMan") + (big ? "_big_" : "_little_");
        for (size_t axes = 0; axes <= 3; axes++) {
            String axes_name = String::toString(axes) + "d";
            make_closed(maker, stem + "closed_" + axes_name, big, axes, {}, scale);
            make_extended(maker, stem + "extended_" + axes_name, big, axes, {}, static_cast<uInt>(scale));
            if (maker.size() == Size::small) continue;
            make_closed(maker, stem + "closed_shared_" + axes_name, big, axes, {TpFloat, TpBool}, scale);
            make_extended(maker, stem + "extended_shared_" + axes_name, big, axes, {TpBool, TpComplex, TpBool},
                          static_cast<uInt>(scale));
        }
    }
}

} // namespace oracle
