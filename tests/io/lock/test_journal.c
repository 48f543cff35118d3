/* test_journal.c - old bytes beside a table: kept by a process that ends in the middle, found, put back; and what
 * damaged, copied and forged journals may do, which is nothing. */
#include "io/lock/journal.h"

#include "tests/core/guarded.h"
#include "tests/fuzz/table_pack.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#define FILE_BYTES 40000
#define SLOT 9000
#define DATA_NAME "table.f3_TSM1"

static char folder[64], copy[80];
static const uint8_t record[] = "a sync record of a table, as a write set it";
static const msio_journal_facts facts = {.columns = "DATA, FLAG", .first_row = 3, .last_row = 99};

static const char *in(const char *where, const char *name, char path[200]) {
    snprintf(path, 200, "%s/%s", where, name);
    return path;
}

static int start(void **state) {
    char path[200];
    uint8_t *bytes = malloc(FILE_BYTES);
    (void)state;
    if (!bytes || !pack_make_folder(folder)) return -1;
    for (int i = 0; i < FILE_BYTES; i++) bytes[i] = (uint8_t)(i * 7 + i / 251);
    bool made = pack_write_file(in(folder, DATA_NAME, path), bytes, FILE_BYTES) &&
                pack_write_file(in(folder, "victim", path), bytes, 100);
    free(bytes);
    snprintf(copy, sizeof copy, "%s/copy", folder);
    return made && mkdir(copy, 0700) == 0 ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    pack_remove(folder);
    return 0;
}

/* Whether all bytes of the data file are the first ones, and those of the other file too. */
static bool is_old(const char *where) {
    char path[200];
    bool old = true;
    FILE *f = fopen(in(where, DATA_NAME, path), "rb");
    assert_non_null(f);
    for (int i = 0; i < FILE_BYTES && old; i++) old = fgetc(f) == (uint8_t)(i * 7 + i / 251);
    old = old && fgetc(f) == EOF;
    fclose(f);
    f = fopen(in(folder, "victim", path), "rb");
    assert_non_null(f);
    for (int i = 0; i < 100; i++) old = old && fgetc(f) == (uint8_t)(i * 7 + i / 251);
    fclose(f);
    return old;
}

static void overwrite(int64_t offset, int64_t length) {
    char path[200];
    int fd = open(in(folder, DATA_NAME, path), O_RDWR);
    uint8_t *junk = malloc((size_t)length);
    assert_true(fd >= 0 && junk);
    memset(junk, 0xee, (size_t)length);
    assert_int_equal(pwrite(fd, junk, (size_t)length, offset), length);
    free(junk);
    close(fd);
}

static void keep(msio_journal *j, int slot, const msio_file *file, int64_t offset, int64_t length) {
    if (msio_file_read(file, msio_journal_slot(j, slot), length, offset, NULL)) _exit(9);
    msio_journal_keep(j, slot, file, offset, length);
}

/* Runs that are kept, without what is between them. */
static const msio_journal_runs runs = {.offset = 100, .length = 24, .step = 96, .n = 50};

static void keep_runs(msio_journal *j, int slot, const msio_file *file) {
    uint8_t *bytes = msio_journal_slot(j, slot);
    for (int64_t i = 0; i < runs.n; i++)
        if (msio_file_read(file, bytes + i * runs.length, runs.length, runs.offset + i * runs.step, NULL)) _exit(9);
    msio_journal_keep_runs(j, slot, file, &runs);
}

typedef enum ending { KEPT, RUNS, DROPPED, UNSEALED, SEALED, COMMITTED, LIVING, UNDONE, FORKED } ending;

/* What a writer does until it is gone; `wait` at its end where it lives on. */
static void write_some(ending how, int ready) {
    char path[200], names[2][200];
    msio_file *file;
    msio_journal *j;
    bool whole = how == UNSEALED || how == SEALED || how == COMMITTED;
    if (msio_file_open(in(folder, DATA_NAME, path), &file)) _exit(7);
    if (msio_journal_make(folder, whole ? MSIO_JOURNAL_WHOLE : MSIO_JOURNAL_BLOCKS, 2, SLOT, &facts, record,
                          sizeof record, &j))
        _exit(8);
    if (how == RUNS)
        keep_runs(j, 0, file);
    else
        keep(j, 0, file, 0, SLOT);
    keep(j, 1, file, 20000, 5000);
    if (how == SEALED || how == COMMITTED) msio_journal_seal(j);
    if (how != UNSEALED) overwrite(0, SLOT), overwrite(20000, 5000);
    if (how == DROPPED) msio_journal_drop(j, 1);
    if (how == UNDONE) msio_journal_undo(j);
    if (how == COMMITTED) {
        in(folder, "table.f5", names[0]), in(folder, "table.f6", names[1]);
        msio_journal_commit(j, 2, (const char *const[]){names[0], names[1]});
    }
    pid_t child = how == FORKED ? fork() : 1;
    if (write(ready, &child, sizeof child) < 0) _exit(6);
    if (how == LIVING || child == 0) pause();
    _exit(0);
}

