/* calls.c - the C library's file calls, in all their spellings: counted, then done by the C library. */
#include "prof/preload/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* Those that no header declares, and those that C libraries before 2.34 have not. */
int close_range(unsigned first, unsigned last, int flags);
void closefrom(int first);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);
ssize_t __read_chk(int fd, void *buffer, size_t n, size_t room);
ssize_t __pread_chk(int fd, void *buffer, size_t n, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *buffer, size_t n, off64_t offset, size_t room);

/* ---------------------------------------------------------------- the C library's own */

enum {
#define CALL(name) CALL_##name,
#include "prof/preload/file_calls.def"
#undef CALL
    CALLS
};

static const char *const names[CALLS] = {
#define CALL(name) #name,
#include "prof/preload/file_calls.def"
#undef CALL
};

static _Atomic(void *) found[CALLS];

static void *resolve(int call) {
    void *address = atomic_load_explicit(&found[call], memory_order_relaxed);
    if (address) return address;
    address = dlsym(RTLD_NEXT, names[call]);
    atomic_store_explicit(&found[call], address, memory_order_relaxed);
    return address;
}

/* All at once, before threads and signal handlers ask. */
__attribute__((constructor)) static void resolve_all(void) {
    for (int i = 0; i < CALLS; i++) resolve(i);
}

#define REAL(name) (__extension__(__typeof__(&name)) resolve(CALL_##name))

/* ---------------------------------------------------------------- opening and closing */

static int opened(const char *path, int fd, int flags) {
    if (fd >= 0) preload_opened(path, fd, flags);
    return fd;
}

#define NEEDS_MODE(flags) (((flags)&O_CREAT) || ((flags)&O_TMPFILE) == O_TMPFILE)

#define OPEN(name, before, arguments)                                                                                  \
    PRELOAD_EXPORT int name before {                                                                                   \
        mode_t mode = 0;                                                                                               \
        if (NEEDS_MODE(flags)) {                                                                                       \
            va_list more;                                                                                              \
            va_start(more, flags);                                                                                     \
            mode = va_arg(more, mode_t);                                                                               \
            va_end(more);                                                                                              \
        }                                                                                                              \
        return opened(path, REAL(name) arguments, flags);                                                              \
    }
OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int dirfd, const char *path, int flags, ...), (dirfd, path, flags, mode))
OPEN(openat64, (int dirfd, const char *path, int flags, ...), (dirfd, path, flags, mode))

PRELOAD_EXPORT int __open_2(const char *path, int flags) { return opened(path, REAL(__open_2)(path, flags), flags); }
PRELOAD_EXPORT int __open64_2(const char *path, int flags) {
    return opened(path, REAL(__open64_2)(path, flags), flags);
}
PRELOAD_EXPORT int __openat_2(int dirfd, const char *path, int flags) {
    return opened(path, REAL(__openat_2)(dirfd, path, flags), flags);
}
PRELOAD_EXPORT int __openat64_2(int dirfd, const char *path, int flags) {
    return opened(path, REAL(__openat64_2)(dirfd, path, flags), flags);
}
PRELOAD_EXPORT int creat(const char *path, mode_t mode) { return opened(path, REAL(creat)(path, mode), O_WRONLY); }
PRELOAD_EXPORT int creat64(const char *path, mode_t mode) { return opened(path, REAL(creat64)(path, mode), O_WRONLY); }

/* C++'s streams open so, and then read and write the descriptor by themselves; what C's streams do is not seen. */
static FILE *opened_stream(const char *path, FILE *stream) {
    if (stream) preload_stream(path, fileno(stream));
    return stream;
}
#define OPEN_STREAM(name)                                                                                              \
    PRELOAD_EXPORT FILE *name(const char *path, const char *mode) {                                                    \
        FILE *text = preload_text_open(path, mode);                                                                    \
        return text ? text : opened_stream(path, REAL(name)(path, mode));                                              \
    }
OPEN_STREAM(fopen)
OPEN_STREAM(fopen64)

PRELOAD_EXPORT int fclose(FILE *stream) {
    if (preload_segment && stream) {
        preload_text_closed(fileno(stream));
        preload_closing(fileno(stream));
    }
    return REAL(fclose)(stream);
}

