// casacore_shim.cc - the casacore module: tables through casacore, behind the C interface of casacore_shim.h.

#include "io/casacore/casacore_shim.h"
#include "io/casacore/shim_columns.h"

#include <casacore/casa/Arrays/Array.h>
#include <casacore/casa/Arrays/IPosition.h>
#include <casacore/casa/Arrays/Slicer.h>
#include <casacore/casa/Arrays/Vector.h>
#include <casacore/casa/BasicSL/Complex.h>
#include <casacore/casa/BasicSL/String.h>
#include <casacore/casa/Containers/Record.h>
#include <casacore/casa/IO/FileLocker.h>
#include <casacore/casa/OS/Path.h>
#include <casacore/casa/Utilities/DataType.h>
#include <casacore/casa/version.h>
#include <casacore/tables/DataMan/DataManError.h>
#include <casacore/tables/DataMan/DataManager.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/RefRows.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/Table.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableError.h>
#include <casacore/tables/Tables/TableInfo.h>
#include <casacore/tables/Tables/TableLock.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

namespace cc = casacore;

// What the C side knows as a handle. Strings handed out live in `texts`, whose elements never move.
struct msio_casa_table {
    std::string path;
    cc::Table table;
    bool made = false; // here, and so locked for writing
    std::deque<std::string> texts;

    const char *keep(const std::string &text) {
        texts.push_back(text);
        return texts.back().c_str();
    }
};

