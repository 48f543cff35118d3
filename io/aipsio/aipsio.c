/* aipsio.c - reading AipsIO, casacore's framed object streams, from memory. */
#include "io/aipsio/aipsio.h"

#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAGIC 0xbebebebeu

void msio_aips_start(msio_aips *a, const void *bytes, int64_t length, bool big, const char *path, msio_arena *arena) {
    *a = (msio_aips){.bytes = bytes, .length = length, .big = big, .path = path, .arena = arena};
}

msio_status msio_aips_fail(msio_aips *a, msio_status code, const char *format, ...) {
    if (a->status != MSIO_OK) return a->status;
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return a->status =
               msio_error_set(code, a->path, "%s, at byte %lld of %lld", what, (long long)a->at, (long long)a->length);
}

const uint8_t *msio_aips_raw(msio_aips *a, int64_t n) {
    if (a->status != MSIO_OK) return NULL;
    if (n < 0 || n > a->length - a->at) {
        msio_aips_fail(a, MSIO_E_FORMAT, "the data end where %lld more bytes should be: the file is cut or damaged",
                       (long long)n);
        return NULL;
    }
    const uint8_t *p = a->bytes + a->at;
    a->at += n;
    return p;
}

static uint64_t load(const uint8_t *p, int n, bool big) {
    uint64_t v = 0;
    for (int i = 0; i < n; i++) v |= (uint64_t)p[big ? n - 1 - i : i] << (8 * i);
    return v;
}

static uint64_t take(msio_aips *a, int n) {
    const uint8_t *p = msio_aips_raw(a, n);
    return p ? load(p, n, a->big) : 0;
}

uint8_t msio_aips_u8(msio_aips *a) { return (uint8_t)take(a, 1); }
uint32_t msio_aips_u32(msio_aips *a) { return (uint32_t)take(a, 4); }
int32_t msio_aips_i32(msio_aips *a) { return (int32_t)msio_aips_u32(a); }
uint64_t msio_aips_u64(msio_aips *a) { return take(a, 8); }
int64_t msio_aips_i64(msio_aips *a) { return (int64_t)msio_aips_u64(a); }
bool msio_aips_bool(msio_aips *a) { return msio_aips_u8(a) & 1; }

char *msio_aips_text(msio_aips *a) {
    static char empty[1];
    int64_t n = msio_aips_u32(a);
    const uint8_t *p = msio_aips_raw(a, n);
    if (!p || n == 0) return empty;
    char *text = msio_arena_text(a->arena, p, n);
    if (text) return text;
    msio_aips_fail(a, MSIO_E_MEMORY, "no memory for a string of %lld bytes", (long long)n);
    return empty;
}

const char *msio_aips_peek(msio_aips *a) {
    int64_t at = a->at;
    if (a->depth == 0) msio_aips_u32(a);
    msio_aips_u32(a);
    const char *type = msio_aips_text(a);
    a->at = at;
    return type;
}

uint32_t msio_aips_enter(msio_aips *a, const char *type, uint32_t newest) {
    if (a->depth == 0 && msio_aips_u32(a) != MAGIC)
        msio_aips_fail(a, MSIO_E_FORMAT, "an AipsIO object should begin here, its magic number is missing");
    int64_t start = a->at;
    int64_t length = msio_aips_u32(a);
    const char *found = msio_aips_text(a);
    uint32_t version = msio_aips_u32(a);
    if (!msio_aips_ok(a)) return 0;
    if (type && strcmp(found, type) != 0)
        msio_aips_fail(a, MSIO_E_FORMAT, "an object of type %s should be here, found '%.40s'", type, found);
    else if (version > newest)
        msio_aips_fail(a, MSIO_E_UNSUPPORTED, "object %s has version %u, versions up to %u are known", found, version,
                       newest);
    else if (length != MAGIC && length > a->length - start)
        msio_aips_fail(a, MSIO_E_FORMAT, "object %s says it has %lld bytes, %lld are there", found, (long long)length,
                       (long long)(a->length - start));
    else if (a->depth == (int)(sizeof a->end / sizeof *a->end))
        msio_aips_fail(a, MSIO_E_FORMAT, "objects are nested more than %d deep", a->depth);
    else
        a->end[a->depth++] = length == MAGIC ? -1 : start + length;
    return msio_aips_ok(a) ? version : 0;
}

void msio_aips_leave(msio_aips *a) {
    if (!msio_aips_ok(a)) return;
    int64_t end = a->end[--a->depth];
    if (end >= 0 && end != a->at)
        msio_aips_fail(a, MSIO_E_FORMAT, "an object should end at byte %lld, its parts end elsewhere", (long long)end);
}

int64_t msio_aips_count(msio_aips *a, int bytes_each) {
    int64_t n = msio_aips_u32(a);
    if (msio_aips_ok(a) && n * bytes_each > msio_aips_left(a))
        msio_aips_fail(a, MSIO_E_FORMAT, "%lld elements are announced, they do not fit the %lld bytes that follow",
                       (long long)n, (long long)msio_aips_left(a));
    return msio_aips_ok(a) ? n : 0;
}

