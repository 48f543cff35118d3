// shim_table.h - the casacore module: the handle of an open table.
#ifndef MSIO_IO_SHIM_TABLE_H
#define MSIO_IO_SHIM_TABLE_H

#include "io/casacore/casacore_shim.h"

#include <casacore/tables/Tables/Table.h>
#include <casacore/tables/Tables/TableColumn.h>

#include <deque>
#include <string>

namespace cc = casacore;

// What the C side knows as a handle. Strings handed out live in `texts`, whose elements never move.
struct msio_casa_table {
    std::string path;
    cc::Table table;
    bool made = false;               // here, and so locked for writing
    msio_casa_table *kept = nullptr; // the next of those that are never destroyed
    std::deque<std::string> texts;

    const char *keep(const std::string &text) {
        texts.push_back(text);
        return texts.back().c_str();
    }
};

namespace shim {

// Refuses what casacore takes for more than characters in a path: `~`, `$NAME` and `::`.
void check_path(const std::string &path);

// A column that exists, of a type that is read, and rows that exist.
cc::TableColumn open_column(const cc::Table &table, const char *name);

} // namespace shim

#endif
