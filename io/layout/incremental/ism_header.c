/* ism_header.c - IncrementalStMan: header and index, read and cross-checked. */
#include "core/checked.h"
#include "core/error.h"
#include "io/aipsio/aipsio.h"
#include "io/files/stored.h"
#include "io/layout/incremental/ism.h"

#include <inttypes.h>
#include <stdlib.h>

static msio_status read_blob(const msio_manager *manager, msio_ism *s) {
    const msio_manager_dat *m = &manager->dat->manager[manager->index];
    msio_aips a;
    msio_aips_start(&a, m->blob, m->blob_length, true, manager->dat->path, &s->arena);
    uint32_t version = msio_aips_enter(&a, "ISM", 3);
    /* older ones have a file of arrays for each column */
    if (version < 3) msio_aips_fail(&a, MSIO_E_UNSUPPORTED, "IncrementalStMan of version %" PRIu32, version);
    s->name = msio_aips_text(&a);
    msio_aips_leave(&a);
    s->columns = m->columns;
    return a.status;
}

static msio_status read_header(msio_window *window, msio_ism *s) {
    msio_aips a;
    int64_t length = msio_min(window->size, MSIO_BUCKETS_AT);
    const uint8_t *bytes = msio_window_get(window, 0, length);
    if (!bytes) return window->status;
    msio_aips_start(&a, bytes, length, s->big, window->path, &s->arena);
    uint32_t version = msio_aips_enter(&a, "IncrementalStMan", 5);
    if (version < 4) msio_aips_fail(&a, MSIO_E_UNSUPPORTED, "an IncrementalStMan header of version %" PRIu32, version);
    bool big = version >= 5 ? msio_aips_bool(&a) : true;
    s->bucket_size = msio_aips_u32(&a);
    s->in_file = msio_aips_u32(&a);
    for (int i = 0; i < 4; i++) msio_aips_u32(&a); /* cache size, a counter, the list of free buckets */
    msio_aips_leave(&a);
    if (big != s->big)
        msio_aips_fail(&a, MSIO_E_FORMAT, "the manager is %s-endian, the table is not", big ? "big" : "little");
    return a.status ? a.status : msio_buckets_fit(s->bucket_size, s->in_file, window->path);
}

/* The index lies behind the buckets. What may follow it is left alone: the index was longer once. */
static msio_status index_bytes(msio_window *window, const msio_ism *s, const uint8_t **bytes, int64_t *length) {
    int64_t at = MSIO_BUCKETS_AT + s->bucket_size * s->in_file, left = window->size - at;
    const uint8_t *p = msio_window_get(window, at, 8);
    if (!p) return window->status;
    *length = msio_min(4 + (int64_t)msio_stored_u32(p + 4, s->big), left);
    *bytes = msio_window_get(window, at, *length);
    return *bytes ? MSIO_OK : window->status;
}

static msio_status read_index(msio_window *window, msio_ism *s) {
    msio_aips a;
    const uint8_t *bytes = NULL;
    int64_t length = 0, firsts = 0, numbers = 0;
    msio_status status = index_bytes(window, s, &bytes, &length);
    if (status) return status;
    msio_aips_start(&a, bytes, length, s->big, window->path, &s->arena);
    uint32_t version = msio_aips_enter(&a, "ISMIndex", 2);
    int64_t used = msio_aips_u32(&a);
    int64_t *first = msio_aips_block(&a, version == 2, &firsts);
    const int64_t *number = msio_aips_block(&a, false, &numbers);
    msio_aips_leave(&a);
    if (used >= firsts || used > numbers)
        msio_aips_fail(&a, MSIO_E_FORMAT,
                       "%" PRId64 " buckets are in use, the index lists %" PRId64 " rows and %" PRId64 " buckets", used,
                       firsts, numbers);
    else if (first[0] != 0)
        msio_aips_fail(&a, MSIO_E_FORMAT, "the first bucket in use begins with row %" PRId64 ", expected 0", first[0]);
    if (!msio_aips_ok(&a)) return a.status;
    for (int64_t i = 0; i < used; i++) first[i] = first[i + 1] > INT64_MIN ? first[i + 1] - 1 : INT64_MIN;
    s->index = (msio_buckets){.size = s->bucket_size, .n = used, .last = first, .number = number};
    return msio_buckets_check(&s->index, s->in_file, 0, INT64_MAX, window->path);
}

msio_status msio_ism_read(const msio_manager *manager, msio_window *window, msio_ism **ism) {
    msio_ism *s = calloc(1, sizeof *s);
    if (!s) return msio_error_set(MSIO_E_MEMORY, window->path, "no memory for a data manager");
    s->big = manager->dat->big_endian;
    msio_status status = read_blob(manager, s);
    if (!status) status = read_header(window, s);
    if (!status) status = read_index(window, s);
    if (status)
        msio_ism_free(s);
    else
        *ism = s;
    return status;
}

msio_status msio_ism_parse(const msio_manager *manager, const void *bytes, int64_t length, msio_ism **ism) {
    msio_window window;
    msio_window_open_memory(&window, bytes, length, "IncrementalStMan");
    return msio_window_close(&window, msio_ism_read(manager, &window, ism));
}

void msio_ism_free(msio_ism *ism) {
    if (!ism) return;
    msio_arena_free(&ism->arena);
    free(ism);
}
