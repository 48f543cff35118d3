/* group_find.c - groups of subband files: one pass over folders, and what lies together in time. */
#include "core/descriptors.h"
#include "core/error.h"
#include "io/group/group_name.h"
#include "prof/call.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

msio_status msio_group_rules_make(const msio_group_opts *opts, msio_group_rules *rules) {
    static const msio_group_opts defaults = MSIO_GROUP_OPTS_INIT;
    if (opts && opts->struct_size != sizeof *opts)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "options of %zu bytes, this version knows %zu: use MSIO_GROUP_OPTS_INIT",
                              opts->struct_size, sizeof *opts);
    if (!opts) opts = &defaults;
    if (!isfinite(opts->window) || opts->window < 0)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "the window is %g s: it must be 0 or more", opts->window);
    if (opts->subbands < 1 || opts->subbands > MSIO_GROUP_MAX_SUBBANDS)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "%d subbands: a group has from 1 to %d", opts->subbands,
                              MSIO_GROUP_MAX_SUBBANDS);
    if (!(opts->first_frequency == 0 && opts->frequency_step == 0) &&
        !(isfinite(opts->first_frequency) && isfinite(opts->frequency_step) && opts->first_frequency > 0 &&
          opts->frequency_step > 0))
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "the first frequency is %g Hz and the step %g Hz: both must be positive, or both 0",
                              opts->first_frequency, opts->frequency_step);
    rules->first_frequency = opts->first_frequency;
    rules->frequency_step = opts->frequency_step;
    rules->window = opts->window;
    rules->subbands = opts->subbands;
    return msio_group_pattern_parse(opts->pattern, &rules->pattern);
}

/* ---------------------------------------------------------------- folders */

msio_status msio_group_folder_open(const char *folder, int *fd) {
    *fd = msio_descriptor_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0) return MSIO_OK;
    if (errno == ENOENT)
        return msio_error_system(MSIO_E_NOT_FOUND, folder, "there is no folder at this path; name one that is there");
    if (errno == ENOTDIR)
        return msio_error_system(MSIO_E_NOT_FOUND, folder,
                                 "this is no folder; name the folder that holds the subband files");
    return msio_error_system(MSIO_E_IO, folder, "the folder cannot be opened; listing it needs the right to read it");
}

msio_status msio_group_take_name(const char *folder, const char *name, const msio_group_rules *rules,
                                 msio_group_finds *finds, msio_group_entries **list) {
    int64_t time;
    int subband;
    msio_name_kind kind = msio_group_name_parse(&rules->pattern, name, &time, &subband);
    *list = NULL;
    if (kind == MSIO_NAME_INCOMPLETE) *list = &finds->incomplete;
    if (kind == MSIO_NAME_SUBBAND) *list = subband < rules->subbands ? &finds->files : &finds->unexpected;
    if (kind == MSIO_NAME_SUBBAND && !msio_group_pattern_tells_all(&rules->pattern)) *list = &finds->untold;
    finds->impossible += kind == MSIO_NAME_IMPOSSIBLE;
    return *list ? msio_group_entries_add(*list, folder, name, time, subband) : MSIO_OK;
}

/* What one entry is; a folder or a device has no name that counts. */
static msio_status take(const char *folder, const struct dirent *found, const msio_group_rules *rules,
                        msio_group_finds *finds) {
    msio_group_entries *list = NULL;
    msio_status status = MSIO_OK;
    if (found->d_type == DT_REG || found->d_type == DT_LNK || found->d_type == DT_UNKNOWN)
        status = msio_group_take_name(folder, found->d_name, rules, finds, &list);
    finds->ignored += !list;
    return status;
}

msio_status msio_group_scan(int fd, const char *folder, const msio_group_rules *rules, msio_group_finds *finds) {
    msio_status status = MSIO_OK;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        status = msio_error_system(MSIO_E_IO, folder, "the folder cannot be listed");
        close(fd);
        return status;
    }
    while (!status) {
        errno = 0;
        const struct dirent *found = readdir(dir);
        if (!found) {
            if (errno) status = msio_error_system(MSIO_E_IO, folder, "the folder could not be listed to its end");
            break;
        }
        if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
            status = take(folder, found, rules, finds);
    }
    closedir(dir);
    return status;
}

