/* hdf5_filters.h - chunks as HDF5 files hold them, turned back into elements.
 *
 * Filters: deflate (libdeflate), LZF (liblzf), LZ4 (liblz4), Zstandard (libzstd), Blosc (libblosc), bitshuffle (a
 * kernel of our own, with LZ4 or Zstandard), shuffle, fletcher32 (verified). Formats: HDF5 File Format
 * Specification 3.0, "Filter Pipeline"; io/filters/hdf5_codecs.h.
 */
#ifndef MSIO_IO_HDF5_FILTERS_H
#define MSIO_IO_HDF5_FILTERS_H

#include "io/filters/hdf5_codecs.h"
#include "io/hdf5_module/hdf5_shim.h"

/* What a filter is registered as: "bitshuffle", "szip", ...; NULL: not known. Static. */
const char *msio_h5_filter_name(int id);

/* One filter, with what its client data say. */
typedef struct msio_decoder {
    int id;
    int64_t element;    /* shuffle: bytes of an element */
    int64_t block;      /* LZ4: bytes of a block when it was written; 0: 1 GiB */
    msio_bits_how bits; /* bitshuffle */
} msio_decoder;

/* What undoes a dataset's filters. Immutable; any thread may use it. */
typedef struct msio_decoding {
    int filters;
    msio_decoder filter[MSIO_H5_FILTERS];
    int64_t chunk_bytes; /* of a decoded chunk */
} msio_decoding;

/* NULL where all filters are known here, and *decoding is set; else why not ("filter szip (4) is not decoded here"), a
 * text in `why`. */
const char *msio_decoding_make(const msio_h5_info *info, int64_t chunk_bytes, msio_decoding *decoding, char *why,
                               size_t why_bytes);

/* Most bytes that so many stored ones of a chunk with that filter mask can decode to: what is less than chunk_bytes is
 * refused before memory is taken for it. */
int64_t msio_decoding_most(const msio_decoding *decoding, uint32_t mask, int64_t bytes);

/* Memory that decoding uses, of one thread: two buffers that take turns, and what codecs keep. */
typedef struct msio_decode_scratch {
    uint8_t *buffer[2];
    int64_t bytes; /* of each */
    msio_codec_memory codecs;
} msio_decode_scratch;
void msio_decode_scratch_free(msio_decode_scratch *scratch);

/* Decodes the `bytes` stored bytes at src, of a chunk with that filter mask. *out: the chunk's chunk_bytes bytes, in
 * the scratch until it is used again, or in src itself where nothing was to be moved. However the stream lies, the
 * scratch holds no more than two chunks, each with what its filters may have added to it (4 bytes a checksum; where
 * they may add more than three chunks, they are not decoded here), one more for a block of bitshuffle's (Blosc takes
 * three of its blocks for itself, and gives them back), and a codec's tables; what does not come to exactly chunk_bytes
 * is refused. Errors: MSIO_E_FORMAT (the message says which filter and what was wrong, no path), MSIO_E_MEMORY. */
msio_status msio_decode(const msio_decoding *decoding, uint32_t mask, const uint8_t *src, int64_t bytes,
                        msio_decode_scratch *scratch, const uint8_t **out);

#endif
