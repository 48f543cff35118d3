/* samples_stacks.c - sampled stacks: a tree of calls by places while samples come, by functions once they have names.
 *
 * What Python was doing stands first in the path of a sample, and takes the place of the frames of its interpreter: all
 * up to the innermost frame of its evaluator. Where there is none on the stack, the thread was not in Python.
 */
#include "cli/samples/samples_stacks.h"

#include "cli/common/failure.h"
#include "cli/samples/samples_names.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define PLACES_MOST 65536
#define CALLS_MOST 262144
#define OF_PYTHON (-2) /* the file of a place: its offset is an entry of the run's sites */
#define CUT_FILE (-3)  /* the stack outside of here is not known */
#define EVALUATOR "_PyEval_EvalFrame"

typedef struct place_call {
    int caller, place; /* caller -1: none */
    int64_t own;
} place_call;

struct stacks {
    int places, calls;
    code_place place[PLACES_MOST];
    place_call call[CALLS_MOST];
    int place_at[2 * PLACES_MOST], call_at[2 * CALLS_MOST]; /* entry + 1 by hash; 0: free */
    int64_t whole, cut, blind, lost;
};

stacks *stacks_new(void) { return cli_zeros(1, sizeof(stacks)); }

void stacks_free(stacks *s) { free(s); }

/* ---------------------------------------------------------------- adding */

static uint32_t hash_of(uint64_t a, uint64_t b) {
    uint64_t h = (a ^ b << 40 ^ b >> 24) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32 ^ h >> 13);
}

/* -1: there is no room. */
static int find_place(stacks *s, code_place place) {
    uint32_t mask = 2 * PLACES_MOST - 1, at = hash_of(place.offset, (uint64_t)(int64_t)place.file) & mask;
    for (; s->place_at[at]; at = (at + 1) & mask) {
        const code_place *p = &s->place[s->place_at[at] - 1];
        if (p->file == place.file && p->offset == place.offset) return s->place_at[at] - 1;
    }
    if (s->places == PLACES_MOST) return -1;
    s->place[s->places] = place;
    return (s->place_at[at] = ++s->places) - 1;
}

static int find_call(stacks *s, int caller, int place) {
    uint32_t mask = 2 * CALLS_MOST - 1, at = hash_of((uint64_t)(int64_t)caller, (uint64_t)place) & mask;
    for (; s->call_at[at]; at = (at + 1) & mask) {
        const place_call *c = &s->call[s->call_at[at] - 1];
        if (c->caller == caller && c->place == place) return s->call_at[at] - 1;
    }
    if (s->calls == CALLS_MOST) return -1;
    s->call[s->calls] = (place_call){caller, place, 0};
    return (s->call_at[at] = ++s->calls) - 1;
}

/* Goes one call inwards; false: no room. */
static bool enter(stacks *s, int *call, code_place at) {
    int place = find_place(s, at), found = place < 0 ? -1 : find_call(s, *call, place);
    if (found >= 0) *call = found;
    return found >= 0;
}

void stacks_add(stacks *s, const code_place *list, int n, unwind_end end, const uint32_t *python, int frames) {
    int call = -1;
    bool room = true;
    s->whole += end == UNWIND_WHOLE;
    s->cut += end == UNWIND_CUT;
    s->blind += end == UNWIND_BLIND;
    for (int i = 0; i < frames && room; i++) room = enter(s, &call, (code_place){OF_PYTHON, python[i]});
    if (end != UNWIND_WHOLE && room) room = enter(s, &call, (code_place){CUT_FILE, 0});
    for (int i = n - 1; i >= 0 && room; i--) room = enter(s, &call, list[i]);
    s->lost += !room;
    if (call >= 0) s->call[call].own++;
}

/* ---------------------------------------------------------------- names */

/* A list of what has a name: the entry of each. */
typedef struct named {
    char *key;
    int entry;
    UT_hash_handle hh;
} named;

/* While the tree gets its names. */
typedef struct naming {
    const stacks *from;
    cli_sampled_stacks *to;
    named *functions, *lines;
    int *function, *line; /* of each place; line -1: unknown */
    bool *evaluator;
    int64_t *function_stamp, *line_stamp; /* the last path that was counted for it, + 1 */
} naming;

