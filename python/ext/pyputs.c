/* pyputs.c - the type CellPuts: cells that are put one by one, kept until they are written together. */
#include "extension.h"

#include <stddef.h>
#include <string.h>
#include <structmember.h>
#include <time.h>

/* Puts wait so long at most, in a loop that goes on: other processes may want the table's lock. */
#define PATIENCE 1    /* s */
#define LOOK_EVERY 64 /* puts */

typedef struct cell_puts {
    PyObject ob_base;
    vectorcallfunc call;
    int number; /* numpy's */
    msio_type type;
    int ndim;
    npy_intp shape[MSIO_MAX_NDIM];
    size_t cell_bytes;
    int64_t rows, most; /* of the table; cells that may wait */
    int64_t n, room;
    int64_t *row;
    char *cells;
    int64_t *slot; /* hash table of places in `row`, -1: none; a power of two */
    int64_t slots;
    time_t since;
    long long looks, accepted;
} cell_puts;

/* ---------------------------------------------------------------- places of rows */

static int64_t first_slot(const cell_puts *self, int64_t row) {
    return (int64_t)(((uint64_t)row * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (self->slots - 1);
}

/* Where the row's cell is, or -1; *slot: where its place is noted, or is to be. */
static int64_t find(const cell_puts *self, int64_t row, int64_t *slot) {
    if (self->slots == 0) return -1;
    int64_t at = first_slot(self, row);
    while (self->slot[at] >= 0 && self->row[self->slot[at]] != row) at = (at + 1) & (self->slots - 1);
    if (slot) *slot = at;
    return self->slot[at];
}

static void *grown(void *memory, size_t bytes, bool *failed) {
    void *more = PyMem_Realloc(memory, bytes);
    if (!more) *failed = true;
    return more ? more : memory;
}

/* Twice the room. -1 without memory. */
static int grow(cell_puts *self) {
    int64_t room = self->room ? 2 * self->room : 64;
    bool failed = false;
    if (room > self->most) room = self->most;
    int64_t slots = 64;
    while (slots < 2 * room) slots *= 2;
    self->row = grown(self->row, (size_t)room * sizeof *self->row, &failed);
    self->cells = grown(self->cells, (size_t)room * self->cell_bytes + 1, &failed);
    int64_t *slot = failed ? NULL : PyMem_Malloc((size_t)slots * sizeof *slot);
    if (!slot) return -1;
    PyMem_Free(self->slot);
    self->slot = slot;
    self->slots = slots;
    self->room = room;
    memset(slot, 0xff, (size_t)slots * sizeof *slot);
    for (int64_t i = 0; i < self->n; i++) {
        int64_t at;
        find(self, self->row[i], &at);
        slot[at] = i;
    }
    return 0;
}

/* ---------------------------------------------------------------- values */

static bool take_integer(int number, PyObject *value, char *out) {
    int overflow;
    long long v = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow || (v == -1 && PyErr_Occurred())) return false;
    switch (number) {
    case NPY_INT16: return v == (int16_t)v ? (memcpy(out, &(int16_t){(int16_t)v}, 2), true) : false;
    case NPY_UINT16: return v == (uint16_t)v ? (memcpy(out, &(uint16_t){(uint16_t)v}, 2), true) : false;
    case NPY_INT32: return v == (int32_t)v ? (memcpy(out, &(int32_t){(int32_t)v}, 4), true) : false;
    case NPY_UINT32: return v == (uint32_t)v ? (memcpy(out, &(uint32_t){(uint32_t)v}, 4), true) : false;
    default: memcpy(out, &(int64_t){v}, 8); return true; /* NPY_INT64 */
    }
}

/* A number of Python's, of the column's kind. */
static bool take_number(const cell_puts *self, PyObject *value, char *out) {
    if (PyArray_CheckScalar(value)) {
        PyArray_Descr *descr = PyArray_DescrFromScalar(value);
        bool same = descr && descr->type_num == self->number;
        Py_XDECREF(descr);
        if (same) PyArray_ScalarAsCtype(value, out);
        return same;
    }
    switch (self->type) {
    case MSIO_BOOL: return PyBool_Check(value) ? (*out = value == Py_True, true) : false;
    case MSIO_FLOAT:
        return PyFloat_CheckExact(value) ? (memcpy(out, &(float){(float)PyFloat_AS_DOUBLE(value)}, 4), true) : false;
    case MSIO_DOUBLE:
        return PyFloat_CheckExact(value) ? (memcpy(out, &(double){PyFloat_AS_DOUBLE(value)}, 8), true) : false;
    case MSIO_COMPLEX:
    case MSIO_DCOMPLEX: {
        if (!PyComplex_CheckExact(value)) return false;
        double v[2] = {PyComplex_RealAsDouble(value), PyComplex_ImagAsDouble(value)};
        float f[2] = {(float)v[0], (float)v[1]};
        memcpy(out, self->type == MSIO_COMPLEX ? (void *)f : (void *)v, self->cell_bytes);
        return true;
    }
    default: return PyLong_CheckExact(value) && take_integer(self->number, value, out);
    }
}

/* Whether the value is a cell as the column has them. */
static bool fits(const cell_puts *self, PyObject *value) {
    PyArrayObject *array = (PyArrayObject *)value;
    if (!PyArray_Check(value) || PyArray_TYPE(array) != self->number || PyArray_ISBYTESWAPPED(array) ||
        PyArray_NDIM(array) != self->ndim)
        return false;
    for (int i = 0; i < self->ndim; i++)
        if (PyArray_DIM(array, i) != self->shape[i]) return false;
    return true;
}

static bool take_array(const cell_puts *self, PyObject *value, char *out) {
    PyArrayObject *array = (PyArrayObject *)value;
    if (PyArray_IS_C_CONTIGUOUS(array)) {
        memcpy(out, PyArray_DATA(array), self->cell_bytes);
        return true;
    }
    npy_intp shape[MSIO_MAX_NDIM];
    memcpy(shape, self->shape, sizeof shape);
    PyObject *to = PyArray_SimpleNewFromData(self->ndim, shape, self->number, out);
    int failed = to ? PyArray_CopyInto((PyArrayObject *)to, array) : -1;
    Py_XDECREF(to);
    return !failed;
}

/* ---------------------------------------------------------------- calls */

static bool waits_too_long(cell_puts *self) {
    if (self->n == 0) self->since = 0;
    if (self->since && ++self->looks % LOOK_EVERY) return false;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (self->since == 0) self->since = now.tv_sec;
    return now.tv_sec - self->since > PATIENCE;
}

/* The cell's memory, new or that of an earlier put of the row; NULL where there is none for it. */
static char *place_of(cell_puts *self, int64_t row, bool *is_new) {
    int64_t slot, place = find(self, row, &slot);
    *is_new = place < 0;
    if (place >= 0) return self->cells + (size_t)place * self->cell_bytes;
    if (self->n == self->most || (self->n == self->room && grow(self))) return NULL;
    return self->cells + (size_t)self->n * self->cell_bytes;
}

static void keep(cell_puts *self, int64_t row) {
    int64_t slot;
    find(self, row, &slot);
    self->row[self->n] = row;
    self->slot[slot] = self->n++;
}

static bool take_row(PyObject *number, Py_ssize_t *row) {
    if (PyBool_Check(number) || PyArray_IsScalar(number, Bool)) return false;
    *row = PyNumber_AsSsize_t(number, NULL);
    if (*row != -1 || !PyErr_Occurred()) return *row >= 0;
    PyErr_Clear();
    return false;
}

/* puts(row, value) */
static PyObject *puts_call(PyObject *object, PyObject *const *arguments, size_t flags, PyObject *names) {
    cell_puts *self = (cell_puts *)object;
    Py_ssize_t row;
    bool is_new;
    if (PyVectorcall_NARGS(flags) != 2 || (names && PyTuple_GET_SIZE(names))) {
        PyErr_SetString(PyExc_TypeError, "puts of cells take the number of a row and a value");
        return NULL;
    }
    if (!take_row(arguments[0], &row) || row >= self->rows) Py_RETURN_FALSE;
    if (self->ndim && !fits(self, arguments[1])) Py_RETURN_FALSE;
    if (waits_too_long(self)) Py_RETURN_FALSE;
    char *cell = place_of(self, row, &is_new);
    if (!cell) Py_RETURN_FALSE;
    char number[16]; /* a value that is refused must not change what waits */
    bool taken = self->ndim ? take_array(self, arguments[1], cell) : take_number(self, arguments[1], number);
    if (PyErr_Occurred()) PyErr_Clear();
    if (!taken) Py_RETURN_FALSE;
    if (!self->ndim) memcpy(cell, number, self->cell_bytes);
    if (is_new) keep(self, row);
    self->accepted++;
    Py_RETURN_TRUE;
}

/* suits(row, value): whether a put of it would be taken, were there room. */
static PyObject *puts_suits(PyObject *object, PyObject *const *arguments, Py_ssize_t n) {
    const cell_puts *self = (cell_puts *)object;
    Py_ssize_t row;
    char number[16];
    if (n != 2 || !take_row(arguments[0], &row) || row >= self->rows) Py_RETURN_FALSE;
    bool suits = self->ndim ? fits(self, arguments[1]) : take_number(self, arguments[1], number);
    if (PyErr_Occurred()) PyErr_Clear();
    return PyBool_FromLong(suits);
}

static PyObject *puts_get(PyObject *object, PyObject *number) {
    cell_puts *self = (cell_puts *)object;
    Py_ssize_t row;
    int64_t place = take_row(number, &row) ? find(self, row, NULL) : -1;
    if (place < 0) Py_RETURN_NONE;
    const char *cell = self->cells + (size_t)place * self->cell_bytes;
    if (self->ndim == 0) {
        double aligned[2];
        memcpy(aligned, cell, self->cell_bytes);
        return py_scalar_of(self->type, aligned);
    }
    PyObject *array = PyArray_SimpleNew(self->ndim, self->shape, self->number);
    if (array) memcpy(PyArray_DATA((PyArrayObject *)array), cell, self->cell_bytes);
    return array;
}

/* (rows, values): over the memory in which they wait, until the next put. */
static PyObject *puts_waiting(PyObject *object, PyObject *unused) {
    cell_puts *self = (cell_puts *)object;
    int64_t shape[MSIO_MAX_NDIM + 1] = {self->n};
    (void)unused;
    for (int i = 0; i < self->ndim; i++) shape[i + 1] = self->shape[i];
    if (!self->room && grow(self)) return PyErr_NoMemory();
    PyObject *rows = py_array_over(MSIO_INT64, 1, shape, self->row, object);
    PyObject *values = rows ? py_array_over(self->type, self->ndim + 1, shape, self->cells, object) : NULL;
    if (!values) {
        Py_XDECREF(rows);
        return NULL;
    }
    return Py_BuildValue("(NN)", rows, values);
}

static PyObject *puts_clear(PyObject *object, PyObject *unused) {
    cell_puts *self = (cell_puts *)object;
    (void)unused;
    self->n = 0;
    self->since = 0;
    if (self->slots) memset(self->slot, 0xff, (size_t)self->slots * sizeof *self->slot);
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- the type */

static void puts_free(PyObject *object) {
    cell_puts *self = (cell_puts *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyMem_Free(self->row);
    PyMem_Free(self->cells);
    PyMem_Free(self->slot);
    type->tp_free(object);
    Py_DECREF(type);
}

static msio_type type_of(int number) {
    for (msio_type type = MSIO_BOOL; type <= MSIO_INT64; type++)
        if (py_type_number(type) == number) return type;
    return MSIO_STRING;
}

/* CellPuts(dtype, shape of a cell, rows, bytes that may wait) */
static PyObject *puts_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    PyArray_Descr *descr;
    PyObject *shape;
    long long rows, bytes;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "O!O!LL", &PyArrayDescr_Type, &descr, &PyTuple_Type, &shape, &rows, &bytes))
        return NULL;
    Py_ssize_t ndim = PyTuple_GET_SIZE(shape);
    cell_puts *self = ndim > MSIO_MAX_NDIM ? NULL : (cell_puts *)type->tp_alloc(type, 0);
    if (!self) return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "cells of %zd axes", ndim);
    self->call = puts_call;
    self->number = descr->type_num;
    self->type = type_of(self->number);
    self->ndim = (int)ndim;
    self->rows = rows;
    self->cell_bytes = self->type == MSIO_STRING ? 0 : msio_type_size(self->type);
    for (Py_ssize_t i = 0; i < ndim; i++) {
        self->shape[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, i));
        self->cell_bytes *= (size_t)self->shape[i];
    }
    self->most = self->cell_bytes ? bytes / (int64_t)(self->cell_bytes + 8) : 0;
    if (self->most < 1) self->most = 1;
    if (!PyErr_Occurred() && self->cell_bytes) return (PyObject *)self;
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "cells of no elements, or of a type that is not gathered");
    Py_DECREF(self);
    return NULL;
}

