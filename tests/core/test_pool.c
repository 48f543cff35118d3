/* test_pool.c - the pool of result memory. */
#include "core/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define HUGE (2 * MIB)

/* Every test begins with an empty pool and room for what it does. */
static int empty(void **state) {
    (void)state;
    msio_pool_set_limit(0);
    msio_pool_set_limit(256 * MIB);
    return msio_pool_kept() == 0 && msio_pool_in_use() == 0 ? 0 : -1;
}

static void large_blocks_are_aligned_to_huge_pages(void **state) {
    (void)state;
    for (size_t bytes = HUGE; bytes < 12 * MIB; bytes += 3 * MIB / 2) {
        uint8_t *m = msio_pool_take(bytes);
        assert_non_null(m);
        assert_int_equal((uintptr_t)m % HUGE, 0);
        m[0] = m[bytes - 1] = 1;
        msio_pool_give(m);
    }
}

static void small_blocks_are_aligned_to_cache_lines(void **state) {
    (void)state;
    for (size_t bytes = 1; bytes < HUGE; bytes = bytes * 3 + 1) {
        uint8_t *m = msio_pool_take(bytes);
        assert_non_null(m);
        assert_int_equal((uintptr_t)m % 64, 0);
        memset(m, 1, bytes);
        msio_pool_give(m);
    }
}

static void no_bytes_and_too_many_give_no_memory(void **state) {
    (void)state;
    assert_null(msio_pool_take(0));
    assert_null(msio_pool_take(SIZE_MAX));
    assert_null(msio_pool_take(SIZE_MAX - 4 * MIB));
    assert_null(msio_pool_take(SIZE_MAX / 2));
    assert_int_equal(msio_pool_in_use(), 0);
}

static void nothing_can_be_given_back(void **state) {
    (void)state;
    msio_pool_give(NULL);
    assert_int_equal(msio_pool_kept(), 0);
}

static void a_block_given_back_is_handed_out_again(void **state) {
    (void)state;
    bool fresh = false;
    void *first = msio_pool_take_fresh(8 * MIB, &fresh);
    assert_true(fresh);
    msio_pool_give(first);
    assert_int_equal(msio_pool_kept(), 8 * MIB);
    void *second = msio_pool_take_fresh(8 * MIB, &fresh);
    assert_false(fresh);
    assert_ptr_equal(second, first);
    assert_int_equal(msio_pool_kept(), 0);
    msio_pool_give(second);
}

static void a_kept_block_serves_down_to_half_its_size(void **state) {
    (void)state;
    void *large = msio_pool_take(8 * MIB);
    msio_pool_give(large);
    void *less = msio_pool_take(2 * MIB);
    assert_ptr_not_equal(less, large);
    void *half = msio_pool_take(4 * MIB);
    assert_ptr_equal(half, large);
    msio_pool_give(less);
    msio_pool_give(half);
}

static void the_smallest_block_that_fits_is_taken(void **state) {
    (void)state;
    void *a = msio_pool_take(12 * MIB), *b = msio_pool_take(8 * MIB), *c = msio_pool_take(10 * MIB);
    msio_pool_give(a);
    msio_pool_give(b);
    msio_pool_give(c);
    void *m = msio_pool_take(9 * MIB);
    assert_ptr_equal(m, c);
    msio_pool_give(m);
}

static void medium_blocks_are_kept_and_small_ones_are_not(void **state) {
    (void)state;
    void *small = msio_pool_take(1000), *medium = msio_pool_take(512 * KIB);
    msio_pool_give(small);
    assert_int_equal(msio_pool_kept(), 0);
    msio_pool_give(medium);
    assert_int_equal(msio_pool_kept(), 512 * KIB);
    assert_ptr_equal(msio_pool_take(300 * KIB), medium);
    msio_pool_give(medium);
}

static void the_limit_holds_and_the_oldest_go_first(void **state) {
    (void)state;
    msio_pool_set_limit(10 * MIB);
    void *a = msio_pool_take(4 * MIB), *b = msio_pool_take(4 * MIB), *c = msio_pool_take(4 * MIB);
    msio_pool_give(a);
    msio_pool_give(b);
    msio_pool_give(c);
    assert_int_equal(msio_pool_kept(), 8 * MIB);
    void *first = msio_pool_take(4 * MIB), *second = msio_pool_take(4 * MIB);
    assert_true((first == c && second == b) || (first == b && second == c));
    msio_pool_give(first);
    msio_pool_give(second);
}

static void a_block_above_the_limit_is_not_kept(void **state) {
    (void)state;
    msio_pool_set_limit(4 * MIB);
    msio_pool_give(msio_pool_take(4 * MIB));
    assert_int_equal(msio_pool_kept(), 4 * MIB);
    msio_pool_give(msio_pool_take(16 * MIB));
    assert_int_equal(msio_pool_kept(), 4 * MIB);
    msio_pool_set_limit(0);
    assert_int_equal(msio_pool_kept(), 0);
    msio_pool_give(msio_pool_take(4 * MIB));
    assert_int_equal(msio_pool_kept(), 0);
}

/* Whether the system still has memory at the address. */
static bool is_mapped(void *address) { return msync(address, 4096, MS_ASYNC) == 0; }

