// compare_table.cc - reads casacore tables with casacore and with msio, and compares every bit.
#include "compare.h"

#include <casacore/casa/Exceptions/Error.h>
#include <casacore/tables/DataMan/ScaledArrayEngine.h>
#include <casacore/tables/Tables/TableAttr.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableLock.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>

using namespace casacore;

namespace oracle {

void Report::delivered(void *data, size_t bytes) {
    if (bytes == 0) return;
    if (results++ == flip) static_cast<unsigned char *>(data)[bytes / 2] ^= 1;
}

namespace {

const rownr_t few = 20000000; // tables with more rows are compared in some of them only

struct Options {
    bool recursive = false, self_test = false, quiet = false, thorough = false;
    long by_casacore = 1; // columns that are read through casacore, too: one of so many
    long shard = 0, shards = 1;
    std::vector<std::string> paths;
};

std::vector<int64_t> sample(int64_t rows, Random &random) {
    std::set<int64_t> set;
    for (int64_t near : {int64_t(0), int64_t(1) << 20, (int64_t(1) << 31) - 1, rows - 1})
        for (int64_t row = near - 8; row <= near + 8; row++)
            if (row >= 0 && row < rows) set.insert(row);
    for (int i = 0; i < 300; i++) set.insert(random.below(rows));
    return {set.begin(), set.end()};
}

Table open_reference(const std::string &path) {
    bool locked = std::filesystem::exists(path + "/table.lock");
    return locked ? Table(path) : Table(path, TableLock(TableLock::NoLocking));
}

// Record columns are not read: that must be an error, and no more.
void check_unread(Report &report, msio_table *table, const char *name) {
    const msio_column *column = nullptr;
    msio_ragged ragged;
    std::memset(&ragged, 0, sizeof ragged);
    if (msio_table_column(table, name, &column) != MSIO_OK)
        report.mismatch("column %s: %s", name, msio_last_error()->message);
    else if (msio_read_ragged(column, nullptr, &ragged, nullptr) == MSIO_OK)
        report.mismatch("record column %s was read", name);
}

msio_table *open_msio(Report &report, const std::string &path, msio_native native, msio_freshness freshness,
                      int nolock) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.native = native;
    opts.freshness = freshness;
    opts.nolock = nolock;
    msio_table *table = nullptr;
    if (msio_table_open(path.c_str(), &opts, &table) != MSIO_OK)
        report.mismatch("is not opened: %s", msio_last_error()->message);
    return table;
}

// Whole columns again through tables that are opened otherwise: held, without lock, as opened, through casacore.
void compare_other_ways(Report &report, const std::string &path, const std::vector<Named> &columns, long by_casacore,
                        Random &random) {
    static int64_t asked = 0;
    for (int kind = 0; kind < 3; kind++) {
        msio_table *table =
            open_msio(report, path, MSIO_NATIVE_AUTO, kind == 1 ? MSIO_AS_OPENED : MSIO_PER_CALL, kind == 2);
        if (!table) return;
        if (kind == 0)
            report.expect(msio_table_hold(table) == MSIO_OK && msio_table_hold(table) == MSIO_OK, "the table is not",
                          "held");
        compare_many(report, columns, table, msio_table_rows(table), random);
        if (kind == 0)
            report.expect(msio_table_release(table) == MSIO_OK && msio_table_release(table) == MSIO_OK, "not",
                          "released");
        report.expect(msio_table_close(table) == MSIO_OK, "closing fails:", msio_last_error()->message);
    }
    msio_table *table = open_msio(report, path, MSIO_NATIVE_NO, MSIO_PER_CALL, 0);
    if (!table) return;
    for (const Named &column : columns)
        if (asked++ % by_casacore == 0) compare_fallback(report, column.cells, table, column.name.c_str(), random);
    report.expect(msio_table_close(table) == MSIO_OK, "closing fails:", msio_last_error()->message);
}

void compare_contents(Report &report, const std::string &path, const Table &reference, msio_table *table,
                      long by_casacore) {
    Random random(std::hash<std::string>()(std::filesystem::path(path).filename().string()) | 1);
    int64_t rows = static_cast<int64_t>(reference.nrow());
    std::vector<int64_t> known;
    if (reference.nrow() > few) known = sample(rows, random);
    std::vector<Named> columns;
    for (uInt i = 0; i < reference.tableDesc().ncolumn(); i++) {
        const String &name = reference.tableDesc()[i].name();
        if (TableColumn(reference, name).columnDesc().dataType() == TpRecord) {
            check_unread(report, table, name.c_str());
            continue;
        }
        columns.push_back({name, read_cells(reference, name, known)});
        report.cells += static_cast<int64_t>(columns.back().cells.cell.size());
        compare_column(report, columns.back().cells, table, name.c_str(), rows, random);
    }
    if (!known.empty()) return;
    compare_many(report, columns, table, rows, random);
    compare_other_ways(report, path, columns, by_casacore, random);
}

void compare_table(Report &report, const std::string &path, const Options &options) {
    if (!std::filesystem::exists(path + "/table.dat")) { // a keyword of a table that was not copied along
        msio_table *table = nullptr;
        report.table = path;
        report.expect(msio_table_open(path.c_str(), nullptr, &table) == MSIO_E_NOT_FOUND,
                      "a table that is not there was", "opened");
        msio_table_close(table);
        return;
    }
    int64_t cells = report.cells, compared = report.compared, reads = report.reads, mismatches = report.mismatches;
    report.table = path;
    report.tables++;
    std::vector<std::string> subtables;
    try {
        Table reference = open_reference(path);
        msio_table *table = open_msio(report, path, MSIO_NATIVE_AUTO, MSIO_PER_CALL, 0);
        if (table) {
            compare_facts(report, reference, table);
            compare_contents(report, path, reference, table, options.by_casacore);
            msio_table_close(table);
        }
        const TableRecord &keywords = reference.keywordSet();
        for (uInt i = 0; options.recursive && i < keywords.nfields(); i++)
            if (keywords.type(static_cast<Int>(i)) == TpTable)
                subtables.push_back(keywords.tableAttributes(static_cast<Int>(i)).name());
    } catch (const std::exception &error) {
        report.mismatch("casacore: %s", error.what());
    }
    if (!options.quiet)
        std::printf("%s: %lld cells, compared %lld times in %lld reads, %lld mismatches\n", path.c_str(),
                    static_cast<long long>(report.cells - cells), static_cast<long long>(report.compared - compared),
                    static_cast<long long>(report.reads - reads),
                    static_cast<long long>(report.mismatches - mismatches));
    for (const std::string &subtable : subtables) compare_table(report, subtable, options);
}

// The table itself, or all tables directly within a folder; of these every shards-th.
std::vector<std::string> tables_at(const std::string &path, const Options &options) {
    if (std::filesystem::exists(path + "/table.dat")) return {path};
    std::vector<std::string> all, mine;
    for (const auto &entry : std::filesystem::directory_iterator(path))
        if (std::filesystem::exists(entry.path() / "table.dat")) all.push_back(entry.path().string());
    std::sort(all.begin(), all.end());
    for (size_t i = 0; i < all.size(); i++)
        if (static_cast<long>(i) % options.shards == options.shard) mine.push_back(all[i]);
    return mine;
}

void compare_all(Report &report, const Options &options) {
    for (const std::string &path : options.paths)
        for (const std::string &table : tables_at(path, options)) compare_table(report, table, options);
}

// A bit that is changed in any result must be found, wherever it is.
int self_test(const Options &options) {
    Report clean;
    clean.quiet = true;
    Options quiet = options;
    quiet.quiet = true;
    compare_all(clean, quiet);
    int64_t missed = 0, tries = 0, step = std::max<int64_t>(1, clean.results / 40);
    for (int64_t flip = 0; flip < clean.results; flip += step, tries++) {
        Report changed;
        changed.quiet = true;
        changed.flip = flip;
        compare_all(changed, quiet);
        if (changed.mismatches <= clean.mismatches)
            missed++, std::printf("a bit changed in result %lld was not found\n", static_cast<long long>(flip));
    }
    std::printf("self-test: %lld of %lld results changed, %lld not found\n", static_cast<long long>(tries),
                static_cast<long long>(clean.results), static_cast<long long>(missed));
    return tries > 0 && missed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

Options parse(int argc, char **argv) {
    Options options;
    for (int i = 1; i < argc; i++) {
        if (!std::strcmp(argv[i], "--recursive"))
            options.recursive = true;
        else if (!std::strcmp(argv[i], "--self-test"))
            options.self_test = true;
        else if (!std::strcmp(argv[i], "--quiet"))
            options.quiet = true;
        else if (!std::strcmp(argv[i], "--by-casacore") && i + 1 < argc)
            options.by_casacore = std::max(1L, std::atol(argv[++i]));
        else if (!std::strcmp(argv[i], "--thorough"))
            options.thorough = true;
        else if (!std::strcmp(argv[i], "--shard") && i + 2 < argc)
            options.shard = std::atol(argv[i + 1]), options.shards = std::max(1L, std::atol(argv[i + 2])), i += 2;
        else
            options.paths.push_back(argv[i]);
    }
    return options;
}

} // namespace

} // namespace oracle

int main(int argc, char **argv) {
    oracle::Options options = oracle::parse(argc, argv);
    if (options.paths.empty()) {
        std::fprintf(
            stderr,
            "usage: compare_table [--recursive] [--thorough] [--quiet] [--self-test] [--shard I N] [--by-casacore ONE-OF] TABLE-OR-FOLDER...\n");
        return 2;
    }
    ScaledArrayEngine<Double, Int>::registerClass(); // casacore knows it only on request
    if (options.self_test) return oracle::self_test(options);
    oracle::Report report;
    report.thorough = options.thorough;
    oracle::compare_all(report, options);
    std::printf("%lld cells compared in %lld reads\n", static_cast<long long>(report.compared),
                static_cast<long long>(report.reads));
    std::printf("%lld tables, %lld columns, %lld cells, %lld mismatches (%lld columns native)\n",
                static_cast<long long>(report.tables), static_cast<long long>(report.columns),
                static_cast<long long>(report.cells), static_cast<long long>(report.mismatches),
                static_cast<long long>(report.native_columns));
    return report.tables > 0 && report.mismatches == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
