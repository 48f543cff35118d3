/* large_blocks.c - large blocks of memory, by the line that asks for them: exact, where a sample comes only after the
 * line that made the process grow, as Python's lock was not to be had before.
 *
 * Small blocks pass with one comparison. Nothing is kept of a block: when it is freed is not looked at.
 */
#include "prof/preload/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#define LARGE (1u << 20)

int posix_memalign(void **block, size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);

static _Atomic(void *) real_malloc, real_calloc, real_realloc, real_aligned_alloc, real_memalign, real_posix_memalign;
/* The C library may ask for memory while it looks a name up: it bears with getting none. */
static __thread int resolving __attribute__((tls_model("initial-exec")));

static void *resolve(_Atomic(void *) *kept, const char *name) {
    void *found = atomic_load_explicit(kept, memory_order_relaxed);
    if (found || resolving) return found;
    resolving = 1;
    found = dlsym(RTLD_NEXT, name);
    resolving = 0;
    atomic_store_explicit(kept, found, memory_order_relaxed);
    return found;
}

#define REAL(name) (__extension__(__typeof__(&name)) resolve(&real_##name, #name))

/* What is not done at once: apart from the short way, which it would make save registers that it has no need of. */
#define APART __attribute__((noinline))

static APART void count(size_t bytes) {
    static __thread int counting __attribute__((tls_model("initial-exec")));
    int kept = errno;
    if (counting || !preload_is_own_memory()) return;
    counting = 1;
    preload_block(bytes);
    counting = 0;
    errno = kept;
}

static inline void *counted(void *block, size_t bytes) {
    if (__builtin_expect(bytes >= LARGE && block && preload_segment, 0)) count(bytes);
    return block;
}

static void *none(void) {
    errno = ENOMEM;
    return NULL;
}

/* The C library's function for a small block, where it was looked up already; NULL: the other way. */
#define AT_ONCE(name, size)                                                                                            \
    (__builtin_expect((size) < LARGE, 1)                                                                               \
         ? (__extension__(__typeof__(&name)) atomic_load_explicit(&real_##name, memory_order_relaxed))                 \
         : NULL)

static APART void *malloc_other(size_t size) {
    __typeof__(&malloc) real = REAL(malloc);
    return real ? counted(real(size), size) : none();
}

PRELOAD_EXPORT void *malloc(size_t size) {
    __typeof__(&malloc) real = AT_ONCE(malloc, size);
    return __builtin_expect(real != NULL, 1) ? real(size) : malloc_other(size);
}

PRELOAD_EXPORT void *calloc(size_t n, size_t size) {
    __typeof__(&calloc) real = REAL(calloc);
    return real ? counted(real(n, size), n * size) : none(); /* a product that overflows gets no block */
}

/* Counts all of it: what the block had before is not known. */
static APART void *realloc_other(void *block, size_t size) {
    __typeof__(&realloc) real = REAL(realloc);
    return real ? counted(real(block, size), size) : none();
}

PRELOAD_EXPORT void *realloc(void *block, size_t size) {
    __typeof__(&realloc) real = AT_ONCE(realloc, size);
    return __builtin_expect(real != NULL, 1) ? real(block, size) : realloc_other(block, size);
}

PRELOAD_EXPORT void *aligned_alloc(size_t alignment, size_t size) {
    __typeof__(&aligned_alloc) real = REAL(aligned_alloc);
    return real ? counted(real(alignment, size), size) : none();
}

PRELOAD_EXPORT void *memalign(size_t alignment, size_t size) {
    __typeof__(&memalign) real = REAL(memalign);
    return real ? counted(real(alignment, size), size) : none();
}

PRELOAD_EXPORT int posix_memalign(void **block, size_t alignment, size_t size) {
    __typeof__(&posix_memalign) real = REAL(posix_memalign);
    int failed = real ? real(block, alignment, size) : ENOMEM;
    if (!failed) counted(*block, size);
    return failed;
}
