// shim_change.cc - the casacore module: a change as it is ordered; rows added to a table that is there.

#include "io/casacore/shim/shim_add.h"
#include "io/casacore/shim/shim_calls.h"
#include "io/casacore/shim/shim_errors.h"
#include "io/casacore/shim/shim_room.h"

#include <casacore/tables/Tables/TableDesc.h>

namespace shim {

namespace {

std::string add_rows(const std::string &path, int64_t rows) {
    if (rows < 0) refuse(MSIO_E_ARGUMENT, "fewer rows than none");
    cc::Table table = open_locked(path);
    if (rows == 0) return "";
    if (!table.canAddRow()) refuse(MSIO_E_UNSUPPORTED, "a data manager of this table takes no new rows");
    int64_t bytes = 0;
    for (cc::uInt i = 0; i < table.tableDesc().ncolumn(); i++) bytes += column_bytes(table.tableDesc()[i], rows);
    ask_for_room(path, bytes);
    table.addRow(static_cast<cc::rownr_t>(rows), true);
    table.flush();
    return "";
}

std::string obey(const std::string &path, Orders orders) {
    std::string order = orders.text();
    if (order == MSIO_CASA_HOLES) order = orders.text(); // the helper's matter
    if (order == "rows") return add_rows(path, orders.number());
    if (order == "columns") return add_columns(path, orders);
    if (order == "like") return add_like(path, orders);
    if (order == "imaging") return add_imaging(path);
    refuse(MSIO_E_ARGUMENT, "no order " + order);
}

} // namespace

msio_status shim_change(const char *path, const char *orders, size_t bytes, msio_casa_message *message) noexcept {
    return guarded(message, [&] { say(message, obey(path, Orders{orders, orders + bytes}).c_str()); });
}

} // namespace shim
