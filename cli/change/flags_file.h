/* flags_file.h - files of flags: FLAG and FLAG_ROW of a table, a bit each (docs/formats.md, "Files of flags").
 *
 * Little-endian. A head; the bits of FLAG, cell after cell in the order of rows, the first in a byte's lowest bit;
 * those of FLAG_ROW; runs of rows whose cells have one shape; a checksum of all after the head.
 */
#ifndef MSIO_CLI_FLAGS_FILE_H
#define MSIO_CLI_FLAGS_FILE_H

#include "msio/core.h"

#include <stddef.h>
#include <stdint.h>

#define CLI_FLAGS_MAGIC "MSIOFLAG"
#define CLI_FLAGS_MAJOR 1
#define CLI_FLAGS_MINOR 0
/* The head: magic, u32 major, u32 minor, i64 rows, i64 runs, i64 bits of FLAG, i64 1 when FLAG_ROW is there, u32
 * CRC-32 of the head so far, u32 0. */
#define CLI_FLAGS_HEAD 56

typedef struct cli_flags_head {
    int64_t rows, runs, bits, flag_row;
} cli_flags_head;

/* Rows, one after the other, whose cells have one shape. In the file: i64 rows, i64 axes (-1: never written), i64
 * lengths, numpy order. */
typedef struct cli_flags_run {
    int64_t rows;
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];
} cli_flags_run;

typedef struct cli_flags_runs {
    int64_t count, room;
    cli_flags_run *run;
} cli_flags_runs;

void cli_flags_head_pack(const cli_flags_head *head, unsigned char bytes[CLI_FLAGS_HEAD]);
/* Returns NULL, or what is wrong: no such file, damaged, of a newer version. */
const char *cli_flags_head_parse(const unsigned char bytes[CLI_FLAGS_HEAD], cli_flags_head *head);

/* Rows at the end; joined to the last run where they have its shape. */
void cli_flags_runs_add(cli_flags_runs *runs, int64_t rows, int ndim, const int64_t *shape);
int64_t cli_flags_run_elements(const cli_flags_run *run); /* of one cell; 0 when it was never written */
/* A run's bytes in the file: at most 8 * (2 + MSIO_MAX_NDIM). Returns how many. */
size_t cli_flags_run_pack(const cli_flags_run *run, unsigned char *bytes);
/* Reads all runs of a head. Returns NULL, or what is wrong. */
const char *cli_flags_runs_parse(const unsigned char *bytes, size_t length, const cli_flags_head *head,
                                 cli_flags_runs *runs);
void cli_flags_runs_free(cli_flags_runs *runs);

#endif
