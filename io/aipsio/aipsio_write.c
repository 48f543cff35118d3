/* aipsio_write.c - writing AipsIO, casacore's framed object streams, to memory. */
#include "io/aipsio/aipsio_write.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC 0xbebebebeu

void msio_aips_put_raw(msio_aips_out *out, const void *bytes, int64_t n) {
    if (out->length + n > out->capacity && !out->failed) {
        int64_t wanted = 2 * (out->length + n) + 256;
        uint8_t *grown = realloc(out->bytes, (size_t)wanted);
        out->failed = !grown;
        if (grown) {
            out->bytes = grown;
            out->capacity = wanted;
        }
    }
    if (out->failed || n == 0) return;
    memcpy(out->bytes + out->length, bytes, (size_t)n);
    out->length += n;
}

static void put(msio_aips_out *out, uint64_t value, int n) {
    uint8_t bytes[8];
    for (int i = 0; i < n; i++) bytes[i] = (uint8_t)(value >> 8 * (n - 1 - i));
    msio_aips_put_raw(out, bytes, n);
}

void msio_aips_put_u8(msio_aips_out *out, uint8_t value) { put(out, value, 1); }
void msio_aips_put_u32(msio_aips_out *out, uint32_t value) { put(out, value, 4); }
void msio_aips_put_u64(msio_aips_out *out, uint64_t value) { put(out, value, 8); }

void msio_aips_put_text(msio_aips_out *out, const char *text) {
    int64_t n = (int64_t)strlen(text);
    put(out, (uint64_t)n, 4);
    msio_aips_put_raw(out, text, n);
}

void msio_aips_put_entered(msio_aips_out *out, int64_t start) { out->start[out->depth++] = start; }

void msio_aips_put_enter(msio_aips_out *out, const char *type, uint32_t version) {
    if (out->depth == 0) put(out, MAGIC, 4);
    msio_aips_put_entered(out, out->length);
    put(out, 0, 4);
    msio_aips_put_text(out, type);
    put(out, version, 4);
}

void msio_aips_put_leave(msio_aips_out *out) {
    int64_t start = out->start[--out->depth], n = out->length - start;
    if (out->failed) return;
    for (int i = 0; i < 4; i++) out->bytes[start + i] = (uint8_t)(n >> (24 - 8 * i));
}

void msio_aips_put_block(msio_aips_out *out, int64_t n, const uint32_t *values) {
    msio_aips_put_enter(out, "Block", 1);
    put(out, (uint64_t)n, 4);
    for (int64_t i = 0; i < n; i++) put(out, values[i], 4);
    msio_aips_put_leave(out);
}

void msio_aips_put_shape(msio_aips_out *out, int ndim, const int64_t *shape) {
    bool wide = false;
    for (int k = 0; k < ndim; k++) wide = wide || shape[k] > INT32_MAX;
    msio_aips_put_enter(out, "IPosition", wide ? 2 : 1);
    put(out, (uint64_t)ndim, 4);
    for (int k = 0; k < ndim; k++) put(out, (uint64_t)shape[k], wide ? 8 : 4);
    msio_aips_put_leave(out);
}
