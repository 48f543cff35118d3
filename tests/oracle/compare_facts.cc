// compare_facts.cc - names, types, shapes, managers and keywords of a table.
#include "compare.h"

#include <casacore/casa/Containers/Record.h>
#include <casacore/tables/DataMan/TiledStManAccessor.h>
#include <casacore/tables/Tables/StorageOption.h>
#include <casacore/tables/Tables/TableAttr.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

using namespace casacore;

namespace oracle {

bool is_native_manager(const std::string &type) {
    static const std::set<std::string> native = {"StandardStMan",   "IncrementalStMan", "TiledColumnStMan",
                                                 "TiledShapeStMan", "TiledCellStMan",   "TiledDataStMan"};
    return native.count(type) > 0;
}

/* ---------------------------------------------------------------- keywords */

static void compare_record(Report &report, const std::string &where, const TableRecord &expected,
                           const msio_record *record);

template <class T>
static void compare_values(Report &report, const std::string &where, const Array<T> &expected,
                           const msio_field *field) {
    bool same = field->count == static_cast<int64_t>(expected.size());
    for (int64_t i = 0; same && i < field->count; i++) {
        const T &value = expected.data()[i];
        if constexpr (std::is_same_v<T, String>)
            same = value == field->strings[i];
        else
            same = std::memcmp(static_cast<const char *>(field->values) + static_cast<size_t>(i) * sizeof(T), &value,
                               sizeof(T)) == 0;
    }
    if (!same) report.mismatch("keyword %s has other values", where.c_str());
}

// The scalar, or array, of a record's field as an array.
template <class T> static Array<T> values_of(const TableRecord &record, const String &name, bool array) {
    Array<T> values;
    if (array) {
        record.get(name, values);
    } else {
        T value;
        record.get(name, value);
        values = Array<T>(IPosition(1, 1), value);
    }
    return values;
}

static void compare_field(Report &report, const std::string &where, const TableRecord &record, uInt at,
                          const msio_field *field) {
    DataType type = record.type(static_cast<Int>(at));
    const String name = record.name(static_cast<Int>(at));
    bool nested = type == TpRecord || type == TpTable;
    if (field->type != static_cast<msio_type>(nested ? type : asScalar(type))) {
        report.mismatch("keyword %s is of type %d, not %d", where.c_str(), static_cast<int>(field->type),
                        static_cast<int>(type));
        return;
    }
    if (type == TpRecord) {
        compare_record(report, where + ".", record.subRecord(name), field->record);
        return;
    }
    if (type == TpTable) return; // compared as subtables
    bool array = isArray(type);
    IPosition shape = array ? record.shape(static_cast<Int>(at)) : IPosition();
    if (array && shape.empty()) shape = IPosition(1, 0);
    bool same = field->ndim == static_cast<int>(shape.size());
    for (int i = 0; same && i < field->ndim; i++)
        same = field->shape[i] == shape[shape.size() - 1 - static_cast<size_t>(i)];
    if (!same)
        report.mismatch("keyword %s has %d axes and another shape", where.c_str(), field->ndim);
    else if (asScalar(type) != TpUShort)
        with_type(asScalar(type), [&](auto tag) {
            using T = typename decltype(tag)::type;
            if constexpr (!std::is_same_v<T, uShort>)
                compare_values<T>(report, where, values_of<T>(record, name, array), field);
        });
}

static void compare_record(Report &report, const std::string &where, const TableRecord &expected,
                           const msio_record *record) {
    if (!record || msio_record_count(record) != static_cast<int>(expected.nfields())) {
        report.mismatch("%s has %d keywords, not %u", where.c_str(), msio_record_count(record), expected.nfields());
        return;
    }
    for (uInt i = 0; i < expected.nfields(); i++) {
        const String name = expected.name(static_cast<Int>(i));
        const msio_field *field = msio_record_at(record, static_cast<int>(i));
        if (std::strcmp(name.c_str(), field->name) != 0 || msio_record_find(record, name.c_str()) != field)
            report.mismatch("keyword %u of %s is %s, not %s", i, where.c_str(), field->name, name.c_str());
        else
            compare_field(report, where + name.c_str(), expected, i, field);
    }
}

// Opens `path::NAME` and `path/NAME`.
static void open_by_name(Report &report, const std::string &path, int64_t rows) {
    size_t colons = path.rfind("::");
    for (const std::string &way : {path, path.substr(0, colons) + "/" + path.substr(colons + 2)}) {
        msio_table *table = nullptr;
        if (msio_table_open(way.c_str(), nullptr, &table) != MSIO_OK)
            report.mismatch("%s is not opened: %s", way.c_str(), msio_last_error()->message);
        else if (msio_table_rows(table) != rows)
            report.mismatch("%s has %lld rows", way.c_str(), static_cast<long long>(msio_table_rows(table)));
        msio_table_close(table);
    }
}

static void compare_subtables(Report &report, const Table &expected, const msio_table *table) {
    const TableRecord &keywords = expected.keywordSet();
    int at = 0;
    for (uInt i = 0; i < keywords.nfields(); i++) {
        if (keywords.type(static_cast<Int>(i)) != TpTable) continue;
        const char *name = msio_table_subtable_name(table, at), *path = msio_table_subtable_path(table, at);
        at++;
        if (!name || !path || keywords.name(static_cast<Int>(i)) != name) {
            report.mismatch("subtable %d is %s, not %s", at - 1, name ? name : "missing",
                            keywords.name(static_cast<Int>(i)).c_str());
            continue;
        }
        std::string wanted = keywords.tableAttributes(static_cast<Int>(i)).name();
        std::error_code unused;
        if (!std::filesystem::exists(wanted)) continue; // a concatenation's own subtables are on no disk
        open_by_name(report, expected.tableName() + "::" + name, static_cast<int64_t>(Table(wanted).nrow()));
        bool same = std::filesystem::equivalent(path, wanted, unused) ||
                    std::filesystem::path(path).lexically_normal() == std::filesystem::path(wanted).lexically_normal();
        if (!same) report.mismatch("subtable %s is at %s, not at %s", name, path, wanted.c_str());
    }
    if (msio_table_subtables(table) != at) report.mismatch("%d subtables, not %d", msio_table_subtables(table), at);
}

// The plain tables behind a table, as msio names them.
static void roots_of(const char *path, std::vector<std::string> &roots) {
    msio_table *table = nullptr;
    if (msio_table_open(path, nullptr, &table) != MSIO_OK) {
        roots.emplace_back(msio_last_error()->message);
        return;
    }
    if (msio_table_parts(table) == 0) roots.emplace_back(path);
    for (int i = 0; i < msio_table_parts(table); i++) roots_of(msio_table_part_path(table, i), roots);
    msio_table_close(table);
}

static void compare_parts(Report &report, const Table &expected) {
    const Block<String> wanted = expected.getPartNames(True);
    std::vector<std::string> found;
    roots_of(expected.tableName().c_str(), found);
    if (found.size() != wanted.size())
        report.mismatch("%zu tables behind it, not %zu", found.size(), static_cast<size_t>(wanted.size()));
    for (size_t i = 0; i < found.size() && i < wanted.size(); i++) {
        std::error_code unused;
        if (!std::filesystem::equivalent(found[i], std::string(wanted[i]), unused))
            report.mismatch("behind it is %s, not %s", found[i].c_str(), wanted[i].c_str());
    }
}

/* ---------------------------------------------------------------- columns */

// Whether all managers of the table (of its roots when it refers to others) are read natively.
static bool all_native(const Table &table) {
    const Record managers = table.dataManagerInfo();
    for (uInt i = 0; i < managers.nfields(); i++)
        if (!is_native_manager(managers.subRecord(i).asString("TYPE"))) return false;
    return table.storageOption().option() == StorageOption::SepFile;
}

// Coordinates and identifiers of hypercubes lie in the manager's header. They are read through casacore.
static bool is_coordinate(const Table &table, const String &column) {
    for (const String &name : table.tableDesc().hypercolumnNames()) {
        Vector<String> data, coordinates, identifiers;
        table.tableDesc().hypercolumnDesc(name, data, coordinates, identifiers);
        for (const Vector<String> &names : {coordinates, identifiers})
            if (std::find(names.begin(), names.end(), column) != names.end()) return true;
    }
    return false;
}

static bool must_be_native(const Table &table, const String &column) {
    Block<String> roots = table.getPartNames(True);
    if (roots.size() != 1 || Table(roots[0]).tableName() != table.tableName()) {
        for (const String &root : roots)
            if (!all_native(Table(root))) return false;
        return true;
    }
    if (table.storageOption().option() != StorageOption::SepFile || is_coordinate(table, column)) return false;
    const Record managers = table.dataManagerInfo();
    for (uInt i = 0; i < managers.nfields(); i++) {
        const Record manager = managers.subRecord(i);
        for (const String &name : Vector<String>(manager.asArrayString("COLUMNS")))
            if (name == column) return is_native_manager(manager.asString("TYPE"));
    }
    return false;
}

static void compare_tile(Report &report, const Table &expected, const msio_column_info *info) {
    if (!info->native || !String(info->manager).startsWith("Tiled") || !expected.isRootTable() ||
        is_coordinate(expected, info->name))
        return;
    ROTiledStManAccessor accessor(expected, info->name, True);
    IPosition tile;
    for (uInt i = 0; i < accessor.nhypercubes() && tile.empty(); i++) tile = accessor.getTileShape(i);
    bool same = info->tile_ndim == static_cast<int>(tile.size());
    for (int i = 0; same && i < info->tile_ndim; i++)
        same = info->tile[i] == tile[tile.size() - 1 - static_cast<size_t>(i)];
    if (!same)
        report.mismatch("column %s has another tile (of %d axes, not %zu)", info->name, info->tile_ndim, tile.size());
}

static void compare_shape(Report &report, const TableColumn &column, const msio_column_info *info) {
    const ColumnDesc &desc = column.columnDesc();
    if (desc.isScalar()) {
        if (info->ndim != 0) report.mismatch("column %s: ndim is %d", info->name, info->ndim);
        return;
    }
    if (info->fixed_shape != desc.isFixedShape())
        report.mismatch("column %s: fixed_shape is %d", info->name, info->fixed_shape);
    IPosition shape = column.shapeColumn();
    if (desc.isFixedShape()) {
        bool same = info->shape_known && info->ndim == static_cast<int>(shape.size());
        for (int i = 0; same && i < info->ndim; i++)
            same = info->shape[i] == shape[shape.size() - 1 - static_cast<size_t>(i)];
        if (!same)
            report.mismatch("column %s has another shape (%d axes, not %zu)", info->name, info->ndim, shape.size());
    } else if (desc.ndim() > 0 && info->ndim != desc.ndim()) {
        report.mismatch("column %s: ndim is %d, not %d", info->name, info->ndim, desc.ndim());
    }
}

static void compare_column_facts(Report &report, const Table &expected, msio_table *table, const String &name) {
    const msio_column *column = nullptr;
    if (msio_table_column(table, name.c_str(), &column) != MSIO_OK) {
        report.mismatch("column %s is not found: %s", name.c_str(), msio_last_error()->message);
        return;
    }
    const msio_column_info *info = msio_column_describe(column);
    if (!info) {
        report.mismatch("column %s is not described: %s", name.c_str(), msio_last_error()->message);
        return;
    }
    TableColumn reference(expected, name);
    const ColumnDesc &desc = reference.columnDesc();
    report.expect(name == info->name, "column has another name", name.c_str());
    report.expect(desc.comment() == info->comment, "another comment of column", name.c_str());
    report.expect(static_cast<msio_type>(desc.dataType()) == info->type, "another type of column", name.c_str());
    report.expect(desc.isArray() == (info->is_array != 0), "is_array differs for column", name.c_str());
    compare_record(report, "keywords of column " + name + " ", reference.keywordSet(), msio_column_keywords(column));
    if (desc.dataType() == TpRecord) return;
    compare_shape(report, reference, info);
    compare_tile(report, expected, info);
    if (must_be_native(expected, name) && !info->native)
        report.mismatch("column %s of %s is not read natively: %s", name.c_str(), info->manager,
                        info->why_not ? info->why_not : "");
    if (!info->native && !info->why_not) report.mismatch("column %s does not say why it is not native", name.c_str());
    report.columns++;
    report.native_columns += info->native != 0;
}

static void compare_managers(Report &report, const Table &expected, msio_table *table, const msio_table_info &info) {
    if (!expected.isRootTable() || info.kind != MSIO_PLAIN_TABLE) return;
    const Record managers = expected.dataManagerInfo();
    std::multiset<std::pair<std::string, int>> wanted, found;
    for (uInt i = 0; i < managers.nfields(); i++)
        wanted.emplace(managers.subRecord(i).asString("TYPE"),
                       static_cast<int>(managers.subRecord(i).asArrayString("COLUMNS").size()));
    msio_manager_info manager;
    for (int i = 0; i < info.managers; i++) {
        if (msio_table_manager(table, i, &manager) != MSIO_OK)
            report.mismatch("manager %d is not described: %s", i, msio_last_error()->message);
        else
            found.emplace(manager.type, manager.columns);
    }
    if (wanted != found)
        report.mismatch("%d managers, or other ones than casacore's %u", info.managers, managers.nfields());
    report.expect(msio_table_manager(table, info.managers, &manager) == MSIO_E_RANGE, "a manager too many",
                  "described");
}

void compare_facts(Report &report, const Table &expected, msio_table *table) {
    msio_table_info info;
    msio_table_describe(table, &info);
    const TableDesc &desc = expected.tableDesc();
    if (info.rows != static_cast<int64_t>(expected.nrow()) || msio_table_rows(table) != info.rows)
        report.mismatch("%lld rows, not %lld", static_cast<long long>(info.rows),
                        static_cast<long long>(expected.nrow()));
    if (info.columns != static_cast<int>(desc.ncolumn()))
        report.mismatch("%d columns, not %u", info.columns, desc.ncolumn());
    report.expect(expected.tableInfo().type() == info.type && expected.tableInfo().subType() == info.subtype,
                  "another type or subtype:", info.type);
    if (expected.isRootTable() && info.kind == MSIO_PLAIN_TABLE)
        report.expect((expected.endianFormat() == Table::BigEndian) == (info.big_endian != 0), "other byte order",
                      info.path);
    for (uInt i = 0; i < desc.ncolumn(); i++) {
        const char *name = msio_table_column_name(table, static_cast<int>(i));
        report.expect(name && desc[i].name() == name, "not in its place: column", desc[i].name().c_str());
        compare_column_facts(report, expected, table, desc[i].name());
    }
    const msio_column *column = nullptr;
    report.expect(!msio_table_column_name(table, info.columns), "a name for a column too many", "");
    report.expect(msio_table_column(table, "no such column", &column) == MSIO_E_NO_COLUMN,
                  "a column that is not there was", "found");
    compare_managers(report, expected, table, info);
    compare_record(report, "", expected.keywordSet(), msio_table_keywords(table));
    compare_subtables(report, expected, table);
    compare_parts(report, expected);
}

} // namespace oracle
