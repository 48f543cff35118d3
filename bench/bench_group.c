/* bench_group.c - a worker of the benchmarks: msio and the roofline on a group of UVH5 files, one repetition a request.
 *
 * usage: bench_group FILE... < requests
 * Reads lines "WORK VARIANT THREADS CHECK" and answers each with one line of JSON: seconds (of them index and read, as
 * msio tells them), bytes, and a checksum of the result where CHECK is 1. Variants of msio: warm, new, pool, whole
 * (warm, of everything, whatever the work selects); of the roofline: raw, pread, pread-new, raw16. "WORK prepare 0 0"
 * makes the output's warm memory and loads nothing; "filters - 0 0" tells how the data are compressed. Public API only.
 */
#include "bench_raw.h"
#include "bench_warm.h"

#include <msio/msio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ARRAYS 3
#define POOL_DEFAULT ((size_t)1 << 30)

typedef struct work {
    const char *name;
    unsigned what;
    int part; /* 1: a quarter of the subbands and one integration, from the middle */
} work;

static const work works[] = {
    {"group", MSIO_LOAD_ALL, 0},
    {"group-cold", MSIO_LOAD_ALL, 0},
    {"group-lzf", MSIO_FLAGS | MSIO_NSAMPLES, 0},
    {"group-bitshuffle", MSIO_LOAD_ALL, 0},
    {"group-part", MSIO_LOAD_ALL, 1},
};

/* What one request gives. */
typedef struct result {
    double seconds, index_seconds, read_seconds;
    size_t bytes;
    uint64_t sum;
} result;

static int files;
static char **file;
static int check; /* 1: this try is for the checksum, not for its time */

/* Warm memory of at least so many bytes: touched right before it is used, since other readers took their seconds since
 * the last time. What stood there is not to be taken for the answer either. */
static uint8_t *warm(int i, size_t bytes) {
    grow_buffer(i, bytes);
    memset(buffer[i], 0x5a, bytes);
    return buffer[i];
}

/* ---------------------------------------------------------------- what a work asks for */

/* The paths that it loads, and the rest of its selection. */
typedef struct asked {
    unsigned what;
    int files;
    const char *const *file;
    msio_load_opts opts;
    size_t bytes[ARRAYS]; /* of the output */
} asked;

static size_t all_bytes(const asked *a) { return a->bytes[0] + a->bytes[1] + a->bytes[2]; }

static void select_part(asked *a) {
    msio_uvh5 *first;
    if (msio_uvh5_open(a->file[0], NULL, &first)) die("opening");
    a->opts.time = msio_uvh5_describe(first)->ntimes / 2;
    a->opts.times = 1;
    msio_uvh5_close(first);
    a->file += files / 4;
    a->files = files < 4 ? 1 : files / 4;
}

static asked ask_for(const work *w, int part, int threads) {
    static const size_t cell[ARRAYS] = {8, 1, 4};
    msio_subbands found;
    asked a = {.what = w->what, .files = files, .file = (const char *const *)file};
    a.opts = (msio_load_opts)MSIO_LOAD_OPTS_INIT;
    a.opts.visdata_type = MSIO_COMPLEX;
    a.opts.read.threads = threads;
    if (part) select_part(&a);
    if (msio_load_paths(a.files, a.file, 0, &a.opts, &found)) die(w->name);
    size_t cells = (size_t)(found.rows * found.channels * found.pols);
    msio_subbands_free(&found);
    for (int i = 0; i < ARRAYS; i++) a.bytes[i] = w->what & 1u << i ? cells * cell[i] : 0;
    return a;
}

/* ---------------------------------------------------------------- msio */

static void load(const asked *a, const char *name, result *r) {
    msio_subbands s;
    double t = bench_now();
    if (msio_load_paths(a->files, a->file, a->what, &a->opts, &s)) die(name);
    r->seconds = bench_now() - t;
    r->index_seconds = s.index_seconds;
    r->read_seconds = s.read_seconds;
    r->bytes = all_bytes(a);
    r->sum = 0;
    const uint8_t *data[ARRAYS] = {s.visdata, s.flags, (const uint8_t *)s.nsamples};
    for (int i = 0; check && i < ARRAYS; i++)
        if (a->bytes[i]) r->sum += bench_checksum(data[i], a->bytes[i]);
    msio_subbands_free(&s);
}

static void load_warm(asked *a, const char *name, result *r) {
    void *out[ARRAYS] = {NULL, NULL, NULL};
    for (int i = 0; i < ARRAYS; i++) {
        if (!a->bytes[i]) continue;
        out[i] = warm(i, a->bytes[i]);
    }
    a->opts.visdata = out[0];
    a->opts.flags = out[1];
    a->opts.nsamples = out[2];
    a->opts.visdata_bytes = a->bytes[0];
    a->opts.flags_bytes = a->bytes[1];
    a->opts.nsamples_bytes = a->bytes[2];
    load(a, name, r);
}

static void load_new(const asked *a, int pool, const char *name, result *r) {
    int wanted = check;
    msio_pool_set_limit(0); /* empties it */
    if (pool) {             /* and a load before this one filled it */
        msio_pool_set_limit((size_t)4 << 30);
        check = 0;
        load(a, name, r);
        check = wanted;
    }
    load(a, name, r);
    msio_pool_set_limit(POOL_DEFAULT);
}

/* ---------------------------------------------------------------- roofline */

/* Of each file as many bytes as it gives to the output: from its start, where they lie nearly without anything between;
 * all that it has where it is smaller, being compressed. *bytes: of all of them. */
