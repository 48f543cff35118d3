/* test_write_mapped.c - values stored by calls, through a mapping, and as a probe chooses: the same bytes in every
 * file, in the calls that each way makes; files with holes are never mapped, and one that is cut meanwhile is an error.
 *
 * What stands in the files after a write by calls is compared with casacore by tests/oracle. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "msio/write.h"

#include "tests/io/simulate/simulated.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cmocka.h>

#define TILE_FILE "table.f0_TSM1" /* DATA's */

/* ---------------------------------------------------------------- system calls, counted
 * The library is linked in statically: what it calls is what stands here. */

static atomic_int writes, mappings, unmappings, times, populated;
static atomic_int data_fd = -1; /* of DATA's tile file, opened for writing */
static int cut_at = -1;         /* the file is cut behind so many calls that ask for pages */
static void *mapped_at;

static bool is_data(int fd) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    return n > (ssize_t)sizeof TILE_FILE &&
           memcmp(path + n - (sizeof TILE_FILE - 1), TILE_FILE, sizeof TILE_FILE - 1) == 0;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset) {
    if (is_data(fd)) atomic_fetch_add(&writes, 1);
    return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset) {
    void *map = (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);
    if (fd < 0 || !(protection & PROT_WRITE) || !(flags & MAP_SHARED) || !is_data(fd)) return map;
    atomic_fetch_add(&mappings, 1);
    atomic_store(&data_fd, fd);
    mapped_at = map;
    return map;
}

int munmap(void *at, size_t n) {
    if (at == mapped_at) atomic_fetch_add(&unmappings, 1);
    return (int)syscall(SYS_munmap, at, n);
}

int futimens(int fd, const struct timespec when[2]) {
    if (is_data(fd)) atomic_fetch_add(&times, 1);
    return (int)syscall(SYS_utimensat, fd, NULL, when, 0);
}

int madvise(void *at, size_t n, int advice) {
    int result = (int)syscall(SYS_madvise, at, n, advice);
    if (advice != MADV_POPULATE_WRITE) return result;
    if (atomic_fetch_add(&populated, 1) == cut_at && ftruncate(atomic_load(&data_fd), 4096)) abort();
    return result;
}

static void count_anew(void) {
    atomic_store(&writes, 0);
    atomic_store(&mappings, 0);
    atomic_store(&unmappings, 0);
    atomic_store(&times, 0);
    atomic_store(&populated, 0);
}

/* ---------------------------------------------------------------- the Measurement Sets */

static char folder[64], original[80], ms[96];

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = simulated_shape(24, 8, 4, 48);
    return simulate_or_skip(&opts, folder, "original.ms", original, sizeof original) ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    pack_remove(folder);
    return 0;
}

/* A copy whose pages are on the disk: what was never brought there has no place that could be overwritten. */
static void copy_to(const char *name) {
    char command[512];
    snprintf(ms, sizeof ms, "%s/%s", folder, name);
    snprintf(command, sizeof command, "rm -rf %s && cp -r %s %s && sync -f %s", ms, original, ms, ms);
    assert_int_equal(system(command), 0);
}

typedef struct work {
    const char *name, *column;
    int64_t row, rows, row_step, chan, chans, chan_step;
    bool value; /* one, everywhere */
} work;

static const work works[] = {
    {"whole", "DATA", 0, -1, 1, 0, -1, 1, false},
    {"12 channels", "DATA", 0, -1, 1, 12, 12, 1, false},
    {"every third channel", "DATA", 0, -1, 1, 0, -1, 3, false},
    {"one channel of some rows", "DATA", 5, 700, 1, 3, 1, 1, false},
    {"every second row", "DATA", 1, -1, 2, 0, -1, 1, false},
    {"zeros", "DATA", 0, -1, 1, 0, -1, 1, true},
    {"zeros in some", "DATA", 0, -1, 1, 40, 8, 1, true},
    {"flags", "FLAG", 0, -1, 1, 0, -1, 1, false},
    {"flags of 12 channels", "FLAG", 3, -1, 1, 12, 12, 1, false},
    {"weights", "WEIGHT_SPECTRUM", 0, -1, 1, 7, 20, 1, false},
};