namespace {

static_assert(sizeof(bool) == 1, "casacore's Bool must be the byte that the C side sees");
static_assert(sizeof(cc::Int64) == sizeof(int64_t), "casacore's Int64 must have 64 bits");

// ---------------------------------------------------------------- errors

// Leaves a call with a status and words of our own.
struct Refusal {
    msio_status status;
    std::string text;
};

[[noreturn]] void refuse(msio_status status, const std::string &text) { throw Refusal{status, text}; }

// Writes the words into the caller's buffer: one line, cut where it is full.
void say(msio_casa_message *message, const char *text) noexcept {
    if (!message) return;
    size_t n = 0;
    for (; *text && n + 1 < sizeof message->text; text++) {
        const bool blank = *text == '\n' || *text == '\t' || *text == ' ';
        if (!blank)
            message->text[n++] = *text;
        else if (n && message->text[n - 1] != ' ')
            message->text[n++] = ' ';
    }
    while (n && message->text[n - 1] == ' ') n--;
    message->text[n] = '\0';
}

// Runs the body of a call; whatever it throws becomes a status and a message.
template <typename Body> msio_status guarded(msio_casa_message *message, Body body) noexcept {
    try {
        body();
        return MSIO_OK;
    } catch (const Refusal &refusal) {
        say(message, refusal.text.c_str());
        return refusal.status;
    } catch (const std::bad_alloc &) {
        say(message, "no memory left inside casacore");
        return MSIO_E_MEMORY;
    } catch (const cc::TableNoFile &error) {
        say(message, error.what());
        return MSIO_E_NOT_FOUND;
    } catch (const std::exception &error) {
        const std::string text = error.what(); // of a full disk casacore tells the wrong reason
        say(message, (text + (text.find("write error") == std::string::npos ? "" : " (is the disk full?)")).c_str());
        return MSIO_E_CASACORE;
    } catch (...) {
        say(message, "casacore threw something that is no std::exception");
        return MSIO_E_CASACORE;
    }
}

// ---------------------------------------------------------------- types and shapes

template <typename T> struct Tag { using type = T; };

// Calls visit with a Tag of the C++ type of an element of that casacore type.
template <typename Visit> void visit_type(int type, Visit visit) {
    switch (type) {
    case cc::TpBool: visit(Tag<cc::Bool>()); break;
    case cc::TpUChar: visit(Tag<cc::uChar>()); break;
    case cc::TpShort: visit(Tag<cc::Short>()); break;
    case cc::TpUShort: visit(Tag<cc::uShort>()); break;
    case cc::TpInt: visit(Tag<cc::Int>()); break;
    case cc::TpUInt: visit(Tag<cc::uInt>()); break;
    case cc::TpInt64: visit(Tag<cc::Int64>()); break;
    case cc::TpFloat: visit(Tag<cc::Float>()); break;
    case cc::TpDouble: visit(Tag<cc::Double>()); break;
    case cc::TpComplex: visit(Tag<cc::Complex>()); break;
    case cc::TpDComplex: visit(Tag<cc::DComplex>()); break;
    case cc::TpString: visit(Tag<cc::String>()); break;
    default: refuse(MSIO_E_UNSUPPORTED, "element type " + std::to_string(type) + " is not read");
    }
}

// The same for the types of fixed size; strings go another way.
template <typename Visit> void visit_number(int type, Visit visit) {
    if (type == cc::TpString) refuse(MSIO_E_ARGUMENT, "a column of strings where numbers are wanted");
    visit_type(type, [&](auto tag) {
        if constexpr (!std::is_same_v<typename decltype(tag)::type, cc::String>) visit(tag);
    });
}

cc::IPosition from_numpy(int ndim, const int64_t *shape) {
    cc::IPosition position(static_cast<size_t>(ndim));
    for (int i = 0; i < ndim; i++) position[static_cast<size_t>(ndim - 1 - i)] = shape[i];
    return position;
}

// The shape in numpy's order; at most MSIO_MAX_NDIM axes.
int to_numpy(const cc::IPosition &position, int64_t shape[MSIO_MAX_NDIM]) {
    const size_t n = position.size();
    if (n > MSIO_MAX_NDIM)
        refuse(MSIO_E_UNSUPPORTED,
               "a cell of " + std::to_string(n) + " axes; msio handles " + std::to_string(MSIO_MAX_NDIM));
    for (size_t i = 0; i < n; i++) shape[i] = position[n - 1 - i];
    return static_cast<int>(n);
}

int64_t row_at(const msio_casa_row_set &rows, int64_t place) {
    return rows.list ? rows.list[place] : rows.row + place * rows.step;
}

// A column that exists, of a type that is read, and rows that exist.
cc::TableColumn open_column(const cc::Table &table, const char *name) {
    const cc::TableDesc &desc = table.tableDesc();
    if (!desc.isColumn(name)) refuse(MSIO_E_NO_COLUMN, std::string("no column ") + name);
    const cc::ColumnDesc &column = desc.columnDesc(name);
    if (!column.isScalar() && !column.isArray())
        refuse(MSIO_E_UNSUPPORTED, std::string("column ") + name + " holds records or tables");
    if (column.dataType() == cc::TpRecord || column.dataType() == cc::TpOther)
        refuse(MSIO_E_UNSUPPORTED, std::string("column ") + name + " holds records or a type of its own");
    return cc::TableColumn(table, name);
}

void check_rows(const cc::Table &table, const msio_casa_row_set &rows) {
    const auto nrow = static_cast<int64_t>(table.nrow());
    if (rows.count < 0 || (!rows.list && (rows.step < 1 || rows.row < 0)))
        refuse(MSIO_E_ARGUMENT, "a row or a row count below 0, or a row step below 1");
    const auto refuse_row = [nrow](int64_t row) {
        refuse(MSIO_E_RANGE,
               "row " + std::to_string(row) + " asked for, casacore sees " + std::to_string(nrow) + " rows");
    };
    if (rows.list) {
        for (int64_t i = 0; i < rows.count; i++)
            if (rows.list[i] < 0 || rows.list[i] >= nrow) refuse_row(rows.list[i]);
    } else if (rows.count > 0) {
        if (rows.row >= nrow) refuse_row(rows.row);
        if (rows.count - 1 > (nrow - 1 - rows.row) / rows.step) refuse_row(nrow);
    }
}

// The part of a cell that is wanted, in casacore's order of axes.
struct Cut {
    bool whole = true;
    cc::IPosition start, length, step;

