/* pywrite.c - columns written: whole arrays, one value, copies, streams; and what an interrupted write left. */
#include "extension.h"

#include <string.h>

/* ---------------------------------------------------------------- what a call was asked for */

static char *option_names[] = {"rows", "box", "threads", "atomic", "sync", "cell_shape", "allocate", "progress"};

typedef struct options {
    PyObject *rows, *box, *cell_shape, *told;
    msio_write_opts write;
} options;

/* Takes the keywords that all writes share. -1 with an exception set. */
static int take_option(options *o, PyObject *name, PyObject *value) {
    int *flags[] = {NULL, NULL, &o->write.threads, &o->write.atomic, &o->write.sync, NULL, &o->write.allocate, NULL};
    PyObject **objects[] = {&o->rows, &o->box, NULL, NULL, NULL, &o->cell_shape, NULL, &o->told};
    for (size_t i = 0; i < sizeof option_names / sizeof *option_names; i++) {
        if (PyUnicode_CompareWithASCIIString(name, option_names[i])) continue;
        if (objects[i]) {
            *objects[i] = value;
        } else if (flags[i] == &o->write.threads) {
            long threads = PyLong_AsLong(value);
            if (threads == -1 && PyErr_Occurred()) return -1;
            o->write.threads = (int)threads;
        } else {
            *flags[i] = PyObject_IsTrue(value);
            if (*flags[i] < 0) return -1;
        }
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "a write has no option %R", name);
    return -1;
}

static int take_cell_shape(options *o) {
    if (o->cell_shape == Py_None) return 0;
    PyObject *list = PySequence_Fast(o->cell_shape, "cell_shape has to be a sequence of sizes");
    if (!list) return -1;
    Py_ssize_t n = PySequence_Fast_GET_SIZE(list);
    if (n > MSIO_MAX_NDIM) PyErr_Format(PyExc_ValueError, "cells of %zd axes are more than msio writes", n);
    for (Py_ssize_t i = 0; i < n && !PyErr_Occurred(); i++) {
        Py_ssize_t size = PyNumber_AsSsize_t(PySequence_Fast_GET_ITEM(list, i), PyExc_OverflowError);
        if (size < 0 && !PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "cell_shape has a negative size");
        o->write.cell_shape[i] = size;
    }
    o->write.cell_ndim = (int)n;
    Py_DECREF(list);
    return PyErr_Occurred() ? -1 : 0;
}

/* The first `n` arguments by place, the options by name or after them. -1 with an exception set. */
static int take_arguments(options *o, PyObject *arguments, PyObject *keywords, Py_ssize_t n, PyObject **first) {
    static const msio_write_opts defaults = MSIO_WRITE_OPTS_INIT;
    PyObject *name, *value;
    Py_ssize_t given = PyTuple_GET_SIZE(arguments), at = 0;
    *o = (options){Py_None, Py_None, Py_None, Py_None, defaults};
    if (given < n || given > n + 1) {
        PyErr_Format(PyExc_TypeError, "a write takes %zd arguments and rows, not %zd", n, given);
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) first[i] = PyTuple_GET_ITEM(arguments, i);
    if (given > n) o->rows = PyTuple_GET_ITEM(arguments, n);
    while (keywords && PyDict_Next(keywords, &at, &name, &value))
        if (take_option(o, name, value)) return -1;
    return take_cell_shape(o);
}

static void be_patient(options *o, py_patience *patience) { PY_BE_PATIENT(o->write, *patience, o->told); }

/* ---------------------------------------------------------------- arrays */

static int64_t selected_rows(const msio_select *s, int64_t total) {
    if (s->row_list) return s->rows_in_list;
    if (s->rows >= 0) return s->rows;
    return total > s->row ? (total - s->row + s->row_step - 1) / s->row_step : 0;
}

/* The shape of what is to be put; of cells that were never written the caller's. */
static int find_shape(py_request *r, msio_table *table, const options *o) {
    msio_status status;
    Py_BEGIN_ALLOW_THREADS status = msio_read_shape(r->column, &r->selection.select, &r->ndim, r->shape, &r->bytes);
    Py_END_ALLOW_THREADS if (!status) return 0;
    if (status != MSIO_E_UNDEFINED || o->write.cell_ndim < 0) {
        py_fail();
        return -1;
    }
    r->ndim = 1 + o->write.cell_ndim;
    r->shape[0] = selected_rows(&r->selection.select, msio_table_rows(table));
    r->bytes = msio_type_size(r->type) * (size_t)r->shape[0];
    for (int i = 1; i < r->ndim; i++) {
        r->shape[i] = o->write.cell_shape[i - 1];
        r->bytes *= (size_t)r->shape[i];
    }
    return 0;
}

