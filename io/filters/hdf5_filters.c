/* hdf5_filters.c - chunks of HDF5 files decoded: the filters that were applied, undone from the last to the first. */
#include "io/filters/hdf5_filters.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/filters/blosc_library.h"
#include "io/filters/hdf5_unshuffle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* HDF5's numbers of them, and those that the HDF Group registered. */
enum {
    DEFLATE = 1,
    SHUFFLE = 2,
    FLETCHER32 = 3,
    LZF = 32000,
    BLOSC = 32001,
    LZ4 = 32004,
    BITSHUFFLE = 32008,
    ZSTD = 32015
};

/* HDF5 counts a chunk's bytes in 32 bits. */
#define CHUNK_MOST ((int64_t)UINT32_MAX)
#define CHECKSUM_BYTES 4
/* What one stored byte can become: deflate copies 258 bytes for two bits, LZF 264 for three bytes, LZ4 255 for one of a
 * length; Zstandard repeats one 128 KiB times in a block of four, and may stand within Blosc and bitshuffle. */
#define DEFLATE_MOST 1032
#define LZF_MOST 88
#define LZ4_MOST 255
#define ZSTD_MOST (128 << 10)
/* Filters that swell chunks before others do their work are held up to so many times a chunk, and a little. */
#define SWOLLEN_MOST 4
#define SWOLLEN_LITTLE 65536

/* ---------------------------------------------------------------- what a pipeline needs */

