/* pydatasets.c - datasets of HDF5 files, and headers of UVH5 files. */
#include "extension.h"

#include <string.h>

/* ---------------------------------------------------------------- one dataset */

/* A list of str; of one row, or of a scalar, a str. */
static PyObject *texts_of(const msio_dataset *dataset, const msio_select *select, bool one) {
    msio_ragged texts;
    msio_status status;
    Py_BEGIN_ALLOW_THREADS status = msio_dataset_texts(dataset, select, &texts);
    Py_END_ALLOW_THREADS if (status) return py_fail();
    int64_t n = texts.cells ? texts.offsets[texts.cells] : 0;
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (int64_t e = 0; list && e < n; e++) {
        const int64_t *at = &texts.text_offsets[e];
        PyObject *text = py_text_of(texts.text + at[0], (Py_ssize_t)(at[1] - at[0]));
        if (text)
            PyList_SET_ITEM(list, e, text);
        else
            Py_CLEAR(list);
    }
    msio_ragged_free(&texts);
    if (!list || !one) return list;
    PyObject *text = n ? Py_NewRef(PyList_GET_ITEM(list, 0)) : Py_NewRef(Py_None);
    Py_DECREF(list);
    return text;
}

/* A selection on the axes that the dataset has. */
static int select_parts(const msio_dataset_info *info, PyObject *rows, PyObject *chans, PyObject *corrs,
                        py_selection *s) {
    const int64_t total = info->ndim ? info->shape[0] : 1;
    int last = info->ndim - 1;
    if (py_select_rows(s, rows, total)) return -1;
    if (chans != Py_None && last < 2) {
        PyErr_SetString(PyExc_ValueError, "the dataset has no axis of channels: chans is of the last but one of three");
        return -1;
    }
    if (corrs != Py_None && last < 1) {
        PyErr_SetString(PyExc_ValueError, "the dataset has no axis of correlations: corrs is of the last of two");
        return -1;
    }
    if (py_select_axis(chans, last >= 1 ? info->shape[last - 1] : 1, "chans", &s->select.chan, &s->select.chans,
                       &s->select.chan_step))
        return -1;
    return py_select_axis(corrs, last >= 0 ? info->shape[last] : 1, "corrs", &s->select.corr, &s->select.corrs,
                          &s->select.corr_step);
}

static PyObject *read_numbers(const msio_dataset *dataset, const msio_select *select, msio_type type, bool one_row,
                              PyObject *out, msio_read_opts *opts) {
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];
    size_t bytes;
    msio_status status;
    if (msio_dataset_shape(dataset, select, type, &ndim, shape, &bytes)) return py_fail();
    int skip = one_row && ndim > 0;
    if (out != Py_None && py_check_out(out, type, ndim - skip, shape + skip)) return NULL;
    bool direct = out != Py_None && PyArray_ISCARRAY((PyArrayObject *)out);
    PyObject *array = direct ? Py_NewRef(out) : py_array_adopt(type, ndim - skip, shape + skip, msio_pool_take(bytes));
    if (!array) return NULL;
    void *data = PyArray_DATA((PyArrayObject *)array);
    Py_BEGIN_ALLOW_THREADS status = msio_dataset_read(dataset, select, type, data, bytes, opts);
    Py_END_ALLOW_THREADS if (status) py_fail();
    if (status || (out != Py_None && !direct && PyArray_CopyInto((PyArrayObject *)out, (PyArrayObject *)array)))
        Py_CLEAR(array);
    if (!array || out == Py_None) return array;
    Py_DECREF(array);
    return Py_NewRef(out);
}

static PyObject *read_any(const msio_dataset *dataset, const py_selection *selection, PyObject *out,
                          msio_read_opts *opts) {
    const msio_dataset_info *info = msio_dataset_describe(dataset);
    if (info->type != MSIO_STRING)
        return read_numbers(dataset, &selection->select, info->type, selection->one_row, out, opts);
    if (out == Py_None) return texts_of(dataset, &selection->select, selection->one_row || info->ndim == 0);
    PyErr_SetString(PyExc_ValueError, "strings are read into a list of their own, not into out");
    return NULL;
}

