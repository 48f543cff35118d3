/* bench_raw.c - what the workers share: the clock, the checksum, and the rooflines' raw reads, writes and copies. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench_raw.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

double bench_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

uint64_t bench_checksum(const uint8_t *data, size_t bytes) {
    uint64_t sum = 0, word, factor = 1;
    for (; bytes >= sizeof word; bytes -= sizeof word, data += sizeof word, factor += 2) {
        memcpy(&word, data, sizeof word);
        sum += word * factor;
    }
    word = 0;
    memcpy(&word, data, bytes);
    return sum + word * factor;
}

/* ---------------------------------------------------------------- threads */

/* This thread is one of them. -1: not all could be started. */
static int in_threads(int n, void *(*run)(void *), void *job, size_t size) {
    pthread_t t[BENCH_MAX_THREADS];
    int started = 1, failed = 0;
    while (started < n && !failed) {
        failed = pthread_create(&t[started], NULL, run, (char *)job + size * (size_t)started) != 0;
        started += !failed;
    }
    run(job);
    while (--started > 0) pthread_join(t[started], NULL);
    return failed ? -1 : 0;
}

/* ---------------------------------------------------------------- reading */

typedef struct raw_file {
    int fd;
    int64_t offset, bytes;
    int64_t at;          /* of its first byte in the output */
    int64_t first_block; /* of all blocks */
} raw_file;

typedef struct raw_job {
    int files;
    const raw_file *file;
    int64_t block, blocks;
    uint8_t *out;     /* NULL: to scratch */
    uint8_t *scratch; /* a block for each thread */
    int64_t next;
    int threads, failed;
} raw_job;

