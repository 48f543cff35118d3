/* pystream.c - columns of a table in batches of rows, the next one read while Python works on this one. */
#include "extension.h"

typedef struct column_stream {
    PyObject ob_base;
    py_table *table;
    msio_stream *stream;
    PyObject *names;
    py_selection selection;
    bool busy;
} column_stream;

static void end(column_stream *self) {
    msio_stream *stream = self->stream;
    self->stream = NULL;
    if (stream) {
        Py_BEGIN_ALLOW_THREADS
        msio_stream_close(stream);
        Py_END_ALLOW_THREADS
        py_table_leave(self->table);
    }
}

static void stream_free(PyObject *object) {
    column_stream *self = (column_stream *)object;
    PyTypeObject *type = Py_TYPE(object);
    end(self);
    Py_XDECREF(self->table);
    Py_XDECREF(self->names);
    py_selection_free(&self->selection);
    type->tp_free(object);
    Py_DECREF(type);
}

/* The names as C has them; they live as long as the tuple. NULL with an exception set. */
static const char **names_of(PyObject *names) {
    const char **list = PyMem_Calloc((size_t)PyTuple_GET_SIZE(names) + 1, sizeof *list);
    for (Py_ssize_t i = 0; list && i < PyTuple_GET_SIZE(names); i++)
        if (!(list[i] = PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, i)))) {
            PyMem_Free(list);
            return NULL;
        }
    if (!list) PyErr_NoMemory();
    return list;
}

/* ColumnStream(table, names, rows, (chan, chans, step), (corr, corrs, step), memory, rows_per_batch, threads) */
static PyObject *stream_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    PyObject *table, *names, *rows;
    msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
    long long memory, batch;
    Py_ssize_t chan[3], corr[3];
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "OO!O(nnn)(nnn)LLi", &table, &PyTuple_Type, &names, &rows, &chan[0], &chan[1],
                          &chan[2], &corr[0], &corr[1], &corr[2], &memory, &batch, &opts.read.threads))
        return NULL;
    column_stream *self = (column_stream *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    self->table = (py_table *)Py_NewRef(table);
    self->names = Py_NewRef(names);
    if (memory > 0) opts.memory = (size_t)memory;
    opts.rows_per_batch = batch;
    msio_table *source = py_table_enter(self->table);
    const char **list = source ? names_of(names) : NULL;
    if (list && py_select_rows(&self->selection, rows, msio_table_rows(source)) == 0) {
        msio_select *s = &self->selection.select;
        msio_status status;
        s->chan = chan[0], s->chans = chan[1], s->chan_step = chan[2];
        s->corr = corr[0], s->corrs = corr[1], s->corr_step = corr[2];
        Py_BEGIN_ALLOW_THREADS
        status = msio_stream_open(source, (int)PyTuple_GET_SIZE(names), list, s, &opts, &self->stream);
        Py_END_ALLOW_THREADS
        if (status) {
            self->stream = NULL;
            py_fail();
        }
    }
    PyMem_Free(list);
    if (self->stream) return (PyObject *)self;
    if (source) py_table_leave(self->table);
    Py_DECREF(self);
    return NULL;
}

/* (row, [arrays]), or None at the end. The arrays are copies: the library's are overwritten by the next batch. */
static PyObject *stream_next(PyObject *object, PyObject *unused) {
    column_stream *self = (column_stream *)object;
    const msio_batch *batch = NULL;
    msio_status status;
    (void)unused;
    if (self->busy || !self->stream) {
        PyErr_SetString(PyExc_ValueError, self->busy ? "the stream is used by another thread" : "the stream is closed");
        return NULL;
    }
    self->busy = true;
    Py_BEGIN_ALLOW_THREADS
    status = msio_stream_next(self->stream, &batch);
    Py_END_ALLOW_THREADS
    PyObject *answer = NULL, *list = status == MSIO_OK ? PyList_New(batch->columns) : NULL;
    for (int i = 0; list && i < batch->columns; i++) {
        const msio_array *a = &batch->arrays[i];
        PyObject *array = py_array_copy(a->type, a->ndim, a->shape, a->data ? a->data : "");
        if (array) PyList_SET_ITEM(list, i, array);
        else Py_CLEAR(list);
    }
    if (list) answer = Py_BuildValue("(LN)", (long long)batch->row, list);
    else if (status == MSIO_END) answer = Py_NewRef(Py_None);
    else if (status) py_fail();
    self->busy = false;
    return answer;
}

static PyObject *stream_close(PyObject *object, PyObject *unused) {
    column_stream *self = (column_stream *)object;
    (void)unused;
    if (self->busy) {
        PyErr_SetString(PyExc_ValueError, "the stream is used by another thread");
        return NULL;
    }
    end(self);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"next", stream_next, METH_NOARGS, NULL},
    {"close", stream_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, (void *)stream_new},
    {Py_tp_dealloc, (void *)stream_free},
    {Py_tp_methods, methods},
    {0, NULL},
};
static PyType_Spec spec = {"msio._msio.ColumnStream", sizeof(column_stream), 0, Py_TPFLAGS_DEFAULT, slots};

int py_stream_init(PyObject *module) {
    PyObject *type = PyType_FromSpec(&spec);
    int failed = type ? PyModule_AddObjectRef(module, "ColumnStream", type) : -1;
    Py_XDECREF(type);
    return failed;
}
