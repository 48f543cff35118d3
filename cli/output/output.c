/* output.c - where a command's data go: a file that appears when it is whole, or standard output. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cli/output/output.h"

#include "cli/common/failure.h"
#include "cli/common/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLI_OUTPUT_BUFFER ((size_t)1 << 20)

/* What is to go should the process end early. */
static msio_making *unfinished;

static void remove_unfinished(void) {
    msio_making_free(unfinished);
    unfinished = NULL;
}

/* The mode of the file that is replaced, or what a new file gets. */
static mode_t wanted_mode(const struct stat *there) {
    if (there) return there->st_mode & 0777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* Makes the file beside the output's path. Returns a descriptor, or -1 after telling. */
static int make_temporary(const cli_context *cli, cli_output *output, const struct stat *there) {
    static int registered;
    if (msio_making_begin(output->path, &output->making)) {
        cli_fail_status(cli, output->path);
        return -1;
    }
    if (!registered) registered = !atexit(remove_unfinished);
    unfinished = output->making;
    int fd = open(msio_making_place(output->making), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        cli_fail_system(cli, output->path, "the file cannot be written");
        return -1;
    }
    if (fchmod(fd, wanted_mode(there))) return fd; /* then it stays private: no reason to fail */
    return fd;
}

int cli_output_open(const cli_context *cli, const char *path, cli_output *output) {
    struct stat there;
    int fd;
    if (!path || strcmp(path, "-") == 0) {
        output->file = stdout;
        setvbuf(stdout, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, CLI_OUTPUT_BUFFER);
        return 0;
    }
    int exists = stat(path, &there) == 0;
    if (exists && S_ISDIR(there.st_mode)) return cli_fail(cli, MSIO_E_IO, path, "--out names a folder; name a file");
    char *target = exists ? realpath(path, NULL) : NULL; /* through a link: the file behind it is what is replaced */
    output->path = target ? target : cli_copy(path);
    if (exists && !S_ISREG(there.st_mode)) {
        fd = open(output->path, O_WRONLY | O_CLOEXEC);
        if (fd < 0) return cli_fail_system(cli, path, "the file cannot be written");
    } else {
        fd = make_temporary(cli, output, exists ? &there : NULL);
        if (fd < 0) return CLI_INPUT;
    }
    output->file = fdopen(fd, "wb");
    if (!output->file) {
        close(fd);
        return cli_fail_system(cli, path, "the file cannot be written");
    }
    setvbuf(output->file, NULL, _IOFBF, CLI_OUTPUT_BUFFER);
    cli_interrupt_output(fd);
    return 0;
}

static int refused(const cli_context *cli, const cli_output *output) {
    return cli_fail_write(cli, output->path ? output->path : "standard output");
}

int cli_output_write(const cli_context *cli, cli_output *output, const void *data, size_t bytes) {
    output->written += (int64_t)bytes;
    if (bytes && fwrite(data, 1, bytes, output->file) != bytes) return refused(cli, output);
    return 0;
}

int cli_output_check(const cli_context *cli, cli_output *output) {
    return ferror(output->file) ? refused(cli, output) : 0;
}

int cli_output_finish(const cli_context *cli, cli_output *output) {
    if (fflush(output->file) || ferror(output->file)) return refused(cli, output);
    if (!output->path) return 0;
    FILE *file = output->file;
    output->file = NULL;
    off_t size = ftello(file);
    if (size >= 0) output->written = size;
    cli_interrupt_output(STDOUT_FILENO);
    if (fclose(file)) return refused(cli, output);
    if (!output->making) return 0;
    if (msio_making_finish(output->making, 1)) return cli_fail_status(cli, output->path);
    remove_unfinished();
    output->making = NULL;
    return 0;
}

void cli_output_drop(cli_output *output) {
    if (output->file && output->path) {
        __fpurge(output->file); /* or fclose would wait for a pipe's reader */
        cli_interrupt_output(STDOUT_FILENO);
        fclose(output->file);
    }
    if (output->making) remove_unfinished();
    free(output->path);
    memset(output, 0, sizeof *output);
}

int cli_output_is_file(const cli_output *output) {
    struct stat there;
    return fstat(fileno(output->file), &there) == 0 && S_ISREG(there.st_mode);
}
