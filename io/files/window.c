/* window.c - small stretches of a large file, wherever they lie, without a system call for each. */
#include "io/files/window.h"

#include "core/checked.h"
#include "core/error.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD_LEAST ((int64_t)4 << 10)
#define AHEAD_MOST ((int64_t)256 << 10)

void msio_window_open(msio_window *window, msio_file *file) {
    *window = (msio_window){
        .bytes = msio_file_map(file), .size = file->stamp.size, .file = file, .path = file->path, .ahead = AHEAD_LEAST};
}

void msio_window_open_unmapped(msio_window *window, msio_file *file) {
    *window = (msio_window){.size = file->stamp.size, .file = file, .path = file->path, .ahead = AHEAD_LEAST};
}

void msio_window_open_memory(msio_window *window, const void *bytes, int64_t size, const char *path) {
    static const uint8_t nothing[1];
    *window = (msio_window){.bytes = bytes ? bytes : nothing, .size = bytes ? size : 0, .path = path};
}

/* Reads a block that holds the wanted bytes. One that goes on where the last ended, or began, is twice as long: headers
 * a megabyte apart should not fetch what lies between, and chains of buckets often run backwards. */
static msio_status read_block(msio_window *window, int64_t offset, int64_t length) {
    int64_t end = window->start + window->length, from = offset;
    bool onward = window->length > 0 && offset >= window->start && offset <= end + window->ahead;
    bool back = window->length > 0 && offset < window->start && offset + length >= window->start - window->ahead;
    window->ahead = onward || back ? msio_min(2 * window->ahead, AHEAD_MOST) : AHEAD_LEAST;
    if (back) from = msio_max(0, msio_min(offset, offset + length - window->ahead));
    int64_t wanted = msio_min(msio_max(offset - from + length, window->ahead), window->size - from);
    window->length = 0;
    if (wanted > window->capacity) {
        int64_t capacity = msio_max(wanted, AHEAD_MOST);
        uint8_t *buffer = realloc(window->buffer, (size_t)capacity);
        if (!buffer)
            return msio_error_set(MSIO_E_MEMORY, window->path, "no memory for a block of %" PRId64 " bytes", capacity);
        window->buffer = buffer;
        window->capacity = capacity;
    }
    msio_status status = msio_file_read(window->file, window->buffer, wanted, from, NULL);
    if (status) return status;
    window->start = from;
    window->length = wanted;
    return MSIO_OK;
}

const uint8_t *msio_window_get_slow(msio_window *window, int64_t offset, int64_t length) {
    if (window->status) return NULL;
    if (offset < 0 || length < 0 || length > window->size || offset > window->size - length) {
        window->status = msio_error_set(MSIO_E_FORMAT, window->path,
                                        "expected %" PRId64 " bytes at offset %" PRId64 ", found a file of %" PRId64
                                        " bytes: the file is cut or damaged",
                                        length, offset, window->size);
        return NULL;
    }
    static const uint8_t none[1];
    if (length == 0) return none; /* no block may have been read yet */
    bool there = window->length > 0 && offset >= window->start && offset + length <= window->start + window->length;
    if (!there && (window->status = read_block(window, offset, length))) return NULL;
    return window->buffer + (offset - window->start);
}

msio_status msio_window_close(msio_window *window, msio_status status) {
    bool failed = window->file && window->bytes && msio_file_map_failed(window->file);
    free(window->buffer);
    window->buffer = NULL;
    if (failed && (status == MSIO_OK || status == MSIO_E_FORMAT))
        return msio_error_set(
            MSIO_E_IO, window->path,
            "a page of the mapped file cannot be read: the file was cut meanwhile, or its disk fails");
    return status;
}
