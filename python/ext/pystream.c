/* pystream.c - columns of a table in batches of rows, the next one read while Python works on this one. */
#include "extension.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------- waiting, while Ctrl-C is looked for */

#define LOOK_EVERY 50000000L /* ns */

typedef struct errand {
    msio_status (*call)(void *user);
    void *user;
    uint64_t place; /* in Python, for msio profile */
    msio_status status;
    PyObject *type, *value, *traceback; /* the exception, where it failed */
    bool done;
    pid_t process; /* that began it: a signal handler may fork, and the child does not have its thread */
    pthread_mutex_t mutex;
    pthread_cond_t over;
} errand;

/* Errors belong to the thread that made the call: they become an exception there. */
static void *go(void *user) {
    errand *e = user;
    msio_prof_set_place(e->place);
    e->status = e->call(e->user);
    msio_prof_set_place(0);
    if (e->status && e->status != MSIO_END) {
        PyGILState_STATE state = PyGILState_Ensure();
        py_fail();
        PyErr_Fetch(&e->type, &e->value, &e->traceback);
        PyGILState_Release(state);
    }
    pthread_mutex_lock(&e->mutex);
    e->done = true;
    pthread_cond_signal(&e->over);
    pthread_mutex_unlock(&e->mutex);
    return NULL;
}

/* Without the GIL. Whether the errand is over. */
static bool wait_a_little(errand *e) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_EVERY;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_mutex_lock(&e->mutex);
    for (int late = 0; !e->done && !late;) late = pthread_cond_timedwait(&e->over, &e->mutex, &until);
    bool done = e->done;
    pthread_mutex_unlock(&e->mutex);
    return done;
}

/* Until the errand is over, or somebody else's. Whether an exception is set. */
static bool interrupted(errand *e, atomic_int *stop) {
    for (bool raised = false;;) {
        bool done;
        Py_BEGIN_ALLOW_THREADS done = wait_a_little(e);
        Py_END_ALLOW_THREADS raised = raised || PyErr_CheckSignals() != 0;
        if (getpid() != e->process) {
            if (!raised)
                PyErr_SetString(PyExc_RuntimeError,
                                "this process was forked while the call was under way: make it again");
            return true;
        }
        if (raised) atomic_store(stop, 1);
        if (done) return raised;
    }
}

