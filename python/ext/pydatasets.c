/* pydatasets.c - datasets of HDF5 files, and headers of UVH5 files. */
#include "extension.h"

/* ---------------------------------------------------------------- one dataset */

static PyObject *texts_of(const msio_dataset *dataset, const msio_select *select, int ndim) {
    msio_ragged texts;
    msio_status status;
    Py_BEGIN_ALLOW_THREADS
    status = msio_dataset_texts(dataset, select, &texts);
    Py_END_ALLOW_THREADS
    if (status) return py_fail();
    int64_t n = texts.cells ? texts.offsets[texts.cells] : 0;
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (int64_t e = 0; list && e < n; e++) {
        const int64_t *at = &texts.text_offsets[e];
        PyObject *text = py_text_of(texts.text + at[0], (Py_ssize_t)(at[1] - at[0]));
        if (text) PyList_SET_ITEM(list, e, text);
        else Py_CLEAR(list);
    }
    msio_ragged_free(&texts);
    if (!list || ndim > 0) return list;
    PyObject *text = n ? Py_NewRef(PyList_GET_ITEM(list, 0)) : Py_NewRef(Py_None);
    Py_DECREF(list);
    return text;
}

/* The answer's shape; the selection's on axes that the dataset has. */
static int select_parts(const msio_dataset_info *info, PyObject *rows, PyObject *chans, PyObject *corrs,
                        py_selection *s) {
    const int64_t total = info->ndim ? info->shape[0] : 1;
    int last = info->ndim - 1;
    if (py_select_rows(s, rows, total)) return -1;
    if (chans != Py_None && last < 2) {
        PyErr_SetString(PyExc_ValueError, "the dataset has no axis of channels: chans selects on the last but one of three");
        return -1;
    }
    if (corrs != Py_None && last < 1) {
        PyErr_SetString(PyExc_ValueError, "the dataset has no axis of correlations: corrs selects on the last of two");
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
    PyObject *array = py_array_adopt(type, ndim, shape, msio_pool_take(bytes));
    if (!array) return NULL;
    void *data = PyArray_DATA((PyArrayObject *)array);
    Py_BEGIN_ALLOW_THREADS
    status = msio_dataset_read(dataset, select, type, data, bytes, opts);
    Py_END_ALLOW_THREADS
    if (status) {
        Py_DECREF(array);
        return py_fail();
    }
    if (ndim && one_row) {
        PyObject *row = PySequence_GetItem(array, 0);
        Py_DECREF(array);
        array = row;
    }
    if (out == Py_None || !array) return array;
    int failed = !PyArray_Check(out) || PyArray_CopyInto((PyArrayObject *)out, (PyArrayObject *)array);
    if (failed && !PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "out has to be a numpy array");
    Py_DECREF(array);
    return failed ? NULL : Py_NewRef(out);
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
    py_patience_begin(&patience, told == Py_None ? NULL : told);
    opts.progress = py_poll;
    opts.user = &patience;
    Py_BEGIN_ALLOW_THREADS
    status = msio_hdf5_open(PyBytes_AS_STRING(path), NULL, &file);
    if (!status) status = msio_hdf5_dataset(file, name, &dataset);
    Py_END_ALLOW_THREADS
    if (status) {
        py_fail();
    } else {
        const msio_dataset_info *info = msio_dataset_describe(dataset);
        py_selection selection = {0};
        if (select_parts(info, rows, chans, corrs, &selection) == 0)
            answer = info->type == MSIO_STRING
                         ? texts_of(dataset, &selection.select, info->ndim)
                         : read_numbers(dataset, &selection.select, info->type, selection.one_row, out, &opts);
        py_selection_free(&selection);
    }
    Py_BEGIN_ALLOW_THREADS
    msio_hdf5_close(file);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
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
    Py_BEGIN_ALLOW_THREADS
    status = msio_hdf5_open(PyBytes_AS_STRING(path), NULL, &file);
    if (!status) status = msio_hdf5_names(file, &n, &names);
    Py_END_ALLOW_THREADS
    if (status) py_fail();
    else list = PyList_New(n);
    for (int i = 0; list && i < n; i++) {
        PyObject *text = py_text(names[i]);
        if (text) PyList_SET_ITEM(list, i, text);
        else Py_CLEAR(list);
    }
    Py_BEGIN_ALLOW_THREADS
    msio_hdf5_close(file);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    return list;
}

/* ---------------------------------------------------------------- headers */

/* All datasets below Header by their names, extra keywords as a dict of their own. */
static PyObject *fields_of(const msio_uvh5_header *header) {
    PyObject *dict = PyDict_New(), *extra = PyDict_New();
    bool failed = !dict || !extra;
    for (int i = 0; i < header->fields && !failed; i++)
        failed = py_put(dict, header->field[i].name, py_field(&header->field[i])) != 0;
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
    Py_BEGIN_ALLOW_THREADS
    status = msio_uvh5_header_get(PyBytes_AS_STRING(path), MSIO_PER_CALL, &header);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    if (status) return py_fail();
    PyObject *dict = fields_of(header);
    msio_uvh5_header_release(header);
    return dict;
}

static PyMethodDef functions[] = {
    {"read_dataset", read_dataset, METH_VARARGS, NULL},
    {"dataset_names", dataset_names, METH_O, NULL},
    {"uvh5_header", uvh5_header, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int py_datasets_init(PyObject *module) { return PyModule_AddFunctions(module, functions); }
