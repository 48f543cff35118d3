/* stored_image.h - for tests of data managers: files built byte by byte, a table description to go with them, and the
 * whole content read through a layout. */
#ifndef MSIO_TESTS_IO_STORED_IMAGE_H
#define MSIO_TESTS_IO_STORED_IMAGE_H

#include "core/box.h"
#include "core/error.h"
#include "io/layout/layout.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- bytes, written in AipsIO where wanted */

typedef struct image {
    uint8_t bytes[8192];
    int64_t size;
    bool big;
    int depth;
    int64_t open[8]; /* where the lengths of open objects go */
} image;

static inline void put_bytes(image *to, const void *bytes, int64_t n) {
    assert_true(n >= 0 && to->size + n <= (int64_t)sizeof to->bytes);
    if (n) memcpy(to->bytes + to->size, bytes, (size_t)n);
    to->size += n;
}

static inline void store(uint8_t *at, uint64_t value, int bytes, bool big) {
    for (int i = 0; i < bytes; i++) at[big ? bytes - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

static inline void put_integer(image *to, uint64_t value, int bytes) {
    uint8_t stored[8];
    store(stored, value, bytes, to->big);
    put_bytes(to, stored, bytes);
}
static inline void put_u8(image *to, uint8_t value) { put_bytes(to, &value, 1); }
static inline void put_u32(image *to, uint32_t value) { put_integer(to, value, 4); }
static inline void put_i32(image *to, int32_t value) { put_integer(to, (uint32_t)value, 4); }
static inline void put_i64(image *to, int64_t value) { put_integer(to, (uint64_t)value, 8); }
static inline void put_float(image *to, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u32(to, bits);
}
static inline void put_double(image *to, double value) {
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_i64(to, bits);
}
static inline void put_text(image *to, const char *text) {
    put_u32(to, (uint32_t)strlen(text));
    put_bytes(to, text, (int64_t)strlen(text));
}
static inline void pad_to(image *to, int64_t size) {
    assert_true(to->size <= size && size <= (int64_t)sizeof to->bytes);
    memset(to->bytes + to->size, 0, (size_t)(size - to->size));
    to->size = size;
}

static inline void begin_object(image *to, const char *type, uint32_t version) {
    if (to->depth == 0) put_u32(to, 0xbebebebeu);
    to->open[to->depth++] = to->size;
    put_u32(to, 0);
    put_text(to, type);
    put_u32(to, version);
}
static inline void end_object(image *to) {
    int64_t at = to->open[--to->depth];
    store(to->bytes + at, (uint64_t)(to->size - at), 4, to->big);
}
/* `room` integers of so many bytes, of which the first n are given and the others are 0. */
static inline void put_integers(image *to, int bytes, int room, int n, const uint32_t *values) {
    begin_object(to, "Block", 1);
    put_u32(to, (uint32_t)room);
    for (int i = 0; i < room; i++) put_integer(to, i < n ? values[i] : 0, bytes);
    end_object(to);
}
static inline void put_block(image *to, int room, int n, const uint32_t *values) {
    put_integers(to, 4, room, n, values);
}

/* ---------------------------------------------------------------- a table of one data manager */

#define FIXTURE_COLUMNS 12

typedef struct fixture {
    char directory[64];
    msio_column_dat column[FIXTURE_COLUMNS];
    msio_manager_dat manager_dat;
    msio_table_dat dat;
    msio_manager manager;
    image blob;
} fixture;

static inline const char *fixture_path(const fixture *f, const char *suffix) {
    static char path[128];
    return msio_manager_path(&f->manager, suffix, path, sizeof path);
}

static inline void fixture_write(const fixture *f, const char *suffix, const void *bytes, int64_t size) {
    int fd = open(fixture_path(f, suffix), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, (size_t)size), size);
    close(fd);
}

/* Puts bytes into a file that is there. */
static inline void fixture_patch(const fixture *f, const char *suffix, const void *bytes, int64_t size,
                                 int64_t offset) {
    int fd = open(fixture_path(f, suffix), O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, (size_t)size, (off_t)offset), size);
    close(fd);
}

