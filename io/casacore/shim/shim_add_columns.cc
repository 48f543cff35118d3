// shim_add_columns.cc - the casacore module: adding columns by description.

#include "io/casacore/shim/shim_add.h"
#include "io/casacore/shim/shim_define.h"
#include "io/casacore/shim/shim_errors.h"
#include "io/casacore/shim/shim_room.h"
#include "io/casacore/shim/shim_types.h"

#include <casacore/casa/Arrays/Vector.h>
#include <casacore/casa/BasicSL/String.h>
#include <casacore/casa/Containers/Record.h>
#include <casacore/tables/DataMan/DataManError.h>
#include <casacore/tables/DataMan/DataManager.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace shim {

namespace {

struct Group {
    std::unique_ptr<cc::DataManager> manager;
    std::string type, name;
    size_t tile_axes = 0;
    cc::TableDesc desc{"", "", cc::TableDesc::Scratch};
};

void check_column(const Group &group, int type, const Definition &column) {
    const std::string &name = column.name;
    if (name.empty()) refuse(MSIO_E_ARGUMENT, "a column without a name");
    if (!is_element_type(type)) refuse(MSIO_E_ARGUMENT, "column " + name + " is of a type that no column has");
    if (column.ndim < -1 || column.ndim > MSIO_MAX_NDIM ||
        (column.option && static_cast<int>(column.shape.size()) != column.ndim))
        refuse(MSIO_E_ARGUMENT, "column " + name + " has too many axes, or a shape of others");
    for (const ssize_t n : column.shape)
        if (n < 1) refuse(MSIO_E_ARGUMENT, "column " + name + " has an axis shorter than 1");
    const bool tiled = group.type.compare(0, 5, "Tiled") == 0;
    if (tiled && column.ndim < 1)
        refuse(MSIO_E_ARGUMENT, "column " + name + ": tiles hold arrays of a known number of axes");
    if (group.type == "TiledColumnStMan" && !column.option)
        refuse(MSIO_E_ARGUMENT, "column " + name + ": TiledColumnStMan wants a fixed shape");
    if (tiled && group.tile_axes && group.tile_axes != static_cast<size_t>(column.ndim) + 1)
        refuse(MSIO_E_ARGUMENT, "column " + name + ": tiles have one axis more than cells");
}

// "column" name comment type ndim fixed direct shape
void add_column(Orders &orders, Group &group) {
    Definition column;
    column.name = orders.text();
    column.comment = orders.text();
    column.manager_type = group.type;
    column.manager = group.name;
    const auto type = static_cast<int>(orders.number());
    column.ndim = static_cast<int>(orders.number());
    const bool fixed = orders.number() != 0, direct = orders.number() != 0;
    column.option = !fixed ? 0 : direct ? cc::ColumnDesc::Direct : cc::ColumnDesc::FixedShape;
    column.shape = orders.shape();
    check_column(group, type, column);
    define_column(group.desc, type, column);
}

// "manager" type name tile bucket_bytes bucket_rows
Group start_group(Orders &orders) {
    Group group;
    group.type = orders.text();
    group.name = orders.text();
    const cc::IPosition tile = orders.shape();
    group.tile_axes = tile.size();
    const int64_t bytes = orders.number(), rows = orders.number();
    try {
        group.manager = make_manager(group.type, group.name, tile, bytes, rows);
    } catch (const cc::AipsError &error) {
        refuse(MSIO_E_ARGUMENT, "casacore makes no data manager " + group.type + ": " + error.what());
    }
    return group;
}

template <typename T, typename Parse>
void define_values(cc::TableRecord &record, const std::string &name, int64_t count, Orders &orders, Parse parse) {
    if (count < 0) {
        record.define(name, static_cast<T>(parse(orders.text())));
        return;
    }
    cc::Vector<T> values(static_cast<size_t>(count));
    for (T &value : values) value = static_cast<T>(parse(orders.text()));
    record.define(name, values);
}

// "keyword" column name type count values...
void add_keyword(Orders &orders, std::vector<Group> &groups) {
    const std::string column = orders.text(), name = orders.text();
    const int type = static_cast<int>(orders.number());
    const int64_t count = orders.number();
    for (Group &group : groups) {
        if (!group.desc.isColumn(column)) continue;
        cc::TableRecord &record = group.desc.rwColumnDesc(column).rwKeywordSet();
        const auto integer = [](const std::string &text) { return std::stoll(text); };
        const auto real = [](const std::string &text) { return std::stod(text); };
        const auto same = [](const std::string &text) { return cc::String(text); };
        switch (type) {
        case MSIO_INT: return define_values<cc::Int>(record, name, count, orders, integer);
        case MSIO_FLOAT: return define_values<cc::Float>(record, name, count, orders, real);
        case MSIO_DOUBLE: return define_values<cc::Double>(record, name, count, orders, real);
        case MSIO_STRING: return define_values<cc::String>(record, name, count, orders, same);
        default: refuse(MSIO_E_ARGUMENT, "keyword " + name + " is of a type that is not written");
        }
    }
    refuse(MSIO_E_ARGUMENT, "keyword " + name + " is of column " + column + ", which is not among those to be added");
}

bool has_manager(const cc::Table &table, const std::string &name) {
    const cc::Record all = table.dataManagerInfo();
    for (cc::uInt i = 0; i < all.nfields(); i++)
        if (all.subRecord(i).asString("NAME") == cc::String(name)) return true;
    return false;
}

void check_names(const cc::Table &table, const std::vector<Group> &groups) {
    std::vector<std::string> seen;
    for (const Group &group : groups) {
        if (!group.name.empty() && has_manager(table, group.name))
            refuse(MSIO_E_ARGUMENT, "the table has a data manager " + group.name + " already");
        for (cc::uInt i = 0; i < group.desc.ncolumn(); i++) {
            const std::string name = group.desc[i].name();
            if (table.tableDesc().isColumn(name) || std::find(seen.begin(), seen.end(), name) != seen.end())
                refuse(MSIO_E_ARGUMENT, "the table has a column " + name + " already");
            seen.push_back(name);
        }
    }
}

} // namespace

std::string add_columns(const std::string &path, Orders &orders) {
    std::vector<Group> groups;
    while (orders.more()) {
        const std::string order = orders.text();
        if (order == "manager")
            groups.push_back(start_group(orders));
        else if (order == "column" && !groups.empty())
            add_column(orders, groups.back());
        else if (order == "keyword")
            add_keyword(orders, groups);
        else
            refuse(MSIO_E_ARGUMENT, "no order " + order);
    }
    cc::Table table = open_locked(path);
    check_names(table, groups);
    int64_t bytes = 0;
    for (const Group &group : groups)
        for (cc::uInt i = 0; i < group.desc.ncolumn(); i++)
            bytes += column_bytes(group.desc[i], static_cast<int64_t>(table.nrow()));
    ask_for_room(path, bytes);
    for (const Group &group : groups)
        if (group.desc.ncolumn()) table.addColumn(group.desc, *group.manager);
    table.flush();
    return "";
}

} // namespace shim
