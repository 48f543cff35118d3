/* python_site.c - the line of Python that an access comes from: asked of the interpreter where this thread holds its
 * lock.
 */
#include "prof/preload/python.h"

#include "prof/preload/preload.h"

#include <dlfcn.h>
#include <string.h>

python_functions python;

static _Atomic int looked; /* 0 not yet, 1 there is none, 2 all there */

#define CODES 32768u
#define FRAMES_UP 24

/* What is known of a place in code: of an instruction, where Python tells it, since lines are looked for from the
 * code's begin on; else of a line. Only touched with Python's lock held. The code is kept alive, so that its address
 * stays its own. */
static struct {
    python_object *code;
    int place;
    uint32_t site; /* entry + 1; 0: no room */
    python_owner owner;
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
                  {(void **)&python.error, "PyErr_Occurred"},
                  {(void **)&python.interpreter, "PyInterpreterState_Main"},
                  {(void **)&python.new_thread, "PyThreadState_New"},
                  {(void **)&python.leave, "PyEval_SaveThread"},
                  {(void **)&python.enter, "PyEval_RestoreThread"},
                  {(void **)&python.of_sys, "PySys_GetObject"},
                  {(void **)&python.call, "PyObject_CallObject"},
                  {(void **)&python.next, "PyDict_Next"},
                  {(void **)&python.number, "PyLong_AsUnsignedLong"},
                  {(void **)&python.import, "PyImport_ImportModule"},
                  {(void **)&python.call_method, "PyObject_CallMethod"},
                  {(void **)&python.function, "PyCFunction_NewEx"},
                  {(void **)&python.set_profile, "PyEval_SetProfile"},
                  {(void **)&python.c_function, "PyCFunction_GetFunction"},
                  {(void **)&python.c_self, "PyCFunction_GetSelf"},
                  {(void **)&python.type, "PyObject_Type"},
                  {(void **)&python.repr, "PyObject_Repr"},
                  {(void **)&python.item, "PyMapping_GetItemString"},
                  {(void **)&python.dictionary, "PyDict_New"},
                  {(void **)&python.text, "PyUnicode_DecodeFSDefault"},
                  {(void **)&python.set_item, "PyDict_SetItemString"},
                  {(void **)&python.run, "PyRun_String"},
                  {(void **)&python.invoke, "PyObject_CallFunction"},
                  {(void **)&python.none, "_Py_NoneStruct"}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!(*wanted[i].to = dlsym(RTLD_DEFAULT, wanted[i].name))) return false;
    *(void **)&python.instruction = dlsym(RTLD_DEFAULT, "PyFrame_GetLasti");
    *(void **)&python.collector_off = dlsym(RTLD_DEFAULT, "PyGC_Disable");
    *(void **)&python.collector_on = dlsym(RTLD_DEFAULT, "PyGC_Enable");
    return true;
}

int python_collector_off(void) { return python.collector_off && python.collector_on ? python.collector_off() : 0; }

void python_collector_back(int was) {
    if (was) python.collector_on();
}

bool python_is_there(void) {
    int state = atomic_load_explicit(&looked, memory_order_acquire);
    if (state == 0) {
        state = look_up() ? 2 : 1;
        atomic_store_explicit(&looked, state, memory_order_release);
    }
    return state == 2;
}

static bool has_one_of(const char *file, const char *const *parts) {
    for (; *parts; parts++)
        if (strstr(file, *parts)) return true;
    return false;
}

/* Of msio's package, wherever it lies. Set as its extension is loaded, before Python runs any of its code that calls.
 */
static char passed_over[1024];

void python_pass_over(const char *folder) {
    size_t length = strlen(folder);
    if (length < sizeof passed_over) memcpy(passed_over, folder, length + 1);
}

static python_owner owner_of(const char *file) {
    /* innermost is always table.py's getcell */
    static const char *const between[] = {"/casacore/",    "/casatools/", "/casatasks/",     "/casatestutils/",
                                          "/importlib/",   "<frozen ",    "-packages/msio/", "/contextlib.py",
                                          "/functools.py", NULL};
    static const char *const packages[] = {"-packages/", "/lib/python3", "/lib64/python3", "<__array_", NULL};
    if (has_one_of(file, between)) return PYTHON_LIBRARY;
    if (*passed_over && strncmp(file, passed_over, strlen(passed_over)) == 0) return PYTHON_LIBRARY;
    return has_one_of(file, packages) ? PYTHON_PACKAGE : PYTHON_OWN;
}

