/* pytable.c - the type Table: a casacore table, described and read. */
#include "extension.h"

#include <string.h>
#include <structmember.h>

/* ---------------------------------------------------------------- opening, closing */

msio_table *py_table_enter(py_table *self) {
    if (!self->table || self->closing) {
        PyErr_SetString(PyExc_ValueError, "the table is closed");
        return NULL;
    }
    self->users++;
    py_watch_waits();
    return self->table;
}

void py_table_leave(py_table *self) {
    msio_table *table = self->table;
    if (--self->users > 0 || !self->closing || !table) return;
    self->table = NULL;
    Py_BEGIN_ALLOW_THREADS msio_table_close(table);
    Py_END_ALLOW_THREADS
}

static int take_native(const char *text, msio_native *native) {
    static const char *const names[] = {"auto", "yes", "no"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *native = (msio_native)i;
            return 0;
        }
    PyErr_Format(PyExc_ValueError, "native is \"auto\", \"yes\" or \"no\", not \"%s\"", text);
    return -1;
}

static PyObject *table_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"path", "lock", "native", "checked", "writable", "lock_is_held", NULL};
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    PyObject *path = NULL;
    const char *native = "auto";
    int lock = 1, checked = 1;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O&|psppp:Table", names, PyUnicode_FSConverter, &path, &lock,
                                     &native, &checked, &opts.writable, &opts.lock_is_held))
        return NULL;
    py_table *self = NULL;
    if (take_native(native, &opts.native) == 0) self = (py_table *)type->tp_alloc(type, 0);
    if (self) {
        msio_status status;
        py_watch_waits();
        opts.nolock = !lock;
        opts.freshness = checked ? MSIO_PER_CALL : MSIO_AS_OPENED;
        Py_BEGIN_ALLOW_THREADS status = msio_table_open(PyBytes_AS_STRING(path), &opts, &self->table);
        Py_END_ALLOW_THREADS if (status) {
            self->table = NULL;
            py_fail();
            Py_CLEAR(self);
        }
    }
    Py_DECREF(path);
    return (PyObject *)self;
}

static PyObject *table_close(PyObject *object, PyObject *unused) {
    py_table *self = (py_table *)object;
    (void)unused;
    if (!self->table || self->closing) Py_RETURN_NONE;
    self->users++;
    self->closing = true;
    py_table_leave(self);
    Py_RETURN_NONE;
}

