/* file_path.c - files by their paths: stamped, and opened only where they are regular ones. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/descriptors.h"
#include "core/error.h"
#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t nanoseconds(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_nsec; }

static msio_stamp stamp_of(const struct stat *s) {
    msio_stamp stamp;
    memset(&stamp, 0, sizeof stamp);
    stamp.device = (uint64_t)s->st_dev;
    stamp.inode = (uint64_t)s->st_ino;
    stamp.size = (int64_t)s->st_size;
    stamp.regular = S_ISREG(s->st_mode);
#if defined(__APPLE__)
    stamp.mtime_ns = nanoseconds(s->st_mtimespec);
    stamp.ctime_ns = nanoseconds(s->st_ctimespec);
#else
    stamp.mtime_ns = nanoseconds(s->st_mtim);
    stamp.ctime_ns = nanoseconds(s->st_ctim);
#endif
    return stamp;
}

/* The error of a path that the system refused. */
static msio_status refused(const char *path, const char *what) {
    bool missing = errno == ENOENT || errno == ENOTDIR;
    if (errno == EMFILE || errno == ENFILE)
        return msio_error_system(MSIO_E_IO, path, "cannot %s without a descriptor: close some, or raise ulimit -n",
                                 what);
    return msio_error_system(missing ? MSIO_E_NOT_FOUND : MSIO_E_IO, path, "cannot %s", what);
}

msio_status msio_stamp_path(const char *path, msio_stamp *stamp) {
    struct stat s;
    if (stat(path, &s)) return refused(path, "look at the file");
    *stamp = stamp_of(&s);
    return MSIO_OK;
}

msio_status msio_stamp_fd(int fd, const char *path, msio_stamp *stamp) {
    struct stat s;
    if (fstat(fd, &s)) return msio_error_system(MSIO_E_IO, path, "cannot look at the open file");
    *stamp = stamp_of(&s);
    return MSIO_OK;
}

bool msio_stamp_equal(const msio_stamp *a, const msio_stamp *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns;
}

/* What stands in the place of a file, for people. */
static const char *kind_name(mode_t mode) {
    if (S_ISDIR(mode)) return "directory";
    if (S_ISFIFO(mode)) return "FIFO (named pipe)";
    if (S_ISSOCK(mode)) return "socket";
    return S_ISCHR(mode) || S_ISBLK(mode) ? "device" : "special file";
}

msio_status msio_file_kind(const char *path, mode_t mode) {
    if (S_ISREG(mode)) return MSIO_OK;
    return msio_error_set(MSIO_E_FORMAT, path, "expected a regular file, found a %s", kind_name(mode));
}

msio_status msio_file_regular(const char *path) {
    struct stat s;
    if (stat(path, &s)) return refused(path, "open the file");
    return msio_file_kind(path, s.st_mode);
}

msio_status msio_file_folder_regular(const char *folder, const char *prefix) {
    msio_status status = MSIO_OK;
    const size_t begins = strlen(prefix);
    DIR *listing = msio_descriptor_list(folder);
    for (struct dirent *e; listing && !status && (e = readdir(listing));) {
        struct stat s;
        char path[PATH_MAX];
        if (strncmp(e->d_name, prefix, begins) != 0 || e->d_type == DT_REG || e->d_type == DT_DIR) continue;
        if (fstatat(dirfd(listing), e->d_name, &s, 0) || S_ISDIR(s.st_mode)) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        status = msio_file_kind(path, s.st_mode);
    }
    if (listing) closedir(listing);
    return status;
}

/* Looked at before, as opening alone may do something to what is no file; and after, as it may have been exchanged. */
msio_status msio_file_descriptor(const char *path, const msio_stamp *seen, int *fd, msio_stamp *stamp) {
    struct stat s;
    int opened;
    msio_status status = seen && seen->regular ? MSIO_OK : msio_file_regular(path);
    if (status) return status;
    opened = msio_descriptor_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (opened < 0) return refused(path, "open the file");
    if (fstat(opened, &s))
        status = msio_error_system(MSIO_E_IO, path, "cannot look at the open file");
    else
        status = msio_file_kind(path, s.st_mode);
    if (status) {
        close(opened);
        return status;
    }
    if (stamp) *stamp = stamp_of(&s);
    *fd = opened;
    return MSIO_OK;
}
