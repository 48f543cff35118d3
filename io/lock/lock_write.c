/* lock_write.c - casacore's write lock: asked for as casacore asks, and waited for in the system. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* open-file-description locks */
#endif
#include "core/error.h"
#include "core/lock.h"
#include "io/lock/lock_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SYNC_OFFSET 260
/* The head of table.lock: how many processes wait, then (pid, 0) of each. */
#define REQUESTS 32
#define REQUEST_BYTES 260
/* How often the waiting thread is asked whether to go on. */
#define ASK_SECONDS 20e-3

msio_status msio_lock_make(const char *directory) {
    char path[4096];
    static const uint8_t none[REQUEST_BYTES];
    snprintf(path, sizeof path, "%s/table.lock", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0 && errno == EEXIST) return MSIO_OK;
    if (fd < 0) return msio_error_system(MSIO_E_IO, path, "cannot make the table's lock file");
    ssize_t n = pwrite(fd, none, sizeof none, 0);
    msio_status status =
        n == (ssize_t)sizeof none ? MSIO_OK : msio_error_system(MSIO_E_IO, path, "cannot write the table's lock file");
    close(fd); /* nobody can have locks on a file that is just made */
    return status;
}

/* ---------------------------------------------------------------- requests */

static uint32_t load_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_u32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static bool read_requests(int fd, uint8_t head[REQUEST_BYTES], uint32_t *n) {
    if (pread(fd, head, REQUEST_BYTES, 0) != REQUEST_BYTES) return false;
    *n = load_u32(head);
    return *n <= REQUESTS;
}

/* A full list, or one that cannot be read, is left as it is: the wait goes on without. */
static void file_request(int fd) {
    uint8_t head[REQUEST_BYTES];
    uint32_t n;
    if (!read_requests(fd, head, &n) || n == REQUESTS) return;
    store_u32(head + 4 + 8 * n, (uint32_t)getpid());
    store_u32(head + 8 + 8 * n, 0);
    store_u32(head, n + 1);
    (void)!pwrite(fd, head, sizeof head, 0);
}

/* Takes this process's request back, and those before it, as casacore does. */
static void remove_request(int fd) {
    uint8_t head[REQUEST_BYTES];
    uint32_t n, at = 0;
    if (!read_requests(fd, head, &n)) return;
    while (at < n && load_u32(head + 4 + 8 * at) != (uint32_t)getpid()) at++;
    if (at == n) return;
    memmove(head + 4, head + 4 + 8 * (at + 1), 8 * (n - at - 1));
    store_u32(head, n - at - 1);
    (void)!pwrite(fd, head, sizeof head, 0);
}

/* ---------------------------------------------------------------- taking it */

static struct flock byte_0(short type) {
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
}

/* The descriptor for writing, until msio_descriptor_unuse. It is closed only as the other one is: see lock_registry.h.
 * With the registry locked. */
