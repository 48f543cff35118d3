/* pyvisibility.c - models predicted, statistics, and passes that call a Python function for each block. */
#include "extension.h"

#include <string.h>

/* ---------------------------------------------------------------- models */

/* model(path, sky, column, mode, smear_frequency, smear_time, memory, threads, lock_seconds, progress) -> (components,
 * rows, made) */
static PyObject *model(PyObject *module, PyObject *arguments) {
    msio_model_opts opts = MSIO_MODEL_OPTS_INIT;
    msio_model_result result = MSIO_MODEL_RESULT_INIT;
    PyObject *path, *sky_path, *told;
    Py_ssize_t memory;
    py_patience patience;
    msio_sky *sky = NULL;
    msio_status status;
    int mode;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&O&sippnidO", PyUnicode_FSConverter, &path, PyUnicode_FSConverter, &sky_path,
                          &opts.column, &mode, &opts.smear_frequency, &opts.smear_time, &memory, &opts.threads,
                          &opts.lock_seconds, &told))
        return NULL;
    opts.mode = (msio_model_mode)mode;
    opts.memory = (size_t)memory;
    py_watch_waits();
    PY_BE_PATIENT(opts, patience, told);
    Py_BEGIN_ALLOW_THREADS status = msio_sky_open(PyBytes_AS_STRING(sky_path), &sky);
    if (!status) status = msio_model_predict(PyBytes_AS_STRING(path), sky, &opts, &result);
    msio_sky_free(sky);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    Py_DECREF(sky_path);
    if (status) return py_fail();
    return Py_BuildValue("(LLO)", (long long)result.components, (long long)result.rows,
                         result.made ? Py_True : Py_False);
}

/* ---------------------------------------------------------------- statistics */

static PyObject *bytes_of(const void *values, size_t bytes) {
    return PyBytes_FromStringAndSize(bytes ? values : NULL, (Py_ssize_t)bytes);
}

/* (name, keys int32 [n][2], times float64 [n], values [n][columns] of msio_stats_values, chi2 [n] of msio_stats_chi2),
 * as bytes. */
static PyObject *breakdown_of(const msio_stats_breakdown *b, int columns) {
    const size_t n = (size_t)b->entries, row = (size_t)columns * sizeof(msio_stats_values);
    PyObject *made[4];
    const size_t size[4] = {n * 2 * sizeof(int32_t), n * sizeof(double), n * row, n * sizeof(msio_stats_chi2)};
    for (int k = 0; k < 4; k++) made[k] = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size[k]);
    if (!made[0] || !made[1] || !made[2] || !made[3]) {
        for (int k = 0; k < 4; k++) Py_XDECREF(made[k]);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const msio_stats_entry *e = &b->entry[i];
        memcpy(PyBytes_AS_STRING(made[0]) + i * sizeof e->key, e->key, sizeof e->key);
        memcpy(PyBytes_AS_STRING(made[1]) + i * sizeof e->time, &e->time, sizeof e->time);
        memcpy(PyBytes_AS_STRING(made[2]) + i * row, e->values, row);
        memcpy(PyBytes_AS_STRING(made[3]) + i * sizeof e->chi2, &e->chi2, sizeof e->chi2);
    }
    return Py_BuildValue("(sNNNN)", py_breakdown_name(b->by), made[0], made[1], made[2], made[3]);
}

