/* test_uvh5.c - headers of UVH5 files that are kept: what asking again costs, and when they are read anew. */
#include "msio/cache.h"

#include "tests/cache/in_threads.h"
#include "tests/io/uvh5/uvh5_cases.h"

#include <dirent.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------- system calls, counted
 * The library is linked in statically: what it calls is what stands here. */

static atomic_int stats, opens;

int stat(const char *restrict path, struct stat *restrict st);
int stat(const char *restrict path, struct stat *restrict st) {
    atomic_fetch_add(&stats, 1);
    return fstatat(AT_FDCWD, path, st, 0);
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    atomic_fetch_add(&opens, 1);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* Descriptors of files in the test's folder that this process has open, the HDF5 library's too. */
static int open_here(void) {
    int n = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder));) {
        char target[PATH_MAX];
        ssize_t length = readlinkat(dirfd(folder), e->d_name, target, sizeof target - 1);
        if (length < 0) continue;
        target[length] = '\0';
        n += strncmp(target, cases_folder, strlen(cases_folder)) == 0;
    }
    closedir(folder);
    return n;
}

/* ---------------------------------------------------------------- files */

static char path[128];

/* The clock of the file system moves on, so that what was written lies behind. */
static void let_time_pass(void) { nanosleep(&(struct timespec){0, 60000000}, NULL); }

/* A file whose field holds something else, in place of the old one. */
static void make_file(const char *field, const char *value) {
    char arguments[512];
    snprintf(arguments, sizeof arguments, "--make %s %s '%s'", path, field, value);
    assert_int_equal(cases_python(arguments), 0);
}

static int start(void **state) {
    (void)state;
    if (!cases_begin()) return -1;
    snprintf(path, sizeof path, "%s/sound.uvh5", cases_folder);
    let_time_pass();
    return 0;
}

static int finish(void **state) {
    msio_cache_clear(NULL);
    return cases_remove(state);
}

static const msio_uvh5_header *get(msio_freshness freshness) {
    const msio_uvh5_header *header = NULL;
    if (msio_uvh5_header_get(path, freshness, &header) != MSIO_OK) fail_msg("%s", msio_last_error()->message);
    return header;
}

static msio_cache_stats counted(void) {
    msio_cache_stats now;
    msio_cache_describe(&now);
    return now;
}

/* ---------------------------------------------------------------- keeping */

static void a_second_question_opens_no_file(void **state) {
    (void)state;
    msio_cache_clear(NULL);
    const msio_uvh5_header *first = get(MSIO_PER_CALL);
    int64_t before = counted().hits;
    atomic_store(&opens, 0);
    atomic_store(&stats, 0);
    const msio_uvh5_header *second = get(MSIO_PER_CALL);
    assert_ptr_equal(first, second);
    assert_int_equal(atomic_load(&opens), 0);
    assert_int_equal(atomic_load(&stats), 1);
    assert_int_equal(counted().hits, before + 1);
    assert_true(first->latitude == 1.5);
    assert_string_equal(first->path, path);
    msio_uvh5_header_release(first);
    msio_uvh5_header_release(second);
}

static void an_unchecked_question_asks_the_system_nothing(void **state) {
    (void)state;
    msio_uvh5_header_release(get(MSIO_PER_CALL));
    atomic_store(&opens, 0);
    atomic_store(&stats, 0);
    msio_uvh5_header_release(get(MSIO_AS_OPENED));
    assert_int_equal(atomic_load(&opens), 0);
    assert_int_equal(atomic_load(&stats), 0);
}

static void the_file_does_not_stay_open(void **state) {
    (void)state;
    msio_cache_clear(NULL);
    const msio_uvh5_header *header = get(MSIO_PER_CALL);
    assert_int_equal(open_here(), 0);
    msio_uvh5_header_release(header);
    assert_int_equal(msio_uvh5_header_get("/no/such.uvh5", MSIO_PER_CALL, &header), MSIO_E_NOT_FOUND);
    assert_int_equal(open_here(), 0);
}

