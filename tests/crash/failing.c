/* failing.c - for LD_PRELOAD: counts a program's calls that change files below a folder, and spoils one of them.
 *
 * MSIO_FAIL_UNDER  the folder (a path from the root on, without links)
 * MSIO_FAIL_COUNT  a file outside of it: a u32 that counts the calls, the program's end notwithstanding
 * MSIO_FAIL_AT     number of the call that is spoilt, from 1 on; 0: none
 * MSIO_FAIL_HOW    "28": it fails with that errno, and does nothing. "before", "after": the process is killed there.
 *                  "short": half of what is to be written is (up to a page's border, where a kill could tear it).
 *                  "torn": the same, and the process is killed. "half28": the same, and the next calls fail with 28.
 * MSIO_FAIL_ON     "1": calls after that one fail, too
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEEN __attribute__((visibility("default")))
#define PAGE 4096

static struct {
    char under[PATH_MAX];
    size_t length;
    atomic_uint *count;
    unsigned at;
    int error; /* errno, or 0 */
    int on;
    enum { FAILS, BEFORE, AFTER, SHORT, TORN, HALF } how;
} plan;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_plan(void) {
    static atomic_uint nowhere;
    const char *under = getenv("MSIO_FAIL_UNDER"), *count = getenv("MSIO_FAIL_COUNT"), *how = getenv("MSIO_FAIL_HOW");
    const char *at = getenv("MSIO_FAIL_AT"), *on = getenv("MSIO_FAIL_ON");
    plan.count = &nowhere;
    if (!under) return;
    snprintf(plan.under, sizeof plan.under, "%s", under);
    plan.length = strlen(plan.under);
    plan.at = at ? (unsigned)atoi(at) : 0;
    plan.on = on && *on == '1';
    if (how && !strcmp(how, "before"))
        plan.how = BEFORE;
    else if (how && !strcmp(how, "after"))
        plan.how = AFTER;
    else if (how && !strcmp(how, "short"))
        plan.how = SHORT;
    else if (how && !strcmp(how, "torn"))
        plan.how = TORN;
    else if (how && !strncmp(how, "half", 4))
        plan.how = HALF, plan.error = atoi(how + 4), plan.on = 1;
    else if (how)
        plan.error = atoi(how);
    int fd = count ? (int)(*(int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open"))(count, O_RDWR) : -1;
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) plan.count = map;
}

static int below(const char *path) {
    return strncmp(path, plan.under, plan.length) == 0 && (path[plan.length] == '/' || path[plan.length] == 0);
}

static int fd_below(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return below(path);
}

static int path_below(int folder, const char *path) {
    if (path[0] == '/') return below(path);
    return folder == AT_FDCWD ? 0 : fd_below(folder);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    pause();
}

/* What becomes of a call: GO_ON, FAIL with errno set, or PART of it. */
enum { GO_ON, GO_AND_DIE, FAIL, PART, PART_AND_DIE };

static int decide(int concerned) {
    if (!concerned) return GO_ON;
    unsigned n = atomic_fetch_add(plan.count, 1) + 1;
    if (plan.at == 0 || n < plan.at) return GO_ON;
    if (n > plan.at) {
        if (!plan.on || !plan.error) return GO_ON;
        errno = plan.error;
        return FAIL;
    }
    switch (plan.how) {
    case BEFORE: die(); return FAIL;
    case AFTER: return GO_AND_DIE;
    case SHORT: return PART;
    case TORN: return PART_AND_DIE;
    case HALF: return PART;
    default: errno = plan.error; return FAIL;
    }
}

static int decide_fd(int fd) {
    pthread_once(&once, read_plan);
    return decide(plan.length && fd_below(fd));
}

static int decide_path(int folder, const char *path) {
    pthread_once(&once, read_plan);
    return decide(plan.length && path_below(folder, path));
}

#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))

/* A part of [offset, offset + n) that ends at a page's border, or all of it where there is none within. */
static size_t part_of(off_t offset, size_t n) {
    off_t border = (off_t)((offset + (off_t)(n / 2)) / PAGE * PAGE);
    return border > offset ? (size_t)(border - offset) : n;
}

static void die_after(int what) {
    if (what == GO_AND_DIE || what == PART_AND_DIE) die();
}

static ssize_t do_pwrite(const char *name, int fd, const void *bytes, size_t n, off_t offset) {
    int what = decide_fd(fd);
    if (what == FAIL) return -1;
    if (what == PART || what == PART_AND_DIE) n = part_of(offset, n);
    ssize_t done = NEXT(ssize_t(*)(int, const void *, size_t, off_t), name)(fd, bytes, n, offset);
    die_after(what);
    return done;
}

SEEN ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset) {
    return do_pwrite("pwrite", fd, bytes, n, offset);
}
SEEN ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t offset) {
    return do_pwrite("pwrite64", fd, bytes, n, offset);
}

SEEN ssize_t write(int fd, const void *bytes, size_t n) {
    int what = decide_fd(fd);
    if (what == FAIL) return -1;
    if (what == PART || what == PART_AND_DIE) n = part_of(lseek(fd, 0, SEEK_CUR), n);
    ssize_t done = NEXT(ssize_t(*)(int, const void *, size_t), "write")(fd, bytes, n);
    die_after(what);
    return done;
}