static bench_extent *extents(const asked *a, size_t *bytes) {
    bench_extent *list = calloc((size_t)a->files, sizeof *list);
    if (!list) die("no memory");
    *bytes = 0;
    for (int i = 0; i < a->files; i++) {
        struct stat status;
        list[i] = (bench_extent){a->file[i], 0, (int64_t)(all_bytes(a) / (size_t)a->files)};
        if (stat(a->file[i], &status)) die("stat");
        if (list[i].bytes > status.st_size) list[i].bytes = status.st_size;
        *bytes += (size_t)list[i].bytes;
    }
    return list;
}

/* The best of three block sizes; to: "scratch", "warm" or "new" memory. */
static double raw_best(const asked *a, const char *to, int threads, size_t *bytes) {
    bench_extent *list = extents(a, bytes);
    double best = -1;
    for (int64_t block = 256 << 10; block <= 1 << 20; block *= 2) {
        uint8_t *out = NULL;
        if (strcmp(to, "warm") == 0) out = warm(0, *bytes);
        if (strcmp(to, "new") == 0) {
            msio_pool_set_limit(0);
            out = msio_pool_take(*bytes);
            if (!out) die("no memory");
        }
        double t = bench_raw_read(a->files, list, block, out, threads);
        if (t >= 0 && (best < 0 || t < best)) best = t;
        if (strcmp(to, "new") == 0) {
            msio_pool_give(out);
            msio_pool_set_limit(POOL_DEFAULT);
        }
    }
    free(list);
    return best;
}

/* The file's order is not memory's: raw reads to scratch, and one copy of the output by the same threads. */
static double roofline(const asked *a, int threads, size_t *bytes) {
    double seconds = raw_best(a, "scratch", threads, bytes), copy = 0;
    for (int i = 0; i < ARRAYS && copy >= 0; i++) {
        double t = a->bytes[i] ? bench_raw_copy(warm(i, a->bytes[i]), a->bytes[i], threads) : 0;
        copy = t < 0 ? -1 : copy + t;
    }
    *bytes = all_bytes(a);
    return seconds < 0 || copy < 0 ? -1 : seconds + copy;
}

/* 16 reads of 1 MiB in flight, once: the page cache is cold. */
static double raw_cold(const asked *a, size_t *bytes) {
    bench_extent *list = extents(a, bytes);
    double seconds = bench_raw_read(a->files, list, 1 << 20, warm(0, *bytes), 16);
    free(list);
    return seconds;
}

/* ---------------------------------------------------------------- requests */

/* Whether the page cache was dropped before a try. */
static int cold(const work *w) { return strcmp(w->name, "group-cold") == 0; }

static void answer(const work *w, const char *variant, int threads) {
    result r = {.seconds = -1};
    asked a = ask_for(w, w->part && strcmp(variant, "whole") != 0, threads);
    int many = threads > 0 ? threads : 2;
    if (strcmp(variant, "prepare") == 0)
        for (int i = 0; i < ARRAYS; i++) r.bytes += a.bytes[i] && warm(i, a.bytes[i]) ? a.bytes[i] : 0;
    else if (strcmp(variant, "raw") == 0)
        r.seconds = roofline(&a, many, &r.bytes);
    else if (strcmp(variant, "pread") == 0)
        r.seconds = raw_best(&a, "warm", many, &r.bytes);
    else if (strcmp(variant, "pread-new") == 0)
        r.seconds = raw_best(&a, "new", many, &r.bytes);
    else if (strcmp(variant, "raw16") == 0)
        r.seconds = raw_cold(&a, &r.bytes);
    else if (strcmp(variant, "new") == 0 || strcmp(variant, "pool") == 0)
        load_new(&a, variant[0] == 'p', w->name, &r);
    else if (strcmp(variant, "warm") == 0 || strcmp(variant, "whole") == 0)
        for (int i = cold(w) ? 1 : 0; i < 2; i++) load_warm(&a, w->name, &r); /* the first one wakes what rested */
    printf("{\"seconds\": %.9g, \"index_seconds\": %.9g, \"read_seconds\": %.9g, \"bytes\": %zu, \"checksum\": %llu}\n",
           r.seconds, r.index_seconds, r.read_seconds, r.bytes, (unsigned long long)r.sum);
}

/* The filters of the first file's flags: names, as HDF5 has them, without anything that JSON would have to escape. */
static void tell_filters(void) {
    msio_hdf5 *opened;
    const msio_dataset *flags;
    if (msio_hdf5_open(file[0], NULL, &opened) || msio_hdf5_dataset(opened, "Data/flags", &flags)) die("filters");
    printf("{\"seconds\": 0, \"bytes\": 0, \"checksum\": 0, \"filters\": \"%s\"}\n",
           msio_dataset_describe(flags)->filters);
    msio_hdf5_close(opened);
}

int main(int argc, char **argv) {
    char line[256], name[64], variant[64];
    int threads;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_group FILE... < requests\n");
        return 2;
    }
    files = argc - 1;
    file = argv + 1;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%63s %63s %d %d", name, variant, &threads, &check) != 4) continue;
        if (strcmp(name, "filters") == 0) tell_filters();
        for (size_t i = 0; i < sizeof works / sizeof *works; i++)
            if (strcmp(works[i].name, name) == 0) answer(&works[i], variant, threads);
        fflush(stdout);
    }
    give_buffers();
    return 0;
}
