/* hdf5_object.c - HDF5 object headers of both versions, read as far as the data layout message. */
#include "io/hdf5_object.h"

#include "core/checked.h"
#include "core/error.h"

#include <string.h>

#define MESSAGE_LAYOUT 8
#define MESSAGE_CONTINUATION 16
/* Blocks of one header; more are a circle, as are blocks that together are longer than the file. */
#define BLOCKS_MOST 4096

/* A header being searched. */
typedef struct search {
    msio_window *window;
    int64_t base;
    bool second;  /* version 2 of the format */
    bool ordered; /* version 2: messages carry their order of creation */
    int blocks;
    int64_t bytes_left; /* of the file, that no block has taken yet */
    msio_h5_layout *layout;
    bool found;
} search;

static msio_status damaged(const search *s, const char *what, int64_t where) {
    return msio_error_set(MSIO_E_FORMAT, s->window->path, "the object header is damaged at byte %lld: %s",
                          (long long)where, what);
}

/* An address of the file's, -1 where it says none; false: beyond what can be counted. */
static bool take_address(const uint8_t *bytes, int64_t *address) {
    uint64_t value = msio_h5_number(bytes, 8);
    *address = value == UINT64_MAX ? -1 : (int64_t)value;
    return value == UINT64_MAX || value <= INT64_MAX;
}

/* ---------------------------------------------------------------- the message */

/* version 3: class, then what the class has. */
static bool parse_third(const uint8_t *m, int64_t length, msio_h5_layout *l) {
    if (length < 2) return false;
    l->class = m[1];
    if (l->class == 0) return true;
    if (l->class == 1) return length >= 18 && take_address(m + 2, &l->address);
    if (l->class != 2 || length < 3) return false;
    l->ndim = m[2] - 1;
    if (l->ndim < 1 || l->ndim > MSIO_MAX_NDIM || length < 11 + 4 * (int64_t)(l->ndim + 1)) return false;
    for (int k = 0; k < l->ndim; k++) l->chunk[k] = (int64_t)msio_h5_number(m + 11 + 4 * k, 4);
    l->element = (int64_t)msio_h5_number(m + 11 + 4 * l->ndim, 4);
    return take_address(m + 3, &l->address);
}

/* versions 1 and 2: axes and class before reserved bytes. */
static bool parse_first(const uint8_t *m, int64_t length, msio_h5_layout *l) {
    if (length < 8) return false;
    l->class = m[2];
    if (l->class == 0) return true;
    if (length < 16 || !take_address(m + 8, &l->address)) return false;
    if (l->class == 1) return true;
    l->ndim = m[1] - 1;
    if (l->class != 2 || l->ndim < 1 || l->ndim > MSIO_MAX_NDIM || length < 16 + 4 * (int64_t)(l->ndim + 1))
        return false;
    for (int k = 0; k < l->ndim; k++) l->chunk[k] = (int64_t)msio_h5_number(m + 16 + 4 * k, 4);
    l->element = (int64_t)msio_h5_number(m + 16 + 4 * l->ndim, 4);
    return true;
}

static msio_status take_layout(search *s, const uint8_t *m, int64_t length, int64_t where) {
    msio_h5_layout *l = s->layout;
    *l = (msio_h5_layout){.address = -1};
    if (length < 2) return damaged(s, "the data layout message is too short", where);
    l->version = m[0];
    s->found = true;
    if (l->version >= 4) return MSIO_OK;
    bool good = l->version == 3 ? parse_third(m, length, l) : l->version >= 1 && parse_first(m, length, l);
    return good ? MSIO_OK : damaged(s, "the data layout message contradicts itself", where);
}

/* ---------------------------------------------------------------- blocks of messages */

static msio_status search_block(search *s, int64_t where, int64_t length);

/* A block elsewhere: of version 2 it has a signature and a checksum around its messages. */
static msio_status follow(search *s, const uint8_t *m, int64_t length, int64_t where) {
    int64_t block, bytes;
    if (length < 16 || !take_address(m, &block) || !take_address(m + 8, &bytes) || block < 0 || bytes < 0 ||
        !msio_add_checked(block, s->base, &block))
        return damaged(s, "a continuation leads nowhere", where);
    if (!s->second) return search_block(s, block, bytes);
    const uint8_t *head = msio_window_get(s->window, block, 4);
    if (!head) return s->window->status;
    if (bytes < 8 || memcmp(head, "OCHK", 4) != 0) return damaged(s, "a continuation is none", block);
    return search_block(s, block + 4, bytes - 8);
}

static msio_status search_block(search *s, int64_t where, int64_t length) {
    int64_t head = s->second ? (s->ordered ? 6 : 4) : 8;
    s->bytes_left -= length;
    if (++s->blocks > BLOCKS_MOST || s->bytes_left < 0)
        return damaged(s, "its blocks are larger than the file, or form a circle", where);
    for (int64_t at = 0; at <= length - head && !s->found;) {
        const uint8_t *m = msio_window_get(s->window, where + at, head);
        if (!m) return s->window->status;
        int type = s->second ? m[0] : (int)msio_h5_number(m, 2);
        int64_t bytes = (int64_t)msio_h5_number(m + (s->second ? 1 : 2), 2);
        at += head;
        if (bytes > length - at) return damaged(s, "a message is longer than its block", where + at);
        if (type == MESSAGE_LAYOUT || type == MESSAGE_CONTINUATION) {
            const uint8_t *body = msio_window_get(s->window, where + at, bytes);
            if (!body) return s->window->status;
            uint8_t copy[64]; /* following moves the window */
            int64_t kept = msio_min(bytes, (int64_t)sizeof copy);
            memcpy(copy, body, (size_t)kept);
            msio_status status =
                type == MESSAGE_LAYOUT ? take_layout(s, copy, kept, where + at) : follow(s, copy, kept, where + at);
            if (status) return status;
        }
        at += bytes;
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- headers */

static msio_status search_first(search *s, int64_t header) {
    const uint8_t *h = msio_window_get(s->window, header, 16);
    if (!h) return s->window->status;
    return search_block(s, header + 16, (int64_t)msio_h5_number(h + 8, 4));
}

static msio_status search_second(search *s, int64_t header) {
    const uint8_t *h = msio_window_get(s->window, header, 6);
    if (!h) return s->window->status;
    int flags = h[5], size = 1 << (flags & 3);
    if (h[4] != 2)
        return msio_error_set(MSIO_E_UNSUPPORTED, s->window->path, "an object header of version %d is not known", h[4]);
    s->ordered = flags & 4;
    int64_t at = header + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const uint8_t *length = msio_window_get(s->window, at, size);
    if (!length) return s->window->status;
    uint64_t bytes = msio_h5_number(length, size);
    return bytes > INT64_MAX ? damaged(s, "its first block has no end", at)
                             : search_block(s, at + size, (int64_t)bytes);
}

msio_status msio_h5_layout_read(msio_window *window, int64_t header, int64_t base, msio_h5_layout *layout) {
    search s = {.window = window, .base = base, .bytes_left = window->size, .layout = layout};
    const uint8_t *first = msio_window_get(window, header, 4);
    if (!first) return window->status;
    s.second = memcmp(first, "OHDR", 4) == 0;
    if (!s.second && first[0] != 1)
        return msio_error_set(MSIO_E_UNSUPPORTED, window->path, "an object header of version %d is not known",
                              first[0]);
    msio_status status = s.second ? search_second(&s, header) : search_first(&s, header);
    if (status) return status;
    return s.found ? MSIO_OK : damaged(&s, "it has no data layout message", header);
}