static void table_free(PyObject *object) {
    py_table *self = (py_table *)object;
    PyTypeObject *type = Py_TYPE(object);
    msio_table *table = self->table;
    self->table = NULL;
    if (table) {
        Py_BEGIN_ALLOW_THREADS msio_table_close(table);
        Py_END_ALLOW_THREADS
    }
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *table_enter(PyObject *self, PyObject *unused) {
    (void)unused;
    return Py_NewRef(self);
}

static PyObject *table_exit(PyObject *self, PyObject *unused) {
    (void)unused;
    return table_close(self, NULL);
}

static PyObject *table_hold_write(PyObject *object, PyObject *unused) {
    msio_status status;
    (void)unused;
    msio_table *table = py_table_enter((py_table *)object);
    if (!table) return NULL;
    py_watch_waits();
    Py_BEGIN_ALLOW_THREADS status = msio_table_hold_write(table);
    Py_END_ALLOW_THREADS if (status) py_fail();
    py_table_leave((py_table *)object);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

static PyObject *table_release(PyObject *object, PyObject *unused) {
    msio_status status;
    (void)unused;
    msio_table *table = py_table_enter((py_table *)object);
    if (!table) return NULL;
    Py_BEGIN_ALLOW_THREADS status = msio_table_release(table);
    Py_END_ALLOW_THREADS if (status) py_fail();
    py_table_leave((py_table *)object);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- describing */

static PyObject *table_nrows(PyObject *object, void *unused) {
    py_table *self = (py_table *)object;
    (void)unused;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    int64_t rows = msio_table_rows(table);
    py_table_leave(self);
    return PyLong_FromLongLong(rows);
}

static PyObject *table_glance(PyObject *object, void *unused) {
    py_table *self = (py_table *)object;
    (void)unused;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    uint64_t number = msio_table_glance(table);
    py_table_leave(self);
    return PyLong_FromUnsignedLongLong(number);
}

static PyObject *table_path(PyObject *object, void *unused) {
    py_table *self = (py_table *)object;
    msio_table_info info;
    (void)unused;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    msio_table_describe(table, &info);
    PyObject *path = PyUnicode_DecodeFSDefault(info.path);
    py_table_leave(self);
    return path;
}

static PyObject *table_columns(PyObject *object, void *unused) {
    py_table *self = (py_table *)object;
    (void)unused;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    PyObject *list = PyList_New(0);
    const char *name;
    for (int i = 0; list && (name = msio_table_column_name(table, i)); i++) {
        PyObject *text = py_text(name);
        if (!text || PyList_Append(list, text)) Py_CLEAR(list);
        Py_XDECREF(text);
    }
    py_table_leave(self);
    return list;
}

static PyObject *table_parts(PyObject *object, void *unused) {
    py_table *self = (py_table *)object;
    (void)unused;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    PyObject *list = PyList_New(0);
    const char *path;
    for (int i = 0; list && (path = msio_table_part_path(table, i)); i++) {
        PyObject *text = PyUnicode_DecodeFSDefault(path);
        if (!text || PyList_Append(list, text)) Py_CLEAR(list);
        Py_XDECREF(text);
    }
    py_table_leave(self);
    return list;
}

const msio_column *py_find_column(msio_table *table, PyObject *name) {
    const msio_column *column = NULL;
    const char *text = py_name(name);
    if (text && msio_table_column(table, text, &column)) py_fail();
    return column;
}

static PyObject *describe_column(const msio_column_info *info) {
    PyObject *dict = PyDict_New();
    bool shaped = info->shape_known || info->fixed_shape;
    int failed =
        !dict || py_put(dict, "name", py_text(info->name)) || py_put(dict, "comment", py_text(info->comment)) ||
        py_put(dict, "type", py_text(msio_type_name(info->type))) ||
        py_put(dict, "ndim", PyLong_FromLong(info->is_array ? info->ndim : 0)) ||
        py_put(dict, "shape", shaped && info->ndim >= 0 ? py_shape(info->ndim, info->shape) : Py_NewRef(Py_None)) ||
        py_put(dict, "fixed_shape", PyBool_FromLong(info->fixed_shape || !info->is_array)) ||
        py_put(dict, "manager", py_text(info->manager)) ||
        py_put(dict, "tile", info->tile_ndim ? py_shape(info->tile_ndim, info->tile) : Py_NewRef(Py_None)) ||
        py_put(dict, "native", PyBool_FromLong(info->native)) || py_put(dict, "why_not", py_text(info->why_not)) ||
        py_put(dict, "can_be_undefined", PyBool_FromLong(info->can_be_undefined)) ||
        py_put(dict, "writable", PyBool_FromLong(info->writable));
    if (failed) Py_CLEAR(dict);
    return dict;
}

/* N of the files table.f<N> that a column's values are in; -1 where the table has none of its own. */
static int manager_number(msio_table *table, const msio_column_info *info) {
    msio_manager_info manager;
    for (int i = 0; msio_table_manager(table, i, &manager) == MSIO_OK; i++)
        if (strcmp(manager.type, info->manager) == 0 && strcmp(manager.name, info->manager_name) == 0)
            return manager.sequence;
    return -1;
}

static PyObject *table_manager_number(PyObject *object, PyObject *name) {
    py_table *self = (py_table *)object;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    const msio_column *column = py_find_column(table, name);
    const msio_column_info *info = NULL;
    int number = -1;
    if (column) {
        Py_BEGIN_ALLOW_THREADS info = msio_column_describe(column);
        if (info) number = manager_number(table, info);
        Py_END_ALLOW_THREADS if (!info) py_fail();
    }
    py_table_leave(self);
    return info ? PyLong_FromLong(number) : NULL;
}

static PyObject *table_describe(PyObject *object, PyObject *name) {
    py_table *self = (py_table *)object;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    const msio_column *column = py_find_column(table, name);
    const msio_column_info *info = NULL;
    if (column) {
        Py_BEGIN_ALLOW_THREADS info = msio_column_describe(column);
        Py_END_ALLOW_THREADS if (!info) py_fail();
    }
    PyObject *dict = info ? describe_column(info) : NULL;
    py_table_leave(self);
    return dict;
}

static PyObject *table_keywords(PyObject *object, PyObject *const *arguments, Py_ssize_t n) {
    py_table *self = (py_table *)object;
    if (n > 1) {
        PyErr_SetString(PyExc_TypeError, "keywords() takes the name of a column, or nothing");
        return NULL;
    }
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    PyObject *dict = NULL;
    const msio_column *column = n ? py_find_column(table, arguments[0]) : NULL;
    if (column || !n) dict = py_record(column ? msio_column_keywords(column) : msio_table_keywords(table));
    py_table_leave(self);
    return dict;
}

/* ---------------------------------------------------------------- reading */

/* One axis of a box: (start, stop or None, step), as a slice. */
static PyObject *slice_of(PyObject *axis) {
    if (PySlice_Check(axis) || PyIndex_Check(axis) || axis == Py_None) return Py_NewRef(axis);
    PyObject *fast = PySequence_Fast(axis, "an axis of the box has to be a slice, or (start, stop, step)");
    PyObject *slice = NULL;
    if (fast && PySequence_Fast_GET_SIZE(fast) == 3)
        slice = PySlice_New(PySequence_Fast_GET_ITEM(fast, 0), PySequence_Fast_GET_ITEM(fast, 1),
                            PySequence_Fast_GET_ITEM(fast, 2));
    else if (fast)
        PyErr_SetString(PyExc_ValueError, "an axis of the box has to be a slice, or (start, stop, step)");
    Py_XDECREF(fast);
    return slice;
}

/* Whether a slice names an end beyond the axis: a box is meant as it stands. */
static bool ends_beyond(PyObject *slice, int64_t size) {
    if (!PySlice_Check(slice)) return false;
    PyObject *stop = ((PySliceObject *)slice)->stop;
    if (!PyLong_Check(stop)) return false;
    long long end = PyLong_AsLongLong(stop);
    if (end == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return true;
    }
    return end > size;
}

/* The cell's shape, for slices that count from the end. */
static int cell_shape(py_request *r) {
    msio_select rows = r->selection.select;
    msio_status status;
    Py_BEGIN_ALLOW_THREADS status = msio_read_shape(r->column, &rows, &r->ndim, r->shape, &r->bytes);
    Py_END_ALLOW_THREADS if (status) py_fail();
    return status ? -1 : 0;
}

/* A part is selected on the last two axes; those before have to be whole. */
static int take_box(py_request *r, PyObject *box) {
    if (box == Py_None) return 0;
    PyObject *axes = PySequence_Fast(box, "the box has to be a sequence, one entry an axis of the cell");
    if (!axes) return -1;
    int failed = cell_shape(r), cell = r->ndim - 1;
    msio_select *s = &r->selection.select;
    if (!failed && PySequence_Fast_GET_SIZE(axes) != cell) {
        PyErr_Format(PyExc_ValueError, "the box has %zd axes, the cells have %d", PySequence_Fast_GET_SIZE(axes), cell);
        failed = -1;
    }
    for (int i = 0; !failed && i < cell; i++) {
        PyObject *slice = slice_of(PySequence_Fast_GET_ITEM(axes, i));
        int64_t size = r->shape[i + 1], start = 0, count = size, step = 1;
        failed = slice ? py_select_axis(slice, size, "the box", &start, &count, &step) : -1;
        bool beyond = !failed && ends_beyond(slice, size);
        Py_XDECREF(slice);
        if (failed) break;
        if (beyond || start < 0 || start >= size || count < 1) {
            PyErr_Format(PyExc_IndexError, "axis %d of the box lies outside of the cells, which have %lld there", i,
                         (long long)size);
            failed = -1;
        } else if (i == cell - 1) {
            s->corr = start, s->corrs = count, s->corr_step = step;
        } else if (i == cell - 2) {
            s->chan = start, s->chans = count, s->chan_step = step;
        } else if (start != 0 || count != size) {
            PyErr_SetString(PyExc_NotImplementedError, "a part can be selected on the last two axes of a cell only");
            failed = -1;
        }
    }
    Py_DECREF(axes);
    return failed;
}

static PyObject *read_new(py_request *r) {
    msio_array array;
    msio_status status;
    Py_BEGIN_ALLOW_THREADS status = msio_read_new(r->column, &r->selection.select, &array, &r->opts);
    Py_END_ALLOW_THREADS if (status) return py_fail();
    int skip = r->selection.one_row;
    return py_array_adopt(array.type, array.ndim - skip, array.shape + skip, array.data);
}

static PyObject *read_into(py_request *r, PyObject *out) {
    msio_status status;
    int skip = r->selection.one_row;
    if (cell_shape(r) || py_check_out(out, r->type, r->ndim - skip, r->shape + skip)) return NULL;
    if (!PyArray_IS_C_CONTIGUOUS((PyArrayObject *)out) || !PyArray_ISALIGNED((PyArrayObject *)out)) {
        PyObject *array = read_new(r);
        int failed = array ? PyArray_CopyInto((PyArrayObject *)out, (PyArrayObject *)array) : -1;
        Py_XDECREF(array);
        return failed ? NULL : Py_NewRef(out);
    }
    void *data = PyArray_DATA((PyArrayObject *)out);
    Py_BEGIN_ALLOW_THREADS status = msio_read(r->column, &r->selection.select, data, r->bytes, &r->opts);
    Py_END_ALLOW_THREADS return status ? py_fail() : Py_NewRef(out);
}

int py_request_begin(py_request *r, msio_table *table, PyObject *name, PyObject *rows, PyObject *box) {
    static const msio_read_opts defaults = MSIO_READ_OPTS_INIT;
    const msio_column_info *info = NULL;
    r->opts = defaults;
    r->column = py_find_column(table, name);
    if (!r->column) return -1;
    Py_BEGIN_ALLOW_THREADS info = msio_column_describe(r->column);
    Py_END_ALLOW_THREADS if (!info) py_fail();
    else r->type = info->type;
    return !info || py_select_rows(&r->selection, rows, msio_table_rows(table)) || take_box(r, box) ? -1 : 0;
}

static PyObject *table_read(PyObject *object, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"name", "rows", "box", "out", "threads", "fill", "progress", "once", NULL};
    py_table *self = (py_table *)object;
    PyObject *name, *rows = Py_None, *box = Py_None, *out = Py_None, *fill = Py_None, *told = Py_None, *answer = NULL;
    PyObject *element = NULL;
    py_request r = {0};
    int threads = 0, once = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|OOOiOOp:read", names, &name, &rows, &box, &out, &threads,
                                     &fill, &told, &once))
        return NULL;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    if (py_request_begin(&r, table, name, rows, box) == 0) {
        r.opts.threads = threads;
        r.opts.once = once;
        PY_BE_PATIENT(r.opts, r.patience, told);
        bool ready = true;
        if (fill != Py_None && py_type_number(r.type) >= 0) {
            element = PyArray_FROMANY(fill, py_type_number(r.type), 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST);
            if (element) r.opts.fill = PyArray_DATA((PyArrayObject *)element);
            ready = element != NULL;
        }
        if (ready) answer = out == Py_None ? read_new(&r) : read_into(&r, out);
    }
    Py_XDECREF(element);
    py_selection_free(&r.selection);
    py_table_leave(self);
    return answer;
}