static msio_status use_writing(msio_lock *lock, int *fd) {
    struct stat st;
    if (msio_descriptor_use(lock->writing, fd)) return MSIO_OK;
    int opened = msio_descriptor_open(lock->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (opened < 0)
        return msio_error_system(MSIO_E_IO, lock->path,
                                 "the table cannot be locked for writing: its lock file may not "
                                 "be written");
    *fd = msio_descriptor_put(lock->writing, opened);
    if (fstat(*fd, &st) == 0 && (uint64_t)st.st_dev == lock->device && (uint64_t)st.st_ino == lock->inode)
        return MSIO_OK;
    msio_descriptor_unuse(lock->writing);
    return msio_error_set(MSIO_E_CHANGED, lock->path, "the lock file was replaced while the table was open");
}

/* Of who has the write lock. */
static int write_fd(const msio_lock *lock) { return msio_descriptor_number(lock->writing); }

static const char *name_of(pid_t pid, char name[64]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
    FILE *comm = fopen(path, "re");
    name[0] = 0;
    if (comm && fgets(name, 64, comm)) name[strcspn(name, "\n")] = 0;
    if (comm) fclose(comm);
    return name[0] ? name : "unknown";
}

static msio_status in_the_way(msio_lock *lock, double seconds) {
    struct flock other = byte_0(F_WRLCK);
    char name[64];
    static const char *const helps = "close the table there, or unlock it (t.unlock()), or open it there with "
                                     "lockoptions='autonoread'";
    pid_t pid = fcntl(write_fd(lock), F_OFD_GETLK, &other) == 0 && other.l_type != F_UNLCK ? other.l_pid : 0;
    if (pid > 0 && pid == getpid())
        return msio_error_set(MSIO_E_LOCKED, lock->path,
                              "casacore in this process keeps its lock on the table (waited %.1f s); unlock or close "
                              "the table object that holds it",
                              seconds);
    if (pid > 0)
        return msio_error_set(MSIO_E_LOCKED, lock->path,
                              "process %ld (%s) has kept a %s lock on the table for %.1f s; %s", (long)pid,
                              name_of(pid, name), other.l_type == F_RDLCK ? "read" : "write", seconds, helps);
    return msio_error_set(MSIO_E_LOCKED, lock->path,
                          "another reader or writer, of this process or another, has kept its lock on the table for "
                          "%.1f s; %s",
                          seconds, helps);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One thread that sits in the system's wait for the lock; cancelled when the time is over (fcntl is a point where a
 * thread can be cancelled, and needs no signal handler of ours). */
typedef struct waiter {
    int fd;
    struct flock range; /* not on the thread's stack: AddressSanitizer trips over frames that a cancelled thread left */
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool over, taken;
} waiter;

static void *wait_in_system(void *user) {
    waiter *w = user;
    int result;
    do result = fcntl(w->fd, F_OFD_SETLKW, &w->range);
    while (result != 0 && errno == EINTR);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_mutex_lock(&w->mutex);
    w->over = true;
    w->taken = result == 0;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

static bool past(const struct timespec *end) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec > end->tv_sec || (t.tv_sec == end->tv_sec && t.tv_nsec >= end->tv_nsec);
}

static void wait_until(waiter *w, double end, bool *stopped) {
    pthread_mutex_lock(&w->mutex);
    while (!w->over) {
        double t = now() + ASK_SECONDS < end ? now() + ASK_SECONDS : end;
        struct timespec at = {(time_t)t, (long)((t - (double)(time_t)t) * 1e9)};
        pthread_cond_timedwait(&w->done, &w->mutex, &at);
        if (w->over || (past(&at) && now() >= end)) break;
        pthread_mutex_unlock(&w->mutex);
        *stopped = msio_waits_asked();
        pthread_mutex_lock(&w->mutex);
        if (*stopped) break;
    }
    pthread_mutex_unlock(&w->mutex);
}

static msio_status wait_for_lock(msio_lock *lock, double seconds, bool *stopped) {
    pthread_condattr_t clock;
    pthread_t thread;
    waiter w = {.fd = write_fd(lock), .range = byte_0(F_WRLCK)};
    pthread_mutex_init(&w.mutex, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&w.done, &clock);
    pthread_condattr_destroy(&clock);
    file_request(write_fd(lock));
    bool started = pthread_create(&thread, NULL, wait_in_system, &w) == 0;
    if (started) {
        wait_until(&w, now() + seconds, stopped);
        pthread_cancel(thread);
        pthread_join(thread, NULL);
    }
    remove_request(write_fd(lock));
    pthread_cond_destroy(&w.done);
    pthread_mutex_destroy(&w.mutex);
    if (!started) return msio_error_set(MSIO_E_MEMORY, lock->path, "no thread to wait for the table's lock with");
    if (!w.taken && !*stopped) return in_the_way(lock, seconds);
    return MSIO_OK;
}

/* One writer of this process at a time: the system does not tell its threads apart. */
static msio_status enter(msio_lock *lock, double seconds, msio_lock_settle *settle) {
    double end = now() + seconds;
    for (;;) {
        msio_lock_brief(MSIO_LOCK_REGISTRY);
        bool free_now = lock->writers == 0;
        int fd;
        msio_status status = free_now ? use_writing(lock, &fd) : MSIO_OK;
        free_now = free_now && !status;
        if (free_now) {
            lock->writers = 1;
            lock->joined = false;
        }
        msio_unlock_brief(MSIO_LOCK_REGISTRY);
        if (status || free_now) return status;
        if ((status = settle(lock))) return status;
        if (now() >= end)
            return msio_error_set(MSIO_E_LOCKED, lock->path,
                                  "another thread of this process has been writing the table for %.1f s", seconds);
        struct timespec pause = {0, 500000};
        nanosleep(&pause, NULL);
        if (msio_waits_asked())
            return msio_error_set(MSIO_E_CANCELLED, lock->path, "the wait for another thread's write was stopped");
    }
}

/* Unlocks, too. A child of fork has nothing to give back. */
static void leave(msio_lock *lock, unsigned forks) {
    struct flock range = byte_0(F_UNLCK);
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    if (forks == msio_forks() && lock->writers) {
        (void)fcntl(write_fd(lock), F_OFD_SETLK, &range);
        msio_descriptor_unuse(lock->writing);
        lock->writers = 0;
        lock->write_held = false;
    }
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
}

msio_status msio_lock_take_write(msio_lock *lock, double seconds, msio_lock_settle *settle, bool *locked) {
    struct flock range = byte_0(F_WRLCK);
    bool stopped = false;
    *locked = false;
    msio_status status = enter(lock, seconds, settle);
    if (status) return status;
    *locked = true;
    if (fcntl(write_fd(lock), F_OFD_SETLK, &range) == 0) return MSIO_OK;
    if (errno != EAGAIN && errno != EACCES) return MSIO_OK; /* no locks on this file system: as casacore, go on */
    status = wait_for_lock(lock, seconds, &stopped);
    if (stopped) status = msio_error_set(MSIO_E_CANCELLED, lock->path, "the wait for the table's lock was stopped");
    if (status) { /* the lock may have come at the last moment */
        *locked = false;
        leave(lock, msio_forks());
    }
    return status;
}

/* Locks of open descriptors and casacore's, which are the process's, do see each other. */
static bool is_held_by_casacore(const msio_lock *lock) {
    struct flock other = byte_0(F_RDLCK);                        /* which a write lock alone stands in the way of */
    if (fcntl(write_fd(lock), F_OFD_GETLK, &other)) return true; /* no locks on this file system */
    return other.l_type == F_WRLCK && other.l_pid == getpid();
}

msio_status msio_lock_join_write(msio_lock *lock, double seconds, msio_lock_settle *settle, bool *locked) {
    *locked = false;
    msio_status status = enter(lock, seconds, settle);
    if (status) return status;
    *locked = is_held_by_casacore(lock);
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    lock->joined = true;
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
    if (*locked) return MSIO_OK;
    leave(lock, msio_forks());
    return msio_error_set(
        MSIO_E_LOCKED, lock->path,
        "casacore in this process was to hold its write lock on the table, and does not: lock the table "
        "before the write (t.lock())");
}

void msio_lock_hold_write(msio_lock *lock) {
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    lock->write_held = true;
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
}

int msio_lock_write_descriptor(const msio_lock *lock) {
    int fd = -1;
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    if (lock && lock->writers && !lock->joined) fd = write_fd(lock);
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
    return fd;
}

void msio_lock_give_write(msio_lock *lock, unsigned forks) { leave(lock, forks); }

/* ---------------------------------------------------------------- what is written */

msio_status msio_lock_put_sync(msio_lock *lock, const uint8_t *bytes, int64_t length) {
    ssize_t n;
    do n = pwrite(write_fd(lock), bytes, (size_t)length, SYNC_OFFSET);
    while (n < 0 && errno == EINTR);
    if (n == length) return MSIO_OK;
    if (n >= 0) errno = ENOSPC;
    return msio_error_system(MSIO_E_IO, lock->path, "cannot count the change in the table's lock file");
}

msio_status msio_lock_sync_file(msio_lock *lock) {
    if (fdatasync(write_fd(lock)) == 0) return MSIO_OK;
    return msio_error_system(MSIO_E_IO, lock->path, "cannot bring the lock file to the disk");
}

bool msio_lock_open_elsewhere(msio_lock *lock) {
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1};
    int fd;
    if (msio_lock_use(lock, &fd)) return true; /* unknown */
    bool open = fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
    msio_descriptor_unuse(lock->descriptor);
    return open;
}
