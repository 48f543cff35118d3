// shim_ragged.cc - the casacore module: reading cells of any shapes, and strings.

#include "io/casacore/shim/shim_calls.h"
#include "io/casacore/shim/shim_cells.h"
#include "io/casacore/shim/shim_table.h"
#include "io/casacore/shim/shim_types.h"

#include <casacore/casa/BasicSL/String.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/TableColumn.h>

#include <string>

namespace shim {

namespace {

// The part of a defined cell, and whether it holds what the caller counted on.
Cut expect_cell(const cc::TableColumn &column, const Request &want, int64_t place, int64_t count) {
    const cc::IPosition shape = column.shape(static_cast<cc::rownr_t>(row_at(want.rows, place)));
    const Cut cut = cut_cell(shape, want.part);
    if ((shape.empty() ? 0 : cut.elements()) != count)
        want.refuse_cell(MSIO_E_CHANGED, place,
                         "the cell has other than the " + std::to_string(count) +
                             " elements that its shape told before");
    return cut;
}

// Calls visit(row, cut) for every cell that holds something, having checked what it holds.
template <typename Visit>
void each_cell(const cc::TableColumn &column, const Request &want, const int64_t *counts, Visit visit) {
    for (int64_t i = 0; i < want.rows.count; i++) {
        const auto row = static_cast<cc::rownr_t>(row_at(want.rows, i));
        if (!column.isDefined(row)) {
            if (counts[i] != 0) want.refuse_cell(MSIO_E_CHANGED, i, "the cell is no longer defined");
            continue;
        }
        const Cut cut = expect_cell(column, want, i, counts[i]);
        if (counts[i] > 0) visit(row, cut);
    }
}

void check_counts(const msio_casa_row_set &rows, const int64_t *counts, size_t element_bytes, size_t out_bytes) {
    int64_t sum = 0;
    for (int64_t i = 0; i < rows.count; i++)
        if (counts[i] < 0 || __builtin_add_overflow(sum, counts[i], &sum))
            refuse(MSIO_E_ARGUMENT, "a negative element count, or too many elements");
    check_size(out_bytes, sum, 1, element_bytes);
}

void check_scalar_counts(const Request &want, const int64_t *counts) {
    cut_cell(cc::IPosition(), want.part);
    for (int64_t i = 0; i < want.rows.count; i++)
        if (counts[i] != 1) want.refuse_cell(MSIO_E_ARGUMENT, i, "a scalar has one element");
}

template <typename T>
void read_ragged_cells(const cc::Table &table, const cc::TableColumn &base, const char *name, const Request &want,
                       const int64_t *counts, T *out) {
    if (base.columnDesc().isScalar()) {
        check_scalar_counts(want, counts);
        if (want.rows.count > 0) read_scalars(table, name, want, out);
        return;
    }
    cc::ArrayColumn<T> column(table, name);
    each_cell(column, want, counts, [&](cc::rownr_t row, const Cut &cut) {
        read_cell(column, row, cut, out);
        out += cut.elements();
    });
}

void hand_over(const cc::String &text, msio_casa_text_sink *sink, void *user) {
    if (sink(user, text.data(), text.size()) != 0) refuse(MSIO_E_MEMORY, "no memory for the strings of the answer");
}

void read_text(const cc::Table &table, const cc::TableColumn &base, const char *name, const Request &want,
               const int64_t *counts, msio_casa_text_sink *sink, void *user) {
    if (base.columnDesc().isScalar()) {
        check_scalar_counts(want, counts);
        cc::ScalarColumn<cc::String> column(table, name);
        for (int64_t i = 0; i < want.rows.count; i++)
            hand_over(column.get(static_cast<cc::rownr_t>(row_at(want.rows, i))), sink, user);
        return;
    }
    cc::ArrayColumn<cc::String> column(table, name);
    each_cell(column, want, counts, [&](cc::rownr_t row, const Cut &cut) {
        const cc::Array<cc::String> cell = cut.whole ? column.get(row) : column.getSlice(row, cut.slicer());
        for (const cc::String &text : cell) hand_over(text, sink, user);
    });
}

} // namespace

msio_status shim_read_ragged(msio_casa_table *table, const char *name, const msio_casa_row_set *rows,
                             const msio_casa_part *part, const int64_t *counts, void *out, size_t out_bytes,
                             int64_t *bad, msio_casa_message *message) noexcept {
    *bad = -1;
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        check_rows(table->table, *rows);
        const Request want = {*rows, part, bad};
        visit_number(column.columnDesc().dataType(), [&](auto tag) {
            using T = typename decltype(tag)::type;
            check_counts(*rows, counts, sizeof(T), out_bytes);
            read_ragged_cells(table->table, column, name, want, counts, static_cast<T *>(out));
        });
    });
}

msio_status shim_read_strings(msio_casa_table *table, const char *name, const msio_casa_row_set *rows,
                              const msio_casa_part *part, const int64_t *counts, msio_casa_text_sink *sink, void *user,
                              int64_t *bad, msio_casa_message *message) noexcept {
    *bad = -1;
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        check_rows(table->table, *rows);
        if (column.columnDesc().dataType() != cc::TpString)
            refuse(MSIO_E_ARGUMENT, std::string("column ") + name + " holds no strings");
        read_text(table->table, column, name, Request{*rows, part, bad}, counts, sink, user);
    });
}

} // namespace shim
