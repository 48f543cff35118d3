/* hdf5_codecs.h - what filters packed, unpacked: deflate, LZF, LZ4, Zstandard, Blosc, and bitshuffle with its blocks.
 *
 * Formats: each filter's own HDF5 plugin, as the HDF Group's registry of filters names it; docs/formats.md tells them.
 */
#ifndef MSIO_IO_HDF5_CODECS_H
#define MSIO_IO_HDF5_CODECS_H

#include "msio/core.h"

#include <stdint.h>

/* What codecs keep from one chunk to the next, of one thread. */
typedef struct msio_codec_memory {
    void *inflater; /* libdeflate's */
    void *zstd;     /* libzstd's */
    uint8_t *block; /* of bitshuffle */
    int64_t block_bytes;
} msio_codec_memory;
void msio_codec_memory_free(msio_codec_memory *memory);

/* A stream: `bytes` stored ones at src, room for `most` at out; made: how many it gave. */
typedef struct msio_unpack {
    const uint8_t *src;
    int64_t bytes;
    uint8_t *out;
    int64_t most, made;
    msio_codec_memory *memory;
} msio_unpack;

/* How bitshuffle was told to pack. */
typedef enum msio_bits_codec { MSIO_BITS_PLAIN, MSIO_BITS_LZ4 = 2, MSIO_BITS_ZSTD = 3 } msio_bits_codec;
typedef struct msio_bits_how {
    int64_t element; /* bytes of one */
    int64_t block;   /* elements; 0: about 8 KiB. Where a codec follows, each chunk says it itself */
    msio_bits_codec codec;
} msio_bits_how;

/* Elements of a block when none was asked for. */
int64_t msio_bits_default_block(int64_t element);

/* No more than `most` bytes are written, none beyond `bytes` is read, however the stream lies; `made` is set on success
 * only. Errors: MSIO_E_FORMAT (which filter, what was wrong; no path), MSIO_E_MEMORY. Blosc: msio_blosc_ready first. */
msio_status msio_unpack_deflate(msio_unpack *u);
msio_status msio_unpack_lzf(msio_unpack *u);
msio_status msio_unpack_lz4(msio_unpack *u);
msio_status msio_unpack_zstd(msio_unpack *u);
msio_status msio_unpack_blosc(msio_unpack *u);
msio_status msio_unpack_bitshuffle(msio_unpack *u, const msio_bits_how *how);

#endif
