/* descriptors.c - file descriptors that can be given back, and are opened again when they are needed.
 *
 * `users` of a descriptor is its whole state: from 0 on it is open and has so many users, SHUT says that it is not
 * open. A user goes from n >= 0 to n + 1 without a lock; who closes goes from 0 to SHUT, so never under a user. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/descriptors.h"

#include "core/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define SHUT (-1)
#define BATCH 64  /* so many are chosen by one look at all */
#define RELIEF 16 /* so many are closed when there are none left: the next calls need some too */
#define NO_PLACE (-1)

struct msio_descriptor {
    atomic_int users;
    int fd;             /* while it is open */
    int place;          /* in the list, or NO_PLACE; under the lock */
    atomic_ullong used; /* the clock at its last use; 0: not likely to be needed again */
    msio_descriptor_may_close may_close;
    void *user;
};

static msio_descriptor **list; /* of all that are open, in no order; under MSIO_LOCK_DESCRIPTORS */
static int listed, capacity;
static atomic_ullong now = 1;

/* ---------------------------------------------------------------- the list; all under the lock */

static bool enlist(msio_descriptor *d) {
    if (listed == capacity) {
        int wanted = capacity ? 2 * capacity : 64;
        msio_descriptor **grown = realloc(list, (size_t)wanted * sizeof *grown);
        if (!grown) return false;
        list = grown;
        capacity = wanted;
    }
    d->place = listed;
    list[listed++] = d;
    return true;
}

static void strike(msio_descriptor *d) {
    if (d->place == NO_PLACE) return;
    list[d->place] = list[--listed];
    list[d->place]->place = d->place;
    d->place = NO_PLACE;
}

/* Those that nobody uses and that were used longest ago, oldest first, BATCH at most. */
static int find_oldest(msio_descriptor **oldest) {
    unsigned long long when[BATCH];
    int n = 0;
    for (int i = 0; i < listed; i++) {
        msio_descriptor *d = list[i];
        unsigned long long used = atomic_load_explicit(&d->used, memory_order_relaxed);
        if (atomic_load_explicit(&d->users, memory_order_relaxed) != 0 || (n == BATCH && used >= when[n - 1])) continue;
        int at = n < BATCH ? n++ : n - 1;
        for (; at > 0 && when[at - 1] > used; at--) {
            when[at] = when[at - 1];
            oldest[at] = oldest[at - 1];
        }
        when[at] = used;
        oldest[at] = d;
    }
    return n;
}

static void touch(msio_descriptor *d) {
    atomic_store_explicit(&d->used, atomic_fetch_add_explicit(&now, 1, memory_order_relaxed), memory_order_relaxed);
}

/* Closes one that nobody uses. Whether it may be closed is asked right before: that can change at any moment. */
static bool shut(msio_descriptor *d, bool thorough) {
    int none = 0;
    if (!atomic_compare_exchange_strong(&d->users, &none, SHUT)) return false;
    if (d->may_close && !d->may_close(d->user, d->fd, thorough)) {
        touch(d); /* others are asked first, next time */
        atomic_store(&d->users, 0);
        return false;
    }
    strike(d);
    close(d->fd);
    return true;
}

static int shut_some(int wanted, bool thorough) {
    int closed = 0;
    for (int tries = listed / BATCH + 1; tries > 0 && closed < wanted; tries--) {
        msio_descriptor *oldest[BATCH];
        int n = find_oldest(oldest);
        for (int i = 0; i < n && closed < wanted; i++) closed += shut(oldest[i], thorough);
    }
    return closed;
}

/* Closes so many, where that many may be. */
static int give_back(int wanted) {
    int closed = shut_some(wanted, false);
    return closed ? closed : shut_some(wanted, true);
}

static int limit_now(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY) return INT_MAX;
    return limit.rlim_cur / 4 < INT_MAX ? (int)(limit.rlim_cur / 4) : INT_MAX;
}

/* Room for those that come next is made as well, so that not each of them looks through all. The system is asked for
 * its limit, which others may have lowered, at every eighth. */
