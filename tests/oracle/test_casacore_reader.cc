// test_casacore_reader.cc - msio overwrites DATA and FLAG while casacore in other processes reads under its locks: no
// torn cell, no tile of two writes, no value of a write before the last.
//
// The writer puts one number, the generation, into every cell, under one lock. A reader that finds two numbers under a
// lock of its own has seen half a write; one that finds an earlier number than before has seen tiles that it kept.
#include "oracle_processes.h"

#include "msio/cache.h"
#include "msio/write.h"

#include <casacore/tables/DataMan/TiledShapeStMan.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <sys/stat.h>

#include <complex>
#include <cstring>

using namespace casacore;
using oracle::check;
using oracle::well;

static const int corrs = 4, chans = 64, rows = 2000;
static const int64_t cell = corrs * chans;

// The flag of element `e` of a cell: neighbours in a byte of the file differ, and every one changes with each
// generation.
static bool flag_of(int64_t e, int64_t generation) { return ((e ^ (e >> 3) ^ generation) & 1) != 0; }

/* ---------------------------------------------------------------- turns */

// A reader adds a byte to its file after each read, for which the writer waits: else one of them may never come
// between.
static std::string marks_of(const std::string &path, bool automatic) { return path + (automatic ? ".auto" : ".user"); }

static void mark(const std::string &path, bool automatic) {
    FILE *file = std::fopen(marks_of(path, automatic).c_str(), "a");
    if (check(file && std::fputc('.', file) == '.', "no mark of a read can be left") && file) std::fclose(file);
}

static int64_t marks(const std::string &path, bool automatic) {
    struct stat st;
    return stat(marks_of(path, automatic).c_str(), &st) == 0 ? st.st_size : 0;
}

// Until both have read since; a reader that failed is not waited for beyond that many tries of 2 ms in all.
static void wait_for_readers(const std::string &path, int &patience) {
    const int64_t before[2] = {marks(path, false), marks(path, true)};
    while ((marks(path, false) == before[0] || marks(path, true) == before[1]) && patience > 0) {
        usleep(2000);
        patience--;
    }
}

/* ---------------------------------------------------------------- the table */

static void make_table(const String &path) {
    for (bool automatic : {false, true}) unlink(marks_of(path, automatic).c_str());
    TableDesc desc("generations", "1", TableDesc::Scratch);
    const IPosition shape(2, corrs, chans);
    desc.addColumn(ArrayColumnDesc<Complex>("DATA", shape, ColumnDesc::FixedShape));
    desc.addColumn(ArrayColumnDesc<Bool>("FLAG", shape, ColumnDesc::FixedShape));
    SetupNewTable setup(path, desc, Table::New);
    setup.bindColumn("DATA", TiledShapeStMan("data", IPosition(3, corrs, chans / 2, 50)));
    setup.bindColumn("FLAG", TiledShapeStMan("flag", IPosition(3, corrs, chans, 300)));
    Table table(setup, rows);
    ArrayColumn<Complex> data(table, "DATA");
    ArrayColumn<Bool> flag(table, "FLAG");
    Array<Bool> flags(shape);
    bool *at = flags.data();
    for (int64_t e = 0; e < cell; e++) at[e] = flag_of(e, 0);
    for (rownr_t row = 0; row < rows; row++) {
        data.put(row, Array<Complex>(shape, Complex(0)));
        flag.put(row, flags);
    }
}

/* ---------------------------------------------------------------- the writer */

struct writing {
    msio_table *table;
    const msio_column *column[2];
    std::vector<std::complex<float>> data;
    std::vector<uint8_t> flag;
};

static void write_together(const writing &w) {
    const void *ins[] = {w.data.data(), w.flag.data()};
    const size_t bytes[] = {w.data.size() * sizeof w.data[0], w.flag.size()};
    well(msio_write_many(2, w.column, nullptr, ins, bytes, nullptr), "both columns in one call");
}

// Rows from the end on, by calls of their own.
static void write_parts(const writing &w) {
    for (int64_t end = rows; end > 0; end -= 130) {
        msio_select select = MSIO_SELECT_ALL;
        select.row = end < 130 ? 0 : end - 130;
        select.rows = end - select.row;
        const size_t elements = static_cast<size_t>(select.rows * cell), first = static_cast<size_t>(select.row * cell);
        well(msio_write(w.column[0], &select, &w.data[first], elements * sizeof w.data[0], nullptr), "rows of DATA");
        well(msio_write(w.column[1], &select, &w.flag[first], elements, nullptr), "rows of FLAG");
    }
}

static void write_cells(const writing &w) {
    msio_cursor *data = nullptr, *flag = nullptr;
    if (!well(msio_cursor_open(w.column[0], nullptr, &data), "a cursor") ||
        !well(msio_cursor_open(w.column[1], nullptr, &flag), "a cursor"))
        return;
    for (int64_t row = 0; row < rows && !oracle::failures; row++) {
        const size_t first = static_cast<size_t>(row * cell), elements = static_cast<size_t>(cell);
        well(msio_cursor_put(data, row, &w.data[first], elements * sizeof w.data[0]), "a cell of DATA");
        well(msio_cursor_put(flag, row, &w.flag[first], elements), "a cell of FLAG");
    }
    well(msio_cursor_close(data), "closing");
    well(msio_cursor_close(flag), "closing");
}

