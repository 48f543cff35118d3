/* test_hdf5_packed.c - chunks packed by LZ4, Zstandard, Blosc and bitshuffle, decoded; damaged ones refused.
 *
 * store_packed.py, in a Python process, packs them: through HDF5 and its plugins, or by the book. Where what it needs
 * is missing the tests of it are skipped. */
#include "chunk_answer.h"
#include "io/filters/blosc_library.h"

enum { BLOSC = 32001, LZ4 = 32004, BITSHUFFLE = 32008, ZSTD = 32015 };

static bool skipped, has_packers, has_plugins;

static bool python_has(const char *what) {
    char command[PATH_MAX];
    snprintf(command, sizeof command, "%s -c '%s' >/dev/null 2>&1", test_python(), what);
    return system(command) == 0;
}

static void check_all(const char *cases, int *read, int *refused) {
    check_script("io/filters/store_packed.py", cases, read, refused);
}

#define NEEDS(what)                                                                                                    \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            skipped = true;                                                                                            \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

/* ---------------------------------------------------------------- what others packed */

static void lz4_that_hdf5_packed_is_undone(void **state) {
    (void)state;
    int read, refused;
    NEEDS(has_packers && has_plugins);
    check_all("lz4_by_hdf5", &read, &refused);
    assert_int_equal(read, 4 * 4 * 7 * 15);
    assert_int_equal(refused, 0);
}

static void blosc_that_hdf5_packed_is_undone(void **state) {
    (void)state;
    int read, refused;
    NEEDS(has_packers && has_plugins && msio_blosc_ready());
    check_all("blosc_by_hdf5", &read, &refused);
    assert_int_equal(read, 36 * 4 * 7 * 15);
    assert_int_equal(refused, 0);
}

static void bitshuffled_by_the_book_is_undone(void **state) {
    (void)state;
    int read, refused;
    NEEDS(has_packers);
    check_all("bitshuffled", &read, &refused);
    assert_int_equal(read, 7 * 5 * 3 * 12);
    assert_int_equal(refused, 0);
}

static void filters_before_and_behind_are_undone(void **state) {
    (void)state;
    int read, refused;
    NEEDS(has_packers);
    check_all("with_others", &read, &refused);
    assert_int_equal(read, 5 * 2 * (2 + 3));
    assert_int_equal(refused, 0);
}

static void every_frame_of_zstandard_is_undone(void **state) {
    (void)state;
    int read, refused;
    NEEDS(has_packers);
    check_all("zstandards", &read, &refused);
    assert_int_equal(read, 7 * 4 * 3 * 5);
    assert_int_equal(refused, 0);
}

/* ---------------------------------------------------------------- damaged */

static void changed_bytes_are_refused_or_read_as_others_do(void **state) {
    (void)state;
    int read, refused;
    NEEDS(has_packers && has_plugins);
    check_all("changed", &read, &refused);
    assert_true(read > 100);
    assert_true(refused > 100);
}

static void cut_chunks_are_refused(void **state) {
    (void)state;
    int read, refused;
    NEEDS(has_packers && has_plugins);
    check_all("cut", &read, &refused);
    assert_true(refused > 500);
    assert_int_equal(read, 0);
}

static void cut_chunks_of_blosc_are_refused(void **state) {
    (void)state;
    int read, refused;
    NEEDS(has_packers && has_plugins && msio_blosc_ready());
    check_all("blosc_cut", &read, &refused);
    assert_true(refused > 500);
    assert_int_equal(read, 0);
}

/* ---------------------------------------------------------------- nobody should have stored this */

static msio_h5_info one(int id, int values, const unsigned *value) {
    msio_h5_info info = {.filters = 1, .filter = {{.id = id, .values = values}}};
    memcpy(info.filter[0].value, value, (size_t)values * sizeof *value);
    return info;
}

static void put_big(uint8_t *to, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(number >> 8 * (bytes - 1 - i));
}

/* Refused with these words, and with no more memory than the chunk allows. The stored bytes end where memory does. */
static void refuse(const msio_h5_info *info, int64_t chunk_bytes, const uint8_t *stored, size_t bytes,
                   const char *words) {
    msio_decoding decoding;
    msio_decode_scratch scratch = {.bytes = 0};
    char why[200];
    const uint8_t *out = NULL;
    guarded memory = guarded_new(bytes + 1);
    assert_non_null(memory.bytes);
    memcpy(guarded_tail(memory, bytes), stored, bytes);
    assert_null(msio_decoding_make(info, chunk_bytes, &decoding, why, sizeof why));
    assert_int_equal(msio_decode(&decoding, 0, guarded_tail(memory, bytes), (int64_t)bytes, &scratch, &out),
                     MSIO_E_FORMAT);
    assert_null(out);
    if (!strstr(msio_last_error()->message, words)) fail_msg("%s", msio_last_error()->message);
    assert_true(scratch.bytes <= chunk_bytes);
    assert_true(scratch.codecs.block_bytes <= chunk_bytes);
    msio_decode_scratch_free(&scratch);
    guarded_free(memory);
}