static int check_values(const py_request *r, PyArrayObject *values) {
    bool fits = PyArray_NDIM(values) == r->ndim;
    for (int i = 0; fits && i < r->ndim; i++) fits = PyArray_DIM(values, i) == r->shape[i];
    if (py_type_number(r->type) < 0) {
        PyErr_SetString(PyExc_TypeError, "strings are written by casacore");
        return -1;
    }
    if (fits) return 0;
    PyObject *has = PyObject_GetAttrString((PyObject *)values, "shape"), *wanted = py_shape(r->ndim, r->shape);
    if (has && wanted) PyErr_Format(PyExc_ValueError, "the values are of shape %R, the selection of %R", has, wanted);
    Py_XDECREF(has);
    Py_XDECREF(wanted);
    return -1;
}

/* Whether the array can be written as it lies in memory. */
static bool is_as_stored(const py_request *r, PyArrayObject *values) {
    return PyArray_TYPE(values) == py_type_number(r->type) && PyArray_ISCARRAY_RO(values);
}

static int write_at_once(py_request *r, PyArrayObject *values, const msio_write_opts *opts) {
    const void *data = PyArray_DATA(values);
    msio_status status;
    Py_BEGIN_ALLOW_THREADS status = msio_write(r->column, &r->selection.select, data, r->bytes, opts);
    Py_END_ALLOW_THREADS if (status) py_fail();
    return status ? -1 : 0;
}

/* Rows of the values into a batch's memory: put in order, swapped, converted. */
static int fill_batch(const msio_write_batch *batch, PyObject *values) {
    const msio_array *a = &batch->arrays[0];
    PyObject *to = py_array_over(a->type, a->ndim, a->shape, a->data, Py_None);
    PyObject *part =
        to ? PySequence_GetSlice(values, (Py_ssize_t)batch->row, (Py_ssize_t)(batch->row + batch->rows)) : NULL;
    int failed = part ? PyArray_CopyInto((PyArrayObject *)to, (PyArrayObject *)part) : -1;
    Py_XDECREF(to);
    Py_XDECREF(part);
    return failed || PyErr_CheckSignals() ? -1 : 0;
}

/* In batches that are made as they are needed: no copy of the whole. */
static int write_in_batches(py_request *r, msio_table *table, const char *name, PyArrayObject *values,
                            const msio_write_opts *opts) {
    msio_write_stream_opts o = MSIO_WRITE_STREAM_OPTS_INIT;
    msio_write_stream *stream = NULL;
    msio_write_batch *batch;
    msio_status status;
    size_t row = r->shape[0] ? r->bytes / (size_t)r->shape[0] : 0;
    if (o.memory < 2 * row) o.memory = 2 * row;
    o.write = *opts;
    Py_BEGIN_ALLOW_THREADS status = msio_write_stream_open(table, 1, &name, &r->selection.select, &o, &stream);
    Py_END_ALLOW_THREADS while (!status) {
        Py_BEGIN_ALLOW_THREADS status = msio_write_stream_next(stream, &batch);
        Py_END_ALLOW_THREADS if (!status && fill_batch(batch, (PyObject *)values)) break;
    }
    if (status && status != MSIO_END) py_fail();
    Py_BEGIN_ALLOW_THREADS status = msio_write_stream_close(stream);
    Py_END_ALLOW_THREADS if (status) py_fail();
    return PyErr_Occurred() ? -1 : 0;
}

/* All or nothing needs it all at once. */
static int write_copy(py_request *r, PyArrayObject *values, const msio_write_opts *opts) {
    PyArrayObject *copy = (PyArrayObject *)PyArray_FROMANY((PyObject *)values, py_type_number(r->type), 0, 0,
                                                           NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST);
    int failed = copy ? write_at_once(r, copy, opts) : -1;
    Py_XDECREF(copy);
    return failed;
}

static int write_values(py_request *r, msio_table *table, PyObject *name, PyArrayObject *values, options *o) {
    if (find_shape(r, table, o) || check_values(r, values)) return -1;
    be_patient(o, &r->patience);
    if (is_as_stored(r, values)) return write_at_once(r, values, &o->write);
    if (o->write.atomic || r->bytes == 0) return write_copy(r, values, &o->write);
    return write_in_batches(r, table, py_name(name), values, &o->write);
}

