/* hdf5_filters.c - chunks of HDF5 files decoded: the filters that were applied, undone from the last to the first. */
#include "io/hdf5_filters.h"

#include "core/checked.h"
#include "core/error.h"

#include <errno.h>
#include <libdeflate.h>
#include <liblzf/lzf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* HDF5's numbers of them; 32000 is registered for LZF. */
enum { DEFLATE = 1, SHUFFLE = 2, FLETCHER32 = 3, LZF = 32000 };

/* HDF5 counts a chunk's bytes in 32 bits. */
#define CHUNK_MOST ((int64_t)UINT32_MAX)
#define CHECKSUM_BYTES 4
/* What one stored byte can become: deflate copies 258 bytes for two bits, LZF 264 for three bytes. */
#define DEFLATE_MOST 1032
#define LZF_MOST 88

/* ---------------------------------------------------------------- what a pipeline needs */

static const char *filter_name(const msio_h5_filter *filter) {
    switch (filter->id) {
    case 4: return "szip";
    case 5: return "nbit";
    case 6: return "scaleoffset";
    default: return filter->name[0] ? filter->name : "without a name";
    }
}

static bool is_known(int id) { return id == DEFLATE || id == SHUFFLE || id == FLETCHER32 || id == LZF; }

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
        const msio_h5_filter *f = &info->filter[i];
        if (!is_known(f->id)) {
            snprintf(why, why_bytes, "filter %s (%d) is not decoded here", filter_name(f), f->id);
            return why;
        }
        if (f->id == SHUFFLE && (f->values < 1 || f->value[0] < 1)) {
            snprintf(why, why_bytes, "filter shuffle (2) does not tell the size of an element");
            return why;
        }
        made.filter[i].id = f->id;
        made.filter[i].element = f->id == SHUFFLE ? f->value[0] : 0;
    }
    *decoding = made;
    return NULL;
}

static bool applies(uint32_t mask, int i) { return !(mask >> i & 1); }

/* Most bytes that filter i can have been given when the chunk was written: a checksum adds 4, and zlib's bound for what
 * deflate cannot shrink is HDF5's own. LZF never grows. Not larger than a few times a chunk. */
static int64_t most_before(const msio_decoding *d, uint32_t mask, int i) {
    int64_t most = d->chunk_bytes;
    for (int k = 0; k < i; k++) {
        if (!applies(mask, k)) continue;
        if (d->filter[k].id == FLETCHER32) most += CHECKSUM_BYTES;
        if (d->filter[k].id == DEFLATE) most += most / 1000 + 13;
    }
    return most;
}

int64_t msio_decoding_most(const msio_decoding *decoding, uint32_t mask, int64_t bytes) {
    for (int i = decoding->filters - 1; i >= 0; i--) {
        int id = decoding->filter[i].id;
        if (!applies(mask, i)) continue;
        if ((id == DEFLATE && !msio_mul_checked(bytes, DEFLATE_MOST, &bytes)) ||
            (id == LZF && !msio_mul_checked(bytes, LZF_MOST, &bytes)))
            return INT64_MAX;
    }
    return bytes;
}

/* ---------------------------------------------------------------- memory */

