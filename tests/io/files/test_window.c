/* test_window.c - windows: the same bytes whether mapped, read in blocks, or in memory, and nothing beyond the end. */
#include "io/files/window.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE ((int64_t)1 << 20)

static uint8_t *content;
static char path[] = "/tmp/msio_window_XXXXXX";
static msio_file *file;
static bool unmapped; /* a test could not be run */

static int make_file(void **state) {
    (void)state;
    content = malloc(SIZE);
    int fd = mkstemp(path);
    if (!content || fd < 0) return -1;
    uint32_t seed = 1;
    for (int64_t i = 0; i < SIZE; i++) content[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    int bad = write(fd, content, SIZE) != SIZE || msio_file_open(path, &file) != MSIO_OK;
    close(fd);
    return bad;
}

static int remove_file(void **state) {
    (void)state;
    msio_file_close(file);
    unlink(path);
    free(content);
    return 0;
}

/* Asks for stretches forwards, backwards and anywhere. */
static void check_content(msio_window *w) {
    const uint8_t *p;
    uint32_t seed = 7;
    assert_non_null(msio_window_get(w, 0, 0)); /* before anything was read */
    for (int64_t at = 0; at + 24 <= SIZE; at += 1009) {
        assert_non_null(p = msio_window_get(w, at, 24));
        assert_memory_equal(p, content + at, 24);
    }
    for (int64_t at = SIZE - 100; at >= 0; at -= 777) {
        assert_non_null(p = msio_window_get(w, at, 100));
        assert_memory_equal(p, content + at, 100);
    }
    for (int i = 0; i < 500; i++) {
        int64_t length = (seed = seed * 1664525 + 1013904223) >> 20, at = (seed >> 3) % (SIZE - length);
        assert_non_null(p = msio_window_get(w, at, length));
        assert_memory_equal(p, content + at, (size_t)length);
    }
    assert_non_null(p = msio_window_get(w, 0, SIZE));
    assert_memory_equal(p, content, SIZE);
    assert_non_null(msio_window_get(w, SIZE, 0));
}

static void check_end(msio_window *w, int64_t offset, int64_t length) {
    assert_null(msio_window_get(w, offset, length));
    assert_int_equal(w->status, MSIO_E_FORMAT);
    w->status = MSIO_OK;
}

static void check_ends(msio_window *w) {
    check_end(w, SIZE, 1);
    check_end(w, SIZE - 4, 5);
    check_end(w, -1, 4);
    check_end(w, 0, -1);
    check_end(w, 1, INT64_MAX);
    check_end(w, INT64_MAX, 1);
    check_end(w, INT64_MIN, INT64_MAX);
}

static void a_file_read_in_blocks_gives_its_bytes(void **state) {
    (void)state;
    msio_window w;
    file->mappable = false; /* the first test: it is not mapped yet */
    msio_window_open(&w, file);
    assert_null(w.bytes);
    check_content(&w);
    check_ends(&w);
    assert_int_equal(msio_window_close(&w, MSIO_OK), MSIO_OK);
}

static void memory_gives_its_bytes(void **state) {
    (void)state;
    msio_window w;
    msio_window_open_memory(&w, content, SIZE, "memory");
    check_content(&w);
    check_ends(&w);
    assert_int_equal(msio_window_close(&w, MSIO_OK), MSIO_OK);
}

static void a_mapped_file_gives_its_bytes(void **state) {
    (void)state;
    msio_window w;
    msio_file *mapped = NULL;
    assert_int_equal(msio_file_open(path, &mapped), MSIO_OK);
    msio_window_open(&w, mapped);
    check_content(&w);
    check_ends(&w);
    assert_int_equal(msio_window_close(&w, MSIO_OK), MSIO_OK);
    msio_file_close(mapped);
}

static void a_status_goes_through_close(void **state) {
    (void)state;
    msio_window w;
    msio_window_open_memory(&w, NULL, 0, "nothing");
    check_end(&w, 0, 1);
    assert_int_equal(msio_window_close(&w, MSIO_E_UNDEFINED), MSIO_E_UNDEFINED);
}

static void a_mapped_file_cut_meanwhile_is_an_io_error(void **state) {
    (void)state;
    msio_window w;
    msio_file *mapped = NULL;
    assert_int_equal(msio_file_open(path, &mapped), MSIO_OK);
    msio_window_open(&w, mapped);
    if (!w.bytes) {
        print_message("skipped: files in /tmp are not mapped here\n");
        msio_file_close(mapped);
        unmapped = true;
        return;
    }
    assert_int_equal(truncate(path, 4096), 0);
    const uint8_t *p = msio_window_get(&w, SIZE - 8, 8);
    assert_non_null(p);
    assert_int_equal(*(const volatile uint8_t *)p, 0);
    assert_int_equal(msio_window_close(&w, MSIO_OK), MSIO_E_IO);
    msio_file_close(mapped);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_read_in_blocks_gives_its_bytes),
        cmocka_unit_test(memory_gives_its_bytes),
        cmocka_unit_test(a_mapped_file_gives_its_bytes),
        cmocka_unit_test(a_status_goes_through_close),
        cmocka_unit_test(a_mapped_file_cut_meanwhile_is_an_io_error), /* the last: it cuts the file */
    };
    int failed = cmocka_run_group_tests(tests, make_file, remove_file);
    return failed == 0 && unmapped ? 77 : failed;
}
