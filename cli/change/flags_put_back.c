/* flags_put_back.c - `msio flags --restore`: a file of flags, checked whole and against the table, then put back. */
#include "cli/change/crc32.h"
#include "cli/change/flagging.h"
#include "cli/change/flags_file.h"
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Flags that are put back at once, a byte each; and rows. */
#define MOST_BYTES ((int64_t)16 << 20)
#define MOST_ROWS 65536

/* A file that is read. */
typedef struct kept {
    cli_flagging *flagging;
    int fd;
    int64_t size;
    cli_flags_head head;
    cli_flags_runs runs;
} kept;

static int damaged(const kept *k, const char *why) {
    return cli_fail(k->flagging->change.cli, MSIO_E_FORMAT, k->flagging->restore, "%s; nothing was put back", why);
}

static int read_at(const kept *k, void *out, int64_t length, int64_t at) {
    for (int64_t done = 0; done < length;) {
        ssize_t got = pread(k->fd, (char *)out + done, (size_t)(length - done), (off_t)(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return cli_fail_system(k->flagging->change.cli, k->flagging->restore, "the file cannot be read");
        if (got == 0) return damaged(k, "it is cut short");
        done += got;
    }
    return 0;
}

static int64_t bytes_of(int64_t bits) { return bits / 8 + (bits % 8 != 0); }
static int64_t flag_row_at(const kept *k) { return CLI_FLAGS_HEAD + bytes_of(k->head.bits); }
static int64_t runs_at(const kept *k) { return flag_row_at(k) + (k->head.flag_row ? bytes_of(k->head.rows) : 0); }

/* ---------------------------------------------------------------- the file */

/* All after the head has the checksum at the end. */
static int check_sum(const kept *k) {
    enum { PART = 1 << 20 };
    unsigned char *part = cli_alloc(PART), end[4];
    uint32_t crc = 0;
    int code = 0;
    for (int64_t at = CLI_FLAGS_HEAD; at < k->size - 4 && !code; at += PART) {
        int64_t length = k->size - 4 - at < PART ? k->size - 4 - at : PART;
        code = read_at(k, part, length, at);
        if (!code) crc = cli_crc32(crc, part, (size_t)length);
    }
    free(part);
    if (!code) code = read_at(k, end, 4, k->size - 4);
    if (code) return code;
    uint32_t wanted = (uint32_t)end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 | (uint32_t)end[3] << 24;
    return crc == wanted ? 0 : damaged(k, "it is damaged: the checksum differs");
}

/* Room for what the head claims: never more than the file has. */
static int read_runs(kept *k) {
    if (k->head.bits / 8 > k->size || k->head.rows / 8 > k->size || runs_at(k) > k->size - 4)
        return damaged(k, "it is cut short, or its head is damaged");
    int64_t length = k->size - 4 - runs_at(k);
    if (k->head.runs > length / 16) return damaged(k, "it is cut short, or its head is damaged");
    unsigned char *bytes = cli_alloc((size_t)length);
    int code = read_at(k, bytes, length, runs_at(k));
    const char *wrong = code ? NULL : cli_flags_runs_parse(bytes, (size_t)length, &k->head, &k->runs);
    free(bytes);
    return wrong ? damaged(k, wrong) : code;
}

static int open_file(kept *k) {
    const cli_context *cli = k->flagging->change.cli;
    const char *path = k->flagging->restore, *wrong;
    unsigned char head[CLI_FLAGS_HEAD];
    struct stat there;
    k->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (k->fd < 0) return cli_fail_system(cli, path, "the file cannot be read");
    if (fstat(k->fd, &there) || !S_ISREG(there.st_mode))
        return cli_fail(cli, MSIO_E_IO, path, "this is no regular file");
    k->size = there.st_size;
    if (k->size < CLI_FLAGS_HEAD + 4) return damaged(k, "this is no file of flags, or it is cut short");
    int code = read_at(k, head, CLI_FLAGS_HEAD, 0);
    if (code) return code;
    if ((wrong = cli_flags_head_parse(head, &k->head))) return damaged(k, wrong);
    if ((code = check_sum(k))) return code;
    return read_runs(k);
}

/* ---------------------------------------------------------------- against the table */

static int misfit(const kept *k, const char *message) {
    return cli_change_refuse(k->flagging->change.cli, MSIO_E_SHAPE, k->flagging->restore, message);
}

/* The file's runs, row after row. */
typedef struct place {
    int64_t run, row; /* rows of that run that are behind */
} place;

static int differs_at(const kept *k, int64_t row) {
    char message[200];
    snprintf(message, sizeof message,
             "these are another table's flags: the cell of FLAG in row %" PRId64 " has another "
             "shape here; nothing was put back",
             row);
    return misfit(k, message);
}

/* Whether the next `rows` rows of the file have that shape (ndim -1: were never written). */
static int check_rows(const kept *k, place *at, int64_t first, int64_t rows, int ndim, const int64_t *shape) {
    for (int64_t done = 0; done < rows;) {
        const cli_flags_run *run = &k->runs.run[at->run];
        int64_t part = run->rows - at->row < rows - done ? run->rows - at->row : rows - done;
        if (run->ndim != ndim || (ndim > 0 && memcmp(run->shape, shape, (size_t)ndim * sizeof *shape) != 0))
            return differs_at(k, first + done);
        done += part;
        at->row += part;
        if (at->row == run->rows) *at = (place){at->run + 1, 0};
    }
    return 0;
}

static int check_ragged(const kept *k, place *at, const msio_select *rows) {
    const cli_change *change = &k->flagging->change;
    msio_ragged cells;
    int code = 0;
    if (msio_read_ragged(change->column, rows, &cells, NULL)) return cli_fail_status(change->cli, change->path);
    for (int64_t i = 0; i < cells.cells && !code; i++)
        code = check_rows(k, at, rows->row + i, 1, cells.defined[i] ? cells.ndims[i] : -1,
                          cells.shapes + i * MSIO_MAX_NDIM);
    msio_ragged_free(&cells);
    return code;
}

/* How many rows from a place on fit into memory together. */
static int64_t rows_together(const kept *k, place at) {
    int64_t rows = 0, bytes = 0;
    while (at.run < k->runs.count && rows < MOST_ROWS && bytes < MOST_BYTES) {
        const cli_flags_run *run = &k->runs.run[at.run];
        int64_t cell = cli_flags_run_elements(run), left = run->rows - at.row;
        int64_t fit = cell ? (MOST_BYTES - bytes) / cell : left;
        if (fit == 0 && rows == 0) fit = 1;
        if (fit > MOST_ROWS - rows) fit = MOST_ROWS - rows;
        if (fit > left) fit = left;
        if (fit == 0) break;
        rows += fit;
        bytes += fit * cell;
        at.row += fit;
        if (at.row == run->rows) at = (place){at.run + 1, 0};
    }
    return rows;
}

static int check_shapes(const kept *k) {
    const cli_change *change = &k->flagging->change;
    place at = {0, 0};
    int code = 0;
    for (int64_t first = 0, count; first < k->head.rows && !code; first += count) {
        msio_select rows = MSIO_SELECT_ALL;
        int64_t shape[MSIO_MAX_NDIM + 1];
        int ndim;
        size_t bytes;
        rows.row = first;
        rows.rows = count = rows_together(k, at);
        if (cli_interrupted()) return CLI_INPUT;
        msio_status status = msio_read_shape(change->column, &rows, &ndim, shape, &bytes);
        if (status == MSIO_OK)
            code = check_rows(k, &at, first, count, ndim - 1, shape + 1);
        else if (status == MSIO_E_SHAPE || status == MSIO_E_UNDEFINED)
            code = check_ragged(k, &at, &rows);
        else
            code = cli_fail_status(change->cli, change->path);
    }
    return code;
}

static int check_table(const kept *k) {
    cli_flagging *f = k->flagging;
    int64_t rows = msio_table_rows(f->change.table);
    char message[200];
    if (rows != k->head.rows) {
        snprintf(message, sizeof message,
                 "these are another table's flags: of %" PRId64 " rows, there are %" PRId64
                 " here; nothing was put back",
                 k->head.rows, rows);
        return misfit(k, message);
    }
    if (k->head.flag_row && !f->ignore_flag_row && !f->flag_row)
        return misfit(k, "it keeps FLAG_ROW too, which the table lacks; --no-flag-row puts FLAG back alone");
    return check_shapes(k);
}

/* ---------------------------------------------------------------- putting back */

/* Bits from bit `first` of the bytes at `at` of the file on, a byte each. */
static int unpack(const kept *k, int64_t at, int64_t first, int64_t count, unsigned char *out) {
    int64_t begin = first / 8, length = bytes_of(first % 8 + count);
    if (count == 0) return 0;
    unsigned char *bytes = cli_alloc((size_t)length);
    int code = read_at(k, bytes, length, at + begin);
    for (int64_t i = 0; i < count && !code; i++) {
        int64_t bit = first % 8 + i;
        out[i] = bytes[bit / 8] >> bit % 8 & 1;
    }
    free(bytes);
    return code;
}

/* Rows of one shape among some that are put back together. */
typedef struct part {
    const cli_flags_run *run;
    int64_t first, rows; /* of the table */
    int64_t bit;         /* among the flags that are put back together */
    int done;
} part;

static int same_shape(const cli_flags_run *a, const cli_flags_run *b) {
    return a->ndim == b->ndim && memcmp(a->shape, b->shape, sizeof a->shape) == 0;
}

/* One write for all parts of one shape. */
static int put_shape(const kept *k, part *parts, int64_t from, int64_t count, const unsigned char *flags, int dry) {
    cli_change *change = &k->flagging->change;
    int64_t cell = cli_flags_run_elements(parts[from].run), rows = 0, at = 0;
    for (int64_t i = from; i < count; i++)
        if (!parts[i].done && same_shape(parts[from].run, parts[i].run)) rows += parts[i].rows;
    int64_t *list = cli_alloc_many((size_t)rows, sizeof *list);
    unsigned char *cells = dry ? NULL : cli_alloc_many((size_t)rows, (size_t)cell);
    const cli_flags_run *run = parts[from].run;
    for (int64_t i = from; i < count; i++) {
        part *p = &parts[i];
        if (p->done || !same_shape(run, p->run)) continue;
        if (cells) memcpy(cells + at * cell, flags + p->bit, (size_t)(p->rows * cell));
        for (int64_t r = 0; r < p->rows; r++) list[at++] = p->first + r;
        p->done = 1;
    }
    msio_select select = MSIO_SELECT_ALL;
    select.row_list = list;
    select.rows_in_list = rows;
    int code = 0;
    if (dry)
        code = cli_change_plan(change, change->column, &select);
    else if (cell && msio_write(change->column, &select, cells, (size_t)(rows * cell), &change->opts))
        code = cli_fail_status(change->cli, change->path);
    else
        change->before += rows * cell;
    free(cells);
    free(list);
    return code;
}

/* The parts of `rows` rows from a place on; moves it on. Returns how many there are. */
static int64_t take_parts(const kept *k, place *at, int64_t first, int64_t rows, part *parts, int64_t *bits) {
    int64_t found = 0;
    *bits = 0;
    for (int64_t done = 0; done < rows; found++) {
        const cli_flags_run *run = &k->runs.run[at->run];
        int64_t fit = run->rows - at->row < rows - done ? run->rows - at->row : rows - done;
        parts[found] = (part){run, first + done, fit, *bits, run->ndim < 0};
        *bits += fit * cli_flags_run_elements(run);
        done += fit;
        at->row += fit;
        if (at->row == run->rows) *at = (place){at->run + 1, 0};
    }
    return found;
}

static int put_flag(const kept *k, int dry) {
    place at = {0, 0};
    part *parts = cli_alloc_many(MOST_ROWS, sizeof *parts);
    int64_t bit = 0, bits;
    int code = 0;
    for (int64_t first = 0, count; first < k->head.rows && !code; first += count) {
        count = rows_together(k, at);
        int64_t found = take_parts(k, &at, first, count, parts, &bits);
        unsigned char *flags = dry ? NULL : cli_alloc((size_t)bits);
        if (flags) code = unpack(k, CLI_FLAGS_HEAD, bit, bits, flags);
        for (int64_t i = 0; i < found && !code; i++)
            if (!parts[i].done) code = put_shape(k, parts, i, found, flags, dry);
        free(flags);
        bit += bits;
        if (!code && cli_interrupted()) code = CLI_INPUT;
    }
    free(parts);
    return code;
}

static int put_flag_row(const kept *k, int dry) {
    cli_flagging *f = k->flagging;
    if (!k->head.flag_row || !f->flag_row) return 0;
    unsigned char *wanted = cli_alloc((size_t)k->head.rows);
    int code = unpack(k, flag_row_at(k), 0, k->head.rows, wanted);
    if (!code) code = cli_flag_row_put(f, &f->change.selection, wanted, 0, dry);
    free(wanted);
    return code;
}

int cli_flags_put_back(cli_flagging *f, int dry) {
    kept k = {.flagging = f, .fd = -1};
    int code = open_file(&k);
    if (!code) code = check_table(&k);
    if (!code) code = put_flag(&k, dry);
    if (!code) code = put_flag_row(&k, dry);
    cli_flags_runs_free(&k.runs);
    if (k.fd >= 0) close(k.fd);
    return code;
}
