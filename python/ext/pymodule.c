/* pymodule.c - the extension msio._msio: its functions and types over the library's public calls. */
#define MSIO_IMPORTS_NUMPY
#include "extension.h"

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                                        "msio._msio",
                                        "The library as Python sees it; the package's other modules give it its form.",
                                        -1,
                                        NULL,
                                        NULL,
                                        NULL,
                                        NULL,
                                        NULL};

PyMODINIT_FUNC PyInit__msio(void);

PyMODINIT_FUNC PyInit__msio(void) {
    import_array();
    PyObject *module = PyModule_Create(&definition);
    if (!module) return NULL;
    if (py_errors_init() || py_table_init(module) || py_cells_init(module) || py_metadata_init(module) ||
        py_flags_init(module) || py_datasets_init(module) || py_stream_init(module) || py_groups_init(module) ||
        py_load_init(module) || py_profile_init(module) || py_simulate_init(module) ||
        PyModule_AddStringConstant(module, "version", msio_version()))
        Py_CLEAR(module);
    return module;
}
