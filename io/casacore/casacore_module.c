/* casacore_module.c - finding, loading and calling the casacore module in this very process. */
#include "io/casacore/casacore_module.h"

#include "core/descriptors.h"
#include "core/error.h"
#include "core/lock.h"
#include "core/writing.h"
#include "io/files/module.h"
#include "msio/io.h"

#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Entering casacore guards everything below as well: it keeps tables and caches of the process without a lock of its
 * own. */
static const msio_casa_functions *functions;
static msio_module module = {.file = "msio_casacore.so",
                             .variable = "MSIO_CASACORE_MODULE",
                             .symbol = MSIO_CASA_SYMBOL,
                             .what = "casacore",
                             .packages = "casacore's libraries (Debian: apt-get install libcasa-tables7)",
                             .build = "Debian: apt-get install casacore-dev",
                             .missing = MSIO_E_CASACORE};

/* ---------------------------------------------------------------- loading */

/* Stops at a library of casacore's tables that is not the one that the module needs. */
static int find_other(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    const char *slash = strrchr(info->dlpi_name, '/'), *name = slash ? slash + 1 : info->dlpi_name;
    if (strncmp(name, "libcasa_tables", 14) != 0 && strncmp(name, "libcasatables", 13) != 0 &&
        strncmp(name, "libcasacpp", 10) != 0)
        return 0;
#ifdef MSIO_CASA_TABLES_FILE
    if (strcmp(name, MSIO_CASA_TABLES_FILE) == 0) return 0;
#endif
    snprintf(user, PATH_MAX, "%s", info->dlpi_name);
    return 1;
}

/* Tables are made all the same: what was seen to crash is reading. */
static msio_status check_other_copy(const char *path) {
    char other[PATH_MAX];
    if (!dl_iterate_phdr(find_other, other)) return MSIO_OK;
    return msio_error_set(MSIO_E_CASACORE, path,
                          "casacore is needed here, and this process holds another copy of it already (%s): two in one "
                          "process crash; use the command msio, or a process without that copy",
                          other);
}

/* What would go wrong if the module were loaded now. */
static msio_status check_process(void) {
    if (access("/proc/meminfo", R_OK) != 0)
        return msio_error_system(MSIO_E_CASACORE, "/proc/meminfo",
                                 "casacore is needed here, and ends the process where /proc is not mounted; mount it");
    return MSIO_OK;
}

/* Loads the module if that has not been done. Within casacore. */
static msio_status load_module(void) {
    if (functions) return MSIO_OK;
    void *symbol = NULL;
    msio_status status = check_process();
    if (!status) status = msio_module_open(&module, &symbol);
    if (status) return status;
    msio_casacore_functions_fn *get = NULL;
    *(void **)&get = symbol;
    const msio_casa_functions *found = get();
    if (!found || found->version != MSIO_CASA_VERSION || found->struct_size != sizeof *found)
        return msio_error_set(MSIO_E_CASACORE, module.named,
                              "this casacore module belongs to another version of msio; install the one of msio %s",
                              MSIO_VERSION_STRING);
    functions = found; /* the module stays: casacore cannot be unloaded safely */
    return MSIO_OK;
}

static msio_status enter(void) {
    if (msio_library_enter(MSIO_LIBRARY_CASACORE)) return MSIO_OK;
    return msio_error_set(MSIO_E_CASACORE, NULL,
                          "a thread was inside casacore when this process was forked, so that it cannot be used here: "
                          "fork before, or start the process anew (multiprocessing: \"spawn\")");
}

/* Stops at the very library of casacore's tables that the module needs. */
static int find_same(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
#ifdef MSIO_CASA_TABLES_FILE
    const char *slash = strrchr(info->dlpi_name, '/'), *name = slash ? slash + 1 : info->dlpi_name;
    return strcmp(name, MSIO_CASA_TABLES_FILE) == 0;
#else
    (void)info;
    return 0;
#endif
}

bool msio_casacore_shared(void) {
    static bool shared; /* the program brought it, not the module */
    if (!msio_library_enter(MSIO_LIBRARY_CASACORE)) return false;
    if (!functions && dl_iterate_phdr(find_same, NULL)) shared = true;
    bool answer = shared;
    msio_library_leave(MSIO_LIBRARY_CASACORE);
    return answer;
}