static void *raw_thread(void *user) {
    raw_job *j = user;
    int self = __atomic_fetch_add(&j->threads, 1, __ATOMIC_RELAXED), at = 0;
    for (;;) {
        int64_t number = __atomic_fetch_add(&j->next, 1, __ATOMIC_RELAXED);
        if (number >= j->blocks) break;
        while (at + 1 < j->files && j->file[at + 1].first_block <= number) at++; /* numbers ascend for each thread */
        const raw_file *f = &j->file[at];
        int64_t from = (number - f->first_block) * j->block, n = f->bytes - from;
        if (n > j->block) n = j->block;
        uint8_t *to = j->out ? j->out + f->at + from : j->scratch + self * j->block;
        if (pread(f->fd, to, (size_t)n, (off_t)(f->offset + from)) != (ssize_t)n)
            __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

double bench_raw_read(int n, const bench_extent *extents, int64_t block, uint8_t *out, int threads) {
    if (threads > BENCH_MAX_THREADS) threads = BENCH_MAX_THREADS;
    raw_file *file = calloc((size_t)n, sizeof *file);
    uint8_t *scratch = malloc((size_t)block * (size_t)threads);
    raw_job j = {.file = file, .block = block, .out = out, .scratch = scratch};
    int64_t at = 0;
    double seconds = -1;
    if (!file || !scratch) goto end;
    memset(scratch, 1, (size_t)block * (size_t)threads);
    for (; j.files < n; j.files++) {
        const bench_extent *e = &extents[j.files];
        file[j.files] = (raw_file){open(e->path, O_RDONLY | O_CLOEXEC), e->offset, e->bytes, at, j.blocks};
        if (file[j.files].fd < 0) goto end;
        at += e->bytes;
        j.blocks += (e->bytes + block - 1) / block;
    }
    double t = bench_now();
    int failed = in_threads(threads, raw_thread, &j, 0);
    if (!failed && !j.failed) seconds = bench_now() - t;
end:
    for (int i = 0; i < j.files; i++) close(file[i].fd);
    free(scratch);
    free(file);
    return seconds;
}

/* ---------------------------------------------------------------- writing */

typedef struct raw_target {
    int fd;
    int64_t offset, bytes;
    const uint8_t *from;
    int64_t next; /* block to be taken */
} raw_target;

typedef struct write_job {
    int files;
    raw_target *file;
    int64_t block;
    int threads, failed;
} write_job;

static int put_next(const write_job *j, raw_target *f) {
    int64_t at = __atomic_fetch_add(&f->next, 1, __ATOMIC_RELAXED) * j->block, n = f->bytes - at;
    if (n <= 0) return 0;
    if (n > j->block) n = j->block;
    return pwrite(f->fd, f->from + at, (size_t)n, (off_t)(f->offset + at)) == (ssize_t)n ? 1 : -1;
}

static void *write_thread(void *user) {
    write_job *j = user;
    int self = __atomic_fetch_add(&j->threads, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < j->files; i++) {
        int more = 1;
        while (more > 0) more = put_next(j, &j->file[(self + i) % j->files]);
        if (more < 0) __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static double write_all(write_job *j, int threads) {
    double t = bench_now();
    int failed = in_threads(threads > BENCH_MAX_THREADS ? BENCH_MAX_THREADS : threads, write_thread, j, 0);
    return failed || j->failed ? -1 : bench_now() - t;
}

double bench_raw_write(int n, const bench_extent *extents, int64_t block, const uint8_t *from, int threads) {
    write_job j = {.file = calloc((size_t)n, sizeof(raw_target)), .block = block};
    double seconds = -1;
    if (!j.file) return -1;
    for (; j.files < n; j.files++) {
        const bench_extent *e = &extents[j.files];
        j.file[j.files] = (raw_target){open(e->path, O_WRONLY | O_CLOEXEC), e->offset, e->bytes, from, 0};
        if (j.file[j.files].fd < 0) break;
        from += e->bytes;
    }
    if (j.files == n) seconds = write_all(&j, threads);
    for (int i = 0; i < j.files; i++) close(j.file[i].fd);
    free(j.file);
    return seconds;
}

double bench_raw_write_new(const char *path, int64_t bytes, int64_t block, const uint8_t *from, int threads) {
    raw_target file = {open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), 0, bytes, from, 0};
    write_job j = {.files = 1, .file = &file, .block = block};
    double seconds = -1;
    if (file.fd >= 0 && posix_fallocate(file.fd, 0, bytes) == 0) seconds = write_all(&j, threads);
    if (file.fd >= 0) close(file.fd);
    unlink(path);
    return seconds;
}

/* ---------------------------------------------------------------- writing through a mapping */

typedef struct mapped_job {
    uint8_t *to;
    const uint8_t *from;
    int64_t bytes, next;
} mapped_job;

/* Stores past the caches, where the processor has them; `to` is aligned to 64 bytes. */
static void store_past_caches(uint8_t *to, const uint8_t *from, size_t bytes) {
#if defined(__SSE2__)
    for (; bytes >= 64; bytes -= 64, to += 64, from += 64)
        for (int i = 0; i < 64; i += 16)
            _mm_stream_si128((__m128i *)(void *)(to + i), _mm_loadu_si128((const __m128i *)(const void *)(from + i)));
    _mm_sfence();
#endif
    memcpy(to, from, bytes);
}

static void *mapped_thread(void *user) {
    mapped_job *j = user;
    const int64_t block = 1 << 20;
    for (int64_t at; (at = __atomic_fetch_add(&j->next, block, __ATOMIC_RELAXED)) < j->bytes;)
        store_past_caches(j->to + at, j->from + at, (size_t)(j->bytes - at < block ? j->bytes - at : block));
    return NULL;
}

double bench_raw_write_mapped(const bench_extent *extent, const uint8_t *from, int threads) {
    const int64_t before = extent->offset % 4096;
    const size_t bytes = (size_t)(extent->bytes + before);
    int fd = open(extent->path, O_RDWR | O_CLOEXEC), failed = 1;
    double t = bench_now();
    void *map = fd < 0 || before % 64
                    ? MAP_FAILED
                    : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)(extent->offset - before));
    if (map != MAP_FAILED) {
        mapped_job j = {(uint8_t *)map + before, from, extent->bytes, 0};
        failed = in_threads(threads > BENCH_MAX_THREADS ? BENCH_MAX_THREADS : threads, mapped_thread, &j, 0);
        munmap(map, bytes);
    }
    t = bench_now() - t;
    if (fd >= 0) close(fd);
    return failed ? -1 : t;
}

typedef struct cells_job {
    uint8_t *to;
    const uint8_t *from;
    const bench_part *cells;
    int64_t n, next;
} cells_job;

static void *cells_thread(void *user) {
    cells_job *j = user;
    const bench_part *c = j->cells;
    const int64_t block = ((int64_t)256 << 10) / c->cell;
    uint8_t *kept = malloc((size_t)(block * c->run));
    for (int64_t at; kept && (at = __atomic_fetch_add(&j->next, block, __ATOMIC_RELAXED)) < j->n;) {
        const int64_t n = j->n - at < block ? j->n - at : block;
        uint8_t *to = j->to + at * c->cell + c->first;
        const uint8_t *from = j->from + at * c->run;
        const uintptr_t page = (uintptr_t)to & ~(uintptr_t)4095;
#if defined(MADV_POPULATE_WRITE)
        (void)madvise((void *)page, (uintptr_t)(to + (n - 1) * c->cell + c->run) - page, MADV_POPULATE_WRITE);
#else
        (void)page;
#endif
        for (int64_t i = 0; i < n; i++) memcpy(kept + i * c->run, to + i * c->cell, (size_t)c->run);
        for (int64_t i = 0; i < n; i++) memcpy(to + i * c->cell, from + i * c->run, (size_t)c->run);
    }
    free(kept);
    return NULL;
}

double bench_raw_write_mapped_cells(const bench_extent *extent, const bench_part *cells, const uint8_t *from,
                                    int threads) {
    const int64_t before = extent->offset % 4096;
    const size_t bytes = (size_t)(extent->bytes + before);
    int fd = open(extent->path, O_RDWR | O_CLOEXEC), failed = 1;
    double t = bench_now();
    void *map = fd < 0 ? MAP_FAILED
                       : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)(extent->offset - before));
    if (map != MAP_FAILED) {
        cells_job j = {(uint8_t *)map + before, from, cells, extent->bytes / cells->cell, 0};
        failed = in_threads(threads > BENCH_MAX_THREADS ? BENCH_MAX_THREADS : threads, cells_thread, &j, 0);
        munmap(map, bytes);
    }
    t = bench_now() - t;
    if (fd >= 0) close(fd);
    return failed ? -1 : t;
}

