/* casacore_editor.c - cells put by casacore in the helper's process. */
#include "io/casacore/casacore_editor.h"

#include "core/error.h"
#include "io/casacore/casacore_remote.h"

#include <stdlib.h>
#include <string.h>

struct msio_editor {
    char *path;
    void *table; /* the helper's */
};

static msio_status failed(const char *path, msio_status status, const char *column, const msio_casa_message *said) {
    return msio_error_set(status, path, "writing %s%s through casacore: %s", column ? "column " : "the table",
                          column ? column : "", said->text);
}

static void forget(msio_editor *editor) {
    free(editor->path);
    free(editor);
}

msio_status msio_editor_open(const char *path, const msio_lock *lock, int64_t bytes, msio_editor **editor) {
    msio_casa_message said = {""};
    int descriptor = msio_lock_write_descriptor(lock);
    if (descriptor < 0) return msio_error_set(MSIO_E_LOCKED, path, "the table's write lock is not held");
    if (!msio_remote_ready())
        return msio_error_set(MSIO_E_CASACORE, path,
                              "casacore has to write this, and the program %s, which runs it, cannot be started: "
                              "install msio with casacore",
                              MSIO_REMOTE_FILE);
    msio_editor *made = calloc(1, sizeof *made);
    if (!made || !(made->path = strdup(path))) {
        free(made);
        return msio_error_set(MSIO_E_MEMORY, path, "no memory to write through casacore");
    }
    msio_status status = msio_remote_edit(path, descriptor, bytes, &made->table, &said);
    if (status) {
        forget(made);
        return failed(path, status, NULL, &said);
    }
    *editor = made;
    return MSIO_OK;
}

msio_status msio_editor_put(msio_editor *e, const char *column, const msio_casa_row_set *rows,
                            const msio_casa_part *part, int ndim, const int64_t *shape, const void *values,
                            size_t bytes) {
    msio_casa_message said = {""};
    msio_status status = msio_remote_put(e->table, column, rows, part, ndim, shape, values, bytes, &said);
    return status ? failed(e->path, status, column, &said) : MSIO_OK;
}

msio_status msio_editor_texts(msio_editor *e, const char *column, const msio_casa_row_set *rows, const char *texts,
                              size_t bytes) {
    msio_casa_message said = {""};
    msio_status status = msio_remote_put_texts(e->table, column, rows, texts, bytes, &said);
    return status ? failed(e->path, status, column, &said) : MSIO_OK;
}

msio_status msio_editor_close(msio_editor *e, bool sync) {
    msio_casa_message said = {""};
    if (!e) return MSIO_OK;
    msio_status status = msio_remote_settle(e->table, sync, &said);
    if (status) status = failed(e->path, status, NULL, &said);
    msio_remote_close(e->table);
    forget(e);
    return status;
}
