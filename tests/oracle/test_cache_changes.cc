// test_cache_changes.cc - one process changes a Measurement Set through casacore at random, in every way there is; the
// other asks msio's caches after each change: every answer must be what casacore says then.
// usage: test_cache_changes MS_TO_COPY FOLDER [CHANGES [SEED]]
#include "oracle_check.h"
#include "oracle_metadata.h"

#include <casacore/casa/Arrays/ArrayLogical.h>
#include <casacore/casa/Arrays/ArrayMath.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/TableCopy.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

using namespace casacore;
using oracle::check;
using oracle::well;
namespace fs = std::filesystem;

namespace {

// The Measurement Set that is changed, the one it was copied from, and chance.
class Changer {
  public:
    Changer(const std::string &original, const std::string &path, unsigned seed)
        : original_(original), path_(path), random_(seed) {}

    // Makes one change; its name.
    const char *change();

  private:
    size_t below(size_t n) { return static_cast<size_t>(random_()) % (n ? n : 1); }
    Table main() { return Table(path_, TableLock(TableLock::AutoLocking), Table::Update); }
    Table sub(const char *name) { return Table(path_ + "/" + name, TableLock(TableLock::AutoLocking), Table::Update); }
    void put_flags();
    void put_flag_row();
    void add_rows();
    void remove_row();
    void put_time();
    void put_antenna();
    void put_frequencies();
    void put_direction();
    void add_field();
    void put_keyword();
    void add_or_remove_column();
    void write_beside_casacore();
    void copy_over();
    void recreate();
    void exchange();

