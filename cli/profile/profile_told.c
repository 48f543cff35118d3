/* profile_told.c - calls of msio's own functions by the program, by the line that made them, and what msio held of each
 * path: as msio told them in the run.
 */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- paths */

/* What a path is told as: a table's that files were seen of, where it is one. Paths that are two names of one table are
 * one so. */
static const char *known_path(prof_found *found, uint32_t string) {
    const char *path = prof_string(found->segment, string);
    char folders[PATH_MAX];
    int table = *path ? prof_table_by_name(found, path) : -1;
    if (table < 0 && strstr(path, "::") && strlen(path) < sizeof folders) { /* obs.ms::ANTENNA */
        char *to = folders;
        for (const char *at = path; *at; at++) {
            const bool keyword = at[0] == ':' && at[1] == ':';
            *to++ = keyword ? '/' : *at;
            at += keyword;
        }
        *to = '\0';
        table = prof_table_by_name(found, folders);
    }
    return table >= 0 ? found->table[table].path : path;
}

/* By string: each is looked up once. */
static const char **known_paths(void) { return cli_zeros(PROFILE_STRINGS, sizeof(const char *)); }

static const char *path_of(prof_found *found, const char **known, uint32_t string) {
    if (string >= PROFILE_STRINGS) return "";
    if (!known[string]) known[string] = known_path(found, string);
    return known[string];
}

/* ---------------------------------------------------------------- calls */

/* By function, path and column, as profile.prof has them; then by place. */
static int compare_functions(const prof_told *a, const prof_told *b) {
    int order = strcmp(a->path, b->path);
    if (!order) order = strcmp(a->function, b->function);
    return order ? order : strcmp(a->column, b->column);
}

static int compare_places(const prof_told *a, const prof_told *b) {
    if (!a->file || !b->file) return !a->file - !b->file;
    int order = strcmp(a->file, b->file);
    if (!order) order = strcmp(a->caller, b->caller);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

bool prof_told_same_place(const prof_told *a, const prof_told *b) { return compare_places(a, b) == 0; }

static int compare_calls(const void *one, const void *other) {
    const prof_told *a = one, *b = other;
    int order = compare_functions(a, b);
    if (!order) order = compare_places(a, b);
    return order ? order : (a->sure > b->sure) - (a->sure < b->sure);
}

static int longest_first(const void *one, const void *other) {
    const prof_told *a = one, *b = other;
    if (a->seconds != b->seconds) return a->seconds > b->seconds ? -1 : 1;
    return compare_calls(one, other);
}

static void add_call(prof_told *to, const prof_told *call) {
    to->calls += call->calls, to->unfinished += call->unfinished;
    to->seconds += call->seconds, to->bytes += call->bytes, to->rows += call->rows;
    if (call->longest > to->longest) to->longest = call->longest;
}

static prof_told read_call(prof_found *found, const char **known, const profile_told *t) {
    const profile_segment *s = found->segment;
    prof_told call = {.function = prof_string(s, t->function),
                      .path = path_of(found, known, t->path),
                      .column = prof_string(s, t->column),
                      .sure = (int)t->sure,
                      .calls = (int64_t)t->calls,
                      .unfinished = (int64_t)(t->calls - t->ended),
                      .seconds = 1e-9 * (double)t->ns,
                      .longest = 1e-9 * (double)t->longest_ns,
                      .bytes = (int64_t)t->bytes,
                      .rows = (int64_t)t->rows};
    if (call.unfinished < 0) call.unfinished = 0; /* it was read while the program ran on */
    if (!t->site || t->site > PROFILE_SITES) return call;
    const profile_site *site = &s->site[t->site - 1];
    call.file = prof_string(s, site->file), call.caller = prof_string(s, site->function), call.line = site->line;
    return call;
}

static void find_calls(prof_found *found, const char **known) {
    prof_told *list = cli_alloc_many(PROFILE_TOLD, sizeof *list);
    int n = 0, kept = 0;
    for (uint32_t i = 0; i < PROFILE_TOLD; i++) {
        const profile_told *t = &found->segment->told[i];
        if (t->state == PROFILE_READY && t->calls) list[n++] = read_call(found, known, t);
    }
    if (n) qsort(list, (size_t)n, sizeof *list, compare_calls);
    for (int i = 0; i < n; i++) {
        found->told_calls += list[i].calls;
        if (kept && compare_calls(&list[kept - 1], &list[i]) == 0)
            add_call(&list[kept - 1], &list[i]);
        else
            list[kept++] = list[i];
    }
    if (kept) qsort(list, (size_t)kept, sizeof *list, longest_first);
    found->told = list;
    found->tolds = kept;
}

int prof_told_functions(const prof_found *found, prof_told **list) {
    prof_told *all = cli_alloc_many((size_t)found->tolds + 1, sizeof *all);
    if (found->tolds) memcpy(all, found->told, (size_t)found->tolds * sizeof *all);
    if (found->tolds) qsort(all, (size_t)found->tolds, sizeof *all, compare_calls);
    *list = all;
    return found->tolds;
}

int prof_told_same(const prof_told *list, int n, int first) {
    int i = first + 1;
    while (i < n && compare_functions(&list[first], &list[i]) == 0) i++;
    return i - first;
}

/* ---------------------------------------------------------------- what was held */

static int compare_held(const void *one, const void *other) {
    const prof_held *a = one, *b = other;
    int order = strcmp(a->path, b->path);
    return order ? order : strcmp(a->kind, b->kind);
}

static int most_first(const void *one, const void *other) {
    const prof_held *a = one, *b = other;
    if (a->most != b->most) return a->most > b->most ? -1 : 1;
    return compare_held(one, other);
}

/* Of several processes the one that held the most: both numbers are of one and the same. */
static void add_held(prof_held *to, const prof_held *held) {
    if (held->most > to->most) *to = *held;
}

static void find_held(prof_found *found, const char **known) {
    prof_held *list = cli_alloc_many(PROFILE_HELD, sizeof *list);
    int n = 0, kept = 0;
    found->held_all = (prof_held){.path = "", .kind = ""};
    for (uint32_t i = 0; i < PROFILE_HELD; i++) {
        const profile_held *h = &found->segment->held[i];
        if (h->state != PROFILE_READY) continue;
        prof_held held = {.path = path_of(found, known, h->path),
                          .kind = prof_string(found->segment, h->kind),
                          .bytes = h->bytes > 0 ? h->bytes : 0,
                          .most = h->most > 0 ? h->most : 0};
        if (*held.path || *held.kind)
            list[n++] = held;
        else
            add_held(&found->held_all, &held);
    }
    if (n) qsort(list, (size_t)n, sizeof *list, compare_held);
    for (int i = 0; i < n; i++)
        if (kept && compare_held(&list[kept - 1], &list[i]) == 0)
            add_held(&list[kept - 1], &list[i]);
        else
            list[kept++] = list[i];
    if (kept) qsort(list, (size_t)kept, sizeof *list, most_first);
    found->held = list;
    found->helds = kept;
}

void prof_find_told(prof_found *found) {
    const char **known = known_paths();
    find_calls(found, known);
    find_held(found, known);
    free(known);
}
