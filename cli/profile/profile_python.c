/* profile_python.c - what the samples of Python's stacks tell: time and memory by line, and by CASA's tasks. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"

#include <stdlib.h>
#include <string.h>

const profile_site *prof_frame(const prof_found *found, const profile_stack *stack, uint32_t frame) {
    static const profile_site none;
    if (frame >= stack->depth || stack->site[frame] >= PROFILE_SITES) return &none;
    return &found->segment->site[stack->site[frame]];
}

static int longest_first(const void *one, const void *other) {
    const prof_time *a = one, *b = other;
    if (a->wall != b->wall) return a->wall > b->wall ? -1 : 1;
    int order = strcmp(a->file, b->file);
    return order ? order : a->line - b->line;
}

/* The entry of a task, made where it is new: there are few. */
static prof_time *entry_of(prof_time *list, int *n, const char *file, const char *function, int line) {
    for (int i = 0; i < *n; i++)
        if (list[i].line == line && list[i].file == file && list[i].function == function) return &list[i];
    list[*n] = (prof_time){.file = file, .function = function, .line = line};
    return &list[(*n)++];
}

static void add(prof_time *to, const profile_stack *stack) {
    to->samples += (int64_t)stack->samples;
    to->wall += 1e-9 * (double)stack->wall_ns;
    to->cpu += 1e-9 * (double)stack->cpu_ns;
    to->growth += stack->growth;
}

/* A task of CASA is called by __call__ of .../casatasks/NAME.py; what stands in folders below is no task. */
static bool is_task(const char *file, const char *function) {
    static const char folder[] = "/casatasks/";
    const char *at = strstr(file, folder), *name = at ? at + sizeof folder - 1 : NULL;
    size_t length = name ? strlen(name) : 0;
    return length > 3 && !strchr(name, '/') && strcmp(name + length - 3, ".py") == 0 &&
           strcmp(function, "__call__") == 0;
}

void prof_task_name(const char *file, char *name, size_t size) {
    const char *slash = strrchr(file, '/'), *from = slash ? slash + 1 : file, *dot = strrchr(from, '.');
    snprintf(name, size, "%.*s", dot ? (int)(dot - from) : (int)strlen(from), from);
}

static void find_stacks(prof_found *found) {
    const profile_segment *s = found->segment;
    found->stack = cli_alloc_many(PROFILE_STACKS, sizeof(*found->stack));
    for (uint32_t i = 0; i < PROFILE_STACKS; i++) {
        const profile_stack *stack = &s->stack[i];
        if (stack->state != PROFILE_READY || stack->depth == 0 || stack->depth > PROFILE_DEPTH) continue;
        found->stack[found->stacks++] = stack;
    }
}

/* The outermost task of a stack, which all that it calls belongs to. */
static void add_task(prof_found *found, const profile_stack *stack) {
    for (uint32_t frame = stack->depth; frame-- > 0;) {
        const profile_site *site = prof_frame(found, stack, frame);
        const char *file = prof_string(found->segment, site->file),
                   *function = prof_string(found->segment, site->function);
        if (!is_task(file, function)) continue;
        add(entry_of(found->task, &found->tasks, file, function, 0), stack);
        return;
    }
}

static int earliest_first(const void *one, const void *other) {
    const prof_task_call *a = one, *b = other;
    return a->start < b->start ? -1 : a->start > b->start;
}

static void find_task_calls(prof_found *found) {
    const profile_segment *s = found->segment;
    uint32_t n = s->tasks < PROFILE_TASKS ? s->tasks : PROFILE_TASKS;
    found->task_call = cli_alloc_many((size_t)n + 1, sizeof *found->task_call);
    for (uint32_t i = 0; i < n; i++) {
        const profile_task *t = &s->task[i];
        if (t->state != PROFILE_READY) continue;
        const profile_site *site = t->site && t->site <= PROFILE_SITES ? &s->site[t->site - 1] : NULL;
        found->task_call[found->task_calls++] = (prof_task_call){
            .task = prof_string(s, t->file),
            .on = t->on == UINT32_MAX ? NULL : prof_string(s, t->on),
            .file = site ? prof_string(s, site->file) : NULL,
            .line = site ? site->line : 0,
            .start = 1e-9 * (double)(int64_t)(t->start - s->started),
            .seconds = 1e-9 * (double)t->wall_ns,
            .cpu = 1e-9 * (double)t->cpu_ns,
        };
    }
    if (found->task_calls) qsort(found->task_call, (size_t)found->task_calls, sizeof *found->task_call, earliest_first);
}

/* The entry of each site's line, made where it is new; of no site the last one. */
typedef struct site_lines {
    prof_found *found;
    int of[PROFILE_SITES + 1]; /* in found->time + 1 */
} site_lines;

static prof_time *line_of(site_lines *lines, const profile_site *site) {
    const profile_segment *s = lines->found->segment;
    bool known = site >= s->site && site < s->site + PROFILE_SITES;
    int *at = &lines->of[known ? site - s->site : PROFILE_SITES];
    if (!*at) {
        lines->found->time[lines->found->timed] = (prof_time){
            .file = prof_string(s, site->file), .function = prof_string(s, site->function), .line = site->line};
        *at = ++lines->found->timed;
    }
    return &lines->found->time[*at - 1];
}

static void add_blocks(site_lines *lines) {
    const profile_segment *s = lines->found->segment;
    for (uint32_t i = 0; i < PROFILE_SITES; i++) {
        const profile_site *site = &s->site[i];
        if (site->state != PROFILE_READY || site->blocks == 0) continue;
        prof_time *to = line_of(lines, site);
        to->blocks += (int64_t)site->blocks;
        to->block_bytes += (int64_t)site->block_bytes;
    }
}

void prof_find_times(prof_found *found) {
    find_stacks(found);
    site_lines *lines = cli_zeros(1, sizeof *lines);
    lines->found = found;
    found->time = cli_alloc_many(PROFILE_SITES + 1, sizeof *found->time);
    found->task = cli_alloc_many((size_t)found->stacks + 1, sizeof *found->task);
    for (int i = 0; i < found->stacks; i++) {
        const profile_stack *stack = found->stack[i];
        add(line_of(lines, prof_frame(found, stack, stack->user < stack->depth ? stack->user : 0)), stack);
        add_task(found, found->stack[i]);
    }
    add_blocks(lines);
    free(lines);
    find_task_calls(found);
    if (found->timed) qsort(found->time, (size_t)found->timed, sizeof *found->time, longest_first);
    if (found->tasks) qsort(found->task, (size_t)found->tasks, sizeof *found->task, longest_first);
}
