/* roofline.c - the fastest that the bytes of an answer could have come, or gone: raw reads and writes by threads. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "cli/measure/roofline.h"

#include "cli/common/failure.h"
#include "cli/output/progress.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLI_PIECES_MOST 65536 /* that a plan can be asked for */

int cli_threads(int wanted) {
    long threads = sysconf(_SC_NPROCESSORS_ONLN);
    const char *limit = getenv("OMP_NUM_THREADS");
    if (wanted > 0) return wanted;
#if defined(__linux__)
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) threads = CPU_COUNT(&mask);
#endif
    if (limit) {
        long most = strtol(limit, NULL, 10);
        if (most > 0 && most < threads) threads = most;
    }
    return threads > 0 ? (int)threads : 1;
}

static int open_file(cli_roofline *roofline, const char *path) {
    struct stat there;
    int fd = open(path, (roofline->writes ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return -1;
    if (fstat(fd, &there) || !S_ISREG(there.st_mode)) {
        close(fd);
        return -1;
    }
    roofline->fds = cli_resize(roofline->fds, (size_t)roofline->fd_count + 1, sizeof *roofline->fds);
    roofline->fds[roofline->fd_count++] = fd;
    return fd;
}

/* Adds a stretch; one that continues the last is joined to it, so that blocks are whole. */
static void add(cli_roofline *roofline, int fd, int64_t offset, int64_t length) {
    cli_stretch *last = roofline->count ? &roofline->stretches[roofline->count - 1] : NULL;
    if (last && last->fd == fd && offset >= last->offset && offset <= last->offset + last->length) {
        int64_t end = offset + length;
        if (end > last->offset + last->length) {
            roofline->bytes += end - (last->offset + last->length);
            last->length = end - last->offset;
        }
        return;
    }
    roofline->stretches[roofline->count++] = (cli_stretch){fd, offset, length, roofline->bytes};
    roofline->bytes += length;
}

/* A plan of more pieces than can be asked for is one of small pieces over a file: the file's part from the first to the
 * last of those is as long as what is stored. */
static void stand_in(cli_roofline *roofline, const msio_plan_info *info) {
    struct stat there;
    cli_stretch first = roofline->stretches[0];
    if (fstat(first.fd, &there)) return;
    int64_t length = info->bytes_stored;
    if (length > there.st_size - first.offset) length = there.st_size - first.offset;
    roofline->count = 1;
    roofline->stretches[0].length = roofline->bytes = length;
}

int cli_roofline_prepare(const msio_plan *plan, int writes, cli_roofline *roofline) {
    const msio_plan_info *info = msio_plan_describe(plan);
    int64_t pieces = info->pieces < CLI_PIECES_MOST ? info->pieces : CLI_PIECES_MOST;
    msio_plan_piece piece;
    char path[4096] = "";
    int fd = -1;
    memset(roofline, 0, sizeof *roofline);
    roofline->writes = writes;
    if (info->way == MSIO_WAY_CASACORE || pieces <= 0) return -1;
    roofline->stretches = cli_alloc_many((size_t)pieces, sizeof *roofline->stretches);
    for (int64_t i = 0; i < pieces; i++) {
        if (msio_plan_piece_at(plan, i, &piece) != MSIO_OK || !piece.file || piece.length <= 0) continue;
        if (strcmp(path, piece.file) != 0) {
            snprintf(path, sizeof path, "%s", piece.file);
            fd = open_file(roofline, path);
            if (fd < 0) return -1;
        }
        add(roofline, fd, piece.offset, piece.length);
    }
    if (!roofline->count) return -1;
    if (info->pieces > CLI_PIECES_MOST) stand_in(roofline, info);
    roofline->straight = info->bytes_stored == info->bytes_wanted;
    return 0;
}

void cli_roofline_free(cli_roofline *roofline) {
    for (int i = 0; i < roofline->fd_count; i++) close(roofline->fds[i]);
    free(roofline->fds);
    free(roofline->stretches);
    memset(roofline, 0, sizeof *roofline);
}

void cli_roofline_append(cli_roofline *all, cli_roofline *part) {
    cli_stretch *stretches = cli_alloc_many((size_t)(all->count + part->count), sizeof *stretches);
    int *fds = cli_alloc_many((size_t)(all->fd_count + part->fd_count), sizeof *fds);
    if (all->count) memcpy(stretches, all->stretches, (size_t)all->count * sizeof *stretches);
    if (all->fd_count) memcpy(fds, all->fds, (size_t)all->fd_count * sizeof *fds);
    for (int i = 0; i < part->count; i++) {
        stretches[all->count + i] = part->stretches[i];
        stretches[all->count + i].before += all->bytes;
    }
    if (part->fd_count) memcpy(fds + all->fd_count, part->fds, (size_t)part->fd_count * sizeof *fds);
    free(all->stretches);
    free(all->fds);
    free(part->stretches);
    free(part->fds);
    all->stretches = stretches;
    all->fds = fds;
    all->count += part->count;
    all->fd_count += part->fd_count;
    all->bytes += part->bytes;
    memset(part, 0, sizeof *part);
}

/* What the threads of one run share. */
typedef struct race {
    const cli_roofline *roofline;
    char *out;
    int64_t out_bytes, block;
    atomic_llong next; /* byte of all stretches where the next block begins */
    atomic_int failed, go;
} race;

/* The stretch that holds byte `at` of all. */
static const cli_stretch *stretch_at(const cli_roofline *roofline, int64_t at) {
    int low = 0, high = roofline->count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (roofline->stretches[middle].before <= at)
            low = middle;
        else
            high = middle - 1;
    }
    return &roofline->stretches[low];
}

/* The part of the result that `length` stored bytes from `at` on stand for, copied from the scratch over and over. */
static void copy_out(const race *shared, const char *scratch, int64_t at, int64_t length) {
    double share = (double)shared->out_bytes / (double)shared->roofline->bytes;
    int64_t to = (int64_t)((double)at * share), end = (int64_t)((double)(at + length) * share);
    if (end > shared->out_bytes) end = shared->out_bytes;
    while (to < end) {
        int64_t bytes = end - to < length ? end - to : length;
        memcpy(shared->out + to, scratch, (size_t)bytes);
        to += bytes;
    }
}

/* The other way: that part of what is written, gathered into the scratch over and over. */
static void copy_in(const race *shared, char *scratch, int64_t at, int64_t length) {
    double share = (double)shared->out_bytes / (double)shared->roofline->bytes;
    int64_t from = (int64_t)((double)at * share), end = (int64_t)((double)(at + length) * share);
    if (end > shared->out_bytes) end = shared->out_bytes;
    while (from < end) {
        int64_t bytes = end - from < length ? end - from : length;
        memcpy(scratch, shared->out + from, (size_t)bytes);
        from += bytes;
    }
}

static int write_block(race *shared, char *scratch, int64_t at, int64_t length) {
    while (length > 0) {
        const cli_stretch *stretch = stretch_at(shared->roofline, at);
        int64_t skip = at - stretch->before, part = stretch->length - skip < length ? stretch->length - skip : length;
        int straight = shared->roofline->straight && at + part <= shared->out_bytes;
        if (!straight) copy_in(shared, scratch, at, part);
        ssize_t put =
            pwrite(stretch->fd, straight ? shared->out + at : scratch, (size_t)part, (off_t)(stretch->offset + skip));
        if (put <= 0) return -1;
        at += put;
        length -= put;
    }
    return 0;
}

static int read_block(race *shared, char *scratch, int64_t at, int64_t length) {
    while (length > 0) {
        const cli_stretch *stretch = stretch_at(shared->roofline, at);
        int64_t skip = at - stretch->before, part = stretch->length - skip < length ? stretch->length - skip : length;
        int straight = shared->roofline->straight && at + part <= shared->out_bytes;
        ssize_t got =
            pread(stretch->fd, straight ? shared->out + at : scratch, (size_t)part, (off_t)(stretch->offset + skip));
        if (got <= 0) return -1;
        if (!straight) copy_out(shared, scratch, at, (int64_t)got);
        at += got;
        length -= got;
    }
    return 0;
}

static void take_blocks(race *shared, char *scratch) {
    int (*const block)(race *, char *, int64_t, int64_t) = shared->roofline->writes ? write_block : read_block;
    for (;;) {
        int64_t at = atomic_fetch_add(&shared->next, shared->block), left = shared->roofline->bytes - at;
        if (left <= 0) return;
        if (block(shared, scratch, at, left < shared->block ? left : shared->block)) atomic_store(&shared->failed, 1);
    }
}

/* Memory that is touched. */
static char *new_scratch(const race *shared) {
    return memset(cli_alloc((size_t)shared->block), 0, (size_t)shared->block);
}

static void *run_thread(void *argument) {
    race *shared = argument;
    char *scratch = new_scratch(shared);
    while (!atomic_load(&shared->go)) sched_yield();
    take_blocks(shared, scratch);
    free(scratch);
    return NULL;
}

static double run_blocks(const cli_roofline *roofline, int threads, int64_t block, void *out, size_t out_bytes) {
    race shared = {.roofline = roofline, .out = out, .out_bytes = (int64_t)out_bytes, .block = block};
    pthread_t *others = cli_alloc_many((size_t)threads, sizeof *others);
    char *scratch = new_scratch(&shared);
    int started = 0;
    atomic_init(&shared.next, 0);
    atomic_init(&shared.failed, 0);
    atomic_init(&shared.go, 0);
    while (started < threads - 1 && pthread_create(&others[started], NULL, run_thread, &shared) == 0) started++;
    double began = cli_now();
    atomic_store(&shared.go, 1);
    take_blocks(&shared, scratch);
    for (int i = 0; i < started; i++) pthread_join(others[i], NULL);
    double seconds = cli_now() - began;
    free(others);
    free(scratch);
    return atomic_load(&shared.failed) ? -1 : seconds;
}

double cli_roofline_run(const cli_roofline *roofline, int threads, void *out, size_t out_bytes) {
    const int kib[] = {256, 1024, 8192};
    double best = -1;
    for (int i = 0; i < (roofline->writes ? 3 : 2); i++)
        for (int n = roofline->writes ? 1 : threads; n <= threads; n += threads > n ? threads - n : 1) {
            double seconds = run_blocks(roofline, n, (int64_t)kib[i] << 10, out, out_bytes);
            if (seconds < 0) return -1;
            if (best < 0 || seconds < best) best = seconds;
        }
    return best;
}

double cli_roofline_once(const cli_roofline *roofline, int threads, int64_t block) {
    return run_blocks(roofline, threads, block, NULL, 0);
}
