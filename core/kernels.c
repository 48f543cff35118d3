/* kernels.c - the choice of an instruction set, and the kernels in plain C. */
#include "core/kernels.h"

#include "core/checked.h"
#include "core/kernels_set.h"
#include "core/kernels_weave.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

/* ---------------------------------------------------------------- plain C */

static void swap(uint8_t *dst, const uint8_t *src, size_t length, int unit) {
    if (unit == 2)
        msio_swap_short(dst, src, length, 2);
    else if (unit == 4)
        msio_swap_short(dst, src, length, 4);
    else
        msio_swap_short(dst, src, length, 8);
}

static void expand(uint8_t *dst, const uint8_t *src, int64_t bit, size_t length) {
    for (; length > 8; length -= 8, dst += 8, bit += 8) msio_bits_store(dst, (unsigned)msio_bits_load(src, bit, 8), 8);
    if (length) msio_bits_upto8(dst, src, bit, length);
}

static void pack(uint8_t *dst, int64_t bit, const uint8_t *src, size_t n) {
    uint8_t *to = dst + (bit >> 3);
    size_t head = msio_pack_head(to, (unsigned)(bit & 7), src, n);
    msio_pack_short(to + (head || (bit & 7)), src + head, n - head);
}

static void runs_swap(uint8_t *dst, const uint8_t *src, const msio_runs *runs, int unit) {
    size_t length = (size_t)runs->length;
    MSIO_RUNS_EACH(runs, const uint8_t *, dst, src, swap(d, s, length, unit))
}

static void runs_expand(uint8_t *dst, const uint8_t *src, int64_t bit, const msio_runs *runs) {
    size_t length = (size_t)runs->length;
    if (length == 1) {
        MSIO_RUNS_EACH(runs, int64_t, dst, bit, *d = src[s >> 3] >> (s & 7) & 1)
    } else if (length <= 8) {
        MSIO_RUNS_EACH(runs, int64_t, dst, bit, msio_bits_upto8(d, src, s, length))
    } else {
        MSIO_RUNS_EACH(runs, int64_t, dst, bit, expand(d, src, s, length))
    }
}

/* Plain C cannot write past the caches. */
static void stream_copy(uint8_t *dst, const uint8_t *src, size_t length) { memcpy(dst, src, length); }
static void stream_end(void) {}

static void weave(uint8_t *dst, const msio_lanes *lanes) { msio_weave_any(dst, lanes); }

static void bits_join(uint8_t *dst, const uint8_t *src, size_t n) { msio_bits_join_from(dst, src, n, 0); }

static const msio_kernels generic = {
    .name = "generic",
    .swap = swap,
    .expand = expand,
    .pack = pack,
    .runs_swap = runs_swap,
    .runs_expand = runs_expand,
    .stream_copy = stream_copy,
    .stream_swap = swap,
    .stream_expand = expand,
    .stream_end = stream_end,
    .weave = weave,
    .bits_join = bits_join,
};

/* ---------------------------------------------------------------- the choice */

/* Best first. */
static const msio_kernels *const all[] = {
#if defined(MSIO_KERNELS_X86)
    &msio_kernels_avx512,
    &msio_kernels_avx2,
#endif
    &generic,
};

