/* exchange.c - a data manager's file made anew beside the old one, and put in its place. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/write/exchange.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/pool.h"
#include "core/writing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES ((int64_t)1 << 20)

const char *msio_exchange_path(const msio_file *old, char path[MSIO_EXCHANGE_PATH]) {
    int n = snprintf(path, MSIO_EXCHANGE_PATH, "%s_tmp", old->path);
    return n > 0 && n < MSIO_EXCHANGE_PATH ? path : NULL;
}

bool msio_exchange_may(const msio_file *old) {
    char path[MSIO_EXCHANGE_PATH];
    struct stat st;
    if (!msio_exchange_path(old, path) || lstat(old->path, &st)) return false;
    bool owned = st.st_uid == geteuid() || geteuid() == 0;
    return owned && S_ISREG(st.st_mode) && st.st_nlink == 1 && (uint64_t)st.st_ino == old->stamp.inode;
}

static msio_status give_owner(int fd, const char *old) {
    struct stat was, is;
    bool known = stat(old, &was) == 0 && fstat(fd, &is) == 0;
    bool same = known && was.st_uid == is.st_uid && was.st_gid == is.st_gid;
    if (known && (same || fchown(fd, was.st_uid, was.st_gid) == 0) && fchmod(fd, was.st_mode & 07777) == 0)
        return MSIO_OK;
    return msio_error_system(MSIO_E_IO, old,
                             "a new file cannot get the owner and mode of this one, which it is to "
                             "replace; write without atomic");
}

static msio_status copy_by_hand(const msio_file *old, int fd, int64_t from, int64_t end) {
    uint8_t *bytes = msio_pool_take(COPY_BYTES);
    if (!bytes) return msio_error_set(MSIO_E_MEMORY, old->path, "no memory to copy a file");
    msio_status status = MSIO_OK;
    for (int64_t at = from; at < end && !status; at += COPY_BYTES) {
        int64_t length = msio_min(COPY_BYTES, end - at);
        status = msio_file_read(old, bytes, length, at, NULL);
        if (!status) status = msio_write_at(fd, old->path, bytes, length, at);
    }
    msio_pool_give(bytes);
    return status;
}

msio_status msio_exchange_copy(const msio_file *old, int fd, int64_t offset, int64_t length) {
    int source;
    off_t from = (off_t)offset, to = from;
    ssize_t n = 1;
    if (length <= 0) return MSIO_OK;
    msio_status status = msio_file_use(old, &source);
    if (status) return status;
    while (from < offset + length && n > 0)
        n = copy_file_range(source, &from, fd, &to, (size_t)(offset + length - from), 0);
    msio_file_unuse(old);
    return from < offset + length ? copy_by_hand(old, fd, from, offset + length) : MSIO_OK;
}

msio_status msio_exchange_make(const msio_file *old, msio_file **made, int *fd) {
    char path[MSIO_EXCHANGE_PATH];
    msio_exchange_path(old, path);
    *made = NULL;
    unlink(path);
    int opened = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (opened < 0) return msio_error_system(MSIO_E_IO, path, "cannot make a new file beside the old one");
    msio_status status = give_owner(opened, old->path);
    if (!status) status = msio_write_reserve(opened, path, old->stamp.size, "a new file beside the old one");
    if (!status) status = msio_file_open(path, made);
    if (status) {
        close(opened);
        unlink(path);
        return status;
    }
    (*made)->rewritten = true;
    *fd = opened;
    return MSIO_OK;
}

msio_status msio_exchange_rename(const msio_file *old) {
    char path[MSIO_EXCHANGE_PATH];
    if (rename(msio_exchange_path(old, path), old->path) == 0) return MSIO_OK;
    return msio_error_system(MSIO_E_IO, old->path, "cannot put the new file here");
}

msio_status msio_exchange_sync(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    msio_status status = MSIO_OK;
    if (fd < 0 || fsync(fd)) status = msio_error_system(MSIO_E_IO, folder, "cannot bring the folder to the disk");
    if (fd >= 0) close(fd);
    return status;
}
