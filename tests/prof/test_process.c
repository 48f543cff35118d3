/* test_process.c - the process's memory and bytes read. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "prof/process.h"

static void fields_are_found_at_the_start_of_lines(void **state) {
    (void)state;
    const char *text = "rchar: 12\nxread_bytes: 5\nread_bytes: 34\nVmHWM:\t    1748 kB\n";
    assert_true(msio_process_field(text, "rchar:") == 12);
    assert_true(msio_process_field(text, "read_bytes:") == 34);
    assert_true(msio_process_field(text, "VmHWM:") == 1748);
}

static void what_is_not_there_or_no_number_is_unknown(void **state) {
    (void)state;
    assert_true(msio_process_field("", "rchar:") == MSIO_UNKNOWN);
    assert_true(msio_process_field("rchar: 1\n", "wchar:") == MSIO_UNKNOWN);
    assert_true(msio_process_field("rchar: many\n", "rchar:") == MSIO_UNKNOWN);
    assert_true(msio_process_field("rchar: -5\n", "rchar:") == MSIO_UNKNOWN);
    assert_true(msio_process_field("rchar: 99999999999999999999999\n", "rchar:") == MSIO_UNKNOWN);
}

static void reading_a_file_raises_the_bytes_read(void **state) {
    (void)state;
    static char bytes[1 << 20];
    msio_process_io before = msio_process_io_now();
    if (before.read == MSIO_UNKNOWN) {
        print_message("skipped: this system has no /proc/self/io\n");
        skip();
    }
    int file = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_true(read(file, bytes, sizeof bytes) == (ssize_t)sizeof bytes);
    close(file);
    assert_true(msio_process_io_now().read - before.read >= (int64_t)sizeof bytes);
}

static void touching_memory_raises_the_peak(void **state) {
    (void)state;
    const size_t size = 64u << 20;
    int64_t before = msio_process_peak_rss();
    assert_true(before > 0);
    char *memory = malloc(size);
    assert_non_null(memory);
    memset(memory, 1, size);
    assert_true(memory[size / 2] == 1);
    int64_t after = msio_process_peak_rss();
    free(memory);
    assert_true(after >= before + (int64_t)size / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_at_the_start_of_lines),
        cmocka_unit_test(what_is_not_there_or_no_number_is_unknown),
        cmocka_unit_test(reading_a_file_raises_the_bytes_read),
        cmocka_unit_test(touching_memory_raises_the_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
