/* python_calls.c - every call of a function of Python, and of C by Python, where the run asked for that (--calls):
 * counted and timed as the standard library's cProfile does it, in all threads and processes.
 *
 * Python calls the hook with its lock held, at each begin and end of a function. What a thread is in lies in memory of
 * its own; counts go to the segment at once, so that a killed program keeps them.
 */
#include "prof/preload/preload.h"
#include "prof/preload/python.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define CODES 65536u
#define LOOKS 16u
#define FRAMES 16384u /* calls within calls that are timed; deeper ones are counted only */

/* Python's events of a profile. */
enum { CALL = 0, RETURN = 3, C_CALL = 4, C_EXCEPTION = 5, C_RETURN = 6 };

/* The functions that are known, by the address of the code, which is kept alive, or of the function of C. Touched with
 * Python's lock held. */
static struct {
    const void *key;
    uint32_t function; /* entry + 1; 0: no room */
} known[CODES];

typedef struct call {
    const void *frame; /* what its end is told by */
    uint32_t function, edge;
    uint64_t start, inner; /* nanoseconds; those in calls that it made */
} call;

/* Of one thread. */
typedef struct thread_calls {
    unsigned epoch; /* of the process: a child of fork begins anew */
    uint32_t depth;
    uint16_t running[PROFILE_FUNCTIONS], edge_running[PROFILE_EDGES];
    call stack[FRAMES];
} thread_calls;

static __thread thread_calls *own;
static __thread bool hooked;
static pthread_key_t ended;
static _Atomic int key_made;

static void add(profile_count *counter, uint64_t n) { atomic_fetch_add_explicit(counter, n, memory_order_relaxed); }

/* ---------------------------------------------------------------- a thread's own */

static void forget(void *calls) {
    own = NULL;
    munmap(calls, sizeof(thread_calls));
}

static thread_calls *calls_of_thread(void) {
    if (!own) {
        void *map = mmap(NULL, sizeof *own, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED) return NULL;
        own = map;
        own->epoch = preload_epoch;
        pthread_setspecific(ended, own);
    } else if (own->epoch != preload_epoch) {
        memset(own->running, 0, sizeof own->running);
        memset(own->edge_running, 0, sizeof own->edge_running);
        own->depth = 0;
        own->epoch = preload_epoch;
    }
    return own;
}

/* ---------------------------------------------------------------- which function */

/* The name that pstats shows for a function of C: as cProfile has it. */
static uint32_t name_of_c(python_object *function) {
    char text[256] = "<built-in method ";
    python_object *self = python.c_self(function), *type = self ? python.type(self) : NULL, *whole = NULL;
    python_object *name = python.attribute(function, "__name__");
    const char *found = name ? python.utf8(name) : NULL;
    python_object *method = type && found ? python.attribute(type, found) : NULL;
    if (method) whole = python.repr(method);
    const char *told = whole ? python.utf8(whole) : NULL;
    if (!told && found) {
        python_object *module = python.attribute(function, "__module__");
        const char *of = module ? python.utf8(module) : NULL;
        size_t at = self ? strlen(text) : 1;
        const char *const parts[] = {of && (self || strcmp(of, "builtins") != 0) ? of : "", ".", found, ">"};
        for (size_t i = 0; i < 4; i++) {
            size_t length = strlen(parts[i]), room = sizeof text - 1 - at;
            if (i == 1 && !parts[0][0]) length = 0;
            if (length > room) length = room;
            memcpy(text + at, parts[i], length);
            at += length;
        }
        text[at] = '\0';
        told = text;
        if (module) python.give(module);
    }
    python.clear_error();
    uint32_t string = told ? preload_string(told, strlen(told)) : UINT32_MAX;
    python_object *const taken[] = {type, whole, name, method};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (taken[i]) python.give(taken[i]);
    return string;
}

static uint32_t learn_c(python_object *function) {
    uint32_t name = name_of_c(function), file = preload_string("~", 1);
    if (name == UINT32_MAX || file == UINT32_MAX) return 0;
    return preload_function(file, name, 0) + 1;
}

static void watch_threads(void);

static uint32_t learn(python_object *code) {
    python_object *first = python.attribute(code, "co_firstlineno");
    int line = first ? (int)python.number(first) : 0;
    uint32_t file = python_text(code, "co_filename", NULL), name = python_text(code, "co_name", NULL);
    if (first)
        python.give(first);
    else
        python.clear_error();
    if (file == UINT32_MAX || name == UINT32_MAX) return 0;
    const char *path = preload_segment->text + preload_segment->string[file].at;
    const char *end = strrchr(path, '/');
    if (end && strcmp(end, "/threading.py") == 0 &&
        strcmp(preload_segment->text + preload_segment->string[name].at, "start") == 0)
        watch_threads();
    uint32_t function = preload_function(file, name, line);
    if (function != UINT32_MAX) python_lines_learned(code, function);
    return function + 1;
}

