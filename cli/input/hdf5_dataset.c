/* hdf5_dataset.c - the dataset that the user names, and the part of it that is wanted. */
#include "cli/input/hdf5_dataset.h"

#include "cli/common/failure.h"
#include "cli/input/hdf5_near.h"
#include "cli/input/opening.h"

#include <inttypes.h>
#include <string.h>

/* ---------------------------------------------------------------- UVH5 */

int cli_hdf5_is_data(const char *name) {
    return strcmp(name, "Data/visdata") == 0 || strcmp(name, "Data/flags") == 0 || strcmp(name, "Data/nsamples") == 0;
}

int cli_hdf5_is_uvh5(const char *const *names, int count) {
    int header = 0, visibilities = 0;
    for (int i = 0; i < count; i++) {
        header |= strncmp(names[i], "Header/", strlen("Header/")) == 0;
        visibilities |= strcmp(names[i], "Data/visdata") == 0;
    }
    return header && visibilities;
}

/* ---------------------------------------------------------------- opening */

int cli_dataset_open(const cli_context *cli, const char *path, const char *name, cli_dataset *dataset) {
    const char *const *names;
    int count, code = cli_hdf5_open(cli, path, &dataset->file);
    dataset->path = path;
    if (code) return code;
    if (msio_hdf5_names(dataset->file, &count, &names)) return cli_fail_status(cli, path);
    while (*name == '/') name++;
    msio_status status = msio_hdf5_dataset(dataset->file, name, &dataset->dataset);
    if (status == MSIO_E_NO_COLUMN) return cli_hdf5_tell_near(cli, path, name, names, count);
    if (status) return cli_fail_status(cli, path);
    dataset->info = msio_dataset_describe(dataset->dataset);
    if (!dataset->info) return cli_fail_status(cli, path);
    if (dataset->info->ndim == 4 && dataset->info->shape[1] == 1 && cli_hdf5_is_data(dataset->info->name) &&
        cli_hdf5_is_uvh5(names, count))
        dataset->left_out = 1;
    return 0;
}

void cli_dataset_close(cli_dataset *dataset) {
    msio_hdf5_close(dataset->file);
    dataset->file = NULL;
}

/* ---------------------------------------------------------------- selecting */

/* The library takes a part of the first axis, of the last of two or more, and of the one before it of three or more (of
 * strings, only of the first); what is wanted of other axes, and backwards, is taken from what it delivers. */
static void ask(cli_dataset *d, int axis) {
    int last = d->info->ndim - 1, asked = d->info->type != MSIO_STRING && axis >= last - 1;
    cli_range wanted = d->range[axis], up = cli_range_ascending(wanted);
    if (wanted.step < 0) d->rearranged = 1;
    if (axis == 0) return;
    d->came[axis] = asked ? wanted.count : d->info->shape[axis];
    d->local[axis] = wanted;
    if (!asked) {
        if (wanted.count != d->info->shape[axis]) d->rearranged = 1;
        return;
    }
    d->local[axis].start = wanted.step < 0 ? wanted.count - 1 : 0;
    d->local[axis].step = wanted.step < 0 ? -1 : 1;
    if (axis == last) {
        d->select.corr = up.start;
        d->select.corrs = up.count;
        d->select.corr_step = up.step;
    } else {
        d->select.chan = up.start;
        d->select.chans = up.count;
        d->select.chan_step = up.step;
    }
}

/* Elements a row, of the result and of what comes. Returns -1 where they, or the bytes of all rows, cannot be counted.
 */
static int count_places(cli_dataset *d) {
    int64_t all;
    d->places = d->places_read = 1;
    for (int axis = 1; axis < d->info->ndim; axis++)
        if (__builtin_mul_overflow(d->places, d->range[axis].count, &d->places) ||
            __builtin_mul_overflow(d->places_read, d->came[axis], &d->places_read))
            return -1;
    return __builtin_mul_overflow(d->places_read, 2 * (int64_t)sizeof(double), &all) ||
                   __builtin_mul_overflow(all, d->rows, &all)
               ? -1
               : 0;
}

