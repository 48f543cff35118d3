/* pool.c - result memory: huge-page blocks that are kept for reuse.
 *
 * A page touched for the first time costs more than reading into it, so that blocks which were given back are handed
 * out again: the smallest that fits and is at most twice as large as asked. The pool itself never touches a block. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/pool.h"

#include "core/lock.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MSIO_POOL_HUGE ((size_t)2 << 20)   /* blocks from here on are mapped, aligned to it, multiples of it */
#define MSIO_POOL_LEAST ((size_t)64 << 10) /* smaller ones go back to malloc */
#define MSIO_POOL_ALIGN ((size_t)64)
#define MSIO_POOL_KEPT 256 /* most blocks kept */

typedef struct block {
    void *memory; /* NULL: an empty place of the hash table */
    size_t size;
} block;

static struct {
    size_t limit, kept_bytes, in_use, peak;
    block kept[MSIO_POOL_KEPT]; /* oldest first */
    int kept_count;
    block *used; /* hash table by address, open addressing, a power of two of places, at most half of them taken */
    size_t used_places, used_count;
} pool; /* under MSIO_LOCK_POOL */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void) {
    size_t limit = (size_t)1 << 30;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0) {
        size_t quarter = (size_t)pages / 4 * (size_t)page;
        if (quarter < limit) limit = quarter;
    }
    pool.limit = limit;
}

static void enter(void) {
    pthread_once(&once, start);
    msio_lock_brief(MSIO_LOCK_POOL);
}

static void leave(void) { msio_unlock_brief(MSIO_LOCK_POOL); }

/* ---------------------------------------------------------------- the system's memory */

static void *map_huge(size_t size) {
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return NULL;
    if ((uintptr_t)mapped % MSIO_POOL_HUGE != 0) {
        munmap(mapped, size);
        mapped = mmap(NULL, size + MSIO_POOL_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) return NULL;
        uint8_t *bytes = mapped;
        size_t head = (MSIO_POOL_HUGE - (uintptr_t)bytes % MSIO_POOL_HUGE) % MSIO_POOL_HUGE;
        if (head) munmap(bytes, head);
        munmap(bytes + head + size, MSIO_POOL_HUGE - head);
        mapped = bytes + head;
    }
#if defined(MADV_HUGEPAGE)
    (void)madvise(mapped, size, MADV_HUGEPAGE);
#endif
    return mapped;
}

static void *system_take(size_t size) {
    return size >= MSIO_POOL_HUGE ? map_huge(size) : aligned_alloc(MSIO_POOL_ALIGN, size);
}

static void system_give(block b) {
    if (b.size >= MSIO_POOL_HUGE)
        munmap(b.memory, b.size);
    else
        free(b.memory);
}

/* Size of the block that serves a request; 0 when it cannot be represented. */
static size_t block_size(size_t bytes) {
    size_t unit = bytes >= MSIO_POOL_HUGE ? MSIO_POOL_HUGE : MSIO_POOL_ALIGN;
    if (bytes > SIZE_MAX - 2 * MSIO_POOL_HUGE) return 0;
    return (bytes + unit - 1) / unit * unit;
}

/* ---------------------------------------------------------------- blocks in use; under the lock */

static size_t place_of(const void *memory, size_t places) {
    uint64_t key = (uint64_t)(uintptr_t)memory / MSIO_POOL_ALIGN * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(key >> 32) & (places - 1);
}

static void used_put(block *table, size_t places, block b) {
    size_t at = place_of(b.memory, places);
    while (table[at].memory) at = (at + 1) & (places - 1);
    table[at] = b;
}

/* Makes sure that one more block can be noted. */
static bool used_reserve(void) {
    if (2 * (pool.used_count + 1) <= pool.used_places) return true;
    size_t places = pool.used_places ? 2 * pool.used_places : 64;
    block *table = calloc(places, sizeof *table);
    if (!table) return false;
    for (size_t i = 0; i < pool.used_places; i++)
        if (pool.used[i].memory) used_put(table, places, pool.used[i]);
    free(pool.used);
    pool.used = table;
    pool.used_places = places;
    return true;
}

static void used_add(block b) {
    used_put(pool.used, pool.used_places, b);
    pool.used_count++;
    pool.in_use += b.size;
    if (pool.in_use > pool.peak) pool.peak = pool.in_use;
}