/* One of the folders that were scanned. */
typedef struct place {
    dev_t device;
    ino_t inode;
} place;

/* Scans a folder unless it is one of the n before it. */
static msio_status scan_once(const char *folder, const msio_group_rules *rules, place *places, int *n,
                             msio_group_finds *finds) {
    int fd;
    struct stat facts;
    msio_status status = msio_group_folder_open(folder, &fd);
    if (status) return status;
    if (fstat(fd, &facts)) {
        status = msio_error_system(MSIO_E_IO, folder, "the folder cannot be looked at");
        close(fd);
        return status;
    }
    for (int i = 0; i < *n; i++)
        if (places[i].device == facts.st_dev && places[i].inode == facts.st_ino) {
            close(fd);
            return MSIO_OK;
        }
    places[*n].device = facts.st_dev;
    places[(*n)++].inode = facts.st_ino;
    return msio_group_scan(fd, folder, rules, finds);
}

/* ---------------------------------------------------------------- what lies together */

static bool within(int64_t from, int64_t to, double seconds) { return (double)(to - from) <= seconds; }

bool msio_group_stands_alone(const msio_group_entries *list, int64_t at, const msio_group_rules *rules,
                             const uint64_t *others, uint64_t *scratch) {
    int64_t first = list->entry[at].time;
    int subbands = 0;
    bool shared = false;
    memset(scratch, 0, msio_subband_words(rules->subbands) * sizeof *scratch);
    for (; at < list->n && within(first, list->entry[at].time, rules->window); at++) {
        int subband = list->entry[at].subband;
        subbands += !msio_subband_has(scratch, subband);
        msio_subband_put(scratch, subband);
        shared = shared || msio_subband_has(others, subband);
        if (shared && 2 * subbands > rules->subbands) return true;
    }
    return false;
}

void msio_group_measure(const msio_group_entries *list, int64_t first, const msio_group_rules *rules, uint64_t *taken,
                        uint64_t *scratch, msio_group_extent *extent) {
    int64_t begin = list->entry[first].time, at = first;
    *extent = (msio_group_extent){first, 0, 0, 0};
    memset(taken, 0, msio_subband_words(rules->subbands) * sizeof *taken);
    for (; at < list->n && within(begin, list->entry[at].time, rules->window); at++) {
        extent->subbands += !msio_subband_has(taken, list->entry[at].subband);
        msio_subband_put(taken, list->entry[at].subband);
    }
    extent->files = at - first;
    for (int64_t late = at; at < list->n && within(begin, list->entry[at].time, 2 * rules->window); at++) {
        bool asked = at > late && list->entry[at].time == list->entry[at - 1].time; /* then it has no more than that */
        if (!asked && msio_group_stands_alone(list, at, rules, taken, scratch)) break;
        extent->late++;
    }
}

/* ---------------------------------------------------------------- describing */

static msio_status no_memory(void) { return msio_error_set(MSIO_E_MEMORY, NULL, "no memory to describe the groups"); }

static bool describe_file(const msio_group_entry *entry, bool named, msio_arena *arena, msio_group_file *file) {
    char text[MSIO_GROUP_TIME_BYTES] = "";
    if (named) msio_group_time_text(entry->time, text);
    file->subband = entry->subband;
    file->time = msio_arena_text(arena, text, (int64_t)strlen(text));
    file->seconds = (double)entry->time;
    file->path = msio_arena_text(arena, entry->path, (int64_t)strlen(entry->path));
    return file->time && file->path;
}

/* All files of a list, in its order; NULL without memory. */
static const msio_group_file *describe_files(const msio_group_entry *entries, int64_t n, msio_arena *arena) {
    msio_group_file *files = msio_arena_take(arena, n, sizeof *files);
    for (int64_t i = 0; files && i < n; i++)
        if (!describe_file(&entries[i], entries[i].subband >= 0, arena, &files[i])) return NULL;
    return files;
}

