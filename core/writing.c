/* writing.c - bytes written whole, and limits of a file's size as errors. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/writing.h"

#include "core/checked.h"
#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The most that one system call is asked for; Linux takes at most 2 GiB less a page. */
#define WRITE_MOST ((int64_t)1 << 30)

static void only_xfsz(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGXFSZ);
}

void msio_writing_begin(msio_writing *writing) {
    const int saved = errno;
    sigset_t xfsz, waiting;
    only_xfsz(&xfsz);
    writing->begun = pthread_sigmask(SIG_BLOCK, &xfsz, &writing->before) == 0;
    /* where it was not blocked, none can have waited */
    writing->pending = writing->begun && sigismember(&writing->before, SIGXFSZ) == 1 && sigpending(&waiting) == 0 &&
                       sigismember(&waiting, SIGXFSZ) == 1;
    errno = saved;
}

void msio_writing_end(msio_writing *writing) {
    const int saved = errno;
    const struct timespec at_once = {0, 0};
    sigset_t xfsz;
    only_xfsz(&xfsz);
    if (writing->begun && !writing->pending)
        while (sigtimedwait(&xfsz, NULL, &at_once) < 0 && errno == EINTR) continue;
    if (writing->begun) pthread_sigmask(SIG_SETMASK, &writing->before, NULL);
    writing->begun = false;
    errno = saved;
}

static msio_status refused(const char *path, int64_t length) {
    struct rlimit limit;
    if (errno == EFBIG && getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        return msio_error_system(MSIO_E_IO, path,
                                 "cannot write %" PRId64 " bytes more: this process may not write files of more than "
                                 "%llu bytes (ulimit -f)",
                                 length, (unsigned long long)limit.rlim_cur);
    return msio_error_system(MSIO_E_IO, path, "cannot write %" PRId64 " bytes more", length);
}

/* offset: -1 at the descriptor's place. */
static msio_status write_whole(int fd, const char *path, const uint8_t *from, int64_t length, int64_t offset) {
    for (int64_t done = 0; done < length;) {
        const size_t part = (size_t)msio_min(length - done, WRITE_MOST);
        ssize_t put = offset < 0 ? write(fd, from + done, part) : pwrite(fd, from + done, part, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return refused(path, length - done);
        done += put;
    }
    return MSIO_OK;
}

msio_status msio_write_all(int fd, const char *path, const void *bytes, int64_t length) {
    return msio_write_at(fd, path, bytes, length, -1);
}

msio_status msio_write_at(int fd, const char *path, const void *bytes, int64_t length, int64_t offset) {
    msio_writing writing;
    msio_writing_begin(&writing);
    msio_status status = write_whole(fd, path, bytes, length, offset);
    msio_writing_end(&writing);
    return status;
}

msio_status msio_write_reserve(int fd, const char *path, int64_t bytes, const char *what) {
    struct stat st;
    int error = bytes > 0 ? posix_fallocate(fd, 0, (off_t)bytes) : 0;
    if (!error) return MSIO_OK;
    errno = error;
    if (error != EOPNOTSUPP && error != EINVAL)
        return msio_error_system(MSIO_E_IO, path, "no room for %" PRId64 " bytes of %s", bytes, what);
    if (fstat(fd, &st) == 0 && (st.st_size >= bytes || ftruncate(fd, (off_t)bytes) == 0)) return MSIO_OK;
    return msio_error_system(MSIO_E_IO, path, "cannot make %s of %" PRId64 " bytes", what, bytes);
}
