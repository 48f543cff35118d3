/* slice.c - numpy's slices, A:B:S. */
#include "cli/common/slice.h"

#include <errno.h>
#include <stdlib.h>

/* Reads an integer if there is one. Returns 1 when there was, 0 when not, -1 when it does not fit. */
static int take_integer(const char **text, int64_t *value) {
    char *end;
    if (**text != '-' && **text != '+' && (**text < '0' || **text > '9')) return 0;
    errno = 0;
    long long number = strtoll(*text, &end, 10);
    if (end == *text) return 0;
    if (errno || number == INT64_MIN) return -1;
    *text = end;
    *value = number;
    return 1;
}

const char *cli_slice_parse(const char *text, cli_slice *slice) {
    static const char wrong[] = "is no slice: A:B or A:B:S with whole numbers, each of which may be left out";
    cli_slice made = CLI_SLICE_ALL;
    made.given = 1;
    made.has_start = take_integer(&text, &made.start);
    if (made.has_start < 0) return wrong;
    if (*text == '\0' && made.has_start) {
        made.one = 1;
        *slice = made;
        return NULL;
    }
    if (*text++ != ':') return wrong;
    made.has_stop = take_integer(&text, &made.stop);
    if (made.has_stop < 0) return wrong;
    if (*text == ':') {
        text++;
        if (take_integer(&text, &made.step) < 0) return wrong;
    }
    if (*text != '\0') return wrong;
    if (made.step == 0) return "has a step of zero";
    *slice = made;
    return NULL;
}

/* One end of a slice, from the front and clipped to low .. high. */
static int64_t clip(int64_t index, int64_t length, int64_t low, int64_t high) {
    if (index < 0) index += length;
    return index < low ? low : index > high ? high : index;
}

int cli_slice_resolve(const cli_slice *slice, int64_t length, cli_range *range) {
    if (slice->one) {
        int64_t index = slice->start < 0 ? slice->start + length : slice->start;
        if (index < 0 || index >= length) return -1;
        *range = (cli_range){index, 1, 1};
        return 0;
    }
    int64_t step = slice->step, start, stop, count = 0;
    if (step > 0) {
        start = slice->has_start ? clip(slice->start, length, 0, length) : 0;
        stop = slice->has_stop ? clip(slice->stop, length, 0, length) : length;
        if (start < stop) count = (stop - start - 1) / step + 1;
    } else {
        start = slice->has_start ? clip(slice->start, length, -1, length - 1) : length - 1;
        stop = slice->has_stop ? clip(slice->stop, length, -1, length - 1) : -1;
        if (stop < start) count = (start - stop - 1) / -step + 1;
    }
    if (!count) start = 0;
    if (count <= 1) step = 1;
    *range = (cli_range){start, count, step};
    return 0;
}

cli_range cli_range_ascending(cli_range range) {
    if (range.step > 0) return range;
    return (cli_range){range.start + (range.count - 1) * range.step, range.count, -range.step};
}