/* (rows, [column, ...], values, chi2 or None, weights, [breakdown, ...]) */
static PyObject *describe(const msio_stats *s) {
    PyObject *names = PyList_New(s->columns), *list = PyList_New(s->breakdowns);
    for (int c = 0; names && c < s->columns; c++) {
        PyObject *name = py_text(s->column[c]);
        if (name)
            PyList_SET_ITEM(names, c, name);
        else
            Py_CLEAR(names);
    }
    for (int i = 0; list && i < s->breakdowns; i++) {
        PyObject *breakdown = breakdown_of(&s->breakdown[i], s->columns);
        if (breakdown)
            PyList_SET_ITEM(list, i, breakdown);
        else
            Py_CLEAR(list);
    }
    if (!names || !list) {
        Py_XDECREF(names);
        Py_XDECREF(list);
        return NULL;
    }
    PyObject *chi2 = s->has_chi2 ? Py_BuildValue("(dL)", s->chi2.value, (long long)s->chi2.dof) : Py_NewRef(Py_None);
    return Py_BuildValue("(LNNNsN)", (long long)s->rows, names,
                         bytes_of(s->values, (size_t)s->columns * sizeof *s->values), chi2, s->weights, list);
}

/* stats(path, columns, by, chi2, flag_row, medians, memory, threads, checked, progress) */
static PyObject *stats(PyObject *module, PyObject *arguments) {
    msio_stats_opts opts = MSIO_STATS_OPTS_INIT;
    PyObject *path, *names, *by, *chi2, *told, *answer = NULL;
    Py_ssize_t memory;
    py_patience patience;
    int flag_row, medians, checked;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&O!OO!ppnipO", PyUnicode_FSConverter, &path, &PyTuple_Type, &names, &by,
                          &PyTuple_Type, &chi2, &flag_row, &medians, &memory, &opts.threads, &checked, &told))
        return NULL;
    const char **column = py_names(names), **pair = column ? py_names(chi2) : NULL;
    if (pair && py_take_breakdowns(by, &opts.by) == 0) {
        msio_stats *made = NULL;
        msio_status status;
        opts.columns = PyTuple_GET_SIZE(names) ? (int)PyTuple_GET_SIZE(names) : MSIO_STATS_NO_COLUMNS;
        opts.column = column;
        opts.data = PyTuple_GET_SIZE(chi2) > 0 ? pair[0] : NULL;
        opts.model = PyTuple_GET_SIZE(chi2) > 1 ? pair[1] : NULL;
        opts.ignore_flag_row = !flag_row;
        opts.no_medians = !medians;
        opts.memory = (size_t)memory;
        opts.open.freshness = checked ? MSIO_PER_CALL : MSIO_AS_OPENED;
        py_watch_waits();
        PY_BE_PATIENT(opts, patience, told);
        Py_BEGIN_ALLOW_THREADS status = msio_stats_make(PyBytes_AS_STRING(path), &opts, &made);
        Py_END_ALLOW_THREADS answer = status ? py_fail() : describe(made);
        msio_stats_free(made);
    }
    PyMem_Free(pair);
    PyMem_Free(column);
    Py_DECREF(path);
    return answer;
}

/* ---------------------------------------------------------------- copies that compute */

static PyObject *table_class;

/* The copy, and its statistics as bytes of msio_stats_values. NULL with an exception set. */
static PyObject *copy_and_tell(msio_table *table, const py_request *r, const char *from, const char *to,
                               const msio_copy_opts *opts, int stats) {
    msio_copied *copied = NULL;
    msio_stats_values values;
    msio_status status;
    Py_BEGIN_ALLOW_THREADS status = stats ? msio_copied_new(&copied) : MSIO_OK;
    if (!status) status = msio_visibilities_copy(table, from, to, &r->selection.select, opts, copied);
    if (!status && stats) status = msio_copied_values(copied, &values);
    msio_copied_free(copied);
    Py_END_ALLOW_THREADS if (status) return py_fail();
    return stats ? bytes_of(&values, sizeof values) : Py_NewRef(Py_None);
}

/* copy_computed(table, from, to, rows, box, minus, conjugate, scale, stats, flag_row, memory, threads, progress) ->
 * bytes or None */