static inline void fixture_start(fixture *f, const msio_layout *layout, bool big, int64_t rows) {
    memset(f, 0, sizeof *f);
    strcpy(f->directory, "/tmp/msio_test_XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->manager_dat.type = layout->type;
    f->dat = (msio_table_dat){.path = "table.dat",
                              .kind = MSIO_PLAIN_TABLE,
                              .rows = rows,
                              .big_endian = big,
                              .storage = 2,
                              .column = f->column,
                              .managers = 1,
                              .manager = &f->manager_dat};
    f->manager = (msio_manager){.dat = &f->dat, .rows = rows, .directory = f->directory, .layout = layout};
    f->blob.big = true;
}

static inline msio_column_dat *fixture_column(fixture *f, const char *name, msio_type type, msio_column_kind kind,
                                              int option, int64_t length) {
    msio_column_dat *c = &f->column[f->dat.columns];
    *c = (msio_column_dat){.name = name, .comment = "", .type = type, .kind = kind, .option = option, .shape_ndim = -1};
    if (length > 0) {
        c->shape_ndim = 1;
        c->shape[0] = length;
    }
    c->number = f->dat.columns++;
    f->manager_dat.columns++;
    return c;
}

static inline void fixture_blob(fixture *f) {
    f->manager_dat.blob = f->blob.bytes;
    f->manager_dat.blob_length = f->blob.size;
}

static inline msio_status fixture_load(fixture *f) { return f->manager.layout->load(&f->manager, &f->manager.state); }

static inline void fixture_unload(fixture *f) {
    if (f->manager.state) f->manager.layout->unload(f->manager.state);
    f->manager.state = NULL;
    for (int i = 0; i < f->manager.files; i++) msio_file_close(f->manager.file[i]);
    free(f->manager.file);
    f->manager.file = NULL;
    f->manager.files = 0;
}

static inline void fixture_end(fixture *f) {
    fixture_unload(f);
    unlink(fixture_path(f, ""));
    unlink(fixture_path(f, "i"));
    rmdir(f->directory);
}

static inline msio_column_dat *fixture_find(fixture *f, const char *name) {
    for (int i = 0; i < f->dat.columns; i++)
        if (strcmp(f->column[i].name, name) == 0) return &f->column[i];
    fail_msg("no column %s", name);
    return NULL;
}

static inline msio_rows all_rows(int64_t n) { return (msio_rows){.count = n, .step = 1, .place_step = 1}; }

/* ---------------------------------------------------------------- reading it */

/* Reads the pieces one row at a time, into the bytes at user. */
static inline msio_status copy_pieces(void *user, msio_piece_batch *batch) {
    uint8_t stored[4096];
    for (int64_t i = 0; i < batch->n; i++) {
        const msio_piece *p = &batch->pieces[i];
        const msio_target *t = &batch->target[p->target];
        bool bits = t->codec == MSIO_CODEC_BITS;
        for (int64_t r = 0; r < p->rows; r++) {
            int64_t at = (bits ? p->offset * 8 + p->bit : p->offset) + r * p->row_src;
            int64_t length = bits ? (at % 8 + p->span + 7) / 8 : p->span;
            if (length > (int64_t)sizeof stored) continue;
            msio_status status =
                msio_file_read(batch->source[p->source].file, stored, length, bits ? at / 8 : at, NULL);
            if (status) return status;
            msio_box_copy(&batch->box[p->box], t->codec, t->elem, t->unit, stored, bits ? at % 8 : 0,
                          (uint8_t *)user + p->out + r * p->row_dst);
        }
    }
    return MSIO_OK;
}

/* Reads cells of one shape (ndim 0: scalars) whole into out; what does not fit is not read. */
static inline msio_status read_cells(fixture *f, const msio_column_dat *column, const msio_rows *rows, int ndim,
                                     const int64_t *shape, void *out, int64_t out_bytes) {
    msio_sink sink;
    msio_want want = {.rows = rows, .ndim = ndim, .row_elements = 1};
    int elem = (int)msio_type_size(column->type);
    for (int k = 0; k < ndim; k++) {
        want.shape[k] = shape[k];
        want.axis[k] = (msio_range){0, shape[k], 1};
        if (__builtin_mul_overflow(want.row_elements, shape[k], &want.row_elements)) return MSIO_OK;
    }
    want.place_elements = want.row_elements;
    if (want.row_elements > out_bytes / elem / (rows->count + 1)) return MSIO_OK;
    msio_status status = msio_sink_start(&sink, 1, copy_pieces, out);
    if (status) return status;
    sink.target[0] =
        (msio_target){.elem = elem, .unit = elem, .stored_bits = 8 * elem, .out = out, .out_bytes = out_bytes};
    if (column->type == MSIO_BOOL)
        sink.target[0].codec = MSIO_CODEC_BITS;
    else if (f->dat.big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))
        sink.target[0].codec = MSIO_CODEC_SWAP;
    status = f->manager.layout->pieces(&f->manager, column, &want, &sink);
    if (!status) status = msio_sink_finish(&sink);
    msio_sink_free(&sink);
    return status;
}