    int64_t elements() const {
        int64_t product = 1;
        for (size_t i = 0; i < length.size(); i++) product *= length[i];
        return product;
    }
    cc::Slicer slicer() const { return cc::Slicer(start, length, step); }
};

void cut_axis(Cut &cut, size_t axis, const char *name, int64_t start, int64_t count, int64_t step) {
    if (start == 0 && count == -1 && step == 1) return;
    if (axis >= cut.length.size())
        refuse(MSIO_E_RANGE, std::string("a part of the ") + name + " axis asked for, the cells have " +
                                 std::to_string(cut.length.size()) + " axes");
    const int64_t extent = cut.length[axis];
    bool sound = start >= 0 && start <= extent && step >= 1 && count >= -1;
    if (sound && count == -1) count = (extent - start + step - 1) / step;
    if (sound && count > 0) sound = start < extent && count - 1 <= (extent - 1 - start) / step;
    if (!sound)
        refuse(MSIO_E_RANGE, std::string(name) + "s from " + std::to_string(start) + ", " + std::to_string(count) +
                                 " in steps of " + std::to_string(step) + " asked for, the cells have " +
                                 std::to_string(extent));
    cut.whole = cut.whole && start == 0 && step == 1 && count == extent;
    cut.start[axis] = start;
    cut.length[axis] = count;
    cut.step[axis] = step;
}

Cut cut_cell(const cc::IPosition &shape, const msio_casa_part *part) {
    Cut cut;
    cut.start = cc::IPosition(shape.size(), 0);
    cut.length = shape;
    cut.step = cc::IPosition(shape.size(), 1);
    if (part) {
        cut_axis(cut, 0, "correlation", part->corr, part->corrs, part->corr_step);
        cut_axis(cut, 1, "channel", part->chan, part->chans, part->chan_step);
    }
    return cut;
}

// ---------------------------------------------------------------- reading

// One read call: what it wants, and where the first bad cell goes.
struct Request {
    const msio_casa_row_set &rows;
    const msio_casa_part *part;
    int64_t *bad;

    [[noreturn]] void refuse_cell(msio_status status, int64_t place, const std::string &text) const {
        *bad = place;
        refuse(status, "row " + std::to_string(row_at(rows, place)) + ": " + text);
    }
};

cc::Slicer row_slicer(const msio_casa_row_set &rows) {
    return cc::Slicer(cc::IPosition(1, rows.row), cc::IPosition(1, rows.count), cc::IPosition(1, rows.step));
}

cc::RefRows row_list(const msio_casa_row_set &rows) {
    cc::Vector<cc::rownr_t> numbers(static_cast<size_t>(rows.count));
    for (int64_t i = 0; i < rows.count; i++) numbers[static_cast<size_t>(i)] = static_cast<cc::rownr_t>(rows.list[i]);
    return cc::RefRows(numbers);
}

void check_size(size_t out_bytes, int64_t cells, int64_t elements, size_t element_bytes) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<size_t>(cells), static_cast<size_t>(elements), &bytes) ||
        __builtin_mul_overflow(bytes, element_bytes, &bytes))
        refuse(MSIO_E_MEMORY, "an answer of more bytes than can be counted");
    if (bytes != out_bytes)
        refuse(MSIO_E_SIZE,
               "the answer takes " + std::to_string(bytes) + " bytes, there is room for " + std::to_string(out_bytes));
}

// Most managers fill the array that they are given, but some put another one in its place, which then has to be copied.
template <typename T> void settle(const cc::Array<T> &values, T *out, size_t elements) {
    if (values.data() == out) return;
    if (values.size() != elements) refuse(MSIO_E_CASACORE, "casacore delivered an array of another size");
    std::copy(values.begin(), values.end(), out);
}

