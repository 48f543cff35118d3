// shim_open.cc - the casacore module: opening and closing tables.

#include "io/casacore/shim/shim_calls.h"
#include "io/casacore/shim/shim_errors.h"
#include "io/casacore/shim/shim_table.h"

#include <atomic>
#include <casacore/casa/IO/FileLocker.h>
#include <casacore/tables/DataMan/DataManError.h>
#include <casacore/tables/Tables/Table.h>
#include <casacore/tables/Tables/TableError.h>
#include <casacore/tables/Tables/TableLock.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>

namespace shim {

namespace {

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

} // namespace

msio_status shim_open(const char *path, msio_casa_table **table, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        auto opened = std::make_unique<msio_casa_table>();
        opened->path = path;
        opened->table = open_table(opened->path);
        *table = opened.release();
    });
}

// A table that was made is written first, because a write that fails in casacore's destructor ends the
// process. Where that fails here, the table is never destroyed: it stays in memory, and its files stay open.
void shim_close(msio_casa_table *table) noexcept {
    if (!table) return;
    const msio_status status = guarded(nullptr, [&] {
        if (table->made) table->table.flush();
    });
    if (status == MSIO_OK) {
        guarded(nullptr, [&] { delete table; });
        return;
    }
    static std::atomic<msio_casa_table *> kept;
    table->kept = kept.load();
    while (!kept.compare_exchange_weak(table->kept, table)) {}
}

msio_status shim_reopen(msio_casa_table *table, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        table->table = cc::Table();
        table->texts.clear();
        table->table = open_table(table->path);
    });
}

} // namespace shim
