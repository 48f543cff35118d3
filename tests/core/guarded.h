/* guarded.h - for tests: memory between two pages that nobody may touch, and repeatable random numbers. */
#ifndef MSIO_TESTS_GUARDED_H
#define MSIO_TESTS_GUARDED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whole pages; the page before and the page behind end the process when they are touched. */
typedef struct guarded {
    uint8_t *bytes;
    size_t length;
} guarded;

/* bytes is NULL when the system has no memory. */
static inline guarded guarded_new(size_t length) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    guarded g = {NULL, (length + page - 1) / page * page};
    uint8_t *all = mmap(NULL, g.length + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)all == MAP_FAILED || mprotect(all + page, g.length, PROT_READ | PROT_WRITE)) return g;
    g.bytes = all + page;
    return g;
}

static inline void guarded_free(guarded g) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (g.bytes) munmap(g.bytes - page, g.length + 2 * page);
}

/* Memory of that length which ends where the guarded page begins. */
static inline uint8_t *guarded_tail(guarded g, size_t length) { return g.bytes + g.length - length; }

/* xorshift64*: the same numbers everywhere, as long as state does not begin as 0. */
static inline uint64_t random_next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* 0 .. below - 1 */
static inline int64_t random_below(uint64_t *state, int64_t below) {
    return (int64_t)(random_next(state) >> 33) % below;
}

static inline void random_fill(uint64_t *state, uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(random_next(state) >> 40);
}

#endif
