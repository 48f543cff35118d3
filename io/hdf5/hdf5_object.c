/* hdf5_object.c - HDF5 object headers of both versions: the messages that say how a dataset lies in its file. */
#include "io/hdf5/hdf5_object.h"

#include "core/checked.h"
#include "core/error.h"

#include <string.h>

#define MESSAGE_CONTINUATION 16
#define FLAG_SHARED 2
/* Blocks of one header; more are a circle, as are blocks that together are longer than the file. */
#define BLOCKS_MOST 4096

/* A header being read. */
typedef struct walk {
    msio_window *window;
    const msio_h5_header *header;
    bool second;  /* version 2 of the format */
    bool ordered; /* version 2: messages carry their order of creation */
    int blocks;
    int64_t bytes_left; /* of the file, that no block has taken yet */
    msio_h5_header_sink sink;
    void *user;
    bool done;
    msio_h5_header_message message;
} walk;

static msio_status damaged(const msio_window *window, const char *what, int64_t where) {
    return msio_error_set(MSIO_E_FORMAT, window->path, "the object header is damaged at byte %lld: %s",
                          (long long)where, what);
}

/* An address of the file's, -1 where it says none; false: beyond what can be counted. */
static bool take_address(const uint8_t *bytes, int size, int64_t *address) {
    uint64_t value = msio_h5_number(bytes, size);
    bool none = value == UINT64_MAX >> (64 - 8 * size);
    *address = none ? -1 : (int64_t)value;
    return none || value <= INT64_MAX;
}

/* ---------------------------------------------------------------- blocks of messages */

static msio_status read_block(walk *w, int64_t where, int64_t length);

/* A block elsewhere: of version 2 it has a signature and a checksum around its messages. */
static msio_status follow(walk *w, const uint8_t *m, int64_t length, int64_t where) {
    int64_t block, bytes;
    int address = w->header->address, size = w->header->length;
    if (length < address + size || !take_address(m, address, &block) || !take_address(m + address, size, &bytes) ||
        block < 0 || bytes < 0 || !msio_add_checked(block, w->header->base, &block))
        return damaged(w->window, "a continuation leads nowhere", where);
    if (!w->second) return read_block(w, block, bytes);
    const uint8_t *head = msio_window_get(w->window, block, 4);
    if (!head) return w->window->status;
    if (bytes < 8 || memcmp(head, "OCHK", 4) != 0) return damaged(w->window, "a continuation is none", block);
    return read_block(w, block + 4, bytes - 8);
}

/* The sink gets a copy: it may move the window. */
static msio_status tell(walk *w, int type, int flags, const uint8_t *body, int64_t length, int64_t where) {
    msio_h5_header_message *m = &w->message;
    m->type = (msio_h5_message_type)type;
    m->shared = flags & FLAG_SHARED;
    m->where = where;
    m->length = length;
    memcpy(m->bytes, body, (size_t)msio_min(length, (int64_t)sizeof m->bytes));
    return w->sink(w->user, m, &w->done);
}

static bool is_told(int type) {
    return type == MSIO_H5_MESSAGE_SPACE || type == MSIO_H5_MESSAGE_TYPE || type == MSIO_H5_MESSAGE_FILL ||
           type == MSIO_H5_MESSAGE_LAYOUT;
}