/* Its Python side looks for it, which takes some 100 us; what goes wrong there shows when a filter is missing. */
void py_offer_plugins(void) {
    static bool offered;
    if (offered) return;
    offered = true;
    PyObject *module = PyImport_ImportModule("msio._plugins"), *bytes = NULL;
    PyObject *folder = module ? PyObject_CallMethod(module, "folder", NULL) : NULL;
    if (folder && folder != Py_None && PyUnicode_FSConverter(folder, &bytes)) {
        Py_BEGIN_ALLOW_THREADS msio_hdf5_plugins(PyBytes_AS_STRING(bytes));
        Py_END_ALLOW_THREADS Py_DECREF(bytes);
    }
    Py_XDECREF(folder);
    Py_XDECREF(module);
    PyErr_Clear();
}

/* read_dataset(path, name, rows, chans, corrs, out, threads, progress) */
static PyObject *read_dataset(PyObject *module, PyObject *arguments) {
    PyObject *path, *rows, *chans, *corrs, *out, *told, *answer = NULL;
    const char *name;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    msio_hdf5 *file = NULL;
    const msio_dataset *dataset = NULL;
    py_patience patience;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&sOOOOiO", PyUnicode_FSConverter, &path, &name, &rows, &chans, &corrs, &out,
                          &opts.threads, &told))
        return NULL;
    py_watch_waits();
    py_offer_plugins();
    PY_BE_PATIENT(opts, patience, told);
    Py_BEGIN_ALLOW_THREADS status = msio_hdf5_open(PyBytes_AS_STRING(path), NULL, &file);
    if (!status) status = msio_hdf5_dataset(file, name, &dataset);
    Py_END_ALLOW_THREADS if (status) { py_fail(); }
    else {
        py_selection selection = {0};
        if (select_parts(msio_dataset_describe(dataset), rows, chans, corrs, &selection) == 0)
            answer = read_any(dataset, &selection, out, &opts);
        py_selection_free(&selection);
    }
    Py_BEGIN_ALLOW_THREADS msio_hdf5_close(file);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    return answer;
}

/* view_dataset(path, name, rows, chans, corrs, writable) */
static PyObject *view_dataset(PyObject *module, PyObject *arguments) {
    PyObject *path, *rows, *chans, *corrs, *answer = NULL;
    const char *name;
    msio_view_opts opts = MSIO_VIEW_OPTS_INIT;
    msio_hdf5 *file = NULL;
    const msio_dataset *dataset = NULL;
    msio_view *view = NULL;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&sOOOp", PyUnicode_FSConverter, &path, &name, &rows, &chans, &corrs,
                          &opts.writable))
        return NULL;
    py_watch_waits();
    Py_BEGIN_ALLOW_THREADS status = msio_hdf5_open(PyBytes_AS_STRING(path), NULL, &file);
    if (!status) status = msio_hdf5_dataset(file, name, &dataset);
    Py_END_ALLOW_THREADS if (status) { py_fail(); }
    else {
        py_selection s = {0};
        if (select_parts(msio_dataset_describe(dataset), rows, chans, corrs, &s) == 0) {
            Py_BEGIN_ALLOW_THREADS status = msio_view_dataset(dataset, &s.select, &opts, &view);
            Py_END_ALLOW_THREADS answer = status ? py_fail() : py_view_array(view, s.one_row);
        }
        py_selection_free(&s);
    }
    Py_BEGIN_ALLOW_THREADS msio_hdf5_close(file);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    return answer;
}

