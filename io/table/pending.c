/* pending.c - the list of what was put and is not in its files yet. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/table/pending.h"

#include "core/lock.h"

#include <string.h>
#include <time.h>

atomic_int msio_pendings;
static msio_pending *first;
static _Thread_local bool settling; /* storing begins with looking at the table, too */

void msio_pending_add(msio_pending *p) {
    msio_lock_brief(MSIO_LOCK_PENDING);
    if (!p->listed) {
        if (p->forks != msio_forks()) p->users = 0; /* threads of a parent */
        p->forks = msio_forks();
        p->next = first;
        p->listed = true;
        first = p;
        atomic_fetch_add(&msio_pendings, 1);
    }
    msio_unlock_brief(MSIO_LOCK_PENDING);
}

void msio_pending_remove(msio_pending *p) {
    msio_lock_brief(MSIO_LOCK_PENDING);
    if (p->listed) {
        msio_pending **at = &first;
        while (*at != p) at = &(*at)->next;
        *at = p->next;
        p->listed = false;
        atomic_fetch_sub(&msio_pendings, 1);
    }
    msio_unlock_brief(MSIO_LOCK_PENDING);
}

void msio_pending_leave(const msio_pending *p) {
    for (;;) {
        msio_lock_brief(MSIO_LOCK_PENDING);
        bool used = p->users > 0 && p->forks == msio_forks();
        msio_unlock_brief(MSIO_LOCK_PENDING);
        if (!used) return;
        struct timespec pause = {0, 50000};
        nanosleep(&pause, NULL);
    }
}

/* What is to be settled; members that are NULL do not matter. */
typedef struct wanted {
    const msio_pending *one;
    const msio_table *table;
    const msio_lock *lock;
    const char *column;
} wanted;

static bool concerns(const msio_pending *p, const wanted *w) {
    if (w->one) return p == w->one;
    if (w->table) return p->table == w->table;
    bool found = !w->lock;
    for (int i = 0; i < p->places && !found; i++)
        found = p->place[i].lock == w->lock && (!w->column || strcmp(w->column, p->place[i].column) == 0);
    return found;
}

static msio_pending *take_one(const wanted *w) {
    msio_lock_brief(MSIO_LOCK_PENDING);
    msio_pending *p = first;
    while (p && !concerns(p, w)) p = p->next;
    if (p) p->users++;
    msio_unlock_brief(MSIO_LOCK_PENDING);
    return p;
}

static void give_one(msio_pending *p) {
    msio_lock_brief(MSIO_LOCK_PENDING);
    p->users--;
    msio_unlock_brief(MSIO_LOCK_PENDING);
}

/* What was settled is off the list; what could not be stays there, and ends the call. */
static msio_status settle(const wanted *w) {
    msio_status status = MSIO_OK;
    if (settling) return MSIO_OK;
    settling = true;
    for (msio_pending *p; !status && (p = take_one(w));) {
        status = p->settle(p);
        give_one(p);
    }
    settling = false;
    return status;
}

msio_status msio_pending_settle(msio_pending *p) { return settle(&(wanted){.one = p}); }

msio_status msio_pending_settle_lock(const msio_lock *lock, const char *column) {
    return settle(&(wanted){.lock = lock, .column = column});
}

msio_status msio_pending_settle_table(const msio_table *table) { return settle(&(wanted){.table = table}); }

bool msio_pending_quiet(bool quiet) {
    bool before = settling;
    settling = quiet;
    return before;
}
