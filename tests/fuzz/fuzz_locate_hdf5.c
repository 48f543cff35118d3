/* fuzz_locate_hdf5.c - what bytes of an HDF5 file belong to, where chunk indices are anything: parts lie within what
 * was asked, leave no byte out, and name rows and chunks that their dataset has. What HDF5's library tells of a dataset
 * is in the input, so that the library is not what is tried.
 *
 * The input: a byte with the number of datasets; for each of them a byte (1: chunked, 2 and 4: its axes less one, 8:
 * its chunks are filtered), for each axis a byte with the chunk's length and two with the axis's (little endian), a
 * byte with the bytes of an element, two with the place of its object header, or of its values; the file. */
#include "fuzz_target.h"
#include "io/locate/locating.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DATASETS_MOST 3
#define AXIS_MOST 0x1fffu /* so that the bytes of four axes can be counted: what cannot is not read by address */

/* The next byte of the input, 0 behind its end. */
static unsigned take(const uint8_t **data, size_t *size) {
    if (!*size) return 0;
    --*size;
    return *(*data)++;
}

static unsigned take_two(const uint8_t **data, size_t *size) {
    unsigned low = take(data, size);
    return low | take(data, size) << 8;
}

static void take_dataset(const uint8_t **data, size_t *size, msio_h5_info *info) {
    unsigned how = take(data, size);
    *info = (msio_h5_info){.storage = how & 1 ? MSIO_H5_CHUNKED : MSIO_H5_CONTIGUOUS,
                           .ndim = 1 + (int)(how >> 1 & 3),
                           .filters = (int)(how >> 3 & 1),
                           .elements = 1};
    for (int k = 0; k < info->ndim; k++) {
        info->chunk[k] = take(data, size);
        info->shape[k] = take_two(data, size) & AXIS_MOST;
        info->elements *= info->shape[k];
    }
    info->stored = take(data, size);
    info->bytes = info->elements * info->stored;
    info->header = info->address = take_two(data, size);
}

/* An open file that its library has been closed of, with datasets that have been asked for. */
static void add_dataset(msio_hdf5 *file, const msio_h5_info *info) {
    msio_dataset *d = calloc(1, sizeof *d);
    char name[16];
    snprintf(name, sizeof name, "d/%d", file->names);
    if (!d || !(d->name = strdup(name)) || !(file->name[file->names++] = strdup(name))) abort();
    d->file = file;
    d->info = *info;
    if (info->storage == MSIO_H5_CHUNKED && msio_chunks_load(file->bytes, info, NULL, &d->chunks))
        d->chunks = (msio_chunk_list){0};
    d->next = file->dataset;
    file->dataset = d;
}

static msio_hdf5 *make_file(int fd, const msio_h5_info *info, int n) {
    char path[40];
    msio_hdf5 *file = calloc(1, sizeof *file);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!file || !(file->path = strdup(path)) || !(file->name = calloc(DATASETS_MOST, sizeof *file->name))) abort();
    msio_lengthy_init(&file->describing);
    if (msio_file_open(path, &file->bytes) == MSIO_OK)
        for (int i = 0; i < n; i++) add_dataset(file, &info[i]);
    return file;
}

/* What was asked, and up to where it has been told. */
typedef struct asked {
    const msio_hdf5 *file;
    int64_t from, to, told;
} asked;

static const msio_dataset *dataset_of(const msio_hdf5 *file, const char *name) {
    const msio_dataset *d = file->dataset;
    while (d && d->name != name) d = d->next;
    return d;
}

static int check(void *user, const msio_located *part) {
    asked *a = user;
    const msio_dataset *d = part->column ? dataset_of(a->file, part->column) : NULL;
    int64_t end = part->offset + part->length;
    if (!part->what || part->length <= 0 || part->offset < a->from || end > a->to || part->offset > a->told) abort();
    if (end > a->told) a->told = end;
    if (part->column && !d) abort();
    if (!part->column && (part->row != -1 || part->unit != -1)) abort();
    if (part->row < -1 || part->rows < 0 || (part->row == -1 && part->rows)) abort();
    if (d && part->row >= 0 && part->row + part->rows > d->info.shape[0]) abort();
    if (d && part->unit >= 0 && (part->unit_at > part->offset || part->unit_at + part->unit_bytes < end)) abort();
    return 0;
}

static void ask(const msio_locate_index *index, const msio_hdf5 *file, int64_t from, int64_t to) {
    asked a = {file, from, to, from};
    msio_question question = {.from = from, .to = to, .visit = check, .user = &a};
    msio_status status = MSIO_OK;
    index->find(index, &question, &status);
    if (status || a.told != to) abort();
}

static void ask_much(msio_hdf5 *file, int64_t size) {
    msio_locate_index index = {0};
    if (msio_locate_hdf5(file, &index)) abort();
    ask(&index, file, 0, size + 100);
    ask(&index, file, size, INT64_MAX);
    for (int64_t from = 0, step = 1 + size / 40; from < size; from += step) {
        ask(&index, file, from, from + 1);
        ask(&index, file, from, from + step);
        ask(&index, file, from, size);
    }
    index.free_state(index.state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int fd = -1;
    msio_h5_info info[DATASETS_MOST];
    int n = 1 + (int)(take(&data, &size) % DATASETS_MOST);
    for (int i = 0; i < n; i++) take_dataset(&data, &size, &info[i]);
    if (fd < 0) fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size) return 0;
    msio_hdf5 *file = make_file(fd, info, n);
    if (file->bytes) ask_much(file, (int64_t)size);
    msio_hdf5_close(file);
    return 0;
}
