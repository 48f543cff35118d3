/* pymodule.c - the extension msio._msio: its functions and types over the library's public calls. */
#define MSIO_IMPORTS_NUMPY
#include "extension.h"

#include <string.h>

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                                        "msio._msio",
                                        "The library as Python sees it; the package's other modules give it its form.",
                                        -1,
                                        NULL,
                                        NULL,
                                        NULL,
                                        NULL,
                                        NULL};

/* A path as the library's calls take it; the object itself where there is nothing to expand. */
static PyObject *expand_path(PyObject *module, PyObject *argument) {
    PyObject *bytes;
    char expanded[MSIO_PATH_BYTES];
    (void)module;
    if (!PyUnicode_FSConverter(argument, &bytes)) return NULL;
    msio_status status = msio_path_expand(PyBytes_AS_STRING(bytes), expanded);
    PyObject *path = status ? py_fail() : NULL;
    if (!status && strcmp(expanded, PyBytes_AS_STRING(bytes)) == 0) path = Py_NewRef(argument);
    if (!status && !path) path = PyUnicode_DecodeFSDefault(expanded);
    Py_DECREF(bytes);
    return path;
}

static PyMethodDef functions[] = {{"expand_path", expand_path, METH_O, NULL}, {NULL, NULL, 0, NULL}};

PyMODINIT_FUNC PyInit__msio(void);

PyMODINIT_FUNC PyInit__msio(void) {
    import_array();
    PyObject *module = PyModule_Create(&definition);
    if (!module) return NULL;
    if (py_errors_init() || py_table_init(module) || py_cells_init(module) || py_puts_init(module) ||
        py_metadata_init(module) || py_flags_init(module) || py_datasets_init(module) || py_stream_init(module) ||
        py_groups_init(module) || py_load_init(module) || py_profile_init(module) || py_simulate_init(module) ||
        py_convert_init(module) || py_write_init(module) || py_adding_init(module) || py_casacore_init(module) ||
        py_view_init(module) || py_visibility_init(module) || py_flagging_init(module) ||
        PyModule_AddFunctions(module, functions) || PyModule_AddStringConstant(module, "version", msio_version()))
        Py_CLEAR(module);
    return module;
}
