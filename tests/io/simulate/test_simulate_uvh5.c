/* test_simulate_uvh5.c - simulated groups of UVH5 files: options, sizes, names, and how files come into place. Their
 * content is held against h5py by tests/cli/simulate/test_simulate_uvh5.py. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* unshare */
#endif
#include "msio/core.h"
#include "msio/subbands.h"

#include "tests/io/simulate/simulate_scratch.h"
#include "tests/sanitized.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static msio_simulate_uvh5_opts small(void) {
    msio_simulate_uvh5_opts opts = MSIO_SIMULATE_UVH5_OPTS_INIT;
    opts.antennas = 8;
    opts.times = 3;
    opts.subbands = 3;
    opts.channels = 16;
    return opts;
}

/* Files in the folder, and their bytes in all; -1 where there is no folder. */
static int files_there(int64_t *bytes) {
    int n = 0;
    DIR *listing = opendir(made);
    if (!listing) return -1;
    *bytes = 0;
    for (struct dirent *entry; (entry = readdir(listing));) {
        struct stat info;
        if (fstatat(dirfd(listing), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) continue;
        n++;
        *bytes += (int64_t)info.st_size;
    }
    closedir(listing);
    return n;
}

/* ---------------------------------------------------------------- sizes and names */

static void default_options_tell_dsa110_size(void **state) {
    (void)state;
    int64_t rows = 0, bytes = msio_simulate_uvh5_bytes(NULL, &rows);
    assert_int_equal(rows, 111744);
    assert_in_range(bytes, 2325000000, 2350000000);
}

static void size_told_is_never_less_and_little_more(void **state) {
    (void)state;
    const int antennas[] = {1, 8, 40}, channels[] = {1, 16, 200};
    for (int i = 0; i < 3; i++) {
        msio_simulate_uvh5_opts opts = small();
        opts.antennas = antennas[i];
        opts.channels = channels[i];
        opts.overwrite = 1;
        assert_int_equal(msio_simulate_uvh5(made, &opts), MSIO_OK);
        int64_t found = 0, told = msio_simulate_uvh5_bytes(&opts, NULL);
        assert_int_equal(files_there(&found), 3);
        assert_in_range(told, found, found + found / 20 + 3 * 24576);
    }
}

static void names_are_those_of_the_files(void **state) {
    (void)state;
    const int32_t missing[] = {1};
    msio_simulate_uvh5_opts opts = small();
    opts.missing = 1;
    opts.missing_subband = missing;
    assert_int_equal(msio_simulate_uvh5(made, &opts), MSIO_OK);
    int64_t bytes;
    assert_int_equal(files_there(&bytes), 2);
    for (int b = 0; b < 3; b += 2) {
        char name[MSIO_SIMULATE_UVH5_NAME_BYTES], path[2 * PATH_MAX];
        assert_int_equal(msio_simulate_uvh5_name(&opts, b, name), MSIO_OK);
        snprintf(path, sizeof path, "%s/%s", made, name);
        assert_int_equal(access(path, R_OK), 0);
    }
    char name[MSIO_SIMULATE_UVH5_NAME_BYTES] = "untouched";
    const int none[] = {-1, 1, 3};
    for (int i = 0; i < 3; i++) assert_int_equal(msio_simulate_uvh5_name(&opts, none[i], name), MSIO_E_RANGE);
    assert_string_equal(name, "untouched");
}

static void slashes_at_the_folders_end_change_nothing(void **state) {
    (void)state;
    msio_simulate_uvh5_opts opts = small();
    char path[PATH_MAX + 2];
    int64_t bytes;
    snprintf(path, sizeof path, "%s/", made);
    assert_int_equal(msio_simulate_uvh5(path, &opts), MSIO_OK);
    assert_int_equal(files_there(&bytes), 3);
}

/* ---------------------------------------------------------------- wrong options */

static void expect_refused(msio_simulate_uvh5_opts opts) {
    int64_t bytes;
    char name[MSIO_SIMULATE_UVH5_NAME_BYTES];
    assert_int_equal(msio_simulate_uvh5(made, &opts), MSIO_E_ARGUMENT);
    assert_int_equal(msio_last_error()->code, MSIO_E_ARGUMENT);
    assert_true(strlen(msio_last_error()->message) > 0);
    assert_int_equal(msio_simulate_uvh5_bytes(&opts, NULL), -1);
    assert_int_equal(msio_simulate_uvh5_name(&opts, 0, name), MSIO_E_ARGUMENT);
    assert_int_equal(files_there(&bytes), -1);
}

#define REFUSED(field, value)                                                                                          \
    do {                                                                                                               \
        msio_simulate_uvh5_opts opts_ = small();                                                                       \
        opts_.field = value;                                                                                           \
        expect_refused(opts_);                                                                                         \
    } while (0)

static void wrong_options_are_refused(void **state) {
    (void)state;
    REFUSED(struct_size, 0);
    REFUSED(antennas, 0);
    REFUSED(antennas, 32769);
    REFUSED(times, -1);
    REFUSED(subbands, 0);
    REFUSED(subbands, MSIO_GROUP_MAX_SUBBANDS + 1);
    REFUSED(channels, 0);
    REFUSED(channels, INT32_MAX);
    REFUSED(polarizations, 3);
    REFUSED(jitter, -1);
    REFUSED(noise, -0.5);
    REFUSED(noise, 1.0 / 0.0);
    REFUSED(noise, 0.0 / 0.0);
    REFUSED(compression, "zip");
    REFUSED(flags, "all");
    REFUSED(time, "noon");
    REFUSED(time, "2025-10-05T13:27:60");
    REFUSED(time, "9999-12-31T23:59:59");
    REFUSED(missing, 1);
    REFUSED(missing, -1);
}

static void missing_subbands_must_be_subbands(void **state) {
    (void)state;
    const int32_t beyond[] = {3}, negative[] = {-1}, all[] = {2, 0, 1};
    msio_simulate_uvh5_opts opts = small();
    opts.missing = 1;
    opts.missing_subband = beyond;
    expect_refused(opts);
    opts.missing_subband = negative;
    expect_refused(opts);
    opts.missing = 3;
    opts.missing_subband = all;
    expect_refused(opts);
}

static void sizes_beyond_counting_are_refused(void **state) {
    (void)state;
    msio_simulate_uvh5_opts opts = small();
    opts.times = INT32_MAX;
    opts.antennas = 32768;
    opts.channels = 1 << 22;
    expect_refused(opts);
}

static void no_path_is_refused(void **state) {
    (void)state;
    assert_int_equal(msio_simulate_uvh5(NULL, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_simulate_uvh5("", NULL), MSIO_E_ARGUMENT);
}

static void a_missing_folder_is_named(void **state) {
    (void)state;
    msio_simulate_uvh5_opts opts = small();
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/in/it", made);
    assert_int_equal(msio_simulate_uvh5(path, &opts), MSIO_E_IO);
    assert_string_equal(msio_last_error()->path, path);
}

/* ---------------------------------------------------------------- coming into place */

static void files_are_replaced_only_when_asked(void **state) {
    (void)state;
    msio_simulate_uvh5_opts opts = small();
    int64_t before, after;
    assert_int_equal(msio_simulate_uvh5(made, &opts), MSIO_OK);
    assert_int_equal(files_there(&before), 3);
    opts.channels = 64;
    assert_int_equal(msio_simulate_uvh5(made, &opts), MSIO_E_ARGUMENT);
    assert_int_equal(files_there(&after), 3);
    assert_int_equal(after, before);
    opts.overwrite = 1;
    assert_int_equal(msio_simulate_uvh5(made, &opts), MSIO_OK);
    assert_int_equal(files_there(&after), 3);
    assert_true(after > before);
}

static void progress_reaches_the_total(void **state) {
    (void)state;
    msio_simulate_uvh5_opts opts = small();
    opts.progress = note;
    last_done = last_total = 0;
    assert_int_equal(msio_simulate_uvh5(made, &opts), MSIO_OK);
    assert_int_equal(last_total, (int64_t)3 * 3 * 36 * (16 * 2 * (8 + 1 + 4) + 4 * 8 + 12));
    assert_int_equal(last_done, last_total);
}

static void a_cancelled_one_leaves_nothing(void **state) {
    (void)state;
    msio_simulate_uvh5_opts opts = small();
    int64_t bytes;
    opts.progress = note;
    opts.user = &opts;
    last_done = last_total = 0;
    assert_int_equal(msio_simulate_uvh5(made, &opts), MSIO_E_CANCELLED);
    assert_true(last_done < last_total);
    assert_int_equal(files_there(&bytes), -1);
}

static void a_cancelled_one_leaves_what_stood_there(void **state) {
    (void)state;
    msio_simulate_uvh5_opts opts = small();
    int64_t before, after;
    assert_int_equal(msio_simulate_uvh5(made, &opts), MSIO_OK);
    assert_int_equal(files_there(&before), 3);
    opts.progress = note;
    opts.user = &opts;
    opts.overwrite = 1;
    opts.polarizations = 4;
    last_done = last_total = 0;
    assert_int_equal(msio_simulate_uvh5(made, &opts), MSIO_E_CANCELLED);
    assert_int_equal(files_there(&after), 3);
    assert_int_equal(after, before);
}

/* ---------------------------------------------------------------- a disk that fills */

/* Takes what room is left when the work is half done. */
static int fill_disk(void *user, int64_t done, int64_t total) {
    static const char zeros[65536];
    int *filler = user;
    if (done < total / 2 || *filler >= 0) return 0;
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/filler", made);
    *filler = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    for (size_t piece = sizeof zeros; piece >= 512; piece /= 2)
        while (write(*filler, zeros, piece) > 0) {}
    return 0;
}

static void put_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    if (fd < 0) return;
    if (write(fd, text, strlen(text)) < 0) perror(path);
    close(fd);
}

/* Gives this process mounts of its own, and 8 MiB of disk at the folder: as root, or as root of a user namespace. */
static bool own_disk(void) {
    char users[64], groups[64];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)getuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getgid());
    if (mkdir(made, 0777) != 0) return false;
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
        put_text("/proc/self/uid_map", users);
        put_text("/proc/self/setgroups", "deny");
        put_text("/proc/self/gid_map", groups);
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("none", made, "tmpfs", 0, "size=8m") == 0;
}