/* Of the file that is written to. */
SEEN ssize_t copy_file_range(int from, off_t *from_at, int fd, off_t *at, size_t n, unsigned flags) {
    int what = decide_fd(fd);
    if (what == FAIL) return -1;
    if (what == PART || what == PART_AND_DIE) n = part_of(at ? *at : 0, n);
    ssize_t done = NEXT(ssize_t(*)(int, off_t *, int, off_t *, size_t, unsigned), "copy_file_range")(from, from_at, fd,
                                                                                                     at, n, flags);
    die_after(what);
    return done;
}

#define VECTORS(name, parameters, arguments)                                                                           \
    SEEN ssize_t name parameters {                                                                                     \
        int what = decide_fd(fd);                                                                                      \
        if (what == FAIL) return -1;                                                                                   \
        ssize_t done = NEXT(ssize_t(*) parameters, #name) arguments;                                                   \
        die_after(what);                                                                                               \
        return done;                                                                                                   \
    }
VECTORS(writev, (int fd, const struct iovec *v, int n), (fd, v, n))
VECTORS(pwritev, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at))
VECTORS(pwritev64, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at))
VECTORS(pwritev2, (int fd, const struct iovec *v, int n, off_t at, int flags), (fd, v, n, at, flags))
VECTORS(pwritev64v2, (int fd, const struct iovec *v, int n, off_t at, int flags), (fd, v, n, at, flags))

/* Calls that tell by 0 and -1, of a descriptor (one of a path follows). */
#define OF_FD(name, parameters, arguments)                                                                             \
    SEEN int name parameters {                                                                                         \
        int what = decide_fd(fd);                                                                                      \
        if (what == FAIL) return -1;                                                                                   \
        int done = NEXT(int(*) parameters, #name) arguments;                                                           \
        die_after(what);                                                                                               \
        return done;                                                                                                   \
    }
OF_FD(ftruncate, (int fd, off_t n), (fd, n))
OF_FD(ftruncate64, (int fd, off_t n), (fd, n))
OF_FD(fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n))
OF_FD(fallocate64, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n))
OF_FD(fsync, (int fd), (fd))
OF_FD(fdatasync, (int fd), (fd))
OF_FD(futimens, (int fd, const struct timespec times[2]), (fd, times))

#define OF_PATH(name, parameters, arguments, folder, path)                                                             \
    SEEN int name parameters {                                                                                         \
        int what = decide_path(folder, path);                                                                          \
        if (what == FAIL) return -1;                                                                                   \
        int done = NEXT(int(*) parameters, #name) arguments;                                                           \
        die_after(what);                                                                                               \
        return done;                                                                                                   \
    }
OF_PATH(rename, (const char *from, const char *to), (from, to), AT_FDCWD, to)
OF_PATH(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), b, to)
OF_PATH(renameat2, (int a, const char *from, int b, const char *to, unsigned flags), (a, from, b, to, flags), b, to)
OF_PATH(unlink, (const char *path), (path), AT_FDCWD, path)
OF_PATH(unlinkat, (int a, const char *path, int flags), (a, path, flags), a, path)

/* These tell the errno as their result. */
#define ALLOCATES(name)                                                                                                \
    SEEN int name(int fd, off_t at, off_t n) {                                                                         \
        int what = decide_fd(fd);                                                                                      \
        if (what == FAIL) return errno;                                                                                \
        int done = NEXT(int (*)(int, off_t, off_t), #name)(fd, at, n);                                                 \
        die_after(what);                                                                                               \
        return done;                                                                                                   \
    }
ALLOCATES(posix_fallocate)
ALLOCATES(posix_fallocate64)

/* Opening counts where it may make a file. */
static int do_open(const char *name, const char *path, int flags, mode_t mode) {
    int what = flags & O_CREAT ? decide_path(AT_FDCWD, path) : GO_ON;
    if (what == FAIL) return -1;
    int fd = NEXT(int (*)(const char *, int, ...), name)(path, flags, mode);
    die_after(what);
    return fd;
}

static int do_openat(const char *name, int folder, const char *path, int flags, mode_t mode) {
    int what = flags & O_CREAT ? decide_path(folder, path) : GO_ON;
    if (what == FAIL) return -1;
    int fd = NEXT(int (*)(int, const char *, int, ...), name)(folder, path, flags, mode);
    die_after(what);
    return fd;
}

#define MODE                                                                                                           \
    va_list list;                                                                                                      \
    va_start(list, flags);                                                                                             \
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;                                                          \
    va_end(list);

#define OPENS(name)                                                                                                    \
    SEEN int name(const char *path, int flags, ...) { MODE return do_open(#name, path, flags, mode); }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name)                                                                                                 \
    SEEN int name(int folder, const char *path, int flags, ...) {                                                      \
        MODE return do_openat(#name, folder, path, flags, mode);                                                       \
    }
OPENS_AT(openat)
OPENS_AT(openat64)

/* The whole mapping is named: which file it is, its beginning would tell; msio maps journals only. */
SEEN int msync(void *at, size_t n, int flags) {
    pthread_once(&once, read_plan);
    int what = decide(plan.length != 0);
    if (what == FAIL) return -1;
    int done = NEXT(int (*)(void *, size_t, int), "msync")(at, n, flags);
    die_after(what);
    return done;
}
