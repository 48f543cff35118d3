/* write_once.c - one write of a kind, or many until it is killed: what test_crash.py interrupts.
 *
 * usage: write_once KIND TABLE [--loop FILE]
 * KIND: see `kinds`; "repair" repairs, "read" names the rows that are refused. Values are those that test_crash.py
 * computes, too: element e of a column is value(e, turn). Once: turn 1. --loop: turns 1, 0, 1, ... for ever, but for
 * kinds that change something only once; FILE is made when it begins. Prints "OK", or "E_IO 28 message"; of a repair
 * "repaired INTERRUPTED BLOCKS MAY_BE_MIXED".
 */
#include "msio/cache.h"
#include "msio/visibility.h"
#include "msio/write.h"

#include <complex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CORR = 4, CHAN = 64 };

typedef struct kind {
    const char *name;
    const char *columns[3];
    bool atomic, sync, value, part, copy, fresh, unguarded, list, cells, stream, strings, runs;
    bool computed;                        /* -2i times the conjugate of DATA, by a pass of several batches */
    const char *from;                     /* of a copy; NULL: DATA */
    int64_t batch_rows;                   /* of a stream, which end within tiles; 0: where tiles do */
    msio_status (*add)(const char *path); /* columns or rows, by casacore */
    msio_status (*change)(const char *path, int threads); /* by a call that opens the table itself */
} kind;

enum { BATCH_ROWS = 600, MORE_ROWS = 50 }; /* batches end where tiles do */
enum { PASS_MEMORY = 3 << 20 };            /* of passes: several batches */

static msio_status add_columns(const char *path) { return msio_column_add_like(path, "NEW_DATA", "DATA", NULL, NULL); }

static msio_status add_rows(const char *path) { return msio_rows_add(path, MORE_ROWS, NULL); }

/* A point at the phase centre: 5 Jy in XX and YY everywhere. */
static msio_status predict(const char *path, int threads) {
    static const char sky[] = "Format = Type, Ra, Dec, I\nPOINT, 1rad, 0.5rad, 5\n";
    msio_model_opts opts = MSIO_MODEL_OPTS_INIT;
    msio_sky *model;
    msio_status status = msio_sky_parse(sky, sizeof sky - 1, "sky", &model);
    if (status) return status;
    opts.column = "CORRECTED_DATA";
    opts.threads = threads;
    opts.memory = PASS_MEMORY;
    if (getenv("WRITE_ONCE_LOCK_SECONDS")) opts.lock_seconds = atof(getenv("WRITE_ONCE_LOCK_SECONDS"));
    status = msio_model_predict(path, model, &opts, NULL);
    msio_sky_free(model);
    return status;
}

static const kind kinds[] = {
    {.name = "data", .columns = {"DATA"}},
    {.name = "flag", .columns = {"FLAG"}},
    {.name = "part", .columns = {"DATA"}, .part = true},
    {.name = "flag_part", .columns = {"FLAG"}, .part = true},
    {.name = "both", .columns = {"DATA", "FLAG", "ANTENNA1"}},
    {.name = "atomic", .columns = {"DATA"}, .atomic = true},
    {.name = "atomic_kept", .columns = {"DATA"}, .atomic = true},
    {.name = "atomic_both", .columns = {"DATA", "FLAG", "ANTENNA1"}, .atomic = true},
    {.name = "fresh", .columns = {"MODEL_DATA"}, .fresh = true},
    {.name = "fresh_zeros", .columns = {"MODEL_DATA"}, .fresh = true, .value = true},
    {.name = "fresh_atomic", .columns = {"DATA", "MODEL_DATA"}, .fresh = true, .atomic = true},
    {.name = "list", .columns = {"DATA"}, .list = true},
    {.name = "large", .columns = {"DATA"}}, /* tiles that are larger than a block may be */
    {.name = "large_runs", .columns = {"DATA"}, .list = true, .runs = true},
    {.name = "value", .columns = {"DATA"}, .value = true},
    {.name = "scalar", .columns = {"ANTENNA1"}},
    {.name = "incremental", .columns = {"TIME"}}, /* values of IncrementalStMan, which hold for two rows each */
    {.name = "strings", .columns = {"NAME"}, .strings = true},
    {.name = "sync", .columns = {"DATA"}, .sync = true},
    {.name = "sync_atomic", .columns = {"DATA"}, .sync = true, .atomic = true},
    {.name = "unguarded", .columns = {"DATA"}, .unguarded = true}, /* which the others are held against */
    {.name = "cells", .columns = {"DATA"}, .cells = true},         /* one after the other, through a cursor */
    {.name = "copy", .columns = {"CORRECTED_DATA"}, .copy = true},
    {.name = "copy_atomic", .columns = {"CORRECTED_DATA"}, .copy = true, .atomic = true},
    {.name = "copy_varying", .columns = {"VARIED_COPY"}, .copy = true, .from = "VARIED"}, /* cells of two shapes */
    {.name = "runs", .columns = {"DATA"}, .list = true, .runs = true},
    {.name = "stream_rows", .columns = {"DATA", "FLAG"}, .stream = true, .batch_rows = 150},
    {.name = "stream", .columns = {"DATA", "FLAG"}, .stream = true},
    {.name = "computed", .columns = {"CORRECTED_DATA"}, .computed = true},
    {.name = "model", .change = predict},
    {.name = "columns", .add = add_columns},
    {.name = "rows", .add = add_rows},
};

