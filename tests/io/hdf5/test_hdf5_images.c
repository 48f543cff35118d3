/* test_hdf5_images.c - HDF5 headers and chunk indices as no library writes them: refused with their reason, or read. */
#include "io/hdf5/hdf5_file.h"
#include "io/hdf5/hdf5_guard.h"

#include "tests/fuzz/table_pack.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <unistd.h>

#define SECONDS_A_CASE 120

static char folder[64];

/* The last call was refused as damage, in these words. */
static void check_words(const char *words) {
    assert_int_equal(msio_last_error()->code, MSIO_E_FORMAT);
    if (!strstr(msio_last_error()->message, words)) fail_msg("%s", msio_last_error()->message);
}

/* ---------------------------------------------------------------- indices that nobody would write */

/* A file with the header of a dataset of one axis in chunks of one element, and its tree at byte TREE. */
#define TREE 128
#define NODE(children) (24 + (size_t)(children)*32)

typedef struct image {
    uint8_t *bytes;
    size_t length;
} image;

static void put(image *m, size_t at, int n, uint64_t value) {
    assert_true(at + (size_t)n <= m->length);
    for (int i = 0; i < n; i++) m->bytes[at + (size_t)i] = (uint8_t)(value >> 8 * i);
}

static image new_image(size_t length) {
    image m = {calloc(1, length), length};
    assert_non_null(m.bytes);
    put(&m, 0, 1, 1);   /* version */
    put(&m, 8, 4, 64);  /* bytes of messages */
    put(&m, 16, 2, 8);  /* data layout */
    put(&m, 18, 2, 24); /* its bytes */
    put(&m, 24, 1, 3);  /* version */
    put(&m, 25, 1, 2);  /* chunked */
    put(&m, 26, 1, 2);  /* axes and one */
    put(&m, 27, 8, TREE);
    put(&m, 35, 4, 1);
    put(&m, 39, 4, 4);
    return m;
}

static void put_node(image *m, size_t at, int level, uint64_t used) {
    memcpy(m->bytes + at, "TREE\1", 5);
    put(m, at + 5, 1, (uint64_t)level);
    put(m, at + 6, 2, used);
}

/* Entry i of a node: of a leaf, the chunk of one element at `element`. */
static void put_entry(image *m, size_t node, size_t i, uint64_t bytes, uint64_t element, uint64_t address) {
    put(m, node + NODE(i), 8, bytes);
    put(m, node + NODE(i) + 8, 8, element);
    put(m, node + NODE(i) + 24, 8, address);
}

static msio_status load_image(const image *m, msio_chunk_list *list) {
    char path[128];
    msio_file *file = NULL;
    msio_h5_info info = {.ndim = 1, .shape = {INT64_C(1) << 40}, .chunk = {1}, .stored = 4};
    snprintf(path, sizeof path, "%s/image", folder);
    assert_true(pack_write_file(path, m->bytes, m->length));
    assert_int_equal(msio_file_open(path, &file), MSIO_OK);
    alarm(SECONDS_A_CASE);
    msio_status status = msio_chunks_load(file, &info, NULL, list);
    alarm(0);
    msio_file_close(file);
    return status;
}

/* Frees the image. */
static void refuse_image(image m, const char *words) {
    msio_chunk_list list;
    assert_int_equal(load_image(&m, &list), MSIO_E_FORMAT);
    assert_null(list.chunk);
    check_words(words);
    free(m.bytes);
}

static void an_image_is_read(void **state) {
    (void)state;
    image m = new_image(1000);
    msio_chunk_list list;
    put_node(&m, TREE, 0, 2);
    put_entry(&m, TREE, 0, 4, 7, 500);
    put_entry(&m, TREE, 1, 4, 3, 504);
    assert_int_equal(load_image(&m, &list), MSIO_OK);
    assert_int_equal(list.n, 2);
    assert_int_equal(list.chunk[0].index, 3);
    assert_int_equal(list.chunk[0].address, 504);
    assert_int_equal(list.chunk[1].index, 7);
    msio_chunks_free(&list);
    free(m.bytes);
}

