// shim_cells.cc - the casacore module: rows as casacore takes them, and sizes of answers.

#include "io/casacore/shim/shim_cells.h"

namespace shim {

cc::Slicer row_slicer(const msio_casa_row_set &rows) {
    return cc::Slicer(cc::IPosition(1, rows.row), cc::IPosition(1, rows.count), cc::IPosition(1, rows.step));
}

cc::RefRows row_list(const msio_casa_row_set &rows) {
    cc::Vector<cc::rownr_t> numbers(static_cast<size_t>(rows.count));
    for (int64_t i = 0; i < rows.count; i++) numbers[static_cast<size_t>(i)] = static_cast<cc::rownr_t>(rows.list[i]);
    return cc::RefRows(numbers);
}

void check_size(size_t out_bytes, int64_t cells, int64_t elements, size_t element_bytes) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<size_t>(cells), static_cast<size_t>(elements), &bytes) ||
        __builtin_mul_overflow(bytes, element_bytes, &bytes))
        refuse(MSIO_E_MEMORY, "an answer of more bytes than can be counted");
    if (bytes != out_bytes)
        refuse(MSIO_E_SIZE,
               "the answer takes " + std::to_string(bytes) + " bytes, there is room for " + std::to_string(out_bytes));
}

} // namespace shim
