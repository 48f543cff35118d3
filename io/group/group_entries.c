/* group_entries.c - lists of subband files. */
#include "core/error.h"
#include "io/group/group_name.h"

#include <stdlib.h>
#include <string.h>

/* The name in its folder; slashes at the folder's end count once. */
static char *join(const char *folder, const char *name) {
    size_t length = strlen(folder), more = strlen(name);
    while (length && folder[length - 1] == '/') length--;
    char *path = malloc(length + more + 2);
    if (!path) return NULL;
    memcpy(path, folder, length);
    path[length] = '/';
    memcpy(path + length + 1, name, more + 1);
    return path;
}

msio_status msio_group_entries_take(msio_group_entries *list, msio_group_entry *entry) {
    if (list->n == list->room) {
        int64_t room = list->room ? 2 * list->room : 64;
        msio_group_entry *more = realloc(list->entry, (size_t)room * sizeof *more);
        if (!more)
            return msio_error_set(MSIO_E_MEMORY, entry->path, "no memory for a list of %lld files", (long long)room);
        list->entry = more;
        list->room = room;
    }
    list->entry[list->n++] = *entry;
    entry->path = entry->reason = NULL;
    return MSIO_OK;
}

msio_status msio_group_entries_add(msio_group_entries *list, const char *folder, const char *name, int64_t time,
                                   int subband) {
    msio_group_entry made = {.time = time, .subband = subband, .path = join(folder, name), .newest_since = time};
    if (!made.path) return msio_error_set(MSIO_E_MEMORY, folder, "no memory for the name of a file");
    msio_status status = msio_group_entries_take(list, &made);
    free(made.path);
    return status;
}

int msio_group_entry_compare(const msio_group_entry *a, const msio_group_entry *b) {
    if (a->time != b->time) return a->time < b->time ? -1 : 1;
    if (a->subband != b->subband) return a->subband < b->subband ? -1 : 1;
    return strcmp(a->path, b->path);
}

static int compare(const void *a, const void *b) { return msio_group_entry_compare(a, b); }

void msio_group_entries_sort(msio_group_entries *list) {
    if (list->n > 1) qsort(list->entry, (size_t)list->n, sizeof *list->entry, compare);
}

msio_group_entry *msio_group_entries_find(const msio_group_entries *list, const msio_group_entry *wanted) {
    return list->n ? bsearch(wanted, list->entry, (size_t)list->n, sizeof *list->entry, compare) : NULL;
}

void msio_group_entries_free(msio_group_entries *list) {
    for (int64_t i = 0; i < list->n; i++) {
        free(list->entry[i].path);
        free(list->entry[i].reason);
    }
    free(list->entry);
    *list = (msio_group_entries){0, 0, NULL};
}

void msio_group_finds_free(msio_group_finds *finds) {
    msio_group_entries_free(&finds->files);
    msio_group_entries_free(&finds->incomplete);
    msio_group_entries_free(&finds->unexpected);
    msio_group_entries_free(&finds->untold);
    msio_group_entries_free(&finds->unreadable);
}
