/* pyputs.c - the types Gather and CellWriter: cells put one by one, for loops that call putcell. */
#include "extension.h"

#include <structmember.h>
#include <time.h>

/* ---------------------------------------------------------------- what the writers of one table share */

typedef struct gather {
    PyObject ob_base;
    char open;             /* casacore holds its write lock, and nothing of the table waits in its memory */
    struct timespec until; /* how long it may stay open */
} gather;

static PyTypeObject *gather_type, *table_class;

static bool is_over(const gather *g) {
    struct timespec now;
    if (!g->open) return true;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec > g->until.tv_sec || (now.tv_sec == g->until.tv_sec && now.tv_nsec >= g->until.tv_nsec);
}

bool py_is_gather(PyObject *object) { return Py_IS_TYPE(object, gather_type); }

bool py_gather_is_over(PyObject *object) { return is_over((const gather *)object); }

static PyObject *gather_begin(PyObject *object, PyObject *seconds) {
    gather *self = (gather *)object;
    double given = PyFloat_AsDouble(seconds);
    if (PyErr_Occurred()) return NULL;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &self->until);
    int64_t nanoseconds = self->until.tv_nsec + (int64_t)(given * 1e9);
    self->until.tv_sec += (time_t)(nanoseconds / 1000000000);
    self->until.tv_nsec = (long)(nanoseconds % 1000000000);
    self->open = 1;
    Py_RETURN_NONE;
}

static PyObject *gather_end(PyObject *object, PyObject *unused) {
    (void)unused;
    ((gather *)object)->open = 0;
    Py_RETURN_NONE;
}

static PyObject *gather_over(PyObject *object, void *unused) {
    (void)unused;
    return PyBool_FromLong(is_over((gather *)object));
}

