// shim_columns.cc - the casacore module: columns and rows added to a table that is there.
#include "io/casacore/shim_columns.h"

#include <casacore/casa/Arrays/Array.h>
#include <casacore/casa/Arrays/ArrayMath.h>
#include <casacore/casa/Arrays/IPosition.h>
#include <casacore/casa/Arrays/Matrix.h>
#include <casacore/casa/Arrays/Vector.h>
#include <casacore/casa/BasicSL/Complex.h>
#include <casacore/casa/BasicSL/String.h>
#include <casacore/casa/Containers/Record.h>
#include <casacore/casa/IO/FileLocker.h>
#include <casacore/casa/Utilities/DataType.h>
#include <casacore/tables/DataMan/DataManError.h>
#include <casacore/tables/DataMan/DataManager.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/Table.h>
#include <casacore/tables/Tables/TableAttr.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableError.h>
#include <casacore/tables/Tables/TableLock.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace cc = casacore;

namespace {

struct Refusal {
    msio_status status;
    std::string text;
};

[[noreturn]] void refuse(msio_status status, const std::string &text) { throw Refusal{status, text}; }

void say(msio_casa_message *message, std::string text) noexcept {
    std::replace(text.begin(), text.end(), '\n', ' ');
    const size_t n = std::min(text.size(), sizeof message->text - 1);
    std::memcpy(message->text, text.data(), n);
    message->text[n] = '\0';
}

// ---------------------------------------------------------------- orders

// Fields, each ended by a NUL, one after the other.
struct Orders {
    const char *at, *end;

