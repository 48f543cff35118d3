/* fuzz_hdf5_chunks.c - object headers and chunk indices of HDF5 files, over a file in memory.
 *
 * The input: a byte with the axes of the dataset; for each of them a byte with the chunk's length, and two with the
 * axis's (little endian); a byte with the bytes of an element; a byte with the file's base in units of 256; two with
 * the place of the object header; the file. */
#include "fuzz_target.h"
#include "io/hdf5/hdf5_chunks.h"
#include "io/hdf5/hdf5_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define AXES_MOST 4

/* The next byte of the input, 0 behind its end. */
static unsigned take(const uint8_t **data, size_t *size) {
    if (!*size) return 0;
    --*size;
    return *(*data)++;
}

/* What is loaded is sorted, and lies within the grid and the file. */
static void check(const msio_h5_info *info, const msio_chunk_list *list, int64_t size) {
    int64_t all = 1, before = -1;
    for (int k = 0; k < info->ndim; k++) all *= list->grid[k];
    for (int64_t i = 0; i < list->n; before = list->chunk[i++].index) {
        const msio_chunk *c = &list->chunk[i];
        if (c->index <= before || c->index >= all || c->address < 0 || c->bytes < 0 || c->address + c->bytes > size)
            abort();
        if (msio_chunks_from(list, 0, c->index) != i) abort();
    }
}

/* Makes the dataset the one that the header tells of, so that more inputs get as far as the tree. */
static void follow_layout(msio_file *file, msio_h5_info *info) {
    msio_window window;
    msio_h5_layout layout;
    msio_window_open_unmapped(&window, file);
    msio_status status = msio_h5_layout_read(&window, info->header, info->base, &layout);
    if (msio_window_close(&window, status) || layout.class != 2 || layout.version >= 4 || layout.ndim > MSIO_MAX_NDIM)
        return;
    for (int k = info->ndim; k < layout.ndim; k++) info->shape[k] = 1;
    for (int k = 0; k < layout.ndim; k++) info->chunk[k] = layout.chunk[k];
    info->ndim = layout.ndim;
    info->stored = layout.element;
}

static void load(int fd, msio_h5_info *info, bool follow) {
    char path[40];
    msio_file *file = NULL;
    msio_chunk_list list;
    int64_t address;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (msio_file_open(path, &file)) return;
    if (follow) follow_layout(file, info);
    msio_status status = msio_chunks_load(file, info, NULL, &list);
    if (!status) check(info, &list, file->stamp.size);
    msio_chunks_free(&list);
    if (!msio_chunks_address(file, info, &address) && address < -1) abort();
    msio_file_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int fd = -1;
    if (fd < 0) fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0) return 0;
    msio_h5_info info = {.ndim = 1 + (int)(take(&data, &size) % AXES_MOST)};
    for (int k = 0; k < info.ndim; k++) {
        info.chunk[k] = take(&data, &size);
        info.shape[k] = take(&data, &size);
        info.shape[k] |= (int64_t)take(&data, &size) << 8;
    }
    info.stored = take(&data, &size);
    info.base = (int64_t)take(&data, &size) * 256;
    info.header = take(&data, &size);
    info.header |= (int64_t)take(&data, &size) << 8;
    if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size) return 0;
    load(fd, &info, false);
    load(fd, &info, true);
    return 0;
}
