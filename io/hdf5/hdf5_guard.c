/* hdf5_guard.c - datasets whose own description would crash the HDF5 library, refused before it opens them.
 *
 * HDF5 1.10 believes the data layout message: it divides by extents of chunks, as many as the dataspace has axes, and
 * multiplies them in 32 bits. */
#include "io/hdf5/hdf5_guard.h"

#include "core/checked.h"
#include "core/error.h"

/* What the library itself writes: chunks of less than 4 GiB. */
#define CHUNK_BYTES_MOST ((int64_t)UINT32_MAX)

#define ADVICE "the file is damaged: copy it anew from where it came from, or have it written again"

/* What a header says. */
typedef struct said {
    const msio_h5_header *header;
    const char *path, *name;
    msio_h5_layout layout;
    int64_t layout_at, space_at, type_at, fill_at; /* -1: no such message */
    int axes;                                      /* of the dataset; -1: not known */
    int64_t elements;                              /* and how many it has; -1: not known, or beyond what is counted */
    int64_t element;                               /* bytes of each; -1: not known */
} said;

/* ---------------------------------------------------------------- collecting */

static msio_status wrong_message(const said *s, const msio_h5_header_message *m, const char *what) {
    const char *kind = m->type == MSIO_H5_MESSAGE_SPACE  ? "dataspace"
                       : m->type == MSIO_H5_MESSAGE_TYPE ? "datatype"
                       : m->type == MSIO_H5_MESSAGE_FILL ? "fill value"
                                                         : "data layout";
    return msio_error_set(MSIO_E_FORMAT, s->path, "%s: the %s message at byte %lld %s; " ADVICE, s->name, kind,
                          (long long)m->where, what);
}

/* Versions 1 and 2 begin alike. A shared message is elsewhere. */
static msio_status take_space(said *s, const msio_h5_header_message *m) {
    if (m->shared || (m->length > 0 && (m->bytes[0] < 1 || m->bytes[0] > 2))) return MSIO_OK;
    int axes = m->length < 4 ? 0 : m->bytes[1], size = s->header->length;
    int64_t head = m->bytes[0] == 1 ? 8 : 4, extent[MSIO_H5_AXES_MOST];
    if (m->length < head + (int64_t)axes * size) return wrong_message(s, m, "is too short");
    if (axes > MSIO_H5_AXES_MOST) return wrong_message(s, m, "has more axes than the 32 that HDF5 knows");
    for (int k = 0; k < axes; k++) extent[k] = (int64_t)msio_h5_number(m->bytes + head + k * size, size);
    s->axes = axes;
    bool none = m->bytes[0] == 2 && m->bytes[3] == 2;
    if (none || !msio_product_checked(axes, extent, &s->elements)) s->elements = none ? 0 : -1;
    return MSIO_OK;
}

/* All versions have the bytes of an element after four others. */
static msio_status take_type(said *s, const msio_h5_header_message *m) {
    if (m->shared) return MSIO_OK;
    if (m->length < 8) return wrong_message(s, m, "is too short");
    s->element = (int64_t)msio_h5_number(m->bytes + 4, 4);
    return MSIO_OK;
}

/* Versions 1 and 2 say first whether there is a value, version 3 in a bit. */
static msio_status take_fill(said *s, const msio_h5_header_message *m) {
    const uint8_t *b = m->bytes;
    int version = m->length > 0 ? b[0] : 0;
    int64_t head = version == 3 ? 2 : 4;
    if (m->shared || version > 3) return MSIO_OK;
    if (m->length < head) return wrong_message(s, m, "is too short");
    bool has = version == 1 || (version == 2 && b[3]) || (version == 3 && b[1] & 0x20);
    if (!has) return MSIO_OK;
    if (m->length < head + 4) return wrong_message(s, m, "is too short");
    int64_t bytes = (int64_t)msio_h5_number(b + head, 4);
    bool undefined = version < 3 && bytes > INT32_MAX; /* the library reads it as a negative number: none */
    return undefined || bytes <= m->length - head - 4 ? MSIO_OK
                                                      : wrong_message(s, m, "ends before the value that it announces");
}

static msio_status take_layout(said *s, const msio_h5_header_message *m) {
    return msio_h5_layout_parse(m, s->header->address, &s->layout) ? MSIO_OK
                                                                   : wrong_message(s, m, "contradicts itself");
}