static PyMethodDef methods[] = {
    {"get", puts_get, METH_O, "get($self, row, /)\n--\n\nThe row's cell that waits, or None."},
    {"suits", (PyCFunction)(void (*)(void))puts_suits, METH_FASTCALL,
     "suits($self, row, value, /)\n--\n\nWhether a put would be taken, were there room."},
    {"waiting", puts_waiting, METH_NOARGS, "waiting($self, /)\n--\n\nRows and values that wait."},
    {"clear", puts_clear, METH_NOARGS, "clear($self, /)\n--\n\nNothing waits any more."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(cell_puts, call), READONLY, NULL},
    {"cells", T_LONGLONG, offsetof(cell_puts, n), READONLY, "Cells that wait."},
    {"accepted", T_LONGLONG, offsetof(cell_puts, accepted), 0,
     "Puts that it took; the caller may count from zero again."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)puts_new},
    {Py_tp_dealloc, (void *)puts_free},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_doc,
     "Takes the cell of a row and keeps it until all are written; True, or False where it does not: the row is none,\n"
     "the value is not of the column's type and shape, there is no more room, or the first one has waited for long."},
    {0, NULL},
};

static PyType_Spec spec = {"msio._msio.CellPuts", sizeof(cell_puts), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
                           slots};

int py_puts_init(PyObject *module) {
    PyObject *type = PyType_FromSpec(&spec);
    int failed = type ? PyModule_AddObjectRef(module, "CellPuts", type) : -1;
    Py_XDECREF(type);
    return failed;
}
