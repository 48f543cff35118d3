/* pysimulate.c - simulated Measurement Sets and groups of UVH5 files. */
#include "extension.h"

/* What a sky adds to the arguments: a path or None, and gains' seed or None. */
typedef struct sky_arguments {
    PyObject *path, *gains;
    msio_simulate_sky_opts opts;
} sky_arguments;

/* Opens the sky that is asked for. 0, or -1 with an exception set; msio_sky_free(opts.sky) in both cases. */
static int take_sky(sky_arguments *given) {
    msio_sky *sky = NULL;
    PyObject *path = NULL;
    msio_status status;
    if (given->gains && given->gains != Py_None) {
        given->opts.gains = 1;
        given->opts.gains_seed = PyLong_AsUnsignedLongLong(given->gains);
        if (PyErr_Occurred()) return -1;
    }
    if (!given->path || given->path == Py_None) {
        if (!given->opts.gains) return 0;
        PyErr_SetString(PyExc_ValueError, "gains want a sky");
        return -1;
    }
    if (!PyUnicode_FSConverter(given->path, &path)) return -1;
    Py_BEGIN_ALLOW_THREADS status = msio_sky_open(PyBytes_AS_STRING(path), &sky);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    given->opts.sky = sky;
    if (!status) return 0;
    py_fail();
    return -1;
}

static PyObject *simulate_ms(PyObject *module, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"path",   "antennas",   "times",           "subbands",  "channels", "corrs",
                            "layout", "byte_order", "imaging_columns", "overwrite", "progress", "sky",
                            "noise",  "noise_seed", "gains",           NULL};
    msio_simulate_ms_opts opts = MSIO_SIMULATE_MS_OPTS_INIT;
    PyObject *path, *told = Py_None, *seed = NULL;
    sky_arguments sky = {.opts = MSIO_SIMULATE_SKY_OPTS_INIT};
    py_patience patience;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(
            arguments, keywords, "O&|$iiiiiszppOOdO!O:simulate_ms", names, PyUnicode_FSConverter, &path, &opts.antennas,
            &opts.times, &opts.subbands, &opts.channels, &opts.corrs, &opts.layout, &opts.byte_order,
            &opts.imaging_columns, &opts.overwrite, &told, &sky.path, &sky.opts.noise, &PyLong_Type, &seed, &sky.gains))
        return NULL;
    if (seed) sky.opts.noise_seed = PyLong_AsUnsignedLongLong(seed);
    if (PyErr_Occurred() || take_sky(&sky)) {
        Py_DECREF(path);
        return NULL;
    }
    PY_BE_PATIENT(opts, patience, told);
    Py_BEGIN_ALLOW_THREADS status = sky.opts.sky ? msio_simulate_ms_sky(PyBytes_AS_STRING(path), &opts, &sky.opts)
                                                 : msio_simulate_ms(PyBytes_AS_STRING(path), &opts);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    msio_sky_free((msio_sky *)sky.opts.sky);
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
                            "seed",    "overwrite", "progress", "sky",         "gains",    NULL};
    msio_simulate_uvh5_opts opts = MSIO_SIMULATE_UVH5_OPTS_INIT;
    PyObject *folder, *missing = NULL, *seed = NULL, *told = Py_None;
    sky_arguments sky = {.opts = MSIO_SIMULATE_SKY_OPTS_INIT};
    int32_t *numbers = NULL;
    py_patience patience;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O&|$iiiiiOisssdO!pOOO:simulate_uvh5", names,
                                     PyUnicode_FSConverter, &folder, &opts.antennas, &opts.times, &opts.subbands,
                                     &opts.channels, &opts.polarizations, &missing, &opts.jitter, &opts.time,
                                     &opts.compression, &opts.flags, &opts.noise, &PyLong_Type, &seed, &opts.overwrite,
                                     &told, &sky.path, &sky.gains))
        return NULL;
    if (seed) opts.seed = PyLong_AsUnsignedLongLong(seed);
    if (PyErr_Occurred() || (missing && take_numbers(missing, &numbers, &opts.missing))) {
        Py_DECREF(folder);
        return NULL;
    }
    opts.missing_subband = numbers;
    if (take_sky(&sky)) {
        Py_DECREF(folder);
        PyMem_Free(numbers);
        return NULL;
    }
    if (sky.opts.sky) {
        sky.opts.noise = opts.noise;
        sky.opts.noise_seed = opts.seed;
        opts.noise = 0;
    }
    PY_BE_PATIENT(opts, patience, told);
    Py_BEGIN_ALLOW_THREADS status = sky.opts.sky ? msio_simulate_uvh5_sky(PyBytes_AS_STRING(folder), &opts, &sky.opts)
                                                 : msio_simulate_uvh5(PyBytes_AS_STRING(folder), &opts);
    Py_END_ALLOW_THREADS Py_DECREF(folder);
    msio_sky_free((msio_sky *)sky.opts.sky);
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
