/* pycasacore.c - python-casacore offered to the library for what only casacore can read (msio/_through_casacore.py).
 *
 * The library calls these functions without the GIL, with locks of its own held; they take the GIL. No thread waits for
 * those locks with the GIL held: every call of the extension that may read gives it up before.
 */
#include "extension.h"

#include <stdio.h>
#include <string.h>

static PyObject *module; /* msio._through_casacore, once it is needed; under the GIL */
static atomic_int over;  /* Python ends: nothing of it can be called any more */

static bool gone(void) { return atomic_load(&over) || !Py_IsInitialized(); }

/* ---------------------------------------------------------------- errors */

static void say(msio_casa_message *message, const char *words) {
    snprintf(message->text, sizeof message->text, "%s", words);
}

/* The exception that is set, as a status with its words. */
static msio_status told(msio_casa_message *message) {
    PyObject *class, *value, *trace;
    PyErr_Fetch(&class, &value, &trace);
    PyErr_NormalizeException(&class, &value, &trace);
    msio_status status = MSIO_E_CASACORE;
    if (PyErr_GivenExceptionMatches(class, PyExc_MemoryError)) status = MSIO_E_MEMORY;
    if (PyErr_GivenExceptionMatches(class, PyExc_IndexError)) status = MSIO_E_RANGE;
    if (PyErr_GivenExceptionMatches(class, PyExc_KeyboardInterrupt)) status = MSIO_E_CANCELLED;
    PyObject *text = value ? PyObject_Str(value) : NULL;
    const char *words = text ? PyUnicode_AsUTF8(text) : NULL;
    say(message, words && *words ? words : "python-casacore does not say why");
    if (words && (strstr(words, "Shared library") || strstr(words, "unknown data manager")))
        status = MSIO_E_UNSUPPORTED;
    PyErr_Clear();
    Py_XDECREF(text);
    if (status == MSIO_E_CANCELLED)
        PyErr_Restore(class, value, trace);
    else {
        Py_XDECREF(class);
        Py_XDECREF(value);
        Py_XDECREF(trace);
    }
    return status;
}

/* Ends a call: what it made (NULL with an exception set) is given up, and the GIL. */
static msio_status finish(PyGILState_STATE state, PyObject *made, msio_casa_message *message) {
    msio_status status = made ? MSIO_OK : told(message);
    Py_XDECREF(made);
    PyGILState_Release(state);
    return status;
}

static msio_status ended(msio_casa_message *message) {
    say(message, "Python is ending");
    return MSIO_E_CASACORE;
}

/* ---------------------------------------------------------------- arguments */

/* Column names and paths are bytes of C. */
static PyObject *text(const char *bytes) {
    return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)strlen(bytes), "surrogateescape");
}

