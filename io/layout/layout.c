/* layout.c - what all layouts share: their files, stored sizes, boxes of contiguous cells. */
#include "io/layout/layout.h"

#include "core/error.h"

#include <stdio.h>
#include <stdlib.h>

const char *msio_manager_path(const msio_manager *manager, const char *suffix, char *buffer, size_t size) {
    snprintf(buffer, size, "%s/table.f%lld%s", manager->directory,
             (long long)manager->dat->manager[manager->index].sequence, suffix);
    return buffer;
}

msio_status msio_manager_file(msio_manager *manager, const char *suffix, msio_file **file) {
    char path[4096];
    msio_file *opened = NULL;
    msio_status status = msio_file_open(msio_manager_path(manager, suffix, path, sizeof path), &opened);
    if (status == MSIO_E_NOT_FOUND)
        return msio_error_set(MSIO_E_FORMAT, path, "this file of the table is missing; restore it from a copy");
    if (status) return status;
    msio_file **grown = realloc(manager->file, (size_t)(manager->files + 1) * sizeof *grown);
    if (!grown) {
        msio_file_close(opened);
        return msio_error_set(MSIO_E_MEMORY, path, "no memory to open a file");
    }
    opened->left = manager->left;
    manager->file = grown;
    manager->file[manager->files++] = opened;
    *file = opened;
    return MSIO_OK;
}

bool msio_manager_changed(const msio_manager *manager) {
    for (int i = 0; i < manager->files; i++) {
        msio_stamp now;
        if (msio_stamp_path(manager->file[i]->path, &now) || !msio_stamp_equal(&now, &manager->file[i]->stamp))
            return true;
    }
    return false;
}

int msio_stored_size(msio_type type) { return type == MSIO_BOOL ? 0 : (int)msio_type_size(type); }

void msio_want_box(const msio_want *want, msio_type type, msio_box *box, int64_t *first) {
    int64_t src = type == MSIO_BOOL ? 1 : msio_stored_size(type), dst = (int64_t)msio_type_size(type);
    *first = 0;
    box->ndim = want->ndim;
    for (int k = 0; k < want->ndim; k++) {
        const msio_range *r = &want->axis[k];
        box->count[k] = r->count;
        box->src[k] = r->step * src;
        box->dst[k] = dst;
        *first += r->start * src;
        src *= want->shape[k];
        dst *= r->count;
    }
}
