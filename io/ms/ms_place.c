/* ms_place.c - where a Measurement Set that is made will stand. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memrchr, realpath */
#endif
#include "io/ms/ms_place.h"

#include "core/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* What stands at the final path: nothing, a table, or something else. */
typedef enum standing { STANDS_NOTHING, STANDS_TABLE, STANDS_OTHER } standing;

static standing what_stands(const char *path) {
    struct stat info;
    char file[PATH_MAX + 16];
    if (lstat(path, &info) != 0) return STANDS_NOTHING;
    snprintf(file, sizeof file, "%s/table.dat", path);
    return stat(file, &info) == 0 && S_ISREG(info.st_mode) ? STANDS_TABLE : STANDS_OTHER;
}

/* Splits the path, slashes at its end apart, into the folder's true path and a name in it. */
static msio_status split_path(const char *path, char folder[PATH_MAX], char name[NAME_MAX + 1]) {
    char before[PATH_MAX] = ".";
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    const char *slash = memrchr(path, '/', length);
    const size_t start = slash ? (size_t)(slash - path) + 1 : 0;
    if (length == start || length - start > NAME_MAX - 32 || start >= PATH_MAX)
        return msio_error_set(MSIO_E_ARGUMENT, path, "no name for a Measurement Set, or one that is too long");
    if (slash) snprintf(before, sizeof before, "%.*s", (int)start, path);
    snprintf(name, NAME_MAX + 1, "%.*s", (int)(length - start), path + start);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return msio_error_set(MSIO_E_ARGUMENT, path, "a folder that is always there is no name for a Measurement Set");
    if (!realpath(before, folder)) return msio_error_system(MSIO_E_IO, path, "no folder %s to make it in", before);
    return MSIO_OK;
}

msio_status msio_ms_place_find(const char *path, bool overwrite, msio_ms_places *where) {
    char name[NAME_MAX + 1];
    msio_status status = split_path(path, where->folder, name);
    if (status != MSIO_OK) return status;
    if (snprintf(where->final, PATH_MAX, "%s/%s", where->folder, name) >= PATH_MAX)
        return msio_error_set(MSIO_E_ARGUMENT, path, "the path is too long");
    const standing stands = what_stands(where->final);
    if (stands == STANDS_OTHER)
        return msio_error_set(MSIO_E_ARGUMENT, path, "something that is no table stands there; it is not replaced");
    if (stands == STANDS_TABLE && !overwrite)
        return msio_error_set(MSIO_E_ARGUMENT, path,
                              "a table stands there; choose another path, or ask to overwrite it");
    return MSIO_OK;
}

msio_status msio_ms_place_take(const msio_ms_places *where, msio_making *making) {
    const standing stands = what_stands(where->final); /* a table or nothing when the work began */
    if (stands == STANDS_OTHER)
        return msio_error_set(MSIO_E_IO, where->final, "something that is no table came to stand there meanwhile");
    return msio_making_finish(making, stands == STANDS_TABLE);
}

msio_status msio_ms_check_room(const char *folder, const char *path, int64_t bytes, const char *what) {
    struct statvfs room;
    if (statvfs(folder, &room) != 0) return MSIO_OK; /* not known: the writing will tell */
    const double available = (double)room.f_bavail * (double)room.f_frsize;
    if (available >= (double)bytes) return MSIO_OK;
    return msio_error_set(MSIO_E_IO, path, "%s: %.3g bytes are needed, %.3g are free here", what, (double)bytes,
                          available);
}
