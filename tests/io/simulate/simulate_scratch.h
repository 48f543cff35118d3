/* simulate_scratch.h - for tests of what is simulated: a folder, the place in it where data sets are made, and how far
 * one has come. */
#ifndef MSIO_TESTS_SIMULATE_SCRATCH_H
#define MSIO_TESTS_SIMULATE_SCRATCH_H

#include "tests/fuzz/table_pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char scratch[] = "/tmp/msio-simulate-XXXXXX";
static char made[PATH_MAX]; /* not there at a test's begin */

static inline int make_scratch(const char *name) {
    if (!mkdtemp(scratch)) return -1;
    snprintf(made, sizeof made, "%s/%s", scratch, name);
    return 0;
}

static inline int remove_scratch(void **state) {
    (void)state;
    pack_remove(scratch);
    return 0;
}

static inline int remove_made(void **state) {
    (void)state;
    pack_remove(made);
    return 0;
}

/* What was told last. With a user it cancels beyond half of the way. */
static int64_t last_done, last_total;

static inline int note(void *user, int64_t done, int64_t total) {
    assert_true(done >= last_done);
    last_done = done;
    last_total = total;
    return user && done > total / 2;
}

#endif
