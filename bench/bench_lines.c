/* bench_lines.c - what the memory allows a gather: its cache lines read from the mapped file, nothing stored. */
#include "bench_lines.h"
#include "bench_raw.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE 64
#define THREADS 2

typedef struct lines {
    const msio_plan *plan;
    const uint8_t *map;
    int64_t run; /* bytes of a row */
    int64_t next;
    uint64_t sum; /* so that the loads are not left out */
} lines;

static void *load_lines(void *user) {
    lines *l = user;
    uint64_t sum = 0, word;
    msio_plan_piece p;
    for (int64_t i; (i = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED)) < msio_plan_describe(l->plan)->pieces;) {
        if (msio_plan_piece_at(l->plan, i, &p)) continue;
        int64_t step = p.rows > 1 ? (p.length - l->run) / (p.rows - 1) : 0;
        for (int64_t row = 0; row < p.rows; row++)
            for (int64_t at = 0; at < l->run; at += LINE) {
                memcpy(&word, l->map + p.offset + row * step + at, sizeof word);
                sum += word;
            }
    }
    __atomic_fetch_add(&l->sum, sum, __ATOMIC_RELAXED);
    return NULL;
}

double bench_lines(const msio_plan *plan) {
    const msio_plan_info *info = msio_plan_describe(plan);
    msio_plan_piece first;
    struct stat st;
    double seconds = -1;
    if (info->rows == 0 || info->files != 1 || info->bytes_stored % info->rows || msio_plan_piece_at(plan, 0, &first))
        return -1;
    int fd = open(first.file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) return -1;
    lines l = {.plan = plan, .run = info->bytes_stored / info->rows};
    l.map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    close(fd);
    if (l.map == MAP_FAILED) return -1;
    pthread_t other[THREADS - 1];
    double t = bench_now();
    for (int i = 0; i < THREADS - 1; i++) pthread_create(&other[i], NULL, load_lines, &l);
    load_lines(&l);
    for (int i = 0; i < THREADS - 1; i++) pthread_join(other[i], NULL);
    seconds = bench_now() - t;
    munmap((void *)(uintptr_t)l.map, (size_t)st.st_size);
    return seconds;
}
