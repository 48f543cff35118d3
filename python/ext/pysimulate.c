/* pysimulate.c - simulated Measurement Sets and groups of UVH5 files. */
#include "extension.h"

static PyObject *simulate_ms(PyObject *module, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"path",   "antennas",   "times",           "subbands",  "channels", "corrs",
                            "layout", "byte_order", "imaging_columns", "overwrite", "progress", NULL};
    msio_simulate_ms_opts opts = MSIO_SIMULATE_MS_OPTS_INIT;
    PyObject *path, *told = Py_None;
    py_patience patience;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O&|$iiiiiszppO:simulate_ms", names, PyUnicode_FSConverter,
                                     &path, &opts.antennas, &opts.times, &opts.subbands, &opts.channels, &opts.corrs,
                                     &opts.layout, &opts.byte_order, &opts.imaging_columns, &opts.overwrite, &told))
        return NULL;
    py_patience_begin(&patience, told == Py_None ? NULL : told);
    opts.progress = py_poll;
    opts.user = &patience;
    Py_BEGIN_ALLOW_THREADS
    status = msio_simulate_ms(PyBytes_AS_STRING(path), &opts);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    if (status) return py_fail();
    Py_RETURN_NONE;
}

static PyObject *simulate_uvh5(PyObject *module, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"folder", "antennas",    "times", "subbands", "channels", "polarizations", "missing", "jitter",
                            "time",   "compression", "flags", "noise",    "seed",     "overwrite",     "progress", NULL};
    msio_simulate_uvh5_opts opts = MSIO_SIMULATE_UVH5_OPTS_INIT;
    PyObject *folder, *missing = Py_None, *list = NULL, *told = Py_None;
    unsigned long long seed = 0;
    py_patience patience;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O&|$iiiiiOisssdKpO:simulate_uvh5", names,
                                     PyUnicode_FSConverter, &folder, &opts.antennas, &opts.times, &opts.subbands,
                                     &opts.channels, &opts.polarizations, &missing, &opts.jitter, &opts.time,
                                     &opts.compression, &opts.flags, &opts.noise, &seed, &opts.overwrite, &told))
        return NULL;
    opts.seed = seed;
    if (missing != Py_None) {
        list = PyArray_FROMANY(missing, NPY_INT32, 1, 1, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST);
        if (!list) {
            Py_DECREF(folder);
            return NULL;
        }
        opts.missing_subband = PyArray_DATA((PyArrayObject *)list);
        opts.missing = (int)PyArray_SIZE((PyArrayObject *)list);
    }
    py_patience_begin(&patience, told == Py_None ? NULL : told);
    opts.progress = py_poll;
    opts.user = &patience;
    Py_BEGIN_ALLOW_THREADS
    status = msio_simulate_uvh5(PyBytes_AS_STRING(folder), &opts);
    Py_END_ALLOW_THREADS
    Py_DECREF(folder);
    Py_XDECREF(list);
    if (status) return py_fail();
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"simulate_ms", (PyCFunction)(void (*)(void))simulate_ms, METH_VARARGS | METH_KEYWORDS, NULL},
    {"simulate_uvh5", (PyCFunction)(void (*)(void))simulate_uvh5, METH_VARARGS | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

int py_simulate_init(PyObject *module) { return PyModule_AddFunctions(module, functions); }
