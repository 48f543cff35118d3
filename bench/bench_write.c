/* bench_write.c - a worker of the benchmarks of writing: msio and the write roofline, one repetition a request.
 *
 * Reads lines "WORK VARIANT THREADS CHECK" and answers each with one line of JSON: seconds, bytes of the caller's, a
 * checksum of them where CHECK is not 0, and where it is 2 by how much the process's memory rose at the most while it
 * wrote: its own, without pages of files, looked at every millisecond. A work "read" reads
 * what the named COLUMN holds (as VARIANT, or COLUMN:channels, COLUMN:row), so that what others wrote can be checked.
 * The table is opened for each request before the clock starts. Values are this worker's own: what stood there before
 * is another writer's. Public API only. */
#include "bench_raw.h"
#include "bench_warm.h"

#include "msio/core.h"
#include "msio/io.h"
#include "msio/write.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHANNEL 12
#define CHANNELS 12
#define MOST_COLUMNS 3
#define SHIFTS 8
#define SHIFT 64 /* bytes */

enum { PUT, FILL, COPY };

typedef struct work {
    const char *name;
    int columns;
    const char *column[MOST_COLUMNS];
    int how;
    int channels; /* 1: 12 of 48 */
    int cell;     /* 1: one row of the middle */
    int fresh;    /* 1: cells that were never written */
} work;

static const work works[] = {
    {"write-data", 1, {"DATA"}, PUT, 0, 0, 0},
    {"write-model", 1, {"MODEL_DATA"}, PUT, 0, 0, 1},
    {"write-zeros-new", 1, {"MODEL_DATA"}, FILL, 0, 0, 1},
    {"write-zeros", 1, {"DATA"}, FILL, 0, 0, 0},
    {"write-flag", 1, {"FLAG"}, PUT, 0, 0, 0},
    {"write-flag-channels", 1, {"FLAG"}, PUT, 1, 0, 0},
    {"write-channels", 1, {"DATA"}, PUT, 1, 0, 0},
    {"write-copy", 1, {"CORRECTED_DATA"}, COPY, 0, 0, 0},
    {"write-antenna1", 1, {"ANTENNA1"}, PUT, 0, 0, 0},
    {"write-antenna1-cell", 1, {"ANTENNA1"}, PUT, 0, 1, 0},
    {"write-three", 3, {"DATA", "FLAG", "WEIGHT_SPECTRUM"}, PUT, 0, 0, 0},
};

static const char *path;
static const char *buffer_of[MOST_COLUMNS]; /* the column whose values it holds */
static uint8_t *found;                      /* what is read back */
static size_t found_bytes;

/* ---------------------------------------------------------------- values and memory */

static void fill(uint8_t *to, size_t bytes, int truths) {
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t word = (i + 1) * 0x9E3779B97F4A7C15u;
        if (truths) word = (word >> 7) & 0x0101010101010101u;
        memcpy(to + i, &word, sizeof word);
    }
    for (size_t i = bytes / 8 * 8; i < bytes; i++) to[i] = 1;
}

/* Warm memory of so many bytes; named: holds values of that column. */
static uint8_t *warm(int i, size_t bytes, const char *named, int truths) {
    if (grow_buffer(i, bytes)) {
        memset(buffer[i], 1, bytes);
        buffer_of[i] = NULL;
    }
    if (named && buffer_of[i] != named) fill(buffer[i], bytes, truths);
    buffer_of[i] = named;
    return buffer[i];
}

static long status_line(const char *name) {
    char line[256];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0) kib = strtol(line + strlen(name), NULL, 10);
    if (f) fclose(f);
    return kib;
}

/* Looks at the process's own memory until it is told to stop. */
typedef struct watch {
    pthread_t thread;
    int stop;
    long before, most; /* KiB */
} watch;

static void *look(void *user) {
    watch *w = user;
    while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
        long now = status_line("RssAnon:");
        if (now > w->most) w->most = now;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return NULL;
}

/* What the pool keeps is not counted as there before. */
static void watch_begin(watch *w) {
    msio_pool_set_limit(0);
    msio_pool_set_limit((size_t)4 << 30);
    w->before = w->most = status_line("RssAnon:");
    if (pthread_create(&w->thread, NULL, look, w)) die("watch");
}

static long watch_end(watch *w) {
    __atomic_store_n(&w->stop, 1, __ATOMIC_RELAXED);
    pthread_join(w->thread, NULL);
    return w->most - w->before;
}

/* ---------------------------------------------------------------- one repetition */

typedef struct result {
    double seconds;
    size_t bytes;
    uint64_t sum;
    long peak; /* KiB; -1: not looked at */
} result;

static msio_table *open_table(int writable) {
    msio_open_opts o = MSIO_OPEN_OPTS_INIT;
    msio_table *table = NULL;
    o.writable = writable;
    if (msio_table_open(path, &o, &table)) die("open");
    return table;
}

