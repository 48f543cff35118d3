/* test_descriptors.c - descriptors that kept answers hold: how many, what happens when they run out, and that an answer
 * whose descriptors were given back is as good as before. Counted in /proc/self/fd. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/descriptors.h"
#include "core/file.h"
#include "msio/cache.h"

#include "tests/io/simulate/simulated.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define MOST 300

static char folder[64], first[80];
static struct { char at[96]; } ms[MOST];
static int made;
static struct rlimit usual;

/* ---------------------------------------------------------------- many Measurement Sets */

/* `cp -r`, of the first one. */
static void make_up_to(int n) {
    for (; made < n; made++) {
        char command[2400];
        snprintf(ms[made].at, sizeof ms[made].at, "%s/%d.ms", folder, made);
        snprintf(command, sizeof command, "cp -r '%s' '%s'", first, ms[made].at);
        assert_int_equal(system(command), 0);
    }
}

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = simulated_shape(4, 3, 2, 4);
    if (getrlimit(RLIMIT_NOFILE, &usual)) return -1;
    return simulate_or_skip(&opts, folder, "first.ms", first, sizeof first) ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    msio_cache_clear(NULL);
    pack_remove(folder);
    return 0;
}

static int set_limit(rlim_t descriptors) {
    struct rlimit now = usual;
    now.rlim_cur = descriptors;
    return setrlimit(RLIMIT_NOFILE, &now);
}

static int as_usual(void **state) {
    (void)state;
    msio_cache_clear(NULL);
    return setrlimit(RLIMIT_NOFILE, &usual);
}

static int open_now(void) {
    DIR *all = opendir("/proc/self/fd");
    int n = -3; /* ".", "..", and the folder's own */
    assert_non_null(all);
    while (readdir(all)) n++;
    closedir(all);
    return n;
}

static int64_t ask_rows(const char *path) {
    const msio_metadata *m = NULL;
    if (msio_metadata_get(path, MSIO_PER_CALL, &m)) {
        print_message("%s: %s\n", path, msio_last_error()->message);
        return -1;
    }
    /* five antennas in the subtable, four of which observe */
    int64_t rows = m->antennas == 5 && m->spectral_windows == 2 && m->times == 3 ? m->rows : -2;
    msio_metadata_release(m);
    return rows;
}

static int64_t count_flags(const char *path) {
    const msio_flags *flags = NULL;
    if (msio_flags_count(path, 0, NULL, &flags)) return -1;
    int64_t total = flags->total;
    msio_flags_release(flags);
    return total;
}

static msio_cache_stats stats(void) {
    msio_cache_stats s;
    msio_cache_describe(&s);
    return s;
}

static double milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* ---------------------------------------------------------------- how many */

static void stays_below_a_quarter(rlim_t limit) {
    assert_int_equal(set_limit(limit), 0);
    int before = open_now(), quarter = (int)limit / 4;
    assert_int_equal(msio_descriptors_limit(), quarter);
    for (int i = 0; i < MOST; i++) {
        make_up_to(i + 1);
        assert_int_equal(ask_rows(ms[i].at), 60);
        assert_true(open_now() - before <= quarter);
        assert_true(msio_descriptors_kept() <= quarter);
        if (i == 0 || i == 9 || i == 99 || i == 299)
            print_message("limit %d: %d descriptors after %d Measurement Sets\n", (int)limit, open_now() - before,
                          i + 1);
    }
    msio_cache_stats then = stats();
    for (int i = 0; i < MOST; i++) assert_int_equal(ask_rows(ms[i].at), 60);
    assert_int_equal(stats().hits - then.hits, MOST); /* not one was made anew */
    assert_int_equal(stats().stale, then.stale);
    assert_true(open_now() - before <= quarter);
}

static void answers_keep_a_quarter_of_256(void **state) {
    (void)state;
    stays_below_a_quarter(256);
}

static void answers_keep_a_quarter_of_1024(void **state) {
    (void)state;
    stays_below_a_quarter(1024);
}

