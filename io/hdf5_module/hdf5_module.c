/* hdf5_module.c - loading and calling the HDF5 module. */
#include "io/hdf5_module/hdf5_module.h"

#include "core/descriptors.h"
#include "core/error.h"
#include "core/lock.h"
#include "core/writing.h"
#include "io/files/module.h"
#include "msio/hdf5.h"

/* Entering the library guards everything below as well: whether it was built for threads is not ours to know. */
static const msio_h5_functions *functions;
static msio_module module = {.file = "msio_hdf5.so",
                             .variable = "MSIO_HDF5_MODULE",
                             .symbol = MSIO_H5_SYMBOL,
                             .what = "HDF5",
                             .packages = "HDF5's library (Debian: apt-get install libhdf5-103-1)",
                             .build = "Debian: apt-get install libhdf5-dev",
                             .missing = MSIO_E_UNSUPPORTED};

/* ---------------------------------------------------------------- loading */

/* Within the library. */
static msio_status load_module(void) {
    if (functions) return MSIO_OK;
    void *symbol = NULL;
    msio_status status = msio_module_open(&module, &symbol);
    if (status) return status;
    msio_hdf5_functions_fn *get = NULL;
    *(void **)&get = symbol;
    const msio_h5_functions *found = get();
    if (!found || found->version != MSIO_H5_VERSION || found->struct_size != sizeof *found)
        return msio_error_set(MSIO_E_UNSUPPORTED, module.named,
                              "this HDF5 module belongs to another version of msio; install the one of msio %s",
                              MSIO_VERSION_STRING);
    functions = found;
    return MSIO_OK;
}

const char *msio_hdf5_version(void) {
    if (!msio_library_enter(MSIO_LIBRARY_HDF5)) return NULL;
    const char *version = functions ? functions->library_version() : NULL;
    msio_library_leave(MSIO_LIBRARY_HDF5);
    return version;
}

/* ---------------------------------------------------------------- calling */

/* Lets others in again, and sets the error record. A sink that failed has set it: then the message is empty. */
static msio_status leave(const char *path, msio_status status, const msio_h5_message *message) {
    msio_library_leave(MSIO_LIBRARY_HDF5);
    return status == MSIO_OK || !message->text[0] ? status : msio_error_set(status, path, "%s", message->text);
}

/* Enters with the module loaded, or not at all. */
static msio_status enter(msio_h5_message *message) {
    message->text[0] = '\0';
    if (!msio_library_enter(MSIO_LIBRARY_HDF5))
        return msio_error_set(MSIO_E_UNSUPPORTED, NULL,
                              "a thread was inside HDF5's library when this process was forked, so that it cannot be "
                              "used here: fork before, or start the process anew (multiprocessing: \"spawn\")");
    msio_status status = load_module();
    if (status) msio_library_leave(MSIO_LIBRARY_HDF5);
    return status;
}

msio_status msio_h5_open(const char *path, bool nolock, msio_h5_guard_sink guard, void *user, msio_h5_file **file,
                         int *fd) {
    msio_h5_message message;
    msio_status status = enter(&message);
    if (status) return status;
    do status = functions->open(path, nolock, guard, user, file, fd, &message);
    while (status && msio_descriptors_relieve());
    return leave(path, status, &message);
}

void msio_h5_close(msio_h5_file *file) {
    msio_writing writing;
    if (!file || !msio_library_enter(MSIO_LIBRARY_HDF5)) return;
    msio_writing_begin(&writing);
    functions->close(file);
    msio_writing_end(&writing);
    msio_library_leave(MSIO_LIBRARY_HDF5);
}

msio_status msio_h5_names(msio_h5_file *file, const char *path, msio_h5_name_sink sink, void *user) {
    msio_h5_message message;
    msio_status status = enter(&message);
    return status ? status : leave(path, functions->names(file, sink, user, &message), &message);
}

