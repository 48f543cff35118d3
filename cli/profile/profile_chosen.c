/* profile_chosen.c - lines of the functions that were chosen (--lines): what line_profiler wrote at each process's end,
 * FOLDER/lines.PID, brought together.
 */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_MOST 100000

bool prof_is_lines_file(const char *name) { return strncmp(name, "lines.", 6) == 0; }

static int in_order(const void *one, const void *other) {
    const prof_chosen *a = one, *b = other;
    int order = strcmp(a->file, b->file);
    if (!order) order = a->first < b->first ? -1 : a->first > b->first;
    if (!order) order = strcmp(a->function, b->function);
    return order ? order : a->line < b->line ? -1 : a->line > b->line;
}

/* A row: file, first line, function, line, hits, seconds; false where it is none. */
static bool take_row(char *row, prof_chosen *to) {
    char *part[6], *end;
    for (int i = 0; i < 6; i++) {
        part[i] = row;
        row = strchr(row, i < 5 ? '\t' : '\n');
        if (!row) return false;
        *row++ = '\0';
    }
    *to = (prof_chosen){.first = atoi(part[1]), .line = atoi(part[3]), .hits = strtoll(part[4], NULL, 10)};
    to->seconds = strtod(part[5], &end);
    if (*end || to->line <= 0 || to->hits < 0 || !(to->seconds >= 0)) return false;
    to->file = cli_copy(part[0]);
    to->function = cli_copy(part[2]);
    return true;
}

static void read_file(prof_found *found, const char *path) {
    char row[16384];
    FILE *in = fopen(path, "re");
    while (in && found->chosen_lines < LINES_MOST && fgets(row, sizeof row, in))
        if (take_row(row, &found->chosen[found->chosen_lines])) found->chosen_lines++;
    if (in) fclose(in);
}

/* Rows of one line, of several processes, become one. They are sorted. */
static void bring_together(prof_found *found) {
    int kept = 0;
    for (int i = 0; i < found->chosen_lines; i++) {
        prof_chosen *row = &found->chosen[i];
        if (kept && in_order(&found->chosen[kept - 1], row) == 0) {
            found->chosen[kept - 1].hits += row->hits;
            found->chosen[kept - 1].seconds += row->seconds;
            free((char *)(uintptr_t)row->file);
            free((char *)(uintptr_t)row->function);
        } else {
            found->chosen[kept++] = *row;
        }
    }
    found->chosen_lines = kept;
}

/* Calls back for each of the folder's files. */
static void each_file(const char *folder, void (*call)(void *user, const char *path), void *user) {
    char path[2 * PATH_MAX];
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        if (!prof_is_lines_file(entry->d_name)) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        call(user, path);
    }
    if (listing) closedir(listing);
}

/* What a killed process had not finished is in the one before. */
static void read_one(void *found, const char *path) {
    size_t length = strlen(path);
    if (length < 4 || strcmp(path + length - 4, ".new") != 0) read_file(found, path);
}

void prof_find_chosen(const char *folder, prof_found *found) {
    found->chosen = cli_alloc_many(LINES_MOST, sizeof *found->chosen);
    each_file(folder, read_one, found);
    if (!found->chosen_lines) return;
    qsort(found->chosen, (size_t)found->chosen_lines, sizeof *found->chosen, in_order);
    bring_together(found);
}

static void remove_one(void *unused, const char *path) {
    (void)unused;
    unlink(path);
}

void prof_remove_chosen(const char *folder) { each_file(folder, remove_one, NULL); }

void prof_free_chosen(prof_found *found) {
    for (int i = 0; i < found->chosen_lines; i++) {
        free((char *)(uintptr_t)found->chosen[i].file);
        free((char *)(uintptr_t)found->chosen[i].function);
    }
    free(found->chosen);
}

int prof_chosen_function(const prof_found *found, int first, double *seconds) {
    const prof_chosen *list = found->chosen;
    int n = 0;
    *seconds = 0;
    for (; first + n < found->chosen_lines; n++) {
        const prof_chosen *row = &list[first + n];
        if (row->first != list[first].first || strcmp(row->file, list[first].file) != 0 ||
            strcmp(row->function, list[first].function) != 0)
            break;
        *seconds += row->seconds;
    }
    return n;
}
