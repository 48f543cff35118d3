/* python_lines.c - every line of functions that the user chose (--lines): timed by line_profiler, where the program's
 * Python has it. The chosen functions are handed to it as they are first called; what it found is written when Python
 * ends, and each second of a run that is sampled, so that little is lost of one that is killed: to FOLDER/lines.PID. A
 * child of fork begins anew; it often ends by _exit, which runs nothing of Python's.
 */
#include "prof/preload/preload.h"
#include "prof/preload/python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHOSEN 64u     /* functions */
#define FILE_INPUT 257 /* Py_file_input */

static uint32_t chosen[CHOSEN]; /* entries of functions */
static uint32_t n_chosen;
static python_object
    *handed; /* the function below that takes a code; NULL: not made yet, or line_profiler is missing */
static python_object *writes; /* the one that writes what was found so far */
static bool tried;
static __thread bool timed; /* line_profiler looks at this thread */

/* What is run in the program's Python, in a namespace of its own. A code becomes a function again, for that is what
 * line_profiler takes; it knows functions by their bytes. */
static const char source[] =
    "import atexit, os, types\n"
    "import line_profiler\n"
    "profile = line_profiler.LineProfiler()\n"
    "process, base = os.getpid(), {}\n"
    "def lines():\n"
    "    stats = profile.get_stats()\n"
    "    return {(*key, line): (hits, took * stats.unit)\n"
    "            for key, rows in stats.timings.items() for line, hits, took in rows}\n"
    "def write():\n"
    "    if os.getpid() != process: return\n"
    "    with open(path + '.new', 'w', encoding='utf-8', errors='replace') as file:\n"
    "        for (name, first, function, line), (hits, took) in lines().items():\n"
    "            before = base.get((name, first, function, line), (0, 0))\n"
    "            if hits == before[0]: continue\n"
    "            row = (name, first, function, line, hits - before[0], max(0, took - before[1]))\n"
    "            file.write('\\t'.join(str(part).replace('\\t', '?').replace('\\n', '?') for part in row) + '\\n')\n"
    "    os.rename(path + '.new', path)\n"
    "def forked():\n"
    "    global process, base, path\n"
    "    process, base = os.getpid(), lines()\n"
    "    path = '%s.%d' % (path.rpartition('.')[0], process)\n"
    "def end():\n"
    "    profile.disable()\n"
    "    write()\n"
    "atexit.register(end)\n"
    "os.register_at_fork(after_in_child=forked)\n"
    "def take(code):\n"
    "    if code is not None:\n"
    "        cells = tuple(types.CellType() for _ in code.co_freevars)\n"
    "        profile.add_function(types.FunctionType(code, {}, code.co_name, None, cells))\n"
    "    profile.enable()\n";

/* ---------------------------------------------------------------- which functions */

/* Whether a name of the list, NAME[,NAME...], is the function's: its own name, or the end of its qualified one. */
static bool is_in(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ",:");
        bool ends = n <= length && memcmp(name + length - n, at, n) == 0;
        if (n && ends && (n == length || name[length - n - 1] == '.')) return true;
        at += n;
        if (*at == ':') return false;
        if (*at) at++;
    }
    return false;
}

/* Python 3.11 and later have qualified names; before, the function's own does. */
static bool is_wanted(python_object *code) {
    static const char *const names[] = {"co_qualname", "co_name"};
    bool wanted = false;
    for (size_t i = 0; i < 2 && !wanted; i++) {
        python_object *value = python.attribute(code, names[i]);
        const char *text = value ? python.utf8(value) : NULL;
        if (text) wanted = is_in(preload_wanted_lines(), text);
        if (value) python.give(value);
        python.clear_error();
    }
    return wanted;
}

/* ---------------------------------------------------------------- line_profiler */

static void put(python_object *space, const char *key, const char *text) {
    python_object *value = python.text(text);
    if (value) {
        python.set_item(space, key, value);
        python.give(value);
    }
}

static void begin(void) {
    char path[4200];
    python_object *space = python.dictionary(), *result = NULL;
    tried = true;
    snprintf(path, sizeof path, "%s/lines.%d", preload_folder(), (int)getpid());
    if (space) {
        put(space, "path", path);
        result = python.run(source, FILE_INPUT, space, space);
        if (result) handed = python.item(space, "take");
        if (handed) writes = python.item(space, "write");
        python.clear_error();
        if (result) python.give(result);
        python.give(space);
    }
    python.clear_error();
    if (!handed) atomic_fetch_add(&preload_segment->no_line_profiler, 1);
}

static void hand(python_object *code) {
    python_object *result = handed ? python.invoke(handed, "(O)", code) : NULL;
    if (result) python.give(result);
    python.clear_error();
}

void python_lines_learned(python_object *code, uint32_t function) {
    if (!*preload_wanted_lines() || n_chosen == CHOSEN || !is_wanted(code)) return;
    if (!tried) begin();
    chosen[n_chosen++] = function;
    hand(code);
    timed = true;
}

void python_lines_called(uint32_t function) {
    if (timed || !n_chosen) return;
    for (uint32_t i = 0; i < n_chosen; i++)
        if (chosen[i] == function) {
            hand(python.none);
            timed = true;
            return;
        }
}

void python_lines_write(void) {
    python_object *result = writes ? python.call(writes, NULL) : NULL;
    if (result) python.give(result);
    if (writes) python.clear_error();
}

/* By these a process ends at once: Python's os._exit, and so children of multiprocessing. Not between vfork and exec.
 */
static void before_end(void) {
    if (writes && preload_is_own_memory() && python.is_initialized() && python.holds_lock() && !python.error())
        python_lines_write();
}

PRELOAD_EXPORT void _exit(int status) {
    before_end();
    for (;;) syscall(SYS_exit_group, status);
}

PRELOAD_EXPORT void _Exit(int status) { _exit(status); }