static msio_status write_work(const work *w, const msio_write_opts *how) {
    static const float zero[2] = {0, 0};
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    msio_select s = MSIO_SELECT_ALL;
    msio_table *table;
    const msio_column *column;
    size_t bytes;
    opts.writable = 1;
    opts.native = MSIO_NATIVE_YES;
    s.row = w->row, s.rows = w->rows, s.row_step = w->row_step;
    s.chan = w->chan, s.chans = w->chans, s.chan_step = w->chan_step;
    if (s.rows < 0 && s.row_step > 1) s.rows = 300;
    assert_int_equal(msio_table_open(ms, &opts, &table), MSIO_OK);
    assert_int_equal(msio_table_column(table, w->column, &column), MSIO_OK);
    if (s.chans < 0 && s.chan_step > 1) s.chans = 48 / s.chan_step;
    assert_int_equal(msio_read_shape(column, &s, NULL, NULL, &bytes), MSIO_OK);
    uint8_t *in = malloc(bytes);
    assert_non_null(in);
    for (size_t i = 0; i < bytes; i++)
        in[i] = (uint8_t)(strcmp(w->column, "FLAG") == 0 ? (i * 0x9E3779B97F4A7C15u >> 60) & 1
                                                         : i * 0x9E3779B97F4A7C15u >> 50);
    msio_status status =
        w->value ? msio_write_value(column, &s, zero, sizeof zero, how) : msio_write(column, &s, in, bytes, how);
    free(in);
    msio_table_close(table);
    return status;
}

static const char *const tiles[] = {TILE_FILE, "table.f1_TSM1", "table.f2_TSM1"};

static uint8_t *slurp(const char *name, size_t *bytes) {
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", ms, name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    uint8_t *all = malloc((size_t)st.st_size);
    assert_non_null(all);
    assert_int_equal(read(fd, all, (size_t)st.st_size), st.st_size);
    close(fd);
    *bytes = (size_t)st.st_size;
    return all;
}

/* ---------------------------------------------------------------- the same bytes */

static void every_way_stores_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        for (int k = 0; k < 4; k++) { /* with and without a slot, both ways */
            msio_write_opts how = MSIO_WRITE_OPTS_INIT;
            uint8_t *wanted[3];
            size_t bytes, found;
            how.unguarded = k & 1;
            how.threads = 1 + (int)(i % 2);
            how.store = MSIO_STORE_CALLS;
            copy_to("calls.ms");
            assert_int_equal(write_work(&works[i], &how), MSIO_OK);
            for (int f = 0; f < 3; f++) wanted[f] = slurp(tiles[f], &bytes);
            how.store = k & 2 ? MSIO_STORE_MAPPED : MSIO_STORE_PROBE;
            copy_to("mapped.ms");
            assert_int_equal(write_work(&works[i], &how), MSIO_OK);
            for (int f = 0; f < 3; f++) {
                uint8_t *there = slurp(tiles[f], &found);
                if (memcmp(there, wanted[f], found)) print_message("%s, turn %d, %s\n", works[i].name, k, tiles[f]);
                assert_memory_equal(there, wanted[f], found);
                free(there);
                free(wanted[f]);
            }
        }
    }
}

/* ---------------------------------------------------------------- in how many calls */

static bool may_be_mapped(void) {
    msio_write_opts how = MSIO_WRITE_OPTS_INIT;
    how.store = MSIO_STORE_MAPPED;
    copy_to("mapped.ms");
    count_anew();
    assert_int_equal(write_work(&works[0], &how), MSIO_OK);
    if (atomic_load(&mappings)) return true;
    print_message("this file system's files are not mapped for writing\n");
    return false;
}

static int blocks_of(const work *w) {
    msio_write_plan plan = MSIO_WRITE_PLAN_INIT;
    msio_select s = MSIO_SELECT_ALL;
    msio_table *table;
    const msio_column *column;
    s.chan = w->chan, s.chans = w->chans;
    assert_int_equal(msio_table_open(ms, NULL, &table), MSIO_OK);
    assert_int_equal(msio_table_column(table, w->column, &column), MSIO_OK);
    assert_int_equal(msio_write_plan_make(column, &s, NULL, &plan), MSIO_OK);
    msio_table_close(table);
    return (int)plan.blocks;
}

