// test_casacore_process.cc - msio and casacore in one process: locks survive, flushed values are seen, forks read on.
#include "oracle_check.h"

#include <casacore/tables/DataMan/TiledShapeStMan.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace casacore;
using oracle::check;
using oracle::well;

static const rownr_t rows = 3000;

static void put_all(Table &table, Int number) {
    ScalarColumn<Int> numbers(table, "NUMBER");
    ArrayColumn<Float> data(table, "DATA");
    for (rownr_t row = 0; row < table.nrow(); row++) {
        numbers.put(row, number);
        data.put(row, Array<Float>(IPosition(2, 4, 32), static_cast<Float>(number)));
    }
}

static void make_table(const String &path) {
    TableDesc desc("shared", "1", TableDesc::Scratch);
    desc.addColumn(ScalarColumnDesc<Int>("NUMBER"));
    desc.addColumn(ArrayColumnDesc<Float>("DATA", 2));
    SetupNewTable setup(path, desc, Table::New);
    setup.bindColumn("DATA", TiledShapeStMan("data", IPosition(3, 4, 32, 64)));
    Table table(setup, rows);
    put_all(table, 1);
}

// Posix locks of this process on the table's lock file, of that kind: "WRITE" or "READ". What a descriptor shows comes
// from one moment; /proc/locks, while others lock and unlock, may show a lock twice.
static int locks_held(const std::string &path, const char *kind) {
    struct stat facts;
    if (stat((path + "/table.lock").c_str(), &facts) != 0) return -1;
    int held = 0;
    for (const auto &descriptor : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream list(descriptor.path());
        for (std::string line; std::getline(list, line);) {
            std::istringstream words(line);
            std::string lock, number, type, mode, access, pid, file;
            words >> lock >> number >> type >> mode >> access >> pid >> file;
            size_t colon = file.rfind(':');
            held += lock == "lock:" && type == "POSIX" && access == kind && colon != std::string::npos &&
                    file.substr(colon + 1) == std::to_string(facts.st_ino);
        }
    }
    return held;
}

// The one number in both columns; -1 when there are several, -2 on an error.
static int64_t read_number(msio_table *table, int threads) {
    const msio_column *columns[2];
    if (!well(msio_table_column(table, "NUMBER", &columns[0]), "NUMBER") ||
        !well(msio_table_column(table, "DATA", &columns[1]), "DATA"))
        return -2;
    std::vector<int32_t> numbers(rows);
    std::vector<float> data(rows * 128);
    void *outs[] = {numbers.data(), data.data()};
    const size_t bytes[] = {numbers.size() * 4, data.size() * 4};
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = threads;
    if (!well(msio_read_many(2, columns, nullptr, outs, bytes, &opts), "reading")) return -2;
    for (int32_t number : numbers)
        if (number != numbers[0]) return -1;
    for (float value : data)
        if (value != static_cast<float>(numbers[0])) return -1;
    return numbers[0];
}

static void test_write_lock_survives(const std::string &path) {
    Table table(path, TableLock(TableLock::UserLocking), Table::Update);
    table.lock(FileLocker::Write, 1);
    check(locks_held(path, "WRITE") == 1, "casacore has no write lock to begin with (%d)", locks_held(path, "WRITE"));
    for (int i = 0; i < 3; i++) {
        msio_table *ours = oracle::open_table(path.c_str(), 10);
        check(locks_held(path, "WRITE") == 1, "casacore's write lock is gone after our open");
        check(read_number(ours, 2) == 1, "other values were read under our own process's write lock");
        check(locks_held(path, "WRITE") == 1, "casacore's write lock is gone after our read");
        well(msio_table_close(ours), "closing");
        check(locks_held(path, "WRITE") == 1, "casacore's write lock is gone after our close");
    }
    table.unlock();
    check(locks_held(path, "WRITE") == 0, "casacore's write lock was not released");
}

static void test_read_lock_survives(const std::string &path) {
    Table table(path, TableLock(TableLock::UserLocking), Table::Update);
    table.lock(FileLocker::Read, 1);
    int before = locks_held(path, "READ");
    msio_table *ours = oracle::open_table(path.c_str(), 10);
    check(read_number(ours, 2) == 1, "other values were read");
    well(msio_table_close(ours), "closing");
    check(before > 0 && locks_held(path, "READ") == before, "%d of casacore's %d read locks are left",
          locks_held(path, "READ"), before);
    table.unlock();
}

