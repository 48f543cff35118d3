/* fuzz_hdf5_filters.c - decoding of HDF5 chunks.
 *
 * The input: a byte with the number of filters; two bytes for each of them, which it is and its client data (of shuffle
 * the size of an element, of LZ4 that of a block; of bitshuffle three bits each for the bytes of an element, less one,
 * and for a block of so many eights, and two for the codec); a byte with the filter mask; two bytes with the size of a
 * chunk (little endian); the stored bytes. */
#include "fuzz_target.h"
#include "io/filters/hdf5_filters.h"

#include <stdlib.h>
#include <string.h>

#define FILTERS_MOST 5

/* The next byte of the input, 0 behind its end. */
static unsigned take(const uint8_t **data, size_t *size) {
    if (!*size) return 0;
    --*size;
    return *(*data)++;
}

/* A result is the same when it is decoded once more, over what the first time left behind. */
static void decode_twice(const msio_decoding *decoding, uint32_t mask, const uint8_t *stored, int64_t bytes) {
    msio_decode_scratch scratch = {.bytes = 0};
    size_t n = (size_t)decoding->chunk_bytes;
    const uint8_t *out;
    uint8_t *first = malloc(n);
    if (first && msio_decode(decoding, mask, stored, bytes, &scratch, &out) == MSIO_OK) {
        memcpy(first, out, n);
        if (msio_decode(decoding, mask, stored, bytes, &scratch, &out) != MSIO_OK || memcmp(first, out, n)) abort();
    }
    free(first);
    msio_decode_scratch_free(&scratch);
}

static msio_h5_filter filter(unsigned which, unsigned data) {
    static const int ids[] = {1, 2, 3, 32000, 32001, 32004, 32008, 32015};
    msio_h5_filter f = {.id = ids[which % 8], .values = 1, .value = {data}};
    if (f.id != 32008) return f;
    f.values = 5;
    f.value[2] = (data & 7) + 1;
    f.value[3] = (data >> 3 & 7) * 8;
    f.value[4] = data >> 6;
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    msio_h5_info info = {.filters = (int)(take(&data, &size) % (FILTERS_MOST + 1))};
    for (int i = 0; i < info.filters; i++) {
        unsigned which = take(&data, &size);
        info.filter[i] = filter(which, take(&data, &size));
    }
    uint32_t mask = take(&data, &size);
    int64_t chunk_bytes = take(&data, &size);
    chunk_bytes |= (int64_t)take(&data, &size) << 8;
    char why[200];
    msio_decoding decoding;
    if (msio_decoding_make(&info, chunk_bytes, &decoding, why, sizeof why)) return 0;
    decode_twice(&decoding, mask, data, (int64_t)size);
    return 0;
}
