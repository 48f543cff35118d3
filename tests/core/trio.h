/* trio.h - for tests that hold one way against a slower one: a source, what was made of it, and what should have been.
 */
#ifndef MSIO_TESTS_TRIO_H
#define MSIO_TESTS_TRIO_H

#include "guarded.h"

#define MARK 0xa5 /* what was not written */

static guarded source, target, expected;

/* The source is filled, unless seed is 0. -1 when the system has no memory. */
static inline int make_trio(size_t source_length, size_t length, uint64_t seed) {
    source = guarded_new(source_length);
    target = guarded_new(length);
    expected = guarded_new(length);
    if (!source.bytes || !target.bytes || !expected.bytes) return -1;
    if (seed) random_fill(&seed, source.bytes, source.length);
    return 0;
}

static inline int free_memory(void **state) {
    (void)state;
    guarded_free(source);
    guarded_free(target);
    guarded_free(expected);
    return 0;
}

#endif