static PyObject *copy_computed(PyObject *module, PyObject *arguments) {
    msio_copy_opts opts = MSIO_COPY_OPTS_INIT;
    PyObject *object, *name, *rows, *box, *told, *answer = NULL;
    const char *to;
    Py_complex scale;
    Py_ssize_t memory;
    int stats, flag_row;
    py_request r = {0};
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O!UsOOzpDppniO", (PyTypeObject *)table_class, &object, &name, &to, &rows, &box,
                          &opts.minus, &opts.conjugate, &scale, &stats, &flag_row, &memory, &opts.threads, &told))
        return NULL;
    const char *from = PyUnicode_AsUTF8(name);
    msio_table *table = from ? py_table_enter((py_table *)object) : NULL;
    if (!table) return NULL;
    if (py_request_begin(&r, table, name, rows, box) == 0) {
        opts.scale[0] = scale.real;
        opts.scale[1] = scale.imag;
        opts.ignore_flag_row = !flag_row;
        opts.memory = (size_t)memory;
        py_watch_waits();
        PY_BE_PATIENT(opts, r.patience, told);
        answer = copy_and_tell(table, &r, from, to, &opts, stats);
    }
    py_selection_free(&r.selection);
    py_table_leave((py_table *)object);
    return answer;
}

/* ---------------------------------------------------------------- density grids */

/* (axis, unit, bins, low, width) */
static PyObject *scale_of(const msio_scale *s) {
    return Py_BuildValue("(ssLdd)", msio_axis_name(s->axis), s->unit, (long long)s->bins, s->low, s->width);
}

static PyObject *describe_density(const msio_density *d) {
    const size_t bytes = (size_t)(d->x.bins * d->y.bins) * sizeof *d->count;
    return Py_BuildValue("(NNNNLLLLi)", scale_of(&d->x), scale_of(&d->y), bytes_of(d->count, bytes),
                         d->flagged ? bytes_of(d->flagged, bytes) : Py_NewRef(Py_None), (long long)d->rows,
                         (long long)d->points, (long long)d->outside, (long long)d->not_finite, d->antennas);
}

static int take_axis(const char *name, msio_axis *axis) {
    *axis = msio_axis_by_name(name);
    if (*axis != MSIO_AXES) return 0;
    PyErr_Format(PyExc_ValueError,
                 "there is no axis %s: time, freq, chan, uvdist, baseline, antenna, amp, phase, real, "
                 "imag, flag, u, v",
                 name);
    return -1;
}

/* density(path, x, y, column, flags, x_bins, y_bins, x_low, x_high, y_low, y_high, wavelengths, field, spw, corr,
 * flag_row, memory, threads, checked, progress) */
static PyObject *density(PyObject *module, PyObject *arguments) {
    msio_density_opts opts = MSIO_DENSITY_OPTS_INIT;
    PyObject *path, *told, *answer = NULL;
    const char *x, *y;
    Py_ssize_t memory;
    py_patience patience;
    int flag_row, checked;
    long long x_bins, y_bins;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&sszpLLddddpiiipnipO", PyUnicode_FSConverter, &path, &x, &y, &opts.column,
                          &opts.flags, &x_bins, &y_bins, &opts.x_range[0], &opts.x_range[1], &opts.y_range[0],
                          &opts.y_range[1], &opts.wavelengths, &opts.field, &opts.spectral_window, &opts.correlation,
                          &flag_row, &memory, &opts.threads, &checked, &told))
        return NULL;
    if (take_axis(x, &opts.x) == 0 && take_axis(y, &opts.y) == 0) {
        msio_density *made = NULL;
        msio_status status;
        opts.x_bins = x_bins;
        opts.y_bins = y_bins;
        opts.ignore_flag_row = !flag_row;
        opts.memory = (size_t)memory;
        opts.open.freshness = checked ? MSIO_PER_CALL : MSIO_AS_OPENED;
        py_watch_waits();
        PY_BE_PATIENT(opts, patience, told);
        Py_BEGIN_ALLOW_THREADS status = msio_density_make(PyBytes_AS_STRING(path), &opts, &made);
        Py_END_ALLOW_THREADS answer = status ? py_fail() : describe_density(made);
        msio_density_free(made);
    }
    Py_DECREF(path);
    return answer;
}

