/* python.h - Python's functions, as libmsio_profile.so calls them: looked up at run time. Nothing is linked, and
 * programs without Python lose nothing. */
#ifndef MSIO_PRELOAD_PYTHON_H
#define MSIO_PRELOAD_PYTHON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct python_object python_object; /* Python's; never looked into */

/* Functions of Python 3.9 and later, all or none but where it is said. */
typedef struct python_functions {
    int (*is_initialized)(void);
    int (*holds_lock)(void);
    python_object *(*thread_state)(void);
    python_object *(*frame)(python_object *thread);
    python_object *(*back)(python_object *frame);
    python_object *(*code)(python_object *frame);
    int (*line)(python_object *frame);
    python_object *(*attribute)(python_object *of, const char *name);
    const char *(*utf8)(python_object *string);
    void (*take)(python_object *);
    void (*give)(python_object *);
    void (*clear_error)(void);
    python_object *(*error)(void);
    /* of the sampler */
    python_object *(*interpreter)(void);
    python_object *(*new_thread)(python_object *interpreter);
    python_object *(*leave)(void);
    void (*enter)(python_object *thread);
    python_object *(*of_sys)(const char *name);
    python_object *(*call)(python_object *callable, python_object *arguments);
    int (*next)(python_object *dictionary, ssize_t *at, python_object **key, python_object **value);
    unsigned long (*number)(python_object *);
    python_object *(*import)(const char *module);
    python_object *(*call_method)(python_object *of, const char *name, const char *format, ...);
    python_object *(*function)(void *definition, python_object *self, python_object *module);
    /* of calls */
    void (*set_profile)(int (*hook)(python_object *, python_object *, int, python_object *), python_object *);
    void *(*c_function)(python_object *function);
    python_object *(*c_self)(python_object *function);
    python_object *(*type)(python_object *of);
    python_object *(*repr)(python_object *of);
    /* of tasks */
    python_object *(*item)(python_object *of, const char *key);
    /* of lines */
    python_object *(*dictionary)(void);
    python_object *(*text)(const char *);
    int (*set_item)(python_object *of, const char *key, python_object *value);
    python_object *(*run)(const char *source, int start, python_object *globals, python_object *locals);
    python_object *(*invoke)(python_object *callable, const char *format, ...);
    python_object *none;
    int (*instruction)(python_object *frame); /* 3.11 and later: else NULL */
    int (*collector_off)(void);               /* 3.10 and later: else NULL */
    int (*collector_on)(void);
} python_functions;

extern python_functions python;

/* A function of C for Python, as its stable interface has it (PyMethodDef); METH_NOARGS and METH_VARARGS of flags. */
typedef struct python_definition {
    const char *name;
    python_object *(*function)(python_object *, python_object *);
    int flags;
    const char *text;
} python_definition;
#define PYTHON_ARGUMENTS 0x0001
#define PYTHON_NO_ARGUMENTS 0x0004

/* Whether Python is in this process; its functions can be called then. */
bool python_is_there(void);

/* Keeps Python's garbage collector from running in what follows: destructors must not come at a moment that is none of
 * their own. Takes and returns what it was. With Python's lock. */
int python_collector_off(void);
void python_collector_back(int was);

/* Whose code a frame is: the user's own; a package's or Python's; one that stands between a caller and casacore, whose
 * lines say nothing; of these, the function by which a task of CASA is called. */
typedef enum python_owner { PYTHON_OWN, PYTHON_PACKAGE, PYTHON_LIBRARY, PYTHON_TASK } python_owner;

/* Code in files of this folder, with its slash at the end, stands between a caller and msio: it is msio's own package.
 */
void python_pass_over(const char *folder);

/* The entry of an attribute's text in the segment's strings; UINT32_MAX: it has none, or there is no room. *owner, if
 * not NULL: whose file that is. Python's lock is held. */
uint32_t python_text(python_object *of, const char *attribute, python_owner *owner);

/* The site of a frame: entry + 1; 0: there was no room for it. Python's lock is held. */
uint32_t python_frame_site(python_object *frame, python_owner *owner);

/* Lines of chosen functions (python_lines.c), with Python's lock: a code that is called for the first time, with its
 * entry of functions; each later call's function. */
void python_lines_learned(python_object *code, uint32_t function);
void python_lines_called(uint32_t function);
/* Writes what was found so far. */
void python_lines_write(void);

/* Tasks of CASA (python_tasks.c). At each look, with Python's lock: begin; for each thread the outermost frame by which
 * a task is called, with the entry + 1 of its caller's site; end. A call of a task is told from the next one by its
 * frame, which is kept until it was no longer seen. */
void python_tasks_begin(uint64_t wall, uint64_t now);
void python_tasks_seen(unsigned long thread, python_object *frame, uint32_t caller, uint64_t cpu);
void python_tasks_end(void);
/* In the child of a fork: nothing of the parent's is touched. */
void python_tasks_forget(void);

#endif
