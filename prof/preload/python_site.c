/* python_site.c - the line of Python that an access comes from: asked of the interpreter where this thread holds its
 * lock. Python's functions are looked up at run time: nothing is linked, and programs without Python lose nothing.
 */
#include "prof/preload/preload.h"

#include <dlfcn.h>
#include <string.h>

typedef struct object object; /* of Python's; never looked into */

/* Python's functions (3.9 and later), all or none. */
static struct {
    int (*is_initialized)(void);
    int (*holds_lock)(void);
    object *(*thread_state)(void);
    object *(*frame)(object *thread);
    object *(*back)(object *frame);
    object *(*code)(object *frame);
    int (*line)(object *frame);
    object *(*attribute)(object *of, const char *name);
    const char *(*utf8)(object *string);
    void (*take)(object *);
    void (*give)(object *);
    void (*clear_error)(void);
    object *(*error)(void);
} python;

static _Atomic int looked; /* 0 not yet, 1 there is none, 2 all there */

#define CODES 8192u
#define FRAMES_UP 24

/* What is known of a line of code. Only touched with Python's lock held. The code is kept alive, so that its address
 * stays its own. */
static struct {
    object *code;
    int line;
    uint32_t site; /* entry + 1; 0: a library's frame, passed over */
} codes[CODES];

static bool look_up(void) {
    struct {
        void **to;
        const char *name;
    } wanted[] = {{(void **)&python.is_initialized, "Py_IsInitialized"},
                  {(void **)&python.holds_lock, "PyGILState_Check"},
                  {(void **)&python.thread_state, "PyGILState_GetThisThreadState"},
                  {(void **)&python.frame, "PyThreadState_GetFrame"},
                  {(void **)&python.back, "PyFrame_GetBack"},
                  {(void **)&python.code, "PyFrame_GetCode"},
                  {(void **)&python.line, "PyFrame_GetLineNumber"},
                  {(void **)&python.attribute, "PyObject_GetAttrString"},
                  {(void **)&python.utf8, "PyUnicode_AsUTF8"},
                  {(void **)&python.take, "Py_IncRef"},
                  {(void **)&python.give, "Py_DecRef"},
                  {(void **)&python.clear_error, "PyErr_Clear"},
                  {(void **)&python.error, "PyErr_Occurred"}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!(*wanted[i].to = dlsym(RTLD_DEFAULT, wanted[i].name))) return false;
    return true;
}

static bool is_there(void) {
    int state = atomic_load_explicit(&looked, memory_order_acquire);
    if (state == 0) {
        state = look_up() ? 2 : 1;
        atomic_store_explicit(&looked, state, memory_order_release);
    }
    return state == 2;
}

/* The lock is not held by a child of fork when its parent's other threads had it: nothing to do; codes are shared. */
void preload_python_child(void) {}

/* Frames between the user's line and casacore: innermost is always table.py's getcell. */
static bool is_library(const char *file) {
    static const char *const parts[] = {"/casacore/",      "/casatools/",    "/casatasks/",
                                        "/casatestutils/", "/importlib/",    "<frozen ",
                                        "-packages/msio/", "/contextlib.py", "/functools.py"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(file, parts[i])) return true;
    return false;
}

static uint32_t text_of(object *code, const char *name, bool *library) {
    object *value = python.attribute(code, name);
    const char *text = value ? python.utf8(value) : NULL;
    uint32_t string = UINT32_MAX;
    if (text) {
        if (library) *library = is_library(text);
        string = preload_string(text, strlen(text));
    } else {
        python.clear_error();
    }
    if (value) python.give(value);
    return string;
}

/* The site of a line, asked for the first time: entry + 1; 0 for a library's. */
static uint32_t learn(object *code, int line) {
    bool library = false;
    uint32_t file = text_of(code, "co_filename", &library), function = text_of(code, "co_name", NULL);
    if (library || file == UINT32_MAX || function == UINT32_MAX) return 0;
    uint32_t site = preload_site(file, function, line);
    return site == UINT32_MAX ? 0 : site + 1;
}

static uint32_t site_of(object *code, int line) {
    uint32_t at = (uint32_t)(((uintptr_t)code >> 4) * 2654435761u + (uint32_t)line * 40503u) % CODES;
    for (uint32_t i = 0; i < 8; i++, at = (at + 1) % CODES) {
        if (codes[at].code == code && codes[at].line == line) return codes[at].site;
        if (codes[at].code) continue;
        python.take(code);
        codes[at].line = line;
        codes[at].site = learn(code, line);
        codes[at].code = code;
        return codes[at].site;
    }
    return learn(code, line);
}

uint32_t preload_python_site(uint32_t *sure) {
    uint32_t site = 0;
    if (!is_there() || !python.is_initialized() || !python.holds_lock()) return 0;
    object *thread = python.thread_state();
    if (!thread || python.error()) return 0; /* an error under way is not to be disturbed */
    object *frame = python.frame(thread);
    for (int up = 0; frame && !site && up < FRAMES_UP; up++) {
        object *code = python.code(frame);
        site = site_of(code, python.line(frame));
        python.give(code);
        object *outer = site ? NULL : python.back(frame);
        python.give(frame);
        frame = outer;
    }
    if (frame) python.give(frame);
    if (site) *sure = PROFILE_SITE_EXACT;
    return site;
}
