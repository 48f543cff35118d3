/* pycaller.c - where in a Python program a call came from. */
#include "extension.h"

#include <string.h>

/* 1 for "msio" and what is within it, "casacore" and what is within it. */
static int is_inner(PyObject *globals) {
    static const char *const packages[] = {"msio", "casacore"};
    PyObject *name = PyDict_GetItemString(globals, "__name__");
    const char *text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    if (!text) PyErr_Clear();
    for (size_t i = 0; text && i < sizeof packages / sizeof packages[0]; i++) {
        size_t length = strlen(packages[i]);
        if (strncmp(text, packages[i], length) == 0 && (text[length] == '\0' || text[length] == '.')) return 1;
    }
    return 0;
}

static int frame_is_inner(PyFrameObject *frame) {
    PyObject *globals = PyFrame_GetGlobals(frame);
    int inner = globals && is_inner(globals);
    Py_XDECREF(globals);
    return inner;
}

static PyObject *file_of(PyFrameObject *frame) {
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *name = PyObject_GetAttrString((PyObject *)code, "co_filename");
    PyObject *file = name && PyUnicode_Check(name) ? PyUnicode_EncodeFSDefault(name) : NULL;
    if (!file) PyErr_Clear();
    Py_XDECREF(name);
    Py_DECREF(code);
    return file;
}

PyObject *py_caller(int *line) {
    PyFrameObject *frame = PyEval_GetFrame();
    Py_XINCREF(frame);
    while (frame && frame_is_inner(frame)) {
        PyFrameObject *outer = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = outer;
    }
    if (!frame) return NULL;
    PyObject *file = file_of(frame);
    *line = PyFrame_GetLineNumber(frame);
    Py_DECREF(frame);
    return file;
}
