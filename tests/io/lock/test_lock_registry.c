/* test_lock_registry.c - read locks beside writers: other processes wait for us and we for them, and the locks that
 * this process holds through others are left alone. */
#include "io/lock/lock_registry.h"
#include "msio/io.h"

#include "tests/fuzz/read_everything.h"
#include "tests/fuzz/table_pack.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#define TABLES 40

static char folder[64], made[80];
static const char *path = made; /* of the table that is tested */
static uint8_t *pack;
static size_t pack_size;

static int start(void **state) {
    (void)state;
    alarm(120);
    pack = pack_load("table/few_little", &pack_size);
    if (!pack || !pack_make_folder(folder)) return -1;
    pack_unpack(pack, pack_size, folder);
    snprintf(made, sizeof made, "%s/t", folder);
    return 0;
}

static int finish(void **state) {
    (void)state;
    pack_remove(folder);
    free(pack);
    return 0;
}

static int open_lock_file(const char *table) {
    char name[8192];
    snprintf(name, sizeof name, "%s/table.lock", table);
    int fd = open(name, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static bool lock_byte(int fd, short type) {
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    return fcntl(fd, F_SETLK, &range) == 0;
}

static msio_status read_number(const msio_column *column) {
    int32_t out[5];
    return msio_read(column, NULL, out, sizeof out, NULL);
}

static msio_table *open_table(double seconds, int nolock, const msio_column **column) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    msio_table *table = NULL;
    opts.lock_seconds = seconds;
    opts.nolock = nolock;
    assert_int_equal(msio_table_open(path, &opts, &table), MSIO_OK);
    assert_int_equal(msio_table_column(table, "NUMBER", column), MSIO_OK);
    return table;
}

/* ---------------------------------------------------------------- writers elsewhere */

/* A process that holds the write lock until `release` is closed, or for ever so many microseconds. */
typedef struct writer {
    pid_t pid;
    int release;
} writer;

static writer start_writer(unsigned microseconds) {
    int ready[2], release[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(release), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(release[1]);
        int fd = open_lock_file(path);
        if (!lock_byte(fd, F_WRLCK) || write(ready[1], "x", 1) != 1) _exit(1);
        if (microseconds)
            usleep(microseconds);
        else if (read(release[0], &byte, 1) < 0)
            _exit(1);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    close(release[0]);
    return (writer){pid, release[1]};
}

static void stop_writer(writer w) {
    int status = -1;
    close(w.release);
    assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
    assert_int_equal(status, 0);
}

static void a_writer_that_stays_is_named(void **state) {
    (void)state;
    const msio_column *column = NULL;
    msio_table *table = open_table(0.2, 0, &column);
    writer w = start_writer(0);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld ", (long)w.pid);
    assert_int_equal(read_number(column), MSIO_E_LOCKED);
    assert_int_equal(msio_last_error()->code, MSIO_E_LOCKED);
    assert_non_null(strstr(msio_last_error()->message, pid));
    assert_int_equal(msio_table_hold(table), MSIO_E_LOCKED);
    stop_writer(w);
    assert_int_equal(read_number(column), MSIO_OK);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void opening_waits_for_the_lock_too(void **state) {
    (void)state;
    msio_table *table = NULL;
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.lock_seconds = 0.1;
    writer w = start_writer(0);
    assert_int_equal(msio_table_open(path, &opts, &table), MSIO_E_LOCKED);
    assert_null(table);
    stop_writer(w);
}

static int stop_at_the_third(void *user) { return ++*(int *)user >= 3; }

static void a_wait_ends_when_the_thread_says_so(void **state) {
    (void)state;
    const msio_column *column = NULL;
    msio_table *table = open_table(60, 0, &column), *other = NULL;
    writer w = start_writer(0);
    int asked = 0;
    msio_waits_ask(stop_at_the_third, &asked);
    assert_int_equal(read_number(column), MSIO_E_CANCELLED);
    assert_int_equal(asked, 3);
    assert_int_equal(msio_table_open(path, NULL, &other), MSIO_E_CANCELLED);
    msio_waits_ask(NULL, NULL);
    stop_writer(w);
    assert_int_equal(read_number(column), MSIO_OK);
    assert_int_equal(asked, 4);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void a_writer_that_goes_is_waited_for(void **state) {
    (void)state;
    const msio_column *column = NULL;
    msio_table *table = open_table(60, 0, &column);
    writer w = start_writer(300000);
    assert_int_equal(read_number(column), MSIO_OK);
    int status = -1; /* it is gone, or about to be: the lock was given up by its exit */
    assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
    close(w.release);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void nolock_reads_beside_a_writer(void **state) {
    (void)state;
    const msio_column *column = NULL;
    writer w = start_writer(0);
    msio_table *table = open_table(0, 1, &column);
    assert_int_equal(read_number(column), MSIO_OK);
    stop_writer(w);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

/* Whether another process could take the write lock now. */
static bool writable(void) {
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) _exit(lock_byte(open_lock_file(path), F_WRLCK) ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

static void a_hold_keeps_writers_out_until_its_last_release(void **state) {
    (void)state;
    const msio_column *column = NULL;
    msio_table *table = open_table(1, 0, &column);
    assert_int_equal(read_number(column), MSIO_OK);
    assert_true(writable()); /* nothing is kept between calls */
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    assert_false(writable());
    assert_int_equal(msio_table_release(table), MSIO_OK);
    assert_false(writable());
    assert_int_equal(msio_table_release(table), MSIO_OK);
    assert_true(writable());
    assert_int_equal(msio_table_release(table), MSIO_E_ARGUMENT);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

static void two_tables_of_one_path_share_the_lock(void **state) {
    (void)state;
    const msio_column *column = NULL;
    msio_table *one = open_table(1, 0, &column), *two = open_table(1, 0, &column);
    assert_int_equal(msio_table_hold(one), MSIO_OK);
    assert_int_equal(msio_table_hold(two), MSIO_OK);
    assert_int_equal(msio_table_release(one), MSIO_OK);
    assert_int_equal(msio_table_close(one), MSIO_OK);
    assert_false(writable());
    assert_int_equal(msio_table_close(two), MSIO_OK); /* ends its hold */
    assert_true(writable());
}

/* ---------------------------------------------------------------- locks of this very process */

static void a_write_lock_of_this_process_is_not_waited_for(void **state) {
    (void)state;
    const msio_column *column = NULL;
    int fd = open_lock_file(path);
    assert_true(lock_byte(fd, F_WRLCK));
    msio_table *table = open_table(0, 0, &column);
    assert_int_equal(read_number(column), MSIO_OK);
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    assert_int_equal(read_number(column), MSIO_OK);
    assert_int_equal(msio_table_release(table), MSIO_OK);
    assert_int_equal(msio_table_close(table), MSIO_OK);
    assert_false(writable()); /* and it is still there */
    close(fd);
    assert_true(writable());
}

/* POSIX drops all locks of a process on a file as soon as it closes any descriptor of it. */
static void closing_tables_drops_no_lock_of_this_process(void **state) {
    int fd[TABLES];
    char table_path[TABLES][128];
    (void)state;
    for (int i = 0; i < TABLES; i++) {
        char place[96];
        snprintf(place, sizeof place, "%s/%d", folder, i);
        assert_int_equal(mkdir(place, 0700), 0);
        pack_unpack(pack, pack_size, place);
        snprintf(table_path[i], sizeof table_path[i], "%s/t", place);
        fd[i] = open_lock_file(table_path[i]);
        assert_true(lock_byte(fd[i], i % 2 ? F_WRLCK : F_RDLCK));
    }
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < TABLES; i++) {
            everything e;
            assert_int_equal(read_everything(table_path[i], NULL, MSIO_WAY_AUTO, &e), MSIO_OK);
            assert_true(e.reads > e.failures);
        }
    for (int i = 0; i < TABLES; i++) {
        path = table_path[i];
        assert_false(writable());
        close(fd[i]);
        assert_true(writable());
    }
    path = made;
}

/* What no lock forbids is closed in the end: descriptors do not grow with the tables that were ever open. */
static void descriptors_are_closed_where_they_may_be(void **state) {
    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 2 * TABLES; i++) {
            char place[96], table_path[128];
            everything e;
            snprintf(place, sizeof place, "%s/d%d", folder, i);
            mkdir(place, 0700);
            pack_unpack(pack, pack_size, place);
            snprintf(table_path, sizeof table_path, "%s/t", place);
            assert_int_equal(read_everything(table_path, NULL, MSIO_WAY_AUTO, &e), MSIO_OK);
        }
    assert_true(msio_lock_descriptors() < TABLES + 1);
}

static void descriptors_do_not_survive_exec(void **state) {
    (void)state;
    const msio_column *column = NULL;
    msio_table *table = open_table(1, 0, &column);
    assert_int_equal(read_number(column), MSIO_OK);
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    char command[128];
    snprintf(command, sizeof command, "! ls -l /proc/$$/fd | grep -q %s", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(msio_table_close(table), MSIO_OK);
}

/* ---------------------------------------------------------------- tables without a lock file */

static void a_table_without_a_lock_file_is_read(void **state) {
    (void)state;
    char name[128];
    const msio_column *column = NULL;
    snprintf(name, sizeof name, "%s/table.lock", path);
    assert_int_equal(unlink(name), 0);
    msio_table *table = open_table(0, 0, &column);
    assert_int_equal(msio_table_rows(table), 5); /* as table.dat has it */
    assert_int_equal(read_number(column), MSIO_OK);
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    assert_int_equal(read_number(column), MSIO_OK);
    assert_int_equal(msio_table_release(table), MSIO_OK);
    pack_unpack(pack, pack_size, folder); /* it comes back, and is locked from then on */
    assert_int_equal(msio_table_hold(table), MSIO_OK);
    assert_false(writable());
    assert_int_equal(msio_table_close(table), MSIO_OK);
    assert_true(writable());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_that_stays_is_named),
        cmocka_unit_test(opening_waits_for_the_lock_too),
        cmocka_unit_test(a_wait_ends_when_the_thread_says_so),
        cmocka_unit_test(a_writer_that_goes_is_waited_for),
        cmocka_unit_test(nolock_reads_beside_a_writer),
        cmocka_unit_test(a_hold_keeps_writers_out_until_its_last_release),
        cmocka_unit_test(two_tables_of_one_path_share_the_lock),
        cmocka_unit_test(a_write_lock_of_this_process_is_not_waited_for),
        cmocka_unit_test(closing_tables_drops_no_lock_of_this_process),
        cmocka_unit_test(descriptors_are_closed_where_they_may_be),
        cmocka_unit_test(descriptors_do_not_survive_exec),
        cmocka_unit_test(a_table_without_a_lock_file_is_read),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