template <typename T> void read_scalars(const cc::Table &table, const char *name, const Request &want, T *out) {
    cc::ScalarColumn<T> column(table, name);
    cc::Vector<T> values(cc::IPosition(1, want.rows.count), out, cc::SHARE);
    if (want.rows.list)
        column.getColumnCells(row_list(want.rows), values);
    else
        column.getColumnRange(row_slicer(want.rows), values);
    settle(values, out, static_cast<size_t>(want.rows.count));
}

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

// Reads one cell's part into out.
template <typename T> void read_cell(const cc::ArrayColumn<T> &column, cc::rownr_t row, const Cut &cut, T *out) {
    cc::Array<T> values(cut.length, out, cc::SHARE);
    if (cut.whole)
        column.get(row, values);
    else
        column.getSlice(row, cut.slicer(), values);
    settle(values, out, static_cast<size_t>(cut.elements()));
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

// The part of a defined cell, and whether it holds what the caller counted on.
Cut expect_cell(const cc::TableColumn &column, const Request &want, int64_t place, int64_t count) {
    const cc::IPosition shape = column.shape(static_cast<cc::rownr_t>(row_at(want.rows, place)));
    const Cut cut = cut_cell(shape, want.part);
    if ((shape.empty() ? 0 : cut.elements()) != count)
        want.refuse_cell(MSIO_E_CHANGED, place,
                         "the cell has other than the " + std::to_string(count) +
                             " elements that its shape told before");
    return cut;
}

// Calls visit(row, cut) for every cell that holds something, having checked what it holds.
template <typename Visit>
void each_cell(const cc::TableColumn &column, const Request &want, const int64_t *counts, Visit visit) {
    for (int64_t i = 0; i < want.rows.count; i++) {
        const auto row = static_cast<cc::rownr_t>(row_at(want.rows, i));
        if (!column.isDefined(row)) {
            if (counts[i] != 0) want.refuse_cell(MSIO_E_CHANGED, i, "the cell is no longer defined");
            continue;
        }
        const Cut cut = expect_cell(column, want, i, counts[i]);
        if (counts[i] > 0) visit(row, cut);
    }
}

void check_counts(const msio_casa_row_set &rows, const int64_t *counts, size_t element_bytes, size_t out_bytes) {
    int64_t sum = 0;
    for (int64_t i = 0; i < rows.count; i++)
        if (counts[i] < 0 || __builtin_add_overflow(sum, counts[i], &sum))
            refuse(MSIO_E_ARGUMENT, "a negative element count, or too many elements");
    check_size(out_bytes, sum, 1, element_bytes);
}

void check_scalar_counts(const Request &want, const int64_t *counts) {
    cut_cell(cc::IPosition(), want.part);
    for (int64_t i = 0; i < want.rows.count; i++)
        if (counts[i] != 1) want.refuse_cell(MSIO_E_ARGUMENT, i, "a scalar has one element");
}

template <typename T>
void read_ragged_cells(const cc::Table &table, const cc::TableColumn &base, const char *name, const Request &want,
                       const int64_t *counts, T *out) {
    if (base.columnDesc().isScalar()) {
        check_scalar_counts(want, counts);
        if (want.rows.count > 0) read_scalars(table, name, want, out);
        return;
    }
    cc::ArrayColumn<T> column(table, name);
    each_cell(column, want, counts, [&](cc::rownr_t row, const Cut &cut) {
        read_cell(column, row, cut, out);
        out += cut.elements();
    });
}

void hand_over(const cc::String &text, msio_casa_text_sink *sink, void *user) {
    if (sink(user, text.data(), text.size()) != 0) refuse(MSIO_E_MEMORY, "no memory for the strings of the answer");
}

void read_text(const cc::Table &table, const cc::TableColumn &base, const char *name, const Request &want,
               const int64_t *counts, msio_casa_text_sink *sink, void *user) {
    if (base.columnDesc().isScalar()) {
        check_scalar_counts(want, counts);
        cc::ScalarColumn<cc::String> column(table, name);
        for (int64_t i = 0; i < want.rows.count; i++)
            hand_over(column.get(static_cast<cc::rownr_t>(row_at(want.rows, i))), sink, user);
        return;
    }
    cc::ArrayColumn<cc::String> column(table, name);
    each_cell(column, want, counts, [&](cc::rownr_t row, const Cut &cut) {
        const cc::Array<cc::String> cell = cut.whole ? column.get(row) : column.getSlice(row, cut.slicer());
        for (const cc::String &text : cell) hand_over(text, sink, user);
    });
}

// casacore takes `~`, `$NAME` and `::` in a path for more than characters.
void check_path(const std::string &path) {
    const std::string expanded = cc::Path(path).expandedName();
    if (expanded != path || path.find("::") != std::string::npos)
        refuse(MSIO_E_ARGUMENT, "casacore does not take ~, $ or :: in a path as they stand");
}

// A table that casacore cannot open because it lacks a manager. Each such attempt leaves memory and a descriptor of
// table.lock behind in casacore (3.5), so it is made once for each state of table.dat.
struct Lack {
    struct stat state;
    std::string text;
};
std::map<std::string, Lack> lacks;

bool same_state(const struct stat &a, const struct stat &b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// Remembers what casacore lacks for the table, and refuses it.
[[noreturn]] void refuse_lack(const std::string &path, const struct stat &state, const char *words) {
    const std::string text = std::string("a data manager that the installed casacore lacks: ") + words;
    if (lacks.size() >= 256) lacks.clear();
    lacks[path] = Lack{state, text};
    refuse(MSIO_E_UNSUPPORTED, text);
}

// Opens for reading without taking a lock. The row count is in table.lock, which a table opened without any locking
// does not look at; so that is only for a plain table that has none, and would be given one otherwise.
cc::Table open_table(const std::string &path) {
    check_path(path);
    struct stat state = {};
    stat((path + "/table.dat").c_str(), &state);
    const auto lack = lacks.find(path);
    if (lack != lacks.end() && same_state(lack->second.state, state)) refuse(MSIO_E_UNSUPPORTED, lack->second.text);
    const bool has_lock = access((path + "/table.lock").c_str(), F_OK) == 0;
    const bool plain = access((path + "/table.f0").c_str(), F_OK) == 0;
    const auto option = has_lock || !plain ? cc::TableLock::AutoNoReadLocking : cc::TableLock::NoLocking;
    try {
        cc::Table table(path, cc::TableLock(option), cc::Table::Old);
        // Where this process has it open already, casacore hands out that very table, as old as it is. One that is
        // locked by this process is up to date, and may hold rows that the file does not have yet.
        if (!table.hasLock(cc::FileLocker::Read)) table.resync();
        return table;
    } catch (const cc::DataManUnknownCtor &error) {
        refuse_lack(path, state, error.what());
    } catch (const cc::TableError &) {
        throw;
    } catch (const cc::AipsError &error) {
        // A manager that casacore does not know is looked for in a library of its own.
        if (std::strncmp(error.what(), "Shared library", 14) != 0) throw;
        refuse_lack(path, state, error.what());
    }
}

msio_status shim_open(const char *path, msio_casa_table **table, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        auto opened = std::make_unique<msio_casa_table>();
        opened->path = path;
        opened->table = open_table(opened->path);
        *table = opened.release();
    });
}

