/* pyload.c - subbands loaded into one array, at once and in batches. */
#include "extension.h"

#include <string.h>

/* ---------------------------------------------------------------- what is asked for */

/* A request to load, made of Python's arguments; what it points to lives as long as it does. */
typedef struct wish {
    py_paths paths;
    py_group group;
    PyObject *subbands, *list; /* an int32 array, and int64 rows */
    PyObject *time, *out;      /* a str; the caller's arrays */
    unsigned what;
    msio_load_opts opts;
    py_patience patience;
    int64_t rows_per_batch;
} wish;

static void wish_free(wish *w) {
    py_paths_free(&w->paths);
    py_group_free(&w->group);
    Py_CLEAR(w->subbands);
    Py_CLEAR(w->list);
    Py_CLEAR(w->time);
    Py_CLEAR(w->out);
}

static int take_rows(wish *w, PyObject *rows, PyObject *times) {
    Py_ssize_t start, stop, step;
    msio_load_opts *o = &w->opts;
    if (times != Py_None) {
        if (!PyArg_ParseTuple(times, "nn", &start, &stop)) return -1;
        o->time = start;
        o->times = stop;
    }
    if (rows == Py_None) return 0;
    if (PyTuple_Check(rows)) {
        if (!PyArg_ParseTuple(rows, "nnn", &start, &stop, &step)) return -1;
        o->row = start;
        o->rows = stop;
        o->row_step = step;
        return 0;
    }
    if (py_take_integers(rows, NPY_INT64, &w->list)) return -1;
    o->row_list = PyArray_DATA((PyArrayObject *)w->list);
    o->rows_in_list = PyArray_SIZE((PyArrayObject *)w->list);
    return 0;
}

/* {"visdata": array, ...} into the options; types and shapes are looked at in Python. */
static int take_out(wish *w, PyObject *out) {
    static const char *const names[] = {"visdata", "flags", "nsamples"};
    void *data[3] = {NULL, NULL, NULL};
    size_t bytes[3] = {0, 0, 0};
    if (out == Py_None) return 0;
    if (!PyDict_Check(out)) {
        PyErr_SetString(PyExc_TypeError, "out has to be a dict of arrays");
        return -1;
    }
    w->out = PyDict_Copy(out); /* keeps the arrays, whatever becomes of the dict */
    if (!w->out) return -1;
    for (int i = 0; i < 3; i++) {
        PyObject *array = PyDict_GetItemString(w->out, names[i]);
        if (!array) continue;
        if (!PyArray_Check(array) || !PyArray_ISCARRAY((PyArrayObject *)array)) {
            PyErr_Format(PyExc_ValueError, "out[\"%s\"] has to be a writable numpy array in C order", names[i]);
            return -1;
        }
        data[i] = PyArray_DATA((PyArrayObject *)array);
        bytes[i] = (size_t)PyArray_NBYTES((PyArrayObject *)array);
    }
    w->opts.visdata = data[0];
    w->opts.flags = data[1];
    w->opts.nsamples = data[2];
    w->opts.visdata_bytes = bytes[0];
    w->opts.flags_bytes = bytes[1];
    w->opts.nsamples_bytes = bytes[2];
    return 0;
}

static char *wish_names[] = {"paths",
                             "numbers",
                             "missing_numbers",
                             "time",
                             "what",
                             "layout",
                             "missing",
                             "visdata_type",
                             "rows",
                             "times",
                             "chans",
                             "corrs",
                             "subbands",
                             "memory",
                             "out",
                             "threads",
                             "refuse_reordering",
                             "channel_order",
                             "rows_per_batch",
                             "uvw_tolerance",
                             "progress",
                             NULL};

