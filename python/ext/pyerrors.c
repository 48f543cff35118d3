/* pyerrors.c - msio's errors as Python exceptions, and long reads that Ctrl-C ends. */
#include "extension.h"

#include <time.h>

#define PATIENCE 0.05 /* s: between looks for signals */

static PyObject *by_code; /* {"E_RANGE": class, ...} */

int py_errors_init(void) {
    PyObject *module = PyImport_ImportModule("msio._errors");
    if (!module) return -1;
    by_code = PyObject_GetAttrString(module, "by_code");
    Py_DECREF(module);
    return by_code ? 0 : -1;
}

PyObject *py_fail(void) {
    if (PyErr_Occurred()) return NULL;
    const msio_error *error = msio_last_error();
    PyObject *class = PyDict_GetItemString(by_code, msio_status_name(error->code));
    if (!class) class = PyExc_RuntimeError;
    /* A name within may be no UTF-8, or cut within a character: this replaces such bytes. */
    PyObject *message = PyUnicode_FromFormat("%s%s%s", error->path, error->path[0] ? ": " : "", error->message);
    if (!message) return NULL;
    PyObject *made = PyObject_CallOneArg(class, message);
    Py_DECREF(message);
    if (!made) return NULL;
    PyObject *path = py_text(error->path), *code = PyUnicode_FromString(msio_status_name(error->code));
    if (path && code && PyObject_SetAttrString(made, "path", path) == 0 &&
        PyObject_SetAttrString(made, "code", code) == 0)
        PyErr_SetObject(class, made);
    Py_XDECREF(path);
    Py_XDECREF(code);
    Py_DECREF(made);
    return NULL;
}

/* ---------------------------------------------------------------- patience */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void py_patience_begin(py_patience *patience, PyObject *told) {
    patience->thread = PyThread_get_thread_ident();
    patience->next = now() + PATIENCE;
    patience->told = told == Py_None ? NULL : told;
}

static int interrupted(void *unused) {
    (void)unused;
    PyGILState_STATE state = PyGILState_Ensure();
    int stop = PyErr_Occurred() != NULL || PyErr_CheckSignals() != 0;
    PyGILState_Release(state);
    return stop;
}

void py_watch_waits(void) {
    msio_waits_ask(interrupted, NULL);
    py_views_tell();
}

/* Called without the GIL, by any of the reading threads; only the one that called can run Python. */
int py_poll(void *user, int64_t done, int64_t total) {
    py_patience *patience = user;
    if (PyThread_get_thread_ident() != patience->thread) return 0;
    double moment = now();
    if (moment < patience->next && done < total) return 0;
    patience->next = moment + PATIENCE;
    PyGILState_STATE state = PyGILState_Ensure();
    int stop = PyErr_Occurred() != NULL || PyErr_CheckSignals() != 0;
    if (!stop && patience->told) {
        PyObject *answer = PyObject_CallFunction(patience->told, "LL", (long long)done, (long long)total);
        stop = !answer;
        Py_XDECREF(answer);
    }
    PyGILState_Release(state);
    return stop;
}