// A table that was made is written and unlocked first, because a write that fails in casacore's destructor ends the
// process. Where that fails here, the table is never destroyed: it stays in memory, and its files stay open.
void shim_close(msio_casa_table *table) noexcept {
    if (!table) return;
    const msio_status status = guarded(nullptr, [&] {
        if (table->made) table->table.unlock();
    });
    if (status == MSIO_OK) guarded(nullptr, [&] { delete table; });
}

msio_status shim_reopen(msio_casa_table *table, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        table->table = cc::Table();
        table->texts.clear();
        table->table = open_table(table->path);
    });
}

const char *shim_path(const msio_casa_table *table) noexcept { return table->path.c_str(); }

int64_t shim_rows(const msio_casa_table *table) noexcept {
    int64_t rows = 0;
    guarded(nullptr, [&] { rows = static_cast<int64_t>(table->table.nrow()); });
    return rows;
}

int shim_columns(const msio_casa_table *table) noexcept {
    int columns = 0;
    guarded(nullptr, [&] { columns = static_cast<int>(table->table.tableDesc().ncolumn()); });
    return columns;
}

// The data manager that really holds the column; a concatenated table has none to name.
void describe_manager(msio_casa_table *table, const std::string &name, msio_casa_column_info *info) {
    info->manager = info->manager_name = "";
    try {
        const cc::DataManager *manager = table->table.findDataManager(name, true);
        info->manager = table->keep(manager->dataManagerType());
        info->manager_name = table->keep(manager->dataManagerName());
        info->is_virtual = !table->table.isColumnStored(name);
    } catch (const cc::AipsError &) {
        return;
    }
}

