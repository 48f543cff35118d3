/* nolock.c - for LD_PRELOAD: a file system without locks. Every lock fails with the errno in MSIO_TEST_LOCK_ERRNO, by
 * fcntl (all kinds), flock and lockf. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define SEEN __attribute__((visibility("default")))

static int refuse(void) {
    const char *number = getenv("MSIO_TEST_LOCK_ERRNO");
    errno = number ? atoi(number) : ENOLCK;
    return -1;
}

static int locks(int command) {
    switch (command) {
    case F_SETLK:
    case F_SETLKW:
    case F_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
    case F_OFD_GETLK: return 1;
    default: return 0;
    }
}

static int pass_on(const char *name, int fd, int command, void *argument) {
    int (*next)(int, int, ...) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, name);
    return next(fd, command, argument);
}

#define WRAP(name)                                                                                                     \
    SEEN int name(int fd, int command, ...) {                                                                          \
        va_list list;                                                                                                  \
        va_start(list, command);                                                                                       \
        void *argument = va_arg(list, void *);                                                                         \
        va_end(list);                                                                                                  \
        return locks(command) ? refuse() : pass_on(#name, fd, command, argument);                                      \
    }
WRAP(fcntl)
WRAP(fcntl64)

SEEN int flock(int fd, int operation) {
    (void)fd, (void)operation;
    return refuse();
}

SEEN int lockf(int fd, int command, off_t length) {
    (void)fd, (void)command, (void)length;
    return refuse();
}
