// compare_writes.cc - writes copies of casacore tables with msio, reads them back with casacore, and compares every
// bit.
//
// --cells: goes over the tables of a layout that msio writes until so many cells of it were read back.
//
// usage: compare_writes [--shard I N] [--rounds N] [--cells N] [--by-casacore ONE-OF] FOLDER-OF-TABLES SCRATCH-FOLDER
#include "compare.h"
#include "msio/write.h"

#include <casacore/tables/DataMan/ScaledArrayEngine.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableLock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

using namespace casacore;
namespace fs = std::filesystem;

namespace oracle {

void Report::delivered(void *, size_t) {}

namespace {

struct Counts {
    int64_t writes = 0, elements = 0, columns = 0, native = 0, by_casacore = 0, views = 0, values = 0, strings = 0;
    int64_t cells = 0; // of the columns that were written, read back after each write
};

// Which rows of a view are one row of its root, by that row; every row stands for itself in a plain table.
using RootRows = std::vector<int64_t>;

// The cell of one row of a view, in all other rows that are the same one of the root.
void spread(Cells &cells, const RootRows &root, int64_t row) {
    const Cell &from = cells.cell[static_cast<size_t>(row)];
    const size_t size = static_cast<size_t>(from.count) * cells.size;
    for (size_t other = 0; other < root.size(); other++)
        if (root[other] == root[static_cast<size_t>(row)] && other != static_cast<size_t>(row))
            std::memcpy(&cells.bytes[static_cast<size_t>(cells.cell[other].first) * cells.size],
                        &cells.bytes[static_cast<size_t>(from.first) * cells.size], size);
}

// What casacore must read after a write: the cells that were there, with what was put into them.
void put_into(Cells &cells, const Selection &selection, const std::vector<uint8_t> &values, bool repeats,
              const RootRows &root) {
    size_t at = 0;
    for (int64_t row : selection.rows) {
        for (int64_t element : part_of(cells.cell[static_cast<size_t>(row)], selection).elements) {
            std::memcpy(&cells.bytes[static_cast<size_t>(element) * cells.size], &values[repeats ? 0 : at], cells.size);
            at += cells.size;
        }
        if (!root.empty()) spread(cells, root, row);
    }
}

Axis random_axis(int64_t length, Random &random) {
    Axis axis;
    if (length < 1 || random.below(3) == 0) return axis;
    axis.start = random.below(length);
    axis.step = 1 + random.below(3);
    axis.count = 1 + random.below((length - axis.start + axis.step - 1) / axis.step);
    return axis;
}

std::vector<uint8_t> random_values(size_t bytes, DataType type, Random &random) {
    std::vector<uint8_t> values(bytes);
    for (uint8_t &byte : values) byte = static_cast<uint8_t>(random.next() >> 33);
    if (type == TpBool)
        for (uint8_t &byte : values) byte = random.below(4) ? byte & 1 : byte; // anything but 0 is true
    return values;
}

std::vector<uint8_t> as_stored(std::vector<uint8_t> values, DataType type) {
    if (type == TpBool)
        for (uint8_t &byte : values) byte = byte != 0;
    return values;
}

// One column of one copied table.
class ColumnWriter {
  public:
    ColumnWriter(Report &report, Counts &counts, const std::string &path, const std::string &name, Random &random,
                 const RootRows &root)
        : report_(report), counts_(counts), path_(path), name_(name), random_(random), root_(root) {}

    bool write(int rounds, Cells &cells);
    bool write_strings(int rounds, Cells &cells);
    static int64_t one_of; // columns that casacore writes is written so

  private:
    bool casacore_writes() const;
    bool shares_values() const;
    Cells read() const {
        Table table(path_, TableLock(TableLock::AutoNoReadLocking));
        return read_cells(table, name_, {});
    }
    Selection choose(const Cells &cells, int64_t rows);
    Selection choose_runs(const Cells &cells);
    void choose_axes(const Cells &cells, Selection &selection);
    void repeat_in_runs(std::vector<uint8_t> &values, const Selection &selection) const;
    template <typename Call> msio_status with_column(Call call);
    msio_status put(const Selection &selection, const std::vector<uint8_t> &values, bool repeats);
    msio_status put_strings(const Selection &selection, const std::vector<std::string> &strings,
                            const std::vector<uint8_t> &given);
    void compare(const Cells &expected, const Selection &selection, const char *how);