msio_status msio_casacore_module_path(char path[PATH_MAX]) {
    if (enter()) return MSIO_E_CASACORE;
    msio_status status = msio_module_path(&module, path);
    msio_library_leave(MSIO_LIBRARY_CASACORE);
    return status;
}

msio_status msio_casacore_load(void) {
    if (enter()) return MSIO_E_CASACORE;
    msio_status status = load_module();
    msio_library_leave(MSIO_LIBRARY_CASACORE);
    return status;
}

const char *msio_casacore_version(void) {
    if (!msio_library_enter(MSIO_LIBRARY_CASACORE)) return NULL;
    const char *version = functions ? functions->casacore_version() : NULL;
    msio_library_leave(MSIO_LIBRARY_CASACORE);
    return version;
}

/* ---------------------------------------------------------------- calling */

/* One call into casacore: begin loads the module and keeps others out, end lets them in and sets the error record. */
typedef struct call {
    const char *doing; /* "reading", ... */
    const char *path;
    const char *column; /* NULL: none concerned */
    msio_casa_message message;
    msio_writing writing;
} call;

static msio_status call_begin(call *this, const char *doing, const msio_casa_table *table, const char *column) {
    this->doing = doing;
    this->path = NULL;
    this->column = column;
    this->message.text[0] = '\0';
    if (enter()) return MSIO_E_CASACORE;
    msio_status status = load_module();
    if (status != MSIO_OK) {
        msio_library_leave(MSIO_LIBRARY_CASACORE);
        return status;
    }
    if (table) this->path = functions->path(table);
    msio_writing_begin(&this->writing); /* casacore writes by itself */
    return MSIO_OK;
}

static msio_status call_end(call *this, msio_status status) {
    msio_writing_end(&this->writing);
    msio_library_leave(MSIO_LIBRARY_CASACORE);
    if (status == MSIO_OK) return MSIO_OK;
    return msio_error_set(status, this->path, "%s %s%s through casacore: %s", this->doing,
                          this->column ? "column " : "the table", this->column ? this->column : "", this->message.text);
}

msio_status msio_casa_open(const char *path, msio_casa_table **table) {
    call this;
    msio_status status = check_other_copy(path);
    if (!status) status = call_begin(&this, "opening", NULL, NULL);
    if (status != MSIO_OK) return status;
    this.path = path;
    do status = functions->open(path, table, &this.message);
    while (status && msio_descriptors_relieve());
    return call_end(&this, status);
}

void msio_casa_close(msio_casa_table *table) {
    msio_writing writing;
    if (!table || !msio_library_enter(MSIO_LIBRARY_CASACORE)) return;
    msio_writing_begin(&writing);
    functions->close(table);
    msio_writing_end(&writing);
    msio_library_leave(MSIO_LIBRARY_CASACORE);
}

msio_status msio_casa_reopen(msio_casa_table *table) {
    call this;
    msio_status status = call_begin(&this, "opening", table, NULL);
    if (status != MSIO_OK) return status;
    do status = functions->reopen(table, &this.message);
    while (status && msio_descriptors_relieve());
    return call_end(&this, status);
}

int64_t msio_casa_rows(const msio_casa_table *table) {
    if (!msio_library_enter(MSIO_LIBRARY_CASACORE)) return 0;
    int64_t rows = functions->rows(table);
    msio_library_leave(MSIO_LIBRARY_CASACORE);
    return rows;
}

int msio_casa_columns(const msio_casa_table *table) {
    if (!msio_library_enter(MSIO_LIBRARY_CASACORE)) return 0;
    int columns = functions->columns(table);
    msio_library_leave(MSIO_LIBRARY_CASACORE);
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

msio_status msio_casa_change(const char *path, const char *orders, size_t bytes, msio_casa_message *said) {
    call this;
    msio_status status = check_other_copy(path);
    if (!status) status = call_begin(&this, "changing", NULL, NULL);
    if (status != MSIO_OK) return status;
    this.path = path;
    status = functions->change(path, orders, bytes, &this.message);
    *said = this.message;
    return call_end(&this, status);
}
