/* module.c - finding and loading the modules that wrap other libraries. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr, secure_getenv */
#endif

#include "io/files/module.h"

#include "core/descriptors.h"
#include "core/error.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the file that holds this very code: libmsio.so, or the program that it is linked into. */
static bool own_folder(char folder[PATH_MAX]) {
    static const char here;
    Dl_info info;
    if (!dladdr(&here, &info) || !info.dli_fname) return false;
    if (strchr(info.dli_fname, '/')) {
        if (!realpath(info.dli_fname, folder)) return false;
    } else { /* a program found through PATH: its name tells nothing */
        ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
        if (length <= 0) return false;
        folder[length] = '\0';
    }
    char *slash = strrchr(folder, '/');
    if (!slash) return false;
    *slash = '\0';
    return true;
}

/* The module's path, the first of the known places where there is one. */
static bool find(const char *file, char path[PATH_MAX]) {
    static const char *const places[] = {
        "/",
        "/msio/",
        "/../lib/msio/",
#ifdef MSIO_LIBRARY_ARCHITECTURE
        "/../lib/" MSIO_LIBRARY_ARCHITECTURE "/msio/",
#endif
        "/../lib64/msio/",
    };
    char folder[PATH_MAX];
    if (own_folder(folder)) {
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            int length = snprintf(path, PATH_MAX, "%s%s%s", folder, places[i], file);
            if (length < PATH_MAX && access(path, F_OK) == 0) return true;
        }
    }
#ifdef MSIO_MODULE_DIR
    int length = snprintf(path, PATH_MAX, "%s/%s", MSIO_MODULE_DIR, file);
    if (length < PATH_MAX && access(path, F_OK) == 0) return true;
#endif
    return false;
}

static msio_status open_at(const msio_module *module, const char *path, void **symbol) {
    void *handle;
    do handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    while (!handle && msio_descriptors_relieve());
    if (!handle) {
        const char *why = dlerror();
        return msio_error_set(module->missing, path, "%s is needed here and cannot be loaded: %s; install %s",
                              module->what, why ? why : "the system does not say why", module->packages);
    }
    *symbol = dlsym(handle, module->symbol);
    if (*symbol) return MSIO_OK;
    dlclose(handle);
    return msio_error_set(module->missing, path,
                          "this %s module belongs to another version of msio; install the one of msio %s", module->what,
                          MSIO_VERSION_STRING);
}

msio_status msio_module_path(msio_module *module, char path[PATH_MAX]) {
    if (!module->named_known) {
        const char *name = secure_getenv(module->variable);
        if (name && *name && !(module->named = strdup(name)))
            return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the path of the %s module", module->what);
        module->named_known = 1;
    }
    if (module->named) {
        if (snprintf(path, PATH_MAX, "%s", module->named) < PATH_MAX) return MSIO_OK;
        return msio_error_set(module->missing, NULL, "%s holds a path of more than %d bytes", module->variable,
                              PATH_MAX - 1);
    }
    if (find(module->file, path)) return MSIO_OK;
    return msio_error_set(module->missing, NULL,
                          "%s is needed here, and the module %s is neither beside msio nor where it was installed; "
                          "build msio with %s (%s), or set %s to the module's path",
                          module->what, module->file, module->what, module->build, module->variable);
}

msio_status msio_module_open(msio_module *module, void **symbol) {
    char path[PATH_MAX];
    msio_status status = msio_module_path(module, path);
    return status ? status : open_at(module, path, symbol);
}