PyObject *py_table_write(PyObject *object, PyObject *arguments, PyObject *keywords) {
    py_table *self = (py_table *)object;
    py_request r = {0};
    options o;
    PyObject *given[2]; /* name, values */
    if (take_arguments(&o, arguments, keywords, 2, given)) return NULL;
    if (!PyArray_Check(given[1])) {
        PyErr_Format(PyExc_TypeError, "the values have to be a numpy array, not %s", Py_TYPE(given[1])->tp_name);
        return NULL;
    }
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    int failed = py_request_begin(&r, table, given[0], o.rows, o.box) ||
                 write_values(&r, table, given[0], (PyArrayObject *)given[1], &o);
    py_selection_free(&r.selection);
    py_table_leave(self);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- cells of any shape */

/* What write_cells is given: memory of these sizes. NULL with an exception set. */
typedef struct cells_given {
    Py_buffer ndims, shapes, defined, data, texts;
    bool strings;
} cells_given;

static bool have_size(const Py_buffer *buffer, int64_t count, size_t size) {
    return count >= 0 && (size_t)buffer->len == (size_t)count * size;
}

/* Offsets of each cell's elements; -1: the parts contradict each other. */
static int take_cells(const cells_given *g, msio_ragged *r) {
    int64_t elements = 0;
    size_t size = g->strings ? 1 : msio_type_size(r->type);
    r->cells = g->ndims.len;
    r->ndims = g->ndims.buf;
    r->shapes = g->shapes.buf;
    r->defined = g->defined.buf;
    r->offsets = PyMem_New(int64_t, (size_t)r->cells + 1);
    if (!r->offsets) return PyErr_NoMemory(), -1;
    bool sound =
        have_size(&g->shapes, r->cells * MSIO_MAX_NDIM, sizeof(int64_t)) && have_size(&g->defined, r->cells, 1);
    for (int64_t i = 0; i < r->cells && sound; i++) {
        int64_t cell = r->defined[i] ? 1 : 0;
        sound = r->ndims[i] >= 0 && r->ndims[i] <= MSIO_MAX_NDIM;
        for (int k = 0; k < r->ndims[i] && sound; k++)
            sound = r->shapes[i * MSIO_MAX_NDIM + k] >= 0 &&
                    !__builtin_mul_overflow(cell, r->shapes[i * MSIO_MAX_NDIM + k], &cell);
        r->offsets[i] = elements;
        sound = sound && !__builtin_add_overflow(elements, cell, &elements);
    }
    if (sound) r->offsets[r->cells] = elements;
    if (g->strings) {
        r->text = g->data.buf;
        r->text_offsets = g->texts.buf;
        sound = sound && have_size(&g->texts, elements + 1, sizeof(int64_t)) && r->text_offsets[0] == 0 &&
                r->text_offsets[elements] == g->data.len;
        for (int64_t i = 0; i < elements && sound; i++) sound = r->text_offsets[i] <= r->text_offsets[i + 1];
    } else {
        r->data = g->data.buf;
        sound = sound && have_size(&g->data, elements, size);
    }
    r->bytes = (size_t)g->data.len;
    if (sound) return 0;
    PyErr_SetString(PyExc_ValueError, "what is given of the cells is not of one size");
    return -1;
}

static int write_ragged(msio_table *table, PyObject *name, options *o, const cells_given *given) {
    py_selection selection = {.select = MSIO_SELECT_ALL};
    py_patience patience;
    msio_ragged cells = {0};
    msio_status status;
    const msio_column *column = py_find_column(table, name);
    const msio_column_info *info = column ? msio_column_describe(column) : NULL;
    int failed = -1;
    if (column && !info) py_fail();
    if (info) cells.type = info->type;
    if (info && py_select_rows(&selection, o->rows, msio_table_rows(table)) == 0 && take_cells(given, &cells) == 0) {
        be_patient(o, &patience);
        Py_BEGIN_ALLOW_THREADS status = msio_write_ragged(column, &selection.select, &cells, &o->write);
        Py_END_ALLOW_THREADS if (status) py_fail();
        else failed = 0;
    }
    PyMem_Free(cells.offsets);
    py_selection_free(&selection);
    return failed;
}

/* write_cells(name, ndims, shapes, defined, data, texts, rows=None, **options) */
PyObject *py_table_write_cells(PyObject *object, PyObject *arguments, PyObject *keywords) {
    py_table *self = (py_table *)object;
    PyObject *first[6];
    cells_given given = {0};
    Py_buffer *const buffers[] = {&given.ndims, &given.shapes, &given.defined, &given.data, &given.texts};
    options o;
    int taken = 0, failed = -1;
    if (take_arguments(&o, arguments, keywords, 6, first)) return NULL;
    given.strings = first[5] != Py_None;
    int wanted = given.strings ? 5 : 4;
    while (taken < wanted && PyObject_GetBuffer(first[taken + 1], buffers[taken], PyBUF_C_CONTIGUOUS) == 0) taken++;
    msio_table *table = taken == wanted ? py_table_enter(self) : NULL;
    if (table) {
        failed = write_ragged(table, first[0], &o, &given);
        py_table_leave(self);
    }
    while (taken > 0) PyBuffer_Release(buffers[--taken]);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- one value, copies */

PyObject *py_table_fill(PyObject *object, PyObject *arguments, PyObject *keywords) {
    py_table *self = (py_table *)object;
    py_request r = {0};
    options o;
    PyObject *given[2]; /* name, value */
    if (take_arguments(&o, arguments, keywords, 2, given)) return NULL;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    int failed = py_request_begin(&r, table, given[0], o.rows, o.box);
    PyArrayObject *value = (PyArrayObject *)given[1];
    if (!failed && (!PyArray_Check(given[1]) || PyArray_NDIM(value) || !is_as_stored(&r, value))) {
        PyErr_SetString(PyExc_TypeError, "the value has to be an array of no axis, of the column's type");
        failed = -1;
    }
    if (!failed) {
        msio_status status;
        const void *data = PyArray_DATA(value);
        be_patient(&o, &r.patience);
        Py_BEGIN_ALLOW_THREADS status =
            msio_write_value(r.column, &r.selection.select, data, msio_type_size(r.type), &o.write);
        Py_END_ALLOW_THREADS if (status) py_fail();
        failed = status != MSIO_OK;
    }
    py_selection_free(&r.selection);
    py_table_leave(self);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static int copy_into(py_request *r, py_table *other, PyObject *name, options *o) {
    msio_table *table = py_table_enter(other);
    if (!table) return -1;
    const msio_column *to = py_find_column(table, name);
    if (to) {
        msio_status status;
        be_patient(o, &r->patience);
        Py_BEGIN_ALLOW_THREADS status = msio_column_copy(r->column, to, &r->selection.select, &o->write);
        Py_END_ALLOW_THREADS if (status) py_fail();
    }
    py_table_leave(other);
    return PyErr_Occurred() ? -1 : 0;
}

static PyTypeObject *table_class;

PyObject *py_table_copy(PyObject *object, PyObject *arguments, PyObject *keywords) {
    py_table *self = (py_table *)object;
    py_request r = {0};
    options o;
    PyObject *given[3]; /* name, table, to */
    if (take_arguments(&o, arguments, keywords, 3, given)) return NULL;
    if (!PyObject_TypeCheck(given[1], table_class)) {
        PyErr_SetString(PyExc_TypeError, "a column is copied into one of a Table");
        return NULL;
    }
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    int failed =
        py_request_begin(&r, table, given[0], o.rows, o.box) || copy_into(&r, (py_table *)given[1], given[2], &o);
    py_selection_free(&r.selection);
    py_table_leave(self);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- the type WriteStream */

typedef struct write_stream {
    py_column_stream columns;
    msio_write_batch *batch;
    PyObject *arrays; /* the batch's as the program has them, in memory of their own */
} write_stream;

/* What the program filled goes into the batch; then the next one. Without the GIL: the arrays own memory that numpy
 * does not resize. */
static msio_status fetch(void *object) {
    write_stream *self = object;
    for (int i = 0; self->arrays && i < self->batch->columns; i++) {
        const msio_array *a = &self->batch->arrays[i];
        if (a->bytes) memcpy(a->data, PyArray_DATA((PyArrayObject *)PyList_GET_ITEM(self->arrays, i)), a->bytes);
    }
    return msio_write_stream_next(self->columns.base.stream, &self->batch);
}

/* (first row, [arrays]) */
static PyObject *told(void *object) {
    write_stream *self = object;
    Py_CLEAR(self->arrays);
    PyObject *list = PyList_New(self->batch->columns);
    for (int i = 0; list && i < self->batch->columns; i++) {
        const msio_array *a = &self->batch->arrays[i];
        PyObject *array = py_array_adopt(a->type, a->ndim, a->shape, msio_pool_take(a->bytes ? a->bytes : 1));
        if (array)
            PyList_SET_ITEM(list, i, array);
        else
            Py_CLEAR(list);
    }
    if (!list) return NULL;
    self->arrays = list;
    return Py_BuildValue("(LN)", (long long)self->batch->row, PyList_AsTuple(list));
}

static msio_status close_stream(write_stream *self) {
    msio_write_stream *stream = self->columns.base.stream;
    msio_status status;
    self->columns.base.stream = NULL;
    Py_CLEAR(self->arrays);
    if (!stream) return MSIO_OK;
    Py_BEGIN_ALLOW_THREADS status = msio_write_stream_close(stream);
    Py_END_ALLOW_THREADS py_table_leave(self->columns.table);
    return status;
}

static void end(void *object) { (void)close_stream(object); }

static PyObject *stream_close(PyObject *object, PyObject *unused) {
    write_stream *self = (write_stream *)object;
    (void)unused;
    if (self->columns.base.busy) {
        PyErr_SetString(PyExc_ValueError, "the stream is used by another thread");
        return NULL;
    }
    self->columns.base.over = false;
    if (close_stream(self)) return py_fail();
    Py_RETURN_NONE;
}

static void stream_free(PyObject *object) {
    end(object);
    py_column_stream_free((py_column_stream *)object);
}

static msio_status open_writes(msio_table *table, int n, const char *const *names, const msio_select *select,
                               const void *opts, void **stream) {
    return msio_write_stream_open(table, n, names, select, opts, (msio_write_stream **)stream);
}

/* WriteStream(table, names, rows, (chan, chans, step), (corr, corrs, step), memory, rows_per_batch, cell_shape,
 * {flags}) */
static PyObject *stream_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    py_column_request request;
    msio_write_stream_opts opts = MSIO_WRITE_STREAM_OPTS_INIT;
    options o = {Py_None, Py_None, Py_None, Py_None, opts.write};
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, PY_COLUMN_REQUEST "Oip", PY_COLUMN_ARGUMENTS(table_class, request), &o.cell_shape,
                          &o.write.threads, &o.write.sync))
        return NULL;
    if (take_cell_shape(&o)) return NULL;
    py_column_stream *self = (py_column_stream *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    self->base.fetch = fetch, self->base.told = told, self->base.end = end;
    if (request.memory > 0) opts.memory = (size_t)request.memory;
    opts.rows_per_batch = request.batch;
    opts.write = o.write;
    opts.write.progress = py_asked_to_stop;
    opts.write.user = &self->base.stop;
    return py_column_stream_open(self, &request, open_writes, &opts);
}

/* ---------------------------------------------------------------- what an interrupted write left */

static PyObject *repair(PyObject *module, PyObject *path) {
    PyObject *bytes;
    msio_repaired found = MSIO_REPAIRED_INIT;
    msio_status status;
    (void)module;
    if (!PyUnicode_FSConverter(path, &bytes)) return NULL;
    py_watch_waits();
    Py_BEGIN_ALLOW_THREADS status = msio_repair(PyBytes_AS_STRING(bytes), &found);
    Py_END_ALLOW_THREADS Py_DECREF(bytes);
    if (status) return py_fail();
    return Py_BuildValue("(NiNsLL)", PyBool_FromLong(found.interrupted), found.blocks,
                         PyBool_FromLong(found.may_be_mixed), found.columns, (long long)found.first_row,
                         (long long)found.last_row);
}

static PyMethodDef functions[] = {
    {"repair", repair, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* ---------------------------------------------------------------- the module's */

static PyMethodDef stream_methods[] = {
    {"next", NULL, METH_NOARGS, NULL}, /* as of all streams */
    {"close", stream_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, (void *)stream_new},
    {Py_tp_dealloc, (void *)stream_free},
    {Py_tp_methods, stream_methods},
    {0, NULL},
};
static PyType_Spec spec = {"msio._msio.WriteStream", sizeof(write_stream), 0, Py_TPFLAGS_DEFAULT, slots};

int py_write_init(PyObject *module) {
    stream_methods[0].ml_meth = py_stream_methods[0].ml_meth;
    table_class = (PyTypeObject *)PyObject_GetAttrString(module, "Table");
    PyObject *type = table_class ? PyType_FromSpec(&spec) : NULL;
    int failed = type ? PyModule_AddObjectRef(module, "WriteStream", type) : -1;
    Py_XDECREF(type);
    return failed ? failed : PyModule_AddFunctions(module, functions);
}
