/* kernel_sets.h - for tests of each instruction set: a test's state names its set. */
#ifndef MSIO_TESTS_KERNEL_SETS_H
#define MSIO_TESTS_KERNEL_SETS_H

#include "core/kernels.h"

#include <stdbool.h>
#include <stdio.h>

static bool skipped; /* a set that this processor does not have */

/* Chooses the set that the test is for. */
static inline int use_set(void **state) {
    if (msio_kernels_force(*state) == 0) return 0;
    skipped = true;
    printf("skipped: this processor does not have %s\n", (const char *)*state);
    *state = NULL;
    return 0;
}

static inline int use_best(void **state) {
    (void)state;
    return msio_kernels_force(NULL);
}

#endif
