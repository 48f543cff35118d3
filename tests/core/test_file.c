/* test_file.c - files read whole, in part, and through a guarded mapping. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/file.h"

#include "guarded.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES ((int64_t)300000)

static char folder[] = "/tmp/msio-test-file-XXXXXX";
static char path[64], other[64];
static uint8_t *content;
static bool skipped;

static bool write_file(const char *name, int64_t length) {
    FILE *f = fopen(name, "wb");
    if (!f) return false;
    bool good = fwrite(content, 1, (size_t)length, f) == (size_t)length;
    return fclose(f) == 0 && good;
}

static int make_folder(void **state) {
    (void)state;
    uint64_t seed = 5;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/data", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    content = malloc(BYTES);
    if (!content) return -1;
    random_fill(&seed, content, BYTES);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    unlink(other);
    free(content);
    return rmdir(folder);
}

/* Every test finds the file whole. */
static int make_file(void **state) {
    (void)state;
    unlink(other);
    return write_file(path, BYTES) ? 0 : -1;
}

/* What is no file is told before it is opened; what waits at a FIFO's other end would else notice. */
static void only_regular_files_are_opened(void **state) {
    (void)state;
    int fd = -1;
    msio_stamp stamp;
    assert_int_equal(msio_file_descriptor(path, NULL, &fd, &stamp), MSIO_OK);
    assert_int_equal(stamp.size, BYTES);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    close(fd);
    fd = -1;
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_int_equal(msio_file_descriptor(other, NULL, &fd, NULL), MSIO_E_FORMAT);
    assert_non_null(strstr(msio_last_error()->message, "FIFO"));
    assert_string_equal(msio_last_error()->path, other);
    assert_int_equal(msio_file_regular(other), MSIO_E_FORMAT);
    assert_int_equal(msio_file_folder_regular(folder, "oth"), MSIO_E_FORMAT);
    assert_int_equal(msio_file_folder_regular(folder, "dat"), MSIO_OK);
    unlink(other);
    assert_int_equal(symlink("/dev/zero", other), 0);
    assert_int_equal(msio_file_descriptor(other, NULL, &fd, NULL), MSIO_E_FORMAT);
    assert_non_null(strstr(msio_last_error()->message, "device"));
    assert_int_equal(msio_file_folder_regular(folder, "oth"), MSIO_E_FORMAT);
    unlink(other);
    assert_int_equal(msio_file_descriptor(folder, NULL, &fd, NULL), MSIO_E_FORMAT);
    assert_non_null(strstr(msio_last_error()->message, "directory"));
    assert_int_equal(msio_file_descriptor(other, NULL, &fd, NULL), MSIO_E_NOT_FOUND);
    assert_int_equal(fd, -1);
}

static msio_file *opened(void) {
    msio_file *file = NULL;
    assert_int_equal(msio_file_open(path, &file), MSIO_OK);
    assert_non_null(file);
    return file;
}

/* ---------------------------------------------------------------- opening and stamps */

