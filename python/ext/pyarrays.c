/* pyarrays.c - arrays over msio's memory, texts, records, and selections made of Python's arguments. */
#include "extension.h"

#include <string.h>

/* ---------------------------------------------------------------- arrays */

int py_type_number(msio_type type) {
    switch (type) {
    case MSIO_BOOL: return NPY_BOOL;
    case MSIO_CHAR: return NPY_INT8;
    case MSIO_UCHAR: return NPY_UINT8;
    case MSIO_SHORT: return NPY_INT16;
    case MSIO_USHORT: return NPY_UINT16;
    case MSIO_INT: return NPY_INT32;
    case MSIO_UINT: return NPY_UINT32;
    case MSIO_FLOAT: return NPY_FLOAT32;
    case MSIO_DOUBLE: return NPY_FLOAT64;
    case MSIO_COMPLEX: return NPY_COMPLEX64;
    case MSIO_DCOMPLEX: return NPY_COMPLEX128;
    case MSIO_INT64: return NPY_INT64;
    case MSIO_UINT64: return NPY_UINT64;
    default: return -1;
    }
}

static int take_shape(int ndim, const int64_t *shape, npy_intp out[NPY_MAXDIMS]) {
    if (ndim > MSIO_MAX_NDIM + 1) {
        PyErr_Format(PyExc_ValueError, "%d axes are more than msio hands out", ndim);
        return -1;
    }
    for (int i = 0; i < ndim; i++) out[i] = (npy_intp)shape[i];
    return 0;
}

PyObject *py_array_over(msio_type type, int ndim, const int64_t *shape, void *data, PyObject *owner) {
    npy_intp size[NPY_MAXDIMS];
    if (take_shape(ndim, shape, size)) return NULL;
    if (!data) return PyArray_SimpleNew(ndim, size, py_type_number(type));
    PyObject *array = PyArray_SimpleNewFromData(ndim, size, py_type_number(type), data);
    if (!array) return NULL;
    Py_INCREF(owner);
    if (PyArray_SetBaseObject((PyArrayObject *)array, owner) < 0) {
        Py_DECREF(array);
        return NULL;
    }
    return array;
}

static void give_back(PyObject *capsule) { msio_pool_give(PyCapsule_GetPointer(capsule, NULL)); }

PyObject *py_array_adopt(msio_type type, int ndim, const int64_t *shape, void *data) {
    PyObject *owner = data ? PyCapsule_New(data, NULL, give_back) : Py_NewRef(Py_None);
    if (!owner) {
        msio_pool_give(data);
        return NULL;
    }
    PyObject *array = py_array_over(type, ndim, shape, data, owner);
    Py_DECREF(owner);
    return array;
}

PyObject *py_array_copy(msio_type type, int ndim, const int64_t *shape, const void *values) {
    npy_intp size[NPY_MAXDIMS];
    if (!values) Py_RETURN_NONE;
    if (take_shape(ndim, shape, size)) return NULL;
    PyObject *array = PyArray_SimpleNew(ndim, size, py_type_number(type));
    if (array) memcpy(PyArray_DATA((PyArrayObject *)array), values, (size_t)PyArray_NBYTES((PyArrayObject *)array));
    return array;
}

PyObject *py_list_copy(msio_type type, int64_t count, const void *values) {
    return py_array_copy(type, 1, &count, values);
}

PyObject *py_shape(int ndim, const int64_t *shape) {
    PyObject *made = PyTuple_New(ndim);
    for (int i = 0; made && i < ndim; i++) {
        PyObject *size = PyLong_FromLongLong(shape[i]);
        if (!size) {
            Py_CLEAR(made);
            break;
        }
        PyTuple_SET_ITEM(made, i, size);
    }
    return made;
}

PyObject *py_text_of(const char *text, Py_ssize_t length) {
    PyObject *made = PyUnicode_DecodeUTF8(text, length, NULL);
    if (made) return made;
    PyErr_Clear();
    return PyUnicode_DecodeLatin1(text, length, NULL);
}

PyObject *py_text(const char *text) {
    if (!text) Py_RETURN_NONE;
    return py_text_of(text, (Py_ssize_t)strlen(text));
}

/* ---------------------------------------------------------------- records */

int py_put(PyObject *dict, const char *key, PyObject *value) {
    if (!value) return -1;
    PyObject *name = py_text(key);
    int failed = name ? PyDict_SetItem(dict, name, value) : -1;
    Py_XDECREF(name);
    Py_DECREF(value);
    return failed;
}