/* The writer's process, and where how is FORKED its child's, which lives on as it is. */
static pid_t run_writer(ending how, pid_t *left) {
    int ready[2];
    pid_t told[2] = {0, 0};
    assert_int_equal(pipe(ready), 0);
    pid_t writer = fork();
    if (writer == 0) write_some(how, ready[1]);
    for (int i = 0; i < (how == FORKED ? 2 : 1); i++) assert_int_equal(read(ready[0], &told[i], sizeof told[i]), 4);
    close(ready[0]);
    close(ready[1]);
    *left = told[0] ? told[0] : told[1];
    int status = 0;
    if (how != LIVING) {
        assert_int_equal(waitpid(writer, &status, 0), writer);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    return writer;
}

static msio_leftover look(const char *where, const uint8_t *now, int64_t bytes, int *n) {
    msio_leftover left = MSIO_LEFT_NOTHING;
    msio_journal_facts found = {.pid = -1};
    msio_left_block *blocks = NULL;
    assert_int_equal(msio_journal_look(where, now, bytes, &left, &found, &blocks, n), MSIO_OK);
    if (left != MSIO_LEFT_NOTHING) {
        assert_string_equal(found.columns, facts.columns);
        assert_true(found.first_row == 3 && found.last_row == 99 && found.pid > 0);
    }
    free(blocks);
    return left;
}

static bool journal_is_there(void) {
    char path[200];
    return access(in(folder, MSIO_JOURNAL_NAME, path), F_OK) == 0;
}

static void restore_first_bytes(void) {
    char path[200];
    unlink(in(folder, MSIO_JOURNAL_NAME, path));
    uint8_t *bytes = malloc(FILE_BYTES);
    assert_non_null(bytes);
    for (int i = 0; i < FILE_BYTES; i++) bytes[i] = (uint8_t)(i * 7 + i / 251);
    assert_true(pack_write_file(in(folder, DATA_NAME, path), bytes, FILE_BYTES));
    free(bytes);
}

static void put_back(int expected) {
    int restored = -1;
    assert_int_equal(msio_journal_restore(folder, record, sizeof record, &restored), MSIO_OK);
    assert_int_equal(restored, expected);
    assert_false(journal_is_there());
}

static void valid_slots_are_put_back(void **state) {
    (void)state;
    pid_t child;
    int n;
    run_writer(KEPT, &child);
    assert_false(is_old(folder));
    assert_int_equal(look(folder, record, sizeof record, &n), MSIO_LEFT_BLOCKS);
    assert_int_equal(n, 2);
    put_back(2);
    assert_true(is_old(folder));
    run_writer(DROPPED, &child); /* that block was stored whole */
    put_back(1);
    assert_false(is_old(folder));
    restore_first_bytes();
    run_writer(UNDONE, &child);
    assert_true(is_old(folder) && !journal_is_there());
}

/* What lies between them is as it was found, whoever put it there. */
static void runs_are_put_back_alone(void **state) {
    (void)state;
    pid_t child;
    int n;
    char path[200];
    run_writer(RUNS, &child);
    assert_int_equal(look(folder, record, sizeof record, &n), MSIO_LEFT_BLOCKS);
    assert_int_equal(n, 2);
    put_back(2);
    FILE *f = fopen(in(folder, DATA_NAME, path), "rb");
    assert_non_null(f);
    for (int64_t i = 0; i < SLOT; i++) { /* the writer had overwritten all of them */
        const int64_t at = i - runs.offset;
        const bool in_run = at >= 0 && at < runs.n * runs.step && at % runs.step < runs.length;
        assert_int_equal(fgetc(f), in_run ? (uint8_t)(i * 7 + i / 251) : 0xee);
    }
    fclose(f);
    restore_first_bytes();
}

static void all_or_nothing_counts_when_it_is_sealed(void **state) {
    (void)state;
    pid_t child;
    char path[200], from[200];
    run_writer(UNSEALED, &child);
    put_back(0);
    assert_true(is_old(folder));
    run_writer(SEALED, &child);
    put_back(2);
    assert_true(is_old(folder));
    assert_true(pack_write_file(in(folder, "table.f6_tmp", path), "new", 3)); /* the other has its place already */
    assert_true(pack_write_file(in(folder, "table.f5", path), "new", 3));
    run_writer(COMMITTED, &child);
    put_back(1);
    assert_false(is_old(folder));
    assert_int_equal(access(in(folder, "table.f6", path), F_OK), 0);
    assert_int_not_equal(access(in(folder, "table.f6_tmp", from), F_OK), 0);
    restore_first_bytes();
}

static void a_write_that_goes_on_is_none_that_was_left(void **state) {
    (void)state;
    pid_t child;
    int n, restored;
    msio_journal *second;
    pid_t writer = run_writer(LIVING, &child);
    assert_int_equal(look(folder, record, sizeof record, &n), MSIO_LEFT_NOTHING);
    assert_int_equal(msio_journal_restore(folder, record, sizeof record, &restored), MSIO_OK);
    assert_true(restored == 0 && journal_is_there());
    assert_int_equal(msio_journal_make(folder, MSIO_JOURNAL_BLOCKS, 1, SLOT, &facts, record, sizeof record, &second),
                     MSIO_E_LOCKED);
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    put_back(2);
    assert_true(is_old(folder));
}

/* The child shares the descriptor whose lock says that a write goes on. */
static void a_writers_child_does_not_keep_its_write_alive(void **state) {
    (void)state;
    pid_t child;
    int n;
    run_writer(FORKED, &child);
    assert_int_equal(look(folder, record, sizeof record, &n), MSIO_LEFT_BLOCKS);
    put_back(2);
    kill(child, SIGKILL);
    assert_true(is_old(folder));
}

static void nothing_is_put_back_after_another_writer(void **state) {
    (void)state;
    pid_t child;
    int n, restored = -1;
    run_writer(KEPT, &child);
    assert_int_equal(look(folder, record, sizeof record - 1, &n), MSIO_LEFT_STRANGE);
    assert_int_equal(msio_journal_restore(folder, record, sizeof record - 1, &restored), MSIO_OK);
    assert_true(restored == 0 && !is_old(folder) && !journal_is_there());
    restore_first_bytes();
}

static void a_copy_is_left_as_it_is(void **state) {
    (void)state;
    pid_t child;
    int n, restored = -1;
    char command[400];
    run_writer(KEPT, &child);
    snprintf(command, sizeof command, "cp %s/table.* %s", folder, copy);
    assert_int_equal(system(command), 0);
    put_back(2); /* of the one that was copied */
    assert_int_equal(look(copy, record, sizeof record, &n), MSIO_LEFT_STRANGE);
    assert_int_equal(msio_journal_restore(copy, record, sizeof record, &restored), MSIO_OK);
    assert_true(restored == 0 && !is_old(copy) && is_old(folder));
}

/* ---------------------------------------------------------------- damaged ones */

static uint8_t *slurp(size_t *length) {
    char path[200];
    struct stat st;
    int fd = open(in(folder, MSIO_JOURNAL_NAME, path), O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    uint8_t *bytes = malloc((size_t)st.st_size);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    *length = (size_t)st.st_size;
    return bytes;
}

/* Whatever it says: the file keeps its size, no other file changes, and what is put back was kept of it. */
static msio_status try_forged(const uint8_t *bytes, size_t length, int *restored) {
    char path[200];
    struct stat st;
    assert_true(pack_write_file(in(folder, MSIO_JOURNAL_NAME, path), bytes, length));
    *restored = 0;
    msio_status status = msio_journal_restore(folder, record, sizeof record, restored);
    assert_int_equal(stat(in(folder, DATA_NAME, path), &st), 0);
    assert_int_equal(st.st_size, FILE_BYTES);
    unlink(in(folder, MSIO_JOURNAL_NAME, path));
    return status;
}

static void damaged_journals_write_nowhere_else(void **state) {
    (void)state;
    pid_t child;
    size_t length;
    int restored;
    uint64_t seed = 5;
    run_writer(KEPT, &child);
    uint8_t *good = slurp(&length), *bad = malloc(length);
    assert_non_null(bad);
    put_back(2);
    const size_t slot = 8192; /* docs/formats.md */
    const struct {
        size_t at;
        const char *bytes;
        size_t n;
        msio_status status;
    } damages[] = {
        {8, "\3\0\0\0", 4, MSIO_E_UNSUPPORTED},                            /* a newer version */
        {12, "\4\3\2\1\1", 4, MSIO_OK},                                    /* (the order as it is) */
        {16, "\7\0\0\0", 4, MSIO_E_FORMAT},                                /* a mode that nobody knows */
        {20, "\377\377\377\377", 4, MSIO_E_FORMAT},                        /* slots beyond the file */
        {24, "\377\377\377\377\377\377\377\177", 8, MSIO_E_FORMAT},        /* of any size */
        {slot + 24, "\377\377\377\377\377\377\377\177", 8, MSIO_OK},       /* behind the file: strange */
        {slot + 24, "\377\377\377\377\377\377\377\377", 8, MSIO_E_FORMAT}, /* before it */
        {slot + 32, "\377\377\377\377\377\377\377\177", 8, MSIO_E_FORMAT}, /* longer than its slot */
        {slot + 40, "../victim\0", 10, MSIO_E_FORMAT},                     /* another folder's */
        {slot + 40, "victim\0", 7, MSIO_E_FORMAT},                         /* no data manager's */
        {slot + 40, "table.f/../victim\0", 18, MSIO_E_FORMAT},
        {slot + 40, "table.f9\0", 9, MSIO_OK}, /* which is not there: strange */
        {8, "\1\0\0\0", 4, MSIO_OK},           /* the version before, of one stretch a slot */
        {slot + 104, "\0\0\0\0\0\0\0\0", 8, MSIO_OK},
        {slot + 104, "\377\377\377\377\377\377\377\377", 8, MSIO_E_FORMAT},  /* runs of less than nothing */
        {slot + 104, "\7\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0", 16, MSIO_E_FORMAT}, /* of which the slot has no whole number */
        {slot + 104, "\10\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0", 16, MSIO_E_FORMAT},   /* that meet */
        {slot + 104, "\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\100", 16, MSIO_E_FORMAT}, /* beyond any file */
        {slot + 104, "\10\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0", 16, MSIO_OK},         /* behind this one: strange */
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        memcpy(bad, good, length);
        memcpy(bad + damages[i].at, damages[i].bytes, damages[i].n);
        msio_status status = try_forged(bad, length, &restored);
        if (status != damages[i].status) print_message("damage %zu\n", i);
        assert_int_equal(status, damages[i].status);
        assert_true(is_old(folder));
    }
    for (size_t cut = 0; cut < length; cut += 509) {
        memcpy(bad, good, length);
        msio_status status = try_forged(bad, cut, &restored);
        assert_true(status == MSIO_OK || status == MSIO_E_FORMAT);
        assert_true(is_old(folder));
    }
    for (int round = 0; round < 3000; round++) { /* heads with wrong bits; what was kept stays what it is */
        memcpy(bad, good, length);
        for (int k = 0; k < 1 + round % 3; k++) {
            size_t at =
                random_below(&seed, 2) ? (size_t)random_below(&seed, 304) : slot + (size_t)random_below(&seed, 120);
            bad[at] ^= (uint8_t)(1 << random_below(&seed, 8));
        }
        try_forged(bad, length, &restored);
        if (restored) restore_first_bytes(); /* a wrong place within the file */
        assert_true(is_old(folder));
    }
    free(good);
    free(bad);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_slots_are_put_back),
        cmocka_unit_test(runs_are_put_back_alone),
        cmocka_unit_test(all_or_nothing_counts_when_it_is_sealed),
        cmocka_unit_test(a_write_that_goes_on_is_none_that_was_left),
        cmocka_unit_test(a_writers_child_does_not_keep_its_write_alive),
        cmocka_unit_test(nothing_is_put_back_after_another_writer),
        cmocka_unit_test(a_copy_is_left_as_it_is),
        cmocka_unit_test(damaged_journals_write_nowhere_else),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
