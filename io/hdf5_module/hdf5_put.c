/* hdf5_put.c - whole datasets written into a file that is being made. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* truncate */
#endif
#include "io/hdf5_module/hdf5_put.h"

#include "core/checked.h"
#include "core/error.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Written at a time. */
#define BLOCK_BYTES ((int64_t)64 << 20)

/* After a failure the file is emptied before anything is closed: the HDF5 library cannot close what it cannot write
 * any more, a full disk for one, and would fail again at the process's exit. */
static void give_up(const msio_h5_putter *p) {
    if (p->status == MSIO_OK) return;
    if (truncate(p->place ? p->place : p->path, 0) != 0) errno = 0; /* it is removed anyway */
}

void msio_h5_put_close(const msio_h5_putter *p, msio_h5_dataset *dataset) {
    give_up(p);
    msio_h5_dataset_close(dataset);
}

static void write_blocks(msio_h5_putter *p, msio_h5_dataset *dataset, const msio_h5_spec *spec, const uint8_t *values) {
    int64_t start[MSIO_MAX_NDIM] = {0}, count[MSIO_MAX_NDIM];
    int64_t row = spec->type == MSIO_STRING ? spec->text_bytes : (int64_t)msio_type_size(spec->type);
    memcpy(count, spec->shape, sizeof count);
    for (int k = 1; k < spec->ndim; k++) row *= spec->shape[k];
    if (spec->ndim == 0) {
        p->status = msio_h5_write(dataset, p->path, start, count, values);
        return;
    }
    if (row == 0) return;
    const int64_t step = msio_max(1, BLOCK_BYTES / row);
    for (; start[0] < spec->shape[0] && p->status == MSIO_OK; start[0] += step) {
        count[0] = msio_min(step, spec->shape[0] - start[0]);
        p->status = msio_h5_write(dataset, p->path, start, count, values + start[0] * row);
    }
}

void msio_h5_put(msio_h5_putter *p, const msio_h5_spec *spec, const void *values) {
    msio_h5_dataset *dataset = NULL;
    if (p->status != MSIO_OK) return;
    p->status = msio_h5_make(p->file, p->path, spec, &dataset);
    if (p->status == MSIO_OK && values) write_blocks(p, dataset, spec, values);
    msio_h5_put_close(p, dataset);
}

void msio_h5_put_number(msio_h5_putter *p, const char *name, msio_type type, const void *value) {
    msio_h5_put(p, &(msio_h5_spec){.name = name, .type = type}, value);
}

void msio_h5_put_integer(msio_h5_putter *p, const char *name, int64_t value) {
    msio_h5_put_number(p, name, MSIO_INT64, &value);
}

void msio_h5_put_double(msio_h5_putter *p, const char *name, double value) {
    msio_h5_put_number(p, name, MSIO_DOUBLE, &value);
}

void msio_h5_put_list(msio_h5_putter *p, const char *name, msio_type type, int64_t n, int64_t wide,
                      const void *values) {
    msio_h5_put(p, &(msio_h5_spec){.name = name, .type = type, .ndim = wide > 1 ? 2 : 1, .shape = {n, wide}}, values);
}

void msio_h5_put_text(msio_h5_putter *p, const char *name, const char *text) {
    const size_t bytes = strlen(text);
    if (bytes > INT_MAX / 2) return;
    msio_h5_put(p, &(msio_h5_spec){.name = name, .type = MSIO_STRING, .text_bytes = (int)(bytes ? bytes : 1)}, text);
}

void msio_h5_put_texts(msio_h5_putter *p, const char *name, int64_t n, const char *const *texts) {
    size_t longest = 1;
    if (p->status != MSIO_OK) return;
    for (int64_t i = 0; i < n; i++) longest = strlen(texts[i]) > longest ? strlen(texts[i]) : longest;
    char *cells = longest > INT_MAX / 2 ? NULL : calloc((size_t)n + 1, longest);
    if (!cells) {
        p->status = msio_error_set(MSIO_E_MEMORY, p->path, "no memory for %lld texts", (long long)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) memcpy(cells + (size_t)i * longest, texts[i], strlen(texts[i]));
    msio_h5_put(p,
                &(msio_h5_spec){.name = name, .type = MSIO_STRING, .text_bytes = (int)longest, .ndim = 1, .shape = {n}},
                cells);
    free(cells);
}

void msio_h5_put_end(msio_h5_putter *p) {
    if (p->status == MSIO_OK && p->file) p->status = msio_h5_flush(p->file, p->path);
    give_up(p);
    msio_h5_close(p->file);
    p->file = NULL;
}
