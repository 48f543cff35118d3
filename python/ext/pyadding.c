/* pyadding.c - columns and rows added to a table; msio/adding.py has put the descriptions into their form. */
#include "extension.h"

/* ---------------------------------------------------------------- descriptions */

/* What descriptions point to beside the objects that they were made of. */
typedef struct described {
    int n;
    msio_column_spec *specs;
    msio_keyword_spec *keywords; /* of all of them */
    const char **texts;          /* of all keywords that are strings */
} described;

static void free_described(described *d) {
    PyMem_Free(d->specs);
    PyMem_Free(d->keywords);
    PyMem_Free(d->texts);
}

/* Sizes of axes; -1 with an exception set. */
static int take_sizes(PyObject *tuple, Py_ssize_t most, int64_t *sizes, int *n) {
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    if (count > most) {
        PyErr_Format(PyExc_ValueError, "%zd axes are more than msio knows (%zd)", count, most);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        sizes[i] = PyLong_AsLongLong(PyTuple_GET_ITEM(tuple, i));
        if (sizes[i] == -1 && PyErr_Occurred()) return -1;
    }
    *n = (int)count;
    return 0;
}

/* (name, type, count, values): values are bytes, or a tuple of str. -1 with an exception set. */
static int take_keyword(PyObject *tuple, msio_keyword_spec *keyword, const char ***texts) {
    int type;
    long long count;
    PyObject *values;
    if (!PyArg_ParseTuple(tuple, "siLO", &keyword->name, &type, &count, &values)) return -1;
    keyword->type = (msio_type)type;
    keyword->count = count;
    keyword->values = *texts;
    if (PyBytes_Check(values)) {
        keyword->values = PyBytes_AS_STRING(values);
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values); i++) {
        const char *text = PyUnicode_AsUTF8(PyTuple_GET_ITEM(values, i));
        if (!text) return -1;
        *(*texts)++ = text;
    }
    return 0;
}

/* (name, comment, type, ndim, fixed, direct, shape, manager, manager_name, tile, bucket_bytes, keywords) */
static int take_spec(PyObject *tuple, msio_column_spec *spec, msio_keyword_spec **keywords, const char ***texts) {
    static const msio_column_spec none = MSIO_COLUMN_SPEC_INIT;
    PyObject *shape, *tile, *given;
    long long bucket;
    int type, axes;
    *spec = none;
    if (!PyArg_ParseTuple(tuple, "sziippO!zzO!LO!", &spec->name, &spec->comment, &type, &spec->ndim, &spec->fixed_shape,
                          &spec->direct, &PyTuple_Type, &shape, &spec->manager, &spec->manager_name, &PyTuple_Type,
                          &tile, &bucket, &PyTuple_Type, &given))
        return -1;
    spec->type = (msio_type)type;
    spec->bucket_bytes = bucket;
    if (take_sizes(shape, MSIO_MAX_NDIM, spec->shape, &axes) ||
        take_sizes(tile, MSIO_MAX_NDIM + 1, spec->tile, &spec->tile_ndim))
        return -1;
    spec->keyword = *keywords;
    spec->keywords = (int)PyTuple_GET_SIZE(given);
    for (int i = 0; i < spec->keywords; i++)
        if (take_keyword(PyTuple_GET_ITEM(given, i), (*keywords)++, texts)) return -1;
    return 0;
}

/* A tuple of descriptions that has so many keywords, and strings in them. -1 with an exception set. */
static int take_specs(PyObject *tuple, Py_ssize_t keywords, Py_ssize_t texts, described *d) {
    const Py_ssize_t n = PyTuple_GET_SIZE(tuple);
    d->n = (int)n;
    d->specs = PyMem_Calloc((size_t)n + 1, sizeof *d->specs);
    d->keywords = PyMem_Calloc((size_t)keywords + 1, sizeof *d->keywords);
    d->texts = PyMem_Calloc((size_t)texts + 1, sizeof *d->texts);
    if (!d->specs || !d->keywords || !d->texts) {
        PyErr_NoMemory();
        return -1;
    }
    msio_keyword_spec *keyword = d->keywords;
    const char **text = d->texts;
    for (Py_ssize_t i = 0; i < n; i++)
        if (take_spec(PyTuple_GET_ITEM(tuple, i), &d->specs[i], &keyword, &text)) return -1;
    return 0;
}

