/* pyflags.c - counts of flags. */
#include "extension.h"

#include <string.h>

static const struct {
    const char *name;
    unsigned by;
} breakdowns[] = {
    {"spw", MSIO_FLAGS_BY_SPW},
    {"field", MSIO_FLAGS_BY_FIELD},
    {"scan", MSIO_FLAGS_BY_SCAN},
    {"antenna", MSIO_FLAGS_BY_ANTENNA},
    {"baseline", MSIO_FLAGS_BY_BASELINE},
    {"channel", MSIO_FLAGS_BY_CHANNEL},
    {"correlation", MSIO_FLAGS_BY_CORRELATION},
    {"time", MSIO_FLAGS_BY_TIME},
};
#define BREAKDOWNS (sizeof breakdowns / sizeof *breakdowns)

const char *py_breakdown_name(unsigned by) {
    for (size_t i = 0; i < BREAKDOWNS; i++)
        if (breakdowns[i].by == by) return breakdowns[i].name;
    return "?";
}

/* One breakdown as arrays: (name, key [n][2], time [n], flagged, total, from_flag_row). */
static PyObject *breakdown_of(const msio_flags_breakdown *b) {
    int64_t shape[2] = {b->entries, 2};
    npy_intp keys[2] = {(npy_intp)shape[0], 2};
    PyObject *key = PyArray_SimpleNew(2, keys, NPY_INT32), *time = PyArray_SimpleNew(1, keys, NPY_FLOAT64);
    PyObject *count[3] = {PyArray_SimpleNew(1, keys, NPY_INT64), PyArray_SimpleNew(1, keys, NPY_INT64),
                          PyArray_SimpleNew(1, keys, NPY_INT64)};
    if (!key || !time || !count[0] || !count[1] || !count[2]) {
        Py_XDECREF(key);
        Py_XDECREF(time);
        for (int k = 0; k < 3; k++) Py_XDECREF(count[k]);
        return NULL;
    }
    for (int64_t i = 0; i < b->entries; i++) {
        const msio_flags_entry *e = &b->entry[i];
        const int64_t number[3] = {e->flagged, e->total, e->from_flag_row};
        memcpy((int32_t *)PyArray_DATA((PyArrayObject *)key) + 2 * i, e->key, sizeof e->key);
        ((double *)PyArray_DATA((PyArrayObject *)time))[i] = e->time;
        for (int k = 0; k < 3; k++) ((int64_t *)PyArray_DATA((PyArrayObject *)count[k]))[i] = number[k];
    }
    return Py_BuildValue("(sNNNNN)", py_breakdown_name(b->by), key, time, count[0], count[1], count[2]);
}

static PyObject *describe(const msio_flags *f) {
    PyObject *list = PyList_New(f->breakdowns);
    for (int i = 0; list && i < f->breakdowns; i++) {
        PyObject *breakdown = breakdown_of(&f->breakdown[i]);
        if (breakdown)
            PyList_SET_ITEM(list, i, breakdown);
        else
            Py_CLEAR(list);
    }
    if (!list) return NULL;
    return Py_BuildValue("{s:L,s:L,s:L,s:L,s:s,s:N,s:d,s:d,s:d,s:L,s:N}", "flagged", (long long)f->flagged, "total",
                         (long long)f->total, "from_flag_row", (long long)f->from_flag_row, "undefined_rows",
                         (long long)f->undefined, "way", f->way, "sampled", PyBool_FromLong(f->sampled), "fraction",
                         f->fraction, "low", f->low, "high", f->high, "rows_sampled", (long long)f->rows_sampled,
                         "breakdowns", list);
}

int py_take_breakdowns(PyObject *names, unsigned *by) {
    PyObject *list = PySequence_Fast(names, "by has to be a sequence of names");
    if (!list) return -1;
    int failed = 0;
    for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(list) && !failed; k++) {
        PyObject *item = PySequence_Fast_GET_ITEM(list, k);
        const char *name = PyUnicode_Check(item) ? PyUnicode_AsUTF8(item) : "";
        unsigned found = 0;
        for (size_t i = 0; name && i < BREAKDOWNS; i++)
            if (strcmp(name, breakdowns[i].name) == 0) found = breakdowns[i].by;
        *by |= found;
        if (!found) {
            PyErr_Format(PyExc_ValueError,
                         "there is no breakdown %R: spw, field, scan, antenna, baseline, channel, "
                         "correlation and time are there",
                         item);
            failed = -1;
        }
    }
    Py_DECREF(list);
    return failed;
}

/* flags(path, by, flag_row, sample, seed, threads, checked, progress) */
static PyObject *count_flags(PyObject *module, PyObject *arguments) {
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    PyObject *path, *names, *seed, *told, *answer = NULL;
    py_patience patience;
    int flag_row, checked;
    unsigned by = 0;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&OpdO!ipO", PyUnicode_FSConverter, &path, &names, &flag_row, &opts.sample,
                          &PyLong_Type, &seed, &opts.threads, &checked, &told))
        return NULL;
    opts.ignore_flag_row = !flag_row;
    opts.open.freshness = checked ? MSIO_PER_CALL : MSIO_AS_OPENED;
    py_watch_waits();
    PY_BE_PATIENT(opts, patience, told);
    opts.seed = PyLong_AsUnsignedLongLong(seed);
    if (!PyErr_Occurred() && py_take_breakdowns(names, &by) == 0) {
        const msio_flags *counted = NULL;
        msio_status status;
        Py_BEGIN_ALLOW_THREADS status = msio_flags_count(PyBytes_AS_STRING(path), by, &opts, &counted);
        Py_END_ALLOW_THREADS answer = status ? py_fail() : describe(counted);
        if (!status) msio_flags_release(counted);
    }
    Py_DECREF(path);
    return answer;
}

static PyMethodDef functions[] = {
    {"flags", count_flags, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int py_flags_init(PyObject *module) { return PyModule_AddFunctions(module, functions); }
