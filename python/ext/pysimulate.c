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
    Py_BEGIN_ALLOW_THREADS status = msio_simulate_ms(PyBytes_AS_STRING(path), &opts);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    if (status) return py_fail();
    Py_RETURN_NONE;
}

/* Subbands by their numbers: [*n] to be freed by PyMem_Free. -1 with an exception set. */
static int take_numbers(PyObject *given, int32_t **numbers, int *n) {
    PyObject *list = PySequence_Fast(given, "missing has to be a sequence of subbands");
    Py_ssize_t count = list ? PySequence_Fast_GET_SIZE(list) : 0;
    *numbers = count > MSIO_GROUP_MAX_SUBBANDS ? NULL : PyMem_Calloc((size_t)count + 1, sizeof **numbers);
    if (list && count > MSIO_GROUP_MAX_SUBBANDS)
        PyErr_SetString(PyExc_ValueError, "missing has too many entries");
    else if (list && !*numbers)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; *numbers && i < count && !PyErr_Occurred(); i++) {
        Py_ssize_t number = PyNumber_AsSsize_t(PySequence_Fast_GET_ITEM(list, i), PyExc_ValueError);
        (*numbers)[i] = number < 0 || number > INT32_MAX ? -1 : (int32_t)number;
    }
    Py_XDECREF(list);
    *n = (int)count;
    if (!PyErr_Occurred()) return 0;
    PyMem_Free(*numbers);
    *numbers = NULL;
    return -1;
}

static PyObject *simulate_uvh5(PyObject *module, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"folder",  "antennas",  "times",    "subbands",    "channels", "polarizations",
                            "missing", "jitter",    "time",     "compression", "flags",    "noise",
                            "seed",    "overwrite", "progress", NULL};
    msio_simulate_uvh5_opts opts = MSIO_SIMULATE_UVH5_OPTS_INIT;
    PyObject *folder, *missing = NULL, *seed = NULL, *told = Py_None;
    int32_t *numbers = NULL;
    py_patience patience;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(
            arguments, keywords, "O&|$iiiiiOisssdO!pO:simulate_uvh5", names, PyUnicode_FSConverter, &folder,
            &opts.antennas, &opts.times, &opts.subbands, &opts.channels, &opts.polarizations, &missing, &opts.jitter,
            &opts.time, &opts.compression, &opts.flags, &opts.noise, &PyLong_Type, &seed, &opts.overwrite, &told))
        return NULL;
    if (seed) opts.seed = PyLong_AsUnsignedLongLong(seed);
    if (PyErr_Occurred() || (missing && take_numbers(missing, &numbers, &opts.missing))) {
        Py_DECREF(folder);
        return NULL;
    }
    opts.missing_subband = numbers;
    py_patience_begin(&patience, told == Py_None ? NULL : told);
    opts.progress = py_poll;
    opts.user = &patience;
    Py_BEGIN_ALLOW_THREADS status = msio_simulate_uvh5(PyBytes_AS_STRING(folder), &opts);
    Py_END_ALLOW_THREADS Py_DECREF(folder);
    PyMem_Free(numbers);
    if (status) return py_fail();
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"simulate_ms", (PyCFunction)(void (*)(void))simulate_ms, METH_VARARGS | METH_KEYWORDS, NULL},
    {"simulate_uvh5", (PyCFunction)(void (*)(void))simulate_uvh5, METH_VARARGS | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

int py_simulate_init(PyObject *module) { return PyModule_AddFunctions(module, functions); }
