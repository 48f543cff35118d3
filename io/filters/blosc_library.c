/* blosc_library.c - c-blosc, loaded when the first dataset that it packed is opened. */
#include "io/filters/blosc_library.h"

#include <dlfcn.h>
#include <stdatomic.h>

#define LIBRARY "libblosc.so.1"

typedef int validate_fn(const void *stored, size_t bytes, size_t *decoded);
typedef int decompress_fn(const void *stored, void *out, size_t room, int threads);

/* Threads that come at once find the same. The library stays loaded. */
static validate_fn *_Atomic validate;
static decompress_fn *_Atomic decompress;

bool msio_blosc_ready(void) {
    if (atomic_load(&decompress)) return true;
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    validate_fn *first = NULL;
    decompress_fn *second = NULL;
    *(void **)&first = dlsym(library, "blosc_cbuffer_validate");
    *(void **)&second = dlsym(library, "blosc_decompress_ctx");
    if (!first || !second) {
        dlclose(library);
        return false;
    }
    atomic_store(&validate, first);
    atomic_store(&decompress, second);
    return true;
}

int msio_blosc_validate(const void *stored, size_t bytes, size_t *decoded) {
    return atomic_load(&validate)(stored, bytes, decoded);
}

int msio_blosc_decompress(const void *stored, void *out, size_t room) {
    return atomic_load(&decompress)(stored, out, room, 1);
}
