/* path.c - `~`, `~user`, `$NAME` and `${NAME}` in paths, as casacore's Path expands them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/error.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSES 25 /* a variable may name others; casacore gives up after as many */

/* Puts `with` in place of text[from, to). */
static bool replace(char text[MSIO_PATH_BYTES], size_t from, size_t to, const char *with) {
    size_t rest = strlen(text + to) + 1, length = strlen(with);
    if (from + length + rest > MSIO_PATH_BYTES) return false;
    memmove(text + from + length, text + to, rest);
    memcpy(text + from, with, length);
    return true;
}

/* `~` is HOME, `~user` what the system's list of users says; what nobody knows stays as it is. */
static bool expand_home(char text[MSIO_PATH_BYTES]) {
    char user[256], room[16384];
    struct passwd found, *known = NULL;
    if (text[0] != '~') return true;
    size_t end = strcspn(text, "/");
    if (end == 1) {
        const char *home = getenv("HOME");
        return !home || !*home || replace(text, 0, 1, home);
    }
    if (end > sizeof user) return true;
    memcpy(user, text + 1, end - 1);
    user[end - 1] = 0;
    if (getpwnam_r(user, &found, room, sizeof room, &known) != 0 || !known) return true;
    return replace(text, 0, end, known->pw_dir);
}

/* The first variable of the name that begins at *at, which then is where the next name begins. */
static bool expand_name(char text[MSIO_PATH_BYTES], size_t *at, bool *again) {
    char name[MSIO_PATH_BYTES];
    size_t end = *at + strcspn(text + *at, "/"), from = *at + strcspn(text + *at, "/$"), to = end;
    const char *value = NULL;
    *at = text[end] ? end + 1 : end;
    if (from == end) return true;
    size_t first = from + 1, length = end - first;
    if (text[first] == '{') {
        const char *brace = memchr(text + first, '}', length);
        if (!brace) return true;
        to = (size_t)(brace - text) + 1;
        length = to - 1 - ++first;
    }
    memcpy(name, text + first, length);
    name[length] = 0;
    value = length ? getenv(name) : NULL;
    if (!value || !*value) return true;
    *again = true;
    *at = from + strlen(value) + (*at - to);
    return replace(text, from, to, value);
}

static msio_status expand(const char *path, char text[MSIO_PATH_BYTES]) {
    bool again = true, fits = true;
    for (int pass = 0; again && fits && pass < PASSES; pass++) {
        again = false;
        fits = expand_home(text);
        for (size_t at = text[0] == '/'; fits && text[at];) fits = expand_name(text, &at, &again);
    }
    if (!fits)
        return msio_error_set(MSIO_E_ARGUMENT, path, "the path is longer than %d bytes once its variables are put in",
                              MSIO_PATH_BYTES);
    if (again)
        return msio_error_set(MSIO_E_ARGUMENT, path, "a variable in this path stands for itself: set it to a path");
    return MSIO_OK;
}

/* Whether there is something at the first `length` bytes of a path. */
static bool exists(const char *path, size_t length) {
    char part[MSIO_PATH_BYTES];
    if (length == 0 || length >= sizeof part) return false;
    memcpy(part, path, length);
    part[length] = 0;
    return access(part, F_OK) == 0;
}

/* Of `obs.ms::ANTENNA` what lies on disk. */
static size_t stem(const char *path) {
    const char *keyword = *path ? strstr(path + 1, "::") : NULL;
    return keyword ? (size_t)(keyword - path) : strlen(path);
}

/* Of a path the names up to the last that would be expanded: where that is a name on disk, it is meant. */
static size_t literal_part(const char *path) {
    const char *last = strrchr(path, '$');
    size_t at = last ? (size_t)(last - path) : 0;
    return at + strcspn(path + at, "/:");
}

msio_status msio_path_expand(const char *path, char expanded[MSIO_PATH_BYTES]) {
    if (!path || !*path) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no path was given");
    size_t length = strlen(path);
    if (length >= MSIO_PATH_BYTES)
        return msio_error_set(MSIO_E_ARGUMENT, path, "the path is longer than %d bytes", MSIO_PATH_BYTES);
    memcpy(expanded, path, length + 1);
    if ((path[0] != '~' && !strchr(path, '$')) || exists(path, stem(path))) return MSIO_OK;
    msio_status status = expand(path, expanded);
    if (!status && exists(path, literal_part(path)) && !exists(expanded, stem(expanded)))
        memcpy(expanded, path, length + 1);
    return status;
}
