/* arena.h - many small allocations that are freed together. */
#ifndef MSIO_CORE_ARENA_H
#define MSIO_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct msio_arena {
    struct msio_arena_block *blocks;
    size_t total; /* bytes taken from the system */
} msio_arena;

/* Zeroed memory of count * size bytes, aligned for any type; NULL without memory or on overflow. */
void *msio_arena_take(msio_arena *arena, int64_t count, size_t size);
/* A NUL-terminated copy of length bytes; NULL without memory. */
char *msio_arena_text(msio_arena *arena, const void *bytes, int64_t length);
/* Frees everything that was taken. */
void msio_arena_free(msio_arena *arena);

#endif