/* What a column says, in words: shapes as "0+2:- 2+1:[3] ", strings as "0:short 1:[a|b] 2:- ". */
typedef struct words {
    char text[8192];
    size_t at;
} words;

static inline void say(words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void say(words *w, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(w->text + w->at, sizeof w->text - w->at, format, arguments);
    va_end(arguments);
    w->at = w->at + (size_t)n < sizeof w->text ? w->at + (size_t)n : sizeof w->text - 1;
}

static inline msio_status say_shape(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    say(user, "%lld+%lld:", (long long)index, (long long)count);
    if (ndim < 0) say(user, "-");
    for (int k = 0; k < ndim; k++) say(user, "%c%lld", k ? ',' : '[', (long long)shape[k]);
    say(user, ndim < 0 ? " " : "] ");
    return MSIO_OK;
}

static inline msio_status say_text(void *user, int64_t index, int ndim, const int64_t *shape, int64_t elements,
                                   const char *const *text, const int64_t *length) {
    (void)shape;
    say(user, "%lld:", (long long)index);
    if (ndim < 0) say(user, "-");
    if (ndim > 0) say(user, "[");
    for (int64_t i = 0; i < elements; i++) say(user, "%s%.*s", i ? "|" : "", (int)(length[i] & 0xffff), text[i]);
    say(user, ndim > 0 ? "] " : " ");
    return MSIO_OK;
}

static inline msio_status say_texts(fixture *f, const char *name, const msio_rows *rows, words *w) {
    w->at = 0;
    w->text[0] = '\0';
    return f->manager.layout->texts(&f->manager, fixture_find(f, name), rows, say_text, w);
}

static inline msio_status say_shapes(fixture *f, const char *name, const msio_rows *rows, words *w) {
    w->at = 0;
    w->text[0] = '\0';
    return f->manager.layout->shapes(&f->manager, fixture_find(f, name), rows, say_shape, w);
}

/* ---------------------------------------------------------------- damage */

/* Reads a run of rows of one shape as it is told. */
typedef struct run_reader {
    fixture *f;
    const msio_column_dat *column;
    const msio_rows *rows;
} run_reader;

static inline msio_status read_run(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    static uint8_t out[65536];
    run_reader *r = user;
    msio_rows part = msio_rows_part(r->rows, index, count);
    part.place_first = 0;
    return ndim < 0 ? MSIO_OK : read_cells(r->f, r->column, &part, ndim, shape, out, sizeof out);
}

static inline msio_status ignore_text(void *user, int64_t index, int ndim, const int64_t *shape, int64_t elements,
                                      const char *const *text, const int64_t *length) {
    (void)index, (void)shape, (void)ndim;
    for (int64_t i = 0; i < elements; i++) /* each byte must be there */
        for (int64_t k = 0; k < length[i]; k++) *(unsigned *)user += (unsigned char)text[i][k];
    return MSIO_OK;
}

/* Reads every cell of every column; the first failure. */
static inline msio_status read_everything(fixture *f) {
    const msio_layout *layout = f->manager.layout;
    msio_rows rows = all_rows(f->manager.rows);
    unsigned sum = 0;
    msio_status first = MSIO_OK, status;
    for (int i = 0; i < f->dat.columns; i++) {
        const msio_column_dat *c = &f->column[i];
        run_reader reader = {f, c, &rows};
        if (layout->refuses(&f->manager, c)) continue;
        if (c->type == MSIO_STRING)
            status = layout->texts(&f->manager, c, &rows, ignore_text, &sum);
        else if (c->kind == MSIO_KIND_SCALAR)
            status = read_run(&reader, 0, rows.count, 0, NULL);
        else
            status = layout->shapes(&f->manager, c, &rows, read_run, &reader);
        if (!first) first = status;
    }
    return first;
}

/* Loads and reads all; an error must have come with words. */
static inline msio_status load_and_read(fixture *f) {
    msio_status status = fixture_load(f);
    if (!status) status = read_everything(f);
    fixture_unload(f);
    if (status) {
        assert_int_equal(msio_last_error()->code, status);
        assert_true(strlen(msio_last_error()->message) > 0);
    }
    return status;
}

/* Changes each byte of [from, to) of a file in turn and reads all: every time a status comes back. Returns how many of
 * the changes were noticed. */
static inline int flip_bytes(fixture *f, const char *suffix, const uint8_t *bytes, int64_t from, int64_t to) {
    static const uint8_t changes[] = {0xff, 0x80, 0x01};
    int noticed = 0;
    for (int64_t i = from; i < to; i++) {
        for (size_t k = 0; k < sizeof changes; k++) {
            uint8_t byte = bytes[i] ^ changes[k];
            fixture_patch(f, suffix, &byte, 1, i);
            noticed += load_and_read(f) != MSIO_OK;
        }
        fixture_patch(f, suffix, &bytes[i], 1, i);
    }
    assert_int_equal(load_and_read(f), MSIO_OK);
    return noticed;
}

/* Changes each bit of the manager's part of table.dat in turn, and reads all. */
static inline void flip_blob(fixture *f) {
    for (int64_t i = 0; i < f->blob.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            f->blob.bytes[i] ^= (uint8_t)(1 << bit);
            load_and_read(f);
            f->blob.bytes[i] ^= (uint8_t)(1 << bit);
        }
    assert_int_equal(load_and_read(f), MSIO_OK);
}

/* A file cut at each of its bytes is an error. */
static inline void cut_anywhere(fixture *f, const char *suffix, const image *whole) {
    for (int64_t n = 0; n < whole->size; n++) {
        fixture_write(f, suffix, whole->bytes, n);
        assert_int_equal(load_and_read(f), MSIO_E_FORMAT);
    }
}

/* Every word of the main file in turn, but for what lies between its header and its buckets, says that there are very
 * many. */
static inline void put_enormous_counts(fixture *f, const image *whole, int64_t header_end) {
    static const uint64_t counts[] = {0x7fffffff, 0x80000000u, 0xffffffffu, 0x7fffffffffffffff, 0x8000000000000000u};
    uint8_t stored[8];
    for (int64_t i = 0; i + 8 <= whole->size; i++) {
        if (i == header_end) i = 512;
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            int bytes = counts[k] >> 32 ? 8 : 4;
            store(stored, counts[k], bytes, f->dat.big_endian);
            fixture_patch(f, "", stored, bytes, i);
            load_and_read(f);
            fixture_patch(f, "", whole->bytes + i, bytes, i);
        }
    }
    assert_int_equal(load_and_read(f), MSIO_OK);
}

#endif