/* Takes the block out; its size is 0 when the pool does not know it. Those behind it in the same stretch move up. */
static block used_remove(void *memory) {
    block found = {NULL, 0};
    if (!pool.used_places) return found;
    size_t mask = pool.used_places - 1, at = place_of(memory, pool.used_places);
    while (pool.used[at].memory && pool.used[at].memory != memory) at = (at + 1) & mask;
    if (!pool.used[at].memory) return found;
    found = pool.used[at];
    pool.used[at].memory = NULL;
    for (size_t next = (at + 1) & mask; pool.used[next].memory; next = (next + 1) & mask) {
        block moved = pool.used[next];
        pool.used[next].memory = NULL;
        used_put(pool.used, pool.used_places, moved);
    }
    pool.used_count--;
    pool.in_use -= found.size;
    return found;
}

/* ---------------------------------------------------------------- blocks kept; under the lock */

static block kept_remove(int index) {
    block b = pool.kept[index];
    pool.kept_count--;
    memmove(&pool.kept[index], &pool.kept[index + 1], (size_t)(pool.kept_count - index) * sizeof b);
    pool.kept_bytes -= b.size;
    return b;
}

/* The smallest kept block for a request of that size, the newest of equal ones; size 0 when there is none. */
static block kept_find(size_t size) {
    int best = -1;
    for (int i = pool.kept_count - 1; i >= 0; i--) {
        size_t s = pool.kept[i].size;
        if (s < size || s / 2 > size || (best >= 0 && s >= pool.kept[best].size)) continue;
        best = i;
        if (s == size) break;
    }
    block none = {NULL, 0};
    return best < 0 ? none : kept_remove(best);
}

/* Frees the oldest blocks until at most `bytes` in `count` blocks are kept. Leaves the lock while the system works:
 * taking back gigabytes takes it milliseconds. */
static void kept_shrink(size_t bytes, int count) {
    while (pool.kept_count > 0 && (pool.kept_bytes > bytes || pool.kept_count > count)) {
        block b = kept_remove(0);
        leave();
        system_give(b);
        enter();
    }
}

/* ---------------------------------------------------------------- calls */

void *msio_pool_take_fresh(size_t bytes, bool *fresh) {
    size_t size = bytes ? block_size(bytes) : 0;
    if (!size) return NULL;
    enter();
    block b = kept_find(size);
    bool is_new = !b.memory;
    if (is_new) {
        b.size = size;
        leave();
        b.memory = system_take(size);
        enter();
        if (!b.memory) {
            kept_shrink(0, 0);
            leave();
            b.memory = system_take(size);
            if (!b.memory) return NULL;
            enter();
        }
    }
    bool noted = used_reserve();
    if (noted) used_add(b);
    leave();
    if (!noted) {
        system_give(b);
        return NULL;
    }
    if (fresh) *fresh = is_new && size >= MSIO_POOL_HUGE;
    return b.memory;
}

void *msio_pool_take(size_t bytes) { return msio_pool_take_fresh(bytes, NULL); }

void msio_pool_give(void *memory) {
    if (!memory) return;
    enter();
    block b = used_remove(memory);
    if (b.size >= MSIO_POOL_LEAST && b.size <= pool.limit) {
        /* Room first, so that the limit holds at any time. */
        kept_shrink(pool.limit - b.size, MSIO_POOL_KEPT - 1);
        if (pool.kept_count < MSIO_POOL_KEPT && b.size <= pool.limit && pool.kept_bytes <= pool.limit - b.size) {
            pool.kept[pool.kept_count++] = b;
            pool.kept_bytes += b.size;
            b.memory = NULL;
        }
    }
    leave();
    if (b.memory) system_give(b);
}

void msio_pool_set_limit(size_t bytes) {
    enter();
    pool.limit = bytes;
    kept_shrink(bytes, MSIO_POOL_KEPT);
    leave();
}

static size_t read_counter(const size_t *counter) {
    enter();
    size_t value = *counter;
    leave();
    return value;
}

size_t msio_pool_kept(void) { return read_counter(&pool.kept_bytes); }
size_t msio_pool_in_use(void) { return read_counter(&pool.in_use); }
size_t msio_pool_peak(void) { return read_counter(&pool.peak); }
