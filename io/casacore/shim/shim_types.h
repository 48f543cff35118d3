// shim_types.h - the casacore module: element types, and shapes in numpy's order and casacore's.
#ifndef MSIO_IO_SHIM_TYPES_H
#define MSIO_IO_SHIM_TYPES_H

#include "io/casacore/shim/shim_errors.h"

#include <casacore/casa/Arrays/IPosition.h>
#include <casacore/casa/BasicSL/Complex.h>
#include <casacore/casa/BasicSL/String.h>
#include <casacore/casa/Utilities/DataType.h>

#include <cstdint>
#include <string>
#include <type_traits>

namespace cc = casacore;

namespace shim {

template <typename T> struct Tag { using type = T; };

// Calls visit with a Tag of the C++ type of an element of that casacore type.
template <typename Visit> void visit_type(int type, Visit visit) {
    switch (type) {
    case cc::TpBool: visit(Tag<cc::Bool>()); break;
    case cc::TpUChar: visit(Tag<cc::uChar>()); break;
    case cc::TpShort: visit(Tag<cc::Short>()); break;
    case cc::TpUShort: visit(Tag<cc::uShort>()); break;
    case cc::TpInt: visit(Tag<cc::Int>()); break;
    case cc::TpUInt: visit(Tag<cc::uInt>()); break;
    case cc::TpInt64: visit(Tag<cc::Int64>()); break;
    case cc::TpFloat: visit(Tag<cc::Float>()); break;
    case cc::TpDouble: visit(Tag<cc::Double>()); break;
    case cc::TpComplex: visit(Tag<cc::Complex>()); break;
    case cc::TpDComplex: visit(Tag<cc::DComplex>()); break;
    case cc::TpString: visit(Tag<cc::String>()); break;
    default: refuse(MSIO_E_UNSUPPORTED, "element type " + std::to_string(type) + " is not read");
    }
}

// The same for the types of fixed size; strings go another way.
template <typename Visit> void visit_number(int type, Visit visit) {
    if (type == cc::TpString) refuse(MSIO_E_ARGUMENT, "a column of strings where numbers are wanted");
    visit_type(type, [&](auto tag) {
        if constexpr (!std::is_same_v<typename decltype(tag)::type, cc::String>) visit(tag);
    });
}

// Whether visit_type takes it.
bool is_element_type(int type);

cc::IPosition from_numpy(int ndim, const int64_t *shape);

// The shape in numpy's order; at most MSIO_MAX_NDIM axes.
int to_numpy(const cc::IPosition &position, int64_t shape[MSIO_MAX_NDIM]);

} // namespace shim

#endif