/* A head of the two filters with blocks: bytes of the whole, of a block; then a block's length and some bytes of it. */
static void heads_that_lie_are_refused(void **state) {
    (void)state;
    static const struct {
        uint64_t all;
        uint32_t block, stored;
        const char *words;
    } lies[] = {
        {1001, 64, 10, "more than the 1000"},
        {UINT64_MAX, 64, 10, "more than the 1000"},
        {(uint64_t)1 << 63, 64, 10, "more than the 1000"},
        {1000, 1000, 0, "the file is damaged"},
        {1000, 1000, 30, "the block at byte 12"},
        {1000, 1000, UINT32_MAX, "the block at byte 12"},
        {1000, UINT32_MAX, 0x80000000, "the block at byte 12"},
        {1000, 8, 999, "the block at byte 12"},
        {0, 8, 10, "the file is damaged"},
        {1000, UINT32_MAX, 8, "is damaged"},
    };
    const unsigned lz4[] = {64}, with_lz4[] = {0, 3, 8, 0, 2}, with_zstd[] = {0, 3, 8, 0, 3};
    const msio_h5_info info[] = {one(LZ4, 1, lz4), one(BITSHUFFLE, 5, with_lz4), one(BITSHUFFLE, 5, with_zstd)};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
            uint8_t stored[44] = {0};
            put_big(stored, lies[i].all, 8);
            put_big(stored + 8, lies[i].block, 4);
            put_big(stored + 12, lies[i].stored, 4);
            bool named = k == 0 || lies[i].all > 1000; /* bitshuffle's own blocks have a multiple of 8 elements */
            refuse(&info[k], 1000, stored, sizeof stored, named ? lies[i].words : "the file is damaged");
        }
}

static void blocks_without_a_size_are_refused(void **state) {
    (void)state;
    uint8_t stored[64] = {0};
    const unsigned lz4[] = {64}, odd[] = {0, 3, 4, 12}, whole[] = {0, 3, 4, 0};
    put_big(stored, 48, 8);
    const msio_h5_info with_lz4 = one(LZ4, 1, lz4), with_odd = one(BITSHUFFLE, 4, odd),
                       plain = one(BITSHUFFLE, 4, whole);
    refuse(&with_lz4, 48, stored, sizeof stored, "LZ4: the 64 stored bytes are no whole stream");
    refuse(&with_odd, 48, stored, 48, "bitshuffle: the 48 stored bytes are no whole stream");
    refuse(&plain, 48, stored, 47, "bitshuffle: the 47 stored bytes are no whole stream");
    refuse(&plain, 48, stored, 64, "bitshuffle: the 64 stored bytes give more than the 48");
    refuse(&plain, 48, stored, 44, "it should have 48");
}

/* An LZ4 block of 4 KiB that gives 1 MiB, and a frame of Zstandard that repeats one byte 128 KiB times. */
static void bombs_are_refused_within_a_chunk_of_memory(void **state) {
    (void)state;
    uint8_t stored[16 + 4112] = {0};
    put_big(stored, 1 << 20, 8);
    put_big(stored + 8, 1 << 20, 4);
    put_big(stored + 12, 4112, 4);
    memset(stored + 16, 0xff, 4112);
    const unsigned lz4[] = {64}, with_lz4[] = {0, 3, 4, 0, 2};
    const msio_h5_info info = one(LZ4, 1, lz4), bits = one(BITSHUFFLE, 5, with_lz4), zstd = one(ZSTD, 1, lz4);
    refuse(&info, 1000, stored, sizeof stored, "LZ4: the 4128 stored bytes give more than the 1000");
    refuse(&bits, 1000, stored, sizeof stored, "bitshuffle: the 4128 stored bytes give more than the 1000");
    put_big(stored, 1000, 8);
    put_big(stored + 8, 800, 4);
    refuse(&info, 1000, stored, sizeof stored, "LZ4: the block at byte 12");
    refuse(&bits, 1000, stored, sizeof stored, "bitshuffle: the block at byte 12");
    /* magic, one segment, its size in 4 bytes; the last block, of one byte repeated */
    const uint32_t n = 128 << 10, block = 1 | 1 << 1 | n << 3;
    const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 2, 0, block & 0xff, block >> 8 & 0xff, block >> 16, 7};
    refuse(&zstd, 1000, frame, sizeof frame, "zstd: the 13 stored bytes give more than the 1000");
    refuse(&zstd, 1 << 20, frame, sizeof frame, "decode to 131072, it should have 1048576");
    refuse(&zstd, 128 << 10, frame, sizeof frame - 1, "zstd: the 12 stored bytes are no whole stream");
    refuse(&zstd, 128 << 10, frame, 3, "zstd: the 3 stored bytes are no whole stream");
}