static PyObject *texts_of(const msio_field *field) {
    if (field->ndim == 0) return py_text(field->count ? field->strings[0] : NULL);
    PyObject *list = PyList_New((Py_ssize_t)field->count);
    for (int64_t i = 0; list && i < field->count; i++) {
        PyObject *text = py_text(field->strings[i]);
        if (!text)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, text);
    }
    return list;
}

PyObject *py_field(const msio_field *field) {
    if (field->type == MSIO_RECORD) return field->record ? py_record(field->record) : Py_NewRef(Py_None);
    if (field->type == MSIO_STRING || field->type == MSIO_TABLE) {
        PyObject *texts = field->strings ? texts_of(field) : Py_NewRef(Py_None);
        if (field->type == MSIO_STRING || !texts || !PyUnicode_Check(texts)) return texts;
        PyObject *marked = PyUnicode_FromFormat("Table: %U", texts);
        Py_DECREF(texts);
        return marked;
    }
    PyObject *array = py_array_copy(field->type, field->ndim, field->shape, field->values);
    if (!array || array == Py_None || field->ndim) return array;
    PyObject *scalar = PyObject_CallMethod(array, "item", NULL);
    Py_DECREF(array);
    return scalar;
}

PyObject *py_record(const msio_record *record) {
    PyObject *dict = PyDict_New();
    for (int i = 0; dict && i < msio_record_count(record); i++) {
        const msio_field *field = msio_record_at(record, i);
        if (py_put(dict, field->name, py_field(field))) Py_CLEAR(dict);
    }
    return dict;
}

/* ---------------------------------------------------------------- arrays of the caller */

int py_check_out(PyObject *out, msio_type type, int ndim, const int64_t *shape) {
    PyArrayObject *array = (PyArrayObject *)out;
    if (!PyArray_Check(out)) {
        PyErr_Format(PyExc_TypeError, "out has to be a numpy array, not %s", Py_TYPE(out)->tp_name);
        return -1;
    }
    if (PyArray_TYPE(array) != py_type_number(type) || PyArray_ISBYTESWAPPED(array)) {
        PyObject *wanted = (PyObject *)PyArray_DescrFromType(py_type_number(type));
        if (wanted)
            PyErr_Format(PyExc_TypeError, "out is of type %S, the answer of %S", (PyObject *)PyArray_DESCR(array),
                         wanted);
        Py_XDECREF(wanted);
        return -1;
    }
    bool fits = PyArray_NDIM(array) == ndim;
    for (int i = 0; fits && i < ndim; i++) fits = PyArray_DIM(array, i) == shape[i];
    if (!fits) {
        PyObject *has = PyObject_GetAttrString(out, "shape"), *wanted = py_shape(ndim, shape);
        if (has && wanted) PyErr_Format(PyExc_ValueError, "out is of shape %R, the answer of %R", has, wanted);
        Py_XDECREF(has);
        Py_XDECREF(wanted);
        return -1;
    }
    if (PyArray_ISWRITEABLE(array)) return 0;
    PyErr_SetString(PyExc_ValueError, "out may not be written");
    return -1;
}

/* ---------------------------------------------------------------- names */

const char *py_name(PyObject *name) {
    Py_ssize_t length;
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "the name of a column has to be a str");
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(name, &length);
    if (!text || strlen(text) == (size_t)length) return text;
    PyErr_Format(PyExc_ValueError, "no column has a zero in its name, as %R has", name);
    return NULL;
}

const char **py_names(PyObject *names) {
    const char **list = PyMem_Calloc((size_t)PyTuple_GET_SIZE(names) + 1, sizeof *list);
    if (!list) PyErr_NoMemory();
    for (Py_ssize_t i = 0; list && i < PyTuple_GET_SIZE(names); i++) {
        list[i] = py_name(PyTuple_GET_ITEM(names, i));
        if (list[i]) continue;
        PyMem_Free(list);
        return NULL;
    }
    return list;
}

/* ---------------------------------------------------------------- selections */

void py_selection_free(py_selection *selection) { Py_CLEAR(selection->list); }

