/* test_ready.c - the caller's memory, made ready to be written. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/ready.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)
#define ROOM (24 * MIB)

static uint8_t *new_memory(int protection) {
    void *memory = mmap(NULL, ROOM, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

/* How many pages of [from, from + bytes) are there. */
static size_t pages_there(const uint8_t *from, size_t bytes) {
    static unsigned char vector[ROOM / 4096];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), there = 0;
    assert_int_equal(mincore((void *)from, bytes, vector), 0);
    for (size_t i = 0; i < bytes / page; i++) there += vector[i] & 1;
    return there;
}

static void whole_pages_of_small_memory_are_there_at_once(void **state) {
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory = new_memory(PROT_READ | PROT_WRITE);
    (void)madvise(memory, ROOM, MADV_NOHUGEPAGE);
    msio_memory_ready(memory + MIB + 100, MIB); /* neither end on a page */
    size_t there = pages_there(memory, ROOM);
    assert_true(there == 0 || there == MIB / page - 1); /* a kernel before 5.14 does not know the request */
    assert_int_equal(pages_there(memory + MIB, page), 0);
    assert_int_equal(pages_there(memory + 2 * MIB, page), 0);
    munmap(memory, ROOM);
}

static void large_memory_is_not_touched(void **state) {
    (void)state;
    uint8_t *memory = new_memory(PROT_READ | PROT_WRITE);
    msio_memory_ready(memory + 100, ROOM - 200);
    assert_int_equal(pages_there(memory, ROOM), 0);
    munmap(memory, ROOM);
}

static void what_memory_holds_stays(void **state) {
    (void)state;
    static const size_t bytes[] = {1, 4096, MIB / 4, MIB / 4 + 1, MIB, 5 * MIB, 8 * MIB, 17 * MIB};
    uint8_t *memory = new_memory(PROT_READ | PROT_WRITE), *same = malloc(ROOM);
    assert_non_null(same);
    for (size_t i = 0; i < ROOM; i++) memory[i] = same[i] = (uint8_t)(i * 7 + i / 4096);
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
        for (size_t at = 0; at < 3 * MIB; at += MIB - 333) msio_memory_ready(memory + at, bytes[i]);
    assert_memory_equal(memory, same, ROOM);
    munmap(memory, ROOM);
    free(same);
}

static void memory_that_cannot_be_written_is_left_alone(void **state) {
    (void)state;
    uint8_t *memory = new_memory(PROT_READ);
    msio_memory_ready(memory, MIB);
    msio_memory_ready(memory, ROOM);
    assert_int_equal(memory[0] + memory[ROOM - 1], 0);
    munmap(memory, ROOM);
    msio_memory_ready(memory, MIB); /* none at all */
    msio_memory_ready(NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_pages_of_small_memory_are_there_at_once),
        cmocka_unit_test(large_memory_is_not_touched),
        cmocka_unit_test(what_memory_holds_stays),
        cmocka_unit_test(memory_that_cannot_be_written_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
