/* flags_file.c - files of flags: their head and their runs. */
#include "cli/change/flags_file.h"

#include "cli/change/crc32.h"
#include "cli/common/failure.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- numbers */

static void put(unsigned char *bytes, uint64_t value, int size) {
    for (int i = 0; i < size; i++) bytes[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *bytes, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++) value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

/* ---------------------------------------------------------------- the head */

void cli_flags_head_pack(const cli_flags_head *head, unsigned char bytes[CLI_FLAGS_HEAD]) {
    memset(bytes, 0, CLI_FLAGS_HEAD);
    memcpy(bytes, CLI_FLAGS_MAGIC, 8);
    put(bytes + 8, CLI_FLAGS_MAJOR, 4);
    put(bytes + 12, CLI_FLAGS_MINOR, 4);
    put(bytes + 16, (uint64_t)head->rows, 8);
    put(bytes + 24, (uint64_t)head->runs, 8);
    put(bytes + 32, (uint64_t)head->bits, 8);
    put(bytes + 40, (uint64_t)head->flag_row, 8);
    put(bytes + 48, cli_crc32(0, bytes, 48), 4);
}

const char *cli_flags_head_parse(const unsigned char bytes[CLI_FLAGS_HEAD], cli_flags_head *head) {
    if (memcmp(bytes, CLI_FLAGS_MAGIC, 8) != 0) return "this is no file of flags: its mark is not at its begin";
    if (get(bytes + 8, 4) > CLI_FLAGS_MAJOR)
        return "this file of flags was written by a newer msio, in a format that this one does not know; use that one";
    if (get(bytes + 48, 4) != cli_crc32(0, bytes, 48)) return "its head is damaged: the checksum differs";
    head->rows = (int64_t)get(bytes + 16, 8);
    head->runs = (int64_t)get(bytes + 24, 8);
    head->bits = (int64_t)get(bytes + 32, 8);
    head->flag_row = (int64_t)get(bytes + 40, 8);
    if (get(bytes + 8, 4) == 0 || head->rows < 0 || head->runs < 0 || head->runs > head->rows || head->bits < 0 ||
        (head->flag_row != 0 && head->flag_row != 1))
        return "its head is damaged: its numbers make no sense";
    return NULL;
}

/* ---------------------------------------------------------------- runs */

void cli_flags_runs_add(cli_flags_runs *runs, int64_t rows, int ndim, const int64_t *shape) {
    cli_flags_run *last = runs->count ? &runs->run[runs->count - 1] : NULL;
    size_t bytes = ndim > 0 ? (size_t)ndim * sizeof *shape : 0;
    if (last && last->ndim == ndim && (bytes == 0 || memcmp(last->shape, shape, bytes) == 0)) {
        last->rows += rows;
        return;
    }
    if (runs->count == runs->room) {
        runs->room = runs->room ? 2 * runs->room : 16;
        runs->run = cli_resize(runs->run, (size_t)runs->room, sizeof *runs->run);
    }
    last = &runs->run[runs->count++];
    *last = (cli_flags_run){.rows = rows, .ndim = ndim};
    if (bytes) memcpy(last->shape, shape, bytes);
}

int64_t cli_flags_run_elements(const cli_flags_run *run) {
    int64_t elements = run->ndim < 0 ? 0 : 1;
    for (int i = 0; i < run->ndim; i++) elements *= run->shape[i];
    return elements;
}

size_t cli_flags_run_pack(const cli_flags_run *run, unsigned char *bytes) {
    put(bytes, (uint64_t)run->rows, 8);
    put(bytes + 8, (uint64_t)(int64_t)run->ndim, 8);
    for (int i = 0; i < run->ndim; i++) put(bytes + 16 + 8 * i, (uint64_t)run->shape[i], 8);
    return 16 + 8 * (size_t)(run->ndim > 0 ? run->ndim : 0);
}

/* Rows and elements of a run that a file claims, with the sums checked. Returns 0, or -1. */
static int check_run(const cli_flags_run *run, const cli_flags_head *head, int64_t *rows, int64_t *bits) {
    int64_t elements = run->ndim < 0 ? 0 : 1;
    for (int i = 0; i < run->ndim; i++)
        if (run->shape[i] < 0 || __builtin_mul_overflow(elements, run->shape[i], &elements)) return -1;
    if (run->rows < 1 || run->rows > head->rows - *rows || __builtin_mul_overflow(elements, run->rows, &elements) ||
        elements > head->bits - *bits)
        return -1;
    *rows += run->rows;
    *bits += elements;
    return 0;
}

const char *cli_flags_runs_parse(const unsigned char *bytes, size_t length, const cli_flags_head *head,
                                 cli_flags_runs *runs) {
    static const char damaged[] = "the shapes that it lists make no sense: it is damaged";
    int64_t rows = 0, bits = 0;
    size_t at = 0;
    for (int64_t i = 0; i < head->runs; i++) {
        cli_flags_run run = {0};
        if (length - at < 16) return damaged;
        int64_t ndim = (int64_t)get(bytes + at + 8, 8);
        if (ndim < -1 || ndim > MSIO_MAX_NDIM) return damaged;
        run.rows = (int64_t)get(bytes + at, 8);
        run.ndim = (int)ndim;
        at += 16;
        if (ndim > 0 && length - at < 8 * (size_t)ndim) return damaged;
        for (int k = 0; k < run.ndim; k++, at += 8) run.shape[k] = (int64_t)get(bytes + at, 8);
        if (check_run(&run, head, &rows, &bits)) return damaged;
        cli_flags_runs_add(runs, run.rows, run.ndim, run.shape);
    }
    return at == length && rows == head->rows && bits == head->bits ? NULL : damaged;
}

void cli_flags_runs_free(cli_flags_runs *runs) {
    free(runs->run);
    *runs = (cli_flags_runs){0, 0, NULL};
}