/* Row numbers as a list of 64 bits: of integers, or of a mask that says of each row whether it is wanted. */
static PyObject *row_numbers(PyObject *rows, int64_t total) {
    PyObject *list = NULL, *given = PyArray_FROM_O(rows);
    if (!given) return NULL;
    PyArrayObject *array = (PyArrayObject *)given;
    if (PyArray_NDIM(array) != 1)
        PyErr_Format(PyExc_IndexError, "rows have to be a list of one axis, not of %d", PyArray_NDIM(array));
    else if (PyArray_ISBOOL(array) && PyArray_SIZE(array) != total)
        PyErr_Format(PyExc_IndexError, "a mask of %zd rows is given for a table of %lld",
                     (Py_ssize_t)PyArray_SIZE(array), (long long)total);
    else if (PyArray_ISBOOL(array)) {
        PyObject *places = PyArray_Nonzero(array);
        if (places) list = PyArray_FROMANY(PyTuple_GET_ITEM(places, 0), NPY_INT64, 1, 1, NPY_ARRAY_CARRAY_RO);
        Py_XDECREF(places);
    } else if (!PyArray_ISINTEGER(array) && PyArray_SIZE(array))
        PyErr_Format(PyExc_IndexError, "rows have to be integers, a mask of bool, or a slice, not %S",
                     (PyObject *)PyArray_DESCR(array));
    else
        list = PyArray_FROMANY(given, NPY_INT64, 1, 1,
                               NPY_ARRAY_CARRAY_RO | (PyArray_SIZE(array) ? 0 : NPY_ARRAY_FORCECAST));
    Py_DECREF(given);
    return list;
}

/* A number counted from the end; one beyond the beginning stays as it is, so that the error names it. */
static int64_t from_end(int64_t at, int64_t size) { return at < 0 && at + size >= 0 ? at + size : at; }

static int take_list(py_selection *selection, PyObject *rows, int64_t total) {
    PyObject *list = row_numbers(rows, total);
    if (!list) return -1;
    npy_intp n = PyArray_SIZE((PyArrayObject *)list);
    const int64_t *given = PyArray_DATA((PyArrayObject *)list);
    bool negative = false;
    for (npy_intp i = 0; i < n; i++) negative = negative || given[i] < 0;
    if (negative) { /* counted from the end, in a copy */
        PyObject *copy = PyArray_NewCopy((PyArrayObject *)list, NPY_CORDER);
        Py_DECREF(list);
        if (!copy) return -1;
        list = copy;
        int64_t *row = PyArray_DATA((PyArrayObject *)list);
        for (npy_intp i = 0; i < n; i++) row[i] = from_end(row[i], total);
    }
    selection->list = list;
    selection->select.row_list = PyArray_DATA((PyArrayObject *)list);
    selection->select.rows_in_list = n;
    return 0;
}

/* A slice that walks backwards, as a list. */
static int take_backwards(py_selection *selection, Py_ssize_t start, Py_ssize_t step, Py_ssize_t count) {
    npy_intp size = count;
    PyObject *list = PyArray_SimpleNew(1, &size, NPY_INT64);
    if (!list) return -1;
    int64_t *row = PyArray_DATA((PyArrayObject *)list);
    for (Py_ssize_t i = 0; i < count; i++) row[i] = start + i * step;
    selection->list = list;
    selection->select.row_list = row;
    selection->select.rows_in_list = count;
    return 0;
}

int py_select_rows(py_selection *selection, PyObject *rows, int64_t total) {
    static const msio_select all = MSIO_SELECT_ALL;
    *selection = (py_selection){.select = all};
    if (!rows || rows == Py_None) return 0;
    if (PySlice_Check(rows)) {
        Py_ssize_t start, stop, step;
        if (PySlice_Unpack(rows, &start, &stop, &step)) return -1;
        Py_ssize_t count = PySlice_AdjustIndices((Py_ssize_t)total, &start, &stop, step);
        if (step < 0) return take_backwards(selection, start, step, count);
        selection->select.row = count ? start : 0;
        selection->select.rows = count;
        selection->select.row_step = step;
        return 0;
    }
    if (PyIndex_Check(rows) && !(PyArray_Check(rows) && PyArray_NDIM((PyArrayObject *)rows) > 0)) {
        Py_ssize_t row = PyNumber_AsSsize_t(rows, PyExc_IndexError);
        if (row == -1 && PyErr_Occurred()) return -1;
        selection->select.row = from_end(row, total);
        selection->select.rows = 1;
        selection->one_row = true;
        return 0;
    }
    return take_list(selection, rows, total);
}

