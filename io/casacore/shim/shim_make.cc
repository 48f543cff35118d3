// shim_make.cc - the casacore module: making tables.

#include "io/casacore/shim/shim_calls.h"
#include "io/casacore/shim/shim_define.h"
#include "io/casacore/shim/shim_errors.h"
#include "io/casacore/shim/shim_table.h"
#include "io/casacore/shim/shim_types.h"

#include <casacore/casa/Arrays/Vector.h>
#include <casacore/casa/IO/FileLocker.h>
#include <casacore/tables/DataMan/DataManager.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/ScaRecordColDesc.h>
#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableInfo.h>
#include <casacore/tables/Tables/TableLock.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace shim {

namespace {

const char *or_empty(const char *text) { return text ? text : ""; }

void add_column(cc::TableDesc &desc, const msio_casa_column_spec &spec, const msio_casa_manager_spec &manager) {
    if (spec.type == MSIO_RECORD) {
        desc.addColumn(
            cc::ScalarRecordColumnDesc(spec.name, or_empty(spec.comment), manager.type, or_empty(manager.name)));
        return;
    }
    Definition column = {spec.name, or_empty(spec.comment), manager.type, or_empty(manager.name), spec.ndim, 0, {}};
    if (spec.fixed_shape) {
        column.option = spec.direct ? cc::ColumnDesc::Direct : cc::ColumnDesc::FixedShape;
        column.shape = from_numpy(spec.ndim, spec.shape);
    }
    define_column(desc, spec.type, column);
}

template <typename T>
void define_values(cc::TableRecord &record, const std::string &name, const T *values, int64_t n, int64_t length = 0) {
    if (n < 0)
        record.define(name, *values);
    else if (length > 0 && n % length == 0)
        record.define(name,
                      cc::Vector<T>(std::vector<T>(values, values + n)).reform(cc::IPosition(2, length, n / length)));
    else
        record.define(name, cc::Vector<T>(std::vector<T>(values, values + n)));
}

void define_keyword(cc::TableRecord &record, const std::string &name, const msio_casa_keyword_spec &spec) {
    switch (spec.type) {
    case MSIO_BOOL: {
        const auto *truths = static_cast<const uint8_t *>(spec.values);
        const std::unique_ptr<cc::Bool[]> values(new cc::Bool[static_cast<size_t>(std::max<int64_t>(spec.count, 1))]);
        for (int64_t i = 0; i < std::max<int64_t>(spec.count, spec.count < 0); i++) values[i] = truths[i] != 0;
        if (spec.count < 0)
            record.define(name, values[0]);
        else
            record.define(name, cc::Vector<cc::Bool>(cc::IPosition(1, spec.count), values.get(), cc::COPY));
        break;
    }
    case MSIO_INT64: define_values(record, name, static_cast<const cc::Int64 *>(spec.values), spec.count); break;
    case MSIO_INT:
        define_values(record, name, static_cast<const cc::Int *>(spec.values), spec.count, spec.length);
        break;
    case MSIO_UINT: define_values(record, name, static_cast<const cc::uInt *>(spec.values), spec.count); break;
    case MSIO_FLOAT: define_values(record, name, static_cast<const cc::Float *>(spec.values), spec.count); break;
    case MSIO_DOUBLE: define_values(record, name, static_cast<const cc::Double *>(spec.values), spec.count); break;
    case MSIO_STRING: {
        const auto *texts = static_cast<const char *const *>(spec.values);
        const std::vector<cc::String> strings(texts, texts + std::max<int64_t>(spec.count, spec.count < 0));
        define_values(record, name, strings.data(), spec.count);
        break;
    }
    default: refuse(MSIO_E_ARGUMENT, "keyword " + name + " is of a type that is not written");
    }
}

void add_keyword(cc::TableDesc &desc, const msio_casa_keyword_spec &spec) {
    cc::TableRecord &record = spec.column ? desc.rwColumnDesc(spec.column).rwKeywordSet() : desc.rwKeywordSet();
    const std::string name = spec.name;
    const size_t dot = name.find('.');
    if (dot == std::string::npos) {
        define_keyword(record, name, spec);
        return;
    }
    const std::string outer = name.substr(0, dot);
    if (!record.isDefined(outer)) record.defineRecord(outer, cc::TableRecord());
    define_keyword(record.rwSubRecord(outer), name.substr(dot + 1), spec);
}

std::unique_ptr<cc::DataManager> manager_of(const msio_casa_manager_spec &spec) {
    const cc::IPosition tile = spec.tile_ndim > 0 ? from_numpy(spec.tile_ndim, spec.tile) : cc::IPosition();
    return make_manager(spec.type, or_empty(spec.name), tile, spec.bucket_bytes, spec.bucket_rows);
}

// Names the columns of a tiled manager as a hypercolumn, with one axis more than their cells have.
void define_hypercolumn(cc::TableDesc &desc, const msio_casa_table_spec &spec, int manager) {
    std::vector<cc::String> names;
    int ndim = 0;
    for (int i = 0; i < spec.columns; i++) {
        if (spec.column[i].manager != manager) continue;
        names.push_back(spec.column[i].name);
        ndim = spec.column[i].ndim;
    }
    desc.defineHypercolumn(spec.manager[manager].name, static_cast<cc::uInt>(ndim + 1), cc::Vector<cc::String>(names));
}

cc::TableDesc make_desc(const msio_casa_table_spec &spec) {
    cc::TableDesc desc("", "", cc::TableDesc::Scratch);
    for (int i = 0; i < spec.columns; i++) add_column(desc, spec.column[i], spec.manager[spec.column[i].manager]);
    for (int i = 0; i < spec.managers; i++)
        if (spec.manager[i].hypercolumn) define_hypercolumn(desc, spec, i);
    for (int i = 0; i < spec.keywords; i++) add_keyword(desc, spec.keyword[i]);
    return desc;
}

void check_spec(const msio_casa_table_spec &spec) {
    for (int i = 0; i < spec.columns; i++) {
        const msio_casa_column_spec &column = spec.column[i];
        if (column.manager < 0 || column.manager >= spec.managers || column.ndim < -1 || column.ndim > MSIO_MAX_NDIM)
            refuse(MSIO_E_ARGUMENT, std::string("column ") + column.name + " has no such manager, or too many axes");
    }
    for (int i = 0; i < spec.managers; i++)
        if (spec.manager[i].tile_ndim > MSIO_MAX_NDIM + 1)
            refuse(MSIO_E_ARGUMENT, std::string("manager ") + spec.manager[i].type + " has tiles of too many axes");
}

} // namespace

msio_status shim_create(const char *path, const msio_casa_table_spec *spec, msio_casa_table **table,
                        msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        check_spec(*spec);
        check_path(path);
        cc::SetupNewTable setup(path, make_desc(*spec), cc::Table::NewNoReplace);
        for (int m = 0; m < spec->managers; m++) {
            const std::unique_ptr<cc::DataManager> manager = manager_of(spec->manager[m]);
            for (int i = 0; i < spec->columns; i++)
                if (spec->column[i].manager == m) setup.bindColumn(spec->column[i].name, *manager);
        }
        auto made = std::make_unique<msio_casa_table>();
        made->path = path;
        made->made = true;
        made->table =
            cc::Table(setup, cc::TableLock(cc::TableLock::PermanentLocking), static_cast<cc::rownr_t>(spec->rows),
                      false, spec->big_endian ? cc::Table::BigEndian : cc::Table::LittleEndian);
        made->table.lock(cc::FileLocker::Write);
        cc::TableInfo &info = made->table.tableInfo();
        info.setType(or_empty(spec->type));
        info.setSubType(or_empty(spec->subtype));
        if (spec->comment) info.readmeAddLine(spec->comment);
        *table = made.release();
    });
}

} // namespace shim