static void gather_free(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef gather_methods[] = {
    {"begin", gather_begin, METH_O, "begin($self, seconds, /)\n--\n\nCells may be put from now on, for so long."},
    {"end", gather_end, METH_NOARGS, "end($self, /)\n--\n\nNone may be put from now on."},
    {NULL, NULL, 0, NULL}};
static PyGetSetDef gather_attributes[] = {{"over", gather_over, NULL, "Whether no cells may be put.", NULL},
                                          {NULL, NULL, NULL, NULL, NULL}};
static PyType_Slot gather_slots[] = {
    {Py_tp_new, (void *)PyType_GenericNew},
    {Py_tp_dealloc, (void *)gather_free},
    {Py_tp_methods, gather_methods},
    {Py_tp_getset, gather_attributes},
    {Py_tp_doc, "Gather()\n--\n\nWhat the writers of one table's cells share: whether they take cells."},
    {0, NULL},
};
static PyType_Spec gather_spec = {"msio._msio.Gather", sizeof(gather), 0, Py_TPFLAGS_DEFAULT, gather_slots};

/* ---------------------------------------------------------------- one column's cells */

typedef struct cell_writer {
    PyObject ob_base;
    vectorcallfunc call;
    py_table *table;
    gather *shared;
    msio_cursor *cursor;
    int number;   /* numpy's, of the type */
    int ndim;     /* 0: scalars */
    size_t bytes; /* of a cell */
    npy_intp shape[MSIO_MAX_NDIM];
    PyObject *rows; /* int64 array, or NULL: row numbers are the table's */
    bool busy;      /* a thread is within, or within its reader */
    msio_type type;
    long long taken;
} cell_writer;

/* A number of Python's, or of numpy's of the column's very type. False: casacore is to judge it. */
static bool take_scalar(int type, PyObject *value, void *to) {
    if (!PyArray_Check(value) && PyArray_CheckScalar(value)) {
        PyArray_Descr *descr = PyArray_DescrFromScalar(value);
        bool same = descr && descr->type_num == type;
        Py_XDECREF(descr);
        if (same) PyArray_ScalarAsCtype(value, to);
        return same;
    }
    if (type == NPY_DOUBLE && PyFloat_CheckExact(value)) return *(double *)to = PyFloat_AS_DOUBLE(value), true;
    if (type == NPY_FLOAT && PyFloat_CheckExact(value)) return *(float *)to = (float)PyFloat_AS_DOUBLE(value), true;
    if (type == NPY_BOOL && PyBool_Check(value)) return *(npy_bool *)to = value == Py_True, true;
    if (type == NPY_INT32 && PyLong_CheckExact(value)) {
        int overflow;
        long number = PyLong_AsLongAndOverflow(value, &overflow);
        if (overflow || number < INT32_MIN || number > INT32_MAX) return false;
        return *(int32_t *)to = (int32_t)number, true;
    }
    return false;
}

/* Where the value lies as the column has it: in itself, or in `scalar`. NULL: it does not. */
static const void *value_of(const cell_writer *self, PyObject *value, void *scalar) {
    if (self->ndim == 0) return take_scalar(self->number, value, scalar) ? scalar : NULL;
    if (!PyArray_CheckExact(value)) return NULL;
    PyArrayObject *array = (PyArrayObject *)value;
    if (PyArray_TYPE(array) != self->number || PyArray_NDIM(array) != self->ndim || !PyArray_ISCARRAY_RO(array))
        return NULL;
    for (int i = 0; i < self->ndim; i++)
        if (PyArray_DIM(array, i) != self->shape[i]) return NULL;
    return PyArray_DATA(array);
}

/* The table's row; -1: it is none, or casacore is to judge it. */
static Py_ssize_t row_of(const cell_writer *self, PyObject *number) {
    if (!PyLong_CheckExact(number) && !PyArray_IsScalar(number, Integer)) return -1;
    Py_ssize_t row = PyNumber_AsSsize_t(number, NULL);
    if (row == -1 && PyErr_Occurred()) PyErr_Clear();
    if (row < 0 || !self->rows) return row;
    if (row >= PyArray_SIZE((PyArrayObject *)self->rows)) return -1;
    return (Py_ssize_t)((const int64_t *)PyArray_DATA((PyArrayObject *)self->rows))[row];
}

/* True: the cell is taken. False: it is not, and casacore is to put it. */
static PyObject *writer_call(PyObject *object, PyObject *const *arguments, size_t flags, PyObject *names) {
    cell_writer *self = (cell_writer *)object;
    double scalar[2];
    msio_status status;
    if (PyVectorcall_NARGS(flags) != 2 || (names && PyTuple_GET_SIZE(names))) {
        PyErr_SetString(PyExc_TypeError, "a writer of cells takes the number of a row, and its value");
        return NULL;
    }
    if (self->busy || !self->cursor || self->table->closing || is_over(self->shared)) Py_RETURN_FALSE;
    Py_ssize_t row = row_of(self, arguments[0]);
    const void *data = row < 0 ? NULL : value_of(self, arguments[1], scalar);
    if (!data) Py_RETURN_FALSE;
    self->busy = true;
    Py_BEGIN_ALLOW_THREADS status = msio_cursor_put(self->cursor, row, data, self->bytes);
    Py_END_ALLOW_THREADS self->busy = false;
    self->taken += status == MSIO_OK;
    return PyBool_FromLong(status == MSIO_OK);
}

static PyObject *writer_flush(PyObject *object, PyObject *unused) {
    cell_writer *self = (cell_writer *)object;
    msio_status status;
    (void)unused;
    if (!self->cursor) Py_RETURN_NONE;
    self->busy = true;
    Py_BEGIN_ALLOW_THREADS status = msio_cursor_flush(self->cursor);
    Py_END_ALLOW_THREADS self->busy = false;
    if (status) return py_fail();
    Py_RETURN_NONE;
}

/* Stores what it took once more; what cannot be stored is let go of. */
static PyObject *writer_close(PyObject *object, PyObject *unused) {
    cell_writer *self = (cell_writer *)object;
    msio_status status;
    (void)unused;
    if (self->busy) {
        PyErr_SetString(PyExc_ValueError, "another thread is within the writer");
        return NULL;
    }
    msio_cursor *cursor = self->cursor;
    self->cursor = NULL;
    Py_BEGIN_ALLOW_THREADS status = msio_cursor_close(cursor);
    Py_END_ALLOW_THREADS if (status) return py_fail();
    Py_RETURN_NONE;
}

static PyObject *writer_reader(PyObject *object, PyObject *unused) {
    cell_writer *self = (cell_writer *)object;
    (void)unused;
    return py_cells_reader_of_puts(&(py_cells_put){.writer = object,
                                                   .gather = (PyObject *)self->shared,
                                                   .rows = self->rows,
                                                   .table = self->table,
                                                   .cursor = &self->cursor,
                                                   .busy = &self->busy,
                                                   .type = self->type,
                                                   .ndim = self->ndim,
                                                   .shape = self->shape});
}

static bool is_written_natively(const msio_column *column, Py_ssize_t row) {
    msio_write_plan plan = MSIO_WRITE_PLAN_INIT;
    msio_select select = MSIO_SELECT_ALL;
    select.row = row;
    select.rows = 1;
    return msio_write_plan_make(column, &select, NULL, &plan) == MSIO_OK && plan.native && !plan.makes_cells;
}

/* -1: cells vary in shape. */
static int take_shape(cell_writer *self, const msio_column_info *info) {
    self->type = info->type;
    self->number = py_type_number(info->type);
    self->bytes = msio_type_size(info->type);
    if (!info->is_array) return 0;
    if (info->ndim < 1 || !(info->fixed_shape || info->shape_known)) return -1;
    self->ndim = info->ndim;
    for (int i = 0; i < info->ndim; i++) {
        self->shape[i] = (npy_intp)info->shape[i];
        self->bytes *= (size_t)info->shape[i];
    }
    return 0;
}

static int writer_open(cell_writer *self, msio_table *table, const char *name, Py_ssize_t row) {
    const msio_column_info *info = NULL;
    const msio_column *column = NULL;
    msio_cursor_opts opts = MSIO_CURSOR_OPTS_INIT;
    msio_status status;
    bool natively = false;
    opts.hold = 1; /* what it reads ahead is true as long as the gather is not over: nobody else writes */
    Py_BEGIN_ALLOW_THREADS status = msio_table_column(table, name, &column);
    if (!status) natively = is_written_natively(column, row);
    if (natively && !(info = msio_column_describe(column))) status = msio_last_error()->code;
    natively = info && take_shape(self, info) == 0;
    if (!status && natively) status = msio_cursor_open(column, &opts, &self->cursor);
    Py_END_ALLOW_THREADS if (status) {
        self->cursor = NULL;
        py_fail();
        return -1;
    }
    if (natively) return 0;
    PyErr_Format(PyExc_NotImplementedError, "cells of column %s are not written one by one natively", name);
    return -1;
}

/* CellWriter(table, name, gather, row, rows=None) */
static PyObject *writer_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"table", "name", "gather", "row", "rows", NULL};
    PyObject *table, *shared, *rows = Py_None;
    const char *name;
    Py_ssize_t row;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!sO!n|O:CellWriter", names, table_class, &table, &name,
                                     gather_type, &shared, &row, &rows))
        return NULL;
    cell_writer *self = (cell_writer *)type->tp_alloc(type, 0);
    msio_table *opened = self ? py_table_enter((py_table *)table) : NULL;
    if (opened) self->table = (py_table *)Py_NewRef(table);
    if (opened && rows != Py_None) self->rows = PyArray_FROMANY(rows, NPY_INT64, 1, 1, NPY_ARRAY_CARRAY_RO);
    if (!opened || PyErr_Occurred() || writer_open(self, opened, name, row)) {
        Py_XDECREF((PyObject *)self);
        return NULL;
    }
    self->call = writer_call;
    self->shared = (gather *)Py_NewRef(shared);
    return (PyObject *)self;
}