msio_status msio_h5_visit(msio_h5_file *file, const char *path, const char *group, int64_t limit,
                          msio_h5_value_sink sink, void *user) {
    msio_h5_message message;
    msio_status status = enter(&message);
    return status ? status : leave(path, functions->visit(file, group, limit, sink, user, &message), &message);
}

msio_status msio_h5_dataset_open(msio_h5_file *file, const char *path, const char *name, msio_h5_dataset **dataset,
                                 msio_h5_info *info) {
    msio_h5_message message;
    msio_status status = enter(&message);
    return status ? status : leave(path, functions->dataset(file, name, dataset, info, &message), &message);
}

void msio_h5_dataset_close(msio_h5_dataset *dataset) {
    msio_writing writing;
    if (!dataset || !msio_library_enter(MSIO_LIBRARY_HDF5)) return;
    msio_writing_begin(&writing);
    functions->dataset_close(dataset);
    msio_writing_end(&writing);
    msio_library_leave(MSIO_LIBRARY_HDF5);
}

msio_status msio_h5_read(msio_h5_dataset *dataset, const char *path, const int64_t *start, const int64_t *count,
                         const int64_t *step, void *out) {
    msio_h5_message message;
    msio_status status = enter(&message);
    return status ? status : leave(path, functions->read(dataset, start, count, step, out, &message), &message);
}

msio_status msio_h5_read_texts(msio_h5_dataset *dataset, const char *path, msio_h5_text_sink sink, void *user) {
    msio_h5_message message;
    msio_status status = enter(&message);
    return status ? status : leave(path, functions->read_texts(dataset, sink, user, &message), &message);
}

msio_status msio_h5_chunks(msio_h5_dataset *dataset, const char *path, msio_h5_chunk_sink sink, void *user) {
    msio_h5_message message;
    msio_status status = enter(&message);
    return status ? status : leave(path, functions->chunks(dataset, sink, user, &message), &message);
}

/* HDF5 writes by itself, whenever it likes: also while it closes. */

bool msio_h5_undoes(int filter) {
    msio_h5_message message;
    if (enter(&message)) return false;
    bool can = functions->undoes(filter);
    msio_library_leave(MSIO_LIBRARY_HDF5);
    return can;
}

msio_status msio_hdf5_plugins(const char *folder) {
    msio_h5_message message;
    if (!folder || !*folder) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no folder of plugins was named");
    msio_status status = enter(&message);
    return status ? status : leave(folder, functions->plugins(folder, &message), &message);
}

msio_status msio_h5_create(const char *path, msio_h5_file **file) {
    msio_h5_message message;
    msio_writing writing;
    msio_status status = enter(&message);
    if (status) return status;
    msio_writing_begin(&writing);
    status = functions->create(path, file, &message);
    msio_writing_end(&writing);
    return leave(path, status, &message);
}

msio_status msio_h5_make(msio_h5_file *file, const char *path, const msio_h5_spec *spec, msio_h5_dataset **dataset) {
    msio_h5_message message;
    msio_writing writing;
    msio_status status = enter(&message);
    if (status) return status;
    msio_writing_begin(&writing);
    status = functions->make(file, spec, dataset, &message);
    msio_writing_end(&writing);
    return leave(path, status, &message);
}

msio_status msio_h5_write(msio_h5_dataset *dataset, const char *path, const int64_t *start, const int64_t *count,
                          const void *values) {
    msio_h5_message message;
    msio_writing writing;
    msio_status status = enter(&message);
    if (status) return status;
    msio_writing_begin(&writing);
    status = functions->write(dataset, start, count, values, &message);
    msio_writing_end(&writing);
    return leave(path, status, &message);
}

msio_status msio_h5_flush(msio_h5_file *file, const char *path) {
    msio_h5_message message;
    msio_writing writing;
    msio_status status = enter(&message);
    if (status) return status;
    msio_writing_begin(&writing);
    status = functions->flush(file, &message);
    msio_writing_end(&writing);
    return leave(path, status, &message);
}
