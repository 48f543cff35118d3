/* file_use.c - descriptors of open files: used, and opened again where they were given back and lead to the same file.
 */
#include "core/descriptors.h"
#include "core/error.h"
#include "core/file.h"

#include <unistd.h>

static bool is_same(const msio_file *file, const msio_stamp *now) {
    const msio_stamp *then = &file->stamp;
    if (!file->rewritten) return msio_stamp_equal(now, then);
    return now->device == then->device && now->inode == then->inode && now->size == then->size;
}

static msio_status open_again(const msio_file *file, int *fd) {
    msio_stamp now;
    msio_status status = msio_file_descriptor(file->place, NULL, fd, &now);
    if (status == MSIO_E_NOT_FOUND || status == MSIO_E_FORMAT || (!status && !is_same(file, &now))) {
        if (!status) close(*fd);
        return msio_error_set(MSIO_E_CHANGED, file->path,
                              "the file was %s since it was opened: what was read of it before may be old",
                              status ? "removed" : "written or replaced");
    }
    if (!status) *fd = msio_descriptor_put(file->descriptor, *fd);
    return status;
}

msio_status msio_file_use(const msio_file *file, int *fd) {
    return msio_descriptor_use(file->descriptor, fd) ? MSIO_OK : open_again(file, fd);
}

void msio_file_unuse(const msio_file *file) { msio_descriptor_unuse(file->descriptor); }

msio_status msio_file_stamp(const msio_file *file, msio_stamp *stamp) {
    int fd;
    if (!msio_descriptor_use(file->descriptor, &fd)) return msio_stamp_path(file->place, stamp);
    msio_status status = msio_stamp_fd(fd, file->path, stamp);
    msio_file_unuse(file);
    return status;
}
