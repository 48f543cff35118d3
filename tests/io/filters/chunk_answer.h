/* chunk_answer.h - for tests: the chunks that store_chunks.py and store_packed.py tell of, decoded and compared.
 *
 * Each case in an answer: five numbers (filters, mask, bytes of a chunk, stored bytes, whether they can be read), for
 * each filter its number, how many client values it has and these, the stored bytes, and where they can be read the
 * chunk. */
#ifndef MSIO_TESTS_CHUNK_ANSWER_H
#define MSIO_TESTS_CHUNK_ANSWER_H

#include "io/filters/hdf5_filters.h"

#include "tests/core/guarded.h"
#include "tests/script.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[] = "/tmp/msio_filters_XXXXXX";

/* ---------------------------------------------------------------- its answer */

typedef struct stored_chunk {
    msio_h5_info info;
    uint32_t mask;
    int64_t chunk_bytes, bytes;
    bool readable;  /* HDF5, or who packed it, reads it */
    guarded memory; /* whose end is the stored bytes' */
    uint8_t *stored;
    uint8_t *expected; /* NULL: they refuse it */
} stored_chunk;

static uint32_t get_u32(FILE *in) {
    uint8_t b[4];
    assert_int_equal(fread(b, 1, 4, in), 4);
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* False behind the last. */
static bool next_chunk(FILE *in, stored_chunk *c) {
    memset(c, 0, sizeof *c);
    uint32_t filters = get_u32(in);
    c->mask = get_u32(in);
    c->chunk_bytes = get_u32(in);
    c->bytes = get_u32(in);
    c->readable = get_u32(in);
    if (filters == 999) return false;
    assert_true(filters <= MSIO_H5_FILTERS);
    c->info.filters = (int)filters;
    for (uint32_t i = 0; i < filters; i++) {
        c->info.filter[i].id = (int)get_u32(in);
        uint32_t values = get_u32(in);
        assert_true(values <= MSIO_H5_FILTER_VALUES);
        c->info.filter[i].values = (int)values;
        for (uint32_t k = 0; k < values; k++) c->info.filter[i].value[k] = get_u32(in);
    }
    c->memory = guarded_new((size_t)c->bytes + 1);
    assert_non_null(c->memory.bytes);
    c->stored = guarded_tail(c->memory, (size_t)c->bytes);
    assert_int_equal(fread(c->stored, 1, (size_t)c->bytes, in), c->bytes);
    if (c->readable) {
        c->expected = malloc((size_t)c->chunk_bytes);
        assert_non_null(c->expected);
        assert_int_equal(fread(c->expected, 1, (size_t)c->chunk_bytes, in), c->chunk_bytes);
    }
    return true;
}

static void free_chunk(stored_chunk *c) {
    guarded_free(c->memory);
    free(c->expected);
}

/* What was decoded is what others read, and what they refuse was refused. Whether we refused it. */
static bool check_chunk(const stored_chunk *c, msio_decode_scratch *scratch) {
    msio_decoding decoding;
    char why[200];
    const uint8_t *decoded = NULL;
    assert_null(msio_decoding_make(&c->info, c->chunk_bytes, &decoding, why, sizeof why));
    msio_status status = msio_decode(&decoding, c->mask, c->stored, c->bytes, scratch, &decoded);
    if (status) {
        assert_int_equal(status, MSIO_E_FORMAT);
        assert_int_equal(msio_last_error()->code, MSIO_E_FORMAT);
        return true;
    }
    assert_true(c->readable);
    assert_memory_equal(decoded, c->expected, (size_t)c->chunk_bytes);
    return false;
}

/* Runs a script's cases of that name; memory is used again from one to the next. Sets how many were read and refused.
 */
static void check_script(const char *script, const char *cases, int *read, int *refused) {
    char answer[100];
    msio_decode_scratch scratch = {.bytes = 0};
    stored_chunk c;
    snprintf(answer, sizeof answer, "%s/%s", folder, cases);
    assert_int_equal(test_script(script, "%s %s", cases, answer), 0);
    FILE *in = fopen(answer, "rb");
    assert_non_null(in);
    *read = *refused = 0;
    while (next_chunk(in, &c)) {
        if (check_chunk(&c, &scratch))
            ++*refused;
        else
            ++*read;
        free_chunk(&c);
    }
    fclose(in);
    remove(answer);
    msio_decode_scratch_free(&scratch);
}

#endif