static msio_select selection(const msio_table *table, int channels, int cell) {
    msio_select s = MSIO_SELECT_ALL;
    if (channels) {
        s.chan = CHANNEL;
        s.chans = CHANNELS;
    }
    if (cell) {
        s.row = msio_table_rows(table) / 2;
        s.rows = 1;
    }
    return s;
}

static const msio_column *column_of(msio_table *table, const char *name) {
    const msio_column *column;
    if (msio_table_column(table, name, &column)) die(name);
    return column;
}

/* Bytes of the selection; of cells that were never written as of DATA's. */
static size_t bytes_of(msio_table *table, const work *w, int i, const msio_select *s) {
    size_t bytes;
    const msio_column *like = column_of(table, w->fresh ? "DATA" : w->column[i]);
    if (msio_read_shape(like, s, NULL, NULL, &bytes)) die(w->name);
    return bytes;
}

static void shape_as_data(msio_table *table, msio_write_opts *o) {
    int64_t shape[MSIO_MAX_NDIM + 1];
    msio_select one = MSIO_SELECT_ALL;
    int ndim;
    size_t bytes;
    one.rows = 1;
    if (msio_read_shape(column_of(table, "DATA"), &one, &ndim, shape, &bytes)) die("shape");
    o->cell_ndim = ndim - 1;
    memcpy(o->cell_shape, shape + 1, (size_t)(ndim - 1) * sizeof *shape);
}

static msio_status call(const work *w, const msio_column **column, const msio_select *s, const void **ins,
                        const size_t *sizes, const msio_write_opts *o) {
    static const double zero[2] = {0, 0};
    switch (w->how) {
    case FILL: return msio_write_value(column[0], s, zero, 8, o);
    case COPY: return msio_column_copy(column[1], column[0], s, o);
    default:
        return w->columns == 1 ? msio_write(column[0], s, ins[0], sizes[0], o)
                               : msio_write_many(w->columns, column, s, ins, sizes, o);
    }
}

static result put(const work *w, const msio_write_opts *opts, int check) {
    result r = {.peak = -1};
    const msio_column *column[MOST_COLUMNS + 1] = {NULL};
    const void *ins[MOST_COLUMNS] = {NULL};
    size_t sizes[MOST_COLUMNS] = {0};
    msio_write_opts o = *opts;
    msio_table *table = open_table(1);
    msio_select s = selection(table, w->channels, w->cell);
    static int calls;
    const size_t shift = (size_t)(1 + ++calls % (SHIFTS - 1)); /* as raw and the call before did not */
    for (int i = 0; i < w->columns; i++) {
        column[i] = column_of(table, w->column[i]);
        sizes[i] = bytes_of(table, w, i, &s);
        r.bytes += sizes[i];
        if (w->how == PUT)
            ins[i] =
                warm(i, sizes[i] + SHIFTS * SHIFT, w->column[i], strcmp(w->column[i], "FLAG") == 0) + SHIFT * shift;
        if (check && w->how == PUT) r.sum += bench_checksum(ins[i], sizes[i]);
    }
    if (w->how == COPY) column[1] = column_of(table, "DATA");
    if (w->fresh) shape_as_data(table, &o);
    watch memory = {.stop = 0};
    if (check == 2) watch_begin(&memory);
    double t = bench_now();
    if (call(w, column, &s, ins, sizes, &o)) die(w->name);
    r.seconds = bench_now() - t;
    if (check == 2) r.peak = watch_end(&memory);
    msio_table_close(table);
    return r;
}

static result add_imaging_columns(void) {
    msio_columns_opts o = MSIO_COLUMNS_OPTS_INIT;
    result r = {.peak = -1};
    double t = bench_now();
    if (msio_imaging_columns_add(path, &o, NULL)) die("imaging columns");
    r.seconds = bench_now() - t;
    return r;
}

/* What a column holds; COLUMN, COLUMN:channels or COLUMN:row. */
static result read_back(const char *what) {
    char name[64];
    size_t length = strcspn(what, ":");
    snprintf(name, sizeof name, "%.*s", (int)length, what);
    msio_table *table = open_table(0);
    msio_select s = selection(table, strcmp(what + length, ":channels") == 0, strcmp(what + length, ":row") == 0);
    result r = {.peak = -1};
    const msio_column *column = column_of(table, name);
    if (msio_read_shape(column, &s, NULL, NULL, &r.bytes)) die(name);
    if (r.bytes > found_bytes) {
        msio_pool_give(found);
        found = msio_pool_take(r.bytes);
        found_bytes = r.bytes;
    }
    if (!found || msio_read(column, &s, found, r.bytes, NULL)) die(name);
    r.sum = bench_checksum(found, r.bytes);
    msio_table_close(table);
    return r;
}

/* ---------------------------------------------------------------- roofline */

/* The stretch of the file in which a column lies. */
static bench_extent extent_of(msio_table *table, const char *name, msio_plan **plan) {
    msio_plan_piece piece;
    if (msio_plan_make(column_of(table, name), NULL, plan) || msio_plan_piece_at(*plan, 0, &piece)) die(name);
    return (bench_extent){piece.file, piece.offset, msio_plan_describe(*plan)->bytes_stored};
}

