// test_casacore_writer.cc - casacore in another process adds rows and puts columns while msio reads: nothing is torn.
//
// The writer puts one number, the generation, into every cell of every column under one lock. A reader that finds two
// numbers in what one call gave, or in what several calls gave under one hold, has seen half a write.
#include "oracle_processes.h"

#include <casacore/tables/DataMan/IncrementalStMan.h>
#include <casacore/tables/DataMan/StandardStMan.h>
#include <casacore/tables/DataMan/TiledColumnStMan.h>
#include <casacore/tables/DataMan/TiledShapeStMan.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

using namespace casacore;
using oracle::check;
using oracle::well;

static const int generations = 80, first_rows = 40, most_rows = 160;

static void make_table(const String &path) {
    TableDesc desc("generations", "1", TableDesc::Scratch);
    desc.addColumn(ScalarColumnDesc<Int>("NUMBER"));
    desc.addColumn(ScalarColumnDesc<String>("TEXT"));
    desc.addColumn(ScalarColumnDesc<Int>("RUN"));
    desc.addColumn(ArrayColumnDesc<Float>("DATA", IPosition(2, 4, 3), ColumnDesc::FixedShape));
    desc.addColumn(ArrayColumnDesc<Double>("VARYING", 2));
    desc.addColumn(ArrayColumnDesc<Int>("INDIRECT", 1));
    SetupNewTable setup(path, desc, Table::New);
    setup.bindAll(StandardStMan("standard", 1000));
    setup.bindColumn("RUN", IncrementalStMan("runs", 512, False));
    setup.bindColumn("DATA", TiledColumnStMan("data", IPosition(3, 4, 3, 16)));
    setup.bindColumn("VARYING", TiledShapeStMan("varying", IPosition(3, 3, 3, 8)));
    Table table(setup, TableLock(TableLock::PermanentLocking), 0);
}

static void put_generation(Table &table, Int generation) {
    const String text = "generation " + String::toString(generation) + " in a text that is long enough";
    ScalarColumn<Int> number(table, "NUMBER"), run(table, "RUN");
    ScalarColumn<String> texts(table, "TEXT");
    ArrayColumn<Float> data(table, "DATA");
    ArrayColumn<Double> varying(table, "VARYING");
    ArrayColumn<Int> indirect(table, "INDIRECT");
    for (rownr_t row = 0; row < table.nrow(); row++) {
        number.put(row, generation);
        run.put(row, generation);
        texts.put(row, text);
        data.put(row, Array<Float>(IPosition(2, 4, 3), static_cast<Float>(generation)));
        varying.put(row, Array<Double>(IPosition(2, row % 2 ? 3 : 5, 2), generation));
        indirect.put(row, Array<Int>(IPosition(1, 6), generation));
    }
}

static int write_generations(const String &path, bool automatic) {
    for (Int generation = 1; generation <= generations; generation++) {
        // automatic: the lock comes with the first change, and goes when the table is closed
        static Table kept;
        Table table = automatic       ? Table(path, TableLock(TableLock::AutoLocking), Table::Update)
                      : kept.isNull() ? Table(path, TableLock(TableLock::UserLocking), Table::Update)
                                      : kept;
        if (!automatic) {
            kept = table;
            table.lock(FileLocker::Write, 0);
        }
        rownr_t more = generation == 1 ? first_rows : generation % 5 == 0 && table.nrow() < most_rows ? 7 : 0;
        if (more) table.addRow(more);
        put_generation(table, generation);
        if (!automatic) table.unlock();
        table = Table();
        usleep(2000);
    }
    return EXIT_SUCCESS;
}

/* ---------------------------------------------------------------- the readers */

// The one number of many; -1 when they differ.
template <class T> static int64_t only(const void *data, size_t bytes) {
    const T *values = static_cast<const T *>(data);
    for (size_t i = 1; i < bytes / sizeof(T); i++)
        if (values[i] != values[0]) return -1;
    return bytes ? static_cast<int64_t>(values[0]) : 0;
}

