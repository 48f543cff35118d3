/* uvh5_words.c - memory of a header, and what is wrong with one. */
#include "core/checked.h"
#include "core/error.h"
#include "io/uvh5/uvh5_fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A header larger than this is no header. */
#define HEADER_MOST ((int64_t)256 << 20)

void *msio_uvh5_take(msio_uvh5_fields *f, int64_t count, size_t size) {
    int64_t bytes;
    if (f->status) return NULL;
    if (count < 0 || !msio_mul_checked(count, (int64_t)size, &bytes) ||
        bytes > HEADER_MOST - (int64_t)f->arena->total) {
        f->status = msio_error_set(MSIO_E_UNSUPPORTED, f->file->path, "a header of more than %d MiB is not read",
                                   (int)(HEADER_MOST >> 20));
        return NULL;
    }
    void *memory = msio_arena_take(f->arena, count ? count : 1, size);
    if (!memory) f->status = msio_error_set(MSIO_E_MEMORY, f->file->path, "no memory for a header");
    return memory;
}

void msio_uvh5_wrong(msio_uvh5_fields *f, const char *name, const char *format, ...) {
    char what[256];
    va_list arguments;
    if (f->status) return;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    f->status = msio_error_set(MSIO_E_FORMAT, f->file->path, "Header/%.200s %s", name, what);
}

const char *msio_uvh5_shape_text(int ndim, const int64_t *shape, char text[160]) {
    size_t at = (size_t)snprintf(text, 160, "(");
    for (int k = 0; k < ndim && at < 130; k++)
        at += (size_t)snprintf(text + at, 160 - at, "%s%lld", k ? ", " : "", (long long)shape[k]);
    snprintf(text + at, 160 - at, ")");
    return text;
}

const msio_field *msio_uvh5_find(const msio_uvh5_header *header, const char *name) {
    for (int i = 0; header && name && i < header->fields; i++)
        if (strcmp(header->field[i].name, name) == 0) return &header->field[i];
    return NULL;
}
