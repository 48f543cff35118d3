/* casacore_module.c - finding, loading and calling the casacore module. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr, secure_getenv */
#endif

#include "io/casacore_module.h"

#include "core/error.h"
#include "msio/io.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE_FILE "msio_casacore.so"
#define MODULE_VARIABLE "MSIO_CASACORE_MODULE"
#define INSTALL_HINT "install casacore's libraries (Debian: apt-get install libcasa-tables7)"

/* Guards everything below, and casacore itself: it keeps tables and caches of the process without a lock of its own. */
static pthread_mutex_t casacore_mutex = PTHREAD_MUTEX_INITIALIZER;
static const msio_casa_functions *functions;
static char *named_module; /* what the environment said at the first call, NULL: nothing */
static bool named_known;

/* ---------------------------------------------------------------- loading */

/* A child must not inherit the mutex locked by a thread that it does not have. */
static void before_fork(void) { pthread_mutex_lock(&casacore_mutex); }

static void after_fork(void) { pthread_mutex_unlock(&casacore_mutex); }

/* The folder of the file that holds this very code: libmsio.so, or the program that it is linked into. */
static bool own_folder(char folder[PATH_MAX]) {
    Dl_info info;
    if (!dladdr((const void *)&functions, &info) || !info.dli_fname) return false;
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
static bool find_module(char path[PATH_MAX]) {
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
            int length = snprintf(path, PATH_MAX, "%s%s" MODULE_FILE, folder, places[i]);
            if (length < PATH_MAX && access(path, F_OK) == 0) return true;
        }
    }
#ifdef MSIO_MODULE_DIR
    int length = snprintf(path, PATH_MAX, "%s/" MODULE_FILE, MSIO_MODULE_DIR);
    if (length < PATH_MAX && access(path, F_OK) == 0) return true;
#endif
    return false;
}

/* Opens the module at path and takes its functions. */
static msio_status open_module(const char *path) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *why = dlerror();
        return msio_error_set(MSIO_E_CASACORE, path, "casacore is needed here and cannot be loaded: %s; " INSTALL_HINT,
                              why ? why : "the system does not say why");
    }
    msio_casacore_functions_fn *get = NULL;
    *(void **)&get = dlsym(handle, MSIO_CASA_SYMBOL);
    const msio_casa_functions *found = get ? get() : NULL;
    if (!found || found->version != MSIO_CASA_VERSION || found->struct_size != sizeof *found) {
        dlclose(handle);
        return msio_error_set(MSIO_E_CASACORE, path,
                              "this casacore module belongs to another version of msio; install the one of msio %s",
                              MSIO_VERSION_STRING);
    }
    static bool forks_known;
    if (!forks_known) forks_known = pthread_atfork(before_fork, after_fork, after_fork) == 0;
    functions = found; /* the module stays: casacore cannot be unloaded safely */
    return MSIO_OK;
}

/* Loads the module if that has not been done. With the mutex held. */
static msio_status load_module(void) {
    if (functions) return MSIO_OK;
    if (!named_known) {
        const char *name = secure_getenv(MODULE_VARIABLE);
        if (name && *name && !(named_module = strdup(name)))
            return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the path of the casacore module");
        named_known = true;
    }
    if (named_module) return open_module(named_module);
    char path[PATH_MAX];
    if (find_module(path)) return open_module(path);
    return msio_error_set(
        MSIO_E_CASACORE, NULL,
        "casacore is needed here, and the module " MODULE_FILE " is neither beside msio nor where it "
        "was installed; build msio with casacore (Debian: apt-get install casacore-dev), or set " MODULE_VARIABLE
        " to the module's path");
}

msio_status msio_casacore_load(void) {
    pthread_mutex_lock(&casacore_mutex);
    msio_status status = load_module();
    pthread_mutex_unlock(&casacore_mutex);
    return status;
}

const char *msio_casacore_version(void) {
    pthread_mutex_lock(&casacore_mutex);
    const char *version = functions ? functions->casacore_version() : NULL;
    pthread_mutex_unlock(&casacore_mutex);
    return version;
}

/* ---------------------------------------------------------------- calling */

/* One call into casacore: begin loads the module and keeps others out, end lets them in and sets the error record. */
typedef struct call {
    const char *doing; /* "reading", ... */
    const char *path;
    const char *column; /* NULL: none concerned */
    msio_casa_message message;
} call;

static msio_status call_begin(call *this, const char *doing, const msio_casa_table *table, const char *column) {
    this->doing = doing;
    this->path = NULL;
    this->column = column;
    this->message.text[0] = '\0';
    pthread_mutex_lock(&casacore_mutex);
    msio_status status = load_module();
    if (status != MSIO_OK)
        pthread_mutex_unlock(&casacore_mutex);
    else if (table)
        this->path = functions->path(table);
    return status;
}

static msio_status call_end(const call *this, msio_status status) {
    pthread_mutex_unlock(&casacore_mutex);
    if (status == MSIO_OK) return MSIO_OK;
    return msio_error_set(status, this->path, "%s %s%s through casacore: %s", this->doing,
                          this->column ? "column " : "the table", this->column ? this->column : "", this->message.text);
}

