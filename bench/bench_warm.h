/* bench_warm.h - what the workers of msio share: their memory, kept from one request to the next, and their end. */
#ifndef MSIO_BENCH_WARM_H
#define MSIO_BENCH_WARM_H

#include "msio/core.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFERS 3

static uint8_t *buffer[BUFFERS];
static size_t buffer_bytes[BUFFERS];

static inline void die(const char *what) {
    fprintf(stderr, "%s: %s: %s (%s)\n", program_invocation_short_name, what, msio_last_error()->message,
            msio_last_error()->path);
    exit(1);
}

/* Makes buffer i one of at least so many bytes. True: it is another one, and was not touched yet. */
static inline bool grow_buffer(int i, size_t bytes) {
    if (buffer_bytes[i] >= bytes) return false;
    msio_pool_give(buffer[i]);
    buffer[i] = msio_pool_take(bytes);
    if (!buffer[i]) die("no memory");
    buffer_bytes[i] = bytes;
    return true;
}

static inline void give_buffers(void) {
    for (int i = 0; i < BUFFERS; i++) msio_pool_give(buffer[i]);
}

#endif
