/* bench_msio.c - a worker of the benchmarks: msio and the roofline, one repetition a request.
 *
 * Reads lines "WORK VARIANT THREADS" and answers each with one line of JSON: seconds, bytes, and a checksum of the
 * result. Tables stay open and buffers stay warm in between. Public API only. */
#include <msio/msio.h>

#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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
static uint8_t *buffer[3];
static size_t buffer_bytes[3];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "bench_msio: %s: %s (%s)\n", what, msio_last_error()->message, msio_last_error()->path);
    exit(1);
}

/* Warm memory of at least so many bytes. */
static uint8_t *warm(int i, size_t bytes) {
    if (buffer_bytes[i] < bytes) {
        msio_pool_give(buffer[i]);
        buffer[i] = msio_pool_take(bytes);
        if (!buffer[i]) die("no memory");
        memset(buffer[i], 1, bytes);
        buffer_bytes[i] = bytes;
    }
    return buffer[i];
}

/* A checksum that any worker can make: the sum of the bytes, and of every 4097th byte times its place. */
static uint64_t checksum(const uint8_t *data, size_t bytes) {
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i += 4097) sum += data[i] * (uint64_t)(i / 4097 + 1);
    return sum;
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

/* ---------------------------------------------------------------- the page cache */

static void drop_cache(void) {
    char pattern[4096];
    glob_t g;
    snprintf(pattern, sizeof pattern, "%s/table.f*", path);
    sync();
    if (glob(pattern, 0, NULL, &g)) return;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        int fd = open(g.gl_pathv[i], O_RDONLY);
        if (fd < 0) continue;
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    globfree(&g);
}

/* ---------------------------------------------------------------- roofline */

/* The largest part of the result's bytes, read raw by threads in blocks; to out, or to each thread's scratch. */
typedef struct raw_job {
    const char *file;
    int fd;
    int64_t bytes, block;
    uint8_t *out; /* NULL: to scratch */
    int64_t next;
} raw_job;

static void *raw_thread(void *user) {
    raw_job *j = user;
    uint8_t *scratch = j->out ? NULL : malloc((size_t)j->block);
    for (;;) {
        int64_t at = __atomic_fetch_add(&j->next, j->block, __ATOMIC_RELAXED), n = j->bytes - at;
        if (n <= 0) break;
        if (n > j->block) n = j->block;
        if (pread(j->fd, j->out ? j->out + at : scratch, (size_t)n, at) < 0) break;
    }
    free(scratch);
    return NULL;
}

typedef struct copy_job {
    uint8_t *to;
    const uint8_t *from;
    size_t bytes;
} copy_job;

static void *copy_thread(void *user) {
    copy_job *c = user;
    memcpy(c->to, c->from, c->bytes);
    return NULL;
}

static void in_threads(int n, void *(*run)(void *), void *job, size_t size) {
    pthread_t t[64];
    for (int i = 1; i < n; i++) pthread_create(&t[i], NULL, run, (char *)job + size * (size_t)i);
    run(job);
    for (int i = 1; i < n; i++) pthread_join(t[i], NULL);
}

static double raw_read(const char *file, int64_t bytes, int64_t block, uint8_t *out, int threads) {
    raw_job j = {.file = file, .fd = open(file, O_RDONLY), .bytes = bytes, .block = block, .out = out};
    double t = now();
    in_threads(threads, raw_thread, &j, 0);
    t = now() - t;
    close(j.fd);
    return t;
}

/* The tile file whose size fits the stored bytes best. */
static int find_file(int64_t stored, char *found, int64_t *size) {
    char pattern[4096];
    glob_t g;
    *size = 0;
    snprintf(pattern, sizeof pattern, "%s/table.f*", path);
    if (glob(pattern, 0, NULL, &g)) return 0;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        struct stat st;
        if (stat(g.gl_pathv[i], &st) || st.st_size < stored || (*size && st.st_size >= *size)) continue;
        *size = st.st_size;
        snprintf(found, 4096, "%s", g.gl_pathv[i]);
    }
    globfree(&g);
    return *size > 0;
}

/* Raw reads of the stored bytes in the best block size; and, where the file's order is not memory's, one copy. */
static double roofline(const work *w, const msio_select *s, int threads, size_t *bytes) {
    double seconds = 0;
    *bytes = 0;
    for (int i = 0; i < w->columns; i++) {
        const msio_column *column;
        msio_plan *plan = NULL;
        char file[4096];
        int64_t size;
        if (msio_table_column(table, w->column[i], &column) || msio_plan_make(column, s, &plan)) die("roofline");
        msio_plan_info info = *msio_plan_describe(plan);
        msio_plan_free(plan);
        if (!find_file(info.bytes_stored, file, &size)) continue;
        int straight = info.bytes_stored == info.bytes_wanted && info.amplification < 1.01;
        uint8_t *out = warm(i, (size_t)info.bytes_wanted);
        double best = 1e9;
        for (int64_t block = 256 << 10; block <= 1 << 20; block *= 2) {
            double t = raw_read(file, info.bytes_stored, block, straight ? out : NULL, threads);
            if (t < best) best = t;
        }
        seconds += best;
        *bytes += (size_t)info.bytes_wanted;
        if (straight) continue;
        copy_job parts[64];
        size_t part = (size_t)info.bytes_wanted / 2 / (size_t)threads; /* halves: from one to the other, twice */
        for (int k = 0; k < threads; k++)
            parts[k] = (copy_job){out + part * (size_t)k, out + (size_t)info.bytes_wanted / 2 + part * (size_t)k, part};
        double t = now();
        in_threads(threads, copy_thread, parts, sizeof *parts);
        in_threads(threads, copy_thread, parts, sizeof *parts);
        seconds += now() - t;
    }
    return seconds;
}