/* Part of every cell of DATA, through a mapping. */
static result mapped_cells(const work *w, int threads) {
    result r = {.peak = -1};
    msio_plan *plan;
    msio_table *table = open_table(0);
    const bench_extent extent = extent_of(table, w->column[0], &plan);
    msio_select all = MSIO_SELECT_ALL, part = selection(table, 1, 0);
    r.bytes = bytes_of(table, w, 0, &part);
    all.rows = part.rows = 1;
    const int64_t cell = (int64_t)bytes_of(table, w, 0, &all), run = (int64_t)bytes_of(table, w, 0, &part);
    const bench_part cells = {cell, run / CHANNELS * CHANNEL, run};
    const uint8_t *from = warm(0, (size_t)(extent.bytes / cell * run), "raw", 0);
    r.seconds = bench_raw_write_mapped_cells(&extent, &cells, from, threads);
    msio_plan_free(plan);
    msio_table_close(table);
    return r;
}

/* block: "raw-256K", ... */
static int64_t block_of(const char *variant) {
    const char *size = strchr(variant, '-');
    if (!size) return 1 << 20;
    return strtoll(size + 1, NULL, 10) << (strchr(size, 'M') ? 20 : 10);
}

/* The files' bytes, from warm memory into their places; and one pass of packing where FLAG is among them. */
static result raw(const work *w, const char *variant, int threads) {
    bench_extent extent[MOST_COLUMNS];
    msio_plan *plan[MOST_COLUMNS] = {NULL};
    int64_t total = 0;
    result r = {.peak = -1};
    msio_table *table = open_table(0);
    for (int i = 0; i < w->columns; i++) {
        msio_select all = MSIO_SELECT_ALL;
        extent[i] = extent_of(table, w->fresh ? "DATA" : w->column[i], &plan[i]);
        r.bytes += bytes_of(table, w, i, &all);
        total += extent[i].bytes;
    }
    uint8_t *from = warm(0, (size_t)total, "raw", 0);
    if (w->fresh) {
        char name[4096];
        snprintf(name, sizeof name, "%s/bench_new_file", path);
        r.seconds = bench_raw_write_new(name, total, block_of(variant), from, threads);
    } else if (strcmp(variant, "mapped") == 0) {
        r.seconds = bench_raw_write_mapped(extent, from, threads);
    } else {
        r.seconds = bench_raw_write(w->columns, extent, block_of(variant), from, threads);
    }
    for (int i = 0; i < w->columns; i++) {
        msio_plan_free(plan[i]);
        if (strcmp(w->column[i], "FLAG") != 0) continue;
        size_t flags = (size_t)extent[i].bytes * 8;
        uint8_t *bytes = warm(1, flags, "FLAG", 1), *bits = warm(2, flags / 8, "bits", 0);
        r.seconds += bench_raw_pack(bytes, flags, bits, threads);
    }
    msio_table_close(table);
    return r;
}

/* ---------------------------------------------------------------- requests */

static result answer(const char *name, const char *variant, int threads, int check) {
    msio_write_opts o = MSIO_WRITE_OPTS_INIT;
    o.threads = threads;
    o.atomic = strcmp(variant, "atomic") == 0;
    o.sync = strcmp(variant, "sync") == 0;
    o.unguarded = strcmp(variant, "unguarded") == 0;
    o.allocate = strcmp(variant, "allocate") == 0;
    if (strcmp(variant, "calls") == 0) o.store = MSIO_STORE_CALLS;
    if (strcmp(variant, "maps") == 0) o.store = MSIO_STORE_MAPPED;
    if (strcmp(variant, "unguarded-maps") == 0) o.unguarded = 1, o.store = MSIO_STORE_MAPPED;
    if (strcmp(name, "read") == 0) return read_back(variant);
    if (strcmp(name, "write-imaging") == 0) return add_imaging_columns();
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        if (strcmp(works[i].name, name) != 0) continue;
        const int mapped = strcmp(variant, "mapped") == 0, is_raw = strncmp(variant, "raw", 3) == 0 || mapped;
        if (mapped && works[i].channels) return mapped_cells(&works[i], threads);
        return is_raw ? raw(&works[i], variant, threads) : put(&works[i], &o, check);
    }
    return (result){.seconds = -1, .peak = -1};
}

int main(int argc, char **argv) {
    char line[256], name[64], variant[64];
    int threads, check;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_write MS < requests\n");
        return 2;
    }
    path = argv[1];
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%63s %63s %d %d", name, variant, &threads, &check) != 4) continue;
        result r = answer(name, variant, threads, check);
        printf("{\"seconds\": %.9g, \"bytes\": %zu, \"checksum\": %llu, \"peak_kib\": %ld}\n", r.seconds, r.bytes,
               (unsigned long long)r.sum, r.peak);
        fflush(stdout);
    }
    give_buffers();
    msio_pool_give(found);
    return 0;
}
