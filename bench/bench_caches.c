/* bench_caches.c - the works of the benchmarks that ask msio's caches: metadata, counts of flags, cells. */
#include "bench_caches.h"
#include "bench_raw.h"

#include <stdlib.h>
#include <string.h>

#define ASKED 100
#define ROWS 200000 /* of a loop over cells */
#define ROWS_AT_RANDOM 5000
#define ROWS_CHECKED 5000

static int ask(const char *path, msio_freshness freshness, int index) {
    const msio_metadata *m;
    const msio_row_index *found;
    int failed = msio_metadata_get(path, freshness, &m) != MSIO_OK;
    if (!failed && index) failed = msio_metadata_row_index(m, &found) != MSIO_OK;
    if (!failed) msio_metadata_release(m);
    return failed;
}

double bench_metadata(const char *path, const char *variant) {
    int anew = strcmp(variant, "anew") == 0, index = strcmp(variant, "index") == 0, held = strcmp(variant, "held") == 0;
    int times = anew || index ? 1 : ASKED, failed = 0;
    msio_freshness freshness = strcmp(variant, "opened") == 0 ? MSIO_AS_OPENED : MSIO_PER_CALL;
    if (anew || index) msio_cache_clear(path);
    if (!anew && ask(path, freshness, 0)) return -1;
    if (held && msio_metadata_hold(path)) return -1;
    double t = bench_now();
    for (int i = 0; i < times; i++) failed += ask(path, freshness, index);
    t = (bench_now() - t) / times;
    if (held) msio_metadata_unhold(path);
    return failed ? -1 : t;
}

double bench_flags(const char *path, const char *variant, int threads, size_t *bytes) {
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    unsigned by = strcmp(variant, "all") == 0 ? MSIO_FLAGS_BY_ALL : 0;
    int kept = strcmp(variant, "kept") == 0, times = kept ? ASKED : 1;
    opts.threads = threads;
    if (!kept) msio_cache_clear(path);
    const msio_flags *flags = NULL;
    if (kept && msio_flags_count(path, by, &opts, &flags)) return -1;
    msio_flags_release(flags);
    double t = bench_now();
    for (int i = 0; i < times; i++) {
        if (msio_flags_count(path, by, &opts, &flags)) return -1;
        *bytes = (size_t)flags->total / 8;
        msio_flags_release(flags);
    }
    return (bench_now() - t) / times;
}

/* ---------------------------------------------------------------- cells */

typedef struct loop {
    int columns;
    const msio_column *column[3];
    msio_cursor *cursor[3];
    size_t bytes[3];
    uint8_t *out[3];
    int64_t rows, all;
    int random, peek;
} loop;

static int64_t row_of(const loop *l, int64_t i, uint64_t *state) {
    if (!l->random) return i;
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((*state >> 33) % (uint64_t)l->all);
}

static int walk(const loop *l) {
    uint64_t state = 12345;
    const void *cell;
    for (int64_t i = 0; i < l->rows; i++) {
        int64_t row = row_of(l, i, &state);
        for (int k = 0; k < l->columns; k++)
            if (l->peek ? msio_cursor_peek(l->cursor[k], row, &cell, NULL)
                        : msio_cursor_get(l->cursor[k], row, l->out[k], l->bytes[k]))
                return 1;
    }
    return 0;
}

static int read_each(const loop *l) {
    msio_select s = MSIO_SELECT_ALL;
    s.rows = 1;
    for (s.row = 0; s.row < l->rows; s.row++)
        for (int k = 0; k < l->columns; k++)
            if (msio_read(l->column[k], &s, l->out[k], l->bytes[k], NULL)) return 1;
    return 0;
}

static int read_all(const loop *l, uint8_t *const *outs) {
    msio_select s = MSIO_SELECT_ALL;
    size_t bytes[3];
    s.rows = l->rows;
    for (int k = 0; k < l->columns; k++) bytes[k] = l->bytes[k] * (size_t)l->rows;
    return msio_read_many(l->columns, l->column, &s, (void *const *)outs, bytes, NULL) != MSIO_OK;
}

/* cursors: 0 none, 1 that check, 2 that hold. */
static int prepare(loop *l, msio_table *table, const char *work, int cursors) {
    static const char *const names[] = {"DATA", "FLAG", "WEIGHT_SPECTRUM"};
    msio_select s = MSIO_SELECT_ALL;
    msio_cursor_opts opts = MSIO_CURSOR_OPTS_INIT;
    opts.hold = cursors == 2;
    s.rows = 1;
    l->columns = strcmp(work, "cell-three") == 0 ? 3 : 1;
    l->random = strcmp(work, "cell-random") == 0;
    l->all = msio_table_rows(table);
    if (l->rows > l->all) l->rows = l->all;
    for (int k = 0; k < l->columns; k++) {
        if (msio_table_column(table, names[k], &l->column[k]) ||
            msio_read_shape(l->column[k], &s, NULL, NULL, &l->bytes[k]))
            return 1;
        l->out[k] = calloc(1, l->bytes[k] + 1);
        if (!l->out[k] || (cursors && msio_cursor_open(l->column[k], &opts, &l->cursor[k]))) return 1;
    }
    return 0;
}

static int loop_once(const loop *l, const char *variant, uint8_t *const *outs) {
    if (strcmp(variant, "read") == 0) return read_each(l);
    return strcmp(variant, "getcol") == 0 ? read_all(l, outs) : walk(l);
}

double bench_cells(msio_table *table, const char *work, const char *variant, size_t *bytes) {
    loop l = {.rows = strcmp(work, "cell-random") == 0 ? ROWS_AT_RANDOM : ROWS, .peek = strcmp(variant, "peek") == 0};
    uint8_t *outs[3] = {NULL};
    int checked = strcmp(variant, "checked") == 0, getcol = strcmp(variant, "getcol") == 0;
    int one_by_one = strcmp(variant, "read") == 0;
    if (checked || one_by_one) l.rows = ROWS_CHECKED;
    int failed = prepare(&l, table, work, one_by_one || getcol ? 0 : checked ? 1 : 2);
    if (!checked && msio_table_hold(table)) return -1;
    *bytes = 0;
    for (int k = 0; k < l.columns && !failed; k++) {
        *bytes += l.bytes[k];
        if (getcol && !(outs[k] = msio_pool_take(l.bytes[k] * (size_t)l.rows))) failed = 1;
    }
    if (!failed) failed = loop_once(&l, variant, outs); /* warms up */
    double t = bench_now();
    if (!failed) failed = loop_once(&l, variant, outs);
    t = (bench_now() - t) / (double)l.rows;
    for (int k = 0; k < l.columns; k++) {
        msio_cursor_close(l.cursor[k]);
        msio_pool_give(outs[k]);
        free(l.out[k]);
    }
    if (!checked) msio_table_release(table);
    return failed ? -1 : t;
}