/* The entry of what is called so; *made: it is a new one, the n-th. */
static int entry_of(named **list, const char *key, bool *made) {
    named *found;
    HASH_FIND_STR(*list, key, found);
    *made = !found;
    if (found) return found->entry;
    found = cli_alloc(sizeof *found);
    *found = (named){.key = cli_copy(key), .entry = (int)HASH_COUNT(*list)};
    HASH_ADD_KEYPTR(hh, *list, found->key, strlen(found->key), found);
    return found->entry;
}

static void free_list(named *list) {
    named *one, *next;
    HASH_ITER(hh, list, one, next) {
        HASH_DEL(list, one);
        free(one->key);
        free(one);
    }
}

static int function_at(naming *n, const char *name, const char *library, bool python) {
    char key[2048];
    bool made;
    snprintf(key, sizeof key, "%s\n%.400s", library, name);
    int entry = entry_of(&n->functions, key, &made);
    if (made)
        n->to->function[n->to->functions++] = (cli_sampled_function){cli_copy(name), cli_copy(library), python, 0, 0};
    return entry;
}

static int line_at(naming *n, const code_name *name, int function) {
    char key[2048];
    bool made;
    if (!name->source) return -1;
    snprintf(key, sizeof key, "%d:%s", name->line, name->source);
    int entry = entry_of(&n->lines, key, &made);
    if (made) n->to->line[n->to->lines++] = (cli_sampled_line){cli_copy(name->source), name->line, function, 0, 0};
    return entry;
}

static const char *text_of(const profile_segment *s, uint32_t string) {
    bool there = s && string < PROFILE_STRINGS && s->string[string].state == PROFILE_READY &&
                 s->string[string].at < PROFILE_TEXT_BYTES;
    return there ? s->text + s->string[string].at : "";
}

static void name_place(naming *n, int place, names *by, code *all, const profile_segment *counters) {
    code_place at = n->from->place[place];
    n->line[place] = -1;
    if (at.file == CUT_FILE) {
        n->function[place] = function_at(n, "(callers not known)", "", false);
    } else if (at.file == OF_PYTHON) {
        const profile_site *site = &counters->site[at.offset];
        n->function[place] = function_at(n, text_of(counters, site->function), text_of(counters, site->file), true);
    } else if (at.file < 0) {
        n->function[place] = function_at(n, "(code of no file)", "", false);
    } else {
        const code_file *file = code_file_at(all, at.file);
        code_name name = names_find(by, file->path, at.offset);
        n->function[place] = function_at(n, name.function, file->name, false);
        n->line[place] = line_at(n, &name, n->function[place]);
        n->evaluator[place] = strncmp(name.function, EVALUATOR, sizeof EVALUATOR - 1) == 0;
        free(name.function);
        free(name.source);
    }
}

enum { DEEPEST = STACKS_DEPTH + (int)PROFILE_DEPTH + 1 };

/* The places of a path, the outermost first, as they are told: Python's frames for those of its interpreter. */
static int path_of(const naming *n, int call, int list[DEEPEST]) {
    int depth = 0, python = 0, keep_from = 0;
    for (int at = call; at >= 0 && depth < DEEPEST; at = n->from->call[at].caller)
        list[depth++] = n->from->call[at].place;
    for (int i = 0; i < depth / 2; i++) {
        int other = list[i];
        list[i] = list[depth - 1 - i];
        list[depth - 1 - i] = other;
    }
    while (python < depth && n->from->place[list[python]].file == OF_PYTHON) python++;
    for (int i = python; python && i < depth; i++)
        if (n->evaluator[list[i]]) keep_from = i + 1;
    if (!keep_from) { /* the thread was not in Python */
        memmove(list, list + python, (size_t)(depth - python) * sizeof *list);
        return depth - python;
    }
    memmove(list + python, list + keep_from, (size_t)(depth - keep_from) * sizeof *list);
    return python + depth - keep_from;
}

/* Gives a path's samples to its functions and lines, to each once. */
static void count_path(naming *n, const int *path, int depth, int64_t samples, int64_t stamp) {
    for (int i = 0; i < depth; i++) {
        int function = n->function[path[i]], line = n->line[path[i]];
        if (n->function_stamp[function] != stamp) n->to->function[function].all += samples;
        n->function_stamp[function] = stamp;
        if (line >= 0 && n->line_stamp[line] != stamp) n->to->line[line].all += samples;
        if (line >= 0) n->line_stamp[line] = stamp;
    }
    int last = path[depth - 1];
    n->to->function[n->function[last]].own += samples;
    if (n->line[last] >= 0) n->to->line[n->line[last]].own += samples;
}