/* The descriptor of casacore's text stays, whatever a program closes: casacore would go on writing to its number. */
PRELOAD_EXPORT int close(int fd) {
    preload_closing(fd);
    return preload_text_is_stream(fd) ? 0 : REAL(close)(fd);
}
PRELOAD_EXPORT int close_range(unsigned first, unsigned last, int flags) {
    if (!(flags & 4)) preload_closing_range(first, last); /* CLOSE_RANGE_CLOEXEC closes nothing now */
    __typeof__(&close_range) real = REAL(close_range);
    for (unsigned kept; real && (kept = preload_text_first(first, last)) != ~0u; first = kept + 1) {
        if (kept > first && real(first, kept - 1, flags)) return -1;
        if (kept == last) return 0;
    }
    if (real) return real(first, last, flags);
    errno = ENOSYS;
    return -1;
}
PRELOAD_EXPORT void closefrom(int first) {
    unsigned from = first < 0 ? 0 : (unsigned)first;
    preload_closing_range(from, ~0u);
    __typeof__(&closefrom) real = REAL(closefrom);
    __typeof__(&close_range) part = REAL(close_range);
    for (unsigned kept; part && (kept = preload_text_first(from, ~0u)) != ~0u; from = kept + 1)
        if (kept > from) part(from, kept - 1, 0);
    if (real) real((int)from);
}

static int copied(int from, int to) {
    if (to >= 0) preload_copied(from, to);
    return to;
}
PRELOAD_EXPORT int dup(int fd) { return copied(fd, REAL(dup)(fd)); }
PRELOAD_EXPORT int dup2(int fd, int to) { return copied(fd, REAL(dup2)(fd, to)); }
PRELOAD_EXPORT int dup3(int fd, int to, int flags) { return copied(fd, REAL(dup3)(fd, to, flags)); }

/* ---------------------------------------------------------------- reading and writing */

/* The file of a descriptor, and the time where it matters. */
typedef struct at_work {
    profile_file *file;
    uint64_t start;
} at_work;

static inline at_work begin(int fd) {
    bool locks = false;
    at_work work = {preload_tracked(fd, &locks), 0};
    if (work.file && !locks) work.start = preload_now();
    return work;
}

static inline ssize_t moved(const at_work *work, int fd, ssize_t n, int64_t offset, bool write) {
    if (work->file) preload_moved(work->file, fd, n, offset, work->start, write);
    return n;
}

#define MOVE(name, before, arguments, offset, write)                                                                   \
    PRELOAD_EXPORT ssize_t name before {                                                                               \
        at_work work = begin(fd);                                                                                      \
        return moved(&work, fd, REAL(name) arguments, offset, write);                                                  \
    }
MOVE(read, (int fd, void *buffer, size_t n), (fd, buffer, n), -1, false)
MOVE(__read_chk, (int fd, void *buffer, size_t n, size_t room), (fd, buffer, n, room), -1, false)
MOVE(pread, (int fd, void *buffer, size_t n, off_t offset), (fd, buffer, n, offset), offset, false)
MOVE(pread64, (int fd, void *buffer, size_t n, off64_t offset), (fd, buffer, n, offset), offset, false)
MOVE(__pread_chk, (int fd, void *buffer, size_t n, off_t offset, size_t room), (fd, buffer, n, offset, room), offset,
     false)
MOVE(__pread64_chk, (int fd, void *buffer, size_t n, off64_t offset, size_t room), (fd, buffer, n, offset, room),
     offset, false)
MOVE(readv, (int fd, const struct iovec *parts, int count), (fd, parts, count), -1, false)
MOVE(preadv, (int fd, const struct iovec *parts, int count, off_t offset), (fd, parts, count, offset), offset, false)
MOVE(preadv64, (int fd, const struct iovec *parts, int count, off64_t offset), (fd, parts, count, offset), offset,
     false)
MOVE(preadv2, (int fd, const struct iovec *parts, int count, off_t offset, int flags),
     (fd, parts, count, offset, flags), offset, false)
MOVE(preadv64v2, (int fd, const struct iovec *parts, int count, off64_t offset, int flags),
     (fd, parts, count, offset, flags), offset, false)
