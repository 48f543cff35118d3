/* uvh5.c - UVH5 files opened and closed. */
#include "core/error.h"
#include "io/uvh5/uvh5_header.h"
#include "prof/call.h"
#include "prof/span.h"

#include <stdlib.h>

msio_status msio_uvh5_open(const char *path, const msio_hdf5_opts *opts, msio_uvh5 **file) {
    PROF_CALL(path);
    prof_span span;
    if (!file) return msio_error_set(MSIO_E_ARGUMENT, path, "nowhere to put the file");
    msio_uvh5 *f = calloc(1, sizeof *f);
    if (!f) return msio_error_set(MSIO_E_MEMORY, path, "no memory for a file");
    prof_begin(&span, PROF_PATH_OPEN);
    msio_status status = msio_hdf5_open(path, opts, &f->hdf5);
    if (!status) status = msio_uvh5_header_read(f->hdf5, &f->arena, &f->header);
    if (!status) status = msio_hdf5_unchanged(f->hdf5);
    prof_end(&span, NULL);
    if (status)
        msio_uvh5_close(f);
    else
        *file = f;
    return status;
}

void msio_uvh5_close(msio_uvh5 *file) {
    PROF_CALL(file && file->hdf5 ? file->header.path : NULL);
    if (!file) return;
    msio_hdf5_close(file->hdf5);
    msio_arena_free(&file->arena);
    free(file);
}

const msio_uvh5_header *msio_uvh5_describe(const msio_uvh5 *file) { return &file->header; }

msio_hdf5 *msio_uvh5_hdf5(msio_uvh5 *file) { return file->hdf5; }