    Report &report_;
    Counts &counts_;
    std::string path_, name_;
    Random &random_;
    const RootRows &root_;
    bool by_casacore_ = false;
    std::vector<int64_t> run_; // of equal values, in which each row lies
};

int64_t ColumnWriter::one_of = 8;

Selection ColumnWriter::choose(const Cells &cells, int64_t rows) {
    std::vector<Selection> all = row_selections(rows, {}, random_);
    Selection selection = all[static_cast<size_t>(random_.below(static_cast<int64_t>(all.size())))];
    choose_axes(cells, selection);
    return selection;
}

void ColumnWriter::choose_axes(const Cells &cells, Selection &selection) {
    if (selection.rows.empty() || random_.below(3) == 0) return;
    const Cell &cell = cells.at(selection.rows[0]);
    if (!cell.defined || cell.ndim < 1) return;
    selection.corr = random_axis(cell.shape[cell.ndim - 1], random_);
    if (cell.ndim > 1) selection.chan = random_axis(cell.shape[cell.ndim - 2], random_);
}

// Rows of whole runs of equal cells, in any order: of IncrementalStMan no other row has a value of theirs.
Selection ColumnWriter::choose_runs(const Cells &cells) {
    Selection selection;
    selection.name = "whole runs";
    selection.list = true;
    const int64_t one_in = random_.below(4) ? 1 + random_.below(5) : 50;
    std::vector<bool> taken;
    run_.clear();
    for (size_t row = 0; row < cells.cell.size(); row++) {
        const size_t bytes = static_cast<size_t>(cells.cell[row].count) * cells.size;
        const uint8_t *its = cells.bytes.data() + static_cast<size_t>(cells.cell[row].first) * cells.size;
        const bool goes_on = row && cells.cell[row - 1].count == cells.cell[row].count &&
                             (bytes == 0 || std::memcmp(its - bytes, its, bytes) == 0);
        if (!goes_on) taken.push_back(random_.below(one_in) == 0);
        run_.push_back(static_cast<int64_t>(taken.size()) - 1);
        if (taken.back()) selection.rows.push_back(static_cast<int64_t>(row));
    }
    for (size_t i = selection.rows.size(); i > 1 && random_.below(2); i--)
        std::swap(selection.rows[i - 1], selection.rows[static_cast<size_t>(random_.below(static_cast<int64_t>(i)))]);
    choose_axes(cells, selection);
    return selection;
}

// Every row of a run gets what its first one in the selection does.
void ColumnWriter::repeat_in_runs(std::vector<uint8_t> &values, const Selection &selection) const {
    const size_t bytes = selection.rows.empty() ? 0 : values.size() / selection.rows.size();
    std::vector<size_t> first(run_.empty() ? 0 : static_cast<size_t>(run_.back()) + 1, SIZE_MAX);
    for (size_t i = 0; i < selection.rows.size() && bytes; i++) {
        size_t &at = first[static_cast<size_t>(run_[static_cast<size_t>(selection.rows[i])])];
        if (at == SIZE_MAX)
            at = i;
        else
            std::memcpy(&values[i * bytes], &values[at * bytes], bytes);
    }
}

template <typename Call> msio_status ColumnWriter::with_column(Call call) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    msio_write_opts how = MSIO_WRITE_OPTS_INIT;
    msio_table *table = nullptr;
    const msio_column *column = nullptr;
    opts.writable = 1;
    opts.native = by_casacore_ ? MSIO_NATIVE_AUTO : MSIO_NATIVE_YES;
    how.threads = static_cast<int>(random_.below(3));
    how.atomic = random_.below(4) == 0 && !by_casacore_;
    how.unguarded = random_.below(4) == 0;
    msio_status status = msio_table_open(path_.c_str(), &opts, &table);
    if (!status) status = msio_table_column(table, name_.c_str(), &column);
    if (!status) status = call(column, &how);
    msio_table_close(table);
    return status;
}

msio_status ColumnWriter::put(const Selection &selection, const std::vector<uint8_t> &values, bool repeats) {
    msio_select select = selection.c();
    return with_column([&](const msio_column *column, const msio_write_opts *how) {
        return repeats ? msio_write_value(column, &select, values.data(), values.size(), how)
                       : msio_write(column, &select, values.data(), values.size(), how);
    });
}

void ColumnWriter::compare(const Cells &expected, const Selection &selection, const char *how) {
    Cells now = read();
    counts_.cells += static_cast<int64_t>(now.cell.size());
    if (now.cell.size() == expected.cell.size() && now.bytes == expected.bytes && now.text == expected.text) return;
    size_t at = 0, size = std::max<size_t>(expected.size, 1);
    while (at < now.bytes.size() && at < expected.bytes.size() && now.bytes[at] == expected.bytes[at]) at++;
    report_.mismatch("column %s, %s, %s, chan %lld:%lld:%lld corr %lld:%lld:%lld: element %zu of %zu differs",
                     name_.c_str(), selection.name.c_str(), how, static_cast<long long>(selection.chan.start),
                     static_cast<long long>(selection.chan.count), static_cast<long long>(selection.chan.step),
                     static_cast<long long>(selection.corr.start), static_cast<long long>(selection.corr.count),
                     static_cast<long long>(selection.corr.step), at / size, now.bytes.size() / size);
}

// Whether it is this column's turn. Coordinates of TiledDataStMan stand in its header, and hold for many rows.
bool ColumnWriter::casacore_writes() const {
    static int64_t asked = 0;
    return path_.find("TiledDataStMan") == std::string::npos && asked++ % one_of == 0;
}

// Whether some rows of the column are written natively, and others not: which, is for this comparison to know.
bool ColumnWriter::shares_values() const {
    msio_table *table = nullptr;
    const msio_column *column = nullptr;
    bool shares = false;
    if (msio_table_open(path_.c_str(), nullptr, &table) != MSIO_OK) return false;
    if (msio_table_column(table, name_.c_str(), &column) == MSIO_OK)
        if (const msio_column_info *info = msio_column_describe(column))
            shares = info->writable && info->why_not_writable;
    msio_table_close(table);
    return shares;
}

// Whether the column is written natively at all; else casacore writes it, where it is the column's turn. `cells` are
// those that were there before, and those that casacore must read afterwards.
bool ColumnWriter::write(int rounds, Cells &cells) {
    if (cells.size == 0) return write_strings(rounds, cells);
    const bool shares = shares_values();
    for (int round = 0; round < rounds; round++) {
        const bool runs = shares && random_.below(4) != 0;
        Selection selection = runs ? choose_runs(cells) : choose(cells, static_cast<int64_t>(cells.cell.size()));
        if (!applies(cells, selection)) continue; // to all cells, of which some may be smaller than the first
        Dense part = dense_of(cells, selection, std::vector<uint8_t>(cells.size));
        if (part.undefined || part.differ || part.parts_differ || part.no_axes) continue;
        bool repeats = random_.below(4) == 0;
        std::vector<uint8_t> values = random_values(repeats ? cells.size : part.bytes.size(), cells.type, random_);
        if (runs && !repeats) repeat_in_runs(values, selection);
        msio_status status = put(selection, values, repeats);
        if (status == MSIO_E_UNSUPPORTED && shares && (!runs || !root_.empty())) { // rows share values with others
            if (!casacore_writes()) continue;
            by_casacore_ = true;
            status = put(selection, values, repeats);
            by_casacore_ = false;
            if (status == MSIO_E_UNSUPPORTED) continue;
            counts_.by_casacore++;
        } else if (status == MSIO_E_UNSUPPORTED && !by_casacore_) {
            by_casacore_ = true;
            if (!casacore_writes()) return false;
            counts_.by_casacore++;
            rounds = round + 1;
            status = put(selection, values, repeats);
            // where casacore would change other rows it is not asked
            if (status == MSIO_E_UNSUPPORTED) return false;
        }
        if (status) {
            report_.mismatch("column %s, %s: %s %s", name_.c_str(), selection.name.c_str(), msio_status_name(status),
                             msio_last_error()->message);
            return true;
        }
        put_into(cells, selection, as_stored(values, cells.type), repeats, root_);
        compare(cells, selection, repeats ? "one value" : "values");
        counts_.writes++;
        counts_.values += runs;
        counts_.elements += static_cast<int64_t>(part.bytes.size() / cells.size);
    }
    return !by_casacore_;
}

msio_status ColumnWriter::put_strings(const Selection &selection, const std::vector<std::string> &strings,
                                      const std::vector<uint8_t> &given) {
    const size_t n = strings.size();
    std::string text;
    std::vector<int64_t> offsets{0}, text_offsets{0}, shapes(n * MSIO_MAX_NDIM);
    std::vector<int8_t> ndims(n);
    std::vector<uint8_t> defined(given);
    for (size_t i = 0; i < n; i++) {
        offsets.push_back(offsets.back() + given[i]);
        if (given[i]) text += strings[i];
        if (given[i]) text_offsets.push_back(static_cast<int64_t>(text.size()));
    }
    msio_ragged in = {
        MSIO_STRING, static_cast<int64_t>(n), offsets.data(), shapes.data(), ndims.data(), defined.data(), nullptr,
        text.size(), text_offsets.data(),     text.data()};
    msio_select select = selection.c();
    return with_column([&](const msio_column *column, const msio_write_opts *how) {
        return msio_write_ragged(column, &select, &in, how);
    });
}

// Strings of a StandardStMan's scalars: natively where those that come and those that go lie in the cells.
bool ColumnWriter::write_strings(int rounds, Cells &cells) {
    uInt most = 0;
    bool standard = false, native = false; // a container of all files is none of msio's
    {
        Table table(path_, TableLock(TableLock::AutoNoReadLocking));
        const ColumnDesc &desc = table.tableDesc()[name_];
        Record managers = root_.empty() && desc.isScalar() ? table.dataManagerInfo() : Record();
        for (uInt i = 0; i < managers.nfields(); i++) {
            const Record &manager = managers.subRecord(i);
            const Vector<String> its(manager.asArrayString("COLUMNS"));
            const bool has = std::find(its.begin(), its.end(), String(name_)) != its.end();
            standard = standard || (has && manager.asString("TYPE") == "StandardStMan");
        }
        most = desc.maxLength();
        standard = standard && !fs::exists(path_ + "/table.mf") && !fs::exists(path_ + "/table.mfh5");
    }
    for (int round = 0; round < rounds && standard; round++) {
        std::vector<Selection> all = row_selections(static_cast<int64_t>(cells.cell.size()), {}, random_);
        const Selection selection = all[static_cast<size_t>(random_.below(static_cast<int64_t>(all.size())))];
        const uint64_t longest = most ? most : random_.below(4) ? 8 : 12;
        const bool all_given = random_.below(2);
        std::vector<std::string> strings;
        std::vector<uint8_t> given;
        bool fit = true;
        Cells after = cells;
        for (int64_t row : selection.rows) {
            std::string string;
            const size_t length = static_cast<size_t>(random_.below(static_cast<int64_t>(longest) + 1));
            while (string.size() < length) string += static_cast<char>('a' + random_.below(26));
            given.push_back(all_given || random_.below(3));
            strings.push_back(string);
            const size_t at = static_cast<size_t>(cells.cell[static_cast<size_t>(row)].first);
            fit = fit && (most || !given.back() || (string.size() <= 8 && cells.text[at].size() <= 8));
            if (given.back()) after.text[at] = string;
        }
        msio_status status = put_strings(selection, strings, given);
        if (status == MSIO_E_UNSUPPORTED && !fit) {
            if (!casacore_writes()) continue;
            by_casacore_ = true;
            status = put_strings(selection, strings, given);
            by_casacore_ = false;
            counts_.by_casacore++;
        } else if (fit) {
            counts_.strings += static_cast<int64_t>(strings.size());
            native = true;
        }
        if (status) {
            report_.mismatch("column %s, %s: %s %s", name_.c_str(), selection.name.c_str(), msio_status_name(status),
                             msio_last_error()->message);
            return true;
        }
        cells = after;
        compare(cells, selection, "strings");
        counts_.writes++;
        counts_.elements += static_cast<int64_t>(strings.size());
    }
    return native;
}

bool same_cells(const Cells &a, const Cells &b) { return a.bytes == b.bytes && a.text == b.text; }

// Every column in turn; the others must stay as they are: each is compared when its turn comes, with what was there at
// first, and at the end, with what was written to it.
void write_table(Report &report, Counts &counts, const std::string &path, int rounds, const RootRows &root) {
    const std::string seed = fs::path(path).filename().string() + std::to_string(counts.writes); // another each time
    Random random(std::hash<std::string>()(seed) | 1);
    std::vector<std::string> names;
    {
        Table table(path, TableLock(TableLock::AutoNoReadLocking));
        for (uInt i = 0; i < table.tableDesc().ncolumn(); i++)
            if (table.tableDesc()[i].dataType() != TpRecord) names.push_back(table.tableDesc()[i].name());
    }
    auto read = [&](const std::string &name) {
        Table table(path, TableLock(TableLock::AutoNoReadLocking));
        return read_cells(table, name, {});
    };
    std::vector<Cells> expected;
    for (const std::string &name : names) expected.push_back(read(name));
    for (size_t i = 0; i < names.size(); i++) {
        if (i && !same_cells(read(names[i]), expected[i]))
            report.mismatch("column %s changed when those before it were written", names[i].c_str());
        counts.native += ColumnWriter(report, counts, path, names[i], random, root).write(rounds, expected[i]);
        counts.columns++;
    }
    for (size_t i = 0; i < names.size(); i++)
        if (!same_cells(read(names[i]), expected[i]))
            report.mismatch("column %s changed when those after it were written", names[i].c_str());
    report.expect(!fs::exists(path + "/table.msio_write"), "old values were left", "behind");
}

// Some columns are computed from others, and change with them.
bool has_virtual_columns(const Table &table) {
    Record managers = table.dataManagerInfo();
    for (uInt i = 0; i < managers.nfields(); i++)
        if (managers.subRecord(i).asString("TYPE").find("StMan") == String::npos) return true;
    return false;
}

// A table and all that it refers to, as they lie beside it; false where that is not so.
bool copy_with_parts(const fs::path &source, const fs::path &scratch, std::vector<std::string> &parts) {
    msio_table *table = nullptr;
    if (msio_table_open(source.c_str(), nullptr, &table) != MSIO_OK) return false;
    std::vector<fs::path> found;
    for (int i = 0; i < msio_table_parts(table); i++) found.emplace_back(msio_table_part_path(table, i));
    msio_table_close(table);
    fs::path copy = scratch / source.filename();
    fs::remove_all(copy);
    fs::copy(source, copy, fs::copy_options::recursive);
    if (found.empty()) parts.push_back(copy.string());
    for (const fs::path &part : found) {
        const bool within = part.string().rfind(source.string() + "/", 0) == 0;
        if (within) parts.push_back((copy / fs::relative(part, source)).string());
        if (within) continue;
        if (fs::weakly_canonical(part.parent_path()) != fs::weakly_canonical(source.parent_path())) return false;
        if (!copy_with_parts(part, scratch, parts)) return false;
    }
    return true;
}

// Whether the copy refers to its own parts, and not to those that it was copied from.
bool refers_to_copies(const fs::path &copy, const fs::path &scratch) {
    msio_table *table = nullptr;
    if (msio_table_open(copy.c_str(), nullptr, &table) != MSIO_OK) return false;
    bool own = true;
    for (int i = 0; i < msio_table_parts(table); i++)
        own = own && fs::weakly_canonical(msio_table_part_path(table, i))
                             .string()
                             .rfind(fs::weakly_canonical(scratch).string() + "/", 0) == 0;
    msio_table_close(table);
    return own;
}

// For each row of a table the row of a plain one that it is, numbered over all of these.
RootRows root_rows(const std::string &path, std::vector<std::pair<std::string, int64_t>> &plain) {
    std::vector<std::string> parts;
    msio_table *table = nullptr;
    RootRows rows;
    if (msio_table_open(path.c_str(), nullptr, &table) != MSIO_OK) return rows;
    for (int i = 0; i < msio_table_parts(table); i++) parts.emplace_back(msio_table_part_path(table, i));
    msio_table_info info;
    msio_table_describe(table, &info);
    msio_table_close(table);
    if (parts.empty()) {
        int64_t first = 0;
        for (const auto &[name, count] : plain) first += count;
        plain.emplace_back(path, info.rows); // one that comes twice cannot be written: its lock is taken by then
        for (int64_t row = 0; row < info.rows; row++) rows.push_back(first + row);
        return rows;
    }
    for (const std::string &part : parts) {
        const RootRows its = root_rows(part, plain);
        if (info.kind == MSIO_CONCAT_TABLE) {
            rows.insert(rows.end(), its.begin(), its.end());
        } else {
            Table view(path, TableLock(TableLock::AutoNoReadLocking));
            for (rownr_t row : view.rowNumbers()) rows.push_back(its.at(static_cast<size_t>(row)));
        }
    }
    return rows;
}

// All cells of a plain table, by column.
std::vector<Cells> all_cells(const std::string &path) {
    std::vector<Cells> all;
    Table table(path, TableLock(TableLock::AutoNoReadLocking));
    for (uInt i = 0; i < table.tableDesc().ncolumn(); i++)
        if (table.tableDesc()[i].dataType() != TpRecord)
            all.push_back(read_cells(table, table.tableDesc()[i].name(), {}));
    return all;
}

// Rows of the roots that a view does not show stay as they are.
void check_hidden_rows(Report &report, const std::vector<Cells> &before, const std::vector<Cells> &after,
                       const RootRows &shown) {
    for (size_t c = 0; c < before.size(); c++) {
        if (before[c].text != after[c].text) report.mismatch("strings of column %zu of the root changed", c);
        if (before[c].bytes.size() != after[c].bytes.size()) report.mismatch("column %zu of the root changed", c);
        if (before[c].size == 0 || before[c].bytes.size() != after[c].bytes.size()) continue;
        for (size_t row = 0; row < before[c].cell.size(); row++) {
            const Cell &cell = before[c].cell[row];
            if (std::find(shown.begin(), shown.end(), static_cast<int64_t>(row)) != shown.end()) continue;
            const size_t at = static_cast<size_t>(cell.first) * before[c].size;
            const size_t size = static_cast<size_t>(cell.count) * before[c].size;
            if (size && std::memcmp(&before[c].bytes[at], &after[c].bytes[at], size) != 0)
                report.mismatch("row %zu of the root, which the view does not show, changed in column %zu", row, c);
        }
    }
}

void write_copy(Report &report, Counts &counts, const fs::path &source, const fs::path &scratch, int rounds) {
    fs::path copy = scratch / source.filename();
    report.table = source.string();
    try {
        RootRows root;
        std::vector<std::string> parts;
        bool plain;
        {
            Table table(source.string());
            plain = fs::exists(source / "table.lock");
            if (table.nrow() > 200000 || has_virtual_columns(table)) return;
        }
        if (!copy_with_parts(source, scratch, parts) || !refers_to_copies(copy, scratch)) return;
        std::vector<std::pair<std::string, int64_t>> roots;
        if (!plain) root = root_rows(copy.string(), roots);
        std::sort(roots.begin(), roots.end());
        if (std::adjacent_find(roots.begin(), roots.end()) != roots.end()) return;
        std::vector<Cells> before;
        if (!plain && parts.size() == 1) before = all_cells(parts[0]);
        report.tables++;
        counts.views += !plain;
        write_table(report, counts, copy.string(), rounds, root);
        if (!before.empty()) check_hidden_rows(report, before, all_cells(parts[0]), root);
        for (const auto &entry : fs::directory_iterator(scratch)) fs::remove_all(entry.path());
    } catch (const std::exception &error) {
        report.mismatch("casacore: %s", error.what());
    }
}

// What a table's name says of how it is stored: manager, byte order, and of tiles which kind.
std::string layout_of(const fs::path &table) {
    const std::string name = table.filename().string();
    size_t end = name.find('_', name.find('_') + 1);
    if (name.rfind("Tiled", 0) == 0) end = name.find('_', end + 1);
    return name.substr(0, end);
}

struct Layout {
    int64_t cells = 0, native = 0, gained = 0;
    std::vector<fs::path> tables;
};
using Layouts = std::map<std::string, Layout>;

void write_all(Report &report, Counts &counts, Layout &layout, const fs::path &scratch, int rounds) {
    const Counts before = counts;
    for (const fs::path &table : layout.tables) write_copy(report, counts, table, scratch, rounds);
    layout.gained = counts.cells - before.cells;
    layout.native += counts.native - before.native;
    layout.cells += layout.gained;
}

// Goes on until every layout that is written natively has so many cells; false where one does not get there. Of a few
// small tables there are not so many in as many rounds.
bool reach(Report &report, Counts &counts, Layouts &layouts, const fs::path &scratch, int rounds, int64_t cells) {
    const int64_t least = cells / 10;
    bool all = true;
    for (auto &[name, layout] : layouts) {
        const bool counts_here = layout.native && layout.gained >= least;
        while (counts_here && layout.cells < cells && layout.gained >= least && !report.mismatches)
            write_all(report, counts, layout, scratch, rounds);
        std::printf("%s: %lld cells read back\n", name.c_str(), static_cast<long long>(layout.cells));
        all = all && (!counts_here || layout.cells >= cells);
    }
    return all;
}

} // namespace
} // namespace oracle