msio_status msio_casa_open(const char *path, msio_casa_table **table) {
    call this;
    msio_status status = call_begin(&this, "opening", NULL, NULL);
    if (status != MSIO_OK) return status;
    this.path = path;
    return call_end(&this, functions->open(path, table, &this.message));
}

void msio_casa_close(msio_casa_table *table) {
    if (!table) return;
    pthread_mutex_lock(&casacore_mutex);
    functions->close(table);
    pthread_mutex_unlock(&casacore_mutex);
}

msio_status msio_casa_reopen(msio_casa_table *table) {
    call this;
    msio_status status = call_begin(&this, "opening", table, NULL);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->reopen(table, &this.message));
}

int64_t msio_casa_rows(const msio_casa_table *table) {
    pthread_mutex_lock(&casacore_mutex);
    int64_t rows = functions->rows(table);
    pthread_mutex_unlock(&casacore_mutex);
    return rows;
}

int msio_casa_columns(const msio_casa_table *table) {
    pthread_mutex_lock(&casacore_mutex);
    int columns = functions->columns(table);
    pthread_mutex_unlock(&casacore_mutex);
    return columns;
}

msio_status msio_casa_column(msio_casa_table *table, int index, msio_casa_column_info *info) {
    call this;
    msio_status status = call_begin(&this, "describing", table, NULL);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->column(table, index, info, &this.message));
}

msio_status msio_casa_readable(msio_casa_table *table, const char *column) {
    call this;
    msio_status status = call_begin(&this, "reading", table, column);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->readable(table, column, &this.message));
}

msio_status msio_casa_shapes(msio_casa_table *table, const char *column, const msio_casa_row_set *rows, int8_t *ndims,
                             int64_t (*shapes)[MSIO_MAX_NDIM]) {
    call this;
    msio_status status = call_begin(&this, "reading", table, column);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->shapes(table, column, rows, ndims, shapes, &this.message));
}

msio_status msio_casa_read(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                           const msio_casa_part *part, const void *fill, void *out, size_t out_bytes, int64_t *bad) {
    int64_t place = -1;
    if (!bad) bad = &place;
    call this;
    msio_status status = call_begin(&this, "reading", table, column);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->read(table, column, rows, part, fill, out, out_bytes, bad, &this.message));
}

msio_status msio_casa_read_ragged(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                                  const msio_casa_part *part, const int64_t *counts, void *out, size_t out_bytes,
                                  int64_t *bad) {
    int64_t place = -1;
    if (!bad) bad = &place;
    call this;
    msio_status status = call_begin(&this, "reading", table, column);
    if (status != MSIO_OK) return status;
    return call_end(&this,
                    functions->read_ragged(table, column, rows, part, counts, out, out_bytes, bad, &this.message));
}

msio_status msio_casa_read_strings(msio_casa_table *table, const char *column, const msio_casa_row_set *rows,
                                   const msio_casa_part *part, const int64_t *counts, msio_casa_text_sink *sink,
                                   void *user, int64_t *bad) {
    int64_t place = -1;
    if (!bad) bad = &place;
    call this;
    msio_status status = call_begin(&this, "reading", table, column);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->read_strings(table, column, rows, part, counts, sink, user, bad, &this.message));
}

msio_status msio_casa_create(const char *path, const msio_casa_table_spec *spec, msio_casa_table **table) {
    call this;
    msio_status status = call_begin(&this, "making", NULL, NULL);
    if (status != MSIO_OK) return status;
    this.path = path;
    return call_end(&this, functions->create(path, spec, table, &this.message));
}

msio_status msio_casa_shape(msio_casa_table *table, const char *column, int64_t row, int64_t count, int ndim,
                            const int64_t *shape) {
    call this;
    msio_status status = call_begin(&this, "writing", table, column);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->shape(table, column, row, count, ndim, shape, &this.message));
}

msio_status msio_casa_put(msio_casa_table *table, const char *column, int64_t row, int64_t count, int ndim,
                          const int64_t *shape, const void *values) {
    call this;
    msio_status status = call_begin(&this, "writing", table, column);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->put(table, column, row, count, ndim, shape, values, &this.message));
}

msio_status msio_casa_put_strings(msio_casa_table *table, const char *column, int64_t row, int64_t count, int ndim,
                                  const int64_t *shape, const char *const *values) {
    call this;
    msio_status status = call_begin(&this, "writing", table, column);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->put_strings(table, column, row, count, ndim, shape, values, &this.message));
}

msio_status msio_casa_link(msio_casa_table *parent, const char *name, msio_casa_table *table) {
    call this;
    msio_status status = call_begin(&this, "writing", parent, NULL);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->link(parent, name, table, &this.message));
}

msio_status msio_casa_flush(msio_casa_table *table) {
    call this;
    msio_status status = call_begin(&this, "writing", table, NULL);
    if (status != MSIO_OK) return status;
    return call_end(&this, functions->flush(table, &this.message));
}
