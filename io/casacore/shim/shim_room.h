// shim_room.h - the casacore module: locks and room for a change.
#ifndef MSIO_IO_SHIM_ROOM_H
#define MSIO_IO_SHIM_ROOM_H

#include <casacore/casa/Utilities/DataType.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/Table.h>

#include <cstdint>
#include <string>

namespace cc = casacore;

namespace shim {

// A table opened for writing; casacore's write lock lasts as long.
cc::Table open_locked(const std::string &path);

// Takes room for so many bytes, and gives it back: a full disk is found before anything changed.
void ask_for_room(const std::string &path, int64_t bytes);

// What casacore writes out for the column: fixed shapes and scalars as zeros, else a header only.
int64_t column_bytes(const cc::ColumnDesc &column, int64_t rows);

} // namespace shim

#endif
