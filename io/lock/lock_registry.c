/* lock_registry.c - read locks on tables that casacore respects, and that leave casacore's own locks alone. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* open-file-description locks */
#endif
#include "io/lock/lock_registry.h"

#include "core/error.h"
#include "core/file_map.h"
#include "core/lock.h"
#include "io/lock/lock_private.h"
#include "msio/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SYNC_OFFSET 260
/* Files that no table uses are kept open up to this number: they are likely to be used again. */
#define UNUSED_LIMIT 32

static msio_lock *registry; /* under MSIO_LOCK_REGISTRY, as is all that it leads to */

/* ---------------------------------------------------------------- children of fork */

/* An inherited descriptor shares its lock with the parent's, and keeps it when the parent is gone. A process that has
 * just begun holds no POSIX lock, so that here, and nowhere else, closing drops none. What is mapped counts as open
 * too: it is mapped anew, in the same place. */
static void let_go_of_parents(void) {
    for (msio_lock *l = registry; l; l = l->next) {
        int inherited = msio_descriptor_abandon(l->writing);
        if (inherited >= 0) close(inherited);
        inherited = msio_descriptor_abandon(l->descriptor);
        l->holders = l->writers = 0;
        l->write_held = false;
        if (inherited < 0) continue;
        if (msio_file_mapped(&l->view)) {
            char path[40];
            snprintf(path, sizeof path, "/proc/self/fd/%d", inherited);
            int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
            if (fd >= 0) {
                (void)msio_file_map_again(&l->view, fd);
                msio_descriptor_put(l->descriptor, fd);
                msio_descriptor_unuse(l->descriptor);
            }
        }
        close(inherited);
    }
}

__attribute__((constructor)) static void watch_forks(void) { msio_fork_tell(let_go_of_parents); }

/* ---------------------------------------------------------------- descriptors */

/* Whether descriptor `number` of this process carries a POSIX lock on the file. Its facts fit one read, and come from
 * one moment; /proc/locks takes several, between which entries move and are missed. */
static bool descriptor_holds(const char *number, uint64_t inode) {
    char path[64], facts[4096], place[32];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%.20s", number);
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* not one of ours: where none is left nothing is closed */
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) return true;
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

/* The facts of descriptors are slow to read, and only those of this file can tell of locks on it. Ours has none. */
static bool some_descriptor_holds(const msio_lock *lock, int ours) {
    DIR *all = opendir("/proc/self/fd");
    if (!all) return true;
    bool holds = false;
    for (struct dirent *e; !holds && (e = readdir(all));) {
        struct stat s;
        int fd = e->d_name[0] == '.' ? ours : (int)strtol(e->d_name, NULL, 10);
        if (fd == ours || fstat(fd, &s) != 0) continue;
        holds = (uint64_t)s.st_dev == lock->device && (uint64_t)s.st_ino == lock->inode &&
                descriptor_holds(e->d_name, lock->inode);
    }
    closedir(all);
    return holds;
}

/* Whether this process holds a POSIX lock on the file; true when that cannot be told. Another's lock may hide one of
 * ours: looking for it takes a while, and is only done thoroughly. */
static bool process_holds(const msio_lock *lock, int fd, bool thorough) {
    struct flock any = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
    if (fcntl(fd, F_OFD_GETLK, &any) == 0) {
        if (any.l_type == F_UNLCK) return false;
        if (any.l_pid == getpid()) return true;
    }
    return !thorough || some_descriptor_holds(lock, fd);
}

/* Asked by whoever needs descriptors, at any moment, while nobody uses this one. */
static bool may_close(void *user, int fd, bool thorough) { return !process_holds(user, fd, thorough); }

static void free_lock(msio_lock *lock) {
    msio_file_unmap(&lock->view);
    msio_descriptor_free(lock->descriptor);
    msio_descriptor_free(lock->writing);
    free(lock->path);
    free(lock);
}

static bool may_be_freed(const msio_lock *lock, msio_descriptor *descriptor) {
    int fd;
    if (!msio_descriptor_use(descriptor, &fd)) return true; /* it was given back */
    bool held = process_holds(lock, fd, true);
    msio_descriptor_unuse(descriptor);
    return !held;
}

/* Whether a lock that no table uses may go. */
static bool may_go(const msio_lock *lock) {
    return may_be_freed(lock, lock->descriptor) && may_be_freed(lock, lock->writing);
}

/* Closes what nobody uses, but no file on which this process holds locks. With the registry locked. */
static void sweep(void) {
    int unused = 0;
    for (msio_lock *l = registry; l; l = l->next) unused += l->users == 0;
    if (unused <= UNUSED_LIMIT) return;
    for (msio_lock **at = &registry; *at;) {
        msio_lock *l = *at;
        if (l->users == 0 && may_go(l)) {
            *at = l->next;
            free_lock(l);
        } else {
            at = &l->next;
        }
    }
}