/* ---------------------------------------------------------------- passes */

/* What is called for each block; touched with the GIL held only. */
typedef struct caller {
    PyObject *function;
    PyObject *results; /* a list of (row, result), in no order; NULL: there are outputs */
    int inputs, outputs;
    PyObject *type, *value, *traceback; /* the first exception */
} caller;

static msio_status failed(caller *c) {
    if (!c->type && PyErr_Occurred())
        PyErr_Fetch(&c->type, &c->value, &c->traceback);
    else
        PyErr_Clear();
    return msio_kernel_fail(MSIO_E_CANCELLED, "the function raised an exception");
}

/* An array over the block's memory; inputs may not be written. */
static PyObject *view_of(const msio_array *array, bool writable) {
    npy_intp shape[MSIO_MAX_NDIM + 1];
    const int type = py_type_number(array->type);
    if (type < 0) {
        PyErr_SetString(PyExc_TypeError, "columns of strings have no blocks");
        return NULL;
    }
    for (int i = 0; i < array->ndim; i++) shape[i] = (npy_intp)array->shape[i];
    static char nothing[16];
    return PyArray_New(&PyArray_Type, array->ndim, shape, type, NULL, array->data ? array->data : nothing, 0,
                       NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED | (writable ? NPY_ARRAY_WRITEABLE : 0), NULL);
}

/* Puts what the function gave into an output: of the same shape, of a type that fits. */
static int put(const msio_array *out, PyObject *given, int which) {
    PyObject *to = view_of(out, true), *from = to ? PyArray_FROM_O(given) : NULL;
    int bad = !from;
    if (from && !PyArray_SAMESHAPE((PyArrayObject *)from, (PyArrayObject *)to)) {
        PyErr_Format(PyExc_ValueError, "output %d is of another shape than its column's block", which);
        bad = 1;
    } else if (from && !PyArray_CanCastArrayTo((PyArrayObject *)from, PyArray_DESCR((PyArrayObject *)to),
                                               NPY_SAME_KIND_CASTING)) {
        PyErr_Format(PyExc_TypeError, "output %d of type %S does not fit its column of type %S", which,
                     PyArray_DESCR((PyArrayObject *)from), PyArray_DESCR((PyArrayObject *)to));
        bad = 1;
    }
    if (!bad) bad = PyArray_CopyInto((PyArrayObject *)to, (PyArrayObject *)from) != 0;
    Py_XDECREF(from);
    Py_XDECREF(to);
    return bad ? -1 : 0;
}

static int put_all(const caller *c, const msio_block *block, PyObject *answer) {
    if (c->outputs == 1 && !PyTuple_Check(answer)) return put(&block->out[0], answer, 0);
    if (!PyTuple_Check(answer) || PyTuple_GET_SIZE(answer) != c->outputs) {
        PyErr_Format(PyExc_TypeError, "the function has to return a tuple of %d arrays", c->outputs);
        return -1;
    }
    for (int i = 0; i < c->outputs; i++)
        if (put(&block->out[i], PyTuple_GET_ITEM(answer, i), i)) return -1;
    return 0;
}

/* Keeps a result; arrays as copies: their memory may be the block's. */
static int keep(const caller *c, const msio_block *block, PyObject *answer) {
    PyObject *own = PyArray_Check(answer) ? PyArray_NewCopy((PyArrayObject *)answer, NPY_ANYORDER) : Py_NewRef(answer);
    PyObject *pair = own ? Py_BuildValue("(LN)", (long long)block->row, own) : NULL;
    const int bad = !pair || PyList_Append(c->results, pair);
    Py_XDECREF(pair);
    return bad ? -1 : 0;
}