static void chunks_that_are_none_are_refused(void **state) {
    (void)state;
    static const struct {
        uint64_t bytes, element, address;
        const char *words;
    } wrong[] = {
        {4, 3, 500, "names chunk 3 twice"},
        {4, UINT64_C(1) << 40, 500, "a chunk begins at element"},
        {4, UINT64_MAX, 500, "a chunk begins at element -1"},
        {4, 5, UINT64_MAX, "a chunk's address is none"},
        {4, 5, INT64_MAX, "a chunk of 4 bytes should lie at"},
        {4, 5, 997, "a chunk of 4 bytes should lie at byte 997"},
        {UINT32_MAX, 5, 500, "a chunk of 4294967295 bytes"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        image m = new_image(1000);
        put_node(&m, TREE, 0, 2);
        put_entry(&m, TREE, 0, 4, 3, 504);
        put_entry(&m, TREE, 1, wrong[i].bytes, wrong[i].element, wrong[i].address);
        refuse_image(m, wrong[i].words);
    }
}

static void nodes_that_are_none_are_refused(void **state) {
    (void)state;
    image own_child = new_image(1000), far = new_image(1000), level = new_image(1000), full = new_image(1000);
    put_node(&own_child, TREE, 1, 1);
    put_entry(&own_child, TREE, 0, 0, 0, TREE);
    refuse_image(own_child, "level is wrong");
    put_node(&far, TREE, 1, 1);
    put_entry(&far, TREE, 0, 0, 0, INT64_MAX);
    refuse_image(far, "expected");
    put_node(&level, TREE, 255, 1);
    refuse_image(level, "level is wrong");
    put_node(&full, TREE, 0, UINT16_MAX);
    refuse_image(full, "larger than the file");
    refuse_image(new_image(1000), "no node of chunks");
    refuse_image(new_image(TREE), "expected");
}

/* A leaf that is named again and again, so that few bytes make billions of chunks. */
static void a_tree_larger_than_its_file_is_refused(void **state) {
    (void)state;
    size_t leaf = TREE + NODE(UINT16_MAX);
    image m = new_image(leaf + NODE(UINT16_MAX));
    put_node(&m, TREE, 1, UINT16_MAX);
    put_node(&m, leaf, 0, UINT16_MAX);
    for (size_t i = 0; i < UINT16_MAX; i++) {
        put_entry(&m, TREE, i, 0, 0, leaf);
        put_entry(&m, leaf, i, 4, i, 500);
    }
    refuse_image(m, "form a circle");
}

/* Messages without end: the last of a block leads to the begin of the block. */
static void a_header_in_a_circle_is_refused(void **state) {
    (void)state;
    image m = new_image((size_t)4 << 20);
    size_t end = m.length - 24;
    put(&m, 8, 4, m.length - 16);
    memset(m.bytes + 16, 0, 48); /* messages of no kind and no bytes */
    put(&m, end, 2, 16);         /* a continuation */
    put(&m, end + 2, 2, 16);
    put(&m, end + 8, 8, 16);
    put(&m, end + 16, 8, m.length - 16);
    refuse_image(m, "form a circle");
}

/* ---------------------------------------------------------------- descriptions that the library must not see */

#define SPACE 64     /* messages of the image, each with a head of 8 bytes: a dataspace of 2 axes, 30 by 6, */
#define TYPE 96      /* elements of 4 bytes, */
#define FILL 120     /* a fill value of 4 bytes, */
#define CHUNKING 144 /* and a layout, of version 3 unless told otherwise */

static image new_header(void) {
    image m = {calloc(1, 1000), 1000};
    assert_non_null(m.bytes);
    put(&m, 40, 1, 1);   /* version */
    put(&m, 48, 4, 800); /* bytes of messages */
    put(&m, SPACE - 8, 2, 1);
    put(&m, SPACE - 6, 2, 24);
    put(&m, SPACE, 1, 1);
    put(&m, SPACE + 1, 1, 2);
    put(&m, SPACE + 8, 8, 30);
    put(&m, SPACE + 16, 8, 6);
    put(&m, TYPE - 8, 2, 3);
    put(&m, TYPE - 6, 2, 16);
    put(&m, TYPE, 1, 0x11);
    put(&m, TYPE + 4, 4, 4);
    put(&m, FILL - 8, 2, 5);
    put(&m, FILL - 6, 2, 16);
    put(&m, FILL, 4, 0x01000002);
    put(&m, FILL + 4, 4, 4);
    put(&m, CHUNKING - 8, 2, 8);
    put(&m, CHUNKING - 6, 2, 24);
    put(&m, CHUNKING, 4, 0x00030203);
    put(&m, CHUNKING + 3, 8, 200);
    put(&m, CHUNKING + 11, 4, 12);
    put(&m, CHUNKING + 15, 4, 4);
    put(&m, CHUNKING + 19, 4, 4);
    return m;
}

/* Frees the image. */
static msio_status guard_image(image m) {
    const msio_h5_header header = {.at = 40, .base = 0, .address = 8, .length = 8};
    char path[128];
    msio_file *file = NULL;
    snprintf(path, sizeof path, "%s/image", folder);
    assert_true(pack_write_file(path, m.bytes, m.length));
    assert_int_equal(msio_file_open(path, &file), MSIO_OK);
    msio_status status = msio_h5_guard_check(file, &header, "Data/visdata");
    msio_file_close(file);
    free(m.bytes);
    return status;
}

/* A change of n bytes at a place, and what is said of it; NULL: nothing. */
typedef struct change {
    size_t at;
    int n;
    uint64_t value;
    const char *words;
} change;

static void check_change(image m, const change *c) {
    put(&m, c->at, c->n, c->value);
    msio_status status = guard_image(m);
    if (!c->words && status) fail_msg("byte %zu: %s", c->at, msio_last_error()->message);
    if (!c->words) return;
    assert_int_equal(status, MSIO_E_FORMAT);
    check_words(c->words);
    check_words("the file is damaged: copy it anew");
}

static void impossible_chunks_are_refused(void **state) {
    (void)state;
    static const change changes[] = {
        {CHUNKING + 11, 4, 12, NULL},
        {CHUNKING + 2, 1, 2, "chunks of 1 axes, the dataspace message at byte 64 2 axes"},
        {CHUNKING + 2, 1, 4, "the data layout message at byte 144 contradicts itself"}, /* it has not the bytes */
        {CHUNKING + 2, 1, 0, "contradicts itself"},
        {CHUNKING + 2, 1, 255, "contradicts itself"},
        {CHUNKING + 11, 4, 0,
         "Data/visdata: the data layout message at byte 144 says chunks of 0 elements along axis 0"},
        {CHUNKING + 15, 4, 0, "chunks of 0 elements along axis 1"},
        {CHUNKING + 19, 4, 0, "elements of 0 bytes"},
        {CHUNKING + 19, 4, 8, "elements of 8 bytes, the datatype message at byte 96 4 bytes"},
        {CHUNKING + 11, 4, UINT64_C(1) << 28, "chunks of 4 GiB or more"},
        {CHUNKING + 11, 4, (UINT64_C(1) << 28) - 1, NULL},
        {CHUNKING + 11, 8, UINT64_MAX, "chunks of 4 GiB or more"},
        {CHUNKING, 1, 5, NULL}, /* a version that is not known: the library may know it */
        {SPACE + 1, 1, 1, "chunks of 2 axes, the dataspace message at byte 64 1 axes"},
        {SPACE + 1, 1, 3, "the dataspace message at byte 64 is too short"},
        {SPACE - 4, 1, 2, NULL}, /* shared: it stands elsewhere */
        {TYPE - 4, 1, 2, NULL},
        {TYPE + 4, 4, 8, "elements of 4 bytes, the datatype message at byte 96 8 bytes"},
        {FILL + 4, 4, 8, NULL},
        {FILL + 4, 4, 9, "the fill value message at byte 120 ends before the value that it announces"},
        {FILL, 1, 1, NULL},
        {TYPE - 8, 2, 8, "is the second of its kind"},
        {TYPE - 8, 2, 1, "the dataspace message at byte 96 is the second of its kind"},
        {40, 1, 3, NULL}, /* a header of a version that is not known */
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) check_change(new_header(), &changes[i]);
}

/* Axes and class stand elsewhere in versions 1 and 2, the address before the extents. */
static void impossible_chunks_of_early_layouts_are_refused(void **state) {
    (void)state;
    static const change changes[] = {
        {CHUNKING + 1, 1, 3, NULL},
        {CHUNKING + 1, 1, 2, "chunks of 1 axes"},
        {CHUNKING + 16, 4, 0, "chunks of 0 elements along axis 0"},
        {CHUNKING + 24, 4, 2, "elements of 2 bytes"},
    };
    for (int version = 1; version <= 2; version++)
        for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
            image m = new_header();
            memset(m.bytes + CHUNKING, 0, 32);
            put(&m, CHUNKING - 6, 2, 32);
            put(&m, CHUNKING, 4, 0x00020300 | (uint64_t)version);
            put(&m, CHUNKING + 8, 8, 200);
            for (size_t k = 0; k < 3; k++) put(&m, CHUNKING + 16 + 4 * k, 4, 4);
            check_change(m, &changes[i]);
        }
}