static void a_lower_limit_gives_memory_back_at_once(void **state) {
    (void)state;
    void *m = msio_pool_take(64 * MIB);
    msio_pool_give(m);
    assert_true(is_mapped(m));
    msio_pool_set_limit(32 * MIB);
    assert_int_equal(msio_pool_kept(), 0);
    assert_false(is_mapped(m));
}

static void many_kept_blocks_stay_within_bounds(void **state) {
    (void)state;
    enum { MANY = 600 };
    void *blocks[MANY];
    for (int i = 0; i < MANY; i++) assert_non_null(blocks[i] = msio_pool_take(64 * KIB));
    assert_int_equal(msio_pool_in_use(), MANY * 64 * KIB);
    for (int i = 0; i < MANY; i++) msio_pool_give(blocks[i]);
    assert_int_equal(msio_pool_in_use(), 0);
    assert_true(msio_pool_kept() > 0 && msio_pool_kept() <= MANY * 64 * KIB);
}

static void counters_follow_what_is_in_use(void **state) {
    (void)state;
    void *a = msio_pool_take(4 * MIB), *b = msio_pool_take(6 * MIB);
    assert_int_equal(msio_pool_in_use(), 10 * MIB);
    assert_true(msio_pool_peak() >= 10 * MIB);
    msio_pool_give(a);
    assert_int_equal(msio_pool_in_use(), 6 * MIB);
    msio_pool_give(b);
    assert_int_equal(msio_pool_in_use(), 0);
}

static void new_blocks_are_not_touched(void **state) {
    (void)state;
    uint8_t *m = msio_pool_take(16 * MIB);
    unsigned char pages[4096];
    assert_int_equal(mincore(m, 16 * MIB, pages), 0);
    for (size_t i = 0; i < 16 * MIB / (size_t)sysconf(_SC_PAGESIZE); i++) assert_int_equal(pages[i] & 1, 0);
    msio_pool_give(m);
}

/* ---------------------------------------------------------------- threads and fork */

/* Takes blocks of at least `least` bytes, writes its own number over them and finds it there later. */
static bool take_and_give(uint8_t mine, int times, size_t least) {
    uint8_t *held[8] = {NULL};
    size_t sizes[8] = {0};
    unsigned seed = mine;
    for (int i = 0; i < times; i++) {
        seed = seed * 1103515245u + 12345u;
        int k = (int)(seed >> 16 & 7);
        for (size_t at = 0; at < sizes[k]; at += 1021)
            if (held[k][at] != mine) return false;
        msio_pool_give(held[k]);
        sizes[k] = least + (seed >> 8) % (300 * KIB);
        held[k] = msio_pool_take(sizes[k]);
        if (!held[k]) return false;
        for (size_t at = 0; at < sizes[k]; at += 1021) held[k][at] = mine;
    }
    for (int k = 0; k < 8; k++) msio_pool_give(held[k]);
    return true;
}

static void *one_of_many(void *number) { return take_and_give((uint8_t)(uintptr_t)number, 400, 1) ? NULL : number; }

static void threads_share_the_pool(void **state) {
    (void)state;
    pthread_t threads[8];
    for (uintptr_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, one_of_many, (void *)(i + 1)), 0);
    for (int i = 0; i < 8; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(msio_pool_in_use(), 0);
}

#if defined(__SANITIZE_ADDRESS__)
/* AddressSanitizer's allocator (gcc 12) stays locked in a child when a thread was in it: only mapped blocks then. */
#define BUSY_LEAST (2 * MIB)
#else
#define BUSY_LEAST ((size_t)1)
#endif

static atomic_bool forked_enough;

static void *busy_until_told(void *number) {
    while (!atomic_load(&forked_enough))
        if (!take_and_give((uint8_t)(uintptr_t)number, 20, BUSY_LEAST)) return number;
    return NULL;
}

/* Forks while other threads keep the pool busy. A child tells success by a signal to itself, as sanitizers have a say
 * in how a process exits; one that hangs is ended by its alarm. */
static void children_of_fork_use_the_pool(void **state) {
    (void)state;
    pthread_t threads[2];
    atomic_store(&forked_enough, false);
    for (uintptr_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, busy_until_told, (void *)(i + 1)), 0);
    int succeeded = 0;
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            alarm(120);
            if (take_and_give(9, 400, 1)) raise(SIGUSR1);
            _exit(1);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        succeeded += WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1;
    }
    atomic_store(&forked_enough, true);
    for (int i = 0; i < 2; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(succeeded, 20);
}

#define TEST(name) cmocka_unit_test_setup(name, empty)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(large_blocks_are_aligned_to_huge_pages),
        TEST(small_blocks_are_aligned_to_cache_lines),
        TEST(no_bytes_and_too_many_give_no_memory),
        TEST(nothing_can_be_given_back),
        TEST(a_block_given_back_is_handed_out_again),
        TEST(a_kept_block_serves_down_to_half_its_size),
        TEST(the_smallest_block_that_fits_is_taken),
        TEST(medium_blocks_are_kept_and_small_ones_are_not),
        TEST(the_limit_holds_and_the_oldest_go_first),
        TEST(a_block_above_the_limit_is_not_kept),
        TEST(a_lower_limit_gives_memory_back_at_once),
        TEST(many_kept_blocks_stay_within_bounds),
        TEST(counters_follow_what_is_in_use),
        TEST(new_blocks_are_not_touched),
        TEST(threads_share_the_pool),
        TEST(children_of_fork_use_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