/* The function's entry + 1; 0: there is no room for it. */
static uint32_t function_of(python_object *frame, bool c, python_object *function) {
    python_object *code = c ? NULL : python.code(frame);
    const void *key = c ? python.c_function(function) : code;
    uint32_t at = (uint32_t)(((uintptr_t)key >> 4) * 2654435761u) % CODES, found = 0;
    bool done = false;
    if (!key) python.clear_error(); /* a callable of a kind that has no such function */
    for (uint32_t i = 0; i < LOOKS && !done && key; i++, at = (at + 1) % CODES) {
        done = !known[at].key || known[at].key == key;
        if (!known[at].key) {
            if (code) python.take(code);
            known[at].function = c ? learn_c(function) : learn(code);
            known[at].key = key;
        }
        if (done) found = known[at].function;
    }
    if (!done) found = c ? learn_c(function) : learn(code);
    if (code) python.give(code);
    return found;
}

/* ---------------------------------------------------------------- begins and ends */

static void begin_call(thread_calls *t, const void *frame, uint32_t function) {
    uint32_t caller = t->depth && t->depth <= FRAMES ? t->stack[t->depth - 1].function + 1 : 0;
    uint32_t edge = preload_edge(caller, function);
    if (edge == UINT32_MAX) return;
    profile_edge *e = &preload_segment->edge[edge];
    add(&e->calls, 1);
    if (t->running[function]) add(&preload_segment->function[function].recursive, 1);
    if (t->edge_running[edge]) add(&e->recursive, 1);
    if (t->depth < FRAMES) {
        t->running[function]++;
        t->edge_running[edge]++;
        t->stack[t->depth++] = (call){frame, function, edge, preload_now(), 0};
    }
}

static void end_innermost(thread_calls *t, uint64_t now) {
    const call *c = &t->stack[--t->depth];
    profile_edge *e = &preload_segment->edge[c->edge];
    uint64_t took = now - c->start;
    add(&e->own_ns, took > c->inner ? took - c->inner : 0);
    if (--t->edge_running[c->edge] == 0) add(&e->cumulative_ns, took);
    if (--t->running[c->function] == 0) add(&preload_segment->function[c->function].cumulative_ns, took);
    if (t->depth) t->stack[t->depth - 1].inner += took;
}

/* Ends the call of this frame, and those within it whose ends were not told; nothing where its begin was not seen. */
static void end_call(thread_calls *t, const void *frame) {
    uint32_t at = t->depth;
    while (at > 0 && t->stack[at - 1].frame != frame) at--;
    if (at == 0) return;
    uint64_t now = preload_now();
    while (t->depth >= at) end_innermost(t, now);
}

/* A function of C has its caller's frame. */
static const void *mark_c(const void *frame) { return (const char *)frame + 1; }

static int hook(python_object *self, python_object *frame, int what, python_object *argument) {
    bool c = what == C_CALL || what == C_RETURN || what == C_EXCEPTION;
    (void)self;
    if (c && !preload_wants_calls()) return 0;
    thread_calls *t = calls_of_thread();
    if (!t) return 0;
    if (what == CALL || what == C_CALL) {
        uint32_t function = function_of(frame, c, argument);
        if (function && !c) python_lines_called(function - 1);
        if (function && preload_wants_calls()) begin_call(t, c ? mark_c(frame) : frame, function - 1);
    } else if (c || what == RETURN) {
        end_call(t, c ? mark_c(frame) : frame);
    }
    return 0;
}

/* ---------------------------------------------------------------- threads */

/* What threading.setprofile has each new thread call first. */
static python_object *begin_in_thread(python_object *self, python_object *arguments) {
    (void)self;
    hooked = true;
    python.set_profile(hook, NULL);
    python.take(arguments);
    return arguments; /* nobody looks at what it is */
}

static python_definition begin_definition = {"begin_calls", begin_in_thread, PYTHON_ARGUMENTS, NULL};

/* As the first thread is started: threading is whole then, and a program without threads never loads it. */
static void watch_threads(void) {
    python_object *threading = python.import("threading"), *told = NULL;
    python_object *function = threading ? python.function(&begin_definition, NULL, NULL) : NULL;
    if (function) told = python.call_method(threading, "setprofile", "O", function);
    if (!told) python.clear_error();
    if (told) python.give(told);
    if (function) python.give(function);
    if (threading) python.give(threading);
}

/* ---------------------------------------------------------------- begin */

static bool can_begin(void) {
    if (hooked || !preload_is_own_memory() || !dlsym(RTLD_DEFAULT, "PyEval_SetProfile")) return false;
    return python_is_there() && python.is_initialized() && python.thread_state();
}

/* Python opens files without its lock: it is taken and given back within that call, as the call itself does next. */
void preload_calls_begin(void) {
    int none = 0;
    if (!can_begin() || !preload_attach()) return;
    bool takes = !python.holds_lock();
    python_object *thread = python.thread_state();
    hooked = true;
    if (takes) python.enter(thread);
    if (atomic_compare_exchange_strong(&key_made, &none, 1)) pthread_key_create(&ended, forget);
    if (!python.error()) python.set_profile(hook, NULL);
    if (takes) python.leave();
}