uint32_t python_text(python_object *code, const char *name, python_owner *owner) {
    python_object *value = python.attribute(code, name);
    const char *text = value ? python.utf8(value) : NULL;
    uint32_t string = UINT32_MAX;
    if (text) {
        if (owner) *owner = owner_of(text);
        string = preload_string(text, strlen(text));
    } else {
        python.clear_error();
    }
    if (value) python.give(value);
    return string;
}

/* A task of CASA is called by __call__ of .../casatasks/NAME.py; what stands in folders below is no task. */
static bool is_task(uint32_t file, uint32_t function) {
    static const char folder[] = "/casatasks/";
    const char *texts = preload_segment->text, *at = strstr(texts + preload_segment->string[file].at, folder);
    return at && !strchr(at + sizeof folder - 1, '/') &&
           strcmp(texts + preload_segment->string[function].at, "__call__") == 0;
}

/* The site of a line, asked for the first time: entry + 1; 0: no room. */
static uint32_t learn(python_object *code, int line, python_owner *owner) {
    uint32_t file = python_text(code, "co_filename", owner), function = python_text(code, "co_name", NULL);
    if (file == UINT32_MAX || function == UINT32_MAX) return 0;
    if (is_task(file, function)) *owner = PYTHON_TASK;
    uint32_t site = preload_site(file, function, line);
    return site == UINT32_MAX ? 0 : site + 1;
}

static uint32_t site_of(python_object *frame, python_object *code, python_owner *owner) {
    int place = python.instruction ? python.instruction(frame) : python.line(frame);
    uint32_t at = (uint32_t)(((uintptr_t)code >> 4) * 2654435761u + (uint32_t)place * 40503u) % CODES;
    for (uint32_t i = 0; i < 8; i++, at = (at + 1) % CODES) {
        if (!codes[at].code) {
            python.take(code);
            codes[at].place = place;
            codes[at].site = learn(code, python.line(frame), &codes[at].owner);
            codes[at].code = code;
        } else if (codes[at].code != code || codes[at].place != place) {
            continue;
        }
        *owner = codes[at].owner;
        return codes[at].site;
    }
    return learn(code, python.line(frame), owner);
}

uint32_t python_frame_site(python_object *frame, python_owner *owner) {
    python_object *code = python.code(frame);
    *owner = PYTHON_OWN;
    uint32_t site = site_of(frame, code, owner);
    python.give(code);
    return site;
}

/* The line that this thread is at: the first on its stack that is not a library's, or with `own` the first of the
 * user's own code, if there is one. With Python's lock. */
static uint32_t line_of_thread(bool own) {
    uint32_t site = 0;
    bool done = false;
    python_object *thread = python.thread_state();
    if (!thread || python.error()) return 0; /* an error under way is not to be disturbed */
    python_object *frame = python.frame(thread);
    for (int up = 0; frame && !done && up < FRAMES_UP; up++) {
        python_owner owner;
        uint32_t found = python_frame_site(frame, &owner);
        done = owner == PYTHON_OWN || (owner == PYTHON_PACKAGE && !own);
        if (done || (owner == PYTHON_PACKAGE && !site)) site = found;
        python_object *outer = done ? NULL : python.back(frame);
        python.give(frame);
        frame = outer;
    }
    if (frame) python.give(frame);
    return site;
}

bool preload_python_runs(void) { return python_is_there() && python.is_initialized(); }

static bool holds_lock(void) { return preload_python_runs() && python.holds_lock(); }

uint32_t preload_python_site(uint32_t *sure) {
    uint32_t site = holds_lock() ? line_of_thread(false) : 0;
    if (site) *sure = PROFILE_SITE_EXACT;
    return site;
}

/* A block may be asked for in the middle of what changes a list: no destructor may run there. */
void preload_block(uint64_t bytes) {
    uint32_t site = 0;
    if (holds_lock()) {
        if (!python.collector_off) return;
        int collector = python_collector_off();
        site = line_of_thread(true);
        python_collector_back(collector);
    }
    if (!site) site = preload_left_site();
    if (!site) site = preload_native_site();
    if (!site) return;
    profile_site *at = &preload_segment->site[site - 1];
    atomic_fetch_add_explicit(&at->blocks, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&at->block_bytes, bytes, memory_order_relaxed);
}
