/* file.c - opening, stamping and reading files. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/file.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/file_map.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The most that one system call is asked for; Linux gives at most 2 GiB less a page. */
#define MSIO_READ_MOST ((int64_t)1 << 30)

static int64_t nanoseconds(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_nsec; }

static msio_stamp stamp_of(const struct stat *s) {
    msio_stamp stamp;
    memset(&stamp, 0, sizeof stamp);
    stamp.device = (uint64_t)s->st_dev;
    stamp.inode = (uint64_t)s->st_ino;
    stamp.size = (int64_t)s->st_size;
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

static msio_status check_kind(const char *path, mode_t mode) {
    if (S_ISREG(mode)) return MSIO_OK;
    return msio_error_set(MSIO_E_FORMAT, path, "expected a regular file, found a %s", kind_name(mode));
}

msio_status msio_file_regular(const char *path) {
    struct stat s;
    if (stat(path, &s)) return refused(path, "open the file");
    return check_kind(path, s.st_mode);
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
        status = check_kind(path, s.st_mode);
    }
    if (listing) closedir(listing);
    return status;
}

/* Looked at before, as opening alone may do something to what is no file; and after, as it may have been exchanged. */
msio_status msio_file_descriptor(const char *path, int *fd, msio_stamp *stamp) {
    struct stat s;
    int opened;
    msio_status status = msio_file_regular(path);
    if (status) return status;
    opened = msio_descriptor_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (opened < 0) return refused(path, "open the file");
    if (fstat(opened, &s))
        status = msio_error_system(MSIO_E_IO, path, "cannot look at the open file");
    else
        status = check_kind(path, s.st_mode);
    if (status) {
        close(opened);
        return status;
    }
    if (stamp) *stamp = stamp_of(&s);
    *fd = opened;
    return MSIO_OK;
}

/* One that could not be opened again must not be closed. */
static bool never(void *user, int fd, bool thorough) {
    (void)user;
    (void)fd;
    (void)thorough;
    return false;
}

/* The path from the root on, in memory of the caller's: the working folder may be another one when the file is opened
 * again. NULL where that cannot be told. */
static char *from_root(const char *path) {
    char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0), *whole = NULL;
    if (path[0] == '/') return strdup(path);
    if (folder && (whole = malloc(strlen(folder) + strlen(path) + 2))) sprintf(whole, "%s/%s", folder, path);
    free(folder);
    return whole;
}

msio_status msio_file_open(const char *path, msio_file **file) {
    int fd = -1;
    msio_file *f = calloc(1, sizeof *f);
    msio_status status = MSIO_OK;
    if (f) {
        f->path = strdup(path);
        f->place = from_root(path);
        f->descriptor = msio_descriptor_new(f->place ? NULL : never, NULL);
    }
    if (!f || !f->path || !f->descriptor)
        status = msio_error_set(MSIO_E_MEMORY, path, "no memory to open the file");
    else
        status = msio_file_descriptor(path, &fd, &f->stamp);
    if (status) {
        msio_file_close(f);
        return status;
    }
    f->mappable = msio_file_map_allowed(fd);
    msio_descriptor_put(f->descriptor, fd);
    msio_descriptor_unuse(f->descriptor);
    *file = f;
    return MSIO_OK;
}

void msio_file_close(msio_file *file) {
    if (!file) return;
    msio_file_unmap(file);
    msio_descriptor_free(file->descriptor);
    free(file->place);
    free(file->path);
    free(file);
}

/* ---------------------------------------------------------------- descriptors that were given back */

static bool is_same(const msio_file *file, const msio_stamp *now) {
    const msio_stamp *then = &file->stamp;
    if (!file->rewritten) return msio_stamp_equal(now, then);
    return now->device == then->device && now->inode == then->inode && now->size == then->size;
}

