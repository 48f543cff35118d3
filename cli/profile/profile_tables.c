/* profile_tables.c - the tables that were found, by their paths. */
#include "cli/profile/profile.h"

#include <stdlib.h>
#include <string.h>

/* The last part of the path; of a subtable the table's too. */
const char *prof_short_name(const char *path) {
    const char *slash = strrchr(path, '/'), *before = slash;
    if (!slash || slash == path) return path;
    while (before > path && before[-1] != '/') before--;
    const char *dot = memchr(before, '.', (size_t)(slash - before));
    return dot && !strchr(slash, '.') ? before : slash + 1;
}

int prof_compare_tables(const void *one, const void *other) {
    const prof_table *a = one, *b = other;
    return strcmp(a->path, b->path);
}

int prof_find_table(const prof_found *found, const char *path) {
    prof_table wanted = {.path = path};
    const prof_table *at =
        found->tables ? bsearch(&wanted, found->table, (size_t)found->tables, sizeof wanted, prof_compare_tables)
                      : NULL;
    return at ? (int)(at - found->table) : -1;
}

int prof_table_by_name(const prof_found *found, const char *name) {
    char real[PATH_MAX];
    int table = prof_find_table(found, name);
    if (table >= 0 || !realpath(name, real)) return table;
    return prof_find_table(found, real);
}