/* ---------------------------------------------------------------- the functions */

/* add_columns(path, specs, keywords, texts, lock_seconds): how many keywords and strings there are in them. */
static PyObject *add_columns(PyObject *module, PyObject *arguments) {
    msio_columns_opts opts = MSIO_COLUMNS_OPTS_INIT;
    PyObject *path, *specs;
    Py_ssize_t keywords, texts;
    described d = {0};
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&O!nnd", PyUnicode_FSConverter, &path, &PyTuple_Type, &specs, &keywords, &texts,
                          &opts.lock_seconds))
        return NULL;
    if (take_specs(specs, keywords, texts, &d) == 0) {
        msio_status status;
        py_watch_waits();
        Py_BEGIN_ALLOW_THREADS status = msio_columns_add(PyBytes_AS_STRING(path), d.n, d.specs, &opts);
        Py_END_ALLOW_THREADS if (status) py_fail();
    }
    free_described(&d);
    Py_DECREF(path);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

/* (added, there) of a result. */
static PyObject *told(msio_status status, const msio_columns_added *result) {
    return status ? py_fail() : Py_BuildValue("ss", result->added, result->there);
}

/* add_column_like(path, name, like, zeros, allocate, lock_seconds) */
static PyObject *add_column_like(PyObject *module, PyObject *arguments) {
    msio_columns_opts opts = MSIO_COLUMNS_OPTS_INIT;
    msio_columns_added result = MSIO_COLUMNS_ADDED_INIT;
    const char *name, *like;
    PyObject *path;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&ssppd", PyUnicode_FSConverter, &path, &name, &like, &opts.zeros, &opts.allocate,
                          &opts.lock_seconds))
        return NULL;
    py_watch_waits();
    Py_BEGIN_ALLOW_THREADS status = msio_column_add_like(PyBytes_AS_STRING(path), name, like, &opts, &result);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    return told(status, &result);
}

/* add_imaging_columns(path, zeros, allocate, copy_data, lock_seconds) */
static PyObject *add_imaging_columns(PyObject *module, PyObject *arguments) {
    msio_columns_opts opts = MSIO_COLUMNS_OPTS_INIT;
    msio_columns_added result = MSIO_COLUMNS_ADDED_INIT;
    PyObject *path;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&pppd", PyUnicode_FSConverter, &path, &opts.zeros, &opts.allocate,
                          &opts.copy_data, &opts.lock_seconds))
        return NULL;
    py_watch_waits();
    Py_BEGIN_ALLOW_THREADS status = msio_imaging_columns_add(PyBytes_AS_STRING(path), &opts, &result);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    return told(status, &result);
}

/* add_rows(path, n, lock_seconds) */
static PyObject *add_rows(PyObject *module, PyObject *arguments) {
    msio_columns_opts opts = MSIO_COLUMNS_OPTS_INIT;
    long long n;
    PyObject *path;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&Ld", PyUnicode_FSConverter, &path, &n, &opts.lock_seconds)) return NULL;
    py_watch_waits();
    Py_BEGIN_ALLOW_THREADS status = msio_rows_add(PyBytes_AS_STRING(path), n, &opts);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    if (status) return py_fail();
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"add_columns", add_columns, METH_VARARGS, NULL},
    {"add_column_like", add_column_like, METH_VARARGS, NULL},
    {"add_imaging_columns", add_imaging_columns, METH_VARARGS, NULL},
    {"add_rows", add_rows, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int py_adding_init(PyObject *module) { return PyModule_AddFunctions(module, functions); }
