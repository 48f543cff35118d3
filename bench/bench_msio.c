/* bench_msio.c - a worker of the benchmarks: msio and the roofline, one repetition a request.
 *
 * Reads lines "WORK VARIANT THREADS CHECK" and answers each with one line of JSON: seconds, bytes, and a checksum of
 * the result where CHECK is 1. Tables stay open and buffers stay warm in between; "close - 0 0" closes the table, and
 * "allocations - 0 0" tells how many there were, where bench_allocations.so is preloaded. Public API only. */
#include "bench_caches.h"
#include "bench_lines.h"
#include "bench_raw.h"
#include "bench_warm.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RANDOM_ROWS 10000

typedef struct work {
    const char *name;
    int columns;
    const char *column[3];
    int64_t rows_of, row_step, random, chan, chans; /* rows_of: 1/n of the rows, from the middle */
} work;

static const work works[] = {
    {"data", 1, {"DATA"}, 1, 1, 0, 0, -1},
    {"data-flag-weight", 3, {"DATA", "FLAG", "WEIGHT_SPECTRUM"}, 1, 1, 0, 0, -1},
    {"spw-rows", 1, {"DATA"}, 16, 1, 0, 0, -1},
    {"channels", 1, {"DATA"}, 1, 1, 0, 12, 12},
    {"wide-channels", 1, {"DATA"}, 1, 1, 0, 96, 48},
    {"stride", 1, {"DATA"}, 1, 178, 0, 0, -1},
    {"random", 1, {"DATA"}, 1, 1, 1, 0, -1},
    {"flag", 1, {"FLAG"}, 1, 1, 0, 0, -1},
    {"uvw", 1, {"UVW"}, 1, 1, 0, 0, -1},
    {"time", 1, {"TIME"}, 1, 1, 0, 0, -1},
    {"antenna1", 1, {"ANTENNA1"}, 1, 1, 0, 0, -1},
    {"cold", 1, {"DATA"}, 1, 1, 0, 0, -1},
};

static const char *path;
static msio_table *table;
static int check; /* 1: this try is for the checksum, not for its time */

/* Warm memory of at least so many bytes. */
static uint8_t *warm(int i, size_t bytes) {
    if (grow_buffer(i, bytes)) memset(buffer[i], 1, bytes);
    return buffer[i];
}

static msio_select select_for(const work *w, int64_t *list) {
    msio_select s = MSIO_SELECT_ALL;
    int64_t rows = msio_table_rows(table);
    if (w->rows_of > 1) {
        s.rows = rows / w->rows_of;
        s.row = s.rows * (w->rows_of / 2);
    }
    s.row_step = w->row_step;
    s.chan = w->chan;
    s.chans = w->chans;
    if (w->random) { /* the same rows for every reader: a linear congruence */
        uint64_t x = 12345;
        for (int i = 0; i < RANDOM_ROWS; i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            list[i] = (int64_t)((x >> 33) % (uint64_t)rows);
        }
        s.row_list = list;
        s.rows_in_list = RANDOM_ROWS;
    }
    return s;
}

/* ---------------------------------------------------------------- roofline */

/* The stored bytes of a plan lie in one stretch of its first piece's file, from that piece on; sparse ones reach
 * further, and stand for as many bytes of the same file. Seconds, or -1 where there is nothing to read. */
static double raw_read(const msio_plan *plan, int64_t block, uint8_t *out, int threads) {
    int64_t bytes = msio_plan_describe(plan)->bytes_stored;
    msio_plan_piece piece;
    struct stat status;
    if (msio_plan_describe(plan)->pieces == 0 || msio_plan_piece_at(plan, 0, &piece) || stat(piece.file, &status))
        return -1;
    bench_extent extent = {piece.file, piece.offset, bytes};
    if (extent.offset + bytes > status.st_size) extent.offset = status.st_size - bytes;
    return extent.offset < 0 ? -1 : bench_raw_read(1, &extent, block, out, threads);
}

