/* test_hostile.c - damaged tables: whatever is flipped, cut or counted wrong, every call returns a status.
 *
 * Each case is tried in a child process, so that a crash, a hang or memory without bound fails this test by name. */
#include "msio/cache.h"

#include "tests/fuzz/table_pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Cells of more bytes than this are not asked for: a damaged shape may be honest about being huge. */
#define MOST_BYTES ((size_t)64 << 20)
#define CASES_PER_CHILD 64
#define SECONDS_A_CASE 120
/* Places tried in a file, at the most, unless MSIO_TEST_LONG asks for every byte. */
#define PLACES_SMALL 400
#define PLACES_LARGE 40

/* A damaged count may ask for more memory than there is: that must come back as a status, not as the sanitizer's abort.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1:max_allocation_size_mb=1024"; }

static char folder[64];

/* ---------------------------------------------------------------- reading everything */

static void read_column(msio_table *table, const char *name) {
    const msio_column *column;
    msio_array array;
    msio_ragged ragged;
    size_t bytes;
    if (msio_table_column(table, name, &column)) return;
    msio_column_describe(column);
    msio_select few = MSIO_SELECT_ALL;
    few.rows = msio_table_rows(table) < 200 ? -1 : 200;
    if (msio_read_shape(column, &few, NULL, NULL, &bytes) == MSIO_OK && bytes <= MOST_BYTES &&
        msio_read_new(column, &few, &array, NULL) == MSIO_OK)
        msio_array_free(&array);
    if (msio_read_ragged(column, &few, &ragged, NULL) == MSIO_OK) msio_ragged_free(&ragged);
}

/* The counts of flags look at the stored bits themselves. */
static void count_flags(const char *path) {
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    const msio_flags *flags;
    opts.open.native = MSIO_NATIVE_YES;
    if (msio_flags_count(path, MSIO_FLAGS_BY_ALL, &opts, &flags) == MSIO_OK) msio_flags_release(flags);
    msio_cache_clear(NULL);
}

static void read_table(const char *path) {
    msio_table *table = NULL;
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.native = MSIO_NATIVE_YES; /* casacore is not on trial */
    if (msio_table_open(path, &opts, &table)) return;
    msio_table_info info;
    msio_table_describe(table, &info);
    for (int i = 0; i < info.columns && i < 100; i++) read_column(table, msio_table_column_name(table, i));
    msio_table_close(table);
    count_flags(path);
}

/* ---------------------------------------------------------------- cases */

typedef struct image {
    const char *path; /* the caller's */
    unsigned char *bytes;
    size_t length;
} image;

static image load(const char *path) {
    image m = {.path = path};
    struct stat st;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    m.length = (size_t)st.st_size;
    m.bytes = malloc(m.length + 1);
    assert_non_null(m.bytes);
    assert_int_equal(fread(m.bytes, 1, m.length, f), m.length);
    fclose(f);
    return m;
}

static void store(const char *path, const unsigned char *bytes, size_t length) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, length, f) != length || fclose(f)) _exit(9);
}

/* Kinds of damage; `at` runs over the file's bytes. */
typedef enum damage { FLIP, CUT, COUNT_31, COUNT_63, DAMAGES } damage;

static void damage_and_read(const image *m, const char *table, damage kind, size_t at) {
    unsigned char *copy = malloc(m->length + 8);
    if (!copy) _exit(9);
    size_t length = m->length;
    memcpy(copy, m->bytes, length);
    memset(copy + length, 0, 8);
    if (kind == FLIP) copy[at] = (unsigned char)(copy[at] ^ (1u << (at % 8) | 0x80u));
    if (kind == CUT) length = at;
    if (kind == COUNT_31) memcpy(copy + at, "\x80\x00\x00\x00", 4);
    if (kind == COUNT_63) memcpy(copy + at, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8);
    store(m->path, copy, length);
    free(copy);
    read_table(table);
}

static void try_cases(const image *m, const char *table, damage kind, size_t from, size_t to, size_t step) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
#if !defined(__SANITIZE_ADDRESS__)
        setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)2 << 30, (rlim_t)2 << 30});
#endif
        for (size_t at = from; at < to; at += step) {
            alarm(SECONDS_A_CASE);
            damage_and_read(m, table, kind, at);
        }
        _exit(0); /* the parent looks for leaks */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: damage %d at bytes %zu to %zu: child ended with status 0x%x", m->path, (int)kind, from, to,
                 status);
}

