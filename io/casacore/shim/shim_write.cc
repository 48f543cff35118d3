// shim_write.cc - the casacore module: putting cells into a table that is there.

#include "io/casacore/shim/shim_calls.h"
#include "io/casacore/shim/shim_cut.h"
#include "io/casacore/shim/shim_errors.h"
#include "io/casacore/shim/shim_room.h"
#include "io/casacore/shim/shim_table.h"
#include "io/casacore/shim/shim_types.h"

#include <casacore/casa/Arrays/Array.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>

#include <cstring>
#include <memory>

namespace shim {

namespace {

template <typename T>
void put_scalars(cc::Table &table, const char *name, const msio_casa_row_set &rows, const T *values) {
    cc::ScalarColumn<T> column(table, name);
    for (int64_t i = 0; i < rows.count; i++) column.put(static_cast<cc::rownr_t>(row_at(rows, i)), values[i]);
}

template <typename T>
void put_arrays(cc::Table &table, const char *name, const msio_casa_row_set &rows, const msio_casa_part *part,
                const cc::IPosition &shape, const T *values) {
    cc::ArrayColumn<T> column(table, name);
    for (int64_t i = 0; i < rows.count; i++) {
        const auto row = static_cast<cc::rownr_t>(row_at(rows, i));
        const Cut cut = cut_cell(shape, part);
        // casacore shares memory as mutable only; a put does not write to it.
        const cc::Array<T> cell(cut.length, const_cast<T *>(values), cc::SHARE);
        if (cut.whole)
            column.put(row, cell);
        else
            column.putSlice(row, cut.slicer(), cell);
        values += cut.elements();
    }
}

// What strings come as: of each cell its axes (-1: it is left alone) and shape, then of each string its length and
// bytes; all numbers int64_t.
struct Texts {
    const char *at, *end;

    int64_t number() {
        int64_t value = 0;
        if (end - at < static_cast<ptrdiff_t>(sizeof value)) refuse(MSIO_E_ARGUMENT, "strings that end too early");
        std::memcpy(&value, at, sizeof value);
        at += sizeof value;
        return value;
    }
    cc::String text() {
        const int64_t length = number();
        if (length < 0 || length > end - at) refuse(MSIO_E_ARGUMENT, "a string that ends too early");
        const cc::String found(at, static_cast<size_t>(length));
        at += length;
        return found;
    }
};

void put_text_array(cc::ArrayColumn<cc::String> &column, cc::rownr_t row, int ndim, Texts &texts) {
    int64_t shape[MSIO_MAX_NDIM];
    for (int k = 0; k < ndim; k++) shape[k] = texts.number();
    cc::Array<cc::String> cell(from_numpy(ndim, shape));
    for (cc::String &text : cell) text = texts.text();
    column.put(row, cell);
}

void put_text_cells(cc::Table &table, const char *name, const msio_casa_row_set &rows, bool scalar, Texts texts) {
    std::unique_ptr<cc::ScalarColumn<cc::String>> scalars;
    std::unique_ptr<cc::ArrayColumn<cc::String>> arrays;
    if (scalar)
        scalars = std::make_unique<cc::ScalarColumn<cc::String>>(table, name);
    else
        arrays = std::make_unique<cc::ArrayColumn<cc::String>>(table, name);
    for (int64_t i = 0; i < rows.count; i++) {
        const auto row = static_cast<cc::rownr_t>(row_at(rows, i));
        const int64_t ndim = texts.number();
        if (ndim < 0) continue;
        if (ndim > MSIO_MAX_NDIM || scalar != (ndim == 0))
            refuse(MSIO_E_SHAPE, "row " + std::to_string(row) + ": a cell of " + std::to_string(ndim) + " axes");
        if (scalar)
            scalars->put(row, texts.text());
        else
            put_text_array(*arrays, row, static_cast<int>(ndim), texts);
    }
}

} // namespace

msio_status shim_edit(const char *path, int64_t bytes, msio_casa_table **table, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        check_path(path);
        auto opened = std::make_unique<msio_casa_table>();
        opened->path = path;
        opened->table = open_locked(path);
        opened->made = true; // locked, as one that is made
        ask_for_room(path, bytes);
        *table = opened.release();
    });
}

msio_status shim_put_cells(msio_casa_table *table, const char *name, const msio_casa_row_set *rows,
                           const msio_casa_part *part, int ndim, const int64_t *shape, const void *values, size_t bytes,
                           msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        check_rows(table->table, *rows);
        const bool scalar = column.columnDesc().isScalar();
        const cc::IPosition cell = from_numpy(ndim, shape);
        const int64_t elements = scalar ? 1 : cut_cell(cell, part).elements();
        visit_number(column.columnDesc().dataType(), [&](auto tag) {
            using T = typename decltype(tag)::type;
            if (static_cast<size_t>(rows->count * elements) * sizeof(T) != bytes)
                refuse(MSIO_E_SIZE, "other than the cells' bytes came");
            if (scalar)
                put_scalars(table->table, name, *rows, static_cast<const T *>(values));
            else
                put_arrays(table->table, name, *rows, part, cell, static_cast<const T *>(values));
        });
    });
}

msio_status shim_put_texts(msio_casa_table *table, const char *name, const msio_casa_row_set *rows, const char *texts,
                           size_t bytes, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        check_rows(table->table, *rows);
        if (column.columnDesc().dataType() != cc::TpString)
            refuse(MSIO_E_ARGUMENT, std::string("column ") + name + " holds no strings");
        put_text_cells(table->table, name, *rows, column.columnDesc().isScalar(), Texts{texts, texts + bytes});
    });
}

msio_status shim_settle(msio_casa_table *table, int sync, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        table->table.flush(sync != 0);
        table->table.unlock();
        table->made = false;
    });
}

} // namespace shim