static void counts_of_flags_keep_within_it_too(void **state) {
    (void)state;
    make_up_to(100);
    assert_int_equal(set_limit(128), 0);
    int before = open_now();
    int64_t total = count_flags(ms[0].at);
    assert_true(total > 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(count_flags(ms[i].at), total);
        assert_true(open_now() - before <= 32);
    }
    for (int i = 0; i < 100; i++) assert_int_equal(count_flags(ms[i].at), total);
}

static void open_tables_keep_within_it_too(void **state) {
    (void)state;
    msio_table *table[100];
    const msio_column *column[100];
    float data[2 * 60 * 4 * 4];
    make_up_to(100);
    assert_int_equal(set_limit(128), 0);
    int before = open_now();
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 100; i++) {
            if (round == 0) {
                assert_int_equal(msio_table_open(ms[i].at, NULL, &table[i]), MSIO_OK);
                assert_int_equal(msio_table_column(table[i], "DATA", &column[i]), MSIO_OK);
            }
            assert_int_equal(msio_read(column[i], NULL, data, sizeof data, NULL), MSIO_OK);
            assert_true(open_now() - before <= 32);
        }
    for (int i = 0; i < 100; i++) assert_int_equal(msio_table_close(table[i]), MSIO_OK);
}

/* A lock that is held is in use: more of them than the quarter stay open, and locked. */
static void held_tables_keep_theirs(void **state) {
    (void)state;
    make_up_to(60);
    assert_int_equal(set_limit(128), 0);
    msio_table *table[60];
    for (int i = 0; i < 60; i++) {
        assert_int_equal(msio_table_open(ms[i].at, NULL, &table[i]), MSIO_OK);
        assert_int_equal(msio_table_hold(table[i]), MSIO_OK);
    }
    for (int i = 0; i < 60; i++) {
        char name[256];
        snprintf(name, sizeof name, "%.95s/table.lock", ms[i].at);
        int fd = open(name, O_RDWR | O_CLOEXEC);
        struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_OFD_SETLK, &range), -1);
        assert_true(errno == EAGAIN || errno == EACCES);
        close(fd);
        assert_int_equal(msio_table_close(table[i]), MSIO_OK);
    }
    make_up_to(61);
    assert_int_equal(ask_rows(ms[60].at), 60);
    assert_true(msio_descriptors_kept() <= 32);
}

/* ---------------------------------------------------------------- none left */

