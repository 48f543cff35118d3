// shim_describe.cc - the casacore module: what a table holds: its columns and the shapes of cells.

#include "io/casacore/shim/shim_calls.h"
#include "io/casacore/shim/shim_cut.h"
#include "io/casacore/shim/shim_errors.h"
#include "io/casacore/shim/shim_table.h"
#include "io/casacore/shim/shim_types.h"

#include <casacore/tables/DataMan/DataManager.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <string>

namespace shim {

namespace {

// The data manager that really holds the column; a concatenated table has none to name.
void describe_manager(msio_casa_table *table, const std::string &name, msio_casa_column_info *info) {
    info->manager = info->manager_name = "";
    try {
        const cc::DataManager *manager = table->table.findDataManager(name, true);
        info->manager = table->keep(manager->dataManagerType());
        info->manager_name = table->keep(manager->dataManagerName());
        info->is_virtual = !table->table.isColumnStored(name);
    } catch (const cc::AipsError &) {
        return;
    }
}

} // namespace

const char *shim_path(const msio_casa_table *table) noexcept { return table->path.c_str(); }

int64_t shim_rows(const msio_casa_table *table) noexcept {
    int64_t rows = 0;
    guarded(nullptr, [&] { rows = static_cast<int64_t>(table->table.nrow()); });
    return rows;
}

int shim_columns(const msio_casa_table *table) noexcept {
    int columns = 0;
    guarded(nullptr, [&] { columns = static_cast<int>(table->table.tableDesc().ncolumn()); });
    return columns;
}

msio_status shim_column(msio_casa_table *table, int index, msio_casa_column_info *result,
                        msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableDesc &desc = table->table.tableDesc();
        if (index < 0 || index >= static_cast<int>(desc.ncolumn()))
            refuse(MSIO_E_RANGE, "column " + std::to_string(index) + " of " + std::to_string(desc.ncolumn()));
        const cc::ColumnDesc &column = desc.columnDesc(static_cast<cc::uInt>(index));
        msio_casa_column_info info = {};
        info.name = table->keep(column.name());
        info.comment = table->keep(column.comment());
        info.type = static_cast<msio_type>(column.dataType());
        info.is_array = column.isArray();
        info.option = column.options();
        info.ndim = column.isArray() ? column.ndim() : 0;
        describe_manager(table, column.name(), &info);
        if (column.isArray() && column.isFixedShape()) {
            const cc::TableColumn actual(table->table, column.name());
            info.ndim = to_numpy(actual.shapeColumn(), info.shape);
            info.fixed_shape = 1;
        }
        if (info.ndim > MSIO_MAX_NDIM) info.ndim = -1;
        *result = info;
    });
}

msio_status shim_readable(msio_casa_table *table, const char *name, msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        if (table->table.nrow() == 0) return;
        if (!column.columnDesc().isScalar()) {
            if (column.isDefined(0)) column.shape(0);
            return;
        }
        visit_type(column.columnDesc().dataType(),
                   [&](auto tag) { cc::ScalarColumn<typename decltype(tag)::type>(table->table, name).get(0); });
    });
}

msio_status shim_shapes(msio_casa_table *table, const char *name, const msio_casa_row_set *rows, int8_t *ndims,
                        int64_t (*shapes)[MSIO_MAX_NDIM], msio_casa_message *message) noexcept {
    return guarded(message, [&] {
        const cc::TableColumn column = open_column(table->table, name);
        check_rows(table->table, *rows);
        const bool scalar = column.columnDesc().isScalar();
        for (int64_t i = 0; i < rows->count; i++) {
            const auto row = static_cast<cc::rownr_t>(row_at(*rows, i));
            if (!column.isDefined(row)) {
                ndims[i] = -1;
            } else if (scalar) {
                ndims[i] = 0;
            } else {
                const cc::IPosition shape = column.shape(row);
                ndims[i] = static_cast<int8_t>(to_numpy(shape.empty() ? cc::IPosition(1, 0) : shape, shapes[i]));
            }
        }
    });
}

} // namespace shim
