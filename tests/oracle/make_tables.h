// make_tables.h - what the makers of generated tables share.
#ifndef MSIO_TESTS_MAKE_TABLES_H
#define MSIO_TESTS_MAKE_TABLES_H

#include "oracle_columns.h"

#include <casacore/tables/DataMan/DataManager.h>

#include <functional>
#include <map>
#include <string>

namespace oracle {

enum class Size { small, normal, full };

// Where tables go, and what was made.
class Maker {
  public:
    Maker(casacore::String folder, Size size, casacore::String only)
        : folder_(std::move(folder)), size_(size), only_(std::move(only)) {}

    Size size() const { return size_; }
    casacore::String path(const casacore::String &name) const { return folder_ + "/" + name; }

    // Makes one table (or several that belong together); when casacore refuses, that counts as a failure.
    void make(const casacore::String &name, const std::function<void(const casacore::String &path, Random &)> &maker);

    // Whether a manager can hold the column; tries it once, in a table of its own.
    bool possible(const casacore::String &manager, const Spec &spec);

    // Notes something that casacore refuses.
    void refuse(const casacore::String &what, const std::string &why);

    int tables() const { return tables_; }
    int failures() const { return failures_; }
    void print_refused() const;

  private:
    casacore::String folder_;
    Size size_;
    casacore::String only_; // makes only the tables whose name contains this
    int tables_ = 0, failures_ = 0;
    std::map<std::string, bool> possible_;
    std::map<std::string, std::string> refused_; // what -> why
};

inline casacore::Table::EndianFormat endian(bool big) {
    return big ? casacore::Table::BigEndian : casacore::Table::LittleEndian;
}

// A storage manager of that type with a tile shape (ignored by those that are not tiled).
std::unique_ptr<casacore::DataManager> make_manager(const casacore::String &type, const casacore::String &name,
                                                    const casacore::IPosition &tile);

// A table whose columns each have a manager of that type of their own, or all the same one.
casacore::Table create(const casacore::String &path, const std::vector<Spec> &specs, const casacore::String &manager,
                       bool big, casacore::rownr_t rows);

// The families of tables.
void make_bucketed_tables(Maker &maker);   // StandardStMan, IncrementalStMan, StManAipsIO
void make_tiled_tables(Maker &maker);      // TiledColumnStMan, TiledShapeStMan, TiledCellStMan
void make_tiled_data_tables(Maker &maker); // TiledDataStMan
void make_view_tables(Maker &maker);       // RefTable, ConcatTable, containers, virtual columns, keywords

} // namespace oracle
#endif