/* 0, or -1 with an exception set; to be freed in any case. */
static int wish_take(wish *w, PyObject *arguments, PyObject *keywords) {
    static const msio_load_opts defaults = MSIO_LOAD_OPTS_INIT;
    PyObject *paths, *numbers = Py_None, *absent = Py_None, *rows = Py_None, *times = Py_None, *subbands = Py_None;
    PyObject *out = Py_None, *told = Py_None, *time = NULL;
    int layout = 0, missing = 0, type = 0, order = 0;
    long long memory = -1, batch = 0;
    Py_ssize_t chan[3] = {0, -1, 1}, corr[3] = {0, -1, 1};
    *w = (wish){.opts = defaults};
    py_offer_plugins();
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|$OOUIiiiOO(nnn)(nnn)OLOipiLdO", wish_names, &paths,
                                     &numbers, &absent, &time, &w->what, &layout, &missing, &type, &rows, &times,
                                     &chan[0], &chan[1], &chan[2], &corr[0], &corr[1], &corr[2], &subbands, &memory,
                                     &out, &w->opts.read.threads, &w->opts.refuse_reordering, &order, &batch,
                                     &w->opts.uvw_tolerance, &told))
        return -1;
    w->time = Py_XNewRef(time);
    const char *name = time ? PyUnicode_AsUTF8(time) : "";
    if (!name || py_paths_take(&w->paths, paths) || py_take_integers(subbands, NPY_INT32, &w->subbands) ||
        py_group_take(&w->group, &w->paths, name, numbers, absent) || take_rows(w, rows, times) || take_out(w, out))
        return -1;
    w->opts.layout = (msio_load_layout)layout;
    w->opts.missing = (msio_load_missing)missing;
    w->opts.channel_order = (msio_load_channels)order;
    w->opts.visdata_type = (msio_type)type;
    w->opts.chan = chan[0], w->opts.chans = chan[1], w->opts.chan_step = chan[2];
    w->opts.corr = corr[0], w->opts.corrs = corr[1], w->opts.corr_step = corr[2];
    w->opts.subband_list = py_integers_of(w->subbands, &w->opts.subbands_in_list);
    if (memory >= 0) w->opts.memory = (size_t)memory;
    w->rows_per_batch = batch;
    py_watch_waits();
    PY_BE_PATIENT(w->opts.read, w->patience, told);
    return 0;
}

/* ---------------------------------------------------------------- what was loaded */

/* Keeps a result as long as an array over it is alive. */
static void release(PyObject *capsule) {
    msio_subbands *s = PyCapsule_GetPointer(capsule, NULL);
    msio_subbands_free(s);
    PyMem_Free(s);
}