/* Raw reads of the stored bytes in the best block size; and, where the file's order is not memory's, one copy. */
static double roofline(const work *w, const msio_select *s, int threads, size_t *bytes) {
    double seconds = 0;
    *bytes = 0;
    for (int i = 0; i < w->columns; i++) {
        const msio_column *column;
        msio_plan *plan = NULL;
        if (msio_table_column(table, w->column[i], &column) || msio_plan_make(column, s, &plan)) die("roofline");
        msio_plan_info info = *msio_plan_describe(plan);
        /* in memory's order: whole cells as stored, rows one after the other */
        int straight = info.bytes_stored == info.bytes_wanted && s->chans < 0 && !s->row_list && s->row_step == 1;
        uint8_t *out = warm(i, (size_t)info.bytes_wanted);
        double best = 1e9;
        for (int64_t block = 256 << 10; block <= 1 << 20; block *= 2) {
            double t = raw_read(plan, block, straight ? out : NULL, threads);
            if (t >= 0 && t < best) best = t;
        }
        msio_plan_free(plan);
        if (best > 1e8) return -1;
        seconds += best;
        *bytes += (size_t)info.bytes_wanted;
        if (straight) continue;
        seconds += bench_raw_copy(out, (size_t)info.bytes_wanted, threads);
    }
    return seconds;
}

/* The cache lines of the answer, loaded and no more. */
static double lines(const work *w, const msio_select *s, size_t *bytes) {
    const msio_column *column;
    msio_plan *plan = NULL;
    if (msio_table_column(table, w->column[0], &column) || msio_plan_make(column, s, &plan)) die("lines");
    double seconds = bench_lines(plan);
    *bytes = (size_t)msio_plan_describe(plan)->bytes_wanted;
    msio_plan_free(plan);
    return seconds;
}

/* 16 reads of 1 MiB in flight. */
static double raw_cold(size_t *bytes) {
    const msio_column *column;
    msio_plan *plan = NULL;
    if (msio_table_column(table, "DATA", &column) || msio_read_shape(column, NULL, NULL, NULL, bytes) ||
        msio_plan_make(column, NULL, &plan))
        die("cold");
    double seconds = raw_read(plan, 1 << 20, warm(0, *bytes), 16);
    msio_plan_free(plan);
    return seconds;
}

/* ---------------------------------------------------------------- msio */

static double read_warm(const work *w, const msio_select *s, const msio_read_opts *o, size_t *bytes, uint64_t *sum) {
    const msio_column *column[3];
    size_t sizes[3];
    void *outs[3];
    *bytes = 0;
    for (int i = 0; i < w->columns; i++) {
        if (msio_table_column(table, w->column[i], &column[i]) || msio_read_shape(column[i], s, NULL, NULL, &sizes[i]))
            die(w->name);
        outs[i] = warm(i, sizes[i]);
        *bytes += sizes[i];
        if (check) memset(outs[i], 0x5a, sizes[i]); /* what stood there is not to be taken for the answer */
    }
    double t = bench_now();
    if (w->columns == 1 ? msio_read(column[0], s, outs[0], sizes[0], o)
                        : msio_read_many(w->columns, column, s, outs, sizes, o))
        die(w->name);
    t = bench_now() - t;
    for (int i = 0; check && i < w->columns; i++) *sum += bench_checksum(outs[i], sizes[i]);
    return t;
}

static double read_new(const work *w, const msio_select *s, const msio_read_opts *o, int pool, size_t *bytes,
                       uint64_t *sum) {
    const msio_column *column;
    msio_array array;
    if (msio_table_column(table, w->column[0], &column)) die(w->name);
    msio_pool_set_limit(0); /* empties it */
    if (pool) {             /* and a read before this one filled it */
        msio_pool_set_limit((size_t)4 << 30);
        if (msio_read_new(column, s, &array, o)) die(w->name);
        msio_array_free(&array);
    }
    double t = bench_now();
    if (msio_read_new(column, s, &array, o)) die(w->name);
    t = bench_now() - t;
    *bytes = array.bytes;
    if (check) *sum = bench_checksum(array.data, array.bytes);
    msio_array_free(&array);
    return t;
}