/* view(name, rows, box, writable) */
static PyObject *table_view(PyObject *object, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"name", "rows", "box", "writable", NULL};
    py_table *self = (py_table *)object;
    PyObject *name, *rows = Py_None, *box = Py_None, *answer = NULL;
    py_request r = {0};
    msio_view_opts opts = MSIO_VIEW_OPTS_INIT;
    msio_view *view = NULL;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|OOp:view", names, &name, &rows, &box, &opts.writable))
        return NULL;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    if (py_request_begin(&r, table, name, rows, box) == 0) {
        msio_status status;
        Py_BEGIN_ALLOW_THREADS status = msio_view_column(r.column, &r.selection.select, &opts, &view);
        Py_END_ALLOW_THREADS answer = status ? py_fail() : py_view_array(view, r.selection.one_row);
    }
    py_selection_free(&r.selection);
    py_table_leave(self);
    return answer;
}

/* ---------------------------------------------------------------- cells of any shape */

/* Cell `i` as Python has it: a str, a number or an array; None where it was never written. */
static PyObject *ragged_cell(const msio_ragged *r, int64_t i) {
    int64_t first = r->offsets[i], count = r->offsets[i + 1] - first;
    if (!r->defined[i]) Py_RETURN_NONE;
    if (r->type == MSIO_STRING) {
        PyObject *list = PyList_New((Py_ssize_t)count);
        for (int64_t e = 0; list && e < count; e++) {
            const int64_t *at = &r->text_offsets[first + e];
            PyObject *text = py_text_of(r->text + at[0], (Py_ssize_t)(at[1] - at[0]));
            if (text)
                PyList_SET_ITEM(list, e, text);
            else
                Py_CLEAR(list);
        }
        if (!list || r->ndims[i]) return list;
        PyObject *text = count ? Py_NewRef(PyList_GET_ITEM(list, 0)) : Py_NewRef(Py_None);
        Py_DECREF(list);
        return text;
    }
    const char *data = r->data;
    if (data) data += (size_t)first * msio_type_size(r->type);
    PyObject *array = py_array_copy(r->type, r->ndims[i], &r->shapes[i * MSIO_MAX_NDIM], data ? data : "");
    if (!array || r->ndims[i]) return array;
    PyObject *scalar = PyObject_CallMethod(array, "item", NULL);
    Py_DECREF(array);
    return scalar;
}

