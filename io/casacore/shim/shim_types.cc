// shim_types.cc - the casacore module: shapes in numpy's order and casacore's.

#include "io/casacore/shim/shim_types.h"

static_assert(sizeof(bool) == 1, "casacore's Bool must be the byte that the C side sees");
static_assert(sizeof(casacore::Int64) == sizeof(int64_t), "casacore's Int64 must have 64 bits");

namespace shim {

bool is_element_type(int type) {
    try {
        visit_type(type, [](auto) {});
        return true;
    } catch (const Refusal &) {
        return false;
    }
}

cc::IPosition from_numpy(int ndim, const int64_t *shape) {
    cc::IPosition position(static_cast<size_t>(ndim));
    for (int i = 0; i < ndim; i++) position[static_cast<size_t>(ndim - 1 - i)] = shape[i];
    return position;
}

int to_numpy(const cc::IPosition &position, int64_t shape[MSIO_MAX_NDIM]) {
    const size_t n = position.size();
    if (n > MSIO_MAX_NDIM)
        refuse(MSIO_E_UNSUPPORTED,
               "a cell of " + std::to_string(n) + " axes; msio handles " + std::to_string(MSIO_MAX_NDIM));
    for (size_t i = 0; i < n; i++) shape[i] = position[n - 1 - i];
    return static_cast<int>(n);
}

} // namespace shim