PRELOAD_EXPORT ssize_t write(int fd, const void *buffer, size_t n) {
    const struct iovec part = {(void *)(uintptr_t)buffer, n};
    ssize_t text = preload_text_written(fd, &part, 1);
    if (text >= 0) return text;
    at_work work = begin(fd);
    return moved(&work, fd, REAL(write)(fd, buffer, n), -1, true);
}
PRELOAD_EXPORT ssize_t writev(int fd, const struct iovec *parts, int count) {
    ssize_t text = preload_text_written(fd, parts, count);
    if (text >= 0) return text;
    at_work work = begin(fd);
    return moved(&work, fd, REAL(writev)(fd, parts, count), -1, true);
}
MOVE(pwrite, (int fd, const void *buffer, size_t n, off_t offset), (fd, buffer, n, offset), offset, true)
MOVE(pwrite64, (int fd, const void *buffer, size_t n, off64_t offset), (fd, buffer, n, offset), offset, true)
MOVE(pwritev, (int fd, const struct iovec *parts, int count, off_t offset), (fd, parts, count, offset), offset, true)
MOVE(pwritev64, (int fd, const struct iovec *parts, int count, off64_t offset), (fd, parts, count, offset), offset,
     true)
MOVE(pwritev2, (int fd, const struct iovec *parts, int count, off_t offset, int flags),
     (fd, parts, count, offset, flags), offset, true)
MOVE(pwritev64v2, (int fd, const struct iovec *parts, int count, off64_t offset, int flags),
     (fd, parts, count, offset, flags), offset, true)

/* ---------------------------------------------------------------- the rest */

static void count(int fd, size_t counter) {
    bool locks;
    profile_file *file = preload_tracked(fd, &locks);
    if (!file) return;
    profile_count *at = (profile_count *)(void *)((char *)file + counter);
    atomic_fetch_add_explicit(at, 1, memory_order_relaxed);
}

#define SEEK(name, offset_type)                                                                                        \
    PRELOAD_EXPORT offset_type name(int fd, offset_type offset, int whence) {                                          \
        bool locks = false;                                                                                            \
        profile_file *file = preload_tracked(fd, &locks);                                                              \
        offset_type at = REAL(name)(fd, offset, whence);                                                               \
        if (file) preload_sought(file, fd, at);                                                                        \
        return at;                                                                                                     \
    }
SEEK(lseek, off_t)
SEEK(lseek64, off64_t)
PRELOAD_EXPORT void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    if (fd >= 0) count(fd, offsetof(profile_file, maps));
    return REAL(mmap)(at, length, protection, flags, fd, offset);
}
PRELOAD_EXPORT void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
    if (fd >= 0) count(fd, offsetof(profile_file, maps));
    return REAL(mmap64)(at, length, protection, flags, fd, offset);
}
PRELOAD_EXPORT int ftruncate(int fd, off_t length) {
    count(fd, offsetof(profile_file, truncations));
    return REAL(ftruncate)(fd, length);
}
PRELOAD_EXPORT int ftruncate64(int fd, off64_t length) {
    count(fd, offsetof(profile_file, truncations));
    return REAL(ftruncate64)(fd, length);
}

static int waited(profile_file *file, int result, uint64_t start, profile_count *calls, profile_count *ns) {
    int kept = errno;
    (void)file;
    atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
    if (start) atomic_fetch_add_explicit(ns, preload_now() - start, memory_order_relaxed);
    errno = kept;
    return result;
}

static int synced(int fd, int (*real)(int)) {
    bool locks;
    profile_file *file = preload_tracked(fd, &locks);
    if (!file) return real(fd);
    uint64_t start = preload_now();
    return waited(file, real(fd), start, &file->syncs, &file->sync_ns);
}
PRELOAD_EXPORT int fsync(int fd) { return synced(fd, REAL(fsync)); }
PRELOAD_EXPORT int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

static int controlled(int (*real)(int, int, ...), int fd, int command, void *argument) {
    bool locks;
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) return copied(fd, real(fd, command, argument));
    bool lock = command == F_SETLK || command == F_SETLKW || command == F_GETLK || command == F_OFD_SETLK ||
                command == F_OFD_SETLKW || command == F_OFD_GETLK;
    profile_file *file = lock ? preload_tracked(fd, &locks) : NULL;
    if (!file) return real(fd, command, argument);
    uint64_t start = command == F_SETLKW || command == F_OFD_SETLKW ? preload_now() : 0; /* only these wait */
    return waited(file, real(fd, command, argument), start, &file->locks, &file->lock_ns);
}

#define CONTROL(name)                                                                                                  \
    PRELOAD_EXPORT int name(int fd, int command, ...) {                                                                \
        va_list more;                                                                                                  \
        va_start(more, command);                                                                                       \
        void *argument = va_arg(more, void *);                                                                         \
        va_end(more);                                                                                                  \
        return controlled(REAL(name), fd, command, argument);                                                          \
    }
CONTROL(fcntl)
CONTROL(fcntl64)