static void writer_free(PyObject *object) {
    cell_writer *self = (cell_writer *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->cursor && !self->busy) { /* busy: a parent's thread was within at a fork */
        Py_BEGIN_ALLOW_THREADS(void) msio_cursor_close(self->cursor);
        Py_END_ALLOW_THREADS
    }
    if (self->table) {
        py_table_leave(self->table);
        Py_DECREF(self->table);
    }
    Py_XDECREF((PyObject *)self->shared);
    Py_XDECREF(self->rows);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef writer_methods[] = {
    {"flush", writer_flush, METH_NOARGS, "flush($self, /)\n--\n\nStores the cells that it took."},
    {"reader", writer_reader, METH_NOARGS,
     "reader($self, /)\n--\n\nA CellReader that sees the cells which it took, as long as the gather is not over."},
    {"close", writer_close, METH_NOARGS,
     "close($self, /)\n--\n\nStores the cells that it took; those that cannot be stored are let go of, with the error."},
    {NULL, NULL, 0, NULL}};
static PyMemberDef writer_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(cell_writer, call), READONLY, NULL},
    {"taken", T_LONGLONG, offsetof(cell_writer, taken), READONLY, "Cells that it took."},
    {"busy", T_BOOL, offsetof(cell_writer, busy), READONLY, "Whether a thread is within."},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot writer_slots[] = {
    {Py_tp_new, (void *)writer_new},
    {Py_tp_dealloc, (void *)writer_free},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_methods, writer_methods},
    {Py_tp_members, writer_members},
    {Py_tp_doc,
     "CellWriter(table, name, gather, row, rows=None)\n--\n\n"
     "Takes the number of a row, and the cell's value: True, it is stored at the next flush at the latest; False,\n"
     "it is not taken: the gather is over, or casacore is to judge the row or the value. row: one of the table's,\n"
     "which tells whether the column is written natively. rows: those that row numbers stand for."},
    {0, NULL},
};
static PyType_Spec writer_spec = {"msio._msio.CellWriter", sizeof(cell_writer), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL, writer_slots};

int py_puts_init(PyObject *module) {
    table_class = (PyTypeObject *)PyObject_GetAttrString(module, "Table");
    gather_type = (PyTypeObject *)PyType_FromSpec(&gather_spec);
    PyObject *writer = PyType_FromSpec(&writer_spec);
    int failed = !table_class || !gather_type || !writer ||
                 PyModule_AddObjectRef(module, "Gather", (PyObject *)gather_type) ||
                 PyModule_AddObjectRef(module, "CellWriter", writer);
    Py_XDECREF(writer);
    return failed ? -1 : 0;
}
