/* hdf5_codecs.c - what filters packed, unpacked by each codec's own library. */
#include "io/filters/hdf5_codecs.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/filters/blosc_library.h"
#include "io/filters/hdf5_unshuffle.h"

#include <errno.h>
#include <libdeflate.h>
#include <liblzf/lzf.h>
#include <limits.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* LZ4's and bitshuffle's: bytes of the whole, 8, and of a block, 4; each block's stored bytes, 4. Big endian. */
#define BLOCKS_HEAD 12
#define BLOCK_HEAD 4
/* Blosc's: of the header. */
#define BLOSC_HEAD 16

/* ---------------------------------------------------------------- what they share */

void msio_codec_memory_free(msio_codec_memory *memory) {
    if (memory->inflater) libdeflate_free_decompressor(memory->inflater);
    ZSTD_freeDCtx(memory->zstd);
    free(memory->block);
    *memory = (msio_codec_memory){.block_bytes = 0};
}

static uint32_t big32(const uint8_t *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

static uint64_t big64(const uint8_t *b) { return (uint64_t)big32(b) << 32 | big32(b + 4); }

static msio_status damaged_stream(const msio_unpack *u, const char *filter) {
    return msio_error_set(MSIO_E_FORMAT, NULL,
                          "filter %s: the %lld stored bytes are no whole stream: the file is damaged", filter,
                          (long long)u->bytes);
}

static msio_status damaged_block(const msio_unpack *u, const char *filter, int64_t at) {
    return msio_error_set(MSIO_E_FORMAT, NULL,
                          "filter %s: the block at byte %lld of the %lld stored ones is none: the file is damaged",
                          filter, (long long)at, (long long)u->bytes);
}

static msio_status too_large(const msio_unpack *u, const char *filter) {
    return msio_error_set(MSIO_E_FORMAT, NULL,
                          "filter %s: the %lld stored bytes give more than the %lld that a chunk can have: the file is "
                          "damaged",
                          filter, (long long)u->bytes, (long long)u->most);
}

static msio_status no_memory(const char *what) {
    return msio_error_set(MSIO_E_MEMORY, NULL, "no memory to decode a chunk: %s", what);
}

/* ---------------------------------------------------------------- deflate and LZF */

msio_status msio_unpack_deflate(msio_unpack *u) {
    size_t used = 0;
    if (!u->memory->inflater) u->memory->inflater = libdeflate_alloc_decompressor();
    if (!u->memory->inflater) return no_memory("deflate's tables");
    switch (libdeflate_zlib_decompress(u->memory->inflater, u->src, (size_t)u->bytes, u->out, (size_t)u->most, &used)) {
    case LIBDEFLATE_SUCCESS: break;
    case LIBDEFLATE_INSUFFICIENT_SPACE: return too_large(u, "deflate");
    default: return damaged_stream(u, "deflate");
    }
    u->made = (int64_t)used;
    return MSIO_OK;
}

/* liblzf counts in 32 bits. Its own streams are never longer than what they hold, but others' may be. */
msio_status msio_unpack_lzf(msio_unpack *u) {
    if (u->bytes < 1 || u->bytes > UINT32_MAX) return damaged_stream(u, "LZF");
    errno = 0;
    unsigned used = lzf_decompress(u->src, (unsigned)u->bytes, u->out, (unsigned)msio_min(u->most, UINT32_MAX));
    if (!used) return errno == E2BIG ? too_large(u, "LZF") : damaged_stream(u, "LZF");
    u->made = used;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- one block or frame */

/* Exactly n bytes at out, of an LZ4 block. */
static bool lz4_block(const uint8_t *src, int64_t bytes, uint8_t *out, int64_t n) {
    return bytes <= INT_MAX && n <= INT_MAX &&
           LZ4_decompress_safe((const char *)src, (char *)out, (int)bytes, (int)n) == (int)n;
}

/* Bytes that one frame, and nothing behind it, gives; -1: it is damaged, -2: it has more than `most`. Frames of the
 * formats before Zstandard 0.8 are none: the HDF5 filter is younger. */
static int64_t zstd_frame(msio_codec_memory *memory, const uint8_t *src, int64_t bytes, uint8_t *out, int64_t most) {
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    if (bytes < (int64_t)sizeof magic || memcmp(src, magic, sizeof magic) != 0) return -1;
    if (ZSTD_findFrameCompressedSize(src, (size_t)bytes) != (size_t)bytes) return -1;
    unsigned long long said = ZSTD_getFrameContentSize(src, (size_t)bytes);
    if (said == ZSTD_CONTENTSIZE_ERROR) return -1;
    if (said != ZSTD_CONTENTSIZE_UNKNOWN && said > (unsigned long long)most) return -2;
    size_t made = ZSTD_decompressDCtx(memory->zstd, out, (size_t)most, src, (size_t)bytes);
    return ZSTD_isError(made) ? -1 : (int64_t)made;
}

static msio_status make_zstd(msio_codec_memory *memory) {
    if (!memory->zstd) memory->zstd = ZSTD_createDCtx();
    return memory->zstd ? MSIO_OK : no_memory("Zstandard's tables");
}

/* ---------------------------------------------------------------- LZ4, Zstandard, Blosc */

/* A block that did not shrink is stored as it is. */
msio_status msio_unpack_lz4(msio_unpack *u) {
    if (u->bytes < BLOCKS_HEAD) return damaged_stream(u, "LZ4");
    uint64_t all = big64(u->src);
    int64_t block = big32(u->src + 8), at = BLOCKS_HEAD;
    if (all > (uint64_t)u->most) return too_large(u, "LZ4");
    if (block == 0) return damaged_stream(u, "LZ4");
    for (int64_t made = 0; made < (int64_t)all; made += block) {
        block = msio_min(block, (int64_t)all - made);
        if (u->bytes - at < BLOCK_HEAD) return damaged_stream(u, "LZ4");
        int64_t stored = big32(u->src + at);
        const uint8_t *from = u->src + at + BLOCK_HEAD;
        if (stored > u->bytes - at - BLOCK_HEAD) return damaged_block(u, "LZ4", at);
        if (stored == block)
            memcpy(u->out + made, from, (size_t)block);
        else if (!lz4_block(from, stored, u->out + made, block))
            return damaged_block(u, "LZ4", at);
        at += BLOCK_HEAD + stored;
    }
    u->made = (int64_t)all;
    return MSIO_OK;
}

msio_status msio_unpack_zstd(msio_unpack *u) {
    msio_status status = make_zstd(u->memory);
    if (status) return status;
    int64_t made = zstd_frame(u->memory, u->src, u->bytes, u->out, u->most);
    if (made < 0) return made == -2 ? too_large(u, "zstd") : damaged_stream(u, "zstd");
    u->made = made;
    return MSIO_OK;
}

/* The header says, least significant byte first from byte 4 on: bytes of the whole, of a block, stored. The library
 * takes three blocks of memory for itself, and a block is never larger than the whole. */
msio_status msio_unpack_blosc(msio_unpack *u) {
    size_t decoded = 0;
    if (u->bytes < BLOSC_HEAD) return damaged_stream(u, "blosc");
    const uint8_t *b = u->src + 12;
    int64_t stored = (int64_t)((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);
    if (stored > u->bytes || msio_blosc_validate(u->src, (size_t)stored, &decoded) != 0)
        return damaged_stream(u, "blosc");
    if (decoded > (size_t)u->most) return too_large(u, "blosc");
    int made = decoded ? msio_blosc_decompress(u->src, u->out, (size_t)u->most) : 0;
    if (made < 0 || (size_t)made != decoded) return damaged_stream(u, "blosc");
    u->made = made;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- bitshuffle */

/* Blocks are transposed in elements by eights; what is left over stands at the end as it is. */
#define BITS_MULTIPLE 8
#define BITS_BLOCK_BYTES 8192
#define BITS_BLOCK_LEAST 128

int64_t msio_bits_default_block(int64_t element) {
    int64_t block = BITS_BLOCK_BYTES / element;
    return msio_max(block - block % BITS_MULTIPLE, BITS_BLOCK_LEAST);
}

/* A chunk's blocks on their way. */
typedef struct bits {
    msio_unpack *u;
    const msio_bits_how *how;
    int64_t at; /* of the stored bytes */
} bits;

/* The next n elements, which go to out. */
static msio_status bits_block(bits *b, int64_t n, uint8_t *out) {
    const msio_unpack *u = b->u;
    const int64_t whole = n * b->how->element, left = u->bytes - b->at;
    uint8_t *between = u->memory->block;
    const uint8_t *packed = u->src + b->at;
    int64_t stored = whole;
    if (b->how->codec != MSIO_BITS_PLAIN) {
        if (left < BLOCK_HEAD) return damaged_stream(u, "bitshuffle");
        stored = big32(packed);
        if (stored > left - BLOCK_HEAD) return damaged_block(u, "bitshuffle", b->at);
        uint8_t *to = b->how->element == 1 ? between : out; /* with one byte the transposition has one step */
        bool good = b->how->codec == MSIO_BITS_LZ4
                        ? lz4_block(packed + BLOCK_HEAD, stored, to, whole)
                        : zstd_frame(u->memory, packed + BLOCK_HEAD, stored, to, whole) == whole;
        if (!good) return damaged_block(u, "bitshuffle", b->at);
        stored += BLOCK_HEAD;
        packed = to;
    } else if (left < whole) {
        return damaged_stream(u, "bitshuffle");
    }
    msio_unshuffle_bits(out, packed, (size_t)n, (size_t)b->how->element, between);
    b->at += stored;
    return MSIO_OK;
}

/* The stored bytes' head, where there is one: bytes of the whole, elements of a block. */
static msio_status bits_head(bits *b, int64_t *all, int64_t *block) {
    const msio_unpack *u = b->u;
    *all = u->bytes;
    *block = b->how->block;
    if (b->how->codec != MSIO_BITS_PLAIN) {
        if (u->bytes < BLOCKS_HEAD) return damaged_stream(u, "bitshuffle");
        uint64_t said = big64(u->src);
        if (said > (uint64_t)u->most) return too_large(u, "bitshuffle");
        *all = (int64_t)said;
        *block = big32(u->src + 8) / b->how->element;
        b->at = BLOCKS_HEAD;
    }
    if (*all > u->most) return too_large(u, "bitshuffle");
    if (*block == 0) *block = msio_bits_default_block(b->how->element);
    return *block % BITS_MULTIPLE || *all % b->how->element ? damaged_stream(u, "bitshuffle") : MSIO_OK;
}

/* Room for one block, and the codec's tables. */
static msio_status bits_memory(bits *b, int64_t bytes) {
    msio_codec_memory *memory = b->u->memory;
    if (b->how->codec == MSIO_BITS_ZSTD && make_zstd(memory)) return MSIO_E_MEMORY;
    if (bytes <= memory->block_bytes) return MSIO_OK;
    free(memory->block);
    memory->block = malloc((size_t)bytes);
    memory->block_bytes = memory->block ? bytes : 0;
    return memory->block ? MSIO_OK : no_memory("a block of bitshuffle's");
}

msio_status msio_unpack_bitshuffle(msio_unpack *u, const msio_bits_how *how) {
    bits b = {.u = u, .how = how};
    int64_t all = 0, block = 0;
    msio_status status = bits_head(&b, &all, &block);
    if (status) return status;
    const int64_t n = all / how->element, rest = n % BITS_MULTIPLE;
    block = msio_min(block, n - rest);
    status = bits_memory(&b, block * how->element);
    for (int64_t i = 0, some; i < n - rest && !status; i += some) {
        some = msio_min(block, n - rest - i);
        status = bits_block(&b, some, u->out + i * how->element);
    }
    if (status) return status;
    if (u->bytes - b.at < rest * how->element) return damaged_stream(u, "bitshuffle");
    if (rest) memcpy(u->out + (n - rest) * how->element, u->src + b.at, (size_t)(rest * how->element));
    u->made = all;
    return MSIO_OK;
}