static int tell(msio_status status) {
    const msio_error *e = msio_last_error();
    if (status)
        printf("%s %d %s\n", msio_status_name(status), e->sys_errno, e->message);
    else
        puts("OK");
    fflush(stdout);
    return status ? 1 : 0;
}

/* Elements of a column's selected cells. */
static void fill(void *out, msio_type type, int64_t rows, int64_t elements, int64_t step, int turn) {
    for (int64_t i = 0; i < rows * elements; i++) {
        int64_t e = i / elements * elements * step + i % elements; /* channels from 0 on, 1 in `step` of them */
        if (type == MSIO_COMPLEX)
            ((float complex *)out)[i] = turn ? (float)-(e + 1) : (float)(e + 1);
        else if (type == MSIO_DOUBLE)
            ((double *)out)[i] = (double)(turn ? e / 2 + 1000000 : e / 2);
        else if (type == MSIO_BOOL)
            ((uint8_t *)out)[i] = (uint8_t)((((e >> 3) ^ e) & 1) ^ turn);
        else
            ((int32_t *)out)[i] = (int32_t)(turn ? e + 1000000 : e);
    }
}

typedef struct work {
    const kind *kind;
    msio_table *table;
    int n;
    const msio_column *column[3], *from;
    void *in[2][3]; /* by turn */
    size_t bytes[3];
    msio_select select;
} work;

static msio_status prepare(work *w) {
    int64_t rows = msio_table_rows(w->table);
    w->select = (msio_select)MSIO_SELECT_ALL;
    if (w->kind->list) { /* far apart in a tile, and so uneven that they are no stride */
        static int64_t list[10000];
        int64_t n = 0;
        if (w->kind->runs) /* of more than a block, from within a tile to within a tile */
            for (int64_t row = 7; row < rows; row++)
                if (row % 203) list[n++] = row;
        for (int64_t row = 0; row < rows && n < 200 && !w->kind->runs; row += n % 2 ? 10 : 12) list[n++] = row;
        w->select.row_list = list;
        w->select.rows_in_list = rows = n;
    }
    if (w->kind->strings) {
        w->n = 1;
        return msio_table_column(w->table, w->kind->columns[0], &w->column[0]);
    }
    if (w->kind->part) w->select.chans = CHAN / 4; /* the first quarter */
    for (w->n = 0; w->n < 3 && w->kind->columns[w->n]; w->n++) {
        int i = w->n;
        msio_status status = msio_table_column(w->table, w->kind->columns[i], &w->column[i]);
        if (status) return status;
        msio_type type = msio_column_describe(w->column[i])->type;
        bool scalar = type == MSIO_INT || type == MSIO_DOUBLE;
        int64_t elements = scalar ? 1 : CORR * (w->kind->part ? CHAN / 4 : CHAN);
        w->bytes[i] = (size_t)(rows * elements) * msio_type_size(type);
        for (int turn = 0; turn < 2; turn++) {
            w->in[turn][i] = malloc(w->bytes[i]);
            if (!w->in[turn][i]) abort();
            fill(w->in[turn][i], type, rows, elements, w->kind->part && !scalar ? 4 : 1, turn);
            for (int64_t k = 0; w->kind->list && k < rows; k++) /* values are those of the row itself */
                for (int64_t e = 0; e < elements; e++) {
                    float v = (float)(w->select.row_list[k] * elements + e + 1);
                    ((float complex *)w->in[turn][i])[k * elements + e] = turn ? -v : v;
                }
        }
    }
    const char *from = w->kind->from ? w->kind->from : "DATA";
    return w->kind->copy ? msio_table_column(w->table, from, &w->from) : MSIO_OK;
}

