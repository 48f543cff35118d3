// shim_put.cc - the casacore module: putting values into a table that was made, and writing it out.

#include "io/casacore/shim/shim_calls.h"
#include "io/casacore/shim/shim_errors.h"
#include "io/casacore/shim/shim_table.h"
#include "io/casacore/shim/shim_types.h"

#include <casacore/casa/Arrays/Array.h>
#include <casacore/casa/Arrays/Slicer.h>
#include <casacore/casa/Arrays/Vector.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableRecord.h>

namespace shim {

namespace {

cc::IPosition block_shape(int ndim, const int64_t *shape, int64_t count) {
    cc::IPosition block = from_numpy(ndim, shape);
    block.append(cc::IPosition(1, count));
    return block;
}

cc::Slicer put_rows(int64_t row, int64_t count) { return cc::Slicer(cc::IPosition(1, row), cc::IPosition(1, count)); }

template <typename T> void put_block(cc::Table &table, const char *name, int64_t row, const cc::Array<T> &values) {
    const int64_t count = values.shape().last();
    if (table.tableDesc().columnDesc(name).isScalar())
        cc::ScalarColumn<T>(table, name).putColumnRange(put_rows(row, count), cc::Vector<T>(values));
    else
        cc::ArrayColumn<T>(table, name).putColumnRange(put_rows(row, count), values);
}

} // namespace

msio_status shim_shape(msio_casa_table *table, const char *name, int64_t row, int64_t count, int ndim,
                       const int64_t *shape, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        const cc::IPosition cell = from_numpy(ndim, shape);
        visit_type(column.columnDesc().dataType(), [&](auto tag) {
            cc::ArrayColumn<typename decltype(tag)::type> cells(table->table, name);
            for (int64_t i = row; i < row + count; i++) cells.setShape(static_cast<cc::rownr_t>(i), cell);
        });
    });
}

msio_status shim_put(msio_casa_table *table, const char *name, int64_t row, int64_t count, int ndim,
                     const int64_t *shape, const void *values, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        const cc::IPosition block = block_shape(ndim, shape, count);
        if (count == 0) return;
        visit_number(column.columnDesc().dataType(), [&](auto tag) {
            using T = typename decltype(tag)::type;
            // casacore shares memory as mutable only; a put does not write to it.
            T *memory = const_cast<T *>(static_cast<const T *>(values));
            put_block(table->table, name, row, cc::Array<T>(block, memory, cc::SHARE));
        });
    });
}

msio_status shim_put_strings(msio_casa_table *table, const char *name, int64_t row, int64_t count, int ndim,
                             const int64_t *shape, const char *const *values, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        if (column.columnDesc().dataType() != cc::TpString)
            refuse(MSIO_E_ARGUMENT, std::string("column ") + name + " holds no strings");
        if (count == 0) return;
        cc::Array<cc::String> texts(block_shape(ndim, shape, count));
        for (cc::String &text : texts) text = *values++;
        put_block(table->table, name, row, texts);
    });
}

msio_status shim_link(msio_casa_table *parent, const char *name, msio_casa_table *table,
                      msio_casa_message *message) noexcept {
    return guarded(message, [&] { parent->table.rwKeywordSet().defineTable(name, table->table); });
}

msio_status shim_flush(msio_casa_table *table, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        table->table.flush();
        table->table.flushTableInfo();
    });
}

} // namespace shim
