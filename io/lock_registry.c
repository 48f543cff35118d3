/* lock_registry.c - read locks on tables that casacore respects, and that leave casacore's own locks alone. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* open-file-description locks */
#endif
#include "io/lock_registry.h"

#include "core/error.h"
#include "core/file_map.h"
#include "msio/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SYNC_OFFSET 260
/* Files that no table uses are kept open up to this number: they are likely to be used again. */
#define UNUSED_LIMIT 32

struct msio_lock {
    msio_lock *next;
    char *path;
    uint64_t device, inode;
    int fd;
    int users;      /* tables that have it open */
    int holders;    /* calls that hold the read lock */
    int generation; /* of the process that opened fd: a child of fork must not use its parent's locks */
    msio_file view; /* the same file as one that can be mapped */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static msio_lock *registry;
static int generation;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void before_fork(void) { pthread_mutex_lock(&mutex); }
static void after_fork_parent(void) { pthread_mutex_unlock(&mutex); }
static void after_fork_child(void) {
    generation++;
    pthread_mutex_unlock(&mutex);
}
static void install_fork_handlers(void) { pthread_atfork(before_fork, after_fork_parent, after_fork_child); }

/* ---------------------------------------------------------------- descriptors */

/* Whether descriptor `number` of this process carries a POSIX lock on the file. Its facts fit one read, and come from
 * one moment; /proc/locks takes several, between which entries move and are missed. */
static bool descriptor_holds(const char *number, uint64_t inode) {
    char path[64], facts[4096], place[32];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%.20s", number);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, facts, sizeof facts - 1) : 0;
    if (fd >= 0) close(fd);
    facts[n > 0 ? n : 0] = 0;
    snprintf(place, sizeof place, ":%llu ", (unsigned long long)inode);
    for (char *line = strstr(facts, "lock:"); line; line = strstr(line, "lock:")) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] != 0);
        line[length] = 0;
        if (strstr(line, "POSIX") && strstr(line, place)) return true;
        line = next;
    }
    return false;
}

static bool some_descriptor_holds(uint64_t inode) {
    DIR *all = opendir("/proc/self/fdinfo");
    if (!all) return true;
    bool holds = false;
    for (struct dirent *e; !holds && (e = readdir(all));)
        holds = e->d_name[0] != '.' && descriptor_holds(e->d_name, inode);
    closedir(all);
    return holds;
}

/* Whether this process holds a POSIX lock on the file; true when that cannot be told. */
static bool process_holds(const msio_lock *lock) {
    struct flock any = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
    if (fcntl(lock->fd, F_OFD_GETLK, &any) == 0) {
        if (any.l_type == F_UNLCK) return false;
        if (any.l_pid == getpid()) return true;
    }
    return some_descriptor_holds(lock->inode); /* another's lock may hide one of ours */
}

static void free_lock(msio_lock *lock) {
    msio_file_unmap(&lock->view);
    close(lock->fd);
    free(lock->path);
    free(lock);
}

/* Closes what nobody uses, but no file on which this process holds locks. Under the mutex. */
static void sweep(void) {
    int unused = 0;
    for (msio_lock *l = registry; l; l = l->next) unused += l->users == 0;
    if (unused <= UNUSED_LIMIT) return;
    for (msio_lock **at = &registry; *at;) {
        msio_lock *l = *at;
        if (l->users == 0 && !process_holds(l)) {
            *at = l->next;
            free_lock(l);
        } else {
            at = &l->next;
        }
    }
}

static msio_lock *find(uint64_t device, uint64_t inode) {
    for (msio_lock *l = registry; l; l = l->next)
        if (l->device == device && l->inode == inode && l->generation == generation) return l;
    return NULL;
}

static void lock_path(const char *directory, char *path, size_t size) {
    snprintf(path, size, "%s/table.lock", directory);
}

