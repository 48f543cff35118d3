/* scratch_copy.c - copying tables. */
#include "cli/measure/scratch_copy.h"

#include "cli/common/failure.h"
#include "cli/common/interrupt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CLI_COPY_BYTES ((size_t)8 << 20)
#define CLI_COPY_DEPTH 16 /* of folders in folders: links may go round */

void cli_scratch_name(const char *table, const char *scratch, const char *ending, char *name, size_t size) {
    char plain[2048];
    size_t length = (size_t)snprintf(plain, sizeof plain, "%s", table);
    if (length >= sizeof plain) length = sizeof plain - 1;
    while (length > 1 && plain[length - 1] == '/') plain[--length] = 0;
    const char *slash = strrchr(plain, '/');
    if (scratch)
        snprintf(name, size, "%s/%s.%s", scratch, slash ? slash + 1 : plain, ending);
    else
        snprintf(name, size, "%s.%s", plain, ending);
}

int64_t cli_scratch_room(const char *copy) {
    struct statvfs system;
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", copy);
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = 0;
    return statvfs(slash ? folder : ".", &system) ? -1 : (int64_t)system.f_bavail * (int64_t)system.f_frsize;
}

static int stopped(void) {
    if (!cli_interrupted()) return 0;
    errno = EINTR;
    return 1;
}

/* Through memory, from where both stand. */
static int copy_bytes(int from, int to) {
    char *buffer = cli_alloc(CLI_COPY_BYTES);
    int failed = 0;
    while (!failed) {
        ssize_t got = read(from, buffer, CLI_COPY_BYTES);
        if (got == 0) break;
        if (got < 0 && errno == EINTR && !cli_interrupted()) continue;
        failed = got < 0;
        for (ssize_t done = 0, put; done < got; done += put)
            if ((put = write(to, buffer + done, (size_t)(got - done))) <= 0) {
                failed = 1;
                break;
            }
        failed = failed || stopped();
    }
    int error = errno;
    free(buffer);
    errno = error;
    return failed ? -1 : 0;
}

/* share: blocks may be shared, which the first write into one then pays for. Returns 0, or -1 with errno. */
static int copy_file(int from, int to, int share) {
    if (!share) return copy_bytes(from, to);
    if (ioctl(to, FICLONE, from) == 0) return 0;
    for (;;) {
        ssize_t got = copy_file_range(from, NULL, to, NULL, CLI_COPY_BYTES, 0);
        if (got == 0) return 0;
        /* between file systems, and on some, it does not work: what it did not copy is copied otherwise */
        if (got < 0) return errno == ENOSPC || errno == EIO || stopped() ? -1 : copy_bytes(from, to);
        if (stopped()) return -1;
    }
}

static int copy_folder(int from, int to, int whole, int depth);

/* A folder within. */
static int copy_below(int from, int to, const char *name, int depth) {
    if (depth == CLI_COPY_DEPTH) {
        errno = ELOOP;
        return -1;
    }
    int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int out = in < 0 || mkdirat(to, name, 0777) ? -1 : openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = in < 0 || out < 0 || copy_folder(in, out, 1, depth + 1), error = errno;
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    errno = error;
    return failed ? -1 : 0;
}

static int copy_entry(int from, int to, const char *name, int whole, int depth) {
    struct stat what;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "table.msio_write") == 0) return 0;
    if (!whole && strncmp(name, "table.", 6) != 0) return 0;
    if (fstatat(from, name, &what, 0)) return whole ? -1 : 0;
    if (S_ISDIR(what.st_mode) && whole) return copy_below(from, to, name, depth);
    if (!S_ISREG(what.st_mode)) return 0;
    int in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int out = in < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int failed = in < 0 || out < 0 || copy_file(in, out, whole), error = errno;
    if (in >= 0) close(in);
    if (out >= 0 && close(out)) failed = 1, error = errno;
    errno = error;
    return failed ? -1 : 0;
}

static int copy_folder(int from, int to, int whole, int depth) {
    int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* the listing's own */
    DIR *listing = again < 0 ? NULL : fdopendir(again);
    int failed = !listing;
    if (!listing && again >= 0) close(again);
    for (struct dirent *e; !failed && (e = readdir(listing));) failed = copy_entry(from, to, e->d_name, whole, depth);
    int error = errno;
    if (listing) closedir(listing);
    errno = error;
    return failed ? -1 : 0;
}

int cli_scratch_copy(const char *from, const char *to, int whole) {
    int in = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int out = in < 0 || mkdir(to, 0777) ? -1 : open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = in < 0 || out < 0 || copy_folder(in, out, whole, 0), error = errno;
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    errno = error;
    return failed ? -1 : 0;
}
