// shim_add.h - the casacore module: columns and rows added to a table that is there.
#ifndef MSIO_IO_SHIM_ADD_H
#define MSIO_IO_SHIM_ADD_H

#include "io/casacore/shim/shim_orders.h"

#include <string>

namespace shim {

// Adds columns as they are described, all or none.
std::string add_columns(const std::string &path, Orders &orders);

// Adds one column like another of the table: "+NAME\n", or "=NAME\n" where it is there.
std::string add_like(const std::string &path, Orders &orders);

// Adds the columns that imagers want, with a line like that for each.
std::string add_imaging(const std::string &path);

} // namespace shim

#endif