msio_status py_wait_for(msio_status (*call)(void *user), void *user, atomic_int *stop) {
    errand e = {.call = call,
                .user = user,
                .place = msio_prof_place(),
                .process = getpid(),
                .mutex = PTHREAD_MUTEX_INITIALIZER,
                .over = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    bool threaded = pthread_create(&thread, NULL, go, &e) == 0;
    if (!threaded) {
        Py_BEGIN_ALLOW_THREADS go(&e);
        Py_END_ALLOW_THREADS
    }
    bool raised = interrupted(&e, stop);
    if (getpid() != e.process) return MSIO_E_CANCELLED; /* what another process's thread was using stays as it is */
    if (threaded) {
        Py_BEGIN_ALLOW_THREADS pthread_join(thread, NULL);
        Py_END_ALLOW_THREADS
    }
    pthread_cond_destroy(&e.over);
    pthread_mutex_destroy(&e.mutex);
    if (!raised) {
        if (e.type) PyErr_Restore(e.type, e.value, e.traceback);
        return e.status;
    }
    Py_XDECREF(e.type);
    Py_XDECREF(e.value);
    Py_XDECREF(e.traceback);
    return MSIO_E_CANCELLED;
}

int py_asked_to_stop(void *stop, int64_t done, int64_t total) {
    (void)done, (void)total;
    return atomic_load((atomic_int *)stop);
}

/* ---------------------------------------------------------------- arrays that outlive a batch */

#define LARGE ((size_t)1 << 20) /* bytes: from there on memory of the pool is warm, and numpy's is not */

PyObject *py_array_kept(msio_type type, int ndim, const int64_t *shape, const void *values) {
    size_t bytes = msio_type_size(type);
    for (int i = 0; i < ndim; i++) bytes *= (size_t)shape[i];
    void *memory = bytes < LARGE ? NULL : msio_pool_take(bytes);
    PyObject *array = py_array_adopt(type, ndim, shape, memory);
    if (!array || !values || !bytes) return array;
    void *data = PyArray_DATA((PyArrayObject *)array);
    Py_BEGIN_ALLOW_THREADS memcpy(data, values, bytes);
    Py_END_ALLOW_THREADS return array;
}

/* ---------------------------------------------------------------- batches of any stream */

static PyObject *refused(const char *why) {
    PyErr_SetString(PyExc_ValueError, why);
    return NULL;
}

void py_stream_begin(py_stream *self) { self->process = getpid(); }

/* A thread that was within when the process was forked is not in the child. */
static bool is_busy(py_stream *self) { return self->busy && self->process == getpid(); }

static PyObject *stream_next(PyObject *object, PyObject *unused) {
    py_stream *self = (py_stream *)object;
    (void)unused;
    if (is_busy(self)) return refused("the stream is used by another thread");
    if (self->over) Py_RETURN_NONE;
    if (!self->stream) return refused("the stream is closed");
    self->busy = true;
    msio_status status = py_wait_for(self->fetch, self, &self->stop);
    PyObject *answer = status ? NULL : self->told(self);
    self->busy = false;
    if (status != MSIO_END) return answer;
    self->over = true;
    self->end(self);
    Py_RETURN_NONE;
}

static PyObject *stream_close(PyObject *object, PyObject *unused) {
    py_stream *self = (py_stream *)object;
    (void)unused;
    if (is_busy(self)) return refused("the stream is used by another thread");
    self->over = false;
    self->end(self);
    Py_RETURN_NONE;
}

PyMethodDef py_stream_methods[] = {
    {"next", stream_next, METH_NOARGS, NULL},
    {"close", stream_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* ---------------------------------------------------------------- columns in batches, read or written */

/* Opens the stream of a table that was entered. -1 with an exception set. */
static int open_columns(py_column_stream *self, msio_table *table, PyObject *names, py_column_open *opener,
                        const void *opts) {
    const char **list = py_names(names);
    void *stream = NULL;
    msio_status status;
    if (!list) return -1;
    Py_BEGIN_ALLOW_THREADS status =
        opener(table, (int)PyTuple_GET_SIZE(names), list, &self->selection.select, opts, &stream);
    Py_END_ALLOW_THREADS PyMem_Free(list);
    if (status) {
        py_fail();
        return -1;
    }
    self->base.stream = stream;
    return 0;
}

PyObject *py_column_stream_open(py_column_stream *self, const py_column_request *request, py_column_open *opener,
                                const void *opts) {
    const Py_ssize_t *chan = request->chan, *corr = request->corr;
    py_stream_begin(&self->base);
    self->table = (py_table *)Py_NewRef(request->table);
    msio_table *table = py_table_enter(self->table);
    if (table && py_select_rows(&self->selection, request->rows, msio_table_rows(table)) == 0) {
        msio_select *s = &self->selection.select;
        s->chan = chan[0], s->chans = chan[1], s->chan_step = chan[2];
        s->corr = corr[0], s->corrs = corr[1], s->corr_step = corr[2];
        if (open_columns(self, table, request->names, opener, opts) == 0) return (PyObject *)self;
    }
    if (table) py_table_leave(self->table);
    Py_DECREF(self);
    return NULL;
}

void py_column_stream_free(py_column_stream *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->table);
    py_selection_free(&self->selection);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---------------------------------------------------------------- the type ColumnStream */

typedef struct column_stream {
    py_column_stream columns;
    const msio_batch *batch;
} column_stream;

static PyObject *table_class;

static void end(void *object) {
    py_column_stream *self = object;
    msio_stream *stream = self->base.stream;
    self->base.stream = NULL;
    if (!stream) return;
    atomic_store(&self->base.stop, 1);
    Py_BEGIN_ALLOW_THREADS msio_stream_close(stream);
    Py_END_ALLOW_THREADS py_table_leave(self->table);
}

static void stream_free(PyObject *object) {
    end(object);
    py_column_stream_free((py_column_stream *)object);
}

static msio_status fetch(void *stream) {
    column_stream *self = stream;
    return msio_stream_next(self->columns.base.stream, &self->batch);
}

/* (first row, [arrays]) */
static PyObject *told(void *stream) {
    const msio_batch *batch = ((column_stream *)stream)->batch;
    PyObject *list = PyList_New(batch->columns);
    for (int i = 0; list && i < batch->columns; i++) {
        const msio_array *a = &batch->arrays[i];
        PyObject *array = py_array_kept(a->type, a->ndim, a->shape, a->data);
        if (array)
            PyList_SET_ITEM(list, i, array);
        else
            Py_CLEAR(list);
    }
    return list ? Py_BuildValue("(LN)", (long long)batch->row, list) : NULL;
}

static msio_status open_reads(msio_table *table, int n, const char *const *names, const msio_select *select,
                              const void *opts, void **stream) {
    return msio_stream_open(table, n, names, select, opts, (msio_stream **)stream);
}

/* ColumnStream(table, names, rows, (chan, chans, step), (corr, corrs, step), memory, rows_per_batch, threads) */
static PyObject *stream_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    py_column_request request;
    msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, PY_COLUMN_REQUEST "i", PY_COLUMN_ARGUMENTS((PyTypeObject *)table_class, request),
                          &opts.read.threads))
        return NULL;
    py_column_stream *self = (py_column_stream *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    self->base.fetch = fetch, self->base.told = told, self->base.end = end;
    if (request.memory > 0) opts.memory = (size_t)request.memory;
    opts.rows_per_batch = request.batch;
    opts.read.progress = py_asked_to_stop;
    opts.read.user = &self->base.stop;
    return py_column_stream_open(self, &request, open_reads, &opts);
}

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)stream_new},
    {Py_tp_dealloc, (void *)stream_free},
    {Py_tp_methods, py_stream_methods},
    {0, NULL},
};
static PyType_Spec spec = {"msio._msio.ColumnStream", sizeof(column_stream), 0, Py_TPFLAGS_DEFAULT, slots};

int py_stream_init(PyObject *module) {
    table_class = PyObject_GetAttrString(module, "Table");
    PyObject *type = table_class ? PyType_FromSpec(&spec) : NULL;
    int failed = type ? PyModule_AddObjectRef(module, "ColumnStream", type) : -1;
    Py_XDECREF(type);
    return failed;
}
