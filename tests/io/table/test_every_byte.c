/* test_every_byte.c - tiny tables with every byte of their headers and indices damaged: always a status.
 *
 * The tables are those of tests/fuzz/corpus, which casacore made. Opening, describing and reading all columns must
 * return, within bounded time and memory, whatever the bytes are; sanitizers watch over the rest. */
#include "tests/fuzz/read_everything.h"
#include "tests/fuzz/table_pack.h"
#include "tests/sanitized.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>

#include <cmocka.h>

#define SECONDS_A_CASE 120
#define MOST_RESIDENT_KB (1500L * 1024) /* a sanitizer's own memory included */

#ifdef ADDRESS_SANITIZED
/* In place of a limit on the address space, which the sanitizer itself would exceed. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1:max_allocation_size_mb=1024"; }
#endif

static char folder[64], table[80], now_tried[PATH_MAX + 64];

/* Which case it was that did not return. */
static void too_long(int signal_number) {
    (void)signal_number;
    static const char words[] = "no return from: ";
    if (write(2, words, sizeof words - 1) < 0 || write(2, now_tried, strlen(now_tried)) < 0 || write(2, "\n", 1) < 0)
        _exit(2);
    _exit(1);
}

static int start(void **state) {
    (void)state;
    signal(SIGALRM, too_long);
    msio_pool_set_limit((size_t)8 << 20);
#ifndef ADDRESS_SANITIZED
    setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)4 << 30, (rlim_t)4 << 30});
#endif
    return 0;
}

static int check_memory(void **state) {
    struct rusage usage;
    (void)state;
    getrusage(RUSAGE_SELF, &usage);
    if (usage.ru_maxrss <= MOST_RESIDENT_KB) return 0;
    fprintf(stderr, "%ld KiB were resident\n", usage.ru_maxrss);
    return -1;
}

/* ---------------------------------------------------------------- one case */

static msio_open_opts native_only(void) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.native = MSIO_NATIVE_YES;
    opts.lock_seconds = 0;
    return opts;
}

static void read_damaged(const char *what, const char *name, size_t at, everything *e) {
    msio_open_opts opts = native_only();
    snprintf(now_tried, sizeof now_tried, "%s at byte %zu of %s in %s", what, at, name, table);
    alarm(SECONDS_A_CASE);
    read_everything(table, &opts, at & 1 ? MSIO_WAY_MAPPED : MSIO_WAY_SCRATCH, e);
    alarm(0);
}

typedef struct victim {
    char path[PATH_MAX];
    const pack_entry *entry;
    uint8_t *copy; /* of its bytes */
    int fd;
} victim;

static void put(const victim *v, const void *bytes, size_t length, size_t at) {
    assert_int_equal(pwrite(v->fd, bytes, length, (off_t)at), (ssize_t)length);
}

/* Damages `length` bytes, reads, and repairs. */
static void try_bytes(const victim *v, const char *what, size_t at, const void *bytes, size_t length) {
    everything e;
    if (length > v->entry->length - at) length = v->entry->length - at;
    put(v, bytes, length, at);
    read_damaged(what, v->entry->name, at, &e);
    put(v, v->entry->bytes + at, length, at);
}

/* Ever more damage is done where MSIO_TEST_LONG is set. */
static bool thorough(void) { return getenv("MSIO_TEST_LONG") != NULL; }

/* Without a sanitizer, which would see more, a third of the places; each third has bytes of all parities. */
static size_t stride(void) {
#ifdef ADDRESS_SANITIZED
    return 1;
#else
    return thorough() ? 1 : 3;
#endif
}

static void flip_every_byte(const victim *v) {
    for (size_t at = 0; at < v->entry->length; at += stride()) {
        uint8_t all = (uint8_t)~v->entry->bytes[at], one = (uint8_t)(v->entry->bytes[at] ^ (1u << (at % 8)));
        if (thorough() || at % 2) try_bytes(v, "all bits flipped", at, &all, 1);
        if (thorough() || at % 2 == 0) try_bytes(v, "one bit flipped", at, &one, 1);
    }
}

static void cut_at_every_length(const victim *v) {
    everything e;
    for (size_t length = 0; length < v->entry->length; length += stride()) {
        assert_int_equal(ftruncate(v->fd, (off_t)length), 0);
        read_damaged("cut", v->entry->name, length, &e);
        put(v, v->entry->bytes + length, v->entry->length - length, length);
    }
}

/* Counts of 2^31 and 2^63 and their neighbours, in the byte order of the file, wherever a count may be. */
static void enlarge_counts(const victim *v, bool big, size_t step) {
    static const uint64_t counts[] = {UINT64_C(1) << 31, UINT64_C(1) << 63, INT32_MAX, INT64_MAX};
    static const size_t bytes[] = {4, 8, 4, 8};
    int kinds = thorough() ? 4 : 2;
    for (size_t at = 0; at < v->entry->length; at += step * stride())
        for (int i = 0; i < kinds; i++) {
            uint8_t stored[8];
            for (size_t k = 0; k < bytes[i]; k++) stored[k] = (uint8_t)(counts[i] >> 8 * (big ? bytes[i] - 1 - k : k));
            try_bytes(v, "a huge count", at, stored, bytes[i]);
        }
}

