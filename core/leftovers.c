/* leftovers.c - what killed processes left of files that they were making. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* open-file-description locks, nftw */
#endif
#include "core/leftovers.h"

#include "msio/files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- notices */

static _Thread_local void (*tell_notice)(void *user, const char *sentence);
static _Thread_local void *notice_user;

void msio_notices_tell(void (*tell)(void *user, const char *sentence), void *user) {
    tell_notice = tell;
    notice_user = user;
}

void msio_notice(const char *format, ...) {
    char text[PATH_MAX + 256];
    va_list list;
    if (!tell_notice) return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    tell_notice(notice_user, text);
}

/* ---------------------------------------------------------------- small things */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)where;
    /* a file of two names is another's too */
    if (kind == FTW_F && S_ISREG(info->st_mode) && info->st_nlink == 1 && truncate(path, 0) != 0)
        errno = 0; /* removing it is what counts */
    return remove(path);
}

void msio_tree_remove(const char *path) { nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

bool msio_making_lock(int fd) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
    return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

bool msio_making_same(int fd, const char *path) {
    struct stat open, there;
    return fstat(fd, &open) == 0 && lstat(path, &there) == 0 && open.st_dev == there.st_dev &&
           open.st_ino == there.st_ino;
}

/* ---------------------------------------------------------------- one leftover */

/* What a lock file says; the same lines are written by making.c. */
typedef struct maker {
    bool ours;  /* it is a lock file of msio, or one whose maker had no time to write a byte */
    bool empty; /* the latter: then nothing was made yet */
    bool locked;
    char process[24], host[HOST_NAME_MAX + 1];
} maker;

static void take_line(const char *text, const char *key, char *value, size_t size) {
    const char *at = strstr(text, key);
    value[0] = '\0';
    if (at) snprintf(value, size, "%.*s", (int)strcspn(at + strlen(key), "\n"), at + strlen(key));
}

static maker read_maker(int fd) {
    char text[512], locked[8];
    maker m = {.ours = false};
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n < 0) return m;
    text[n] = '\0';
    m.empty = n == 0;
    m.ours = m.empty || strncmp(text, MSIO_MAKING_MAGIC, strlen(MSIO_MAKING_MAGIC)) == 0;
    take_line(text, "\nprocess ", m.process, sizeof m.process);
    take_line(text, "\nhost ", m.host, sizeof m.host);
    take_line(text, "\nlocked ", locked, sizeof locked);
    m.locked = strcmp(locked, "yes") == 0;
    return m;
}

static bool is_here(const maker *m) {
    char host[HOST_NAME_MAX + 1] = "";
    gethostname(host, sizeof host - 1);
    return strcmp(host, m->host) == 0;
}

/* Why what a lock file stands for stays; NULL: it may go. The file is locked by us where that could be had. */
static const char *why_it_stays(const maker *m, bool locked, bool stands) {
    if (m->empty) return stands ? "its lock file is empty" : locked ? NULL : "";
    if (!is_here(m)) return "it was begun on another machine";
    if (!m->locked) return "it was begun where no lock could be had";
    return locked ? NULL : "the process is still at work, or locks do not work here";
}

/* One lock file, and what it stands for. */
static void clear_one(const char *lock) {
    char place[PATH_MAX];
    struct stat s;
    int fd = open(lock, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    snprintf(place, sizeof place, "%.*s", (int)(strlen(lock) - strlen(MSIO_MAKING_LOCK)), lock);
    const bool stands = lstat(place, &s) == 0;
    if (fd < 0) {
        if (stands) msio_notice("%s is unfinished, and stays: its lock file may not be opened", place);
        return;
    }
    if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && read_maker(fd).ours) {
        const bool locked = msio_making_lock(fd) && msio_making_same(fd, lock);
        const maker m = read_maker(fd);
        const char *why = why_it_stays(&m, locked, stands);
        if (!why) {
            if (!m.empty) msio_tree_remove(place);
            unlink(lock);
        } else if (*why) {
            msio_notice("%s is unfinished, of process %s on %s, and stays: %s", place, m.process[0] ? m.process : "?",
                        m.host[0] ? m.host : "?", why);
        }
    }
    close(fd);
}

/* ---------------------------------------------------------------- a folder's */

/* Whether a name is stem, six of chance, and the ending. */
static bool is_marked(const char *name, const char *stem, const char *ending) {
    const size_t begins = strlen(stem);
    if (strncmp(name, stem, begins) != 0) return false;
    for (int i = 0; i < MSIO_MAKING_CHANCE; i++)
        if (!isalnum((unsigned char)name[begins + (size_t)i])) return false;
    return strcmp(name + begins + MSIO_MAKING_CHANCE, ending) == 0;
}

void msio_leftovers_clear(const char *folder, const char *stem) {
    DIR *listing = opendir(folder);
    for (struct dirent *e; listing && (e = readdir(listing));) {
        char path[PATH_MAX], lock[PATH_MAX + sizeof MSIO_MAKING_LOCK];
        struct stat s;
        if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path) continue;
        if (is_marked(e->d_name, stem, MSIO_MAKING_LOCK)) {
            clear_one(path);
        } else if (is_marked(e->d_name, stem, "")) {
            snprintf(lock, sizeof lock, "%s" MSIO_MAKING_LOCK, path);
            if (lstat(lock, &s) != 0 && lstat(path, &s) == 0)
                msio_notice("%s looks unfinished, and stays: it has no lock file; remove it if nobody makes it", path);
        }
    }
    if (listing) closedir(listing);
}