    std::string original_, path_;
    std::mt19937 random_;
    unsigned turn_ = 0;
};

void Changer::put_flags() {
    Table t = main();
    ArrayColumn<Bool> flag(t, "FLAG");
    for (int i = 0; i < 5 && t.nrow(); i++) {
        rownr_t row = below(t.nrow());
        Array<Bool> cell = flag(row);
        for (Bool &one : cell) one = below(3) == 0;
        flag.put(row, cell);
    }
}

void Changer::put_flag_row() {
    Table t = main();
    if (t.nrow()) ScalarColumn<Bool>(t, "FLAG_ROW").put(below(t.nrow()), below(2) == 0);
}

void Changer::add_rows() {
    Table t = main();
    rownr_t n = t.nrow(), more = 1 + below(4);
    if (n == 0 || n > 400) return;
    t.addRow(more);
    for (rownr_t row = n; row < n + more; row++) TableCopy::copyRows(t, t, row, below(n), 1);
}

void Changer::remove_row() {
    Table t = main();
    if (t.nrow() > 20 && t.canRemoveRow()) t.removeRow(t.nrow() - 1);
}

void Changer::put_time() {
    Table t = main();
    if (t.nrow() == 0) return;
    rownr_t row = below(t.nrow());
    ScalarColumn<Double>(t, "TIME").put(row, 5.2e9 + static_cast<double>(below(1000)));
    ScalarColumn<Int>(t, "SCAN_NUMBER").put(row, static_cast<Int>(below(5)));
}

void Changer::put_antenna() {
    Table t = sub("ANTENNA");
    rownr_t row = below(t.nrow());
    ScalarColumn<String>(t, "NAME").put(row, "antenna" + String::toString(below(100000)));
    ArrayColumn<Double>(t, "POSITION").put(row, Vector<Double>(3, static_cast<double>(below(1000))));
}

void Changer::put_frequencies() { // of the same shape: no counter of the sync record tells
    Table t = sub("SPECTRAL_WINDOW");
    ArrayColumn<Double> frequency(t, "CHAN_FREQ");
    rownr_t row = below(t.nrow());
    Array<Double> values = frequency(row);
    values += static_cast<double>(1 + below(1000));
    frequency.put(row, values);
}

void Changer::put_direction() {
    Table t = sub("FIELD");
    ArrayColumn<Double> direction(t, "PHASE_DIR");
    rownr_t row = below(t.nrow());
    Array<Double> values = direction(row);
    values = static_cast<double>(below(1000)) * 1e-3;
    direction.put(row, values);
}

void Changer::add_field() {
    Table t = sub("FIELD");
    if (t.nrow() > 50) return;
    t.addRow(1);
    TableCopy::copyRows(t, t, t.nrow() - 1, 0, 1);
}

void Changer::put_keyword() {
    Table t = main();
    t.rwKeywordSet().define("CHANGED", static_cast<Int>(turn_));
}

void Changer::add_or_remove_column() {
    Table t = main();
    if (t.tableDesc().isColumn("EXTRA"))
        t.removeColumn("EXTRA");
    else
        t.addColumn(ScalarColumnDesc<Int>("EXTRA"));
}

void Changer::write_beside_casacore() { // as rsync or another program would, without a lock
    for (const auto &file : fs::directory_iterator(path_)) {
        if (file.path().string().find("_TSM") == std::string::npos || file.file_size() == 0) continue;
        int fd = open(file.path().c_str(), O_RDWR);
        unsigned char byte;
        off_t at = static_cast<off_t>(below(file.file_size()));
        if (fd >= 0 && pread(fd, &byte, 1, at) == 1) {
            byte = static_cast<unsigned char>(byte ^ 1u << below(8));
            if (pwrite(fd, &byte, 1, at) != 1) std::abort();
        }
        close(fd);
    }
}

void Changer::copy_over() {
    fs::copy(original_, path_, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
}

void Changer::recreate() {
    fs::remove_all(path_);
    fs::copy(original_, path_, fs::copy_options::recursive);
}

void Changer::exchange() { // the folder is replaced by another one
    std::string other = path_ + ".other";
    fs::remove_all(other);
    fs::copy(original_, other, fs::copy_options::recursive);
    fs::rename(path_, path_ + ".gone");
    fs::rename(other, path_);
    fs::remove_all(path_ + ".gone");
}

const char *Changer::change() {
    struct Way {
        const char *name;
        void (Changer::*make)();
    };
    static const Way ways[] = {{"flags", &Changer::put_flags},
                               {"flag row", &Changer::put_flag_row},
                               {"more rows", &Changer::add_rows},
                               {"a row fewer", &Changer::remove_row},
                               {"time and scan", &Changer::put_time},
                               {"an antenna", &Changer::put_antenna},
                               {"frequencies", &Changer::put_frequencies},
                               {"a direction", &Changer::put_direction},
                               {"a field more", &Changer::add_field},
                               {"a keyword", &Changer::put_keyword},
                               {"a column", &Changer::add_or_remove_column},
                               {"bytes beside casacore", &Changer::write_beside_casacore},
                               {"copied over", &Changer::copy_over},
                               {"deleted and made again", &Changer::recreate},
                               {"exchanged", &Changer::exchange},
                               {"nothing", nullptr}};
    turn_++;
    // whole replacements are rare: they put an end to what the small changes add up to
    const Way &way = ways[below(8) ? below(12) : 12 + below(4)];
    if (way.make) (this->*way.make)();
    return way.name;
}

int change_on_request(int requests, int answers, Changer changer) {
    char go, name[32];
    while (read(requests, &go, 1) == 1) {
        snprintf(name, sizeof name, "%s", changer.change());
        if (write(answers, name, sizeof name) != sizeof name) return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

// All flags, those that FLAG_ROW alone adds too.
void check_flags(const std::string &path, const Table &main) {
    const msio_flags *flags = nullptr;
    if (!well(msio_flags_count(path.c_str(), 0, nullptr, &flags), "flags")) return;
    const ArrayColumn<Bool> flag(main, "FLAG");
    const ScalarColumn<Bool> flag_row(main, "FLAG_ROW");
    int64_t flagged = 0, total = 0, from_flag_row = 0;
    for (rownr_t row = 0; row < main.nrow(); row++) {
        if (!flag.isDefined(row)) continue;
        const Array<Bool> cell = flag(row);
        int64_t all = static_cast<int64_t>(cell.size()), set = static_cast<int64_t>(ntrue(cell));
        total += all;
        flagged += flag_row(row) ? all : set;
        from_flag_row += flag_row(row) ? all - set : 0;
    }
    check(flags->flagged == flagged && flags->total == total && flags->from_flag_row == from_flag_row,
          "%lld of %lld flags (%lld by FLAG_ROW), not %lld of %lld (%lld)", (long long)flags->flagged,
          (long long)flags->total, (long long)flags->from_flag_row, (long long)flagged, (long long)total,
          (long long)from_flag_row);
    msio_flags_release(flags);
}

// Cells through cursors that stay open over all changes.
void check_cells(const std::string &path, const Table &main) {
    static msio_table *table;
    static msio_cursor *times, *flags;
    const msio_column *time = nullptr, *flag = nullptr;
    if (!table) {
        if (!well(msio_table_open(path.c_str(), nullptr, &table), "opening") ||
            !well(msio_table_column(table, "TIME", &time), "TIME") ||
            !well(msio_table_column(table, "FLAG", &flag), "FLAG") ||
            !well(msio_cursor_open(time, nullptr, &times), "a cursor over TIME") ||
            !well(msio_cursor_open(flag, nullptr, &flags), "a cursor over FLAG"))
            return;
    }
    const ScalarColumn<Double> wanted_time(main, "TIME");
    const ArrayColumn<Bool> wanted_flag(main, "FLAG");
    for (rownr_t row = 0; row < std::min<rownr_t>(main.nrow(), 12); row++) {
        double found = 0;
        const void *cell = nullptr;
        size_t bytes = 0;
        const Array<Bool> wanted = wanted_flag(row);
        const int64_t number = static_cast<int64_t>(row);
        if (!well(msio_cursor_get(times, number, &found, sizeof found), "a cell of TIME") ||
            !well(msio_cursor_peek(flags, number, &cell, &bytes), "a cell of FLAG"))
            return;
        check(found == wanted_time(row), "TIME of row %lld is stale", static_cast<long long>(number));
        check(bytes == wanted.size() && std::equal(wanted.begin(), wanted.end(), static_cast<const bool *>(cell)),
              "FLAG of row %lld is stale", static_cast<long long>(number));
    }
}

void ask(const std::string &path, bool index) {
    const msio_metadata *metadata = nullptr;
    const Table main(path, TableLock(TableLock::AutoNoReadLocking));
    if (!well(msio_metadata_get(path.c_str(), MSIO_PER_CALL, &metadata), "metadata")) return;
    oracle::check_metadata(*metadata, main);
    if (index) oracle::check_row_index(*metadata, main);
    check_flags(path, main);
    check_cells(path, main);
    msio_metadata_release(metadata);
}

// casacore in this very process, with the table locked for writing: what it flushed is seen, however fast the puts
// follow each other (many of them within one tick of the clock), and its lock stays.
void ask_beside_a_writer_of_this_process(const std::string &path) {
    Table antennas(path + "/ANTENNA", TableLock(TableLock::UserLocking), Table::Update);
    check(antennas.lock(FileLocker::Write, 1), "no write lock");
    ScalarColumn<String> name(antennas, "NAME");
    for (int i = 0; i < 200 && oracle::failures == 0; i++) {
        const msio_metadata *metadata = nullptr;
        const String wanted = "mine" + String::toString(i);
        name.put(0, wanted);
        antennas.flush();
        if (!well(msio_metadata_get(path.c_str(), MSIO_PER_CALL, &metadata), "metadata beside a writer")) break;
        check(wanted == metadata->antenna[0].name, "the name is %s, not %s", metadata->antenna[0].name, wanted.c_str());
        msio_metadata_release(metadata);
    }
    check(antennas.hasLock(FileLocker::Write), "the writer lost its lock");
    antennas.unlock();
}

// Another process has a table open for writing, and locked: the answer waits for it, and has what it wrote.
void ask_while_another_process_writes(const std::string &path) {
    int locked[2], done[2];
    char byte;
    if (pipe(locked) || pipe(done)) return;
    pid_t writer = fork();
    if (writer == 0) {
        close(done[1]);
        Table antennas(path + "/ANTENNA", TableLock(TableLock::UserLocking), Table::Update);
        antennas.lock(FileLocker::Write, 0);
        if (write(locked[1], "l", 1) != 1) _exit(1);
        usleep(300000);
        ScalarColumn<String>(antennas, "NAME").put(0, "theirs");
        antennas.unlock(); // and stays open until the other one has its answer
        _exit(read(done[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(done[0]);
    const msio_metadata *metadata = nullptr;
    if (check(read(locked[0], &byte, 1) == 1, "no lock") &&
        well(msio_metadata_get(path.c_str(), MSIO_PER_CALL, &metadata), "metadata while another process writes")) {
        check(String("theirs") == metadata->antenna[0].name, "the name is %s: the lock was not waited for",
              metadata->antenna[0].name);
        msio_metadata_release(metadata);
    }
    close(done[1]);
    int status = 0;
    waitpid(writer, &status, 0);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the writer failed");
    for (int end : {locked[0], locked[1]}) close(end);
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    const std::string original = argv[1], path = std::string(argv[2]) + "/changed.ms";
    int changes = argc > 3 ? std::atoi(argv[3]) : 300, requests[2], answers[2];
    unsigned seed = argc > 4 ? static_cast<unsigned>(std::atoi(argv[4])) : 1;
    fs::remove_all(argv[2]);
    fs::create_directories(argv[2]);
    fs::copy(original, path, fs::copy_options::recursive);
    if (pipe(requests) || pipe(answers)) return 2;
    pid_t changer = fork();
    if (changer == 0) {
        close(requests[1]);
        close(answers[0]);
        _exit(change_on_request(requests[0], answers[1], Changer(original, path, seed)));
    }
    close(requests[0]);
    close(answers[1]);
    int made = 0;
    for (; made < changes && oracle::failures == 0; made++) {
        char name[32] = "";
        ask(path, made % 7 == 0); // so that there is something to become stale
        if (write(requests[1], "g", 1) != 1 || read(answers[0], name, sizeof name) != sizeof name) break;
        ask(path, made % 5 == 0);
        if (oracle::failures) std::printf("after change %d: %s\n", made, name);
    }
    close(requests[1]);
    ask_while_another_process_writes(path);
    ask_beside_a_writer_of_this_process(path);
    int status = 0;
    waitpid(changer, &status, 0);
    msio_cache_stats stats;
    msio_cache_describe(&stats);
    check(made == changes && WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d of %d changes were made", made,
          changes);
    check(stats.stale > 0 && stats.hits > 0, "nothing was kept, or nothing became stale");
    std::printf("%d changes, %lld hits, %lld stale, %d differences\n", made, (long long)stats.hits,
                (long long)stats.stale, oracle::failures);
    return oracle::failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