static msio_lock *find(uint64_t device, uint64_t inode) {
    for (msio_lock *l = registry; l; l = l->next)
        if (l->device == device && l->inode == inode) return l;
    return NULL;
}

static void lock_path(const char *directory, char *path, size_t size) {
    snprintf(path, size, "%s/table.lock", directory);
}

/* A new entry for an open file; NULL without memory: the descriptor then stays open for ever, since closing it could
 * drop locks of casacore's. With the registry locked. */
static msio_lock *enter(const char *path, int fd, const msio_stamp *stamp) {
    msio_lock *l = calloc(1, sizeof *l);
    if (!l || !(l->path = strdup(path)) || !(l->descriptor = msio_descriptor_new(may_close, l)) ||
        !(l->writing = msio_descriptor_new(may_close, l))) {
        if (l) msio_descriptor_free(l->descriptor);
        if (l) free(l->path);
        free(l);
        return NULL;
    }
    l->next = registry;
    l->device = stamp->device;
    l->inode = stamp->inode;
    l->view = (msio_file){
        .descriptor = l->descriptor, .path = l->path, .stamp = *stamp, .mappable = msio_file_map_allowed(fd)};
    registry = l;
    msio_descriptor_put(l->descriptor, fd);
    msio_descriptor_unuse(l->descriptor);
    return l;
}

/* Whether a file could not be opened for lack of descriptors. */
static bool ran_out(msio_status status) {
    int why = msio_last_error()->sys_errno;
    return status == MSIO_E_IO && (why == EMFILE || why == ENFILE);
}

/* Opens a file that is not in the registry, seen just now; *lock is NULL where it may not be opened. With the registry
 * locked. */
static msio_status add(const char *path, const msio_stamp *seen, msio_lock **lock) {
    msio_stamp stamp;
    *lock = NULL;
    int fd = -1;
    msio_status status = msio_file_descriptor(path, seen, &fd, &stamp);
    if (status) return status == MSIO_E_FORMAT || ran_out(status) ? status : MSIO_OK;
    *lock = enter(path, fd, &stamp);
    return *lock ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, path, "no memory to open the lock file");
}

msio_status msio_lock_open(const char *directory, msio_lock **lock) {
    char path[4096];
    msio_stamp stamp;
    msio_status status = MSIO_OK;
    lock_path(directory, path, sizeof path);
    *lock = NULL;
    if (msio_stamp_path(path, &stamp)) return MSIO_OK;
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    msio_lock *l = find(stamp.device, stamp.inode);
    if (!l) status = add(path, &stamp, &l);
    if (l) l->users++;
    sweep();
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
    *lock = l;
    return status;
}

msio_lock *msio_lock_share(msio_lock *lock) {
    if (!lock) return NULL;
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    lock->users++;
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
    return lock;
}

void msio_lock_close(msio_lock *lock) {
    if (!lock) return;
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    lock->users--;
    sweep();
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
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
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    for (msio_lock *l = registry; l; l = l->next) n += msio_descriptor_number(l->descriptor) >= 0;
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
    return n;
}

/* ---------------------------------------------------------------- descriptors that were given back */

/* Opens the lock file once more. If another file came to stand at the path in the meantime, its descriptor is not
 * closed, since this process may hold locks on it: it gets an entry of its own. With the registry locked. */
static msio_status open_again(const msio_lock *lock, int *fd) {
    msio_stamp seen, now;
    msio_status status = msio_stamp_path(lock->path, &seen);
    bool same = !status && seen.device == lock->device && seen.inode == lock->inode;
    int opened = -1;
    if (same && (status = msio_file_descriptor(lock->path, &seen, &opened, &now)) == MSIO_E_IO) return status;
    if (!status && same && (now.device != lock->device || now.inode != lock->inode)) {
        enter(lock->path, opened, &now);
        same = false;
    }
    if (status || !same)
        return msio_error_set(MSIO_E_CHANGED, lock->path, "the lock file was replaced or removed since it was opened");
    *fd = msio_descriptor_put(lock->descriptor, opened);
    return MSIO_OK;
}

/* The descriptor, until msio_descriptor_unuse. MSIO_E_CHANGED, MSIO_E_IO. With the registry locked. */
static msio_status use(msio_lock *lock, int *fd) {
    return msio_descriptor_use(lock->descriptor, fd) ? MSIO_OK : open_again(lock, fd);
}

/* ---------------------------------------------------------------- locking */

typedef enum outcome { TAKEN, POINTLESS, BUSY } outcome;