static void headers_of_blosc_that_lie_are_refused(void **state) {
    (void)state;
    NEEDS(msio_blosc_ready());
    const unsigned none[] = {0};
    const msio_h5_info info = one(BLOSC, 0, none);
    /* versions, flags (as it is), bytes of an element; the whole, a block, stored: least significant byte first */
    uint8_t stored[16 + 64] = {2, 1, 2, 4, 64, 0, 0, 0, 64, 0, 0, 0, 80, 0, 0, 0};
    refuse(&info, 63, stored, sizeof stored, "blosc: the 80 stored bytes give more than the 63");
    refuse(&info, 65, stored, sizeof stored, "decode to 64, it should have 65");
    refuse(&info, 64, stored, 79, "blosc: the 79 stored bytes are no whole stream");
    refuse(&info, 64, stored, 15, "blosc: the 15 stored bytes are no whole stream");
    stored[9] = 1; /* blocks larger than the whole */
    refuse(&info, 64, stored, sizeof stored, "no whole stream");
    stored[9] = 0;
    stored[8] = 0; /* blocks of nothing */
    refuse(&info, 64, stored, sizeof stored, "no whole stream");
}

/* Whatever comes of them, nothing beyond the stored bytes and the chunk is touched: nobody else says what they hold. */
static void changed_chunks_of_blosc_stay_within_their_memory(void **state) {
    (void)state;
    NEEDS(has_packers && has_plugins && msio_blosc_ready());
    char answer[PATH_MAX];
    snprintf(answer, sizeof answer, "%s/changed", folder);
    assert_int_equal(test_script("io/filters/store_packed.py", "blosc_changed %s", answer), 0);
    FILE *in = fopen(answer, "rb");
    assert_non_null(in);
    msio_decode_scratch scratch = {.bytes = 0};
    stored_chunk c;
    int refused = 0, read = 0;
    while (next_chunk(in, &c)) {
        msio_decoding decoding;
        char why[200];
        const uint8_t *out = NULL;
        assert_null(msio_decoding_make(&c.info, c.chunk_bytes, &decoding, why, sizeof why));
        msio_status status = msio_decode(&decoding, c.mask, c.stored, c.bytes, &scratch, &out);
        assert_true(status == MSIO_OK || status == MSIO_E_FORMAT);
        assert_true(scratch.bytes <= c.chunk_bytes);
        if (status)
            refused++;
        else
            read++;
        free_chunk(&c);
    }
    fclose(in);
    remove(answer);
    msio_decode_scratch_free(&scratch);
    assert_true(refused > 500);
    assert_true(read > 500);
}

/* Blocks of 8 bytes with 4 of their own: what is packed again behind that could be as large as nobody holds. */
static void filters_that_swell_chunks_are_left_to_the_library(void **state) {
    (void)state;
    msio_decoding decoding;
    char why[200];
    msio_h5_info info = {.filters = 2,
                         .filter = {{.id = BITSHUFFLE, .values = 5, .value = {0, 3, 1, 8, 2}}, {.id = 1, .values = 1}}};
    assert_non_null(msio_decoding_make(&info, 1 << 20, &decoding, why, sizeof why));
    assert_non_null(strstr(why, "filters before deflate (1)"));
    info.filter[1].id = 3; /* a checksum is taken off where it stands */
    assert_null(msio_decoding_make(&info, 1 << 20, &decoding, why, sizeof why));
    info.filter[1].id = 1;
    info.filter[0].value[3] = 0;
    assert_null(msio_decoding_make(&info, 1 << 20, &decoding, why, sizeof why));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lz4_that_hdf5_packed_is_undone),
        cmocka_unit_test(blosc_that_hdf5_packed_is_undone),
        cmocka_unit_test(bitshuffled_by_the_book_is_undone),
        cmocka_unit_test(filters_before_and_behind_are_undone),
        cmocka_unit_test(every_frame_of_zstandard_is_undone),
        cmocka_unit_test(changed_bytes_are_refused_or_read_as_others_do),
        cmocka_unit_test(cut_chunks_are_refused),
        cmocka_unit_test(cut_chunks_of_blosc_are_refused),
        cmocka_unit_test(heads_that_lie_are_refused),
        cmocka_unit_test(blocks_without_a_size_are_refused),
        cmocka_unit_test(bombs_are_refused_within_a_chunk_of_memory),
        cmocka_unit_test(headers_of_blosc_that_lie_are_refused),
        cmocka_unit_test(changed_chunks_of_blosc_stay_within_their_memory),
        cmocka_unit_test(filters_that_swell_chunks_are_left_to_the_library),
    };
    has_packers = python_has("import h5py, numpy, lz4.block, zstandard");
    has_plugins = python_has("import h5py; assert h5py.h5z.filter_avail(32004) and h5py.h5z.filter_avail(32001)");
    if (!has_packers) print_message("skipped: %s lacks h5py, lz4 or zstandard\n", test_python());
    if (!has_plugins) print_message("skipped: HDF5 of %s has no plugins of LZ4 and Blosc\n", test_python());
    if (!msio_blosc_ready()) print_message("skipped: there is no libblosc.so.1\n");
    if (!mkdtemp(folder)) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed ? failed : skipped ? 77 : 0;
}
