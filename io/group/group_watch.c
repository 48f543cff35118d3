/* group_watch.c - folders watched for groups of subband files, through inotify.
 *
 * Files that wait for their group stand in one list. A group that was delivered leaves a seal: its first file's time
 * and its subbands, so that files of it which come later, or are found again by a scan, begin no second group. */
#include "core/descriptors.h"
#include "core/error.h"
#include "io/group/group_name.h"
#include "prof/call.h"

#if defined(__linux__)

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct seal {
    int64_t time;
    uint64_t *subbands;
} seal;

typedef struct folder {
    char *path;
    int watch; /* inotify's number; -1: it is another one's twin */
} folder;

struct msio_group_watch {
    msio_group_rules rules;
    int fd, folders;
    folder *folder;
    msio_group_entries waiting;
    seal *seals; /* by time */
    int64_t sealed, seal_room;
    uint64_t *sets;     /* two sets of subbands, to work with */
    double next_expiry; /* by the clock: when the next file or group has waited for two windows; else infinite */
    msio_arena arena;   /* behind `ready` */
    const msio_group *ready;
    int64_t ready_count, ready_next;
    const char *gone; /* the folder that vanished, of `folder` */
    bool overflowed;  /* events were lost */
    bool changed;     /* what waits did, since it was looked at */
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static msio_status no_memory(void) { return msio_error_set(MSIO_E_MEMORY, NULL, "no memory to watch for groups"); }

/* ---------------------------------------------------------------- seals */

/* How many seals are not later than a time. */
static int64_t seals_until(const msio_group_watch *watch, int64_t time) {
    int64_t low = 0, high = watch->sealed;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (watch->seals[middle].time <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static msio_status put_seal(msio_group_watch *watch, int64_t time, const uint64_t *subbands) {
    size_t bytes = msio_subband_words(watch->rules.subbands) * sizeof *subbands;
    if (watch->sealed == watch->seal_room) {
        int64_t room = watch->seal_room ? 2 * watch->seal_room : 64;
        seal *more = realloc(watch->seals, (size_t)room * sizeof *more);
        if (!more) return no_memory();
        watch->seals = more;
        watch->seal_room = room;
    }
    uint64_t *copy = malloc(bytes);
    if (!copy) return no_memory();
    memcpy(copy, subbands, bytes);
    int64_t at = seals_until(watch, time);
    memmove(watch->seals + at + 1, watch->seals + at, (size_t)(watch->sealed - at) * sizeof *watch->seals);
    watch->seals[at] = (seal){time, copy};
    watch->sealed++;
    return MSIO_OK;
}

/* Whether a time lies in the window of a group that was delivered. */
static bool is_sealed(const msio_group_watch *watch, int64_t time) {
    int64_t until = seals_until(watch, time);
    return until && (double)(time - watch->seals[until - 1].time) <= watch->rules.window;
}

/* Whether a waiting file may belong to a group that was delivered: it lies up to a window before or two windows after
 * that one's first file, and no group of its own begins with it. */
static bool is_straggler(const msio_group_watch *watch, int64_t at) {
    int64_t time = watch->waiting.entry[at].time, until = seals_until(watch, time);
    const seal *near[] = {NULL, NULL};
    if (until && (double)(time - watch->seals[until - 1].time) <= 2 * watch->rules.window)
        near[0] = &watch->seals[until - 1];
    if (until < watch->sealed && (double)(watch->seals[until].time - time) <= watch->rules.window)
        near[1] = &watch->seals[until];
    for (int i = 0; i < 2; i++)
        if (near[i] && !msio_group_stands_alone(&watch->waiting, at, &watch->rules, near[i]->subbands, watch->sets))
            return true;
    return false;
}

/* ---------------------------------------------------------------- what waits */

/* Takes one file out of the list. */
static void forget(msio_group_entries *list, int64_t at) {
    free(list->entry[at].path);
    list->n--;
    memmove(list->entry + at, list->entry + at + 1, (size_t)(list->n - at) * sizeof *list->entry);
}

/* Files came, the latest of this time; those that wait are to know it. */
static void note_newest(msio_group_watch *watch, int64_t newest) {
    for (int64_t i = 0; i < watch->waiting.n; i++)
        if (watch->waiting.entry[i].newest_since < newest) watch->waiting.entry[i].newest_since = newest;
}

/* Sorts what waits; drops what was told twice, and what belongs to groups that were delivered. */
static void tidy(msio_group_watch *watch) {
    msio_group_entries *list = &watch->waiting;
    int64_t kept = 0;
    msio_group_entries_sort(list);
    for (int64_t i = 0; i < list->n; i++) {
        msio_group_entry *entry = &list->entry[i], *last = kept ? &list->entry[kept - 1] : NULL;
        if (last && msio_group_entry_compare(entry, last) == 0) {
            last->seen = fmin(last->seen, entry->seen);
            free(entry->path);
        } else if (is_sealed(watch, entry->time)) {
            free(entry->path);
        } else {
            list->entry[kept++] = *entry;
        }
    }
    list->n = kept;
}

/* Whether what begins at this time and waits since `seen` has waited long enough. */
static bool is_expired(msio_group_watch *watch, int64_t time, double seen, int64_t newest, double clock) {
    double due = seen + 2 * watch->rules.window;
    if ((double)(newest - time) > 2 * watch->rules.window || clock >= due) return true;
    watch->next_expiry = fmin(watch->next_expiry, due);
    return false;
}

/* Whether a group is to be delivered. */
static bool is_due(msio_group_watch *watch, const msio_group_extent *extent, double clock) {
    const msio_group_entry *entries = watch->waiting.entry + extent->first;
    double seen = entries[0].seen;
    int64_t newest = entries[0].newest_since;
    if (extent->subbands == watch->rules.subbands) return true;
    for (int64_t i = 1; i < extent->files; i++) {
        seen = fmin(seen, entries[i].seen);
        if (entries[i].newest_since > newest) newest = entries[i].newest_since;
    }
    return is_expired(watch, entries[0].time, seen, newest, clock);
}

/* Collects the groups that are due, in order of time. extents has room for one a file. */
static int64_t collect(msio_group_watch *watch, double clock, msio_group_extent *extents) {
    const msio_group_entries *list = &watch->waiting;
    uint64_t *taken = watch->sets + msio_subband_words(watch->rules.subbands);
    int64_t n = 0;
    for (int64_t at = 0; at < list->n;) {
        if (is_straggler(watch, at)) {
            at++;
            continue;
        }
        msio_group_measure(list, at, &watch->rules, taken, watch->sets, &extents[n]);
        at += extents[n].files + extents[n].late;
        n += is_due(watch, &extents[n], clock);
    }
    return n;
}

/* Seals delivered groups and takes their files out of what waits. */
static msio_status seal_groups(msio_group_watch *watch, const msio_group_extent *extents, int64_t n) {
    msio_group_entries *list = &watch->waiting;
    size_t words = msio_subband_words(watch->rules.subbands);
    for (int64_t i = 0; i < n; i++) {
        const msio_group_entry *entries = list->entry + extents[i].first;
        memset(watch->sets, 0, words * sizeof *watch->sets);
        for (int64_t k = 0; k < extents[i].files; k++) msio_subband_put(watch->sets, entries[k].subband);
        if (put_seal(watch, entries[0].time, watch->sets)) return MSIO_E_MEMORY;
    }
    tidy(watch);
    return MSIO_OK;
}

/* Stragglers wait too: others may still come that make them a group of their own. */
static void drop_stragglers(msio_group_watch *watch, double clock) {
    msio_group_entries *list = &watch->waiting;
    for (int64_t i = list->n - 1; i >= 0; i--) {
        const msio_group_entry *entry = &list->entry[i];
        if (is_straggler(watch, i) && is_expired(watch, entry->time, entry->seen, entry->newest_since, clock))
            forget(list, i);
    }
}

/* Looks for groups that are due, and makes them ready. */
static msio_status evaluate(msio_group_watch *watch, double clock) {
    msio_group_entries *list = &watch->waiting;
    watch->changed = false;
    watch->next_expiry = INFINITY;
    tidy(watch);
    msio_group_extent *extents = malloc(((size_t)list->n + 1) * sizeof *extents);
    if (!extents) return no_memory();
    int64_t n = collect(watch, clock, extents);
    msio_arena_free(&watch->arena);
    msio_status status = msio_group_describe(list, extents, n, &watch->rules, &watch->arena, &watch->ready);
    if (!status) status = seal_groups(watch, extents, n);
    free(extents);
    if (status) return status;
    watch->ready_next = 0;
    watch->ready_count = n;
    drop_stragglers(watch, clock);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- folders */

/* Scans all folders: what is new in them waits, what waits and is gone from them is forgotten. */
static msio_status scan(msio_group_watch *watch) {
    msio_group_finds finds = MSIO_GROUP_FINDS_INIT;
    msio_group_entries *list = &watch->waiting, *found = &finds.files;
    msio_status status = MSIO_OK;
    int fd;
    for (int i = 0; i < watch->folders && !status; i++) {
        if (watch->folder[i].watch < 0) continue;
        status = msio_group_folder_open(watch->folder[i].path, &fd);
        if (!status) status = msio_group_scan(fd, watch->folder[i].path, &watch->rules, &finds);
    }
    if (!status) status = msio_group_headers_ask(&watch->rules, &finds);
    if (!status) {
        double clock = now();
        msio_group_entries_sort(found);
        for (int64_t i = 0; i < found->n; i++) found->entry[i].seen = clock;
        for (int64_t i = 0; i < list->n; i++) { /* those that are still there have waited since they were first seen */
            msio_group_entry *again = msio_group_entries_find(found, &list->entry[i]);
            if (!again) continue;
            again->seen = list->entry[i].seen;
            again->newest_since = list->entry[i].newest_since;
        }
        msio_group_entries_free(list);
        *list = *found;
        *found = (msio_group_entries){0, 0, NULL};
        if (list->n) note_newest(watch, list->entry[list->n - 1].time);
        watch->changed = true;
    }
    msio_group_finds_free(&finds);
    return status;
}

static msio_status refuse(int why, const char *path) {
    if (why == ENOENT || why == ENOTDIR || why == EACCES) { /* in the words of a scan */
        int fd;
        msio_status status = msio_group_folder_open(path, &fd);
        if (status) return status;
        close(fd);
    }
    errno = why;
    if (why == ENOSPC)
        return msio_error_system(MSIO_E_IO, path, "the folder cannot be watched: raise fs.inotify.max_user_watches");
    return msio_error_system(MSIO_E_IO, path, "the folder cannot be watched");
}

static msio_status watch_folder(msio_group_watch *watch, const char *path) {
    const uint32_t mask = IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |
                          IN_MOVE_SELF | IN_ONLYDIR;
    int number = inotify_add_watch(watch->fd, path, mask);
    if (number < 0) return refuse(errno, path);
    for (int i = 0; i < watch->folders; i++)
        if (watch->folder[i].watch == number) number = -1;
    folder *made = &watch->folder[watch->folders];
    made->watch = number;
    made->path = strdup(path);
    if (!made->path) return no_memory();
    watch->folders++;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- events */

/* A name that was just made belongs to a whole file when it is a link; else its writer has still to close it. */
static bool is_link(const char *path) {
    struct stat facts;
    return lstat(path, &facts) == 0 && (S_ISLNK(facts.st_mode) || facts.st_nlink > 1);
}

/* Forgets what waits under this path. */
static void note_gone(msio_group_watch *watch, const char *path) {
    for (int64_t i = watch->waiting.n - 1; i >= 0; i--)
        if (strcmp(watch->waiting.entry[i].path, path) == 0) forget(&watch->waiting, i);
}

/* A whole file came; what `came` holds of expected files waits from now on. */
static msio_status note_come(msio_group_watch *watch, msio_group_finds *came, double clock) {
    msio_status status = msio_group_headers_ask(&watch->rules, came);
    for (int64_t i = 0; i < came->files.n && !status; i++) {
        msio_group_entry *entry = &came->files.entry[i];
        status = msio_group_entries_take(&watch->waiting, entry);
        if (status) break;
        watch->waiting.entry[watch->waiting.n - 1].seen = clock;
        note_newest(watch, watch->waiting.entry[watch->waiting.n - 1].time);
    }
    return status;
}

/* A file came or went. */
static msio_status note_file(msio_group_watch *watch, const folder *where, const struct inotify_event *event,
                             double clock) {
    msio_group_finds came = MSIO_GROUP_FINDS_INIT;
    msio_group_entries *list = NULL;
    msio_status status = msio_group_take_name(where->path, event->name, &watch->rules, &came, &list);
    if (!status && list && list != &came.incomplete) {
        const char *path = list->entry[0].path;
        watch->changed = true;
        if (event->mask & (IN_MOVED_FROM | IN_DELETE))
            note_gone(watch, path);
        else if (!(event->mask & IN_CREATE) || is_link(path))
            status = note_come(watch, &came, clock);
    }
    msio_group_finds_free(&came);
    return status;
}

static msio_status note_event(msio_group_watch *watch, const struct inotify_event *event, double clock) {
    const folder *where = NULL;
    if (event->mask & IN_Q_OVERFLOW) watch->overflowed = true;
    for (int i = 0; i < watch->folders; i++)
        if (watch->folder[i].watch >= 0 && watch->folder[i].watch == event->wd) where = &watch->folder[i];
    if (!where) return MSIO_OK;
    if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) watch->gone = where->path;
    if (event->mask & IN_ISDIR || !event->len) return MSIO_OK;
    return note_file(watch, where, event, clock);
}

/* Takes the events that are there. */
static msio_status read_events(msio_group_watch *watch) {
    alignas(struct inotify_event) char buffer[16384];
    msio_status status = MSIO_OK;
    double clock = now();
    ssize_t length = read(watch->fd, buffer, sizeof buffer);
    if (length < 0 && errno != EAGAIN && errno != EINTR)
        return msio_error_system(MSIO_E_IO, watch->folder[0].path, "the events of the watched folders cannot be read");
    for (ssize_t at = 0; at < length && !status;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)(buffer + at);
        status = note_event(watch, event, clock);
        at += (ssize_t)(sizeof *event + event->len);
    }
    if (!status && watch->overflowed && !watch->gone) {
        watch->overflowed = false;
        status = scan(watch);
    }
    return status;
}

/* Waits for events, at most until the next expiry or the deadline. -1: a signal came, 0: nothing, 1: events. */
static int wait_for_events(const msio_group_watch *watch, double clock, double deadline) {
    struct pollfd asked = {watch->fd, POLLIN, 0};
    double seconds = fmin(deadline, watch->next_expiry) - clock;
    int milliseconds = seconds <= 0 ? 0 : seconds > 1e6 ? 1000000000 : (int)ceil(seconds * 1e3);
    return poll(&asked, 1, milliseconds);
}

/* ---------------------------------------------------------------- the calls */

msio_status msio_group_watch_open(int n, const char *const *dirs, const msio_group_opts *opts,
                                  msio_group_watch **watch) {
    PROF_CALL(n > 0 && dirs ? dirs[0] : NULL);
    if (n < 1 || !dirs || !watch)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no folder was given, or nowhere to put the watch");
    msio_group_watch *made = calloc(1, sizeof *made);
    if (!made) return no_memory();
    made->fd = -1;
    msio_status status = msio_group_rules_make(opts, &made->rules);
    if (!status && !made->rules.pattern.has_subband && made->rules.first_frequency <= 0)
        status = msio_error_set(MSIO_E_ARGUMENT, NULL,
                                "a pattern without {subband} can be watched where first_frequency and frequency_step "
                                "say which frequencies are which subband's");
    if (status) goto out;
    made->folder = calloc((size_t)n, sizeof *made->folder);
    made->sets = calloc(2 * msio_subband_words(made->rules.subbands), sizeof *made->sets);
    if (!made->folder || !made->sets) {
        status = no_memory();
        goto out;
    }
    do made->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    while (made->fd < 0 && errno == EMFILE && msio_descriptors_relieve());
    if (made->fd < 0)
        status = msio_error_system(MSIO_E_IO, dirs[0],
                                   "folders cannot be watched: raise fs.inotify.max_user_instances, or ulimit -n");
    for (int i = 0; i < n && !status; i++) status = watch_folder(made, dirs[i]);
    if (!status) status = scan(made);
out:
    if (status)
        msio_group_watch_close(made);
    else
        *watch = made;
    return status;
}

msio_status msio_group_watch_next(msio_group_watch *watch, double timeout, const msio_group **group) {
    PROF_WITHIN;
    if (!watch || !group) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no watch, or nowhere to put the group");
    double clock = now(), deadline = timeout < 0 ? INFINITY : clock + timeout;
    for (bool asked = false;; asked = true, clock = now()) {
        msio_status status = MSIO_OK;
        if (watch->ready_next == watch->ready_count && (watch->changed || clock >= watch->next_expiry))
            status = evaluate(watch, clock);
        if (status) return status;
        if (watch->ready_next < watch->ready_count) {
            *group = &watch->ready[watch->ready_next++];
            return MSIO_OK;
        }
        if (watch->gone)
            return msio_error_set(MSIO_E_NOT_FOUND, watch->gone,
                                  "the folder was removed, moved or unmounted while it was watched; make it again, and "
                                  "start again");
        if (asked && clock >= deadline) return MSIO_END;
        int events = wait_for_events(watch, clock, deadline);
        if (events < 0 && errno == EINTR) return MSIO_END;
        if (events < 0) return msio_error_system(MSIO_E_IO, watch->folder[0].path, "waiting for events failed");
        if (events > 0) status = read_events(watch);
        if (status) return status;
    }
}

void msio_group_watch_close(msio_group_watch *watch) {
    PROF_WITHIN;
    if (!watch) return;
    if (watch->fd >= 0) close(watch->fd);
    for (int i = 0; i < watch->folders; i++) free(watch->folder[i].path);
    for (int64_t i = 0; i < watch->sealed; i++) free(watch->seals[i].subbands);
    free(watch->folder);
    free(watch->seals);
    free(watch->sets);
    msio_group_entries_free(&watch->waiting);
    msio_arena_free(&watch->arena);
    free(watch);
}

#else /* no inotify */

struct msio_group_watch {
    char unused;
};

msio_status msio_group_watch_open(int n, const char *const *dirs, const msio_group_opts *opts,
                                  msio_group_watch **watch) {
    (void)n, (void)dirs, (void)opts, (void)watch;
    return msio_error_set(MSIO_E_UNSUPPORTED, NULL, "folders are watched on Linux only: ask again now and then");
}

msio_status msio_group_watch_next(msio_group_watch *watch, double timeout, const msio_group **group) {
    (void)watch, (void)timeout, (void)group;
    return msio_error_set(MSIO_E_ARGUMENT, NULL, "there is no watch");
}

void msio_group_watch_close(msio_group_watch *watch) { (void)watch; }

#endif