/* Every byte of what is small, a spread of what is large. */
static void damage_file(const char *table, const char *name, size_t places) {
    char path[4096];
    assert_true(snprintf(path, sizeof path, "%s/%s", table, name) < (int)sizeof path);
    image m = load(path);
    if (getenv("MSIO_TEST_LONG")) places = m.length;
    size_t step = m.length / (places + 1) + 1, chunk = step * CASES_PER_CHILD * 8;
    for (int kind = FLIP; kind < DAMAGES; kind++)
        for (size_t from = 0; from < m.length; from += chunk)
            try_cases(&m, table, (damage)kind, from, from + chunk < m.length ? from + chunk : m.length,
                      kind == FLIP ? step : step * 3);
    store(path, m.bytes, m.length);
    free(m.bytes);
}

/* ---------------------------------------------------------------- tables to damage */

static int make_tables(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/msio-hostile-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (int big = 0; big < 2; big++) {
        char path[128];
        msio_simulate_ms_opts o = MSIO_SIMULATE_MS_OPTS_INIT;
        o.antennas = 3;
        o.times = 2;
        o.subbands = 2;
        o.channels = 4;
        o.byte_order = big ? "big" : "little";
        snprintf(path, sizeof path, "%s/%s.ms", folder, o.byte_order);
        if (msio_simulate_ms(path, &o)) {
            print_message("skipped: no table can be made: %s\n", msio_last_error()->message);
            exit(77);
        }
    }
    return 0;
}

static int remove_tables(void **state) {
    (void)state;
    pack_remove(folder);
    return access(folder, F_OK) == 0; /* gone it has to be */
}

static bool is_header(const char *name) {
    return strncmp(name, "table.", 6) == 0 && !strstr(name, "_TSM") && strcmp(name, "table.info") != 0;
}

static void damage_table(const char *table, size_t places) {
    char names[64][64];
    int n = 0;
    DIR *d = opendir(table);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) && n < 64;)
        if (is_header(e->d_name) && strlen(e->d_name) < sizeof *names) strcpy(names[n++], e->d_name);
    closedir(d);
    assert_true(n > 1);
    for (int i = 0; i < n; i++) damage_file(table, names[i], places);
    read_table(table); /* whole again */
    msio_table *t = NULL;
    assert_int_equal(msio_table_open(table, NULL, &t), MSIO_OK);
    assert_int_equal(msio_table_close(t), MSIO_OK);
}

static void a_damaged_subtable_is_refused_or_read(void **state) {
    static const char *const subtables[] = {"ANTENNA", "SPECTRAL_WINDOW", "FEED"};
    (void)state;
    for (size_t i = 0; i < sizeof subtables / sizeof *subtables; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/%s.ms/%s", folder, i % 2 ? "big" : "little", subtables[i]);
        damage_table(path, PLACES_SMALL);
    }
}

static void a_damaged_main_table_is_refused_or_read(void **state) {
    (void)state;
    char path[160];
    snprintf(path, sizeof path, "%s/little.ms", folder);
    damage_table(path, PLACES_LARGE);
}

static void a_cut_tile_file_is_named_with_both_sizes(void **state) {
    char path[160], file[512] = "";
    (void)state;
    snprintf(path, sizeof path, "%s/big.ms", folder);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (strstr(e->d_name, "_TSM1")) snprintf(file, sizeof file, "%s/%s", path, e->d_name);
    closedir(d);
    image m = load(file);
    const size_t left = 40; /* the first cell of any column ends behind it */
    store(file, m.bytes, left);
    msio_table *t = NULL;
    assert_int_equal(msio_table_open(path, NULL, &t), MSIO_OK);
    msio_table_info info;
    msio_table_describe(t, &info);
    int refused = 0;
    for (int i = 0; i < info.columns; i++) {
        const msio_column *column;
        msio_array array;
        assert_int_equal(msio_table_column(t, msio_table_column_name(t, i), &column), MSIO_OK);
        msio_status status = msio_read_new(column, NULL, &array, NULL);
        if (status == MSIO_OK) msio_array_free(&array);
        if (status != MSIO_E_FORMAT) continue;
        char expected[32];
        snprintf(expected, sizeof expected, "has %zu bytes", left);
        assert_non_null(strstr(msio_last_error()->message, expected));
        assert_string_equal(msio_last_error()->path, file);
        refused++;
    }
    assert_true(refused > 0);
    msio_table_close(t);
    store(file, m.bytes, m.length);
    free(m.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_damaged_subtable_is_refused_or_read),
        cmocka_unit_test(a_damaged_main_table_is_refused_or_read),
        cmocka_unit_test(a_cut_tile_file_is_named_with_both_sizes),
    };
    return cmocka_run_group_tests(tests, make_tables, remove_tables);
}