/* ---------------------------------------------------------------- packing */

typedef struct pack_job {
    const uint8_t *from;
    uint8_t *to;
    size_t bytes;
} pack_job;

static void *pack_thread(void *user) {
    pack_job *p = user;
    for (size_t i = 0; i + 8 <= p->bytes; i += 8) {
        uint64_t eight;
        memcpy(&eight, p->from + i, sizeof eight);
        p->to[i / 8] = (uint8_t)((eight * 0x0102040810204080u) >> 56);
    }
    return NULL;
}

double bench_raw_pack(const uint8_t *from, size_t bytes, uint8_t *to, int threads) {
    pack_job parts[BENCH_MAX_THREADS];
    if (threads > BENCH_MAX_THREADS) threads = BENCH_MAX_THREADS;
    size_t part = bytes / 64 / (size_t)threads * 64;
    for (int k = 0; k < threads; k++)
        parts[k] = (pack_job){from + part * (size_t)k, to + part / 8 * (size_t)k,
                              k + 1 < threads ? part : bytes - part * (size_t)k};
    double t = bench_now();
    return in_threads(threads, pack_thread, parts, sizeof *parts) ? -1 : bench_now() - t;
}

/* ---------------------------------------------------------------- copying */

typedef struct copy_job {
    uint8_t *to;
    const uint8_t *from;
    size_t bytes;
} copy_job;

static void *copy_thread(void *user) {
    copy_job *c = user;
    memcpy(c->to, c->from, c->bytes);
    return NULL;
}

double bench_raw_copy(uint8_t *buffer, size_t bytes, int threads) {
    copy_job parts[BENCH_MAX_THREADS];
    if (threads > BENCH_MAX_THREADS) threads = BENCH_MAX_THREADS;
    size_t part = bytes / 2 / (size_t)threads;
    for (int k = 0; k < threads; k++)
        parts[k] = (copy_job){buffer + part * (size_t)k, buffer + bytes / 2 + part * (size_t)k, part};
    double t = bench_now();
    if (in_threads(threads, copy_thread, parts, sizeof *parts) ||
        in_threads(threads, copy_thread, parts, sizeof *parts))
        return -1;
    return bench_now() - t;
}
