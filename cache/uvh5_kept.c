/* uvh5_kept.c - headers of UVH5 files: read once, the file closed again, checked by one stat at every question. */
#include "cache/store.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/file.h"
#include "io/uvh5/uvh5_header.h"
#include "prof/call.h"
#include "prof/span.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRIES 3
/* Two writes within one tick of the file system's clock leave the same times: a file that was written so shortly before
 * it was read is read again at the next question. */
#define TICK_NS 20000000

typedef struct header_answer {
    msio_answer answer;
    msio_uvh5_header header;
    msio_arena arena;
    msio_stamp stamp;
    bool fresh; /* written within the last tick */
    char *path;
} header_answer;

static msio_status holds(msio_answer *answer, bool *same) {
    const header_answer *a = (const header_answer *)answer;
    msio_stamp now;
    *same = !a->fresh && msio_stamp_path(a->path, &now) == MSIO_OK && msio_stamp_equal(&now, &a->stamp);
    return MSIO_OK;
}

static void free_answer(msio_answer *answer) {
    header_answer *a = (header_answer *)answer;
    msio_arena_free(&a->arena);
    free(a->path);
    free(a);
}

static bool is_fresh(const msio_stamp *stamp) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return true;
    int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    int64_t written = stamp->mtime_ns > stamp->ctime_ns ? stamp->mtime_ns : stamp->ctime_ns;
    return written > ns - TICK_NS;
}

static msio_status load(header_answer *a) {
    msio_hdf5 *file = NULL;
    msio_status status = msio_hdf5_open(a->path, NULL, &file);
    if (status) return status;
    a->stamp = file->bytes->stamp;
    a->fresh = is_fresh(&a->stamp);
    status = msio_uvh5_header_read(file, &a->arena, &a->header);
    if (!status || status == MSIO_E_FORMAT) {
        msio_status unchanged = msio_hdf5_unchanged(file); /* what was read while it changed may look damaged */
        if (unchanged) status = unchanged;
    }
    msio_hdf5_close(file);
    return status;
}

static msio_status make(void *user, msio_answer **answer) {
    const char *path = user;
    msio_status status = MSIO_OK;
    for (int i = 0; i < TRIES; i++) {
        header_answer *a = calloc(1, sizeof *a);
        if (!a || !(a->path = strdup(path))) {
            free(a);
            return msio_error_set(MSIO_E_MEMORY, path, "no memory for a header");
        }
        a->answer.holds = holds;
        a->answer.free = free_answer;
        status = load(a);
        if (!status) {
            atomic_store(&a->answer.bytes, (int64_t)(sizeof *a + strlen(path) + a->arena.total));
            *answer = &a->answer;
            return MSIO_OK;
        }
        free_answer(&a->answer);
        if (status != MSIO_E_CHANGED) break;
    }
    return status;
}

/* Kept apart from what a table at the same path would leave. */
#define KEY_END "\nuvh5"

msio_status msio_uvh5_header_get(const char *path, msio_freshness freshness, const msio_uvh5_header **header) {
    PROF_CALL(path);
    char full[PATH_MAX], key[PATH_MAX + sizeof KEY_END];
    msio_answer *answer;
    bool found;
    prof_span span;
    if (!header) return msio_error_set(MSIO_E_ARGUMENT, path, "nowhere to put the header");
    *header = NULL;
    prof_begin(&span, PROF_PATH_METADATA);
    msio_status status = msio_store_path(path, full);
    if (!status) {
        snprintf(key, sizeof key, "%s" KEY_END, full);
        status = msio_store_get(key, freshness == MSIO_AS_OPENED, make, full, &answer, &found);
    }
    prof_end(&span, NULL);
    if (!status) *header = &((header_answer *)answer)->header;
    return status;
}

void msio_uvh5_header_release(const msio_uvh5_header *header) {
    PROF_WITHIN;
    if (!header) return;
    header_answer *a = (header_answer *)(void *)((char *)(uintptr_t)header - offsetof(header_answer, header));
    msio_store_give(&a->answer);
}
