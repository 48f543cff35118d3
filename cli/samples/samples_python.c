/* samples_python.c - the looks at Python's threads that lie around a sample. */
#include "cli/samples/samples_python.h"

#include <stdbool.h>
#include <stddef.h>

#define TRIES 100 /* to read what is being written */

static const profile_thread *thread_of(const profile_segment *s, uint64_t id) {
    for (uint32_t i = 0, at = profile_thread_begin(id); i < PROFILE_THREAD_PROBES; i++, at++) {
        const profile_thread *entry = &s->thread[at % PROFILE_THREADS];
        if (entry->id == id) return entry;
    }
    return NULL;
}

static const profile_stack *stack_of(const profile_segment *s, uint32_t entry) {
    const profile_stack *stack = entry && entry <= PROFILE_STACKS ? &s->stack[entry - 1] : NULL;
    return stack && stack->state == PROFILE_READY && stack->depth <= PROFILE_DEPTH ? stack : NULL;
}

/* The looks around a moment. 1: they are there; 0: the last ones are all later; -1: the next one is not there yet. */
static int find_looks(const profile_segment *s, const profile_thread *thread, uint64_t when,
                      const profile_stack *around[2]) {
    for (int i = 0; i < TRIES; i++) {
        uint32_t looks = atomic_load_explicit(&thread->looks, memory_order_acquire), look = looks;
        int found = 0;
        around[1] = NULL;
        while (look && !found && looks - look < PROFILE_LOOKS - 1) { /* one may be written meanwhile */
            uint32_t at = --look % PROFILE_LOOKS;
            around[0] = around[1];
            around[1] = stack_of(s, atomic_load_explicit(&thread->stack[at], memory_order_relaxed));
            if (atomic_load_explicit(&thread->when[at], memory_order_relaxed) <= when)
                found = look + 1 == looks ? -1 : 1;
        }
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&thread->looks, memory_order_relaxed) - looks <= 1) return found;
    }
    return 0;
}

/* Whether two frames are of one function. */
static bool is_same(const profile_segment *s, uint32_t one, uint32_t other) {
    if (one >= PROFILE_SITES || other >= PROFILE_SITES) return false;
    return one == other ||
           (s->site[one].file == s->site[other].file && s->site[one].function == s->site[other].function);
}

int python_frames(const profile_segment *s, uint32_t process, uint32_t thread, uint64_t when,
                  uint32_t list[PROFILE_DEPTH]) {
    const profile_thread *entry = thread_of(s, (uint64_t)process << 32 | thread);
    const profile_stack *around[2]; /* after, before */
    int n = 0, found = entry ? find_looks(s, entry, when, around) : 0;
    if (found <= 0) return found;
    const profile_stack *after = around[0], *before = around[1];
    if (!after || !before) return 0;
    for (uint32_t a = after->depth, b = before->depth; a && b; n++) {
        if (!is_same(s, after->site[--a], before->site[--b])) break;
        list[n] = after->site[a];
    }
    return n;
}
