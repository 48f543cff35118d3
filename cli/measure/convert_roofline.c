/* convert_roofline.c - the fastest that a conversion could have been: bytes that it reads, and writes, raw. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_TMPFILE */
#endif
#include "cli/measure/convert_roofline.h"

#include "cli/common/failure.h"
#include "cli/measure/roofline.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((int64_t)1 << 20)

/* ---------------------------------------------------------------- reading */

/* Adds a whole file. Returns 0, or -1 where it cannot be read. */
static int add_file(cli_roofline *all, const char *path) {
    cli_roofline part = {0};
    struct stat there;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return -1;
    if (fstat(fd, &there) || !S_ISREG(there.st_mode) || there.st_size == 0) {
        close(fd);
        return 0; /* nothing to read */
    }
    part.fds = cli_alloc(sizeof *part.fds);
    part.fds[part.fd_count++] = fd;
    part.stretches = cli_alloc(sizeof *part.stretches);
    part.stretches[part.count++] = (cli_stretch){.fd = fd, .length = there.st_size};
    part.bytes = there.st_size;
    cli_roofline_append(all, &part);
    cli_roofline_free(&part);
    return 0;
}

/* The files of a main table: what its columns are in. */
static int add_table(cli_roofline *all, const char *path) {
    DIR *folder = opendir(path);
    int failed = folder == NULL;
    for (struct dirent *entry; !failed && (entry = readdir(folder));) {
        char name[PATH_MAX];
        if (entry->d_name[0] == '.') continue;
        failed = snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= PATH_MAX || add_file(all, name);
    }
    if (folder) closedir(folder);
    return failed ? -1 : 0;
}

static double read_input(const cli_load_input *input, int threads) {
    cli_roofline all = {0};
    int failed = 0;
    for (int i = 0; input->group && i < input->group->files && !failed; i++)
        failed = add_file(&all, input->group->file[i].path);
    for (int i = 0; !input->group && i < input->count && !failed; i++)
        failed = input->tables ? add_table(&all, input->paths[i]) : add_file(&all, input->paths[i]);
    const double seconds = failed || !all.bytes ? -1 : cli_roofline_run(&all, threads, NULL, 0);
    cli_roofline_free(&all);
    return seconds;
}

/* ---------------------------------------------------------------- writing */

/* A file without a name beside the target, with room for so many bytes; -1 where there is none. */
static int new_file(const char *target, int64_t bytes) {
    char folder[PATH_MAX];
    const char *slash = strrchr(target, '/');
    const int length = slash ? (int)(slash - target) + 1 : 0;
    if (snprintf(folder, sizeof folder, "%.*s.", length, target) >= PATH_MAX) return -1;
#if defined(O_TMPFILE)
    const int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, (off_t)bytes) == 0) return fd;
    close(fd);
#else
    (void)bytes;
#endif
    return -1;
}

/* New files, one a thread, whose blocks are written in turn: threads do not wait for one file's lock. */
static double write_output(const char *target, int64_t bytes, int threads) {
    const int64_t blocks = (bytes + BLOCK - 1) / BLOCK, each = (blocks + threads - 1) / threads;
    if (blocks < 1 || blocks > INT_MAX) return -1;
    cli_roofline all = {.writes = 1, .bytes = bytes};
    int failed = 0;
    all.fds = cli_alloc_many((size_t)threads, sizeof *all.fds);
    all.stretches = cli_alloc_many((size_t)blocks, sizeof *all.stretches);
    for (int i = 0; i < threads && !failed; i++) {
        const int fd = new_file(target, each * BLOCK);
        failed = fd < 0;
        if (!failed) all.fds[all.fd_count++] = fd;
    }
    for (int64_t i = 0; i < blocks && !failed; i++)
        all.stretches[all.count++] = (cli_stretch){.fd = all.fds[i % threads],
                                                   .offset = i / threads * BLOCK,
                                                   .length = bytes - i * BLOCK < BLOCK ? bytes - i * BLOCK : BLOCK,
                                                   .before = i * BLOCK};
    const double seconds = failed ? -1 : cli_roofline_once(&all, threads, BLOCK);
    cli_roofline_free(&all);
    return seconds;
}

double cli_convert_roofline(const cli_context *cli, const char *out, const cli_load_input *input, int64_t written) {
    const int threads = cli_threads(cli->threads);
    const double reading = read_input(input, threads);
    const double writing = reading < 0 ? -1 : write_output(out, written, threads);
    return writing < 0 ? -1 : reading + writing;
}
