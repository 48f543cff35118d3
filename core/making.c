/* making.c - files and folders that appear under their names when they are whole. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkostemps, renameat2 */
#endif
#include "msio/files.h"

#include "core/error.h"
#include "core/leftovers.h"
#include "core/writing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A lock file may be taken for one that was left, and removed, between its making and its locking. */
#define TRIES 10

struct msio_making {
    char *path;  /* of what is made, as the caller says */
    char *place; /* where it is made */
    char *lock;
    int fd; /* of the lock file */
};

/* ---------------------------------------------------------------- the lock file */

/* Says in the lock file who makes this. */
static msio_status sign(const msio_making *m, bool locked) {
    char host[HOST_NAME_MAX + 1] = "", text[HOST_NAME_MAX + 128];
    gethostname(host, sizeof host - 1);
    const int n = snprintf(text, sizeof text, MSIO_MAKING_MAGIC "process %ld\nhost %s\nlocked %s\n", (long)getpid(),
                           host, locked ? "yes" : "no");
    return msio_write_at(m->fd, m->path, text, n, 0);
}

/* Makes and locks a lock file of a name that nothing has. */
static msio_status make_lock(msio_making *m, size_t size, const char *folder, const char *stem) {
    for (int i = 0; i < TRIES; i++) {
        snprintf(m->lock, size, "%s/%sXXXXXX" MSIO_MAKING_LOCK, folder, stem);
        m->fd = mkostemps(m->lock, (int)strlen(MSIO_MAKING_LOCK), O_CLOEXEC);
        if (m->fd < 0) {
            m->lock[0] = '\0';
            return msio_error_system(MSIO_E_IO, m->path, "nothing can be made in the folder where this is to be");
        }
        const bool locked = msio_making_lock(m->fd);
        if (msio_making_same(m->fd, m->lock)) return sign(m, locked);
        close(m->fd);
        m->fd = -1;
    }
    m->lock[0] = '\0';
    return msio_error_set(MSIO_E_IO, m->path, "each lock file beside it was removed by somebody else");
}

/* ---------------------------------------------------------------- the calls */

/* Where the name begins in a path of that length. */
static size_t name_start(const char *path, size_t length) {
    const char *slash = memrchr(path, '/', length);
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The folder of the path and the stem of temporary names in it, shortened where no name could be that long. */
static msio_status split(const char *path, char **folder, char *stem, size_t size) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    const size_t start = name_start(path, length);
    const size_t most = size - 1 - strlen("." MSIO_MAKING_MARK) - MSIO_MAKING_CHANCE - strlen(MSIO_MAKING_LOCK);
    const size_t name = length - start < most ? length - start : most;
    if (length == start || (length == 1 && path[0] == '/'))
        return msio_error_set(MSIO_E_ARGUMENT, path, "there is no name in this path for what is to be made");
    snprintf(stem, size, ".%.*s" MSIO_MAKING_MARK, (int)name, path + start);
    *folder = start > 1 ? strndup(path, start - 1) : strdup(start ? "/" : ".");
    return *folder ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, path, "no memory for a name");
}

msio_status msio_making_begin(const char *path, msio_making **making) {
    char stem[NAME_MAX + 1], *folder = NULL;
    if (!path || !*path || !making)
        return msio_error_set(MSIO_E_ARGUMENT, path, "no path, or nowhere to put the making");
    msio_making *m = calloc(1, sizeof *m);
    if (!m) return msio_error_set(MSIO_E_MEMORY, path, "no memory for a name");
    m->fd = -1;
    msio_status status = split(path, &folder, stem, sizeof stem);
    if (status) goto done;
    const size_t size = strlen(folder) + sizeof stem + sizeof MSIO_MAKING_LOCK;
    m->path = strdup(path);
    m->lock = calloc(1, size);
    m->place = calloc(1, size);
    if (!m->path || !m->lock || !m->place) {
        status = msio_error_set(MSIO_E_MEMORY, path, "no memory for a name");
        goto done;
    }
    msio_leftovers_clear(folder, stem);
    status = make_lock(m, size, folder, stem);
    if (!status) snprintf(m->place, size, "%.*s", (int)(strlen(m->lock) - strlen(MSIO_MAKING_LOCK)), m->lock);
done:
    free(folder);
    if (status)
        msio_making_free(m);
    else
        *making = m;
    return status;
}