static msio_status open_again(const msio_file *file, int *fd) {
    msio_stamp now;
    msio_status status = msio_file_descriptor(file->place, fd, &now);
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

/* ---------------------------------------------------------------- reading */

/* One pread, repeated when a signal came first. */
static ssize_t read_some(int fd, uint8_t *to, int64_t length, int64_t offset, int64_t *reads) {
    ssize_t got;
    do {
        got = pread(fd, to, (size_t)msio_min(length, MSIO_READ_MOST), (off_t)offset);
        if (reads) ++*reads;
    } while (got < 0 && errno == EINTR);
    return got;
}

static msio_status too_short(const msio_file *file, int64_t length, int64_t offset, int64_t size) {
    return msio_error_set(MSIO_E_FORMAT, file->path,
                          "expected %" PRId64 " bytes at offset %" PRId64 ", found a file of %" PRId64 " bytes", length,
                          offset, size);
}

static msio_status read_whole(const msio_file *file, int fd, uint8_t *to, int64_t length, int64_t offset,
                              int64_t *reads) {
    for (int64_t done = 0; done < length;) {
        ssize_t got = read_some(fd, to + done, length - done, offset + done, reads);
        if (got < 0)
            return msio_error_system(MSIO_E_IO, file->path, "cannot read %" PRId64 " bytes at offset %" PRId64,
                                     length - done, offset + done);
        if (got == 0) return too_short(file, length, offset, offset + done);
        done += got;
    }
    return MSIO_OK;
}

msio_status msio_file_read(const msio_file *file, void *buffer, int64_t length, int64_t offset, int64_t *reads) {
    int fd;
    if (offset < 0 || length < 0 || offset > file->stamp.size || length > file->stamp.size - offset)
        return too_short(file, length, offset, file->stamp.size);
    msio_status status = msio_file_use(file, &fd);
    if (status) return status;
    status = read_whole(file, fd, buffer, length, offset, reads);
    msio_file_unuse(file);
    return status;
}

int64_t msio_file_read_cached(const msio_file *file, void *buffer, int64_t length, int64_t offset, bool *supported) {
    int64_t done = 0;
    bool known = false;
    int fd;
    if (supported) *supported = true;
    if (msio_file_use(file, &fd)) return 0; /* msio_file_read tells why */
    if (offset < 0 || length <= 0 || offset >= file->stamp.size)
        length = 0;
    else
        length = msio_min(length, file->stamp.size - offset);
#if defined(RWF_NOWAIT)
    known = true;
    while (done < length) {
        struct iovec piece = {(uint8_t *)buffer + done, (size_t)msio_min(length - done, MSIO_READ_MOST)};
        ssize_t got = preadv2(fd, &piece, 1, (off_t)(offset + done), RWF_NOWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)) known = false;
        if (got <= 0) break;
        done += got;
    }
#else
    (void)buffer;
#endif
    msio_file_unuse(file);
    if (supported) *supported = known;
    return done;
}

void msio_file_prefetch(const msio_file *file, int64_t offset, int64_t length) {
    int fd;
    if (offset < 0 || length <= 0 || msio_file_use(file, &fd)) return;
#if defined(POSIX_FADV_WILLNEED)
    (void)posix_fadvise(fd, (off_t)offset, (off_t)length, POSIX_FADV_WILLNEED);
#endif
    msio_file_unuse(file);
}

msio_status msio_file_slurp(const char *path, int64_t limit, char **bytes, int64_t *length, msio_stamp *stamp) {
    int fd = -1;
    char *memory = NULL;
    msio_stamp before;
    msio_status status = msio_file_descriptor(path, &fd, &before);
    if (status) return status;
    if (before.size > limit) {
        status = msio_error_set(MSIO_E_FORMAT, path, "expected at most %" PRId64 " bytes, found %" PRId64, limit,
                                before.size);
        goto done;
    }
    memory = malloc((size_t)before.size + 1);
    if (!memory) {
        status = msio_error_set(MSIO_E_MEMORY, path, "no memory for the file's %" PRId64 " bytes", before.size);
        goto done;
    }
    /* A file that shrinks meanwhile gives what is left of it; its stamp tells the caller. */
    int64_t total = 0;
    while (total < before.size) {
        ssize_t got = read_some(fd, (uint8_t *)memory + total, before.size - total, total, NULL);
        if (got < 0) {
            status = msio_error_system(MSIO_E_IO, path, "cannot read at offset %" PRId64, total);
            goto done;
        }
        if (got == 0) break;
        total += got;
    }
    memory[total] = '\0';
    *bytes = memory;
    *length = total;
    if (stamp) *stamp = before;
    memory = NULL;
done:
    free(memory);
    close(fd);
    return status;
}