static msio_status put_cells(const work *w, int turn) {
    msio_cursor *cursor;
    int64_t rows = msio_table_rows(w->table);
    size_t cell = w->bytes[0] / (size_t)rows;
    msio_status status = msio_cursor_open(w->column[0], NULL, &cursor);
    if (status) return status;
    for (int64_t row = 0; row < rows && !status; row++)
        status = msio_cursor_put(cursor, row, (const char *)w->in[turn][0] + (size_t)row * cell, cell);
    msio_status closed = msio_cursor_close(cursor);
    return status ? status : closed;
}

/* "a0", "a1", ...; turn 1: "bc0", ... */
static msio_status put_strings(const work *w, const msio_write_opts *how, int turn) {
    int64_t rows = msio_table_rows(w->table);
    msio_ragged in = {.type = MSIO_STRING, .cells = rows};
    in.offsets = calloc((size_t)rows + 1, sizeof *in.offsets);
    in.text_offsets = calloc((size_t)rows + 1, sizeof *in.text_offsets);
    in.shapes = calloc((size_t)rows * MSIO_MAX_NDIM, sizeof *in.shapes);
    in.ndims = calloc((size_t)rows, 1);
    in.defined = malloc((size_t)rows);
    in.text = malloc((size_t)rows * 16);
    if (!in.offsets || !in.text_offsets || !in.shapes || !in.ndims || !in.defined || !in.text) abort();
    memset(in.defined, 1, (size_t)rows);
    for (int64_t i = 0; i < rows; i++) {
        in.offsets[i + 1] = i + 1;
        int n = sprintf(in.text + in.text_offsets[i], "%s%lld", turn ? "bc" : "a", (long long)i);
        in.text_offsets[i + 1] = in.text_offsets[i] + n;
    }
    in.bytes = (size_t)in.text_offsets[rows];
    msio_status status = msio_write_ragged(w->column[0], NULL, &in, how);
    msio_ragged_free(&in);
    return status;
}

static msio_status put_stream(const work *w, int turn) {
    msio_write_stream_opts opts = MSIO_WRITE_STREAM_OPTS_INIT;
    msio_write_stream *stream;
    msio_write_batch *batch;
    opts.memory = (size_t)2 * BATCH_ROWS * (w->bytes[0] + w->bytes[1]) / (size_t)msio_table_rows(w->table);
    opts.rows_per_batch = w->kind->batch_rows;
    opts.write.threads = 2;
    msio_status status = msio_write_stream_open(w->table, w->n, w->kind->columns, &w->select, &opts, &stream);
    if (status) return status;
    while (!(status = msio_write_stream_next(stream, &batch)))
        for (int i = 0; i < w->n; i++) {
            const size_t row_bytes = batch->arrays[i].bytes / (size_t)batch->rows;
            memcpy(batch->arrays[i].data, (const char *)w->in[turn][i] + (size_t)batch->row * row_bytes,
                   batch->arrays[i].bytes);
        }
    msio_status closed = msio_write_stream_close(stream);
    return status == MSIO_END ? closed : status;
}

static msio_status write_turn(work *w, int turn) {
    msio_write_opts how = MSIO_WRITE_OPTS_INIT;
    float complex value = w->kind->fresh ? 0 : -1;
    how.threads = 2;
    how.atomic = w->kind->atomic;
    how.sync = w->kind->sync;
    how.unguarded = w->kind->unguarded;
    if (w->kind->fresh) {
        how.cell_ndim = 2;
        how.cell_shape[0] = CHAN;
        how.cell_shape[1] = CORR;
    }
    if (w->kind->cells) return put_cells(w, turn);
    if (w->kind->stream) return put_stream(w, turn);
    if (w->kind->strings) return put_strings(w, &how, turn);
    if (w->kind->computed) {
        msio_copy_opts opts = MSIO_COPY_OPTS_INIT;
        opts.conjugate = 1;
        opts.scale[0] = 0.0;
        opts.scale[1] = -2.0;
        opts.memory = PASS_MEMORY;
        opts.threads = 2;
        return msio_visibilities_copy(w->table, "DATA", "CORRECTED_DATA", NULL, &opts, NULL);
    }
    if (w->kind->copy) return msio_column_copy(w->from, w->column[0], NULL, &how);
    if (w->kind->value) return msio_write_value(w->column[0], NULL, &value, sizeof value, &how);
    return msio_write_many(w->n, w->column, &w->select, (const void *const *)w->in[turn], w->bytes, &how);
}

static int repair(const char *path) {
    msio_repaired r = MSIO_REPAIRED_INIT;
    msio_status status = msio_repair(path, &r);
    if (status) return tell(status);
    printf("repaired %d %d %d %s %lld %lld\n", r.interrupted, r.blocks, r.may_be_mixed, r.columns[0] ? r.columns : "-",
           (long long)r.first_row, (long long)r.last_row);
    return 0;
}