/* Adds the file to the registry; NULL where it may not be read. Under the mutex. */
static msio_status add(const char *path, msio_lock **lock) {
    msio_stamp stamp;
    int fd = -1;
    *lock = NULL;
    msio_status status = msio_file_descriptor(path, &fd, &stamp);
    if (status) return status == MSIO_E_FORMAT ? status : MSIO_OK;
    msio_lock *l = calloc(1, sizeof *l);
    if (!l || !(l->path = strdup(path))) {
        free(l); /* the descriptor stays open: closing it could drop locks of casacore's */
        return MSIO_OK;
    }
    *l = (msio_lock){.next = registry,
                     .path = l->path,
                     .device = stamp.device,
                     .inode = stamp.inode,
                     .fd = fd,
                     .generation = generation,
                     .view = {.fd = fd, .path = l->path, .stamp = stamp, .mappable = msio_file_map_allowed(fd)}};
    registry = *lock = l;
    return MSIO_OK;
}

msio_status msio_lock_open(const char *directory, msio_lock **lock) {
    char path[4096];
    msio_stamp stamp;
    lock_path(directory, path, sizeof path);
    pthread_once(&fork_once, install_fork_handlers);
    *lock = NULL;
    if (msio_stamp_path(path, &stamp)) return MSIO_OK;
    pthread_mutex_lock(&mutex);
    msio_lock *l = find(stamp.device, stamp.inode);
    msio_status status = l ? MSIO_OK : add(path, &l);
    if (l) l->users++;
    sweep();
    pthread_mutex_unlock(&mutex);
    *lock = l;
    return status;
}

msio_lock *msio_lock_share(msio_lock *lock) {
    if (!lock) return NULL;
    pthread_mutex_lock(&mutex);
    lock->users++;
    pthread_mutex_unlock(&mutex);
    return lock;
}

void msio_lock_close(msio_lock *lock) {
    if (!lock) return;
    pthread_mutex_lock(&mutex);
    lock->users--;
    sweep();
    pthread_mutex_unlock(&mutex);
}

bool msio_lock_current(const msio_lock *lock, const char *directory) {
    char path[4096];
    msio_stamp stamp;
    lock_path(directory, path, sizeof path);
    if (msio_stamp_path(path, &stamp)) return lock == NULL;
    return lock && stamp.device == lock->device && stamp.inode == lock->inode;
}

int msio_lock_descriptors(void) {
    int n = 0;
    pthread_mutex_lock(&mutex);
    for (msio_lock *l = registry; l; l = l->next) n++;
    pthread_mutex_unlock(&mutex);
    return n;
}

/* ---------------------------------------------------------------- locking */

typedef enum outcome { TAKEN, POINTLESS, BUSY } outcome;

/* A child of fork gets a descriptor of its own: the inherited one shares its lock with the parent. */
static bool renew(msio_lock *lock) {
    if (lock->generation == generation) return true;
    int fd = -1;
    if (msio_file_descriptor(lock->path, &fd, NULL)) return false;
    lock->fd = fd; /* the inherited descriptor stays open: see the top of lock_registry.h */
    lock->generation = generation;
    lock->holders = 0;
    return true;
}