/* Into memory of the caller's own that was never touched. */
static double read_own(const work *w, const msio_select *s, const msio_read_opts *o, size_t *bytes, uint64_t *sum) {
    const msio_column *column;
    msio_array shape;
    if (msio_table_column(table, w->column[0], &column) || msio_read_new(column, s, &shape, o)) die(w->name);
    *bytes = shape.bytes;
    msio_array_free(&shape);
    void *own = malloc(*bytes); /* so large that malloc maps it */
    if (!own) die("malloc");
    double t = bench_now();
    if (msio_read(column, s, own, *bytes, o)) die(w->name);
    t = bench_now() - t;
    if (check) *sum = bench_checksum(own, *bytes);
    free(own);
    return t;
}

static double open_tables(int all) {
    msio_table *t = NULL, *sub = NULL;
    double start = bench_now();
    if (msio_table_open(path, NULL, &t)) die("open");
    for (int i = 0; all && i < msio_table_subtables(t); i++) {
        if (msio_table_open(msio_table_subtable_path(t, i), NULL, &sub)) die("open");
        msio_table_close(sub);
    }
    msio_table_close(t);
    return bench_now() - start;
}

/* Allocations so far, where the counting library is preloaded; else 0. */
static size_t allocations(void) {
    size_t (*count)(void) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "bench_allocations");
    memcpy(&count, &found, sizeof count);
    return count ? count() : 0;
}

static void answer(const char *name, const char *variant, int threads) {
    static int64_t list[RANDOM_ROWS];
    msio_read_opts o = MSIO_READ_OPTS_INIT;
    size_t bytes = 0;
    uint64_t sum = 0;
    double seconds = -1;
    o.threads = threads;
    if (strcmp(variant, "direct") == 0) o.way = MSIO_WAY_DIRECT;
    if (strcmp(variant, "mapped") == 0) o.way = MSIO_WAY_MAPPED;
    if (strcmp(name, "allocations") == 0)
        bytes = allocations();
    else if (strcmp(name, "open") == 0 || strcmp(name, "open-all") == 0)
        seconds = open_tables(name[4] != 0);
    else if (strncmp(name, "cell", 4) == 0)
        seconds = bench_cells(table, name, variant, &bytes);
    else if (strcmp(name, "metadata") == 0)
        seconds = bench_metadata(path, variant);
    else if (strcmp(name, "flag-fraction") == 0)
        seconds = bench_flags(path, variant, threads, &bytes);
    else if (strcmp(name, "cold") == 0 && strcmp(variant, "raw16") == 0)
        seconds = raw_cold(&bytes);
    else
        for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
            const work *w = &works[i];
            if (strcmp(w->name, name) != 0) continue;
            msio_select s = select_for(w, list);
            if (strcmp(variant, "roofline") == 0)
                seconds = roofline(w, &s, threads ? threads : 2, &bytes);
            else if (strcmp(variant, "lines") == 0)
                seconds = lines(w, &s, &bytes);
            else if (strcmp(variant, "new") == 0 || strcmp(variant, "pool") == 0)
                seconds = read_new(w, &s, &o, variant[0] == 'p', &bytes, &sum);
            else if (strcmp(variant, "own") == 0)
                seconds = read_own(w, &s, &o, &bytes, &sum);
            else if (strcmp(variant, "warm") == 0 || strcmp(variant, "direct") == 0)
                seconds = read_warm(w, &s, &o, &bytes, &sum);
        }
    printf("{\"seconds\": %.9g, \"bytes\": %zu, \"checksum\": %llu}\n", seconds, bytes, (unsigned long long)sum);
    fflush(stdout);
}

/* The caches open their own; and the first question in a process is to be the first. */
static int needs_table(const char *name) {
    return strcmp(name, "allocations") != 0 && strcmp(name, "metadata") != 0 && strcmp(name, "flag-fraction") != 0;
}

int main(int argc, char **argv) {
    char line[256], name[64], variant[64];
    int threads;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_msio MS < requests\n");
        return 2;
    }
    path = argv[1];
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%63s %63s %d %d", name, variant, &threads, &check) != 4) continue;
        int closing = strcmp(name, "close") == 0 || strncmp(name, "open", 4) == 0;
        if (closing) { /* its mapped files too: they would keep the page cache from being dropped */
            msio_table_close(table);
            table = NULL;
        } else if (!table && needs_table(name) && msio_table_open(path, NULL, &table)) {
            die("open");
        }
        answer(name, variant, threads);
    }
    give_buffers();
    msio_table_close(table);
    return 0;
}