/* Whether the processor, and the system that saves its registers, have the instructions. */
static bool runs_here(const msio_kernels *k) {
#if defined(MSIO_KERNELS_X86)
    if (k == &msio_kernels_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    if (k == &msio_kernels_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#endif
    return k == &generic;
}

/* The best of that name, or of all; NULL where there is none. */
static const msio_kernels *pick(const char *name) {
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if ((!name || strcmp(name, all[i]->name) == 0) && runs_here(all[i])) return all[i];
    return NULL;
}

static const msio_kernels *_Atomic chosen;

/* Threads that come at once choose the same. */
static const msio_kernels *kernels(void) {
    const msio_kernels *k = atomic_load_explicit(&chosen, memory_order_acquire);
    if (__builtin_expect(!k, 0)) {
        k = pick(NULL);
        atomic_store_explicit(&chosen, k, memory_order_release);
    }
    return k;
}

const char *msio_kernels_name(void) { return kernels()->name; }

int msio_kernels_force(const char *name) {
    const msio_kernels *k = pick(name);
    if (!k) return -1;
    atomic_store(&chosen, k);
    return 0;
}

/* ---------------------------------------------------------------- calls */

void msio_swap_copy(void *dst, const void *src, size_t n, int unit) {
    kernels()->swap(dst, src, n * (size_t)unit, unit);
}

void msio_bits_expand(uint8_t *dst, const uint8_t *src, int64_t bit, size_t n) { kernels()->expand(dst, src, bit, n); }

void msio_bits_pack(uint8_t *dst, int64_t bit, const uint8_t *src, size_t n) {
    if (n) kernels()->pack(dst, bit, src, n);
}

/* Whether the runs of axis 0 are one run many times over, to places that follow each other: then it is decoded once. */
static bool repeats(const msio_runs *runs) {
    return runs->count[0] > 1 && runs->src[0] == 0 && runs->dst[0] == runs->length;
}

void msio_runs_swap(void *dst, const void *src, const msio_runs *runs, int unit) {
    if (msio_runs_empty(runs)) return;
    if (repeats(runs)) {
        msio_runs first = *runs;
        first.count[0] = 1;
        kernels()->runs_swap(dst, src, &first, unit);
        msio_runs_repeat(dst, runs);
    } else {
        kernels()->runs_swap(dst, src, runs, unit);
    }
}

void msio_runs_expand(uint8_t *dst, const uint8_t *src, int64_t bit, const msio_runs *runs) {
    if (msio_runs_empty(runs)) return;
    if (repeats(runs)) {
        msio_runs first = *runs;
        first.count[0] = 1;
        kernels()->runs_expand(dst, src, bit, &first);
        msio_runs_repeat(dst, runs);
    } else {
        kernels()->runs_expand(dst, src, bit, runs);
    }
}

void msio_gather(void *dst, int64_t dst_stride, const void *src, int64_t src_stride, size_t n, int elem, int unit) {
    msio_runs runs = {elem, {(int64_t)n, 1, 1}, {src_stride, 0, 0}, {dst_stride, 0, 0}};
    if (unit > 1)
        msio_runs_swap(dst, src, &runs, unit);
    else
        msio_runs_copy(dst, src, &runs);
}

void msio_stream_copy(void *dst, const void *src, size_t length) {
    if (length) kernels()->stream_copy(dst, src, length);
}

void msio_stream_swap(void *dst, const void *src, size_t length, int unit) {
    if (length) kernels()->stream_swap(dst, src, length, unit);
}

void msio_stream_expand(uint8_t *dst, const uint8_t *src, int64_t bit, size_t length) {
    if (length) kernels()->stream_expand(dst, src, bit, length);
}

void msio_weave(uint8_t *dst, const msio_lanes *lanes) { kernels()->weave(dst, lanes); }

void msio_bits_join(uint8_t *dst, const uint8_t *src, size_t n) { kernels()->bits_join(dst, src, n); }

void msio_stream_end(void) { kernels()->stream_end(); }

int64_t msio_stream_least(void) {
    static _Atomic int64_t least;
    int64_t bytes = atomic_load_explicit(&least, memory_order_relaxed);
    if (bytes == 0) {
#if defined(_SC_LEVEL3_CACHE_SIZE)
        bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
        if (bytes <= 0) bytes = (int64_t)32 << 20;
        bytes = msio_max(msio_min(bytes, (int64_t)64 << 20), (int64_t)4 << 20);
        atomic_store_explicit(&least, bytes, memory_order_relaxed);
    }
    return bytes;
}