/* One try; *holder is the process that is in the way. Under the mutex. */
static outcome try_lock(msio_lock *lock, pid_t *holder) {
    if (!renew(lock)) return POINTLESS;
    if (lock->holders > 0) {
        lock->holders++;
        return TAKEN;
    }
    struct flock range = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    if (fcntl(lock->fd, F_OFD_SETLK, &range) == 0) {
        lock->holders = 1;
        return TAKEN;
    }
    if (errno != EAGAIN && errno != EACCES) return POINTLESS; /* no locks on this file system: as casacore, go on */
    range = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    if (fcntl(lock->fd, F_OFD_GETLK, &range) != 0) return POINTLESS;
    if (range.l_type == F_UNLCK) return BUSY; /* gone meanwhile: the next try gets it */
    *holder = range.l_pid;
    return range.l_pid == getpid() ? POINTLESS : BUSY;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static msio_status still_locked(const msio_lock *lock, pid_t holder, double seconds) {
    char name[64] = "", path[64];
    if (holder <= 0)
        return msio_error_set(MSIO_E_LOCKED, lock->path,
                              "a writer has kept its lock for %.1f s; wait for it, or read with nolock", seconds);
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)holder);
    FILE *comm = fopen(path, "re");
    if (comm && fgets(name, sizeof name, comm)) name[strcspn(name, "\n")] = 0;
    if (comm) fclose(comm);
    return msio_error_set(
        MSIO_E_LOCKED, lock->path,
        "process %ld (%s) has kept its write lock for %.1f s; wait for it, end it, or read with nolock", (long)holder,
        name[0] ? name : "unknown", seconds);
}

/* What this thread's calls ask while they wait. */
static _Thread_local int (*ask)(void *user);
static _Thread_local void *ask_user;

void msio_waits_ask(int (*stop)(void *user), void *user) {
    ask = stop;
    ask_user = user;
}

msio_status msio_lock_take(msio_lock *lock, double seconds, bool *locked) {
    double end = 0, pause = 0.5e-3;
    *locked = false;
    if (!lock) return MSIO_OK;
    for (;;) {
        pid_t holder = 0;
        pthread_mutex_lock(&mutex);
        outcome o = try_lock(lock, &holder);
        pthread_mutex_unlock(&mutex);
        if (o != BUSY) {
            *locked = o == TAKEN;
            return MSIO_OK;
        }
        double t = now();
        if (end == 0) end = t + seconds;
        if (t >= end) return still_locked(lock, holder, seconds);
        double rest = end - t, wait = pause < rest ? pause : rest;
        struct timespec interval = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
        nanosleep(&interval, NULL);
        if (ask && ask(ask_user))
            return msio_error_set(MSIO_E_CANCELLED, lock->path,
                                  "the wait for another process's write lock was stopped");
        if (pause < 20e-3) pause *= 2;
    }
}

void msio_lock_give(msio_lock *lock) {
    struct flock range = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    pthread_mutex_lock(&mutex);
    if (lock->generation == generation && lock->holders > 0 && --lock->holders == 0)
        fcntl(lock->fd, F_OFD_SETLK, &range);
    pthread_mutex_unlock(&mutex);
}

/* A record that came after the file was opened is seen as far as the file's last page then reached. */
const uint8_t *msio_lock_sync_view(msio_lock *lock, int64_t length) {
    int64_t page = sysconf(_SC_PAGESIZE), pages = (lock->view.stamp.size + page - 1) / page;
    if (length <= 0 || length > pages * page - SYNC_OFFSET) return NULL;
    const uint8_t *start = msio_file_mapped(&lock->view);
    if (!start) start = msio_file_map(&lock->view);
    return start ? start + SYNC_OFFSET : NULL;
}

msio_status msio_lock_sync_bytes(const msio_lock *lock, uint8_t *buffer, int64_t size, int64_t *length) {
    *length = 0;
    if (!lock) return MSIO_OK;
    ssize_t n;
    do n = pread(lock->fd, buffer, (size_t)size, SYNC_OFFSET);
    while (n < 0 && errno == EINTR);
    if (n < 0) return msio_error_system(MSIO_E_IO, lock->path, "cannot read the sync record");
    if (n < 4) return MSIO_OK;
    int64_t stored = (int64_t)buffer[0] << 24 | buffer[1] << 16 | buffer[2] << 8 | buffer[3];
    if (stored == 0) return MSIO_OK;
    if (stored + 4 > n)
        return msio_error_set(MSIO_E_FORMAT, lock->path, "a sync record of %lld bytes is announced, %lld are there",
                              (long long)stored, (long long)(n - 4));
    *length = stored + 4;
    return MSIO_OK;
}
