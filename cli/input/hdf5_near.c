/* hdf5_near.c - names of datasets that are near one that is not there. */
#include "cli/input/hdf5_near.h"

#include "cli/common/failure.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAMES_TOLD 6
#define NAME_LENGTH 64 /* longer names are not compared */

static int lower(char c) { return tolower((unsigned char)c); }

/* Letters to be changed, left out or put in to make one of the other; NAME_LENGTH where a name is too long. */
static int distance(const char *one, const char *other) {
    int row[NAME_LENGTH + 1];
    size_t length = strlen(other);
    if (length > NAME_LENGTH || strlen(one) > NAME_LENGTH) return NAME_LENGTH;
    for (size_t k = 0; k <= length; k++) row[k] = (int)k;
    for (int i = 1; one[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= length; k++) {
            int least = diagonal + (lower(one[i - 1]) != lower(other[k - 1]));
            if (row[k] + 1 < least) least = row[k] + 1;
            if (row[k - 1] + 1 < least) least = row[k - 1] + 1;
            diagonal = row[k];
            row[k] = least;
        }
    }
    return row[length];
}

static int holds(const char *text, const char *part) {
    size_t length = strlen(part);
    for (; *text; text++) {
        size_t same = 0;
        while (same < length && text[same] && lower(text[same]) == lower(part[same])) same++;
        if (same == length) return 1;
    }
    return 0;
}

static const char *last_part(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* How far a name is from the wanted one; NAME_LENGTH: too far to be told. */
static int rank(const char *wanted, const char *name) {
    const char *part = last_part(wanted), *other = last_part(name);
    int whole = distance(wanted, name), least = distance(part, other);
    int most = (int)strlen(part) / 3 + 1;
    if (whole < least) least = whole;
    if (least <= most) return least;
    return strlen(part) >= 3 && holds(other, part) ? most + 1 : NAME_LENGTH;
}

/* Puts a name where it belongs among the nearest so far. Returns how many those are now. */
static int keep(const char *nearest[NAMES_TOLD], int ranks[NAMES_TOLD], int told, const char *name, int far) {
    int at = told;
    while (at > 0 && ranks[at - 1] > far) at--;
    if (far == NAME_LENGTH || at == NAMES_TOLD) return told;
    if (told < NAMES_TOLD) told++;
    for (int i = told - 1; i > at; i--) {
        nearest[i] = nearest[i - 1];
        ranks[i] = ranks[i - 1];
    }
    nearest[at] = name;
    ranks[at] = far;
    return told;
}

int cli_hdf5_tell_near(const cli_context *cli, const char *path, const char *wanted, const char *const *names,
                       int count) {
    char list[768] = "";
    const char *nearest[NAMES_TOLD];
    int ranks[NAMES_TOLD], told = 0, same = 0;
    size_t length = strlen(wanted);
    for (int i = 0; i < count; i++) {
        size_t has = strlen(names[i]);
        same += has > length && names[i][has - length - 1] == '/' && strcmp(names[i] + has - length, wanted) == 0;
        told = keep(nearest, ranks, told, names[i], rank(wanted, names[i]));
    }
    if (same) return cli_fail_status(cli, path); /* the library says which ones it may be */
    for (int i = 0; i < told; i++) {
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%.120s", i ? ", " : "", nearest[i]);
    }
    if (told)
        return cli_fail(cli, MSIO_E_NO_COLUMN, path, "there is no dataset %.128s; near it, of %d: %s", wanted, count,
                        list);
    return cli_fail(cli, MSIO_E_NO_COLUMN, path,
                    "there is no dataset %.128s, nor one like it among the %d; msio info lists them", wanted, count);
}
