// shim_columns.h - the part of the casacore module that changes tables that are there.
#ifndef MSIO_IO_SHIM_COLUMNS_H
#define MSIO_IO_SHIM_COLUMNS_H

#include "io/casacore/casacore_shim.h"

// As msio_casa_functions.change.
msio_status shim_change(const char *path, const char *orders, size_t bytes, msio_casa_message *message) noexcept;

#endif
