/* pyconvert.c - UVH5 files converted into Measurement Sets. */
#include "extension.h"

#include <string.h>

/* A conversion that Python asks for; what it points to lives as long as it does. */
typedef struct wish {
    py_paths paths;
    py_group group;
    PyObject *out, *earth, *places; /* bytes */
    msio_convert_opts opts;
    msio_convert_antenna *antenna;
    py_patience patience;
} wish;

static void wish_free(wish *w) {
    py_paths_free(&w->paths);
    py_group_free(&w->group);
    PyMem_Free(w->antenna);
    Py_CLEAR(w->out);
    Py_CLEAR(w->earth);
    Py_CLEAR(w->places);
}

/* A list of (number, name or None, x, y, z, diameter); the list outlives the wish. */
static int take_antennas(wish *w, PyObject *given) {
    if (given == Py_None) return 0;
    w->opts.antennas = (int)PyList_GET_SIZE(given);
    w->antenna = PyMem_Calloc((size_t)w->opts.antennas + 1, sizeof *w->antenna);
    w->opts.antenna = w->antenna;
    if (!w->antenna) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < w->opts.antennas; i++) {
        msio_convert_antenna *a = &w->antenna[i];
        if (!PyArg_ParseTuple(PyList_GET_ITEM(given, i), "izdddd", &a->number, &a->name, &a->position[0],
                              &a->position[1], &a->position[2], &a->diameter))
            return -1;
    }
    return 0;
}

static int take(wish *w, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {
        "paths",         "out",     "numbers",       "missing_subbands", "phase",     "ra",           "dec",
        "imaging",       "missing", "like_pyuvdata", "telescope",        "antennas",  "antenna_file", "tile_rows",
        "tile_channels", "eop",     "threads",       "memory",           "overwrite", "progress",     NULL};
    PyObject *paths, *numbers = Py_None, *absent = Py_None, *antennas = Py_None, *told = Py_None;
    int phase = 0, imaging = 0, missing = 0;
    long long tile_rows = 0, tile_channels = 0, memory = 0;
    if (!PyArg_ParseTupleAndKeywords(
            arguments, keywords, "OO&|$OOiddiipzO!O&LLO&iLpO:convert", names, &paths, PyUnicode_FSConverter, &w->out,
            &numbers, &absent, &phase, &w->opts.ra, &w->opts.dec, &imaging, &missing, &w->opts.like_pyuvdata,
            &w->opts.telescope, &PyList_Type, &antennas, PyUnicode_FSConverter, &w->places, &tile_rows, &tile_channels,
            PyUnicode_FSConverter, &w->earth, &w->opts.threads, &memory, &w->opts.overwrite, &told))
        return -1;
    w->opts.phase = (msio_convert_phase)phase;
    w->opts.imaging = (msio_convert_imaging)imaging;
    w->opts.missing = (msio_load_missing)missing;
    w->opts.tile_rows = tile_rows;
    w->opts.tile_channels = tile_channels;
    if (memory > 0) w->opts.memory = (size_t)memory;
    if (w->places) w->opts.antenna_file = PyBytes_AS_STRING(w->places);
    if (w->earth) w->opts.earth_orientation = PyBytes_AS_STRING(w->earth);
    PY_BE_PATIENT(w->opts, w->patience, told);
    return py_paths_take(&w->paths, paths) || py_group_take(&w->group, &w->paths, "", numbers, absent) ||
                   take_antennas(w, antennas)
               ? -1
               : 0;
}

static PyObject *told_of(const msio_converted *made) {
    return Py_BuildValue("(LiiLLiN)", (long long)made->rows, made->spectral_windows, made->missing,
                         (long long)made->bytes_read, (long long)made->bytes_written, (int)made->phase,
                         PyBool_FromLong(made->earth_orientation));
}

/* convert(paths, out, ...) -> (rows, spws, missing, bytes_read, bytes_written, phase, earth_orientation) */
static PyObject *convert(PyObject *module, PyObject *arguments, PyObject *keywords) {
    wish w = {.opts = MSIO_CONVERT_OPTS_INIT};
    msio_converted made = MSIO_CONVERTED_INIT;
    msio_status status;
    (void)module;
    if (take(&w, arguments, keywords)) {
        wish_free(&w);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status =
        w.group.group.files ? msio_convert(&w.group.group, PyBytes_AS_STRING(w.out), &w.opts, &made)
                            : msio_convert_paths(w.paths.n, w.paths.path, PyBytes_AS_STRING(w.out), &w.opts, &made);
    Py_END_ALLOW_THREADS wish_free(&w);
    if (status) return py_fail();
    return told_of(&made);
}

/* export_uvh5(ms, out, ...) -> as convert */
static PyObject *export_uvh5(PyObject *module, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"ms", "out", "file_a_window", "eop", "threads", "memory", "overwrite", "progress", NULL};
    msio_export_opts opts = MSIO_EXPORT_OPTS_INIT;
    msio_converted made = MSIO_CONVERTED_INIT;
    PyObject *ms = NULL, *out = NULL, *earth = NULL, *told = Py_None;
    py_patience patience;
    long long memory = 0;
    msio_status status;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O&O&|$pO&iLpO:export_uvh5", names, PyUnicode_FSConverter,
                                     &ms, PyUnicode_FSConverter, &out, &opts.file_a_window, PyUnicode_FSConverter,
                                     &earth, &opts.threads, &memory, &opts.overwrite, &told))
        return NULL;
    if (memory > 0) opts.memory = (size_t)memory;
    if (earth) opts.earth_orientation = PyBytes_AS_STRING(earth);
    PY_BE_PATIENT(opts, patience, told);
    Py_BEGIN_ALLOW_THREADS status = msio_export_uvh5(PyBytes_AS_STRING(ms), PyBytes_AS_STRING(out), &opts, &made);
    Py_END_ALLOW_THREADS Py_DECREF(ms);
    Py_DECREF(out);
    Py_XDECREF(earth);
    if (status) return py_fail();
    return told_of(&made);
}

static PyMethodDef functions[] = {
    {"export_uvh5", (PyCFunction)(void (*)(void))export_uvh5, METH_VARARGS | METH_KEYWORDS, NULL},
    {"convert", (PyCFunction)(void (*)(void))convert, METH_VARARGS | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

int py_convert_init(PyObject *module) { return PyModule_AddFunctions(module, functions); }
