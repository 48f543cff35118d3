/* window.h - small stretches of a large file, wherever they lie, without a system call for each.
 *
 * A window belongs to one call: the file is shared, the window is not.
 */
#ifndef MSIO_IO_WINDOW_H
#define MSIO_IO_WINDOW_H

#include "core/file.h"

typedef struct msio_window {
    const uint8_t *bytes; /* the whole file, mapped or in memory; NULL: it is read in blocks */
    int64_t size;         /* of the file */
    msio_file *file;      /* NULL: bytes in memory */
    const char *path;     /* for messages */
    uint8_t *buffer;      /* the block read last: length bytes from start on */
    int64_t capacity, start, length;
    int64_t ahead;      /* bytes that the next block takes at least */
    msio_status status; /* of the first failure, whose error is set */
} msio_window;

/* A window on a file: mapped where it can be, else read in blocks that grow up to 256 KiB while they are asked for in
 * order. Nothing is read yet. */
void msio_window_open(msio_window *window, msio_file *file);

/* The same without mapping: for files of which little is wanted, and only once. */
void msio_window_open_unmapped(msio_window *window, msio_file *file);

/* A window on size bytes of memory. */
void msio_window_open_memory(msio_window *window, const void *bytes, int64_t size, const char *path);

/* As msio_window_get, for what is neither mapped nor sound. */
const uint8_t *msio_window_get_slow(msio_window *window, int64_t offset, int64_t length);

/* The length bytes at offset, valid until the next get; NULL, and window->status, when they do not lie within the file
 * (MSIO_E_FORMAT) or cannot be read. */
static inline const uint8_t *msio_window_get(msio_window *window, int64_t offset, int64_t length) {
    if (window->bytes && offset >= 0 && length >= 0 && length <= window->size && offset <= window->size - length)
        return window->bytes + offset;
    return msio_window_get_slow(window, offset, length);
}

/* Frees the window and returns status; MSIO_E_IO instead where a mapped page could not be read, because what was taken
 * from it means nothing. */
msio_status msio_window_close(msio_window *window, msio_status status);

#endif
