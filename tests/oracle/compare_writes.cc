// compare_writes.cc - writes copies of casacore tables with msio, reads them back with casacore, and compares every
// bit.
//
// usage: compare_writes [--shard I N] [--rounds N] FOLDER-OF-TABLES SCRATCH-FOLDER
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

using namespace casacore;
namespace fs = std::filesystem;

namespace oracle {

void Report::mismatch(const char *format, ...) {
    mismatches++;
    if (printed_table_ != table) printed_ = 0, printed_table_ = table;
    if (quiet || printed_++ >= 12) return;
    std::printf("  MISMATCH %s: ", table.c_str());
    va_list args;
    va_start(args, format);
    std::vprintf(format, args);
    va_end(args);
    std::putchar('\n');
}

bool Report::expect(bool good, const char *what, const char *where) {
    if (!good) mismatch("%s %s", what, where);
    return good;
}

void Report::delivered(void *, size_t) {}

namespace {

struct Counts {
    int64_t writes = 0, elements = 0, columns = 0, native = 0, refused = 0;
};

// What casacore must read after a write: the cells that were there, with what was put into them.
void put_into(Cells &cells, const Selection &selection, const std::vector<uint8_t> &values, bool repeats) {
    size_t at = 0;
    for (int64_t row : selection.rows) {
        const Cell &cell = cells.cell[static_cast<size_t>(row)];
        for (int64_t element : part_of(cell, selection).elements) {
            std::memcpy(&cells.bytes[static_cast<size_t>(element) * cells.size], &values[repeats ? 0 : at], cells.size);
            at += cells.size;
        }
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
    ColumnWriter(Report &report, Counts &counts, const std::string &path, const std::string &name, Random &random)
        : report_(report), counts_(counts), path_(path), name_(name), random_(random) {}

    bool write(int rounds);

  private:
    Cells read() const {
        Table table(path_, TableLock(TableLock::AutoNoReadLocking));
        return read_cells(table, name_, {});
    }
    Selection choose(const Cells &cells, int64_t rows);
    msio_status put(const Selection &selection, const std::vector<uint8_t> &values, bool repeats);
    void compare(const Cells &expected, const Selection &selection, const char *how);

    Report &report_;
    Counts &counts_;
    std::string path_, name_;
    Random &random_;
};

Selection ColumnWriter::choose(const Cells &cells, int64_t rows) {
    std::vector<Selection> all = row_selections(rows, {}, random_);
    Selection selection = all[static_cast<size_t>(random_.below(static_cast<int64_t>(all.size())))];
    if (selection.rows.empty() || random_.below(3) == 0) return selection;
    const Cell &cell = cells.at(selection.rows[0]);
    if (!cell.defined || cell.ndim < 1) return selection;
    selection.corr = random_axis(cell.shape[cell.ndim - 1], random_);
    if (cell.ndim > 1) selection.chan = random_axis(cell.shape[cell.ndim - 2], random_);
    return selection;
}

msio_status ColumnWriter::put(const Selection &selection, const std::vector<uint8_t> &values, bool repeats) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    msio_write_opts how = MSIO_WRITE_OPTS_INIT;
    msio_table *table = nullptr;
    const msio_column *column = nullptr;
    opts.writable = 1;
    opts.native = MSIO_NATIVE_YES;
    how.threads = static_cast<int>(random_.below(3));
    how.atomic = random_.below(4) == 0;
    how.unguarded = random_.below(4) == 0;
    msio_select select = selection.c();
    msio_status status = msio_table_open(path_.c_str(), &opts, &table);
    if (!status) status = msio_table_column(table, name_.c_str(), &column);
    if (!status)
        status = repeats ? msio_write_value(column, &select, values.data(), values.size(), &how)
                         : msio_write(column, &select, values.data(), values.size(), &how);
    msio_table_close(table);
    return status;
}

void ColumnWriter::compare(const Cells &expected, const Selection &selection, const char *how) {
    Cells now = read();
    if (now.cell.size() == expected.cell.size() && now.bytes == expected.bytes) return;
    size_t at = 0, size = std::max<size_t>(expected.size, 1);
    while (at < now.bytes.size() && at < expected.bytes.size() && now.bytes[at] == expected.bytes[at]) at++;
    report_.mismatch("column %s, %s, %s, chan %lld:%lld:%lld corr %lld:%lld:%lld: element %zu of %zu differs",
                     name_.c_str(), selection.name.c_str(), how, static_cast<long long>(selection.chan.start),
                     static_cast<long long>(selection.chan.count), static_cast<long long>(selection.chan.step),
                     static_cast<long long>(selection.corr.start), static_cast<long long>(selection.corr.count),
                     static_cast<long long>(selection.corr.step), at / size, now.bytes.size() / size);
}

// Whether the column is written natively at all.
bool ColumnWriter::write(int rounds) {
    Cells cells = read();
    bool native = true;
    if (cells.size == 0) return false;
    for (int round = 0; round < rounds && native; round++) {
        Selection selection = choose(cells, static_cast<int64_t>(cells.cell.size()));
        Dense part = dense_of(cells, selection, std::vector<uint8_t>(cells.size));
        if (part.undefined || part.differ || part.parts_differ || part.no_axes || !applies(cells, selection)) continue;
        bool repeats = random_.below(4) == 0;
        std::vector<uint8_t> values = random_values(repeats ? cells.size : part.bytes.size(), cells.type, random_);
        msio_status status = put(selection, values, repeats);
        if (status == MSIO_E_UNSUPPORTED) {
            native = false;
            break;
        }
        if (status) {
            report_.mismatch("column %s, %s: %s %s", name_.c_str(), selection.name.c_str(), msio_status_name(status),
                             msio_last_error()->message);
            return true;
        }
        put_into(cells, selection, as_stored(values, cells.type), repeats);
        compare(cells, selection, repeats ? "one value" : "values");
        counts_.writes++;
        counts_.elements += static_cast<int64_t>(part.bytes.size() / cells.size);
    }
    return native;
}

// Every column in turn; the others must stay as they are.
void write_table(Report &report, Counts &counts, const std::string &path, int rounds) {
    Random random(std::hash<std::string>()(fs::path(path).filename().string()) | 1);
    std::vector<std::string> names;
    {
        Table table(path, TableLock(TableLock::AutoNoReadLocking));
        for (uInt i = 0; i < table.tableDesc().ncolumn(); i++)
            if (table.tableDesc()[i].dataType() != TpRecord) names.push_back(table.tableDesc()[i].name());
    }
    auto read_all = [&] {
        Table table(path, TableLock(TableLock::AutoNoReadLocking));
        std::vector<Cells> all;
        for (const std::string &name : names) all.push_back(read_cells(table, name, {}));
        return all;
    };
    std::vector<Cells> before = read_all();
    for (size_t i = 0; i < names.size(); i++) {
        bool native = ColumnWriter(report, counts, path, names[i], random).write(rounds);
        counts.columns++;
        counts.native += native;
        std::vector<Cells> after = read_all();
        for (size_t k = 0; k < names.size(); k++)
            if (k != i && (after[k].bytes != before[k].bytes || after[k].text != before[k].text))
                report.mismatch("column %s changed when %s was written", names[k].c_str(), names[i].c_str());
        before = std::move(after);
    }
    report.expect(!fs::exists(path + "/table.msio_write"), "old values were left", "behind");
}

// Reference and concatenated tables have no lock file of their own; casacore calls them plain all the same.
bool is_reference(const fs::path &path) { return !fs::exists(path / "table.lock"); }

// Some columns are computed from others, and change with them.
bool has_virtual_columns(const Table &table) {
    Record managers = table.dataManagerInfo();
    for (uInt i = 0; i < managers.nfields(); i++)
        if (managers.subRecord(i).asString("TYPE").find("StMan") == String::npos) return true;
    return false;
}

void write_copy(Report &report, Counts &counts, const fs::path &source, const fs::path &scratch, int rounds) {
    fs::path copy = scratch / source.filename();
    report.table = source.string();
    try {
        {
            Table table(source.string());
            if (table.tableType() != Table::Plain || table.nrow() > 200000 || is_reference(source)) return;
            if (has_virtual_columns(table)) return;
        }
        fs::remove_all(copy);
        fs::copy(source, copy, fs::copy_options::recursive);
        report.tables++;
        write_table(report, counts, copy.string(), rounds);
        fs::remove_all(copy);
    } catch (const std::exception &error) {
        report.mismatch("casacore: %s", error.what());
    }
}

} // namespace
} // namespace oracle