static int write_generations(const char *path, int generations) {
    writing w = {};
    int patience = 30000;
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.writable = 1;
    opts.lock_seconds = 120;
    w.data.resize(rows * cell);
    w.flag.resize(rows * cell);
    if (!well(msio_table_open(path, &opts, &w.table), "opening") ||
        !well(msio_table_column(w.table, "DATA", &w.column[0]), "DATA") ||
        !well(msio_table_column(w.table, "FLAG", &w.column[1]), "FLAG"))
        return EXIT_FAILURE;
    for (int generation = 1; generation <= generations && !oracle::failures; generation++) {
        std::fill(w.data.begin(), w.data.end(), std::complex<float>(static_cast<float>(generation), 1));
        for (int64_t i = 0; i < rows * cell; i++) w.flag[static_cast<size_t>(i)] = flag_of(i % cell, generation);
        if (generation % 3 == 0) {
            write_together(w); // the lock of one call
        } else {
            well(msio_table_hold_write(w.table), "holding");
            (generation % 3 == 1 ? write_parts : write_cells)(w);
            well(msio_table_release(w.table), "releasing");
        }
        wait_for_readers(path, patience);
    }
    well(msio_table_close(w.table), "closing");
    return oracle::failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---------------------------------------------------------------- the readers */

// The generation that cells of DATA hold, all of them; -1 when there are several.
static int64_t only(const Array<Complex> &cells) {
    const std::vector<Complex> all = cells.tovector();
    for (const Complex &value : all)
        if (value != all[0]) return -1;
    return static_cast<int64_t>(all[0].real());
}

// Whether cells of FLAG are those of a generation.
static bool are_of(const Array<Bool> &cells, int64_t generation) {
    int64_t e = 0;
    for (bool flag : cells.tovector())
        if (flag != flag_of(e++ % cell, generation)) return false;
    return true;
}

// Under the caller's lock: whole columns, some rows of them, and single cells.
static int64_t read_generation(const Table &table, int64_t round) {
    ArrayColumn<Complex> data(table, "DATA");
    ArrayColumn<Bool> flag(table, "FLAG");
    const Slicer part(IPosition(1, 7 * round % (rows - 400)), IPosition(1, 400));
    const bool whole = round % 4 == 0;
    int64_t generation = only(whole ? data.getColumn() : data.getColumnRange(part));
    check(generation >= 0, "DATA holds values of several generations");
    check(are_of(whole ? flag.getColumn() : flag.getColumnRange(part), generation), "FLAG is not of generation %lld",
          static_cast<long long>(generation));
    for (rownr_t row = static_cast<rownr_t>(round % 11); row < rows; row += 97) {
        int64_t one = only(data.get(row));
        check(one == generation, "the cell of row %lld is of generation %lld, others of %lld",
              static_cast<long long>(row), static_cast<long long>(one), static_cast<long long>(generation));
        check(are_of(flag.get(row), generation), "the flags of row %lld are not of generation %lld",
              static_cast<long long>(row), static_cast<long long>(generation));
    }
    return generation;
}

// casacore waits for a lock by trying once a second: it would hardly ever come between two writes.
static void lock_soon(Table &table) {
    for (int i = 0; i < 240000 && !table.lock(FileLocker::Read, 1); i++) usleep(500);
    check(table.hasLock(FileLocker::Read), "no read lock within two minutes");
}

static int read_generations(const String &path, const std::string &done, int generations, bool automatic) {
    Table table(path, TableLock(automatic ? TableLock::AutoLocking : TableLock::UserLocking));
    int64_t rounds = 0, last = -1, seen = 0;
    for (bool finished = false; !finished && oracle::failures < 10; rounds++) {
        finished = access(done.c_str(), F_OK) == 0; // one more round then, which must see the last generation
        lock_soon(table);
        const int64_t generation = read_generation(table, rounds);
        table.unlock();
        mark(path, automatic);
        check(generation >= last, "generation %lld came after %lld", static_cast<long long>(generation),
              static_cast<long long>(last));
        seen += generation > last;
        last = generation;
        usleep(static_cast<useconds_t>(4000 + rounds % 5 * 1000)); // readers without a pause starve the writer
    }
    check(last == generations, "the last generation read is %lld, not %d", static_cast<long long>(last), generations);
    check(2 * seen > generations, "%lld generations were seen: the reader did not come between",
          static_cast<long long>(seen));
    std::printf("%s locking: %lld reads, %lld generations seen\n", automatic ? "auto" : "user",
                static_cast<long long>(rounds), static_cast<long long>(seen));
    return oracle::failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    alarm(3000);
    std::string task = argc > 2 ? argv[1] : "";
    if (task == "make") return make_table(argv[2]), EXIT_SUCCESS;
    if (task == "write" && argc > 3) return write_generations(argv[2], std::atoi(argv[3]));
    if (task == "read" && argc > 5) return read_generations(argv[2], argv[3], std::atoi(argv[4]), *argv[5] == '1');
    if (argc != 3) return std::fprintf(stderr, "usage: test_casacore_reader TABLE-TO-MAKE GENERATIONS\n"), 2;
    oracle::run_beside(argv[0], argv[1], argv[2]);
    return oracle::failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