/* The same tree by functions: made as the other one is. */
static void make_tree(naming *n) {
    stacks *tree = stacks_new();
    int path[DEEPEST];
    for (int i = 0; i < n->from->calls; i++) {
        int64_t own = n->from->call[i].own;
        int depth = own ? path_of(n, i, path) : 0, call = -1;
        if (depth == 0) continue;
        count_path(n, path, depth, own, (int64_t)i + 1);
        for (int k = 0; k < depth && enter(tree, &call, (code_place){n->function[path[k]], 0}); k++) continue;
        if (call >= 0) tree->call[call].own += own;
    }
    n->to->call = cli_alloc_many((size_t)tree->calls + 1, sizeof *n->to->call);
    n->to->calls = tree->calls;
    for (int i = 0; i < tree->calls; i++) {
        const place_call *c = &tree->call[i];
        n->to->call[i] = (cli_sampled_call){c->caller, tree->place[c->place].file, c->own};
    }
    stacks_free(tree);
}

static int by_samples(int64_t own, int64_t other_own, int64_t all, int64_t other_all) {
    if (own != other_own) return own > other_own ? -1 : 1;
    return all > other_all ? -1 : all < other_all;
}

static int most_function(const void *one, const void *other, void *list) {
    const cli_sampled_function *a = (cli_sampled_function *)list + *(const int *)one,
                               *b = (cli_sampled_function *)list + *(const int *)other;
    return by_samples(a->own, b->own, a->all, b->all);
}

static int most_line(const void *one, const void *other) {
    const cli_sampled_line *a = one, *b = other;
    return by_samples(a->own, b->own, a->all, b->all);
}

static void sort(cli_sampled_stacks *to) {
    to->most = cli_alloc_many((size_t)to->functions + 1, sizeof *to->most);
    for (int i = 0; i < to->functions; i++) to->most[i] = i;
    if (to->functions) qsort_r(to->most, (size_t)to->functions, sizeof *to->most, most_function, to->function);
    if (to->lines) qsort(to->line, (size_t)to->lines, sizeof *to->line, most_line);
}

/* Files are opened one after the other. */
static int by_file(const void *one, const void *other, void *places) {
    const code_place *a = (code_place *)places + *(const int *)one, *b = (code_place *)places + *(const int *)other;
    return a->file != b->file ? (a->file < b->file ? -1 : 1) : a->offset < b->offset ? -1 : a->offset > b->offset;
}

void stacks_name(const stacks *s, code *all, const profile_segment *counters, cli_sampled_stacks *result) {
    size_t places = (size_t)s->places;
    *result = (cli_sampled_stacks){.function = cli_zeros(places + 1, sizeof *result->function),
                                   .line = cli_zeros(places + 1, sizeof *result->line),
                                   .whole = s->whole,
                                   .cut = s->cut,
                                   .blind = s->blind,
                                   .lost = s->lost};
    naming n = {.from = s,
                .to = result,
                .function = cli_zeros(places + 1, sizeof *n.function),
                .line = cli_zeros(places + 1, sizeof *n.line),
                .evaluator = cli_zeros(places + 1, sizeof *n.evaluator),
                .function_stamp = cli_zeros(places + 1, sizeof *n.function_stamp),
                .line_stamp = cli_zeros(places + 1, sizeof *n.line_stamp)};
    names *by = names_new();
    int *order = cli_alloc_many(places + 1, sizeof *order);
    for (int i = 0; i < s->places; i++) order[i] = i;
    if (places) qsort_r(order, places, sizeof *order, by_file, (void *)(uintptr_t)s->place);
    for (int i = 0; i < s->places; i++) name_place(&n, order[i], by, all, counters);
    free(order);
    names_free(by);
    make_tree(&n);
    sort(result);
    free_list(n.functions);
    free_list(n.lines);
    free(n.function);
    free(n.line);
    free(n.evaluator);
    free(n.function_stamp);
    free(n.line_stamp);
}

static void free_text(const char *text) { free((void *)(uintptr_t)text); }

void stacks_result_free(cli_sampled_stacks *result) {
    for (int i = 0; i < result->functions; i++) {
        free_text(result->function[i].name);
        free_text(result->function[i].library);
    }
    for (int i = 0; i < result->lines; i++) free_text(result->line[i].file);
    free(result->function);
    free(result->most);
    free(result->line);
    free(result->call);
}
