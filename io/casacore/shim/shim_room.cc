// shim_room.cc - the casacore module: locks and room for a change.

#include "io/casacore/shim/shim_room.h"
#include "io/casacore/shim/shim_errors.h"

#include <casacore/casa/IO/FileLocker.h>
#include <casacore/tables/Tables/TableLock.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace shim {

namespace {

int64_t element_bytes(cc::DataType type) {
    return type == cc::TpString ? 16 : std::max<int64_t>(1, cc::ValType::getTypeSize(type));
}

} // namespace

cc::Table open_locked(const std::string &path) {
    cc::Table table(path, cc::TableLock(cc::TableLock::UserLocking), cc::Table::Update);
    if (!table.lock(cc::FileLocker::Write, 2))
        refuse(MSIO_E_LOCKED, "another process, or another part of this program, has " + path +
                                  " locked: let it call t.unlock(), open the table with lockoptions='autonoread', or "
                                  "close it");
    return table;
}

void ask_for_room(const std::string &path, int64_t bytes) {
    const std::string name = path + "/table.msio_room";
    const int fd = open(name.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_TRUNC, 0600);
    if (fd < 0) refuse(MSIO_E_IO, "the table's folder may not be written: " + std::string(std::strerror(errno)));
    unlink(name.c_str()); // a process that is killed leaves nothing
    const int failed = fallocate(fd, 0, 0, static_cast<off_t>(bytes)) ? errno : 0;
    close(fd);
    if (failed == ENOSPC || failed == EDQUOT || failed == EFBIG)
        refuse(MSIO_E_IO, "no room for " + std::to_string(bytes) + " bytes in " + path + " (" + std::strerror(failed) +
                              "); nothing was changed");
}

int64_t column_bytes(const cc::ColumnDesc &column, int64_t rows) {
    int64_t cell = element_bytes(column.dataType());
    if (column.isArray()) cell = column.isFixedShape() ? cell * column.shape().product() : 0;
    return cell * rows + (int64_t{1} << 20);
}

} // namespace shim