int main(int argc, char **argv) {
    using namespace oracle;
    long shard = 0, shards = 1, rounds = 6, cells = 0;
    std::vector<std::string> paths;
    for (int i = 1; i < argc; i++) {
        if (!std::strcmp(argv[i], "--shard") && i + 2 < argc)
            shard = std::atol(argv[i + 1]), shards = std::max(1L, std::atol(argv[i + 2])), i += 2;
        else if (!std::strcmp(argv[i], "--rounds") && i + 1 < argc)
            rounds = std::atol(argv[++i]);
        else if (!std::strcmp(argv[i], "--cells") && i + 1 < argc)
            cells = std::atol(argv[++i]);
        else if (!std::strcmp(argv[i], "--by-casacore") && i + 1 < argc)
            ColumnWriter::one_of = std::max(1L, std::atol(argv[++i]));
        else
            paths.push_back(argv[i]);
    }
    if (paths.size() != 2) {
        std::fprintf(
            stderr,
            "usage: compare_writes [--shard I N] [--rounds N] [--cells N] [--by-casacore ONE-OF] FOLDER-OF-TABLES "
            "SCRATCH-FOLDER\n");
        return 2;
    }
    ScaledArrayEngine<Double, Int>::registerClass(); // casacore knows it only on request
    Report report;
    Counts counts;
    fs::path scratch = fs::path(paths[1]) / ("shard" + std::to_string(shard));
    fs::create_directories(scratch);
    std::vector<fs::path> all;
    for (const auto &entry : fs::directory_iterator(paths[0]))
        if (fs::exists(entry.path() / "table.dat")) all.push_back(entry.path());
    std::sort(all.begin(), all.end());
    Layouts layouts; // a shard has whole ones, so that each of them is counted once
    std::map<std::string, long> number;
    for (const fs::path &table : all) number.emplace(layout_of(table), static_cast<long>(number.size()));
    for (size_t i = 0; i < all.size(); i++) {
        const long its = cells ? number[layout_of(all[i])] : static_cast<long>(i);
        if (its % shards == shard) layouts[layout_of(all[i])].tables.push_back(all[i]);
    }
    for (auto &[name, layout] : layouts) write_all(report, counts, layout, scratch, static_cast<int>(rounds));
    const bool reached =
        cells == 0 || reach(report, counts, layouts, scratch, static_cast<int>(rounds), static_cast<int64_t>(cells));
    std::printf("%lld tables (%lld views), %lld columns (%lld written natively, %lld by casacore), %lld writes, "
                "%lld elements (%lld strings in their cells), %lld times whole values, %lld cells read back, "
                "%lld mismatches\n",
                static_cast<long long>(report.tables), static_cast<long long>(counts.views),
                static_cast<long long>(counts.columns), static_cast<long long>(counts.native),
                static_cast<long long>(counts.by_casacore), static_cast<long long>(counts.writes),
                static_cast<long long>(counts.elements), static_cast<long long>(counts.strings),
                static_cast<long long>(counts.values), static_cast<long long>(counts.cells),
                static_cast<long long>(report.mismatches));
    return reached && counts.writes > 0 && report.mismatches == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