static void open_tells_path_and_size(void **state) {
    (void)state;
    msio_file *file = opened();
    assert_string_equal(file->path, path);
    assert_int_equal(file->stamp.size, BYTES);
    assert_int_equal(fcntl(msio_descriptor_number(file->descriptor), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    msio_file_close(file);
    msio_file_close(NULL);
}

static void open_of_nothing_is_not_found(void **state) {
    (void)state;
    msio_file *file = NULL;
    assert_int_equal(msio_file_open(other, &file), MSIO_E_NOT_FOUND);
    assert_null(file);
    assert_int_equal(msio_last_error()->sys_errno, ENOENT);
    assert_string_equal(msio_last_error()->path, other);
    char below[80];
    snprintf(below, sizeof below, "%s/x", path);
    assert_int_equal(msio_file_open(below, &file), MSIO_E_NOT_FOUND);
}

static void open_takes_regular_files_only(void **state) {
    (void)state;
    msio_file *file = NULL;
    assert_int_equal(msio_file_open(folder, &file), MSIO_E_FORMAT);
    assert_non_null(strstr(msio_last_error()->message, "directory"));
    assert_int_equal(mkfifo(other, 0600), 0);
    alarm(120); /* opening a pipe would wait for ever */
    assert_int_equal(msio_file_open(other, &file), MSIO_E_FORMAT);
    alarm(0);
    assert_null(file);
}

static void stamps_of_path_and_descriptor_agree(void **state) {
    (void)state;
    msio_stamp by_path, by_fd;
    msio_file *file = opened();
    assert_int_equal(msio_stamp_path(path, &by_path), MSIO_OK);
    assert_int_equal(msio_stamp_fd(msio_descriptor_number(file->descriptor), path, &by_fd), MSIO_OK);
    assert_true(msio_stamp_equal(&by_path, &by_fd));
    assert_true(msio_stamp_equal(&by_path, &file->stamp));
    msio_file_close(file);
    assert_int_equal(msio_stamp_path(other, &by_path), MSIO_E_NOT_FOUND);
    assert_int_equal(msio_stamp_fd(-1, path, &by_fd), MSIO_E_IO);
}

static void stamps_tell_each_change(void **state) {
    (void)state;
    msio_stamp before, after;
    assert_int_equal(msio_stamp_path(path, &before), MSIO_OK);
    struct timespec times[2] = {{1, 7}, {1, 8}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(msio_stamp_path(path, &after), MSIO_OK);
    assert_false(msio_stamp_equal(&before, &after));
    assert_int_equal(after.mtime_ns, 1000000008);
    before = after;
    assert_int_equal(truncate(path, BYTES - 1), 0);
    assert_int_equal(msio_stamp_path(path, &after), MSIO_OK);
    assert_false(msio_stamp_equal(&before, &after));
    assert_int_equal(after.size, BYTES - 1);
}

/* ---------------------------------------------------------------- reading */

static void read_gives_the_bytes_at_the_offset(void **state) {
    (void)state;
    msio_file *file = opened();
    uint8_t *buffer = malloc(BYTES);
    int64_t reads = 0;
    assert_int_equal(msio_file_read(file, buffer, BYTES, 0, &reads), MSIO_OK);
    assert_memory_equal(buffer, content, BYTES);
    assert_int_equal(reads, 1);
    assert_int_equal(msio_file_read(file, buffer, 5000, 12345, NULL), MSIO_OK);
    assert_memory_equal(buffer, content + 12345, 5000);
    assert_int_equal(msio_file_read(file, buffer, 1, BYTES - 1, &reads), MSIO_OK);
    assert_int_equal(buffer[0], content[BYTES - 1]);
    assert_int_equal(msio_file_read(file, NULL, 0, BYTES, &reads), MSIO_OK);
    assert_int_equal(reads, 2);
    free(buffer);
    msio_file_close(file);
}

static void read_beyond_the_end_names_both_sizes(void **state) {
    (void)state;
    msio_file *file = opened();
    uint8_t buffer[64];
    static const int64_t bad[][2] = {
        {64, BYTES - 63}, {1, BYTES}, {1, INT64_MAX}, {INT64_MAX, 1}, {1, -1}, {-1, 0}, {INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(msio_file_read(file, buffer, bad[i][0], bad[i][1], NULL), MSIO_E_FORMAT);
    msio_file_read(file, buffer, 64, BYTES - 63, NULL);
    assert_string_equal(msio_last_error()->message, "expected 64 bytes at offset 299937, found a file of 300000 bytes");
    assert_string_equal(msio_last_error()->path, path);
    msio_file_close(file);
}

static void read_of_a_truncated_file_is_an_error(void **state) {
    (void)state;
    msio_file *file = opened();
    uint8_t *buffer = malloc(BYTES);
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(msio_file_read(file, buffer, 2000, 0, NULL), MSIO_E_FORMAT);
    assert_non_null(strstr(msio_last_error()->message, "found a file of 1000 bytes"));
    free(buffer);
    msio_file_close(file);
}

static void read_of_a_closed_descriptor_keeps_errno(void **state) {
    (void)state;
    msio_file *file = opened();
    int number = msio_descriptor_number(file->descriptor), kept = dup(number);
    uint8_t byte;
    close(number);
    assert_int_equal(msio_file_read(file, &byte, 1, 0, NULL), MSIO_E_IO);
    assert_int_equal(msio_last_error()->sys_errno, EBADF);
    assert_int_equal(dup2(kept, number), number);
    close(kept);
    msio_file_close(file);
}

static void cached_reads_give_true_bytes_or_none(void **state) {
    (void)state;
    msio_file *file = opened();
    uint8_t *buffer = malloc(BYTES);
    bool supported = false;
    assert_int_equal(msio_file_read(file, buffer, BYTES, 0, NULL), MSIO_OK);
    memset(buffer, 0, BYTES);
    int64_t got = msio_file_read_cached(file, buffer, 50000, 777, &supported);
    assert_true(got >= 0 && got <= 50000);
    if (!supported) assert_int_equal(got, 0);
    assert_memory_equal(buffer, content + 777, (size_t)got);
    assert_true(msio_file_read_cached(file, buffer, 100, BYTES - 10, &supported) <= 10);
    assert_int_equal(msio_file_read_cached(file, buffer, 100, BYTES, &supported), 0);
    assert_int_equal(msio_file_read_cached(file, buffer, 100, -1, NULL), 0);
    free(buffer);
    msio_file_close(file);
}

static void prefetch_takes_any_range(void **state) {
    (void)state;
    msio_file *file = opened();
    uint8_t byte;
    msio_file_prefetch(file, 0, BYTES);
    msio_file_prefetch(file, -5, 10);
    msio_file_prefetch(file, BYTES, INT64_MAX);
    assert_int_equal(msio_file_read(file, &byte, 1, 9, NULL), MSIO_OK);
    assert_int_equal(byte, content[9]);
    msio_file_close(file);
}

static void slurp_gives_the_whole_file_and_its_stamp(void **state) {
    (void)state;
    char *bytes = NULL;
    int64_t length = 0;
    msio_stamp stamp, should;
    assert_int_equal(msio_stamp_path(path, &should), MSIO_OK);
    assert_int_equal(msio_file_slurp(path, NULL, BYTES, &bytes, &length, &stamp), MSIO_OK);
    assert_int_equal(length, BYTES);
    assert_memory_equal(bytes, content, BYTES);
    assert_int_equal(bytes[BYTES], 0);
    assert_true(msio_stamp_equal(&stamp, &should));
    free(bytes);
}

static void slurp_refuses_what_is_too_large_or_missing(void **state) {
    (void)state;
    char *bytes = NULL;
    int64_t length = -1;
    assert_int_equal(msio_file_slurp(path, NULL, BYTES - 1, &bytes, &length, NULL), MSIO_E_FORMAT);
    assert_non_null(strstr(msio_last_error()->message, "299999"));
    assert_int_equal(msio_file_slurp(other, NULL, BYTES, &bytes, &length, NULL), MSIO_E_NOT_FOUND);
    assert_int_equal(msio_file_slurp(folder, NULL, BYTES, &bytes, &length, NULL), MSIO_E_FORMAT);
    assert_null(bytes);
    assert_int_equal(length, -1);
}

static void slurp_takes_an_empty_file(void **state) {
    (void)state;
    char *bytes = NULL;
    int64_t length = -1;
    assert_true(write_file(other, 0));
    assert_int_equal(msio_file_slurp(other, NULL, 10, &bytes, &length, NULL), MSIO_OK);
    assert_int_equal(length, 0);
    assert_int_equal(bytes[0], 0);
    free(bytes);
}

/* ---------------------------------------------------------------- mapping */

/* NULL, and a word about it, where the folder's file system is not mapped. */
static const uint8_t *mapped(msio_file *file) {
    const uint8_t *map = msio_file_map(file);
    if (!map) {
        printf("skipped: files in %s are not mapped\n", folder);
        skipped = true;
    }
    return map;
}

#define NEEDS_MAP(file, map)                                                                                           \
    do {                                                                                                               \
        if (!(map)) {                                                                                                  \
            msio_file_close(file);                                                                                     \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

static void map_shows_the_file(void **state) {
    (void)state;
    msio_file *file = opened();
    assert_null(msio_file_mapped(file));
    const uint8_t *map = mapped(file);
    NEEDS_MAP(file, map);
    assert_ptr_equal(msio_file_mapped(file), map);
    assert_memory_equal(map, content, BYTES);
    assert_ptr_equal(msio_file_map(file), map);
    assert_false(msio_file_map_failed(file));
    double resident = msio_file_map_resident(file, 0, BYTES, 16);
    assert_true(resident >= 0.0 && resident <= 1.0);
    assert_true(msio_file_map_resident(file, BYTES, 1, 4) >= 1.0);
    assert_true(msio_file_map_resident(file, 0, BYTES, 0) >= 1.0);
    msio_file_close(file);
}

static void unmappable_files_have_no_map(void **state) {
    (void)state;
    msio_file *file = opened();
    file->mappable = false;
    assert_null(msio_file_map(file));
    assert_null(msio_file_map(file));
    assert_null(msio_file_mapped(file));
    assert_false(msio_file_map_failed(file));
    assert_true(msio_file_map_resident(file, 0, 100, 4) >= 1.0);
    msio_file_close(file);
    assert_true(write_file(other, 0));
    assert_int_equal(msio_file_open(other, &file), MSIO_OK);
    assert_null(msio_file_map(file));
    msio_file_close(file);
}

static void a_truncated_map_reads_as_zeros_and_says_so(void **state) {
    (void)state;
    msio_file *file = opened();
    const uint8_t *map = mapped(file);
    NEEDS_MAP(file, map);
    assert_int_equal(truncate(path, 100000), 0);
    uint8_t *copy = malloc(BYTES);
    memcpy(copy, map, BYTES);
    assert_true(msio_file_map_failed(file));
    assert_memory_equal(copy, content, 100000);
    for (int64_t i = 100000; i < BYTES; i++) assert_int_equal(copy[i], 0);
    free(copy);
    msio_file_close(file);
}

static void only_the_truncated_file_fails(void **state) {
    (void)state;
    assert_true(write_file(other, BYTES));
    msio_file *file = opened(), *second = NULL;
    assert_int_equal(msio_file_open(other, &second), MSIO_OK);
    const uint8_t *map = mapped(file), *map2 = msio_file_map(second);
    if (!map) msio_file_close(second);
    NEEDS_MAP(file, map);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(map[BYTES / 2], 0);
    assert_memory_equal(map2, content, BYTES);
    assert_true(msio_file_map_failed(file));
    assert_false(msio_file_map_failed(second));
    msio_file_close(file);
    msio_file_close(second);
}

static void a_new_map_begins_without_failure(void **state) {
    (void)state;
    msio_file *file = opened();
    const uint8_t *map = mapped(file);
    NEEDS_MAP(file, map);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(map[0], 0);
    assert_true(msio_file_map_failed(file));
    msio_file_close(file);
    assert_true(write_file(path, BYTES));
    file = opened();
    map = msio_file_map(file);
    assert_memory_equal(map, content, BYTES);
    assert_false(msio_file_map_failed(file));
    msio_file_close(file);
}

/* More than one chunk of the list that the handler reads. */
static void many_files_are_guarded(void **state) {
    (void)state;
    enum { MANY = 150 };
    msio_file *files[MANY];
    const uint8_t *maps[MANY];
    for (int i = 0; i < MANY; i++) {
        files[i] = opened();
        maps[i] = msio_file_map(files[i]);
    }
    bool there = mapped(files[0]) != NULL;
    if (there) {
        assert_int_equal(truncate(path, 0), 0);
        for (int i = MANY - 1; i >= 0; i -= 7) assert_int_equal(maps[i][BYTES - 1], 0);
        for (int i = 0; i < MANY; i++) assert_int_equal(msio_file_map_failed(files[i]), (MANY - 1 - i) % 7 == 0);
    }
    for (int i = 0; i < MANY; i++) msio_file_close(files[i]);
    if (!there) skip();
}

/* ---------------------------------------------------------------- threads */

static void *map_it(void *file) { return (void *)(uintptr_t)msio_file_map(file); }

static void threads_that_map_at_once_share_one_map(void **state) {
    (void)state;
    msio_file *file = opened();
    pthread_t threads[8];
    void *maps[8];
    for (int i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, map_it, file), 0);
    for (int i = 0; i < 8; i++) assert_int_equal(pthread_join(threads[i], &maps[i]), 0);
    for (int i = 1; i < 8; i++) assert_ptr_equal(maps[i], maps[0]);
    msio_file_close(file);
}

/* Opens, maps, reads and closes its own while others do the same. */
static void *map_and_close(void *unused) {
    (void)unused;
    for (int i = 0; i < 100; i++) {
        msio_file *file = NULL;
        if (msio_file_open(path, &file)) return &skipped;
        const uint8_t *map = msio_file_map(file);
        unsigned sum = 0;
        for (int64_t at = 0; map && at < file->stamp.size; at += 4096) sum += map[at];
        bool failed = msio_file_map_failed(file);
        msio_file_close(file);
        if (map && !failed && sum == 0) return &skipped;
    }
    return NULL;
}

static void maps_come_and_go_while_a_file_is_truncated(void **state) {
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, map_and_close, NULL), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(truncate(path, 5000), 0);
        assert_int_equal(truncate(path, BYTES), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

/* ---------------------------------------------------------------- signals that are not ours */

static volatile sig_atomic_t handled;
static sigjmp_buf back;

static void plain_handler(int number) {
    (void)number;
    handled = 1;
    siglongjmp(back, 1);
}

static void info_handler(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)context;
    handled = info->si_addr ? 2 : 3;
    siglongjmp(back, 1);
}

static void counting_handler(int number) {
    (void)number;
    handled++;
}

/* Runs the check in a child of fork. Returns its exit status, or 1000 + the signal that ended it. */
static int in_child(int (*check)(void)) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(120);
        _exit(check());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void set_handler(void (*plain)(int), void (*info)(int, siginfo_t *, void *)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    if (info) {
        action.sa_flags = SA_SIGINFO;
        action.sa_sigaction = info;
    } else {
        action.sa_handler = plain;
    }
    sigaction(SIGBUS, &action, NULL);
}

/* Maps a file with the guard, and a page of an empty one without it. Reading the page faults. */
static volatile const uint8_t *foreign_page(void) {
    msio_file *file = NULL;
    if (msio_file_open(path, &file) || !msio_file_map(file)) _exit(77);
    int fd = open(other, O_RDWR | O_CREAT | O_TRUNC, 0600);
    void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (fd < 0 || page == MAP_FAILED) _exit(3);
    return page;
}

static int fault_without_handler(void) {
    set_handler(SIG_DFL, NULL);
    return foreign_page()[0];
}

static int fault_with_ignore(void) {
    set_handler(SIG_IGN, NULL);
    return foreign_page()[0];
}

static int fault_with_plain_handler(void) {
    set_handler(plain_handler, NULL);
    volatile const uint8_t *page = foreign_page();
    if (!sigsetjmp(back, 1)) return page[0];
    return handled == 1 ? 40 : 41;
}

static int fault_with_info_handler(void) {
    set_handler(NULL, info_handler);
    volatile const uint8_t *page = foreign_page();
    if (!sigsetjmp(back, 1)) return page[0];
    return handled == 2 ? 40 : 41;
}

static int sent_without_handler(void) {
    set_handler(SIG_DFL, NULL);
    foreign_page();
    raise(SIGBUS);
    return 0;
}

static int sent_with_ignore(void) {
    set_handler(SIG_IGN, NULL);
    foreign_page();
    raise(SIGBUS);
    return 40;
}

static int sent_with_handler(void) {
    set_handler(counting_handler, NULL);
    foreign_page();
    raise(SIGBUS);
    kill(getpid(), SIGBUS);
    return handled == 2 ? 40 : 41;
}

static int own_fault_with_handler(void) {
    set_handler(counting_handler, NULL);
    msio_file *file = NULL;
    if (msio_file_open(path, &file) || !msio_file_map(file)) return 77;
    if (truncate(path, 0)) return 3;
    volatile const uint8_t *map = msio_file_map(file);
    return map[0] == 0 && msio_file_map_failed(file) && handled == 0 ? 40 : 41;
}

/* A handler that came after ours. The next mapping takes its place; it gets what is not ours all the same. */
static int fault_with_later_handler(void) {
    set_handler(SIG_DFL, NULL);
    volatile const uint8_t *page = foreign_page();
    set_handler(plain_handler, NULL);
    msio_file *file = NULL;
    if (msio_file_open(path, &file) || !msio_file_map(file)) return 3;
    if (!sigsetjmp(back, 1)) return page[0];
    if (handled != 1) return 41;
    /* Ours stepped aside for it, and is back when asked for the map again. */
    if (!msio_file_map(file) || truncate(path, 0)) return 42;
    volatile const uint8_t *map = msio_file_map(file);
    return map[0] == 0 && msio_file_map_failed(file) ? 40 : 43;
}

static struct sigaction before_chaining;

static void chaining_handler(int number, siginfo_t *info, void *context) {
    if (++handled > 5) _exit(44);
    before_chaining.sa_sigaction(number, info, context);
}

/* A handler that came after ours and calls ours. The first one of all still gets the signal, and nothing runs for ever.
 */
static int fault_with_chaining_handler(void) {
    set_handler(SIG_DFL, NULL);
    volatile const uint8_t *page = foreign_page();
    sigaction(SIGBUS, NULL, &before_chaining);
    set_handler(NULL, chaining_handler);
    msio_file *file = NULL;
    if (msio_file_open(path, &file) || !msio_file_map(file)) return 3;
    return page[0];
}

/* More handlers than the guard remembers: it does not map without being able to hand on. */
static int too_many_handlers(void) {
    msio_file *file = NULL;
    if (msio_file_open(path, &file) || !msio_file_map(file)) return 77;
    for (uintptr_t i = 0; i < 100; i++) {
        union {
            uintptr_t number;
            void (*handler)(int);
        } fake = {4096 + i};
        set_handler(fake.handler, NULL);
        if (!msio_file_map(file)) return 40;
    }
    return 41;
}

/* state: the check, and what it must end with. */
typedef struct signal_case {
    int (*check)(void);
    int outcome;
} signal_case;

static void signal_reaches_who_it_is_for(void **state) {
    const signal_case *c = *state;
    int outcome = in_child(c->check);
    if (outcome == 77) {
        printf("skipped: files in %s are not mapped\n", folder);
        skipped = true;
        skip();
    }
    assert_int_equal(outcome, c->outcome);
}

static signal_case cases[] = {
    {fault_without_handler, 1000 + SIGBUS},
    {fault_with_ignore, 1000 + SIGBUS},
    {fault_with_plain_handler, 40},
    {fault_with_info_handler, 40},
    {sent_without_handler, 1000 + SIGBUS},
    {sent_with_ignore, 40},
    {sent_with_handler, 40},
    {own_fault_with_handler, 40},
    {fault_with_later_handler, 40},
    {fault_with_chaining_handler, 1000 + SIGBUS},
    {too_many_handlers, 40},
};

#define TEST(name) cmocka_unit_test_setup(name, make_file)
#define SIGNAL_TEST(name, index)                                                                                       \
    { name, signal_reaches_who_it_is_for, make_file, NULL, &cases[index] }

int main(void) {
    const struct CMUnitTest tests[] = {
        /* First: their children must not inherit the guard, to see it come. */
        SIGNAL_TEST("a foreign fault ends the process", 0),
        SIGNAL_TEST("a foreign fault that is ignored ends the process", 1),
        SIGNAL_TEST("a foreign fault reaches a plain handler", 2),
        SIGNAL_TEST("a foreign fault reaches a handler with its address", 3),
        SIGNAL_TEST("a signal that was sent ends the process", 4),
        SIGNAL_TEST("a signal that was sent is ignored", 5),
        SIGNAL_TEST("a signal that was sent reaches the handler", 6),
        SIGNAL_TEST("a fault of ours reaches nobody else", 7),
        SIGNAL_TEST("a foreign fault reaches a later handler", 8),
        SIGNAL_TEST("handlers that call each other come to an end", 9),
        SIGNAL_TEST("a guard that cannot hand on does not map", 10),
        TEST(only_regular_files_are_opened),
        TEST(open_tells_path_and_size),
        TEST(open_of_nothing_is_not_found),
        TEST(open_takes_regular_files_only),
        TEST(stamps_of_path_and_descriptor_agree),
        TEST(stamps_tell_each_change),
        TEST(read_gives_the_bytes_at_the_offset),
        TEST(read_beyond_the_end_names_both_sizes),
        TEST(read_of_a_truncated_file_is_an_error),
        TEST(read_of_a_closed_descriptor_keeps_errno),
        TEST(cached_reads_give_true_bytes_or_none),
        TEST(prefetch_takes_any_range),
        TEST(slurp_gives_the_whole_file_and_its_stamp),
        TEST(slurp_refuses_what_is_too_large_or_missing),
        TEST(slurp_takes_an_empty_file),
        TEST(map_shows_the_file),
        TEST(unmappable_files_have_no_map),
        TEST(a_truncated_map_reads_as_zeros_and_says_so),
        TEST(only_the_truncated_file_fails),
        TEST(a_new_map_begins_without_failure),
        TEST(many_files_are_guarded),
        TEST(threads_that_map_at_once_share_one_map),
        TEST(maps_come_and_go_while_a_file_is_truncated),
    };
    int failed = cmocka_run_group_tests(tests, make_folder, remove_folder);
    return failed ? failed : skipped ? 77 : 0;
}
