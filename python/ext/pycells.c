/* pycells.c - the type CellReader: one cell after the other, for loops that call getcell. */
#include "extension.h"

#include <structmember.h>

/* Changes by programs that take no lock are seen so late; writers that lock are seen at once. */
#define GLANCE 0.01 /* s */

typedef struct cell_reader {
    PyObject ob_base;
    vectorcallfunc call;
    py_table *table;
    msio_cursor *cursor;
    msio_type type;
    int number; /* numpy's */
    bool scalar, fixed;
    int ndim;
    npy_intp shape[MSIO_MAX_NDIM];
    PyObject *rows; /* int64 array, or NULL: row numbers are the table's */
    bool busy;      /* a thread is within */
    long long served, counted;
    /* of cells that are gathered meanwhile */
    PyObject *gather;      /* NULL: no lock is held for it */
    PyObject *writer;      /* NULL: the cursor is its own */
    msio_cursor **writers; /* the writer's cursor */
    bool *within;          /* a thread is within the writer */
    long long missed;      /* cells that were not read ahead */
} cell_reader;

/* Each cell that is not read ahead has those stored that are gathered: where many are, that does not pay. */
#define MISSES 16
#define SERVED_PER_MISS 8

/* ---------------------------------------------------------------- one cell */

static PyObject *scalar_of(msio_type type, const void *value) {
    switch (type) {
    case MSIO_BOOL: return PyBool_FromLong(*(const uint8_t *)value);
    case MSIO_UCHAR: return PyLong_FromLong(*(const uint8_t *)value);
    case MSIO_SHORT: return PyLong_FromLong(*(const int16_t *)value);
    case MSIO_USHORT: return PyLong_FromLong(*(const uint16_t *)value);
    case MSIO_INT: return PyLong_FromLong(*(const int32_t *)value);
    case MSIO_UINT: return PyLong_FromUnsignedLong(*(const uint32_t *)value);
    case MSIO_INT64: return PyLong_FromLongLong(*(const int64_t *)value);
    case MSIO_FLOAT: return PyFloat_FromDouble((double)*(const float *)value);
    case MSIO_DOUBLE: return PyFloat_FromDouble(*(const double *)value);
    case MSIO_COMPLEX: {
        const float *parts = value;
        return PyComplex_FromDoubles((double)parts[0], (double)parts[1]);
    }
    case MSIO_DCOMPLEX: {
        const double *parts = value;
        return PyComplex_FromDoubles(parts[0], parts[1]);
    }
    default: PyErr_SetString(PyExc_TypeError, "cells of this type are not read one by one"); return NULL;
    }
}

/* Into `out`; without the GIL where a file has to be read. */
static msio_status fetch(cell_reader *self, int64_t row, void *out, size_t bytes) {
    msio_status status;
    if (msio_cursor_has(self->cursor, row)) return msio_cursor_get(self->cursor, row, out, bytes);
    self->busy = true;
    py_watch_waits();
    Py_BEGIN_ALLOW_THREADS status = msio_cursor_get(self->cursor, row, out, bytes);
    Py_END_ALLOW_THREADS self->busy = false;
    return status;
}

static PyObject *fixed_cell(cell_reader *self, int64_t row) {
    PyObject *array = PyArray_EMPTY(self->ndim, self->shape, self->number, 0);
    if (!array) return NULL;
    size_t bytes = (size_t)PyArray_NBYTES((PyArrayObject *)array);
    if (fetch(self, row, PyArray_DATA((PyArrayObject *)array), bytes) == MSIO_OK) return array;
    Py_DECREF(array);
    Py_RETURN_NONE;
}