/* dataset_names(path) */
static PyObject *dataset_names(PyObject *module, PyObject *argument) {
    PyObject *path, *list = NULL;
    msio_hdf5 *file = NULL;
    const char *const *names = NULL;
    int n = 0;
    msio_status status;
    (void)module;
    if (!PyUnicode_FSConverter(argument, &path)) return NULL;
    Py_BEGIN_ALLOW_THREADS status = msio_hdf5_open(PyBytes_AS_STRING(path), NULL, &file);
    if (!status) status = msio_hdf5_names(file, &n, &names);
    Py_END_ALLOW_THREADS if (status) py_fail();
    else list = PyList_New(n);
    for (int i = 0; list && i < n; i++) {
        PyObject *text = py_text(names[i]);
        if (text)
            PyList_SET_ITEM(list, i, text);
        else
            Py_CLEAR(list);
    }
    Py_BEGIN_ALLOW_THREADS msio_hdf5_close(file);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    return list;
}

static PyObject *describe(const msio_dataset_info *info) {
    return Py_BuildValue("{s:N,s:N,s:N,s:N,s:N,s:N,s:N,s:L,s:N,s:N}", "name", py_text(info->name), "type",
                         py_text(msio_type_name(info->type)), "stored", py_text(info->stored), "shape",
                         py_shape(info->ndim, info->shape), "chunk",
                         info->chunked ? py_shape(info->ndim, info->chunk) : Py_NewRef(Py_None), "storage",
                         py_text(info->storage), "filters", py_text(info->filters), "bytes", (long long)info->bytes,
                         "native", PyBool_FromLong(info->native), "why_not", py_text(info->why_not));
}

/* describe_dataset(path, name) */
static PyObject *describe_dataset(PyObject *module, PyObject *arguments) {
    PyObject *path, *answer = NULL;
    const char *name;
    msio_hdf5 *file = NULL;
    const msio_dataset *dataset = NULL;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&s", PyUnicode_FSConverter, &path, &name)) return NULL;
    Py_BEGIN_ALLOW_THREADS status = msio_hdf5_open(PyBytes_AS_STRING(path), NULL, &file);
    if (!status) status = msio_hdf5_dataset(file, name, &dataset);
    Py_END_ALLOW_THREADS answer = status ? py_fail() : describe(msio_dataset_describe(dataset));
    Py_BEGIN_ALLOW_THREADS msio_hdf5_close(file);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    return answer;
}

/* ---------------------------------------------------------------- headers */

#define EXTRA "extra_keywords/"

/* All datasets below Header by their names, extra keywords as a dict of their own. */
static PyObject *fields_of(const msio_uvh5_header *header) {
    PyObject *dict = PyDict_New(), *extra = PyDict_New();
    bool failed = !dict || !extra;
    for (int i = 0; i < header->fields && !failed; i++)
        failed = strncmp(header->field[i].name, EXTRA, strlen(EXTRA)) != 0 &&
                 py_put(dict, header->field[i].name, py_field(&header->field[i])) != 0;
    for (int i = 0; i < header->extra_keywords && !failed; i++)
        failed = py_put(extra, header->extra_keyword[i].name, py_field(&header->extra_keyword[i])) != 0;
    if (failed) {
        Py_XDECREF(extra);
        Py_CLEAR(dict);
    } else if (py_put(dict, "extra_keywords", extra)) {
        Py_CLEAR(dict);
    }
    return dict;
}

static PyObject *uvh5_header(PyObject *module, PyObject *argument) {
    PyObject *path;
    const msio_uvh5_header *header = NULL;
    msio_status status;
    (void)module;
    if (!PyUnicode_FSConverter(argument, &path)) return NULL;
    Py_BEGIN_ALLOW_THREADS status = msio_uvh5_header_get(PyBytes_AS_STRING(path), MSIO_PER_CALL, &header);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    if (status) return py_fail();
    PyObject *dict = fields_of(header);
    msio_uvh5_header_release(header);
    return dict;
}

static PyMethodDef functions[] = {
    {"read_dataset", read_dataset, METH_VARARGS, NULL}, {"view_dataset", view_dataset, METH_VARARGS, NULL},
    {"dataset_names", dataset_names, METH_O, NULL},     {"describe_dataset", describe_dataset, METH_VARARGS, NULL},
    {"uvh5_header", uvh5_header, METH_O, NULL},         {NULL, NULL, 0, NULL},
};

int py_datasets_init(PyObject *module) { return PyModule_AddFunctions(module, functions); }