static PyObject *subbands_of(const msio_subbands *s) {
    PyObject *list = PyList_New(s->subbands);
    for (int i = 0; list && i < s->subbands; i++) {
        const msio_subband *b = &s->subband[i];
        PyObject *row =
            Py_BuildValue("(iNNLL)", b->number, PyBool_FromLong(b->present), PyUnicode_DecodeFSDefault(b->path),
                          (long long)b->channel, (long long)b->channels);
        if (row)
            PyList_SET_ITEM(list, i, row);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *antennas_of(const msio_subbands *s) {
    PyObject *list = PyList_New(s->antennas);
    for (int i = 0; list && i < s->antennas; i++) {
        const msio_load_antenna *a = &s->antenna[i];
        PyObject *row = Py_BuildValue("(iNNd)", a->number, py_text(a->name), py_list_copy(MSIO_DOUBLE, 3, a->position),
                                      a->diameter);
        if (row)
            PyList_SET_ITEM(list, i, row);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* An array of the result: over its memory, or (no owner) a copy. */
static PyObject *one_array(msio_type type, int ndim, const int64_t *shape, const void *data, PyObject *owner) {
    if (!data) Py_RETURN_NONE;
    if (!owner) return py_array_kept(type, ndim, shape, data);
    void *memory;
    memcpy(&memory, &data, sizeof memory);
    return py_array_over(type, ndim, shape, memory, owner);
}

static PyObject *describe(const msio_subbands *s, PyObject *owner) {
    const int64_t rows[2] = {s->rows, 3};
    PyObject *dict = PyDict_New();
    if (!dict || py_put(dict, "visdata", one_array(s->visdata_type, s->ndim, s->shape, s->visdata, owner)) ||
        py_put(dict, "flags", one_array(MSIO_BOOL, s->ndim, s->shape, s->flags, owner)) ||
        py_put(dict, "nsamples", one_array(MSIO_FLOAT, s->ndim, s->shape, s->nsamples, owner)) ||
        py_put(dict, "shape", py_shape(s->ndim, s->shape)) ||
        py_put(dict, "frequencies", one_array(MSIO_DOUBLE, 1, &s->channels, s->frequencies, owner)) ||
        py_put(dict, "widths", one_array(MSIO_DOUBLE, 1, &s->channels, s->widths, owner)) ||
        py_put(dict, "polarizations", one_array(MSIO_INT, 1, &s->pols, s->polarizations, owner)) ||
        py_put(dict, "times", one_array(MSIO_DOUBLE, 1, rows, s->times, owner)) ||
        py_put(dict, "antenna1", one_array(MSIO_INT, 1, rows, s->antenna1, owner)) ||
        py_put(dict, "antenna2", one_array(MSIO_INT, 1, rows, s->antenna2, owner)) ||
        py_put(dict, "uvw", one_array(MSIO_DOUBLE, 2, rows, s->uvw, owner)) ||
        py_put(dict, "integration_times", one_array(MSIO_DOUBLE, 1, rows, s->integrations, owner)) ||
        py_put(dict, "subbands", subbands_of(s)) || py_put(dict, "antennas", antennas_of(s)) ||
        py_put(dict, "missing", py_list_copy(MSIO_INT, s->missing, s->missing ? s->missing_subband : (int32_t[]){0})) ||
        py_put(dict, "phase_center", Py_BuildValue("(dd)", s->phase_center[0], s->phase_center[1])) ||
        py_put(dict, "phase_type", py_text(s->phase_type)) ||
        py_put(dict, "path", s->header ? PyUnicode_DecodeFSDefault(s->header->path) : Py_NewRef(Py_None)) ||
        py_put(dict, "nsamples_half", PyBool_FromLong(s->nsamples_half)) ||
        py_put(dict, "index_seconds", PyFloat_FromDouble(s->index_seconds)) ||
        py_put(dict, "read_seconds", PyFloat_FromDouble(s->read_seconds)))
        Py_CLEAR(dict);
    return dict;
}

/* ---------------------------------------------------------------- at once */

static PyObject *load(PyObject *module, PyObject *arguments, PyObject *keywords) {
    wish w;
    PyObject *dict = NULL;
    msio_subbands *s = NULL;
    (void)module;
    int failed = wish_take(&w, arguments, keywords);
    if (!failed && !(s = PyMem_Calloc(1, sizeof *s))) PyErr_NoMemory();
    if (s) {
        msio_status status;
        Py_BEGIN_ALLOW_THREADS status = w.group.given ? msio_load(&w.group.group, w.what, &w.opts, s)
                                                      : msio_load_paths(w.paths.n, w.paths.path, w.what, &w.opts, s);
        Py_END_ALLOW_THREADS PyObject *owner = status ? py_fail() : PyCapsule_New(s, NULL, release);
        if (owner) {
            dict = describe(s, owner);
            Py_DECREF(owner);
        } else {
            if (!status) msio_subbands_free(s);
            PyMem_Free(s);
        }
    }
    wish_free(&w);
    return dict;
}

static PyObject *check(PyObject *module, PyObject *arguments, PyObject *keywords) {
    wish w;
    PyObject *list = NULL;
    (void)module;
    if (wish_take(&w, arguments, keywords) == 0) {
        msio_load_report *report = NULL;
        msio_status status;
        Py_BEGIN_ALLOW_THREADS status = w.group.given
                                            ? msio_load_check(&w.group.group, &w.opts, &report)
                                            : msio_load_check_paths(w.paths.n, w.paths.path, &w.opts, &report);
        Py_END_ALLOW_THREADS if (status) py_fail();
        else list = PyList_New(report->differences);
        for (int i = 0; list && i < report->differences; i++) {
            const msio_load_difference *d = &report->difference[i];
            PyObject *row = Py_BuildValue("(NNNN)", PyUnicode_DecodeFSDefault(d->path), py_text(d->field),
                                          py_text(d->text), PyBool_FromLong(d->harmless));
            if (row)
                PyList_SET_ITEM(list, i, row);
            else
                Py_CLEAR(list);
        }
        msio_load_report_free(report);
    }
    wish_free(&w);
    return list;
}

/* ---------------------------------------------------------------- in batches */

typedef struct load_stream {
    py_stream base;
    wish wish;
    const msio_subbands *batch;
    int64_t first;
} load_stream;

static void end(void *object) {
    py_stream *self = object;
    msio_load_stream *stream = self->stream;
    self->stream = NULL;
    atomic_store(&self->stop, 1);
    Py_BEGIN_ALLOW_THREADS msio_load_stream_close(stream);
    Py_END_ALLOW_THREADS
}

static void stream_free(PyObject *object) {
    load_stream *self = (load_stream *)object;
    PyTypeObject *type = Py_TYPE(object);
    end(self);
    wish_free(&self->wish);
    type->tp_free(object);
    Py_DECREF(type);
}

static msio_status fetch(void *stream) {
    load_stream *self = stream;
    return msio_load_stream_next(self->base.stream, &self->batch, &self->first);
}

/* (first row, dict) */
static PyObject *told(void *stream) {
    load_stream *self = stream;
    PyObject *dict = describe(self->batch, NULL);
    return dict ? Py_BuildValue("(LN)", (long long)self->first, dict) : NULL;
}

static PyObject *stream_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    load_stream *self = (load_stream *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    wish *w = &self->wish;
    self->base.fetch = fetch, self->base.told = told, self->base.end = end;
    py_stream_begin(&self->base);
    if (wish_take(w, arguments, keywords) == 0) {
        msio_load_stream *stream = NULL;
        msio_status status;
        w->opts.read.progress = py_asked_to_stop;
        w->opts.read.user = &self->base.stop;
        Py_BEGIN_ALLOW_THREADS status =
            w->group.given
                ? msio_load_stream_open(&w->group.group, w->what, &w->opts, w->rows_per_batch, &stream)
                : msio_load_stream_open_paths(w->paths.n, w->paths.path, w->what, &w->opts, w->rows_per_batch, &stream);
        Py_END_ALLOW_THREADS if (!status) {
            self->base.stream = stream;
            return (PyObject *)self;
        }
        py_fail();
    }
    Py_DECREF(self);
    return NULL;
}

static PyType_Slot stream_slots[] = {
    {Py_tp_new, (void *)stream_new},
    {Py_tp_dealloc, (void *)stream_free},
    {Py_tp_methods, py_stream_methods},
    {0, NULL},
};
static PyType_Spec stream_spec = {"msio._msio.LoadStream", sizeof(load_stream), 0, Py_TPFLAGS_DEFAULT, stream_slots};

static PyMethodDef functions[] = {
    {"load", (PyCFunction)(void (*)(void))load, METH_VARARGS | METH_KEYWORDS, NULL},
    {"check", (PyCFunction)(void (*)(void))check, METH_VARARGS | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

int py_load_init(PyObject *module) {
    PyObject *type = PyType_FromSpec(&stream_spec);
    int failed = !type || PyModule_AddObjectRef(module, "LoadStream", type) || PyModule_AddFunctions(module, functions);
    Py_XDECREF(type);
    return failed ? -1 : 0;
}
