/* slice.h - numpy's slices, A:B:S. */
#ifndef MSIO_CLI_SLICE_H
#define MSIO_CLI_SLICE_H

#include <stdint.h>

/* A slice as it was written; nothing given is everything. */
typedef struct cli_slice {
    int given;
    int has_start, has_stop;
    int one; /* a single index, A: the slice A:A+1, which must exist */
    int64_t start, stop, step;
} cli_slice;
#define CLI_SLICE_ALL                                                                                                  \
    { 0, 0, 0, 0, 0, 0, 1 }

/* What a slice of an axis takes: start, start + step, ... count of them; all within the axis. */
typedef struct cli_range {
    int64_t start, count, step;
} cli_range;

/* Reads "A:B", "A:B:S" (each part may be left out) or "A". Returns NULL, or what is wrong with the text. */
const char *cli_slice_parse(const char *text, cli_slice *slice);
/* The slice of an axis of that length, by numpy's rules. Returns 0, or -1 for a single index that is not there. */
int cli_slice_resolve(const cli_slice *slice, int64_t length, cli_range *range);
/* The same elements in ascending order: for a negative step, from the other end. An empty range starts at 0. */
cli_range cli_range_ascending(cli_range range);

#endif