int py_select_axis(PyObject *wanted, int64_t size, const char *what, int64_t *start, int64_t *count, int64_t *step) {
    Py_ssize_t first, stop, stride;
    if (!wanted || wanted == Py_None) return 0;
    if (PyIndex_Check(wanted)) {
        Py_ssize_t at = PyNumber_AsSsize_t(wanted, PyExc_IndexError);
        if (at == -1 && PyErr_Occurred()) return -1;
        *start = from_end(at, size);
        *count = 1;
        *step = 1;
        return 0;
    }
    if (!PySlice_Check(wanted)) {
        PyErr_Format(PyExc_TypeError, "%s has to be a slice, an integer or None", what);
        return -1;
    }
    if (PySlice_Unpack(wanted, &first, &stop, &stride)) return -1;
    if (stride < 1) {
        PyErr_Format(PyExc_ValueError, "%s has step %zd: it must be at least 1", what, stride);
        return -1;
    }
    Py_ssize_t n = PySlice_AdjustIndices((Py_ssize_t)size, &first, &stop, stride);
    *start = n ? first : 0;
    *count = n;
    *step = stride;
    return 0;
}

/* ---------------------------------------------------------------- paths */

static int add_path(py_paths *paths, PyObject *given) {
    PyObject *bytes;
    char expanded[MSIO_PATH_BYTES];
    if (!PyUnicode_FSConverter(given, &bytes)) return -1;
    if (msio_path_expand(PyBytes_AS_STRING(bytes), expanded)) {
        Py_DECREF(bytes);
        py_fail();
        return -1;
    }
    if (strcmp(expanded, PyBytes_AS_STRING(bytes)) != 0) {
        Py_SETREF(bytes, PyBytes_FromString(expanded));
        if (!bytes) return -1;
    }
    int failed = PyList_Append(paths->bytes, bytes);
    if (!failed) paths->path[paths->n++] = PyBytes_AS_STRING(bytes);
    Py_DECREF(bytes);
    return failed;
}

int py_paths_take(py_paths *paths, PyObject *given) {
    bool one = PyUnicode_Check(given) || PyBytes_Check(given) || PyObject_HasAttrString(given, "__fspath__");
    PyObject *list = one ? PyTuple_Pack(1, given) : PySequence_Fast(given, "paths have to be one path or a sequence");
    *paths = (py_paths){0};
    if (!list) return -1;
    paths->bytes = PyList_New(0);
    paths->path = PyMem_Calloc((size_t)PySequence_Fast_GET_SIZE(list) + 1, sizeof *paths->path);
    int failed = !paths->bytes || !paths->path;
    if (!failed && PySequence_Fast_GET_SIZE(list) == 0) {
        PyErr_SetString(PyExc_ValueError, "no path was given");
        failed = -1;
    }
    for (Py_ssize_t i = 0; !failed && i < PySequence_Fast_GET_SIZE(list); i++)
        failed = add_path(paths, PySequence_Fast_GET_ITEM(list, i));
    Py_DECREF(list);
    if (failed) py_paths_free(paths);
    if (failed && !PyErr_Occurred()) PyErr_NoMemory();
    return failed ? -1 : 0;
}

void py_paths_free(py_paths *paths) {
    PyMem_Free(paths->path);
    Py_CLEAR(paths->bytes);
    paths->path = NULL;
    paths->n = 0;
}

int py_take_integers(PyObject *given, int type, PyObject **array) {
    if (given == Py_None) return 0;
    *array = PyArray_FROMANY(given, type, 1, 1, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST);
    return *array ? 0 : -1;
}

const int32_t *py_integers_of(PyObject *array, int *n) {
    *n = array ? (int)PyArray_SIZE((PyArrayObject *)array) : 0;
    return array ? PyArray_DATA((PyArrayObject *)array) : NULL;
}

int py_group_take(py_group *group, const py_paths *paths, const char *time, PyObject *numbers, PyObject *missing) {
    if (py_take_integers(numbers, NPY_INT32, &group->numbers) || py_take_integers(missing, NPY_INT32, &group->missing))
        return -1;
    int n, missed;
    const int32_t *number = py_integers_of(group->numbers, &n), *absent = py_integers_of(group->missing, &missed);
    if (!number) return 0;
    if (n != paths->n) {
        PyErr_SetString(PyExc_ValueError, "there have to be as many numbers of subbands as paths");
        return -1;
    }
    group->file = PyMem_Calloc((size_t)n + 1, sizeof *group->file);
    if (!group->file) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < n; i++)
        group->file[i] = (msio_group_file){.subband = number[i], .used = 1, .time = "", .path = paths->path[i]};
    group->given = true;
    group->group = (msio_group){.time = time,
                                .subbands = n + missed,
                                .complete = missed == 0,
                                .files = n,
                                .file = group->file,
                                .missing = missed,
                                .missing_subband = absent};
    return 0;
}

void py_group_free(py_group *group) {
    PyMem_Free(group->file);
    Py_CLEAR(group->numbers);
    Py_CLEAR(group->missing);
    group->file = NULL;
}