msio_status shim_column(msio_casa_table *table, int index, msio_casa_column_info *result,
                        msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableDesc &desc = table->table.tableDesc();
        if (index < 0 || index >= static_cast<int>(desc.ncolumn()))
            refuse(MSIO_E_RANGE, "column " + std::to_string(index) + " of " + std::to_string(desc.ncolumn()));
        const cc::ColumnDesc &column = desc.columnDesc(static_cast<cc::uInt>(index));
        msio_casa_column_info info = {};
        info.name = table->keep(column.name());
        info.comment = table->keep(column.comment());
        info.type = static_cast<msio_type>(column.dataType());
        info.is_array = column.isArray();
        info.option = column.options();
        info.ndim = column.isArray() ? column.ndim() : 0;
        describe_manager(table, column.name(), &info);
        if (column.isArray() && column.isFixedShape()) {
            const cc::TableColumn actual(table->table, column.name());
            info.ndim = to_numpy(actual.shapeColumn(), info.shape);
            info.fixed_shape = 1;
        }
        if (info.ndim > MSIO_MAX_NDIM) info.ndim = -1;
        *result = info;
    });
}

msio_status shim_readable(msio_casa_table *table, const char *name, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        if (table->table.nrow() == 0) return;
        if (!column.columnDesc().isScalar()) {
            if (column.isDefined(0)) column.shape(0);
            return;
        }
        visit_type(column.columnDesc().dataType(),
                   [&](auto tag) { cc::ScalarColumn<typename decltype(tag)::type>(table->table, name).get(0); });
    });
}

msio_status shim_shapes(msio_casa_table *table, const char *name, const msio_casa_row_set *rows, int8_t *ndims,
                        int64_t (*shapes)[MSIO_MAX_NDIM], msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        check_rows(table->table, *rows);
        const bool scalar = column.columnDesc().isScalar();
        for (int64_t i = 0; i < rows->count; i++) {
            const auto row = static_cast<cc::rownr_t>(row_at(*rows, i));
            if (!column.isDefined(row)) {
                ndims[i] = -1;
            } else if (scalar) {
                ndims[i] = 0;
            } else {
                const cc::IPosition shape = column.shape(row);
                ndims[i] = static_cast<int8_t>(to_numpy(shape.empty() ? cc::IPosition(1, 0) : shape, shapes[i]));
            }
        }
    });
}

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

msio_status shim_read_ragged(msio_casa_table *table, const char *name, const msio_casa_row_set *rows,
                             const msio_casa_part *part, const int64_t *counts, void *out, size_t out_bytes,
                             int64_t *bad, msio_casa_message *message) noexcept {
    *bad = -1;
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        check_rows(table->table, *rows);
        const Request want = {*rows, part, bad};
        visit_number(column.columnDesc().dataType(), [&](auto tag) {
            using T = typename decltype(tag)::type;
            check_counts(*rows, counts, sizeof(T), out_bytes);
            read_ragged_cells(table->table, column, name, want, counts, static_cast<T *>(out));
        });
    });
}