static PyObject *table_read_cells(PyObject *object, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"name", "rows", "threads", NULL};
    py_table *self = (py_table *)object;
    PyObject *name, *rows = Py_None, *list = NULL;
    py_request r = {0};
    int threads = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|Oi:read_cells", names, &name, &rows, &threads))
        return NULL;
    msio_table *table = py_table_enter(self);
    if (!table) return NULL;
    if (py_request_begin(&r, table, name, rows, Py_None) == 0) {
        msio_ragged cells;
        msio_status status;
        r.opts.threads = threads;
        PY_BE_PATIENT(r.opts, r.patience, NULL);
        Py_BEGIN_ALLOW_THREADS status = msio_read_ragged(r.column, &r.selection.select, &cells, &r.opts);
        Py_END_ALLOW_THREADS if (status) { py_fail(); }
        else {
            list = PyList_New((Py_ssize_t)cells.cells);
            for (int64_t i = 0; list && i < cells.cells; i++) {
                PyObject *cell = ragged_cell(&cells, i);
                if (cell)
                    PyList_SET_ITEM(list, i, cell);
                else
                    Py_CLEAR(list);
            }
            msio_ragged_free(&cells);
        }
    }
    py_selection_free(&r.selection);
    py_table_leave(self);
    return list;
}

/* ---------------------------------------------------------------- the type */