static msio_status take(void *user, const msio_h5_header_message *m, bool *done) {
    said *s = user;
    (void)done; /* a second one is looked for: which of them the library would take is its own affair */
    int64_t *at = m->type == MSIO_H5_MESSAGE_SPACE  ? &s->space_at
                  : m->type == MSIO_H5_MESSAGE_TYPE ? &s->type_at
                  : m->type == MSIO_H5_MESSAGE_FILL ? &s->fill_at
                                                    : &s->layout_at;
    if (*at >= 0) return wrong_message(s, m, "is the second of its kind");
    *at = m->where;
    return m->type == MSIO_H5_MESSAGE_SPACE  ? take_space(s, m)
           : m->type == MSIO_H5_MESSAGE_TYPE ? take_type(s, m)
           : m->type == MSIO_H5_MESSAGE_FILL ? take_fill(s, m)
                                             : take_layout(s, m);
}

/* ---------------------------------------------------------------- judging */

static msio_status check_chunk(const said *s) {
    const msio_h5_layout *l = &s->layout;
    int64_t bytes = l->element;
    bool fits = bytes <= CHUNK_BYTES_MOST;
    if (s->axes >= 0 && s->axes != l->ndim)
        return msio_error_set(MSIO_E_FORMAT, s->path,
                              "%s: the data layout message at byte %lld says chunks of %d axes, the dataspace message "
                              "at byte %lld %d axes; " ADVICE,
                              s->name, (long long)s->layout_at, l->ndim, (long long)s->space_at, s->axes);
    if (l->element == 0)
        return msio_error_set(MSIO_E_FORMAT, s->path,
                              "%s: the data layout message at byte %lld says elements of 0 bytes; " ADVICE, s->name,
                              (long long)s->layout_at);
    if (s->element >= 0 && s->element != l->element)
        return msio_error_set(MSIO_E_FORMAT, s->path,
                              "%s: the data layout message at byte %lld says elements of %lld bytes, the datatype "
                              "message at byte %lld %lld bytes; " ADVICE,
                              s->name, (long long)s->layout_at, (long long)l->element, (long long)s->type_at,
                              (long long)s->element);
    for (int k = 0; k < l->ndim; k++) {
        if (l->chunk[k] == 0)
            return msio_error_set(
                MSIO_E_FORMAT, s->path,
                "%s: the data layout message at byte %lld says chunks of 0 elements along axis %d; " ADVICE, s->name,
                (long long)s->layout_at, k);
        fits = fits && l->chunk[k] <= CHUNK_BYTES_MOST && (bytes *= l->chunk[k]) <= CHUNK_BYTES_MOST;
    }
    return fits ? MSIO_OK
                : msio_error_set(MSIO_E_FORMAT, s->path,
                                 "%s: the data layout message at byte %lld says chunks of 4 GiB or more, which HDF5 "
                                 "does not write; " ADVICE,
                                 s->name, (long long)s->layout_at);
}

/* The data lie in the message itself. */
static msio_status check_compact(const said *s) {
    int64_t wanted;
    if (s->elements < 0 || s->element < 0 || !msio_mul_checked(s->elements, s->element, &wanted)) return MSIO_OK;
    if (wanted <= s->layout.bytes) return MSIO_OK;
    return msio_error_set(
        MSIO_E_FORMAT, s->path,
        "%s: the data layout message at byte %lld holds %lld bytes of data, the dataset has %lld; " ADVICE, s->name,
        (long long)s->layout_at, (long long)s->layout.bytes, (long long)wanted);
}

msio_status msio_h5_guard_check(msio_file *file, const msio_h5_header *header, const char *name) {
    said s = {.header = header, .path = file->path, .name = name, .axes = -1, .elements = -1, .element = -1};
    s.layout_at = s.space_at = s.type_at = s.fill_at = -1;
    msio_window window;
    msio_window_open_unmapped(&window, file);
    msio_status status = msio_h5_header_read(&window, header, take, &s);
    if (status == MSIO_E_UNSUPPORTED)
        status = MSIO_OK;
    else if (!status && s.layout.class == 2 && s.layout_at >= 0)
        status = check_chunk(&s);
    else if (!status && s.layout.class == 0 && s.layout_at >= 0)
        status = check_compact(&s);
    return msio_window_close(&window, status);
}
