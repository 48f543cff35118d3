/* pyview.c - the type View: cells mapped where they lie, as the base of an array; and warnings of views that broke. */
#include "extension.h"

#include <structmember.h>

typedef struct view {
    PyObject ob_base;
    msio_view *view;
    PyObject *path;
    long long offset;
    char writable;
} view;

static PyTypeObject *view_type;
static PyObject *warning; /* msio.ViewWarning */

/* ---------------------------------------------------------------- warnings */

/* One that a filter turns into an exception has nobody to catch it here: it is printed. */
static void warn(const char *path, const char *message) {
    if (PyErr_WarnFormat(warning, 1, "%s%s%s", path, path[0] ? ": " : "", message)) PyErr_WriteUnraisable(NULL);
}

void py_views_tell(void) {
    static int64_t told;
    int64_t broken = msio_views_broken();
    if (broken == told) return;
    told = broken;
    warn("",
         "a file was cut, or could not be read, while an array of msio.read(..., copy=False) showed it: zeros stand "
         "in the array where it failed (array.base.check() tells of each)");
}

/* ---------------------------------------------------------------- the type */

static void view_free(PyObject *object) {
    view *self = (view *)object;
    PyTypeObject *type = Py_TYPE(object);
    msio_status status;
    PyObject *kept, *value, *trace;
    PyErr_Fetch(&kept, &value, &trace);
    Py_BEGIN_ALLOW_THREADS status = msio_view_close(self->view);
    Py_END_ALLOW_THREADS if (status == MSIO_E_CHANGED) warn(msio_last_error()->path, msio_last_error()->message);
    py_views_tell();
    PyErr_Restore(kept, value, trace);
    Py_XDECREF(self->path);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *view_check(PyObject *object, PyObject *unused) {
    msio_status status;
    (void)unused;
    Py_BEGIN_ALLOW_THREADS status = msio_view_check(((view *)object)->view);
    Py_END_ALLOW_THREADS if (status) return py_fail();
    Py_RETURN_NONE;
}

static PyMemberDef members[] = {
    {"path", T_OBJECT, offsetof(view, path), READONLY, "the file that is mapped"},
    {"offset", T_LONGLONG, offsetof(view, offset), READONLY, "of element 0 in it, in bytes"},
    {"writable", T_BOOL, offsetof(view, writable), READONLY, "whether it is a private one"},
    {NULL, 0, 0, 0, NULL}};

static PyMethodDef methods[] = {
    {"check", view_check, METH_NOARGS,
     "Returns when what was read through the view is good; raises ReadError where zeros stand, ChangedError where the "
     "file was written, replaced or removed."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot slots[] = {{Py_tp_dealloc, view_free},
                              {Py_tp_members, members},
                              {Py_tp_methods, methods},
                              {Py_tp_doc, "Cells where they lie in their file: the base of an array."},
                              {0, NULL}};
static PyType_Spec spec = {"msio.View", sizeof(view), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

/* Takes the library's view, also when this fails. */
static view *adopt(msio_view *made) {
    view *self = (view *)view_type->tp_alloc(view_type, 0);
    if (!self) {
        msio_view_close(made);
        return NULL;
    }
    const msio_view_info *info = msio_view_describe(made);
    self->view = made;
    self->offset = info->offset;
    self->writable = info->writable != 0;
    self->path = PyUnicode_DecodeFSDefault(info->file);
    if (!self->path) Py_CLEAR(self);
    return self;
}

PyObject *py_view_array(msio_view *made, bool one_row) {
    npy_intp size[NPY_MAXDIMS], stride[NPY_MAXDIMS];
    view *self = adopt(made);
    if (!self) return NULL;
    const msio_view_info *info = msio_view_describe(made);
    int skip = one_row && info->ndim > 0, ndim = info->ndim - skip;
    for (int k = 0; k < ndim; k++) {
        size[k] = (npy_intp)info->shape[k + skip];
        stride[k] = (npy_intp)info->stride[k + skip];
    }
    int flags = info->writable ? NPY_ARRAY_WRITEABLE | NPY_ARRAY_ALIGNED : NPY_ARRAY_ALIGNED;
    PyObject *array = info->data ? PyArray_New(&PyArray_Type, ndim, size, py_type_number(info->type), stride,
                                               info->data, 0, flags, NULL)
                                 : PyArray_SimpleNew(ndim, size, py_type_number(info->type));
    if (!array || !info->data) { /* nothing is shown */
        Py_DECREF(self);
        return array;
    }
    if (PyArray_SetBaseObject((PyArrayObject *)array, (PyObject *)self) < 0) Py_CLEAR(array);
    return array;
}

int py_view_init(PyObject *module) {
    PyObject *errors = PyImport_ImportModule("msio._errors");
    warning = errors ? PyObject_GetAttrString(errors, "ViewWarning") : NULL;
    Py_XDECREF(errors);
    view_type = warning ? (PyTypeObject *)PyType_FromSpec(&spec) : NULL;
    return view_type ? PyModule_AddObjectRef(module, "View", (PyObject *)view_type) : -1;
}
