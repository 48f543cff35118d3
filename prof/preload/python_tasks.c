/* python_tasks.c - calls of CASA's tasks: which, on which table, when, told by the sampler's looks. */
#include "prof/preload/preload.h"
#include "prof/preload/python.h"

#include <string.h>

#define THREADS 64 /* in a task at once */

/* The tasks that ran at the last look. Touched with Python's lock held. */
static struct {
    unsigned long thread;
    python_object *frame; /* held, so that no other call has its address; NULL: free */
    profile_task *entry;  /* NULL: there was no room */
    bool seen;
} running[THREADS];

static uint64_t wall_of_look, start_of_look;

static void add(profile_count *counter, uint64_t n) { atomic_fetch_add_explicit(counter, n, memory_order_relaxed); }

/* ---------------------------------------------------------------- what it works on */

static uint32_t text_of(python_object *value) {
    const char *text = python.utf8(value);
    python_object *shown = NULL;
    if (!text) { /* a list of names */
        python.clear_error();
        shown = python.repr(value);
        text = shown ? python.utf8(shown) : NULL;
    }
    uint32_t string = text && *text ? preload_string(text, strlen(text)) : UINT32_MAX;
    if (shown) python.give(shown);
    python.clear_error();
    return string;
}

/* By the names that tasks give to what they read: the first that is there. */
static uint32_t table_of(python_object *frame) {
    static const char *const names[] = {"vis", "infile", "imagename"};
    python_object *locals = python.attribute(frame, "f_locals");
    uint32_t string = UINT32_MAX;
    for (size_t i = 0; locals && string == UINT32_MAX && i < sizeof names / sizeof names[0]; i++) {
        python_object *value = python.item(locals, names[i]);
        if (value) {
            string = text_of(value);
            python.give(value);
        }
        python.clear_error();
    }
    python.clear_error();
    if (locals) python.give(locals);
    return string;
}

static uint32_t file_of(python_object *frame) {
    python_object *code = python.code(frame);
    uint32_t file = python_text(code, "co_filename", NULL);
    python.give(code);
    return file;
}

/* ---------------------------------------------------------------- calls */

static profile_task *begin(python_object *frame, uint32_t caller) {
    uint32_t at = atomic_fetch_add(&preload_segment->tasks, 1), file = file_of(frame);
    if (at >= PROFILE_TASKS || file == UINT32_MAX) return NULL;
    profile_task *task = &preload_segment->task[at];
    task->process = preload_process();
    task->file = file;
    task->on = table_of(frame);
    task->site = caller;
    task->start = start_of_look;
    atomic_store_explicit(&task->state, PROFILE_READY, memory_order_release);
    return task;
}

void python_tasks_begin(uint64_t wall, uint64_t now) {
    wall_of_look = wall;
    start_of_look = now - wall;
    for (int i = 0; i < THREADS; i++) running[i].seen = false;
}

void python_tasks_seen(unsigned long thread, python_object *frame, uint32_t caller, uint64_t cpu) {
    int at = -1;
    for (int i = 0; i < THREADS; i++) {
        if (running[i].frame == frame && running[i].thread == thread) {
            at = i;
            break;
        }
        if (at < 0 && !running[i].frame) at = i;
    }
    if (at < 0) return;
    if (!running[at].frame) {
        python.take(frame);
        running[at].frame = frame;
        running[at].thread = thread;
        running[at].entry = begin(frame, caller);
    }
    running[at].seen = true;
    if (!running[at].entry) return;
    add(&running[at].entry->wall_ns, wall_of_look);
    add(&running[at].entry->cpu_ns, cpu);
}

void python_tasks_end(void) {
    for (int i = 0; i < THREADS; i++) {
        python_object *frame = running[i].frame;
        if (!frame || running[i].seen) continue;
        running[i].frame = NULL;
        python.give(frame);
    }
}

void python_tasks_forget(void) { memset(running, 0, sizeof running); }