void msio_decode_scratch_free(msio_decode_scratch *scratch) {
    free(scratch->buffer[0]);
    free(scratch->buffer[1]);
    if (scratch->inflater) libdeflate_free_decompressor(scratch->inflater);
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

/* Makes buffers that are too small for this pipeline go. */
static void begin(work *w) {
    int64_t bytes = most_before(w->decoding, 0, w->decoding->filters);
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

/* Byte k of element i stands at k * n + i. */
static void unshuffle_some(uint8_t *restrict dst, const uint8_t *restrict src, size_t n, size_t size, size_t from) {
    for (size_t k = 0; k < size; k++)
        for (size_t i = from; i < n; i++) dst[i * size + k] = src[k * n + i];
}

#define VECTOR 16
typedef uint8_t vector __attribute__((vector_size(VECTOR)));

static inline vector zip_low(vector a, vector b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

static inline vector zip_high(vector a, vector b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/* Zips the first half of the vectors with the second. */
static inline __attribute__((always_inline)) void zip_halves(vector *to, const vector *from, size_t size) {
    for (size_t k = 0; k < size / 2; k++) {
        to[2 * k] = zip_low(from[k], from[k + size / 2]);
        to[2 * k + 1] = zip_high(from[k], from[k + size / 2]);
    }
}

/* 16 elements at a time: a vector of each byte, zipped as often as the size, 2 to 16, can be halved. */
static inline __attribute__((always_inline)) void unshuffle_vectors(uint8_t *restrict dst, const uint8_t *restrict src,
                                                                    size_t n, size_t size) {
    size_t i = 0;
    for (; i + VECTOR <= n; i += VECTOR) {
        vector v[16], w[16];
        for (size_t k = 0; k < size; k++) memcpy(&v[k], src + k * n + i, VECTOR);
        for (size_t round = size; round > 1; round /= 4) {
            zip_halves(w, v, size);
            if (round > 2)
                zip_halves(v, w, size);
            else
                memcpy(v, w, sizeof v);
        }
        for (size_t k = 0; k < size; k++) memcpy(dst + i * size + k * VECTOR, &v[k], VECTOR);
    }
    unshuffle_some(dst, src, n, size, i);
}

/* The sizes are written out, so that each gets a loop of its own. */
static void unshuffle(uint8_t *restrict dst, const uint8_t *restrict src, size_t n, size_t size) {
    switch (size) {
    case 2: unshuffle_vectors(dst, src, n, 2); break;
    case 4: unshuffle_vectors(dst, src, n, 4); break;
    case 8: unshuffle_vectors(dst, src, n, 8); break;
    case 16: unshuffle_vectors(dst, src, n, 16); break;
    default: unshuffle_some(dst, src, n, size, 0);
    }
}

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
    unshuffle(out, w->at, n, size);
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

/* ---------------------------------------------------------------- deflate and LZF */

static msio_status damaged_stream(const work *w, const char *filter) {
    return msio_error_set(MSIO_E_FORMAT, NULL,
                          "filter %s: the %lld stored bytes are no whole stream: the file is damaged", filter,
                          (long long)w->bytes);
}

static msio_status too_large(const work *w, const char *filter, int64_t most) {
    return msio_error_set(MSIO_E_FORMAT, NULL,
                          "filter %s: the %lld stored bytes give more than the %lld that a chunk can have: the file is "
                          "damaged",
                          filter, (long long)w->bytes, (long long)most);
}

static msio_status undo_deflate(work *w, int64_t most) {
    size_t used = 0;
    uint8_t *out = other_buffer(w);
    if (!w->scratch->inflater) w->scratch->inflater = libdeflate_alloc_decompressor();
    if (!out || !w->scratch->inflater) return no_memory(w->scratch->bytes);
    switch (libdeflate_zlib_decompress(w->scratch->inflater, w->at, (size_t)w->bytes, out, (size_t)most, &used)) {
    case LIBDEFLATE_SUCCESS: break;
    case LIBDEFLATE_INSUFFICIENT_SPACE: return too_large(w, "deflate", most);
    default: return damaged_stream(w, "deflate");
    }
    w->at = out;
    w->bytes = (int64_t)used;
    return MSIO_OK;
}

/* liblzf counts in 32 bits. Its own streams are never longer than what they hold, but others' may be. */
static msio_status undo_lzf(work *w, int64_t most) {
    if (w->bytes < 1 || w->bytes > UINT32_MAX) return damaged_stream(w, "LZF");
    uint8_t *out = other_buffer(w);
    if (!out) return no_memory(w->scratch->bytes);
    if (most > UINT32_MAX) most = UINT32_MAX;
    errno = 0;
    unsigned used = lzf_decompress(w->at, (unsigned)w->bytes, out, (unsigned)most);
    if (!used) return errno == E2BIG ? too_large(w, "LZF", most) : damaged_stream(w, "LZF");
    w->at = out;
    w->bytes = used;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the pipeline */

static msio_status undo(work *w, int i) {
    int64_t most = most_before(w->decoding, w->mask, i);
    switch (w->decoding->filter[i].id) {
    case DEFLATE: return undo_deflate(w, most);
    case SHUFFLE: return undo_shuffle(w, w->decoding->filter[i].element, most);
    case FLETCHER32: return undo_fletcher32(w);
    default: return undo_lzf(w, most);
    }
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