static PyMethodDef methods[] = {
    {"close", table_close, METH_NOARGS, "close($self, /)\n--\n\nCloses the table; calls that are under way end first."},
    {"__enter__", table_enter, METH_NOARGS, NULL},
    {"__exit__", table_exit, METH_VARARGS, NULL},
    {"describe", table_describe, METH_O,
     "describe($self, name, /)\n--\n\nWhat is known of a column, as a dict: type (casacore's name), ndim (of a cell; 0: a "
     "scalar,\n-1: it varies), shape (of a cell in numpy's order, None where cells differ), manager, tile,\nnative, "
     "why_not, can_be_undefined, writable (natively)."},
    {"manager_number", table_manager_number, METH_O,
     "manager_number($self, name, /)\n--\n\nN of the files table.f<N> that a column's values are in; -1: of other tables."},
    {"keywords", (PyCFunction)(void (*)(void))table_keywords, METH_FASTCALL,
     "keywords($self, column=None, /)\n--\n\nThe table's keywords, or a column's, as a dict; a subtable is \"Table: \" and its "
     "path as stored:\n\"././\" stands for the table's folder, \"./\" for the one that holds it."},
    {"view", (PyCFunction)(void (*)(void))table_view, METH_VARARGS | METH_KEYWORDS,
     "view($self, name, rows=None, box=None, writable=False)\n--\n\n"
     "The cells of a column where they lie in the file: see msio.read with copy=False. UnsupportedError says why they "
     "cannot be shown."},
    {"read", (PyCFunction)(void (*)(void))table_read, METH_VARARGS | METH_KEYWORDS,
     "read($self, name, rows=None, box=None, out=None, threads=0, fill=None, progress=None, once=False)\n--\n\n"
     "The cells of a column as one array, [row][channel][correlation].\n\n"
     "Parameters\n----------\nname : str\nrows : None, slice, int, array of int, or mask of bool\n"
     "    Negative rows count from the end; an int leaves out the axis of rows.\n"
     "box : sequence, optional\n    One slice (or (start, stop, step)) for each axis of a cell, in numpy's order.\n"
     "out : ndarray, optional\n    Where the answer goes: of its shape and type, contiguous or not.\n"
     "threads : int\n    0: all that the process may use.\n"
     "fill : scalar, optional\n    Stands for cells that were never written, which are an error otherwise.\n"
     "progress : callable, optional\n    Called now and then with the bytes delivered and wanted.\n"
     "once : bool\n    Whether these cells will not be read again soon: then the files are not mapped for much.\n\n"
     "Returns\n-------\nndarray\n    Owns memory of msio's pool, or is `out`."},
    {"read_cells", (PyCFunction)(void (*)(void))table_read_cells, METH_VARARGS | METH_KEYWORDS,
     "read_cells($self, name, rows=None, threads=0)\n--\n\nThe cells of any column as a list: arrays, numbers, str, list "
     "of str; None where a cell was\nnever written."},
    {"reader", (PyCFunction)(void (*)(void))py_cells_reader, METH_FASTCALL,
     "reader($self, name, rows=None, gather, /)\n--\n\nA callable that gives the cell of a row, read ahead; see "
     "CellReader. gather: as long as it\nis not over nobody else writes the table, of which this handle is held."},
    {"hold_write", table_hold_write, METH_NOARGS, "hold_write($self, /)\n--\n\nKeeps its lock for writing."},
    {"release", table_release, METH_NOARGS, "release($self, /)\n--\n\nThe end of hold_write."},
    {"write", (PyCFunction)(void (*)(void))py_table_write, METH_VARARGS | METH_KEYWORDS,
     "write($self, name, values, rows=None, box=None, threads=0, atomic=False, sync=False,\n      cell_shape=None, "
     "allocate=False, progress=None)\n--\n\nPuts an array [row][channel][correlation] into cells of a column; any order, "
     "stride and byte\norder; of another type than the column's it is converted, unasked."},
    {"write_cells", (PyCFunction)(void (*)(void))py_table_write_cells, METH_VARARGS | METH_KEYWORDS,
     "write_cells($self, name, ndims, shapes, defined, data, texts, rows=None, threads=0, sync=False,\n     "
     "progress=None)\n--\n\nPuts cells of any shapes: int8 [cell], int64 [cell][8], bytes [cell], what they hold one after "
     "the\nother, and of strings int64 [string + 1], where in there each begins, else None."},
    {"fill", (PyCFunction)(void (*)(void))py_table_fill, METH_VARARGS | METH_KEYWORDS,
     "fill($self, name, value, rows=None, box=None, threads=0, atomic=False, sync=False,\n     cell_shape=None, "
     "allocate=False, progress=None)\n--\n\nPuts one value, an array of no axis and of the column's type, into cells of a "
     "column."},
    {"copy", (PyCFunction)(void (*)(void))py_table_copy, METH_VARARGS | METH_KEYWORDS,
     "copy($self, name, table, to, rows=None, box=None, threads=0, atomic=False, sync=False,\n     cell_shape=None, "
     "allocate=False, progress=None)\n--\n\nCopies cells of a column into another one, of this or another table."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"nrows", table_nrows, NULL, "Rows, as of the last call that checked the table.", NULL},
    {"glance", table_glance, NULL,
     "A number that is another one after every writer that locks and has finished; 0 where table.lock tells nothing.",
     NULL},
    {"path", table_path, NULL, "Absolute path of the table's folder.", NULL},
    {"columns", table_columns, NULL, "Names of the columns.", NULL},
    {"parts", table_parts, NULL,
     "Absolute paths of the tables whose rows a reference or concatenated table shows; none of a plain one.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)table_new},
    {Py_tp_dealloc, (void *)table_free},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_doc,
     "Table(path, lock=True, native='auto', checked=True, writable=False, lock_is_held=False)\n--\n\n"
     "A casacore table, open for reading, or for writing too.\n\n"
     "Parameters\n----------\npath : path-like\n    A table's folder, or 'obs.ms::ANTENNA'.\n"
     "lock : bool\n    Whether calls take the table's read lock.\n"
     "native : {'auto', 'yes', 'no'}\n    Which code reads: msio's own where it can, only that, or casacore.\n"
     "checked : bool\n    False: the caller says that nobody writes.\n"
     "writable : bool\n    Whether its columns may be written.\n"
     "lock_is_held : bool\n    Whether casacore in this process holds its write lock whenever a call writes."},
    {0, NULL},
};

static PyType_Spec spec = {"msio._msio.Table", sizeof(py_table), 0, Py_TPFLAGS_DEFAULT, slots};

int py_table_init(PyObject *module) {
    PyObject *type = PyType_FromSpec(&spec);
    int failed = type ? PyModule_AddObjectRef(module, "Table", type) : -1;
    Py_XDECREF(type);
    return failed;
}