/* In a process with a file system of its own. 0: as it must be; 77: no such file system can be had; else what is not.
 */
static int fill_own_disk(void) {
    int filler = -1, n = 0;
    int64_t bytes;
    msio_simulate_uvh5_opts opts = small();
    opts.antennas = 30;
    opts.progress = fill_disk;
    opts.user = &filler;
    if (!own_disk()) return 77;
    if (msio_simulate_uvh5(made, &opts) != MSIO_E_IO) {
        printf("not a refused write: %s\n", msio_last_error()->message);
        return 1;
    }
    if (filler < 0) return 2;
    if ((n = files_there(&bytes)) != 1) return 10 + n;
    return 0;
}

static void a_disk_that_fills_leaves_nothing(void **state) {
    (void)state;
#ifdef THREAD_SANITIZED
    printf("skipped: under ThreadSanitizer a process that had threads cannot start any after a fork\n");
    skip();
#endif
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) exit(fill_own_disk()); /* through the library's own work at exit */
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        printf("skipped: this user cannot have a file system of its own\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_disk_that_fills_leaves_nothing, remove_made),
        cmocka_unit_test(default_options_tell_dsa110_size),
        cmocka_unit_test_teardown(size_told_is_never_less_and_little_more, remove_made),
        cmocka_unit_test_teardown(names_are_those_of_the_files, remove_made),
        cmocka_unit_test_teardown(slashes_at_the_folders_end_change_nothing, remove_made),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(missing_subbands_must_be_subbands),
        cmocka_unit_test(sizes_beyond_counting_are_refused),
        cmocka_unit_test(no_path_is_refused),
        cmocka_unit_test(a_missing_folder_is_named),
        cmocka_unit_test_teardown(files_are_replaced_only_when_asked, remove_made),
        cmocka_unit_test_teardown(progress_reaches_the_total, remove_made),
        cmocka_unit_test_teardown(a_cancelled_one_leaves_nothing, remove_made),
        cmocka_unit_test_teardown(a_cancelled_one_leaves_what_stood_there, remove_made),
    };
    if (make_scratch("group") != 0) return 1;
    const msio_simulate_uvh5_opts opts = small();
    const bool missing = msio_simulate_uvh5(made, &opts) == MSIO_E_UNSUPPORTED;
    remove_made(NULL);
    if (!missing) return cmocka_run_group_tests(tests, NULL, remove_scratch);
    printf("skipped: %s\n", msio_last_error()->message);
    remove_scratch(NULL);
    return 77;
}
