/* pymetadata.c - metadata of Measurement Sets: what the caches keep, as Python has it. */
#include "extension.h"

#include <stddef.h>

/* The library's own object, kept as long as Python has this one. */
typedef struct facts {
    PyObject ob_base;
    const msio_metadata *metadata;
} facts;

static void facts_free(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    msio_metadata_release(((facts *)object)->metadata);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---------------------------------------------------------------- rows of subtables */

/* A tuple of the values, which are given up; NULL where one of them is. */
static PyObject *tuple_of(int n, PyObject *const *values) {
    PyObject *tuple = PyTuple_New(n);
    bool failed = !tuple;
    for (int i = 0; i < n; i++) {
        if (!values[i] || failed) {
            failed = true;
            Py_XDECREF(values[i]);
        } else {
            PyTuple_SET_ITEM(tuple, i, values[i]);
        }
    }
    if (failed) Py_CLEAR(tuple);
    return tuple;
}
#define TUPLE(...)                                                                                                     \
    tuple_of((int)(sizeof((PyObject *[]){__VA_ARGS__}) / sizeof(PyObject *)), (PyObject *[]){__VA_ARGS__})

static PyObject *number(double value) { return PyFloat_FromDouble(value); }
static PyObject *integer(int64_t value) { return PyLong_FromLongLong(value); }

/* An array over the metadata's own memory, which nobody may write; None where there are no values. */
static PyObject *view(PyObject *owner, msio_type type, int ndim, const int64_t *shape, const void *values) {
    if (!values) Py_RETURN_NONE;
    PyObject *array = py_array_over(type, ndim, shape, (void *)(uintptr_t)values, owner);
    if (array) PyArray_CLEARFLAGS((PyArrayObject *)array, NPY_ARRAY_WRITEABLE);
    return array;
}

static PyObject *list_view(PyObject *owner, msio_type type, int64_t n, const void *values) {
    return view(owner, type, 1, &n, values);
}

static PyObject *direction(PyObject *owner, const msio_direction *d) {
    int64_t shape[2] = {d->terms, 2};
    if (d->terms == 0) Py_RETURN_NONE;
    return TUPLE(view(owner, MSIO_DOUBLE, 2, shape, d->value), py_text(d->unit), py_text(d->frame));
}

/* Row i of a subtable, in the order that facts_rows counts them in. */
static PyObject *one_row(PyObject *owner, int which, int i) {
    const msio_metadata *m = ((facts *)owner)->metadata;
    switch (which) {
    case 0: {
        const msio_spectral_window *w = &m->spectral_window[i];
        return TUPLE(py_text(w->name), integer(w->channels), list_view(owner, MSIO_DOUBLE, w->channels, w->frequencies),
                     list_view(owner, MSIO_DOUBLE, w->channels, w->widths), number(w->reference_frequency),
                     number(w->bandwidth), integer(w->frame));
    }
    case 1: {
        const msio_polarization *p = &m->polarization[i];
        return TUPLE(list_view(owner, MSIO_INT, p->correlations, p->types));
    }
    case 2: {
        const msio_data_description *d = &m->data_description[i];
        return TUPLE(integer(d->spectral_window), integer(d->polarization), PyBool_FromLong(d->flagged));
    }
    case 3: {
        const msio_field_info *f = &m->field[i];
        return TUPLE(py_text(f->name), py_text(f->code), integer(f->source), number(f->time),
                     direction(owner, &f->phase_dir), direction(owner, &f->reference_dir),
                     direction(owner, &f->delay_dir));
    }
    case 4: {
        const msio_antenna_info *a = &m->antenna[i];
        return TUPLE(py_text(a->name), py_text(a->station), py_text(a->mount),
                     list_view(owner, MSIO_DOUBLE, 3, a->position), number(a->diameter), PyBool_FromLong(a->flagged));
    }
    case 5: {
        const msio_observation_info *o = &m->observation[i];
        return TUPLE(py_text(o->telescope), py_text(o->observer), py_text(o->project),
                     TUPLE(number(o->time_range[0]), number(o->time_range[1])));
    }
    case 6: {
        const msio_source_info *s = &m->source[i];
        return TUPLE(py_text(s->name), integer(s->id), integer(s->spectral_window), number(s->time),
                     number(s->interval), direction(owner, &s->direction));
    }
    case 7: {
        const msio_state_info *s = &m->state[i];
        return TUPLE(py_text(s->mode), integer(s->subscan), number(s->cal), PyBool_FromLong(s->sig),
                     PyBool_FromLong(s->ref));
    }
    default: {
        const msio_disk_use *u = &m->manager[i];
        return TUPLE(py_text(u->type), py_text(u->name), integer(u->sequence), integer(u->bytes));
    }
    }
}

/* The rows of one subtable (the last one: storage managers) as tuples, in the order of the classes in msio/meta.py. */
static PyObject *facts_rows(PyObject *object, PyObject *argument) {
    const msio_metadata *m = ((facts *)object)->metadata;
    const int counts[] = {m->spectral_windows, m->polarizations, m->data_descriptions,
                          m->fields,           m->antennas,      m->observations,
                          m->sources,          m->states,        m->managers};
    long which = PyLong_AsLong(argument);
    if (which < 0 || which >= (long)(sizeof counts / sizeof *counts)) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "there is no such subtable");
        return NULL;
    }
    PyObject *list = PyList_New(counts[which]);
    for (int i = 0; list && i < counts[which]; i++) {
        PyObject *row = one_row(object, (int)which, i);
        if (row)
            PyList_SET_ITEM(list, i, row);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* ---------------------------------------------------------------- the main table */

static PyObject *columns_of(const msio_metadata *m) {
    PyObject *list = PyList_New(m->columns);
    for (int i = 0; list && i < m->columns; i++) {
        const msio_column_info *c = &m->column[i];
        PyObject *row = TUPLE(py_text(c->name), py_text(msio_type_name(c->type)), integer(c->is_array ? c->ndim : 0),
                              c->shape_known && c->ndim >= 0 ? py_shape(c->ndim, c->shape) : Py_NewRef(Py_None),
                              py_text(c->manager), c->tile_ndim ? py_shape(c->tile_ndim, c->tile) : Py_NewRef(Py_None),
                              PyBool_FromLong(c->native));
        if (row)
            PyList_SET_ITEM(list, i, row);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *facts_summary(PyObject *object, PyObject *unused) {
    const msio_metadata *m = ((facts *)object)->metadata;
    PyObject *dict = PyDict_New();
    (void)unused;
    if (!dict || py_put(dict, "path", PyUnicode_DecodeFSDefault(m->path)) ||
        py_put(dict, "is_ms", PyBool_FromLong(m->is_ms)) || py_put(dict, "rows", integer(m->rows)) ||
        py_put(dict, "bytes", integer(m->bytes)) || py_put(dict, "columns", columns_of(m)) ||
        py_put(dict, "scans", list_view(object, MSIO_INT, m->scans, m->scans ? m->scan : (const int32_t[]){0})) ||
        py_put(dict, "time_range", TUPLE(number(m->time_range[0]), number(m->time_range[1]))) ||
        py_put(dict, "times", integer(m->times)) || py_put(dict, "integration_time", number(m->integration_time)))
        Py_CLEAR(dict);
    return dict;
}

/* ---------------------------------------------------------------- the rows */

static const msio_row_index *index_of(const msio_metadata *m) {
    const msio_row_index *index = NULL;
    msio_status status;
    py_watch_waits();
    Py_BEGIN_ALLOW_THREADS status = msio_metadata_row_index(m, &index);
    Py_END_ALLOW_THREADS if (status) py_fail();
    return status ? NULL : index;
}

static PyArray_Descr *run_type; /* of msio_row_run */

static int make_run_type(void) {
    PyObject *layout = Py_BuildValue(
        "{s:(sssssss),s:(sssssss),s:(nnnnnnn),s:n}", "names", "row", "rows", "field", "spectral_window", "scan",
        "data_description", "time", "formats", "i8", "i8", "i4", "i4", "i4", "i4", "f8", "offsets",
        offsetof(msio_row_run, row), offsetof(msio_row_run, rows), offsetof(msio_row_run, field),
        offsetof(msio_row_run, spectral_window), offsetof(msio_row_run, scan), offsetof(msio_row_run, data_description),
        offsetof(msio_row_run, time), "itemsize", sizeof(msio_row_run));
    int made = layout ? PyArray_DescrConverter(layout, &run_type) : NPY_FAIL;
    Py_XDECREF(layout);
    return made == NPY_SUCCEED ? 0 : -1;
}

/* The runs of rows as records over the index's own memory. */
static PyObject *facts_row_index(PyObject *object, PyObject *unused) {
    const msio_row_index *index = index_of(((facts *)object)->metadata);
    (void)unused;
    if (!index) return NULL;
    npy_intp n = (npy_intp)index->runs;
    Py_INCREF(run_type);
    PyObject *array =
        PyArray_NewFromDescr(&PyArray_Type, run_type, 1, &n, NULL, n ? (void *)(uintptr_t)index->run : NULL, 0, NULL);
    if (!array) return NULL;
    PyArray_CLEARFLAGS((PyArrayObject *)array, NPY_ARRAY_WRITEABLE);
    if (PyArray_SetBaseObject((PyArrayObject *)array, Py_NewRef(object)) == 0) return array;
    Py_DECREF(array);
    return NULL;
}

static void free_rows(PyObject *capsule) { free(PyCapsule_GetPointer(capsule, NULL)); }

static PyObject *facts_find_rows(PyObject *object, PyObject *arguments) {
    msio_row_query query = MSIO_ROW_QUERY_INIT;
    if (!PyArg_ParseTuple(arguments, "iiidd", &query.field, &query.spectral_window, &query.scan, &query.time_from,
                          &query.time_to))
        return NULL;
    const msio_row_index *index = index_of(((facts *)object)->metadata);
    int64_t *rows = NULL, n = 0;
    msio_status status;
    if (!index) return NULL;
    Py_BEGIN_ALLOW_THREADS status = msio_row_index_find(index, &query, &rows, &n);
    Py_END_ALLOW_THREADS if (status) return py_fail();
    PyObject *owner = rows ? PyCapsule_New(rows, NULL, free_rows) : Py_NewRef(Py_None);
    PyObject *array = owner ? py_array_over(MSIO_INT64, 1, &n, rows, owner) : NULL;
    if (!owner) free(rows);
    Py_XDECREF(owner);
    return array;
}

/* ---------------------------------------------------------------- the type */

static PyMethodDef methods[] = {
    {"summary", facts_summary, METH_NOARGS, NULL},
    {"subtable", facts_rows, METH_O, NULL},
    {"row_index", facts_row_index, METH_NOARGS, NULL},
    {"find_rows", facts_find_rows, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, (void *)facts_free},
    {Py_tp_methods, methods},
    {Py_tp_doc, "The library's metadata of one table; see msio.Metadata."},
    {0, NULL},
};

static PyType_Spec spec = {"msio._msio.Facts", sizeof(facts), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           slots};
static PyTypeObject *facts_type;

/* metadata(path, checked, previous): `previous` itself while the library's answer is the same one. */
static PyObject *get_metadata(PyObject *module, PyObject *arguments) {
    PyObject *path, *previous;
    int checked;
    const msio_metadata *found = NULL;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O&pO", PyUnicode_FSConverter, &path, &checked, &previous)) return NULL;
    py_watch_waits();
    Py_BEGIN_ALLOW_THREADS status =
        msio_metadata_get(PyBytes_AS_STRING(path), checked ? MSIO_PER_CALL : MSIO_AS_OPENED, &found);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    if (status) return py_fail();
    if (Py_IS_TYPE(previous, facts_type) && ((facts *)previous)->metadata == found) {
        msio_metadata_release(found);
        return Py_NewRef(previous);
    }
    facts *made = (facts *)facts_type->tp_alloc(facts_type, 0);
    if (made)
        made->metadata = found;
    else
        msio_metadata_release(found);
    return (PyObject *)made;
}

static PyMethodDef functions[] = {
    {"metadata", get_metadata, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int py_metadata_init(PyObject *module) {
    facts_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return facts_type && make_run_type() == 0 ? PyModule_AddFunctions(module, functions) : -1;
}