/* Names the rows of a range that are refused: what is read at once is refused nowhere, other ranges are halved. */
static msio_status name_refused(const msio_column *column, int64_t row, int64_t rows, char *cells, size_t cell) {
    msio_select range = MSIO_SELECT_ALL;
    range.row = row;
    range.rows = rows;
    msio_status status = msio_read(column, &range, cells, (size_t)rows * cell, NULL);
    if (status != MSIO_E_INTERRUPTED) return status;
    if (!strstr(msio_last_error()->message, "msio repair")) return MSIO_E_FORMAT;
    if (rows == 1) {
        printf(" %lld", (long long)row);
        return MSIO_OK;
    }
    status = name_refused(column, row, rows / 2, cells, cell);
    return status ? status : name_refused(column, row + rows / 2, rows - rows / 2, cells, cell);
}

/* The same of strings. */
static msio_status name_refused_strings(const msio_column *column, int64_t row, int64_t rows) {
    msio_select range = MSIO_SELECT_ALL;
    msio_ragged strings;
    range.row = row;
    range.rows = rows;
    msio_status status = msio_read_ragged(column, &range, &strings, NULL);
    if (!status) msio_ragged_free(&strings);
    if (status != MSIO_E_INTERRUPTED) return status;
    if (rows == 1) {
        printf(" %lld", (long long)row);
        return MSIO_OK;
    }
    status = name_refused_strings(column, row, rows / 2);
    return status ? status : name_refused_strings(column, row + rows / 2, rows - rows / 2);
}

/* Reads every column, and names the rows that are refused: "refused DATA 3 4 5". */
static int read_rows(const char *path) {
    static const char *const names[] = {"DATA", "FLAG", "ANTENNA1", "CORRECTED_DATA", "TIME", "NAME"};
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    msio_table *table;
    msio_repaired left = MSIO_REPAIRED_INIT;
    opts.native = MSIO_NATIVE_YES;
    msio_status status = msio_table_open(path, &opts, &table);
    if (!status) status = msio_table_interrupted(table, &left);
    if (status) return tell(status);
    const int64_t rows = msio_table_rows(table);
    char *cells = malloc((size_t)rows * CORR * CHAN * sizeof(float complex));
    if (!cells) abort();
    printf("left %d %d %d\n", left.interrupted, left.blocks, left.may_be_mixed);
    for (int i = 0; i < 6 && !status; i++) {
        const msio_column *column;
        status = msio_table_column(table, names[i], &column);
        size_t cell = i == 2 ? 4 : i == 4 ? 8 : CORR * CHAN * (i == 1 ? 1 : sizeof(float complex));
        printf("refused %s", names[i]);
        if (!status && i == 5)
            status = name_refused_strings(column, 0, rows);
        else if (!status)
            status = name_refused(column, 0, rows, cells, cell);
        puts("");
    }
    free(cells);
    msio_table_close(table);
    return status ? tell(status) : 0;
}

static void tell_begun(const char *path) {
    FILE *begun = fopen(path, "w");
    if (begun) fclose(begun);
}

int main(int argc, char **argv) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    work w = {0};
    bool loop = argc == 5 && !strcmp(argv[3], "--loop");
    if (argc != 3 && !loop) return 2;
    if (!strcmp(argv[1], "repair")) return repair(argv[2]);
    if (!strcmp(argv[1], "read")) return read_rows(argv[2]);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, argv[1])) w.kind = &kinds[i];
    if (!w.kind) return 2;
    if (w.kind->add) {
        if (loop) tell_begun(argv[4]);
        return tell(w.kind->add(argv[2]));
    }
    if (w.kind->change) {
        if (loop) tell_begun(argv[4]);
        return tell(w.kind->change(argv[2], 2));
    }
    opts.writable = 1;
    opts.native = MSIO_NATIVE_YES;
    if (getenv("WRITE_ONCE_LOCK_SECONDS")) opts.lock_seconds = atof(getenv("WRITE_ONCE_LOCK_SECONDS"));
    msio_status status = msio_table_open(argv[2], &opts, &w.table);
    if (!status) status = prepare(&w);
    if (status) return tell(status) + 1;
    if (loop) tell_begun(argv[4]);
    int turn = 1;
    do {
        status = write_turn(&w, turn);
        turn = !turn;
    } while (loop && !status && !w.kind->fresh && !w.kind->copy && !w.kind->computed && !w.kind->value);
    for (int i = 0; i < w.n; i++) free(w.in[0][i]), free(w.in[1][i]);
    int code = tell(status);
    msio_table_close(w.table);
    return code;
}