msio_status shim_read_strings(msio_casa_table *table, const char *name, const msio_casa_row_set *rows,
                              const msio_casa_part *part, const int64_t *counts, msio_casa_text_sink *sink, void *user,
                              int64_t *bad, msio_casa_message *message) noexcept {
    *bad = -1;
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        check_rows(table->table, *rows);
        if (column.columnDesc().dataType() != cc::TpString)
            refuse(MSIO_E_ARGUMENT, std::string("column ") + name + " holds no strings");
        read_text(table->table, column, name, Request{*rows, part, bad}, counts, sink, user);
    });
}

// ---------------------------------------------------------------- making

const char *or_empty(const char *text) { return text ? text : ""; }

void add_column(cc::TableDesc &desc, const msio_casa_column_spec &spec, const msio_casa_manager_spec &manager) {
    visit_type(spec.type, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if (spec.ndim == 0) {
            desc.addColumn(
                cc::ScalarColumnDesc<T>(spec.name, or_empty(spec.comment), manager.type, or_empty(manager.name)));
        } else if (spec.fixed_shape) {
            desc.addColumn(cc::ArrayColumnDesc<T>(spec.name, or_empty(spec.comment), manager.type,
                                                  or_empty(manager.name), from_numpy(spec.ndim, spec.shape),
                                                  spec.direct ? cc::ColumnDesc::Direct : cc::ColumnDesc::FixedShape));
        } else {
            desc.addColumn(cc::ArrayColumnDesc<T>(spec.name, or_empty(spec.comment), manager.type,
                                                  or_empty(manager.name), spec.ndim));
        }
    });
}

template <typename T> void define_values(cc::TableRecord &record, const std::string &name, const T *values, int64_t n) {
    if (n < 0) {
        record.define(name, *values);
        return;
    }
    record.define(name, cc::Vector<T>(std::vector<T>(values, values + n)));
}

void define_keyword(cc::TableRecord &record, const std::string &name, const msio_casa_keyword_spec &spec) {
    switch (spec.type) {
    case MSIO_INT: define_values(record, name, static_cast<const cc::Int *>(spec.values), spec.count); break;
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

std::unique_ptr<cc::DataManager> make_manager(const msio_casa_manager_spec &spec) {
    cc::Record options;
    if (spec.tile_ndim > 0) {
        const cc::IPosition tile = from_numpy(spec.tile_ndim, spec.tile);
        cc::Vector<cc::Int> shape(tile.size());
        for (size_t i = 0; i < tile.size(); i++) shape[i] = static_cast<cc::Int>(tile[i]);
        options.define("DEFAULTTILESHAPE", shape);
    }
    if (spec.bucket_bytes > 0) options.define("BUCKETSIZE", static_cast<cc::Int>(spec.bucket_bytes));
    if (spec.bucket_rows > 0) options.define("BUCKETROWS", static_cast<cc::Int>(spec.bucket_rows));
    const cc::DataManagerCtor make = cc::DataManager::getCtor(spec.type);
    return std::unique_ptr<cc::DataManager>(make(or_empty(spec.name), options));
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

msio_status shim_create(const char *path, const msio_casa_table_spec *spec, msio_casa_table **table,
                        msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        check_spec(*spec);
        check_path(path);
        cc::SetupNewTable setup(path, make_desc(*spec), cc::Table::NewNoReplace);
        for (int m = 0; m < spec->managers; m++) {
            const std::unique_ptr<cc::DataManager> manager = make_manager(spec->manager[m]);
            for (int i = 0; i < spec->columns; i++)
                if (spec->column[i].manager == m) setup.bindColumn(spec->column[i].name, *manager);
        }
        auto made = std::make_unique<msio_casa_table>();
        made->path = path;
        made->made = true;
        made->table = cc::Table(setup, cc::TableLock(cc::TableLock::UserLocking), static_cast<cc::rownr_t>(spec->rows),
                                false, spec->big_endian ? cc::Table::BigEndian : cc::Table::LittleEndian);
        made->table.lock(cc::FileLocker::Write);
        cc::TableInfo &info = made->table.tableInfo();
        info.setType(or_empty(spec->type));
        info.setSubType(or_empty(spec->subtype));
        if (spec->comment) info.readmeAddLine(spec->comment);
        *table = made.release();
    });
}

cc::IPosition block_shape(int ndim, const int64_t *shape, int64_t count) {
    cc::IPosition block = from_numpy(ndim, shape);
    block.append(cc::IPosition(1, count));
    return block;
}

cc::Slicer put_rows(int64_t row, int64_t count) { return cc::Slicer(cc::IPosition(1, row), cc::IPosition(1, count)); }

template <typename T> void put_block(cc::Table &table, const char *name, int64_t row, const cc::Array<T> &values) {
    const int64_t count = values.shape().last();
    if (table.tableDesc().columnDesc(name).isScalar())
        cc::ScalarColumn<T>(table, name).putColumnRange(put_rows(row, count), cc::Vector<T>(values));
    else
        cc::ArrayColumn<T>(table, name).putColumnRange(put_rows(row, count), values);
}

msio_status shim_shape(msio_casa_table *table, const char *name, int64_t row, int64_t count, int ndim,
                       const int64_t *shape, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        const cc::IPosition cell = from_numpy(ndim, shape);
        visit_type(column.columnDesc().dataType(), [&](auto tag) {
            cc::ArrayColumn<typename decltype(tag)::type> cells(table->table, name);
            for (int64_t i = row; i < row + count; i++) cells.setShape(static_cast<cc::rownr_t>(i), cell);
        });
    });
}

