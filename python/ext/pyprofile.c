/* pyprofile.c - the profiler. */
#include "extension.h"

static PyObject *profile_start(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    msio_prof_reset();
    msio_prof_start();
    Py_RETURN_NONE;
}

static PyObject *profile_stop(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    msio_prof_stop();
    Py_RETURN_NONE;
}

static PyObject *profile_running(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    return PyBool_FromLong(msio_prof_running());
}

static PyObject *profile_setup(PyObject *module, PyObject *mode) {
    const char *text = PyUnicode_AsUTF8(mode);
    (void)module;
    if (!text) return NULL;
    if (msio_prof_setup(text)) return py_fail();
    Py_RETURN_NONE;
}

/* The report: as text (False) or as JSON (True). */
static PyObject *profile_report(PyObject *module, PyObject *as_json) {
    char *text = NULL;
    int json = PyObject_IsTrue(as_json);
    (void)module;
    if (json < 0) return NULL;
    if (json ? msio_prof_report_json(&text) : msio_prof_report_text(&text)) return py_fail();
    PyObject *report = py_text(text);
    msio_prof_free(text);
    return report;
}

static PyMethodDef functions[] = {
    {"profile_start", profile_start, METH_NOARGS, NULL},     {"profile_stop", profile_stop, METH_NOARGS, NULL},
    {"profile_running", profile_running, METH_NOARGS, NULL}, {"profile_setup", profile_setup, METH_O, NULL},
    {"profile_report", profile_report, METH_O, NULL},        {NULL, NULL, 0, NULL},
};

int py_profile_init(PyObject *module) { return PyModule_AddFunctions(module, functions); }