static PyObject *list_rows(const msio_casa_row_set *rows) {
    PyObject *list = PyList_New((Py_ssize_t)rows->count);
    for (int64_t i = 0; list && i < rows->count; i++) {
        PyObject *row = PyLong_FromLongLong(rows->list[i]);
        if (!row) Py_CLEAR(list);
        if (list) PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    return list;
}

/* A range, or a list. */
static PyObject *rows_of(const msio_casa_row_set *rows) {
    if (rows->list) return list_rows(rows);
    int64_t step = rows->step > 0 ? rows->step : 1;
    return PyObject_CallFunction((PyObject *)&PyRange_Type, "LLL", (long long)rows->row,
                                 (long long)(rows->row + step * rows->count), (long long)step);
}

static PyObject *part_of(const msio_casa_part *part) {
    if (!part) Py_RETURN_NONE;
    return Py_BuildValue("((LLL)(LLL))", (long long)part->chan, (long long)part->chans, (long long)part->chan_step,
                         (long long)part->corr, (long long)part->corrs, (long long)part->corr_step);
}

static PyObject *memory(void *bytes, size_t size) {
    return PyMemoryView_FromMemory(bytes, (Py_ssize_t)size, PyBUF_WRITE);
}

/* ---------------------------------------------------------------- the functions */

static int through_ready(void) {
    if (gone()) return 0;
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *type, *value, *trace; /* of the caller's thread, which may be on its way out of something else */
    PyErr_Fetch(&type, &value, &trace);
    if (!module) module = PyImport_ImportModule("msio._through_casacore");
    PyObject *answer = module ? PyObject_CallMethod(module, "ready", NULL) : NULL;
    int ready = answer ? PyObject_IsTrue(answer) > 0 : 0;
    Py_XDECREF(answer);
    PyErr_Clear();
    PyErr_Restore(type, value, trace);
    PyGILState_Release(state);
    return ready;
}

static msio_status through_open(const char *path, void **table, msio_casa_message *message) {
    if (gone()) return ended(message);
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *opened = PyObject_CallMethod(module, "Through", "y", path);
    Py_XINCREF(opened);
    *table = opened;
    return finish(state, opened, message);
}

static void through_close(void *table) {
    if (!table || gone()) return; /* the process ends, and its memory with it */
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    Py_DECREF((PyObject *)table);
    PyErr_Restore(type, value, trace);
    PyGILState_Release(state);
}

static msio_status through_reopen(void *table, msio_casa_message *message) {
    if (gone()) return ended(message);
    PyGILState_STATE state = PyGILState_Ensure();
    return finish(state, PyObject_CallMethod(table, "reopen", NULL), message);
}

static msio_status through_readable(void *table, const char *column, msio_casa_message *message) {
    if (gone()) return ended(message);
    PyGILState_STATE state = PyGILState_Ensure();
    return finish(state, PyObject_CallMethod(table, "readable", "N", text(column)), message);
}

static msio_status through_shapes(void *table, const char *column, const msio_casa_row_set *rows, int8_t *ndims,
                                  int64_t (*shapes)[MSIO_MAX_NDIM], msio_casa_message *message) {
    if (gone()) return ended(message);
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *answer =
        PyObject_CallMethod(table, "shapes", "NNNNi", text(column), rows_of(rows), memory(ndims, (size_t)rows->count),
                            memory(shapes, (size_t)rows->count * sizeof *shapes), MSIO_MAX_NDIM);
    return finish(state, answer, message);
}

static msio_status through_read(void *table, const char *column, const msio_casa_row_set *rows,
                                const msio_casa_part *part, void *out, size_t out_bytes, msio_casa_message *message) {
    if (gone()) return ended(message);
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *answer =
        PyObject_CallMethod(table, "read", "NNNN", text(column), rows_of(rows), part_of(part), memory(out, out_bytes));
    return finish(state, answer, message);
}

/* Hands the strings on. Other than MSIO_OK: with the message set. */
static msio_status hand_over(PyObject *texts, int64_t count, msio_casa_text_sink *sink, void *user,
                             msio_casa_message *message) {
    if (!PyList_Check(texts) || PyList_GET_SIZE(texts) != (Py_ssize_t)count) {
        say(message, "the cell has another number of strings than its shape told before");
        return MSIO_E_CHANGED;
    }
    for (Py_ssize_t i = 0; i < (Py_ssize_t)count; i++) {
        PyObject *bytes = PyList_GET_ITEM(texts, i);
        if (sink(user, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes))) {
            say(message, "no memory for the strings of the answer");
            return MSIO_E_MEMORY;
        }
    }
    return MSIO_OK;
}

static msio_status through_strings(void *table, const char *column, int64_t row, int64_t count,
                                   msio_casa_text_sink *sink, void *user, msio_casa_message *message) {
    if (gone()) return ended(message);
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *texts = PyObject_CallMethod(table, "strings", "NL", text(column), (long long)row);
    msio_status status = texts ? hand_over(texts, count, sink, user, message) : MSIO_OK;
    msio_status end = finish(state, texts, message);
    return status ? status : end;
}

/* ---------------------------------------------------------------- offering it */

static const msio_casacore_provider through = {
    sizeof(msio_casacore_provider),
    through_ready,
    through_open,
    through_close,
    through_reopen,
    through_readable,
    through_shapes,
    through_read,
    through_strings,
};

static PyObject *end(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    atomic_store(&over, 1);
    msio_casacore_provide(NULL);
    Py_RETURN_NONE;
}

static PyMethodDef at_end = {"_casacore_over", end, METH_NOARGS, "Python ends."};

int py_casacore_init(PyObject *owner) {
    PyObject *function = PyCFunction_New(&at_end, NULL), *atexit = PyImport_ImportModule("atexit");
    PyObject *done = function && atexit ? PyObject_CallMethod(atexit, "register", "O", function) : NULL;
    int failed = !done || PyModule_AddObjectRef(owner, at_end.ml_name, function);
    Py_XDECREF(done);
    Py_XDECREF(atexit);
    Py_XDECREF(function);
    if (failed) return -1;
    return msio_casacore_provide(&through) ? (py_fail(), -1) : 0;
}
