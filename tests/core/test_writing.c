/* test_writing.c - bytes written whole; sizes that the process may not reach; signals that stay as they were. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/writing.h"

#include "msio/core.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES 300000
#define LIMIT 100000

static char path[] = "/tmp/msio-test-writing-XXXXXX";
static uint8_t bytes[BYTES];
static volatile sig_atomic_t called;

static void count(int number) {
    (void)number;
    called++;
}

static int open_file(void **state) {
    (void)state;
    for (int i = 0; i < BYTES; i++) bytes[i] = (uint8_t)(i * 7 + i / 256);
    strcpy(path, "/tmp/msio-test-writing-XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0) return -1;
    *(intptr_t *)state = fd;
    called = 0;
    return 0;
}

static int close_file(void **state) {
    close((int)*(intptr_t *)state);
    return unlink(path);
}

static void limit_size(rlim_t most) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = most == RLIM_INFINITY ? limit.rlim_max : most;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static off_t size_of(int fd) {
    struct stat s;
    assert_int_equal(fstat(fd, &s), 0);
    return s.st_size;
}

static void all_bytes_arrive(void **state) {
    const int fd = (int)*(intptr_t *)state;
    uint8_t *back = malloc(BYTES);
    assert_non_null(back);
    assert_int_equal(msio_write_all(fd, path, bytes, BYTES / 2), MSIO_OK);
    assert_int_equal(msio_write_all(fd, path, bytes + BYTES / 2, BYTES / 2), MSIO_OK);
    assert_int_equal(pread(fd, back, BYTES, 0), BYTES);
    assert_memory_equal(back, bytes, BYTES);
    assert_int_equal(msio_write_at(fd, path, bytes, 100, 5000), MSIO_OK);
    assert_int_equal(pread(fd, back, BYTES, 0), BYTES);
    assert_memory_equal(back + 5000, bytes, 100);
    assert_memory_equal(back + 5100, bytes + 5100, BYTES - 5100);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), BYTES);
    free(back);
}

static void *take_slowly(void *argument) {
    const int fd = *(int *)argument;
    uint8_t part[700];
    int64_t total = 0;
    for (ssize_t got; (got = read(fd, part, sizeof part)) > 0;)
        for (ssize_t i = 0; i < got; i++, total++)
            if (part[i] != bytes[total]) return NULL;
    return total == BYTES ? argument : NULL;
}

/* A pipe whose writer does not wait takes a part; one whose writer is met by signals too. */
static void short_writes_are_continued(void **state) {
    int ends[2];
    pthread_t reader;
    void *good = NULL;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pthread_create(&reader, NULL, take_slowly, &ends[0]), 0);
    assert_int_equal(msio_write_all(ends[1], "a pipe", bytes, BYTES), MSIO_OK);
    close(ends[1]);
    pthread_join(reader, &good);
    close(ends[0]);
    assert_non_null(good);
}

/* By the process's own handler, by none, and where the signal is ignored: the same error, and nothing else. */
static void too_large_is_an_error(void **state) {
    const int fd = (int)*(intptr_t *)state;
    void (*const handlers[])(int) = {count, SIG_DFL, SIG_IGN};
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        struct sigaction action = {.sa_handler = handlers[i]}, there;
        sigset_t mask;
        assert_int_equal(ftruncate(fd, 0), 0);
        lseek(fd, 0, SEEK_SET);
        assert_int_equal(sigaction(SIGXFSZ, &action, NULL), 0);
        limit_size(LIMIT);
        msio_status status = msio_write_all(fd, path, bytes, BYTES);
        limit_size(RLIM_INFINITY);
        assert_int_equal(status, MSIO_E_IO);
        assert_int_equal(msio_last_error()->sys_errno, EFBIG);
        assert_string_equal(msio_last_error()->path, path);
        assert_non_null(strstr(msio_last_error()->message, "100000 bytes (ulimit -f)"));
        assert_int_equal(size_of(fd), LIMIT);
        assert_int_equal(called, 0);
        assert_int_equal(sigaction(SIGXFSZ, NULL, &there), 0);
        assert_true(there.sa_handler == handlers[i]);
        assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &mask), 0);
        assert_int_equal(sigismember(&mask, SIGXFSZ), 0);
        assert_int_equal(sigpending(&mask), 0);
        assert_int_equal(sigismember(&mask, SIGXFSZ), 0);
    }
    signal(SIGXFSZ, SIG_DFL);
}

/* A signal that waited before belongs to the caller, and comes when he lets it. */
static void callers_own_signal_stays(void **state) {
    const int fd = (int)*(intptr_t *)state;
    sigset_t xfsz, mask;
    signal(SIGXFSZ, count);
    sigemptyset(&xfsz);
    sigaddset(&xfsz, SIGXFSZ);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &xfsz, NULL), 0);
    raise(SIGXFSZ);
    limit_size(LIMIT);
    msio_status status = msio_write_all(fd, path, bytes, BYTES);
    limit_size(RLIM_INFINITY);
    assert_int_equal(status, MSIO_E_IO);
    assert_int_equal(called, 0);
    sigpending(&mask);
    assert_int_equal(sigismember(&mask, SIGXFSZ), 1);
    pthread_sigmask(SIG_UNBLOCK, &xfsz, NULL);
    assert_int_equal(called, 1);
    signal(SIGXFSZ, SIG_DFL);
}

static void nested_guards(void **state) {
    const int fd = (int)*(intptr_t *)state;
    msio_writing outer;
    sigset_t mask;
    signal(SIGXFSZ, count);
    msio_writing_begin(&outer);
    limit_size(LIMIT);
    assert_int_equal(msio_write_all(fd, path, bytes, BYTES), MSIO_E_IO);
    errno = 0;
    assert_int_equal(write(fd, bytes, 10), -1);
    assert_int_equal(errno, EFBIG);
    limit_size(RLIM_INFINITY);
    msio_writing_end(&outer);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(called, 0);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGXFSZ), 0);
    signal(SIGXFSZ, SIG_DFL);
}

static void full_device_is_told(void **state) {
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0) skip();
    assert_int_equal(msio_write_all(fd, "/dev/full", bytes, 10), MSIO_E_IO);
    assert_int_equal(msio_last_error()->sys_errno, ENOSPC);
    close(fd);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_file, close_file)
    const struct CMUnitTest tests[] = {
        TEST(all_bytes_arrive),      TEST(short_writes_are_continued),
        TEST(too_large_is_an_error), TEST(callers_own_signal_stays),
        TEST(nested_guards),         TEST(full_device_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