/* 16 reads of 1 MiB in flight, page cache dropped. */
static double raw_cold(size_t *bytes) {
    const msio_column *column;
    char file[4096];
    int64_t size;
    if (msio_table_column(table, "DATA", &column) || msio_read_shape(column, NULL, NULL, NULL, bytes)) die("cold");
    if (!find_file((int64_t)*bytes, file, &size)) return -1;
    uint8_t *out = warm(0, *bytes);
    drop_cache();
    return raw_read(file, (int64_t)*bytes, 1 << 20, out, 16);
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
    }
    if (strcmp(w->name, "cold") == 0) drop_cache();
    double t = now();
    if (w->columns == 1 ? msio_read(column[0], s, outs[0], sizes[0], o)
                        : msio_read_many(w->columns, column, s, outs, sizes, o))
        die(w->name);
    t = now() - t;
    *sum = checksum(outs[0], sizes[0]);
    return t;
}

static double read_new(const work *w, const msio_select *s, const msio_read_opts *o, int pool, size_t *bytes,
                       uint64_t *sum) {
    const msio_column *column;
    msio_array array;
    if (msio_table_column(table, w->column[0], &column)) die(w->name);
    if (!pool)
        msio_pool_set_limit(0); /* empties it */
    else
        msio_pool_set_limit((size_t)4 << 30);
    double t = now();
    if (msio_read_new(column, s, &array, o)) die(w->name);
    t = now() - t;
    *bytes = array.bytes;
    *sum = checksum(array.data, array.bytes);
    msio_array_free(&array);
    return t;
}

static double open_tables(int all) {
    msio_table *t = NULL, *sub = NULL;
    double start = now();
    if (msio_table_open(path, NULL, &t)) die("open");
    for (int i = 0; all && i < msio_table_subtables(t); i++) {
        if (msio_table_open(msio_table_subtable_path(t, i), NULL, &sub)) die("open");
        msio_table_close(sub);
    }
    msio_table_close(t);
    return now() - start;
}

static double cells(size_t *bytes) {
    const msio_column *column;
    msio_select s = MSIO_SELECT_ALL;
    s.rows = 1;
    if (msio_table_column(table, "DATA", &column) || msio_read_shape(column, &s, NULL, NULL, bytes)) die("cell");
    uint8_t *out = warm(0, *bytes);
    if (msio_table_hold(table)) die("cell");
    double t = now();
    for (s.row = 0; s.row < 2000; s.row++)
        if (msio_read(column, &s, out, *bytes, NULL)) die("cell");
    t = (now() - t) / 2000;
    msio_table_release(table);
    return t;
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
    if (strcmp(name, "open") == 0 || strcmp(name, "open-all") == 0)
        seconds = open_tables(name[4] != 0);
    else if (strcmp(name, "cell") == 0)
        seconds = cells(&bytes);
    else if (strcmp(name, "cold") == 0 && strcmp(variant, "raw16") == 0)
        seconds = raw_cold(&bytes);
    else
        for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
            const work *w = &works[i];
            if (strcmp(w->name, name) != 0) continue;
            msio_select s = select_for(w, list);
            if (strcmp(variant, "roofline") == 0)
                seconds = roofline(w, &s, threads ? threads : 2, &bytes);
            else if (strcmp(variant, "new") == 0 || strcmp(variant, "pool") == 0)
                seconds = read_new(w, &s, &o, variant[0] == 'p', &bytes, &sum);
            else
                seconds = read_warm(w, &s, &o, &bytes, &sum);
        }
    printf("{\"seconds\": %.9g, \"bytes\": %zu, \"checksum\": %llu}\n", seconds, bytes, (unsigned long long)sum);
    fflush(stdout);
}

int main(int argc, char **argv) {
    char line[256], name[64], variant[64];
    int threads;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_msio MS < requests\n");
        return 2;
    }
    path = argv[1];
    if (msio_table_open(path, NULL, &table)) die("open");
    while (fgets(line, sizeof line, stdin))
        if (sscanf(line, "%63s %63s %d", name, variant, &threads) == 3) answer(name, variant, threads);
    for (int i = 0; i < 3; i++) msio_pool_give(buffer[i]);
    msio_table_close(table);
    return 0;
}