/* AipsIO is big-endian, and strings leave nothing aligned. */
static void enlarge_every_count(const victim *v) { enlarge_counts(v, true, 1); }

/* A main file of little-endian buckets. */
static void enlarge_every_little_count(const victim *v) { enlarge_counts(v, false, 1); }

/* Indices that point at their neighbours, or at themselves. */
static void make_cycles(const victim *v, bool big) {
    for (size_t at = 0; at + 4 <= v->entry->length; at += 4 * stride())
        for (uint8_t to = 0; to < 4; to++) {
            uint8_t number[4] = {0};
            number[big ? 3 : 0] = to;
            try_bytes(v, "a small number", at, number, 4);
        }
}

static void make_big_cycles(const victim *v) { make_cycles(v, true); }
static void make_little_cycles(const victim *v) { make_cycles(v, false); }

/* ---------------------------------------------------------------- one table */

typedef void (*damage)(const victim *v);

static bool is_data(const char *name) { return strstr(name, "_TSM") || strstr(name, "table.info"); }

/* Does the damage to each file of the packed table whose name has `part` in it, and to no data. */
static void damage_table(const char *pack_name, const char *part, damage damage_file) {
    char corpus_name[64];
    size_t size = 0, at = 0;
    everything sound, after;
    pack_entry entry;
    msio_open_opts opts = native_only();
    snprintf(corpus_name, sizeof corpus_name, "table/%s", pack_name);
    uint8_t *pack = pack_load(corpus_name, &size);
    assert_non_null(pack);
    assert_true(pack_make_folder(folder));
    snprintf(table, sizeof table, "%s/t", folder);
    pack_unpack(pack, size, folder);
    assert_int_equal(read_everything(table, &opts, MSIO_WAY_AUTO, &sound), MSIO_OK);
    assert_true(sound.reads > 0);
    while (pack_next(pack, size, &at, &entry)) {
        victim v = {.entry = &entry};
        if (is_data(entry.name) || !strstr(entry.name, part)) continue;
        snprintf(v.path, sizeof v.path, "%s/%s", folder, entry.name);
        assert_true((v.fd = open(v.path, O_RDWR | O_CLOEXEC)) >= 0);
        damage_file(&v);
        close(v.fd);
    }
    assert_int_equal(read_everything(table, &opts, MSIO_WAY_AUTO, &after), MSIO_OK);
    assert_true(after.hash == sound.hash); /* what was damaged was repaired */
    pack_remove(folder);
    free(pack);
}

/* ---------------------------------------------------------------- the tables */

typedef struct target {
    const char *pack, *part;
} target;

/* What has a part of a header or an index that the others lack. */
static const target small[] = {{"few_big", "table."},         {"incremental_little", "table.f"},
                               {"tiled_column", "table."},    {"tiled_shape", "table.f1"},
                               {"tiled_shape", "table.lock"}, {"tiled_cell", "table.f0"},
                               {"tiled_data_1", "table.f2"},  {"reference", "t/table.dat"},
                               {"concatenated", "t/table."},  {"keywords", "t/table.dat"}};
static const target large[] = {
    {"few_little", "table."}, {"incremental_big", "table."}, {"standard_little", "table."}, {"standard_big", "table.f"},
    {"tiled_cell", "table."}, {"tiled_shape", "table."},     {"tiled_data_0", "table.f1"},  {"tiled_data_1", "table.f"},
    {"keywords", "table."},   {"tiled_data_0", "table.dat"}, {"reference", "table."},       {"concatenated", "table."}};

static void do_to_all(damage damage_file) {
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) damage_table(small[i].pack, small[i].part, damage_file);
    for (size_t i = 0; thorough() && i < sizeof large / sizeof *large; i++)
        damage_table(large[i].pack, large[i].part, damage_file);
}

static void every_byte_may_be_flipped(void **state) {
    (void)state;
    do_to_all(flip_every_byte);
}

static void every_file_may_be_cut_anywhere(void **state) {
    (void)state;
    do_to_all(cut_at_every_length);
}

static void every_count_may_be_huge(void **state) {
    (void)state;
    do_to_all(enlarge_every_count);
    damage_table("incremental_little", "table.f", enlarge_every_little_count);
    if (thorough()) damage_table("standard_little", "table.f", enlarge_every_little_count);
}

static void every_index_may_run_in_cycles(void **state) {
    (void)state;
    damage_table("few_big", "table.f", make_big_cycles);
    damage_table("few_little", "table.f", make_little_cycles);
    damage_table("incremental_big", "table.f", make_big_cycles);
    damage_table("tiled_cell", "table.f0", make_big_cycles);
    if (!thorough()) return;
    damage_table("standard_little", "table.f", make_little_cycles);
    damage_table("standard_big", "table.f", make_big_cycles);
    damage_table("tiled_data_0", "table.f10", make_big_cycles);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_may_be_flipped),
        cmocka_unit_test(every_file_may_be_cut_anywhere),
        cmocka_unit_test(every_count_may_be_huge),
        cmocka_unit_test(every_index_may_run_in_cycles),
    };
    return cmocka_run_group_tests(tests, start, check_memory);
}