int main(int argc, char **argv) {
    using namespace oracle;
    long shard = 0, shards = 1, rounds = 6;
    std::vector<std::string> paths;
    for (int i = 1; i < argc; i++) {
        if (!std::strcmp(argv[i], "--shard") && i + 2 < argc)
            shard = std::atol(argv[i + 1]), shards = std::max(1L, std::atol(argv[i + 2])), i += 2;
        else if (!std::strcmp(argv[i], "--rounds") && i + 1 < argc)
            rounds = std::atol(argv[++i]);
        else
            paths.push_back(argv[i]);
    }
    if (paths.size() != 2) {
        std::fprintf(stderr, "usage: compare_writes [--shard I N] [--rounds N] FOLDER-OF-TABLES SCRATCH-FOLDER\n");
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
    for (size_t i = 0; i < all.size(); i++)
        if (static_cast<long>(i) % shards == shard)
            write_copy(report, counts, all[i], scratch, static_cast<int>(rounds));
    std::printf("%lld tables, %lld columns (%lld written natively), %lld writes, %lld elements, %lld mismatches\n",
                static_cast<long long>(report.tables), static_cast<long long>(counts.columns),
                static_cast<long long>(counts.native), static_cast<long long>(counts.writes),
                static_cast<long long>(counts.elements), static_cast<long long>(report.mismatches));
    return counts.writes > 0 && report.mismatches == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
