/* flags_keep.c - `msio flags --backup`: FLAG and FLAG_ROW of a whole table into a file that appears when it is whole.
 */
#include "cli/change/crc32.h"
#include "cli/change/flagging.h"
#include "cli/change/flags_file.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/output/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Flags that are read at once, a byte each. */
#define MOST_BYTES ((int64_t)16 << 20)
#define BUFFER 65536

/* A file that is written. */
typedef struct keeping {
    const cli_context *cli;
    cli_output output;
    cli_flags_head head;
    cli_flags_runs runs;
    uint32_t crc; /* of all after the head */
    unsigned char *buffer;
    size_t bytes; /* in it */
    int bit;      /* of the byte that is being filled */
} keeping;

static int put(keeping *k, const void *bytes, size_t length) {
    k->crc = cli_crc32(k->crc, bytes, length);
    return cli_output_write(k->cli, &k->output, bytes, length);
}

/* Flags of one byte each, packed after those before. */
static int pack(keeping *k, const unsigned char *flags, int64_t count) {
    int code = 0;
    for (int64_t i = 0; i < count && !code; i++) {
        if (k->bit == 0) k->buffer[k->bytes] = 0;
        k->buffer[k->bytes] |= (unsigned char)((flags[i] != 0) << k->bit);
        k->bit = (k->bit + 1) % 8;
        if (k->bit == 0 && ++k->bytes == BUFFER) {
            code = put(k, k->buffer, k->bytes);
            k->bytes = 0;
        }
    }
    return code;
}

/* What is in the buffer, to whole bytes. */
static int end_bits(keeping *k) {
    int code = put(k, k->buffer, k->bytes + (k->bit != 0));
    k->bytes = 0;
    k->bit = 0;
    return code;
}

static int keep_ragged(keeping *k, const msio_column *column, const msio_select *rows, const char *path) {
    msio_ragged cells;
    if (msio_read_ragged(column, rows, &cells, NULL)) return cli_fail_status(k->cli, path);
    for (int64_t i = 0; i < cells.cells; i++)
        cli_flags_runs_add(&k->runs, 1, cells.defined[i] ? cells.ndims[i] : -1, cells.shapes + i * MSIO_MAX_NDIM);
    int64_t bits = cells.offsets[cells.cells];
    k->head.bits += bits;
    int code = pack(k, cells.data, bits);
    msio_ragged_free(&cells);
    return code;
}

/* FLAG of some rows; *row_bytes: of one, where they have one shape. */
static int keep_rows(keeping *k, const msio_column *column, int64_t first, int64_t count, int64_t *row_bytes,
                     const char *path) {
    msio_select rows = MSIO_SELECT_ALL;
    msio_array cells;
    rows.row = first;
    rows.rows = count;
    msio_status status = msio_read_new(column, &rows, &cells, NULL);
    if (status == MSIO_E_SHAPE || status == MSIO_E_UNDEFINED) return keep_ragged(k, column, &rows, path);
    if (status) return cli_fail_status(k->cli, path);
    *row_bytes = (int64_t)cells.bytes / count;
    cli_flags_runs_add(&k->runs, count, cells.ndim - 1, cells.shape + 1);
    k->head.bits += (int64_t)cells.bytes;
    int code = pack(k, cells.data, (int64_t)cells.bytes);
    msio_array_free(&cells);
    return code;
}

static int keep_flag(keeping *k, const msio_column *column, const char *path) {
    int64_t row_bytes = 4096;
    int code = 0;
    for (int64_t at = 0, count; at < k->head.rows && !code; at += count) {
        count = MOST_BYTES / (row_bytes > 0 ? row_bytes : 1);
        if (count < 1) count = 1;
        if (count > k->head.rows - at) count = k->head.rows - at;
        code = cli_interrupted() ? CLI_INPUT : keep_rows(k, column, at, count, &row_bytes, path);
    }
    return code ? code : end_bits(k);
}

static int keep_flag_row(keeping *k, const msio_column *column, const char *path) {
    msio_array cells;
    if (!column) return 0;
    if (msio_read_new(column, NULL, &cells, NULL)) return cli_fail_status(k->cli, path);
    int code = pack(k, cells.data, (int64_t)cells.bytes);
    msio_array_free(&cells);
    return code ? code : end_bits(k);
}

static int keep_runs(keeping *k) {
    unsigned char bytes[8 * (2 + MSIO_MAX_NDIM)];
    int code = 0;
    for (int64_t i = 0; i < k->runs.count && !code; i++)
        code = put(k, bytes, cli_flags_run_pack(&k->runs.run[i], bytes));
    return code;
}

/* The checksum, and the head now that all of it is known. */
static int end_file(keeping *k) {
    unsigned char head[CLI_FLAGS_HEAD], crc[4];
    for (int i = 0; i < 4; i++) crc[i] = (unsigned char)(k->crc >> 8 * i);
    int code = cli_output_write(k->cli, &k->output, crc, sizeof crc);
    k->head.runs = k->runs.count;
    cli_flags_head_pack(&k->head, head);
    if (!code && fseeko(k->output.file, 0, SEEK_SET)) code = cli_fail_write(k->cli, k->output.path);
    if (!code) code = cli_output_write(k->cli, &k->output, head, sizeof head);
    if (!code && fseeko(k->output.file, 0, SEEK_END)) code = cli_fail_write(k->cli, k->output.path);
    return code ? code : cli_output_finish(k->cli, &k->output);
}

static int keep_all(keeping *k, const cli_flagging *f) {
    const unsigned char head[CLI_FLAGS_HEAD] = {0};
    const char *path = f->change.path;
    if (!cli_output_is_file(&k->output))
        return cli_fail(k->cli, MSIO_E_IO, f->backup, "this is no regular file: flags are not kept there");
    int code = cli_output_write(k->cli, &k->output, head, sizeof head);
    if (!code) code = keep_flag(k, f->change.column, path);
    if (!code) code = keep_flag_row(k, f->flag_row, path);
    if (!code) code = keep_runs(k);
    return code ? code : end_file(k);
}

int cli_flags_keep(cli_flagging *f) {
    keeping k = {.cli = f->change.cli, .output = CLI_OUTPUT_INIT};
    k.head.rows = msio_table_rows(f->change.table);
    k.head.flag_row = f->flag_row != NULL;
    k.buffer = cli_alloc(BUFFER + 1);
    if (strcmp(f->backup, "-") == 0) {
        free(k.buffer);
        return cli_usage(k.cli, "--backup wants a file");
    }
    int code = cli_output_open(k.cli, f->backup, &k.output);
    if (!code) code = keep_all(&k, f);
    if (!code)
        cli_note(k.cli, "flags of %s rows kept in %s (%s)", cli_count(k.head.rows).text, f->backup,
                 cli_size(k.output.written).text);
    cli_output_drop(&k.output);
    cli_flags_runs_free(&k.runs);
    free(k.buffer);
    return code;
}
