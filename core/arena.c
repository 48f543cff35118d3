/* arena.c - many small allocations that are freed together. */
#include "core/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)8 << 10)

typedef struct msio_arena_block {
    struct msio_arena_block *next;
    size_t size, used;
    max_align_t bytes[];
} block;

static block *block_new(msio_arena *arena, size_t size) {
    block *b = calloc(1, sizeof(block) + size);
    if (!b) return NULL;
    b->size = size;
    arena->total += sizeof(block) + size;
    return b;
}

void *msio_arena_take(msio_arena *arena, int64_t count, size_t size) {
    size_t bytes;
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes) || bytes > SIZE_MAX / 2) return NULL;
    bytes = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    block *b = arena->blocks;
    if (!b || b->size - b->used < bytes) {
        b = block_new(arena, bytes > BLOCK_BYTES / 4 ? bytes : BLOCK_BYTES);
        if (!b) return NULL;
        if (b->size == bytes && arena->blocks) { /* a large one: keep filling the current small block */
            b->next = arena->blocks->next;
            arena->blocks->next = b;
        } else {
            b->next = arena->blocks;
            arena->blocks = b;
        }
    }
    char *memory = (char *)b->bytes + b->used;
    b->used += bytes;
    return memory;
}

char *msio_arena_text(msio_arena *arena, const void *bytes, int64_t length) {
    if (length < 0 || length == INT64_MAX) return NULL;
    char *text = msio_arena_take(arena, length + 1, 1);
    if (text && length) memcpy(text, bytes, (size_t)length);
    return text;
}

void msio_arena_free(msio_arena *arena) {
    for (block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    arena->blocks = NULL;
    arena->total = 0;
}