static int64_t read_only(msio_table *table, const char *name, int64_t *rows) {
    const msio_column *column = nullptr;
    msio_ragged ragged;
    std::memset(&ragged, 0, sizeof ragged);
    if (!well(msio_table_column(table, name, &column), name) ||
        !well(msio_read_ragged(column, nullptr, &ragged, nullptr), name))
        return -2;
    int64_t result = -1;
    if (ragged.type == MSIO_INT)
        result = only<int32_t>(ragged.data, ragged.bytes);
    else if (ragged.type == MSIO_FLOAT)
        result = only<float>(ragged.data, ragged.bytes);
    else if (ragged.type == MSIO_DOUBLE)
        result = only<double>(ragged.data, ragged.bytes);
    else {
        result =
            ragged.cells ? std::atoi(std::string(ragged.text, ragged.bytes).c_str() + std::strlen("generation ")) : 0;
        for (int64_t i = 1; i < ragged.cells; i++) {
            int64_t length = ragged.text_offsets[1];
            if (ragged.text_offsets[i + 1] - ragged.text_offsets[i] != length ||
                std::memcmp(ragged.text, ragged.text + ragged.text_offsets[i], static_cast<size_t>(length)) != 0)
                result = -1;
        }
    }
    for (int64_t i = 0; i < ragged.cells; i++)
        if (!ragged.defined[i]) result = -3;
    *rows = ragged.cells;
    msio_ragged_free(&ragged);
    return result;
}

static const char *const names[] = {"NUMBER", "TEXT", "RUN", "DATA", "VARYING", "INDIRECT"};

// Each call by itself.
static void read_alone(msio_table *table) {
    for (const char *name : names) {
        int64_t rows = 0, generation = read_only(table, name, &rows);
        check(generation >= 0, "column %s holds cells of several generations (%lld)", name,
              static_cast<long long>(generation));
    }
}

// All columns under one hold.
static int64_t read_held(msio_table *table) {
    if (!well(msio_table_hold(table), "holding")) return -1;
    int64_t rows = msio_table_rows(table), first = -1;
    for (const char *name : names) {
        int64_t found = 0, generation = read_only(table, name, &found);
        check(found == rows, "column %s has %lld rows, the table has %lld", name, static_cast<long long>(found),
              static_cast<long long>(rows));
        if (first < 0) first = generation;
        check(generation == first && generation >= 0, "column %s is of generation %lld, under the hold of %lld", name,
              static_cast<long long>(generation), static_cast<long long>(first));
    }
    well(msio_table_release(table), "releasing");
    return first;
}

// Several columns in one call.
static void read_together(msio_table *table) {
    const msio_column *columns[2];
    if (!well(msio_table_column(table, "NUMBER", &columns[0]), "NUMBER") ||
        !well(msio_table_column(table, "DATA", &columns[1]), "DATA"))
        return;
    std::vector<int32_t> number(first_rows);
    std::vector<float> data(first_rows * 12);
    void *outs[] = {number.data(), data.data()};
    const size_t bytes[] = {number.size() * 4, data.size() * 4};
    msio_select select = MSIO_SELECT_ALL;
    select.rows = first_rows;
    if (msio_table_rows(table) < first_rows || !well(msio_read_many(2, columns, &select, outs, bytes, nullptr), "both"))
        return;
    int64_t one = only<int32_t>(outs[0], bytes[0]), other = only<float>(outs[1], bytes[1]);
    check(one == other && one > 0, "read together: generations %lld and %lld", static_cast<long long>(one),
          static_cast<long long>(other));
}

static int read_generations(const char *path, const std::string &done) {
    int64_t rounds = 0, last = -1;
    for (bool finished = false; !finished && oracle::failures < 10; rounds++) {
        finished = access(done.c_str(), F_OK) == 0; // one more round then, which must see the last generation
        static msio_table *kept;
        bool fresh = rounds % 3 == 0;
        msio_table *table = fresh || !kept ? oracle::open_table(path, 60) : kept;
        if (!table) return EXIT_FAILURE;
        int64_t generation = read_held(table);
        check(generation >= last, "generation %lld came after %lld", static_cast<long long>(generation),
              static_cast<long long>(last));
        last = generation;
        read_alone(table);
        read_together(table);
        usleep(static_cast<useconds_t>(4000 + rounds % 5 * 1000)); // readers without a pause starve the writer
        if (fresh && kept)
            msio_table_close(table);
        else
            kept = table;
    }
    check(last == generations, "the last generation read is %lld, not %d", static_cast<long long>(last), generations);
    std::printf("%lld rounds\n", static_cast<long long>(rounds));
    return oracle::failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    alarm(900);
    std::string task = argc > 2 ? argv[1] : "";
    if (task == "make") return make_table(argv[2]), EXIT_SUCCESS;
    if (task == "write" && argc > 3) return write_generations(argv[2], !std::strcmp(argv[3], "auto"));
    if (task == "read" && argc > 3) return read_generations(argv[2], argv[3]);
    if (argc != 2) return std::fprintf(stderr, "usage: test_casacore_writer FOLDER-AND-STEM\n"), 2;
    for (const char *locking : {"user", "auto"})
        oracle::run_beside(argv[0], std::string(argv[1]) + "_" + locking, locking);
    return oracle::failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