/* The block's memory is used again: nobody may keep an array over it. */
static int check_given_back(PyObject *views) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(views); i++)
        if (Py_REFCNT(PyTuple_GET_ITEM(views, i)) > 1) {
            PyErr_Format(PyExc_ValueError,
                         "the function keeps input %zd, or a view of it, whose memory is used again: keep a copy", i);
            return -1;
        }
    return 0;
}

static int call(const caller *c, const msio_block *block, PyObject *views) {
    for (int i = 0; i < c->inputs; i++) {
        PyObject *view = view_of(&block->in[i], false);
        if (!view) return -1;
        PyTuple_SET_ITEM(views, i, view);
    }
    PyObject *answer = PyObject_Call(c->function, views, NULL);
    if (!answer) return -1;
    const int bad = c->outputs ? put_all(c, block, answer) : keep(c, block, answer);
    Py_DECREF(answer);
    return bad ? -1 : check_given_back(views);
}

static msio_status run(void *user, const msio_block *block, void *state) {
    caller *c = user;
    (void)state;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *views = c->type ? NULL : PyTuple_New(c->inputs);
    msio_status status = MSIO_OK;
    if (!views || call(c, block, views)) status = failed(c);
    Py_XDECREF(views);
    PyGILState_Release(gil);
    return status;
}

/* map(table, inputs, outputs, function, rows, memory, block, threads, progress) -> [(row, result), ...] or None */
static PyObject *map(PyObject *module, PyObject *arguments) {
    msio_pass pass = MSIO_PASS_INIT;
    msio_pass_opts opts = MSIO_PASS_OPTS_INIT;
    PyObject *object, *inputs, *outputs, *rows, *told;
    Py_ssize_t memory, block;
    caller c = {0};
    py_patience patience;
    py_selection selection = {.select = MSIO_SELECT_ALL};
    msio_status status = MSIO_OK;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O!O!O!OOnniO", (PyTypeObject *)table_class, &object, &PyTuple_Type, &inputs,
                          &PyTuple_Type, &outputs, &c.function, &rows, &memory, &block, &opts.threads, &told))
        return NULL;
    msio_table *table = py_table_enter((py_table *)object);
    if (!table) return NULL;
    const char **in = py_names(inputs), **out = in ? py_names(outputs) : NULL;
    const msio_kernel kernel = {.run = run, .user = &c};
    c.inputs = pass.inputs = (int)PyTuple_GET_SIZE(inputs);
    c.outputs = pass.outputs = (int)PyTuple_GET_SIZE(outputs);
    if (out && !c.outputs) c.results = PyList_New(0);
    if (out && (c.outputs || c.results) && py_select_rows(&selection, rows, msio_table_rows(table)) == 0) {
        pass.input = in;
        pass.output = out;
        pass.kernels = 1;
        pass.kernel = &kernel;
        pass.select = &selection.select;
        opts.memory = (size_t)memory;
        opts.block = (size_t)block;
        py_watch_waits();
        PY_BE_PATIENT(opts, patience, told);
        Py_BEGIN_ALLOW_THREADS status = msio_pass_run(table, &pass, &opts, NULL);
        Py_END_ALLOW_THREADS if (c.type) PyErr_Restore(c.type, c.value, c.traceback);
        else if (status) py_fail();
    }
    py_selection_free(&selection);
    PyMem_Free(out);
    PyMem_Free(in);
    py_table_leave((py_table *)object);
    if (PyErr_Occurred()) {
        Py_XDECREF(c.results);
        return NULL;
    }
    return c.results ? c.results : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"model", model, METH_VARARGS, NULL},     {"stats", stats, METH_VARARGS, NULL},
    {"density", density, METH_VARARGS, NULL}, {"copy_computed", copy_computed, METH_VARARGS, NULL},
    {"map", map, METH_VARARGS, NULL},         {NULL, NULL, 0, NULL},
};

int py_visibility_init(PyObject *module) {
    table_class = PyObject_GetAttrString(module, "Table");
    return table_class ? PyModule_AddFunctions(module, functions) : -1;
}