static msio_status read_block(walk *w, int64_t where, int64_t length) {
    int64_t head = w->second ? (w->ordered ? 6 : 4) : 8;
    w->bytes_left -= length;
    if (++w->blocks > BLOCKS_MOST || w->bytes_left < 0)
        return damaged(w->window, "its blocks are larger than the file, or form a circle", where);
    for (int64_t at = 0; at <= length - head && !w->done;) {
        const uint8_t *m = msio_window_get(w->window, where + at, head);
        if (!m) return w->window->status;
        int type = w->second ? m[0] : (int)msio_h5_number(m, 2), flags = m[w->second ? 3 : 4];
        int64_t bytes = (int64_t)msio_h5_number(m + (w->second ? 1 : 2), 2);
        at += head;
        if (bytes > length - at) return damaged(w->window, "a message is longer than its block", where + at);
        if (is_told(type) || type == MESSAGE_CONTINUATION) {
            const uint8_t *body = msio_window_get(w->window, where + at, bytes);
            if (!body) return w->window->status;
            msio_status status = type == MESSAGE_CONTINUATION ? follow(w, body, bytes, where + at)
                                                              : tell(w, type, flags, body, bytes, where + at);
            if (status) return status;
        }
        at += bytes;
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- headers */

static msio_status read_first(walk *w, int64_t header) {
    const uint8_t *h = msio_window_get(w->window, header, 16);
    if (!h) return w->window->status;
    return read_block(w, header + 16, (int64_t)msio_h5_number(h + 8, 4));
}

static msio_status read_second(walk *w, int64_t header) {
    const uint8_t *h = msio_window_get(w->window, header, 6);
    if (!h) return w->window->status;
    int flags = h[5], size = 1 << (flags & 3);
    if (h[4] != 2)
        return msio_error_set(MSIO_E_UNSUPPORTED, w->window->path, "an object header of version %d is not known", h[4]);
    w->ordered = flags & 4;
    int64_t at = header + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const uint8_t *length = msio_window_get(w->window, at, size);
    if (!length) return w->window->status;
    uint64_t bytes = msio_h5_number(length, size);
    return bytes > INT64_MAX ? damaged(w->window, "its first block has no end", at)
                             : read_block(w, at + size, (int64_t)bytes);
}

msio_status msio_h5_header_read(msio_window *window, const msio_h5_header *header, msio_h5_header_sink sink,
                                void *user) {
    walk w = {.window = window, .header = header, .bytes_left = window->size, .sink = sink, .user = user};
    const uint8_t *first = msio_window_get(window, header->at, 4);
    if (!first) return window->status;
    w.second = memcmp(first, "OHDR", 4) == 0;
    if (!w.second && first[0] != 1)
        return msio_error_set(MSIO_E_UNSUPPORTED, window->path, "an object header of version %d is not known",
                              first[0]);
    return w.second ? read_second(&w, header->at) : read_first(&w, header->at);
}

/* ---------------------------------------------------------------- the data layout */

/* The extents of chunks, each of `size` bytes, and of their elements; axes: with the element's own. */
static bool parse_chunk(const uint8_t *m, int64_t length, int axes, int size, msio_h5_layout *l) {
    l->ndim = axes - 1;
    if (l->ndim < 1 || l->ndim > MSIO_H5_AXES_MOST || size < 1 || size > 8 || length < (int64_t)axes * size)
        return false;
    for (int k = 0; k < axes; k++) {
        uint64_t extent = msio_h5_number(m + k * size, size);
        if (extent > INT64_MAX) return false;
        *(k < l->ndim ? &l->chunk[k] : &l->element) = (int64_t)extent;
    }
    return true;
}

/* How many bytes of data follow, whose number has `size` bytes. */
static bool parse_compact(const uint8_t *m, int64_t length, int size, msio_h5_layout *l) {
    if (length < size) return false;
    l->bytes = (int64_t)msio_h5_number(m, size);
    return l->bytes <= length - size;
}

/* version 4: as version 3, but for chunks, whose extents have a size of their own. */
static bool parse_fourth(const uint8_t *m, int64_t length, msio_h5_layout *l) {
    l->class = m[1];
    if (l->class == 0) return parse_compact(m + 2, length - 2, 2, l);
    if (l->class != 2) return l->class <= 3;
    return length >= 5 && parse_chunk(m + 5, length - 5, m[3], m[4], l);
}

/* version 3: class, then what the class has. */
static bool parse_third(const uint8_t *m, int64_t length, int address, msio_h5_layout *l) {
    l->class = m[1];
    if (l->class == 0) return parse_compact(m + 2, length - 2, 2, l);
    if (l->class == 1) return length >= 2 + address && take_address(m + 2, address, &l->address);
    int64_t head = 3 + address;
    return l->class == 2 && length >= head && take_address(m + 3, address, &l->address) &&
           parse_chunk(m + head, length - head, m[2], 4, l);
}

/* versions 1 and 2: axes and class before reserved bytes. */
static bool parse_first(const uint8_t *m, int64_t length, int address, msio_h5_layout *l) {
    if (length < 8) return false;
    l->class = m[2];
    int64_t extents = 8 + 4 * (int64_t)m[1];
    if (l->class == 0) return m[1] <= MSIO_H5_AXES_MOST && parse_compact(m + extents, length - extents, 4, l);
    int64_t head = 8 + address;
    if (length < head || !take_address(m + 8, address, &l->address)) return false;
    return l->class == 1 || (l->class == 2 && parse_chunk(m + head, length - head, m[1], 4, l));
}

bool msio_h5_layout_parse(const msio_h5_header_message *message, int address, msio_h5_layout *layout) {
    const uint8_t *m = message->bytes;
    int64_t length = message->length;
    *layout = (msio_h5_layout){.class = -1, .address = -1};
    if (length < 2) return false;
    layout->version = m[0];
    switch (layout->version) {
    case 0: return false;
    case 1:
    case 2: return parse_first(m, length, address, layout);
    case 3: return parse_third(m, length, address, layout);
    case 4: return parse_fourth(m, length, layout);
    default: return true;
    }
}

typedef struct layout_search {
    const msio_window *window;
    msio_h5_layout *layout;
    bool found;
} layout_search;

static msio_status take_layout(void *user, const msio_h5_header_message *message, bool *done) {
    layout_search *s = user;
    if (message->type != MSIO_H5_MESSAGE_LAYOUT) return MSIO_OK;
    *done = s->found = true;
    return msio_h5_layout_parse(message, 8, s->layout)
               ? MSIO_OK
               : damaged(s->window, "the data layout message contradicts itself", message->where);
}

msio_status msio_h5_layout_read(msio_window *window, int64_t header, int64_t base, msio_h5_layout *layout) {
    layout_search s = {window, layout, false};
    msio_status status = msio_h5_header_read(
        window, &(msio_h5_header){.at = header, .base = base, .address = 8, .length = 8}, take_layout, &s);
    if (status) return status;
    return s.found ? MSIO_OK : damaged(window, "it has no data layout message", header);
}
