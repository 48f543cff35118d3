// shim_orders.h - the casacore module: the orders of a change: fields of text.
#ifndef MSIO_IO_SHIM_ORDERS_H
#define MSIO_IO_SHIM_ORDERS_H

#include "io/casacore/shim/shim_errors.h"

#include <casacore/casa/Arrays/IPosition.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cc = casacore;

namespace shim {

// Fields, each ended by a NUL, one after the other.
struct Orders {
    const char *at, *end;

    bool more() const { return at < end; }
    std::string text() {
        if (!more()) refuse(MSIO_E_ARGUMENT, "an order without its words");
        std::string field = at;
        at += field.size() + 1;
        return field;
    }
    int64_t number() { return std::stoll(text()); }
    std::vector<int64_t> numbers() {
        std::vector<int64_t> all(static_cast<size_t>(number()));
        for (int64_t &n : all) n = number();
        return all;
    }
    cc::IPosition shape() {
        const std::vector<int64_t> numpy = numbers();
        cc::IPosition position(numpy.size());
        for (size_t i = 0; i < numpy.size(); i++) position[numpy.size() - 1 - i] = numpy[i];
        return position;
    }
};

} // namespace shim

#endif
