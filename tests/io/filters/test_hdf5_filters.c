/* test_hdf5_filters.c - chunks that h5py stored, decoded; and chunks that nobody should have stored, refused.
 *
 * h5py, in a Python process, makes the chunks and says what HDF5 reads from them; where there is none the test is
 * skipped. */
#include "chunk_answer.h"

static void check_all(const char *cases, int *read, int *refused) {
    check_script("io/filters/store_chunks.py", cases, read, refused);
}

/* ---------------------------------------------------------------- what h5py stored */

static void every_pipeline_is_undone(void **state) {
    (void)state;
    int read, refused;
    check_all("all_pipelines", &read, &refused);
    assert_true(read > 2000);
    assert_int_equal(refused, 0);
}

/* Old and new order of its bytes are taken, no other, as HDF5 does; sums of nothing but zeros look alike in all. */
static void checksums_are_those_of_hdf5(void **state) {
    (void)state;
    int read, refused;
    check_all("checksums", &read, &refused);
    assert_true(read >= 2 * 2 * 12 * 4);
    assert_true(refused > 50);
}

static void masked_filters_are_not_undone(void **state) {
    (void)state;
    int read, refused;
    check_all("masks", &read, &refused);
    assert_int_equal(read, 16);
    assert_int_equal(refused, 0);
}

static void changed_bytes_are_refused_or_read_as_hdf5_does(void **state) {
    (void)state;
    int read, refused;
    check_all("changes", &read, &refused);
    assert_true(read > 100);
    assert_true(refused > 100);
}

static void cut_chunks_are_refused(void **state) {
    (void)state;
    int read, refused;
    check_all("cuts", &read, &refused);
    assert_true(refused > 300);
    assert_int_equal(read, 0);
}

/* ---------------------------------------------------------------- what is refused */

static msio_h5_info one_filter(int id, unsigned value) {
    return (msio_h5_info){.filters = 1, .filter = {{.id = id, .values = 1, .value = {value}}}};
}

static void refuse(const msio_h5_info *info, int64_t chunk_bytes, const uint8_t *stored, int64_t bytes,
                   const char *words) {
    msio_decoding decoding;
    msio_decode_scratch scratch = {.bytes = 0};
    char why[200];
    const uint8_t *out = NULL;
    assert_null(msio_decoding_make(info, chunk_bytes, &decoding, why, sizeof why));
    assert_int_equal(msio_decode(&decoding, 0, stored, bytes, &scratch, &out), MSIO_E_FORMAT);
    assert_null(out);
    if (!strstr(msio_last_error()->message, words)) fail_msg("%s", msio_last_error()->message);
    assert_true(scratch.bytes <= chunk_bytes + chunk_bytes / 1000 + 64);
    msio_decode_scratch_free(&scratch);
}

/* 1 MiB of zeros in a few bytes, for chunks that cannot have as many. */
static void bombs_are_refused_within_a_chunk_of_memory(void **state) {
    (void)state;
    uint8_t bomb[4000];
    size_t n = 0;
    bomb[n++] = 0; /* one byte as it is, then copies of 264 bytes from one byte back */
    bomb[n++] = 0;
    while (n + 3 <= sizeof bomb) {
        bomb[n++] = 0xe0;
        bomb[n++] = 255;
        bomb[n++] = 0;
    }
    msio_h5_info lzf = one_filter(32000, 0), deflate = one_filter(1, 4);
    refuse(&lzf, 1000, bomb, (int64_t)n, "LZF: the 3998 stored bytes give more than the 1000");
    refuse(&lzf, 1 << 20, bomb, (int64_t)n, "decode to 351649, it should have 1048576");
    /* zlib.compress(bytes(1000)) */
    static const uint8_t zeros[] = {0x78, 0x9c, 0x63, 0x60, 0x18, 0x05, 0xa3, 0x60, 0x14,
                                    0x0c, 0x77, 0x00, 0x00, 0x03, 0xe8, 0x00, 0x01};
    refuse(&deflate, 999, zeros, sizeof zeros, "deflate: the 17 stored bytes give more than the 999");
    refuse(&deflate, 1001, zeros, sizeof zeros, "decode to 1000, it should have 1001");
}

