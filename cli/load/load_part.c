/* load_part.c - which part of a group is to be loaded: numpy's slices, made into the library's options. */
#include "cli/load/load_part.h"

#include "cli/common/failure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int cli_load_part_take(const cli_context *cli, cli_load_part *part, const char *option, const char *text) {
    int is_rows = strcmp(option, "rows") == 0, is_times = strcmp(option, "times") == 0;
    cli_slice *slice = is_rows                        ? &part->rows
                       : is_times                     ? &part->times
                       : strcmp(option, "chans") == 0 ? &part->chans
                                                      : &part->corrs;
    const char *wrong = cli_slice_parse(text, slice);
    if (wrong) return cli_usage(cli, "--%s %s %s", option, text, wrong);
    if (is_times && slice->step != 1)
        return cli_usage(cli, "--times takes integrations one after the other, A:B, not \"%s\"", text);
    if (!is_rows && slice->step < 0)
        return cli_usage(cli, "--%s %s goes backwards: what is loaded ascends", option, text);
    return 0;
}

static int no_index(const cli_context *cli, const cli_load_input *input, const char *what, const cli_slice *slice,
                    int64_t length) {
    return cli_fail(cli, MSIO_E_RANGE, cli_load_input_name(input), "%s %" PRId64 " asked for, there are %" PRId64, what,
                    slice->start, length);
}

static int set_rows(const cli_context *cli, const cli_load_input *input, cli_load_part *part, int64_t rows,
                    msio_load_opts *opts) {
    cli_range range;
    if (cli_slice_resolve(&part->rows, rows, &range)) return no_index(cli, input, "row", &part->rows, rows);
    if (range.step < 0 && range.count > 0) {
        part->row_list = cli_alloc_many((size_t)range.count, sizeof *part->row_list);
        for (int64_t i = 0; i < range.count; i++) part->row_list[i] = range.start + i * range.step;
        opts->row_list = part->row_list;
        opts->rows_in_list = range.count;
        return 0;
    }
    range = cli_range_ascending(range);
    opts->row = range.start;
    opts->rows = range.count;
    opts->row_step = range.step;
    return 0;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int64_t count_times(const msio_subbands *all) {
    double *times = cli_alloc_many((size_t)all->rows, sizeof *times);
    int64_t count = 0;
    if (all->rows) memcpy(times, all->times, (size_t)all->rows * sizeof *times);
    qsort(times, (size_t)all->rows, sizeof *times, by_value);
    for (int64_t i = 0; i < all->rows; i++) count += i == 0 || times[i] != times[i - 1];
    free(times);
    return count;
}

static int set_times(const cli_context *cli, const cli_load_input *input, const cli_load_part *part, int64_t times,
                     msio_load_opts *opts) {
    cli_range range;
    if (cli_slice_resolve(&part->times, times, &range)) return no_index(cli, input, "integration", &part->times, times);
    opts->time = range.start;
    opts->times = range.count;
    return 0;
}

/* Channels are counted within each subband. Where subbands differ in size, a slice means the same in all of them only
 * if it counts from the front. */
static int set_chans(const cli_context *cli, const cli_load_input *input, const cli_load_part *part,
                     const msio_subbands *all, msio_load_opts *opts) {
    const cli_slice *slice = &part->chans;
    int64_t least = all->subband[0].channels, most = least;
    cli_range range;
    for (int i = 1; i < all->subbands; i++) {
        if (all->subband[i].channels < least) least = all->subband[i].channels;
        if (all->subband[i].channels > most) most = all->subband[i].channels;
    }
    int from_end = (slice->has_start && slice->start < 0) || (slice->has_stop && slice->stop < 0);
    if (least != most && (from_end || (slice->has_stop && slice->stop > least)))
        return cli_usage(cli,
                         "--chans: the subbands have %" PRId64 " to %" PRId64
                         " channels; count from the front, within the smallest",
                         least, most);
    if (cli_slice_resolve(slice, least, &range)) return no_index(cli, input, "channel", slice, least);
    opts->chan = range.start;
    opts->chans = least != most && !slice->has_stop && !slice->one ? -1 : range.count;
    opts->chan_step = range.step;
    return 0;
}

static int set_corrs(const cli_context *cli, const cli_load_input *input, const cli_load_part *part, int64_t pols,
                     msio_load_opts *opts) {
    cli_range range;
    if (cli_slice_resolve(&part->corrs, pols, &range)) return no_index(cli, input, "correlation", &part->corrs, pols);
    opts->corr = range.start;
    opts->corrs = range.count;
    opts->corr_step = range.step;
    return 0;
}

int cli_load_part_resolve(const cli_context *cli, const cli_load_input *input, cli_load_part *part,
                          msio_load_opts *opts) {
    msio_subbands all = {0};
    if (part->rows.given && part->times.given)
        return cli_usage(cli, "--rows and --times are two ways to choose rows: give one of them");
    if (!part->rows.given && !part->times.given && !part->chans.given && !part->corrs.given) return 0;
    if (cli_load_input_read(input, 0, opts, &all)) return cli_fail_status(cli, cli_load_input_name(input));
    int code = 0;
    if (part->rows.given) code = set_rows(cli, input, part, all.rows, opts);
    if (part->times.given) code = set_times(cli, input, part, count_times(&all), opts);
    if (!code && part->chans.given) code = set_chans(cli, input, part, &all, opts);
    if (!code && part->corrs.given) code = set_corrs(cli, input, part, all.pols, opts);
    msio_subbands_free(&all);
    return code;
}

void cli_load_part_free(cli_load_part *part) {
    free(part->row_list);
    part->row_list = NULL;
}