const char *msio_h5_filter_name(int id) {
    static const struct {
        int id;
        const char *name;
    } known[] = {
        {DEFLATE, "deflate"},
        {SHUFFLE, "shuffle"},
        {FLETCHER32, "fletcher32"},
        {4, "szip"},
        {5, "nbit"},
        {6, "scale-offset"},
        {305, "lzo"},
        {307, "bzip2"},
        {LZF, "lzf"},
        {BLOSC, "blosc"},
        {32002, "mafisc"},
        {32003, "snappy"},
        {LZ4, "lz4"},
        {32005, "apax"},
        {32006, "cbf"},
        {32007, "jpeg-xr"},
        {BITSHUFFLE, "bitshuffle"},
        {32009, "spdp"},
        {32010, "lpc-rice"},
        {32011, "ccsds-123"},
        {32012, "jpeg-ls"},
        {32013, "zfp"},
        {32014, "fpzip"},
        {ZSTD, "zstd"},
        {32016, "b3d"},
        {32017, "sz"},
        {32018, "fcidecomp"},
        {32019, "jpeg"},
        {32020, "vbz"},
        {32021, "fapec"},
        {32022, "bitgroom"},
        {32023, "granular-bitround"},
        {32024, "sz3"},
        {32025, "delta-rice"},
        {32026, "blosc2"},
        {32027, "flac"},
        {32028, "sperr"},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (known[k].id == id) return known[k].name;
    return NULL;
}

static const char *name_of(const msio_h5_filter *filter) {
    const char *known = msio_h5_filter_name(filter->id);
    return known ? known : filter->name[0] ? filter->name : "without a name";
}

/* ---------------------------------------------------------------- the client data of each */

static unsigned value(const msio_h5_filter *f, int i) { return i < f->values ? f->value[i] : 0; }

static const char *no_element(const msio_h5_filter *f, char *why, size_t why_bytes) {
    snprintf(why, why_bytes, "filter %s (%d) does not tell the size of an element", name_of(f), f->id);
    return why;
}

/* bitshuffle's: two versions, bytes of an element, elements of a block, a codec. */
static const char *take_bitshuffle(const msio_h5_filter *f, msio_decoder *made, char *why, size_t why_bytes) {
    msio_bits_codec codec =
        value(f, 4) == MSIO_BITS_LZ4 || value(f, 4) == MSIO_BITS_ZSTD ? value(f, 4) : MSIO_BITS_PLAIN;
    made->bits = (msio_bits_how){.element = value(f, 2), .block = value(f, 3), .codec = codec};
    return value(f, 2) < 1 ? no_element(f, why, why_bytes) : NULL;
}

static const char *take_filter(const msio_h5_filter *f, msio_decoder *made, char *why, size_t why_bytes) {
    made->id = f->id;
    switch (f->id) {
    case DEFLATE:
    case FLETCHER32:
    case LZF:
    case ZSTD: return NULL;
    case SHUFFLE: made->element = value(f, 0); return made->element < 1 ? no_element(f, why, why_bytes) : NULL;
    case LZ4: made->block = value(f, 0); return NULL;
    case BITSHUFFLE: return take_bitshuffle(f, made, why, why_bytes);
    case BLOSC:
        if (msio_blosc_ready()) return NULL;
        snprintf(why, why_bytes,
                 "filter blosc (%d) needs the library libblosc.so.1 (Debian: apt-get install libblosc1)", BLOSC);
        return why;
    default: snprintf(why, why_bytes, "filter %s (%d) is not decoded here", name_of(f), f->id); return why;
    }
}

/* ---------------------------------------------------------------- sizes */

static bool applies(uint32_t mask, int i) { return !(mask >> i & 1); }

/* Bytes that a filter may add to n when it packs: zlib's bound is HDF5's own; the filters LZF and Blosc give up on what
 * does not shrink; bitshuffle's codecs stand in blocks of any size. */
static int64_t added(const msio_decoder *f, int64_t n) {
    switch (f->id) {
    case FLETCHER32: return CHECKSUM_BYTES;
    case DEFLATE: return n / 1000 + 13;
    case LZ4: return 12 + 4 * (f->block ? n / f->block + 1 : n >> 30 | 1);
    case ZSTD: return n / 256 + 128;
    case BITSHUFFLE: {
        int64_t block = (f->bits.block ? f->bits.block : msio_bits_default_block(f->bits.element)) * f->bits.element;
        return f->bits.codec == MSIO_BITS_PLAIN ? 0 : 12 + (n / block + 1) * (4 + 64) + n / 255;
    }
    default: return 0;
    }
}

/* Most bytes that filter i can have been given when the chunk was written. */
static int64_t most_before(const msio_decoding *d, uint32_t mask, int i) {
    int64_t most = d->chunk_bytes;
    for (int k = 0; k < i; k++)
        if (applies(mask, k)) most += added(&d->filter[k], most);
    return most;
}

const char *msio_decoding_make(const msio_h5_info *info, int64_t chunk_bytes, msio_decoding *decoding, char *why,
                               size_t why_bytes) {
    msio_decoding made = {.filters = info->filters, .chunk_bytes = chunk_bytes};
    if (info->odd_filters || info->filters < 0 || info->filters > MSIO_H5_FILTERS) {
        snprintf(why, why_bytes, "more filters than %d, or chunks at the edge without them", MSIO_H5_FILTERS);
        return why;
    }
    if (chunk_bytes < 1 || chunk_bytes > CHUNK_MOST) {
        snprintf(why, why_bytes, "chunks of %lld bytes", (long long)chunk_bytes);
        return why;
    }
    for (int i = 0; i < info->filters; i++) {
        const char *reason = take_filter(&info->filter[i], &made.filter[i], why, why_bytes);
        if (reason) return reason;
        if (info->filter[i].id != FLETCHER32 &&
            most_before(&made, 0, i) > SWOLLEN_MOST * chunk_bytes + SWOLLEN_LITTLE) {
            snprintf(why, why_bytes, "filters before %s (%d) may make chunks many times as large",
                     name_of(&info->filter[i]), made.filter[i].id);
            return why;
        }
    }
    *decoding = made;
    return NULL;
}

static int64_t most_of_one_byte(const msio_decoder *f) {
    switch (f->id) {
    case DEFLATE: return DEFLATE_MOST;
    case LZF: return LZF_MOST;
    case LZ4: return LZ4_MOST;
    case ZSTD:
    case BLOSC: return ZSTD_MOST;
    case BITSHUFFLE:
        return f->bits.codec == MSIO_BITS_PLAIN ? 1 : f->bits.codec == MSIO_BITS_LZ4 ? LZ4_MOST : ZSTD_MOST;
    default: return 1;
    }
}

int64_t msio_decoding_most(const msio_decoding *decoding, uint32_t mask, int64_t bytes) {
    for (int i = decoding->filters - 1; i >= 0; i--)
        if (applies(mask, i) && !msio_mul_checked(bytes, most_of_one_byte(&decoding->filter[i]), &bytes))
            return INT64_MAX;
    return bytes;
}

/* ---------------------------------------------------------------- memory */

void msio_decode_scratch_free(msio_decode_scratch *scratch) {
    free(scratch->buffer[0]);
    free(scratch->buffer[1]);
    msio_codec_memory_free(&scratch->codecs);
    *scratch = (msio_decode_scratch){.bytes = 0};
}

/* A chunk on its way back. */
typedef struct work {
    const msio_decoding *decoding;
    uint32_t mask;
    msio_decode_scratch *scratch;
    const uint8_t *at; /* what is left to decode: in the caller's memory, or in a buffer */
    int64_t bytes;
} work;

static msio_status no_memory(int64_t bytes) {
    return msio_error_set(MSIO_E_MEMORY, NULL, "no memory to decode a chunk: %lld bytes", (long long)bytes);
}

/* Makes buffers that are too small for this pipeline go. What the last filter gave is nowhere but in the file, and a
 * checksum is taken off where it stands. */
static void begin(work *w) {
    int last = w->decoding->filters - 1;
    while (last > 0 && w->decoding->filter[last].id == FLETCHER32) last--;
    int64_t bytes = most_before(w->decoding, 0, last);
    if (bytes <= w->scratch->bytes) return;
    for (int i = 0; i < 2; i++) {
        free(w->scratch->buffer[i]);
        w->scratch->buffer[i] = NULL;
    }
    w->scratch->bytes = bytes;
}

/* The buffer that the data are not in; NULL: no memory. */
static uint8_t *other_buffer(work *w) {
    uint8_t **buffer = &w->scratch->buffer[w->scratch->buffer[0] && w->at == w->scratch->buffer[0]];
    if (!*buffer) *buffer = malloc((size_t)w->scratch->bytes);
    return *buffer;
}

/* ---------------------------------------------------------------- shuffle */

/* Bytes beyond the last whole element stand at the end as they are. */
static msio_status undo_shuffle(work *w, int64_t element, int64_t most) {
    if (w->bytes > most)
        return msio_error_set(MSIO_E_FORMAT, NULL,
                              "filter shuffle was left %lld bytes of a chunk that cannot have more than %lld: the file "
                              "is damaged",
                              (long long)w->bytes, (long long)most);
    size_t n = (size_t)(w->bytes / element), size = (size_t)element;
    if (size == 1 || n <= 1) return MSIO_OK;
    uint8_t *out = other_buffer(w);
    if (!out) return no_memory(w->scratch->bytes);
    msio_unshuffle(out, w->at, n, size);
    memcpy(out + n * size, w->at + n * size, (size_t)w->bytes - n * size);
    w->at = out;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- fletcher32 */

/* Words that are summed up in 32 bits: 256 * 257 / 2 * 65535 does not overflow. */
#define FLETCHER_BLOCK 256

/* Sums that are folded to 16 bits as HDF5 does it are 0 only when all words are. */
static uint32_t fold(uint64_t sum) { return sum ? (uint32_t)((sum - 1) % 65535 + 1) : 0; }

/* H5_checksum_fletcher32: of 16-bit words, most significant byte first; an odd last byte is the upper half of one. */
static uint32_t fletcher32(const uint8_t *bytes, int64_t n) {
    uint64_t sum1 = 0, sum2 = 0;
    int64_t words = n / 2;
    for (; words >= FLETCHER_BLOCK; words -= FLETCHER_BLOCK, bytes += 2 * FLETCHER_BLOCK) {
        uint32_t sum = 0, weighted = 0;
        for (uint32_t i = 0; i < FLETCHER_BLOCK; i++) {
            uint32_t word = (uint32_t)bytes[2 * i] << 8 | bytes[2 * i + 1];
            sum += word;
            weighted += word * (FLETCHER_BLOCK - i);
        }
        sum2 = fold(sum2 + FLETCHER_BLOCK * sum1 + weighted);
        sum1 = fold(sum1 + sum);
    }
    for (; words > 0; words--, bytes += 2) {
        sum1 += (uint32_t)bytes[0] << 8 | bytes[1];
        sum2 += sum1;
    }
    if (n % 2) {
        sum1 += (uint32_t)bytes[0] << 8;
        sum2 += sum1;
    }
    return fold(sum2) << 16 | fold(sum1);
}

/* The checksum stands behind the data, least significant byte first; HDF5 up to 1.6.2 wrote each half's bytes in the
 * other order on such machines. */
static msio_status undo_fletcher32(work *w) {
    if (w->bytes < CHECKSUM_BYTES)
        return msio_error_set(MSIO_E_FORMAT, NULL,
                              "filter fletcher32 found %lld bytes, too few for a checksum: the file is damaged",
                              (long long)w->bytes);
    int64_t n = w->bytes - CHECKSUM_BYTES;
    const uint8_t *at = w->at + n;
    uint32_t stored = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    uint32_t sum = fletcher32(w->at, n), old = (sum & 0x00ff00ff) << 8 | (sum >> 8 & 0x00ff00ff);
    if (stored != sum && stored != old)
        return msio_error_set(MSIO_E_FORMAT, NULL,
                              "filter fletcher32: the checksum %08x of a chunk does not match its %lld bytes, which "
                              "give %08x: the file is damaged",
                              stored, (long long)n, sum);
    w->bytes = n;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the pipeline */

static msio_status unpack(const msio_decoder *f, msio_unpack *u) {
    switch (f->id) {
    case DEFLATE: return msio_unpack_deflate(u);
    case LZ4: return msio_unpack_lz4(u);
    case ZSTD: return msio_unpack_zstd(u);
    case BLOSC: return msio_unpack_blosc(u);
    case BITSHUFFLE: return msio_unpack_bitshuffle(u, &f->bits);
    default: return msio_unpack_lzf(u);
    }
}

static msio_status undo_codec(work *w, const msio_decoder *f, int64_t most) {
    msio_unpack u = {.src = w->at, .bytes = w->bytes, .out = other_buffer(w), .most = most};
    u.memory = &w->scratch->codecs;
    if (!u.out) return no_memory(w->scratch->bytes);
    msio_status status = unpack(f, &u);
    if (status) return status;
    w->at = u.out;
    w->bytes = u.made;
    return MSIO_OK;
}

static msio_status undo(work *w, int i) {
    const msio_decoder *f = &w->decoding->filter[i];
    int64_t most = most_before(w->decoding, w->mask, i);
    if (f->id == SHUFFLE) return undo_shuffle(w, f->element, most);
    if (f->id == FLETCHER32) return undo_fletcher32(w);
    return undo_codec(w, f, most);
}

msio_status msio_decode(const msio_decoding *decoding, uint32_t mask, const uint8_t *src, int64_t bytes,
                        msio_decode_scratch *scratch, const uint8_t **out) {
    work w = {.decoding = decoding, .mask = mask, .scratch = scratch, .at = src, .bytes = bytes};
    begin(&w);
    for (int i = decoding->filters - 1; i >= 0; i--) {
        msio_status status = applies(mask, i) ? undo(&w, i) : MSIO_OK;
        if (status) return status;
    }
    if (w.bytes != decoding->chunk_bytes)
        return msio_error_set(
            MSIO_E_FORMAT, NULL,
            "the %lld stored bytes of a chunk decode to %lld, it should have %lld: the file is damaged",
            (long long)bytes, (long long)w.bytes, (long long)decoding->chunk_bytes);
    *out = w.at;
    return MSIO_OK;
}
