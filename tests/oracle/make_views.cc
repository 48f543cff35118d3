// make_views.cc - reference and concatenated tables, containers, virtual columns, keywords, very long tables.
#include "make_tables.h"

#include <casacore/casa/HDF5/HDF5Object.h>
#include <casacore/tables/DataMan/BitFlagsEngine.h>
#include <casacore/tables/DataMan/CompressComplex.h>
#include <casacore/tables/DataMan/CompressFloat.h>
#include <casacore/tables/DataMan/ForwardCol.h>
#include <casacore/tables/DataMan/IncrementalStMan.h>
#include <casacore/tables/DataMan/ScaledArrayEngine.h>
#include <casacore/tables/DataMan/StandardStMan.h>
#include <casacore/tables/DataMan/TiledShapeStMan.h>
#include <casacore/tables/DataMan/VirtualTaQLColumn.h>
#include <casacore/tables/TaQL/ExprNode.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/RowNumbers.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/StorageOption.h>
#include <casacore/tables/Tables/TableRecord.h>
#include <casacore/tables/Tables/TableRow.h>

using namespace casacore;

namespace oracle {

// A table with columns of every manager, as a Measurement Set has; SUB is a table inside it.
static std::vector<Spec> mixed_specs() {
    return {make_spec(TpInt, Form::scalar, IPosition()),          make_spec(TpDouble, Form::scalar, IPosition()),
            make_spec(TpBool, Form::scalar, IPosition()),         make_spec(TpString, Form::scalar, IPosition()),
            make_spec(TpString, Form::varying, IPosition(1, 3)),  make_spec(TpShort, Form::varying, IPosition(2, 3, 2)),
            make_spec(TpDouble, Form::direct, IPosition(1, 3)),   make_spec(TpFloat, Form::varying, IPosition(2, 4, 5)),
            make_spec(TpBool, Form::varying, IPosition(2, 4, 5)), make_spec(TpComplex, Form::fixed, IPosition(2, 4, 5)),
            make_spec(TpBool, Form::fixed, IPosition(2, 4, 5)),   make_spec(TpUInt, Form::varying, IPosition(2, 4, 5))};
}

static Table make_mixed(const String &path, bool big, rownr_t rows, Random &random, const StorageOption &storage) {
    std::vector<Spec> specs = mixed_specs();
    TableDesc desc("mixed", "1", TableDesc::Scratch);
    for (const Spec &spec : specs) describe(desc, spec);
    SetupNewTable setup(path, desc, Table::New, storage);
    setup.bindAll(StandardStMan("standard", 600));
    setup.bindColumn(specs[1].name, IncrementalStMan("incremental", 256, False));
    const IPosition tile(3, 4, 2, 3);
    setup.bindColumn(specs[7].name, *make_manager("TiledShapeStMan", "data", tile));
    setup.bindColumn(specs[8].name, *make_manager("TiledShapeStMan", "flag", tile));
    auto column = make_manager("TiledColumnStMan", "shared", tile);
    setup.bindColumn(specs[9].name, *column);
    setup.bindColumn(specs[10].name, *column);
    setup.bindColumn(specs[11].name, *make_manager("TiledCellStMan", "cells", IPosition(2, 2, 5)));
    Table table(setup, rows, True, endian(big));
    PutStyle style;
    style.shape_only = false;
    put_rows(table, specs, 0, rows, random, style);
    ScalarColumn<Int> number(table, specs[0].name);
    for (rownr_t row = 0; row < rows; row++) number.put(row, static_cast<Int>(random.below(100)));
    ArrayColumn<Double>(table, specs[6].name).rwKeywordSet().define("QuantumUnits", Vector<String>(3, "m"));
    Table sub = create(path + "/SUB", {make_spec(TpInt, Form::scalar, IPosition())}, "StandardStMan", !big, 3);
    put_rows(sub, {make_spec(TpInt, Form::scalar, IPosition())}, 0, 3, random, style);
    table.rwKeywordSet().defineTable("SUB", sub);
    table.tableInfo().setType("Measurement Set");
    table.tableInfo().setSubType("of the tests");
    return table;
}

static RowNumbers row_list(Random &random, rownr_t rows, size_t count) {
    Vector<rownr_t> list(count);
    for (rownr_t &row : list) row = static_cast<rownr_t>(random.below(static_cast<int64_t>(rows)));
    return RowNumbers(list);
}

// Saves a selection under a name.
static Table save(Table selection, const String &path) {
    selection.rename(path, Table::New);
    selection.flush();
    return selection;
}

static void make_references(Maker &maker, const String &order, bool big) {
    const String stem = "ref_" + order;
    const rownr_t rows = maker.size() == Size::full ? 3000 : 40;
    maker.make(stem + "_root",
               [&](const String &path, Random &random) { make_mixed(path, big, rows, random, StorageOption()); });
    if (!Table::isReadable(maker.path(stem + "_root"))) return;
    const Table root(maker.path(stem + "_root"));
    maker.make(stem + "_list",
               [&](const String &path, Random &random) { save(root(row_list(random, rows, 55)), path); });
    maker.make(stem + "_query", [&](const String &path, Random &) { save(root(root.col("Int_scalar") > 50), path); });
    maker.make(stem + "_none", [&](const String &path, Random &) { save(root(root.col("Int_scalar") > 5000), path); });
    maker.make(stem + "_sorted",
               [&](const String &path, Random &) { save(root.sort("Int_scalar", Sort::Descending), path); });
    maker.make(stem + "_columns", [&](const String &path, Random &) {
        Block<String> names(3);
        names[0] = "Float_varying_2d", names[1] = "Int_scalar", names[2] = "Bool_fixed_2d";
        save(root.project(names), path);
    });
    maker.make(stem + "_nested", [&](const String &path, Random &random) {
        Table outer(maker.path(stem + "_list"));
        save(outer(row_list(random, outer.nrow(), 30)), path);
    });
    maker.make(stem + "_renamed", [&](const String &path, Random &random) {
        Table selection = save(root(row_list(random, rows, 20)), path);
        selection.renameColumn("TIME", "Double_scalar");
        selection.renameColumn("DATA", "Complex_fixed_2d");
    });
    maker.make(stem + "_root/WITHIN",
               [&](const String &path, Random &random) { save(root(row_list(random, rows, 9)), path); });
}

static void make_concatenated(Maker &maker) {
    const rownr_t rows[] = {13, 1, 22, 0}; // casacore looks for rows behind an empty part in that part
    Block<Table> parts(4);
    for (uInt i = 0; i < 4; i++)
        maker.make("concat_part" + String::toString(i), [&](const String &path, Random &random) {
            parts[i] = make_mixed(path, i % 2, rows[i], random, StorageOption());
        });
    for (const Table &part : parts)
        if (part.isNull()) return;
    maker.make("concat_all", [&](const String &path, Random &) { save(Table(parts), path); });
    maker.make("concat_subtables",
               [&](const String &path, Random &) { save(Table(parts, Block<String>(1, "SUB")), path); });
    maker.make("concat_references", [&](const String &path, Random &random) {
        Block<Table> references(3);
        references[0] = save(parts[0](row_list(random, 13, 8)), maker.path("concat_reference0"));
        references[1] = parts[1];
        references[2] = save(parts[2](parts[2].col("Int_scalar") > 30), maker.path("concat_reference2"));
        save(Table(references), path);
    });
    maker.make("concat_reference_of", [&](const String &path, Random &random) {
        Table all(maker.path("concat_all"));
        save(all(row_list(random, all.nrow(), 30)), path);
    });
    maker.make("concat_nested", [&](const String &path, Random &) {
        Block<Table> both(2);
        both[0] = Table(maker.path("concat_all"));
        both[1] = parts[2];
        save(Table(both), path);
    });
}

static void make_containers(Maker &maker, bool big) {
    for (StorageOption::Option option : {StorageOption::MultiFile, StorageOption::MultiHDF5})
        for (Int block : {256, 32768}) {
            if (option == StorageOption::MultiHDF5 && !HDF5Object::hasHDF5Support()) {
                maker.refuse("tables within an HDF5 file", "this casacore was built without HDF5");
                continue;
            }
            String name = option == StorageOption::MultiFile ? "container_multifile" : "container_hdf5";
            name += (big ? "_big_" : "_little_") + String::toString(block);
            maker.make(name, [&](const String &path, Random &random) {
                make_mixed(path, big, 30, random, StorageOption(option, block));
            });
        }
}

static void describe_virtual(TableDesc &desc) {
    desc.addColumn(ScalarColumnDesc<Int>("NUMBER"));
    desc.addColumn(ArrayColumnDesc<Double>("SCALED", 2));
    desc.addColumn(ArrayColumnDesc<Int>("SCALED_STORED", 2));
    desc.addColumn(ArrayColumnDesc<Complex>("COMPRESSED", 2));
    desc.addColumn(ArrayColumnDesc<Int>("COMPRESSED_STORED", 2));
    desc.addColumn(ArrayColumnDesc<Float>("SHORTENED", 2));
    desc.addColumn(ArrayColumnDesc<Short>("SHORTENED_STORED", 2));
    desc.addColumn(ScalarColumnDesc<Float>("SHORTENED_SCALE"));
    desc.addColumn(ScalarColumnDesc<Float>("SHORTENED_OFFSET"));
    desc.addColumn(ArrayColumnDesc<Bool>("FLAG", 2));
    desc.addColumn(ArrayColumnDesc<Int>("FLAG_BITS", 2));
    desc.addColumn(ScalarColumnDesc<Int>("COMPUTED"));
    desc.addColumn(ScalarColumnDesc<String>("COMPUTED_TEXT"));
}

// Columns of virtual engines beside stored ones: those go through casacore, these do not.
static void make_virtual(Maker &maker, bool big) {
    maker.make(String("virtual") + (big ? "_big" : "_little"), [&](const String &path, Random &random) {
        TableDesc desc("virtual", "1", TableDesc::Scratch);
        describe_virtual(desc);
        SetupNewTable setup(path, desc, Table::New);
        setup.bindColumn("SCALED", ScaledArrayEngine<Double, Int>("SCALED", "SCALED_STORED", 0.25, 3.0));
        setup.bindColumn("COMPRESSED", CompressComplex("COMPRESSED", "COMPRESSED_STORED", 0.5f, 1.0f));
        setup.bindColumn("SHORTENED",
                         CompressFloat("SHORTENED", "SHORTENED_STORED", "SHORTENED_SCALE", "SHORTENED_OFFSET", True));
        setup.bindColumn("FLAG", BitFlagsEngine<Int>("FLAG", "FLAG_BITS"));
        setup.bindColumn("COMPUTED", VirtualTaQLColumn("NUMBER * 2"));
        setup.bindColumn("COMPUTED_TEXT", VirtualTaQLColumn("str(NUMBER)"));
        Table table(setup, 12, False, endian(big));
        for (rownr_t row = 0; row < 12; row++) {
            IPosition shape(2, 3, row < 8 ? 4 : 5);
            ScalarColumn<Int>(table, "NUMBER").put(row, static_cast<Int>(random.below(1000)));
            Array<Double> values(shape);
            for (auto at = values.cbegin(); at != values.cend(); ++at)
                *at = 0.5 * static_cast<double>(random.below(1000));
            ArrayColumn<Double>(table, "SCALED").put(row, values);
            Array<Complex> data(shape);
            Array<Float> reals(shape);
            convertArray(reals, values);
            convertArray(data, reals);
            ArrayColumn<Complex>(table, "COMPRESSED").put(row, data);
            ArrayColumn<Float>(table, "SHORTENED").put(row, reals);
            ArrayColumn<Bool>(table, "FLAG").put(row, array<Bool>(random, shape));
        }
    });
}

// Columns that another table holds.
static void make_forwarded(Maker &maker, bool big) {
    String name = String("forward") + (big ? "_big" : "_little");
    maker.make(name + "_stored",
               [&](const String &path, Random &random) { make_mixed(path, big, 17, random, StorageOption()); });
    maker.make(name, [&](const String &path, Random &random) {
        Table stored(maker.path(name + "_stored"));
        TableDesc desc("forward", "1", TableDesc::Scratch);
        std::vector<Spec> own = {make_spec(TpFloat, Form::scalar, IPosition())};
        describe(desc, own[0]);
        for (const char *column : {"Int_scalar", "Complex_fixed_2d", "Float_varying_2d", "String_scalar"})
            desc.addColumn(stored.tableDesc()[column]);
        SetupNewTable setup(path, desc, Table::New);
        ForwardColumnEngine engine(stored, "forward");
        for (const char *column : {"Int_scalar", "Complex_fixed_2d", "Float_varying_2d", "String_scalar"})
            setup.bindColumn(column, engine);
        Table table(setup, stored.nrow(), False, endian(big));
        put_rows(table, own, 0, stored.nrow(), random, PutStyle());
    });
}

static TableRecord every_keyword(Random &random) {
    TableRecord record;
    record.define("BOOL", True);
    record.define("UCHAR", uChar(200));
    record.define("SHORT", Short(-3));
    record.define("INT", Int(-70000));
    record.define("UINT", uInt(4000000000u));
    record.define("INT64", Int64(-5000000000));
    record.define("FLOAT", 1.5f);
    record.define("DOUBLE", -1e300);
    record.define("COMPLEX", Complex(1, -2));
    record.define("DCOMPLEX", DComplex(3, -4));
    record.define("STRING", String("a text"));
    record.define("EMPTY", String());
    for (DataType type : column_types())
        if (type != TpUShort)
            with_type(type, [&](auto tag) {
                using T = typename decltype(tag)::type;
                if constexpr (!std::is_same_v<T, uShort>) {
                    record.define(String("ARRAY_") + type_name(type), array<T>(random, IPosition(2, 3, 5)));
                    record.define(String("VECTOR_") + type_name(type), array<T>(random, IPosition(1, 1)));
                    record.define(String("NOTHING_") + type_name(type), Array<T>(IPosition(1, 0)));
                }
            });
    return record;
}

// Keywords of every type, records in records, tables in and beside the table; a table that was never locked.
static void make_keywords(Maker &maker, bool big) {
    maker.make(String("keywords") + (big ? "_big" : "_little"), [&](const String &path, Random &random) {
        std::vector<Spec> specs = {make_spec(TpInt, Form::scalar, IPosition()),
                                   make_spec(TpFloat, Form::fixed, IPosition(1, 4))};
        Table table = create(path, specs, "StandardStMan", big, 5);
        put_rows(table, specs, 0, 5, random, PutStyle());
        TableRecord record = every_keyword(random), deep = every_keyword(random), column = every_keyword(random);
        deep.defineRecord("EMPTY_RECORD", TableRecord());
        record.defineRecord("DEEP", deep);
        record.defineRecord("EMPTY_RECORD", TableRecord());
        Table sub = create(path + "/SUB", specs, "IncrementalStMan", !big, 2);
        put_rows(sub, specs, 0, 2, random, PutStyle());
        Table deeper = create(path + "/SUB/DEEPER", specs, "StandardStMan", big, 1);
        put_rows(deeper, specs, 0, 1, random, PutStyle());
        Table beside = create(path + "_beside", specs, "StandardStMan", big, 2);
        put_rows(beside, specs, 0, 2, random, PutStyle());
        sub.rwKeywordSet().defineTable("DEEPER", deeper);
        record.defineTable("SUB", sub);
        record.defineTable("BESIDE", beside);
        table.rwKeywordSet() = record;
        column.defineRecord("MEASINFO", every_keyword(random));
        ScalarColumn<Int>(table, specs[0].name).rwKeywordSet() = column;
    });
}

static void make_unlocked(Maker &maker, bool big) {
    maker.make(String("unlocked") + (big ? "_big" : "_little"), [&](const String &path, Random &random) {
        std::vector<Spec> specs = mixed_specs();
        TableDesc desc("unlocked", "1", TableDesc::Scratch);
        for (const Spec &spec : specs) describe(desc, spec);
        SetupNewTable setup(path, desc, Table::New);
        Table table(setup, TableLock(TableLock::NoLocking), 21, False, endian(big));
        put_rows(table, specs, 0, 21, random, PutStyle());
    });
}

// More rows than 31 bits count: almost all of them run on in IncrementalStMan, and are undefined in TiledShapeStMan.
static void make_huge(Maker &maker, bool big) {
    maker.make(String("huge") + (big ? "_big" : "_little"), [&](const String &path, Random &random) {
        const rownr_t rows = (rownr_t(1) << 31) + 11;
        std::vector<Spec> runs = {make_spec(TpInt, Form::scalar, IPosition()),
                                  make_spec(TpString, Form::scalar, IPosition()),
                                  make_spec(TpFloat, Form::varying, IPosition(1, 3))};
        runs[1].longest = 100;
        Spec tiled = make_spec(TpDouble, Form::varying, IPosition(2, 3, 2));
        TableDesc desc("huge", "1", TableDesc::Scratch);
        for (const Spec &spec : runs) describe(desc, spec);
        describe(desc, tiled);
        SetupNewTable setup(path, desc, Table::New);
        setup.bindAll(IncrementalStMan("runs", 1024, False));
        setup.bindColumn(tiled.name, TiledShapeStMan("tiled", IPosition(3, 2, 2, 4)));
        Table table(setup, rows, False, endian(big));
        PutStyle style;
        style.undefined = style.shape_only = false;
        for (rownr_t row : {rownr_t(0), rownr_t(5), rownr_t(1) << 20, rows - 3}) {
            put_rows(table, runs, row, row + 1, random, style);
            put_rows(table, {tiled}, row, row + 1, random, style);
        }
    });
}

void make_view_tables(Maker &maker) {
    make_concatenated(maker);
    for (bool big : {false, true}) {
        make_references(maker, big ? "big" : "little", big);
        make_containers(maker, big);
        make_virtual(maker, big);
        make_forwarded(maker, big);
        make_keywords(maker, big);
        make_unlocked(maker, big);
        if (maker.size() != Size::small) make_huge(maker, big);
    }
}

} // namespace oracle