static const msio_group_unreadable *describe_unreadable(const msio_group_entries *list, msio_arena *arena) {
    msio_group_unreadable *made = msio_arena_take(arena, list->n, sizeof *made);
    for (int64_t i = 0; made && i < list->n; i++) {
        const msio_group_entry *entry = &list->entry[i];
        made[i].path = msio_arena_text(arena, entry->path, (int64_t)strlen(entry->path));
        made[i].reason = msio_arena_text(arena, entry->reason, (int64_t)strlen(entry->reason));
        if (!made[i].path || !made[i].reason) return NULL;
    }
    return made;
}

static double median_time(const msio_group_entry *sorted, int64_t n) {
    int64_t low = sorted[(n - 1) / 2].time, high = sorted[n / 2].time;
    return (double)low + (double)(high - low) / 2;
}

static int compare_subbands(const void *a, const void *b) {
    const msio_group_file *x = a, *y = b;
    if (x->subband != y->subband) return x->subband < y->subband ? -1 : 1;
    if (x->seconds != y->seconds) return x->seconds < y->seconds ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* From all files of a group, by subband and time: those that are used, and those whose subband has several. */
static void choose(msio_group_file *all, int64_t n, double median, msio_group_file *used, msio_group_file *several,
                   msio_group *group) {
    for (int64_t begin = 0, end; begin < n; begin = end) {
        int64_t best = begin;
        for (end = begin + 1; end < n && all[end].subband == all[begin].subband; end++)
            if (fabs(all[end].seconds - median) < fabs(all[best].seconds - median)) best = end;
        all[best].used = 1;
        used[group->files++] = all[best];
        for (int64_t i = begin; i < end && end - begin > 1; i++) several[group->duplicates++] = all[i];
    }
}

static bool list_missing(msio_arena *arena, msio_group *group) {
    int32_t *missing = msio_arena_take(arena, group->subbands - group->files, sizeof *missing);
    int at = 0;
    for (int32_t subband = 0; missing && subband < group->subbands; subband++) {
        if (at < group->files && group->file[at].subband == subband)
            at++;
        else
            missing[group->missing++] = subband;
    }
    group->missing_subband = missing;
    return missing != NULL;
}

static bool describe_group(const msio_group_entry *entries, const msio_group_extent *extent,
                           const msio_group_rules *rules, msio_arena *arena, msio_group *group) {
    msio_arena work = {NULL, 0};
    bool done = false;
    int64_t doubles = extent->files - extent->subbands;
    msio_group_file *all = msio_arena_take(&work, extent->files, sizeof *all);
    msio_group_file *used = msio_arena_take(arena, extent->subbands, sizeof *used);
    /* of k files too many, at most k subbands have several */
    msio_group_file *several = msio_arena_take(arena, 2 * doubles, sizeof *several);
    if (!all || !used || !several) goto out;
    for (int64_t i = 0; i < extent->files; i++)
        if (!describe_file(&entries[i], true, arena, &all[i])) goto out;
    group->time = all[0].time;
    group->seconds = all[0].seconds;
    group->subbands = rules->subbands;
    qsort(all, (size_t)extent->files, sizeof *all, compare_subbands);
    choose(all, extent->files, median_time(entries, extent->files), used, several, group);
    group->file = used;
    group->duplicate = several;
    if (!list_missing(arena, group)) goto out;
    group->complete = group->missing == 0;
    group->lates = (int)extent->late;
    group->late = describe_files(entries + extent->files, extent->late, arena);
    done = group->late != NULL;
out:
    msio_arena_free(&work);
    return done;
}

msio_status msio_group_describe(const msio_group_entries *list, const msio_group_extent *extents, int64_t n,
                                const msio_group_rules *rules, msio_arena *arena, const msio_group **groups) {
    msio_group *made = msio_arena_take(arena, n, sizeof *made);
    if (!made) return no_memory();
    for (int64_t i = 0; i < n; i++)
        if (!describe_group(list->entry + extents[i].first, &extents[i], rules, arena, &made[i])) return no_memory();
    *groups = made;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- finding */

/* What msio_groups_free gets, with the memory behind it. */
typedef struct owner {
    msio_groups groups;
    msio_arena arena;
} owner;

/* Cuts a sorted list into groups; *extents is to be freed. */
static msio_status cut(const msio_group_entries *list, const msio_group_rules *rules, msio_group_extent **extents,
                       int64_t *n) {
    size_t words = msio_subband_words(rules->subbands);
    msio_group_extent *made = calloc((size_t)list->n + 1, sizeof *made); /* one a file at most */
    uint64_t *sets = calloc(2 * words, sizeof *sets);
    if (!made || !sets) {
        free(made);
        free(sets);
        return no_memory();
    }
    int64_t count = 0;
    for (int64_t at = 0; at < list->n; count++) {
        msio_group_measure(list, at, rules, sets, sets + words, &made[count]);
        at += made[count].files + made[count].late;
    }
    free(sets);
    *extents = made;
    *n = count;
    return MSIO_OK;
}

static msio_status put_together(msio_group_finds *finds, const msio_group_rules *rules, owner *found) {
    msio_group_extent *extents = NULL;
    int64_t n = 0;
    msio_groups *groups = &found->groups;
    if (finds->files.n > INT32_MAX / 2 || finds->incomplete.n > INT32_MAX || finds->unexpected.n > INT32_MAX ||
        finds->unreadable.n > INT32_MAX)
        return msio_error_set(MSIO_E_MEMORY, NULL, "the folders hold more files than can be counted");
    msio_group_entries_sort(&finds->files);
    msio_group_entries_sort(&finds->incomplete);
    msio_group_entries_sort(&finds->unexpected);
    msio_group_entries_sort(&finds->unreadable);
    msio_status status = cut(&finds->files, rules, &extents, &n);
    if (!status) status = msio_group_describe(&finds->files, extents, n, rules, &found->arena, &groups->group);
    free(extents);
    if (status) return status;
    groups->groups = (int)n;
    groups->incompletes = (int)finds->incomplete.n;
    groups->incomplete = describe_files(finds->incomplete.entry, finds->incomplete.n, &found->arena);
    groups->unexpected = (int)finds->unexpected.n;
    groups->unexpected_file = describe_files(finds->unexpected.entry, finds->unexpected.n, &found->arena);
    groups->unreadables = (int)finds->unreadable.n;
    groups->unreadable = describe_unreadable(&finds->unreadable, &found->arena);
    groups->ignored = finds->ignored;
    groups->impossible = finds->impossible;
    return groups->incomplete && groups->unexpected_file && groups->unreadable ? MSIO_OK : no_memory();
}

msio_status msio_group_find(int n, const char *const *dirs, const msio_group_opts *opts, msio_groups **groups) {
    PROF_CALL(n > 0 && dirs ? dirs[0] : NULL);
    msio_group_rules rules;
    msio_group_finds finds = MSIO_GROUP_FINDS_INIT;
    int scanned = 0;
    place *places = NULL;
    owner *found = NULL;
    if (n < 1 || !dirs || !groups)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no folder was given, or nowhere to put the groups");
    msio_status status = msio_group_rules_make(opts, &rules);
    if (status) return status;
    places = calloc((size_t)n, sizeof *places);
    found = calloc(1, sizeof *found);
    status = places && found ? MSIO_OK : no_memory();
    for (int i = 0; i < n && !status; i++) status = scan_once(dirs[i], &rules, places, &scanned, &finds);
    if (!status) status = msio_group_headers_ask(&rules, &finds);
    if (!status) status = put_together(&finds, &rules, found);
    msio_group_finds_free(&finds);
    free(places);
    if (status && found) {
        msio_arena_free(&found->arena);
        free(found);
    }
    if (!status) *groups = &found->groups;
    return status;
}

void msio_groups_free(msio_groups *groups) {
    PROF_WITHIN;
    if (!groups) return;
    owner *found = (owner *)groups;
    msio_arena_free(&found->arena);
    free(found);
}
