/* opening.c - opening the tables and HDF5 files that the user names. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cli/input/opening.h"

#include "cli/common/failure.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLI_FOLDER_DEPTH 16

msio_open_opts cli_open_opts(const cli_context *cli) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.native = cli->native;
    opts.nolock = cli->nolock;
    if (cli->lock_seconds >= 0) opts.lock_seconds = cli->lock_seconds;
    return opts;
}

/* HDF5's superblock stands at 0, 512, 1024, 2048, ... */
static int has_mark(const char *path, int64_t bytes) {
    static const char magic[8] = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
    char found[8];
    int is = 0, fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return 0;
    for (off_t at = 0; !is && at <= 8192 && at + 8 <= bytes; at = at ? 2 * at : 512)
        is = pread(fd, found, sizeof found, at) == (ssize_t)sizeof found && memcmp(found, magic, sizeof magic) == 0;
    close(fd);
    return is;
}

static int has_ending(const char *path) {
    static const char *const endings[] = {".hdf5", ".h5", ".uvh5"};
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strcmp(path + length - ending, endings[i]) == 0) return 1;
    }
    return 0;
}

int64_t cli_file_bytes(const char *path) {
    struct stat there;
    return stat(path, &there) || !S_ISREG(there.st_mode) ? -1 : (int64_t)there.st_size;
}

int cli_is_hdf5(const char *path) {
    int64_t bytes = cli_file_bytes(path);
    return bytes >= 0 && (has_ending(path) || has_mark(path, bytes));
}

int cli_hdf5_open(const cli_context *cli, const char *path, msio_hdf5 **file) {
    msio_hdf5_opts opts = MSIO_HDF5_OPTS_INIT;
    opts.native = cli->native;
    opts.nolock = cli->nolock;
    return msio_hdf5_open(path, &opts, file) ? cli_fail_status(cli, path) : 0;
}

int cli_table_open(const cli_context *cli, const char *path, msio_table **table) {
    if (cli_is_hdf5(path))
        return cli_fail(cli, MSIO_E_UNSUPPORTED, path, "this is an HDF5 file, and msio %s takes casacore tables only",
                        cli->command);
    msio_open_opts opts = cli_open_opts(cli);
    return msio_table_open(path, &opts, table) ? cli_fail_status(cli, path) : 0;
}

/* Adds up a folder whose descriptor it takes. */
static int64_t folder_bytes(int folder, int depth) {
    int64_t bytes = 0;
    DIR *listing = fdopendir(folder);
    if (!listing) {
        close(folder);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(listing));) {
        struct stat there;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (fstatat(dirfd(listing), entry->d_name, &there, AT_SYMLINK_NOFOLLOW)) continue;
        if (S_ISREG(there.st_mode)) bytes += there.st_size;
        if (!S_ISDIR(there.st_mode) || depth == CLI_FOLDER_DEPTH) continue;
        int below = openat(dirfd(listing), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0) bytes += folder_bytes(below, depth + 1);
    }
    closedir(listing);
    return bytes;
}

int64_t cli_folder_bytes(const char *path) {
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder < 0 ? -1 : folder_bytes(folder, 0);
}

int cli_table_is_ms(msio_table *table) {
    msio_table_info info;
    msio_table_describe(table, &info);
    if (msio_record_find(msio_table_keywords(table), "MS_VERSION")) return 1;
    return strcmp(info.type, "Measurement Set") == 0;
}
