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

/* One that could not be opened again must not be closed. */
static bool never(void *user, int fd, bool thorough) {
    (void)user;
    (void)fd;
    (void)thorough;
    return false;
}

/* A relative path from the root on, in memory of the caller's: the working folder may be another one when the file is
 * opened again. NULL where that cannot be told. */
static char *from_root(const char *path) {
    char *folder = getcwd(NULL, 0), *whole = NULL;
    if (folder && (whole = malloc(strlen(folder) + strlen(path) + 2))) sprintf(whole, "%s/%s", folder, path);
    free(folder);
    return whole;
}

msio_status msio_file_open(const char *path, msio_file **file) {
    int fd = -1;
    msio_file *f = calloc(1, sizeof *f + strlen(path) + 1);
    msio_status status = MSIO_OK;
    if (f) {
        f->path = strcpy((char *)(f + 1), path);
        f->place = path[0] == '/' ? f->path : from_root(path);
        f->descriptor = msio_descriptor_new(f->place ? NULL : never, NULL);
    }
    if (!f || !f->descriptor)
        status = msio_error_set(MSIO_E_MEMORY, path, "no memory to open the file");
    else
        status = msio_file_descriptor(path, NULL, &fd, &f->stamp);
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
    if (file->place != file->path) free(file->place);
    free(file);
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

msio_status msio_file_slurp(const char *path, const msio_stamp *seen, int64_t limit, char **bytes, int64_t *length,
                            msio_stamp *stamp) {
    int fd = -1;
    char *memory = NULL;
    msio_stamp before;
    msio_status status = msio_file_descriptor(path, seen, &fd, &before);
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