const char *msio_making_place(const msio_making *making) { return making->place; }

/* Renames where nothing stands. */
static msio_status put_beside(const msio_making *m) {
    struct stat there;
    int code = renameat2(AT_FDCWD, m->place, AT_FDCWD, m->path, RENAME_NOREPLACE);
    if (code && (errno == EINVAL || errno == ENOSYS)) { /* not on this file system: by a link, or a look just before */
        code = link(m->place, m->path);
        if (code == 0)
            unlink(m->place);
        else if (errno != EEXIST && lstat(m->path, &there) != 0)
            code = rename(m->place, m->path);
        else
            errno = EEXIST;
    }
    if (code && (errno == EEXIST || errno == ENOTEMPTY))
        return msio_error_set(MSIO_E_IO, m->path, "something stands there, and stays as it is");
    return code ? msio_error_system(MSIO_E_IO, m->path, "what was made cannot be given its name") : MSIO_OK;
}

/* A folder cannot be renamed over another: they change places, or the old one is moved aside first. */
static msio_status exchange(const msio_making *m) {
    char aside[PATH_MAX];
    if (renameat2(AT_FDCWD, m->place, AT_FDCWD, m->path, RENAME_EXCHANGE) == 0) return MSIO_OK;
    if (errno != EINVAL && errno != ENOSYS)
        return msio_error_system(MSIO_E_IO, m->path, "what was made cannot change places with what stands there");
    if (snprintf(aside, sizeof aside, "%.*s.aside-%ld", PATH_MAX - 64, m->path, (long)getpid()) >= (int)sizeof aside ||
        rename(m->path, aside) != 0)
        return msio_error_system(MSIO_E_IO, m->path, "what stands there cannot be moved aside");
    if (rename(m->place, m->path) == 0) {
        msio_tree_remove(aside);
        return MSIO_OK;
    }
    const int why = errno;
    if (rename(aside, m->path) != 0)
        return msio_error_system(MSIO_E_IO, aside, "what stood there cannot be moved back from here");
    errno = why;
    return msio_error_system(MSIO_E_IO, m->path, "what was made cannot be given its name");
}

msio_status msio_making_finish(msio_making *making, int replace) {
    struct stat made, there;
    msio_status status = MSIO_OK;
    if (lstat(making->place, &made) != 0)
        return msio_error_system(MSIO_E_IO, making->place, "what was made is not there any more");
    const bool stands = lstat(making->path, &there) == 0;
    if (!replace || !stands)
        status = put_beside(making);
    else if (S_ISDIR(made.st_mode) ? !S_ISDIR(there.st_mode) && !S_ISLNK(there.st_mode) : S_ISDIR(there.st_mode))
        status = msio_error_set(MSIO_E_IO, making->path, "a %s stands there, and stays as it is",
                                S_ISDIR(there.st_mode) ? "folder" : "file");
    else if (S_ISDIR(made.st_mode))
        status = exchange(making);
    else if (rename(making->place, making->path) != 0)
        status = msio_error_system(MSIO_E_IO, making->path, "what was made cannot be given its name");
    return status;
}

void msio_making_free(msio_making *making) {
    if (!making) return;
    /* after an exchange the place holds what was replaced */
    if (making->place && making->place[0]) msio_tree_remove(making->place);
    if (making->lock && making->lock[0]) unlink(making->lock);
    if (making->fd >= 0) close(making->fd);
    free(making->place);
    free(making->lock);
    free(making->path);
    free(making);
}