/* Slices that name an axis which is not there. */
static int check_axes(const cli_context *cli, const cli_dataset *d, const cli_slice *const slices[3], int ndim) {
    static const char *const options[] = {"rows", "chans", "corrs"};
    for (int i = ndim; i < 3; i++) {
        if (!slices[i]->given) continue;
        if (ndim == 0) return cli_usage(cli, "--%s: %s is a single value", options[i], d->info->name);
        return cli_usage(cli, "--%s: %s has %s", options[i], d->info->name,
                         ndim == 1 ? "one axis, which is --rows" : "two axes, which are --rows and --chans");
    }
    return 0;
}

int cli_dataset_select(const cli_context *cli, cli_dataset *d, const cli_selection *selection) {
    static const char *const words[] = {"row", "channel", "correlation"};
    const cli_slice *const slices[] = {&selection->rows, &selection->chans, &selection->corrs};
    const msio_dataset_info *info = d->info;
    int code = check_axes(cli, d, slices, info->ndim - (d->left_out >= 0));
    if (code) return code;
    d->ndim = 0;
    for (int axis = 0; axis < info->ndim; axis++) {
        int place = d->ndim;
        d->range[axis] = (cli_range){0, info->shape[axis], 1};
        if (axis != d->left_out && place < 3 && cli_slice_resolve(slices[place], info->shape[axis], &d->range[axis]))
            return cli_fail(cli, MSIO_E_RANGE, d->path, "%s %" PRId64 " of %s asked for, there are %" PRId64,
                            words[place], slices[place]->start, info->name, info->shape[axis]);
        ask(d, axis);
        if (axis != d->left_out) d->shape[d->ndim++] = d->range[axis].count;
    }
    d->rows = d->ndim ? d->shape[0] : 1;
    if (!count_places(d)) return 0;
    return cli_fail(cli, MSIO_E_FORMAT, d->path, "%s has more elements than can be counted", info->name);
}

msio_select cli_dataset_part(const cli_dataset *d, int64_t first, int64_t count) {
    msio_select part = d->select;
    if (d->info->ndim == 0) return part;
    cli_range range = d->range[0];
    range.start += first * range.step;
    range.count = count;
    range = cli_range_ascending(range);
    part.row = range.start;
    part.rows = range.count;
    part.row_step = range.step;
    return part;
}

/* ---------------------------------------------------------------- arranging */

typedef struct arrangement {
    const cli_dataset *dataset;
    size_t element;
    int64_t stride[MSIO_MAX_NDIM]; /* bytes from one place of an axis to the next, in what came */
    char *to;
} arrangement;

static void arrange_axis(arrangement *a, int axis, cli_range range, const char *from) {
    int last = a->dataset->info->ndim - 1;
    if (axis == last && range.step == 1) {
        size_t bytes = (size_t)range.count * a->element;
        memcpy(a->to, from + range.start * a->stride[axis], bytes);
        a->to += bytes;
        return;
    }
    for (int64_t i = 0; i < range.count; i++) {
        const char *place = from + (range.start + i * range.step) * a->stride[axis];
        if (axis < last) {
            arrange_axis(a, axis + 1, a->dataset->local[axis + 1], place);
        } else {
            memcpy(a->to, place, a->element);
            a->to += a->element;
        }
    }
}

void cli_dataset_arrange(const cli_dataset *d, int64_t rows, const void *from, size_t element, void *to) {
    arrangement a = {.dataset = d, .element = element, .to = to};
    int ndim = d->info->ndim;
    int64_t stride = (int64_t)element;
    if (rows == 0 || d->places == 0) return;
    if (ndim == 0) {
        memcpy(to, from, element);
        return;
    }
    for (int axis = ndim - 1; axis >= 0; axis--) {
        a.stride[axis] = stride;
        stride *= axis ? d->came[axis] : 1;
    }
    int back = d->range[0].step < 0;
    arrange_axis(&a, 0, (cli_range){back ? rows - 1 : 0, rows, back ? -1 : 1}, from);
}