static void a_held_header_outlives_the_cache(void **state) {
    (void)state;
    const msio_uvh5_header *header = get(MSIO_PER_CALL);
    msio_cache_clear(path);
    const msio_uvh5_header *next = get(MSIO_PER_CALL);
    assert_ptr_not_equal(header, next);
    assert_string_equal(header->telescope_name, next->telescope_name);
    msio_uvh5_header_release(header);
    msio_uvh5_header_release(next);
    msio_uvh5_header_release(NULL);
}

/* ---------------------------------------------------------------- changes */

static void a_file_that_was_written_is_read_anew(void **state) {
    (void)state;
    const msio_uvh5_header *before = get(MSIO_PER_CALL);
    int64_t stale = counted().stale;
    make_file("latitude", "2.5");
    const msio_uvh5_header *after = get(MSIO_PER_CALL);
    assert_true(before->latitude == 1.5);
    assert_true(after->latitude == 2.5);
    assert_int_equal(counted().stale, stale + 1);
    msio_uvh5_header_release(before);
    msio_uvh5_header_release(after);
}

/* Writes within a tick of the clock leave the same times and sizes: right after a write nothing is trusted. */
static void a_file_that_was_just_written_is_not_trusted(void **state) {
    struct timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    (void)state;
    for (int tries = 0; tries < 50; tries++) {
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
        const msio_uvh5_header *first = get(MSIO_PER_CALL), *second = get(MSIO_PER_CALL);
        clock_gettime(CLOCK_MONOTONIC, &end);
        bool anew = first != second;
        msio_uvh5_header_release(first);
        msio_uvh5_header_release(second);
        int64_t ns = (int64_t)(end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec;
        if (ns > 10000000) continue; /* this machine was busy: another try */
        assert_true(anew);
        return;
    }
    print_message("no try was quick enough\n");
}

static void a_file_that_went_away_is_an_error(void **state) {
    char away[160];
    const msio_uvh5_header *header = get(MSIO_PER_CALL);
    (void)state;
    msio_uvh5_header_release(header);
    header = NULL;
    snprintf(away, sizeof away, "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(msio_uvh5_header_get(path, MSIO_PER_CALL, &header), MSIO_E_NOT_FOUND);
    assert_null(header);
    assert_int_equal(rename(away, path), 0);
    msio_uvh5_header_release(get(MSIO_PER_CALL));
}

static void a_wrong_file_is_not_kept(void **state) {
    const msio_uvh5_header *header = NULL;
    (void)state;
    make_file("altitude", "DROP");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(msio_uvh5_header_get(path, MSIO_PER_CALL, &header), MSIO_E_FORMAT);
        assert_non_null(strstr(msio_last_error()->message, "altitude"));
    }
    make_file("altitude", "1200.5");
    header = get(MSIO_PER_CALL);
    assert_true(header->altitude == 1200.5);
    msio_uvh5_header_release(header);
    assert_int_equal(msio_uvh5_header_get("", MSIO_PER_CALL, &header), MSIO_E_ARGUMENT);
    assert_int_equal(msio_uvh5_header_get(path, MSIO_PER_CALL, NULL), MSIO_E_ARGUMENT);
}

/* ---------------------------------------------------------------- threads */

static void *ask(void *unused) {
    (void)unused;
    for (int i = 0; i < 50; i++) {
        const msio_uvh5_header *h = NULL;
        if (i % 10 == 9) msio_cache_clear(path);
        if (msio_uvh5_header_get(path, MSIO_PER_CALL, &h) || h->nblts != 30) return "header";
        msio_uvh5_header_release(h);
    }
    return NULL;
}

static void threads_share_headers(void **state) {
    (void)state;
    ask_in_threads(ask);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_question_opens_no_file),
        cmocka_unit_test(an_unchecked_question_asks_the_system_nothing),
        cmocka_unit_test(the_file_does_not_stay_open),
        cmocka_unit_test(a_held_header_outlives_the_cache),
        cmocka_unit_test(a_file_that_was_written_is_read_anew),
        cmocka_unit_test(a_file_that_was_just_written_is_not_trusted),
        cmocka_unit_test(a_file_that_went_away_is_an_error),
        cmocka_unit_test(a_wrong_file_is_not_kept),
        cmocka_unit_test(threads_share_headers),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