static void running_out_is_met_by_giving_back(void **state) {
    (void)state;
    int taken[4096], n = 0;
    make_up_to(12);
    for (int i = 0; i < 10; i++) assert_int_equal(ask_rows(ms[i].at), 60);
    assert_int_equal(set_limit(1024), 0);
    while ((taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) n++;
    assert_int_equal(errno, EMFILE);
    int kept = msio_descriptors_kept();
    assert_int_equal(ask_rows(ms[10].at), 60); /* made */
    assert_int_equal(ask_rows(ms[0].at), 60);  /* kept */
    assert_true(count_flags(ms[11].at) > 0);
    assert_true(kept > 16 && msio_descriptors_kept() <= kept);
    for (int i = 0; i < n; i++) close(taken[i]);
    for (int i = 0; i < 12; i++) assert_int_equal(ask_rows(ms[i].at), 60);
}

/* Where nobody can give any back it is an error that says so; afterwards all is as before. */
static void none_at_all_is_an_error(void **state) {
    (void)state;
    int taken[4096], n = 0;
    const msio_metadata *m = NULL;
    const msio_flags *flags = NULL;
    make_up_to(3);
    assert_int_equal(ask_rows(ms[0].at), 60);
    assert_int_equal(set_limit(1024), 0);
    do {
        while ((taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) n++;
    } while (msio_descriptors_relieve());
    assert_int_equal(msio_descriptors_kept(), 0);
    assert_int_equal(msio_metadata_get(ms[1].at, MSIO_PER_CALL, &m), MSIO_E_IO);
    assert_non_null(strstr(msio_last_error()->message, strerror(EMFILE)));
    assert_int_equal(msio_flags_count(ms[2].at, 0, NULL, &flags), MSIO_E_IO);
    for (int i = 0; i < n; i++) close(taken[i]);
    for (int i = 0; i < 3; i++) assert_int_equal(ask_rows(ms[i].at), 60);
    assert_true(count_flags(ms[2].at) > 0);
}

/* An open table whose descriptors were given back, and that cannot have them again, fails; later it goes on. */
static void an_open_table_goes_on_afterwards(void **state) {
    (void)state;
    int taken[4096], n = 0;
    msio_table *table;
    const msio_column *column;
    int32_t scans[60];
    make_up_to(1);
    assert_int_equal(msio_table_open(ms[0].at, NULL, &table), MSIO_OK);
    assert_int_equal(msio_table_column(table, "SCAN_NUMBER", &column), MSIO_OK);
    assert_int_equal(set_limit(256), 0);
    do {
        while ((taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) n++;
    } while (msio_descriptors_relieve());
    assert_int_equal(msio_read(column, NULL, scans, sizeof scans, NULL), MSIO_E_IO);
    for (int i = 0; i < n; i++) close(taken[i]);
    assert_int_equal(msio_read(column, NULL, scans, sizeof scans, NULL), MSIO_OK);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

/* ---------------------------------------------------------------- changes meanwhile */

static void give_all_back(void) {
    int taken[4096], n = 0;
    assert_int_equal(set_limit(1024), 0);
    do {
        while ((taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) n++;
    } while (msio_descriptors_relieve());
    for (int i = 0; i < n; i++) close(taken[i]);
}

static void a_change_meanwhile_is_seen(void **state) {
    (void)state;
    char from[256], to[256], command[2400];
    make_up_to(4);
    for (int i = 0; i < 4; i++) assert_int_equal(ask_rows(ms[i].at), 60);
    give_all_back();
    assert_int_equal(msio_descriptors_kept(), 0);
    int64_t stale = stats().stale;
    snprintf(to, sizeof to, "%.95s/ANTENNA/table.f0", ms[0].at); /* the same bytes, written again */
    snprintf(command, sizeof command, "cp '%s' '%s.new' && mv '%s.new' '%s'", to, to, to, to);
    assert_int_equal(system(command), 0);
    snprintf(to, sizeof to, "%.95s/FIELD/table.lock", ms[1].at);
    snprintf(command, sizeof command, "cp '%s' '%s.new' && mv '%s.new' '%s' && printf x >>'%s'", to, to, to, to, to);
    assert_int_equal(system(command), 0);
    snprintf(from, sizeof from, "%.95s/STATE", ms[2].at);
    snprintf(to, sizeof to, "%.95s/away", ms[2].at);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(ask_rows(ms[3].at), 60);
    assert_int_equal(stats().stale, stale);
    assert_int_equal(ask_rows(ms[0].at), 60);
    assert_int_equal(stats().stale, stale + 1);
    assert_int_equal(ask_rows(ms[1].at), 60); /* another lock file, with the same record: nothing changed */
    assert_int_equal(ask_rows(ms[2].at), 60);
    assert_int_equal(stats().stale, stale + 2);
    assert_int_equal(rename(to, from), 0);
}

/* A file that was replaced while its descriptor was given back is not read as if it were the old one. */
static void a_replaced_file_is_not_read(void **state) {
    (void)state;
    char name[256], other[256];
    uint8_t byte;
    msio_file *file;
    snprintf(name, sizeof name, "%s/file", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    FILE *f = fopen(name, "w");
    assert_true(f && fputs("12345678", f) >= 0 && fclose(f) == 0);
    assert_int_equal(msio_file_open(name, &file), MSIO_OK);
    give_all_back();
    assert_int_equal(msio_descriptor_number(file->descriptor), -1);
    assert_int_equal(msio_file_read(file, &byte, 1, 3, NULL), MSIO_OK);
    assert_int_equal(byte, '4');
    assert_true(msio_descriptor_number(file->descriptor) >= 0);
    f = fopen(other, "w");
    assert_true(f && fputs("87654321", f) >= 0 && fclose(f) == 0);
    give_all_back();
    assert_int_equal(rename(other, name), 0);
    assert_int_equal(msio_file_read(file, &byte, 1, 3, NULL), MSIO_E_CHANGED);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(msio_file_read(file, &byte, 1, 3, NULL), MSIO_E_CHANGED);
    assert_non_null(strstr(msio_last_error()->message, "removed"));
    assert_null(msio_file_map(file));
    msio_file_close(file);
}

/* A relative path means the folder that was the working one when the file was opened. */
static void the_working_folder_may_change(void **state) {
    (void)state;
    char name[256], *before = getcwd(NULL, 0);
    uint8_t byte = 0;
    msio_file *file;
    snprintf(name, sizeof name, "%s/here", folder);
    FILE *f = fopen(name, "w");
    assert_true(f && fputs("x", f) >= 0 && fclose(f) == 0);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(msio_file_open("here", &file), MSIO_OK);
    assert_int_equal(chdir("/"), 0);
    give_all_back();
    assert_int_equal(msio_file_read(file, &byte, 1, 0, NULL), MSIO_OK);
    assert_int_equal(byte, 'x');
    assert_string_equal(file->path, "here");
    msio_file_close(file);
    assert_int_equal(chdir(before), 0);
    free(before);
}

/* An open table reads what a writer put meanwhile, as it would have with its descriptors. */
static void an_open_table_sees_a_change_meanwhile(void **state) {
    (void)state;
    char command[2400];
    msio_table *table;
    const msio_column *column;
    double times[60];
    make_up_to(1);
    assert_int_equal(msio_table_open(ms[0].at, NULL, &table), MSIO_OK);
    assert_int_equal(msio_table_column(table, "TIME", &column), MSIO_OK);
    assert_int_equal(msio_read(column, NULL, times, sizeof times, NULL), MSIO_OK);
    give_all_back();
    snprintf(command, sizeof command, "for f in '%s'/table.f*; do cp \"$f\" \"$f.new\" && mv \"$f.new\" \"$f\"; done",
             ms[0].at);
    assert_int_equal(system(command), 0);
    assert_int_equal(msio_read(column, NULL, times, sizeof times, NULL), MSIO_OK);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

/* ---------------------------------------------------------------- locks of this process */

/* docs/consistency.md: closing any descriptor of a file would drop the POSIX locks that this process holds on it. */
static void locks_of_this_process_are_left_alone(void **state) {
    (void)state;
    enum { LOCKED = 4 };
    int mine[LOCKED];
    make_up_to(40);
    for (int i = 0; i < LOCKED; i++) {
        char name[256];
        assert_int_equal(ask_rows(ms[i].at), 60);
        snprintf(name, sizeof name, "%.95s/table.lock", ms[i].at);
        mine[i] = open(name, O_RDWR | O_CLOEXEC);
        struct flock range = {.l_type = i % 2 ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
        assert_int_equal(fcntl(mine[i], F_SETLK, &range), 0);
    }
    give_all_back();
    assert_int_equal(msio_descriptors_kept(), LOCKED);
    assert_int_equal(set_limit(128), 0);
    for (int i = LOCKED; i < 40; i++) assert_int_equal(ask_rows(ms[i].at), 60);
    for (int i = 0; i < LOCKED; i++) {
        struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
        char name[256];
        snprintf(name, sizeof name, "%.95s/table.lock", ms[i].at);
        /* Seen from a description of its own, as another process would. It is not closed before the lock is given up.
         */
        int other = open(name, O_RDWR | O_CLOEXEC);
        assert_int_equal(fcntl(other, F_OFD_GETLK, &range), 0);
        assert_int_equal(range.l_type, i % 2 ? F_WRLCK : F_RDLCK);
        close(mine[i]);
        close(other);
    }
    give_all_back();
    assert_int_equal(msio_descriptors_kept(), 0);
}

static void lock_or_exit(const char *name) {
    struct flock range = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1};
    if (fcntl(open(name, O_RDWR | O_CLOEXEC), F_SETLK, &range)) _exit(1);
}

/* casacore locks byte 1 of each table that is open. Such a lock, of another process, hides our own from a look. */
static pid_t open_elsewhere(int sets) {
    static const char *const tables[] = {
        "",       "/ANTENNA",     "/SPECTRAL_WINDOW", "/POLARIZATION", "/DATA_DESCRIPTION",
        "/FIELD", "/OBSERVATION", "/SOURCE",          "/STATE"};
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < sets; i++)
            for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
                char name[256];
                snprintf(name, sizeof name, "%.95s%s/table.lock", ms[i].at, tables[k]);
                if (access(name, F_OK) == 0) lock_or_exit(name);
            }
        if (write(ready[1], "x", 1) != 1) _exit(1);
        pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void locks_elsewhere_hide_nothing(void **state) {
    (void)state;
    char name[256];
    make_up_to(12);
    pid_t pid = open_elsewhere(12);
    assert_int_equal(set_limit(128), 0);
    snprintf(name, sizeof name, "%.95s/table.lock", ms[0].at);
    int mine = open(name, O_RDWR | O_CLOEXEC);
    struct flock range = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    assert_int_equal(fcntl(mine, F_SETLK, &range), 0);
    double least = 1e9, most = 0;
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 12; i++) {
            double began = milliseconds();
            assert_int_equal(ask_rows(ms[i].at), 60);
            double took = milliseconds() - began;
            if (round && took < least) least = took;
            if (round && took > most) most = took;
            assert_true(msio_descriptors_kept() <= 32);
        }
    print_message("a question whose tables another process has open: %.3f to %.3f ms\n", least, most);
    int other = open(name, O_RDWR | O_CLOEXEC);
    range = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    assert_int_equal(fcntl(other, F_OFD_GETLK, &range), 0);
    assert_int_equal(range.l_type, F_RDLCK);
    assert_int_equal(range.l_pid, getpid());
    close(mine);
    close(other);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---------------------------------------------------------------- children of fork */

/* A child opens lock files of its own; the inherited descriptors go. */
static void a_child_keeps_within_it_too(void **state) {
    (void)state;
    make_up_to(40);
    assert_int_equal(set_limit(256), 0);
    int before = open_now(), status = -1;
    for (int i = 0; i < 40; i++) assert_int_equal(ask_rows(ms[i].at), 60);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        bool good = true;
        for (int i = 0; i < 40; i++) good = good && ask_rows(ms[39 - i].at) == 60;
        _exit(!good ? 1 : open_now() - before > 64 ? 2 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (int i = 0; i < 40; i++) assert_int_equal(ask_rows(ms[i].at), 60);
}

/* ---------------------------------------------------------------- threads */

static atomic_int wrong;

static void *ask_many(void *user) {
    unsigned seed = (unsigned)(uintptr_t)user;
    for (int i = 0; i < 150; i++) {
        const char *one = ms[rand_r(&seed) % 24].at;
        int what = i % 5;
        if (what == 4 ? count_flags(one) <= 0 : ask_rows(one) != 60) atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void threads_ask_for_many_at_once(void **state) {
    (void)state;
    pthread_t thread[4];
    make_up_to(24);
    assert_int_equal(set_limit(128), 0);
    atomic_store(&wrong, 0);
    for (uintptr_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, ask_many, (void *)i), 0);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(ask_rows(ms[0].at), 60);
    assert_true(msio_descriptors_kept() <= 32);
}

/* One thread reads a file all the time while others have its descriptor given back. */
static msio_file *shared_file;

static void *read_on(void *user) {
    (void)user;
    for (int i = 0; i < 20000; i++) {
        uint8_t byte = 0;
        if (msio_file_read(shared_file, &byte, 1, i % 8, NULL) || byte != '1' + i % 8) atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void a_file_in_use_is_not_closed(void **state) {
    (void)state;
    pthread_t thread[3];
    char name[256];
    snprintf(name, sizeof name, "%s/shared", folder);
    FILE *f = fopen(name, "w");
    assert_true(f && fputs("12345678", f) >= 0 && fclose(f) == 0);
    assert_int_equal(set_limit(32), 0); /* a quarter: eight */
    atomic_store(&wrong, 0);
    assert_int_equal(msio_file_open(name, &shared_file), MSIO_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&thread[i], NULL, read_on, NULL), 0);
    for (int i = 0; i < 500; i++) {
        msio_file *more[9];
        for (int k = 0; k < 9; k++) assert_int_equal(msio_file_open(name, &more[k]), MSIO_OK);
        for (int k = 0; k < 9; k++) msio_file_close(more[k]);
    }
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    msio_file_close(shared_file);
}

/* ---------------------------------------------------------------- what it costs (printed, not judged) */

static void what_a_question_costs_is_printed(void **state) {
    (void)state;
    enum { TIMES = 100 };
    double least[3] = {1e9, 1e9, 1e9};
    make_up_to(2);
    assert_int_equal(ask_rows(ms[0].at), 60);
    for (int i = 0; i < TIMES; i++) {
        give_all_back();
        assert_int_equal(msio_descriptors_kept(), 0);
        double t[4];
        t[0] = milliseconds();
        assert_int_equal(ask_rows(ms[0].at), 60); /* all its locks opened again */
        t[1] = milliseconds();
        assert_int_equal(ask_rows(ms[0].at), 60);
        t[2] = milliseconds();
        msio_cache_clear(NULL);
        assert_int_equal(ask_rows(ms[0].at), 60);
        t[3] = milliseconds();
        for (int k = 0; k < 3; k++) least[k] = t[k + 1] - t[k] < least[k] ? t[k + 1] - t[k] : least[k];
    }
    print_message("a question: %.3f ms with descriptors opened again, %.3f ms with them open, %.3f ms made anew\n",
                  least[0], least[1], least[2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_a_question_costs_is_printed, as_usual),
        cmocka_unit_test_teardown(answers_keep_a_quarter_of_256, as_usual),
        cmocka_unit_test_teardown(answers_keep_a_quarter_of_1024, as_usual),
        cmocka_unit_test_teardown(counts_of_flags_keep_within_it_too, as_usual),
        cmocka_unit_test_teardown(open_tables_keep_within_it_too, as_usual),
        cmocka_unit_test_teardown(held_tables_keep_theirs, as_usual),
        cmocka_unit_test_teardown(running_out_is_met_by_giving_back, as_usual),
        cmocka_unit_test_teardown(none_at_all_is_an_error, as_usual),
        cmocka_unit_test_teardown(an_open_table_goes_on_afterwards, as_usual),
        cmocka_unit_test_teardown(a_replaced_file_is_not_read, as_usual),
        cmocka_unit_test_teardown(the_working_folder_may_change, as_usual),
        cmocka_unit_test_teardown(an_open_table_sees_a_change_meanwhile, as_usual),
        cmocka_unit_test_teardown(locks_of_this_process_are_left_alone, as_usual),
        cmocka_unit_test_teardown(locks_elsewhere_hide_nothing, as_usual),
        cmocka_unit_test_teardown(a_child_keeps_within_it_too, as_usual),
        cmocka_unit_test_teardown(threads_ask_for_many_at_once, as_usual),
        cmocka_unit_test_teardown(a_file_in_use_is_not_closed, as_usual),
        cmocka_unit_test_teardown(a_change_meanwhile_is_seen, as_usual), /* the last: it leaves changed ones */
    };
    return cmocka_run_group_tests(tests, start, finish);
}