static void chunks_of_the_wrong_size_are_refused(void **state) {
    (void)state;
    static const uint8_t bytes[64];
    msio_h5_info none = {.filters = 0}, shuffle = one_filter(2, 4), fletcher = one_filter(3, 0);
    msio_h5_info lzf = one_filter(32000, 0), deflate = one_filter(1, 4);
    refuse(&none, 64, bytes, 63, "63 stored bytes of a chunk decode to 63, it should have 64");
    refuse(&none, 63, bytes, 64, "it should have 63");
    refuse(&none, 64, NULL, 0, "it should have 64");
    refuse(&shuffle, 60, bytes, 64, "shuffle was left 64 bytes of a chunk that cannot have more than 60");
    refuse(&shuffle, 64, bytes, 60, "it should have 64");
    refuse(&fletcher, 64, bytes, 3, "fletcher32 found 3 bytes");
    refuse(&fletcher, 64, bytes, 64, "it should have 64");
    refuse(&lzf, 64, NULL, 0, "LZF: the 0 stored bytes are no whole stream");
    refuse(&deflate, 64, bytes, 0, "deflate: the 0 stored bytes are no whole stream");
}

static void an_unfiltered_chunk_stays_where_it_is(void **state) {
    (void)state;
    static const uint8_t bytes[64] = {1, 2, 3};
    msio_h5_info info = one_filter(1, 4);
    msio_decoding decoding;
    msio_decode_scratch scratch = {.bytes = 0};
    char why[200];
    const uint8_t *out = NULL;
    assert_null(msio_decoding_make(&info, sizeof bytes, &decoding, why, sizeof why));
    assert_int_equal(msio_decode(&decoding, 1, bytes, sizeof bytes, &scratch, &out), MSIO_OK);
    assert_ptr_equal(out, bytes);
    assert_null(scratch.buffer[0]);
    assert_null(scratch.buffer[1]);
    msio_decode_scratch_free(&scratch);
}

static void unknown_filters_are_named(void **state) {
    (void)state;
    msio_h5_info szip = one_filter(4, 0), other = one_filter(307, 9), shuffle = one_filter(2, 0);
    msio_h5_info unknown = one_filter(40000, 0), bits = one_filter(32008, 0);
    msio_h5_info odd = {.odd_filters = true}, none = {.filters = 0};
    msio_decoding decoding = {.filters = 77};
    char why[200];
    snprintf(unknown.filter[0].name, sizeof unknown.filter[0].name, "somebody's");
    assert_string_equal(msio_decoding_make(&szip, 64, &decoding, why, sizeof why),
                        "filter szip (4) is not decoded here");
    assert_string_equal(msio_decoding_make(&other, 64, &decoding, why, sizeof why),
                        "filter bzip2 (307) is not decoded here");
    assert_string_equal(msio_decoding_make(&unknown, 64, &decoding, why, sizeof why),
                        "filter somebody's (40000) is not decoded here");
    assert_string_equal(msio_decoding_make(&bits, 64, &decoding, why, sizeof why),
                        "filter bitshuffle (32008) does not tell the size of an element");
    assert_non_null(msio_decoding_make(&shuffle, 64, &decoding, why, sizeof why));
    assert_non_null(msio_decoding_make(&odd, 64, &decoding, why, sizeof why));
    assert_non_null(msio_decoding_make(&none, 0, &decoding, why, sizeof why));
    assert_non_null(msio_decoding_make(&none, INT64_MAX, &decoding, why, sizeof why));
    assert_int_equal(decoding.filters, 77);
}

/* ---------------------------------------------------------------- the run */

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pipeline_is_undone),
        cmocka_unit_test(checksums_are_those_of_hdf5),
        cmocka_unit_test(masked_filters_are_not_undone),
        cmocka_unit_test(changed_bytes_are_refused_or_read_as_hdf5_does),
        cmocka_unit_test(cut_chunks_are_refused),
        cmocka_unit_test(bombs_are_refused_within_a_chunk_of_memory),
        cmocka_unit_test(chunks_of_the_wrong_size_are_refused),
        cmocka_unit_test(an_unfiltered_chunk_stays_where_it_is),
        cmocka_unit_test(unknown_filters_are_named),
    };
    char probe[300];
    snprintf(probe, sizeof probe, "%s -c 'import h5py, numpy'", test_python());
    if (system(probe) != 0) {
        print_message("skipped: %s has no h5py\n", test_python());
        return 77;
    }
    if (!mkdtemp(folder)) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
