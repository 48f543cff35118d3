/* hdf5_object.h - the messages of an HDF5 object header that say how a dataset lies in its file. */
#ifndef MSIO_IO_HDF5_OBJECT_H
#define MSIO_IO_HDF5_OBJECT_H

#include "io/files/window.h"

/* Axes that the format knows. */
#define MSIO_H5_AXES_MOST 32

/* ---------------------------------------------------------------- headers */

/* Where an object header stands, and the sizes that its file counts with. */
typedef struct msio_h5_header {
    int64_t at;   /* from the file's begin */
    int64_t base; /* that addresses in the file count from */
    int address;  /* bytes of an address, 1 to 8 */
    int length;   /* and of a length */
} msio_h5_header;

typedef enum msio_h5_message_type {
    MSIO_H5_MESSAGE_SPACE = 1,
    MSIO_H5_MESSAGE_TYPE = 3,
    MSIO_H5_MESSAGE_FILL = 5,
    MSIO_H5_MESSAGE_LAYOUT = 8
} msio_h5_message_type;

/* A message. Of a long one only the begin is kept. */
typedef struct msio_h5_header_message {
    msio_h5_message_type type;
    bool shared; /* the bytes say where it stands, not what it says */
    int64_t where;
    int64_t length;
    uint8_t bytes[320]; /* as many of them as there are */
} msio_h5_header_message;

/* done: nothing further need be told. */
typedef msio_status (*msio_h5_header_sink)(void *user, const msio_h5_header_message *message, bool *done);

/* Tells the header's messages of the types above, in the order of their blocks. MSIO_E_FORMAT (damaged),
 * MSIO_E_UNSUPPORTED (a version that is not known), MSIO_E_IO, MSIO_E_MEMORY, what the sink returns. */
msio_status msio_h5_header_read(msio_window *window, const msio_h5_header *header, msio_h5_header_sink sink,
                                void *user);

/* ---------------------------------------------------------------- the data layout */

/* What a data layout message of versions 1 to 4 says. Addresses count from the file's base. */
typedef struct msio_h5_layout {
    int class;       /* 0 compact, 1 contiguous, 2 chunked, 3 virtual; -1: of a version that is not known */
    int version;     /* 5 and more: nothing else is filled */
    int64_t address; /* versions 1 to 3: of the data, or of the B-tree; -1: none */
    int ndim;        /* chunked: axes, the element's own not counted */
    int64_t chunk[MSIO_H5_AXES_MOST];
    int64_t element; /* chunked: bytes */
    int64_t bytes;   /* compact: of the data */
} msio_h5_layout;

/* False: the message contradicts itself. address: bytes of one. */
bool msio_h5_layout_parse(const msio_h5_header_message *message, int address, msio_h5_layout *layout);

/* Finds the message in the object header at byte `header` of the file, whose addresses have 8 bytes and count from
 * `base`. Fails as msio_h5_header_read does. */
msio_status msio_h5_layout_read(msio_window *window, int64_t header, int64_t base, msio_h5_layout *layout);

/* Little-endian numbers of the file, whatever this machine's order. */
static inline uint64_t msio_h5_number(const uint8_t *bytes, int n) {
    uint64_t value = 0;
    for (int i = n - 1; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

#endif