/* A cell whose shape has to be asked for. */
static PyObject *shaped_cell(cell_reader *self, int64_t row) {
    int64_t shape[MSIO_MAX_NDIM];
    const void *data = NULL;
    int ndim = 0;
    msio_status status;
    self->busy = true;
    py_watch_waits();
    Py_BEGIN_ALLOW_THREADS status = msio_cursor_peek(self->cursor, row, &data, NULL);
    if (!status) status = msio_cursor_shape(self->cursor, row, &ndim, shape);
    if (!status) status = msio_cursor_peek(self->cursor, row, &data, NULL); /* the shape's question may have moved it */
    Py_END_ALLOW_THREADS PyObject *array =
        status ? Py_NewRef(Py_None) : py_array_copy(self->type, ndim, shape, data ? data : "");
    self->busy = false;
    return array;
}

/* Tells the profiler's advice where the loop is: at the first call, and again whenever there were twice as many, as the
 * first ones may have stood before the loop. */
static void note_place(cell_reader *self) {
    int line = 0;
    if ((self->served & (self->served - 1)) || !msio_prof_running()) return;
    PyObject *file = py_caller(&line);
    if (file) msio_cursor_place(self->cursor, PyBytes_AS_STRING(file), line);
    Py_XDECREF(file);
}

/* Whether there is a cursor to ask now. */
static bool can_gather(cell_reader *self) {
    if (self->writer) self->cursor = *self->within ? NULL : *self->writers;
    return self->cursor && !(self->gather && py_gather_is_over(self->gather));
}

static bool pays(cell_reader *self, Py_ssize_t row) {
    if (msio_cursor_has(self->cursor, row)) return true;
    return self->missed++ < MISSES + self->served / SERVED_PER_MISS;
}

static PyObject *reader_call(PyObject *object, PyObject *const *arguments, size_t flags, PyObject *names) {
    cell_reader *self = (cell_reader *)object;
    if (PyVectorcall_NARGS(flags) != 1 || (names && PyTuple_GET_SIZE(names))) {
        PyErr_SetString(PyExc_TypeError, "a reader of cells takes the number of a row");
        return NULL;
    }
    if (PyBool_Check(arguments[0]) || PyArray_IsScalar(arguments[0], Bool))
        Py_RETURN_NONE; /* python-casacore refuses it */
    Py_ssize_t row = PyNumber_AsSsize_t(arguments[0], NULL);
    if (row == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    if (row < 0 || self->busy || self->table->closing || !can_gather(self)) Py_RETURN_NONE;
    if (self->rows) {
        if (row >= PyArray_SIZE((PyArrayObject *)self->rows)) Py_RETURN_NONE;
        row = (Py_ssize_t)((const int64_t *)PyArray_DATA((PyArrayObject *)self->rows))[row];
    }
    if (self->gather && !pays(self, row)) Py_RETURN_NONE;
    note_place(self);
    PyObject *answer;
    if (self->within) *self->within = true;
    if (self->scalar) {
        double value[2];
        answer = fetch(self, row, value, sizeof value) ? Py_NewRef(Py_None) : scalar_of(self->type, value);
    } else {
        answer = self->fixed ? fixed_cell(self, row) : shaped_cell(self, row);
    }
    if (self->within) *self->within = false;
    if (PyErr_Occurred()) Py_CLEAR(answer); /* Ctrl-C while it waited for a lock */
    self->served += answer && answer != Py_None;
    return answer;
}

/* ---------------------------------------------------------------- the type */

static void reader_free(PyObject *object) {
    cell_reader *self = (cell_reader *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->cursor && !self->busy && !self->writer) /* busy: a parent's thread was within at a fork */
        msio_cursor_close(self->cursor);
    Py_XDECREF(self->gather);
    Py_XDECREF(self->writer);
    if (self->table) {
        py_table_leave(self->table);
        Py_DECREF(self->table);
    }
    Py_XDECREF(self->rows);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(cell_reader, call), READONLY, NULL},
    {"served", T_LONGLONG, offsetof(cell_reader, served), READONLY, "Cells that it gave."},
    {"counted", T_LONGLONG, offsetof(cell_reader, counted), 0, "Of those, how many were counted: the caller's."},
    {"busy", T_BOOL, offsetof(cell_reader, busy), READONLY, "Whether a thread is within."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, (void *)reader_free},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_members, members},
    {Py_tp_doc,
     "Gives the cell of a row, a scalar or a new array; None where it cannot: the row is none, the cell was\n"
     "never written, another thread is using it. Loops are served from what was read ahead; what a writer\n"
     "that takes the lock has changed is seen at the next call."},
    {0, NULL},
};