    bool more() const { return at < end; }
    std::string text() {
        if (!more()) refuse(MSIO_E_ARGUMENT, "an order without its words");
        std::string field = at;
        at += field.size() + 1;
        return field;
    }
    int64_t number() { return std::stoll(text()); }
    std::vector<int64_t> numbers() {
        std::vector<int64_t> all(static_cast<size_t>(number()));
        for (int64_t &n : all) n = number();
        return all;
    }
    cc::IPosition shape() {
        const std::vector<int64_t> numpy = numbers();
        cc::IPosition position(numpy.size());
        for (size_t i = 0; i < numpy.size(); i++) position[numpy.size() - 1 - i] = numpy[i];
        return position;
    }
};

// ---------------------------------------------------------------- locks and room

// A table opened for writing; casacore's write lock lasts as long.
cc::Table open_locked(const std::string &path) {
    cc::Table table(path, cc::TableLock(cc::TableLock::UserLocking), cc::Table::Update);
    if (!table.lock(cc::FileLocker::Write, 2))
        refuse(MSIO_E_LOCKED, "another process, or another part of this program, has " + path +
                                  " locked: let it call t.unlock(), open the table with lockoptions='autonoread', or "
                                  "close it");
    return table;
}

// Takes room for so many bytes, and gives it back: a full disk is found before anything changed.
void ask_for_room(const std::string &path, int64_t bytes) {
    const std::string name = path + "/table.msio_room";
    const int fd = open(name.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_TRUNC, 0600);
    if (fd < 0) refuse(MSIO_E_IO, "the table's folder may not be written: " + std::string(std::strerror(errno)));
    unlink(name.c_str()); // a process that is killed leaves nothing
    const int failed = fallocate(fd, 0, 0, static_cast<off_t>(bytes)) ? errno : 0;
    close(fd);
    if (failed == ENOSPC || failed == EDQUOT || failed == EFBIG)
        refuse(MSIO_E_IO, "no room for " + std::to_string(bytes) + " bytes in " + path + " (" + std::strerror(failed) +
                              "); nothing was changed");
}

int64_t element_bytes(cc::DataType type) {
    return type == cc::TpString ? 16 : std::max<int64_t>(1, cc::ValType::getTypeSize(type));
}

// What casacore writes out for the column: fixed shapes and scalars as zeros, else a header only.
int64_t column_bytes(const cc::ColumnDesc &column, int64_t rows) {
    int64_t cell = element_bytes(column.dataType());
    if (column.isArray()) cell = column.isFixedShape() ? cell * column.shape().product() : 0;
    return cell * rows + (int64_t{1} << 20);
}

// ---------------------------------------------------------------- columns by description

struct Group {
    std::unique_ptr<cc::DataManager> manager;
    std::string type, name;
    size_t tile_axes = 0;
    cc::TableDesc desc{"", "", cc::TableDesc::Scratch};
};

template <typename T>
void add_typed(cc::TableDesc &desc, const Group &group, const std::string &name, const std::string &comment, int ndim,
               int option, const cc::IPosition &shape) {
    if (ndim == 0)
        desc.addColumn(cc::ScalarColumnDesc<T>(name, comment, group.type, group.name));
    else if (option)
        desc.addColumn(cc::ArrayColumnDesc<T>(name, comment, group.type, group.name, shape, option));
    else
        desc.addColumn(cc::ArrayColumnDesc<T>(name, comment, group.type, group.name, ndim));
}

void check_column(const Group &group, const std::string &name, int ndim, int option, const cc::IPosition &shape) {
    if (name.empty()) refuse(MSIO_E_ARGUMENT, "a column without a name");
    if (ndim < -1 || ndim > MSIO_MAX_NDIM || (option && static_cast<int>(shape.size()) != ndim))
        refuse(MSIO_E_ARGUMENT, "column " + name + " has too many axes, or a shape of others");
    for (size_t i = 0; i < shape.size(); i++)
        if (shape[i] < 1) refuse(MSIO_E_ARGUMENT, "column " + name + " has an axis shorter than 1");
    const bool tiled = group.type.compare(0, 5, "Tiled") == 0;
    if (tiled && ndim < 1) refuse(MSIO_E_ARGUMENT, "column " + name + ": tiles hold arrays of a known number of axes");
    if (group.type == "TiledColumnStMan" && !option)
        refuse(MSIO_E_ARGUMENT, "column " + name + ": TiledColumnStMan wants a fixed shape");
    if (tiled && group.tile_axes && group.tile_axes != static_cast<size_t>(ndim) + 1)
        refuse(MSIO_E_ARGUMENT, "column " + name + ": tiles have one axis more than cells");
}

// "column" name comment type ndim fixed direct shape
void add_column(Orders &orders, Group &group) {
    const std::string name = orders.text(), comment = orders.text();
    const auto type = static_cast<int>(orders.number()), ndim = static_cast<int>(orders.number());
    const bool fixed = orders.number() != 0, direct = orders.number() != 0;
    const cc::IPosition shape = orders.shape();
    const int option = !fixed ? 0 : direct ? cc::ColumnDesc::Direct : cc::ColumnDesc::FixedShape;
    check_column(group, name, ndim, option, shape);
    cc::TableDesc &d = group.desc;
    switch (type) {
    case cc::TpBool: add_typed<cc::Bool>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpUChar: add_typed<cc::uChar>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpShort: add_typed<cc::Short>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpUShort: add_typed<cc::uShort>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpInt: add_typed<cc::Int>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpUInt: add_typed<cc::uInt>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpInt64: add_typed<cc::Int64>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpFloat: add_typed<cc::Float>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpDouble: add_typed<cc::Double>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpComplex: add_typed<cc::Complex>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpDComplex: add_typed<cc::DComplex>(d, group, name, comment, ndim, option, shape); break;
    case cc::TpString: add_typed<cc::String>(d, group, name, comment, ndim, option, shape); break;
    default: refuse(MSIO_E_ARGUMENT, "column " + name + " is of a type that no column has");
    }
}

// "manager" type name tile bucket_bytes bucket_rows
Group start_group(Orders &orders) {
    Group group;
    cc::Record options;
    group.type = orders.text();
    group.name = orders.text();
    const cc::IPosition tile = orders.shape();
    group.tile_axes = tile.size();
    if (!tile.empty()) options.define("DEFAULTTILESHAPE", tile.asVector());
    const int64_t bytes = orders.number(), rows = orders.number();
    if (bytes > 0) options.define("BUCKETSIZE", static_cast<cc::Int>(bytes));
    if (rows > 0) options.define("BUCKETROWS", static_cast<cc::Int>(rows));
    try {
        group.manager.reset(cc::DataManager::getCtor(group.type)(group.name, options));
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

// ---------------------------------------------------------------- columns like others

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

cc::Record tiled_spec(const std::string &type, const std::string &name, const cc::Vector<cc::Int> &tile) {
    cc::Record spec, info;
    spec.define("DEFAULTTILESHAPE", tile);
    info.define("TYPE", cc::String(type));
    info.define("NAME", cc::String(name));
    info.defineRecord("SPEC", spec);
    return info;
}

// The manager of a column like one that is there: TiledColumnStMan for fixed shapes of it, else TiledShapeStMan.
cc::Record manager_like(const cc::Table &table, const cc::ColumnDesc &column, int ndim, const std::string &name) {
    const cc::Record old = manager_of(table, column.name());
    const cc::String type = old.isDefined("TYPE") ? old.asString("TYPE") : cc::String();
    const bool whole = type == "TiledColumnStMan" && column.isFixedShape();
    const size_t axes = static_cast<size_t>(ndim) + 1;
    return tiled_spec(whole ? "TiledColumnStMan" : "TiledShapeStMan", name, tile_like(old, axes));
}

// Axes of the cells: as described, else of the first one that has a value; tiles want to know.
int axes_of(const cc::Table &table, const cc::ColumnDesc &column) {
    if (!column.isArray() || column.ndim() > 0) return column.ndim();
    const cc::TableColumn cells(table, column.name());
    for (cc::rownr_t row = 0; row < table.nrow(); row++)
        if (cells.isDefined(row)) return static_cast<int>(cells.ndim(row));
    return column.ndim();
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

// ---------------------------------------------------------------- imaging columns

// Channels that all rows have; 0 where they differ, or no cell has a value.
int64_t channels_of(const cc::Table &table, const cc::ColumnDesc &data) {
    if (data.isFixedShape()) return data.shape().size() == 2 ? data.shape()[1] : 0;
    const cc::TableColumn cells(table, "DATA");
    int64_t channels = 0;
    for (cc::rownr_t row = 0; row < table.nrow(); row++) {
        if (!cells.isDefined(row)) continue;
        const cc::IPosition shape = cells.shape(row);
        if (shape.size() != 2 || (channels && channels != shape[1])) return 0;
        channels = shape[1];
    }
    return channels;
}

cc::Matrix<cc::Int> channel_selection(const cc::Table &table) {
    const cc::Table windows(table.keywordSet().tableAttributes("SPECTRAL_WINDOW").name(),
                            cc::TableLock(cc::TableLock::AutoNoReadLocking));
    const cc::Vector<cc::Int> channels = cc::ScalarColumn<cc::Int>(windows, "NUM_CHAN").getColumn();
    cc::Matrix<cc::Int> selection(2, channels.size(), 0);
    for (size_t i = 0; i < channels.size(); i++) selection(1, i) = channels[i];
    return selection;
}

// CASA takes a virtual model before MODEL_DATA: keywords that name records, and those.
void remove_virtual_models(cc::Table &table) {
    cc::TableRecord &record = table.rwKeywordSet();
    std::vector<cc::String> names;
    for (cc::uInt i = 0; i < record.nfields(); i++)
        if (record.name(i).startsWith("definedmodel_field_")) names.push_back(record.name(i));
    for (const cc::String &name : names) {
        const cc::String model = record.dataType(name) == cc::TpString ? record.asString(name) : cc::String();
        if (!model.empty() && record.isDefined(model)) record.removeField(model);
        record.removeField(name);
    }
    if (!table.tableDesc().isColumn("SOURCE_MODEL")) return;
    cc::ScalarColumn<cc::TableRecord> models(table, "SOURCE_MODEL");
    for (cc::rownr_t row = 0; row < table.nrow(); row++)
        if (models.isDefined(row)) models.put(row, cc::TableRecord());
}

struct Imaging {
    std::vector<cc::ColumnDesc> columns;
    std::vector<cc::Record> managers;
    std::string said;

    void want(const cc::Table &table, const cc::ColumnDesc &column, const cc::Record &manager) {
        const bool there = table.tableDesc().isColumn(column.name());
        said += (there ? "=" : "+") + column.name() + "\n";
        if (there) return;
        columns.push_back(column);
        managers.push_back(manager);
    }
};

Imaging plan_imaging(const cc::Table &table) {
    Imaging plan;
    if (!table.tableDesc().isColumn("DATA"))
        refuse(MSIO_E_NO_COLUMN, "no column DATA, which the new ones would be like");
    if (!table.keywordSet().isDefined("SPECTRAL_WINDOW"))
        refuse(MSIO_E_ARGUMENT, "no keyword SPECTRAL_WINDOW: this is no Measurement Set");
    const cc::ColumnDesc &data = table.tableDesc().columnDesc("DATA");
    if (!data.isArray() || data.dataType() != cc::TpComplex || (data.ndim() > 0 && data.ndim() != 2))
        refuse(MSIO_E_UNSUPPORTED, "DATA holds no complex numbers of two axes");
    plan.want(table, renamed(data, "MODEL_DATA", "The model data column", 2),
              manager_like(table, data, 2, "modeldata"));
    plan.want(table, renamed(data, "CORRECTED_DATA", "The corrected data column", 2),
              manager_like(table, data, 2, "correcteddata"));
    const int64_t channels = channels_of(table, data);
    const cc::String name = "IMAGING_WEIGHT", words = "Weight set by imaging task (e.g. uniform weighting)";
    cc::ColumnDesc weight = channels > 0 ? cc::ColumnDesc(cc::ArrayColumnDesc<cc::Float>(
                                               name, words, cc::IPosition(1, channels), cc::ColumnDesc::FixedShape))
                                         : cc::ColumnDesc(cc::ArrayColumnDesc<cc::Float>(name, words, 1));
    cc::Vector<cc::Int> tile(2, 32);
    tile[1] = 128;
    plan.want(table, weight, tiled_spec("TiledShapeStMan", "imagingweight", tile));
    return plan;
}

std::string add_imaging(const std::string &path) {
    cc::Table table = open_locked(path);
    const Imaging plan = plan_imaging(table);
    const cc::Matrix<cc::Int> selection = channel_selection(table);
    const bool model = plan.said[0] == '+';
    cc::Table source;
    if (model && table.keywordSet().isDefined("SOURCE"))
        source = open_locked(table.keywordSet().tableAttributes("SOURCE").name());
    int64_t bytes = 0;
    for (const cc::ColumnDesc &column : plan.columns) bytes += column_bytes(column, static_cast<int64_t>(table.nrow()));
    if (bytes) ask_for_room(path, bytes);
    for (size_t i = 0; i < plan.columns.size(); i++) add_one(table, plan.columns[i], plan.managers[i]);
    cc::TableRecord &keywords = cc::TableColumn(table, "MODEL_DATA").rwKeywordSet();
    if (model || !keywords.isDefined("CHANNEL_SELECTION")) keywords.define("CHANNEL_SELECTION", selection);
    if (model) remove_virtual_models(table);
    if (model && !source.isNull()) remove_virtual_models(source);
    for (const char *sort : {"SORTED_TABLE", "SORT_COLUMNS"})
        if (bytes && table.keywordSet().isDefined(sort)) table.rwKeywordSet().removeField(sort);
    table.flush();
    if (!source.isNull()) source.flush();
    return plan.said;
}

// ---------------------------------------------------------------- rows

std::string add_rows(const std::string &path, int64_t rows) {
    if (rows < 0) refuse(MSIO_E_ARGUMENT, "fewer rows than none");
    cc::Table table = open_locked(path);
    if (rows == 0) return "";
    if (!table.canAddRow()) refuse(MSIO_E_UNSUPPORTED, "a data manager of this table takes no new rows");
    int64_t bytes = 0;
    for (cc::uInt i = 0; i < table.tableDesc().ncolumn(); i++) bytes += column_bytes(table.tableDesc()[i], rows);
    ask_for_room(path, bytes);
    table.addRow(static_cast<cc::rownr_t>(rows), true);
    table.flush();
    return "";
}

std::string obey(const std::string &path, Orders orders) {
    const std::string order = orders.text();
    if (order == "rows") return add_rows(path, orders.number());
    if (order == "columns") return add_columns(path, orders);
    if (order == "like") return add_like(path, orders);
    if (order == "imaging") return add_imaging(path);
    refuse(MSIO_E_ARGUMENT, "no order " + order);
}

} // namespace

msio_status shim_change(const char *path, const char *orders, size_t bytes, msio_casa_message *message) noexcept {
    try {
        say(message, obey(path, Orders{orders, orders + bytes}));
        return MSIO_OK;
    } catch (const Refusal &refusal) {
        say(message, refusal.text);
        return refusal.status;
    } catch (const std::bad_alloc &) {
        say(message, "no memory left inside casacore");
        return MSIO_E_MEMORY;
    } catch (const cc::TableNoFile &error) {
        say(message, error.what());
        return MSIO_E_NOT_FOUND;
    } catch (const std::exception &error) {
        say(message, error.what());
        return MSIO_E_CASACORE;
    } catch (...) {
        say(message, "casacore threw something that is no std::exception");
        return MSIO_E_CASACORE;
    }
}