int64_t *msio_aips_block(msio_aips *a, bool wide, int64_t *n) {
    *n = 0;
    msio_aips_enter(a, "Block", 1);
    int64_t count = msio_aips_count(a, wide ? 8 : 4);
    int64_t *values = msio_arena_take(a->arena, count + 1, sizeof *values);
    if (!values) {
        msio_aips_fail(a, MSIO_E_MEMORY, "no memory for %lld integers", (long long)count);
        return NULL;
    }
    const uint8_t *p = msio_aips_raw(a, count * (wide ? 8 : 4));
    for (int64_t i = 0; p && i < count; i++)
        values[i] = wide ? (int64_t)load(p + 8 * i, 8, a->big) : (int64_t)load(p + 4 * i, 4, a->big);
    msio_aips_leave(a);
    if (msio_aips_ok(a)) *n = count;
    return values;
}

void msio_aips_shape(msio_aips *a, int *ndim, int64_t shape[MSIO_MAX_NDIM + 1]) {
    *ndim = 0;
    uint32_t version = msio_aips_enter(a, "IPosition", 2);
    int64_t n = msio_aips_count(a, version == 2 ? 8 : 4);
    if (n > MSIO_MAX_NDIM + 1) {
        msio_aips_fail(a, MSIO_E_UNSUPPORTED, "a shape of %lld axes, at most %d are read", (long long)n,
                       MSIO_MAX_NDIM + 1);
        return;
    }
    for (int i = 0; i < n; i++) {
        shape[i] = version == 2 ? msio_aips_i64(a) : msio_aips_i32(a);
        if (shape[i] < 0) msio_aips_fail(a, MSIO_E_FORMAT, "axis %d of a shape is negative", i);
    }
    msio_aips_leave(a);
    if (msio_aips_ok(a)) *ndim = (int)n;
}

void msio_aips_skip_shape(msio_aips *a) {
    int bytes = msio_aips_enter(a, "IPosition", 2) == 2 ? 8 : 4;
    msio_aips_raw(a, msio_aips_count(a, bytes) * bytes);
    msio_aips_leave(a);
}

static void *numbers(msio_aips *a, msio_type type, int64_t n) {
    int elem = (int)msio_type_size(type), unit = type == MSIO_COMPLEX || type == MSIO_DCOMPLEX ? elem / 2 : elem;
    const uint8_t *p = NULL;
    if (n < 0 || n > msio_aips_left(a) || !(p = msio_aips_raw(a, n * elem))) {
        msio_aips_fail(a, MSIO_E_FORMAT, "%lld values do not fit what follows", (long long)n);
        return NULL;
    }
    uint8_t *values = msio_arena_take(a->arena, n + 1, (size_t)elem);
    if (!values) {
        msio_aips_fail(a, MSIO_E_MEMORY, "no memory for %lld values", (long long)n);
        return NULL;
    }
    for (int64_t i = 0; i < n * elem; i += unit) {
        uint64_t v = load(p + i, unit, a->big);
        for (int k = 0; k < unit; k++)
            values[i + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? unit - 1 - k : k)] = (uint8_t)(v >> (8 * k));
    }
    return values;
}

static void *bits(msio_aips *a, int64_t n) {
    const uint8_t *p = n < 0 || n / 8 > msio_aips_left(a) ? NULL : msio_aips_raw(a, (n + 7) / 8);
    uint8_t *values = p ? msio_arena_take(a->arena, n + 1, 1) : NULL;
    if (!values) {
        msio_aips_fail(a, p ? MSIO_E_MEMORY : MSIO_E_FORMAT, "%lld Bool values do not fit what follows", (long long)n);
        return NULL;
    }
    for (int64_t i = 0; i < n; i++) values[i] = p[i / 8] >> (i % 8) & 1;
    return values;
}

static void *texts(msio_aips *a, int64_t n) {
    if (n < 0 || n > msio_aips_left(a) / 4) {
        msio_aips_fail(a, MSIO_E_FORMAT, "%lld strings do not fit what follows", (long long)n);
        return NULL;
    }
    char **values = msio_arena_take(a->arena, n + 1, sizeof *values);
    if (!values) {
        msio_aips_fail(a, MSIO_E_MEMORY, "no memory for %lld strings", (long long)n);
        return NULL;
    }
    for (int64_t i = 0; i < n; i++) values[i] = msio_aips_text(a);
    return values;
}

void *msio_aips_values(msio_aips *a, msio_type type, int64_t n) {
    if (!msio_aips_ok(a)) return NULL;
    if (type == MSIO_STRING) return texts(a, n);
    if (type == MSIO_BOOL) return bits(a, n);
    if (msio_type_size(type)) return numbers(a, type, n);
    msio_aips_fail(a, MSIO_E_FORMAT, "type code %d is no element type", (int)type);
    return NULL;
}