/* One try with an open descriptor; *holder is the process that is in the way. With the registry locked. */
static outcome try_descriptor(const msio_lock *lock, int fd, pid_t *holder) {
    struct flock range = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    if (fcntl(fd, F_OFD_SETLK, &range) == 0) return TAKEN;
    if (errno != EAGAIN && errno != EACCES) return POINTLESS; /* no locks on this file system: as casacore, go on */
    range = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    if (fcntl(fd, F_OFD_GETLK, &range) != 0) return POINTLESS;
    if (range.l_type == F_UNLCK) return BUSY; /* gone meanwhile: the next try gets it */
    *holder = range.l_pid;
    if (lock->write_held) return POINTLESS; /* this process's own hold, as casacore's own write lock */
    return range.l_pid == getpid() ? POINTLESS : BUSY;
}

/* With the registry locked. */
static msio_status try_lock(msio_lock *lock, pid_t *holder, outcome *result) {
    int fd;
    *result = TAKEN;
    if (lock->holders > 0) {
        lock->holders++;
        return MSIO_OK;
    }
    msio_status status = use(lock, &fd);
    if (status) return status;
    *result = try_descriptor(lock, fd, holder);
    if (*result == TAKEN)
        lock->holders = 1;
    else
        msio_descriptor_unuse(lock->descriptor);
    return MSIO_OK;
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

bool msio_waits_asked(void) { return ask && ask(ask_user); }

msio_status msio_lock_take(msio_lock *lock, double seconds, bool *locked) {
    double end = 0, pause = 0.5e-3;
    *locked = false;
    if (!lock) return MSIO_OK;
    for (;;) {
        pid_t holder = 0;
        outcome o;
        msio_lock_brief(MSIO_LOCK_REGISTRY);
        msio_status status = try_lock(lock, &holder, &o);
        msio_unlock_brief(MSIO_LOCK_REGISTRY);
        if (status) return status;
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
        if (msio_waits_asked())
            return msio_error_set(MSIO_E_CANCELLED, lock->path,
                                  "the wait for another process's write lock was stopped");
        if (pause < 20e-3) pause *= 2;
    }
}

void msio_lock_give(msio_lock *lock, unsigned forks) {
    struct flock range = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    if (forks == msio_forks() && lock->holders > 0 && --lock->holders == 0) {
        fcntl(msio_descriptor_number(lock->descriptor), F_OFD_SETLK, &range);
        msio_descriptor_unuse(lock->descriptor);
    }
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
}

/* The descriptor, for who does not lock. */
msio_status msio_lock_use(msio_lock *lock, int *fd) {
    if (msio_descriptor_use(lock->descriptor, fd)) return MSIO_OK;
    msio_lock_brief(MSIO_LOCK_REGISTRY);
    msio_status status = use(lock, fd);
    msio_unlock_brief(MSIO_LOCK_REGISTRY);
    return status;
}

/* A record that came after the file was opened is seen as far as the file's last page then reached. */
const uint8_t *msio_lock_sync_view(msio_lock *lock, int64_t length) {
    int64_t page = sysconf(_SC_PAGESIZE), pages = (lock->view.stamp.size + page - 1) / page;
    if (length <= 0 || length > pages * page - SYNC_OFFSET) return NULL;
    const uint8_t *start = msio_file_mapped(&lock->view);
    int fd;
    if (!start && !msio_lock_use(lock, &fd)) {
        start = msio_file_map(&lock->view);
        msio_descriptor_unuse(lock->descriptor);
    }
    return start ? start + SYNC_OFFSET : NULL;
}

msio_status msio_lock_sync_bytes(msio_lock *lock, uint8_t *buffer, int64_t size, int64_t *length) {
    *length = 0;
    if (!lock) return MSIO_OK;
    int fd;
    msio_status status = msio_lock_use(lock, &fd);
    if (status) return status;
    ssize_t n;
    do n = pread(fd, buffer, (size_t)size, SYNC_OFFSET);
    while (n < 0 && errno == EINTR);
    msio_descriptor_unuse(lock->descriptor);
    if (n < 0) return msio_error_system(MSIO_E_IO, lock->path, "cannot read the sync record");
    if (n < 4) return MSIO_OK;
    int64_t stored = (int64_t)buffer[0] << 24 | buffer[1] << 16 | buffer[2] << 8 | buffer[3];
    if (stored == 0) return MSIO_OK;
    if (stored + 4 > n)
        return msio_error_set(MSIO_E_FORMAT, lock->path,
                              "a sync record of %lld bytes is announced, %lld are there: " MSIO_OTHER_LOCK_ADVICE,
                              (long long)stored, (long long)(n - 4));
    *length = stored + 4;
    return MSIO_OK;
}
