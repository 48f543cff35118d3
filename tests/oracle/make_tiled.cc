// make_tiled.cc - tables of TiledColumnStMan, TiledShapeStMan and TiledCellStMan.
#include "make_tables.h"

#include <casacore/casa/Containers/Record.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>

using namespace casacore;

namespace oracle {

namespace {

// How cells are cut into tiles.
struct Cut {
    const char *name;
    bool divides;
    ssize_t rows; // in a tile
};
const Cut cuts[] = {{"fits", true, 8}, {"cuts", false, 5}};

// The tile of a cell shape; every second of the tiles that do not divide is larger than the cell on its first axis.
IPosition tile_of(const IPosition &cell, const Cut &cut, const String &manager, size_t salt) {
    IPosition tile;
    for (size_t i = 0; i < cell.size(); i++) {
        ssize_t half = (cell[i] + 1) / 2;
        ssize_t length = cut.divides ? (cell[i] % half ? cell[i] : half) : half + 1;
        if (!cut.divides && i == 0 && salt % 2) length = cell[i] + 1;
        tile.append(IPosition(1, length));
    }
    if (manager != "TiledCellStMan") tile.append(IPosition(1, cut.rows));
    return tile;
}

std::vector<Spec> every_column(Maker &maker, const String &manager) {
    const IPosition shapes[] = {IPosition(1, 12), IPosition(2, 4, 6), IPosition(3, 3, 4, 2)};
    std::vector<Spec> specs;
    auto add = [&](const Spec &spec) {
        if (maker.possible(manager, spec)) specs.push_back(spec);
    };
    for (DataType type : column_types()) {
        add(make_spec(type, Form::scalar, IPosition()));
        for (const IPosition &shape : shapes)
            for (Form form : {Form::fixed, Form::varying}) add(make_spec(type, form, shape));
        add(make_spec(type, Form::direct, shapes[1]));
        add(make_spec(type, Form::late, shapes[1]));
        if (type == TpFloat || type == TpBool) add(make_spec(type, Form::varying, IPosition(5, 2, 3, 1, 2, 2)));
    }
    return specs;
}

// One manager for each column. Half of the rows come with the table, the others are added.
void make_every(Maker &maker, const String &name, const String &manager, bool big, const Cut &cut, rownr_t rows) {
    maker.make(name, [&](const String &path, Random &random) {
        std::vector<Spec> specs = every_column(maker, manager);
        TableDesc desc("tiled", "1", TableDesc::Scratch);
        for (const Spec &spec : specs) describe(desc, spec);
        bool cell = manager == "TiledCellStMan";
        for (size_t i = 0; i < specs.size(); i++) // every second one, and scalars, which are lost without it
            if (i % 2 == 0 || specs[i].form == Form::scalar)
                desc.defineHypercolumn("H_" + specs[i].name, static_cast<uInt>(specs[i].shape.size()) + !cell,
                                       Vector<String>(1, specs[i].name));
        SetupNewTable setup(path, desc, Table::New);
        for (size_t i = 0; i < specs.size(); i++)
            setup.bindColumn(specs[i].name,
                             *make_manager(manager, "H_" + specs[i].name, tile_of(specs[i].shape, cut, manager, i)));
        settle(setup, specs);
        Table table(setup, rows / 2, False, endian(big));
        put_rows(table, specs, 0, rows / 2, random, PutStyle());
        table.addRow(rows - rows / 2);
        put_rows(table, specs, rows / 2, rows, random, PutStyle());
    });
}

// The columns of a hypercolumn, in the order of its definition.
struct Shared {
    const char *name;
    std::vector<DataType> types;
};
const Shared shared[] = {{"equal", {TpFloat, TpInt, TpUInt}},
                         {"bools", {TpBool, TpBool}},
                         {"mixed", {TpShort, TpComplex, TpBool, TpUChar, TpDouble, TpFloat}},
                         {"pairs", {TpBool, TpInt, TpFloat, TpBool, TpDouble, TpComplex, TpInt64}},
                         {"wide", {TpDComplex, TpUShort, TpDComplex, TpShort}}};

// Several columns in each tile; the table lists them in another order than the hypercolumn does.
void make_shared(Maker &maker, const String &name, const String &manager, bool big, const Cut &cut, Form form,
                 rownr_t rows) {
    maker.make(name, [&](const String &path, Random &random) {
        TableDesc desc("shared", "1", TableDesc::Scratch);
        std::vector<Spec> all;
        const IPosition shape = form == Form::scalar ? IPosition() : IPosition(2, 5, 3);
        bool cell = manager == "TiledCellStMan";
        for (const Shared &group : shared) {
            std::vector<Spec> specs;
            for (size_t i = 0; i < group.types.size(); i++) {
                specs.push_back(make_spec(group.types[i], form, shape));
                specs.back().name = String(group.name) + "_" + String::toString(i) + "_" + type_name(group.types[i]);
            }
            for (const Spec &spec : specs) describe(desc, spec);
            all.insert(all.end(), specs.begin(), specs.end());
        }
        size_t at = 0;
        for (const Shared &group : shared) {
            Vector<String> data(group.types.size());
            for (size_t i = 0; i < data.size(); i++, at++) data[(i + 1) % data.size()] = all[at].name;
            desc.defineHypercolumn(group.name, static_cast<uInt>(shape.size()) + !cell, data);
        }
        SetupNewTable setup(path, desc, Table::New);
        at = 0;
        for (const Shared &group : shared) {
            auto bound = make_manager(manager, group.name, tile_of(shape, cut, manager, 1));
            for (size_t i = 0; i < group.types.size(); i++) setup.bindColumn(all[at++].name, *bound);
        }
        Table table(setup, rows / 3, False, endian(big));
        PutStyle style;
        put_rows(table, all, 0, rows / 3, random, style);
        table.addRow(rows - rows / 3);
        put_rows(table, all, rows / 3, rows, random, style);
    });
}

// Puts some cells of a column again. Where their shape changes casacore must forget the hypercube's old tiles first, or
// it writes beyond them.
void put_again(Maker &maker, const String &manager, Table &table, const Spec &spec, Random &random) {
    PutStyle style;
    style.undefined = style.shape_only = false;
    for (int i = 0; i < 8; i++) {
        String path = table.tableName();
        table = Table();
        table = Table(path, Table::Update);
        rownr_t row = static_cast<rownr_t>(random.below(static_cast<int64_t>(table.nrow())));
        try {
            put_rows(table, {spec}, row, row + 1, random, style);
        } catch (const std::exception &error) {
            maker.refuse(manager + ": a cell put again with another shape", error.what());
        }
    }
}

// Cells put again, also with another shape; columns renamed; a manager removed and one added.
void make_changed(Maker &maker, const String &name, const String &manager, bool big, const Cut &cut, rownr_t rows) {
    maker.make(name, [&](const String &path, Random &random) {
        Form form = manager == "TiledColumnStMan" ? Form::fixed : Form::varying;
        std::vector<Spec> specs;
        for (DataType type : {TpFloat, TpBool, TpComplex, TpInt64})
            specs.push_back(make_spec(type, form, IPosition(2, 4, 7)));
        TableDesc desc("changed", "1", TableDesc::Scratch);
        for (const Spec &spec : specs) describe(desc, spec);
        desc.defineHypercolumn("both", 3 - (manager == "TiledCellStMan"), Vector<String>{specs[0].name, specs[1].name});
        SetupNewTable setup(path, desc, Table::New);
        auto both = make_manager(manager, "both", tile_of(specs[0].shape, cut, manager, 0));
        setup.bindColumn(specs[0].name, *both);
        setup.bindColumn(specs[1].name, *both);
        setup.bindColumn(specs[2].name, *make_manager(manager, "single", tile_of(specs[2].shape, cut, manager, 1)));
        setup.bindColumn(specs[3].name, *make_manager(manager, "leaves", tile_of(specs[3].shape, cut, manager, 1)));
        Table table(setup, rows, False, endian(big));
        PutStyle style;
        put_rows(table, specs, 0, rows, random, style);
        put_again(maker, manager, table, specs[2], random);
        table.removeColumn(specs[3].name);
        table.renameColumn("DATA", specs[0].name);
        table.renameColumn("FLAG", specs[1].name);
        Spec added = make_spec(TpShort, form, IPosition(1, 9));
        TableDesc late;
        describe(late, added);
        table.addColumn(late[0], *make_manager(manager, "joins", tile_of(added.shape, cut, manager, 0)));
        put_rows(table, {added}, 0, rows, random, PutStyle());
        table.addRow(3);
    });
}

// Coordinates along the axes of the hypercube: vectors along the cell's axes, a scalar along the rows.
void make_coordinates(Maker &maker, const String &name, const String &manager, bool big, rownr_t rows) {
    maker.make(name, [&](const String &path, Random &random) {
        bool fixed = manager == "TiledColumnStMan";
        Spec data = make_spec(TpFloat, fixed ? Form::fixed : Form::varying, IPosition(2, 4, 3));
        TableDesc desc("coordinates", "1", TableDesc::Scratch);
        describe(desc, data);
        desc.addColumn(ArrayColumnDesc<Double>("FREQ", 1));
        desc.addColumn(ArrayColumnDesc<Int>("POL", 1));
        desc.addColumn(ScalarColumnDesc<Double>("TIME"));
        desc.defineHypercolumn("coordinates", 3, Vector<String>(1, data.name), Vector<String>{"POL", "FREQ", "TIME"});
        SetupNewTable setup(path, desc, Table::New);
        setup.bindAll(*make_manager(manager, "coordinates", IPosition(3, 2, 2, 4)));
        Table table(setup, rows, False, endian(big));
        PutStyle style;
        style.undefined = style.shape_only = false;
        style.uniform = true; // all in one hypercube, so that all coordinates can be put
        put_rows(table, {data}, 0, rows, random, style);
        ArrayColumn<Double>(table, "FREQ").put(0, array<Double>(random, IPosition(1, 3)));
        ArrayColumn<Int>(table, "POL").put(0, array<Int>(random, IPosition(1, 4)));
        for (rownr_t row = 0; row < rows; row++) ScalarColumn<Double>(table, "TIME").put(row, value<Double>(random));
    });
}

} // namespace

static void make_tiled_order(Maker &maker, const String &manager, bool big) {
    bool small = maker.size() == Size::small;
    ssize_t many = maker.size() == Size::full ? 4000 : small ? 9 : 37;
    for (const Cut &cut : cuts) {
        String stem = manager + (big ? "_big_" : "_little_") + cut.name;
        for (ssize_t rows : {ssize_t(0), ssize_t(1), cut.rows - 1, cut.rows, cut.rows + 1, many})
            if (!small || rows == 1 || rows == many)
                make_every(maker, stem + "_rows" + String::toString(rows), manager, big, cut,
                           static_cast<rownr_t>(rows));
        rownr_t shared_rows = maker.size() == Size::full ? 2000 : 23;
        make_shared(maker, stem + "_shared_fixed", manager, big, cut, Form::fixed, shared_rows);
        if (manager == "TiledColumnStMan") {
            make_shared(maker, stem + "_shared_scalar", manager, big, cut, Form::scalar, 4 * shared_rows);
        } else {
            make_shared(maker, stem + "_shared_varying", manager, big, cut, Form::varying, shared_rows);
        }
        make_changed(maker, stem + "_changed", manager, big, cut, 31);
    }
    if (manager != "TiledCellStMan")
        make_coordinates(maker, manager + (big ? "_big" : "_little") + "_coord", manager, big, 9);
}

void make_tiled_tables(Maker &maker) {
    for (const char *manager : {"TiledColumnStMan", "TiledShapeStMan", "TiledCellStMan"})
        for (bool big : {false, true}) make_tiled_order(maker, manager, big);
}

} // namespace oracle
