// make_bucketed.cc - tables of StandardStMan, IncrementalStMan and StManAipsIO.
#include "make_tables.h"

#include <casacore/tables/DataMan/IncrementalStMan.h>
#include <casacore/tables/DataMan/StandardStMan.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScaRecordColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/TableRecord.h>

using namespace casacore;

namespace oracle {

static std::vector<Spec> every_column(Maker &maker, const String &manager) {
    const IPosition shapes[] = {IPosition(1, 5), IPosition(2, 3, 4), IPosition(3, 2, 3, 3)};
    std::vector<Spec> specs;
    auto add = [&](Spec spec) {
        if (manager == "IncrementalStMan" && spec.form != Form::varying)
            spec.longest = 15; // casacore overruns its cache
        if (maker.possible(manager, spec)) specs.push_back(spec);
    };
    for (DataType type : column_types()) {
        add(make_spec(type, Form::scalar, IPosition()));
        for (const IPosition &shape : shapes)
            for (Form form : {Form::direct, Form::fixed, Form::varying}) add(make_spec(type, form, shape));
        add(make_spec(type, Form::late, shapes[1]));
        add(make_spec(type, Form::varying, IPosition(4, 2, 2, 1, 3)));
    }
    if (manager == "IncrementalStMan") return specs;
    for (uInt length : {1u, 8u, 20u}) {
        Spec spec = make_spec(TpString, Form::scalar, IPosition());
        spec.name += "_max" + String::toString(length);
        spec.max_length = length;
        specs.push_back(spec);
    }
    return specs;
}

// Every kind of column; half of the rows come with the table, the others are added; then some are put again.
static void make_every(Maker &maker, const String &name, const String &manager, bool big, rownr_t rows, int64_t every) {
    maker.make(name, [&](const String &path, Random &random) {
        std::vector<Spec> specs = every_column(maker, manager);
        Table table = create(path, specs, manager, big, rows / 2);
        PutStyle style;
        style.every = every;
        put_rows(table, specs, 0, rows / 2, random, style);
        table.addRow(rows - rows / 2);
        put_rows(table, specs, rows / 2, rows, random, style);
        table.flush();
        style.undefined = style.shape_only = false;
        for (int64_t i = 0; rows > 4 && i < 4; i++) { // other shapes, other lengths of text, runs cut in two
            rownr_t row = static_cast<rownr_t>(random.below(static_cast<int64_t>(rows)));
            put_rows(table, specs, row, row + 1, random, style);
        }
    });
}

static void make_removed(Maker &maker, const String &name, const String &manager, bool big, rownr_t rows) {
    maker.make(name, [&](const String &path, Random &random) {
        std::vector<Spec> specs = every_column(maker, manager);
        Table table = create(path, specs, manager, big, rows);
        PutStyle style;
        style.every = manager == "IncrementalStMan" ? 3 : 1;
        put_rows(table, specs, 0, rows, random, style);
        for (rownr_t i = 0; i < rows / 4; i++)
            table.removeRow(static_cast<rownr_t>(random.below(static_cast<int64_t>(table.nrow()))));
        for (rownr_t i = 0; i < 8 && table.nrow() > 8; i++) table.removeRow(table.nrow() / 2); // whole buckets
        table.flush();
        rownr_t left = table.nrow();
        table.addRow(5);
        put_rows(table, specs, left, left + 5, random, style);
    });
}

// Columns that join a StandardStMan later get an index of their own; others leave, or change their name.
static void make_joined(Maker &maker, const String &name, bool big, rownr_t rows) {
    maker.make(name, [&](const String &path, Random &random) {
        std::vector<Spec> all = every_column(maker, "StandardStMan"), first, second;
        for (size_t i = 0; i < all.size(); i++) (i % 3 == 1 ? second : first).push_back(all[i]);
        Table table = create(path, first, "StandardStMan", big, rows);
        put_rows(table, first, 0, rows, random, PutStyle());
        for (const Spec &spec : second) {
            TableDesc desc;
            describe(desc, spec);
            ColumnDesc column(desc[0]);
            if (spec.form == Form::late) column.setShape(spec.shape);
            table.addColumn(column, "StandardStMan_all", True);
        }
        put_rows(table, second, 0, rows, random, PutStyle());
        table.removeColumn("Int_scalar");
        table.removeColumn("String_varying_2d");
        table.renameColumn("TIME", "Double_scalar");
        table.renameColumn("ANTENNA NAME", "String_scalar");
        table.addRow(3);
    });
}

// Buckets of a given size and columns of one type only: bits and descriptors meet the bucket's borders.
static void make_narrow(Maker &maker, const String &name, const String &manager, bool big, DataType type,
                        rownr_t rows) {
    maker.make(name, [&](const String &path, Random &random) {
        std::vector<Spec> specs = {make_spec(type, Form::scalar, IPosition())};
        specs.push_back(make_spec(type, Form::direct, IPosition(2, 3, 3)));
        for (Spec &spec : specs) spec.longest = manager == "IncrementalStMan" ? 9 : 5000;
        TableDesc desc("narrow", "1", TableDesc::Scratch);
        for (const Spec &spec : specs) describe(desc, spec);
        SetupNewTable setup(path, desc, Table::New);
        if (manager == "StandardStMan")
            setup.bindAll(StandardStMan("narrow", -7));
        else
            setup.bindAll(IncrementalStMan("narrow", 512, False));
        Table table(setup, rows, True, endian(big));
        put_rows(table, specs, 0, rows, random, PutStyle());
    });
}

// Arrays without elements, of many axes, and of texts only; record columns, which nothing but casacore reads.
static void make_odd(Maker &maker, const String &name, const String &manager, bool big) {
    maker.make(name, [&](const String &path, Random &random) {
        TableDesc desc("odd", "1", TableDesc::Scratch);
        desc.addColumn(ArrayColumnDesc<Float>("ANY", "any number of axes"));
        desc.addColumn(ArrayColumnDesc<String>("TEXTS", "any number of axes"));
        desc.addColumn(ArrayColumnDesc<Bool>("NEVER", "never put"));
        desc.addColumn(ScalarColumnDesc<Int>("ALSO_NEVER", "has a default"));
        desc.rwColumnDesc("ALSO_NEVER").rwKeywordSet().define("note", "kept by the column");
        desc.addColumn(ScalarRecordColumnDesc("RECORD"));
        desc.addColumn(
            ArrayColumnDesc<Double>("FIXED", "put in some rows", IPosition(2, 3, 2), ColumnDesc::FixedShape));
        desc.addColumn(ArrayColumnDesc<Bool>("FIXED_NEVER", "never put", IPosition(1, 9), ColumnDesc::FixedShape));
        desc.addColumn(ArrayColumnDesc<String>("FIXED_TEXTS", "never put", IPosition(1, 2), ColumnDesc::FixedShape));
        desc.addColumn(ArrayColumnDesc<Int64>("SHAPED", "shapes only", 2));
        SetupNewTable setup(path, desc, Table::New);
        setup.bindAll(*make_manager(manager, "odd", IPosition()));
        Table table(setup, 12, True, endian(big));
        ArrayColumn<Float> any(table, "ANY");
        ArrayColumn<String> texts(table, "TEXTS");
        const IPosition shapes[] = {IPosition(1, 1),    IPosition(2, 0, 3),   IPosition(2, 3, 0),
                                    IPosition(1, 0),    IPosition(),          IPosition(8, 2, 1, 2, 1, 2, 2, 1, 3),
                                    IPosition(2, 1, 1), IPosition(3, 1, 2, 3)};
        for (rownr_t row = 0; row < 8; row++) {
            try {
                any.put(row, array<Float>(random, shapes[row]));
            } catch (const std::exception &error) { // the first empty array of a file is lost when it is big-endian
                maker.refuse(manager + ": an array without elements, sometimes", error.what());
                any.put(row, array<Float>(random, shapes[0]));
            }
            texts.put(row, array<String>(random, shapes[row]));
        }
        ArrayColumn<Double>(table, "FIXED").put(3, array<Double>(random, IPosition(2, 3, 2)));
        ArrayColumn<Int64>(table, "SHAPED").setShape(1, IPosition(2, 2, 5));
        ArrayColumn<Int64>(table, "SHAPED").setShape(4, IPosition(2, 1, 5));
        TableRecord record;
        record.define("n", 3);
        ScalarColumn<TableRecord>(table, "RECORD").put(2, record);
    });
}

// Values that change every few rows or never, over many buckets; values put again within runs.
static void make_runs(Maker &maker, const String &name, bool big, rownr_t rows, int64_t every) {
    maker.make(name, [&](const String &path, Random &random) {
        std::vector<Spec> specs;
        for (DataType type : column_types()) {
            specs.push_back(make_spec(type, Form::scalar, IPosition()));
            specs.push_back(make_spec(type, Form::direct, IPosition(1, 3)));
            specs.push_back(make_spec(type, Form::varying, IPosition(2, 2, 3)));
            for (Spec &spec : specs) spec.longest = 40;
        }
        TableDesc desc("runs", "1", TableDesc::Scratch);
        for (const Spec &spec : specs) describe(desc, spec);
        SetupNewTable setup(path, desc, Table::New);
        setup.bindAll(IncrementalStMan("runs", 2048, False));
        Table table(setup, rows, False, endian(big));
        PutStyle style;
        style.every = every;
        style.shape_only = false;
        put_rows(table, specs, 0, rows, random, style);
        style.every = 1;
        for (int64_t i = 0; i < 10 && rows > 0; i++) {
            rownr_t row = static_cast<rownr_t>(random.below(static_cast<int64_t>(rows)));
            put_rows(table, {specs[static_cast<size_t>(random.below(static_cast<int64_t>(specs.size())))]}, row,
                     row + 1, random, style);
        }
    });
}

void make_bucketed_tables(Maker &maker) {
    bool small = maker.size() == Size::small;
    rownr_t many = maker.size() == Size::full ? 6000 : 60;
    for (bool big : {false, true}) {
        String order = big ? "_big" : "_little";
        for (const char *manager : {"StandardStMan", "IncrementalStMan", "StManAipsIO"}) {
            String stem = String(manager) + order;
            bool runs = stem.startsWith("Incr");
            for (rownr_t rows : {rownr_t(0), rownr_t(1), rownr_t(7), rownr_t(8), rownr_t(9)})
                if (!small && !stem.startsWith("StManAipsIO"))
                    make_every(maker, stem + "_rows" + String::toString(rows), manager, big, rows, runs ? 3 : 1);
            rownr_t rows = stem.startsWith("StManAipsIO") ? 40 : many;
            make_every(maker, stem + "_many", manager, big, small ? 12 : rows, runs ? 4 : 1);
            make_removed(maker, stem + "_removed", manager, big, small ? 20 : 70);
            if (!stem.startsWith("StManAipsIO")) make_odd(maker, stem + "_odd", manager, big);
        }
        make_joined(maker, "StandardStMan" + order + "_joined", big, small ? 11 : 50);
        make_runs(maker, "IncrementalStMan" + order + "_runs", big, small ? 50 : 40 * many, 40);
        make_runs(maker, "IncrementalStMan" + order + "_each", big, small ? 50 : 3 * many, 1);
        for (DataType type : {TpBool, TpShort, TpDouble, TpString})
            for (const char *manager : {"StandardStMan", "IncrementalStMan"})
                make_narrow(maker, String(manager) + order + "_only_" + type_name(type), manager, big, type,
                            small ? 29 : 8 * many + 5);
    }
}

} // namespace oracle