// What casacore flushed is read, under its write lock and after it; our table stays open all the time.
static void test_flushed_values_are_read(const std::string &path) {
    msio_table *ours = oracle::open_table(path.c_str(), 10);
    check(read_number(ours, 2) == 1, "other values were read at first");
    Table table(path, TableLock(TableLock::UserLocking), Table::Update);
    for (Int number = 2; number < 6; number++) {
        table.lock(FileLocker::Write, 1);
        put_all(table, number);
        table.flush();
        check(read_number(ours, 2) == number, "not the values that were flushed (%d)", number);
        check(locks_held(path, "WRITE") == 1, "casacore's write lock is gone");
        table.unlock();
        check(read_number(ours, 2) == number, "not the values that were unlocked (%d)", number);
    }
    table.lock(FileLocker::Write, 1);
    put_all(table, 1);
    table.unlock();
    well(msio_table_close(ours), "closing");
}

// The holder of a write lock elsewhere is named when the time limit is over.
static void test_holder_is_named(const std::string &path) {
    int ready[2], leave[2];
    if (!check(pipe(ready) == 0 && pipe(leave) == 0, "no pipes")) return;
    pid_t child = fork();
    if (child == 0) {
        close(leave[1]);
        char byte = 0;
        {
            Table table(path, TableLock(TableLock::UserLocking), Table::Update);
            table.lock(FileLocker::Write, 1);
            if (write(ready[1], "x", 1) != 1 || read(leave[0], &byte, 1) < 0) _exit(EXIT_FAILURE);
            table.unlock();
        }
        _exit(EXIT_SUCCESS);
    }
    close(leave[0]);
    char byte = 0;
    check(read(ready[0], &byte, 1) == 1, "the holder is not ready");
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.lock_seconds = 0.3;
    msio_table *table = nullptr;
    msio_status status = msio_table_open(path.c_str(), &opts, &table);
    const msio_column *column = nullptr;
    int32_t number;
    if (status == MSIO_OK && msio_table_column(table, "NUMBER", &column) == MSIO_OK) {
        msio_select one = MSIO_SELECT_ALL;
        one.rows = 1;
        status = msio_read(column, &one, &number, sizeof number, nullptr);
    }
    check(status == MSIO_E_LOCKED, "a write lock elsewhere: %s", msio_status_name(status));
    check(std::strstr(msio_last_error()->message, std::to_string(child).c_str()), "process %d is not named: %s",
          static_cast<int>(child), msio_last_error()->message);
    msio_table_close(table);
    close(leave[1]);
    int result = 0;
    check(waitpid(child, &result, 0) == child && result == 0, "the holder failed");
    table = oracle::open_table(path.c_str(), 10);
    check(read_number(table, 2) == 1, "other values after the lock was gone");
    msio_table_close(table);
    close(ready[0]);
    close(ready[1]);
}

// Eight children at once read through the handle that the parent read with in parallel.
static void test_children_read(const std::string &path) {
    msio_table *table = oracle::open_table(path.c_str(), 10);
    check(read_number(table, 4) == 1, "other values were read in parallel");
    std::fflush(stdout);
    std::vector<pid_t> children;
    for (int i = 0; i < 8; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            bool good = read_number(table, i % 2 ? 0 : 4) == 1;
            msio_table *again = oracle::open_table(path.c_str(), 10);
            good = good && read_number(again, 2) == 1 && msio_table_close(again) == MSIO_OK &&
                   msio_table_close(table) == MSIO_OK;
            std::fflush(stdout);
            _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        children.push_back(child);
    }
    for (pid_t child : children) {
        int result = 0;
        check(waitpid(child, &result, 0) == child && result == 0, "a child failed, or hung (status %x)",
              static_cast<unsigned>(result));
    }
    check(read_number(table, 4) == 1, "the parent reads other values after its children");
    msio_table_close(table);
}

int main(int argc, char **argv) {
    if (argc != 2) return std::fprintf(stderr, "usage: test_casacore_process TABLE-TO-MAKE\n"), 2;
    alarm(600);
    const std::string path = argv[1];
    make_table(path);
    test_holder_is_named(path);
    test_children_read(path);
    test_write_lock_survives(path);
    test_read_lock_survives(path);
    test_flushed_values_are_read(path);
    test_children_read(path);
    return oracle::failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