static PyType_Spec spec = {"msio._msio.CellReader", sizeof(cell_reader), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
static PyTypeObject *reader_type;

int py_cells_init(PyObject *module) {
    reader_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return reader_type ? PyModule_AddObjectRef(module, "CellReader", (PyObject *)reader_type) : -1;
}

static void take_shape(cell_reader *self, const msio_column_info *info) {
    self->type = info->type;
    self->number = py_type_number(info->type);
    self->scalar = !info->is_array;
    self->fixed = info->is_array && info->fixed_shape && info->ndim > 0;
    self->ndim = self->fixed ? info->ndim : 0;
    for (int i = 0; i < self->ndim; i++) self->shape[i] = (npy_intp)info->shape[i];
}

PyObject *py_cells_reader(PyObject *object, PyObject *const *arguments, Py_ssize_t n) {
    py_table *owner = (py_table *)object;
    msio_cursor_opts opts = MSIO_CURSOR_OPTS_INIT;
    const msio_column *column = NULL;
    const msio_column_info *info = NULL;
    if (n < 1 || n > 3 || !PyUnicode_Check(arguments[0]) || (n == 3 && !py_is_gather(arguments[2]))) {
        PyErr_SetString(PyExc_TypeError, "reader(name, rows=None, gather)");
        return NULL;
    }
    const char *name = py_name(arguments[0]);
    cell_reader *self = name ? (cell_reader *)reader_type->tp_alloc(reader_type, 0) : NULL;
    if (!self) return NULL;
    self->call = reader_call;
    if (n == 3) self->gather = Py_NewRef(arguments[2]);
    if (n >= 2 && arguments[1] != Py_None)
        self->rows = PyArray_FROMANY(arguments[1], NPY_INT64, 1, 1, NPY_ARRAY_CARRAY_RO);
    bool ready = n < 2 || arguments[1] == Py_None || self->rows;
    msio_table *table = ready ? py_table_enter(owner) : NULL;
    if (table) {
        msio_status status;
        self->table = (py_table *)Py_NewRef(object);
        opts.glance = GLANCE;
        opts.hold = n == 3; /* nobody else writes as long as the gather is open */
        Py_BEGIN_ALLOW_THREADS status = msio_table_column(table, name, &column);
        if (!status && !(info = msio_column_describe(column))) status = msio_last_error()->code;
        if (!status) status = msio_cursor_open(column, &opts, &self->cursor);
        Py_END_ALLOW_THREADS if (status) {
            self->cursor = NULL;
            py_fail();
            ready = false;
        }
        else {
            take_shape(self, info);
        }
    }
    if (table && ready) return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

PyObject *py_cells_reader_of_puts(const py_cells_put *puts) {
    cell_reader *self = (cell_reader *)reader_type->tp_alloc(reader_type, 0);
    if (!self) return NULL;
    self->call = reader_call;
    self->writer = Py_NewRef(puts->writer);
    self->gather = Py_NewRef(puts->gather);
    self->rows = Py_XNewRef(puts->rows);
    self->table = (py_table *)Py_NewRef((PyObject *)puts->table);
    self->table->users++;
    self->writers = puts->cursor;
    self->within = puts->busy;
    self->type = puts->type;
    self->number = py_type_number(puts->type);
    self->scalar = puts->ndim == 0;
    self->fixed = puts->ndim > 0;
    self->ndim = puts->ndim;
    for (int i = 0; i < puts->ndim; i++) self->shape[i] = puts->shape[i];
    return (PyObject *)self;
}