static void keep_limit(void) {
    static int limit;
    if (listed <= limit && listed % 8) return;
    limit = limit_now();
    if (listed <= limit) return;
    int spare = limit / 16 < BATCH / 2 ? limit / 16 : BATCH / 2;
    give_back(listed - limit + spare);
}

/* ---------------------------------------------------------------- one descriptor */

msio_descriptor *msio_descriptor_new(msio_descriptor_may_close may_close, void *user) {
    msio_descriptor *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    atomic_init(&d->users, SHUT);
    d->fd = -1;
    d->place = NO_PLACE;
    d->may_close = may_close;
    d->user = user;
    return d;
}

int msio_descriptor_abandon(msio_descriptor *d) {
    msio_lock_brief(MSIO_LOCK_DESCRIPTORS);
    int fd = atomic_load(&d->users) == SHUT ? -1 : d->fd;
    atomic_store(&d->users, SHUT);
    strike(d);
    msio_unlock_brief(MSIO_LOCK_DESCRIPTORS);
    return fd;
}

void msio_descriptor_free(msio_descriptor *d) {
    if (!d) return;
    int fd = msio_descriptor_abandon(d);
    if (fd >= 0) close(fd);
    free(d);
}

static bool join(msio_descriptor *d) {
    int users = atomic_load_explicit(&d->users, memory_order_relaxed);
    while (users != SHUT)
        if (atomic_compare_exchange_weak_explicit(&d->users, &users, users + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}

bool msio_descriptor_use(msio_descriptor *d, int *fd) {
    if (!join(d)) {
        msio_lock_brief(MSIO_LOCK_DESCRIPTORS); /* it may look shut while it is asked whether it may be */
        bool open = join(d);
        msio_unlock_brief(MSIO_LOCK_DESCRIPTORS);
        if (!open) return false;
    }
    *fd = d->fd;
    touch(d);
    return true;
}

void msio_descriptor_unuse(msio_descriptor *d) { atomic_fetch_sub_explicit(&d->users, 1, memory_order_release); }

/* One that cannot be listed, without memory, stays open until it is freed. */
int msio_descriptor_put(msio_descriptor *d, int fd) {
    msio_lock_brief(MSIO_LOCK_DESCRIPTORS);
    bool late = join(d);
    int there = late ? d->fd : fd;
    touch(d);
    if (!late) {
        d->fd = fd;
        (void)enlist(d);
        atomic_store(&d->users, 1);
        keep_limit();
    }
    msio_unlock_brief(MSIO_LOCK_DESCRIPTORS);
    if (late) close(fd);
    return there;
}

int msio_descriptor_number(const msio_descriptor *d) { return atomic_load(&d->users) == SHUT ? -1 : d->fd; }

void msio_descriptor_rest(msio_descriptor *d) { atomic_store_explicit(&d->used, 0, memory_order_relaxed); }

/* ---------------------------------------------------------------- when there are none left */

static bool relieve(void) {
    msio_lock_brief(MSIO_LOCK_DESCRIPTORS);
    int closed = give_back(RELIEF);
    msio_unlock_brief(MSIO_LOCK_DESCRIPTORS);
    return closed > 0;
}

int msio_descriptor_open(const char *path, int flags) {
    for (;;) {
        int fd = open(path, flags);
        if (fd >= 0) return fd;
        int why = errno;
        bool again = why == EINTR || ((why == EMFILE || why == ENFILE) && relieve());
        errno = why;
        if (!again) return -1;
    }
}

DIR *msio_descriptor_list(const char *folder) {
    int fd = msio_descriptor_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !listing) {
        int why = errno;
        close(fd);
        errno = why;
    }
    return listing;
}

bool msio_descriptors_relieve(void) {
    int kept = errno, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool out = fd < 0 && (errno == EMFILE || errno == ENFILE) && relieve();
    if (fd >= 0) close(fd);
    errno = kept;
    return out;
}

int msio_descriptors_kept(void) {
    msio_lock_brief(MSIO_LOCK_DESCRIPTORS);
    int n = listed;
    msio_unlock_brief(MSIO_LOCK_DESCRIPTORS);
    return n;
}

int msio_descriptors_limit(void) { return limit_now(); }