/* Version 4 says how many bytes an extent has: the library keeps four of them. */
static void impossible_chunks_of_late_layouts_are_refused(void **state) {
    (void)state;
    static const change changes[] = {
        {CHUNKING + 2, 1, 1, NULL},
        {CHUNKING + 3, 1, 2, "chunks of 1 axes"},
        {CHUNKING + 4, 1, 0, "contradicts itself"},
        {CHUNKING + 4, 1, 9, "contradicts itself"},
        {CHUNKING + 5, 5, 0, "chunks of 0 elements along axis 0"},
        {CHUNKING + 10, 5, UINT64_C(1) << 32, "chunks of 4 GiB or more"},
        {CHUNKING + 15, 5, 0, "elements of 0 bytes"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        image m = new_header();
        memset(m.bytes + CHUNKING, 0, 24);
        put(&m, CHUNKING, 5, UINT64_C(0x0503000204));
        for (size_t k = 0; k < 3; k++) put(&m, CHUNKING + 5 + 5 * k, 5, 4);
        check_change(m, &changes[i]);
    }
}

static void compact_data_that_are_too_few_are_refused(void **state) {
    (void)state;
    static const change changes[] = {
        {SPACE + 8, 8, 2, NULL},
        {SPACE + 8, 8, 1, NULL},
        {SPACE + 8, 8, 3, "holds 20 bytes of data, the dataset has 24"},
        {SPACE + 8, 8, UINT64_C(1) << 63, NULL}, /* the library refuses that itself */
        {CHUNKING + 2, 2, 21, "contradicts itself"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        image m = new_header();
        memset(m.bytes + CHUNKING, 0, 24);
        put(&m, CHUNKING, 4, 0x00140003); /* class 0, 20 bytes */
        put(&m, SPACE + 8, 8, 2);
        put(&m, SPACE + 16, 8, 2);
        check_change(m, &changes[i]);
    }
}

/* ---------------------------------------------------------------- the run */

static int make_folder(void **state) {
    (void)state;
    return pack_make_folder(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    pack_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_read),
        cmocka_unit_test(chunks_that_are_none_are_refused),
        cmocka_unit_test(nodes_that_are_none_are_refused),
        cmocka_unit_test(a_tree_larger_than_its_file_is_refused),
        cmocka_unit_test(a_header_in_a_circle_is_refused),
        cmocka_unit_test(impossible_chunks_are_refused),
        cmocka_unit_test(impossible_chunks_of_early_layouts_are_refused),
        cmocka_unit_test(impossible_chunks_of_late_layouts_are_refused),
        cmocka_unit_test(compact_data_that_are_too_few_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
