/* pygroups.c - groups of subband files, found in folders. */
#include "extension.h"

static PyObject *files_of(const msio_group_file *file, int n) {
    PyObject *list = PyList_New(n);
    for (int i = 0; list && i < n; i++) {
        PyObject *pair = Py_BuildValue("(iN)", file[i].subband, PyUnicode_DecodeFSDefault(file[i].path));
        if (pair)
            PyList_SET_ITEM(list, i, pair);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *group_of(const msio_group *g) {
    return Py_BuildValue("{s:s,s:d,s:i,s:N,s:N,s:N,s:N,s:N}", "time", g->time, "seconds", g->seconds, "expected",
                         g->subbands, "complete", PyBool_FromLong(g->complete), "files", files_of(g->file, g->files),
                         "missing", py_list_copy(MSIO_INT, g->missing, g->missing_subband), "duplicate",
                         files_of(g->duplicate, g->duplicates), "late", files_of(g->late, g->lates));
}

static PyObject *describe(const msio_groups *found) {
    PyObject *groups = PyList_New(found->groups), *unreadable = PyList_New(found->unreadables);
    for (int i = 0; groups && i < found->groups; i++) {
        PyObject *group = group_of(&found->group[i]);
        if (group)
            PyList_SET_ITEM(groups, i, group);
        else
            Py_CLEAR(groups);
    }
    for (int i = 0; unreadable && i < found->unreadables; i++) {
        PyObject *pair = Py_BuildValue("(NN)", PyUnicode_DecodeFSDefault(found->unreadable[i].path),
                                       py_text(found->unreadable[i].reason));
        if (pair)
            PyList_SET_ITEM(unreadable, i, pair);
        else
            Py_CLEAR(unreadable);
    }
    if (!groups || !unreadable) {
        Py_XDECREF(groups);
        Py_XDECREF(unreadable);
        return NULL;
    }
    return Py_BuildValue("{s:N,s:N,s:N,s:N,s:L}", "groups", groups, "unreadable", unreadable, "incomplete",
                         files_of(found->incomplete, found->incompletes), "unexpected",
                         files_of(found->unexpected_file, found->unexpected), "ignored", (long long)found->ignored);
}

/* groups(folders, pattern, window, subbands, first_frequency, frequency_step) */
static PyObject *find_groups(PyObject *module, PyObject *arguments) {
    msio_group_opts opts = MSIO_GROUP_OPTS_INIT;
    PyObject *folders, *answer = NULL;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "Ozdidd", &folders, &opts.pattern, &opts.window, &opts.subbands,
                          &opts.first_frequency, &opts.frequency_step))
        return NULL;
    py_paths paths;
    if (py_paths_take(&paths, folders)) return NULL;
    msio_groups *found = NULL;
    msio_status status;
    Py_BEGIN_ALLOW_THREADS status = msio_group_find(paths.n, paths.path, &opts, &found);
    Py_END_ALLOW_THREADS answer = status ? py_fail() : describe(found);
    if (!status) msio_groups_free(found);
    py_paths_free(&paths);
    return answer;
}

static PyMethodDef functions[] = {
    {"groups", find_groups, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int py_groups_init(PyObject *module) { return PyModule_AddFunctions(module, functions); }
