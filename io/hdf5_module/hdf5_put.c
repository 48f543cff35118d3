/* hdf5_put.c - whole datasets written into a file that is being made. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* truncate */
#endif
#include "io/hdf5_module/hdf5_put.h"

#include "core/error.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void give_up(const msio_h5_putter *p) {
    if (p->status != MSIO_OK && truncate(p->path, 0) != 0) errno = 0; /* it is removed anyway */
}

void msio_h5_put(msio_h5_putter *p, const msio_h5_spec *spec, const void *values) {
    static const int64_t start[MSIO_MAX_NDIM];
    msio_h5_dataset *dataset = NULL;
    if (p->status != MSIO_OK) return;
    p->status = msio_h5_make(p->file, p->path, spec, &dataset);
    if (p->status == MSIO_OK && values) p->status = msio_h5_write(dataset, p->path, start, spec->shape, values);
    give_up(p);
    msio_h5_dataset_close(dataset);
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