msio_status shim_put(msio_casa_table *table, const char *name, int64_t row, int64_t count, int ndim,
                     const int64_t *shape, const void *values, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        const cc::IPosition block = block_shape(ndim, shape, count);
        if (count == 0) return;
        visit_number(column.columnDesc().dataType(), [&](auto tag) {
            using T = typename decltype(tag)::type;
            // casacore shares memory as mutable only; a put does not write to it.
            T *memory = const_cast<T *>(static_cast<const T *>(values));
            put_block(table->table, name, row, cc::Array<T>(block, memory, cc::SHARE));
        });
    });
}

msio_status shim_put_strings(msio_casa_table *table, const char *name, int64_t row, int64_t count, int ndim,
                             const int64_t *shape, const char *const *values, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        if (column.columnDesc().dataType() != cc::TpString)
            refuse(MSIO_E_ARGUMENT, std::string("column ") + name + " holds no strings");
        if (count == 0) return;
        cc::Array<cc::String> texts(block_shape(ndim, shape, count));
        for (cc::String &text : texts) text = *values++;
        put_block(table->table, name, row, texts);
    });
}

msio_status shim_link(msio_casa_table *parent, const char *name, msio_casa_table *table,
                      msio_casa_message *message) noexcept {
    return guarded(message, [&] { parent->table.rwKeywordSet().defineTable(name, table->table); });
}

msio_status shim_flush(msio_casa_table *table, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        table->table.flush();
        table->table.flushTableInfo();
    });
}

const char *shim_version() noexcept { return cc::getVersion(); }

const msio_casa_functions functions = {
    MSIO_CASA_VERSION, sizeof(msio_casa_functions),
    shim_version,      shim_open,
    shim_close,        shim_reopen,
    shim_path,         shim_rows,
    shim_columns,      shim_column,
    shim_readable,     shim_shapes,
    shim_read,         shim_read_ragged,
    shim_read_strings, shim_create,
    shim_shape,        shim_put,
    shim_put_strings,  shim_link,
    shim_flush,        shim_change,
};

} // namespace

extern "C" MSIO_API const msio_casa_functions *msio_casacore_functions(void) { return &functions; }
