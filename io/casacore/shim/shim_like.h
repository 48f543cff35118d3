// shim_like.h - the casacore module: columns described like others of the table.
#ifndef MSIO_IO_SHIM_LIKE_H
#define MSIO_IO_SHIM_LIKE_H

#include <casacore/casa/Arrays/Vector.h>
#include <casacore/casa/Containers/Record.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/Table.h>

#include <cstdint>
#include <string>

namespace cc = casacore;

namespace shim {

// The record that asks casacore for a tiled manager.
cc::Record tiled_spec(const std::string &type, const std::string &name, const cc::Vector<cc::Int> &tile);

// The manager of a column like one that is there: TiledColumnStMan for fixed shapes of it, else TiledShapeStMan.
cc::Record manager_like(const cc::Table &table, const cc::ColumnDesc &column, int ndim, const std::string &name);

// The length that this axis of the cells has in all hypercubes of a tiled column, without a look at its rows: where all
// its cells have so many axes and the same length. -1: rows must be looked at.
int64_t axis_of_cubes(const cc::Table &table, const cc::ColumnDesc &column, size_t ndim, size_t axis);

// The column under another name and comment, of so many axes where it tells none, without its keywords.
cc::ColumnDesc renamed(const cc::ColumnDesc &column, const std::string &name, const std::string &comment, int ndim);

// Adds the column, with that manager where one is named.
void add_one(cc::Table &table, const cc::ColumnDesc &column, const cc::Record &manager);

} // namespace shim

#endif