static void each_way_makes_its_calls(void **state) {
    (void)state;
    if (!may_be_mapped()) skip();
    for (int i = 0; i < 2; i++) { /* whole, and 12 channels */
        msio_write_opts how = MSIO_WRITE_OPTS_INIT;
        const int blocks = blocks_of(&works[i]);
        how.threads = 2;
        assert_true(blocks > 16);
        how.store = MSIO_STORE_CALLS;
        count_anew();
        assert_int_equal(write_work(&works[i], &how), MSIO_OK);
        assert_int_equal(atomic_load(&writes), blocks);
        assert_int_equal(atomic_load(&mappings), 0);
        assert_int_equal(atomic_load(&times), 0);
        how.store = MSIO_STORE_AUTO; /* too little for a probe */
        count_anew();
        assert_int_equal(write_work(&works[i], &how), MSIO_OK);
        assert_int_equal(atomic_load(&writes), blocks);
        assert_int_equal(atomic_load(&mappings), 0);
        how.store = MSIO_STORE_MAPPED;
        count_anew();
        assert_int_equal(write_work(&works[i], &how), MSIO_OK);
        assert_int_equal(atomic_load(&writes), 0);
        assert_int_equal(atomic_load(&mappings), 1);
        assert_int_equal(atomic_load(&unmappings), 1);
        assert_int_equal(atomic_load(&times), 1);
        assert_int_equal(atomic_load(&populated), blocks);
        how.store = MSIO_STORE_PROBE; /* two of four tries by calls, of a sixteenth at the most each */
        count_anew();
        assert_int_equal(write_work(&works[i], &how), MSIO_OK);
        assert_int_equal(atomic_load(&writes) + atomic_load(&populated), blocks);
        assert_true(atomic_load(&writes) >= 2 && atomic_load(&populated) >= 2);
        assert_int_equal(atomic_load(&mappings), 1);
        assert_int_equal(atomic_load(&unmappings), 1);
        assert_int_equal(atomic_load(&times), 1);
    }
}

/* ---------------------------------------------------------------- files that change, or lack blocks */

static void a_file_with_a_hole_is_not_mapped(void **state) {
    (void)state;
    if (!may_be_mapped()) skip();
    msio_write_opts how = MSIO_WRITE_OPTS_INIT;
    char path[256];
    copy_to("hole.ms");
    snprintf(path, sizeof path, "%s/" TILE_FILE, ms);
    int fd = open(path, O_RDWR);
    struct stat st;
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, st.st_size / 2 & ~(off_t)65535, 65536)) skip();
    close(fd);
    how.store = MSIO_STORE_MAPPED;
    count_anew();
    assert_int_equal(write_work(&works[0], &how), MSIO_OK);
    assert_int_equal(atomic_load(&mappings), 0);
    assert_int_equal(atomic_load(&writes), blocks_of(&works[0]));
}

/* Between asking for a block's pages and storing there: the guard takes the fault, and the call fails. */
static void a_file_that_is_cut_is_an_error(void **state) {
    (void)state;
    if (!may_be_mapped()) skip();
    for (int unguarded = 0; unguarded < 2; unguarded++) {
        msio_write_opts how = MSIO_WRITE_OPTS_INIT;
        how.store = MSIO_STORE_MAPPED;
        how.threads = 2;
        how.unguarded = unguarded;
        copy_to("cut.ms");
        count_anew();
        cut_at = 5;
        msio_status status = write_work(&works[0], &how);
        cut_at = -1;
        if (status != MSIO_E_IO) assert_int_equal(status, MSIO_E_FORMAT); /* its old bytes could not be read */
        assert_string_not_equal(msio_last_error()->message, "");
        assert_int_equal(atomic_load(&unmappings), 1);
    }
}

static void another_way_is_an_argument(void **state) {
    (void)state;
    msio_write_opts how = MSIO_WRITE_OPTS_INIT;
    copy_to("calls.ms");
    how.store = (msio_store)7;
    assert_int_equal(write_work(&works[0], &how), MSIO_E_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_stores_the_same),        cmocka_unit_test(each_way_makes_its_calls),
        cmocka_unit_test(a_file_with_a_hole_is_not_mapped), cmocka_unit_test(a_file_that_is_cut_is_an_error),
        cmocka_unit_test(another_way_is_an_argument),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
