/* profile_calls.c - the functions of Python that were called, and by which: of a run with --calls. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"

#include <stdlib.h>
#include <string.h>

static int compare_places(const prof_function *a, const prof_function *b) {
    int order = strcmp(a->file, b->file);
    if (!order) order = a->line < b->line ? -1 : a->line > b->line;
    return order ? order : strcmp(a->name, b->name);
}

static int most_own_first(const void *one, const void *other) {
    const prof_function *a = one, *b = other;
    if (a->own != b->own) return a->own > b->own ? -1 : 1;
    return compare_places(a, b);
}

static int most_cumulative_first(const void *one, const void *other) {
    const prof_function *a = *(const prof_function *const *)one, *b = *(const prof_function *const *)other;
    if (a->cumulative != b->cumulative) return a->cumulative > b->cumulative ? -1 : 1;
    return compare_places(a, b);
}

static int by_callee(const void *one, const void *other) {
    const prof_edge *a = one, *b = other;
    if (a->callee != b->callee) return a->callee - b->callee;
    return a->caller - b->caller;
}

static bool is_whole(const profile_segment *s, const profile_edge *e) {
    return e->state == PROFILE_READY && e->callee < PROFILE_FUNCTIONS && e->caller <= PROFILE_FUNCTIONS &&
           s->function[e->callee].state == PROFILE_READY;
}

static void find_functions(prof_found *found) {
    const profile_segment *s = found->segment;
    int64_t *calls = cli_zeros(PROFILE_FUNCTIONS, sizeof *calls);
    double *own = cli_zeros(PROFILE_FUNCTIONS, sizeof *own);
    for (uint32_t i = 0; i < PROFILE_EDGES; i++) {
        const profile_edge *e = &s->edge[i];
        if (!is_whole(s, e)) continue;
        calls[e->callee] += (int64_t)e->calls;
        own[e->callee] += 1e-9 * (double)e->own_ns;
    }
    for (uint32_t i = 0; i < PROFILE_FUNCTIONS; i++) {
        const profile_function *f = &s->function[i];
        if (f->state != PROFILE_READY || !calls[i]) continue;
        found->function[found->functions++] = (prof_function){.file = prof_string(s, f->file),
                                                              .name = prof_string(s, f->name),
                                                              .line = f->line,
                                                              .calls = calls[i],
                                                              .own = own[i],
                                                              .primitive = calls[i] - (int64_t)f->recursive,
                                                              .cumulative = 1e-9 * (double)f->cumulative_ns,
                                                              .entry = i};
    }
    free(calls);
    free(own);
}

static void find_edges(prof_found *found) {
    const profile_segment *s = found->segment;
    int *place = cli_alloc_many(PROFILE_FUNCTIONS + 1, sizeof *place); /* by entry + 1; 0: no caller */
    for (uint32_t i = 0; i <= PROFILE_FUNCTIONS; i++) place[i] = -1;
    for (int i = 0; i < found->functions; i++) place[found->function[i].entry + 1] = i;
    for (uint32_t i = 0; i < PROFILE_EDGES; i++) {
        const profile_edge *e = &s->edge[i];
        if (!is_whole(s, e) || place[e->callee + 1] < 0) continue;
        found->edge[found->edges++] = (prof_edge){place[e->callee + 1],     place[e->caller],
                                                  (int64_t)e->calls,        (int64_t)(e->calls - e->recursive),
                                                  1e-9 * (double)e->own_ns, 1e-9 * (double)e->cumulative_ns};
    }
    free(place);
    if (found->edges) qsort(found->edge, (size_t)found->edges, sizeof *found->edge, by_callee);
    for (int i = 0; i < found->edges; i++) {
        prof_function *f = &found->function[found->edge[i].callee];
        if (f->edges++ == 0) f->edge = i;
    }
}

void prof_find_calls(prof_found *found) {
    found->function = cli_alloc_many(PROFILE_FUNCTIONS, sizeof *found->function);
    found->edge = cli_alloc_many(PROFILE_EDGES, sizeof *found->edge);
    find_functions(found);
    if (!found->functions) return;
    qsort(found->function, (size_t)found->functions, sizeof *found->function, most_own_first);
    find_edges(found);
}

int prof_longest_functions(const prof_found *found, const prof_function **list, int n) {
    const prof_function **all = cli_alloc_many((size_t)found->functions + 1, sizeof *all);
    for (int i = 0; i < found->functions; i++) all[i] = &found->function[i];
    if (found->functions) qsort(all, (size_t)found->functions, sizeof(*all), most_cumulative_first);
    if (n > found->functions) n = found->functions;
    for (int i = 0; i < n; i++) list[i] = all[i];
    free(all);
    return n;
}
